"""Turn a movement's events into marks on the curves and a legend. Knows nothing of curves or HTML.

Time runs from 0 at the first frame of the analysed part, as it does in the overlay video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backsight.domain.assessment import MovementEvent

_SYMBOLS = {"left_heel_strike": "L", "right_heel_strike": "R"}
"""Marks that say what they stand for; other events are numbered in order of time."""


@dataclass(frozen=True)
class Moment:
    """One mark on every curve."""

    time_s: float
    symbol: str
    """One letter or a number, drawn beside the line."""


@dataclass(frozen=True)
class MomentKind:
    """One line of the legend: what a symbol stands for and when it happened."""

    symbol: str
    label: str
    times_s: tuple[float, ...]


def find_moments(
    events: Sequence[MovementEvent], *, start_s: float, duration_s: float
) -> tuple[tuple[Moment, ...], tuple[MomentKind, ...]]:
    """Return the marks in order of time and the legend, without events outside the analysed part.

    Parameters
    ----------
    events
        On the recording's own clock.
    start_s
        Time of the first analysed frame on that clock.
    duration_s
        Of the analysed part.
    """
    inside = sorted(
        (event for event in events if 0.0 <= event.time_s - start_s <= duration_s), key=lambda event: event.time_s
    )
    numbered = [name for name in dict.fromkeys(event.name for event in inside) if name not in _SYMBOLS]
    symbols = _SYMBOLS | {name: str(number) for number, name in enumerate(numbered, start=1)}
    kinds: dict[str, MomentKind] = {}
    for event in inside:
        before = kinds[event.name].times_s if event.name in kinds else ()
        label = event.label[:1].upper() + event.label[1:]
        kinds[event.name] = MomentKind(symbols[event.name], label, (*before, event.time_s - start_s))
    return tuple(Moment(event.time_s - start_s, symbols[event.name]) for event in inside), tuple(kinds.values())
