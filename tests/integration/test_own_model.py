"""A model that `backsight train STUDY` wrote assesses a recording: page and JSON say whose scores they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.composition import assess_landmarks
from backsight.datasets.study import write_study
from backsight.domain.assessment import Assessment, IndexVerdict
from backsight.domain.recording import Exercise
from backsight.domain.sequences import ImageStatistics, PoseTrack
from backsight.domain.study import FoundBy, ScoreScale, Study, StudyClip
from backsight.errors import InputError
from backsight.exports.json_file import SCHEMA_PATH, assessment_to_dict
from backsight.reporting.report import write_report
from backsight.simulation.cohort import simulate_recording
from backsight.training.fitted_file import read_fitted, write_fitted

N_PEOPLE, SEED = 12, 2029
RUN = CliRunner()


def track_of(person: int) -> PoseTrack:
    pose = simulate_recording(person, Exercise.TOUCH_TOES, seed=SEED, fps=30.0).pose
    nothing = np.zeros(pose.n_frames)
    return PoseTrack(pose=pose, n_people=nothing + 1.0, changed_person=nothing > 0.0, images=ImageStatistics())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a study of people who touch their toes."""
    folder = tmp_path_factory.mktemp("own")
    recordings = [simulate_recording(person, Exercise.TOUCH_TOES, seed=SEED, fps=30.0) for person in range(N_PEOPLE)]
    clips = tuple(
        StudyClip(
            f"person {number}",
            "touch toes",
            one.pose,
            score=round(50.0 * (1.0 - one.index), 1),
            found_by=FoundBy("full", "openvino"),
        )
        for number, one in enumerate(recordings)
    )
    scale = ScoreScale(best=50.0, worst=0.0, unit="points of the clinic")
    write_study(Study("clinic", clips, scale, source="made up for a test"), folder / "study")
    return folder


def train(folder: Path, name: str, *options: str) -> Path:
    out = folder / name
    words = ["train", str(folder / "study" / "study.csv"), "--learner", "kinematic", "--out", str(out), "--quiet"]
    places = ["--runs", str(folder / "runs"), "--work", str(folder / "work")]
    done = RUN.invoke(app, [*words, *places, *options])
    assert done.exit_code == 0, done.output
    return out


def assess(model: Path, *, pose_model: str = "full") -> Assessment:
    return assess_landmarks(track_of(N_PEOPLE), exercise=Exercise.TOUCH_TOES, model=model, pose_model=pose_model)


def test_a_model_of_ones_own_study_assesses_a_new_person(folder: Path, tmp_path: Path) -> None:
    # Judging takes half a minute; what it finds is written in by hand.
    rows = [
        {"kind": "learner", "learner": name, "mad": {"value": off}} for name, off in (("median", 9), ("kinematic", 4))
    ]
    content = replace(
        read_fitted(train(folder, "made.backsight", "--no-evaluate")), half_width=5.0, figures={"rows": rows}
    )
    write_fitted(folder / "judged.backsight", content)

    assessment = assess(folder / "judged.backsight")

    part = assessment.exercises[0]
    assert part.explanation is not None
    assert part.interval is not None
    document = json.loads(json.dumps(assessment_to_dict(assessment)))
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(document)
    assert document["model"]["score_scale"]["unit"] == "points of the clinic"
    write_report(tmp_path / "report.html", assessment, overlays={}, stills={})
    page = (tmp_path / "report.html").read_text()
    score = f"{50.0 * (1.0 - assessment.index):.3g} points of the clinic ("
    assert f"The model’s score: {score}" in page
    assert "Fitted to the study “study” (12 recordings of 12 people)" in page
    assert "it was off by 4 points of the clinic; giving everybody the median is off by 9." in page
    low, high = (50.0 * (1.0 - end) for end in (part.interval.high, part.interval.low))
    assert high - low == pytest.approx(10.0)
    assert f"({low:.3g} to {high:.3g}) on the study’s scale from 0 (worst) to 50 (best)" in page
    assert "no diagnosis" in page
    assert "What moved the index" in page


def test_landmarks_of_another_blazepose_than_the_study_s_give_no_interval_and_no_verdict(
    folder: Path, tmp_path: Path
) -> None:
    # As if it had been judged, and so well that any verdict is certain.
    content = replace(
        read_fitted(train(folder, "full.backsight", "--no-evaluate")), half_width=0.1, figures={"beats_median": True}
    )
    write_fitted(folder / "full-judged.backsight", content)

    same, other = (assess(folder / "full-judged.backsight", pose_model=name) for name in ("full", "lite"))

    assert same.verdict is not IndexVerdict.CANNOT_TELL
    assert "found by BlazePose full, as this recording's were" in same.model.text
    assert other.verdict is IndexVerdict.CANNOT_TELL
    assert other.index == same.index
    assert other.interval is None
    assert other.exercises[0].interval is None
    assert other.reason.startswith("BlazePose lite finds the landmarks here, but the study's were found by BlazePose f")
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(assessment_to_dict(other))
    write_report(tmp_path / "report.html", other, overlays={}, stills={})
    assert "assess with `--pose-model full`, or train on" in (tmp_path / "report.html").read_text()


def test_a_model_that_was_never_judged_tells_no_verdict(folder: Path, tmp_path: Path) -> None:
    assessment = assess(train(folder, "unjudged.backsight", "--no-evaluate"))

    assert assessment.index is not None
    assert assessment.interval is None
    assert assessment.verdict is IndexVerdict.CANNOT_TELL
    assert "never judged on people whom it had not seen" in assessment.reason
    jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text())).validate(assessment_to_dict(assessment))
    write_report(tmp_path / "report.html", assessment, overlays={}, stills={})
    assert "Cannot tell" in (tmp_path / "report.html").read_text()


def test_what_the_study_never_saw_is_refused_before_anything_is_watched(folder: Path) -> None:
    model = train(folder, "again.backsight", "--no-evaluate")
    expected = r"again\.backsight: expected a model that has learnt walk, got one of touch.toes"
    with pytest.raises(InputError, match=expected):
        assess_landmarks(track_of(0), exercise=Exercise.WALK, model=model)
    done = RUN.invoke(app, ["assess", "not-there.mp4", "--exercise", "walk", "--model", str(model), "--quiet"])
    assert isinstance(done.exception, InputError)
    assert "has learnt walk" in str(done.exception)


def test_it_is_listed_with_what_it_has_learnt(folder: Path) -> None:
    train(folder, "listed.backsight", "--no-evaluate")
    done = RUN.invoke(app, ["models", "list", "--folder", str(folder)])
    line = next(line for line in done.output.splitlines() if "listed.backsight" in line)
    assert "`kinematic`, fitted to 12 people of study: touch" in line
