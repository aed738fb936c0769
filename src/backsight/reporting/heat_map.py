"""Draw how fast each of the 33 landmarks moves over time as small pictures. Knows nothing of the page around them.

The paper feeds a "dynamic heat-map" to its network; here it is drawn for the reader: landmarks down, time across,
colour = speed. Pictures are palette PNGs of one pixel a cell, which a browser enlarges without blurring.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.body import measure_body

MAX_COLUMNS = 900
"""More columns than this would not be seen; longer recordings show every n-th frame."""

SPEED_SPAN_S = 0.13
"""Speed is taken over about this time: over single frames the jitter of the landmarks would outshine the movement."""

_GAP_FACTOR = 2.5
"""A cell further than this many frame intervals from any frame is missing."""

_N_COLOURS = 255
_MISSING = 255
"""Palette entry of a missing cell; transparent, so that the hatching behind it shows."""

_VIRIDIS_ANCHORS = "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725"
"""Ten colours along viridis: perceptually uniform, readable for the colour-blind, given to all under CC0."""


@dataclass(frozen=True)
class LandmarkGroup:
    """Landmarks of one part of the body, drawn together."""

    title: str
    rows: tuple[tuple[Landmark, str], ...]
    """(landmark, its name within the group), top to bottom."""


_PLAIN_NAMES = {"pinky": "little finger", "index": "index finger", "foot_index": "toes"}


def _side(side: str, parts: str) -> tuple[tuple[Landmark, str], ...]:
    return tuple((Landmark[f"{side}_{part}".upper()], _PLAIN_NAMES.get(part, part)) for part in parts.split())


GROUPS: tuple[LandmarkGroup, ...] = (
    LandmarkGroup(
        "Head",
        (
            (Landmark.NOSE, "nose"),
            (Landmark.LEFT_EYE_INNER, "left eye, inner"),
            (Landmark.LEFT_EYE, "left eye"),
            (Landmark.LEFT_EYE_OUTER, "left eye, outer"),
            (Landmark.RIGHT_EYE_INNER, "right eye, inner"),
            (Landmark.RIGHT_EYE, "right eye"),
            (Landmark.RIGHT_EYE_OUTER, "right eye, outer"),
            (Landmark.LEFT_EAR, "left ear"),
            (Landmark.RIGHT_EAR, "right ear"),
            (Landmark.MOUTH_LEFT, "mouth, left"),
            (Landmark.MOUTH_RIGHT, "mouth, right"),
        ),
    ),
    LandmarkGroup("Left arm", _side("left", "shoulder elbow wrist pinky index thumb")),
    LandmarkGroup("Right arm", _side("right", "shoulder elbow wrist pinky index thumb")),
    LandmarkGroup("Left leg", _side("left", "hip knee ankle heel foot_index")),
    LandmarkGroup("Right leg", _side("right", "hip knee ankle heel foot_index")),
)
"""All 33 landmarks in the order in which they are drawn."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Landmark speeds as pictures."""

    pictures: tuple[bytes, ...]
    """One PNG a group of `GROUPS`; a row a landmark, a column a moment."""
    full_scale_cm_s: float
    """The speed of the brightest colour, in centimetres a second."""
    missing_share: float
    """Share of the landmarks' readings that are missing."""
    fastest: tuple[str, str, float] | None
    """(group, name, 95th centile of its speed in cm/s) of the fastest landmark; None when nothing is known."""


def landmark_speeds(pose: PoseSequence) -> FloatArray:
    """Return each landmark's speed across the picture in cm/s, travel included; shape (n_frames, 33); NaN = missing.

    The scale comes from the person's own size as the world landmarks give it, so it is approximate.
    """
    if pose.n_frames < 2:
        return np.full(pose.image_px.shape[:2], np.nan)
    reach = max(1, round(0.5 * SPEED_SPAN_S * pose.fps))
    frames = np.arange(pose.n_frames)
    before, after = np.maximum(frames - reach, 0), np.minimum(frames + reach, pose.n_frames - 1)
    px_per_m = measure_body(pose).apparent_px_per_m

    def speed(start: NDArray[np.intp], end: NDArray[np.intp]) -> FloatArray:
        moved_px = np.linalg.norm(pose.image_px[end, :, :2] - pose.image_px[start, :, :2], axis=2)
        passed_s = pose.timestamps_s[end] - pose.timestamps_s[start]
        passed_s = np.where(passed_s > 0, passed_s, np.nan)
        speeds_cm_s: FloatArray = 100.0 * moved_px / (passed_s * px_per_m)[:, np.newaxis]
        return speeds_cm_s

    speeds = speed(before, after)
    # Beside a gap one of the two neighbours is missing; the side that is known then stands for both.
    for one_sided in (speed(frames, after), speed(before, frames)):
        speeds = np.where(np.isnan(speeds), one_sided, speeds)
    speeds[np.isnan(pose.image_px[:, :, 0])] = np.nan
    return speeds


