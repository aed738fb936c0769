"""Frames from a camera as they are taken, optionally kept in a file. Knows nothing of poses."""

from __future__ import annotations

import errno
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from backsight.domain.address import URL_MARK
from backsight.domain.recording import CAMERA_PREFIX, EXERCISE_LIMIT_S, SourceInfo
from backsight.domain.sequences import Frame
from backsight.errors import CameraError, InvalidValueError
from backsight.video.clock import MAX_FPS
from backsight.video.container import limit_decoder_threads, silence_ffmpeg
from backsight.video.encoding import TIME_BASE, H264Writer
from backsight.video.fitting import PictureFitter

_WANTED_MODES: tuple[dict[str, str], ...] = (
    {"framerate": "30", "video_size": "1280x720", "input_format": "mjpeg"},
    {"framerate": "30", "video_size": "1280x720"},
    {},
)
"""What a camera is asked for, best first (paper, section III-A). Cables often limit uncompressed 1280 x 720 to 10 fps,
so compressed pictures come first; a camera that knows neither is opened as it is."""
_USUAL_FPS = 30.0
_OPEN_LIMIT_S = 10.0
_READ_LIMIT_S = 5.0
_RECORDING_CRF = 20
_LATEST_S = 2.0
"""No driver holds a picture back for longer: a stamp further from now belongs to another clock."""

_BUSY = {errno.EBUSY, errno.EAGAIN}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_ABSENT = {errno.ENOENT, errno.ENODEV, errno.ENXIO}


@dataclass(frozen=True)
class _Stamp:
    index: int
    timestamp_s: float
    captured_s: float


@dataclass(frozen=True)
class Device:
    """How FFmpeg names a camera."""

    label: str
    """For people and reports."""
    url: str
    format: str
    modes: tuple[dict[str, str], ...] = _WANTED_MODES
    """Options to try one after the other."""

    @property
    def is_synthetic(self) -> bool:
        """True for a source that FFmpeg makes up or plays, which may end by itself."""
        return self.format == "lavfi"


def _even_size(size: tuple[int, int]) -> tuple[int, int]:
    """Cut an odd side by one pixel: a recording in 4:2:0 has even sides, and frame and recording must not differ."""
    return size[0] - size[0] % 2, size[1] - size[1] % 2


def _as_frame(fitted: tuple[NDArray[np.uint8], _Stamp]) -> Frame:
    image, stamp = fitted
    width, height = _even_size((image.shape[1], image.shape[0]))
    # Copies only a picture that lost a column; pose estimation and encoder want rows without gaps.
    image = np.ascontiguousarray(image[:height, :width])
    return Frame(image=image, timestamp_s=stamp.timestamp_s, index=stamp.index, captured_s=stamp.captured_s)


Opener = Callable[[Device], InputContainer]
"""Opens a device; raises an `av.error.FFmpegError` when it cannot."""


def parse_device(name: str, *, platform: str = sys.platform) -> Device:
    """Read a camera's name.

    `camera:0`, `0`, `/dev/video0`, a device's own name (macOS, Windows), or `lavfi:GRAPH` for FFmpeg's synthetic
    sources, e.g. `camera:lavfi:movie=clip.mp4,realtime`.

    Raises
    ------
    InvalidValueError
        When the name is empty or an address: a camera of the network is none of this machine's.
    """
    spec = name.removeprefix(CAMERA_PREFIX).strip()
    if not spec:
        raise InvalidValueError(f"a camera must be named like camera:0, got {name!r}")
    if spec.startswith("lavfi:"):
        return Device(label=f"{CAMERA_PREFIX}lavfi", url=spec.removeprefix("lavfi:"), format="lavfi", modes=({},))
    if URL_MARK in spec:
        # Without the rest of it: an address may hold a password or a signature.
        raise InvalidValueError(
            "a camera must be one of this machine, named like camera:0, got an address, "
            f"{spec.partition(URL_MARK)[0].lower()}://...; record it to a file first, or make it a camera of this "
            "machine with a tool of your system"
        )
    label = f"{CAMERA_PREFIX}{spec.rsplit('/', 1)[-1]}"
    if platform == "darwin":
        return Device(label=label, url=f"{spec}:none", format="avfoundation", modes=_WANTED_MODES[1:])
    if platform == "win32":
        return Device(label=label, url=f"video={spec}", format="dshow", modes=_WANTED_MODES[1:])
    url = f"/dev/video{spec}" if spec.isdecimal() else spec
    return Device(label=label, url=url, format="v4l2")


