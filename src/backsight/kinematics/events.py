"""When a bend starts and ends, when the feet leave the floor, when somebody walks. Knows nothing of norms or scores."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame
from backsight.kinematics.geometry import dot, known, known_share, median_of_known
from backsight.kinematics.signals import smooth

SMALLEST_BEND_DEG = 30.0
"""A trunk that flexes less than this above standing has not bent: seen from the front, where one camera errs by up to
14 degrees, seated people who turn and people who jump showed 20 to 27."""
STANDING_WITHIN_SHARE = 0.15
"""Flexion within this share of the whole movement above the lowest level counts as standing."""
BEND_STARTS_AT_SHARE, BEND_STARTS_AT_LEAST_DEG = 0.05, 4.0
"""A bend is timed while the trunk is flexed above standing by more than this share of the deepest flexion, and by more
than landmark jitter; the time is then extended to the whole bend as for one turn of a cosine."""
BOTTOM_SHARE = 0.95
"""Above this share of the deepest flexion the person is at the bottom."""
PAUSE_ABOVE_SHARE = 0.4
"""Staying at the bottom for more than this share of the timed bend is a pause. One turn of a cosine stays for 17 %, the
smoothest reach down and up (least jerk) for 23 %."""

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

SHORTEST_WALK_BH = 0.5
"""Moving less than this many body heights across the picture is no walk of two metres seen from the side."""
TURN_BACK_BH = 0.15
"""Moving back by this many body heights is a turn; hips sway by less on a straight way."""
STEADY_WITHIN_SHARE = 0.05
"""Root mean square distance from constant speed, as a share of the way. Within a stride the hips keep to 2 %; a stop of
half a second in two metres gives 9 %."""


@dataclass(frozen=True)
class Bend:
    """The deepest forward bend of a recording; times in the recording's seconds."""

    start_s: float
    """Leaves standing by the threshold; NaN = the recording starts in the bend."""
    bottom_start_s: float
    deepest_s: float
    bottom_end_s: float
    end_s: float
    """Is back within the threshold; NaN = the recording ends in the bend."""
    standing_deg: float
    """Flexion while standing, to be subtracted."""
    deepest_deg: float
    """Flexion at the deepest point, standing not subtracted."""
    threshold_share: float
    """Share of the deepest flexion above standing at which start and end are taken."""
    known_share: float
    """Share of the bend's frames in which the flexion is known."""

    @property
    def range_deg(self) -> float:
        """Flexion at the deepest point above the person's own standing."""
        return self.deepest_deg - self.standing_deg

    @property
    def bottom_s(self) -> float:
        """Seconds spent at the bottom."""
        return self.bottom_end_s - self.bottom_start_s

    @property
    def is_paused(self) -> bool:
        """True when the person stayed at the bottom; False when start or end is unknown."""
        return self.bottom_s > PAUSE_ABOVE_SHARE * (self.end_s - self.start_s)

    @property
    def down_and_up_s(self) -> float:
        """Seconds from standing to standing, less a pause at the bottom; NaN = start or end is not in the recording.

        What passes below the threshold is added as for one turn of a cosine, which reaches a share p of its depth after
        arccos(1 - 2 p) / pi of its way down.
        """
        top, bottom = np.arccos(1.0 - 2.0 * np.array([self.threshold_share, BOTTOM_SHARE])) / np.pi
        if self.is_paused:
            return float((self.end_s - self.start_s - self.bottom_s) / (bottom - top))
        return float((self.end_s - self.start_s) / (1.0 - top))


def find_bend(flexion_deg: FloatArray, timestamps_s: FloatArray) -> Bend | None:
    """Find the deepest bend in the trunk's flexion.

    Parameters
    ----------
    flexion_deg
        Trunk flexion, standing not subtracted; shape (n_frames,); NaN = missing.
    timestamps_s
        Shape (n_frames,).

    Returns
    -------
    Bend or None
        None when the trunk never flexes by `SMALLEST_BEND_DEG`.
    """
    flexion = smooth(flexion_deg, timestamps_s)
    there = np.isfinite(flexion)
    if not there.any():
        return None
    deepest = int(np.nanargmax(flexion))
    standing_deg, peak_deg = find_standing_deg(flexion), float(flexion[deepest])
    range_deg = peak_deg - standing_deg
    if not range_deg >= SMALLEST_BEND_DEG:
        return None
    threshold_share = max(BEND_STARTS_AT_SHARE, BEND_STARTS_AT_LEAST_DEG / range_deg)
    upright = there & (flexion <= standing_deg + threshold_share * range_deg)
    high = np.flatnonzero(there & (flexion >= standing_deg + BOTTOM_SHARE * range_deg))
    before, after = np.flatnonzero(upright[:deepest]), np.flatnonzero(upright[deepest:]) + deepest
    first = int(before[-1]) if len(before) else 0
    last = int(after[0]) if len(after) else len(flexion) - 1
    bottom = high[(high >= first) & (high <= last)]
    return Bend(
        start_s=float(timestamps_s[first]) if len(before) else float("nan"),
        bottom_start_s=float(timestamps_s[bottom[0]]),
        deepest_s=float(timestamps_s[deepest]),
        bottom_end_s=float(timestamps_s[bottom[-1]]),
        end_s=float(timestamps_s[last]) if len(after) else float("nan"),
        standing_deg=standing_deg,
        deepest_deg=peak_deg,
        threshold_share=threshold_share,
        known_share=known_share(flexion_deg[first : last + 1]),
    )


def find_standing_deg(flexion_deg: FloatArray) -> float:
    """Return the trunk's flexion while standing; NaN when nothing is known.

    The lowest level of the recording, however short the standing is against a bend that is held: the 10th centile of
    the lower half of the movement, then the median of what lies near it, so that leaning back for a moment is no
    standing.
    """
    found = known(flexion_deg)
    if not len(found):
        return float("nan")
    peak_deg = float(found.max())
    lower_half = found[found <= 0.5 * (float(found.min()) + peak_deg)]
    rough_deg = float(np.percentile(lower_half, 10.0))
    return median_of_known(found[found <= rough_deg + STANDING_WITHIN_SHARE * (peak_deg - rough_deg)])


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
