"""Light, contrast, sharpness and camera shift from the pictures themselves. Knows nothing of files and people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from backsight.domain.sequences import Frame, ImageStatistics
from backsight.domain.validation import FloatArray

SAMPLE_INTERVAL_S = 0.2
"""Five samples a second: light and camera change slowly, and every sample costs a few milliseconds."""
WORKING_WIDTH_PX = 320
"""Sharpness depends on the scale at which it is looked at: pictures are brought to about this width first."""

_LUMA_WEIGHTS = (0.299, 0.587, 0.114)
"""ITU-R BT.601, the weights of a grey picture made from RGB."""
_TILE_PX = 64
"""Tiles in which shift is measured: a shift of up to half of it can be told."""
_MIN_TEXTURE = 2.0
"""Standard deviation of luma below which a tile is bare wall and shows no shift."""
_MIN_PEAK = 6.0
"""Height of a correlation peak in standard deviations of the rest, below which it is chance."""
_MIN_TILES = 3
"""One or two tiles may show the moving person only."""
_AGREEMENT_PX = 1.5
"""Tiles of a still background agree within this; a majority has to."""


class ImageStatisticsCollector:
    """Looks at about five frames a second of a recording.

    The background's shift comes from phase correlation of tiles with the first sample (Kuglin and Hines 1975); the
    median over the tiles ignores the person, who covers the smaller part of the picture. Where the first sample is too
    far away to compare with, the shift is continued from the sample before.
    """

    def __init__(self) -> None:
        self._samples: list[tuple[float, float, float, float, float]] = []
        self._next_s = -np.inf
        self._anchor: _Spectra | None = None
        self._previous: _Spectra | None = None
        self._previous_shift: FloatArray = np.zeros(2)

    def add(self, frame: Frame) -> None:
        """Take the next frame; most are passed over."""
        if frame.timestamp_s < self._next_s:
            return
        # A grid of its own keeps the rate at five a second whatever the frame rate; a pause does not make it catch up.
        self._next_s = max(self._next_s + SAMPLE_INTERVAL_S, frame.timestamp_s + SAMPLE_INTERVAL_S / 2)
        luma = _working_luma(frame.image)
        self._samples.append(
            (frame.timestamp_s, float(luma.mean()), float(luma.std()), _sharpness(luma), self._shift(luma))
        )

    def result(self) -> ImageStatistics:
        """Return what was seen so far; empty arrays before the first frame."""
        if not self._samples:
            return ImageStatistics()
        times, brightness, contrast, sharpness, shift = np.array(self._samples).T
        return ImageStatistics(
            timestamps_s=times, brightness=brightness, contrast=contrast, sharpness=sharpness, camera_shift=shift
        )

    def _shift(self, luma: NDArray[np.float32]) -> float:
        spectra = _Spectra.of(luma)
        if self._anchor is None or self._previous is None:
            self._anchor = self._previous = spectra
            return 0.0
        shift = _measure_shift(self._anchor, spectra)
        if shift is None and (step := _measure_shift(self._previous, spectra)) is not None:
            shift = self._previous_shift + step
        if shift is None:
            return float("nan")
        self._previous, self._previous_shift = spectra, shift
        return float(np.hypot(shift[0], shift[1])) / int(luma.shape[1])


def _working_luma(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Average an RGB picture down to about 320 columns of luma, 0 to 255."""
    block = max(1, round(image.shape[1] / WORKING_WIDTH_PX))
    height, width = image.shape[0] // block, image.shape[1] // block
    if min(height, width) == 0:
        return np.zeros((1, 1), dtype=np.float32)
    kept = image[: height * block, : width * block]
    # Adding whole rows first and weighing colours and columns in one product takes a fifth of the time of a plain mean.
    # `einsum` instead of `@` keeps BLAS from waking a thread a core, which costs more here than the product.
    rows = kept.reshape(height, block, width * block * 3).sum(axis=1, dtype=np.uint16)
    weights = np.tile(np.array(_LUMA_WEIGHTS, dtype=np.float32) / block**2, block)
    luma: NDArray[np.float32] = np.einsum("ij,j->i", rows.reshape(-1, block * 3).astype(np.float32), weights)
    return luma.reshape(height, width)


