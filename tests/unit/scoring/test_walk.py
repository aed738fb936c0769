import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.scoring.measure import take_measures
from backsight.scoring.person import observe
from backsight.scoring.walk import measure_walk
from backsight.scoring.walk_seen import observe_walk
from tests.unit.kinematics.skeletons import FRAME_SIZE, changed, make_pose, mirrored, without
from tests.unit.scoring.movements import SPEED_M_PER_S, TIMES, legs, on_the_way, walk_pose

STEPS = np.sin(2.0 * np.pi * TIMES)
# The left foot strikes at 0.25 s, where STEPS is largest: then the right leg swings, and its side of the pelvis drops.
PELVIS_DROPS = np.cos(2.0 * np.pi * TIMES)
NAMES = [
    "gait_speed_m_per_s",
    "cadence_per_min",
    "step_time_s",
    "step_length_cm",
    "step_time_asymmetry_percent",
    "step_length_asymmetry_percent",
    "lateral_lean_range_deg",
    "shoulder_obliquity_range_deg",
    "pelvic_obliquity_range_deg",
    "axial_rotation_range_deg",
    "thorax_pelvis_phase_deg",
    "arm_swing_asymmetry_percent",
]
SIDE_ONLY = ("gait_speed_m_per_s", "step_length_cm", "step_length_asymmetry_percent")
FRONT_ONLY = (
    "lateral_lean_range_deg",
    "shoulder_obliquity_range_deg",
    "pelvic_obliquity_range_deg",
    "axial_rotation_range_deg",
    "thorax_pelvis_phase_deg",
)


def measured(pose, **more):
    person = observe(pose, **more)
    return measure_walk(person, observe_walk(person))


@pytest.mark.parametrize("facing_deg", [0.0, 30.0, -60.0, 90.0, -90.0, 140.0, 180.0])
def test_heel_strikes_and_step_time_from_every_side(facing_deg):
    got = measured(walk_pose(facing_deg))
    assert [item.name for item in got.measurements] == NAMES
    # This figure's knee bends most a quarter of a stride after the other foot's strike, which is late.
    assert got["step_time_s"].value == pytest.approx(0.5, abs=0.003)
    assert got["cadence_per_min"].value == pytest.approx(120.0, abs=0.7)
    assert np.diff([event.time_s for event in got.events]) == pytest.approx(0.5, abs=0.02)
    left_s = [event.time_s for event in got.events if event.name == "left_heel_strike"]
    assert np.abs(np.array(left_s) % 1.0 - 0.25).max() < 0.2
    assert len(got.events) >= 10
    assert {event.name for event in got.events} == {"left_heel_strike", "right_heel_strike"}


@pytest.mark.parametrize("facing_deg", [90.0, -90.0, 65.0, -55.0, 120.0])
def test_speed_and_step_length_of_a_walk_across_the_picture(facing_deg):
    got = measured(walk_pose(facing_deg))
    assert got["gait_speed_m_per_s"].value == pytest.approx(SPEED_M_PER_S, abs=0.01)
    assert got["step_length_cm"].value == pytest.approx(100.0 * SPEED_M_PER_S * 0.5, rel=0.02)


@pytest.mark.parametrize("facing_deg", [0.0, -30.0, 180.0])
def test_towards_the_camera_lengths_are_not_told(facing_deg):
    got = measured(walk_pose(facing_deg))
    for name in SIDE_ONLY:
        assert np.isnan(got[name].value), name
        assert "film from the side" in got[name].note, name


