"""Give any learner intervals that hold a new person's score as often as they say. Knows no learner.

Written here and not taken from MAPIE 1.6, whose group-wise splits and quantile would do: it wants a scikit-learn
estimator over a matrix, while a learner is shown clips, a person's together, and without scores; and its conformity
scores weigh every clip alike, while it is people who are exchangeable, some with five clips and some with one. What is
left to write is `scoring.conformal`; a test holds it against MAPIE's where every person has one clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import FittedLearner, Learner
from backsight.evaluation.nested import out_of_fold, scores_of, within
from backsight.scoring.conformal import conformal_quantile_by_person


@dataclass(frozen=True)
class CrossConformal:
    """A learner with an interval, as wide as its errors on training people whom it was fitted without.

    Cross-conformal prediction (Vovk 2015) with a symmetric interval. Errors are weighed so that every person counts
    alike (pooling the people's distributions: Dunn, Wasserman and Ramdas 2023). The learner that predicts has seen a
    fold more than those whose errors are taken, so intervals lean to the wide side.
    """

    learner: Learner
    n_folds: int = 5
    level: float = 0.9
    refit: bool = True
    """Whether one more learner is fitted on all the people to predict; otherwise the folds' mean predicts."""

    @property
    def name(self) -> str:
        """The learner's name and the level."""
        return f"{self.learner.name}+{self.level:.0%}"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedConformal:
        """Fit the learner, and find the half-width.

        Raises
        ------
        InvalidValueError
            When there are too few people to promise the level.
        """
        predicted, fitted = out_of_fold(clips, self.learner, scale=scale, seed=seed, n_folds=self.n_folds)
        half_width = half_width_by_person(
            predicted - scores_of(clips), [clip.subject for clip in clips], level=self.level
        )
        predictors = (self.learner.fit(clips, scale=scale, seed=seed),) if self.refit else fitted
        return FittedConformal(predictors=predictors, half_width=half_width, scale=scale)


@dataclass(frozen=True)
class FittedConformal:
    """Predicts with an interval of one half-width, cut off at the ends of the scale."""

    predictors: tuple[FittedLearner, ...]
    """Their mean is the prediction."""
    half_width: float
    """In the scale's unit."""
    scale: ScoreScale

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return a score for each clip; shape (n_clips,)."""
        return np.asarray(np.mean([one.predict(clips) for one in self.predictors], axis=0), dtype=np.float64)

    def predict_interval(self, clips: Sequence[StudyClip]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return prediction, lower and upper end for each clip; each of shape (n_clips,)."""
        predicted = self.predict(clips)
        return (
            predicted,
            within(predicted - self.half_width, self.scale),
            within(predicted + self.half_width, self.scale),
        )


def half_width_by_person(errors: FloatArray, subjects: Sequence[str], *, level: float) -> float:
    """Return the half-width that holds the error of a new person's clip with probability `level` or more.

    Parameters
    ----------
    errors
        Prediction minus score of clips of people whom the learner had not seen; shape (n_clips,).
    subjects
        Whom each clip shows; the weights of a person's clips sum to 1, and a person with an error that nothing holds is
        added, who stands for the new one. With one clip a person that is split conformal prediction.
    level
        Between 0 and 1.

    Raises
    ------
    InvalidValueError
        When there are fewer than `fewest_people`.
    """
    people = np.array(subjects)
    half_width = conformal_quantile_by_person(np.abs(errors), people, level=level, counts_whole_people=False)
    if math.isinf(half_width):
        n_people = len(np.unique(people))
        raise InvalidValueError(
            f"a {level:.0%} interval needs at least {fewest_people(level)} people to learn from, got {n_people}; use "
            "more people"
        )
    return half_width


def fewest_people(level: float) -> int:
    """Return how many people it takes to promise a level: with fewer, one more may err the most too often."""
    # Rounded: 0.9 as a binary number lies above nine tenths.
    return math.ceil(round(level / (1.0 - level), 9))
