"""What the three exercises must obey: planted feet, gravity, and the angles and times that were asked for."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.simulation.dysfunction import Trait, Volunteer
from backsight.simulation.jump import GRAVITY_MPS2
from backsight.simulation.motion import perform
from backsight.simulation.performance import Performance
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


def test_later_bends_are_a_little_shallower_and_pauses_lie_between(volunteer: Volunteer) -> None:
    for go in range(8):
        motion = perform(volunteer, Exercise.TOUCH_TOES, rng=np.random.default_rng(go), fps=60.0)
        flexion, t = trunk_flexion_deg(pose_body(volunteer.body, motion).landmarks_m), motion.timestamps_s
        peaks = [flexion[(t > start) & (t < end)].max() for start, _, _, end in motion.bends]
        assert all(peaks[0] + 1.0 > later > 0.85 * peaks[0] for later in peaks[1:])
        assert all(late[0] > early[3] for early, late in pairwise(motion.bends))


@pytest.mark.parametrize("angle_deg", [60.0, 95.0, 120.0])
@pytest.mark.parametrize("deviation_deg", [-8.0, 5.0])
def test_trunk_deviates_sideways_at_the_bottom_by_the_angle_asked_for(
    volunteer: Volunteer, angle_deg: float, deviation_deg: float
) -> None:
    bent = with_habits(volunteer, TRUNK_FLEXION=angle_deg, BEND_DEVIATION=deviation_deg)
    motion = perform(bent, Exercise.TOUCH_TOES, rng=np.random.default_rng(5), fps=60.0)
    marks = pose_body(volunteer.body, motion).landmarks_m[round(motion.events["bend_bottom_s"] * 60.0)]
    trunk = marks[[L.LEFT_SHOULDER, L.RIGHT_SHOULDER]].mean(axis=0) - marks[[L.LEFT_HIP, L.RIGHT_HIP]].mean(axis=0)
    assert np.degrees(np.arcsin(trunk[0] / np.linalg.norm(trunk))) == pytest.approx(deviation_deg, abs=0.1)


def test_fingers_never_go_into_the_floor(performances: Performances) -> None:
    for performance in performances[Exercise.TOUCH_TOES]:
        fingers = [performance.figure.joints_m[f"{side}_fingertip"][:, 1] for side in ("left", "right")]
        assert np.min(fingers) > -0.005


def test_flexible_hands_come_to_the_toes(volunteer: Volunteer) -> None:
    supple = with_habits(volunteer, TRUNK_FLEXION=118.0, GUARDING=0.0)
    motion = perform(supple, Exercise.TOUCH_TOES, rng=np.random.default_rng(5), fps=60.0)
    figure, frame = pose_body(volunteer.body, motion), round(motion.events["bend_bottom_s"] * 60.0)
    for side, toes, heel in (("left", L.LEFT_FOOT_INDEX, L.LEFT_HEEL), ("right", L.RIGHT_FOOT_INDEX, L.RIGHT_HEEL)):
        foot = figure.landmarks_m[frame, [heel, toes]]
        gap = figure.joints_m[f"{side}_fingertip"][frame] - foot[1]
        assert abs(gap[1]) < 0.05
        assert -np.ptp(foot[:, 2]) < gap[2] < 0.05
        assert abs(gap[0]) < 0.2


def stays(on_floor: np.ndarray) -> list[np.ndarray]:
    """Runs of frames in which a point is on the floor."""
    frames = np.flatnonzero(on_floor)
    return [run for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(run) > 1]


@pytest.mark.parametrize("exercise", Exercise)
def test_feet_neither_sink_nor_slide_while_on_the_floor(performances: Performances, exercise: Exercise) -> None:
    n_stays = 0
    for performance in performances[exercise]:
        marks = performance.figure.landmarks_m
        assert marks[:, L.LEFT_HEEL :, 1].min() > -1e-6
        for point in (L.LEFT_HEEL, L.RIGHT_HEEL, L.LEFT_FOOT_INDEX, L.RIGHT_FOOT_INDEX):
            for run in stays(marks[:, point, 1] < 1e-4):
                slip = np.linalg.norm(marks[run][:, point, ::2] - marks[run[0], point, ::2], axis=1)
                assert slip.max() < 0.005
                n_stays += 1
    assert n_stays >= 4 * len(performances[exercise])


LIMITS_DEG = {"knee": (0.0, 150.0), "hip": (-35.0, 130.0), "elbow": (0.0, 150.0)}
"""What joints of adults can do; walking hips extend by less than 30."""


@pytest.mark.parametrize("exercise", Exercise)
def test_joints_stay_within_what_joints_can_do(performances: Performances, exercise: Exercise) -> None:
    for performance in performances[exercise]:
        figure, motion = performance.figure, performance.motion
        for name, angle in (
            ("knee", figure.knee_flexion_rad),
            ("hip", figure.hip_flexion_rad),
            ("elbow", motion.elbow_rad),
        ):
            low, high = LIMITS_DEG[name]
            assert low <= np.degrees(angle).min()
            assert np.degrees(angle).max() <= high


@pytest.mark.parametrize("exercise", Exercise)
def test_knees_never_bend_backwards(performances: Performances, exercise: Exercise) -> None:
    for performance in performances[exercise]:
        marks = performance.figure.landmarks_m
        for hip, knee, ankle, toes, heel in ((23, 25, 27, 31, 29), (24, 26, 28, 32, 30)):
            leg, thigh = marks[:, ankle] - marks[:, hip], marks[:, knee] - marks[:, hip]
            foot = marks[:, toes] - marks[:, heel]
            foot[:, 1] = 0.0
            beyond = thigh - (thigh * leg).sum(axis=1, keepdims=True) / (leg * leg).sum(axis=1, keepdims=True) * leg
            assert (beyond * foot).sum(axis=1).min() > 0.0


LIMB_MARKS = slice(L.LEFT_SHOULDER, L.RIGHT_FOOT_INDEX + 1)


@pytest.mark.parametrize(("exercise", "limit_m_per_s2"), [("touch-toes", 120.0), ("walk", 160.0), ("jump", 160.0)])
def test_nothing_jerks_between_frames(performances: Performances, exercise: str, limit_m_per_s2: float) -> None:
    # Swinging legs and arms reach some 100 m/s^2; a jump of 5 cm between two frames at 60 a second is 180.
    for performance in performances[Exercise(exercise)]:
        marks = performance.figure.landmarks_m[:, LIMB_MARKS]
        acceleration = np.linalg.norm(np.diff(marks, n=2, axis=0), axis=2) * 60.0**2
        t = performance.motion.timestamps_s[1:-1]
        impacts = [performance.motion.events.get(name, np.inf) for name in ("take_off_s", "touch_down_s")]
        smooth = np.min([np.abs(t - time_s) for time_s in impacts], axis=0) > 0.08
        assert acceleration[smooth].max() < limit_m_per_s2


@pytest.mark.parametrize("exercise", Exercise)
def test_arms_do_not_go_through_the_trunk(performances: Performances, exercise: Exercise) -> None:
    """The trunk is taken for an elliptic cylinder, half as wide as the waist and hips of that build allow."""
    for performance in performances[exercise]:
        body, figure = performance.volunteer.body, performance.figure
        root, axis = figure.joints_m["root"], figure.joints_m["neck"] - figure.joints_m["root"]
        length = np.linalg.norm(axis, axis=1)
        axis = axis / length[:, None]
        for point in (L.LEFT_ELBOW, L.RIGHT_ELBOW, L.LEFT_WRIST, L.RIGHT_WRIST):
            away = figure.landmarks_m[:, point] - root
            along = (away * axis).sum(axis=1)
            off = np.einsum("nji,nj->ni", figure.rotations["lumbar"], away - along[:, None] * axis)
            ellipse = np.hypot(off[:, 0] / 0.080, off[:, 2] / 0.055) / (body.height_m * body.build)
            inside = (ellipse < 1.0) & (along > 0.0) & (along < 0.95 * length)
            assert not inside.any()


def test_foot_that_leaves_first_leaves_by_bending_its_leg(volunteer: Volunteer) -> None:
    uneven = with_habits(volunteer, JUMP_SHIFT=-6.0)
    motion = perform(uneven, Exercise.JUMP, rng=np.random.default_rng(8), fps=500.0)
    figure = pose_body(volunteer.body, motion)
    at = np.flatnonzero(motion.timestamps_s < motion.events["take_off_s"])[-1]
    assert motion.events["take_off_asymmetry_ms"] < -10.0
    assert figure.landmarks_m[at, [L.LEFT_HEEL, L.LEFT_FOOT_INDEX], 1].min() > 0.01
    assert figure.landmarks_m[at, [L.RIGHT_HEEL, L.RIGHT_FOOT_INDEX], 1].min() < 1e-6
    assert figure.knee_flexion_rad[at, 0] > figure.knee_flexion_rad[at, 1]
