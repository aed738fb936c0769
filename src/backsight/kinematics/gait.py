"""When somebody's feet strike the floor, in which rhythm they step and how fast they walk. Knows nothing of norms.

A heel strikes where its foot is furthest ahead of the other one. Zeni 2008 takes the foot's greatest distance ahead of
the hips; against the other foot the extremum is twice as high and nearer to the strike, and the hips, which one camera
sees badly, do not matter. Across the picture that distance is seen. Towards the camera and away from it, it is depth,
which BlazePose hardly sees; there the feet are taken by their heights in the picture: the foot that swings is lifted,
and the nearer one appears lower. Their extremum lies a known share of a step off the strike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame
from backsight.kinematics.body import BodySize
from backsight.kinematics.geometry import dot, mean_of_known, unit
from backsight.kinematics.signals import frames_in, smooth

SHORTEST_WALK_BH = 0.5
"""Moving less than this many body heights across the picture is no walk of two metres seen from the side."""
TURN_BACK_BH = 0.15
"""Moving back by this many body heights is a turn; hips sway by less on a straight way."""
STEADY_WITHIN_SHARE = 0.05
"""Root mean square distance from constant speed, as a share of the way. Within a stride the hips keep to 2 %; a stop of
half a second in two metres gives 9 %."""
SIZE_WINDOW_S = 0.5
"""The person's size in the picture is averaged over this time; BlazePose's changes by some percent within a step."""
FOCAL_LENGTH_SHARE = 0.6
"""Focal length over the picture's longer side, a field of view of 80 degrees. Assumption: phones film with 0.7, webcams
and wide lenses with 0.5."""
SHORTEST_STEP_S, LONGEST_STEP_S = 0.33, 1.2
"""From 180 steps a minute, as fast as one walks before one runs, to a shuffle of 50; anything else is no step."""
HEADING_WINDOW_S = 0.8
"""The way leads where the body faces, averaged over about a stride: within one, hips and shoulders turn."""
SIDEWAYS_LAG_STEPS = 0.045
"""The widest parting across the picture comes this share of a step after the strike: for a moment both feet stand."""
NEARING_LAG_STEPS, LEAVING_LAG_STEPS = 0.24, 0.76
"""How much later than its strike a foot is lowest against the other one, in the picture of somebody who comes nearer or
walks away: the phase of both at the stride frequency on walks whose footfalls are known, 43 and 137 degrees. The foot
ahead is the nearer, lower one in the first case and the further, higher one in the second."""
_WILD_FRAMES_S = 0.1
"""Legs taken for each other for less than half of this, as where they cross, are filtered out."""
_SMOOTHING_S = 0.12
_PEAK_HALF_WIDTH_S = 0.12
"""How far the parabola whose vertex is the strike reaches to either side; a step lasts half a second."""
_LEAST_PARTING_BH, _LEAST_PARTING_SHARE = 0.03, 0.25
"""Feet that part and close again by less than this, in body heights and of the widest parting, have not stepped."""
_WIDEST_CENTILE, _LOW_CENTILE = 95.0, 10.0
"""What counts as the widest parting, and as the usual one with either foot ahead: extremes themselves are outliers."""
_SHORT_STEP_SHARE = 0.45
"""Feet parted by less than this share of the widest step close up, or make no step."""
_GAP_IN_STEPS = 1.6
"""A longer wait than this many of the shortest step ends a run of steps."""
_LONGEST_UNSEEN_S = 0.4
"""While the feet are not seen for longer than this a step may be missed."""
_STOOD_SHARE = 0.5
"""Feet parted by less than this share of a step, one step before a strike, were standing."""


@dataclass(frozen=True)
class HeelStrike:
    """A foot meets the floor."""

    is_left: bool
    time_s: float
    apart_m: float
    """How far the feet are apart in the picture, in the direction they were judged by."""
    is_first: bool = False
    """The first step from standing, which is shorter than the ones that follow."""


@dataclass(frozen=True)
class Rhythm:
    """Even steps: a stride is two of them."""

    step_s: float
    left_strike_s: float
    """Time of a heel strike of the left foot, as the straight line through all strikes of the run puts it."""
    first_s: float
    last_s: float
    """Times of the run's first and last strike."""

    def phase_rad(self, timestamps_s: FloatArray) -> FloatArray:
        """Return the phase of the stride: 0 at the left foot's strikes, pi at the right one's; shape (n_frames,)."""
        return np.pi * (timestamps_s - self.left_strike_s) / self.step_s

    def frames(self, timestamps_s: FloatArray, *, beyond_steps: float) -> NDArray[np.bool_]:
        """Return the frames from the first strike to the last and so many steps beyond both; shape (n_frames,)."""
        beyond_s = beyond_steps * self.step_s
        return (timestamps_s >= self.first_s - beyond_s) & (timestamps_s <= self.last_s + beyond_s)


