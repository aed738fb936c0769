"""Which part of a recording is wanted: from when to when, and which rectangle. Knows nothing of decoding."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from backsight.errors import InvalidValueError

MIN_CROP_PX = 64
"""A smaller rectangle cannot show a whole body in which 33 landmarks could be told apart."""

TIME_TOLERANCE_S = 0.0005
"""People type milliseconds: a frame counts as reached up to half a millisecond early."""

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):(?=[0-5]?\d(?:\.|$)))?(\d+(?:\.\d*)?|\.\d+)")
_FRAME = re.compile(r"(\d+)f")


@dataclass(frozen=True)
class Position:
    """A place in a recording: a time or a frame number, counted from the recording's first frame."""

    seconds: float | None = None
    """Seconds since the recording's first frame."""
    frame: int | None = None
    """Number of the frame, counted from 0."""

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.frame is None):
            raise InvalidValueError(f"a position must be either seconds or a frame number, got {self!r}")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0.0):
            raise InvalidValueError(f"`seconds` of a position must be 0 or more, got {self.seconds}")
        if self.frame is not None and self.frame < 0:
            raise InvalidValueError(f"`frame` of a position must be 0 or more, got {self.frame}")

    def is_reached(self, *, index: int, timestamp_s: float) -> bool:
        """Return whether the frame with this number and time is at the position or after it."""
        if self.frame is not None:
            return index >= self.frame
        assert self.seconds is not None  # noqa: S101  (one of the two is set: see __post_init__)
        return timestamp_s >= self.seconds - TIME_TOLERANCE_S

    def __str__(self) -> str:
        return f"frame {self.frame}" if self.frame is not None else f"{self.seconds:g} s"


@dataclass(frozen=True)
class Crop:
    """A rectangle in pixels of the picture as it is displayed: turned upright, with square pixels."""

    x: int
    """Left edge."""
    y: int
    """Upper edge."""
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.x < 0 or self.y < 0:
            raise InvalidValueError(f"`x` and `y` of a crop must be 0 or more, got {self.x} and {self.y}")
        if min(self.width, self.height) < MIN_CROP_PX:
            raise InvalidValueError(
                f"a crop must be at least {MIN_CROP_PX} x {MIN_CROP_PX} pixels to show a whole body, "
                f"got {self.width} x {self.height}; choose a larger rectangle"
            )

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"


def parse_position(text: str) -> Position:
    """Read a position: `12.5` or `1:02.5` (a time) or `48f` (a frame number).

    Raises
    ------
    InvalidValueError
        When the text is none of these.
    """
    if match := _FRAME.fullmatch(text.strip()):
        return Position(frame=int(match[1]))
    if match := _CLOCK.fullmatch(text.strip()):
        hours, minutes, seconds = (float(part or 0.0) for part in match.groups())
        return Position(seconds=3600.0 * hours + 60.0 * minutes + seconds)
    raise InvalidValueError(
        f"a position must be seconds (12.5), minutes and seconds (1:02.5) or a frame number (48f), got {text!r}"
    )


def parse_crop(text: str) -> Crop:
    """Read a rectangle: `X,Y,WIDTH,HEIGHT` in pixels.

    Raises
    ------
    InvalidValueError
        When the text is not four whole numbers, or the rectangle is too small.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise InvalidValueError(f"a crop must be X,Y,WIDTH,HEIGHT in whole pixels, e.g. 0,470,1560,524, got {text!r}")
    x, y, width, height = (int(part) for part in parts)
    return Crop(x=x, y=y, width=width, height=height)
