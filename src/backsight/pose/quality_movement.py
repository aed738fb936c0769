"""Whether a movement looks like the exercise it is said to be, leniently. Knows nothing of images or norms."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from backsight.domain.assessment import QualityCheck
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.pose.quality_body import body_height, known_frames, median, mid_hips, spread, trunk_tilt_deg
from backsight.pose.quality_grading import build_check, grade_at_least

BEND_DEG = 30.0
"""Range of trunk tilt that counts as bending forward: a third of the 93 degrees that people with low back pain reach
(Laird 2019), and above the 10 to 20 degrees by which a monocular trunk wavers upright."""

TRAVEL_BODY_HEIGHTS = 0.6
"""Sideways travel through the picture that counts as walking: a metre, half of what is asked."""
STEP_M = 0.1
"""Ankle ahead of the other by this much, first on one side and then on the other, makes a step; even short steps of
older people are 30 cm and more."""
N_STEPS = 2
"""Changes of the leading foot that count as walking where the way goes towards the camera."""

RISE_BODY_HEIGHTS = 0.03
"""Rise of hips and feet that counts as a jump: 5 cm, what a weak jumper over 65 reaches (10.8 +- 5.2 cm; PMC6193468)
and more than hips rise in a step (about 2 cm above their mean)."""

SMOOTHING_FRAMES = 5
"""Median filter against single wild frames; at 30 fps a flight of 0.2 s still passes it."""

_FEET = (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX)
_TIPS = {
    Exercise.TOUCH_TOES: "Stand upright, bend forward towards your toes with straight knees, and come up again.",
    Exercise.WALK: "Walk at least 2 metres at your usual pace, best across the picture.",
    Exercise.JUMP: "Stand still, jump as high as you can once, and land on the same spot.",
}


def check_movement(filtered: PoseSequence, *, exercise: Exercise) -> QualityCheck:
    """Judge whether the recording shows anything like the exercise; at worst poor, because people move differently."""
    if exercise is Exercise.TOUCH_TOES:
        value, needed, unit = bend_range_deg(filtered), BEND_DEG, "degrees"
        finding = f"the trunk tilts over a range of {value:.0f} degrees"
    elif exercise is Exercise.JUMP:
        value, needed, unit = jump_rise(filtered), RISE_BODY_HEIGHTS, "body heights"
        finding = f"hips and feet rise by {100 * value:.0f} % of the body's height"
    else:
        value, needed, unit = travel(filtered), TRAVEL_BODY_HEIGHTS, "body heights"
        n_steps = count_steps(filtered)
        finding = (
            f"the hips travel {value:.1f} body heights across the picture, the leading foot changes {n_steps} times"
        )
        if n_steps >= N_STEPS:
            needed = 0.0
    verdict = grade_at_least(value, good=needed)
    if np.isnan(value):
        finding = "could not be measured: hips, shoulders or feet are not seen"
    elif value < needed:
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
    """Return the range of the trunk's tilt in degrees; NaN when the trunk is never seen."""
    return _range(trunk_tilt_deg(pose))


def travel(pose: PoseSequence) -> float:
    """Return how far the hips move sideways through the picture, in body heights; NaN when they are never seen."""
    position = pose.image_px[:, :, :2]
    return spread(mid_hips(position)[:, 0]) / body_height(position)


def count_steps(pose: PoseSequence) -> int:
    """Return how often the leading foot changes.

    The line from the right to the left ankle is taken across the line of the hips, so that feet put apart sideways
    are no step, whichever way the person faces.
    """
    ground = pose.world_m[:, :, [0, 2]]
    ankles = ground[:, Landmark.LEFT_ANKLE] - ground[:, Landmark.RIGHT_ANKLE]
    hips = ground[:, Landmark.LEFT_HIP] - ground[:, Landmark.RIGHT_HIP]
    ahead_m = (ankles[:, 0] * hips[:, 1] - ankles[:, 1] * hips[:, 0]) / np.maximum(np.linalg.norm(hips, axis=1), 1e-6)
    leading = np.sign(ahead_m[np.abs(np.nan_to_num(ahead_m)) > STEP_M])
    return int((np.diff(leading) != 0).sum())


def jump_rise(pose: PoseSequence) -> float:
    """Return how far hips and feet both rise above their usual place, in body heights; NaN when they are never seen."""
    position = pose.image_px[:, :, :2]
    hips_y = mid_hips(position)[:, 1]
    lowest_foot_y = position[:, _FEET, 1].max(axis=1)
    return min(_rise(hips_y), _rise(lowest_foot_y)) / body_height(position)


def _rise(y_down: FloatArray) -> float:
    smooth = _smooth(y_down)
    return median(smooth) - float(smooth.min()) if smooth.size else float("nan")


def _range(values: FloatArray) -> float:
    smooth = _smooth(values)
    return float(np.ptp(smooth)) if smooth.size else float("nan")


def _smooth(values: FloatArray) -> FloatArray:
    """Return the known values, median-filtered; shape (n_known,)."""
    known = values[known_frames(values)]
    return np.asarray(ndimage.median_filter(known, size=SMOOTHING_FRAMES, mode="nearest")) if known.size else known