@dataclass(frozen=True, eq=False)
class Way:
    """The longest way in one direction."""

    along_m: FloatArray
    """How far the hips have come; rises along the way; shape (n_frames,); NaN = missing."""
    frames: NDArray[np.bool_]
    """From the beginning of the way to its end, with what standing there is; shape (n_frames,)."""
    direction: FloatArray
    """Unit vector, to the image's right and away from the camera; shape (2,). Rests on the focal length assumed."""

    @property
    def across_deg(self) -> float:
        """Angle between the way and the line of sight: 0 = towards the camera or away from it, 90 = across."""
        return float(np.degrees(np.arctan2(abs(self.direction[0]), abs(self.direction[1]))))


class _Peak(NamedTuple):
    """Feet at their widest."""

    time_s: float
    apart_m: float
    lead_m: float
    """The same with its sign, unfiltered."""
    parted_m: float
    """The same with the distance of the feet from side to side in it."""


def ankle_lead_m(world_m: FloatArray, frame: BodyFrame) -> FloatArray:
    """Return how far the left ankle is ahead of the right one; shape (n_frames,), NaN = missing.

    Feet put apart sideways are no step, whichever way the person faces.
    """
    return dot(world_m[:, Landmark.LEFT_ANKLE] - world_m[:, Landmark.RIGHT_ANKLE], frame.forward)


def foot_parting_m(pose: PoseSequence, body: BodySize) -> FloatArray:
    """Return how far the left foot is to the image's right of the right one, and how far lower; shape (n_frames, 2).

    In BlazePose's metres at the person, mean of ankle and heel; where one of the two is missing the other stands in.
    """
    image_px = pose.image_px[:, :, :2]
    parting_px = mean_of_known(
        image_px[:, Landmark.LEFT_ANKLE] - image_px[:, Landmark.RIGHT_ANKLE],
        image_px[:, Landmark.LEFT_HEEL] - image_px[:, Landmark.RIGHT_HEEL],
    )
    return parting_px * _metres_per_px(body.apparent_px_per_m, pose.timestamps_s)[:, np.newaxis]


def find_heading(frame: BodyFrame, timestamps_s: FloatArray) -> BodyFrame:
    """Return the directions of somebody who walks straight on: the body's own, averaged over about a stride."""
    forward = unit(
        np.stack([smooth(frame.forward[:, axis], timestamps_s, window_s=HEADING_WINDOW_S) for axis in range(3)], axis=1)
    )
    return BodyFrame(forward=forward, right=np.cross(forward, np.array([0.0, -1.0, 0.0])))


def find_heel_strikes(
    parting_m: FloatArray, timestamps_s: FloatArray, *, height_m: float, lag_steps: float = 0.0
) -> tuple[HeelStrike, ...]:
    """Return the strikes of the longest run of steps, left and right by turns, with times between frames.

    Parameters
    ----------
    parting_m
        How far the left foot is away from the right one, positive about the left foot's strike; shape (n_frames,); NaN
        = missing. It may change its sign for moments in which the legs are taken for each other: the times are read
        from its size, and which foot comes first from the majority of the strikes.
    timestamps_s
        Shape (n_frames,).
    height_m
        The person's height in the same metres.
    lag_steps
        How much later than the strike the feet are furthest apart, in steps.
    """
    there = np.isfinite(parting_m)
    times_s, parting = timestamps_s[there], parting_m[there]
    if len(times_s) < 2 * frames_in(times_s, seconds=_PEAK_HALF_WIDTH_S):
        return ()
    # Feet that stand side by side look parted from everywhere but the side, whichever of them leads.
    sideways_m = 0.5 * float(np.percentile(parting, _LOW_CENTILE) + np.percentile(parting, 100.0 - _LOW_CENTILE))
    parted, apart = _filtered(np.abs(parting), times_s), _filtered(np.abs(parting - sideways_m), times_s)
    least_m = max(_LEAST_PARTING_BH * height_m, _LEAST_PARTING_SHARE * float(np.percentile(apart, _WIDEST_CENTILE)))
    hidden = np.flatnonzero(np.diff(times_s) > _LONGEST_UNSEEN_S) + 1
    peaks = [
        _Peak(time_s, float(apart[i]), float(parting[i] - sideways_m), float(parted[i]))
        for seen in np.split(np.arange(len(times_s)), hidden)
        for i in seen[_peaks(apart[seen], least_rise=least_m)]
        if np.isfinite(time_s := _vertex_s(apart, times_s, i))
    ]
    widest_m = max((peak.apart_m for peak in peaks), default=0.0)
    run = _longest_run([peak for peak in peaks if peak.apart_m >= _SHORT_STEP_SHARE * widest_m], times_s)
    if len(run) < 2:
        return ()
    step_s = (run[-1].time_s - run[0].time_s) / (len(run) - 1)
    if not SHORTEST_STEP_S <= step_s <= LONGEST_STEP_S:
        return ()
    left_begins = sum((-1.0) ** k * peak.lead_m for k, peak in enumerate(run)) > 0
    stood = _stood(apart, times_s, at_s=2.0 * run[0].time_s - run[1].time_s, step_m=run[1].apart_m)
    lag_s = lag_steps * step_s
    return tuple(
        HeelStrike((k % 2 == 0) == left_begins, peak.time_s - lag_s, peak.parted_m, is_first=k == 0 and stood)
        for k, peak in enumerate(run)
    )


def find_rhythm(strikes: tuple[HeelStrike, ...]) -> Rhythm | None:
    """Return the even steps that lie closest to the strikes; None for fewer than two."""
    if len(strikes) < 2:
        return None
    numbers = np.arange(len(strikes), dtype=np.float64)
    step_s, start_s = np.polyfit(numbers, [strike.time_s for strike in strikes], 1)
    return Rhythm(
        step_s=float(step_s),
        left_strike_s=float(start_s + (0.0 if strikes[0].is_left else step_s)),
        first_s=strikes[0].time_s,
        last_s=strikes[-1].time_s,
    )


def find_path_m(hip_x_px: FloatArray, px_per_m: FloatArray, timestamps_s: FloatArray, *, focal_px: float) -> FloatArray:
    """Return where the hips are on the floor: to the image's right and away from the camera; shape (n_frames, 2).

    A metre covers focal_px / depth pixels, so the person's size in the picture tells both the depth and, at that depth,
    how many metres the hips are beside the line of sight.

    Parameters
    ----------
    hip_x_px
        Middle of the hips, to the right of the picture's middle; shape (n_frames,); NaN = missing.
    px_per_m
        Pixels that a metre at the person covers; shape (n_frames,); NaN = unknown.
    timestamps_s
        Shape (n_frames,).
    focal_px
        The camera's focal length in pixels. Only the depth rests on it.
    """
    m_per_px = _metres_per_px(px_per_m, timestamps_s)
    return np.stack([hip_x_px * m_per_px, focal_px * m_per_px], axis=1)


def find_way(path_m: FloatArray, timestamps_s: FloatArray, *, height_m: float) -> Way | None:
    """Return the longest way in one direction on a path that is nearly straight.

    Parameters
    ----------
    path_m
        To the image's right and away from the camera; shape (n_frames, 2); NaN = missing.
    timestamps_s
        Shape (n_frames,).
    height_m
        The person's height in the same metres.

    Returns
    -------
    Way or None
        None when the person goes no further than `SHORTEST_WALK_BH` of their height in one direction.
    """
    path = np.stack([smooth(path_m[:, axis], timestamps_s) for axis in (0, 1)], axis=1)
    there = np.flatnonzero(np.isfinite(path).all(axis=1))
    if len(there) < 2:
        return None
    from_middle_m = path - path[there].mean(axis=0)
    _, _, directions = np.linalg.svd(from_middle_m[there], full_matrices=False)
    along = from_middle_m @ directions[0]
    ends = _turning_points(along[there], by=TURN_BACK_BH * height_m)
    if len(ends) < 2:
        return None
    first, last = max(pairwise(there[ends]), key=lambda leg: abs(along[leg[1]] - along[leg[0]]))
    length_m = along[last] - along[first]
    if abs(length_m) < SHORTEST_WALK_BH * height_m:
        return None
    frames = np.zeros(len(path), dtype=np.bool_)
    frames[first : last + 1] = True
    sign = np.sign(length_m)
    return Way(along_m=sign * (along - along[first]), frames=frames, direction=sign * directions[0])


