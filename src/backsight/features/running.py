"""What a recording says of the person so far, frame after frame. Knows nothing of cameras, networks or clocks."""

from __future__ import annotations

import numpy as np

from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.features.extract import Reference, mid_hip_px
from backsight.kinematics.body import height_from_segments_m, pixels_per_metre, segment_lengths_m
from backsight.kinematics.geometry import median_of_known

_N_VALUES = 6
"""Trunk, thigh, shank, pixels a metre, mid-hip x and y."""
_FIRST_ROOM = 512


class RunningReference:
    """The medians of `Reference` over the frames seen so far; after the last frame they are `Reference.of` all."""

    def __init__(self) -> None:
        self._values = np.empty((_FIRST_ROOM, _N_VALUES))
        self._n_frames = 0

    def add(self, pose: PoseSequence) -> None:
        """Take the next frames, at the model's 30 frames a second."""
        new = np.column_stack((segment_lengths_m(pose.world_m), pixels_per_metre(pose), mid_hip_px(pose)))
        while self._n_frames + len(new) > len(self._values):
            self._values = np.concatenate((self._values, np.empty_like(self._values)))
        self._values[self._n_frames : self._n_frames + len(new)] = new
        self._n_frames += len(new)

    def so_far(self) -> Reference:
        """Return the medians over all frames taken so far; NaN where nothing is known yet."""
        medians: FloatArray = np.array([median_of_known(column) for column in self._values[: self._n_frames].T])
        return Reference(
            height_m=height_from_segments_m(medians[:3]),
            px_per_m=float(medians[3]),
            mid_hip_px=(float(medians[4]), float(medians[5])),
        )
