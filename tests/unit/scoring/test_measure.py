import numpy as np
import pytest

from backsight.domain.assessment import IndexVerdict
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.scoring.jump import height_from_flight_cm
from backsight.scoring.measure import measure_exercise
from backsight.scoring.sub_indices import sub_indices
from tests.unit.kinematics.skeletons import changed, make_pose, mirrored, without

TIMES = np.arange(0.0, 6.0, 1 / 30)
BEND = 50.0 * (1.0 - np.cos(2.0 * np.pi * np.clip((TIMES - 1.0) / 3.0, 0.0, 1.0)))
STEPS = np.sin(2.0 * np.pi * TIMES)
LEGS = (25.0 * STEPS, -25.0 * STEPS)


def toes_pose(**more):
    return make_pose(timestamps_s=TIMES, **({"flexion_deg": 8.0 + BEND, "yaw_deg": 90.0} | more))


def walk_pose(**more):
    return make_pose(timestamps_s=TIMES, thigh_forward_deg=LEGS, **({"yaw_deg": 0.0} | more))


def approaching():
    return {"px_per_m": 900.0 / (5.0 - 0.5 * TIMES)}


def measured(pose, exercise):
    return {item.name: item for item in measure_exercise(pose, exercise=exercise)}


def indexed(pose, exercise):
    return {item.name: item for item in sub_indices(pose, exercise=exercise)}


@pytest.mark.parametrize("yaw", [0.0, 45.0, 90.0, -90.0])
def test_flexion_and_duration_of_a_bend_from_any_side(yaw):
    got = measured(toes_pose(yaw_deg=yaw), Exercise.TOUCH_TOES)
    assert got["trunk_flexion_deg"].value == pytest.approx(100.0, abs=1.5)
    assert "Own standing of 8 degrees subtracted" in got["trunk_flexion_deg"].note
    assert ("Seen from the front" in got["trunk_flexion_deg"].note) == (yaw == 0.0)
    assert got["bend_duration_s"].value == pytest.approx(3.0, abs=0.08)


def test_deviation_in_the_bend_is_read_from_the_front_only():
    front = measured(toes_pose(yaw_deg=0.0, lean_right_deg=6.0), Exercise.TOUCH_TOES)["lateral_deviation_deg"]
    assert front.value == pytest.approx(6.0, abs=0.1)
    side = measured(toes_pose(yaw_deg=90.0, lean_right_deg=6.0), Exercise.TOUCH_TOES)["lateral_deviation_deg"]
    assert np.isnan(side.value)
    assert "film from the front" in side.note


def test_fingertips_above_the_floor_at_the_deepest_point():
    # 0.90 m from hips to floor; arms of 0.65 m hang from shoulders that lie 0.49 cos(108 deg) above the hips.
    expected_cm = 100.0 * (0.90 - 0.65 + 0.49 * np.cos(np.radians(108.0)))
    got = measured(toes_pose(), Exercise.TOUCH_TOES)["fingertip_to_floor_cm"]
    assert got.value == pytest.approx(expected_cm, abs=0.5)
    assert "BlazePose's own scale" in got.note


def test_standing_still_is_no_bend():
    for item in measured(make_pose(timestamps_s=TIMES), Exercise.TOUCH_TOES).values():
        assert np.isnan(item.value)
        assert "no forward bend" in item.note


def test_a_person_lost_in_the_bend_gets_no_flexion():
    lost = slice(40, 80)
    hidden = without(toes_pose(), Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, frames=lost)
    got = measured(hidden, Exercise.TOUCH_TOES)
    assert np.isnan(got["trunk_flexion_deg"].value)
    assert np.isnan(got["bend_duration_s"].value)
    assert "of the bend" in got["trunk_flexion_deg"].note


@pytest.mark.parametrize("yaw", [90.0, -90.0, 65.0])
def test_walking_speed_from_the_side(yaw):
    # 1.2 m/s along the facing direction at 300 px/m; in the picture the way shortens by the sine of the yaw.
    across_px = 640.0 + 300.0 * 1.2 * np.sin(np.radians(yaw)) * (TIMES - 3.0)
    got = measured(walk_pose(yaw_deg=yaw, hip_px=(across_px, 360.0)), Exercise.WALK)["gait_speed_m_per_s"]
    assert got.value == pytest.approx(1.2, abs=0.01)


def test_walking_speed_is_not_told_from_the_front_nor_without_steps():
    front = measured(walk_pose(**approaching()), Exercise.WALK)["gait_speed_m_per_s"]
    assert np.isnan(front.value)
    assert "from the side" in front.note
    sliding = make_pose(timestamps_s=TIMES, yaw_deg=90.0, hip_px=(300.0 + 100.0 * TIMES, 360.0))
    slid = measured(sliding, Exercise.WALK)["gait_speed_m_per_s"]
    assert np.isnan(slid.value)
    assert "no walk" in slid.note


