"""How long a jump lasts by what is carried through the air, beside what the toes say. Knows nothing of norms or scores.

Shoulders and head are higher than where they are at take-off for exactly as long as the feet are off the floor. That
time hardly depends on metres, and errs otherwise than the toes' does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import known, median_of_known

AGREES_WITHIN_S = 0.15
"""Shoulders or a head that are up for so much longer or shorter than the toes were misread."""


def agreed_air_time_s(toes_s: float, carried_s: Sequence[float]) -> float:
    """Return the mean of the toes' time and of those carried parts' that agree with it to within `AGREES_WITHIN_S`.

    Parameters
    ----------
    toes_s
        Seconds that the toes are in the air.
    carried_s
        `time_up_s` of other parts; NaN = not seen.
    """
    others = known(np.asarray(carried_s, dtype=np.float64))
    return float(np.mean([toes_s, *others[np.abs(others - toes_s) <= AGREES_WITHIN_S]]))


def time_up_s(
    height_m: FloatArray,
    timestamps_s: FloatArray,
    standing: NDArray[np.bool_],
    *,
    middle_s: float,
    reach_s: float,
    lift_m: float,
) -> float:
    """Return for how long a part of the upper body is above where it is at take-off, between frames.

    Parameters
    ----------
    height_m
        Shape (n_frames,); NaN = missing.
    timestamps_s
        Shape (n_frames,).
    standing
        Frames that give the part's level on the floor; shape (n_frames,).
    middle_s
        Middle of the flight.
    reach_s
        Only frames within this of the middle count.
    lift_m
        How far the part has risen above standing when the toes leave the floor.

    Returns
    -------
    float
        Seconds; NaN = not seen on both sides of the flight.
    """
    above = height_m - median_of_known(height_m[standing]) - lift_m
    near = np.isfinite(above) & (np.abs(timestamps_s - middle_s) <= reach_s)
    y, t = above[near], timestamps_s[near]
    # Two frames in a row, because in flight a single one below is a misread one.
    low = y < 0.0
    falling = np.flatnonzero(low[:-1] & low[1:] & (t[:-1] > middle_s))
    rising = np.flatnonzero(low[:-1] & low[1:] & (t[1:] < middle_s)) + 1
    if not len(rising) or not len(falling) or falling[0] - rising[-1] < 2:
        return float("nan")

    def crossing_s(outside: int, inside: int) -> float:
        return float(t[outside] + (t[inside] - t[outside]) * y[outside] / (y[outside] - y[inside]))

    return crossing_s(falling[0], falling[0] - 1) - crossing_s(rising[-1], rising[-1] + 1)
