"""Open a video file and list its pictures' times without decoding them. Knows nothing of sizes and colours."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from backsight.errors import VideoError
from backsight.video.declared_size import has_iso_index, is_cut_off

_TEXT_FORMATS = {"tty", "hls", "concat", "sdp", "dash", "vobsub"}
"""Formats under which FFmpeg plays a text file."""
_PACKETS_WITHOUT_PICTURE = {"vp8"}
"""Codecs with packets that show no picture of their own, so that packets cannot be counted as pictures."""
_DECODER_MEMORY_BYTES = 256 * 2**20
MAX_DECODER_THREADS = 4
_FALLBACK_FPS = 25.0

CONVERT_REMEDY = "convert it to an MP4 (H.264) with another program, or record again"


def silence_ffmpeg() -> None:
    """Stop FFmpeg's libraries from writing to the terminal; what matters arrives as exceptions."""
    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)


@dataclass(frozen=True, eq=False)
class PictureTimes:
    """When each picture of a file is shown, as its packets say."""

    pts: NDArray[np.int64]
    """Presentation times in units of `time_base`, sorted, each once; empty when the file does not say."""
    time_base: Fraction
    """Seconds a unit."""
    seconds: NDArray[np.float64]
    """Each picture's time in seconds since the first; spaced evenly when the file does not say; shape (n_pictures,)."""
    is_exact: bool
    """True when every picture has its own time, so that a time tells the picture's number."""
    break_s: float | None = None
    """Time from which pictures are missing or damaged; None = whole, as far as the container tells."""
    nominal_fps: float = _FALLBACK_FPS
    """The rate that the container announces."""

    @property
    def fps(self) -> float:
        """Mean pictures a second."""
        n_steps = len(self.seconds) - 1
        return n_steps / float(self.seconds[-1]) if n_steps > 0 else self.nominal_fps

    def next_after(self, pts: int | None) -> float:
        """Return the time in seconds of the picture that follows the one with this presentation time."""
        if pts is None or len(self.pts) == 0:
            return 0.0
        following = int(np.searchsorted(self.pts, pts, side="right"))
        return float(self.seconds[following]) if following < len(self.seconds) else float(self.seconds[-1])


