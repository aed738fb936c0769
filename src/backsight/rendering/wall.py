"""Paint a wall with what hangs on it or breaks it: windows, doors, pictures, sockets. Knows nothing of other walls."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.rendering.setting import Colour
from backsight.rendering.textures import Picture, blotches

_WOODS: tuple[Colour, ...] = ((232, 230, 224), (150, 108, 70), (92, 64, 44), (60, 58, 56), (200, 170, 128))
_FRAMES: tuple[Colour, ...] = ((30, 28, 26), (120, 86, 54), (220, 216, 208), (160, 140, 80))


class Wall:
    """A wall's picture, painted in metres from its lower left corner.

    Parameters
    ----------
    picture
        The bare wall under white light.
    """

    def __init__(self, picture: Picture, *, px_per_m: float, rng: np.random.Generator) -> None:
        self.picture = picture
        self._scale, self._rng = px_per_m, rng
        self._taken: list[tuple[float, float]] = []
        self._windows: list[tuple[tuple[slice, slice], Picture]] = []

    @property
    def width_m(self) -> float:
        """Length of the wall."""
        return float(self.picture.shape[1] / self._scale)

    @property
    def height_m(self) -> float:
        """Height of the wall."""
        return float(self.picture.shape[0] / self._scale)

    def fill(self, left_m: float, bottom_m: float, wide_m: float, high_m: float, colour: Colour | Picture) -> None:
        """Paint a rectangle."""
        area = self._area(left_m, bottom_m, wide_m, high_m)
        part = self.picture[area]
        if not isinstance(colour, tuple):
            if part.size:
                part[:] = cv2.resize(colour, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_AREA)
            return
        part[:] = np.array(colour, dtype=np.uint8)

    def _area(self, left_m: float, bottom_m: float, wide_m: float, high_m: float) -> tuple[slice, slice]:
        high, wide = self.picture.shape[:2]
        columns = np.clip(np.round(np.array([left_m, left_m + wide_m]) * self._scale), 0, wide).astype(int)
        rows = np.clip(high - np.round(np.array([bottom_m + high_m, bottom_m]) * self._scale), 0, high).astype(int)
        return slice(rows[0], rows[1]), slice(columns[0], columns[1])

    def _find_room(self, wide_m: float) -> float | None:
        """Return where something so wide fits beside what is there, None = nowhere."""
        for _ in range(8):
            if self.width_m <= wide_m + 0.2:
                return None
            left = float(self._rng.uniform(0.1, self.width_m - wide_m - 0.1))
            if all(left + wide_m + 0.1 < low or left > high + 0.1 for low, high in self._taken):
                self._taken.append((left, left + wide_m))
                return left
        return None

    def add_skirting(self) -> None:
        """Paint the board along the floor."""
        high = float(self._rng.uniform(0.05, 0.12))
        self.fill(0.0, 0.0, self.width_m, high, _WOODS[int(self._rng.integers(len(_WOODS)))])
        self.fill(0.0, high, self.width_m, 0.008, (90, 88, 84))

    def add_dado(self, colour: Colour) -> None:
        """Paint the lower part of the wall in another colour."""
        high = float(self._rng.uniform(0.8, 1.2))
        shade = self.picture[self._area(0.0, 0.0, self.width_m, high)]
        shade[:] = (shade * (np.array(colour) / np.maximum(shade.mean(axis=(0, 1)), 1.0))).clip(0, 255).astype(np.uint8)

    def add_door(self) -> None:
        """Paint a closed door, plain or with panels."""
        wide, high = float(self._rng.uniform(0.78, 0.95)), float(self._rng.uniform(1.96, 2.1))
        left = self._find_room(wide)
        if left is None:
            return
        wood = np.array(_WOODS[int(self._rng.integers(len(_WOODS)))])
        self.fill(left - 0.07, 0.0, wide + 0.14, high + 0.07, _as_colour(wood * 0.92))
        self.fill(left, 0.0, wide, high, _as_colour(wood))
        self.fill(left, 0.0, 0.006, high, _as_colour(wood * 0.5))
        self.fill(left + wide, 0.0, 0.006, high, _as_colour(wood * 0.5))
        if self._rng.random() < 0.6:
            for low, tall in ((0.2, 0.6), (0.95, 0.9)):
                self.fill(left + 0.12, low, wide - 0.24, tall, _as_colour(wood * 0.85))
                self.fill(left + 0.14, low + 0.02, wide - 0.28, tall - 0.04, _as_colour(wood * 0.97))
        self.fill(left + wide - 0.16, 1.0, 0.12, 0.025, (120, 118, 112))

    def add_window(self) -> None:
        """Paint a window with its frame; its panes shine by themselves."""
        wide, sill = float(self._rng.uniform(0.8, 2.0)), float(self._rng.uniform(0.2, 1.0))
        high = min(float(self._rng.uniform(1.1, 1.8)), self.height_m - sill - 0.25)
        left = self._find_room(wide)
        if left is None or high < 0.5:
            return
        self.fill(left - 0.06, sill - 0.06, wide + 0.12, high + 0.12, (228, 228, 224))
        self.fill(left - 0.10, sill - 0.10, wide + 0.20, 0.05, (206, 204, 198))
        n_panes = 1 + int(wide > 1.1)
        pane = wide / n_panes
        for number in range(n_panes):
            area = self._area(left + number * pane + 0.03, sill + 0.03, pane - 0.06, high - 0.06)
            shape = self.picture[area].shape
            if 0 in shape:
                continue
            outside = np.linspace(235.0, 196.0, shape[0])[:, None, None] * np.array([0.97, 1.0, 1.02])
            green = blotches((shape[1], shape[0]), 12.0, self._rng)[..., None] * 14.0
            lower = np.linspace(0.0, 1.0, shape[0])[:, None, None] > self._rng.uniform(0.5, 0.9)
            outside = np.where(lower, outside * [0.62, 0.72, 0.55] + green, outside)
            self._windows.append((area, np.clip(outside, 0.0, 255.0).astype(np.uint8)))
        if self._rng.random() < 0.5:
            cloth = self._rng.uniform(60.0, 220.0, 3)
            for start in (left - 0.28, left + wide - 0.02):
                folds = 1.0 + 0.14 * np.sin(np.linspace(0.0, self._rng.uniform(20.0, 40.0), 64))
                curtain = np.clip(folds[None, :, None] * cloth, 0.0, 255.0).astype(np.uint8)
                self.fill(start, 0.04, 0.30, sill + high + 0.12, np.repeat(curtain, 2, axis=0))

    def add_picture(self) -> None:
        """Paint a framed picture or an unframed poster with something abstract on it."""
        wide, high = float(self._rng.uniform(0.25, 0.9)), float(self._rng.uniform(0.25, 0.8))
        left = self._find_room(wide)
        if left is None:
            return
        bottom = min(float(self._rng.uniform(1.25, 1.6)), self.height_m - high - 0.1)
        if self._rng.random() < 0.75:
            frame = _FRAMES[int(self._rng.integers(len(_FRAMES)))]
            self.fill(left - 0.03, bottom - 0.03, wide + 0.06, high + 0.06, frame)
        self.fill(left, bottom, wide, high, _abstract(self._rng))

    def add_socket(self) -> None:
        """Paint a light switch."""
        left = self._find_room(0.12)
        if left is not None:
            self.fill(left, 1.05, 0.08, 0.08, (240, 240, 236))

    def shine(self, lit: Picture, *, brightness: float) -> None:
        """Put the windows' own light into the finished wall, in place; `brightness` 1 = as in a well exposed room."""
        for area, pane in self._windows:
            lit[area] = np.clip(pane * brightness, 0.0, 255.0).astype(np.uint8)


