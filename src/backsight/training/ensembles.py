"""Let several kinds of learner on the same summary measures judge together. Knows no sensor and no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.evaluation.folds import subject_folds
from backsight.training.kinematic import (
    KinematicLearner,
    check_learnable,
    exercise_levels,
    exercise_means,
    summaries_of,
    summary_terms,
)
from backsight.training.kinematic_kernel import KernelTerms
from backsight.training.kinematic_scaling import ExerciseScalers
from backsight.training.neural_mix import MeanOfLearners

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

N_TREES = 150
N_INNER_FOLDS = 3
LEAST_STRETCH, MOST_STRETCH = 1.0, 1.6
"""Averaged trees hug the mean; by how much is told by training people left out, and kept within these."""


def kinematic_ensemble() -> MeanOfLearners:
    """Return the mean of kernel ridge, support vectors and extra trees, all on the same measures.

    Plain equal weights: some sixty people are not enough to learn better ones. What it is worth beside its parts and
    others: `backsight benchmark kimore --learner kinematic-ensemble --learner kinematic`.
    """
    return MeanOfLearners(
        learners=(
            KinematicLearner(name="kernel ridge", robust=False),
            KinematicLearner(name="support vectors", robust=True),
            TreesLearner(),
        ),
        name="kinematic-ensemble",
    )


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
    trees: ExtraTreesRegressor
    stretch: float
    """By how much a prediction's distance from the exercise's mean is enlarged."""

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return scores within the scale; shape (n_clips,)."""
        if not clips:
            return np.empty(0)
        away = self.trees.predict(_columns(summary_terms(clips, self.scalers)))
        raw = exercise_levels(clips, self.means) + self.stretch * away
        return np.asarray(np.clip(raw, min(self.scale.best, self.scale.worst), max(self.scale.best, self.scale.worst)))


def _columns(terms: KernelTerms) -> FloatArray:
    return np.hstack((terms.movement, terms.person))


def _grow(columns: FloatArray, target: FloatArray, *, n_trees: int, seed: int) -> ExtraTreesRegressor:
    from sklearn.ensemble import ExtraTreesRegressor

    trees = ExtraTreesRegressor(n_trees, min_samples_leaf=2, max_features=0.15, random_state=seed, n_jobs=1)
    return trees.fit(columns, target)


def _stretch(columns: FloatArray, target: FloatArray, people: Sequence[str], *, n_trees: int, seed: int) -> float:
    """Return the slope of the target on what trees say of people whom they have not seen."""
    folds: NDArray[np.intp] = subject_folds(people, n_folds=min(N_INNER_FOLDS, len(set(people))), seed=seed)
    told = np.empty_like(target)
    for fold in range(int(folds.max()) + 1):
        kept: Any = folds != fold
        told[~kept] = _grow(columns[kept], target[kept], n_trees=n_trees, seed=seed).predict(columns[~kept])
    slope = float(told @ target) / max(float(told @ told), 1e-12)
    return float(np.clip(slope, LEAST_STRETCH, MOST_STRETCH))
