"""Let several kinds of learner on the same summary measures judge together. Knows no sensor and no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.folds import subject_folds
from backsight.evaluation.nested import within
from backsight.training.forest_arrays import ForestArrays
from backsight.training.kinematic import (
    FittedKinematic,
    KinematicLearner,
    check_learnable,
    exercise_levels,
    exercise_means,
    summaries_of,
    summary_terms,
    with_first,
)
from backsight.training.kinematic_kernel import KernelTerms
from backsight.training.kinematic_scaling import ExerciseScalers

N_TREES = 150
FEATURES_A_SPLIT = "sqrt"
"""Of some 960 columns, so many are looked at for a split: a common choice. A few times as many took twice as long and
were no nearer, tried on KIMORE and UI-PRMD."""
N_INNER_FOLDS = 3
LEAST_STRETCH, MOST_STRETCH = 1.0, 1.6
"""Averaged trees hug the mean; by how much is told by training people left out, and kept within these."""


def kinematic_ensemble() -> KinematicEnsemble:
    """Return the mean of kernel ridge, support vectors and extra trees, all on the same measures.

    Plain equal weights: some sixty people are not enough to learn better ones. Where scores are right or wrong, support
    vectors give way to kernel ridge (`KinematicLearner.robust`), which then counts twice. What it is worth beside its
    parts and others: `backsight benchmark kimore --learner kinematic-ensemble --learner kinematic`.
    """
    return KinematicEnsemble(
        kernels=(
            KinematicLearner(name="kernel ridge", robust=False),
            KinematicLearner(name="support vectors", robust=True),
        ),
        trees=TreesLearner(),
    )


@dataclass(frozen=True)
class KinematicEnsemble:
    """The mean of kernels and trees on the same measures, which says what moved a score as its parts do."""

    kernels: tuple[KinematicLearner, ...]
    trees: TreesLearner
    name: str = "kinematic-ensemble"

    def __post_init__(self) -> None:
        if not self.kernels:
            raise InvalidValueError("`kernels` must hold at least one, which tells what is usual, got none")

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedEnsemble:
        """Fit each part to all the clips; raises what they raise."""
        kernels = tuple(one.fit(clips, scale=scale, seed=seed) for one in self.kernels)
        return FittedEnsemble(scale, kernels, self.trees.fit(clips, scale=scale, seed=seed))


@dataclass(frozen=True, eq=False)
class FittedEnsemble:
    """Kernels and trees after their training people."""

    kind: ClassVar[str] = "kinematic-ensemble"
    """As learners are named, for whoever had several to choose from."""

    scale: ScoreScale
    kernels: tuple[FittedKinematic, ...]
    trees: FittedTrees

    @property
    def _parts(self) -> tuple[FittedKinematic | FittedTrees, ...]:
        return (*self.kernels, self.trees)

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return the parts' mean score within the scale, a person's clips pooled; shape (n_clips,)."""
        return within(self.unbounded(clips), self.scale)

    def unbounded(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return the parts' mean score, which may lie beyond the scale; shape (n_clips,)."""
        return np.asarray(np.mean([one.unbounded(clips) for one in self._parts], axis=0))

    @property
    def how(self) -> str:
        """How `points` are found, for readers of a report."""
        return (
            "The shares are the mean of what its parts say: kernels along the way from a typical movement to this one "
            "(integrated gradients), trees by taking the measures from one or the other in every order (Shapley "
            "values), because the model's measures act together."
        )

    def points(self, clip: StudyClip, *, among: Sequence[StudyClip] = ()) -> FloatArray:
        """Return the mean of the parts' `points`, which adds up as theirs do; shape (n_features,)."""
        return np.asarray(np.mean([one.points(clip, among=among) for one in self._parts], axis=0))

    def usual(self, exercise: str) -> tuple[FloatArray, FloatArray]:
        """Return the 10th and the 90th centile of each measure; see `FittedKinematic.usual`."""
        return self.kernels[0].usual(exercise)


@dataclass(frozen=True)
class TreesLearner:
    """Extra trees on a movement's measures and the person's mean over exercises, all exercises at once."""

    name: str = "trees"
    n_trees: int = N_TREES

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedTrees:
        """Grow trees on how far scores are from the exercise's mean, and stretch what they say.

        Raises
        ------
        InvalidValueError
            When there are fewer than two people, or a clip is not scored.
        """
        check_learnable(clips)
        scalers = ExerciseScalers.fit(summaries_of(clips), [clip.exercise for clip in clips])
        means = exercise_means(clips)
        columns = _columns(summary_terms(clips, scalers))
        centred = np.array([clip.score for clip in clips]) - exercise_levels(clips, means)
        people = [clip.subject for clip in clips]
        return FittedTrees(
            scale=scale,
            scalers=scalers,
            means=means,
            trees=_grow(columns, centred, n_trees=self.n_trees, seed=seed),
            stretch=_stretch(columns, centred, people, n_trees=self.n_trees, seed=seed),
        )


@dataclass(frozen=True, eq=False)
class FittedTrees:
    """Trees after their training people."""

    scale: ScoreScale
    scalers: ExerciseScalers
    means: dict[str, float]
    trees: ForestArrays
    stretch: float
    """By how much a prediction's distance from the exercise's mean is enlarged."""

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return scores within the scale; shape (n_clips,)."""
        return within(self.unbounded(clips), self.scale)

    def unbounded(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return scores that may lie beyond the scale; shape (n_clips,)."""
        if not clips:
            return np.empty(0)
        away = self.trees.predict(_columns(summary_terms(clips, self.scalers)))
        return exercise_levels(clips, self.means) + self.stretch * away

    def points(self, clip: StudyClip, *, among: Sequence[StudyClip] = ()) -> FloatArray:
        """Return by how much each measure of a clip moves its score from that of a typical person.

        Shapley values against the typical summary of the exercise: they add up to the score, before it is brought into
        the scale, less that of somebody typical in everything. A measure counts with what it does to the person's mean.

        Parameters
        ----------
        among
            Other clips of the same person, which are pooled with this one and held as they are.

        Returns
        -------
        numpy.ndarray
            In points of the score; shape (n_features,), in the order of the clip's summary.
        """
        asked = summary_terms(with_first(clip, among), self.scalers)
        typical = np.hstack(
            (np.zeros_like(asked.movement[0]), asked.person[0] - asked.own_weight[0] * asked.movement[0])
        )
        groups = np.tile(np.arange(asked.movement.shape[1]), 2)
        return self.stretch * self.trees.shapley(_columns(asked)[0], typical, groups=groups)


def _columns(terms: KernelTerms) -> FloatArray:
    return np.hstack((terms.movement, terms.person))


def _grow(columns: FloatArray, target: FloatArray, *, n_trees: int, seed: int) -> ForestArrays:
    from sklearn.ensemble import ExtraTreesRegressor

    trees = ExtraTreesRegressor(n_trees, min_samples_leaf=2, max_features=FEATURES_A_SPLIT, random_state=seed, n_jobs=1)
    return ForestArrays.of(trees.fit(columns, target))


def _stretch(columns: FloatArray, target: FloatArray, people: Sequence[str], *, n_trees: int, seed: int) -> float:
    """Return the slope of the target on what trees say of people whom they have not seen."""
    folds: NDArray[np.intp] = subject_folds(people, n_folds=min(N_INNER_FOLDS, len(set(people))), seed=seed)
    told = np.empty_like(target)
    for fold in range(int(folds.max()) + 1):
        kept: Any = folds != fold
        told[~kept] = _grow(columns[kept], target[kept], n_trees=n_trees, seed=seed).predict(columns[~kept])
    slope = float(told @ target) / max(float(told @ told), 1e-12)
    return float(np.clip(slope, LEAST_STRETCH, MOST_STRETCH))
