import numpy as np
import pytest

from backsight.domain.landmarks import LANDMARK_NAMES, Landmark
from backsight.features.extract import extract_features
from backsight.features.schema import (
    FEATURE_NAMES,
    KINEMATIC_DEFINITIONS,
    KINEMATIC_NAMES,
    LANDMARK_FEATURE_NAMES,
    N_FEATURES,
)
from tests.unit.kinematics.skeletons import HALF_HIPS_M, make_pose, mirrored, without

SECONDS = np.arange(90) / 30.0
NEGATED_BY_A_MIRROR = {
    "trunk_lateral_lean_deg",
    "axial_rotation_deg",
    "shoulder_obliquity_deg",
    "pelvic_obliquity_deg",
    "facing_sin",
    "mid_hip_travel_horizontal_bh",
    "mid_hip_velocity_horizontal_bh_per_s",
    "step_separation_bh",
}


def moving_pose(**more):
    swing = 25.0 * np.sin(2 * np.pi * SECONDS)
    arguments = {
        "timestamps_s": SECONDS,
        "flexion_deg": 20.0 + 10.0 * np.sin(3 * SECONDS),
        "lean_right_deg": 5.0 * np.sin(2 * SECONDS) + 2.0,
        "axial_right_deg": swing / 3,
        "right_shoulder_up_deg": 4.0,
        "right_hip_up_deg": -3.0,
        "thigh_forward_deg": (swing, -swing),
        "knee_flexion_deg": (20.0 + 0.5 * swing, 15.0 - 0.2 * swing),
        "arm_forward_deg": (-swing, swing),
        "yaw_deg": 35.0,
        "hip_px": (500.0 + 60.0 * SECONDS, 400.0 + 5.0 * np.sin(9 * SECONDS)),
    }
    return make_pose(**(arguments | more))


def mirror_column(name):
    if name.startswith("left_"):
        return "right_" + name.removeprefix("left_")
    if name.startswith("right_"):
        return "left_" + name.removeprefix("right_")
    if name.startswith("mouth_left"):
        return name.replace("left", "right")
    if name.startswith("mouth_right"):
        return name.replace("right", "left")
    return name


def test_the_schema_names_193_columns_165_of_landmarks_and_28_kinematic():
    assert (len(LANDMARK_FEATURE_NAMES), len(KINEMATIC_NAMES), len(FEATURE_NAMES)) == (165, 28, 193)
    assert len(set(FEATURE_NAMES)) == N_FEATURES
    assert FEATURE_NAMES[:5] == ("nose_x", "nose_y", "nose_z", "nose_visibility", "nose_presence")
    assert FEATURE_NAMES[164] == f"{LANDMARK_NAMES[-1]}_presence"


def test_every_kinematic_name_ends_in_its_unit_and_is_defined():
    for name, definition in KINEMATIC_DEFINITIONS.items():
        assert name.endswith(("_deg", "_deg_per_s", "_bh", "_bh_per_s", "_sin", "_cos", "_log_ratio")), name
        assert definition.endswith(".")


def test_known_angles_arrive_in_their_columns():
    # Level shoulders square to the hips: otherwise the facing lies between the two and the sagittal plane with it.
    features = extract_features(moving_pose(axial_right_deg=0.0))
    expected = {
        "trunk_flexion_deg": 20.0 + 10.0 * np.sin(3 * SECONDS),
        "trunk_lateral_lean_deg": 5.0 * np.sin(2 * SECONDS) + 2.0,
        "shoulder_obliquity_deg": np.full(90, 4.0),
        "pelvic_obliquity_deg": np.full(90, -3.0),
        "left_knee_flexion_deg": 20.0 + 12.5 * np.sin(2 * np.pi * SECONDS),
    }
    for name, values in expected.items():
        assert features.column(name) == pytest.approx(values), name
    assert np.degrees(np.arcsin(features.column("facing_sin"))) == pytest.approx(35.0)


def test_velocities_are_per_second():
    features = extract_features(make_pose(timestamps_s=SECONDS, flexion_deg=10.0 + 12.0 * SECONDS))
    assert features.column("trunk_flexion_velocity_deg_per_s") == pytest.approx(12.0)


