"""Quantiles that hold for the next person, and chances corrected for how many were looked at. Knows no measure."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.scoring.calibration import LEVEL


def conformal_quantile(scores: FloatArray, *, level: float = LEVEL) -> float:
    """Return the value that a new score stays below with probability `level`: the ceil((n + 1) level)-th smallest.

    Infinite where there are too few scores to say.
    """
    rank = ceil((len(scores) + 1) * level)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else float("inf")


def conformal_quantile_by_person(scores: FloatArray, people: NDArray[np.str_], *, level: float = LEVEL) -> float:
    """Return `conformal_quantile` where some scores are of one person: each person counts once, shared by theirs.

    Parameters
    ----------
    scores, people
        Shape (n,) both.
    """
    names, place, count = np.unique(people, return_inverse=True, return_counts=True)
    order = np.argsort(scores)
    held = np.cumsum(1.0 / count[place][order])
    rank = ceil((len(names) + 1) * level)
    # Whole people are counted; the slack is for the sum of thirds.
    return float(scores[order][np.searchsorted(held, rank - 1e-9)]) if rank <= len(names) else float("inf")


def mean_by_person(scores: FloatArray, people: NDArray[np.str_]) -> tuple[NDArray[np.str_], FloatArray]:
    """Return the names of the people in order and the mean of each one's scores; shape (n_people,) both.

    Parameters
    ----------
    scores, people
        Shape (n,) both.
    """
    names, place, count = np.unique(people, return_inverse=True, return_counts=True)
    return names, np.bincount(place, weights=scores) / count


def corrected_chances(chances: FloatArray) -> FloatArray:
    """Return for each chance the least share of false finds at which it counts as found; shape (n,) both.

    Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x. Two models or scales that look at the same
    people find alike; the bound then still holds as long as chances only ever rise together (Benjamini and Yekutieli
    2001, doi:10.1214/aos/1013699998), which is assumed.
    """
    n = len(chances)
    order = np.argsort(chances)
    stepped = np.minimum.accumulate((chances[order] * n / np.arange(1, n + 1))[::-1])[::-1]
    corrected = np.empty(n)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected
