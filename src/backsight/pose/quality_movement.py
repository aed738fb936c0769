"""Whether a movement is the exercise it is said to be, leniently. Knows nothing of images or norms.

What tells the exercises apart, from whichever side they are seen: who walks gets on, across the picture or by growing
or shrinking in it; who jumps leaves the floor with hips, shoulders and both feet at once and comes back to the same
spot; who bends stays, and the shoulders come down towards the hips. Two movements come near them: a squat bends the
trunk, too, but its hips sink before the trunk is deep; a run gets on, too, but its hips are highest while the feet are
apart, a walk's while they pass each other. The limits were set on 328 views of filmed virtual volunteers (seed 7001,
BlazePose lite and full) and on real clips; of squats and runs there are drawn skeletons only. A run towards the camera
passes for a walk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backsight.domain.assessment import QualityCheck, QualityVerdict
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import body_frame, trunk_flexion_deg
from backsight.kinematics.bend import SMALLEST_BEND_DEG, find_standing_deg
from backsight.kinematics.body import BodySize, measure_body
from backsight.kinematics.gait import SHORTEST_WALK_BH, SIZE_WINDOW_S, ankle_lead_m
from backsight.kinematics.geometry import known, median_of_known
from backsight.kinematics.jumping import LONGEST_FLIGHT_S, SMALLEST_CLEARANCE_M
from backsight.kinematics.signals import frames_in, range_of_known, smooth
from backsight.kinematics.view import lowest_foot_in_metres, mid_hip_in_metres
from backsight.pose.quality_body import centile, mid_hips, mid_shoulders
from backsight.pose.quality_grading import build_check

STEP_M = 0.1
"""Ankle ahead of the other by this much, first on one side and then on the other, makes a step; even short steps of
older people are 30 cm and more."""
ON_THE_SPOT_BH = 1.0
"""Bending and jumping keep the hips within this many body heights across the picture; somebody who gets further walks,
runs or falls."""
NEARING = 0.3
"""Natural logarithm of the change in size by which somebody upright has come nearer or gone away; 2 m from 5 m away
are 0.5. Jumps of the volunteers change it by 0.28 at most."""
NEARING_BENT = 0.55
"""The same where the trunk bends, which changes the size that landmarks suggest: bends by 0.52 at most."""
LEVEL_WITHIN_BH = 0.6
"""Hips that rise or fall by more than this in the picture have not walked on the level: walks of the volunteers, also
towards the camera, keep within 0.41; a jump down from a height has 1.1 and more."""
UPRIGHT_SHARE = 0.75
"""Of its full height the trunk has less than this when it is bent: by 41 degrees or more, from whichever side."""
NEARS_BENT_S = 0.3
"""Bent for longer than this, somebody has to come nearer by `NEARING_BENT` to be seen walking."""
WALKS_BENT_S = 1.75
"""Bent for longer than this, somebody who gets on is not plainly walking: of 110 views of walks one is, at 2.3 s."""
DEEP_SHARE = 0.45
"""Less height of the trunk than this is a deep bend, 63 degrees; the crouch of a jump hardly goes there."""
JUMPS_DEEP_S = 0.5
"""Crouch and landing are over sooner; a deep bend for longer is one towards the toes."""
LEGS_APART_BH = 0.3
"""Feet that part by this much across the picture within `LONGEST_FLIGHT_S` of a hop make jumping jacks, steps or
lunges, which have 0.25 to 0.45; jumps of the volunteers part them by 0.12 at most. Steps into place and away do not
count."""
SINKS_BH = 0.1
"""Hips that come nearer to the floor by this much, in picture and world alike, while the trunk never bends deeply, are
those of a squat: to level thighs they sink by 0.2. Volunteers who do not bend deeply sink by 0.04 at most."""
SINKS_S = 0.2
"""For so long, so that a wild frame is no squat."""
STRIDES_BH_PER_S = 0.5
"""How fast hips have to get on across the picture for their rise and fall to be set beside the stride."""
STRIDES_S = 0.6
"""For so long: a step and more."""
STRIDE_WINDOW_S = 1.0
"""Slower changes, of the floor's height in the picture say, are no part of a stride."""
STRIDE_FPS = 20.0
"""Below this a step has too few frames for its rise and fall."""
RUNS_TOGETHER = 0.45
"""Correlation of the height of hips and shoulders with the distance between the feet: walks of the volunteers have
-0.90 to 0.23. Where legs carry like stiff struts, the body is lowest while they are apart; in a run it flies then
(Cavagna et al. 1977, doi:10.1152/ajpregu.1977.233.5.R243)."""
RUNS_BH_PER_S = 1.4
"""Nobody walks faster: people change to a run at a Froude number of 0.5 (Kram et al. 1997,
doi:10.1242/jeb.200.4.821), which for legs of 0.53 body heights is 1.2 body heights a second for the tall and 1.3 for
the small; walks of the volunteers have 1.12 at most."""
JUMPS_AT_MOST = 3
"""Asked for one jump, some take two or three; who keeps jumping does another exercise."""
AS_HIGH_SHARE = 0.5
"""Share of the highest jump that others reach to count."""

