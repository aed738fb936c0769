"""Bring frames from a camera, or from a file at a camera's pace, to whoever looks at them. Knows nothing of poses.

A thread of its own takes every frame at its time, whatever the rest of the program does, records it where that is
wanted, and puts it into the paper's sequence buffer. Eq. (1) with N = 5 and gamma = 2 instead of the N = 150 of a
recording: feedback that is older than a third of a second helps nobody who moves now. When looking is slower than the
camera the oldest bucket is dropped whole and counted; nothing is queued without end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import Frame
from backsight.errors import BacksightError, CameraError
from backsight.ports import FrameSource
from backsight.video.buffer import BufferClosedError, SequenceBuffer, read_beside
from backsight.video.encoding import H264Writer

LIVE_FRAMES_PER_BUCKET = 5
"""N of Eq. (1)."""
LIVE_BUCKETS = 2
"""gamma of Eq. (1)."""
DRIVER_ROOM_S = 4 / 30
"""A camera's driver keeps some four pictures for whoever fetches them late; so does a file that plays one."""
_STOP_LIMIT_S = 5.0
_USUAL_FPS = 30.0
_RECORDING_CRF = 20

Clock = Callable[[], float]


class PacedFile:
    """A file as a live `ports.FrameSource`: each frame is handed on when a camera would have taken it.

    Parameters
    ----------
    file
        The recording; it is decoded a few frames ahead, so that a frame is ready when it is due.
    repeats
        Begin again at the end, with times that go on.
    clock, wait
        `time.monotonic` and a wait of so many seconds; replaced in tests.
    """

    def __init__(
        self,
        file: FrameSource,
        *,
        repeats: bool = False,
        clock: Clock = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._file = file
        self._repeats = repeats
        self._clock = clock
        self._wait = wait

    @property
    def info(self) -> SourceInfo:
        """What the file says, but live: the buffer must not make it wait."""
        return replace(self._file.info, is_live=True, duration_s=float("nan"), n_frames=0)

    def frames(self) -> Iterator[Frame]:
        """Yield each frame at its time, with `captured_s` the moment at which a camera would have had it.

        Where frames are fetched so late that a camera's driver would have no room for them, the rest of the film is
        late as well, instead of coming in a burst as no camera's would.
        """
        start_s = float("nan")
        with read_beside(_Repeated(self._file) if self._repeats else self._file) as frames:
            first_s: float | None = None
            for index, frame in enumerate(frames):
                first_s = frame.timestamp_s if first_s is None else first_s
                elapsed_s, now_s = frame.timestamp_s - first_s, self._clock()
                # The first frame starts the clock; a very late one sets it back.
                if index == 0 or now_s - (start_s + elapsed_s) > DRIVER_ROOM_S:
                    start_s = now_s - elapsed_s
                due_s = start_s + elapsed_s
                self._wait(max(0.0, due_s - now_s))
                yield Frame(image=frame.image, timestamp_s=elapsed_s, index=index, captured_s=due_s)


class _Repeated:
    """A file over and over, with times that go on; the next round is opened while the last one's end is still shown."""

    def __init__(self, file: FrameSource) -> None:
        self._file = file

    @property
    def info(self) -> SourceInfo:
        return self._file.info

    def frames(self) -> Iterator[Frame]:
        fps = self.info.fps
        frame_s = 1.0 / (fps if fps > 0 else _USUAL_FPS)
        begin_s, index = 0.0, 0
        while True:
            first_s: float | None = None
            last_s = 0.0
            frames = self._file.frames()
            try:
                for frame in frames:
                    first_s = frame.timestamp_s if first_s is None else first_s
                    last_s = begin_s + frame.timestamp_s - first_s
                    yield replace(frame, timestamp_s=last_s, index=index)
                    index += 1
            finally:
                # Releases the decoder at once when the viewer leaves in the middle.
                if isinstance(frames, Generator):
                    frames.close()
            if first_s is None:
                return
            begin_s = last_s + frame_s


class Recorder:
    """Keeps the frames between `start` and `stop` in a file; safe between two threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._writer: H264Writer | None = None
        self._first_s = 0.0
        self._duration_s = 0.0
        self._error: BacksightError | None = None

    def start(self, path: Path) -> None:
        """Begin with the next frame taken; `path` appears when `stop` has completed it."""
        with self._lock:
            self._path, self._writer, self._error, self._duration_s = path, None, None, 0.0

    def take(self, frame: Frame, *, fps: float = _USUAL_FPS) -> None:
        """Write a frame while recording; a disk that fails ends the recording, and `stop` says so."""
        with self._lock:
            if self._path is None or self._error is not None:
                return
            try:
                if self._writer is None:
                    size = (frame.image.shape[1], frame.image.shape[0])
                    self._first_s = frame.timestamp_s
                    self._writer = H264Writer(self._path, size=size, fps=fps, preset="ultrafast", crf=_RECORDING_CRF)
                self._duration_s = frame.timestamp_s - self._first_s
                self._writer.write(frame.image, time_s=self._duration_s)
            except BacksightError as error:
                self._error = error
                if self._writer is not None:
                    self._writer.abandon()

    def stop(self) -> tuple[Path, float] | None:
        """Complete the file; return where it is and its seconds, None when nothing was recorded.

        Raises
        ------
        OutputError
            When it could not be written.
        """
        with self._lock:
            path, writer, error = self._path, self._writer, self._error
            self._path = self._writer = self._error = None
        if error is not None:
            raise error
        if path is None or writer is None:
            return None
        # Outside the lock: completing a file takes a while, and the camera must not wait for it.
        writer.finish()
        return path, self._duration_s

    def abandon(self) -> None:
        """Throw away what is being recorded."""
        with self._lock:
            if self._writer is not None:
                self._writer.abandon()
            self._path = self._writer = self._error = None


class Grabber:
    """Takes a live source's frames in a thread of its own, until `stop` or the source's end.

    Parameters
    ----------
    source
        A camera or a `PacedFile`.
    recorder
        Is offered every frame, also those that are dropped afterwards.
    """

    def __init__(self, source: FrameSource, *, recorder: Recorder | None = None) -> None:
        self._source = source
        self._recorder = recorder
        self._fps = source.info.fps if source.info.fps > 0 else _USUAL_FPS
        self._buffer = SequenceBuffer(
            n_buckets=LIVE_BUCKETS, frames_per_bucket=LIVE_FRAMES_PER_BUCKET, drops_oldest=True
        )
        self._thread = threading.Thread(target=self._run, name="backsight-grabber", daemon=True)

    @property
    def info(self) -> SourceInfo:
        """What is known of the source."""
        return self._source.info

    @property
    def n_dropped(self) -> int:
        """Frames lost because looking was too slow."""
        return self._buffer.n_dropped

    @property
    def n_buckets_dropped(self) -> int:
        """Buckets that these frames were lost with."""
        return self._buffer.n_buckets_dropped

    def start(self) -> None:
        """Begin to take frames."""
        self._thread.start()

    def get(self) -> Frame | None:
        """Take the oldest frame, waiting for it; None when the source has ended.

        Raises
        ------
        BacksightError
            What went wrong with the source, e.g. `CameraError`.
        """
        return self._buffer.get()

    def stop(self) -> None:
        """Release the source; who waits in `get` is told that it ended."""
        self._buffer.stop()
        self._buffer.finish()
        if self._thread.is_alive():
            self._thread.join(_STOP_LIMIT_S)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            frames = self._source.frames()
            assert isinstance(frames, Generator)  # noqa: S101  (every source of the package is one)
            with closing(frames):
                for frame in frames:
                    if self._recorder is not None:
                        self._recorder.take(frame, fps=self._fps)
                    self._buffer.put(frame)
        except BufferClosedError:
            pass
        except BacksightError as caught:
            error = caught
        except OSError as caught:
            error = CameraError(f"{self._source.info.name}: the pictures stopped ({caught}); check the cable")
        except BaseException as caught:  # noqa: BLE001  (handed to the consumer, which raises it)
            error = caught
        self._buffer.finish(error)