def find_walking_speed(way: Way, timestamps_s: FloatArray, *, strikes: tuple[HeelStrike, ...] = ()) -> float:
    """Return the speed over whole steady steps, in metres a second.

    Within a step the hips speed up and slow down; from strike to strike this does not count. Where fewer than two
    strikes of steady steps lie on the way, its middle 80 % stand in.

    Returns
    -------
    float
        NaN when the person does not walk steadily: a stop on the way is no speed.
    """
    usable = way.frames & np.isfinite(way.along_m)
    times_s, position = timestamps_s[usable], way.along_m[usable]
    done = position / position[-1]
    steady = (done >= 0.1) & (done <= 0.9)
    if steady.sum() < 3:
        return float("nan")
    line = np.polynomial.Polynomial.fit(times_s[steady], position[steady], 1)
    misfit_m = float(np.sqrt(np.square(position[steady] - line(times_s[steady])).mean()))
    if misfit_m > STEADY_WITHIN_SHARE * position[-1]:
        return float("nan")
    on_the_way = [s.time_s for s in strikes if not s.is_first and times_s[0] <= s.time_s <= times_s[-1]]
    if len(on_the_way) >= 2:
        between_m = np.diff(np.interp([on_the_way[0], on_the_way[-1]], times_s, position))
        return float(between_m[0]) / (on_the_way[-1] - on_the_way[0])
    return float(line.convert().coef[1])


def _metres_per_px(px_per_m: FloatArray, timestamps_s: FloatArray) -> FloatArray:
    return smooth(1.0 / px_per_m, timestamps_s, window_s=SIZE_WINDOW_S)


def _filtered(values: FloatArray, times_s: FloatArray) -> FloatArray:
    wild = frames_in(times_s, seconds=_WILD_FRAMES_S) | 1
    return smooth(ndimage.median_filter(values, size=wild, mode="nearest"), times_s, window_s=_SMOOTHING_S)


def _peaks(values: FloatArray, *, least_rise: float) -> list[int]:
    """Return the highest points between which the values fall and rise again by at least `least_rise`."""
    peaks: list[int] = []
    top, bottom, rising = 0, 0, False
    for i, here in enumerate(values):
        if rising:
            top = i if here > values[top] else top
            if values[top] - here >= least_rise:
                peaks.append(top)
                rising, bottom = False, i
        else:
            bottom = i if here < values[bottom] else bottom
            if here - values[bottom] >= least_rise:
                rising, top = True, i
    return peaks


def _vertex_s(values: FloatArray, times_s: FloatArray, peak: int) -> float:
    """Return the time at the vertex of the parabola through a peak; NaN where the values do not bend down there."""
    near = np.abs(times_s - times_s[peak]) <= _PEAK_HALF_WIDTH_S
    since_s = times_s[near] - times_s[peak]
    if (since_s < 0).sum() < 2 or (since_s > 0).sum() < 2:
        return float("nan")
    bend, slope, _ = np.polyfit(since_s, values[near], 2)
    offset_s = -slope / (2.0 * bend) if bend < 0 else float("nan")
    return float(times_s[peak] + offset_s) if abs(offset_s) <= _PEAK_HALF_WIDTH_S else float("nan")


def _longest_run(peaks: list[_Peak], times_s: FloatArray) -> list[_Peak]:
    """Return the most peaks that follow each other without a wait or a time in which the feet are not seen."""
    if len(peaks) < 2:
        return peaks
    waits_s = np.diff([peak.time_s for peak in peaks])
    unseen = np.flatnonzero(np.diff(times_s) > _LONGEST_UNSEEN_S)
    hidden = [
        any(one.time_s < times_s[i + 1] and times_s[i] < other.time_s for i in unseen) for one, other in pairwise(peaks)
    ]
    breaks = np.flatnonzero((waits_s > _GAP_IN_STEPS * waits_s.min()) | np.array(hidden)) + 1
    bounds = [0, *breaks.tolist(), len(peaks)]
    run = max((peaks[a:b] for a, b in pairwise(bounds)), key=len)
    # Two strikes of one foot: the other foot's between them was missed.
    return [] if len(run) == 2 and run[0].lead_m * run[1].lead_m > 0 else run


def _stood(apart: FloatArray, times_s: FloatArray, *, at_s: float, step_m: float) -> bool:
    """Return True when the feet were seen together at that time, one step before a strike."""
    return bool(at_s >= times_s[0] and np.interp(at_s, times_s, apart) < _STOOD_SHARE * step_m)


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
