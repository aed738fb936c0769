"""Divide recordings into folds by person. Knows nothing of features or networks.

A person's recordings resemble each other more than they resemble anybody else's: a network judged on people it has
seen is judged on its memory. Hence no person is ever on two sides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from backsight.errors import InvalidValueError


class Fold(StrEnum):
    """What a person's recordings are used for."""

    TRAIN = "train"
    """Weights and scaler."""
    VALIDATION = "validation"
    """When to stop."""
    CALIBRATION = "calibration"
    """How wide the interval is."""
    TEST = "test"
    """The figures on the card."""


DEFAULT_SHARES: Mapping[Fold, float] = MappingProxyType(
    {Fold.TRAIN: 0.6, Fold.VALIDATION: 0.1, Fold.CALIBRATION: 0.15, Fold.TEST: 0.15}
)


def split_by_subject(
    subject_ids: Sequence[str], *, seed: int, shares: Mapping[Fold, float] = DEFAULT_SHARES
) -> tuple[Fold, ...]:
    """Assign each recording to a fold by drawing lots among people.

    Parameters
    ----------
    subject_ids
        Who each recording shows; the order and number of one person's recordings do not matter.
    seed
        The same people and seed give the same folds.
    shares
        Share of the people in each fold; they sum to 1. Every fold named gets at least one person.

    Returns
    -------
    tuple of Fold
        One for each recording, in the order given.

    Raises
    ------
    InvalidValueError
        When the shares do not sum to 1, or there are fewer people than folds.
    """
    if not math.isclose(sum(shares.values()), 1.0) or min(shares.values()) <= 0.0:
        raise InvalidValueError(f"`shares` must be positive and sum to 1, got {dict(shares)}")
    people = sorted(set(subject_ids))
    if len(people) < len(shares):
        raise InvalidValueError(f"expected {len(shares)} people or more, one for each fold, got {len(people)}")
    drawn = [people[position] for position in np.random.default_rng(seed).permutation(len(people))]
    fold_of: dict[str, Fold] = {}
    first, share_so_far = 0, 0.0
    for n_after, (fold, share) in zip(range(len(shares) - 1, -1, -1), shares.items(), strict=True):
        share_so_far += share
        end = min(max(round(share_so_far * len(people)), first + 1), len(people) - n_after)
        fold_of.update(dict.fromkeys(drawn[first:end], fold))
        first = end
    return tuple(fold_of[subject_id] for subject_id in subject_ids)
