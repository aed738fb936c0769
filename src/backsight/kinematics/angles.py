"""Joint and trunk angles from world landmarks, in the person's own frame. Knows nothing of pixels or exercises.

Conventions, for every function: degrees; shape (n_frames,); NaN = a landmark is missing or the geometry does not fix
the angle. Forward is where the pelvis and the shoulders face. A lean or turn to the person's right is positive; an
obliquity is positive when the right side is the higher one. In a mirrored recording, with left and right landmarks
swapped, these change their sign.

BlazePose's world axes follow the camera: a tilted camera tilts "vertical". World landmarks also show 6 to 16 degrees of
flexion on an upright person, so absolute flexion needs the person's own standing subtracted (`backsight.scoring`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import (
    UP,
    angle_between_deg,
    dot,
    horizontal,
    length,
    mean_of_known,
    unit,
    wrap_deg,
)

_LEVEL_ENOUGH = 0.5
"""A line tells a direction about the vertical only while this share of it is level: sloping 60 degrees at most."""
_IN_PLANE_ENOUGH = 0.35
"""A segment tells an angle in the sagittal plane only while this share of it lies in it: 70 degrees off at most."""


@dataclass(frozen=True, eq=False)
class BodyFrame:
    """The person's own directions in each frame: horizontal, of length 1; NaN = unknown."""

    forward: FloatArray
    """Where the person faces; shape (n_frames, 3)."""
    right: FloatArray
    """To the person's right; shape (n_frames, 3)."""


def body_frame(world_m: FloatArray) -> BodyFrame:
    """Find where the person faces, from the lines through hips and shoulders, or from the feet where these are hidden.

    Parameters
    ----------
    world_m
        World positions in metres; shape (n_frames, 33, 3); NaN = missing.
    """
    hips = level_line(world_m[:, Landmark.RIGHT_HIP] - world_m[:, Landmark.LEFT_HIP])
    shoulders = level_line(world_m[:, Landmark.RIGHT_SHOULDER] - world_m[:, Landmark.LEFT_SHOULDER])
    feet = unit(
        horizontal(
            mean_of_known(
                world_m[:, Landmark.LEFT_FOOT_INDEX] - world_m[:, Landmark.LEFT_HEEL],
                world_m[:, Landmark.RIGHT_FOOT_INDEX] - world_m[:, Landmark.RIGHT_HEEL],
            )
        )
    )
    across = unit(mean_of_known(hips, shoulders))
    right = np.where(np.isfinite(across), across, np.cross(feet, UP))
    return BodyFrame(forward=np.cross(UP, right), right=right)


def trunk_flexion_deg(world_m: FloatArray, frame: BodyFrame) -> FloatArray:
    """Return the trunk's lean in the sagittal plane against the vertical; forward positive, 90 = level.

    Where one side's shoulder or hip is missing the other side's stands in.
    """
    trunk = _trunk(world_m)
    return _sagittal_deg(dot(trunk, frame.forward), dot(trunk, UP), trunk)


def trunk_lateral_lean_deg(world_m: FloatArray, frame: BodyFrame) -> FloatArray:
    """Return the angle by which the trunk leaves the sagittal plane; to the person's right positive, -90 to 90.

    Needs both shoulders and both hips, because one side's line alone is not in the middle.
    """
    trunk = _mid_shoulder(world_m) - _mid_hip(world_m)
    return np.degrees(np.arcsin(np.clip(dot(unit(trunk), frame.right), -1.0, 1.0)))


def axial_rotation_deg(world_m: FloatArray) -> FloatArray:
    """Return how far the shoulders are turned against the pelvis about the vertical; to the person's right positive."""
    shoulders = level_line(world_m[:, Landmark.RIGHT_SHOULDER] - world_m[:, Landmark.LEFT_SHOULDER])
    hips = level_line(world_m[:, Landmark.RIGHT_HIP] - world_m[:, Landmark.LEFT_HIP])
    across = np.cross(hips, shoulders)[:, 1]
    return np.degrees(np.arctan2(across, dot(hips, shoulders)))


def shoulder_obliquity_deg(world_m: FloatArray) -> FloatArray:
    """Return the slope of the shoulder line against the horizontal; right shoulder higher positive, -90 to 90."""
    return _slope_deg(world_m[:, Landmark.RIGHT_SHOULDER] - world_m[:, Landmark.LEFT_SHOULDER])


