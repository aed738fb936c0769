"""A volunteer in motion before a camera, without any error: what a renderer draws. Knows no renderer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.recording import Exercise
from backsight.simulation.camera import Camera, mid_hip_m
from backsight.simulation.dysfunction import Volunteer
from backsight.simulation.skeleton import Figure, Motion


@dataclass(frozen=True, eq=False)
class Performance:
    """A volunteer doing something before a camera."""

    volunteer: Volunteer
    exercise: Exercise | None
    """None = a movement that is none of the paper's exercises, such as turning the trunk to calibrate a measure."""
    motion: Motion
    figure: Figure
    camera: Camera
    view_yaw_deg: float
    """Where the camera stands as seen by the volunteer: 0 = in front, 90 = at the left, 180 = behind."""
    rating: float
    """What the volunteer says of their back afterwards, 0 worst to 100 best."""
    fps: float
    """Frames a second at which the movement was sampled."""

    @property
    def distance_m(self) -> float:
        """Lens to the middle of the hips at the start."""
        hips: float = np.linalg.norm(self.camera.to_camera(mid_hip_m(self.figure.landmarks_m[0]))[0]).item()
        return hips
