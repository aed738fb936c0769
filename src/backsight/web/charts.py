"""Where the marks of small figures lie; templates draw them, the stylesheet colours them. Knows no request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backsight.domain.assessment import RED_FLAG_ABOVE
from backsight.storage.history import SessionRecord

WIDTH, HEIGHT = 640, 240
"""Of the figure of sessions over time, in units of its view box."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 52, 20, 34
_MIN_GAP = 34.0
"""Between two sessions, so that intervals of the same day stay apart."""


@dataclass(frozen=True)
class Mark:
    """One session in the figure."""

    x: float
    y: float
    y_low: float
    """Of the lower end of the interval, thus the larger number."""
    y_high: float
    value: float
    started_at: datetime
    is_flagged: bool
    has_label: bool
    """Whether there is room for its date under the axis."""


@dataclass(frozen=True)
class IndexFigure:
    """A person's index over time."""

    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    """Heights of the grid and what they mean."""
    y_limit: float
    """Of the red flag's limit."""
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def trend(self) -> str:
        """Points of the line through all sessions."""
        return " ".join(f"{mark.x:.1f},{mark.y:.1f}" for mark in self.marks)


def index_figure(sessions: Sequence[SessionRecord]) -> IndexFigure | None:
    """Lay out the sessions that gave an index, by when they were; None = none did."""
    shown = [(item.started_at, item.index) for item in sessions if item.index is not None]
    if not shown:
        return None
    places = _places([at for at, _ in shown])
    marks: list[Mark] = []
    last_label_x = -100.0
    for x, (at, index) in zip(places, shown, strict=True):
        has_label = x - last_label_x >= 2 * _MIN_GAP
        last_label_x = x if has_label else last_label_x
        marks.append(
            Mark(
                x=x,
                y=_height(index.value),
                y_low=_height(index.low),
                y_high=_height(index.high),
                value=index.value,
                started_at=at,
                is_flagged=index.value > RED_FLAG_ABOVE,
                has_label=has_label,
            )
        )
    ticks = tuple((_height(value), f"{value:.2g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0))
    return IndexFigure(marks=tuple(marks), ticks=ticks, y_limit=_height(RED_FLAG_ABOVE))


def _height(index: float) -> float:
    """Return where an index lies: 0, the best, at the bottom."""
    return round(HEIGHT - _BOTTOM - index * (HEIGHT - _BOTTOM - _TOP), 1)


def _places(moments: Sequence[datetime]) -> list[float]:
    """Return where sessions lie from left to right: as far apart as in time, but never on each other."""
    left, right = _LEFT + _MIN_GAP / 2, WIDTH - _RIGHT - _MIN_GAP / 2
    if len(moments) == 1:
        return [(left + right) / 2]
    span_s = (moments[-1] - moments[0]).total_seconds()
    gap = min(_MIN_GAP, (right - left) / (len(moments) - 1))
    free = (right - left) - gap * (len(moments) - 1)
    places = []
    for number, moment in enumerate(moments):
        share = (moment - moments[0]).total_seconds() / span_s if span_s > 0.0 else number / (len(moments) - 1)
        places.append(round(left + number * gap + share * free, 1))
    return places
