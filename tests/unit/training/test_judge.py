"""Scores, their groups and the rivals, on numbers small enough to check by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backsight.domain.recording import Exercise, Recording
from backsight.training.examples import Example
from backsight.training.judge import Score, fit_duration, fit_median, flatten, score_by_exercise


def _example(who: str, exercise: Exercise, *, index: float, true: float, duration_s: float = 1.0) -> Example:
    return Example(
        recording=Recording(who, exercise, rating=100.0 * (1.0 - index)),
        values=np.zeros((2, 1), np.float32),
        duration_s=duration_s,
        true_index=true,
    )


def test_scores_each_exercise_and_the_mean_of_a_persons_exercises() -> None:
    examples = [
        _example("b", Exercise.WALK, index=0.2, true=0.3),
        _example("a", Exercise.WALK, index=0.8, true=0.7),
        _example("b", Exercise.JUMP, index=0.4, true=0.3),
    ]

    groups = score_by_exercise(np.array([0.5, 0.6, 0.3]), examples)

    assert list(groups) == ["walk", "jump", "session"]
    walk = groups["walk"]
    assert (walk.n, walk.auc_red_flag, walk.spearman_true) == (2, 1.0, pytest.approx(1.0))
    assert walk.mae_true == pytest.approx((0.2 + 0.1) / 2)
    assert walk.mae_rating == pytest.approx((0.3 + 0.2) / 2)
    assert math.isnan(groups["jump"].auc_red_flag)
    # person b: predicted (0.5 + 0.3) / 2 = 0.4, true 0.3, rated (0.2 + 0.4) / 2 = 0.3; person a as above
    assert groups["session"].n == 2
    assert groups["session"].mae_true == pytest.approx((0.1 + 0.1) / 2)
    assert groups["session"].rmse_rating == pytest.approx(math.sqrt((0.2**2 + 0.1**2) / 2))


def test_median_rival() -> None:
    train = [_example(str(n), Exercise.WALK, index=index, true=0.0) for n, index in enumerate([0.1, 0.2, 0.9])]

    jump = _example("j", Exercise.JUMP, index=0.8, true=0.0)
    np.testing.assert_allclose(fit_median([*train, jump])([*train, jump]), [0.2, 0.2, 0.2, 0.8])


def test_duration_rival_reads_the_clock_of_each_exercise() -> None:
    def timed(exercise: Exercise, index: float, duration_s: float) -> Example:
        return _example("a", exercise, index=index, true=0.0, duration_s=duration_s)

    train = [
        timed(Exercise.WALK, 0.2, 1.0),
        timed(Exercise.WALK, 0.6, math.e),
        timed(Exercise.JUMP, 0.5, 1.0),
        timed(Exercise.JUMP, 0.3, math.e),
    ] * 3
    asked = [timed(Exercise.WALK, 0.0, math.sqrt(math.e)), timed(Exercise.JUMP, 0.0, math.sqrt(math.e))]

    np.testing.assert_allclose(fit_duration(train)(asked), [0.4, 0.4])
    np.testing.assert_allclose(fit_duration(train)([timed(Exercise.WALK, 0.0, math.e**9)]), [1.0])


def test_flattened_figures_are_named_by_predictor_and_group() -> None:
    one = Score(n=2, mae_true=0.1, rmse_true=0.2, spearman_true=0.3, auc_red_flag=0.4, mae_rating=0.5, rmse_rating=0.6)

    figures = flatten({"network": {"walk": one}})

    assert figures["network.walk.mae_true"] == 0.1
    assert len(figures) == 7
