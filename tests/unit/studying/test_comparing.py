"""Two learners on the same people: signs, what chance explains, and what cannot be compared."""

import math

import numpy as np
import pytest

from backsight.errors import InputError
from backsight.evaluation.predictions import Predictions
from backsight.studying.comparing import compare_pair, comparison_lines, holm


def predictions(errors, *, n_clips=2, fold=0):
    """Each person has `n_clips` clips, scored 10, 11, ... and foretold wrong by the person's error."""
    errors = np.asarray(errors, dtype=np.float64)
    n = len(errors) * n_clips
    score = 10.0 + np.arange(n)
    text = np.array([""] * n)
    return Predictions(
        clip=np.arange(n),
        subject=np.repeat([f"p{person:02d}" for person in range(len(errors))], n_clips),
        exercise=text,
        group=text,
        view=text,
        seed=np.zeros(n, dtype=np.intp),
        fold=np.full(n, fold, dtype=np.intp),
        score=score,
        predicted=score + np.repeat(errors, n_clips),
        low=np.full(n, np.nan),
        high=np.full(n, np.nan),
    )


def test_a_learner_that_is_nearer_to_everybody_is_better():
    found = compare_pair(predictions([3.0] * 10), predictions([-1.0] * 10), n_draws=200)
    assert found.mad.value == pytest.approx(-2.0)
    assert (found.n_people, found.n_better) == (10, 10)
    # The signed-rank test's smallest two-sided p for ten people: 2 / 2**10.
    assert found.p_value == pytest.approx(2 / 2**10, rel=0.02) or found.p_value < 0.01
    assert found.verdict() == "better"
    assert compare_pair(predictions([-1.0] * 10), predictions([3.0] * 10), n_draws=200).verdict() == "worse"


def test_half_better_and_half_worse_cannot_be_told():
    one, other = [1.0, 2.0] * 6, [2.0, 1.0] * 6
    found = compare_pair(predictions(one), predictions(other), n_draws=200)
    assert found.mad.value == pytest.approx(0.0)
    assert found.verdict() == "cannot tell"
    assert "one cannot tell: 12 people do not decide it" in comparison_lines("a", {"b": found}, unit="points")[-1]


def test_runs_that_say_the_same_are_called_so():
    found = compare_pair(predictions([1.0, 2.0] * 6), predictions([1.0, 2.0] * 6), n_draws=200)
    assert comparison_lines("a", {"b": found}, unit="points")[-1] == "`b` and `a` said the same of everybody."


def test_five_people_are_too_few_whatever_they_say():
    found = compare_pair(predictions([9.0] * 5), predictions([0.1] * 5), n_draws=200)
    assert math.isnan(found.p_value)
    assert found.verdict() == "cannot tell"


def test_the_order_of_rows_does_not_matter():
    one = predictions([3.0, 1.0, 2.0, 4.0, 2.0, 1.0, 5.0])
    turned = Predictions(**{n: getattr(one, n)[::-1] for n in one.__dataclass_fields__ if n != "seconds"})
    found = compare_pair(one, turned, n_draws=50)
    assert (found.mad.value, found.n_better) == (0.0, 0)


def test_other_folds_or_people_are_refused():
    with pytest.raises(InputError, match=r"their `fold` differ"):
        compare_pair(predictions([1.0] * 6), predictions([1.0] * 6, fold=1))
    with pytest.raises(InputError, match=r"their `clip` differ"):
        compare_pair(predictions([1.0] * 6), predictions([1.0] * 7))


def test_holm_by_hand():
    # Sorted .01, .03, .04: .01 x 3, .03 x 2, then no smaller than the one before.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx((0.06, 0.03, 0.06))
    assert holm([0.9]) == (0.9,)
    assert math.isnan(holm([math.nan, 0.01])[0])
    assert holm([math.nan, 0.01])[1] == pytest.approx(0.02)
