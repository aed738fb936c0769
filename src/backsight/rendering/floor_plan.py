"""Where walls stand and people are, seen from the camera. Knows nothing of looks or drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.rendering.setting import Company, Setting
from backsight.simulation.camera import Camera

_BEHIND_CAMERA_M = 1.5
"""The floor goes on behind the camera, for its wide lower edge."""
_BESIDE_CAMERA_M = 0.5
_FOR_COMPANION_M = 2.6
"""Free floor at both sides for somebody who does the exercise along."""
_FOR_PASSER_BY_M = 3.6
"""To both sides of the person's middle: whoever walks across behind goes 5 m or so."""


@dataclass(frozen=True, eq=False)
class FloorPlan:
    """A room's own axes: to the image's right, up, and away from the camera, turned by the room's yaw.

    They are left-handed, so bodies are turned in the simulation's room and only their places are given in these.
    """

    origin_m: FloatArray
    """On the floor, in the middle of where the person goes; shape (3,)."""
    axes: FloatArray
    """Rows: right, up, away, as unit vectors; shape (3, 3)."""
    person_low_m: FloatArray
    """Least right, up and away that the person reaches; shape (3,)."""
    person_high_m: FloatArray
    camera_m: FloatArray
    """The lens in the room's own axes; shape (3,)."""
    left_m: float
    """Where the wall at the image's left stands, below 0."""
    right_m: float
    back_m: float
    front_m: float
    """How far towards and behind the camera the room is drawn, below 0."""
    ceiling_m: float

    def place(self, points: FloatArray) -> FloatArray:
        """Turn right, up, away into points of the simulation's room; (..., 3) -> (..., 3)."""
        return self.origin_m + points @ self.axes

    def locate(self, points_m: FloatArray) -> FloatArray:
        """Turn points of the simulation's room into right, up, away; (..., 3) -> (..., 3)."""
        return (points_m - self.origin_m) @ self.axes.T


def level_sight(camera: Camera) -> FloatArray:
    """Return the line of sight laid level, as a unit vector; shape (3,)."""
    sight = camera.axes[2] * np.array([1.0, 0.0, 1.0])
    level: FloatArray = sight / np.linalg.norm(sight)
    return level


def plan_floor(setting: Setting, *, landmarks_m: FloatArray, camera: Camera) -> FloorPlan:
    """Stand walls round a person so that they never walk through one.

    Parameters
    ----------
    landmarks_m
        Everything that stays clear of walls; shape (n_frames, n_points, 3).
    """
    yaw, sight = np.radians(setting.room_yaw_deg), level_sight(camera)
    right = np.array([-sight[2], 0.0, sight[0]])
    away = np.cos(yaw) * sight + np.sin(yaw) * right
    axes = np.stack([np.array([-away[2], 0.0, away[0]]), np.array([0.0, 1.0, 0.0]), away])
    points = landmarks_m.reshape(-1, 3)
    origin = (points.min(axis=0) + points.max(axis=0)) / 2.0 * np.array([1.0, 0.0, 1.0])
    own = (points - origin) @ axes.T
    low, high = own.min(axis=0), own.max(axis=0)
    lens = axes @ (camera.position_m - origin)
    left_m, right_m = setting.beside_m
    aside = _FOR_COMPANION_M if setting.company is Company.BESIDE else 0.0
    across = _FOR_PASSER_BY_M if setting.company is Company.PASSING else 0.0
    return FloorPlan(
        origin_m=origin,
        axes=axes,
        person_low_m=low,
        person_high_m=high,
        camera_m=lens,
        # A camera that stood outside would look past the end of a wall into nothing.
        left_m=min(float(low[0]) - max(left_m, aside), float(lens[0]) - _BESIDE_CAMERA_M, -across),
        right_m=max(float(high[0]) + max(right_m, aside), float(lens[0]) + _BESIDE_CAMERA_M, across),
        back_m=float(high[2]) + setting.behind_m,
        front_m=min(float(lens[2]), float(low[2])) - _BEHIND_CAMERA_M,
        # Nobody jumps through the ceiling.
        ceiling_m=max(setting.ceiling_m, float(high[1]) + 0.25),
    )