def pelvic_obliquity_deg(world_m: FloatArray) -> FloatArray:
    """Return the slope of the line through the hips against the horizontal; right hip higher positive, -90 to 90."""
    return _slope_deg(world_m[:, Landmark.RIGHT_HIP] - world_m[:, Landmark.LEFT_HIP])


def hip_flexion_deg(world_m: FloatArray, frame: BodyFrame) -> tuple[FloatArray, FloatArray]:
    """Return (left, right): thigh against trunk in the sagittal plane; 0 = in line, thigh forward positive."""
    trunk_deg = trunk_flexion_deg(world_m, frame)

    def side(hip: Landmark, knee: Landmark) -> FloatArray:
        thigh = world_m[:, knee] - world_m[:, hip]
        return wrap_deg(trunk_deg + _sagittal_deg(dot(thigh, frame.forward), -dot(thigh, UP), thigh))

    return side(Landmark.LEFT_HIP, Landmark.LEFT_KNEE), side(Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE)


def knee_flexion_deg(world_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (left, right): 0 = straight, to 180."""
    return (
        _bend_deg(world_m, Landmark.LEFT_HIP, Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE),
        _bend_deg(world_m, Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE),
    )


def ankle_dorsiflexion_deg(world_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (left, right): 0 = shank at right angles to the line from heel to toes, toes towards the shin positive."""

    def side(knee: Landmark, ankle: Landmark, heel: Landmark, toes: Landmark) -> FloatArray:
        shank, foot = world_m[:, knee] - world_m[:, ankle], world_m[:, toes] - world_m[:, heel]
        return 90.0 - angle_between_deg(shank, foot)

    return (
        side(Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE, Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
        side(Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE, Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
    )


def elbow_flexion_deg(world_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (left, right): 0 = straight, to 180."""
    return (
        _bend_deg(world_m, Landmark.LEFT_SHOULDER, Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST),
        _bend_deg(world_m, Landmark.RIGHT_SHOULDER, Landmark.RIGHT_ELBOW, Landmark.RIGHT_WRIST),
    )


def shoulder_elevation_deg(world_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (left, right): upper arm against the trunk, whichever way it is raised; 0 = hanging along it, to 180."""
    downwards = -_trunk(world_m)

    def side(shoulder: Landmark, elbow: Landmark) -> FloatArray:
        return angle_between_deg(world_m[:, elbow] - world_m[:, shoulder], downwards)

    return side(Landmark.LEFT_SHOULDER, Landmark.LEFT_ELBOW), side(Landmark.RIGHT_SHOULDER, Landmark.RIGHT_ELBOW)


def _mid_hip(world_m: FloatArray) -> FloatArray:
    return 0.5 * (world_m[:, Landmark.LEFT_HIP] + world_m[:, Landmark.RIGHT_HIP])


def _mid_shoulder(world_m: FloatArray) -> FloatArray:
    return 0.5 * (world_m[:, Landmark.LEFT_SHOULDER] + world_m[:, Landmark.RIGHT_SHOULDER])


def _trunk(world_m: FloatArray) -> FloatArray:
    """Return hip to shoulder: the mean of both sides, or the side that is known; shape (n_frames, 3)."""
    return mean_of_known(
        world_m[:, Landmark.LEFT_SHOULDER] - world_m[:, Landmark.LEFT_HIP],
        world_m[:, Landmark.RIGHT_SHOULDER] - world_m[:, Landmark.RIGHT_HIP],
    )


def level_line(line: FloatArray) -> FloatArray:
    """Return the line's horizontal part, in metres; NaN where the line is too steep to tell a direction."""
    flat = horizontal(line)
    tells = (length(flat) >= _LEVEL_ENOUGH * length(line)) & (length(line) > 0)
    return np.where(tells[:, np.newaxis], flat, np.nan)


def _slope_deg(line: FloatArray) -> FloatArray:
    return np.degrees(np.arcsin(np.clip(dot(unit(line), UP), -1.0, 1.0)))


def _sagittal_deg(forwards: FloatArray, along: FloatArray, segment: FloatArray) -> FloatArray:
    """Return the angle in the sagittal plane; NaN where the segment points mostly sideways."""
    tells = (np.hypot(forwards, along) >= _IN_PLANE_ENOUGH * length(segment)) & (length(segment) > 0)
    return np.where(tells, np.degrees(np.arctan2(forwards, along)), np.nan)


def _bend_deg(world_m: FloatArray, above: Landmark, joint: Landmark, below: Landmark) -> FloatArray:
    return 180.0 - angle_between_deg(world_m[:, above] - world_m[:, joint], world_m[:, below] - world_m[:, joint])
