"""Write the recording again with the skeleton drawn on it, frame by frame. Knows nothing of how poses are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backsight.domain.assessment import IndexCurve
from backsight.domain.sequences import Frame, PoseSequence
from backsight.errors import VideoError
from backsight.ports import FrameSource
from backsight.video.drawing import draw_caption, draw_skeleton, encode_jpeg
from backsight.video.encoding import H264Writer

SMALL_PRINT = "No diagnosis"

_CRF = 27
_MAX_BIT_RATE = 1_800_000
"""60 s at this rate are 13.5 MB: small enough to embed in a report of one file."""
_SAME_TIME_S = 0.001
"""Two readings of one moment differ by less than this: a camera's recording rounds times to its own clock."""


@dataclass(frozen=True, eq=False)
class Still:
    """One drawn frame as a picture, for print."""

    timestamp_s: float
    """Seconds since the recording's first frame."""
    jpeg: bytes


def write_overlay(
    path: Path,
    source: FrameSource,
    pose: PoseSequence,
    *,
    curve: IndexCurve | None = None,
    still_times_s: Sequence[float] = (),
    n_dropped: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Still, ...]:
    """Read a recording again, draw each frame's own landmarks on it and encode it as H.264 MP4.

    The video begins with the first frame of `pose`: a player's time plus `pose.timestamps_s[0]` is the recording's
    time. The written clock shows the player's time, as report and plots do.

    Parameters
    ----------
    path
        The file to write; it appears only when complete.
    source
        The same frames that `pose` was found in.
    pose
        Filtered or raw landmarks; NaN is not drawn, low visibility is faded.
    curve
        The running index to show; None = not shown.
    still_times_s
        Moments to keep as pictures, in seconds since the recording's first frame; the nearest frame is taken.
    n_dropped
        Frames that a live source lost: its recording holds them, `pose` does not. They are written without a skeleton,
        those before the first frame of `pose` not at all.
    on_progress
        Called with (frames done, frames in all) after each frame written.

    Returns
    -------
    tuple of Still
        One for each of `still_times_s`, in their order.

    Raises
    ------
    VideoError
        When the frames are not those of `pose`: another number, another size or other times.
    OutputError
        When the file cannot be written; nothing is left behind then.
    """
    n_total = pose.n_frames + n_dropped
    wanted = _nearest_rows(pose, still_times_s)
    jpegs: dict[int, bytes] = {}
    start_s = float(pose.timestamps_s[0])
    writer = H264Writer(
        path, size=pose.frame_size, fps=pose.fps if pose.n_frames > 1 else 30.0, crf=_CRF, max_bit_rate=_MAX_BIT_RATE
    )
    with writer:
        for n_done, (frame, row) in enumerate(_match(source, pose, n_total=n_total), start=1):
            if frame.timestamp_s < start_s - _SAME_TIME_S:
                continue
            time_s = max(frame.timestamp_s - start_s, 0.0)
            image = frame.image.copy()
            if row is not None:
                draw_skeleton(image, pose.image_px[row], visibility=pose.visibility[row])
            draw_caption(
                image, lines=(clock_text(time_s), *_index_so_far(frame.timestamp_s, curve)), small_print=SMALL_PRINT
            )
            writer.write(image, time_s=time_s)
            if row in wanted:
                jpegs[row] = encode_jpeg(image)
            if on_progress is not None:
                on_progress(n_done, n_total)
    return tuple(Still(timestamp_s=float(pose.timestamps_s[row]), jpeg=jpegs[row]) for row in wanted)


def _nearest_rows(pose: PoseSequence, times_s: Sequence[float]) -> list[int]:
    return [int(np.abs(pose.timestamps_s - time_s).argmin()) for time_s in times_s]


def _match(source: FrameSource, pose: PoseSequence, *, n_total: int) -> Iterator[tuple[Frame, int | None]]:
    """Pair each frame with its row of the pose by time; None for a frame that the pose does not hold.

    Raises
    ------
    VideoError
        When frames and pose do not belong together.
    """
    name = source.info.name
    n_seen, row = 0, 0
    for frame in source.frames():
        n_seen += 1
        size = (frame.image.shape[1], frame.image.shape[0])
        if size != pose.frame_size:
            raise VideoError(
                f"{name}: frames are {size[0]} x {size[1]} pixels on the second reading, but the landmarks belong to "
                f"{pose.frame_size[0]} x {pose.frame_size[1]}; do not change the video while it is assessed"
            )
        if row < pose.n_frames and abs(frame.timestamp_s - pose.timestamps_s[row]) <= _SAME_TIME_S:
            yield frame, row
            row += 1
        else:
            yield frame, None
    if row != pose.n_frames or n_seen != n_total:
        raise VideoError(
            f"{name}: {n_seen} frames on the second reading, of which {row} fit the {pose.n_frames} frames of "
            f"landmarks, expected {n_total}; do not change the video while it is assessed"
        )


def clock_text(time_s: float) -> str:
    """Return a time in seconds as minutes, seconds and hundredths: `1:02.50`."""
    minutes, hundredths = divmod(round(time_s * 100), 6000)
    return f"{minutes}:{hundredths // 100:02}.{hundredths % 100:02}"


def _index_so_far(timestamp_s: float, curve: IndexCurve | None) -> tuple[str, ...]:
    if curve is None or len(curve.timestamps_s) == 0:
        return ()
    latest = int(np.searchsorted(curve.timestamps_s, timestamp_s + _SAME_TIME_S, side="right")) - 1
    return () if latest < 0 else (f"index so far {curve.index[latest]:.2f}",)
