"""Whether a movement is the exercise it is said to be, leniently. Knows nothing of images or norms."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from backsight.domain.assessment import QualityCheck, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import body_frame, trunk_flexion_deg
from backsight.kinematics.bend import SMALLEST_BEND_DEG, find_standing_deg
from backsight.kinematics.body import BodySize, measure_body
from backsight.kinematics.gait import SHORTEST_WALK_BH, ankle_lead_m
from backsight.kinematics.geometry import known
from backsight.kinematics.jumping import SMALLEST_CLEARANCE_M
from backsight.kinematics.signals import range_of_known
from backsight.kinematics.view import lowest_foot_in_metres, mid_hip_in_metres
from backsight.pose.quality_grading import build_check, grade_at_least

STEP_M = 0.1
"""Ankle ahead of the other by this much, first on one side and then on the other, makes a step; even short steps of
older people are 30 cm and more."""
N_STEPS = 2
"""Changes of the leading foot that count as walking where the way goes towards the camera."""
ON_THE_SPOT_BH = 1.0
"""Bending and jumping keep the hips within this many body heights across the picture; somebody who gets further walks,
runs or falls."""

SMOOTHING_FRAMES = 5
"""Median filter against single wild frames; at 30 fps a flight of 0.2 s still passes it."""

_TIPS = {
    Exercise.TOUCH_TOES: "Stand upright, bend forward towards your toes with straight knees, and come up again; "
    "if you cannot bend further than this, let a professional look and not a camera.",
    Exercise.WALK: "Walk at least 2 metres at your usual pace, best across the picture.",
    Exercise.JUMP: "Stand still, jump as high as you can once, and land on the same spot.",
}


def check_movement(filtered: PoseSequence, *, exercise: Exercise) -> QualityCheck:
    """Judge whether the recording shows the exercise; if not it is unusable, since any movement would get an index.

    The limits are those below which nothing is measured, but less is asked: no level floor, no steady way, no standing
    of some length, and of a jump that hips and feet rise as far as feet have to.
    """
    body = measure_body(filtered)
    if exercise is Exercise.TOUCH_TOES:
        value, needed, unit = bend_range_deg(filtered), SMALLEST_BEND_DEG, "degrees"
        finding = f"the trunk bends over a range of {value:.0f} degrees"
    elif exercise is Exercise.JUMP:
        value, needed, unit = jump_rise_m(filtered, body), SMALLEST_CLEARANCE_M, "metres"
        finding = f"hips and feet rise by {100 * value:.0f} cm"
    else:
        value, needed, unit = travel_bh(filtered, body), SHORTEST_WALK_BH, "body heights"
        n_steps = count_steps(filtered)
        finding = (
            f"the hips travel {value:.1f} body heights across the picture, the leading foot changes {n_steps} times"
        )
        if n_steps >= N_STEPS:
            needed = 0.0
    verdict = grade_at_least(value, good=needed, usable=needed)
    way_bh = travel_bh(filtered, body)
    if exercise is not Exercise.WALK and way_bh > ON_THE_SPOT_BH:
        verdict = QualityVerdict.UNUSABLE
        finding += f", but the hips travel {way_bh:.1f} body heights across the picture"
    if np.isnan(value):
        finding = "could not be measured: hips, shoulders or feet are not seen"
    elif verdict is QualityVerdict.UNUSABLE:
        finding = f"the movement does not look like `{exercise.label}`: {finding}"
    return build_check(
        "movement_recognised",
        "Movement recognised",
        verdict,
        value=value,
        unit=unit,
        finding=finding,
        tip=_TIPS[exercise],
    )


def bend_range_deg(pose: PoseSequence) -> float:
    """Return how far the trunk bends above standing, in degrees; NaN when the trunk is never seen.

    Without its sign, which changes in frames where left and right are exchanged.
    """
    flexion = _without_wild_frames(np.abs(trunk_flexion_deg(pose.world_m, body_frame(pose.world_m))))
    return float(flexion.max()) - find_standing_deg(flexion) if flexion.size else float("nan")


def travel_bh(pose: PoseSequence, body: BodySize) -> float:
    """Return how far the hips move sideways through the picture, in body heights; NaN when they are never seen."""
    return range_of_known(mid_hip_in_metres(pose, body=body)[:, 0]) / body.height_m


def count_steps(pose: PoseSequence) -> int:
    """Return how often the leading foot changes."""
    lead_m = ankle_lead_m(pose.world_m, body_frame(pose.world_m))
    leading = np.sign(lead_m[np.abs(np.nan_to_num(lead_m)) > STEP_M])
    return int((np.diff(leading) != 0).sum())


def jump_rise_m(pose: PoseSequence, body: BodySize) -> float:
    """Return how far hips and feet both rise above their usual place, in BlazePose's metres; NaN when never seen."""
    hips, feet = mid_hip_in_metres(pose, body=body)[:, 1], lowest_foot_in_metres(pose, body=body)
    return float(np.minimum(_rise(hips), _rise(feet)))


def _rise(height_m: FloatArray) -> float:
    found = _without_wild_frames(height_m)
    return float(found.max() - np.median(found)) if found.size else float("nan")


def _without_wild_frames(values: FloatArray) -> FloatArray:
    """Return the known values, median-filtered; shape (n_known,)."""
    found = known(values)
    return np.asarray(ndimage.median_filter(found, size=SMOOTHING_FRAMES, mode="nearest")) if found.size else found
