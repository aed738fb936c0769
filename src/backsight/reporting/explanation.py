"""Say in words what moved an index: measure by measure, by body part and by time. Knows nothing of HTML and models.

Time runs from 0 at the first frame of the analysed part, as it does in the overlay video.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backsight.domain.assessment import Contribution, Explanation

N_SHOWN = 5
"""Measures told one by one; the rest is told together."""
_UNTOLD = 0.005
"""Effects below this round to nothing."""


@dataclass(frozen=True)
class ExplanationView:
    """What the page says of one exercise's index."""

    start: str
    """What somebody typical would get."""
    effects: tuple[str, ...]
    """One sentence a measure, largest effect first."""
    body_parts: str
    """Effects by body part, as one sentence; empty when there are none."""
    times: str
    """Effects by part of the recording, as one sentence; empty when no measure is of a part."""
    gaps: str
    """What could not be measured; empty when all was."""


def view_explanation(explanation: Explanation | None, *, start_s: float = 0.0) -> ExplanationView | None:
    """Return what the page says; None when the model cannot say how the index came about.

    Parameters
    ----------
    start_s
        Time of the first analysed frame on the recording's own clock.
    """
    if explanation is None:
        return None
    told = [one for one in explanation.contributions if abs(one.points) >= _UNTOLD]
    effects = [_sentence(one, start_s=start_s) for one in told[:N_SHOWN]]
    rest = sum(one.points for one in explanation.contributions) - sum(one.points for one in told[:N_SHOWN])
    if abs(rest) >= _UNTOLD:
        effects.append(f"All other measures together: {_points(rest)}.")
    told_parts = _told_by(explanation.contributions, lambda one: one.body_part)
    is_of_part = any(_is_of_part(one) for one in explanation.contributions)
    told_times = _told_by(explanation.contributions, lambda one: _when(one, start_s=start_s)) if is_of_part else ""
    n_missing = explanation.n_missing
    return ExplanationView(
        start=f"Somebody typical in every measure would get {explanation.typical:.2f}.",
        effects=tuple(effects) or ("No measure moved the index from that.",),
        body_parts=f"By body part: {told_parts}." if told_parts else "",
        times=f"By time: {told_times}." if told_times else "",
        gaps=f"Measures that could not be taken and count as typical: {n_missing}." if n_missing else "",
    )


def _told_by(contributions: Sequence[Contribution], part_of: Callable[[Contribution], str]) -> str:
    """Return the effects summed by part, largest first; parts that do next to nothing are left out."""
    parts: dict[str, float] = {}
    for one in contributions:
        parts[part_of(one)] = parts.get(part_of(one), 0.0) + one.points
    ordered = sorted(parts.items(), key=lambda part: -abs(part[1]))
    return ", ".join(f"{part} {_points(points)}" for part, points in ordered if abs(points) >= _UNTOLD)


def _is_of_part(one: Contribution) -> bool:
    return not (math.isnan(one.from_s) or math.isnan(one.to_s))


def _when(one: Contribution, *, start_s: float) -> str:
    if not _is_of_part(one):
        return "the whole recording"
    return f"{one.from_s - start_s:.1f} to {one.to_s - start_s:.1f} s"


def _sentence(one: Contribution, *, start_s: float) -> str:
    usual = f"{one.usual_low:.3g} to {one.usual_high:.3g} {one.unit}"
    when = f", from {_when(one, start_s=start_s)}" if _is_of_part(one) else ""
    return (
        f"{one.label} ({one.body_part}{when}): {one.value:.3g} {one.unit}, "
        f"8 of 10 of the people trained on {usual}: {_points(one.points)}."
    )


def _points(points: float) -> str:
    return f"{'+' if points > 0.0 else '−'}{abs(points):.2f}"
