"""Where to look closer while nobody is found in a whole frame: in squares of it. Knows no model.

The person detector reads any picture at 224 pixels. At 4 to 5 m from the camera a person is some 30 of them tall and
is not found; in a square of the frame's height the same person is 1.8 times as tall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseObservation
from backsight.pose.following import PersonBox

SIDE_SHARE = 9 / 16
"""Side of a window, as a share of the frame's longer side: the whole height of the usual frame."""
LEAST_SIDE_PX = 224
"""The detector's input: a smaller window would only be blown up."""
LEAST_OVERLAP = 0.3
"""Neighbours share at least this part of a side. Who fills more of one is found in the whole frame: there a body is
found from 0.22 of the longer side on, which is 0.39 of a window's side, and across that a standing one is narrower."""
ROUND_S = 1.0
"""A round through all windows, one a frame, begins at most so often: an empty room is looked at closely for a few
frames of every second."""
KEPT_S = 1.0
"""Somebody found in a window and lost is looked for around there in every frame for so long, as `PATIENCE_S` is."""
LEAST_MARGIN = 0.1
"""A window moves when the followed person comes nearer than this share of its side to an edge of it ..."""
LEAST_MOVE = 0.15
"""... and only where that carries it at least so far, in sides: at the frame's edge, or with somebody who fills the
window, moving would not help."""

OTHERS_VISIBILITY = 0.8
"""Mean visibility from which somebody in a window counts as another person. On a calibration film furniture passed for
one in 7 of 11 looks, with 0.57 to 0.71; people at 4 to 6 m who were followed reach 0.73 to 0.97."""


@dataclass(frozen=True)
class Window:
    """An upright square of a frame, all inside it, in pixels."""

    left_px: int
    top_px: int
    side_px: int

    @classmethod
    def around(cls, middle: tuple[float, float], *, side_px: int, frame_size: tuple[int, int]) -> Self:
        """Return the window with a point (x, y) in its middle, or as near to it as the frame's edges allow."""
        left, top = (
            min(max(round(centre - side_px / 2), 0), extent - side_px)
            for centre, extent in zip(middle, frame_size, strict=True)
        )
        return cls(left, top, side_px)

    @property
    def middle(self) -> tuple[float, float]:
        """(x, y) of the centre."""
        return self.left_px + self.side_px / 2, self.top_px + self.side_px / 2

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return what an image, of shape (height, width, 3), shows in the window, in memory of its own."""
        rows = slice(self.top_px, self.top_px + self.side_px)
        return image[rows, self.left_px : self.left_px + self.side_px].copy()

    def to_frame(self, seen: PoseObservation) -> PoseObservation:
        """Return somebody seen in the window's pixels as they are in the frame's; depth keeps its scale."""
        return replace(seen, image_px=seen.image_px + np.array([self.left_px, self.top_px, 0.0]))

    def following(self, box: PersonBox, *, frame_size: tuple[int, int]) -> Window:
        """Return the window to follow a person in: this one while they stay well inside it."""
        margin = min(
            box.left - self.left_px,
            box.top - self.top_px,
            self.left_px + self.side_px - box.right,
            self.top_px + self.side_px - box.bottom,
        )
        if margin >= LEAST_MARGIN * self.side_px:
            return self
        middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        moved = Window.around(middle, side_px=self.side_px, frame_size=frame_size)
        distance = max(abs(moved.left_px - self.left_px), abs(moved.top_px - self.top_px))
        return moved if distance >= LEAST_MOVE * self.side_px else self


def lay_out_windows(frame_size: tuple[int, int]) -> tuple[Window, ...]:
    """Return the windows that cover a frame of (width, height) pixels, the most central first; none of a small one."""
    width, height = frame_size
    side = min(width, height, round(SIDE_SHARE * max(width, height)))
    if side < LEAST_SIDE_PX:
        return ()
    windows = [Window(left, top, side) for top in _spread(height, side) for left in _spread(width, side)]

    def off_centre(window: Window) -> float:
        return math.hypot(window.left_px + (side - width) / 2, window.top_px + (side - height) / 2)

    return tuple(sorted(windows, key=off_centre))


def _spread(extent: int, side: int) -> list[int]:
    """Return where windows begin along one axis: evenly from edge to edge."""
    n_more = math.ceil((extent - side) / ((1.0 - LEAST_OVERLAP) * side))
    return [round(place * (extent - side) / max(n_more, 1)) for place in range(n_more + 1)]


class WindowSearch:
    """Chooses where to look next while nobody is found: round by round through all windows of a frame.

    Parameters
    ----------
    frame_size
        (width, height) in pixels.
    """

    def __init__(self, frame_size: tuple[int, int]) -> None:
        self.windows = lay_out_windows(frame_size)
        self._frame_size = frame_size
        self._n_seen = len(self.windows)
        self._round_at_s = -math.inf
        self._lost: tuple[float, float] | None = None
        self._lost_at_s = -math.inf

    def next_window(self, timestamp_s: float) -> Window | None:
        """Return the window to look into for a frame without anybody, or None where it is to be left at that."""
        if not self.windows:
            return None
        if self._n_seen == len(self.windows) and timestamp_s - self._round_at_s >= ROUND_S:
            self._n_seen, self._round_at_s = 0, timestamp_s
        if self._n_seen < len(self.windows):
            self._n_seen += 1
            return self.windows[self._n_seen - 1]
        if self._lost is None or timestamp_s - self._lost_at_s > KEPT_S:
            return None
        return Window.around(self._lost, side_px=self.windows[0].side_px, frame_size=self._frame_size)

    def note_lost(self, middle: tuple[float, float], timestamp_s: float) -> None:
        """Take note of where somebody found in a window was last, to look there between the rounds."""
        self._lost, self._lost_at_s = middle, timestamp_s


def join_sightings(
    whole: list[PoseObservation], in_windows: list[PoseObservation], *, limit: int
) -> list[PoseObservation]:
    """Return up to `limit` people, each once though several windows show them; of windows only who is surely one."""
    kept: list[tuple[PersonBox, PoseObservation]] = []
    for seen in (*whole, *(one for one in in_windows if one.visibility.mean() >= OTHERS_VISIBILITY)):
        box = PersonBox.around(seen)
        if not any(box.shows_same_person_as(known) for known, _ in kept):
            kept.append((box, seen))
    return [seen for _, seen in kept[:limit]]
