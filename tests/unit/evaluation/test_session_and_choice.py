from __future__ import annotations

import numpy as np
import pytest

from backsight.errors import InvalidValueError
from backsight.evaluation.choice import NestedChoice
from backsight.evaluation.protocol import Protocol, cross_validate
from backsight.evaluation.session import HalfPooled, pool_people
from tests.unit.evaluation.studies import SCALE, make_study


def test_a_clip_leans_on_the_persons_other_clips() -> None:
    predicted = np.array([10.0, 40.0, 20.0, 30.0])
    pooled = pool_people(predicted, ["a", "b", "a", "a"], share=0.5)
    # a: others' means 25, 20, 15; b has no other clip.
    np.testing.assert_allclose(pooled, [17.5, 40.0, 20.0, 22.5])
    np.testing.assert_allclose(pool_people(predicted, ["a", "b", "a", "a"], share=0.0), predicted)


class Noisy:
    """Knows the score from the pose's duration, and adds what the exercise says."""

    name = "noisy"

    def __init__(self, noise):
        self._noise = noise

    def fit(self, clips, *, scale, seed):
        return self

    def predict(self, clips):
        return np.array([KNOWN[clip.pose] + self._noise[clip.exercise] for clip in clips])


KNOWN: dict[object, float] = {}


@pytest.mark.parametrize(
    ("noise", "share"),
    [
        # Own error 6 or -6, the other clip's the opposite: half and half cancels.
        ({"squat": 6.0, "lean": -6.0}, 0.5),
        # Both off alike: pooling changes nothing, so the first share, none, stays.
        ({"squat": 6.0, "lean": 6.0}, 0.0),
    ],
)
def test_the_share_is_chosen_among_training_people(noise, share) -> None:
    study = make_study()
    KNOWN.update({clip.pose: clip.score for clip in study.clips})
    fitted = HalfPooled(Noisy(noise), share=None).fit(study.clips, scale=SCALE, seed=0)
    assert fitted.share == share


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


def test_a_choice_needs_something_to_choose() -> None:
    with pytest.raises(InvalidValueError, match="at least one learner"):
        NestedChoice(())
