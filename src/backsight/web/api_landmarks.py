"""A recording's landmarks as the JSON API answers them, typed. Knows no table."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, Field

from backsight.domain.landmarks import LANDMARK_NAMES
from backsight.domain.sequences import PoseSequence
from backsight.exports.landmarks import COLUMN_MEANINGS

VALUES = ("x_px", "y_px", "z_px", "x_m", "y_m", "z_m", "visibility", "presence")
_N_DECIMALS = 6
_MEANINGS = "; ".join(f"{name}: {COLUMN_MEANINGS[name]}" for name in VALUES)


class LandmarkFrame(BaseModel):
    """The landmarks of one frame."""

    frame: int = Field(description="Of the recording, counted from 0.", ge=0)
    timestamp_s: float = Field(description="Seconds since the recording's first frame.")
    landmarks: list[list[float | None]] = Field(
        description="33 landmarks in the order of `landmarks`, each with the 8 numbers that `values` names."
    )


class LandmarkFrames(BaseModel):
    """Some frames of a recording's landmarks."""

    frame_width_px: int = Field(description="Width of the analysed frame in pixels.")
    frame_height_px: int = Field(description="Height of the analysed frame in pixels.")
    n_frames: int = Field(description="Of the whole recording.", ge=0)
    next_first: int | None = Field(description="Send it as `first` to get the next frames; null = these are the last.")
    landmarks: list[str] = Field(description="BlazePose landmarks; left and right are the person's own.")
    values: list[str] = Field(description=f"What the numbers of a landmark are. {_MEANINGS}.")
    frames: list[LandmarkFrame]


def landmark_frames(pose: PoseSequence, *, first: int, limit: int) -> LandmarkFrames:
    """Return the frames from `first` on, `limit` at most; none where the recording is shorter."""
    part = slice(first, first + limit)
    # Shape (n_frames, 33, 8).
    numbers = np.concatenate(
        [pose.image_px[part], pose.world_m[part], pose.visibility[part, :, None], pose.presence[part, :, None]], axis=2
    )
    rounded = np.round(numbers, _N_DECIMALS).astype(object)
    rounded[np.isnan(numbers)] = None
    end = min(first + limit, pose.n_frames)
    width, height = pose.frame_size
    return LandmarkFrames(
        frame_width_px=width,
        frame_height_px=height,
        n_frames=pose.n_frames,
        next_first=end if end < pose.n_frames else None,
        landmarks=list(LANDMARK_NAMES),
        values=list(VALUES),
        frames=[
            LandmarkFrame(frame=number, timestamp_s=float(pose.timestamps_s[number]), landmarks=landmarks)
            for number, landmarks in zip(range(first, end), rounded.tolist(), strict=True)
        ],
    )
