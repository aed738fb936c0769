"""Read one person's landmarks out of BlazePose's landmark network. Knows nothing of other frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import N_LANDMARKS
from backsight.domain.sequences import PoseObservation
from backsight.domain.validation import FloatArray
from backsight.pose.openvino.networks import Network
from backsight.pose.openvino.region import Region, Sampler, region_around

N_RAW_LANDMARKS = 39
"""The 33 landmarks, two that say where the person is, and four for the hands that nobody uses."""
MIDDLE, RIM = N_LANDMARKS, N_LANDMARKS + 1
"""The middle of the hips, and a point of the circle around the whole body."""

_INPUT_SIZE_PX = 256
_HEAT_MAP_SIZE = 64
_WINDOW = 7
"""Cells of the heat map around a landmark, each way, that refine it."""
_SURE_ENOUGH = 0.5
"""A landmark whose window is nowhere as warm as this stays where it is."""


@dataclass(frozen=True, eq=False)
class PersonLandmarks:
    """One person in one image, as the network sees them."""

    image_px: FloatArray
    """x right, y down, z away from the camera in the scale of x; shape (39, 3)."""
    world_m: FloatArray
    """Hip-centred, turned as the image is; shape (39, 3)."""
    visibility: FloatArray
    """Shape (39,); 0 to 1."""
    presence: FloatArray
    """Shape (39,); 0 to 1."""
    person_presence: float
    """Probability that there is a person at all."""

    @property
    def region(self) -> Region:
        """Where the person is, with room to move until the next frame."""
        return region_around(self.image_px[MIDDLE, :2], self.image_px[RIM, :2])

    def observe(self) -> PoseObservation:
        """Return the 33 landmarks that everybody else knows."""
        return PoseObservation(
            image_px=self.image_px[:N_LANDMARKS],
            world_m=self.world_m[:N_LANDMARKS],
            visibility=self.visibility[:N_LANDMARKS],
            presence=self.presence[:N_LANDMARKS],
        )


class LandmarkFinder:
    """BlazePose's landmark network.

    Parameters
    ----------
    network
        Gives landmarks, presence of a person, heat maps and world landmarks.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._sampler = Sampler(network.picture, fills_with_black=False)

    def find(self, image: NDArray[np.uint8], region: Region) -> PersonLandmarks:
        """Return the landmarks of the person whom a region holds.

        Parameters
        ----------
        image
            RGB, shape (height, width, 3).
        region
            Around the person, turned so that they stand upright in it.
        """
        self._sampler.sample(image, region)
        raw, presence, heat_maps, world = self._network.run()
        values = raw.reshape(N_RAW_LANDMARKS, 5).astype(np.float64)
        shares = refine_positions(values[:, :2] / _INPUT_SIZE_PX, heat_maps)
        depth_px = values[:, 2:3] / _INPUT_SIZE_PX * region.side_px
        return PersonLandmarks(
            image_px=np.concatenate([region.to_image(shares), depth_px], axis=1),
            world_m=region.turn(world.reshape(N_RAW_LANDMARKS, 3).astype(np.float64)),
            visibility=_logistic(values[:, 3]),
            presence=_logistic(values[:, 4]),
            person_presence=float(presence[0]),
        )


def refine_positions(shares: FloatArray, heat_maps: NDArray[np.float32]) -> FloatArray:
    """Move landmarks to the centre of warmth around them.

    Parameters
    ----------
    shares
        (x, y) from 0 to 1 across the network's input; shape (n, 2).
    heat_maps
        Log-odds of each landmark being in a cell; shape (rows, columns, n).

    Returns
    -------
    FloatArray
        As `shares`. A landmark outside the input, or with a cold window, is where it was.
    """
    size = np.array([heat_maps.shape[1], heat_maps.shape[0]])
    # Towards zero, so that what lies less than a cell outside counts as inside: so MediaPipe has it.
    cell = np.trunc(shares * size).astype(np.intp)
    is_inside = np.all((cell >= 0) & (cell < size), axis=1)
    reach = np.arange(_WINDOW) - _WINDOW // 2
    columns, rows = cell[:, :1] + reach, cell[:, 1:] + reach
    is_cell = ((rows >= 0) & (rows < size[1]))[:, :, np.newaxis] & ((columns >= 0) & (columns < size[0]))[:, np.newaxis]
    within_rows, within_columns = np.clip(rows, 0, size[1] - 1), np.clip(columns, 0, size[0] - 1)
    which = np.arange(len(shares))[:, np.newaxis, np.newaxis]
    log_odds = heat_maps[within_rows[:, :, np.newaxis], within_columns[:, np.newaxis], which]
    warmth = np.where(is_cell, _logistic(log_odds.astype(np.float64)), 0.0)
    total = warmth.sum(axis=(1, 2))
    is_warm = is_inside & (warmth.max(axis=(1, 2)) >= _SURE_ENOUGH)
    # A cell counts as its left upper corner: so MediaPipe has it.
    centre = np.stack([(warmth.sum(axis=1) * columns).sum(axis=1), (warmth.sum(axis=2) * rows).sum(axis=1)], axis=1)
    refined = shares.copy()
    refined[is_warm] = centre[is_warm] / total[is_warm, np.newaxis] / size
    return refined


def _logistic(values: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))
