"""The cohort: repeatable, person by person, with the effects that the sources found."""

from collections.abc import Sequence

import numpy as np
import pytest

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError
from backsight.simulation.body import HEIGHT_RANGE_M, Body, make_body, sample_body
from backsight.simulation.cohort import (
    VirtualRecording,
    simulate_cohort,
    simulate_performance,
    simulate_recording,
    simulate_volunteer,
)
from backsight.simulation.dysfunction import (
    TRAITS,
    Trait,
    Volunteer,
    rate_back,
    sample_volunteer,
    usual_gait_speed_mps,
    usual_jump_height_cm,
)
from backsight.simulation.motion import perform


def group(dysfunction: float, n: int = 800) -> list[Volunteer]:
    people = []
    for index in range(n):
        rng = np.random.default_rng((41, round(100 * dysfunction), index))
        people.append(sample_volunteer(rng, subject_id="x", body=sample_body(rng), dysfunction=dysfunction))
    return people


@pytest.fixture(scope="module")
def healthy() -> list[Volunteer]:
    return group(0.1)


@pytest.fixture(scope="module")
def patients() -> list[Volunteer]:
    return group(0.6)


def values(people: Sequence[Volunteer], trait: Trait) -> np.ndarray:
    return np.array([person.habits[trait] for person in people])


def test_same_seed_same_recording_whatever_else_is_simulated() -> None:
    alone = simulate_recording(2, Exercise.WALK, seed=7)
    among = [item for item in simulate_cohort(3, seed=7) if item.recording.exercise is Exercise.WALK][2]
    assert np.array_equal(alone.pose.world_m, among.pose.world_m, equal_nan=True)
    assert np.array_equal(alone.pose.visibility, among.pose.visibility)
    assert alone.recording == among.recording
    assert alone.truth == among.truth


def test_another_seed_or_person_is_another_recording() -> None:
    one, other_seed, other_person = (
        simulate_recording(index, Exercise.JUMP, seed=seed) for index, seed in ((0, 7), (0, 8), (1, 7))
    )
    assert one.index != other_seed.index
    assert one.index != other_person.index


def test_cohort_yields_every_exercise_of_every_person_with_one_dysfunction() -> None:
    items = list(simulate_cohort(3, seed=1))
    assert [item.recording.exercise for item in items] == 3 * list(Exercise)
    for start in (0, 3, 6):
        assert len({(item.recording.subject_id, item.index) for item in items[start : start + 3]}) == 1
    assert len({item.recording.subject_id for item in items}) == 3


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="n_subjects"):
        list(simulate_cohort(-1, seed=0))
    with pytest.raises(InvalidValueError, match="subject_index"):
        simulate_recording(-1, Exercise.JUMP, seed=0)


def test_renderer_gets_the_very_movement_of_the_recording() -> None:
    recording = simulate_recording(4, Exercise.TOUCH_TOES, seed=9)
    performance = simulate_performance(4, Exercise.TOUCH_TOES, seed=9)
    pixels = performance.camera.project(performance.figure.landmarks_m)
    assert np.allclose(recording.ideal.image_px[..., :2], pixels)
    assert recording.recording.rating == performance.rating


@pytest.mark.parametrize("exercise", Exercise)
def test_person_moves_the_same_way_whatever_the_camera(exercise: Exercise) -> None:
    drawn = simulate_performance(1, exercise, seed=9)
    asked = simulate_performance(1, exercise, seed=9, fps=drawn.fps, yaw_deg=30.0, distance_m=4.5)
    assert np.array_equal(drawn.figure.landmarks_m, asked.figure.landmarks_m)
    assert drawn.rating == asked.rating
    assert asked.view_yaw_deg == 30.0


