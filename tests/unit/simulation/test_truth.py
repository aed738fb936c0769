"""Truth against what was commanded, against contacts found in a fine simulation, and in sign."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.simulation import touch_toes
from backsight.simulation.camera import aim_camera
from backsight.simulation.dysfunction import Trait, Volunteer
from backsight.simulation.jump import GRAVITY_MPS2
from backsight.simulation.motion import perform
from backsight.simulation.performance import Performance
from backsight.simulation.profiles import Way
from backsight.simulation.skeleton import Motion, pose_body
from backsight.simulation.truth import Truth, measure_truth

L = Landmark
POSTURE = {"lateral_lean_deg", "shoulder_obliquity_deg", "pelvic_obliquity_deg"}
NAMES: Mapping[Exercise, set[str]] = {
    Exercise.TOUCH_TOES: {
        "trunk_flexion_deg",
        "bend_down_s",
        "bend_up_s",
        "bend_duration_s",
        "lateral_deviation_deg",
        "fingertip_to_floor_cm",
        "bend_knee_flexion_deg",
        "hip_delay_s",
        "bend_smoothness_sparc",
    },
    Exercise.WALK: {
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
    },
    Exercise.JUMP: {
        "jump_flight_height_cm",
        "jump_hip_rise_cm",
        "countermovement_depth_cm",
        "take_off_asymmetry_ms",
        "landing_asymmetry_ms",
        "landing_trunk_flexion_deg",
    },
}


def filmed(volunteer: Volunteer, exercise: Exercise, motion: Motion) -> Performance:
    camera = aim_camera(
        at_m=np.zeros(3), yaw_deg=0.0, distance_m=4.0, height_m=1.0, pitch_deg=0.0, focal_px=500.0, roll_deg=8.0
    )
    figure = pose_body(volunteer.body, motion)
    return Performance(volunteer, exercise, motion, figure, camera, 0.0, 50.0, 30.0)


def do(volunteer: Volunteer, exercise: Exercise, *, go: int = 5, fps: float = 60.0, **habits: float) -> Performance:
    changed = replace(volunteer, habits={**volunteer.habits, **{Trait[name]: value for name, value in habits.items()}})
    return filmed(changed, exercise, perform(changed, exercise, rng=np.random.default_rng(go), fps=fps))


def truth_of(volunteer: Volunteer, exercise: Exercise, *, go: int = 5, fps: float = 60.0, **habits: float) -> Truth:
    return measure_truth(do(volunteer, exercise, go=go, fps=fps, **habits))


def cut(motion: Motion, n_frames: int) -> Motion:
    """Keep the first frames."""
    n = len(motion.timestamps_s)
    arrays: dict[str, Any] = {
        item.name: value[:n_frames]
        for item in fields(motion)
        if isinstance(value := getattr(motion, item.name), np.ndarray) and len(value) == n
    }
    return replace(motion, **arrays)


@pytest.mark.parametrize("exercise", Exercise)
def test_every_measure_of_the_exercise_and_posture_has_a_finite_truth(volunteer: Volunteer, exercise: Exercise) -> None:
    truth = truth_of(volunteer, exercise)
    assert set(truth.values) == NAMES[exercise] | POSTURE
    assert np.isfinite(list(truth.values.values())).all()


@pytest.mark.parametrize("exercise", Exercise)
def test_truth_hardly_depends_on_the_frame_rate(volunteer: Volunteer, exercise: Exercise) -> None:
    slow, fast = (truth_of(volunteer, exercise, fps=fps) for fps in (25.0, 100.0))
    for name, value in slow.values.items():
        # A median over frames that start and stop elsewhere differs a little; times do not.
        assert value == pytest.approx(fast.values[name], rel=0.01, abs=0.3 if not name.endswith("_s") else 0.01), name
    assert [event.name for event in slow.events] == [event.name for event in fast.events]
    assert [event.time_s for event in slow.events] == pytest.approx([event.time_s for event in fast.events])


@pytest.mark.parametrize("exercise", Exercise)
def test_to_the_right_is_positive_and_a_tilted_camera_changes_nothing(volunteer: Volunteer, exercise: Exercise) -> None:
    # The simulation's lean is positive to the left; its obliquities where the right side is higher.
    values = truth_of(volunteer, exercise, TRUNK_LEAN=4.0, SHOULDER_TILT=3.0, PELVIC_TILT=-2.0).values
    assert values["lateral_lean_deg"] == pytest.approx(-4.0, abs=0.5)
    assert values["shoulder_obliquity_deg"] == pytest.approx(3.0, abs=0.5)
    assert values["pelvic_obliquity_deg"] == pytest.approx(-2.0, abs=0.5)


def test_bend_is_what_was_commanded(volunteer: Volunteer) -> None:
    performance = do(volunteer, Exercise.TOUCH_TOES, TRUNK_FLEXION=95.0, TRUNK_STOOP=5.0, BEND_DEVIATION=-6.0)
    values, (start_s, bottom_s, leave_s, end_s) = measure_truth(performance).values, performance.motion.bends[0]
    assert values["trunk_flexion_deg"] == pytest.approx(90.0, abs=1.0)
    assert values["bend_down_s"] == bottom_s - start_s
    assert values["bend_up_s"] == end_s - leave_s
    assert values["bend_duration_s"] == pytest.approx(end_s - start_s - (leave_s - bottom_s))
    # Six degrees to the right at the bottom, and at half the depth half of it.
    assert 4.0 < values["lateral_deviation_deg"] < 6.3


def test_knees_bend_from_6_degrees_to_the_habit(volunteer: Volunteer) -> None:
    values = truth_of(volunteer, Exercise.TOUCH_TOES, BEND_KNEES=26.0).values
    assert values["bend_knee_flexion_deg"] == pytest.approx(20.0, abs=2.0)


def test_hips_start_as_much_later_as_a_shorter_minimum_jerk_puts_them(volunteer: Volunteer) -> None:
    delays = {
        delay: truth_of(volunteer, Exercise.TOUCH_TOES, go=3, PELVIC_DELAY=delay, BEND_DURATION=3.5).values[
            "hip_delay_s"
        ]
        for delay in (0.0, 0.4)
    }
    # A minimum-jerk movement has made a tenth of its way after 0.247 of its time, and both end together.
    assert delays[0.0] == pytest.approx(0.0, abs=0.06)
    assert delays[0.4] - delays[0.0] == pytest.approx(0.4 * (1.0 - 0.247), abs=0.04)


def test_who_bends_haltingly_bends_less_smoothly(volunteer: Volunteer, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for halting in (0.0, 0.3, 0.6):
        monkeypatch.setattr(touch_toes, "_draw_way", lambda *_, halting=halting: Way(halting=halting))
        found.append(truth_of(volunteer, Exercise.TOUCH_TOES).values["bend_smoothness_sparc"])
    assert found == sorted(found, reverse=True)
    # As smooth as least jerk is -1.41; the way of head and shoulders is an arc, which changes little.
    assert found[0] == pytest.approx(-1.41, abs=0.05)
    assert found[0] - found[-1] > 0.1


def test_first_bend_is_the_deepest_and_the_one_that_is_timed(volunteer: Volunteer) -> None:
    n_repeated = 0
    for go in range(12):
        performance = do(volunteer, Exercise.TOUCH_TOES, go=go)
        bends, truth = performance.motion.bends, measure_truth(performance)
        n_repeated += len(bends) > 1
        deepest_s = performance.motion.timestamps_s[int(truth.angles["trunk_flexion_deg"].argmax())]
        assert bends[0][0] < deepest_s < bends[0][3]
        assert [(event.name, event.time_s) for event in truth.events] == [
            ("bend_start", bends[0][0]),
            ("bend_bottom", (bends[0][1] + bends[0][2]) / 2.0),
            ("bend_end", bends[0][3]),
        ]
    assert n_repeated >= 2


def test_heel_strikes_are_where_a_fine_simulation_sees_the_heel_come_down(volunteer: Volunteer) -> None:
    for go in range(4):
        performance = do(volunteer, Exercise.WALK, go=go, fps=500.0)
        truth, marks = measure_truth(performance), performance.figure.landmarks_m
        t = performance.motion.timestamps_s
        for name, heel in (("left_heel_strike", L.LEFT_HEEL), ("right_heel_strike", L.RIGHT_HEEL)):
            on_floor = marks[:, heel, 1] < 1e-6
            lands = t[1:][on_floor[1:] & ~on_floor[:-1]]
            said = [event.time_s for event in truth.events if event.name == name]
            assert len(said) >= 1
            assert np.array(said) == pytest.approx(lands, abs=0.0041)


def test_cut_clips_hold_only_events_that_are_in_them(volunteer: Volunteer) -> None:
    for go in range(6):
        performance = do(volunteer, Exercise.WALK, go=go)
        whole = measure_truth(performance)
        motion = cut(performance.motion, int(60.0 * (whole.events[2].time_s + 0.05)))
        part = measure_truth(filmed(performance.volunteer, Exercise.WALK, motion))
        assert part.events == whole.events[:3]
        # Three footfalls are two steps, both even ones.
        assert np.isfinite(part.values["step_length_asymmetry_percent"])


def test_clip_that_ends_before_the_first_step_has_no_gait(volunteer: Volunteer) -> None:
    performance = do(volunteer, Exercise.WALK)
    first_s = measure_truth(performance).events[0].time_s
    part = measure_truth(filmed(performance.volunteer, Exercise.WALK, cut(performance.motion, int(60.0 * first_s))))
    assert part.events == ()
    assert all(np.isnan(part.values[name]) for name in NAMES[Exercise.WALK])
    assert np.isfinite(part.values["lateral_lean_deg"])


def test_speed_is_length_over_time_and_the_way_of_the_hips(volunteer: Volunteer) -> None:
    for go in range(4):
        values = truth_of(volunteer, Exercise.WALK, go=go).values
        from_steps = values["step_length_cm"] / 100.0 / values["step_time_s"]
        assert values["gait_speed_m_per_s"] == pytest.approx(from_steps, rel=0.04)
        assert values["cadence_per_min"] == pytest.approx(60.0 / values["step_time_s"])


def mean_over_goes(volunteer: Volunteer, name: str, **habits: float) -> float:
    return float(
        np.mean([truth_of(volunteer, Exercise.WALK, go=go, fps=30.0, **habits).values[name] for go in range(12)])
    )


@pytest.mark.parametrize(
    ("name", "habit"),
    [("step_time_asymmetry_percent", "STEP_TIME_SIDE"), ("step_length_asymmetry_percent", "STEP_LENGTH_SIDE")],
)
def test_longer_left_steps_give_a_negative_symmetry_index(volunteer: Volunteer, name: str, habit: str) -> None:
    # Steps of one side scatter by 1.5 %: an index of a few steps by about 2, its mean of 12 by 0.6.
    assert mean_over_goes(volunteer, name, **{habit: 10.0}) == pytest.approx(-10.0, abs=1.8)
    assert mean_over_goes(volunteer, name, **{habit: 0.0}) == pytest.approx(0.0, abs=1.8)


def test_arm_that_swings_less_is_told_by_its_side(volunteer: Volunteer) -> None:
    # A right excess of 30 percent; somebody who carries something would spoil the mean, hence the median.
    found = [
        truth_of(volunteer, Exercise.WALK, go=go, ARM_SWING_SIDE=30.0).values["arm_swing_asymmetry_percent"]
        for go in range(9)
    ]
    assert np.median(found) == pytest.approx(30.0, abs=6.0)


def test_ranges_and_phase_of_the_walk_are_those_of_the_waves_it_was_made_of(volunteer: Volunteer) -> None:
    habits = {"THORAX_TURN": 8.0, "PELVIC_TURN": 10.0, "THORAX_PHASE": 120.0, "PELVIC_DROP": 9.0, "GAIT_SWAY": 5.0}
    values = truth_of(volunteer, Exercise.WALK, go=2, **habits).values
    # Two waves of ranges 8 and 10 that are 120 deg apart differ by a wave of range sqrt(8^2 + 10^2 + 8 * 10) = 15.6.
    assert values["axial_rotation_range_deg"] == pytest.approx(np.sqrt(244.0), abs=1.2)
    assert values["thorax_pelvis_phase_deg"] == pytest.approx(120.0, abs=6.0)
    assert values["pelvic_obliquity_range_deg"] == pytest.approx(9.0, abs=0.5)
    assert values["lateral_lean_range_deg"] == pytest.approx(5.0, abs=0.7)


def test_range_of_the_shoulders_is_that_of_their_line_stride_by_stride(volunteer: Volunteer) -> None:
    performance = do(volunteer, Exercise.WALK, go=2, PELVIC_DROP=9.0, GAIT_SWAY=5.0)
    truth, t = measure_truth(performance), performance.motion.timestamps_s
    marks = performance.figure.landmarks_m
    line = marks[:, L.RIGHT_SHOULDER] - marks[:, L.LEFT_SHOULDER]
    tilt_deg = np.degrees(np.arctan2(line[:, 1], np.hypot(line[:, 0], line[:, 2])))
    strikes_s = [event.time_s for event in truth.events]
    stride = (t >= strikes_s[1]) & (t <= strikes_s[3])
    # One wave a stride, and little beside it: its range is what lies between the highest and the lowest value.
    assert truth.values["shoulder_obliquity_range_deg"] == pytest.approx(float(np.ptp(tilt_deg[stride])), rel=0.12)
    assert truth.values["shoulder_obliquity_range_deg"] > 2.0


def lowest_of(marks: FloatArray, heel: Landmark, toes: Landmark) -> FloatArray:
    lowest: FloatArray = marks[:, [heel, toes], 1].min(axis=1)
    return lowest


@pytest.mark.parametrize("shift_cm", [-4.0, 0.0, 4.0])
def test_jump_times_are_those_of_the_feet_in_a_fine_simulation(volunteer: Volunteer, shift_cm: float) -> None:
    performance = do(volunteer, Exercise.JUMP, fps=1000.0, JUMP_SHIFT=shift_cm, JUMP_HEIGHT=0.0)
    truth, marks = measure_truth(performance), performance.figure.landmarks_m
    off, on = [], []
    for heel, toes in ((L.LEFT_HEEL, L.LEFT_FOOT_INDEX), (L.RIGHT_HEEL, L.RIGHT_FOOT_INDEX)):
        in_air = np.flatnonzero(lowest_of(marks, heel, toes) > 1e-4)
        off.append(performance.motion.timestamps_s[in_air[0]])
        on.append(performance.motion.timestamps_s[in_air[-1]])
    assert truth.values["take_off_asymmetry_ms"] == pytest.approx(1000.0 * (off[0] - off[1]), abs=2.0)
    assert truth.values["landing_asymmetry_ms"] == pytest.approx(1000.0 * (on[0] - on[1]), abs=2.0)
    times = {event.name: event.time_s for event in truth.events}
    assert times["take_off"] == pytest.approx(max(off), abs=0.002)
    assert times["landing"] == pytest.approx(min(on), abs=0.002)
    flight_s = min(on) - max(off)
    assert truth.values["jump_flight_height_cm"] == pytest.approx(100.0 * GRAVITY_MPS2 * flight_s**2 / 8.0, abs=0.6)
    if shift_cm:
        # Weight on the left foot (positive): it leaves later and lands sooner than the right one.
        assert np.sign(truth.values["take_off_asymmetry_ms"]) == np.sign(shift_cm)
        assert np.sign(truth.values["landing_asymmetry_ms"]) == -np.sign(shift_cm)


def test_hip_rise_and_depth_are_those_of_the_hips_whatever_the_frame_rate(volunteer: Volunteer) -> None:
    fine = do(volunteer, Exercise.JUMP, fps=500.0)
    hips_cm = 100.0 * fine.motion.root_m[:, 1]
    standing_cm = np.median(hips_cm[fine.motion.timestamps_s < fine.motion.events["dip_s"]])
    coarse = truth_of(volunteer, Exercise.JUMP, fps=25.0).values
    assert coarse["jump_hip_rise_cm"] == pytest.approx(hips_cm.max() - standing_cm, abs=0.1)
    assert coarse["countermovement_depth_cm"] == pytest.approx(standing_cm - hips_cm.min(), abs=1.0)
    # Hips rise further than the flight alone: they stand higher on the toes at take-off than on the soles.
    assert coarse["jump_hip_rise_cm"] > coarse["jump_flight_height_cm"] + 3.0


def test_angles_are_given_for_every_frame(volunteer: Volunteer) -> None:
    performance = do(volunteer, Exercise.WALK)
    angles = measure_truth(performance).angles
    assert {"trunk_flexion_deg", "axial_rotation_deg", "left_knee_flexion_deg", "right_arm_swing_deg"} <= set(angles)
    assert all(len(angle) == len(performance.motion.timestamps_s) for angle in angles.values())
    # The arm that swings forward swings with the other side's leg.
    steady = slice(*(round(performance.motion.events[f"steady_{name}_s"] * 60) for name in ("from", "to")))
    left_arm, right_hip = angles["left_arm_swing_deg"][steady], angles["right_hip_flexion_deg"][steady]
    assert np.corrcoef(left_arm, right_hip)[0, 1] > 0.4
