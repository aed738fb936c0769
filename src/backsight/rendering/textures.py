"""Pictures of what floors and walls are made of, under white light. Knows nothing of rooms or of light.

Every function returns RGB picture codes, uint8, shape (height, width, 3), and takes its size in pixels with a scale.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.rendering.setting import Colour, Ground

Picture = NDArray[np.uint8]
_Values = NDArray[np.float32]


def ground_picture(
    ground: Ground, colour: Colour, *, size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator
) -> Picture:
    """Return a piece of floor, `size_px` = (width, height)."""
    painters: dict[Ground, Callable[[tuple[int, int], float, np.random.Generator], _Values]] = {
        Ground.PLANKS: _planks,
        Ground.TILES: _tiles,
        Ground.PAVING: _tiles,
        Ground.CARPET: _carpet,
        Ground.MAT: _mat,
        Ground.GRASS: _grass,
        Ground.EVEN: _even,
    }
    return _tint(painters[ground](size_px, px_per_m, rng), colour, rng)


def wall_picture(
    colour: Colour, *, kind: str, size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator
) -> Picture:
    """Return a piece of wall: `plaster`, `stripes`, `bricks`, `boards`, `leaves` or `even`."""
    painters: dict[str, Callable[[tuple[int, int], float, np.random.Generator], _Values]] = {
        "plaster": _plaster,
        "stripes": _stripes,
        "bricks": _bricks,
        "boards": _boards,
        "leaves": _leaves,
        "even": _even,
    }
    return _tint(painters[kind](size_px, px_per_m, rng), colour, rng)


def blotches(size_px: tuple[int, int], cell_px: float | tuple[float, float], rng: np.random.Generator) -> _Values:
    """Return smooth noise of mean 0 and standard deviation about 1, with features about `cell_px` large."""
    width, height = size_px
    across, down = (cell_px, cell_px) if isinstance(cell_px, float | int) else cell_px
    coarse = rng.standard_normal(
        (max(2, int(height / max(down, 1.0)) + 2), max(2, int(width / max(across, 1.0)) + 2)), dtype=np.float32
    )
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def _tint(brightness: _Values, colour: Colour, rng: np.random.Generator) -> Picture:
    """Give a pattern of relative brightness a colour that wanders a little in hue."""
    size = (brightness.shape[1], brightness.shape[0])
    hue = blotches(size, max(size) / 6.0, rng)
    tint = np.array(colour, dtype=np.float32) * (1.0 + 0.015 * hue[..., None] * np.array([1.0, 0.0, -1.0], np.float32))
    return np.clip(tint * brightness[..., None], 0.0, 255.0).astype(np.uint8)


def _limit(values: NDArray[np.floating], low: float, high: float) -> _Values:
    return np.asarray(np.clip(values, low, high), dtype=np.float32)


def _even(size_px: tuple[int, int], _px_per_m: float, _rng: np.random.Generator) -> _Values:
    return np.ones(size_px[::-1], dtype=np.float32)


def _planks(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    lies_across = bool(rng.random() < 0.5)
    width, height = size_px if lies_across else size_px[::-1]
    wide, long = max(4, int(rng.uniform(0.09, 0.2) * px_per_m)), max(16, int(rng.uniform(0.9, 2.2) * px_per_m))
    row = np.arange(height) // wide
    shift = rng.integers(long, size=int(row[-1]) + 1)[row]
    along = np.arange(width)[None] + shift[:, None]
    plank = along // long
    shade = rng.normal(1.0, rng.uniform(0.03, 0.12), (int(row[-1]) + 1, int(plank.max()) + 1)).astype(np.float32)
    floor = shade[row[:, None], plank]
    floor += 0.05 * blotches((width, height), (0.30 * px_per_m, 0.006 * px_per_m), rng)
    gap = max(1, round(0.004 * px_per_m))
    floor[np.arange(height) % wide < gap] *= 0.6
    floor[along % long < gap] *= 0.6
    return floor if lies_across else np.ascontiguousarray(floor.T)


def _tiles(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    width, height = size_px
    side = max(8, int(rng.uniform(0.28, 0.62) * px_per_m))
    is_bond = bool(rng.random() < 0.35)
    row = np.arange(height) // side
    along = np.arange(width)[None] + (row[:, None] % 2) * (side // 2 if is_bond else 0)
    column = along // side
    shade = rng.normal(1.0, 0.03, (int(row[-1]) + 1, int(column.max()) + 1)).astype(np.float32)
    floor: _Values = shade[row[:, None], column]
    floor += 0.025 * blotches(size_px, 0.08 * px_per_m, rng)
    gap = max(1, round(rng.uniform(0.004, 0.012) * px_per_m))
    grout = float(rng.choice([0.72, 1.12]))
    floor[np.arange(height) % side < gap] = grout
    floor[along % side < gap] = grout
    return floor


def _carpet(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    floor = 1.0 + 0.06 * blotches(size_px, 1.5, rng) + 0.04 * blotches(size_px, 0.35 * px_per_m, rng)
    if rng.random() < 0.4:
        period = rng.uniform(0.2, 0.8) * px_per_m
        wave = np.sin(2.0 * np.pi * np.arange(size_px[0]) / period)[None]
        floor += rng.uniform(0.03, 0.12) * np.sign(wave * np.sin(2.0 * np.pi * np.arange(size_px[1]) / period)[:, None])
    return floor.astype(np.float32)


def _mat(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    floor = 1.0 + 0.02 * blotches(size_px, 1.5, rng) + 0.02 * blotches(size_px, 0.6 * px_per_m, rng)
    if rng.random() < 0.5:
        seam = max(8, int(rng.uniform(0.5, 1.2) * px_per_m))
        floor[::seam] *= 0.75
        floor[:, ::seam] *= 0.75
    return floor.astype(np.float32)


def _grass(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    blades = 0.13 * blotches(size_px, (0.008 * px_per_m, 0.02 * px_per_m), rng) + 0.08 * blotches(
        size_px, 0.1 * px_per_m, rng
    )
    return _limit(1.0 + blades + 0.07 * blotches(size_px, 0.7 * px_per_m, rng), 0.3, 1.8)


def _plaster(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    fine, broad = blotches(size_px, 0.02 * px_per_m, rng), blotches(size_px, 0.7 * px_per_m, rng)
    return np.asarray(1.0 + 0.008 * fine + 0.012 * broad, dtype=np.float32)


def _stripes(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    period = rng.uniform(0.08, 0.3) * px_per_m
    stripe = np.sign(np.sin(2.0 * np.pi * np.arange(size_px[0]) / period)) * rng.uniform(0.03, 0.10)
    return np.asarray(_plaster(size_px, px_per_m, rng) + stripe[None], dtype=np.float32)


def _bricks(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    width, height = size_px
    high, long = max(4, int(0.075 * px_per_m)), max(8, int(0.25 * px_per_m))
    row = np.arange(height) // high
    along = np.arange(width)[None] + (row[:, None] % 2) * (long // 2)
    column = along // long
    shade = rng.normal(1.0, 0.10, (int(row[-1]) + 1, int(column.max()) + 1)).astype(np.float32)
    wall: _Values = shade[row[:, None], column]
    wall += 0.04 * blotches(size_px, 2.0, rng)
    joint = max(1, round(0.012 * px_per_m))
    wall[np.arange(height) % high < joint] = 1.25
    wall[along % long < joint] = 1.25
    return wall


def _boards(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    width, height = size_px
    wide = max(4, int(rng.uniform(0.1, 0.18) * px_per_m))
    column = np.arange(width) // wide
    wall = np.tile(rng.normal(1.0, 0.08, int(column[-1]) + 1).astype(np.float32)[column], (height, 1))
    wall += 0.05 * blotches(size_px, (0.008 * px_per_m, 0.4 * px_per_m), rng)
    wall[:, np.arange(width) % wide < max(1, round(0.01 * px_per_m))] *= 0.4
    return wall


def _leaves(size_px: tuple[int, int], px_per_m: float, rng: np.random.Generator) -> _Values:
    leaves = 0.30 * blotches(size_px, 0.03 * px_per_m, rng) + 0.18 * blotches(size_px, 0.12 * px_per_m, rng)
    return _limit(0.9 + leaves + 0.12 * blotches(size_px, 0.5 * px_per_m, rng), 0.15, 1.9)


def sky_picture(size_px: tuple[int, int], *, is_clear: bool, rng: np.random.Generator) -> Picture:
    """Return a sky over distant trees that fill the lower third."""
    width, height = size_px
    up = np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None, None]
    zenith, haze = np.array([110.0, 155.0, 215.0], np.float32), np.array([212.0, 222.0, 232.0], np.float32)
    sky = up * zenith + (1.0 - up) * haze if is_clear else np.full((height, 1, 3), 218.0, np.float32) - 20.0 * up
    sky = np.repeat(sky, width, axis=1)
    clouds = blotches(size_px, (width / 9.0, height / 9.0), rng) + 0.5 * blotches(size_px, width / 30.0, rng)
    sky += (255.0 - sky) * np.clip(0.35 * clouds, 0.0, 0.8)[..., None]
    tops = height * (
        0.66 + 0.04 * blotches((width, 1), width / 14.0, rng)[0] + 0.012 * blotches((width, 1), 6.0, rng)[0]
    )
    is_tree = np.arange(height)[:, None] > tops[None]
    trees = np.array([70.0, 92.0, 62.0], np.float32) * (1.0 + 0.18 * blotches(size_px, 6.0, rng))[..., None]
    return np.clip(np.where(is_tree[..., None], 0.75 * trees + 40.0, sky), 0.0, 255.0).astype(np.uint8)