def draw_heat_map(pose: PoseSequence) -> HeatMap:
    """Draw the speeds of all landmarks, a picture a group, over equal steps of time."""
    speeds = landmark_speeds(pose)
    known = np.isfinite(speeds)
    full_scale = _full_scale_cm_s(speeds[known])
    cells = speeds[_frame_of_column(pose.timestamps_s)]
    cells[_is_in_gap(pose.timestamps_s)] = np.nan
    shades = np.full(cells.shape, _MISSING, dtype=np.uint8)
    shown = np.isfinite(cells)
    shades[shown] = np.clip(cells[shown] / full_scale * (_N_COLOURS - 1), 0, _N_COLOURS - 1).round().astype(np.uint8)
    return HeatMap(
        pictures=tuple(palette_png(shades[:, [row for row, _ in group.rows]].T) for group in GROUPS),
        full_scale_cm_s=full_scale,
        missing_share=float(np.isnan(pose.image_px[:, :, 0]).mean()),
        fastest=_fastest(speeds),
    )


def _fastest(speeds: FloatArray) -> tuple[str, str, float] | None:
    """Return the landmark whose 95th centile of speed is highest: the maximum itself is often a landmark's jump.

    Landmarks known in less than half as many frames as the best known one do not count.
    """
    n_known = np.isfinite(speeds).sum(axis=0)
    if not n_known.any():
        return None
    named = [(group.title, name, row) for group in GROUPS for row, name in group.rows]
    candidates = [
        (title, name, float(np.nanpercentile(speeds[:, row], 95.0)))
        for title, name, row in named
        if 2 * n_known[row] >= n_known.max()
    ]
    return max(candidates, key=lambda candidate: candidate[2])


def colour_bar() -> bytes:
    """Return the colour scale, slow to fast, as a PNG of one row."""
    return palette_png(np.arange(_N_COLOURS, dtype=np.uint8)[np.newaxis])


def palette() -> NDArray[np.uint8]:
    """Return the colours from slow to fast; shape (255, 3)."""
    anchors = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in _VIRIDIS_ANCHORS.split()], float)
    at = np.linspace(0, len(anchors) - 1, _N_COLOURS)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def palette_png(shades: NDArray[np.uint8]) -> bytes:
    """Encode shades of the palette, shape (height, width), as a PNG."""
    height, width = shades.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), shades], axis=1)  # Each row leads with its filter, none.
    colours = palette().tobytes() + b"\0\0\0"
    opacity = b"\xff" * _N_COLOURS + b"\0"
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", colours),
            (b"tRNS", opacity),
            (b"IDAT", zlib.compress(rows.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _column_times(timestamps_s: FloatArray) -> FloatArray:
    """Return the middle of each column in seconds; the columns divide the time from the first frame to the last."""
    n_columns = min(max(len(timestamps_s), 1), MAX_COLUMNS)
    step_s = float(timestamps_s[-1] - timestamps_s[0]) / n_columns
    times_s: FloatArray = float(timestamps_s[0]) + np.arange(0.5, n_columns, dtype=np.float64) * step_s
    return times_s


def _frame_of_column(timestamps_s: FloatArray) -> NDArray[np.intp]:
    """Return the nearest frame for each column."""
    middles = 0.5 * (timestamps_s[1:] + timestamps_s[:-1])
    return np.searchsorted(middles, _column_times(timestamps_s))


def _is_in_gap(timestamps_s: FloatArray) -> NDArray[np.bool_]:
    """Return which columns lie in a hole of a recording with a varying frame rate."""
    times = _column_times(timestamps_s)
    if len(timestamps_s) < 3:
        return np.zeros(len(times), dtype=bool)
    distance = np.abs(timestamps_s[_frame_of_column(timestamps_s)] - times)
    far: NDArray[np.bool_] = distance > _GAP_FACTOR * float(np.median(np.diff(timestamps_s)))
    return far


def _full_scale_cm_s(speeds: FloatArray) -> float:
    """Return a round speed that nearly all cells stay below, at least 50 cm/s so that stillness looks still."""
    if not len(speeds):
        return 50.0
    return max(50.0, 50.0 * float(np.ceil(np.percentile(speeds, 98.0) / 50.0)))
