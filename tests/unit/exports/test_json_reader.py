"""Reading an assessment's JSON back: nothing is lost but the landmarks, which come from elsewhere."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from backsight.domain.assessment import Assessment, Contribution, Explanation, ModelCard
from backsight.domain.recording import Exercise
from backsight.domain.study import ScoreScale
from backsight.errors import InputError
from backsight.exports.json_file import assessment_to_dict
from backsight.exports.json_reader import Landmarks, assessment_from_dict, model_from_dict
from tests.assessments import make_assessment, make_exercise


def landmarks_of(assessment: Assessment) -> dict[Exercise, Landmarks]:
    return {part.exercise: Landmarks(part.pose, part.features) for part in assessment.exercises}


def explained() -> Assessment:
    """Return an assessment in which every field holds something, one exercise of it unusable."""
    one = Contribution("lean_deg", "Lean", "trunk", "deg", 4.0, -1.0, 1.0, 0.12, from_s=0.5)
    part = make_exercise(Exercise.WALK, index=0.41, notes=("A note.",))
    part = replace(
        part,
        explanation=Explanation(0.3, (one, replace(one, value=math.nan, usual_low=math.nan)), n_missing=2, how="So."),
        source=replace(part.source, crop=(1, 2, 300, 400), fps=math.nan),
    )
    assessment = make_assessment([make_exercise(Exercise.TOUCH_TOES), part, make_exercise(Exercise.JUMP, index=None)])
    card = replace(
        assessment.model,
        interval_level=0.8,
        score_scale=ScoreScale(best=0.0, worst=7.0, unit="steps", is_binary=True),
        unfamiliar_above=0.97,
        unfamiliar_meaning="of them",
        session_half_widths=(("touch-toes+walk", 0.11), ("walk", 0.2)),
        exercise_weights=(("touch-toes", 0.4), ("walk", 0.1), ("jump", 0.0)),
    )
    return replace(assessment, model=card, height_m=1.71, pose_model="full", pose_engine="openvino")


def test_a_document_read_and_written_again_is_the_same() -> None:
    assessment = explained()
    document = json.loads(json.dumps(assessment_to_dict(assessment)))
    assert assessment_to_dict(assessment_from_dict(document, landmarks=landmarks_of(assessment))) == document


def test_null_is_nan_in_a_measurement_and_an_open_end_in_its_norm() -> None:
    assessment = explained()
    read = assessment_from_dict(assessment_to_dict(assessment), landmarks=landmarks_of(assessment))
    speed, symmetry = read.exercises[1].measurements
    assert speed.norm is not None
    assert (speed.norm.low, speed.norm.high) == (1.05, math.inf)
    assert math.isnan(symmetry.value)
    assert read.model == assessment.model


def test_a_model_of_an_older_document_has_the_usual_rules() -> None:
    document = assessment_to_dict(explained())["model"]
    for name in ("session_half_widths", "exercise_weights", "unfamiliar_above", "unfamiliar_meaning"):
        del document[name]
    usual = ModelCard("a", "1", "b", "c", interval_half_width=0.18, text="d")
    assert model_from_dict(document).unfamiliar_above == usual.unfamiliar_above
    assert model_from_dict(document).session_half_widths == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": "something.else"}, "must be backsight.assessment 2"),
        ({"schema_version": "1.0"}, "made by another version"),
        ({"session": {}}, "'index' is missing"),
    ],
)
def test_another_shape_is_refused_in_one_line(change: dict[str, object], told: str) -> None:
    assessment = explained()
    with pytest.raises(InputError, match=told):
        assessment_from_dict(assessment_to_dict(assessment) | change, landmarks=landmarks_of(assessment))


def test_an_exercise_without_landmarks_is_named() -> None:
    assessment = explained()
    given = landmarks_of(assessment)
    del given[Exercise.WALK]
    with pytest.raises(InputError, match="those of walk, got touch-toes, jump"):
        assessment_from_dict(assessment_to_dict(assessment), landmarks=given)