def test_no_walking_speed_with_the_feet_hidden_or_while_falling_down_the_picture():
    across_px = 300.0 + 100.0 * TIMES
    hidden = without(walk_pose(yaw_deg=90.0, hip_px=(across_px, 360.0)), Landmark.LEFT_ANKLE, frames=slice(60, None))
    falling = walk_pose(yaw_deg=90.0, hip_px=(across_px, 200.0 + 60.0 * TIMES))
    for pose in (hidden, falling):
        assert np.isnan(measured(pose, Exercise.WALK)["gait_speed_m_per_s"].value)


def test_trunk_and_pelvis_in_a_walk_towards_the_camera():
    pose = walk_pose(
        **approaching(), lean_right_deg=2.5 * STEPS, axial_right_deg=5.0 * STEPS, right_hip_up_deg=4.0 * STEPS
    )
    got = measured(pose, Exercise.WALK)
    assert got["lateral_lean_range_deg"].value == pytest.approx(5.0, rel=0.01)
    assert got["axial_rotation_range_deg"].value == pytest.approx(10.0, rel=0.01)
    assert got["pelvic_obliquity_range_deg"].value == pytest.approx(8.0, rel=0.01)
    assert got["shoulder_obliquity_deg"].value == pytest.approx(0.0, abs=1e-6)


def test_standing_before_and_after_the_walk_does_not_count():
    walking = (TIMES > 1.5) & (TIMES < 4.5)
    legs = np.where(walking, 25.0 * STEPS, 0.0)
    bowing = np.where(walking, 3.0 * STEPS, np.where(TIMES > 5.0, 30.0, 0.0))
    turning = np.where(walking, 5.0 * STEPS, 0.0)
    pose = make_pose(
        timestamps_s=TIMES,
        thigh_forward_deg=(legs, -legs),
        axial_right_deg=turning,
        lean_right_deg=bowing,
        **approaching(),
    )
    got = measured(pose, Exercise.WALK)
    assert got["axial_rotation_range_deg"].value == pytest.approx(10.0, abs=0.3)
    assert got["lateral_lean_range_deg"].value == pytest.approx(6.0, abs=0.4)


def test_axial_rotation_is_not_told_from_the_side():
    pose = walk_pose(yaw_deg=90.0, hip_px=(200.0 + 120.0 * TIMES, 360.0), axial_right_deg=20.0 * STEPS)
    got = measured(pose, Exercise.WALK)
    for name in ("axial_rotation_range_deg", "lateral_lean_range_deg", "pelvic_obliquity_range_deg"):
        assert np.isnan(got[name].value), name
        assert got[name].note, name


def jump_pose(flight_s=0.5, **more):
    since = TIMES - 2.5
    arc_m = np.where((since > 0) & (since < flight_s), 0.5 * 9.81 * since * (flight_s - since), 0.0)
    landing = 30.0 * np.exp(-0.5 * ((TIMES - 2.5 - flight_s - 0.2) / 0.1) ** 2)
    return make_pose(timestamps_s=TIMES, hip_px=(640.0, 360.0 - 300.0 * arc_m), flexion_deg=5.0 + landing, **more)


@pytest.mark.parametrize("yaw", [0.0, 90.0])
def test_a_jumps_height_two_ways_and_its_landing(yaw):
    got = measured(jump_pose(yaw_deg=yaw), Exercise.JUMP)
    expected_cm = 100.0 * 9.81 * 0.5**2 / 8.0
    assert got["jump_hip_rise_cm"].value == pytest.approx(expected_cm, abs=1.5)
    assert got["jump_flight_height_cm"].value == pytest.approx(expected_cm, abs=1.5)
    assert got["landing_trunk_flexion_deg"].value == pytest.approx(30.0, abs=1.5)


def test_height_from_flight_time():
    assert height_from_flight_cm(0.5) == pytest.approx(30.66, abs=0.01)


def test_no_jump_gives_no_height():
    for item in measured(make_pose(timestamps_s=TIMES), Exercise.JUMP).values():
        assert np.isnan(item.value)
        assert "feet are not seen to leave the floor" in item.note


@pytest.mark.parametrize("exercise", list(Exercise))
def test_nobody_seen_gives_notes_and_no_numbers(exercise):
    empty = without(make_pose(timestamps_s=TIMES), *Landmark)
    for item in measure_exercise(empty, exercise=exercise):
        assert np.isnan(item.value)
        assert item.note.startswith("Cannot be")
    for index in sub_indices(empty, exercise=exercise):
        assert index.verdict is IndexVerdict.CANNOT_TELL
        assert index.measurement.note.startswith("Cannot be")


