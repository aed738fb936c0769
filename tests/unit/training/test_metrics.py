"""Figures against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backsight.errors import InvalidValueError
from backsight.training.metrics import (
    area_under_roc,
    conformal_half_width,
    mean_absolute_error,
    root_mean_square_error,
    spearman,
)


def test_errors() -> None:
    predicted, target = np.array([0.1, 0.5, 0.9]), np.array([0.1, 0.2, 0.5])

    assert mean_absolute_error(predicted, target) == pytest.approx(0.7 / 3)
    assert root_mean_square_error(predicted, target) == pytest.approx(math.sqrt(0.25 / 3))


def test_spearman_sees_order_only() -> None:
    # ranks 1 2 3 4 against 1 2 4 3: rho = 1 - 6 * (0 + 0 + 1 + 1) / (4 * 15)
    assert spearman(np.array([0.0, 1.0, 5.0, 90.0]), np.array([0.1, 0.2, 0.4, 0.3])) == pytest.approx(0.8)


def test_spearman_of_a_constant_is_unknown() -> None:
    assert math.isnan(spearman(np.array([0.3, 0.3, 0.3]), np.array([0.1, 0.2, 0.4])))


def test_area_under_roc_counts_pairs() -> None:
    score, flagged = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True])

    # pairs (flagged, not): 0.4 > 0.1, 0.4 = 0.4, 0.8 > 0.1, 0.8 > 0.4
    assert area_under_roc(score, flagged) == pytest.approx(3.5 / 4)
    assert math.isnan(area_under_roc(score, np.zeros(4, dtype=bool)))


def test_conformal_half_width_is_the_right_order_statistic() -> None:
    errors = np.arange(1, 20) / 100.0 * np.where(np.arange(19) % 2, 1, -1)  # |errors| = 0.01 to 0.19

    assert conformal_half_width(errors, level=0.9) == pytest.approx(0.18)  # ceil(20 * 0.9) = 18th of 19


def test_conformal_half_width_covers_as_promised() -> None:
    rng = np.random.default_rng(0)
    covered = [abs(rng.normal()) <= conformal_half_width(rng.normal(size=19), level=0.9) for _ in range(4000)]
    # 18 of 20 exchangeable errors: exactly 0.9; four standard errors of a share of 4000 are 0.019
    assert np.mean(covered) == pytest.approx(0.9, abs=0.019)


def test_too_few_errors_promise_nothing() -> None:
    with pytest.raises(InvalidValueError, match="at least 9 calibration recordings, got 8"):
        conformal_half_width(np.zeros(8), level=0.9)
