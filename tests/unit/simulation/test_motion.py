"""What the three exercises must obey: planted feet, gravity, and the angles and times that were asked for."""

from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.simulation.cohort import Performance
from backsight.simulation.dysfunction import Trait, Volunteer
from backsight.simulation.jump import GRAVITY_MPS2
from backsight.simulation.motion import perform
from backsight.simulation.skeleton import pose_body

L = Landmark
Performances = dict[Exercise, list[Performance]]


def middle(marks: FloatArray, left: Landmark, right: Landmark) -> FloatArray:
    return (marks[:, left] + marks[:, right]) / 2.0


def trunk_flexion_deg(marks: FloatArray) -> FloatArray:
    trunk = middle(marks, L.LEFT_SHOULDER, L.RIGHT_SHOULDER) - middle(marks, L.LEFT_HIP, L.RIGHT_HIP)
    return np.degrees(np.unwrap(np.arctan2(trunk[:, 2], trunk[:, 1])))


def with_habits(volunteer: Volunteer, **habits: float) -> Volunteer:
    return replace(volunteer, habits={**volunteer.habits, **{Trait[name]: value for name, value in habits.items()}})


@pytest.mark.parametrize("angle_deg", [45.0, 90.0, 111.0, 135.0])
def test_touch_toes_bends_the_trunk_line_by_the_angle_asked_for(volunteer: Volunteer, angle_deg: float) -> None:
    straight = with_habits(volunteer, TRUNK_FLEXION=angle_deg, BEND_DEVIATION=0.0, TRUNK_LEAN=0.0, PELVIC_TILT=0.0)
    motion = perform(straight, Exercise.TOUCH_TOES, rng=np.random.default_rng(5), fps=60.0)
    flexion = trunk_flexion_deg(pose_body(volunteer.body, motion).landmarks_m)
    bottom = round(motion.events["bend_bottom_s"] * 60.0)
    assert flexion[bottom] == pytest.approx(angle_deg, abs=0.5)
    assert flexion[0] == pytest.approx(straight.habits[Trait.TRUNK_STOOP], abs=2.0)


def test_touch_toes_takes_the_time_asked_for(volunteer: Volunteer) -> None:
    motion = perform(
        with_habits(volunteer, BEND_DURATION=3.0), Exercise.TOUCH_TOES, rng=np.random.default_rng(5), fps=60.0
    )
    flexion = trunk_flexion_deg(pose_body(volunteer.body, motion).landmarks_m)
    end = round(motion.events["bend_end_s"] * 60.0)
    away = np.flatnonzero(flexion[:end] > flexion[:10].mean() + 3.0)
    assert motion.events["bend_duration_s"] == pytest.approx(3.0, rel=0.15)
    # Minimum jerk leaves 3 of some 110 deg in the first and last twelfth of either half.
    assert 0.75 * 3.0 < (away[-1] - away[0]) / 60.0 < 3.3


def test_pelvis_starts_later_by_the_delay(volunteer: Volunteer) -> None:
    starts = {}
    for delay in (0.0, 0.4):
        late = with_habits(volunteer, PELVIC_DELAY=delay, BEND_DURATION=3.0)
        motion = perform(late, Exercise.TOUCH_TOES, rng=np.random.default_rng(5), fps=60.0)
        pelvis = np.degrees(motion.spine_rad[:, 0, 0])
        starts[delay] = np.flatnonzero(pelvis > pelvis[:20].max() + 4.0)[0] / 60.0
    # It also moves faster later on, so the 4 degrees are crossed a little less than 0.4 s later.
    assert starts[0.4] - starts[0.0] == pytest.approx(0.36, abs=0.06)


def test_flexible_people_touch_the_floor_and_stiff_ones_do_not(volunteer: Volunteer) -> None:
    lowest = {}
    for angle in (60.0, 111.0):
        motion = perform(
            with_habits(volunteer, TRUNK_FLEXION=angle, GUARDING=0.0),
            Exercise.TOUCH_TOES,
            rng=np.random.default_rng(5),
            fps=30.0,
        )
        lowest[angle] = pose_body(volunteer.body, motion).joints_m["left_fingertip"][:, 1].min()
    assert -0.03 < lowest[111.0] < 0.08
    assert lowest[60.0] > 0.25


def test_guarding_puts_one_hand_on_the_thigh_on_the_way_up(volunteer: Volunteer) -> None:
    guarded = with_habits(replace(volunteer, painful_side=1), GUARDING=1.0)
    motion = perform(guarded, Exercise.TOUCH_TOES, rng=np.random.default_rng(5), fps=60.0)
    figure = pose_body(volunteer.body, motion)
    marks = figure.landmarks_m
    rising = slice(round((motion.events["bend_bottom_s"] + 0.2) * 60), round(motion.events["bend_end_s"] * 60))

    def to_thigh(wrist: Landmark, hip: Landmark, knee: Landmark) -> float:
        thigh = marks[rising, hip] + np.linspace(0.2, 0.9, 8)[:, None, None] * (
            marks[rising, knee] - marks[rising, hip]
        )
        return float(np.linalg.norm(thigh - marks[rising, wrist], axis=-1).min())

    assert to_thigh(L.LEFT_WRIST, L.LEFT_HIP, L.LEFT_KNEE) < 0.2


