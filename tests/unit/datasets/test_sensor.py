"""Where a hand-made skeleton lands: axes, sides, picture, and what the sensor has not."""

import numpy as np
import pytest

from backsight.datasets.sensor import KINECT_JOINTS, KINECT_V2_CAMERA, pose_from_camera_space, pose_from_kinect
from backsight.domain.landmarks import Landmark
from backsight.kinematics.angles import body_frame
from tests.unit.datasets.packs import kinect_skeleton_m

FOCAL_PX = 1081.37 * 2 / 3


def seen(joints_m, visibility=None):
    joints_m = np.atleast_3d(joints_m).reshape(-1, 25, 3)
    return pose_from_kinect(joints_m, np.ones(joints_m.shape[:2]) if visibility is None else visibility, fps=30.0)


def test_somebody_who_faces_kinect_has_the_left_on_the_picture_s_right():
    pose = seen(kinect_skeleton_m())
    world, image = pose.world_m[0], pose.image_px[0]
    # Relative to the middle of the hips, which is 0.1 m below the sensor: x right, y down, z away.
    np.testing.assert_allclose(world[Landmark.LEFT_SHOULDER], [0.2, -0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(world[Landmark.RIGHT_SHOULDER], [-0.2, -0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(world[Landmark.LEFT_FOOT_INDEX], [0.1, 0.85, -0.15], atol=1e-12)
    np.testing.assert_allclose(world[Landmark.NOSE], [0.0, -0.7, -0.1], atol=1e-12)
    # 0.2 m of 2 m to the right of the middle of 1280 x 720, 0.4 m of 2 m above it.
    np.testing.assert_allclose(image[Landmark.LEFT_SHOULDER, :2], [640 + 0.1 * FOCAL_PX, 360 - 0.2 * FOCAL_PX])
    # Depth in pixels as wide at the hips: 0.15 m nearer, of 2 m.
    assert image[Landmark.LEFT_FOOT_INDEX, 2] == pytest.approx(-0.075 * FOCAL_PX)
    assert pose.frame_size == (1280, 720)
    np.testing.assert_allclose(body_frame(pose.world_m).forward[0], [0.0, 0.0, -1.0], atol=1e-12)


def test_what_kinect_has_not_is_missing_and_never_seen():
    pose = seen(kinect_skeleton_m())
    without = [mark for mark in Landmark if mark not in KINECT_JOINTS]
    assert {Landmark.LEFT_HEEL, Landmark.RIGHT_PINKY, Landmark.LEFT_EAR, Landmark.MOUTH_LEFT} <= set(without)
    assert np.isnan(pose.image_px[:, without]).all()
    assert np.isnan(pose.world_m[:, without]).all()
    assert not pose.visibility[:, without].any()
    assert not pose.presence[:, without].any()
    assert np.isfinite(pose.world_m[:, list(KINECT_JOINTS)]).all()


def test_left_joints_stand_for_left_landmarks():
    for mark, joint in KINECT_JOINTS.items():
        if mark.name.startswith("LEFT"):
            assert KINECT_JOINTS[Landmark[mark.name.replace("LEFT", "RIGHT")]] in {joint + 4, joint + 2}
    # Kinect's joints 4 to 7 and 12 to 15 are the left arm and leg; 8 to 11 and 16 to 19 the right ones.
    assert all(
        (joint in {4, 5, 6, 7, 12, 13, 14, 15, 22}) == mark.name.startswith("LEFT")
        for mark, joint in KINECT_JOINTS.items()
    )


def test_a_joint_without_trust_or_without_a_place_is_missing():
    joints, visibility = np.stack([kinect_skeleton_m()] * 2), np.ones((2, 25))
    joints[1, 4] = 0.0  # stored as zeros: never measured
    visibility[0, 8] = 0.0
    visibility[1, 5] = 0.7
    pose = seen(joints, visibility)
    assert np.isnan(pose.world_m[1, Landmark.LEFT_SHOULDER]).all()
    assert pose.visibility[1, Landmark.LEFT_SHOULDER] == 0.0
    assert np.isnan(pose.image_px[0, Landmark.RIGHT_SHOULDER]).all()
    assert pose.visibility[1, Landmark.LEFT_ELBOW] == 0.7
    assert np.isfinite(pose.world_m[1, Landmark.LEFT_ELBOW]).all()


def test_without_a_hip_the_picture_stays_and_the_world_has_no_origin():
    joints = kinect_skeleton_m()
    joints[12] = 0.0
    pose = seen(joints)
    assert np.isnan(pose.world_m).all()
    assert np.isfinite(pose.image_px[0, Landmark.RIGHT_SHOULDER, :2]).all()


def test_outside_the_picture_there_is_a_position_and_no_presence():
    positions = np.full((1, 33, 3), [0.0, 0.0, 2.0])
    # The picture's edge is 640 px from its middle: 1.776 m at 2 m.
    positions[0, 15], positions[0, 16] = [1.77, 0.0, 2.0], [1.78, 0.0, 2.0]
    pose = pose_from_camera_space(positions, np.ones((1, 33)), camera=KINECT_V2_CAMERA, fps=30.0)
    assert pose.presence[0, 15] == 1.0
    assert pose.presence[0, 16] == 0.0
    assert pose.image_px[0, 16, 0] > 1280