@pytest.mark.parametrize("distance_m", [2.0, 3.5, 5.0])
@pytest.mark.parametrize("exercise", Exercise)
def test_camera_stands_where_it_is_asked_to_with_everybody_in_view(exercise: Exercise, distance_m: float) -> None:
    for yaw_deg in (0.0, 60.0, -90.0, 180.0):
        performance = simulate_performance(2, exercise, seed=9, yaw_deg=yaw_deg, distance_m=distance_m)
        marks, camera = performance.figure.landmarks_m, performance.camera
        from_middle = camera.position_m - (marks.min(axis=(0, 1)) + marks.max(axis=(0, 1))) / 2.0
        away = float(np.hypot(from_middle[0], from_middle[2]))
        # Somebody who walks two metres towards a lens two metres from the middle would bump into it.
        nearest = camera.to_camera(marks)[..., 2].min()
        assert away == pytest.approx(distance_m) if nearest > 1.35 else away > distance_m
        pixels = camera.project(marks)
        assert pixels.min() > 0.0
        assert (pixels.max(axis=(0, 1)) < camera.frame_size).all()


def test_distance_below_zero_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="distance_m"):
        simulate_performance(0, Exercise.JUMP, seed=0, distance_m=-2.0)


def test_recordings_are_as_long_as_people_take(recordings: dict[Exercise, list[VirtualRecording]]) -> None:
    durations = [item.pose.duration_s for items in recordings.values() for item in items]
    assert min(durations) > 1.5
    assert max(durations) < 16.0
    assert 3.0 < np.median(durations) < 8.0


def test_dysfunction_is_at_or_below_one_half_for_79_percent() -> None:
    backs = np.array([simulate_volunteer(index, seed=5).dysfunction for index in range(1500)])
    # Standard error of a share of 0.79 of 1500 is 0.0105.
    assert (backs <= 0.5).mean() == pytest.approx(0.79, abs=0.032)
    assert backs.min() >= 0.0
    assert backs.max() <= 1.0


def test_ratings_miss_by_ten_points_half_of_it_shared_by_the_person() -> None:
    people = [
        person
        for person in (simulate_volunteer(index, seed=6) for index in range(1500))
        if 0.3 < person.dysfunction < 0.7
    ]
    errors = np.array(
        [
            [
                rate_back(person, np.random.default_rng((3, index, go))) - 100.0 * (1.0 - person.dysfunction)
                for go in (0, 1)
            ]
            for index, person in enumerate(people)
        ]
    )
    assert errors.std() == pytest.approx(10.0, abs=0.8)
    assert np.corrcoef(errors.T)[0, 1] == pytest.approx(0.5, abs=0.1)
    assert abs(errors.mean()) < 1.0


def test_flexion_differs_by_18_degrees_between_healthy_and_patients(
    healthy: list[Volunteer], patients: list[Volunteer]
) -> None:
    before, after = values(healthy, Trait.TRUNK_FLEXION), values(patients, Trait.TRUNK_FLEXION)
    assert before.mean() == pytest.approx(111.0, abs=2.0)
    assert after.mean() == pytest.approx(93.0, abs=2.5)
    # Laird: patients lie below the healthy 10th centile 5.4 times as often.
    assert (after < np.percentile(before, 10)).mean() / 0.1 == pytest.approx(5.4, abs=0.9)


def test_bends_last_2_28_and_3_18_seconds(healthy: list[Volunteer], patients: list[Volunteer]) -> None:
    before, after = values(healthy, Trait.BEND_DURATION), values(patients, Trait.BEND_DURATION)
    assert before.mean() == pytest.approx(2.28, abs=0.12)
    assert after.mean() == pytest.approx(3.18, abs=0.2)
    assert (after > np.percentile(before, 90)).mean() / 0.1 >= 3.5


def test_pelvis_lags_by_0_21_and_0_36_seconds(healthy: list[Volunteer], patients: list[Volunteer]) -> None:
    assert values(healthy, Trait.PELVIC_DELAY).mean() == pytest.approx(0.21, abs=0.03)
    assert values(patients, Trait.PELVIC_DELAY).mean() == pytest.approx(0.36, abs=0.03)


@pytest.mark.parametrize(
    ("trait", "expected"),
    [(Trait.GAIT_SPEED, -0.59), (Trait.THORAX_PHASE, -0.60), (Trait.THORAX_TURN, 0.0), (Trait.JUMP_HEIGHT, 0.0)],
)
def test_standardised_differences_are_the_cited_ones(
    healthy: list[Volunteer], patients: list[Volunteer], trait: Trait, expected: float
) -> None:
    before, after = values(healthy, trait), values(patients, trait)
    pooled = np.sqrt((before.var() + after.var()) / 2.0)
    assert (after.mean() - before.mean()) / pooled == pytest.approx(expected, abs=0.13)


def test_people_express_different_subsets_at_different_strengths(patients: list[Volunteer]) -> None:
    shown = np.array([[person.effects[trait] > 0.0 for trait in TRAITS if TRAITS[trait].shift] for person in patients])
    assert len({tuple(row) for row in shown}) > 0.9 * len(shown)
    strengths = np.array([person.effects[Trait.TRUNK_FLEXION] for person in patients])
    assert (strengths == 0.0).mean() == pytest.approx(0.2, abs=0.05)
    assert strengths.mean() == pytest.approx(1.0, abs=0.07)


def test_sided_effects_go_to_the_painful_side(patients: list[Volunteer]) -> None:
    deviation = values(patients, Trait.BEND_DEVIATION)
    sides = np.array([person.painful_side for person in patients])
    assert (deviation * sides).mean() == pytest.approx(TRAITS[Trait.BEND_DEVIATION].shift, abs=0.5)


def test_painful_side_gives_shorter_steps_to_the_other_foot_and_less_time_in_the_jump() -> None:
    people = [simulate_volunteer(index, seed=8) for index in range(400)]
    bad = [person for person in people if person.dysfunction > 0.5]
    for trait, sign in ((Trait.STEP_TIME_SIDE, 1.0), (Trait.STEP_LENGTH_SIDE, 1.0), (Trait.JUMP_SHIFT, -1.0)):
        towards_pain = [person.habits[trait] * person.painful_side for person in bad]
        assert sign * np.mean(towards_pain) > 0.5 * abs(TRAITS[trait].shift)


def test_feet_of_healthy_jumpers_leave_and_land_8_ms_apart() -> None:
    truths = [
        perform(person, Exercise.JUMP, rng=np.random.default_rng(index), fps=10.0).events
        for index, person in enumerate(group(0.1, 250))
    ]
    for name in ("take_off_asymmetry_ms", "landing_asymmetry_ms"):
        apart = np.array([truth[name] for truth in truths])
        # Standard error of an SD from 250 people is 4.5 %.
        assert apart.std() == pytest.approx(8.0, rel=0.15)
        assert abs(apart.mean()) < 1.6


def test_truth_measured_on_the_body_is_what_the_habits_asked_for() -> None:
    for index in range(6):
        volunteer = simulate_volunteer(index, seed=3)
        bend = simulate_recording(index, Exercise.TOUCH_TOES, seed=3, fps=60.0).truth
        from_standing = volunteer.habits[Trait.TRUNK_FLEXION] - volunteer.habits[Trait.TRUNK_STOOP]
        assert bend["trunk_flexion_deg"] == pytest.approx(from_standing, abs=2.5)
        jump = simulate_recording(index, Exercise.JUMP, seed=3).truth
        wanted = usual_jump_height_cm(volunteer.body) + volunteer.habits[Trait.JUMP_HEIGHT]
        assert jump["jump_flight_height_cm"] == pytest.approx(max(3.0, wanted))


def test_gait_speed_follows_age_and_sex() -> None:
    def person(sex: str, age: float) -> Body:
        return make_body(sex="male" if sex == "male" else "female", age_years=age, height_m=1.7)

    assert usual_gait_speed_mps(person("male", 45.0)) == pytest.approx(1.43)
    assert usual_gait_speed_mps(person("female", 85.0)) == pytest.approx(0.94)


def test_bodies_are_adults_within_the_stated_heights() -> None:
    bodies = [sample_body(np.random.default_rng(index)) for index in range(300)]
    heights = np.array([body.height_m for body in bodies])
    assert heights.min() >= HEIGHT_RANGE_M[0]
    assert heights.max() <= HEIGHT_RANGE_M[1]
    women = np.array([body.sex == "female" for body in bodies])
    assert 0.4 < women.mean() < 0.6
    assert heights[~women].mean() - heights[women].mean() == pytest.approx(0.13, abs=0.025)


def test_impossible_body_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="height"):
        make_body(sex="male", age_years=30.0, height_m=-1.7)
