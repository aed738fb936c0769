import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.kinematics import angles
from tests.unit.kinematics.skeletons import make_pose, mirrored, without

YAWS = [0.0, 40.0, 90.0, -135.0, 180.0]


def flexion(pose):
    return angles.trunk_flexion_deg(pose.world_m, angles.body_frame(pose.world_m))


def lean(pose):
    return angles.trunk_lateral_lean_deg(pose.world_m, angles.body_frame(pose.world_m))


@pytest.mark.parametrize("yaw", YAWS)
def test_forward_is_where_the_person_was_turned_to(yaw):
    forward = angles.body_frame(make_pose(yaw_deg=yaw).world_m).forward[0]
    assert forward == pytest.approx([np.sin(np.radians(yaw)), 0.0, -np.cos(np.radians(yaw))], abs=1e-9)


@pytest.mark.parametrize("yaw", YAWS)
@pytest.mark.parametrize("angle", [-15.0, 0.0, 30.0, 90.0, 115.0])
def test_flexion_is_in_the_persons_own_frame(yaw, angle):
    assert flexion(make_pose(flexion_deg=angle, yaw_deg=yaw))[0] == pytest.approx(angle)


@pytest.mark.parametrize("yaw", YAWS)
@pytest.mark.parametrize("forward", [0.0, 60.0])
def test_lean_leaves_the_sagittal_plane_whatever_the_flexion(yaw, forward):
    pose = make_pose(lean_right_deg=30.0, flexion_deg=forward, yaw_deg=yaw)
    assert lean(pose)[0] == pytest.approx(30.0)
    assert flexion(pose)[0] == pytest.approx(forward, abs=1e-9)


@pytest.mark.parametrize("yaw", YAWS)
def test_axial_rotation_to_the_right_is_positive(yaw):
    assert angles.axial_rotation_deg(make_pose(axial_right_deg=25.0, yaw_deg=yaw).world_m)[0] == pytest.approx(25.0)


@pytest.mark.parametrize("yaw", YAWS)
def test_obliquity_is_positive_with_the_right_side_higher(yaw):
    world = make_pose(right_shoulder_up_deg=7.0, right_hip_up_deg=-3.0, yaw_deg=yaw).world_m
    assert angles.shoulder_obliquity_deg(world)[0] == pytest.approx(7.0)
    assert angles.pelvic_obliquity_deg(world)[0] == pytest.approx(-3.0)


def test_mirror_flips_the_signs_of_sideways_angles_and_leaves_flexion():
    pose = make_pose(
        flexion_deg=20.0, lean_right_deg=10.0, axial_right_deg=15.0, right_shoulder_up_deg=5.0, yaw_deg=40.0
    )
    glass = mirrored(pose)
    assert flexion(glass) == pytest.approx(flexion(pose))
    assert lean(glass) == pytest.approx(-lean(pose))
    assert angles.axial_rotation_deg(glass.world_m) == pytest.approx(-angles.axial_rotation_deg(pose.world_m))
    assert angles.shoulder_obliquity_deg(glass.world_m) == pytest.approx(-angles.shoulder_obliquity_deg(pose.world_m))


@pytest.mark.parametrize("yaw", YAWS)
def test_joints_of_each_side(yaw):
    world = make_pose(
        flexion_deg=10.0,
        thigh_forward_deg=(30.0, -20.0),
        knee_flexion_deg=(50.0, 5.0),
        arm_forward_deg=(40.0, 0.0),
        yaw_deg=yaw,
    ).world_m
    frame = angles.body_frame(world)
    assert [side[0] for side in angles.hip_flexion_deg(world, frame)] == pytest.approx([40.0, -10.0])
    assert [side[0] for side in angles.knee_flexion_deg(world)] == pytest.approx([50.0, 5.0])
    # The foot stays level, so the ankle bends by the shank's forward tilt: knee flexion less the thigh's forward angle.
    assert [side[0] for side in angles.ankle_dorsiflexion_deg(world)] == pytest.approx([20.0, 25.0])
    assert [side[0] for side in angles.elbow_flexion_deg(world)] == pytest.approx([0.0, 0.0], abs=1e-5)
    # Against a trunk that leans 10 degrees forward, an arm 40 degrees forward of the vertical is raised by 50.
    assert [side[0] for side in angles.shoulder_elevation_deg(world)] == pytest.approx([50.0, 10.0])


def test_one_hidden_side_still_gives_flexion_but_no_lean():
    pose = without(make_pose(flexion_deg=30.0, yaw_deg=90.0), Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP)
    assert flexion(pose)[0] == pytest.approx(30.0)
    assert np.isnan(lean(pose)[0])


def test_unknown_stays_unknown():
    pose = without(make_pose(), *Landmark)
    frame = angles.body_frame(pose.world_m)
    assert np.isnan(frame.forward).all()
    assert np.isnan(flexion(pose)).all()
    assert np.isnan(angles.axial_rotation_deg(pose.world_m)).all()


def test_a_steep_shoulder_line_gives_no_axial_rotation():
    assert angles.axial_rotation_deg(make_pose(right_shoulder_up_deg=59.0).world_m)[0] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(angles.axial_rotation_deg(make_pose(right_shoulder_up_deg=61.0).world_m)[0])


def test_a_trunk_lying_sideways_gives_no_flexion():
    assert np.isnan(flexion(make_pose(lean_right_deg=75.0, flexion_deg=20.0))[0])


def test_landmarks_on_one_spot_give_no_angle():
    pose = make_pose()
    world = np.zeros_like(pose.world_m)
    assert np.isnan(angles.knee_flexion_deg(world)[0][0])
    assert np.isnan(angles.shoulder_obliquity_deg(world)[0])
