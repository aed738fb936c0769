"""How large the person is, in metres and in pixels, from the landmarks alone. Knows nothing of movement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import length, mean_of_known, median_of_known

SHANK_SHARE, THIGH_SHARE, TRUNK_SHARE = 0.246, 0.245, 0.288
"""Knee to ankle, hip to knee and shoulder to hip as shares of standing height: Drillis and Contini 1966, as printed in
Winter's textbook (remembered, to be confirmed). They only fix the unit; an error in them scales everybody alike."""
_FEWEST_SCALE_LANDMARKS = 6
"""A frame with fewer known landmarks says too little about the person's size in the picture."""


@dataclass(frozen=True, eq=False)
class BodySize:
    """A person's size: medians over a whole recording, so that no single bad frame can change them."""

    height_m: float
    """Standing height in BlazePose's metres, from the lengths of shank, thigh and trunk; NaN = unknown. BlazePose's
    metres come from one camera: they are its guess of the person's size, not a measured one."""
    trunk_m: float
    """Mid-hip to mid-shoulder in BlazePose's metres; NaN = unknown."""
    px_per_m: float
    """Pixels that one of those metres covers in the picture, at the person; NaN = unknown."""
    apparent_px_per_m: FloatArray
    """The same in each frame: it grows as the person comes closer; shape (n_frames,), NaN = unknown."""

    @property
    def height_px(self) -> float:
        """Standing height in pixels, also while the person bends; NaN = unknown."""
        return self.height_m * self.px_per_m


def measure_body(pose: PoseSequence) -> BodySize:
    """Measure the person once for the recording: medians over time, so outliers do not count."""
    medians_m = np.array([median_of_known(lengths) for lengths in segment_lengths_m(pose.world_m).T])
    apparent_px_per_m = pixels_per_metre(pose)
    return BodySize(
        height_m=height_from_segments_m(medians_m),
        trunk_m=float(medians_m[0]) if medians_m[0] > 0 else float("nan"),
        px_per_m=median_of_known(apparent_px_per_m),
        apparent_px_per_m=apparent_px_per_m,
    )


def segment_lengths_m(world_m: FloatArray) -> FloatArray:
    """Return the lengths of trunk, thigh and shank in each frame; (n_frames, 33, 3) -> (n_frames, 3), NaN = unknown."""
    trunk = length(
        0.5
        * (
            world_m[:, Landmark.LEFT_SHOULDER]
            + world_m[:, Landmark.RIGHT_SHOULDER]
            - world_m[:, Landmark.LEFT_HIP]
            - world_m[:, Landmark.RIGHT_HIP]
        )
    )
    thigh = mean_of_known(
        length(world_m[:, Landmark.LEFT_KNEE] - world_m[:, Landmark.LEFT_HIP]),
        length(world_m[:, Landmark.RIGHT_KNEE] - world_m[:, Landmark.RIGHT_HIP]),
    )
    shank = mean_of_known(
        length(world_m[:, Landmark.LEFT_ANKLE] - world_m[:, Landmark.LEFT_KNEE]),
        length(world_m[:, Landmark.RIGHT_ANKLE] - world_m[:, Landmark.RIGHT_KNEE]),
    )
    return np.column_stack((trunk, thigh, shank))


def height_from_segments_m(lengths_m: FloatArray) -> float:
    """Return the standing height that trunk, thigh and shank suggest, shape (3,); NaN where none of them is known."""
    shares = np.array([TRUNK_SHARE, THIGH_SHARE, SHANK_SHARE])
    found = np.isfinite(lengths_m)
    height_m = float(lengths_m[found].sum() / shares[found].sum()) if found.any() else float("nan")
    return height_m if height_m > 0 else float("nan")


def pixels_per_metre(pose: PoseSequence) -> FloatArray:
    """Return how many pixels a world metre covers in each frame; shape (n_frames,), NaN = too few landmarks known.

    The spread of the landmarks in the picture divided by the spread of the same landmarks' x and y in the world, which
    holds in any posture and from any side, because neither looks along z.
    """
    image, world = pose.image_px[:, :, :2], pose.world_m[:, :, :2]
    usable: NDArray[np.bool_] = np.isfinite(image[..., 0] + image[..., 1] + world[..., 0] + world[..., 1])
    count = usable.sum(axis=1)
    enough = count >= _FEWEST_SCALE_LANDMARKS

    def spread(positions: FloatArray) -> FloatArray:
        kept = np.where(usable[..., np.newaxis], positions, 0.0)
        centre = kept.sum(axis=1) / np.maximum(count, 1)[:, np.newaxis]
        off_centre = np.where(usable[..., np.newaxis], positions - centre[:, np.newaxis], 0.0)
        squares: FloatArray = np.einsum("ijk,ijk->i", off_centre, off_centre)
        return np.sqrt(squares)

    world_spread = spread(world)
    known_scale = enough & (world_spread > 0)
    return np.where(known_scale, spread(image) / np.where(known_scale, world_spread, 1.0), np.nan)
