"""A pinhole camera that looks at a volunteer. Knows nothing of noise or of why the volunteer moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError

FRAME_SIZE = (1280, 720)
"""The paper's frame, width and height in pixels."""
DISTANCE_M = (2.0, 5.0)
"""BlazePose's model card ends at 4 m; people film from further away all the same."""
ROLL_SD_DEG = 1.0
"""Nobody's camera is level: SD of its turn about the line of sight. Assumption."""
HEIGHT_M = (0.8, 1.6)
"""Of the lens: on a chair, a table, a tripod."""
FIELD_OF_VIEW_DEG = (38.0, 62.0)
"""Vertical field of view: phones filming upright to webcams. Assumption."""
NEAREST_M = 1.3
"""No part of the body comes nearer to the lens than this."""
MARGIN = 0.03
"""Share of the frame that stays free at every edge."""


@dataclass(frozen=True, eq=False)
class Camera:
    """Where the camera is and what it sees; world axes as in `skeleton`."""

    position_m: FloatArray
    """Lens in the room; shape (3,)."""
    axes: FloatArray
    """Rows: image right, image down, away from the camera, as unit vectors in the room; shape (3, 3)."""
    focal_px: float
    frame_size: tuple[int, int] = FRAME_SIZE

    def to_camera(self, points_m: FloatArray) -> FloatArray:
        """Express room points in camera axes, from the lens; (..., 3) -> (..., 3)."""
        return (points_m - self.position_m) @ self.axes.T

    def project(self, points_m: FloatArray) -> FloatArray:
        """Project room points to pixels, x right and y down from the frame's corner; (..., 3) -> (..., 2)."""
        seen = self.to_camera(points_m)
        centre = np.array(self.frame_size) / 2.0
        return centre + self.focal_px * seen[..., :2] / seen[..., 2:]


def aim_camera(
    *,
    at_m: FloatArray,
    yaw_deg: float,
    distance_m: float,
    height_m: float,
    pitch_deg: float,
    focal_px: float,
    roll_deg: float = 0.0,
) -> Camera:
    """Put a camera at a distance from a point.

    Parameters
    ----------
    at_m
        Point that the camera turns to, in the room; its height is ignored; shape (3,).
    yaw_deg
        Where the camera stands as seen by a person who faces +z: 0 = in front, 90 = at the left, 180 = behind.
    pitch_deg
        Downward tilt of the camera.
    roll_deg
        Turn of the camera about its line of sight, clockwise as seen from behind it: an upright person leans to the
        image's left by this angle.
    """
    yaw, pitch = np.radians(yaw_deg), np.radians(pitch_deg)
    towards = np.array([-np.sin(yaw), 0.0, -np.cos(yaw)])
    right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
    away = np.cos(pitch) * towards + np.array([0.0, -np.sin(pitch), 0.0])
    roll = np.radians(roll_deg)
    down = np.cross(away, right)
    right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    position = np.array([at_m[0], 0.0, at_m[2]]) - distance_m * towards + np.array([0.0, height_m, 0.0])
    return Camera(position_m=position, axes=np.stack([right, down, away]), focal_px=focal_px)


def sample_camera(
    landmarks_m: FloatArray, *, yaw_deg: float, rng: np.random.Generator, distance_m: float | None = None
) -> Camera:
    """Place a camera so that the whole movement is in view; where it is not, the lens is wider, not further away.

    Parameters
    ----------
    landmarks_m
        The volunteer in the room; shape (n_frames, 33, 3).
    yaw_deg
        Where the camera stands, see `aim_camera`.
    distance_m
        Lens to the middle of the movement along the floor; drawn from `DISTANCE_M` when None. It becomes more where the
        body would come nearer than `NEAREST_M`.
    """
    if distance_m is not None and not distance_m > 0.0:
        raise InvalidValueError(f"`distance_m` of a camera must be above 0, got {distance_m}")
    low, high = landmarks_m.min(axis=(0, 1)), landmarks_m.max(axis=(0, 1))
    middle = (low + high) / 2.0
    yaw = np.radians(yaw_deg)
    nearness = landmarks_m @ np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    centre_nearness = middle @ np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    drawn_m = float(rng.uniform(*DISTANCE_M))
    wanted_m = drawn_m if distance_m is None else distance_m
    distance = max(wanted_m, NEAREST_M + float(nearness.max() - centre_nearness))
    height = float(rng.uniform(*HEIGHT_M))
    wanted = 0.5 * FRAME_SIZE[1] / np.tan(np.radians(float(rng.uniform(*FIELD_OF_VIEW_DEG))) / 2.0)
    pitch = np.degrees(np.arctan2(height - middle[1], distance)) + float(rng.normal(0.0, 1.5))
    fill = float(rng.uniform(0.8, 1.0))
    camera = aim_camera(
        at_m=middle,
        yaw_deg=yaw_deg,
        distance_m=distance,
        height_m=height,
        pitch_deg=pitch,
        focal_px=1.0,
        roll_deg=float(rng.normal(0.0, ROLL_SD_DEG)),
    )
    seen = camera.to_camera(landmarks_m)
    room = np.array(FRAME_SIZE) * (0.5 - MARGIN) / np.abs(seen[..., :2] / seen[..., 2:]).max(axis=(0, 1))
    focal = min(wanted, fill * float(room.min()))
    return Camera(position_m=camera.position_m, axes=camera.axes, focal_px=focal)


def mid_hip_m(points_m: FloatArray) -> FloatArray:
    """Middle of the hips; (..., 33, 3) -> (..., 1, 3)."""
    middle: FloatArray = points_m[..., [Landmark.LEFT_HIP, Landmark.RIGHT_HIP], :].mean(axis=-2, keepdims=True)
    return middle


def landmarks_as_seen(camera: Camera, landmarks_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what a perfect BlazePose would report of a volunteer.

    BlazePose works on a crop around the person, so its world axes turn with the line of sight to the hips: a person at
    the edge of the picture is seen from another side than one in the middle.

    Returns
    -------
    tuple
        Image positions in pixels with z in x's scale, and world positions in metres, hip-centred, both (n, 33, 3).
    """
    seen = camera.to_camera(landmarks_m)
    hips = mid_hip_m(seen)
    sight = hips[:, 0] / np.linalg.norm(hips[:, 0], axis=1, keepdims=True)
    flat = np.hypot(sight[:, 0], sight[:, 2])
    zero = np.zeros(len(sight))
    right = np.stack([sight[:, 2] / flat, zero, -sight[:, 0] / flat], axis=1)
    axes = np.stack([right, np.cross(sight, right), sight], axis=1)
    world = (seen - hips) @ axes.transpose(0, 2, 1)
    flat_px = np.array(camera.frame_size) / 2.0 + camera.focal_px * seen[..., :2] / seen[..., 2:]
    depth_px = camera.focal_px * world[..., 2:] / hips[..., 2:]
    return np.concatenate([flat_px, depth_px], axis=-1), world
