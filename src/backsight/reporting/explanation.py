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
    """One sentence a measure, or a body part where measures are not told apart, largest effect first."""
    body_parts: str
    """Effects by body part, as one sentence; empty when there are none."""
    times: str
    """Effects by part of the recording, as one sentence; empty when no measure is of a part."""
    gaps: str
    """What could not be measured; empty when all was."""
    how: str
    """What the shares are, and what they are not."""


def view_explanation(explanation: Explanation | None, *, start_s: float = 0.0) -> ExplanationView | None:
    """Return what the page says; None when the model cannot say how the index came about.

    Parameters
    ----------
    start_s
        Time of the first analysed frame on the recording's own clock.
    """
    if explanation is None:
        return None
    is_by_measure = not explanation.contributions or any(
        math.isfinite(one.usual_low) for one in explanation.contributions
    )
    if is_by_measure:
        effects = _by_measure(explanation.contributions, start_s=start_s)
        told_parts = _told_by(explanation.contributions, lambda one: one.body_part)
    else:
        effects, told_parts = _by_body_part(explanation.contributions, start_s=start_s), ""
    is_of_part = any(_is_of_part(one) for one in explanation.contributions)
    told_times = _told_by(explanation.contributions, lambda one: _when(one, start_s=start_s)) if is_of_part else ""
    n_missing = explanation.n_missing
    typical = "Somebody typical in every measure" if is_by_measure else "A recording of nothing but typical values"
    return ExplanationView(
        start=f"{typical} would get {explanation.typical:.2f}.",
        effects=effects or (f"No {'measure' if is_by_measure else 'body part'} moved the index from that.",),
        body_parts=f"By body part: {told_parts}." if told_parts else "",
        times=f"By time: {told_times}." if told_times else "",
        gaps=f"Read by the model, could not be taken and count as typical: {_measures(n_missing)}."
        if n_missing
        else "",
        how=f"{explanation.how} This says what moved the model, not what causes pain."
        if explanation.how
        else "This says what the model added up, not what causes pain.",
    )


def _measures(number: int) -> str:
    return f"{number} measure{'s' if number > 1 else ''}"


def _by_measure(contributions: Sequence[Contribution], *, start_s: float) -> tuple[str, ...]:
    told = [one for one in contributions if abs(one.points) >= _UNTOLD][:N_SHOWN]
    effects = [_sentence(one, start_s=start_s) for one in told]
    rest = sum(one.points for one in contributions) - sum(one.points for one in told)
    if not effects and contributions:
        largest = contributions[0]
        effects = [
            f"No single measure moved it by {_UNTOLD:g} or more; {largest.label} ({largest.body_part}) did most."
        ]
    if abs(rest) >= _UNTOLD:
        effects.append(f"All {'other ' if told else ''}measures together: {_points(rest)}.")
    return tuple(effects)


def _by_body_part(contributions: Sequence[Contribution], *, start_s: float) -> tuple[str, ...]:
    """Return a sentence a body part, with the time in which it did most of that."""
    parts: dict[str, list[Contribution]] = {}
    for one in contributions:
        parts.setdefault(one.label, []).append(one)
    summed = {label: sum(one.points for one in of_part) for label, of_part in parts.items()}
    effects = []
    for label, points in sorted(summed.items(), key=lambda part: -abs(part[1])):
        strongest = max if points > 0.0 else min
        most = strongest(parts[label], key=lambda one: one.points)
        if abs(points) >= _UNTOLD:
            when = (
                f", most of all from {_when(most, start_s=start_s)} ({_points(most.points)})"
                if _is_of_part(most)
                else ""
            )
            effects.append(f"{label}: {_points(points)}{when}.")
    return tuple(effects)


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
    when = f", from {_when(one, start_s=start_s)}" if _is_of_part(one) else ""
    if math.isnan(one.value):
        unsure = "too unsure to be told by itself, weighed all the same"
        return f"{one.label} ({one.body_part}{when}): {unsure}: {_points(one.points)}."
    usual = f"{_number(one.usual_low)} to {_number(one.usual_high)} {one.unit}"
    return (
        f"{one.label} ({one.body_part}{when}): {_number(one.value)} {one.unit}, "
        f"8 of 10 of the people trained on {usual}: {_points(one.points)}."
    )


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _points(points: float) -> str:
    return f"{'+' if points > 0.0 else '−'}{abs(points):.2f}"
