"""Kernels and trees that judge together: their mean, and what moved a score of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import Learner
from backsight.features.summary import Summary
from backsight.studying.teaching import make_fitted_file
from backsight.training import kinematic
from backsight.training.ensembles import (
    FittedEnsemble,
    FittedTrees,
    KinematicEnsemble,
    TreesLearner,
    kinematic_ensemble,
)
from backsight.training.fitted_file import read_fitted, write_fitted
from backsight.training.forest_arrays import ForestArrays
from backsight.training.kinematic import FittedKinematic, summary_of
from backsight.training.learners import make_learner
from backsight.training.neural_mix import FittedMean
from tests.unit.studying.moving import bending_clip, moving_study

Fitted = FittedKinematic | FittedTrees | FittedEnsemble


def small_forest(n_columns: int) -> ForestArrays:
    from sklearn.ensemble import ExtraTreesRegressor

    rng = np.random.default_rng(0)
    columns = rng.normal(size=(60, n_columns))
    target = columns[:, 0] * columns[:, 1] + np.abs(columns[:, -1])
    return ForestArrays.of(ExtraTreesRegressor(7, min_samples_leaf=2, random_state=0).fit(columns, target))


def shares_over_all_orders(forest: ForestArrays, shown: FloatArray, reference: FloatArray, groups) -> FloatArray:
    """Shapley's definition: the mean of what a group adds when it is its turn, over every order."""
    n_groups = max(groups) + 1
    shares = np.zeros(n_groups)
    orders = list(permutations(range(n_groups)))
    for order in orders:
        row = reference.copy()
        before = forest.predict(row[np.newaxis])[0]
        for group in order:
            mine = np.array(groups) == group
            row[mine] = shown[mine]
            after = forest.predict(row[np.newaxis])[0]
            shares[group] += after - before
            before = after
    return shares / len(orders)


@pytest.mark.parametrize("groups", [[0, 1, 2, 3], [0, 1, 0, 1], [0, 0, 1, 1]])
def test_a_forest_is_shared_out_as_shapley_defines_it(groups: list[int]) -> None:
    forest = small_forest(4)
    rng = np.random.default_rng(1)
    for _ in range(5):
        shown, reference = rng.normal(size=4), rng.normal(size=4)
        told = forest.shapley(shown, reference, groups=np.array(groups))
        np.testing.assert_allclose(told, shares_over_all_orders(forest, shown, reference, groups), atol=1e-12)


def test_a_column_that_is_the_same_in_both_rows_moves_nothing() -> None:
    forest = small_forest(3)
    shown, reference = np.array([1.0, -0.4, 0.2]), np.array([-1.0, -0.4, 0.9])
    told = forest.shapley(shown, reference, groups=np.arange(3))
    assert told[1] == 0.0
    assert told[0] != 0.0
    np.testing.assert_array_equal(forest.shapley(shown, shown, groups=np.arange(3)), np.zeros(3))


@pytest.fixture(scope="module")
def ensemble() -> FittedEnsemble:
    study = moving_study()
    learner = replace(kinematic_ensemble(), trees=TreesLearner(n_trees=30))
    return learner.fit(study.scored(), scale=study.scale, seed=0)


def somebody(score: float, exercise: str = "left") -> StudyClip:
    return bending_clip("somebody", exercise, score=score, seed=900)


def with_typical(
    monkeypatch: pytest.MonkeyPatch, fitted: Fitted, clip: StudyClip, which, *, scaler, among: Sequence[StudyClip] = ()
) -> float:
    """Return the score of a clip some measures of which are those of somebody typical."""
    typical = scaler.middle + np.where(np.isfinite(scaler.spread), scaler.spread, 0.0) * scaler.mean

    def deleted(asked: StudyClip) -> Summary:
        summary = summary_of(asked)
        if asked is not clip:
            return summary
        values = summary.values.copy()
        values[which] = typical[which]
        return replace(summary, values=values)

    with monkeypatch.context() as patched:
        patched.setattr(kinematic, "summary_of", deleted)
        return float(fitted.unbounded([clip, *among])[0])


def test_it_says_the_mean_of_its_parts(ensemble: FittedEnsemble) -> None:
    clips = [somebody(12.0), replace(somebody(33.0, "right"), subject="somebody else")]
    parts = [one.unbounded(clips) for one in (*ensemble.kernels, ensemble.trees)]
    assert len(parts) == 3
    np.testing.assert_allclose(ensemble.unbounded(clips), np.mean(parts, axis=0))
    np.testing.assert_array_equal(ensemble.predict(clips), np.clip(ensemble.unbounded(clips), 0.0, 50.0))
    assert ensemble.predict(clips)[1] > ensemble.predict(clips)[0] + 5.0
    low = replace(ensemble, scale=ScoreScale(best=20.0, worst=0.0))
    assert low.predict(clips)[1] == 20.0