@pytest.mark.parametrize("exercise", list(Exercise))
def test_one_frame_gives_notes_and_no_numbers(exercise):
    for item in measure_exercise(make_pose(), exercise=exercise):
        assert np.isnan(item.value)
        assert item.note


def test_shoulder_unevenness_and_lean_seen_from_the_front():
    pose = walk_pose(**approaching(), right_shoulder_up_deg=-5.0, lean_right_deg=2.5)
    got = indexed(pose, Exercise.WALK)
    assert got["shoulder_unevenness"].measurement.value == pytest.approx(-5.0)
    assert got["shoulder_unevenness"].value == pytest.approx(1.0)
    assert got["asymmetric_lean"].measurement.value == pytest.approx(2.5)
    assert got["asymmetric_lean"].value == pytest.approx(0.5)
    glass = indexed(mirrored(pose), Exercise.WALK)
    assert glass["asymmetric_lean"].measurement.value == pytest.approx(-2.5)
    assert glass["asymmetric_lean"].value == pytest.approx(0.5)


def test_from_the_side_the_sub_indices_cannot_tell():
    pose = walk_pose(
        yaw_deg=90.0, hip_px=(200.0 + 120.0 * TIMES, 360.0), lean_right_deg=10.0, right_shoulder_up_deg=9.0
    )
    for index in indexed(pose, Exercise.WALK).values():
        assert index.verdict is IndexVerdict.CANNOT_TELL


def test_raised_arms_do_not_count_as_posture():
    raised = np.where(TIMES < 4.0, 150.0, 0.0)
    uneven = np.where(TIMES < 4.0, 12.0, 1.0)
    pose = make_pose(timestamps_s=TIMES, arm_forward_deg=(raised, raised), right_shoulder_up_deg=uneven)
    assert indexed(pose, Exercise.JUMP)["shoulder_unevenness"].measurement.value == pytest.approx(1.0)


