"""Quantiles that hold for the next person, and chances corrected for how many were looked at. Knows no measure."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.scoring.calibration import LEVEL


def conformal_quantile(scores: FloatArray, *, level: float = LEVEL) -> float:
    """Return the value that a new score stays below with probability `level`: the ceil((n + 1) level)-th smallest.

    Split conformal prediction (Vovk 2005; Lei 2018). Infinite where there are too few scores to say.
    """
    return conformal_quantile_by_person(scores, np.arange(len(scores)), level=level)


def conformal_quantile_by_person(
    scores: FloatArray,
    people: NDArray[np.str_] | NDArray[np.intp],
    *,
    level: float = LEVEL,
    counts_whole_people: bool = True,
) -> float:
    """Return `conformal_quantile` where some scores are of one person: each person counts once, shared by theirs.

    A person whose score nothing holds is added, who stands for the new one (Dunn, Wasserman and Ramdas 2023).

    Parameters
    ----------
    scores, people
        Shape (n,) both.
    level
        Between 0 and 1.
    counts_whole_people
        Whether the people who must be held are rounded up to a whole number, which leans to the wide side; otherwise
        the fraction may be reached within a person's scores.
    """
    names, place, count = np.unique(people, return_inverse=True, return_counts=True)
    order = np.argsort(scores, kind="stable")
    held = np.cumsum(1.0 / count[place][order])
    # Rounded: sums of fractions fall short of whole numbers, and 0.9 as a binary number lies above nine tenths.
    needed = round((len(names) + 1) * level, 9)
    enough = np.flatnonzero(np.round(held, 9) >= (ceil(needed) if counts_whole_people else needed))
    return float(scores[order[enough[0]]]) if len(enough) else float("inf")


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
