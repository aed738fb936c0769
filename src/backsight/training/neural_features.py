"""The feature tensors that networks learn scored movements from, each clip's worked out once. Knows no network."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseSequence
from backsight.domain.study import StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.features.extract import extract_features
from backsight.features.schema import FEATURE_NAMES, KINEMATIC_NAMES
from backsight.kinematics.resampling import resample
from backsight.pose.filtering import VISIBILITY_THRESHOLD, fill_short_gaps, filter_by_visibility
from backsight.training.augment import Augmentation, make_variant

Columns = Literal["all", "landmarks", "kinematic"]
"""The 193, the landmarks' 165 or the other 28."""
Scaling = Literal["standard", "min_max", "none"]
_N_LANDMARK_COLUMNS = len(FEATURE_NAMES) - len(KINEMATIC_NAMES)
_FARTHEST_STANDARD = 4.0
"""Standard deviations beyond which a value counts as just that far: one wild landmark must not swamp a network."""
_OVERSHOOT = 0.5
"""The same for min-max scaling, as in `MinMaxScaler`."""
_SMALLEST_SPREAD = 1e-6
"""A column that spreads less is constant."""


@dataclass(frozen=True)
class FeatureRecipe:
    """How a clip becomes rows for a network."""

    columns: Columns = "all"
    visibility_threshold: float = VISIBILITY_THRESHOLD
    """Landmarks below are missing (paper, section III-A); 0 = all are kept."""
    fps: float = 10.0
    """Frames a second at which features are taken; speeds are true speeds at any."""
    n_frames: int | None = 100
    """Every clip is brought to so many frames; None = as long as it lasts."""
    n_variants: int = 0
    """Augmented copies beside the original."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.columns not in get_args(Columns):
            raise InvalidValueError(f"`columns` must be one of {', '.join(get_args(Columns))}, got {self.columns}")
        if self.n_frames is not None and self.n_frames < 2:
            raise InvalidValueError(f"`n_frames` must be at least 2, got {self.n_frames}")
        if self.n_variants < 0:
            raise InvalidValueError(f"`n_variants` must not be negative, got {self.n_variants}")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        parts = {"all": FEATURE_NAMES, "kinematic": KINEMATIC_NAMES, "landmarks": FEATURE_NAMES[:_N_LANDMARK_COLUMNS]}
        return parts[self.columns]

    def weight(self, landmark_weight: float) -> FloatArray:
        """Return 1 for each kinematic column and `landmark_weight` for each landmark's; shape (n_features,)."""
        return np.array([1.0 if name in KINEMATIC_NAMES else landmark_weight for name in self.names])


Values = NDArray[np.float32]
"""Unscaled features, shape (n_frames, n_features); NaN = missing."""

_KEPT: WeakKeyDictionary[PoseSequence, dict[FeatureRecipe, tuple[Values, ...]]] = WeakKeyDictionary()
"""What has been worked out, for as long as its pose lives, which is frozen and compared by identity. Clips
that differ in score or name only share their pose."""


def features_of(clip: StudyClip, recipe: FeatureRecipe) -> tuple[Values, ...]:
    """Return the features of a clip and of its variants, the original first.

    Variants are drawn from the movement itself and their number, so that they are the same in every fold and run.

    Raises
    ------
    InvalidValueError
        When the clip holds no frame.
    """
    # All columns are kept, so that a study of which ones help works nothing out twice.
    chosen = [FEATURE_NAMES.index(name) for name in recipe.names]
    return tuple(values[:, chosen[0] : chosen[-1] + 1] for values in _all_columns(clip.pose, recipe))


def _all_columns(pose: PoseSequence, recipe: FeatureRecipe) -> tuple[Values, ...]:
    recipe = replace(recipe, columns="all")
    kept = _KEPT.setdefault(pose, {})
    if recipe not in kept:
        # Whoever is only judged needs no variants; whoever teaches shares the original with those.
        if recipe.n_variants:
            kept[recipe] = _all_columns(pose, replace(recipe, n_variants=0)) + _variants(pose, recipe)
        else:
            kept[recipe] = (_rows(_even(pose, recipe), recipe),)
    return kept[recipe]


def _even(raw: PoseSequence, recipe: FeatureRecipe) -> PoseSequence:
    filled = fill_short_gaps(filter_by_visibility(raw, threshold=recipe.visibility_threshold))
    return resample(filled, fps=recipe.fps)