SMOOTHING_FRAMES = 5
"""Median filter against single wild frames; at 30 fps a flight of 0.2 s still passes it."""

_TIPS = {
    Exercise.TOUCH_TOES: "Stand upright, bend forward towards your toes with straight knees, and come up again; "
    "if you cannot bend further than this, let a professional look and not a camera.",
    Exercise.WALK: "Walk at least 2 metres at your usual pace, best across the picture.",
    Exercise.JUMP: "Stand still, jump as high as you can once, and land on the same spot.",
}


@dataclass(frozen=True)
class _Sight:
    """What a recording shows of one exercise."""

    value: float
    """What the exercise is known by; NaN = not seen."""
    unit: str
    finding: str
    is_seen: bool
    """Whether the value is that of the exercise."""
    against: str = ""
    """What shows that it is another movement, as a clause; empty = nothing."""
    doubt: str = ""
    """What is unlike the exercise without excluding it, as a clause; empty = nothing."""


def check_movement(filtered: PoseSequence, *, exercise: Exercise) -> QualityCheck:
    """Judge whether the recording shows the exercise; if not it is unusable, since any movement would get an index.

    The limits are those below which nothing is measured, but less is asked: no level floor, no steady way, no standing
    of some length, and of a jump that body and feet rise as far as feet have to.
    """
    sight = _LOOKS[exercise](filtered, measure_body(filtered))
    verdict, finding = QualityVerdict.GOOD, sight.finding
    is_measured = not np.isnan(sight.value)
    if sight.against or (is_measured and not sight.is_seen):
        verdict = QualityVerdict.UNUSABLE
        shown = (sight.finding if is_measured else "", sight.against)
        finding = f"the movement does not look like `{exercise.label}`: {', but '.join(filter(None, shown))}"
    elif not is_measured:
        finding = "could not be measured: hips, shoulders or feet are not seen"
    elif sight.doubt:
        verdict = QualityVerdict.POOR
        finding = f"{sight.finding}, but {sight.doubt}"
    return build_check(
        "movement_recognised",
        "Movement recognised",
        verdict,
        value=sight.value,
        unit=sight.unit,
        finding=finding,
        tip=_TIPS[exercise],
    )


def _look_for_bend(pose: PoseSequence, body: BodySize) -> _Sight:
    range_deg, rise_m = bend_range_deg(pose), float(np.nanmax(hops_m(pose, body), initial=0.0))
    upright = trunk_upright(pose, body)
    is_deep = bool((upright < DEEP_SHARE).any())
    against = _gets_away(pose, body, nearing=NEARING_BENT)
    if not against and rise_m >= SMALLEST_CLEARANCE_M and not is_deep:
        against = f"hips, shoulders and feet leave the floor together by {100 * rise_m:.0f} cm, as in a jump"
    sink_bh = sinks_bh(pose, body)
    if not against and sink_bh >= SINKS_BH and not is_deep:
        against = f"the hips sink by {sink_bh:.2f} body heights, as in a squat"
    return _Sight(
        range_deg,
        "degrees",
        f"the trunk bends over a range of {range_deg:.0f} degrees",
        is_seen=range_deg >= SMALLEST_BEND_DEG,
        against=against,
    )