def test_a_foot_that_comes_late_and_short_is_told_from_the_other():
    # Left strikes at 0.25 s after each second, right ones at 0.85 instead of 0.75: right steps 0.6 s, left ones 0.4 s.
    def part(strike_s):
        since_s = (TIMES - strike_s + 0.5) % 1.0 - 0.5
        return np.where(np.abs(since_s) < 0.3, np.cos(np.pi * since_s / 0.6) ** 2, 0.0)

    thigh = 25.0 * part(0.25) - 20.0 * part(0.85)
    pose = walk_pose(90.0, thigh_forward_deg=(thigh, -thigh), knee_flexion_deg=(0.0, 0.0))
    got = measured(pose)
    assert got["step_time_asymmetry_percent"].value == pytest.approx(40.0, abs=2.0)
    left, right = np.sin(np.radians([25.0, 20.0]))
    expected_percent = 100.0 * (right - left) / (0.5 * (right + left))
    assert got["step_length_asymmetry_percent"].value == pytest.approx(expected_percent, abs=2.0)
    assert "Low confidence" in got["step_time_asymmetry_percent"].note
    assert measured(mirrored(pose))["step_time_asymmetry_percent"].value == pytest.approx(-40.0, abs=2.0)


def test_who_is_seen_to_walk_backwards_has_left_and_right_exchanged():
    arms = {"arm_forward_deg": (-10.0 * STEPS, 20.0 * STEPS)}
    forwards = measured(walk_pose(0.0, **arms))
    exchanged = measured(walk_pose(0.0, **on_the_way(180.0), **arms))
    assert "exchanged" in exchanged["arm_swing_asymmetry_percent"].note
    assert "exchanged" not in forwards["arm_swing_asymmetry_percent"].note
    expected_percent = -forwards["arm_swing_asymmetry_percent"].value
    assert exchanged["arm_swing_asymmetry_percent"].value == pytest.approx(expected_percent, abs=0.5)


def test_lengths_follow_the_height_given_and_say_so():
    pose = walk_pose(90.0)
    own, given = measured(pose), measured(pose, height_m=2.0 * observe(pose).body.height_m)
    for name in ("step_length_cm", "gait_speed_m_per_s"):
        assert given[name].value == pytest.approx(2.0 * own[name].value)
        assert "BlazePose's own scale" in own[name].note
        assert "height given" in given[name].note
    assert given["step_time_s"].value == own["step_time_s"].value


def test_no_steps_or_no_way_is_no_walk():
    sliding = make_pose(timestamps_s=TIMES, yaw_deg=90.0, **on_the_way(90.0))
    treading = walk_pose(90.0, px_per_m=300.0, hip_px=(640.0, 360.0))
    falling = walk_pose(90.0, hip_px=(300.0 + 100.0 * TIMES, 200.0 + 60.0 * TIMES))
    for pose in (sliding, treading, falling):
        got = measured(pose)
        assert [item.name for item in got.measurements] == NAMES
        assert all(np.isnan(item.value) and "no walk" in item.note for item in got.measurements)
        assert not got.events


def test_feet_hidden_on_half_the_way_leave_the_steps_that_are_seen_and_on_more_nothing():
    def hidden_from(frame):
        return without(walk_pose(90.0), Landmark.LEFT_ANKLE, Landmark.LEFT_HEEL, frames=slice(frame, None))

    seen = measured(hidden_from(100))
    assert seen["step_time_s"].value == pytest.approx(0.5, abs=0.005)
    assert max(event.time_s for event in seen.events) < TIMES[100]
    unseen = measured(hidden_from(60))
    assert np.isnan(unseen["step_time_s"].value)
    assert "feet are hidden" in unseen["step_time_s"].note


def test_a_stop_on_the_way_leaves_no_walking_speed_and_says_so():
    across_px = 300.0 + 300.0 * np.interp(TIMES, [0.0, 1.0, 3.0, 5.0], [0.0, 1.2, 1.2, 2.4])
    got = measured(walk_pose(90.0, px_per_m=300.0, hip_px=(across_px, 360.0)))
    assert np.isnan(got["gait_speed_m_per_s"].value)
    assert "no steady way" in got["gait_speed_m_per_s"].note


