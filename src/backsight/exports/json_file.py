"""Write an assessment as JSON that keeps its shape, described by `assessment.schema.json`. Knows nothing of landmarks.

NaN and infinity do not exist in JSON: a value that could not be measured and an open end of a norm are written as null.
Numbers are rounded to six decimals, far below what a camera resolves.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from backsight.domain.assessment import (
    NO_DIAGNOSIS,
    RED_FLAG_ABOVE,
    Assessment,
    ExerciseAssessment,
    Explanation,
    IndexCurve,
    Interval,
    Measurement,
    ModelCard,
    MovementEvent,
    Norm,
    QualityReport,
    SubIndex,
)
from backsight.domain.recording import SourceInfo
from backsight.domain.study import ScoreScale
from backsight.domain.validation import FloatArray
from backsight.exports.folder import output_error

SCHEMA_NAME = "backsight.assessment"
SCHEMA_VERSION = "2.2"
"""The first part rises when a reader of the old shape would fail or be misled, the second when fields are added."""

SCHEMA_PATH = Path(__file__).with_name("assessment.schema.json")
"""The published JSON Schema (2020-12) of what `assessment_to_dict` returns."""

MEASUREMENT_LEVEL = 0.9
"""Probability with which a measurement's interval is meant to hold the true value, as `Measurement.error` says."""

_N_DECIMALS = 6

JsonObject = dict[str, Any]


def assessment_to_dict(assessment: Assessment) -> JsonObject:
    """Return the assessment as plain dicts, lists, strings, numbers and None, valid against `SCHEMA_PATH`."""
    return {
        "schema": SCHEMA_NAME,
        "schema_version": SCHEMA_VERSION,
        "statement": NO_DIAGNOSIS,
        "created_at": assessment.created_at,
        "software": {"name": "Backsight", "version": assessment.backsight_version},
        "settings": {
            "pose_model": assessment.pose_model,
            "pose_engine": assessment.pose_engine,
            "follow_largest": assessment.follow_largest,
            "height_m": _number(assessment.height_m),
        },
        "model": _model(assessment.model),
        "session": {
            "index": _number(assessment.index),
            "interval": _interval(assessment.interval),
            "red_flag_above": RED_FLAG_ABOVE,
            "verdict": assessment.verdict.value,
            "reason": assessment.reason,
            "quality": assessment.quality.value,
            "counted_exercises": [exercise.value for exercise in assessment.counted],
            "missing_exercises": [exercise.value for exercise in assessment.missing],
            "notes": list(assessment.notes),
        },
        "exercises": [_exercise(part) for part in assessment.exercises],
    }