def _look_for_walk(pose: PoseSequence, body: BodySize) -> _Sight:
    across_bh, nearing, n_steps = travel_bh(pose, body), nearing_log(pose, body), count_steps(pose)
    bent_s = _lasts_s(trunk_upright(pose, body) < UPRIGHT_SHARE, pose)
    rise_bh = range_of_known(mid_hip_in_metres(pose, body=body)[:, 1]) / body.height_m
    against = f"the hips rise or fall by {rise_bh:.1f} body heights" if rise_bh > LEVEL_WITHIN_BH else ""
    comes_nearer = nearing >= NEARING_BENT or (nearing >= NEARING and bent_s <= NEARS_BENT_S)
    return _Sight(
        across_bh,
        "body heights",
        f"the hips travel {across_bh:.1f} body heights across the picture, the body's size in it changes by a factor "
        f"of {np.exp(nearing):.1f}, the leading foot changes {n_steps} time{'' if n_steps == 1 else 's'}",
        is_seen=across_bh >= SHORTEST_WALK_BH or comes_nearer,
        against=against or _runs(pose, body),
        doubt=f"the trunk is bent for {bent_s:.1f} s" if bent_s > WALKS_BENT_S else "",
    )


def _look_for_jump(pose: PoseSequence, body: BodySize) -> _Sight:
    hops = hops_m(pose, body)
    rise_m = float(np.nanmax(hops)) if np.isfinite(hops).any() else float("nan")
    is_hop = hops >= max(AS_HIGH_SHARE * rise_m, 0.5 * SMALLEST_CLEARANCE_M)
    apart_bh = range_of_known(feet_apart_bh(pose, body)[_around(is_hop, pose, reach_s=LONGEST_FLIGHT_S)])
    deep_s = _lasts_s(trunk_upright(pose, body) < DEEP_SHARE, pose)
    n_jumps = int(ndimage.label(is_hop)[1])
    against = _gets_away(pose, body, nearing=NEARING)
    if not against and deep_s > JUMPS_DEEP_S:
        against = f"the trunk is bent deeply for {deep_s:.1f} s"
    if not against and apart_bh >= LEGS_APART_BH:
        against = f"the feet part by {apart_bh:.1f} body heights, as in jumping jacks or steps"
    return _Sight(
        rise_m,
        "metres",
        f"hips, shoulders and feet rise together by {100 * rise_m:.0f} cm",
        is_seen=rise_m >= SMALLEST_CLEARANCE_M,
        against=against,
        doubt=f"this happens {n_jumps} times" if n_jumps > JUMPS_AT_MOST else "",
    )


_LOOKS: dict[Exercise, Callable[[PoseSequence, BodySize], _Sight]] = {
    Exercise.TOUCH_TOES: _look_for_bend,
    Exercise.WALK: _look_for_walk,
    Exercise.JUMP: _look_for_jump,
}


def bend_range_deg(pose: PoseSequence) -> float:
    """Return how far the trunk bends above standing, in degrees; NaN when the trunk is never seen.

    Without its sign, which changes in frames where left and right are exchanged.
    """
    flexion = known(_without_wild_frames(np.abs(trunk_flexion_deg(pose.world_m, body_frame(pose.world_m)))))
    return float(flexion.max()) - find_standing_deg(flexion) if flexion.size else float("nan")


def travel_bh(pose: PoseSequence, body: BodySize) -> float:
    """Return how far the hips move sideways through the picture, in body heights; NaN when they are never seen."""
    return range_of_known(mid_hip_in_metres(pose, body=body)[:, 0]) / body.height_m


def nearing_log(pose: PoseSequence, body: BodySize) -> float:
    """Return the natural logarithm of the change in the body's size in the picture; NaN when it is never known."""
    return range_of_known(np.log(_steady_px_per_m(pose, body)))


