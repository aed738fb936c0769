from __future__ import annotations

import numpy as np
import pytest

from backsight.errors import InvalidValueError
from backsight.evaluation.baselines import Median
from backsight.evaluation.conformal import CrossConformal, fewest_people, half_width_by_person
from backsight.evaluation.metrics import coverage
from backsight.evaluation.protocol import Protocol, cross_validate
from tests.unit.evaluation.studies import SCALE, Spy, make_study


def test_with_one_clip_a_person_it_is_split_conformal_prediction() -> None:
    errors = np.arange(1, 20) / 100.0 * np.where(np.arange(19) % 2, 1, -1)  # |errors| = 0.01 to 0.19
    people = [f"p{number}" for number in range(19)]

    assert half_width_by_person(errors, people, level=0.9) == pytest.approx(0.18)  # ceil(20 * 0.9) = 18th of 19


def test_it_covers_as_promised() -> None:
    rng = np.random.default_rng(0)
    people = [f"p{number}" for number in range(19)]
    covered = [abs(rng.normal()) <= half_width_by_person(rng.normal(size=19), people, level=0.9) for _ in range(4000)]
    # 18 of 20 exchangeable errors: exactly 0.9; four standard errors of a share of 4000 are 0.019
    assert np.mean(covered) == pytest.approx(0.9, abs=0.019)


def test_with_one_clip_a_person_mapie_says_the_same() -> None:
    regression = pytest.importorskip("mapie.regression", reason="MAPIE is in the extra `train`")
    base = pytest.importorskip("sklearn.base", reason="scikit-learn is in the extra `train`")

    class Known(base.RegressorMixin, base.BaseEstimator):
        """Hands its column back, as predictions that were made elsewhere."""

        def fit(self, x, y):
            self.n_features_in_ = 1
            return self

        def predict(self, x):
            return x[:, 0]

    rng = np.random.default_rng(1)
    predicted, target = rng.normal(size=(40, 1)), rng.normal(size=40)
    theirs = regression.SplitConformalRegressor(Known().fit(predicted, target), confidence_level=0.9, prefit=True)
    _, ends = theirs.conformalize(predicted, target).predict_interval(np.zeros((1, 1)))
    ours = half_width_by_person(predicted[:, 0] - target, [f"p{number}" for number in range(40)], level=0.9)
    assert ends[0, 1, 0] == pytest.approx(ours)


def test_every_person_counts_alike_however_many_clips() -> None:
    # Nine people with one clip and errors 1 to 9; a tenth with 90 clips, errors 100. 0.8 of 11 people are 8.8: with the
    # errors of 1 to 9 in order, 9 people are reached at the ninth.
    errors = np.array([*range(1, 10), *[100.0] * 90])
    people = [*(f"p{number}" for number in range(9)), *["often"] * 90]
    assert half_width_by_person(errors, people, level=0.8) == 9.0
    assert half_width_by_person(errors, people, level=0.9) == 100.0


def test_too_few_people_promise_nothing() -> None:
    with pytest.raises(InvalidValueError, match="at least 9 people to learn from, got 8"):
        half_width_by_person(np.ones(16), [f"p{number // 2}" for number in range(16)], level=0.9)
    assert [fewest_people(level) for level in (0.5, 0.8, 0.9, 0.95)] == [1, 4, 9, 19]
    assert half_width_by_person(np.ones(9), [f"p{number}" for number in range(9)], level=0.9) == 1.0


@pytest.mark.parametrize("refit", [True, False])
def test_intervals_hold_new_people_as_often_as_they_say(refit: bool) -> None:
    scores = np.random.default_rng(2).uniform(0, 50, size=120)
    study = make_study(n_people=120, score=lambda person, exercise: float(scores[person]))
    table = cross_validate(study, CrossConformal(Median(), level=0.8, refit=refit), protocol=Protocol(n_seeds=2))

    assert table.has_intervals
    assert coverage(table.low, table.high, table.score) == pytest.approx(0.8, abs=0.08)
    assert table.low.min() >= 0.0
    assert table.high.max() <= 50.0


def test_a_refit_predicts_as_the_learner_alone_does() -> None:
    study = make_study()
    sure = cross_validate(study, CrossConformal(Median()), protocol=Protocol(n_seeds=1))
    bare = cross_validate(study, Median(), protocol=Protocol(n_seeds=1))
    assert sure.predicted.tolist() == bare.predicted.tolist()


def test_errors_are_taken_of_people_whom_the_learner_was_fitted_without() -> None:
    # Everybody is scored 10 but one, 50; only learners that have not seen that one are off by 40.
    study = make_study(n_people=10, score=lambda person, _: 50.0 if person == 4 else 10.0)
    fitted = CrossConformal(Spy(), n_folds=10, level=0.9).fit(study.clips, scale=SCALE, seed=0)
    assert fitted.half_width == pytest.approx(40.0)
