"""Figures that judge predicted indices, and the width of their interval. Knows nothing of where they come from."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError


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


def conformal_half_width(errors: FloatArray, *, level: float) -> float:
    """Return the half-width that holds a new person's error with probability `level` or more.

    Split conformal prediction (Vovk 2005; Lei 2018): the ceil((n + 1) level)-th smallest absolute error among people
    whom neither training nor its stopping has seen.

    Parameters
    ----------
    errors
        Prediction minus target of the calibration recordings; shape (n,).
    level
        Between 0 and 1.

    Raises
    ------
    InvalidValueError
        When there are too few errors to promise that level.
    """
    # Rounded first: 0.9 as a binary number lies above nine tenths and would lift a whole rank to the next.
    rank = math.ceil(round((len(errors) + 1) * level, 9))
    if rank > len(errors):
        fewest = math.ceil(round(level / (1.0 - level), 9))
        raise InvalidValueError(
            f"a {level:.0%} interval needs at least {fewest} calibration recordings, got {len(errors)}; use more people"
        )
    return float(np.sort(np.abs(errors))[rank - 1])