def test_trunk_and_pelvis_in_a_walk_towards_the_camera():
    got = measured(
        walk_pose(
            lean_right_deg=2.5 * STEPS,
            axial_right_deg=5.0 * STEPS,
            right_shoulder_up_deg=3.0 * STEPS,
            right_hip_up_deg=4.0 * PELVIS_DROPS,
        )
    )
    assert got["lateral_lean_range_deg"].value == pytest.approx(5.0, rel=0.02)
    # This figure shows all of its depth, BlazePose only a share.
    assert got["axial_rotation_range_deg"].value == pytest.approx(10.0, rel=0.02)
    assert got["shoulder_obliquity_range_deg"].value == pytest.approx(6.0, rel=0.02)
    assert got["pelvic_obliquity_range_deg"].value == pytest.approx(8.0, rel=0.02)


@pytest.mark.parametrize("facing_deg", [30.0, -40.0, 140.0])
def test_the_range_of_the_lean_from_an_oblique_view(facing_deg):
    # A trunk that also bows with every step, twice a stride, which an oblique picture shows as a lean.
    bowing_deg = 3.0 * np.sin(4.0 * np.pi * TIMES)
    got = measured(walk_pose(facing_deg, lean_right_deg=2.5 * STEPS, flexion_deg=bowing_deg))
    assert got["lateral_lean_range_deg"].value == pytest.approx(5.0, rel=0.03)
    assert np.isnan(got["shoulder_obliquity_range_deg"].value)
    too_far = measured(walk_pose(55.0, lean_right_deg=2.5 * STEPS))["lateral_lean_range_deg"]
    assert np.isnan(too_far.value)
    assert "film from the front" in too_far.note


def test_hips_that_rise_with_the_lifted_leg_are_no_pelvis():
    along, against = (measured(walk_pose(right_hip_up_deg=sign * 4.0 * PELVIS_DROPS)) for sign in (1.0, -1.0))
    assert along["pelvic_obliquity_range_deg"].value == pytest.approx(8.0, rel=0.02)
    assert np.isnan(against["pelvic_obliquity_range_deg"].value)
    assert "lifted leg" in against["pelvic_obliquity_range_deg"].note


@pytest.mark.parametrize("facing_deg", [0.0, 180.0])
def test_a_pelvis_is_one_whichever_side_is_called_left(facing_deg):
    # Exchanged are both the foot that strikes and the hip that drops: what is called right still drops as it swings.
    for sign, is_pelvis in ((1.0, True), (-1.0, False)):
        pose = walk_pose(facing_deg, right_hip_up_deg=sign * 4.0 * PELVIS_DROPS, **on_the_way(facing_deg + 180.0))
        person = observe(pose)
        walk = observe_walk(person)
        assert walk.is_exchanged
        assert np.isfinite(measure_walk(person, walk)["pelvic_obliquity_range_deg"].value) == is_pelvis


def test_posture_of_who_is_seen_to_walk_backwards_is_mirrored_and_says_so():
    crooked = {"lean_right_deg": 2.5, "right_shoulder_up_deg": -5.0, "right_hip_up_deg": 3.0}
    names = ("lateral_lean_deg", "shoulder_obliquity_deg", "pelvic_obliquity_deg")
    forwards, exchanged = (
        take_measures(observe(walk_pose(0.0, **more, **crooked)), exercise=Exercise.WALK)
        for more in ({}, on_the_way(180.0))
    )
    assert [forwards[name].value for name in names] == pytest.approx([2.5, -5.0, 3.0], abs=0.1)
    assert [exchanged[name].value for name in names] == pytest.approx([-2.5, 5.0, -3.0], abs=0.1)
    assert all("exchanged" in exchanged[name].note for name in names)
    assert not any("exchanged" in forwards[name].note for name in names)


@pytest.mark.parametrize(("behind_deg", "expected_deg"), [(0.0, 0.0), (90.0, 90.0), (180.0, 180.0), (-120.0, 120.0)])
def test_the_phase_between_thorax_and_pelvis(behind_deg, expected_deg):
    pelvis_deg = 6.0 * STEPS
    thorax_deg = 6.0 * np.sin(2.0 * np.pi * TIMES - np.radians(behind_deg))
    got = measured(walk_pose(yaw_deg=-pelvis_deg, axial_right_deg=thorax_deg - pelvis_deg))
    assert got["thorax_pelvis_phase_deg"].value == pytest.approx(expected_deg, abs=4.0)


