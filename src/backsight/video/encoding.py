"""Write pictures as an H.264 MP4 that browsers play, at exact times. Knows nothing of what the pictures show."""

from __future__ import annotations

import contextlib
import errno
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from backsight.errors import OutputError
from backsight.video.container import silence_ffmpeg

TIME_BASE = Fraction(1, 90_000)
"""The usual video clock: 24, 25, 29.97, 30, 60 and 120 fps are whole numbers of it; any other time is within 6 us."""
_ENCODERS = ("libx264", "libopenh264", "h264")
_SECONDS_BETWEEN_KEY_PICTURES = 1.0
"""Short, so that dragging the playhead in a report shows every moment at once."""
_BT709 = 1
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class H264Writer:
    """Writes one MP4 file; it appears under its name only when complete, and not at all after an error.

    Use it as a context manager: leaving it normally completes the file, leaving it by an exception removes it.

    Parameters
    ----------
    path
        The file to write; one that exists is replaced at the end.
    size
        (width, height) of the pictures in pixels; an odd side is widened by one repeated pixel, since H.264 in 4:2:0
        wants even ones.
    fps
        Expected pictures a second; sets the distance of key pictures only, not the times.
    preset
        libx264's trade of speed against size.
    crf
        libx264's constant quality, lower is better.
    max_bit_rate
        Bits a second that are not exceeded over a few seconds; None = unbounded.

    Raises
    ------
    OutputError
        When the file cannot be written: disk full, no permission, no such folder, no H.264 encoder.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        fps: float,
        preset: str = "veryfast",
        crf: int = 27,
        max_bit_rate: int | None = None,
    ) -> None:
        silence_ffmpeg()
        if path.is_dir():
            raise OutputError(f"{path.name}: there is a folder of this name; choose another name")
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._size = size
        self._last_pts = -1
        self._n_written = 0
        try:
            self._container: OutputContainer = av.open(
                str(self._part),
                "w",
                format="mp4",
                options={"movflags": "+faststart", "video_track_timescale": str(TIME_BASE.denominator)},
            )
            self._stream = self._add_stream(fps=fps, preset=preset, crf=crf, max_bit_rate=max_bit_rate)
            # FFmpeg creates the file only now; a folder that cannot be written shows before any picture is drawn.
            self._container.start_encoding()
        except OSError as error:
            self.abandon()
            raise self._explain(error) from error
        except BaseException:
            self.abandon()
            raise

    def _add_stream(self, *, fps: float, preset: str, crf: int, max_bit_rate: int | None) -> VideoStream:
        name = h264_encoder()
        options = {}
        if name == "libx264":
            options = {"preset": preset, "crf": str(crf)}
            if max_bit_rate is not None:
                options |= {"maxrate": str(max_bit_rate), "bufsize": str(2 * max_bit_rate)}
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream(name, rate=rate, options=options)
        assert isinstance(stream, VideoStream)  # noqa: S101  (the overload for names known only when running)
        context = stream.codec_context
        context.width, context.height = (side + side % 2 for side in self._size)
        context.pix_fmt = "yuv420p"
        context.time_base = TIME_BASE
        context.gop_size = max(1, round(fps * _SECONDS_BETWEEN_KEY_PICTURES))
        if name != "libx264":
            context.bit_rate = max_bit_rate or 4_000_000
        context.color_range = ColorRange.MPEG
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        return stream

    def write(self, image: NDArray[np.uint8], *, time_s: float) -> None:
        """Append an RGB picture of shape (height, width, 3), shown from `time_s` on."""
        width, height = self._size
        if width % 2 or height % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        converted = picture.reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        # Two pictures within one tick would be refused; the later one moves by 11 microseconds.
        self._last_pts = max(round(time_s / TIME_BASE), self._last_pts + 1)
        converted.pts, converted.time_base = self._last_pts, TIME_BASE
        try:
            self._mux(self._stream.encode(converted))
        except OSError as error:
            raise self._explain(error) from error
        self._n_written += 1

    def _mux(self, packets: list[av.Packet[VideoStream]]) -> None:
        for packet in packets:
            self._container.mux(packet)

    def finish(self) -> None:
        """Complete the file and put it under its name.

        Raises
        ------
        OutputError
            When it cannot be completed; it is removed then.
        """
        try:
            self._mux(self._stream.encode(None))
            self._container.close()
            self._check_complete()
            self._part.replace(self._path)
        except OSError as error:
            self.abandon()
            raise self._explain(error) from error
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Close and remove the unfinished file."""
        # Closing writes the rest and fails like the writing before it; without a container there is nothing to close.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            self._container.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon()

    def _check_complete(self) -> None:
        """Read the file back: a disk that fills while the index moves to the front goes unnoticed otherwise."""
        n_read = 0
        with contextlib.suppress(av.error.FFmpegError), av.open(str(self._part), "r", format="mp4") as container:
            n_read = sum(1 for packet in container.demux(video=0) if packet.size > 0 and not packet.is_corrupt)
        if n_read != self._n_written:
            raise OutputError(
                f"{self._path.name}: only {n_read} of {self._n_written} frames reached the disk; "
                "free some space or choose another folder, then run again"
            )

    def _explain(self, error: OSError) -> OutputError:
        folder = self._path.parent
        if error.errno in _DISK_FULL:
            return OutputError(
                f"{self._path.name}: the disk is full; free some space or choose another folder than {folder}"
            )
        if error.errno in _FORBIDDEN:
            return OutputError(f"{self._path.name}: no permission to write into {folder}; choose another folder")
        if error.errno == errno.ENOENT:
            return OutputError(f"{self._path.name}: the folder {folder} does not exist; create it first")
        reason = error.strerror or error
        return OutputError(f"{self._path.name}: the video cannot be written ({reason}); choose another folder")


def h264_encoder() -> str:
    """Return the name of the H.264 encoder that will be used.

    Raises
    ------
    OutputError
        When this installation of PyAV has none.
    """
    name = next((encoder for encoder in _ENCODERS if _has_encoder(encoder)), None)
    if name is None:
        raise OutputError(
            "this installation of PyAV has no H.264 encoder; reinstall it with pip install --force-reinstall av"
        )
    return name


def _has_encoder(name: str) -> bool:
    try:
        return av.codec.Codec(name, "w").type == "video"
    except av.codec.codec.UnknownCodecError:
        return False
