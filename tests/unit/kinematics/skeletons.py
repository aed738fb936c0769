"""An analytic person: joint angles in, a `PoseSequence` out, so that tests know every angle by construction.

The person is drawn in their own directions (right, up, forward) and then turned by the yaw; the picture is an
orthographic view of the world. Every argument is a number or one value a frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backsight.domain.landmarks import MIRRORED, Landmark
from backsight.domain.sequences import PoseSequence

Array = NDArray[np.float64]

TRUNK_M, THIGH_M, SHANK_M, ARM_M, FOREARM_M, HAND_M = 0.49, 0.42, 0.42, 0.30, 0.25, 0.10
ANKLE_ABOVE_FLOOR_M = 0.06
HALF_HIPS_M, HALF_SHOULDERS_M = 0.10, 0.18
FRAME_SIZE = (1280, 720)


def _dir(right: ArrayLike, up: ArrayLike, forward: ArrayLike) -> Array:
    return np.stack(
        np.broadcast_arrays(np.asarray(right, float), np.asarray(up, float), np.asarray(forward, float)), -1
    )


def _sagittal(deg: Array) -> Array:
    """Unit vector that hangs down at 0 degrees and points forward at 90."""
    return _dir(0.0, -np.cos(np.radians(deg)), np.sin(np.radians(deg)))


def make_pose(
    *,
    n_frames: int = 1,
    fps: float = 30.0,
    timestamps_s: ArrayLike | None = None,
    flexion_deg: ArrayLike = 0.0,
    lean_right_deg: ArrayLike = 0.0,
    axial_right_deg: ArrayLike = 0.0,
    right_shoulder_up_deg: ArrayLike = 0.0,
    right_hip_up_deg: ArrayLike = 0.0,
    thigh_forward_deg: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    knee_flexion_deg: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    arm_forward_deg: tuple[ArrayLike, ArrayLike] = (0.0, 0.0),
    yaw_deg: ArrayLike = 0.0,
    hip_px: tuple[ArrayLike, ArrayLike] = (640.0, 360.0),
    px_per_m: ArrayLike = 300.0,
    size: float = 1.0,
) -> PoseSequence:
    """Build a sequence; pairs are (left, right); arms hang straight at 0, angles of limbs are against the vertical."""
    times = np.arange(n_frames) / fps if timestamps_s is None else np.asarray(timestamps_s, float)
    n = len(times)

    def series(value: ArrayLike) -> Array:
        return np.broadcast_to(np.asarray(value, float), (n,)).copy()

    flexion, lean, axial, shoulder_up, hip_up, yaw = (
        np.radians(series(v))
        for v in (flexion_deg, lean_right_deg, axial_right_deg, right_shoulder_up_deg, right_hip_up_deg, yaw_deg)
    )
    body = np.zeros((n, 33, 3))
    hip_line = _dir(np.cos(hip_up), np.sin(hip_up), 0.0)
    shoulder_line = _dir(np.cos(shoulder_up) * np.cos(axial), np.sin(shoulder_up), -np.cos(shoulder_up) * np.sin(axial))
    neck = TRUNK_M * _dir(np.sin(lean), np.cos(lean) * np.cos(flexion), np.cos(lean) * np.sin(flexion))
    for side, name in ((-1, "LEFT"), (1, "RIGHT")):
        i = 0 if side < 0 else 1
        hip, shoulder = side * HALF_HIPS_M * hip_line, neck + side * HALF_SHOULDERS_M * shoulder_line
        thigh_deg = series(thigh_forward_deg[i])
        knee = hip + THIGH_M * _sagittal(thigh_deg)
        ankle = knee + SHANK_M * _sagittal(thigh_deg - series(knee_flexion_deg[i]))
        arm = _sagittal(series(arm_forward_deg[i]))
        points = {
            "HIP": hip,
            "KNEE": knee,
            "ANKLE": ankle,
            "HEEL": ankle + _dir(0.0, -ANKLE_ABOVE_FLOOR_M, -0.05),
            "FOOT_INDEX": ankle + _dir(0.0, -ANKLE_ABOVE_FLOOR_M, 0.15),
            "SHOULDER": shoulder,
            "ELBOW": shoulder + ARM_M * arm,
            "WRIST": shoulder + (ARM_M + FOREARM_M) * arm,
        }
        for finger in ("PINKY", "INDEX", "THUMB"):
            points[finger] = shoulder + (ARM_M + FOREARM_M + HAND_M) * arm
        for part, position in points.items():
            body[:, Landmark[f"{name}_{part}"]] = position
    for landmark in range(11):
        sideways = 0.0 if landmark == 0 else (-0.03 if landmark in {1, 2, 3, 7, 9} else 0.03)
        body[:, landmark] = neck * 1.4 + [sideways, 0.0, 0.1]

    right = np.stack((-np.cos(yaw), np.zeros(n), -np.sin(yaw)), -1)
    forward = np.stack((np.sin(yaw), np.zeros(n), -np.cos(yaw)), -1)
    up = np.array([0.0, -1.0, 0.0])
    turned = body[..., 0, None] * right[:, None] + body[..., 1, None] * up + body[..., 2, None] * forward[:, None]
    image = turned * series(px_per_m)[:, None, None]
    image[..., 0] += series(hip_px[0])[:, None]
    image[..., 1] += series(hip_px[1])[:, None]
    return PoseSequence(
        image_px=image,
        world_m=turned * size,
        visibility=np.full((n, 33), 0.9),
        presence=np.full((n, 33), 0.95),
        timestamps_s=times,
        frame_size=FRAME_SIZE,
    )


def mirrored(pose: PoseSequence) -> PoseSequence:
    """Return the same person seen in a mirror: left and right change places."""
    image, world = pose.image_px[:, MIRRORED].copy(), pose.world_m[:, MIRRORED].copy()
    image[..., 0] = pose.frame_size[0] - image[..., 0]
    world[..., 0] *= -1.0
    return changed(
        pose,
        image_px=image,
        world_m=world,
        visibility=pose.visibility[:, MIRRORED],
        presence=pose.presence[:, MIRRORED],
    )


def changed(pose: PoseSequence, **fields: Array) -> PoseSequence:
    """Return the sequence with some of its arrays replaced."""
    kept = {
        name: getattr(pose, name)
        for name in ("image_px", "world_m", "visibility", "presence", "timestamps_s", "frame_size")
    }
    return PoseSequence(**(kept | fields))


def without(pose: PoseSequence, *landmarks: Landmark, frames: slice = slice(None)) -> PoseSequence:
    """Return the sequence with landmarks missing in some frames."""
    image, world = pose.image_px.copy(), pose.world_m.copy()
    for landmark in landmarks:
        image[frames, landmark] = np.nan
        world[frames, landmark] = np.nan
    return changed(pose, image_px=image, world_m=world)
