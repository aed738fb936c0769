"""Read frames from a video file: true times, upright, cropped, fitted into 1280 x 720. Knows nothing of poses.

Decoding's only door. A recording that is damaged within the wanted part raises; it never silently becomes a shorter
one. Times count from the recording's first frame, also when the wanted part starts later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import Frame
from backsight.errors import InputError, InvalidValueError, VideoError
from backsight.video.clock import MAX_FPS, FrameClock
from backsight.video.container import CONVERT_REMEDY, MAX_DECODER_THREADS, limit_decoder_threads, open_video, scan_times
from backsight.video.fitting import PictureFitter
from backsight.video.selection import Crop, Position, parse_crop, parse_position

__all__ = ["Crop", "Position", "VideoFile", "parse_crop", "parse_position"]

_FPS_SLACK = 0.05
"""A phone's 60 fps may measure 60.4: not a reason to skip every second frame."""


@dataclass(frozen=True)
class _Stamp:
    index: int
    timestamp_s: float


@dataclass(frozen=True)
class _WantedPart:
    """The pictures between start and end, by number; both belong to it."""

    first: int
    last: int


class VideoFile:
    """A video file, checked when it is named and decoded when it is asked for; a `ports.FrameSource`.

    Parameters
    ----------
    path
        Any container and codec that FFmpeg reads.
    start
        First frame wanted; None = the recording's first.
    end
        First frame not wanted any more, like the end of a Python slice: `start` 48f and `end` 182f are 134 frames.
        None, or beyond the recording's end = up to its last frame.
    crop
        Rectangle in pixels of the displayed picture; None = all of it.
    max_fps
        Of a faster recording every second, third, ... frame is handed on, at its own time.
    n_threads
        Threads of the decoder at most; 1 where other recordings fill the other cores.

    Raises
    ------
    VideoError
        When the file is missing, unreadable, not a video, damaged within the wanted part, or shorter than two frames.
    InputError
        When the wanted part or the crop does not lie inside the recording.
    """

    def __init__(
        self,
        path: Path,
        *,
        start: Position | None = None,
        end: Position | None = None,
        crop: Crop | None = None,
        max_fps: float = MAX_FPS,
        n_threads: int = MAX_DECODER_THREADS,
    ) -> None:
        if not max_fps > 0:
            raise InvalidValueError(f"`max_fps` must be above 0, got {max_fps}")
        self._path = Path(path)
        self._crop = crop
        self._n_threads = n_threads
        self._times = scan_times(self._path)
        self._check_damage(end)
        self._part = self._find_part(start, end)
        self._is_trimmed = start is not None or end is not None
        self._end = end
        self._step = max(1, math.ceil(self._times.fps / max_fps - _FPS_SLACK))
        self._info = self._probe()

    @property
    def info(self) -> SourceInfo:
        """What is known without decoding; `width` and `height` are those of the whole displayed picture."""
        return self._info

    @property
    def n_frames(self) -> int:
        """Number of frames that will be handed on, for a progress bar; an estimate where packets hold no times."""
        return (self._part.last - self._part.first) // self._step + 1

    def frames(self) -> Iterator[Frame]:
        """Decode the wanted part; RGB, in order of time, times strictly increasing.

        Raises
        ------
        VideoError
            When the recording turns out to be damaged or holds fewer than two frames in the wanted part.
        """
        n_yielded = 0
        for frame in self._decode_part():
            n_yielded += 1
            yield frame
        if n_yielded < 2:
            part = " in the wanted part" if self._is_trimmed else ""
            found = "one frame" if n_yielded else "no frame that can be decoded"
            raise VideoError(f"{self._path.name}: the video holds {found}{part}; a movement needs several seconds")

    def _find_part(self, start: Position | None, end: Position | None) -> _WantedPart:
        name, seconds = self._path.name, self._times.seconds

        def first_reaching(position: Position) -> int:
            reached = (position.is_reached(index=index, timestamp_s=float(t)) for index, t in enumerate(seconds))
            return next((index for index, yes in enumerate(reached) if yes), len(seconds))

        first = 0 if start is None else first_reaching(start)
        last = (len(seconds) if end is None else first_reaching(end)) - 1
        if first >= len(seconds):
            raise InputError(
                f"{name}: the start ({start}) lies beyond the end of the recording, which has {len(seconds)} frames "
                f"and ends at {seconds[-1]:.2f} s; choose an earlier start"
            )
        if last <= first:
            held = "one frame" if last == first else "no frame"
            raise InputError(
                f"{name}: {held} lies between the start ({start or 'first frame'}) and the end "
                f"({end or 'last frame'}); a movement needs several seconds, so choose a later end"
            )
        return _WantedPart(first, last)

    def _check_damage(self, end: Position | None) -> None:
        break_s = self._times.break_s
        if break_s is None:
            return
        index = int(np.searchsorted(self._times.seconds, break_s - 1e-9))
        if end is None or not end.is_reached(index=index, timestamp_s=break_s):
            raise self._damage_error(break_s)

    def _damage_error(self, break_s: float) -> VideoError:
        if break_s <= 0.0:
            return VideoError(
                f"{self._path.name}: the video is damaged or cut off at its start; copy it again from the camera or "
                "phone, or record again"
            )
        return VideoError(
            f"{self._path.name}: the video is damaged or cut off at {break_s:.2f} s; copy it again from the camera or "
            f"phone, or assess only the part before with --end {math.floor(break_s * 100) / 100:.2f}"
        )

    def _probe(self) -> SourceInfo:
        """Decode the first picture for its shape, and work out what will be handed on."""
        with open_video(self._path) as (container, stream):
            picture = next(self._pictures(container, stream), None)
            if picture is None:
                raise VideoError(f"{self._path.name}: no frame of this video can be decoded; {CONVERT_REMEDY}")
            plan = self._new_fitter(stream).plan(picture)
            codec = stream.codec_context.name
        seconds = self._times.seconds
        return SourceInfo(
            name=self._path.name,
            width=plan.displayed_size[0],
            height=plan.displayed_size[1],
            fps=self._times.fps,
            duration_s=float(seconds[self._part.last] - seconds[self._part.first]) + 1.0 / self._times.fps,
            n_frames=self.n_frames,
            codec=codec,
            rotation_deg=plan.orientation.rotation_deg,
            crop=None if self._crop is None else astuple(self._crop),
            analysed_size=plan.output_size,
        )

    def _new_fitter(self, stream: VideoStream) -> PictureFitter[_Stamp]:
        pixel_aspect = stream.sample_aspect_ratio or Fraction(1)
        return PictureFitter(crop=self._crop, pixel_aspect=pixel_aspect, name=self._path.name)

    def _decode_part(self) -> Iterator[Frame]:
        if self._times.is_exact and self._part.first > 0:
            with open_video(self._path) as (container, stream):
                if (sought := self._seek(container, stream)) is not None:
                    first_index, pictures = sought
                    yield from self._hand_on(pictures, stream, first_index=first_index)
                    return
        with open_video(self._path) as (container, stream):
            yield from self._hand_on(self._pictures(container, stream), stream, first_index=0)

    def _seek(self, container: InputContainer, stream: VideoStream) -> tuple[int, Iterator[av.VideoFrame]] | None:
        """Jump to the key picture before the start; None when that did not work, so that decoding starts at 0."""
        target = int(self._times.pts[self._part.first])
        try:
            container.seek(target, stream=stream)
        except av.error.FFmpegError:
            return None
        pictures = self._pictures(container, stream)
        first = next(pictures, None)
        if first is None or first.pts is None or first.pts > target:
            return None
        index = int(np.searchsorted(self._times.pts, first.pts))
        return (index, chain([first], pictures)) if self._times.pts[index] == first.pts else None

    def _hand_on(self, pictures: Iterable[av.VideoFrame], stream: VideoStream, *, first_index: int) -> Iterator[Frame]:
        """Choose the wanted pictures, give them their times and fit them."""
        times, part = self._times, self._part
        clock = FrameClock(
            zero_pts=int(times.pts[0]) if len(times.pts) else None, time_base=times.time_base, fps=times.fps
        )
        fitter = self._new_fitter(stream)
        index = first_index - 1
        for picture in pictures:
            timestamp_s = clock.stamp(picture.pts)
            if timestamp_s is None:
                continue
            index += 1
            if index >= part.first and (index - part.first) % self._step == 0:
                for image, stamp in fitter.push(picture, _Stamp(index, timestamp_s)):
                    yield Frame(image=image, timestamp_s=stamp.timestamp_s, index=stamp.index)
            # Stopping at the last wanted picture, not at the first unwanted one, keeps damage after it out of the way.
            if self._end is not None and index >= part.last:
                break
        for image, stamp in fitter.flush():
            yield Frame(image=image, timestamp_s=stamp.timestamp_s, index=stamp.index)

    def _pictures(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        """Decode; skip what cannot be whole before the first key picture; raise where the recording breaks."""
        limit_decoder_threads(stream, at_most=self._n_threads)
        last_pts: int | None = None
        has_begun = False
        for picture in self._decode_until_error(container, stream):
            if picture is not None and not picture.is_corrupt:
                has_begun, last_pts = True, picture.pts
                yield picture
            elif has_begun or picture is None:
                raise self._damage_error(self._times.next_after(last_pts))

    @staticmethod
    def _decode_until_error(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame | None]:
        """Decode every picture up to the first error, and mark the error with None."""
        for packet in container.demux(stream):
            try:
                pictures = packet.decode()
            except av.error.FFmpegError:
                # Whole pictures may still wait in the decoder for their turn to be shown.
                yield from stream.decode(None)
                yield None
                return
            yield from pictures