def open_device(device: Device) -> InputContainer:
    """Open a camera through FFmpeg in the first of its modes that it accepts."""
    for number, options in enumerate(device.modes, start=1):
        try:
            return av.open(
                device.url, "r", format=device.format, options=options, timeout=(_OPEN_LIMIT_S, _READ_LIMIT_S)
            )
        except av.error.FFmpegError as error:
            # Another mode helps against "cannot do that", not against a camera that is absent or taken.
            if number == len(device.modes) or error.errno in _ABSENT | _BUSY | _FORBIDDEN:
                raise
    raise CameraError(f"{device.label}: no mode to open it in")


class Camera:
    """A camera as a live `ports.FrameSource`: each reading takes new pictures.

    Parameters
    ----------
    name
        See `parse_device`.
    duration_s
        Reading stops by itself after this many seconds; infinite = when the consumer leaves.
    record_to
        An MP4 file for the frames as they are handed on, for the overlay afterwards: each of them, of the same size and
        at the same time, also those that the consumer is too slow for. It appears when reading ends, also when the
        consumer leaves early or fails; an interrupt and a failing camera leave none. None = not kept.
    opener
        Opens the device; replaced in tests.

    Raises
    ------
    CameraError
        When there is no such camera, it is in use, access is not allowed, or it delivers nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        duration_s: float = EXERCISE_LIMIT_S,
        record_to: Path | None = None,
        opener: Opener = open_device,
    ) -> None:
        if not duration_s > 0:
            raise InvalidValueError(f"`duration_s` must be above 0, got {duration_s}")
        self._device = parse_device(name)
        self._duration_s = duration_s
        self._record_to = record_to
        self._opener = opener
        self._info = self._probe()

    @property
    def info(self) -> SourceInfo:
        """What the first picture told."""
        return self._info

    def frames(self) -> Iterator[Frame]:
        """Yield frames as they are taken; times in seconds since the first, from the capture clock.

        Raises
        ------
        CameraError
            When the camera stops before `duration_s` is over.
        OutputError
            When `record_to` cannot be written.
        """
        with self._opened() as (container, stream):
            writer: H264Writer | None = None
            try:
                for frame in self._fitted_frames(container, stream):
                    if self._record_to is not None:
                        writer = writer or self._new_writer(self._record_to)
                        writer.write(frame.image, time_s=frame.timestamp_s)
                    yield frame
            except GeneratorExit:
                # The consumer has seen enough: what was recorded so far is whole.
                if writer is not None:
                    writer.finish()
                raise
            except BaseException:
                if writer is not None:
                    writer.abandon()
                raise
            if writer is not None:
                writer.finish()

    def _fitted_frames(self, container: InputContainer, stream: VideoStream) -> Iterator[Frame]:
        fitter: PictureFitter[_Stamp] = self._new_fitter(stream)
        for picture, stamp in self._stamped_pictures(container, stream):
            yield from map(_as_frame, fitter.push(picture, stamp))
        yield from map(_as_frame, fitter.flush())

    def _stamped_pictures(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[av.VideoFrame, _Stamp]]:
        first_s: float | None = None
        last_s = -1.0
        index = 0
        for picture in self._pictures(container, stream):
            now_s = time.monotonic() if picture.pts is None or picture.time_base is None else picture.time
            first_s = now_s if first_s is None else first_s
            # Rounded to the recording's clock, so that frames and file agree exactly.
            elapsed_s = float(round((now_s - first_s) / TIME_BASE) * TIME_BASE)
            if elapsed_s >= self._duration_s:
                return
            # One frame of slack: the pictures of a 60 fps camera come a little early and late.
            if elapsed_s > last_s and index <= MAX_FPS * elapsed_s + 1:
                yield picture, _Stamp(index, elapsed_s, self._captured_s(now_s))
                index, last_s = index + 1, elapsed_s
        if not self._device.is_synthetic:
            raise self._stopped(last_s)

    def _captured_s(self, stamp_s: float) -> float:
        """Return by the monotonic clock when a picture was taken: the driver's word where it uses that clock, or now.

        Linux stamps a camera's pictures with it as they arrive; without it the decoding of the picture goes uncounted.
        """
        now_s = time.monotonic()
        is_told = self._device.format == "v4l2" and 0.0 <= now_s - stamp_s < _LATEST_S
        return stamp_s if is_told else now_s

    def _pictures(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        n_taken = 0
        try:
            for picture in container.decode(stream):
                n_taken += 1
                yield picture
        except av.error.FFmpegError as error:
            raise self._stopped(float("nan") if n_taken == 0 else n_taken / self._rate(stream)) from error

    def _probe(self) -> SourceInfo:
        with self._opened() as (container, stream):
            picture = next(self._pictures(container, stream), None)
            if picture is None:
                raise CameraError(
                    f"{self._device.label}: the camera delivers no pictures; unplug it and plug it in again"
                )
            plan = self._new_fitter(stream).plan(picture)
            return SourceInfo(
                name=self._device.label,
                width=plan.displayed_size[0],
                height=plan.displayed_size[1],
                fps=float(stream.average_rate or float("nan")),
                duration_s=float("nan"),
                codec=stream.codec_context.name,
                rotation_deg=plan.orientation.rotation_deg,
                is_live=True,
                analysed_size=_even_size(plan.output_size),
            )

    @contextmanager
    def _opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        silence_ffmpeg()
        try:
            container = self._opener(self._device)
        except av.error.FFmpegError as error:
            raise self._explain(error) from error
        try:
            if not container.streams.video:
                raise CameraError(f"{self._device.label}: this device has no pictures; name a camera")
            stream = container.streams.video[0]
            limit_decoder_threads(stream)
            yield container, stream
        finally:
            container.close()

    def _new_fitter(self, stream: VideoStream) -> PictureFitter[_Stamp]:
        pixel_aspect = stream.sample_aspect_ratio or Fraction(1)
        return PictureFitter(crop=None, pixel_aspect=pixel_aspect, name=self._device.label)

    def _new_writer(self, path: Path) -> H264Writer:
        fps = min(self._info.fps, MAX_FPS) if math.isfinite(self._info.fps) else _USUAL_FPS
        return H264Writer(path, size=self._info.analysed_size, fps=fps, preset="ultrafast", crf=_RECORDING_CRF)

    @staticmethod
    def _rate(stream: VideoStream) -> float:
        return float(stream.average_rate or _USUAL_FPS)

    def _stopped(self, after_s: float) -> CameraError:
        when = f" after {after_s:.1f} s" if after_s >= 0.0 else ""
        wanted = f", before the {self._duration_s:g} s were over" if math.isfinite(self._duration_s) else ""
        return CameraError(f"{self._device.label}: the camera stopped{when}{wanted}; check its cable and record again")

    def _explain(self, error: av.error.FFmpegError) -> CameraError:
        label = self._device.label
        if error.errno in _BUSY:
            return CameraError(f"{label}: another program uses the camera; close it and try again")
        if error.errno in _FORBIDDEN:
            return CameraError(f"{label}: access to the camera is not allowed; allow it in the system's settings")
        if error.errno in _ABSENT:
            # A graph of FFmpeg's may name an address with a password.
            where = "" if self._device.is_synthetic else f" ({self._device.url})"
            return CameraError(f"{label}: there is no such camera{where}; plug one in or name another")
        reason = error.strerror or error
        return CameraError(f"{label}: the camera cannot be opened ({reason}); plug it in again or name another")