def _sharpness(luma: NDArray[np.float32]) -> float:
    """Variance of the Laplacian (Pech-Pacheco 2000); NaN when the picture is too small for one."""
    if min(luma.shape) < 3:
        return float("nan")
    centre = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4.0 * centre
    return float(laplacian.var())


@dataclass(frozen=True, eq=False)
class _Spectra:
    """The spectra of a picture's tiles."""

    values: NDArray[np.complex64]
    """Shape (n_tiles, 64, 33)."""
    is_textured: NDArray[np.bool_]
    """Shape (n_tiles,)."""

    @classmethod
    def of(cls, luma: NDArray[np.float32]) -> _Spectra:
        height, width = luma.shape
        # Twenty tiles at most: more would cost time and agree with the others.
        tops = np.linspace(0, height - _TILE_PX, min(4, max(2, round(height / _TILE_PX)))).astype(int)
        lefts = np.linspace(0, width - _TILE_PX, min(5, max(2, round(width / _TILE_PX)))).astype(int)
        if min(height, width) < _TILE_PX:
            return cls(np.empty((0, _TILE_PX, _TILE_PX // 2 + 1), np.complex64), np.empty(0, bool))
        tiles = np.stack([luma[y : y + _TILE_PX, x : x + _TILE_PX] for y in tops for x in lefts])
        window = np.hanning(_TILE_PX).astype(np.float32)
        centred = (tiles - tiles.mean(axis=(1, 2), keepdims=True)) * window[:, None] * window
        return cls(fft.rfft2(centred).astype(np.complex64), tiles.std(axis=(1, 2)) > _MIN_TEXTURE)


def _measure_shift(before: _Spectra, after: _Spectra) -> FloatArray | None:
    """Return the background's (x, y) shift in working pixels; None when the tiles do not tell or do not agree."""
    usable = before.is_textured & after.is_textured
    if usable.sum() < _MIN_TILES:
        return None
    cross = after.values[usable] * before.values[usable].conj()
    surfaces = fft.irfft2(cross / (np.abs(cross) + 1e-6), s=(_TILE_PX, _TILE_PX))
    flat = surfaces.reshape(len(surfaces), -1)
    best = flat.argmax(axis=1)
    is_clear = flat[np.arange(len(flat)), best] > flat.mean(axis=1) + _MIN_PEAK * flat.std(axis=1)
    shifts = np.array(
        [_refine_peak(surface, int(at)) for surface, at in zip(surfaces[is_clear], best[is_clear], strict=True)]
    )
    if len(shifts) < _MIN_TILES:
        return None
    median = np.median(shifts, axis=0)
    agrees = np.hypot(*(shifts - median).T) <= _AGREEMENT_PX
    if agrees.sum() < _MIN_TILES or agrees.mean() < 0.5:
        return None
    shift: FloatArray = shifts[agrees].mean(axis=0)
    return shift


def _refine_peak(surface: FloatArray, at: int) -> tuple[float, float]:
    """Return a peak's (x, y) shift to a fraction of a pixel, by the centre of mass of its neighbourhood."""
    y, x = divmod(at, _TILE_PX)
    around = np.arange(-1, 2)
    patch = np.clip(surface[np.ix_((y + around) % _TILE_PX, (x + around) % _TILE_PX)], 0.0, None)
    total = patch.sum()
    dy, dx = float(patch.sum(axis=1) @ around / total), float(patch.sum(axis=0) @ around / total)
    half = _TILE_PX // 2
    return (x + half) % _TILE_PX - half + dx, (y + half) % _TILE_PX - half + dy
