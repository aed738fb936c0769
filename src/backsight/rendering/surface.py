"""Turn a signed distance field into triangles, and cut triangles along lines. Knows nothing of bodies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyvista
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.rendering.field import Field, Place, Points, Values

BLOCK = 4
"""The field is first looked at in cubes of so many cells a side; only cubes near the surface are filled in."""
BAND_SAFETY = 1.4
"""Fields are not exact distances away from the surface: look this much further than the cube's half diagonal."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Triangles in the rest pose."""

    points: Points
    """Metres; shape (n, 3)."""
    faces: NDArray[np.int32]
    """Rows of `points`, counter-clockwise seen from outside; shape (m, 3)."""


@dataclass(frozen=True, eq=False)
class Box:
    """A block of space, turned as its place is, and how finely to mesh in it."""

    place: Place
    low_m: FloatArray
    high_m: FloatArray
    cell_m: float


EMPTY = Sheet(np.empty((0, 3), dtype=np.float32), np.empty((0, 3), dtype=np.int32))


def polygonise(field: Field, box: Box) -> Sheet:
    """Mesh the zero level of a field inside a box.

    Parameters
    ----------
    field
        Signed distance of rest-pose points.
    box
        Where to look; the surface is left open where it leaves the box.
    """
    cell = box.cell_m
    n_blocks = np.ceil((box.high_m - box.low_m) / (cell * BLOCK)).astype(int)
    start = box.low_m
    corners = np.stack(np.meshgrid(*(np.arange(n) for n in n_blocks), indexing="ij"), axis=-1).reshape(-1, 3)
    centres = start + (corners * BLOCK + 0.5 * (BLOCK - 1)) * cell
    coarse = field(box.place.to_rest(centres).astype(np.float32))
    near = np.abs(coarse) < BAND_SAFETY * 0.5 * np.sqrt(3.0) * BLOCK * cell
    values = np.repeat(coarse[:, None], BLOCK**3, axis=1)
    inner = np.stack(np.meshgrid(*([np.arange(BLOCK)] * 3), indexing="ij"), axis=-1).reshape(-1, 3)
    fine = start + (corners[near][:, None] * BLOCK + inner) * cell
    values[near] = field(box.place.to_rest(fine.reshape(-1, 3)).astype(np.float32)).reshape(-1, BLOCK**3)
    grid = values.reshape(*n_blocks, BLOCK, BLOCK, BLOCK).transpose(0, 3, 1, 4, 2, 5).reshape(n_blocks * BLOCK)
    image = pyvista.ImageData(dimensions=grid.shape, spacing=(cell, cell, cell), origin=tuple(start))
    image.point_data["field"] = grid.ravel(order="F")
    surface = image.contour([0.0], scalars="field", method="flying_edges", compute_normals=False, compute_scalars=False)
    if surface.n_points == 0:
        return EMPTY
    points = box.place.to_rest(np.asarray(surface.points, dtype=np.float64)).astype(np.float32)
    # VTK takes larger values for the inside, a distance field has them outside: turn the triangles over.
    return Sheet(points, np.ascontiguousarray(surface.regular_faces[:, ::-1].astype(np.int32)))


def cut(sheet: Sheet, keep: Values) -> Sheet:
    """Keep the part of a sheet where `keep`, a value at each point, is positive; triangles on the line are divided."""
    inside = keep > 0.0
    if not len(sheet.faces) or inside.all():
        return sheet
    count = inside[sheet.faces].sum(axis=1)
    if not count.any():
        return EMPTY
    one, two = (_lone_first(sheet.faces[count == n], inside, lone_is_inside=n == 1) for n in (1, 2))
    edges = np.sort(np.concatenate([one[:, [0, 1]], one[:, [0, 2]], two[:, [0, 1]], two[:, [0, 2]]]), axis=1)
    unique, where = np.unique(edges, axis=0, return_inverse=True)
    first, last = keep[unique[:, 0]], keep[unique[:, 1]]
    share = (first / (first - last))[:, None]
    made = (1.0 - share) * sheet.points[unique[:, 0]] + share * sheet.points[unique[:, 1]]
    points = np.concatenate([sheet.points, made]).astype(np.float32)
    where = where.ravel() + len(sheet.points)
    a, b, c, d = np.split(where, np.cumsum([len(one), len(one), len(two)]))
    faces = np.concatenate(
        [
            sheet.faces[count == 3],
            np.column_stack([one[:, 0], a, b]),
            np.column_stack([c, two[:, 1], two[:, 2]]),
            np.column_stack([c, two[:, 2], d]),
        ]
    )
    used, renamed = np.unique(faces, return_inverse=True)
    return Sheet(points[used], renamed.reshape(-1, 3).astype(np.int32))


def _lone_first(faces: NDArray[np.int32], inside: NDArray[np.bool_], *, lone_is_inside: bool) -> NDArray[np.int32]:
    """Turn triangles round until the corner that is alone on its side comes first."""
    lone = np.argmax(inside[faces] == lone_is_inside, axis=1)
    turned: NDArray[np.int32] = np.take_along_axis(faces, (lone[:, None] + np.arange(3)) % 3, axis=1)
    return turned


def lining(sheet: Sheet, keep: Values, *, depth_m: float, gap_m: float) -> Sheet:
    """Give cloth an inside near its edges: the part where `keep` is below `depth_m`, turned over and moved inward."""
    band = sheet.faces[keep[sheet.faces].min(axis=1) < depth_m]
    if not len(band):
        return EMPTY
    used, renamed = np.unique(band, return_inverse=True)
    faces = renamed.reshape(-1, 3).astype(np.int32)
    points = sheet.points[used]
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    normal = np.zeros_like(points)
    across = np.cross(b - a, c - a)
    for corner in range(3):
        np.add.at(normal, faces[:, corner], across)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return Sheet((points - np.float32(gap_m) * normal).astype(np.float32), np.ascontiguousarray(faces[:, ::-1]))


@cache
def _unit_ball(n_around: int, n_down: int) -> Sheet:
    sphere = pyvista.Sphere(radius=1.0, theta_resolution=n_around, phi_resolution=n_down)
    return Sheet(np.asarray(sphere.points, dtype=np.float32), sphere.regular_faces.astype(np.int32))


def ball(place: Place, radii_m: tuple[float, float, float], *, n_around: int = 8, n_down: int = 6) -> Sheet:
    """Mesh a small ellipsoid, such as an eye."""
    unit = _unit_ball(n_around, n_down)
    return Sheet(place.to_rest(unit.points * np.asarray(radii_m)).astype(np.float32), unit.faces)


def rod(line_m: FloatArray, radius_m: float) -> Sheet:
    """Mesh a thin rod along a line; shape (n, 3)."""
    tube = pyvista.MultipleLines(line_m).tube(radius=radius_m, n_sides=5, capping=True).triangulate()
    return Sheet(np.asarray(tube.points, dtype=np.float32), tube.regular_faces.astype(np.int32))
