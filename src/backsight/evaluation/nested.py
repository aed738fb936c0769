"""Predict training people by learners that were fitted without them. Knows no learner.

What choices inside `Learner.fit` rest on: a share, a rival, the width of an interval.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.evaluation.blinding import as_training, ask
from backsight.evaluation.folds import subject_folds
from backsight.evaluation.learner import FittedLearner, Learner


def out_of_fold(
    clips: Sequence[StudyClip], learner: Learner, *, scale: ScoreScale, seed: int, n_folds: int
) -> tuple[FloatArray, tuple[FittedLearner, ...]]:
    """Return predictions of scored clips by learners fitted on other people only, and these learners.

    Parameters
    ----------
    n_folds
        Fewer where there are fewer people.

    Returns
    -------
    tuple
        Scores of shape (n_clips,), and one fitted learner a fold.

    Raises
    ------
    InvalidValueError
        When there are fewer than two people.
    """
    subjects = [clip.subject for clip in clips]
    folds = subject_folds(subjects, n_folds=min(n_folds, len(set(subjects))), seed=seed)
    predicted = np.full(len(clips), np.nan)
    fitted = []
    for fold in range(int(folds.max()) + 1):
        training = [as_training(clips[row]) for row in np.flatnonzero(folds != fold).tolist()]
        fitted.append(learner.fit(training, scale=scale, seed=seed))
        rows = np.flatnonzero(folds == fold)
        predicted[rows] = ask(fitted[-1], [clips[row] for row in rows.tolist()]).predicted
    return predicted, tuple(fitted)


def scores_of(clips: Sequence[StudyClip]) -> FloatArray:
    """Return the scores; shape (n_clips,)."""
    return np.array([clip.score for clip in clips], dtype=np.float64)


def mean_miss(misses: FloatArray, scale: ScoreScale) -> float:
    """Return by how much predictions miss, for choices among them; `misses` of shape (n_clips,), in the scale's unit.

    The mean size, in the scale's unit; where scores are right or wrong the mean square (Brier's score), so that a
    probability wins and no median.
    """
    return float(np.square(misses).mean() if scale.is_binary else np.abs(misses).mean())


def within(values: FloatArray, scale: ScoreScale) -> FloatArray:
    """Return values with those beyond the scale moved to its end; shape as given."""
    return np.clip(values, min(scale.best, scale.worst), max(scale.best, scale.worst))
