"""Smooth landmarks over time as MediaPipe's graph does. Knows no image and no network.

The filter of positions is the 1-euro filter (Casiez, Roussel, Vogel 2012, doi:10.1145/2207676.2208639): a low pass
whose cut-off rises with speed, so that somebody at rest does not tremble and somebody in motion does not trail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.sequences import PoseObservation
from backsight.domain.validation import FloatArray

_FIRST_RATE_HZ = 30.0
"""Taken for the rate until two frames have told it."""
_SMALLEST_SIZE = 1e-6
"""MediaPipe's `min_allowed_object_scale`: in proportion to less, no speed can be told."""
_VISIBILITY_SHARE = 0.1
"""How much of a smoothed visibility is new."""


@dataclass(frozen=True)
class OneEuroSettings:
    """How a 1-euro filter weighs calm against delay."""

    min_cutoff_hz: float
    """At rest."""
    beta: float
    """Rise of the cut-off with speed, in hertz per (unit a second)."""
    speed_cutoff_hz: float = 1.0
    """Of the speed itself."""


IMAGE_SETTINGS = OneEuroSettings(min_cutoff_hz=0.05, beta=80.0)
"""Of landmarks in the image, in sizes of the person."""
WORLD_SETTINGS = OneEuroSettings(min_cutoff_hz=0.1, beta=40.0)
"""Of world landmarks, in metres."""


class OneEuroFilter:
    """Smooths an array of values over time, each on its own."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._settings = settings
        self._time_s = -math.inf
        self._rate_hz = _FIRST_RATE_HZ
        self._raw: FloatArray | None = None
        self._smooth: FloatArray = np.empty(0)
        self._speed: FloatArray = np.empty(0)

    def smooth(self, values: FloatArray, *, time_s: float, size: float = 1.0) -> FloatArray:
        """Return the values smoothed with what came before.

        Parameters
        ----------
        values
            Same shape every time.
        time_s
            Later than the last.
        size
            What a value is to be seen in proportion to; a speed is in sizes a second. Next to none, as of a region
            that has shrunk to a point: the values are returned as they are, and nothing is remembered of them.
        """
        if size < _SMALLEST_SIZE:
            return values
        if self._raw is None:
            self._speed = np.zeros_like(values)
            self._smooth = values
        else:
            self._rate_hz = 1.0 / (time_s - self._time_s)
            speed = (values - self._raw) / size * self._rate_hz
            self._speed = _blend(self._speed, speed, self._share(self._settings.speed_cutoff_hz))
            cutoff_hz = self._settings.min_cutoff_hz + self._settings.beta * np.abs(self._speed)
            self._smooth = _blend(self._smooth, values, self._share(cutoff_hz))
        self._raw, self._time_s = values, time_s
        return self._smooth

    def _share(self, cutoff_hz: FloatArray | float) -> FloatArray | float:
        """Return how much of a low pass's next value is new."""
        return 1.0 / (1.0 + self._rate_hz / (math.tau * cutoff_hz))


class LandmarkSmoother:
    """Smooths one person's landmarks from the frame in which they are found to the one in which they are lost."""

    def __init__(self) -> None:
        self._image = OneEuroFilter(IMAGE_SETTINGS)
        self._world = OneEuroFilter(WORLD_SETTINGS)
        self._visibility: FloatArray | None = None

    def smooth(self, seen: PoseObservation, *, time_s: float, size_px: float) -> PoseObservation:
        """Return a person smoothed with the frames before; presence is left as it is.

        Parameters
        ----------
        seen
            The person in the next frame.
        time_s
            Later than the last.
        size_px
            The person's size in the image.
        """
        before = seen.visibility if self._visibility is None else self._visibility
        self._visibility = _blend(before, seen.visibility, _VISIBILITY_SHARE)
        return replace(
            seen,
            image_px=self._image.smooth(seen.image_px, time_s=time_s, size=size_px),
            world_m=self._world.smooth(seen.world_m, time_s=time_s),
            visibility=self._visibility,
        )


def _blend(before: FloatArray, now: FloatArray, share: FloatArray | float) -> FloatArray:
    return np.asarray(before + share * (now - before))