def test_feet_stay_where_they_are_while_touching_toes(performances: Performances) -> None:
    for performance in performances[Exercise.TOUCH_TOES]:
        feet = performance.figure.landmarks_m[:, 27:]
        assert np.ptp(feet, axis=0).max() < 1e-9


def test_standing_feet_do_not_slide_while_walking(performances: Performances) -> None:
    for performance in performances[Exercise.WALK]:
        marks = performance.figure.landmarks_m
        n_planted = 0
        for heel, toe in ((L.LEFT_HEEL, L.LEFT_FOOT_INDEX), (L.RIGHT_HEEL, L.RIGHT_FOOT_INDEX)):
            for point in (heel, toe):
                on_floor = (marks[1:, point, 1] < 1e-4) & (marks[:-1, point, 1] < 1e-4)
                slide = np.linalg.norm(np.diff(marks[:, point, ::2], axis=0), axis=1)[on_floor]
                assert slide.max(initial=0.0) < 0.002
                n_planted += int(on_floor.sum())
        assert n_planted > len(marks)


def test_some_foot_is_always_on_the_floor_while_walking(performances: Performances) -> None:
    for performance in performances[Exercise.WALK]:
        assert performance.figure.landmarks_m[:, 29:, 1].min(axis=1).max() < 0.002


def test_walker_travels_forward_at_the_speed_planned(performances: Performances) -> None:
    for performance in performances[Exercise.WALK]:
        motion = performance.motion
        steady = slice(*(round(motion.events[f"steady_{name}_s"] * 60) for name in ("from", "to")))
        z = motion.root_m[steady, 2]
        speed = (z[-1] - z[0]) / ((len(z) - 1) / 60.0)
        assert speed == pytest.approx(motion.events["walking_speed_mps"], rel=0.06)


def test_arm_swings_with_the_other_leg(performances: Performances) -> None:
    for performance in performances[Exercise.WALK]:
        marks = performance.figure.landmarks_m
        arms = marks[:, L.LEFT_WRIST, 2] - marks[:, L.RIGHT_WRIST, 2]
        legs = marks[:, L.LEFT_ANKLE, 2] - marks[:, L.RIGHT_ANKLE, 2]
        assert np.corrcoef(arms, legs)[0, 1] < -0.4


def test_flight_is_ballistic_and_height_is_g_t_squared_over_8(performances: Performances) -> None:
    for performance in performances[Exercise.JUMP]:
        motion, marks = performance.motion, performance.figure.landmarks_m
        t, height = motion.timestamps_s, motion.root_m[:, 1]
        flying = (t > motion.events["take_off_s"]) & (t < motion.events["touch_down_s"])
        assert np.diff(height[flying], n=2) * 60.0**2 == pytest.approx(-GRAVITY_MPS2, abs=1e-6)
        flight_s = motion.events["flight_s"]
        rise = 100.0 * (np.max(height[flying]) - np.interp(motion.events["take_off_s"], t, height))
        assert rise == pytest.approx(100.0 * GRAVITY_MPS2 * flight_s**2 / 8.0, abs=0.8)
        assert motion.events["jump_height_cm"] == pytest.approx(100.0 * GRAVITY_MPS2 * flight_s**2 / 8.0)
        lowest = marks[:, 29:, 1].min(axis=1)
        assert lowest[flying][2:-2].min() > 0.0
        assert np.abs(lowest[~flying]).max() < 1e-9


def test_jump_height_does_not_depend_on_the_frame_rate(volunteer: Volunteer) -> None:
    events = [
        perform(volunteer, Exercise.JUMP, rng=np.random.default_rng(8), fps=fps).events for fps in (25.0, 30.0, 60.0)
    ]
    assert events[0] == events[1] == events[2]


@pytest.mark.parametrize("exercise", Exercise)
def test_same_state_gives_the_same_movement_at_any_frame_rate(volunteer: Volunteer, exercise: Exercise) -> None:
    slow = perform(volunteer, exercise, rng=np.random.default_rng(9), fps=30.0)
    fast = perform(volunteer, exercise, rng=np.random.default_rng(9), fps=60.0)
    n = min(len(slow.timestamps_s), len(fast.timestamps_s[::2]))
    one, other = (pose_body(volunteer.body, motion).landmarks_m for motion in (slow, fast))
    assert one[:n] == pytest.approx(other[::2][:n], abs=0.004)
