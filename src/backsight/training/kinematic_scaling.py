"""Bring summary measures onto a common scale, each exercise by itself. Knows no score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.network.familiarity import NORMAL_SPAN_SD

CLIP_SD = 3.0
"""Measures further out than this many standard deviations count as this far: a sensor's failure is no movement."""
_FEWEST_CLIPS = 5
"""An exercise seen less often than this is scaled like all exercises together."""
_CONSTANT = 1e-9


@dataclass(frozen=True, eq=False)
class RobustScaler:
    """Centre and spread of each measure; a missing value counts as typical."""

    middle: FloatArray
    """Median; shape (n_features,)."""
    spread: FloatArray
    """Robust standard deviation, infinite where a measure does not vary or is not known; shape (n_features,)."""
    mean: FloatArray
    """Mean of the clipped values; shape (n_features,)."""
    sd: FloatArray
    """Their standard deviation, infinite where they do not vary; shape (n_features,)."""

    @classmethod
    def fit(cls, values: FloatArray) -> RobustScaler:
        """Fit to training clips; shape (n_clips, n_features), NaN = unknown."""
        known = np.isfinite(values).any(axis=0)
        middle, spread = np.zeros(values.shape[1]), np.full(values.shape[1], np.inf)
        low, middle[known], high = _percentiles(values[:, known], (10.0, 50.0, 90.0))
        spread[known] = np.where(high - low > _CONSTANT, (high - low) / NORMAL_SPAN_SD, np.inf)
        clipped = _clip(values, middle, spread)
        sd = clipped.std(axis=0)
        return cls(middle, spread, clipped.mean(axis=0), np.where(sd > _CONSTANT, sd, np.inf))

    def scale(self, values: FloatArray) -> FloatArray:
        """Return values of mean 0 and variance 1 over the training clips; shape as given, no NaN."""
        return (_clip(values, self.middle, self.spread) - self.mean) / self.sd


def _percentiles(values: FloatArray, percents: tuple[float, ...]) -> FloatArray:
    """Return centiles of each column's known values; shape (n_percents, n_columns)."""
    found = np.empty((len(percents), values.shape[1]))
    whole = np.isfinite(values).all(axis=0)
    # Column by column, as NumPy goes about those with gaps, is most of the time that a fit takes.
    found[:, whole] = np.percentile(values[:, whole], percents, axis=0)
    found[:, ~whole] = np.nanpercentile(values[:, ~whole], percents, axis=0)
    return found


def _clip(values: FloatArray, middle: FloatArray, spread: FloatArray) -> FloatArray:
    scaled = (values - middle) / spread
    return np.clip(np.where(np.isfinite(scaled), scaled, 0.0), -CLIP_SD, CLIP_SD)


@dataclass(frozen=True, eq=False)
class ExerciseScalers:
    """One scaler an exercise, and one for exercises seen too rarely or never."""

    by_exercise: Mapping[str, RobustScaler]
    overall: RobustScaler

    @classmethod
    def fit(cls, values: FloatArray, exercises: Sequence[str]) -> ExerciseScalers:
        """Fit to training clips; shape (n_clips, n_features) and one exercise a clip."""
        names = np.array(exercises)
        counted = {name: int((names == name).sum()) for name in dict.fromkeys(exercises)}
        return cls(
            by_exercise={
                name: RobustScaler.fit(values[names == name])
                for name, n_clips in counted.items()
                if n_clips >= _FEWEST_CLIPS
            },
            overall=RobustScaler.fit(values),
        )

    def scale(self, values: FloatArray, exercises: Sequence[str]) -> FloatArray:
        """Scale each clip by its exercise's scaler; shape (n_clips, n_features)."""
        scaled = np.empty_like(values)
        names = np.array(exercises)
        for name in dict.fromkeys(exercises):
            rows = names == name
            scaled[rows] = self.by_exercise.get(name, self.overall).scale(values[rows])
        return scaled
