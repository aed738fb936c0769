"""The pose in which a body is modelled: arms and legs spread, everything else straight. Knows no surfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.rendering.field import Place
from backsight.simulation.body import Body
from backsight.simulation.skeleton import SIDES, Figure, Motion, pose_body

SIDE_NAMES = ("left", "right")
ARM_FORWARD_RAD, ARM_OUT_RAD = 0.70, 0.75
"""About the middle of what arms do in the exercises, so that skin is bent as little as possible; clear of the trunk."""
LEG_OUT_RAD = 0.26
"""Far enough that the thighs part below the crotch."""


@dataclass(frozen=True, eq=False)
class RestPose:
    """A body's joints and axes in the rest pose."""

    body: Body
    figure: Figure
    """One frame."""

    def joint_m(self, name: str) -> FloatArray:
        """Where the piece of that name turns; shape (3,)."""
        return piece_origin_m(self.figure, name, 0)

    def place(self, name: str) -> Place:
        """Origin and axes of a rigid piece."""
        return Place(self.joint_m(name), self.figure.rotations[name][0])

    @property
    def unit_m(self) -> float:
        """Body height: most sizes are shares of it."""
        return self.body.height_m


ORIGINS: dict[str, Landmark | str] = {
    "pelvis": "root",
    "lumbar": "lumbar",
    "low_thorax": "low_thorax",
    "high_thorax": "high_thorax",
    "neck": "neck",
    "head": "head",
    "left_upper_arm": Landmark.LEFT_SHOULDER,
    "right_upper_arm": Landmark.RIGHT_SHOULDER,
    "left_forearm": Landmark.LEFT_ELBOW,
    "right_forearm": Landmark.RIGHT_ELBOW,
    "left_hand": Landmark.LEFT_WRIST,
    "right_hand": Landmark.RIGHT_WRIST,
    "left_thigh": Landmark.LEFT_HIP,
    "right_thigh": Landmark.RIGHT_HIP,
    "left_shank": Landmark.LEFT_KNEE,
    "right_shank": Landmark.RIGHT_KNEE,
    "left_foot": Landmark.LEFT_ANKLE,
    "right_foot": Landmark.RIGHT_ANKLE,
}
"""The joint about which each rigid piece turns, as a landmark or a name in `Figure.joints_m`."""


def piece_origin_m(figure: Figure, name: str, frame: int) -> FloatArray:
    """Where a rigid piece's proximal joint is in the room; shape (3,)."""
    origin = ORIGINS[name]
    point: FloatArray = figure.joints_m[origin][frame] if isinstance(origin, str) else figure.landmarks_m[frame, origin]
    return point


def rest_pose(body: Body) -> RestPose:
    """Put a body into the rest pose, mid-hip at the room's origin."""
    zero = np.zeros((1, 2))
    reach = 0.9999 * body.leg_m
    ankle = np.array(
        [[(s * (body.hip_half_m + reach * np.sin(LEG_OUT_RAD)), -reach * np.cos(LEG_OUT_RAD), 0.0) for s in SIDES]]
    )
    motion = Motion(
        timestamps_s=np.zeros(1),
        root_m=np.zeros((1, 3)),
        spine_rad=np.zeros((1, 4, 3)),
        neck_rad=np.zeros((1, 2, 3)),
        girdle_rad=zero,
        shoulder_rad=np.array([[(ARM_FORWARD_RAD, ARM_OUT_RAD, 0.0)] * 2]),
        elbow_rad=zero,
        wrist_rad=zero,
        ankle_m=ankle,
        foot_rad=np.zeros((1, 2, 2)),
    )
    return RestPose(body, pose_body(body, motion))