def _variants(raw: PoseSequence, recipe: FeatureRecipe) -> tuple[Values, ...]:
    even = _even(raw, recipe)
    fingerprint = zlib.crc32(np.ascontiguousarray(raw.world_m).tobytes())
    drawn = (
        make_variant(even, augmentation=recipe.augmentation, rng=np.random.default_rng([fingerprint, number]))
        for number in range(recipe.n_variants)
    )
    return tuple(_rows(resample(pose, fps=recipe.fps), recipe) for pose in drawn)


def _rows(pose: PoseSequence, recipe: FeatureRecipe) -> Values:
    values = extract_features(pose).values
    if recipe.n_frames is not None:
        values = stretch(values, recipe.n_frames)
    return values.astype(np.float32)


def stretch(values: FloatArray, n_frames: int) -> FloatArray:
    """Bring a sequence to a number of frames.

    Parameters
    ----------
    values
        Shape (n_before, n_columns); NaN = missing.
    n_frames
        Fewer than before: each new frame is the mean of the known values in its part of the time. More: each lies on
        the line between its neighbours, and is missing where one of these is.
    """
    n_before = len(values)
    if n_before >= n_frames:
        part = np.arange(n_before) * n_frames // n_before
        starts = np.searchsorted(part, np.arange(n_frames))
        known = np.isfinite(values)
        count = np.add.reduceat(known.astype(np.float64), starts, axis=0)
        total = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
        return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
    at = np.linspace(0.0, n_before - 1.0, n_frames)
    before = np.minimum(at.astype(np.intp), max(n_before - 2, 0))
    after = np.minimum(before + 1, n_before - 1)
    weight = (at - before)[:, np.newaxis]
    mixed = (1.0 - weight) * values[before] + weight * values[after]
    return np.where(weight == 0.0, values[before], np.where(weight == 1.0, values[after], mixed))


@dataclass(frozen=True, eq=False)
class ColumnScaler:
    """Shifts and divides each column as training people's values ask for; missing values become their mean."""

    offset: FloatArray
    """Shape (n_features,)."""
    spread: FloatArray
    """Shape (n_features,); a constant column's is 1."""
    fill: FloatArray
    """What replaces NaN, unscaled: the training mean; shape (n_features,)."""
    lowest: float
    highest: float
    weight: FloatArray
    """How much each column is to count, applied last; shape (n_features,)."""

    @classmethod
    def fit(cls, sequences: Sequence[Values], *, scaling: Scaling, weight: FloatArray) -> ColumnScaler:
        """Fit to training people's sequences and nothing else.

        Parameters
        ----------
        scaling
            `min_max` = the paper's pre-processor, 0 to 1; `standard` = mean 0, standard deviation 1; `none` = as it is.
        weight
            Shape (n_features,).

        Raises
        ------
        InvalidValueError
            When there is no sequence, or no such scaling.
        """
        if not sequences:
            raise InvalidValueError("`sequences` must hold at least one training recording, got none")
        if scaling not in get_args(Scaling):
            raise InvalidValueError(f"`scaling` must be one of {', '.join(get_args(Scaling))}, got {scaling}")
        rows = np.concatenate(sequences).astype(np.float64)
        known = np.isfinite(rows)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, rows, 0.0).sum(axis=0) / count
        if scaling == "min_max":
            offset = np.where(known, rows, np.inf).min(axis=0)
            offset = np.where(np.isfinite(offset), offset, 0.0)
            spread = np.where(known, rows, -np.inf).max(axis=0) - offset
            lowest, highest = -_OVERSHOOT, 1.0 + _OVERSHOOT
        elif scaling == "standard":
            offset = mean
            spread = np.sqrt(np.where(known, np.square(rows - mean), 0.0).sum(axis=0) / count)
            lowest, highest = -_FARTHEST_STANDARD, _FARTHEST_STANDARD
        else:
            offset, spread = np.zeros_like(mean), np.ones_like(mean)
            lowest, highest = -np.inf, np.inf
        spread = np.where(np.isfinite(spread) & (spread > _SMALLEST_SPREAD), spread, 1.0)
        return cls(offset=offset, spread=spread, fill=mean, lowest=lowest, highest=highest, weight=weight)

    def scale(self, values: Values) -> Values:
        """Scale (..., n_features), without NaN in the result."""
        filled = np.where(np.isnan(values), self.fill, values)
        scaled = np.clip((filled - self.offset) / self.spread, self.lowest, self.highest)
        return (self.weight * scaled).astype(np.float32)
