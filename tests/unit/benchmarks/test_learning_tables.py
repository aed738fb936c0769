"""Figures that learning benchmarks share, by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from backsight.benchmarks.learning_tables import of, within_folds
from backsight.evaluation.metrics import spearman
from tests.unit.studying.test_comparing import predictions


def test_within_folds_a_fold_that_is_ranked_right_counts_as_right_whatever_the_other_folds_are_told():
    # Two folds of three clips, scored 10, 11, 12 and 13, 14, 15. Each fold is ranked right, but the fold of the higher
    # scores is told the lower numbers, as from the mean of the others.
    told = replace(
        predictions([0.0] * 6, n_clips=1),
        fold=np.array([0, 0, 0, 1, 1, 1]),
        predicted=np.array([14.0, 14.1, 14.2, 11.0, 11.1, 11.2]),
    )
    assert within_folds(spearman, told) == pytest.approx(1.0)
    # Ranks 4, 5, 6, 1, 2, 3 against 1 to 6: 1 - 6 * 54 / (6 * 35).
    assert of(spearman, told, n_draws=0).value == pytest.approx(1.0 - 6.0 * 54.0 / 210.0)


def test_within_folds_one_number_for_a_fold_ranks_nobody_while_the_pooled_figure_is_below_0():
    told = replace(
        predictions([0.0] * 6, n_clips=1),
        fold=np.array([0, 0, 0, 1, 1, 1]),
        predicted=np.array([14.0, 14.0, 14.0, 11.0, 11.0, 11.0]),
    )
    assert math.isnan(within_folds(spearman, told))
    assert of(spearman, told, n_draws=0).value < -0.8


def test_within_folds_the_folds_of_another_seed_are_other_folds():
    one = predictions([0.0] * 4, n_clips=1)
    told = replace(
        one,
        seed=np.array([0, 0, 1, 1]),
        predicted=np.array([1.0, 2.0, 2.0, 1.0]),
    )
    assert within_folds(spearman, told) == pytest.approx(0.0)
