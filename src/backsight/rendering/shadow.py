"""Soft shadows that a person drops on the floor. Knows nothing of bodies beyond their points, nor of rooms."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.rendering.light import Lighting
from backsight.simulation.camera import Camera

SHRINK = 4
"""Shadows are computed in a picture so many times smaller: they have no fine edges."""
_CONTACT_BANDS_M = ((0.50, 0.25), (0.20, 0.55), (0.07, 1.0))
"""Points lower than the first number hide the floor below them from this share of the light from all sides."""
_CONTACT_DEPTH = 0.7
_CONTACT_BLUR_M = 0.05
_EVERY = 2
"""Of a body's points, so many are enough for a blurred shadow."""
_NEAREST_M = 0.2
_FAR_PX = 10_000.0
_GAMMA = 2.2
_LEAST_SLOPE = 0.35
"""Light from lower than this (sine of elevation) would throw shadows across the room: they fade into the rest."""


class FloorShadow:
    """Darkens the floor under and beside people.

    Parameters
    ----------
    floor_share
        Where the still picture shows floor, 0 to 1; shape (height, width) of the small picture.
    margin_px
        By how much the still picture is larger than the camera's frame at each edge.
    """

    def __init__(self, lighting: Lighting, camera: Camera, *, floor_share: NDArray[np.float32], margin_px: int) -> None:
        self._camera, self._margin_px = camera, margin_px
        self._floor = floor_share
        light = lighting.light
        slope = max(float(lighting.towards_m[1]), _LEAST_SLOPE)
        level = lighting.towards_m[[0, 2]] / slope
        self._drift = np.array([-level[0], 0.0, -level[1]])
        fill, key = float(lighting.fill_rgb.sum()), float(lighting.key_rgb.sum()) * slope
        # A soft light's shadow has no core, only a half-shade.
        self._cast_depth = key / (key + fill) * (1.0 - 0.6 * light.softness)
        self._cast_blur_m = 0.015 + 0.22 * light.softness

    def darken(self, picture: NDArray[np.uint8], points_m: NDArray[np.floating]) -> None:
        """Darken the floor of the still picture, in place, where a body keeps light away.

        Parameters
        ----------
        points_m
            The body in the room; shape (n, 3).
        """
        points = points_m[::_EVERY].astype(np.float64)
        height = np.maximum(points[:, 1], 0.0)
        below = points * np.array([1.0, 0.0, 1.0])
        flat = self._place(np.concatenate([below, below + height[:, None] * self._drift]))
        depth_m = max(float(self._camera.to_camera(below.mean(axis=0))[2]), 0.3)
        px_per_m = self._camera.focal_px / depth_m / SHRINK
        blur_px = max(0.8, self._cast_blur_m * px_per_m)
        reach = int(3.0 * max(blur_px, _CONTACT_BLUR_M * px_per_m)) + 2
        top, bottom, left, right = self._bounds(flat, reach)
        if bottom <= top or right <= left:
            return
        size = bottom - top, right - left
        flat -= np.array([left, top])
        contact, cast = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
        low, thrown = flat[: len(below)], flat[len(below) :]
        for below_m, share in _CONTACT_BANDS_M:
            _mark(contact, low[height < below_m], share)
        _mark(cast, thrown, 1.0)
        near = cv2.GaussianBlur(contact, (0, 0), max(0.8, _CONTACT_BLUR_M * px_per_m))
        far = cv2.GaussianBlur(cast, (0, 0), blur_px)
        light_left = (1.0 - _CONTACT_DEPTH * near) * (1.0 - self._cast_depth * far)
        floor = self._floor[top:bottom, left:right]
        shade = 255.0 * (1.0 - floor * (1.0 - cv2.pow(light_left, 1.0 / _GAMMA)))
        _multiply(picture, np.round(shade).astype(np.uint8), top=top * SHRINK, left=left * SHRINK)

    def _place(self, points_m: FloatArray) -> NDArray[np.int32]:
        """Return where points are in the small picture; points behind the lens are far outside."""
        seen = self._camera.to_camera(points_m)
        depth = np.where(seen[:, 2] > _NEAREST_M, seen[:, 2], np.nan)
        centre = np.array(self._camera.frame_size) / 2.0 + self._margin_px
        flat = (centre + self._camera.focal_px * seen[:, :2] / depth[:, None]) / SHRINK
        return np.nan_to_num(np.clip(flat, -_FAR_PX, _FAR_PX), nan=-_FAR_PX).astype(np.int32)

    def _bounds(self, flat: NDArray[np.int32], reach: int) -> tuple[int, int, int, int]:
        """Return top, bottom, left, right of what a shadow can touch."""
        high, wide = self._floor.shape
        inside = ((flat >= -reach) & (flat < np.array([wide, high]) + reach)).all(axis=1)
        if not inside.any():
            return 0, 0, 0, 0
        (left, top), (right, bottom) = flat[inside].min(axis=0) - reach, flat[inside].max(axis=0) + reach + 1
        return max(int(top), 0), min(int(bottom), high), max(int(left), 0), min(int(right), wide)


def _mark(picture: NDArray[np.float32], flat: NDArray[np.int32], value: float) -> None:
    inside = ((flat >= 0) & (flat < np.array(picture.shape[::-1]))).all(axis=1)
    picture[flat[inside, 1], flat[inside, 0]] = value


def _multiply(picture: NDArray[np.uint8], shade: NDArray[np.uint8], *, top: int, left: int) -> None:
    high, wide = shade.shape[0] * SHRINK, shade.shape[1] * SHRINK
    part = picture[top : top + high, left : left + wide]
    factor = cv2.resize(shade, (wide, high), interpolation=cv2.INTER_LINEAR)[: part.shape[0], : part.shape[1]]
    cv2.multiply(part, cv2.merge([factor] * 3), dst=part, scale=1.0 / 255.0)