def test_travel_is_in_body_heights_about_its_median():
    # Trunk 0.49, thigh 0.42 and shank 0.42 m are 0.779 of the height by proportion: 1.7073 m, 512.2 px at 300 px/m.
    features = extract_features(
        make_pose(timestamps_s=SECONDS, hip_px=(200.0 + 100.0 * SECONDS, 400.0 - 10.0 * SECONDS))
    )
    height_px = (0.49 + 0.42 + 0.42) / (0.288 + 0.245 + 0.246) * 300.0
    middle = np.median(SECONDS)
    assert features.column("mid_hip_travel_horizontal_bh") == pytest.approx(100.0 * (SECONDS - middle) / height_px)
    assert features.column("mid_hip_travel_vertical_bh") == pytest.approx(10.0 * (SECONDS - middle) / height_px)
    assert features.column("mid_hip_velocity_vertical_bh_per_s") == pytest.approx(10.0 / height_px)


def test_approach_shows_in_the_apparent_size():
    features = extract_features(make_pose(n_frames=3, px_per_m=[200.0, 300.0, 450.0]))
    assert features.column("apparent_size_log_ratio") == pytest.approx([-np.log(1.5), 0.0, np.log(1.5)])


def test_fingertips_above_the_floor_and_steps():
    height_m = (0.49 + 0.42 + 0.42) / 0.779
    features = extract_features(make_pose(thigh_forward_deg=(30.0, 0.0), arm_forward_deg=(0.0, 90.0), yaw_deg=70.0))
    # Standing on the right leg: floor 0.90 m below the hips; left fingertip 0.65 m below a shoulder 0.49 m above them.
    assert features.column("fingertip_to_floor_bh")[0] == pytest.approx((0.90 - 0.65 + 0.49) / height_m)
    assert features.column("step_separation_bh")[0] == pytest.approx(0.84 * 0.5 / height_m)
    assert features.column("step_width_bh")[0] == pytest.approx(2 * HALF_HIPS_M / height_m)
    assert features.column("right_arm_swing_bh")[0] == pytest.approx(0.55 / height_m)
    assert features.column("left_arm_swing_bh")[0] == pytest.approx(0.0, abs=1e-9)


def test_where_the_person_stands_and_how_large_they_are_does_not_leak_in():
    here = extract_features(moving_pose()).values
    elsewhere = moving_pose(hip_px=(900.0 + 60.0 * SECONDS, 200.0 + 5.0 * np.sin(9 * SECONDS)))
    np.testing.assert_allclose(extract_features(elsewhere).values, here, atol=1e-9)
    taller = moving_pose(size=1.3)
    np.testing.assert_allclose(extract_features(taller).values, here, atol=1e-9)
    # A camera at two thirds of the distance sees the same walk half as large again: the pixels of travel grow with it.
    same_walk = moving_pose(px_per_m=450.0, hip_px=(300.0 + 90.0 * SECONDS, 100.0 + 7.5 * np.sin(9 * SECONDS)))
    np.testing.assert_allclose(extract_features(same_walk).values, here, atol=1e-9)


def test_a_mirror_swaps_the_sides_and_negates_what_points_sideways():
    pose = moving_pose()
    seen, glass = extract_features(pose), extract_features(mirrored(pose))
    for name in FEATURE_NAMES:
        negated = name in NEGATED_BY_A_MIRROR or (name in LANDMARK_FEATURE_NAMES and name.endswith("_x"))
        expected = (-1.0 if negated else 1.0) * seen.column(mirror_column(name))
        np.testing.assert_allclose(glass.column(name), expected, atol=1e-9, err_msg=name)


def test_a_missing_landmark_leaves_its_columns_missing_and_no_zero():
    pose = without(moving_pose(), Landmark.LEFT_KNEE, frames=slice(30, 60))
    features = extract_features(pose)
    for name in ("left_knee_x", "left_knee_flexion_deg", "left_hip_flexion_deg", "left_ankle_dorsiflexion_deg"):
        assert np.flatnonzero(np.isnan(features.column(name))).tolist() == list(range(30, 60)), name
    assert np.isfinite(features.column("right_knee_flexion_deg")).all()
    assert features.column("left_knee_visibility") == pytest.approx(0.9)


def test_nobody_at_all_gives_no_numbers_but_visibility():
    features = extract_features(without(make_pose(n_frames=5), *Landmark))
    known = {name for name in FEATURE_NAMES if np.isfinite(features.column(name)).any()}
    assert known == {name for name in LANDMARK_FEATURE_NAMES if name.endswith(("_visibility", "_presence"))}


def test_one_frame_has_angles_but_no_velocity():
    features = extract_features(make_pose(flexion_deg=30.0))
    assert features.column("trunk_flexion_deg")[0] == pytest.approx(30.0)
    assert np.isnan(features.column("trunk_flexion_velocity_deg_per_s")[0])
