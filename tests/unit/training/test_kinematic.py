from dataclasses import replace

import numpy as np
import pytest

from backsight.domain.study import ScoreScale, StudyClip
from backsight.errors import InvalidValueError
from backsight.training.ensembles import TreesLearner
from backsight.training.kinematic import KinematicLearner, summary_of
from backsight.training.kinematic_kernel import (
    KernelShares,
    KernelTerms,
    fit_coefficients,
    fit_support,
    leave_one_person_out,
)
from backsight.training.kinematic_scaling import CLIP_SD, ExerciseScalers, RobustScaler
from backsight.training.learners import learner_names, make_learner
from tests.unit.kinematics.skeletons import make_pose, without

SCALE = ScoreScale(best=50.0, worst=0.0)
SECONDS = np.arange(120) / 30.0
SHARES = KernelShares(exercise=0.5, shared=0.15, person=0.5, reach=1.3, noise=0.15)


def bend_clip(subject, bend_deg, *, exercise="bend", score=None):
    pose = make_pose(timestamps_s=SECONDS, flexion_deg=0.5 * bend_deg * (1.0 - np.cos(np.pi * SECONDS)))
    return StudyClip(subject, exercise, pose, 0.5 * bend_deg if score is None else score)


@pytest.fixture(scope="module")
def bends():
    """Twelve people who bend 20 to 86 degrees; the score is half of it."""
    return [bend_clip(f"p{number:02d}", 20.0 + 6.0 * number) for number in range(12)]


@pytest.fixture(scope="module")
def fitted(bends):
    return KinematicLearner().fit(bends, scale=SCALE, seed=0)


def test_a_new_persons_score_is_told_from_how_far_they_bend(fitted):
    asked = [bend_clip("new", 41.0, score=np.nan), bend_clip("newer", 71.0, score=np.nan)]
    shallow, deep = (float(fitted.predict([clip])[0]) for clip in asked)
    assert shallow == pytest.approx(20.5, abs=3.0)
    assert deep == pytest.approx(35.5, abs=3.0)


@pytest.mark.parametrize("learner", [KinematicLearner(), TreesLearner(n_trees=5)], ids=lambda one: one.name)
def test_a_prediction_heeds_no_other_people_and_neither_score_nor_group(bends, learner):
    trained = learner.fit(bends, scale=SCALE, seed=0)
    clip, other = bend_clip("new", 50.0, score=np.nan), bend_clip("other", 80.0)
    alone = trained.predict([clip])[0]
    among = trained.predict([other, replace(clip, score=3.0, group="Stroke")])[1]
    assert among == pytest.approx(alone, abs=1e-9)