def _abstract(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return something for a frame: blotches, shapes, or lines as of print."""
    size = (96, 96)
    ground = rng.uniform(70.0, 235.0) * rng.uniform(0.75, 1.1, 3)
    hues = np.stack([blotches(size, 30.0, rng) for _ in range(3)], axis=2)
    picture = ground + 12.0 * hues + 22.0 * blotches(size, 24.0, rng)[..., None]
    picture = np.ascontiguousarray(np.clip(picture, 0.0, 255.0).astype(np.uint8))
    for _ in range(int(rng.integers(0, 7))):
        colour = tuple(int(value) for value in rng.uniform(30.0, 220.0) * rng.uniform(0.6, 1.1, 3))
        x, y = (int(value) for value in rng.integers(8, 88, 2))
        if rng.random() < 0.5:
            cv2.circle(picture, (x, y), int(rng.integers(4, 26)), colour, -1)
        else:
            far = tuple(int(value) for value in rng.integers(8, 88, 2))
            cv2.rectangle(picture, (x, y), far, colour, -1)
    if rng.random() < 0.3:
        for row in range(10, 90, 7):
            cv2.line(picture, (10, row), (int(rng.integers(40, 86)), row), (60, 60, 60), 2)
    return picture


def _as_colour(values: NDArray[np.floating]) -> Colour:
    red, green, blue = (int(value) for value in np.clip(values, 0.0, 255.0))
    return red, green, blue
