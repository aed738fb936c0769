"""Figures that judge predictions, and how far chance moves them. Knows nothing of where predictions come from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from backsight.domain.validation import FloatArray


def mean_absolute_error(predicted: FloatArray, target: FloatArray) -> float:
    """Return the mean distance between prediction and target; NaN for no people."""
    return float(np.mean(np.abs(predicted - target))) if len(target) else math.nan


def root_mean_square_error(predicted: FloatArray, target: FloatArray) -> float:
    """Return the square root of the mean squared distance; NaN for no people."""
    return float(np.sqrt(np.mean((predicted - target) ** 2))) if len(target) else math.nan


def spearman(predicted: FloatArray, target: FloatArray) -> float:
    """Return the correlation of the ranks; NaN where one of the two is constant, since it then ranks nobody."""
    if len(target) < 2 or np.ptp(predicted) == 0.0 or np.ptp(target) == 0.0:
        return math.nan
    return float(np.corrcoef(rankdata(predicted), rankdata(target))[0, 1])


def area_under_roc(score: FloatArray, is_positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive scores above a negative, ties counting half; NaN without both kinds."""
    n_positive, n_negative = int(is_positive.sum()), int((~is_positive).sum())
    if not n_positive or not n_negative:
        return math.nan
    rank_sum = float(rankdata(score)[is_positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2.0) / (n_positive * n_negative)


def pearson(predicted: FloatArray, target: FloatArray) -> float:
    """Return the linear correlation; NaN where one of the two is constant."""
    if len(target) < 2 or np.ptp(predicted) == 0.0 or np.ptp(target) == 0.0:
        return math.nan
    return float(np.corrcoef(predicted, target)[0, 1])


def mean_error(predicted: FloatArray, target: FloatArray) -> float:
    """Return the mean of prediction minus target; NaN for no people."""
    return float(np.mean(predicted - target)) if len(target) else math.nan


def agreement_icc(predicted: FloatArray, target: FloatArray) -> float:
    """Return ICC(2,1), absolute agreement of two raters drawn at random (Shrout and Fleiss 1979); NaN for under two.

    Unlike a correlation it falls when predictions keep the order but are too close to the mean.
    """
    n = len(target)
    if n < 2:
        return math.nan
    ratings = np.column_stack([predicted, target])
    between_people = 2.0 * float(np.var(ratings.mean(axis=1), ddof=1))
    between_raters = n * float(np.var(ratings.mean(axis=0), ddof=1))
    rest = ratings - ratings.mean(axis=1, keepdims=True) - ratings.mean(axis=0) + ratings.mean()
    residual = float((rest**2).sum()) / (n - 1)
    total = between_people + residual + 2.0 * (between_raters - residual) / n
    return (between_people - residual) / total if total > 0.0 else math.nan


def calibration_line(predicted: FloatArray, target: FloatArray) -> tuple[float, float]:
    """Return slope and intercept of the target over the prediction, ideally 1 and 0; NaN for a constant prediction.

    A slope below 1 says that predictions are spread more widely than what they predict, as an overfitted learner's are.
    """
    if len(target) < 2 or np.ptp(predicted) == 0.0:
        return math.nan, math.nan
    slope, intercept = np.polyfit(predicted, target, 1)
    return float(slope), float(intercept)


def balanced_accuracy(is_predicted: NDArray[np.bool_], is_true: NDArray[np.bool_]) -> float:
    """Return the mean of the shares found right among positives and among negatives; NaN without both kinds."""
    if not is_true.any() or is_true.all():
        return math.nan
    return (float(is_predicted[is_true].mean()) + float((~is_predicted[~is_true]).mean())) / 2.0


def coverage(low: FloatArray, high: FloatArray, target: FloatArray) -> float:
    """Return the share of targets within their interval, ends included; NaN for no people."""
    return float(np.mean((low <= target) & (target <= high))) if len(target) else math.nan


@dataclass(frozen=True)
class Estimate:
    """A figure, and where chance in who the people are would leave it."""

    value: float
    low: float
    high: float


def estimate(
    figure: Callable[..., float],
    *columns: FloatArray | NDArray[np.bool_],
    subject: NDArray[np.str_],
    seed: NDArray[np.intp],
    n_draws: int = 1000,
    level: float = 0.95,
    draw_seed: int = 0,
) -> Estimate:
    """Return the mean over the seeds of a figure, with a bootstrap interval over people.

    People are drawn with replacement, each with all of their rows in all seeds, because rows of one person and the
    seeds' predictions of one clip are no independent evidence (percentile bootstrap over clusters).

    Parameters
    ----------
    figure
        Takes the columns, in the order given here.
    columns
        Each of shape (n_rows,).
    subject, seed
        Whom each row shows, and which seed predicted it; shape (n_rows,).
    n_draws
        0 = no interval.

    Returns
    -------
    Estimate
        Ends are NaN without draws, and where no draw gives a figure.
    """
    people, who = np.unique(subject, return_inverse=True)
    of_seed = [_rows_by_person(np.flatnonzero(seed == one), who, n_people=len(people)) for one in np.unique(seed)]

    def over_seeds(drawn: NDArray[np.intp]) -> float:
        values = []
        for rows, starts, counts in of_seed:
            n_each = counts[drawn]
            # Each person's run of rows, one run after the other.
            within_run = np.arange(n_each.sum()) - np.repeat(np.cumsum(n_each) - n_each, n_each)
            chosen = rows[np.repeat(starts[drawn], n_each) + within_run]
            values.append(figure(*(column[chosen] for column in columns)))
        return float(np.mean(values))

    if not len(people):
        return Estimate(math.nan, math.nan, math.nan)
    rng = np.random.default_rng(draw_seed)
    draws = np.array([over_seeds(rng.integers(len(people), size=len(people))) for _ in range(n_draws)])
    draws = draws[np.isfinite(draws)]
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail]) if len(draws) else (math.nan, math.nan)
    return Estimate(over_seeds(np.arange(len(people))), float(low), float(high))


def _rows_by_person(
    rows: NDArray[np.intp], who: NDArray[np.intp], *, n_people: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows ordered by person, and where each person's begin and how many they are; shape (n_people,)."""
    counts = np.bincount(who[rows], minlength=n_people)
    return rows[np.argsort(who[rows], kind="stable")], np.cumsum(counts) - counts, counts
