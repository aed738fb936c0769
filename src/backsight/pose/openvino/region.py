"""Turned squares that hold a person, and the pixels inside them. Knows no network.

MediaPipe samples such a square with OpenCV's fixed-point bilinear filter: positions rounded to 1/32 of a pixel, results
to whole grey values. BlazePose is sensitive enough that exact sampling moves its landmarks by up to some pixels; here
the same rounding is asked for, by handing OpenCV fixed-point maps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray

_ROOM = 1.25
"""A person's circle is enlarged by this factor: hands and feet may move before the next frame."""
_UPRIGHT_RAD = math.pi / 2
"""From the middle of the hips, the rim of an upright person's circle lies above."""


@dataclass(frozen=True)
class Region:
    """A turned square in an image's pixels."""

    x_px: float
    """Of the centre."""
    y_px: float
    """Of the centre."""
    side_px: float
    turn_rad: float
    """How far the square is turned, clockwise as seen, so that the person stands upright in it; -pi to pi."""

    def to_image(self, shares: FloatArray) -> FloatArray:
        """Return where points of the square, (x, y) from 0 to 1, lie in the image in pixels; shape (n, 2)."""
        across, down = self.axes_px()
        x, y = shares[:, 0] - 0.5, shares[:, 1] - 0.5
        return np.stack(
            [self.x_px + across[0] * x + down[0] * y, self.y_px + across[1] * x + down[1] * y],
            axis=1,
        )

    def turn(self, positions: FloatArray) -> FloatArray:
        """Return directions seen in the square, (x, y, ...), as they are in the image; shape (n, at least 2)."""
        cosine, sine = math.cos(self.turn_rad), math.sin(self.turn_rad)
        turned = positions.copy()
        turned[:, 0] = cosine * positions[:, 0] - sine * positions[:, 1]
        turned[:, 1] = sine * positions[:, 0] + cosine * positions[:, 1]
        return turned

    def axes_px(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the square's sides, to the right and down, as (x, y) in the image."""
        across = self.side_px * math.cos(self.turn_rad), self.side_px * math.sin(self.turn_rad)
        return across, (-across[1], across[0])


def region_around(middle: FloatArray, rim: FloatArray) -> Region:
    """Return the square around a person's circle, with room, turned so that they stand upright in it.

    Parameters
    ----------
    middle
        The circle's centre, between the hips: (x, y) in pixels.
    rim
        A point of the circle, above the head of somebody upright: (x, y) in pixels.
    """
    right, up = float(rim[0] - middle[0]), float(middle[1] - rim[1])
    turn_rad = _UPRIGHT_RAD - math.atan2(up, right)
    return Region(
        x_px=float(middle[0]),
        y_px=float(middle[1]),
        side_px=2 * _ROOM * math.hypot(right, up),
        turn_rad=math.remainder(turn_rad, math.tau),
    )


def whole_image(image: NDArray[np.uint8]) -> Region:
    """Return the smallest upright square with the image in its middle."""
    height, width = image.shape[:2]
    return Region(x_px=width / 2, y_px=height / 2, side_px=float(max(width, height)), turn_rad=0.0)


class Sampler:
    """Samples regions of images into one small picture, over and over.

    Parameters
    ----------
    picture
        Where the samples go: RGB, shape (side, side, 3).
    fills_with_black
        Whether black lies beyond the image's edges; else its outermost pixels go on.
    """

    def __init__(self, picture: NDArray[np.uint8], *, fills_with_black: bool) -> None:
        side = len(picture)
        self._picture = picture
        self._border = cv2.BORDER_CONSTANT if fills_with_black else cv2.BORDER_REPLICATE
        # A sample stands in its pixel's upper left corner, not in the middle: so MediaPipe has it.
        self._shares = np.arange(side) / side - 0.5
        self._x_px, self._y_px = np.empty((side, side), np.float32), np.empty((side, side), np.float32)
        self._whole: Any = np.empty((side, side, 2), np.int16)
        self._parts: Any = np.empty((side, side), np.uint16)

    def sample(self, image: NDArray[np.uint8], region: Region) -> None:
        """Fill the picture with what the image, RGB of shape (height, width, 3), shows in the region."""
        across, down = region.axes_px()
        for axis, centre_px, out in ((0, region.x_px, self._x_px), (1, region.y_px, self._y_px)):
            along_rows = (across[axis] * self._shares).astype(np.float32)
            along_columns = (centre_px + down[axis] * self._shares).astype(np.float32)
            np.add(along_columns[:, np.newaxis], along_rows, out=out)
        cv2.convertMaps(self._x_px, self._y_px, cv2.CV_16SC2, self._whole, self._parts)
        cv2.remap(image, self._whole, self._parts, cv2.INTER_LINEAR, self._picture, self._border)
