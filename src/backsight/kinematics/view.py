"""From which side the camera sees the person, and the angles that are read off the picture itself.

Knows nothing of exercises. A picture shows angles in its own plane well and those along the line of sight badly, so
what can be read depends on the view: lean and obliquity from the front or back, flexion from the side. Signs are those
of `backsight.kinematics.angles`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame
from backsight.kinematics.body import BodySize
from backsight.kinematics.geometry import length, median_of_known
from backsight.kinematics.signals import smooth

FRONT_WITHIN_DEG = 25.0
"""Up to here the view counts as frontal. Flexion leaks into the lean seen in the picture by the sine of this angle."""
SIDE_BEYOND_DEG = 60.0
"""From here on the view counts as lateral. At 60 degrees of yaw the picture falls 4 to 7 degrees short of the true
flexion; beyond it by less (measured on a rendered figure)."""
FACING_WINDOW_S = 1.0
"""Facing is averaged over this time: left and right are confused for less, and turning round takes about as long."""
_END_ON_SHARE = 0.5
"""A line shorter in the picture than this share of its length is seen too much end-on to have a slope."""


@dataclass(frozen=True)
class View:
    """The view over a whole recording; medians, so that frames with left and right confused do not count."""

    off_front_deg: float
    """Angle between the person's facing line and the line of sight: 0 = from the front or back, 90 = from the side;
    NaN = unknown."""
    towards_right: float
    """1 = mostly faces the image's right, -1 = its left; NaN = unknown."""

    @property
    def is_frontal(self) -> bool:
        """True when lean and obliquity can be read off the picture; False when the view is unknown."""
        return self.off_front_deg <= FRONT_WITHIN_DEG

    @property
    def is_lateral(self) -> bool:
        """True when flexion can be read off the picture; False when the view is unknown."""
        return self.off_front_deg >= SIDE_BEYOND_DEG


def find_view(frame: BodyFrame) -> View:
    """Find from which side the person is seen, from the facing direction in each frame."""
    sideways, nearer = frame.forward[:, 0], -frame.forward[:, 2]
    return View(
        off_front_deg=median_of_known(np.degrees(np.arctan2(np.abs(sideways), np.abs(nearer)))),
        towards_right=float(np.copysign(1.0, median_of_known(sideways)))
        if np.isfinite(sideways).any()
        else float("nan"),
    )


def faces_camera(frame: BodyFrame, timestamps_s: FloatArray) -> FloatArray:
    """Return 1 while the person faces the camera and -1 while the back is turned to it; NaN = unknown.

    Shape (n_frames,). Averaged over `FACING_WINDOW_S`, so that a few frames with left and right confused do not count.
    """
    return np.sign(smooth(-frame.forward[:, 2], timestamps_s, window_s=FACING_WINDOW_S))


def lateral_lean_in_picture_deg(pose: PoseSequence, *, body: BodySize, frame: BodyFrame) -> FloatArray:
    """Return by how much the trunk leaves the vertical sideways in a frontal view; to the person's right positive.

    The sideways shift of the shoulders over the hips against the trunk's full length at the person's apparent size, so
    that it also holds while the person bends, turns round or walks towards the camera. Shape (n_frames,); NaN =
    missing.
    """
    shift_px = _middle_px(pose, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)[:, 0]
    shift_px = shift_px - _middle_px(pose, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)[:, 0]
    to_the_right = -faces_camera(frame, pose.timestamps_s) * shift_px / (body.trunk_m * body.apparent_px_per_m)
    return np.degrees(np.arcsin(np.clip(to_the_right, -1.0, 1.0)))


def obliquity_in_picture_deg(pose: PoseSequence, *, left: Landmark, right: Landmark, body: BodySize) -> FloatArray:
    """Return the slope in the picture of the line from the left to the right landmark; right higher positive.

    Shape (n_frames,); NaN = missing, or the line is seen end-on.
    """
    line_px = pose.image_px[:, right, :2] - pose.image_px[:, left, :2]
    full_px = median_of_known(length(pose.world_m[:, right] - pose.world_m[:, left])) * body.apparent_px_per_m
    across, upwards = np.abs(line_px[:, 0]), -line_px[:, 1]
    seen = length(line_px) >= _END_ON_SHARE * full_px
    return np.where(seen, np.degrees(np.arctan2(upwards, across)), np.nan)


def mid_hip_in_metres(pose: PoseSequence, *, body: BodySize) -> FloatArray:
    """Return the middle of the hips in the picture, in metres at the person: x right, y up; shape (n_frames, 2)."""
    position: FloatArray = _middle_px(pose, Landmark.LEFT_HIP, Landmark.RIGHT_HIP) * [1.0, -1.0] / body.px_per_m
    return position


def lowest_foot_in_metres(pose: PoseSequence, *, body: BodySize) -> FloatArray:
    """Return how high the lowest known heel or toe is in the picture, in metres, up positive; shape (n_frames,)."""
    feet = [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]
    lowest_px: FloatArray = np.fmax.reduce(pose.image_px[:, feet, 1], axis=1)
    return -lowest_px / body.px_per_m


def _middle_px(pose: PoseSequence, left: Landmark, right: Landmark) -> FloatArray:
    return 0.5 * (pose.image_px[:, left, :2] + pose.image_px[:, right, :2])
