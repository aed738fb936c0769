"""What the report says in plain words of verdicts, values and norms. Knows nothing of pages or colours."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime

from backsight.domain.assessment import (
    RED_FLAG_ABOVE,
    Assessment,
    IndexVerdict,
    Interval,
    Norm,
    NormKind,
    QualityVerdict,
)
from backsight.domain.study import ScoreScale

SEE_SOMEONE_NOW = (
    "Whatever this report says: see a doctor at once if back pain comes with numbness around the groin or buttocks, "
    "new trouble with bladder or bowels, weakness in a leg, fever, or after a fall or accident."
)
"""The red flags that guidelines on low back pain name; they need no index."""

INDEX_MEANING = (
    f"The spinal health index runs from 0 (best) to 1 (worst). Above {RED_FLAG_ABOVE} it is called a red flag: "
    "a reason to have a professional look."
)

USUAL_MEANING = (
    "“Usual” is a range that the source behind the number names or leads to. What its ends mean differs and is said "
    "there; many healthy people lie outside it. “Provisional” ranges are remembered and have not been looked up again: "
    "do not rely on them."
)
INTERVAL_MEANING = (
    "Beneath each value stands its 90 % interval with one camera, found on simulated people: for nine in ten of them "
    "the true value lay within. How often it does for real people is not known. Where the interval reaches across an "
    "end of the usual range, or is not known, one camera cannot tell on which side the value lies."
)
ERROR_MEANING = "“±” is half the width of the 90 % interval with one camera; without it the error is not known."

ENGINE_NAMES = {"mediapipe": "MediaPipe", "openvino": "OpenVINO"}
"""What can have run BlazePose, as its makers write it."""

_UNIT_SYMBOLS = {"deg": "°", "%": " %", "1/min": " steps/min", "": ""}
_DECIMALS = {"deg": 1, "cm": 1, "%": 0, "fps": 1, "ms": 0, "1/min": 0}


@dataclass(frozen=True)
class VerdictWords:
    """A verdict as a reader sees it."""

    tone: str
    """`fine`, `flag`, `unsure` or `bad`; picks colour and sign."""
    title: str
    meaning: str
    advice: str


_VERDICTS = {
    IndexVerdict.NO_RED_FLAG: VerdictWords(
        "fine",
        "No red flag",
        "As far as this experimental model can tell, your movement resembles its examples of backs that do well more "
        "than its examples of backs that do badly.",
        "It does not show that your back is healthy. If it hurts or worries you, see a doctor or physiotherapist.",
    ),
    IndexVerdict.RED_FLAG: VerdictWords(
        "flag",
        "Red flag",
        "As far as this experimental model can tell, your movement resembles its examples of backs that do badly more "
        "than its examples of backs that do well.",
        "Consider showing this report to a doctor or physiotherapist, who can examine you. On its own it is no reason "
        "to stop moving.",
    ),
    IndexVerdict.CANNOT_TELL: VerdictWords(
        "unsure",
        "Cannot tell",
        "The recording gave an index, but not one that is certain enough to call.",
        "Record again, following the tips below. If your back worries you, see a doctor or physiotherapist meanwhile.",
    ),
}
_UNUSABLE = VerdictWords(
    "bad",
    "Recording not usable",
    "There is no index, because the recording cannot carry one; a number would be a guess.",
    "Record again, following the tips below. If your back worries you, see a doctor or physiotherapist meanwhile.",
)

QUALITY_WORDS = {
    QualityVerdict.GOOD: "Good",
    QualityVerdict.POOR: "Poor",
    QualityVerdict.UNUSABLE: "Not usable",
}
QUALITY_TONES = {QualityVerdict.GOOD: "fine", QualityVerdict.POOR: "poor", QualityVerdict.UNUSABLE: "bad"}
VERDICT_TONES = {verdict: words.tone for verdict, words in _VERDICTS.items()}


_NOTHING_TO_MEND = (
    "The recording itself was good; with this model most good recordings end so. The measurements below do not depend "
    "on it. If your back worries you, see a doctor or physiotherapist."
)


_OWN_STUDY = (
    "The recording itself was good; the study that the model was fitted to does not let it be more certain. The "
    "measurements below do not depend on it. If your back worries you, see a doctor or physiotherapist."
)


def verdict_words(assessment: Assessment) -> VerdictWords:
    """Choose the words for a session."""
    if assessment.index is None:
        return _UNUSABLE
    words = _VERDICTS[assessment.verdict]
    all_good = all(part.quality.verdict is QualityVerdict.GOOD for part in assessment.exercises)
    if assessment.verdict is IndexVerdict.CANNOT_TELL and all_good:
        return replace(words, advice=_NOTHING_TO_MEND if assessment.model.score_scale is None else _OWN_STUDY)
    return words


def for_readers(text: str) -> str:
    """Write names in `backticks` in “quotation marks” and true minus signs, and leave out options of the command line.

    Those stand in brackets of their own, `cut the rest off (--start, --end)`, so that the sentence holds without them.
    """
    quoted = re.sub(r"`([^`]*)`", "“\\1”", re.sub(r" \(--[^)]*\)", "", text))
    return re.sub(r"(?<![\w.)-])-(?=\d)", "−", quoted)


def format_value(value: float, unit: str) -> str:
    """Write a value with its unit as people read it: 95.2°, 1.12 m/s, −3.0 cm; a dash when missing."""
    if not math.isfinite(value):
        return "–"
    return f"{format_number(value, n_decimals=_DECIMALS.get(unit, 2))}{_symbol(unit)}"


def format_measured(value: float, unit: str, *, error: float) -> str:
    """Write a value with its error: 95.2 ± 7.0°; without one where it is not known, a dash when missing."""
    if not math.isfinite(value) or not math.isfinite(error):
        return format_value(value, unit)
    return f"{format_number(value, n_decimals=_DECIMALS.get(unit, 2))} ± {format_value(error, unit)}"


def format_span(value: float, unit: str, *, error: float) -> str:
    """Write the 90 % interval of a value: `88.2 to 102.2°`; empty when value or error is missing."""
    if not math.isfinite(value) or not math.isfinite(error):
        return ""
    low = format_number(value - error, n_decimals=_DECIMALS.get(unit, 2))
    return f"{low} to {format_value(value + error, unit)}"


def format_number(value: float, *, n_decimals: int) -> str:
    """Write a number with a true minus sign, and never `−0.0`."""
    return f"{round(value, n_decimals) + 0.0:.{n_decimals}f}".replace("-", "−")


def format_share(share: float) -> str:
    """Write a share of one in per cent; a dash when unknown."""
    if not math.isfinite(share):
        return "–"
    percent = 100.0 * share
    return "under 1 %" if 0 < percent < 1 else f"{percent:.0f} %"


def format_interval(interval: Interval | None) -> str:
    """Write an interval as `0.45 to 0.81 (90 % interval)`; empty when there is none."""
    if interval is None:
        return ""
    return f"{interval.low:.2f} to {interval.high:.2f} ({interval.level:.0%} interval)".replace("%", " %")


def format_score(index: float, interval: Interval | None, scale: ScoreScale | None) -> str:
    """Write an index in the unit of the study that the model was fitted to; empty where the model knows none.

    `41.2 points (38.0 to 44.4) on the study's scale from 0 (worst) to 50 (best)`.
    """
    if scale is None:
        return ""
    ends = () if interval is None else sorted(scale.to_score(end) for end in (interval.low, interval.high))
    around = f" ({_score(ends[0])} to {_score(ends[1])})" if ends else ""
    return (
        f"{_score(scale.to_score(index))} {scale.unit}{around} on the study’s scale from {_score(scale.worst)} (worst) "
        f"to {_score(scale.best)} (best)"
    )


def _score(score: float) -> str:
    return f"{score + 0.0:.3g}".replace("-", "−")


def format_norm(norm: Norm, unit: str) -> str:
    """Write the usual range: `93.0 to 128.0°`, `up to 10.0 cm`, `from 1.05 m/s`."""
    low, high = math.isfinite(norm.low), math.isfinite(norm.high)
    if low and high:
        return f"{format_number(norm.low, n_decimals=_DECIMALS.get(unit, 2))} to {format_value(norm.high, unit)}"
    if high:
        return f"up to {format_value(norm.high, unit)}"
    return f"from {format_value(norm.low, unit)}" if low else ""


COMPARISONS = {
    "": ("", ""),
    "within": ("within usual", "within"),
    "below": ("below usual", "outside"),
    "above": ("above usual", "outside"),
    "unsure": ("cannot tell", "unsure"),
}
"""Words and tone for what `compare` says."""


def describe_norm(norm: Norm) -> str:
    """Say in a sentence what the ends of a usual range are."""
    if norm.kind is NormKind.DERIVED_CENTILES:
        two_sided = math.isfinite(norm.low) and math.isfinite(norm.high)
        outside = "one healthy adult in five lies outside" if two_sided else "one healthy adult in ten lies beyond"
        return f"Healthy 10th or 90th centile, derived: {outside}."
    return {
        NormKind.RANGE_OF_GROUP_MEANS: "Extremes of healthy groups’ means, no centiles: single people spread further.",
        NormKind.CUT_OFF: "A limit in use, no centile: how many healthy people lie beyond it is not known.",
        NormKind.REMEMBERED_RANGE: "Provisional: remembered, not looked up again.",
    }[norm.kind]


def compare(value: float, norm: Norm, *, error: float) -> str:
    """Say where a value lies against the usual range: `within`, `below`, `above`, or `unsure`.

    `unsure` means that an end of the range lies within the error, or that the error is not known. Empty when the value
    is missing.
    """
    if not math.isfinite(value):
        return ""
    if math.isnan(error):
        return "unsure"
    if any(math.isfinite(end) and abs(value - end) < error for end in (norm.low, norm.high)):
        return "unsure"
    if value < norm.low:
        return "below"
    return "above" if value > norm.high else "within"


def describe_scale(height_m: float | None) -> str:
    """Say what lengths and speeds rest on."""
    if height_m is None:
        return (
            "Standing height was not given, so lengths and speeds are in the scale that the pose model guesses from "
            "one camera; most of their intervals are wider for it."
        )
    return f"Lengths and speeds rest on the standing height that was given, {height_m:.2f} m."


def describe_landmarks(assessment: Assessment) -> str:
    """Say what found the landmarks: `BlazePose lite on OpenVINO`; an empty name is left out."""
    engine = ENGINE_NAMES.get(assessment.pose_engine, assessment.pose_engine)
    return f"BlazePose {assessment.pose_model}".rstrip() + (f" on {engine}" if engine else "")


def format_moment(created_at: str) -> str:
    """Write an ISO 8601 moment as `22 November 2026, 09:41 (UTC+01:00)`."""
    moment = datetime.fromisoformat(created_at)
    zone = moment.strftime("%z")
    named = f"{moment.day} {moment:%B %Y, %H:%M}"
    return f"{named} (UTC{zone[:3]}:{zone[3:5]})" if zone else named


def _symbol(unit: str) -> str:
    return _UNIT_SYMBOLS.get(unit, f" {unit}")
