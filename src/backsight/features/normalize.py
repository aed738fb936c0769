"""Fit the min-max scaler on a training fold. Knows nothing of which recordings belong to it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from backsight.domain.sequences import FeatureSequence, MinMaxScaler
from backsight.errors import InvalidValueError

_FILL_UNKNOWN = 0.5
"""Stands in for every value of a column that no training recording knows: the middle of its made-up range 0 to 1."""


def fit_min_max(sequences: Iterable[FeatureSequence]) -> MinMaxScaler:
    """Find each column's range and mean over the training fold, in one pass, ignoring NaN.

    Parameters
    ----------
    sequences
        The training fold's features and nothing else: whoever is held out must not be among them.

    Returns
    -------
    MinMaxScaler
        `fill` is the training mean, scaled. A column never known gets the range 0 to 1 and the fill 0.5; a column of
        one single value keeps that value as its minimum and maximum.

    Raises
    ------
    InvalidValueError
        When there is no sequence, or two of them name different columns.
    """
    names: tuple[str, ...] | None = None
    for sequence in sequences:
        if names is None:
            names = sequence.names
            minimum, maximum = np.full(len(names), np.inf), np.full(len(names), -np.inf)
            total, count = np.zeros(len(names)), np.zeros(len(names))
        elif sequence.names != names:
            raise InvalidValueError(
                f"`sequences` must all name the same columns, got one whose {len(sequence.names)} names differ"
            )
        there = np.isfinite(sequence.values)
        minimum = np.minimum(minimum, np.where(there, sequence.values, np.inf).min(axis=0, initial=np.inf))
        maximum = np.maximum(maximum, np.where(there, sequence.values, -np.inf).max(axis=0, initial=-np.inf))
        total += np.where(there, sequence.values, 0.0).sum(axis=0)
        count += there.sum(axis=0)
    if names is None:
        raise InvalidValueError("`sequences` must hold at least one training recording, got none")
    known = count > 0
    minimum, maximum = np.where(known, minimum, 0.0), np.where(known, maximum, 1.0)
    span = np.where(maximum > minimum, maximum - minimum, 1.0)
    mean = total / np.maximum(count, 1)
    return MinMaxScaler(minimum=minimum, maximum=maximum, fill=np.where(known, (mean - minimum) / span, _FILL_UNKNOWN))