@pytest.mark.parametrize("learner", [KinematicLearner(), TreesLearner(n_trees=5)], ids=lambda one: one.name)
def test_the_same_clips_and_seed_give_the_same_learner(bends, learner):
    asked = [bend_clip("new", 47.0)]
    first, second = (learner.fit(bends, scale=SCALE, seed=3).predict(asked) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_points_add_up_to_the_distance_from_a_typical_person(fitted):
    clip = bend_clip("new", 60.0)
    points = fitted.points(clip)
    typical = replace(clip, subject="typical", pose=without_everything(clip))
    gap = fitted.predict([clip])[0] - fitted.predict([typical])[0]
    zero = fitted.scalers.scale(summary_of(typical).values[np.newaxis], ["bend"])
    told = points.sum()
    # The clip without landmarks differs from the typical one only in being scaled to the clipped mean.
    assert np.abs(zero).max() < 1.0
    assert told == pytest.approx(gap, abs=0.15 * abs(gap) + 0.3)
    assert len(points) == len(summary_of(clip).features)


def without_everything(clip):
    from backsight.domain.landmarks import Landmark

    return without(clip.pose, *Landmark)


def test_unknown_exercises_and_empty_recordings_get_a_score_within_the_scale(fitted):
    clip = bend_clip("new", 60.0, exercise="never seen")
    empty = replace(clip, exercise="bend", pose=without_everything(clip))
    for asked in (clip, empty):
        assert 0.0 <= fitted.predict([asked])[0] <= 50.0
    assert fitted.predict([]).shape == (0,)


def test_right_and_wrong_movements_are_told_apart():
    binary = ScoreScale(best=1.0, worst=0.0, is_binary=True)
    clips = [
        bend_clip(f"p{number}", depth + number, score=score)
        for number in range(6)
        for depth, score in ((30.0, 0.0), (33.0, 0.0), (70.0, 1.0), (73.0, 1.0))
    ]
    trained = KinematicLearner().fit(clips, scale=binary, seed=0)
    assert trained.predict([bend_clip("new", 35.0)])[0] < 0.3
    assert trained.predict([bend_clip("new", 72.0)])[0] > 0.7


def test_one_person_or_an_unscored_clip_is_refused(bends):
    with pytest.raises(InvalidValueError, match="2 people or more to learn from, got 1"):
        KinematicLearner().fit([bends[0]], scale=SCALE, seed=0)
    with pytest.raises(InvalidValueError, match="without a score"):
        KinematicLearner().fit([*bends, replace(bends[0], score=np.nan)], scale=SCALE, seed=0)


def test_an_unknown_learner_is_refused_with_the_choices():
    with pytest.raises(InvalidValueError, match="kinematic-ensemble"):
        make_learner("oracle")
    assert {"kinematic", "kinematic-ensemble", "best"} <= set(learner_names())


def test_left_out_people_in_closed_form_are_what_fitting_without_them_gives():
    rng = np.random.default_rng(1)
    movement, target = rng.normal(size=(9, 4)), rng.normal(size=9)
    people, exercises = np.repeat([0, 1, 2], 3), ["a", "b", "c"] * 3
    terms = KernelTerms.of(movement, exercises=exercises, people=[str(person) for person in people])
    kernels = terms.against(terms)
    told = leave_one_person_out(kernels, SHARES, people, target)
    kept, left = people != 1, people == 1
    mixed = kernels.mix(SHARES)
    same = people[:, None] == people[None]
    covariance = mixed + 0.03 * same + SHARES.noise * np.eye(9)
    direct = mixed[np.ix_(left, kept)] @ np.linalg.solve(covariance[np.ix_(kept, kept)], target[kept])
    np.testing.assert_allclose(told[left], direct, atol=1e-9)


def test_both_fits_follow_their_training_scores():
    rng = np.random.default_rng(2)
    movement = rng.normal(size=(30, 2))
    target = movement[:, 0] / movement[:, 0].std()
    who = [str(number) for number in range(30)]
    terms = KernelTerms.of(movement, exercises=["a"] * 30, people=who)
    kernels = terms.against(terms)
    for coefficients in (
        fit_coefficients(kernels, SHARES, np.arange(30), target),
        fit_support(kernels, SHARES, target)[0],
    ):
        assert np.corrcoef(kernels.mix(SHARES) @ coefficients, target)[0, 1] > 0.95


def test_a_persons_mean_counts_each_exercise_once():
    terms = KernelTerms.of(np.array([[1.0], [3.0], [10.0]]), exercises=["a", "a", "b"], people=["one", "one", "one"])
    # The mean of 2, for a, and 10, for b.
    np.testing.assert_allclose(terms.person[:, 0], 6.0)
    np.testing.assert_allclose(terms.own_weight, [0.25, 0.25, 0.5])


def test_scalers_clip_wild_values_and_take_missing_ones_as_typical():
    values = np.column_stack((np.linspace(-1.0, 1.0, 41), np.full(41, 7.0), np.full(41, np.nan)))
    scaler = RobustScaler.fit(values)
    scaled = scaler.scale(np.array([[1e6, 7.0, 5.0], [np.nan, 9.0, np.nan]]))
    assert 0.0 < scaled[0, 0] <= 1.2 * CLIP_SD / scaler.sd[0]
    np.testing.assert_allclose(scaled[:, 1:], 0.0)
    assert scaled[1, 0] == pytest.approx(0.0, abs=1e-9)


def test_centiles_are_of_the_known_values_whether_or_not_another_column_has_gaps():
    whole = np.arange(11.0)
    gap = np.array([*(10.0 * whole[:10]), np.nan])
    both = RobustScaler.fit(np.column_stack((whole, gap)))
    # Of 0 to 10: 1, 5 and 9; of 0 to 90: 9, 45 and 81.
    np.testing.assert_allclose(both.middle, [5.0, 45.0])
    np.testing.assert_allclose(both.spread[1] / both.spread[0], 72.0 / 8.0)
    np.testing.assert_array_equal(RobustScaler.fit(gap[:, np.newaxis]).middle, both.middle[1:])


def test_each_exercise_is_scaled_by_itself_and_a_rare_one_by_all():
    values = np.concatenate((np.linspace(0.0, 1.0, 10), np.linspace(100.0, 110.0, 10), [55.0]))[:, np.newaxis]
    exercises = ["a"] * 10 + ["b"] * 10 + ["rare"]
    scalers = ExerciseScalers.fit(values, exercises)
    scaled = scalers.scale(values, exercises)[:, 0]
    assert scaled[:10].mean() == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(scaled[:10], scaled[10:20], atol=1e-9)
    assert "rare" not in scalers.by_exercise
    assert abs(scaled[20]) < 0.5
