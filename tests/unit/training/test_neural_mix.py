"""Learners that judge together say the mean of what they say alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.training.neural_mix import MeanOfLearners
from tests.unit.training.test_neural import cohort


@dataclass(frozen=True)
class Says:
    score: float
    name: str = "says"

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> Says:
        return Says(self.score + 10.0 * seed)

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        return np.full(len(clips), self.score)


def test_the_mean_of_learners_fitted_with_the_same_seed() -> None:
    clips = cohort(2)
    fitted = MeanOfLearners((Says(1.0), Says(4.0)), name="both").fit(clips, scale=ScoreScale(50.0, 0.0), seed=1)
    np.testing.assert_array_equal(fitted.predict(clips), [12.5] * 4)


def test_nobody_is_no_mean() -> None:
    with pytest.raises(InvalidValueError, match="at least one learner, got none"):
        MeanOfLearners((), name="none")
