"""Simple shapes that furniture and plants are built of: boxes, drums, globes, clouds of leaves. Knows no furniture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.rendering.setting import Colour

_DRUM_SIDES = 18


@dataclass(frozen=True, eq=False)
class Solid:
    """Triangles with normals and colours under white light, around a spot on the floor; x across, y up, z to the back.

    Fields: `points` and `normals` (n, 3), `faces` (m, 3), `colours` (n, 3) uint8.
    """

    points: FloatArray
    normals: FloatArray
    faces: NDArray[np.int64]
    colours: NDArray[np.uint8]


def join(solids: Sequence[Solid]) -> Solid:
    """Put solids into one."""
    starts = np.cumsum([0, *(len(one.points) for one in solids)])
    return Solid(
        np.concatenate([one.points for one in solids]),
        np.concatenate([one.normals for one in solids]),
        np.concatenate([one.faces + start for one, start in zip(solids, starts, strict=False)]),
        np.concatenate([one.colours for one in solids]),
    )


def box(middle: tuple[float, float, float], size: tuple[float, float, float], colour: Colour) -> Solid:
    """Return a box by its middle and its edges' lengths."""
    points: list[FloatArray] = []
    normals: list[FloatArray] = []
    faces: list[list[int]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal = sign * np.eye(3)[axis]
            u, v = np.eye(3)[[(axis + 1) % 3, (axis + 2) % 3]]
            start = 4 * len(faces) // 2
            points += [normal - u - v, normal + u - v, normal + u + v, normal - u + v]
            normals += [normal] * 4
            faces += [[start, start + 1, start + 2], [start, start + 2, start + 3]]
    corners = np.array(middle) + np.array(points) * np.array(size) / 2.0
    return _solid(corners, np.array(normals), np.array(faces), colour)


def drum(
    foot: tuple[float, float, float], radius: tuple[float, float], length: float, colour: Colour, *, axis: int = 1
) -> Solid:
    """Return a drum along an axis, its lower and upper radius given."""
    turn = np.linspace(0.0, 2.0 * np.pi, _DRUM_SIDES, endpoint=False)
    ring = np.stack([np.cos(turn), np.zeros(_DRUM_SIDES), np.sin(turn)], axis=1)
    up = np.array([0.0, length, 0.0])
    side = np.concatenate([ring * radius[0], ring * radius[1] + up])
    around = np.arange(_DRUM_SIDES)
    after = (around + 1) % _DRUM_SIDES
    walls = np.concatenate(
        [
            np.stack([around, around + _DRUM_SIDES, after], axis=1),
            np.stack([after, around + _DRUM_SIDES, after + _DRUM_SIDES], axis=1),
        ]
    )
    lids, lid_normals, lid_faces = [], [], []
    for number, (size, height, sign) in enumerate(((radius[0], 0.0, -1.0), (radius[1], 1.0, 1.0))):
        lids.append(ring * size + up * height)
        lid_normals.append(np.tile([0.0, sign, 0.0], (_DRUM_SIDES, 1)))
        fan = np.stack([np.zeros(_DRUM_SIDES - 2, int), around[1:-1], around[2:]], axis=1)
        lid_faces.append(fan + (2 + number) * _DRUM_SIDES)
    points = np.concatenate([side, *lids])
    normals = np.concatenate([ring, ring, *lid_normals])
    if axis != 1:
        order = [1, 0, 2] if axis == 0 else [0, 2, 1]
        points, normals = points[:, order], normals[:, order]
    return _solid(points + np.array(foot), normals, np.concatenate([walls, *lid_faces]), colour)


def globe(middle: tuple[float, float, float], radius: tuple[float, float, float], colour: Colour, n: int = 14) -> Solid:
    """Return a globe, or an ellipsoid, by its three radii; `n` facets from pole to pole."""
    down, turn = np.meshgrid(np.linspace(0.02, np.pi - 0.02, n), np.linspace(0.0, 2.0 * np.pi, n + 1), indexing="ij")
    unit = np.stack([np.sin(down) * np.cos(turn), np.cos(down), np.sin(down) * np.sin(turn)], axis=-1).reshape(-1, 3)
    cell = (np.arange(n - 1)[:, None] * (n + 1) + np.arange(n)[None]).ravel()
    faces = np.concatenate(
        [np.stack([cell, cell + 1, cell + n + 1], axis=1), np.stack([cell + 1, cell + n + 2, cell + n + 1], axis=1)]
    )
    normals = unit / np.array(radius)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return _solid(unit * np.array(radius) + np.array(middle), normals, faces, colour)


def leaves(
    middle: tuple[float, float, float], spread: tuple[float, float, float], n: int, rng: np.random.Generator
) -> Solid:
    """Return leaves, each a small triangle facing anywhere, in a cloud."""
    centre = np.array(middle) + np.clip(rng.normal(0.0, 0.5, (n, 3)), -1.0, 1.0) * np.array(spread)
    size = float(rng.uniform(0.022, 0.036)) * (0.5 + max(spread))
    corners = centre[:, None] + rng.normal(0.0, size, (n, 3, 3))
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # Leaves shine through, so each is lit as if it faced outwards and up.
    normals = 0.35 * across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    normals += (centre - np.array(middle)) / np.array(spread) + np.array([0.0, 0.4, 0.0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    green = np.array([76.0, 112.0, 56.0]) * rng.uniform(0.8, 1.2, 3)
    colours = np.clip(green * rng.uniform(0.5, 1.4, (n, 1)), 0.0, 255.0).astype(np.uint8)
    return Solid(
        corners.reshape(-1, 3),
        np.repeat(normals, 3, axis=0),
        np.arange(3 * n).reshape(-1, 3),
        np.repeat(colours, 3, axis=0),
    )


def _solid(points: FloatArray, normals: FloatArray, faces: NDArray[np.integer], colour: Colour) -> Solid:
    return Solid(points, normals, faces.astype(np.int64), np.tile(np.array(colour, dtype=np.uint8), (len(points), 1)))
