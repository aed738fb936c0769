"""Body size and position from landmarks, as the quality checks need them. Knows no thresholds.

Size is taken here from the picture or the world alone, not from both together as in `backsight.kinematics.body`: a
check of one must not depend on the other being sound.
"""

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.body import TRUNK_SHARE
from backsight.kinematics.geometry import length

NOSE_TO_ANKLE_PER_HEIGHT = 0.88
"""Nose to ankle, as a share of standing height: 0.92 - 0.039 (Drillis and Contini 1966, in Winter 2009)."""

SIDE_PAIRS = (
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    (Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE),
    (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE),
)
"""The left and right landmarks of trunk and legs, on which every measurement of the three exercises rests."""

TRUNK_AND_LEGS: tuple[int, ...] = tuple(int(landmark) for pair in SIDE_PAIRS for landmark in pair)


def middle(positions: FloatArray, first: Landmark, second: Landmark) -> FloatArray:
    """Return the point half-way between two landmarks; (n_frames, 33, n) -> (n_frames, n)."""
    return np.asarray((positions[:, first] + positions[:, second]) / 2)


def mid_shoulders(positions: FloatArray) -> FloatArray:
    """Return the point between the shoulders; (n_frames, 33, n) -> (n_frames, n)."""
    return middle(positions, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)


def mid_hips(positions: FloatArray) -> FloatArray:
    """Return the point between the hips; (n_frames, 33, n) -> (n_frames, n)."""
    return middle(positions, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)


def body_height(positions: FloatArray) -> float:
    """Return the standing height that the landmarks suggest, in the positions' own unit; NaN when nothing is known.

    The parts of the body are measured one by one, nose to shoulders, trunk, thigh and shank, so that a bent, crouched
    or sideways body is as tall as an upright one. Where the head or feet are unknown throughout, the trunk stands in.
    """
    height = measured_height(positions)
    # Damaged landmarks can all lie in one place: nothing is a share of that.
    return height if height > 0.0 else float("nan")


def measured_height(positions: FloatArray) -> float:
    """Return `body_height` as it is measured, zero where all landmarks lie in one place."""
    whole = median(nose_to_ankle(positions)) / NOSE_TO_ANKLE_PER_HEIGHT
    return median(_trunk_length(positions)) / TRUNK_SHARE if np.isnan(whole) else whole


def nose_to_ankle(positions: FloatArray) -> FloatArray:
    """Return the length from nose to ankle along the body, over the longer leg; (n_frames, 33, n) -> (n_frames,)."""
    head = length(positions[:, Landmark.NOSE] - mid_shoulders(positions))
    legs = np.fmax(_leg_length(positions, "LEFT"), _leg_length(positions, "RIGHT"))
    return np.asarray(head + _trunk_length(positions) + legs)


def _trunk_length(positions: FloatArray) -> FloatArray:
    return length(mid_shoulders(positions) - mid_hips(positions))


def _leg_length(positions: FloatArray, side: str) -> FloatArray:
    hip, knee, ankle = (Landmark[f"{side}_{joint}"] for joint in ("HIP", "KNEE", "ANKLE"))
    return length(positions[:, hip] - positions[:, knee]) + length(positions[:, knee] - positions[:, ankle])


def legs_tilt_deg(pose: PoseSequence) -> FloatArray:
    """Return the angle between the picture's down and the line from hips to ankles, 0 to 180; shape (n_frames,)."""
    hips = mid_hips(pose.image_px[:, :, :2])
    legs = middle(pose.image_px[:, :, :2], Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE) - hips
    return np.asarray(np.degrees(np.arctan2(np.abs(legs[:, 0]), legs[:, 1])))


def known_frames(values: FloatArray) -> NDArray[np.intp]:
    """Return the indices of the frames in which every value is finite; (n_frames, ...) -> (n_known,)."""
    return np.flatnonzero(np.isfinite(values.reshape(len(values), -1)).all(axis=1))


def median(values: FloatArray) -> float:
    """Return the median of the finite values; NaN when there are none."""
    return centile(values, 50)


def centile(values: FloatArray, level: float) -> float:
    """Return a centile of the finite values; NaN when there are none."""
    finite = values[np.isfinite(values)]
    return float(np.percentile(finite, level)) if finite.size else float("nan")


def spread(values: FloatArray, *, low: float = 5, high: float = 95) -> float:
    """Return the range between two centiles of the finite values; NaN when there are none."""
    return centile(values, high) - centile(values, low)
