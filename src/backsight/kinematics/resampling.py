"""Bring landmarks and signals onto an even time grid. Knows nothing of what they mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError

MODEL_FPS = 30.0
"""Frames a second that the network reads (paper, section III-B)."""
LONGEST_BRIDGE_S = 0.25
"""Frames further apart than this are not joined by a line: a longer gap stays missing."""
_SAME_TIME_S = 1e-6
"""Times closer than this are the same, so that rounding does not make a known sample missing."""


def resample(pose: PoseSequence, *, fps: float = MODEL_FPS, start_s: float | None = None) -> PoseSequence:
    """Interpolate a pose sequence linearly onto an even grid.

    Parameters
    ----------
    pose
        Any timestamps, even or not; NaN = missing.
    fps
        Frames a second of the grid.
    start_s
        Its first point, not before the first timestamp; None = at the first timestamp.

    Returns
    -------
    PoseSequence
        Its last frame is the last grid point not after the last timestamp. A position is missing where one of its two
        neighbours in time is missing, or where they lie more than `LONGEST_BRIDGE_S` apart, unless the grid point
        coincides with a known one. Visibility and presence are interpolated throughout.

    Raises
    ------
    InvalidValueError
        When `fps` is not positive, or the sequence is empty.
    """
    if not fps > 0:
        raise InvalidValueError(f"`fps` must be above 0, got {fps}")
    if pose.n_frames == 0:
        raise InvalidValueError("`pose` must hold at least one frame to be resampled, got none")
    first_s = float(pose.timestamps_s[0]) if start_s is None else start_s
    n_grid = int(np.floor((pose.timestamps_s[-1] - first_s + _SAME_TIME_S) * fps)) + 1
    grid_s = first_s + np.arange(n_grid) / fps
    before, weight = _neighbours(pose.timestamps_s, grid_s)
    after = np.minimum(before + 1, pose.n_frames - 1)
    too_far = pose.timestamps_s[after] - pose.timestamps_s[before] > LONGEST_BRIDGE_S

    def positions(values: FloatArray) -> FloatArray:
        between = _mix(values[before], values[after], weight)
        between[too_far & (weight > 0) & (weight < 1)] = np.nan
        return between

    return PoseSequence(
        image_px=positions(pose.image_px),
        world_m=positions(pose.world_m),
        visibility=_mix(pose.visibility[before], pose.visibility[after], weight),
        presence=_mix(pose.presence[before], pose.presence[after], weight),
        timestamps_s=grid_s,
        frame_size=pose.frame_size,
    )


def _neighbours(times_s: FloatArray, grid_s: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """Return for each grid point the sample before it and the weight, 0 to 1, of the sample after it."""
    before = np.clip(np.searchsorted(times_s, grid_s, side="right") - 1, 0, len(times_s) - 1)
    after = np.minimum(before + 1, len(times_s) - 1)
    step_s = np.where(after > before, times_s[after] - times_s[before], 1.0)
    weight = np.clip((grid_s - times_s[before]) / step_s, 0.0, 1.0)
    weight[np.abs(grid_s - times_s[before]) <= _SAME_TIME_S] = 0.0
    weight[np.abs(times_s[after] - grid_s) <= _SAME_TIME_S] = 1.0
    return before, np.where(after > before, weight, 0.0)


def _mix(first: FloatArray, second: FloatArray, weight: FloatArray) -> FloatArray:
    """Interpolate; a weight of exactly 0 or 1 takes the sample itself, even when its neighbour is NaN."""
    column = weight.reshape(-1, *([1] * (first.ndim - 1)))
    mixed = first * (1.0 - column) + second * column
    return np.where(column == 0.0, first, np.where(column == 1.0, second, mixed))
