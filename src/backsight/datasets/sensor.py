"""Turn what a depth sensor saw into the 33 landmarks of BlazePose. Knows no data set and no file.

A sensor has fewer joints than BlazePose has landmarks: those it has not are NaN with visibility 0. Pictures are drawn
through a pinhole camera, so that what is read off the picture - travel, apparent size, view - exists for sensors, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import N_LANDMARKS, Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import FoundBy
from backsight.domain.validation import FloatArray

NEAREST_M = 0.1
"""Nothing nearer was seen by any sensor: a joint there is one that was never measured, stored as zeros."""


@dataclass(frozen=True)
class PinholeCamera:
    """A camera that looks level along z and draws without distortion."""

    focal_px: float
    width: int = 1280
    height: int = 720


KINECT_V2_CAMERA = PinholeCamera(focal_px=1081.37 * 1280 / 1920)
"""Kinect v2's colour camera, focal length 1081.37 px at 1920 x 1080 (the factory's value as libfreenect2 has it; on
Keraal, where the same person was filmed, landmarks and projected joints agree at 1076 to 1088), scaled to 1280 x 720.
That the colour camera stands 5 cm beside the depth camera is left out: nothing depends on it."""

KINECT_V2 = FoundBy(sensor="Kinect v2")

KINECT_JOINTS: Mapping[Landmark, int] = {
    # The centre of the head stands for the nose, which lies some 10 cm before it: it is the only joint above the neck,
    # and without it nothing would be known of the head.
    Landmark.NOSE: 3,
    Landmark.LEFT_SHOULDER: 4,
    Landmark.RIGHT_SHOULDER: 8,
    Landmark.LEFT_ELBOW: 5,
    Landmark.RIGHT_ELBOW: 9,
    Landmark.LEFT_WRIST: 6,
    Landmark.RIGHT_WRIST: 10,
    # BlazePose marks the knuckle of the index finger, to which the middle of the hand is nearer than the finger tip,
    # which also jumps most of all joints.
    Landmark.LEFT_INDEX: 7,
    Landmark.RIGHT_INDEX: 11,
    Landmark.LEFT_THUMB: 22,
    Landmark.RIGHT_THUMB: 24,
    Landmark.LEFT_HIP: 12,
    Landmark.RIGHT_HIP: 16,
    Landmark.LEFT_KNEE: 13,
    Landmark.RIGHT_KNEE: 17,
    Landmark.LEFT_ANKLE: 14,
    Landmark.RIGHT_ANKLE: 18,
    Landmark.LEFT_FOOT_INDEX: 15,
    Landmark.RIGHT_FOOT_INDEX: 19,
}
"""Kinect v2's joint that stands for each landmark; the joints of the spine have no landmark."""
N_KINECT_JOINTS = 25

_KINECT_TO_CAMERA = np.array([-1.0, -1.0, 1.0])
"""Kinect's camera space has x to the sensor's left, which is the image's left, and y up."""


def pose_from_kinect(joints_m: FloatArray, visibility: FloatArray, *, fps: float) -> PoseSequence:
    """Turn Kinect v2's joints in its camera space into landmarks.

    Parameters
    ----------
    joints_m
        x to the sensor's left (the right of a person who faces it), y up, z away from the sensor; shape
        (n_frames, 25, 3).
    visibility
        How far each joint is to be trusted, 0 to 1; shape (n_frames, 25).
    fps
        Nominal frames a second.
    """
    positions_m, seen = pick_joints(joints_m * _KINECT_TO_CAMERA, visibility, KINECT_JOINTS)
    return pose_from_camera_space(positions_m, seen, camera=KINECT_V2_CAMERA, fps=fps)


def pick_joints(
    joints_m: FloatArray, visibility: FloatArray, joint_of: Mapping[Landmark, int]
) -> tuple[FloatArray, FloatArray]:
    """Put a sensor's joints in the places of the landmarks.

    Returns
    -------
    tuple
        Positions, shape (n_frames, 33, 3), NaN where there is no joint; visibility, shape (n_frames, 33), 0 there.
    """
    positions_m = np.full((len(joints_m), N_LANDMARKS, 3), np.nan)
    seen = np.zeros((len(joints_m), N_LANDMARKS))
    landmarks, joints = [int(landmark) for landmark in joint_of], list(joint_of.values())
    positions_m[:, landmarks] = joints_m[:, joints]
    seen[:, landmarks] = visibility[:, joints]
    return positions_m, seen


def pose_from_camera_space(
    positions_m: FloatArray, visibility: FloatArray, *, camera: PinholeCamera, fps: float
) -> PoseSequence:
    """Turn landmarks in metres before a camera into a pose sequence.

    Parameters
    ----------
    positions_m
        x to the image's right, y down, z away from the camera, which is the origin; shape (n_frames, 33, 3);
        NaN = missing.
    visibility
        Shape (n_frames, 33).
    camera
        What draws the picture.
    fps
        Nominal frames a second; the first frame is at 0 s.

    Returns
    -------
    PoseSequence
        World positions are relative to the middle of the hips in each frame, NaN where a hip is missing. Presence is 1
        inside the picture and 0 outside it.
    """
    known = np.isfinite(positions_m).all(axis=2) & (positions_m[..., 2] > NEAREST_M) & (visibility > 0.0)
    positions_m = np.where(known[..., np.newaxis], positions_m, np.nan)
    mid_hip = 0.5 * (positions_m[:, Landmark.LEFT_HIP] + positions_m[:, Landmark.RIGHT_HIP])
    world_m = positions_m - mid_hip[:, np.newaxis]
    image_px = np.empty_like(positions_m)
    image_px[..., :2] = camera.focal_px * positions_m[..., :2] / positions_m[..., 2:]
    image_px[..., 0] += 0.5 * camera.width
    image_px[..., 1] += 0.5 * camera.height
    image_px[..., 2] = camera.focal_px * world_m[..., 2] / mid_hip[:, np.newaxis, 2]
    inside = (
        (image_px[..., 0] >= 0.0)
        & (image_px[..., 0] < camera.width)
        & (image_px[..., 1] >= 0.0)
        & (image_px[..., 1] < camera.height)
    )
    return PoseSequence(
        image_px=image_px,
        world_m=world_m,
        visibility=np.where(known, visibility, 0.0),
        presence=inside.astype(np.float64),
        timestamps_s=np.arange(len(positions_m)) / fps,
        frame_size=(camera.width, camera.height),
    )
