"""Make a file's presentation times strictly increasing seconds. Knows nothing of pictures."""

from __future__ import annotations

from fractions import Fraction

MAX_FPS = 60.0
"""Frames beyond this rate cost time and show nothing new of a movement; the paper asks for 60 fps (section IV)."""

REORDER_S = 1.0
"""A picture that is no later than the one before it, by less than this, is a duplicate; by more, the recorder's clock
was set anew (joined recordings, a broadcast's wrap-around)."""


class FrameClock:
    """Gives each decoded picture its time in seconds since the recording's first frame.

    Parameters
    ----------
    zero_pts
        Presentation time of the recording's first frame; None = that of the first picture stamped.
    time_base
        Seconds a unit of presentation time.
    fps
        Pictures a second, for pictures without a time of their own.
    """

    def __init__(self, *, zero_pts: int | None, time_base: Fraction, fps: float) -> None:
        self._zero_pts = zero_pts
        self._time_base = time_base
        self._step_s = 1.0 / fps
        self._offset_s = 0.0
        self._last_s: float | None = None

    def stamp(self, pts: int | None) -> float | None:
        """Return the next picture's time in seconds; None when it repeats a moment that was already shown."""
        time_s = self._raw_time_s(pts)
        if self._last_s is not None and time_s <= self._last_s:
            if self._last_s - time_s < REORDER_S:
                return None
            self._offset_s += self._last_s + self._step_s - time_s
            time_s = self._last_s + self._step_s
        self._last_s = time_s
        return time_s

    def _raw_time_s(self, pts: int | None) -> float:
        if pts is None:
            return 0.0 if self._last_s is None else self._last_s + self._step_s
        if self._zero_pts is None:
            self._zero_pts = pts
        return float((pts - self._zero_pts) * self._time_base) + self._offset_s
