"""Vectors, angles and averages that respect missing values. Knows nothing of landmarks.

Axes as BlazePose's world: x to the image's right, y down, z away from the camera. Missing is NaN and stays NaN; no
function here warns about it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray

UP = np.array([0.0, -1.0, 0.0])
"""Unit vector against gravity, for a level camera."""


def dot(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the dot product along the last axis; shape (..., k) -> (...)."""
    product: FloatArray = np.einsum("...k,...k->...", first, second)
    return product


def length(vectors: FloatArray) -> FloatArray:
    """Return the Euclidean length along the last axis; shape (..., k) -> (...)."""
    return np.sqrt(dot(vectors, vectors))


def unit(vectors: FloatArray, *, at_least: float = 1e-9) -> FloatArray:
    """Return vectors of length 1; NaN where the length is below `at_least`, because the direction is then unknown."""
    norms = length(vectors)
    return vectors / np.where(norms >= at_least, norms, np.nan)[..., np.newaxis]


def horizontal(vectors: FloatArray) -> FloatArray:
    """Return the vectors without their vertical part; shape (..., 3)."""
    flat = vectors.copy()
    flat[..., 1] = 0.0 * flat[..., 1]
    return flat


def angle_between_deg(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the angle between vectors in degrees, 0 to 180; NaN where one has no length; shape (...)."""
    first, second = unit(first), unit(second)
    # Not the arc cosine, which loses half its digits near 0 and 180 degrees: straight knees and elbows.
    return np.degrees(np.arctan2(length(np.cross(first, second)), dot(first, second)))


def wrap_deg(angles_deg: FloatArray) -> FloatArray:
    """Bring angles into -180 (excluded) to 180 degrees."""
    return 180.0 - np.mod(180.0 - angles_deg, 360.0)


def mean_of_known(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the mean of two arrays, or the one that is known where the other is NaN."""
    mean = 0.5 * (first + second)
    return np.where(np.isfinite(mean), mean, np.where(np.isfinite(first), first, second))


def known(values: FloatArray) -> FloatArray:
    """Return the values that are not NaN, flattened."""
    return values[np.isfinite(values)]


def median_of_known(values: FloatArray) -> float:
    """Return the median of the values that are not NaN; NaN when there is none."""
    found = known(values)
    return float(np.median(found)) if len(found) else float("nan")


def known_share(values: FloatArray, where: NDArray[np.bool_] | None = None) -> float:
    """Return the share of values that are not NaN, of those at `where` if given; 0 when there are none."""
    chosen = values if where is None else values[where]
    return float(np.isfinite(chosen).mean()) if len(chosen) else 0.0