def check_is_file(path: Path) -> None:
    """Raise `VideoError` unless the path leads to a file that can be read and holds something."""
    name = path.name or str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise VideoError(f"{name}: this is a folder, not a video; name one video file in it")
        if not stat.S_ISREG(status.st_mode):
            raise VideoError(f"{name}: this is not a regular file; copy the video into a file first")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise VideoError(f"{name}: there is no such file; check the name and the folder") from None
    except PermissionError:
        raise VideoError(f"{name}: no permission to read this file; change its permissions or copy it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"{name}: the file cannot be read ({reason}); copy it again from the camera") from error
    if status.st_size == 0:
        raise VideoError(f"{name}: the file is empty (0 bytes); copy it again from the camera or phone")


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and choose its video stream; close it at the end.

    Raises
    ------
    VideoError
        When the file cannot be read as a video.
    """
    silence_ffmpeg()
    check_is_file(path)
    try:
        # `file:` keeps names such as `a:b.mp4` from being taken for addresses, and the white list keeps a playlist that
        # is dressed up as a video from reaching into the network.
        container = av.open(
            f"file:{os.path.abspath(path)}",  # noqa: PTH100  (Path.resolve would follow links)
            "r",
            container_options={"protocol_whitelist": "file", "ignore_editlist": "0"},
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, UnicodeError) as error:
        raise _explain_unreadable(path) from error
    try:
        yield container, _choose_stream(path, container)
    finally:
        container.close()


def _explain_unreadable(path: Path) -> VideoError:
    if has_iso_index(path) is False:
        return VideoError(
            f"{path.name}: the video is cut off: its index (the `moov` part) is missing, because recording or copying "
            "was interrupted; copy it again from the camera or phone, or record again"
        )
    return VideoError(f"{path.name}: this is not a video, or it is damaged beyond reading; {CONVERT_REMEDY}")


def _choose_stream(path: Path, container: InputContainer) -> VideoStream:
    formats = set(container.format.name.split(","))
    if formats & _TEXT_FORMATS:
        raise VideoError(f"{path.name}: this is a text file, not a video; name a video file")
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        has_sound = bool(container.streams.audio)
        kind = "holds sound but no pictures" if has_sound else "holds no pictures"
        raise VideoError(f"{path.name}: the file {kind}; name a video file")
    if "image2" in formats or container.format.name.endswith("_pipe"):
        raise VideoError(f"{path.name}: this is one still picture (one frame); a movement needs a video")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    # The stubs leave out that a stream of an unknown codec has no context.
    if getattr(stream, "codec_context", None) is None:
        raise VideoError(f"{path.name}: no decoder for this video's codec is available; {CONVERT_REMEDY}")
    return stream


def scan_times(path: Path) -> PictureTimes:
    """Read through a file without decoding it, and list when its pictures are shown.

    Raises
    ------
    VideoError
        When the file is not a readable video or holds fewer than two pictures.
    """
    with open_video(path) as (container, stream):
        packets, n_read, failed = _list_packets(container, stream)
        is_iso = "mp4" in container.format.name
        is_short = failed or is_cut_off(path) or (is_iso and len(stream.index_entries) > n_read > 0)
        if not packets:
            remedy = "copy it again from the camera or phone" if is_short else "record again"
            raise VideoError(f"{path.name}: the video holds no frames (0); {remedy}")
        if len(packets) == 1 and not is_short:
            raise VideoError(f"{path.name}: the video holds one frame; a movement needs a video of several seconds")
        time_base = stream.time_base or Fraction(1, 1000)
        nominal_fps = float(stream.average_rate or stream.guessed_rate or _FALLBACK_FPS)
        known = sorted({packet.pts for packet in packets if packet.pts is not None})
        is_timed = all(packet.pts is not None for packet in packets)
        if is_timed:
            pts = np.array(known, dtype=np.int64)
            seconds = (pts - pts[0]) * float(time_base)
        else:
            pts = np.empty(0, dtype=np.int64)
            seconds = np.arange(len(packets)) / nominal_fps
        return PictureTimes(
            pts=pts,
            time_base=time_base,
            seconds=seconds,
            is_exact=is_timed
            and len(known) == len(packets)
            and stream.codec_context.name not in _PACKETS_WITHOUT_PICTURE,
            break_s=_find_break(packets, pts, seconds, is_short=is_short),
            nominal_fps=nominal_fps,
        )


@dataclass(frozen=True)
class _Packet:
    pts: int | None
    dts: int | None
    is_corrupt: bool


def _list_packets(container: InputContainer, stream: VideoStream) -> tuple[list[_Packet], int, bool]:
    """List the packets that hold a picture to be shown, count all that hold one, and say whether reading failed.

    An MP4 that was trimmed without encoding it anew keeps the pictures from the key picture before its start, marked as
    not to be shown: the index counts them, a player does not.
    """
    packets: list[_Packet] = []
    n_read = 0
    try:
        for packet in container.demux(stream):
            if packet.size > 0:
                n_read += 1
                if not packet.is_discard:
                    packets.append(_Packet(packet.pts, packet.dts, packet.is_corrupt))
    except av.error.FFmpegError:
        return packets, n_read, True
    return packets, n_read, False


def _find_break(
    packets: list[_Packet], pts: NDArray[np.int64], seconds: NDArray[np.float64], *, is_short: bool
) -> float | None:
    """Return the time in seconds from which not every picture is there; None when nothing is missing."""
    first_bad = next((index for index, packet in enumerate(packets) if packet.is_corrupt), None)
    if first_bad is None and not is_short:
        return None
    good = packets[:first_bad]
    if not good:
        return 0.0
    # Pictures are stored in decoding order, so what was lost may be shown before what is left. No later packet is shown
    # before it is decoded, so everything up to the last decoding time is there.
    complete_until = good[-1].dts if good[-1].dts is not None else good[-1].pts
    if complete_until is None or len(pts) == 0:
        return float(seconds[len(good) - 1])
    following = int(np.searchsorted(pts, complete_until, side="right"))
    return float(seconds[min(following, len(seconds) - 1)])


def limit_decoder_threads(stream: VideoStream, *, at_most: int = MAX_DECODER_THREADS) -> None:
    """Use several cores for decoding, but bound the pictures that are in the making at once.

    Frame threading holds one whole picture a thread; at 8K that is 50 to 100 MB each.
    """
    context = stream.codec_context
    picture_bytes = max(1, context.width * context.height * 3)
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    context.thread_count = max(1, min(at_most, n_cores, _DECODER_MEMORY_BYTES // picture_bytes))
    with contextlib.suppress(av.error.FFmpegError):
        context.thread_type = "AUTO"
