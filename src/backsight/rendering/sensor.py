"""What hand, lens and sensor do to pictures: shake, vignetting, noise. Knows nothing of what they show."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.simulation.camera import Camera

_SWAY_HZ = (0.15, 6.0)
"""A hand's slow sway up to its tremor. Assumption."""
_N_WAVES = 14
_ROLL_SHARE = 0.5
"""A hand rolls a camera less than it turns it. Assumption."""
SHIFT_M_PER_DEG = 0.008
"""How far a hand that turns a camera by one degree also carries it. Assumption."""
_NOISE_TILE_EXTRA = 96
"""A noise tile is this many pixels larger than the frame, and a new part of it is used for each picture."""
_TILE_SD = 32.0
_DARK_NOISE, _BRIGHT_NOISE = 0.9, 0.75
"""Noise in black and in white against mid-grey: reading noise below, shot noise flattened by the tone curve above."""


class Shake:
    """A hand-held camera's small movements, smooth in time.

    Parameters
    ----------
    shake_deg
        Root mean square turn about the image's two axes; 0 = a tripod.
    """

    def __init__(self, shake_deg: float, rng: np.random.Generator) -> None:
        low, high = _SWAY_HZ
        self._frequency_hz = np.exp(rng.uniform(np.log(low), np.log(high), (6, _N_WAVES)))
        self._phase = rng.uniform(0.0, 2.0 * np.pi, (6, _N_WAVES))
        weight = 1.0 / (0.4 + self._frequency_hz)
        weight *= np.sqrt(2.0) / np.linalg.norm(weight, axis=1, keepdims=True)
        sizes = np.array([1.0, 1.0, _ROLL_SHARE, SHIFT_M_PER_DEG, SHIFT_M_PER_DEG, SHIFT_M_PER_DEG]) * shake_deg
        sizes[:3] = np.radians(sizes[:3])
        self._amplitude = weight * sizes[:, None]
        self.is_still = shake_deg == 0.0

    def move(self, camera: Camera, time_s: float) -> Camera:
        """Return where the camera is at a time."""
        if self.is_still:
            return camera
        waves = np.sin(2.0 * np.pi * self._frequency_hz * time_s + self._phase)
        pitch, yaw, roll, *shift_m = (self._amplitude * waves).sum(axis=1)
        turn, _ = cv2.Rodrigues(np.array([pitch, yaw, roll]))
        return replace(camera, axes=turn @ camera.axes, position_m=camera.position_m + np.array(shift_m) @ camera.axes)


def picture_shift(still: Camera, moved: Camera, *, margin_px: int, depth_m: float) -> FloatArray:
    """Return the homography from a still camera's larger picture to a moved camera's frame; shape (3, 3).

    It holds for what lies `depth_m` away; nearer and further things would shift against each other by a few pixels.

    Parameters
    ----------
    margin_px
        By how much the still picture is larger at each edge.
    depth_m
        Along the still camera's line of sight.
    """
    turn = moved.axes @ still.axes.T
    # Seen by the still camera, the lens moved by `shift`; a point p of the plane n p = depth is then turn (p - shift).
    shift = still.axes @ (moved.position_m - still.position_m)
    plane = turn @ (np.eye(3) - np.outer(shift, [0.0, 0.0, 1.0]) / depth_m)
    return _lens(moved, 0) @ plane @ np.linalg.inv(_lens(still, margin_px))


def _lens(camera: Camera, margin_px: int) -> FloatArray:
    # cv2 counts pixel centres as whole numbers, the camera counts from the frame's corner: half a pixel between.
    width, height = camera.frame_size
    matrix = np.diag([camera.focal_px, camera.focal_px, 1.0])
    matrix[:2, 2] = width / 2.0 + margin_px - 0.5, height / 2.0 + margin_px - 0.5
    return matrix


class SensorNoise:
    """Adds noise that depends on the signal.

    One tile of noise is made for a film, and every picture gets a part of it at a random place, turned over at random.

    Parameters
    ----------
    noise_codes
        Standard deviation in mid-grey, in picture codes.
    frame_size
        (width, height) in pixels.
    """

    def __init__(self, noise_codes: float, *, frame_size: tuple[int, int], rng: np.random.Generator) -> None:
        self._noise_codes = noise_codes
        if noise_codes == 0.0:
            return
        width, height = (side + _NOISE_TILE_EXTRA for side in frame_size)
        grain = rng.standard_normal((height, width, 3), dtype=np.float32)
        # Neighbouring pixels share some noise after the sensor's colours were filled in and cleaned; chroma is weaker.
        grain = 0.6 * grain + 0.8 * grain.mean(axis=2, keepdims=True) * np.sqrt(3.0)
        grain = cv2.GaussianBlur(grain, (0, 0), 0.55)
        tile = np.clip(np.round(grain * (_TILE_SD / grain.std())), -255, 255)
        # Two tiles without signs: 8-bit sums are five times as fast as wider ones.
        self._tiles = np.maximum(tile, 0).astype(np.uint8), np.maximum(-tile, 0).astype(np.uint8)
        level = np.linspace(-1.0, 1.0, 256)
        strength = 1.0 - np.where(level < 0.0, (1.0 - _DARK_NOISE) * level**2, (1.0 - _BRIGHT_NOISE) * level**2)
        self._strength = np.round(strength * 255.0).astype(np.uint8)
        self._scale = noise_codes / _TILE_SD / 255.0

    def add(self, picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return a noisy copy of an RGB picture."""
        if self._noise_codes == 0.0:
            return picture
        height, width = picture.shape[:2]
        y, x = (int(value) for value in rng.integers(_NOISE_TILE_EXTRA, size=2))
        more, less = self._tiles if rng.random() < 0.5 else self._tiles[::-1]
        strength = cv2.LUT(picture, self._strength)
        part = slice(y, y + height), slice(x, x + width)
        noisy = cv2.add(picture, cv2.multiply(strength, more[part], scale=self._scale))
        cv2.subtract(noisy, cv2.multiply(strength, less[part], scale=self._scale), dst=noisy)
        return np.asarray(noisy, dtype=np.uint8)


def vignette(points_px: NDArray[np.floating], *, frame_size: tuple[int, int], loss: float) -> NDArray[np.float32]:
    """Return which share of the light arrives at places in the frame; (n, 2) -> (n,)."""
    centre = np.array(frame_size) / 2.0
    squared = ((points_px - centre) ** 2).sum(axis=-1) / (centre**2).sum()
    return np.asarray(1.0 - loss * np.minimum(squared, 1.0), dtype=np.float32)
