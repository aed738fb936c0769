"""Turn a pose sequence into 193 features per frame. Knows nothing of video or models.

What a feature must not know: how far away, how tall and where in the picture the person is. Positions are therefore
relative to the middle of the hips and in body heights; travel is relative to its own median over the recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.landmarks import N_LANDMARKS, Landmark
from backsight.domain.sequences import FeatureSequence, PoseSequence
from backsight.domain.validation import FloatArray
from backsight.features.schema import FEATURE_NAMES, KINEMATIC_NAMES, LANDMARK_FIELDS
from backsight.kinematics import angles
from backsight.kinematics.body import measure_body, pixels_per_metre
from backsight.kinematics.geometry import dot, median_of_known
from backsight.kinematics.signals import rate_of_change


@dataclass(frozen=True)
class Reference:
    """What a recording says of the person as a whole, to which each frame is compared."""

    height_m: float
    """Standing height in BlazePose's metres; NaN = unknown."""
    px_per_m: float
    """Usual pixels that one of those metres covers in the picture; NaN = unknown."""
    mid_hip_px: tuple[float, float]
    """Usual place of the middle of the hips, x and y; NaN = unknown."""

    @classmethod
    def of(cls, pose: PoseSequence) -> Reference:
        """Take medians over a whole recording."""
        body = measure_body(pose)
        across, down = mid_hip_px(pose).T
        return cls(body.height_m, body.px_per_m, (median_of_known(across), median_of_known(down)))

    @property
    def height_px(self) -> float:
        """Standing height in pixels, also while the person bends; NaN = unknown."""
        return self.height_m * self.px_per_m


def mid_hip_px(pose: PoseSequence) -> FloatArray:
    """Return the middle of the hips in the picture, x and y; shape (n_frames, 2), NaN = unknown."""
    return np.asarray(0.5 * (pose.image_px[:, Landmark.LEFT_HIP, :2] + pose.image_px[:, Landmark.RIGHT_HIP, :2]))


def extract_features(pose: PoseSequence, *, reference: Reference | None = None) -> FeatureSequence:
    """Compute the 193 columns of `FEATURE_NAMES` for each frame.

    Parameters
    ----------
    pose
        Filtered landmarks at the model's 30 frames a second, short gaps filled; NaN = missing.
    reference
        Body size and usual place where `pose` is only a part of the recording; None = taken over `pose`.

    Returns
    -------
    FeatureSequence
        Shape (n_frames, 193); NaN = missing. Without one measurable limb or trunk in the whole recording every value
        that is a length is missing.
    """
    body = Reference.of(pose) if reference is None else reference
    values = np.empty((pose.n_frames, len(FEATURE_NAMES)))
    n_landmark_values = N_LANDMARKS * len(LANDMARK_FIELDS)
    values[:, :n_landmark_values] = _landmark_values(pose, body)
    kinematic = _kinematic_values(pose, body)
    for column, name in enumerate(KINEMATIC_NAMES, start=n_landmark_values):
        values[:, column] = kinematic[name]
    return FeatureSequence(values=values, names=FEATURE_NAMES, timestamps_s=pose.timestamps_s)


def _landmark_values(pose: PoseSequence, body: Reference) -> FloatArray:
    """Return x, y, z, visibility, presence of each landmark in turn; shape (n_frames, 165)."""
    world = pose.world_m
    mid_hip = 0.5 * (world[:, Landmark.LEFT_HIP] + world[:, Landmark.RIGHT_HIP])
    # World positions are hip-centred by contract; the offset only removes what is left, where the hips are known.
    offset = np.where(np.isfinite(mid_hip), mid_hip, 0.0)
    columns = np.concatenate(
        (
            (world - offset[:, np.newaxis]) / body.height_m,
            pose.visibility[..., np.newaxis],
            pose.presence[..., np.newaxis],
        ),
        axis=2,
    )
    return columns.reshape(pose.n_frames, -1)


def _kinematic_values(pose: PoseSequence, body: Reference) -> dict[str, FloatArray]:
    """Return the 28 kinematic columns by name; each of shape (n_frames,)."""
    frame = angles.body_frame(pose.world_m)
    return _joint_angles(pose, frame) | _travel(pose, body) | _reaches(pose, body, frame)


def _joint_angles(pose: PoseSequence, frame: angles.BodyFrame) -> dict[str, FloatArray]:
    world = pose.world_m
    flexion = angles.trunk_flexion_deg(world, frame)
    columns = {
        "trunk_flexion_deg": flexion,
        "trunk_flexion_velocity_deg_per_s": rate_of_change(flexion, pose.timestamps_s),
        "trunk_lateral_lean_deg": angles.trunk_lateral_lean_deg(world, frame),
        "axial_rotation_deg": angles.axial_rotation_deg(world),
        "shoulder_obliquity_deg": angles.shoulder_obliquity_deg(world),
        "pelvic_obliquity_deg": angles.pelvic_obliquity_deg(world),
        "facing_sin": frame.forward[:, 0],
        "facing_cos": -frame.forward[:, 2],
    }
    paired = {
        "hip_flexion_deg": angles.hip_flexion_deg(world, frame),
        "knee_flexion_deg": angles.knee_flexion_deg(world),
        "ankle_dorsiflexion_deg": angles.ankle_dorsiflexion_deg(world),
        "elbow_flexion_deg": angles.elbow_flexion_deg(world),
        "shoulder_elevation_deg": angles.shoulder_elevation_deg(world),
    }
    for name, (left, right) in paired.items():
        columns[f"left_{name}"], columns[f"right_{name}"] = left, right
    return columns


def _travel(pose: PoseSequence, body: Reference) -> dict[str, FloatArray]:
    travelled = (mid_hip_px(pose) - body.mid_hip_px) / body.height_px
    across, upwards = travelled[:, 0], -travelled[:, 1]
    return {
        "mid_hip_travel_horizontal_bh": across,
        "mid_hip_travel_vertical_bh": upwards,
        "mid_hip_velocity_horizontal_bh_per_s": rate_of_change(across, pose.timestamps_s),
        "mid_hip_velocity_vertical_bh_per_s": rate_of_change(upwards, pose.timestamps_s),
        "apparent_size_log_ratio": np.log(pixels_per_metre(pose) / body.px_per_m),
    }


def _reaches(pose: PoseSequence, body: Reference, frame: angles.BodyFrame) -> dict[str, FloatArray]:
    world = pose.world_m

    def ahead(of: Landmark, what: Landmark) -> FloatArray:
        return dot(world[:, what] - world[:, of], frame.forward) / body.height_m

    fingertips = world[:, [Landmark.LEFT_INDEX, Landmark.RIGHT_INDEX], 1]
    feet = world[:, [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX], 1]
    return {
        "left_arm_swing_bh": ahead(Landmark.LEFT_SHOULDER, Landmark.LEFT_WRIST),
        "right_arm_swing_bh": ahead(Landmark.RIGHT_SHOULDER, Landmark.RIGHT_WRIST),
        "fingertip_to_floor_bh": (np.fmax.reduce(feet, axis=1) - np.fmax.reduce(fingertips, axis=1)) / body.height_m,
        "step_separation_bh": ahead(Landmark.RIGHT_ANKLE, Landmark.LEFT_ANKLE),
        "step_width_bh": dot(world[:, Landmark.RIGHT_ANKLE] - world[:, Landmark.LEFT_ANKLE], frame.right)
        / body.height_m,
    }
