"""Pack what BlazePose saw into few bytes and back. Knows nothing of files or of what was filmed.

Values become whole numbers of a step that lies below what BlazePose resolves, then differences from frame to frame,
then planes of bytes: what a general compressor can make small.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import ImageStatistics, PoseSequence, PoseTrack
from backsight.domain.validation import FloatArray

IMAGE_STEP_PX = 1.0 / 16.0
WORLD_STEP_M = 1e-4
CONFIDENCE_STEP = 1.0 / 255.0
TIME_STEP_S = 1e-6

_MISSING = np.iinfo(np.int32).min
"""Stands for NaN among whole numbers."""
_STEPS = {
    "image_px": IMAGE_STEP_PX,
    "world_m": WORLD_STEP_M,
    "visibility": CONFIDENCE_STEP,
    "presence": CONFIDENCE_STEP,
    "timestamps_s": TIME_STEP_S,
}
_STATISTICS = ("timestamps_s", "brightness", "contrast", "sharpness", "camera_shift")

Packed = dict[str, NDArray[np.uint8] | NDArray[np.float32]]


def pack_track(track: PoseTrack) -> Packed:
    """Return a track as arrays that compress well; see the steps above for what is rounded."""
    packed: Packed = {name: _pack(getattr(track.pose, name), step) for name, step in _STEPS.items()}
    packed["n_people"] = _pack(track.n_people, 1.0)
    packed["changed_person"] = np.packbits(track.changed_person)
    packed["images"] = np.stack([getattr(track.images, name) for name in _STATISTICS]).astype(np.float32)
    return packed


def unpack_track(
    packed: Mapping[str, NDArray[np.generic]], *, frame_size: tuple[int, int], n_dropped: int
) -> PoseTrack:
    """Return the track that `pack_track` was given, to within the steps."""
    fields = {name: _unpack(packed[name], step) for name, step in _STEPS.items()}
    pose = PoseSequence(frame_size=frame_size, **fields)
    images = np.asarray(packed["images"], dtype=np.float64)
    return PoseTrack(
        pose=pose,
        n_people=_unpack(packed["n_people"], 1.0),
        changed_person=np.unpackbits(np.asarray(packed["changed_person"], np.uint8), count=pose.n_frames).astype(bool),
        images=ImageStatistics(**dict(zip(_STATISTICS, images, strict=True))),
        n_dropped=n_dropped,
    )


def _pack(values: FloatArray, step: float) -> NDArray[np.uint8]:
    """Return byte planes of the differences along the first axis; shape (4, *values.shape)."""
    is_known = np.isfinite(values)
    whole = np.where(is_known, np.rint(np.where(is_known, values, 0.0) / step), _MISSING).astype(np.int32)
    # Whole numbers wrap around and back again, so that even the step to and from a missing value is exact.
    steps = np.diff(whole.view(np.uint32), axis=0, prepend=np.uint32(0))
    planes: NDArray[np.uint8] = steps[..., np.newaxis].view(np.uint8)
    return np.moveaxis(planes, -1, 0).copy()


def _unpack(planes: NDArray[np.generic], step: float) -> FloatArray:
    steps = np.moveaxis(np.asarray(planes, np.uint8), 0, -1).copy().view(np.uint32)[..., 0]
    whole = np.cumsum(steps, axis=0, dtype=np.uint32).view(np.int32)
    values: FloatArray = np.where(whole == _MISSING, np.nan, whole * step)
    return values
