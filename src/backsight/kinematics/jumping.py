"""When the feet leave the floor and land again. Knows nothing of norms or scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import median_of_known
from backsight.kinematics.signals import smooth

SMALLEST_RISE_M = 0.10
"""Hips that rise less than this above standing have not jumped: walking lifts them by 6 cm, rising onto the toes by
about 10 even before the feet leave the floor."""
SMALLEST_CLEARANCE_M = 0.04
"""Feet that rise less than this have not left the floor, as far as landmarks can tell."""
LONGEST_FLIGHT_S = 1.0
"""Nobody stays in the air for longer: 1 s is a jump of 1.2 m."""
JUMP_REACH_S = 0.8
"""Crouch, flight and landing lie within this time of the highest point; what is further away counts as standing."""
SHORTEST_STANDING_S = 0.3
"""Less standing than this gives no level to measure a jump from."""
LEVEL_FLOOR_WITHIN_M = 0.10
"""Standing hip height before and after a jump on level ground agrees to within this."""
CLEARANCE_SHARE = 0.3
"""Flight is timed while the feet are above this share of their highest clearance, well above landmark jitter; a point
in free fall is above it for sqrt(1 - share) of its whole flight."""


@dataclass(frozen=True, eq=False)
class Jump:
    """The highest jump of a recording; times in the recording's seconds."""

    apex_s: float
    take_off_s: float
    """Feet pass `CLEARANCE_SHARE` of their clearance upwards."""
    landing_s: float
    """Feet pass it downwards."""
    hip_rise_m: float
    """Mid-hip at its highest above standing, with the heels' lift at take-off in it; BlazePose's metres."""
    standing: NDArray[np.bool_]
    """Frames that count as standing; shape (n_frames,)."""

    @property
    def flight_s(self) -> float:
        """Seconds in the air, extended from the time above `CLEARANCE_SHARE` as for a point in free fall."""
        return (self.landing_s - self.take_off_s) / float(np.sqrt(1.0 - CLEARANCE_SHARE))


@dataclass(frozen=True)
class NoJump:
    """No jump that can be measured."""

    reason: str
    """Why, in one clause."""


def find_jump(hip_height_m: FloatArray, foot_height_m: FloatArray, timestamps_s: FloatArray) -> Jump | NoJump:
    """Find the highest jump, or say why there is none to measure.

    Parameters
    ----------
    hip_height_m
        Height of the mid-hip, up positive, from any level; shape (n_frames,); NaN = missing.
    foot_height_m
        Height of the lowest part of the feet, likewise.
    timestamps_s
        Shape (n_frames,).
    """
    hip = smooth(hip_height_m, timestamps_s, window_s=0.1)
    if not np.isfinite(hip).any():
        return NoJump("the hips are not seen")
    apex = int(np.nanargmax(hip))
    away = np.isfinite(hip) & (np.abs(timestamps_s - timestamps_s[apex]) > JUMP_REACH_S)
    step_s = float(np.median(np.diff(timestamps_s))) if len(timestamps_s) > 1 else float("nan")
    if not away.sum() * step_s >= SHORTEST_STANDING_S:
        return NoJump("the person is not seen standing before or after the jump")
    before, after = median_of_known(hip[:apex][away[:apex]]), median_of_known(hip[apex:][away[apex:]])
    if abs(before - after) > LEVEL_FLOOR_WITHIN_M:
        return NoJump("the person does not stand equally high before and after, as on level ground")
    rise_m = float(hip[apex]) - median_of_known(hip[away])
    clearance = foot_height_m - median_of_known(foot_height_m[away])
    near = np.abs(timestamps_s - timestamps_s[apex]) <= JUMP_REACH_S
    highest = float(np.max(clearance[near & np.isfinite(clearance)], initial=0.0))
    if rise_m < SMALLEST_RISE_M or highest < SMALLEST_CLEARANCE_M:
        return NoJump("the feet are not seen to leave the floor")
    level = CLEARANCE_SHARE * highest
    jump = Jump(
        apex_s=float(timestamps_s[apex]),
        take_off_s=_crossing_s(clearance[: apex + 1][::-1], timestamps_s[: apex + 1][::-1], level),
        landing_s=_crossing_s(clearance[apex:], timestamps_s[apex:], level),
        hip_rise_m=rise_m,
        standing=away,
    )
    if not jump.flight_s <= LONGEST_FLIGHT_S:
        return NoJump("take-off and landing of the feet are not both seen")
    return jump


def _crossing_s(values: FloatArray, times_s: FloatArray, level: float) -> float:
    """Return when a signal that starts above a level first falls to it, between samples; NaN where that is missing."""
    below = np.flatnonzero(~(values > level))
    if len(below) == 0 or below[0] == 0 or not np.isfinite(values[below[0]]):
        return float("nan")
    last, first = below[0] - 1, below[0]
    share = (values[last] - level) / (values[last] - values[first])
    return float(times_s[last] + share * (times_s[first] - times_s[last]))
