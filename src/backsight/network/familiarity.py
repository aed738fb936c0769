"""Whether a movement is like those that a model was trained on. Knows no index and no exercise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError

FARTHEST_SD = 8.0
"""Numbers further out than this count as this far."""
NORMAL_SPAN_SD = 2.563
"""Standard deviations between the 10th and the 90th centile of a normal distribution."""


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Distance from the movements trained on, by their covariance (Mahalanobis), and how far those are off themselves.

    The covariance is that of a few directions in which the movements differ most, and a variance of its own for each
    number besides: there are more numbers than people.
    """

    names: tuple[str, ...]
    """Of the numbers, in order."""
    middle: FloatArray
    """Medians; shape (n_numbers,)."""
    spread: FloatArray
    """Robust standard deviations, infinite where a number tells nothing; shape (n_numbers,)."""
    centre: FloatArray
    """Mean of the scaled numbers; shape (n_numbers,)."""
    own: FloatArray
    """Variance of each number beside the directions; shape (n_numbers,)."""
    directions: FloatArray
    """Each times its standard deviation; shape (n_directions, n_numbers)."""
    usual: FloatArray
    """Distances of people from movements that did not hold theirs, at evenly spaced centiles from 0 to 100."""

    def scale(self, values: FloatArray) -> FloatArray:
        """Return scaled numbers of shape (n_numbers,) or (n, n_numbers); what is missing counts as typical."""
        scaled = (values - self.middle) / self.spread
        return np.clip(np.where(np.isfinite(scaled), scaled, 0.0), -FARTHEST_SD, FARTHEST_SD)

    def distance(self, values: FloatArray) -> float:
        """Return the squared distance a number; about 1 for what was trained on."""
        off = self.scale(values) - self.centre
        weighed = self.directions / self.own
        inner = np.eye(len(self.directions)) + weighed @ self.directions.T
        along = weighed @ off
        # Woodbury: the covariance itself would be of n_numbers x n_numbers.
        return float((np.square(off) @ (1.0 / self.own) - along @ np.linalg.solve(inner, along)) / len(off))

    def stranger_than(self, values: FloatArray, *, names: Sequence[str]) -> float:
        """Return the share of the people trained on who are nearer to the others than this movement is.

        Raises
        ------
        InvalidValueError
            When the numbers are not those that it was fitted to.
        """
        if tuple(names) != self.names:
            raise InvalidValueError(
                f"the summary must hold the {len(self.names)} numbers trained on, got {len(names)} others"
            )
        return float(np.interp(self.distance(values), self.usual, np.linspace(0.0, 1.0, len(self.usual))))


def fit_familiarity(
    values: FloatArray, *, names: Sequence[str], n_directions: int = 20, usual: FloatArray | None = None
) -> Familiarity:
    """Fit to movements of shape (n_movements, n_numbers); `usual` = centiles of held-out distances."""
    with np.errstate(all="ignore"):
        known = np.isfinite(values).sum(axis=0) >= max(3, len(values) // 3)
        middle, spread = np.zeros(values.shape[1]), np.full(values.shape[1], np.inf)
        low, middle[known], high = np.nanpercentile(values[:, known], [10.0, 50.0, 90.0], axis=0)
        spread[known] = np.where(high - low > 1e-9, (high - low) / NORMAL_SPAN_SD, np.inf)
    draft = Familiarity(
        tuple(names),
        middle,
        spread,
        np.zeros(len(middle)),
        np.ones(len(middle)),
        np.zeros((0, len(middle))),
        np.array([0.0, np.inf]),
    )
    scaled = draft.scale(values)
    centre = scaled.mean(axis=0)
    off = scaled - centre
    _, strengths, directions = np.linalg.svd(off, full_matrices=False)
    kept = directions[:n_directions] * (strengths[:n_directions, np.newaxis] / np.sqrt(len(values) - 1.0))
    rest = off.var(axis=0) - np.square(kept).sum(axis=0)
    # A number that never varied in training still varies a little in people.
    own = np.maximum(rest, 0.0) + 0.05
    return Familiarity(
        tuple(names), middle, spread, centre, own, kept, np.array([0.0, np.inf]) if usual is None else usual
    )
