import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.scoring.person import observe
from backsight.scoring.posture import measure_posture
from tests.unit.kinematics.skeletons import changed, make_pose, mirrored, without

TIMES = np.arange(0.0, 6.0, 1 / 30)
STEPS = np.sin(2.0 * np.pi * TIMES)
CROOKED = {"lean_right_deg": 2.5, "right_shoulder_up_deg": -5.0, "right_hip_up_deg": 3.0}


def measured(pose):
    return {item.name: item for item in measure_posture(observe(pose))}


def values(pose):
    return [item.value for item in measure_posture(observe(pose))]


@pytest.mark.parametrize("yaw", [0.0, 180.0])
def test_lean_shoulders_and_pelvis_from_the_front_and_the_back(yaw):
    got = measured(make_pose(timestamps_s=TIMES, yaw_deg=yaw, **CROOKED))
    assert list(got) == ["lateral_lean_deg", "shoulder_obliquity_deg", "pelvic_obliquity_deg"]
    assert [item.value for item in got.values()] == pytest.approx([2.5, -5.0, 3.0], abs=0.05)
    for item in got.values():
        assert item.source
        assert np.isnan(item.error)
        assert "camera that is tilted" in item.note


def test_a_mirror_changes_every_sign():
    pose = make_pose(timestamps_s=TIMES, **CROOKED)
    assert values(mirrored(pose)) == pytest.approx([-2.5, 5.0, -3.0], abs=0.05)


def test_posture_while_walking_towards_the_camera():
    pose = make_pose(
        timestamps_s=TIMES,
        px_per_m=900.0 / (5.0 - 0.5 * TIMES),
        thigh_forward_deg=(25.0 * STEPS, -25.0 * STEPS),
        lean_right_deg=2.5 + 2.0 * STEPS,
        right_shoulder_up_deg=-5.0 + 3.0 * STEPS,
        right_hip_up_deg=3.0 - 4.0 * STEPS,
    )
    assert values(pose) == pytest.approx([2.5, -5.0, 3.0], abs=0.2)


def test_a_lean_is_the_same_facing_the_camera_and_turned_away():
    times = np.arange(0.0, 8.0, 1 / 30)
    pose = make_pose(timestamps_s=times, lean_right_deg=5.0, yaw_deg=np.where(times < 4.0, 0.0, 180.0))
    assert measured(pose)["lateral_lean_deg"].value == pytest.approx(5.0, abs=0.01)


def test_from_the_side_nothing_is_read_and_the_note_says_what_to_do():
    for item in measured(make_pose(timestamps_s=TIMES, yaw_deg=90.0, **CROOKED)).values():
        assert np.isnan(item.value)
        assert "film from the front" in item.note


def test_raised_arms_do_not_count_as_posture():
    raised = np.where(TIMES < 4.0, 150.0, 0.0)
    uneven = np.where(TIMES < 4.0, 12.0, 1.0)
    pose = make_pose(timestamps_s=TIMES, arm_forward_deg=(raised, raised), right_shoulder_up_deg=uneven)
    assert measured(pose)["shoulder_obliquity_deg"].value == pytest.approx(1.0, abs=0.01)


def test_a_bend_does_not_count_as_posture_however_long_it_is_held():
    times = np.arange(0.0, 34.0, 1 / 30)
    flexion = np.interp(times, [1.0, 2.0, 33.0, 34.0], [8.0, 98.0, 98.0, 8.0])
    pose = make_pose(timestamps_s=times, flexion_deg=flexion, lean_right_deg=np.where(flexion > 30.0, 15.0, 4.0))
    assert measured(pose)["lateral_lean_deg"].value == pytest.approx(4.0, abs=0.05)


def test_a_camera_that_is_tilted_tilts_everything_alike():
    # It cannot be told from the picture; the note says so, and calibration on tilted cameras has it in the error.
    turn = np.radians(3.0)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    pose = make_pose(timestamps_s=TIMES)
    lean, shoulders, pelvis = values(changed(pose, image_px=pose.image_px @ matrix.T, world_m=pose.world_m @ matrix.T))
    assert abs(lean) == pytest.approx(3.0, abs=0.05)
    assert [shoulders, pelvis] == pytest.approx([-lean, -lean], abs=0.05)


def test_one_frame_or_nobody_is_no_posture():
    for pose in (make_pose(), without(make_pose(timestamps_s=TIMES), *Landmark)):
        for item in measured(pose).values():
            assert np.isnan(item.value)
            assert item.note.startswith("Cannot be measured")
