"""Say in words what moved an index: measure by measure, body part by body part. Knows nothing of HTML and models."""

from __future__ import annotations

import math
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
    gaps: str
    """What could not be measured; empty when all was."""


def view_explanation(explanation: Explanation | None) -> ExplanationView | None:
    """Return what the page says; None when the model cannot say how the index came about."""
    if explanation is None:
        return None
    told = [one for one in explanation.contributions if abs(one.points) >= _UNTOLD]
    effects = [_sentence(one) for one in told[:N_SHOWN]]
    rest = sum(one.points for one in explanation.contributions) - sum(one.points for one in told[:N_SHOWN])
    if abs(rest) >= _UNTOLD:
        effects.append(f"All other measures together: {_points(rest)}.")
    parts: dict[str, float] = {}
    for one in explanation.contributions:
        parts[one.body_part] = parts.get(one.body_part, 0.0) + one.points
    ordered = sorted(
        ((part, points) for part, points in parts.items() if abs(points) >= _UNTOLD), key=lambda x: -abs(x[1])
    )
    told_parts = ", ".join(f"{part} {_points(points)}" for part, points in ordered if abs(points) >= _UNTOLD)
    n_missing = explanation.n_missing
    return ExplanationView(
        start=f"Somebody typical in every measure would get {explanation.typical:.2f}.",
        effects=tuple(effects) or ("No measure moved the index from that.",),
        body_parts=f"By body part: {told_parts}." if told_parts else "",
        gaps=f"Measures that could not be taken and count as typical: {n_missing}." if n_missing else "",
    )


def _sentence(one: Contribution) -> str:
    usual = f"{one.usual_low:.3g} to {one.usual_high:.3g} {one.unit}"
    when = "" if math.isnan(one.from_s) or math.isnan(one.to_s) else f", from {one.from_s:.1f} to {one.to_s:.1f} s"
    return (
        f"{one.label} ({one.body_part}{when}): {one.value:.3g} {one.unit}, "
        f"8 of 10 of the people trained on {usual}: {_points(one.points)}."
    )


def _points(points: float) -> str:
    return f"{'+' if points > 0.0 else '−'}{abs(points):.2f}"
