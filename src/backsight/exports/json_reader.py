"""Read an assessment back from the JSON that `json_file` writes, given its landmarks. Knows no file and no database.

What JSON cannot hold comes back as it was: null is NaN where a number could not be measured, or a norm's open end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.assessment import (
    Assessment,
    Contribution,
    ExerciseAssessment,
    Explanation,
    IndexCurve,
    IndexVerdict,
    Interval,
    Measurement,
    ModelCard,
    MovementEvent,
    Norm,
    NormKind,
    QualityCheck,
    QualityReport,
    QualityVerdict,
    SubIndex,
)
from backsight.domain.recording import Exercise, SourceInfo
from backsight.domain.sequences import FeatureSequence, PoseSequence
from backsight.domain.study import ScoreScale
from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.exports.json_file import SCHEMA_NAME, SCHEMA_VERSION, JsonObject


@dataclass(frozen=True, eq=False)
class Landmarks:
    """What an exercise's document leaves out."""

    pose: PoseSequence
    """Filtered."""
    features: FeatureSequence


def assessment_from_dict(document: JsonObject, *, landmarks: Mapping[Exercise, Landmarks]) -> Assessment:
    """Return the assessment that `assessment_to_dict` made a document of.

    Parameters
    ----------
    document
        Of the shape that this version writes.
    landmarks
        Of every exercise in it.

    Raises
    ------
    InputError
        When the document has another shape, or an exercise's landmarks are missing.
    """
    shape = f"{document.get('schema')} {document.get('schema_version')}"
    if not _is_readable(document):
        raise InputError(
            f"an assessment must be {SCHEMA_NAME} {SCHEMA_VERSION}, got {shape}; it was made by another version"
        )
    try:
        settings, session = document["settings"], document["session"]
        return Assessment(
            exercises=tuple(_exercise(part, landmarks) for part in document["exercises"]),
            index=session["index"],
            interval=_interval(session["interval"]),
            verdict=IndexVerdict(session["verdict"]),
            reason=session["reason"],
            model=model_from_dict(document["model"]),
            created_at=document["created_at"],
            backsight_version=document["software"]["version"],
            pose_model=settings["pose_model"],
            pose_engine=settings["pose_engine"],
            follow_largest=settings["follow_largest"],
            height_m=settings["height_m"],
            notes=tuple(session["notes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"an assessment must be as Backsight writes it, got one in which {error} is missing or cannot be"
        ) from error


def _is_readable(document: JsonObject) -> bool:
    first = str(document.get("schema_version", "")).partition(".")[0]
    return document.get("schema") == SCHEMA_NAME and first == SCHEMA_VERSION.partition(".")[0]


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _floats(values: list[float | None]) -> FloatArray:
    return np.array([_float(value) for value in values], dtype=np.float64)


def _interval(found: JsonObject | None) -> Interval | None:
    return None if found is None else Interval(_float(found["low"]), _float(found["high"]), found["level"])


def model_from_dict(found: JsonObject) -> ModelCard:
    """Return the model card in an assessment's document, with the usual rules where an older document has none."""
    usual = ModelCard(
        name=found["name"],
        version=found["version"],
        headline=found["headline"],
        training_data=found["training_data"],
        interval_half_width=_float(found["interval_half_width"]),
        text=found["card"],
    )
    scale = found.get("score_scale")
    if scale is not None:
        usual = replace(usual, score_scale=ScoreScale(**scale))
    if "interval_level" in found:
        usual = replace(usual, interval_level=found["interval_level"])
    usual = replace(usual, no_verdict=found.get("no_verdict", ""))
    if "session_half_widths" not in found:
        return usual
    return replace(
        usual,
        unfamiliar_above=_float(found["unfamiliar_above"]),
        unfamiliar_meaning=found["unfamiliar_meaning"],
        session_half_widths=tuple(
            ("+".join(item["exercises"]), _float(item["half_width"])) for item in found["session_half_widths"]
        ),
        exercise_weights=tuple((item["exercise"], _float(item["weight"])) for item in found["exercise_weights"]),
    )


def _exercise(part: JsonObject, landmarks: Mapping[Exercise, Landmarks]) -> ExerciseAssessment:
    exercise = Exercise(part["exercise"])
    if exercise not in landmarks:
        raise InputError(f"`landmarks` must hold those of {exercise}, got {', '.join(landmarks) or 'none'}")
    return ExerciseAssessment(
        exercise=exercise,
        source=_source(part["source"], n_frames=part["frames"]["n_frames"]),
        pose=landmarks[exercise].pose,
        features=landmarks[exercise].features,
        quality=QualityReport(tuple(_check(item) for item in part["quality"]["checks"])),
        removed_share=_float(part["removed_share"]),
        filled_share=_float(part["filled_share"]),
        measurements=tuple(_measurement(item) for item in part["measurements"]),
        events=tuple(_event(item) for item in part["events"]),
        sub_indices=tuple(_sub_index(item) for item in part["sub_indices"]),
        curve=_curve(part["curve"]),
        interval=_interval(part["interval"]),
        explanation=_explanation(part.get("explanation")),
        unfamiliar_share=_float(part["unfamiliar_share"]),
        notes=tuple(part["notes"]),
    )


def _source(found: JsonObject, *, n_frames: int) -> SourceInfo:
    crop = found["crop_px"]
    return SourceInfo(
        name=found["name"],
        width=found["width_px"],
        height=found["height_px"],
        fps=_float(found["fps"]),
        duration_s=_float(found["duration_s"]),
        n_frames=n_frames,
        codec=found["codec"],
        rotation_deg=found["rotation_deg"],
        is_live=found["is_live"],
        crop=None if crop is None else (crop[0], crop[1], crop[2], crop[3]),
        analysed_size=(found["analysed_width_px"], found["analysed_height_px"]),
    )


def _check(found: JsonObject) -> QualityCheck:
    return QualityCheck(
        name=found["name"],
        label=found["label"],
        verdict=QualityVerdict(found["verdict"]),
        value=_float(found["value"]),
        unit=found["unit"],
        finding=found["finding"],
        tip=found["tip"],
    )


def _curve(found: JsonObject | None) -> IndexCurve | None:
    return None if found is None else IndexCurve(_floats(found["timestamps_s"]), _floats(found["raw"]))


def _explanation(found: JsonObject | None) -> Explanation | None:
    if found is None:
        return None
    return Explanation(
        typical=_float(found["typical"]),
        contributions=tuple(_contribution(one) for one in found["contributions"]),
        n_missing=found["n_missing"],
        how=found.get("how", ""),
    )


def _contribution(found: JsonObject) -> Contribution:
    return Contribution(
        name=found["name"],
        label=found["label"],
        body_part=found["body_part"],
        unit=found["unit"],
        value=_float(found["value"]),
        usual_low=_float(found["usual_low"]),
        usual_high=_float(found["usual_high"]),
        points=_float(found["points"]),
        from_s=_float(found["from_s"]),
        to_s=_float(found["to_s"]),
    )


def _norm(found: JsonObject | None) -> Norm | None:
    if found is None:
        return None
    low, high = found["low"], found["high"]
    return Norm(
        middle=_float(found["middle"]),
        low=-math.inf if low is None else low,
        high=math.inf if high is None else high,
        source=found["source"],
        kind=NormKind(found["kind"]),
        assumption=found["assumption"],
    )


def _measurement(found: JsonObject) -> Measurement:
    return Measurement(
        name=found["name"],
        label=found["label"],
        value=_float(found["value"]),
        unit=found["unit"],
        norm=_norm(found["norm"]),
        note=found["note"],
        error=_float(found["error"]),
        source=found["source"],
        error_basis=found["error_basis"],
    )


def _event(found: JsonObject) -> MovementEvent:
    return MovementEvent(name=found["name"], label=found["label"], time_s=found["time_s"])


def _sub_index(found: JsonObject) -> SubIndex:
    return SubIndex(
        name=found["name"],
        label=found["label"],
        value=_float(found["value"]),
        measurement=_measurement(found["measurement"]),
        interval=_interval(found["interval"]),
    )
