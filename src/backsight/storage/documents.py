"""Put the assessments of a visit's recordings together as `backsight assess` does. Knows no table.

Works on the documents that `exports.json_file` writes: what a recording showed is kept once, as it was found, and the
visit is judged anew from it, so that an exercise that is assessed later takes its part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backsight.domain.assessment import QualityCheck, QualityReport, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.exports.json_reader import model_from_dict
from backsight.scoring.assess import assess_session

JsonObject = dict[str, Any]

_MIXED = "The exercises were assessed with different models; the interval is the last one's."


@dataclass(frozen=True)
class _Kept:
    """What an exercise is judged by, as it was kept."""

    exercise: Exercise
    quality: QualityReport
    index: float | None
    unfamiliar_share: float


def part_document(document: JsonObject, exercise: Exercise) -> JsonObject:
    """Return an assessment's document with one of its exercises only, judged alone.

    Raises
    ------
    InvalidValueError
        When the assessment does not hold that exercise.
    """
    parts = [part for part in document["exercises"] if part["exercise"] == exercise]
    if not parts:
        found = ", ".join(part["exercise"] for part in document["exercises"])
        raise InvalidValueError(f"`assessment` must hold the exercise {exercise}, got {found or 'none'}")
    return session_document([{**document, "exercises": parts}])


def session_document(documents: Sequence[JsonObject]) -> JsonObject:
    """Return the document of a session that holds the exercises of several, in the paper's order.

    Parameters
    ----------
    documents
        At least one, the oldest first; settings and model are the last one's.
    """
    last = documents[-1]
    order = list(Exercise)
    parts = sorted(
        (part for document in documents for part in document["exercises"]),
        key=lambda part: order.index(Exercise(part["exercise"])),
    )
    judged = assess_session([_kept(part) for part in parts], card=model_from_dict(last["model"]))
    models = {(document["model"]["name"], document["model"]["version"]) for document in documents}
    interval = judged.interval
    counted = [part for part in parts if part["index"] is not None]
    quality = max(
        (QualityVerdict(part["quality"]["verdict"]) for part in counted),
        key=lambda verdict: verdict.severity,
        default=QualityVerdict.UNUSABLE,
    )
    return {
        **last,
        "session": {
            **last["session"],
            "index": judged.index,
            "interval": None
            if interval is None
            else {"low": interval.low, "high": interval.high, "level": interval.level},
            "verdict": judged.verdict.value,
            "reason": judged.reason,
            "quality": quality.value,
            "counted_exercises": [part["exercise"] for part in counted],
            "missing_exercises": [name.value for name in order if name not in {part["exercise"] for part in parts}],
            "notes": [*judged.notes, *([_MIXED] if len(models) > 1 else [])],
        },
        "exercises": parts,
    }


def _kept(part: JsonObject) -> _Kept:
    share = part["unfamiliar_share"]
    checks = tuple(
        QualityCheck(
            name=check["name"],
            label=check["label"],
            verdict=QualityVerdict(check["verdict"]),
            value=math.nan if check["value"] is None else check["value"],
            unit=check["unit"],
            finding=check["finding"],
            tip=check["tip"],
        )
        for check in part["quality"]["checks"]
    )
    return _Kept(
        exercise=Exercise(part["exercise"]),
        quality=QualityReport(checks),
        index=part["index"],
        unfamiliar_share=math.nan if share is None else share,
    )
