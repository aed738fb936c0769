"""Choose among learners inside the training people. Knows none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backsight.domain.study import ScoreScale, StudyClip
from backsight.errors import InvalidValueError
from backsight.evaluation.learner import FittedLearner, Learner
from backsight.evaluation.nested import mean_miss, out_of_fold, scores_of


@dataclass(frozen=True)
class NestedChoice:
    """The one of several learners that misses least (`mean_miss`) on training people whom it was fitted without.

    Held-out people have no say in which it is; in another fold it may be another.
    """

    learners: tuple[Learner, ...]
    name: str = "best"
    n_folds: int = 5

    def __post_init__(self) -> None:
        if not self.learners:
            raise InvalidValueError("`learners` must hold at least one learner to choose, got none")

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedLearner:
        """Fit the learner with the least `mean_miss` out of fold, on all the clips."""
        target = scores_of(clips)
        errors = [
            mean_miss(out_of_fold(clips, one, scale=scale, seed=seed, n_folds=self.n_folds)[0] - target, scale)
            for one in self.learners
        ]
        return self.learners[int(np.argmin(errors))].fit(clips, scale=scale, seed=seed)
