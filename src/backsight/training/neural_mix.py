"""Let several learners judge together: the mean of their scores. Knows nothing of what they learn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import FittedLearner, Learner


@dataclass(frozen=True)
class MeanOfLearners:
    """A `Learner` whose score is the mean of several learners', each fitted to the same clips."""

    learners: tuple[Learner, ...]
    name: str

    def __post_init__(self) -> None:
        if not self.learners:
            raise InvalidValueError("`learners` must hold at least one learner, got none")

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedMean:
        """Fit each learner; raises what they raise."""
        return FittedMean(tuple(learner.fit(clips, scale=scale, seed=seed) for learner in self.learners))


@dataclass(frozen=True, eq=False)
class FittedMean:
    """Learners after they have seen their training people."""

    fitted: tuple[FittedLearner, ...]

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return the mean score of each clip, in the study's scale; shape (n_clips,)."""
        return np.asarray(np.mean([one.predict(clips) for one in self.fitted], axis=0))
