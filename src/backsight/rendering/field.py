"""Describe solids as signed distances that blend into one another. Knows nothing of bodies or meshes.

A field is negative inside. Distances are first-order exact near the surface, which is all that a mesh needs; blends and
ellipsoids after Quilez, "Distance functions", iquilezles.org.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from backsight.domain.validation import FloatArray

Points = NDArray[np.float32]
Values = NDArray[np.float32]
Field = Callable[[Points], Values]

N_SAMPLES = 96
"""A loft's radii are tabulated at so many places along its axis."""
TINY = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Place:
    """Where a solid is: local coordinates are `(point - origin) @ axes`."""

    origin_m: FloatArray
    axes: FloatArray
    """Columns are the local axes; shape (3, 3)."""

    def to_local(self, points: Points) -> Points:
        """Express points in local axes; (n, 3) -> (n, 3)."""
        local: Points = (points - self.origin_m.astype(np.float32)) @ self.axes.astype(np.float32)
        return local

    def to_rest(self, local: FloatArray) -> FloatArray:
        """Turn local points back; (..., 3) -> (..., 3)."""
        turned: FloatArray = self.origin_m + np.asarray(local) @ self.axes.T
        return turned


@dataclass(frozen=True, eq=False)
class Loft:
    """A tube along the local y axis whose elliptic sections change along it; x half-width, +z and -z depth differ."""

    place: Place
    along_m: FloatArray
    """Where the sections are, rising; shape (n,)."""
    sections_m: FloatArray
    """Half-width, depth to +z, depth to -z, centre x, centre z of each section; shape (n, 5)."""
    caps_m: tuple[float, float]
    """How far the rounded ends reach beyond the first and the last section."""

    @cached_property
    def _table_m(self) -> Values:
        levels = np.linspace(self.along_m[0], self.along_m[-1], N_SAMPLES)
        table: Values = PchipInterpolator(self.along_m, self.sections_m)(levels).astype(np.float32)
        return table

    def __call__(self, points: Points) -> Values:
        """Signed distance in metres; (n, 3) -> (n,)."""
        local = self.place.to_local(points)
        first, last, table = float(self.along_m[0]), float(self.along_m[-1]), self._table_m
        at = (np.clip(local[:, 1], first, last) - first) * np.float32((N_SAMPLES - 1) / (last - first))
        low = np.minimum(at.astype(np.intp), N_SAMPLES - 2)
        share = (at - low)[:, None].astype(np.float32)
        wide, front, back, centre_x, centre_z = ((1.0 - share) * table[low] + share * table[low + 1]).T
        x, z = local[:, 0] - centre_x, local[:, 2] - centre_z
        deep = np.where(z > 0.0, front, back)
        below, above = np.maximum(first - local[:, 1], 0.0), np.maximum(local[:, 1] - last, 0.0)
        over = below / np.float32(self.caps_m[0]) + above / np.float32(self.caps_m[1])
        slope = below / np.float32(self.caps_m[0] ** 2) + above / np.float32(self.caps_m[1] ** 2)
        level = np.sqrt((x / wide) ** 2 + (z / deep) ** 2 + over**2)
        steepness = np.sqrt((x / wide**2) ** 2 + (z / deep**2) ** 2 + slope**2)
        return _first_order(level, steepness)


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid along its local axes."""

    place: Place
    radii_m: tuple[float, float, float]

    def __call__(self, points: Points) -> Values:
        """Signed distance in metres; (n, 3) -> (n,)."""
        radii = np.asarray(self.radii_m, dtype=np.float32)
        scaled = self.place.to_local(points) / radii
        level = np.sqrt(np.einsum("ni,ni->n", scaled, scaled))
        steep = scaled / radii
        return _first_order(level, np.sqrt(np.einsum("ni,ni->n", steep, steep)))


@dataclass(frozen=True, eq=False)
class Cone:
    """A rounded cone between two points."""

    start_m: FloatArray
    end_m: FloatArray
    radii_m: tuple[float, float]

    def __call__(self, points: Points) -> Values:
        """Signed distance in metres; (n, 3) -> (n,)."""
        axis = (self.end_m - self.start_m).astype(np.float32)
        off = points - self.start_m.astype(np.float32)
        share = np.clip(off @ axis / np.float32(axis @ axis), 0.0, 1.0)
        away = off - share[:, None] * axis
        first, last = self.radii_m
        distance = np.sqrt(np.einsum("ni,ni->n", away, away)) - (first + share * (last - first))
        return np.asarray(distance, dtype=np.float32)


def _first_order(level: Values, steepness: Values) -> Values:
    distance = level * (level - 1.0) / np.maximum(steepness, TINY)
    # In the very middle level and steepness vanish together; any negative number will do there.
    signed: Values = np.where(level < 1e-3, np.float32(-0.01), distance).astype(np.float32)
    return signed


def blend(first: Values, second: Values, width_m: float) -> Values:
    """Join two solids, rounding the groove between them over about `width_m`; (n,), (n,) -> (n,)."""
    if width_m <= 0.0:
        return np.minimum(first, second)
    overlap = np.maximum(width_m - np.abs(first - second), 0.0)
    joined: Values = np.minimum(first, second) - overlap**2 / np.float32(4.0 * width_m)
    return joined


def blended(fields: Sequence[Field], width_m: float) -> Field:
    """Join several solids with one width of groove."""

    def joined(points: Points) -> Values:
        value = fields[0](points)
        for field in fields[1:]:
            value = blend(value, field(points), width_m)
        return value

    return joined


def smooth_step(values: Values, low: float, high: float) -> Values:
    """Rise from 0 at `low` to 1 at `high` without corners."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    step: Values = share * share * (3.0 - 2.0 * share)
    return step
