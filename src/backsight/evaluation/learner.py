"""What the protocol asks of anything that learns from scored movements. Knows no learner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from backsight.domain.study import ScoreScale, StudyClip
from backsight.domain.validation import FloatArray


class FittedLearner(Protocol):
    """A learner after it has seen its training people."""

    def predict(self, clips: Sequence[StudyClip]) -> FloatArray:
        """Return a score for each clip, in the study's scale; shape (n_clips,).

        Clips of one subject given together may be pooled; the prediction of a person must not depend on the other
        people in `clips`, nor on any clip's `score` or `group`.
        """
        ...


class Learner(Protocol):
    """A way to learn scores from movements.

    Everything that is fitted or chosen - weights, scalers, features, hyperparameters, when to stop - happens in `fit`,
    which is shown training people only. So nothing of a held-out person can leak.
    """

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def fit(self, clips: Sequence[StudyClip], *, scale: ScoreScale, seed: int) -> FittedLearner:
        """Learn from scored clips; the same clips and seed give the same learner.

        Raises
        ------
        InvalidValueError
            When there are too few people to learn from.
        """
        ...


@runtime_checkable
class FittedIntervalLearner(FittedLearner, Protocol):
    """A fitted learner that also says how sure it is."""

    def predict_interval(self, clips: Sequence[StudyClip]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return prediction, lower and upper end for each clip, in the study's scale; each of shape (n_clips,).

        What `predict` promises of people, scores and groups holds here, too; the first array is what `predict` returns.
        """
        ...