def rolled(pose, roll_deg):
    """Return the same person before a camera that is turned about its line of sight."""
    turn = np.radians(roll_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    return changed(pose, image_px=pose.image_px @ matrix.T, world_m=pose.world_m @ matrix.T)


def test_a_straight_person_before_a_tilted_camera_gets_no_red_flag():
    got = indexed(rolled(make_pose(timestamps_s=TIMES), 3.0), Exercise.JUMP)
    for name in ("asymmetric_lean", "shoulder_unevenness"):
        assert abs(got[name].measurement.value) == pytest.approx(3.0, abs=0.01)
        assert got[name].value > 0.5
        assert got[name].verdict is IndexVerdict.CANNOT_TELL
        assert "a camera that is tilted" in got[name].measurement.note


def test_a_lean_beyond_every_error_is_a_red_flag():
    got = indexed(make_pose(timestamps_s=TIMES, lean_right_deg=8.0), Exercise.JUMP)["asymmetric_lean"]
    # Half width: 2 degrees of the landmarks and 3 of the camera, as squares: 3.6. The edge is at 2.5.
    assert got.measurement.error == pytest.approx(np.hypot(2.0, 3.0))
    assert got.interval.low == pytest.approx(0.5 * (8.0 - np.hypot(2.0, 3.0)) / 2.5)
    assert got.verdict is IndexVerdict.RED_FLAG
    uneven = indexed(make_pose(timestamps_s=TIMES, right_shoulder_up_deg=8.0), Exercise.JUMP)["shoulder_unevenness"]
    assert uneven.measurement.error == pytest.approx(np.hypot(3.0, 3.0))
    assert uneven.verdict is IndexVerdict.RED_FLAG


def test_flexion_that_looks_like_lean_at_an_angle_is_in_the_error():
    pose = make_pose(timestamps_s=TIMES, flexion_deg=10.0, yaw_deg=20.0)
    lean = indexed(pose, Exercise.JUMP)["asymmetric_lean"].measurement
    leak_deg = np.degrees(np.arcsin(np.sin(np.radians(10.0)) * np.sin(np.radians(20.0))))
    assert abs(lean.value) == pytest.approx(leak_deg, abs=0.01)
    assert lean.error == pytest.approx(np.sqrt(2.0**2 + 3.0**2 + leak_deg**2))
    assert "by up to 3 degrees" in lean.note
    square = indexed(make_pose(timestamps_s=TIMES), Exercise.JUMP)["asymmetric_lean"].measurement
    assert "off the front" not in square.note


def test_a_lean_is_the_same_facing_the_camera_and_turned_away():
    times = np.arange(0.0, 8.0, 1 / 30)
    pose = make_pose(timestamps_s=times, lean_right_deg=5.0, yaw_deg=np.where(times < 4.0, 0.0, 180.0))
    assert indexed(pose, Exercise.JUMP)["asymmetric_lean"].measurement.value == pytest.approx(5.0)


@pytest.mark.parametrize("exercise", list(Exercise))
def test_what_is_not_measured_has_no_error(exercise):
    pose = make_pose(timestamps_s=TIMES)
    shown = measure_exercise(pose, exercise=exercise) + tuple(
        index.measurement for index in sub_indices(pose, exercise=exercise)
    )
    for item in shown:
        assert np.isfinite(item.value) or np.isnan(item.error), item.name


def test_a_bend_held_for_31_of_34_seconds_is_measured_and_posture_read_outside_it():
    times = np.arange(0.0, 34.0, 1 / 30)
    flexion = np.interp(times, [1.0, 2.0, 33.0, 34.0], [8.0, 98.0, 98.0, 8.0])
    leaning = np.where(flexion > 30.0, 15.0, 4.0)
    front = make_pose(timestamps_s=times, flexion_deg=flexion, lean_right_deg=leaning)
    assert indexed(front, Exercise.TOUCH_TOES)["asymmetric_lean"].measurement.value == pytest.approx(4.0)
    side = measured(make_pose(timestamps_s=times, flexion_deg=flexion, yaw_deg=90.0), Exercise.TOUCH_TOES)
    assert side["trunk_flexion_deg"].value == pytest.approx(90.0, abs=1.0)
    assert side["trunk_flexion_deg"].error == 7.0


def test_two_metres_towards_the_camera_at_usual_speed_give_the_trunks_swings():
    # 1.3 m/s from 4 m to 2 m away: 1.54 s, 1.46 strides of 0.95 a second.
    times = np.arange(0.0, 2.0 / 1.3, 1 / 30)
    steps = np.sin(2.0 * np.pi * 0.95 * times + 0.3)
    pose = make_pose(
        timestamps_s=times,
        thigh_forward_deg=(25.0 * steps, -25.0 * steps),
        px_per_m=900.0 / (4.0 - 1.3 * times),
        axial_right_deg=5.0 * steps,
        lean_right_deg=2.5 * steps,
        right_hip_up_deg=4.0 * steps,
    )
    got = measured(pose, Exercise.WALK)
    assert got["axial_rotation_range_deg"].value == pytest.approx(10.0, rel=0.05)
    assert got["lateral_lean_range_deg"].value == pytest.approx(5.0, rel=0.05)
    assert got["pelvic_obliquity_range_deg"].value == pytest.approx(8.0, rel=0.05)


def test_a_stop_on_the_way_leaves_no_walking_speed_and_says_so():
    across_px = 300.0 + 300.0 * np.interp(TIMES, [0.0, 1.0, 3.0, 5.0], [0.0, 1.2, 1.2, 2.4])
    got = measured(walk_pose(yaw_deg=90.0, hip_px=(across_px, 360.0)), Exercise.WALK)["gait_speed_m_per_s"]
    assert np.isnan(got.value)
    assert "no steady way" in got.note


@pytest.mark.parametrize("exercise", [Exercise.TOUCH_TOES, Exercise.JUMP])
def test_axial_rotation_is_read_in_the_walk_only(exercise):
    got = indexed(make_pose(timestamps_s=TIMES, axial_right_deg=5.0 * STEPS), exercise)["axial_rotation"]
    assert np.isnan(got.value)
    assert "the walk" in got.measurement.note


def test_lean_while_touching_the_toes_is_read_upright():
    leaning = np.where(BEND > 20.0, 12.0, 2.0)
    got = indexed(toes_pose(yaw_deg=0.0, lean_right_deg=leaning), Exercise.TOUCH_TOES)["asymmetric_lean"]
    assert got.measurement.value == pytest.approx(2.0, abs=0.01)
    assert got.value == pytest.approx(0.4, abs=0.01)


def test_reduced_axial_rotation_in_a_walk():
    stiff = indexed(walk_pose(**approaching(), axial_right_deg=1.0 * STEPS), Exercise.WALK)["axial_rotation"]
    free = indexed(walk_pose(**approaching(), axial_right_deg=8.0 * STEPS), Exercise.WALK)["axial_rotation"]
    assert stiff.value == pytest.approx(1.0)
    assert free.value == pytest.approx(0.0)


def test_measures_do_not_depend_on_the_scale_of_the_picture():
    near = jump_pose()
    far = changed(near, image_px=near.image_px * 0.4)
    for one, other in zip(
        measure_exercise(near, exercise=Exercise.JUMP), measure_exercise(far, exercise=Exercise.JUMP), strict=True
    ):
        assert other.value == pytest.approx(one.value)
