"""assessment.json: valid against its published schema in every variant, honest about what is missing."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from backsight.domain.assessment import Assessment, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.errors import OutputError
from backsight.exports.json_file import SCHEMA_PATH, assessment_to_dict, write_json
from tests.assessments import every_variant, make_assessment, make_exercise

SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_itself_is_a_valid_2020_12_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def _objects(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for item in node for found in _objects(item)]
    if not isinstance(node, dict):
        return []
    own = [node] if "properties" in node and node.get("type") == "object" else []
    return own + [found for item in node.values() for found in _objects(item)]


def test_every_object_in_the_schema_is_closed_and_requires_all_its_fields() -> None:
    objects = _objects(SCHEMA)

    assert len(objects) >= 12
    for described in objects:
        assert described["additionalProperties"] is False
        assert set(described["required"]) == set(described["properties"])


@pytest.mark.parametrize("assessment", [pytest.param(value, id=name) for name, value in every_variant().items()])
def test_every_variant_is_valid(assessment: Assessment) -> None:
    document = assessment_to_dict(assessment)

    VALIDATOR.validate(document)
    # Strict JSON: would raise on NaN or infinity.
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_session_counts_what_is_usable_and_is_unusable_only_where_nothing_is() -> None:
    walk, jump = make_exercise(Exercise.WALK), make_exercise(Exercise.JUMP, index=None)
    session = assessment_to_dict(make_assessment([walk, jump]))["session"]
    assert (session["counted_exercises"], session["quality"]) == (["walk"], "good")

    unusable = make_assessment([jump])
    assert (unusable.counted, unusable.quality) == ((), QualityVerdict.UNUSABLE)


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.update(quality="unusable"),
        lambda session: session.update(counted_exercises=[]),
        lambda session: session.update(index=None, interval=None, verdict="cannot tell"),
    ],
    ids=["unusable with an index", "rests on nothing", "usable without an index"],
)
def test_quality_and_index_of_a_session_cannot_contradict_each_other(
    change: Callable[[dict[str, Any]], None],
) -> None:
    assert not VALIDATOR.is_valid(_break(lambda document: change(document["session"])))


def _break(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    document = copy.deepcopy(assessment_to_dict(make_assessment()))
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param(lambda d: d.pop("statement"), "", id="no statement"),
        pytest.param(lambda d: d.update(extra=1), "", id="unknown field"),
        pytest.param(lambda d: d["session"].update(index=1.2), "session.index", id="index above 1"),
        pytest.param(lambda d: d["session"].update(verdict="healthy"), "session.verdict", id="unknown verdict"),
        pytest.param(lambda d: d.update(created_at="yesterday"), "created_at", id="no moment"),
        pytest.param(lambda d: d.update(exercises=[]), "exercises", id="no exercise"),
        pytest.param(
            lambda d: d["exercises"][0].update(exercise="squat"), "exercises.0.exercise", id="unknown exercise"
        ),
        pytest.param(
            lambda d: d["exercises"][0].update(curve=None), "exercises.0", id="an index without the curve it comes from"
        ),
        pytest.param(
            lambda d: d["exercises"][0]["sub_indices"][0].update(value=None),
            "exercises.0.sub_indices.0.verdict",
            id="a verdict on an unknown sub-index",
        ),
        pytest.param(
            lambda d: d["exercises"][0]["sub_indices"][0].update(interval=None),
            "exercises.0.sub_indices.0.verdict",
            id="a verdict on a sub-index whose error is not known",
        ),
        pytest.param(
            lambda d: d["exercises"][0]["measurements"][0]["norm"].update(kind="median"),
            "exercises.0.measurements.0.norm",
            id="a norm of an unknown kind",
        ),
        pytest.param(
            lambda d: d["exercises"][0]["events"][0].update(time_s=None),
            "exercises.0.events.0.time_s",
            id="an event without a time",
        ),
        pytest.param(
            lambda d: d["exercises"][0]["measurements"][0].pop("source"),
            "exercises.0.measurements.0",
            id="a measurement without its source",
        ),
    ],
)
def test_a_broken_document_is_refused(change: Callable[[dict[str, Any]], None], where: str) -> None:
    errors = list(VALIDATOR.iter_errors(_break(change)))

    assert errors
    assert any(".".join(str(step) for step in error.absolute_path).startswith(where) for error in errors)


def test_numbers_arrive_where_they_belong() -> None:
    document = assessment_to_dict(make_assessment([make_exercise(Exercise.WALK, index=0.44)]))

    part = document["exercises"][0]
    assert document["session"]["index"] == pytest.approx(0.44)
    assert document["session"]["missing_exercises"] == ["touch-toes", "jump"]
    assert part["index"] == part["curve"]["index"][-1] == pytest.approx(0.44)
    assert part["frames"] == {
        "n_frames": 150,
        "n_with_person": 142,  # The factory hides the person in frames 110 to 117.
        "first_timestamp_s": 0.0,
        "duration_s": pytest.approx(149 / 30, abs=1e-6),
        "fps": pytest.approx(30.0),
    }
    assert part["measurements"][0]["norm"]["high"] is None  # Open upper end.
    assert part["measurements"][1]["value"] is None  # Not measured ...
    assert "two steps" in part["measurements"][1]["note"]  # ... and it says why.


def test_errors_and_what_a_norm_is_are_told() -> None:
    part = assessment_to_dict(make_assessment())["exercises"][0]

    flexion, duration = part["measurements"][:2]
    assert (flexion["error"], duration["error"]) == (7.0, None)
    assert flexion["norm"]["kind"] == "derived centiles"
    lean, rotation, shoulders = part["sub_indices"]
    assert lean["interval"] == {"low": 0.6, "high": 1.0, "level": 0.9}
    assert (rotation["value"], rotation["verdict"]) == (0.0, "cannot tell")
    assert shoulders["interval"] is None


def test_a_measurement_carries_its_interval_its_source_and_what_its_error_rests_on() -> None:
    flexion, duration = assessment_to_dict(make_assessment())["exercises"][0]["measurements"][:2]

    assert flexion["interval"] == {"low": 88.2, "high": 102.2, "level": 0.9}  # 95.2 -+ 7.
    assert flexion["source"].startswith("Line from hips to shoulders")
    assert flexion["error_basis"] == "96 virtual volunteers seen from the side, BlazePose full"
    assert (duration["interval"], duration["error_basis"]) == (None, "")


def test_the_model_and_the_engine_that_found_the_landmarks_are_named() -> None:
    settings = assessment_to_dict(make_assessment())["settings"]

    assert (settings["pose_model"], settings["pose_engine"]) == ("full", "openvino")


def test_events_and_the_height_that_was_given_are_kept() -> None:
    document = assessment_to_dict(make_assessment([make_exercise(Exercise.JUMP)], height_m=1.72))

    assert document["settings"]["height_m"] == 1.72
    assert [(event["name"], event["time_s"]) for event in document["exercises"][0]["events"]] == [
        ("take_off", 2.487),
        ("apex", 2.782),
        ("landing", 3.079),
    ]
    assert assessment_to_dict(make_assessment())["settings"]["height_m"] is None


def test_the_raw_output_below_0_is_kept_beside_the_clipped_index() -> None:
    part = make_exercise(index=-0.004)

    document = assessment_to_dict(make_assessment([part]))["exercises"][0]

    assert document["index"] == 0.0
    assert document["index_raw"] == pytest.approx(-0.004)


def test_the_written_file_holds_the_same_and_no_nan(tmp_path: Path) -> None:
    assessment = make_assessment()
    assert math.isnan(assessment.exercises[0].sub_indices[2].value)

    write_json(tmp_path / "assessment.json", assessment)

    text = (tmp_path / "assessment.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == assessment_to_dict(assessment)
    assert text.endswith("}\n")


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*nowhere.*create it first"):
        write_json(tmp_path / "nowhere" / "assessment.json", make_assessment())


def test_numpy_numbers_do_not_leak_into_the_document() -> None:
    def types(node: Any) -> set[type]:
        if isinstance(node, dict):
            return {kind for item in node.values() for kind in types(item)}
        if isinstance(node, list):
            return {kind for item in node for kind in types(item)}
        return {type(node)}

    assert types(assessment_to_dict(make_assessment())) <= {str, float, int, bool, type(None)}
    assert np.float64 not in types(assessment_to_dict(every_variant()["session"]))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_clear_line() -> None:
    with pytest.raises(OutputError, match="the disk is full; free some space"):
        write_json(Path("/dev/full"), make_assessment())
