"""Let a person's exercises tell about each other: pooling of predictions. Knows no learner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.evaluation.learner import FittedLearner, Learner
from backsight.evaluation.metrics import mean_absolute_error
from backsight.evaluation.nested import out_of_fold, scores_of

SHARES = (0.0, 0.25, 0.5, 0.75)
"""Shares that a nested choice is made from; 1 would forget the clip itself."""


@dataclass(frozen=True)
class HalfPooled:
    """A learner whose prediction of a clip leans on its predictions of the person's other clips.

    A back is bad in all exercises, and the errors of two exercises are partly independent.
    """

    learner: Learner
    share: float | None = 0.5
    """Weight of the mean of the other clips' predictions, 0 to 1; None = chosen among `SHARES` by predicting training
    people that the learner was fitted without."""
    n_folds: int = 5
    """Of the nested choice."""

    @property
    def name(self) -> str:
        """The learner's name and how much is pooled."""
        return f"{self.learner.name}+session" if self.share is None else f"{self.learner.name}+session-{self.share:g}"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedLearner:
        """Fit the learner and, where it is not given, choose the share."""
        share = self.share
        if share is None:
            predicted, _ = out_of_fold(clips, self.learner, scale=scale, seed=seed, n_folds=self.n_folds)
            target, subjects = scores_of(clips), [clip.subject for clip in clips]
            share = min(
                SHARES,
                key=lambda tried: mean_absolute_error(pool_people(predicted, subjects, share=tried), target),
            )
        return _FittedPooled(self.learner.fit(clips, scale=scale, seed=seed), share)


@dataclass(frozen=True)
class _FittedPooled:
    fitted: FittedLearner
    share: float

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        predicted = np.asarray(self.fitted.predict(clips), dtype=np.float64)
        return pool_people(predicted, [clip.subject for clip in clips], share=self.share)


def pool_people(predicted: FloatArray, subjects: Sequence[str], *, share: float) -> FloatArray:
    """Move each clip's prediction towards the mean of the person's other clips'.

    Parameters
    ----------
    predicted
        Shape (n_clips,).
    subjects
        Whom each clip shows.
    share
        0 = own prediction only, 1 = the others' only. A person's only clip keeps its own.
    """
    _, who = np.unique(np.array(subjects), return_inverse=True)
    n_others = np.bincount(who)[who] - 1
    sum_others = np.bincount(who, weights=predicted)[who] - predicted
    others = np.where(n_others > 0, sum_others / np.maximum(n_others, 1), predicted)
    return np.asarray((1.0 - share) * predicted + share * others, dtype=np.float64)
