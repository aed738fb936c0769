"""Figures against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backsight.evaluation.metrics import (
    agreement_icc,
    area_under_roc,
    balanced_accuracy,
    calibration_line,
    coverage,
    estimate,
    mean_absolute_error,
    mean_error,
    pearson,
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


def test_icc_counts_a_shift_against_agreement() -> None:
    target = np.array([1.0, 2.0, 3.0])
    # Raters differ by a constant 1: between people 2 * var(1.5, 2.5, 3.5) = 2, between raters 3 * 0.5 = 1.5, rest 0;
    # (2 - 0) / (2 + 0 + 2 * (1.5 - 0) / 3) = 2 / 3
    assert agreement_icc(target + 1.0, target) == pytest.approx(2.0 / 3.0)
    assert agreement_icc(target, target) == pytest.approx(1.0)
    assert pearson(target + 1.0, target) == pytest.approx(1.0)


def test_calibration_line_tells_predictions_that_are_spread_too_widely() -> None:
    assert calibration_line(np.array([0.0, 10.0, 20.0]), np.array([3.0, 8.0, 13.0])) == pytest.approx((0.5, 3.0))
    assert all(math.isnan(end) for end in calibration_line(np.full(3, 4.0), np.arange(3.0)))


def test_balanced_accuracy_weighs_both_kinds_alike() -> None:
    true = np.array([True, True, True, True, False])
    assert balanced_accuracy(np.array([True, True, True, False, False]), true) == pytest.approx((0.75 + 1.0) / 2)
    assert balanced_accuracy(np.ones(5, dtype=bool), true) == pytest.approx(0.5)
    assert math.isnan(balanced_accuracy(np.ones(2, dtype=bool), np.ones(2, dtype=bool)))


def test_coverage_counts_the_ends() -> None:
    low, high = np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])
    assert coverage(low, high, np.array([0.0, 1.0, 0.5, 1.1])) == pytest.approx(0.75)


def test_an_estimate_is_the_mean_over_seeds() -> None:
    found = estimate(
        mean_absolute_error,
        np.array([1.0, 1.0, 5.0]),
        np.zeros(3),
        subject=np.array(["a", "b", "a"]),
        seed=np.array([0, 0, 1]),
        n_draws=0,
    )
    assert found.value == pytest.approx(3.0)  # not 7 / 3
    assert math.isnan(found.low)


def test_bootstrap_draws_people_not_rows() -> None:
    # Two people of 50 equal rows each, errors 0 and 1: draws of people give 0, 1/2 or 1, in quarters, half and quarter.
    subject = np.repeat(["a", "b"], 50)
    error = np.repeat([0.0, 1.0], 50)
    columns = {"subject": subject, "seed": np.zeros(100, dtype=int)}
    found = estimate(mean_absolute_error, error, np.zeros(100), **columns)
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)
    assert estimate(mean_absolute_error, error, np.zeros(100), **columns) == found


def test_bootstrap_interval_of_a_mean_is_as_wide_as_theory_says() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=200)
    people = np.array([f"p{number}" for number in range(200)])
    found = estimate(mean_error, values, np.zeros(200), subject=people, seed=np.zeros(200, dtype=int), n_draws=2000)
    # 2 * 1.96 standard errors of a mean; the quantiles of 2000 draws wobble by some 4 %.
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(200), rel=0.1)