def trunk_upright(pose: PoseSequence, body: BodySize) -> FloatArray:
    """Return the trunk's height in the picture against the person's own when upright: 0 level, negative head down.

    Whatever the view, a trunk that bends by an angle keeps its cosine. Somebody who is never upright has no height of
    their own to compare with and is held to half the trunk's length. Shape (n_frames,); NaN = missing.
    """
    height_px = mid_hips(pose.image_px)[:, 1] - mid_shoulders(pose.image_px)[:, 1]
    height_m = _without_wild_frames(height_px / _steady_px_per_m(pose, body))
    upright_m: FloatArray = np.fmax(centile(height_m, 90.0), 0.5 * body.trunk_m)
    return np.asarray(height_m / upright_m)


def sinks_bh(pose: PoseSequence, body: BodySize) -> float:
    """Return by how much the hips come nearer to the floor while the trunk is not deep, in body heights.

    The least of three: hips in the picture, hips above the lower foot in the picture, and the same in the world; each
    for itself is off where a person bends along the line of sight. NaN = one of them is never seen.
    """
    hips_m, world_m = mid_hip_in_metres(pose, body=body)[:, 1], pose.world_m[:, :, 1]
    ankles_m = np.fmax(world_m[:, Landmark.LEFT_ANKLE], world_m[:, Landmark.RIGHT_ANKLE])
    above_feet_m = (
        hips_m,
        hips_m - lowest_foot_in_metres(pose, body=body),
        ankles_m - 0.5 * (world_m[:, Landmark.LEFT_HIP] + world_m[:, Landmark.RIGHT_HIP]),
    )
    heights_m = [_without_wild_frames(height_m) for height_m in above_feet_m]
    sinks_m = np.min([centile(height_m, 90.0) - height_m for height_m in heights_m], axis=0)
    counted_m = np.sort(known(sinks_m[trunk_upright(pose, body) >= DEEP_SHARE]))
    n_frames = frames_in(pose.timestamps_s, seconds=SINKS_S)
    return float(counted_m[-n_frames]) / body.height_m if counted_m.size >= n_frames else float("nan")


def speeds_bh(pose: PoseSequence, body: BodySize) -> FloatArray:
    """Return how fast the hips get on across the picture, over half a second each; shape (n_frames,), NaN = not known.

    In body heights a second, by the size that the person has in the picture then.
    """
    n_steps = frames_in(pose.timestamps_s, seconds=0.5)
    speeds = np.full(pose.n_frames, np.nan)
    if pose.n_frames <= n_steps:
        return speeds
    x_px, px_per_m = _without_wild_frames(mid_hips(pose.image_px)[:, 0]), _steady_px_per_m(pose, body)
    size_px = 0.5 * (px_per_m[n_steps:] + px_per_m[:-n_steps]) * body.height_m
    took_s = pose.timestamps_s[n_steps:] - pose.timestamps_s[:-n_steps]
    half = n_steps // 2
    speeds[half : half + len(took_s)] = np.abs(x_px[n_steps:] - x_px[:-n_steps]) / size_px / took_s
    return speeds


def bounce_with_stride(pose: PoseSequence, body: BodySize) -> float:
    """Return how far the body rises as the feet part: 1 always, -1 it sinks; NaN = it does not get on for long enough.

    The lesser correlation of hips' and shoulders' heights with the ankles' distance across the picture.
    """
    if pose.fps < STRIDE_FPS:
        return float("nan")
    moves = speeds_bh(pose, body) >= STRIDES_BH_PER_S
    px_per_m, window = _steady_px_per_m(pose, body), frames_in(pose.timestamps_s, seconds=STRIDE_WINDOW_S)
    apart_bh = feet_apart_bh(pose, body)
    together = []
    for points_px in (mid_hips(pose.image_px), mid_shoulders(pose.image_px)):
        height_m = -points_px[:, 1] / px_per_m
        counts = moves & np.isfinite(height_m) & np.isfinite(apart_bh)
        if counts.sum() < frames_in(pose.timestamps_s, seconds=STRIDES_S):
            return float("nan")
        bounce, stride = (
            values[counts] - ndimage.uniform_filter1d(values[counts], window, mode="nearest")
            for values in (height_m, apart_bh)
        )
        varies = bounce.std() > 0.0 and stride.std() > 0.0
        together.append(float(np.corrcoef(bounce, stride)[0, 1]) if varies else float("nan"))
    return float(np.min(together))