def test_arm_swing_of_the_right_arm_against_the_left():
    got = measured(walk_pose(arm_forward_deg=(-10.0 * STEPS, 20.0 * STEPS)))
    # 100 (40 - 20) / 30
    assert got["arm_swing_asymmetry_percent"].value == pytest.approx(66.7, abs=0.5)
    hidden = without(walk_pose(), Landmark.LEFT_WRIST)
    assert "arm is hidden" in measured(hidden)["arm_swing_asymmetry_percent"].note


def test_standing_before_and_after_the_walk_does_not_count():
    walking = (TIMES > 1.5) & (TIMES < 4.5)
    bowing = np.where(walking, 3.0 * STEPS, np.where(TIMES > 5.0, 30.0, 0.0))
    standing_legs = {name: tuple(np.where(walking, leg, 0.0) for leg in both) for name, both in legs().items()}
    got = measured(
        walk_pose(axial_right_deg=np.where(walking, 5.0 * STEPS, 0.0), lean_right_deg=bowing, **standing_legs)
    )
    assert got["axial_rotation_range_deg"].value == pytest.approx(10.0, abs=0.5)
    assert got["lateral_lean_range_deg"].value == pytest.approx(6.0, abs=0.4)


def test_what_the_side_view_hides_has_a_reason():
    got = measured(walk_pose(90.0, axial_right_deg=20.0 * STEPS))
    for name in FRONT_ONLY:
        assert np.isnan(got[name].value), name
        assert "film from the front" in got[name].note, name


def test_two_metres_towards_the_camera_at_usual_speed_give_the_trunks_swings():
    # 1.3 m/s over 2 m: 1.54 s, 1.46 strides of 0.95 a second.
    times = np.arange(0.0, 2.0 / 1.3, 1 / 30)
    steps, drops = np.sin(2.0 * np.pi * 0.95 * times), np.cos(2.0 * np.pi * 0.95 * times)
    pose = make_pose(
        timestamps_s=times,
        **legs(times, strides_per_s=0.95),
        **on_the_way(0.0, times, speed_m_per_s=1.3),
        axial_right_deg=5.0 * steps,
        lean_right_deg=2.5 * steps,
        right_hip_up_deg=4.0 * drops,
    )
    got = measured(pose)
    assert got["step_time_s"].value == pytest.approx(0.5 / 0.95, abs=0.01)
    assert got["axial_rotation_range_deg"].value == pytest.approx(10.0, rel=0.05)
    assert got["lateral_lean_range_deg"].value == pytest.approx(5.0, rel=0.05)
    assert got["pelvic_obliquity_range_deg"].value == pytest.approx(8.0, rel=0.05)


@pytest.mark.parametrize("pose", [make_pose(), without(make_pose(timestamps_s=TIMES), *Landmark)])
def test_one_frame_or_nobody_gives_notes_and_no_numbers(pose):
    for item in measured(pose).measurements:
        assert np.isnan(item.value)
        assert item.note


def test_every_measure_names_its_source_and_invents_no_error():
    for item in measured(walk_pose()).measurements:
        assert item.source
        assert np.isnan(item.error)


@pytest.mark.parametrize("facing_deg", [0.0, 90.0])
def test_measures_do_not_depend_on_the_scale_of_the_picture(facing_deg):
    near = walk_pose(facing_deg)
    far = changed(near, image_px=near.image_px * 0.5, frame_size=(FRAME_SIZE[0] // 2, FRAME_SIZE[1] // 2))
    for one, other in zip(measured(near).measurements, measured(far).measurements, strict=True):
        assert other.value == pytest.approx(one.value, nan_ok=True)