@pytest.mark.parametrize("part", ["kernel", "trees", "all"])
def test_points_add_up_to_the_distance_from_somebody_typical(
    ensemble: FittedEnsemble, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    parts: dict[str, Fitted] = {"kernel": ensemble.kernels[0], "trees": ensemble.trees, "all": ensemble}
    asked = parts[part]
    scaler = ensemble.trees.scalers.by_exercise["left"]
    for clip in (somebody(9.0), somebody(41.0)):
        typical = with_typical(monkeypatch, asked, clip, slice(None), scaler=scaler)
        away = float(asked.unbounded([clip])[0]) - typical
        assert abs(away) > 5.0
        # The kernels' path is taken in 24 steps; the trees' shares are exact.
        assert asked.points(clip).sum() == pytest.approx(away, rel=1e-9 if part == "trees" else 0.01)


def test_parts_may_leave_the_scale_as_long_as_their_mean_does_not(ensemble: FittedEnsemble) -> None:
    clip = somebody(33.0)
    ridge, support = (
        replace(one, levels={"left": level, "right": level})
        for one, level in zip(ensemble.kernels, (80.0, -20.0), strict=True)
    )
    pulled = replace(ensemble, kernels=(ridge, support))
    parts = [float(one.unbounded([clip])[0]) for one in (ridge, support, ensemble.trees)]
    assert parts[0] > 50.0
    assert parts[1] < 0.0
    assert pulled.predict([clip])[0] == pytest.approx(np.mean(parts))
    assert np.mean(parts) != pytest.approx(np.mean(np.clip(parts, 0.0, 50.0)))


def test_an_ensemble_needs_a_kernel() -> None:
    with pytest.raises(InvalidValueError, match="at least one"):
        KinematicEnsemble(kernels=(), trees=TreesLearner())


def test_an_ensemble_s_file_of_before_it_explained_itself_is_read(ensemble: FittedEnsemble, tmp_path: Path) -> None:
    study = moving_study()
    parts = FittedMean((*ensemble.kernels, ensemble.trees))
    content = make_fitted_file(
        study, kinematic_ensemble(), parts, judged=None, seed=0, command="backsight train", version="0"
    )
    write_fitted(tmp_path / "m", content)
    clips = [somebody(12.0), somebody(33.0)]
    np.testing.assert_array_equal(read_fitted(tmp_path / "m").fitted.predict(clips), parts.predict(clips))


def test_deleting_what_it_names_moves_the_score_as_it_says(
    ensemble: FittedEnsemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = somebody(9.0)
    points = ensemble.points(clip)
    score = float(ensemble.unbounded([clip])[0])
    order = np.argsort(-np.abs(points))
    named, unnamed = order[:20], np.random.default_rng(0).permutation(order[20:])[:20]
    scaler = ensemble.trees.scalers.by_exercise["left"]
    without_named, without_others = (
        with_typical(monkeypatch, ensemble, clip, some, scaler=scaler) for some in (named, unnamed)
    )
    moved = score - without_named
    assert points[named].sum() < -1.0
    # Measures act together, so that twenty taken at once do not do exactly what their shares say.
    assert moved == pytest.approx(points[named].sum(), rel=0.5)
    assert abs(moved) > 3.0 * abs(score - without_others)


def test_points_are_of_the_clip_and_not_of_the_persons_others(
    ensemble: FittedEnsemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, other = somebody(9.0), somebody(41.0, "right")
    both = float(ensemble.unbounded([clip, other])[0])
    alone = float(ensemble.unbounded([clip])[0])
    assert both > alone
    told = ensemble.points(clip, among=[clip, other])
    np.testing.assert_array_equal(told, ensemble.points(clip, among=[other]))
    # The person's other clip stays as it is, in both sums, and is not this clip's doing.
    scaler = ensemble.trees.scalers.by_exercise["left"]
    for asked, rel in ((ensemble.trees, 1e-9), (ensemble.kernels[0], 0.01)):
        without = with_typical(monkeypatch, asked, clip, slice(None), scaler=scaler, among=[other])
        away = float(asked.unbounded([clip, other])[0]) - without
        assert asked.points(clip, among=[other]).sum() == pytest.approx(away, rel=rel)
    # Half of the person's mean is held, so a bad bend has less to answer for.
    assert ensemble.points(clip).sum() < told.sum() < 0.0
    assert ensemble.usual("left")[0].shape == told.shape


def test_a_card_says_which_of_several_learners_was_taken(ensemble: FittedEnsemble) -> None:
    study = moving_study()

    def card(learner: Learner, fitted: FittedKinematic | FittedEnsemble) -> str:
        content = make_fitted_file(study, learner, fitted, judged=None, seed=0, command="backsight train", version="9")
        return content.card

    assert "- Learner: `best`, which took `kinematic-ensemble`, fitted with" in card(make_learner("best"), ensemble)
    assert "- Learner: `best`, which took `kinematic`, fitted with" in card(make_learner("best"), ensemble.kernels[1])
    assert "- Learner: `kinematic-ensemble`, fitted with" in card(kinematic_ensemble(), ensemble)