def count_steps(pose: PoseSequence) -> int:
    """Return how often the leading foot changes."""
    lead_m = ankle_lead_m(pose.world_m, body_frame(pose.world_m))
    leading = np.sign(lead_m[np.abs(np.nan_to_num(lead_m)) > STEP_M])
    return int((np.diff(leading) != 0).sum())


def hops_m(pose: PoseSequence, body: BodySize) -> FloatArray:
    """Return how far hips, shoulders and the lower foot are all above where they are before and after.

    Before and after lie within the longest flight, so that somebody who walks away and rises in the picture does not
    hop. In BlazePose's metres; shape (n_frames,); NaN = one of them is not seen.
    """
    window = frames_in(pose.timestamps_s, seconds=LONGEST_FLIGHT_S) | 1
    heights_m = (
        mid_hip_in_metres(pose, body=body)[:, 1],
        -mid_shoulders(pose.image_px)[:, 1] / body.px_per_m,
        lowest_foot_in_metres(pose, body=body),
    )
    return np.asarray(
        np.min([_above_surroundings(_without_wild_frames(height_m), window) for height_m in heights_m], axis=0)
    )


def feet_apart_bh(pose: PoseSequence, body: BodySize) -> FloatArray:
    """Return how far the ankles are apart across the picture, in body heights; shape (n_frames,); NaN = missing."""
    apart_px = np.abs(pose.image_px[:, Landmark.LEFT_ANKLE, 0] - pose.image_px[:, Landmark.RIGHT_ANKLE, 0])
    return _without_wild_frames(apart_px / _steady_px_per_m(pose, body)) / body.height_m


def _gets_away(pose: PoseSequence, body: BodySize, *, nearing: float) -> str:
    """Return how the person leaves the spot, as a clause; empty when they stay on it."""
    across_bh, change = travel_bh(pose, body), nearing_log(pose, body)
    if across_bh > ON_THE_SPOT_BH:
        return f"the hips travel {across_bh:.1f} body heights across the picture"
    if change > nearing:
        return f"the body's size in the picture changes by a factor of {np.exp(change):.1f}, as in walking"
    return ""


def _runs(pose: PoseSequence, body: BodySize) -> str:
    """Return what shows a run, as a clause; empty where nothing does."""
    speed_bh = centile(speeds_bh(pose, body), 90.0)
    if speed_bh > RUNS_BH_PER_S:
        return f"the person gets on by {speed_bh:.1f} body heights a second, as in running"
    if bounce_with_stride(pose, body) >= RUNS_TOGETHER:
        return "the body is highest while the feet are apart, as in running"
    return ""


def _steady_px_per_m(pose: PoseSequence, body: BodySize) -> FloatArray:
    return smooth(body.apparent_px_per_m, pose.timestamps_s, window_s=SIZE_WINDOW_S)


def _lasts_s(where: NDArray[np.bool_], pose: PoseSequence) -> float:
    """Return in how many seconds of the recording a condition holds."""
    return float(where.sum() * median_of_known(np.diff(pose.timestamps_s))) if where.any() else 0.0


def _around(where: NDArray[np.bool_], pose: PoseSequence, *, reach_s: float) -> NDArray[np.bool_]:
    """Return the frames no further than some time from one of those marked; shape (n_frames,)."""
    size = 2 * frames_in(pose.timestamps_s, seconds=reach_s) + 1
    return np.asarray(ndimage.maximum_filter(where, size=(size,), mode="constant"))


def _above_surroundings(values: FloatArray, window: int) -> FloatArray:
    """Return by how much each value stands out of its surroundings: peaks narrower than the window are left."""
    there = np.isfinite(values)
    found = values[there]
    above = np.full(values.shape, np.nan)
    if found.size:
        above[there] = found - ndimage.grey_opening(found, size=(window,), mode="nearest")
    return above


def _without_wild_frames(values: FloatArray) -> FloatArray:
    """Return the known values median-filtered, missing ones still missing; shape (n_frames,)."""
    there = np.isfinite(values)
    kept = np.full(values.shape, np.nan)
    if there.any():
        kept[there] = ndimage.median_filter(values[there], size=SMOOTHING_FRAMES, mode="nearest")
    return kept
