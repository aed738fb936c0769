from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from backsight.domain.study import ScoreScale
from backsight.errors import InvalidValueError
from backsight.evaluation.choice import NestedChoice
from backsight.evaluation.protocol import Protocol, cross_validate
from tests.unit.evaluation.studies import make_study


def test_the_nearest_learner_on_training_people_is_chosen_and_not_on_held_out_ones() -> None:
    class Says:
        def __init__(self, value):
            self.value, self.name = value, f"says-{value}"

        def fit(self, clips, *, scale, seed):
            return self

        def predict(self, clips):
            return np.full(len(clips), self.value)

    # In the folds that hold the 45 out, 10 is nearest on the others; where it is learnt from, too.
    study = make_study(n_people=6, score=lambda person, _: 45.0 if person == 0 else 10.0)
    table = cross_validate(
        study, NestedChoice((Says(45.0), Says(10.0)), n_folds=2), protocol=Protocol(n_folds=3, n_seeds=1)
    )
    assert set(table.predicted.tolist()) == {10.0}


def test_of_right_and_wrong_the_probability_is_chosen_and_not_the_median() -> None:
    @dataclass(frozen=True)
    class Says:
        value: float
        name: str = "says"

        def fit(self, clips, *, scale, seed):
            return self

        def predict(self, clips):
            return np.full(len(clips), self.value)

    # Six of ten are right: the median, 1, is 0.4 off in the mean and 0.4 off squared; 0.6 is 0.48 off and 0.24 squared.
    clips = make_study(n_people=10, score=lambda person, _: float(person >= 4)).scored()
    choice = NestedChoice((Says(1.0), Says(0.6)), n_folds=2)
    for is_binary, chosen in ((True, 0.6), (False, 1.0)):
        scale = ScoreScale(best=1.0, worst=0.0, is_binary=is_binary)
        assert choice.fit(clips, scale=scale, seed=0) == Says(chosen)


def test_a_choice_needs_something_to_choose() -> None:
    with pytest.raises(InvalidValueError, match="at least one learner"):
        NestedChoice(())
