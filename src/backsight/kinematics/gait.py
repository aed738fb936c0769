"""When somebody walks, how fast and with which steps. Knows nothing of norms or scores."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame
from backsight.kinematics.geometry import dot
from backsight.kinematics.signals import smooth

SHORTEST_WALK_BH = 0.5
"""Moving less than this many body heights across the picture is no walk of two metres seen from the side."""
TURN_BACK_BH = 0.15
"""Moving back by this many body heights is a turn; hips sway by less on a straight way."""
STEADY_WITHIN_SHARE = 0.05
"""Root mean square distance from constant speed, as a share of the way. Within a stride the hips keep to 2 %; a stop of
half a second in two metres gives 9 %."""


def ankle_lead_m(world_m: FloatArray, frame: BodyFrame) -> FloatArray:
    """Return how far the left ankle is ahead of the right one; shape (n_frames,), NaN = missing.

    Feet put apart sideways are no step, whichever way the person faces.
    """
    return dot(world_m[:, Landmark.LEFT_ANKLE] - world_m[:, Landmark.RIGHT_ANKLE], frame.forward)


def find_walking_speed(position_m: FloatArray, timestamps_s: FloatArray, *, height_m: float) -> float:
    """Return the speed of the longest way in one direction, over its middle 80 %, in metres a second; never negative.

    Parameters
    ----------
    position_m
        Horizontal position across the picture; shape (n_frames,); NaN = missing.
    timestamps_s
        Shape (n_frames,).
    height_m
        The person's height in the same metres.

    Returns
    -------
    float
        NaN when the person goes no further than `SHORTEST_WALK_BH` of their height in one direction, or not steadily:
        a stop on the way is no speed.
    """
    smoothed = smooth(position_m, timestamps_s)
    there = np.isfinite(smoothed)
    position, times_s = smoothed[there], timestamps_s[there]
    ends = _turning_points(position, by=TURN_BACK_BH * height_m)
    if len(ends) < 2:
        return float("nan")
    first, last = max(pairwise(ends), key=lambda leg: abs(position[leg[1]] - position[leg[0]]))
    way_m = float(position[last] - position[first])
    done = (position[first : last + 1] - position[first]) / way_m
    steady = np.flatnonzero((done >= 0.1) & (done <= 0.9)) + first
    if not abs(way_m) >= SHORTEST_WALK_BH * height_m or len(steady) < 3:
        return float("nan")
    line = np.polynomial.Polynomial.fit(times_s[steady], position[steady], 1)
    misfit_m = float(np.sqrt(np.square(position[steady] - line(times_s[steady])).mean()))
    return abs(float(line.convert().coef[1])) if misfit_m <= STEADY_WITHIN_SHARE * abs(way_m) else float("nan")


def _turning_points(position: FloatArray, *, by: float) -> list[int]:
    """Return where a way begins, turns back by at least `by`, and ends, as indices; fewer than two = no way."""
    ends: list[int] = []
    top, bottom, direction = 0, 0, 0
    for i, here in enumerate(position):
        top = i if here > position[top] else top
        bottom = i if here < position[bottom] else bottom
        if direction >= 0 and position[top] - here >= by:
            ends.append(top)
            direction, bottom = -1, i
        elif direction <= 0 and here - position[bottom] >= by:
            ends.append(bottom)
            direction, top = 1, i
    if direction:
        ends.append(top if direction > 0 else bottom)
    return ends
