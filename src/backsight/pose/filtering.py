"""Drop landmarks that BlazePose is unsure of and bridge short gaps. Knows nothing of videos, models or body parts."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError

VISIBILITY_THRESHOLD = 0.6
"""Landmarks below this confidence are dropped, those at it are kept (paper, section III-A: confidence >= 60 %)."""

MAX_GAP_S = 0.25
"""Gaps up to this long are bridged by a straight line. Within a quarter of a second the fastest movement asked for, a
jump's take-off and flight, already bends visibly, so anything longer would be invention."""

CLOCK_TOLERANCE_S = 1e-6
"""Containers keep time in microseconds or coarser; a gap that exceeds the limit by less than that equals it."""


def filter_by_visibility(pose: PoseSequence, *, threshold: float = VISIBILITY_THRESHOLD) -> PoseSequence:
    """Return the sequence with the positions of insecure landmarks missing.

    Parameters
    ----------
    pose
        Landmarks as the pose estimator reported them.
    threshold
        Smallest visibility, 0 to 1, that keeps a landmark; a landmark exactly at it is kept.

    Returns
    -------
    PoseSequence
        `image_px` and `world_m` are NaN where visibility is below the threshold or unknown, and where any of a
        position's coordinates is not finite; visibility and presence are as they were.

    Raises
    ------
    InvalidValueError
        When the threshold is not within 0 to 1.
    """
    if not 0.0 <= threshold <= 1.0:
        raise InvalidValueError(f"`threshold` must be a visibility within 0 to 1, got {threshold}")
    secure = pose.visibility >= threshold
    return replace(
        pose,
        image_px=_keep(pose.image_px, secure & _known(pose.image_px)),
        world_m=_keep(pose.world_m, secure & _known(pose.world_m)),
    )


def removed_share(raw: PoseSequence, filtered: PoseSequence) -> float:
    """Return the share, 0 to 1, of the landmark readings known in `raw` that are missing in `filtered`.

    A reading is one landmark in one frame. Frames without a person hold no readings and do not count; NaN when no
    frame holds any.
    """
    known_before = _known_in_either(raw)
    n_before = int(known_before.sum())
    n_removed = int((known_before & ~_known_in_either(filtered)).sum())
    return n_removed / n_before if n_before else float("nan")


def fill_short_gaps(pose: PoseSequence, *, max_gap_s: float = MAX_GAP_S) -> PoseSequence:
    """Return the sequence with short gaps bridged by straight lines in time.

    Each landmark is treated on its own, and image and world positions each by what is known of them. The length of a
    gap is the time between the known frames on its two sides, so at 30 fps six missing frames make a gap of 7 / 30 s
    and are bridged, seven make 8 / 30 s and are not.

    Parameters
    ----------
    pose
        Landmarks with NaN where nothing is known; the timestamps may be uneven.
    max_gap_s
        Longest gap, in seconds by the clock, that is bridged; a gap of exactly this length is.

    Returns
    -------
    PoseSequence
        Longer gaps, and those before the first and after the last known frame, stay missing. Visibility and presence
        are as they were, so that a bridged reading can be told from a seen one.

    Raises
    ------
    InvalidValueError
        When the limit is negative or NaN.
    """
    if not max_gap_s >= 0.0:
        raise InvalidValueError(f"`max_gap_s` must be zero or more seconds, got {max_gap_s}")
    return replace(
        pose,
        image_px=_bridge(pose.image_px, pose.timestamps_s, max_gap_s=max_gap_s),
        world_m=_bridge(pose.world_m, pose.timestamps_s, max_gap_s=max_gap_s),
    )


def filled_share(before: PoseSequence, filled: PoseSequence) -> float:
    """Return the share, 0 to 1, of the landmark readings known in `filled` that were missing in `before`.

    NaN when nothing is known in `filled`.
    """
    known_after = _known_in_either(filled)
    n_after = int(known_after.sum())
    n_filled = int((known_after & ~_known_in_either(before)).sum())
    return n_filled / n_after if n_after else float("nan")


def _known(positions: FloatArray) -> NDArray[np.bool_]:
    """Return where all three coordinates are finite; (n_frames, 33, 3) -> (n_frames, 33)."""
    return np.asarray(np.isfinite(positions).all(axis=2))


def _known_in_either(pose: PoseSequence) -> NDArray[np.bool_]:
    """Return where a landmark is known in the image or in the world; shape (n_frames, 33)."""
    return _known(pose.image_px) | _known(pose.world_m)


def _keep(positions: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    """Return positions (n_frames, 33, 3) with NaN where the mask (n_frames, 33) is False."""
    return np.where(mask[:, :, np.newaxis], positions, np.nan)


def _bridge(positions: FloatArray, timestamps_s: FloatArray, *, max_gap_s: float) -> FloatArray:
    """Return positions (n_frames, 33, 3) with the gaps up to `max_gap_s` filled linearly in time."""
    n_frames = len(timestamps_s)
    known = _known(positions)
    frame = np.arange(n_frames)[:, np.newaxis]
    last_known = np.maximum.accumulate(np.where(known, frame, -1), axis=0)
    next_known = np.minimum.accumulate(np.where(known, frame, n_frames)[::-1], axis=0)[::-1]

    has_sides = (last_known >= 0) & (next_known < n_frames)
    gap_s = timestamps_s[np.minimum(next_known, n_frames - 1)] - timestamps_s[np.maximum(last_known, 0)]
    at, landmark = np.nonzero(~known & has_sides & (gap_s <= max_gap_s + CLOCK_TOLERANCE_S))
    before, after = last_known[at, landmark], next_known[at, landmark]

    elapsed_s = timestamps_s[at] - timestamps_s[before]
    weight = (elapsed_s / gap_s[at, landmark])[:, np.newaxis]
    bridged = positions.copy()
    bridged[at, landmark] = (1.0 - weight) * positions[before, landmark] + weight * positions[after, landmark]
    return bridged