def write_json(path: Path, assessment: Assessment) -> None:
    """Write `assessment_to_dict` as indented UTF-8.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    text = json.dumps(assessment_to_dict(assessment), indent=2, ensure_ascii=False, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise output_error(path, error) from error


def _number(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), _N_DECIMALS)


def _numbers(values: FloatArray) -> list[float | None]:
    return [_number(value) for value in values.tolist()]


def _interval(interval: Interval | None) -> JsonObject | None:
    if interval is None:
        return None
    return {"low": _number(interval.low), "high": _number(interval.high), "level": interval.level}


def _model(card: ModelCard) -> JsonObject:
    return {
        "name": card.name,
        "version": card.version,
        "headline": card.headline,
        "training_data": card.training_data,
        "interval_half_width": _number(card.interval_half_width),
        "interval_level": card.interval_level,
        "score_scale": _score_scale(card.score_scale),
        "no_verdict": card.no_verdict,
        "session_half_widths": [
            {"exercises": key.split("+"), "half_width": _number(width)} for key, width in card.session_half_widths
        ],
        "exercise_weights": [{"exercise": name, "weight": _number(weight)} for name, weight in card.exercise_weights],
        "unfamiliar_above": _number(card.unfamiliar_above),
        "unfamiliar_meaning": card.unfamiliar_meaning,
        "card": card.text,
    }


def _score_scale(scale: ScoreScale | None) -> JsonObject | None:
    if scale is None:
        return None
    return {"best": scale.best, "worst": scale.worst, "unit": scale.unit, "is_binary": scale.is_binary}


def _exercise(part: ExerciseAssessment) -> JsonObject:
    return {
        "exercise": part.exercise.value,
        "label": part.exercise.label,
        "source": _source(part.source),
        "frames": {
            "n_frames": part.pose.n_frames,
            "n_with_person": int(part.pose.has_person.sum()),
            "first_timestamp_s": _number(float(part.pose.timestamps_s[0])) if part.pose.n_frames else None,
            "duration_s": _number(part.pose.duration_s),
            "fps": _number(part.pose.fps),
        },
        "quality": _quality(part.quality),
        "index": _number(part.index),
        "index_raw": _number(None if part.curve is None else float(part.curve.raw[-1])),
        "interval": _interval(part.interval),
        "curve": _curve(part.curve),
        "explanation": _explanation(part.explanation),
        "measurements": [_measurement(item) for item in part.measurements],
        "events": [_event(item) for item in part.events],
        "sub_indices": [_sub_index(item) for item in part.sub_indices],
        "removed_share": _number(part.removed_share),
        "filled_share": _number(part.filled_share),
        "unfamiliar_share": _number(part.unfamiliar_share),
        "notes": list(part.notes),
    }


def _source(source: SourceInfo) -> JsonObject:
    width, height = source.analysed_size
    return {
        "name": source.name,
        "width_px": source.width,
        "height_px": source.height,
        "analysed_width_px": width,
        "analysed_height_px": height,
        "fps": _number(source.fps),
        "duration_s": _number(source.duration_s),
        "codec": source.codec,
        "rotation_deg": source.rotation_deg,
        "crop_px": None if source.crop is None else list(source.crop),
        "is_live": source.is_live,
    }


def _quality(report: QualityReport) -> JsonObject:
    return {
        "verdict": report.verdict.value,
        "checks": [
            {
                "name": check.name,
                "label": check.label,
                "verdict": check.verdict.value,
                "value": _number(check.value),
                "unit": check.unit,
                "finding": check.finding,
                "tip": check.tip,
            }
            for check in report.checks
        ],
    }


def _curve(curve: IndexCurve | None) -> JsonObject | None:
    if curve is None:
        return None
    return {
        "timestamps_s": _numbers(curve.timestamps_s),
        "raw": _numbers(curve.raw),
        "index": _numbers(np.asarray(curve.index)),
    }


def _explanation(explanation: Explanation | None) -> JsonObject | None:
    if explanation is None:
        return None
    return {
        "typical": _number(explanation.typical),
        "n_missing": explanation.n_missing,
        "how": explanation.how,
        "contributions": [
            {
                "name": one.name,
                "label": one.label,
                "body_part": one.body_part,
                "unit": one.unit,
                "value": _number(one.value),
                "usual_low": _number(one.usual_low),
                "usual_high": _number(one.usual_high),
                "points": _number(one.points),
                "from_s": _number(one.from_s),
                "to_s": _number(one.to_s),
            }
            for one in explanation.contributions
        ],
    }


def _norm(norm: Norm | None) -> JsonObject | None:
    if norm is None:
        return None
    return {
        "middle": _number(norm.middle),
        "low": _number(norm.low),
        "high": _number(norm.high),
        "kind": norm.kind.value,
        "source": norm.source,
        "assumption": norm.assumption,
    }


def _measurement(item: Measurement) -> JsonObject:
    return {
        "name": item.name,
        "label": item.label,
        "value": _number(item.value),
        "error": _number(item.error),
        "error_basis": item.error_basis,
        "interval": _measured_interval(item),
        "unit": item.unit,
        "source": item.source,
        "norm": _norm(item.norm),
        "note": item.note,
    }


def _measured_interval(item: Measurement) -> JsonObject | None:
    low, high = _number(item.value - item.error), _number(item.value + item.error)
    return None if low is None or high is None else {"low": low, "high": high, "level": MEASUREMENT_LEVEL}


def _event(item: MovementEvent) -> JsonObject:
    return {"name": item.name, "label": item.label, "time_s": _number(item.time_s)}


def _sub_index(item: SubIndex) -> JsonObject:
    return {
        "name": item.name,
        "label": item.label,
        "value": _number(item.value),
        "interval": _interval(item.interval),
        "verdict": item.verdict.value,
        "measurement": _measurement(item.measurement),
    }
