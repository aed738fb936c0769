"""The paper's sequence buffer between a source of frames and whoever works on them. Knows no engine.

Eq. (1): sum x <= N * gamma, with N = 150 frames a bucket (5 s at 30 fps, section III-A) and gamma buckets. So memory is
bounded however long the input or slow the model. A file waits while the buffer is full and loses nothing; a live source
cannot wait, so its oldest bucket is dropped whole, and counted: what is left is gap-free pieces of 5 s instead of
scattered single frames.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from backsight.domain.sequences import Frame
from backsight.errors import InvalidValueError
from backsight.ports import FrameSource

FRAMES_PER_BUCKET = 150
"""N of Eq. (1)."""

READ_AHEAD_FRAMES = 8
"""How far a file is decoded ahead. Eq. (1) is an upper bound, not a goal: a decoded 1280 x 720 frame is 2.8 MB, so two
full buckets would hold 830 MB only to wait. Eight frames even out slow and fast pictures of the decoder, are filled
within any clip, and so let a 60 s clip need no more memory than a 5 s clip."""

_WAKE_UP_S = 0.5
"""A wait without any limit cannot be interrupted by Ctrl-C on Windows."""
_STOP_LIMIT_S = 5.0
"""A capture driver that hangs must not hang the program: its thread is left behind as a daemon."""


class BufferClosedError(Exception):
    """The consumer has left; the producer should stop. Never leaves this module."""


@dataclass
class _Bucket:
    n_received: int = 0
    frames: deque[Frame] = field(default_factory=deque)


class SequenceBuffer:
    """A first-in, first-out buffer of gamma buckets of N frames, safe between two threads.

    Parameters
    ----------
    n_buckets
        gamma of Eq. (1).
    frames_per_bucket
        N of Eq. (1).
    read_ahead
        Frames after which `put` waits although the buckets would hold more; None = only Eq. (1) bounds. Without effect
        on a live buffer.
    drops_oldest
        True for a live source: `put` never waits, and the oldest bucket is dropped whole.

    Raises
    ------
    InvalidValueError
        When a number is below 1.
    """

    def __init__(
        self,
        *,
        n_buckets: int = 2,
        frames_per_bucket: int = FRAMES_PER_BUCKET,
        read_ahead: int | None = None,
        drops_oldest: bool = False,
    ) -> None:
        for name, value in (("n_buckets", n_buckets), ("frames_per_bucket", frames_per_bucket)):
            if value < 1:
                raise InvalidValueError(f"`{name}` must be 1 or more, got {value}")
        if read_ahead is not None and read_ahead < 1:
            raise InvalidValueError(f"`read_ahead` must be 1 or more, got {read_ahead}")
        self._n_buckets = n_buckets
        self._frames_per_bucket = frames_per_bucket
        self._limit = min(read_ahead or self.capacity, self.capacity)
        self._drops_oldest = drops_oldest
        self._buckets: deque[_Bucket] = deque()
        self._n_frames = 0
        self._n_dropped = 0
        self._n_buckets_dropped = 0
        self._is_finished = False
        self._is_stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def capacity(self) -> int:
        """N * gamma of Eq. (1)."""
        return self._n_buckets * self._frames_per_bucket

    @property
    def n_frames(self) -> int:
        """Frames held now: the sum of Eq. (1)."""
        return self._n_frames

    @property
    def n_dropped(self) -> int:
        """Frames lost because a live source was faster than the consumer."""
        return self._n_dropped

    @property
    def n_buckets_dropped(self) -> int:
        """Buckets that these frames were lost with."""
        return self._n_buckets_dropped

    def put(self, frame: Frame) -> None:
        """Append a frame; wait for room, or drop the oldest bucket of a live source.

        Raises
        ------
        BufferClosedError
            When the consumer has left.
        """
        with self._changed:
            while not self._is_stopped and not self._has_room():
                if self._drops_oldest:
                    self._drop_oldest()
                else:
                    self._changed.wait(_WAKE_UP_S)
            if self._is_stopped:
                raise BufferClosedError
            if self._needs_bucket():
                self._buckets.append(_Bucket())
            bucket = self._buckets[-1]
            bucket.frames.append(frame)
            bucket.n_received += 1
            self._n_frames += 1
            self._changed.notify_all()

    def get(self) -> Frame | None:
        """Take the oldest frame, waiting for it; None after the last one.

        Raises
        ------
        BaseException
            The producer's own exception, once the frames before it are taken.
        """
        with self._changed:
            while self._n_frames == 0 and not self._is_finished:
                self._changed.wait(_WAKE_UP_S)
            if self._n_frames == 0:
                if self._error is not None:
                    raise self._error
                return None
            frame = self._buckets[0].frames.popleft()
            self._n_frames -= 1
            if not self._buckets[0].frames and (len(self._buckets) > 1 or self._is_full(self._buckets[0])):
                self._buckets.popleft()
            self._changed.notify_all()
            return frame

    def finish(self, error: BaseException | None = None) -> None:
        """Say that no frame follows, because the source ended or failed with `error`."""
        with self._changed:
            self._is_finished = True
            self._error = error
            self._changed.notify_all()

    def stop(self) -> None:
        """Say that no frame will be taken any more; frees those that are held."""
        with self._changed:
            self._is_stopped = True
            self._buckets.clear()
            self._n_frames = 0
            self._changed.notify_all()

    def _is_full(self, bucket: _Bucket) -> bool:
        return bucket.n_received >= self._frames_per_bucket

    def _needs_bucket(self) -> bool:
        return not self._buckets or self._is_full(self._buckets[-1])

    def _has_room(self) -> bool:
        if self._needs_bucket() and len(self._buckets) >= self._n_buckets:
            return False
        return self._drops_oldest or self._n_frames < self._limit

    def _drop_oldest(self) -> None:
        bucket = self._buckets.popleft()
        self._n_frames -= len(bucket.frames)
        self._n_dropped += len(bucket.frames)
        self._n_buckets_dropped += 1


class BufferedFrames:
    """The frames of a source that is read beside the consumer, in order; iterate it once."""

    def __init__(self, buffer: SequenceBuffer) -> None:
        self._buffer = buffer

    @property
    def n_dropped(self) -> int:
        """Frames lost so far because a live source was faster than the consumer."""
        return self._buffer.n_dropped

    def __iter__(self) -> Iterator[Frame]:
        """Yield the next frames; raises what the source raised."""
        while (frame := self._buffer.get()) is not None:
            yield frame


@contextmanager
def read_beside(
    source: FrameSource, *, n_buckets: int = 2, frames_per_bucket: int = FRAMES_PER_BUCKET
) -> Iterator[BufferedFrames]:
    """Read a source in a thread beside the consumer; leaving the context stops it and releases the decoder.

    Parameters
    ----------
    source
        A file waits for the consumer; a live source (`source.info.is_live`) drops its oldest bucket instead.
    n_buckets
        gamma of Eq. (1).
    frames_per_bucket
        N of Eq. (1).

    Yields
    ------
    BufferedFrames
        Iterate it for the frames. An exception of the source arrives there, after the frames before it. The source is
        told how the consumer left: `close()` after an end or an error, a `KeyboardInterrupt` after Ctrl-C, upon which a
        recording camera keeps what it has taken or throws it away.
    """
    is_live = source.info.is_live
    buffer = SequenceBuffer(
        n_buckets=n_buckets,
        frames_per_bucket=frames_per_bucket,
        read_ahead=None if is_live else READ_AHEAD_FRAMES,
        drops_oldest=is_live,
    )
    is_interrupted = threading.Event()
    thread = threading.Thread(
        target=_produce, args=(source, buffer, is_interrupted), name="backsight-frames", daemon=True
    )
    thread.start()
    try:
        yield BufferedFrames(buffer)
    except (KeyboardInterrupt, SystemExit):
        is_interrupted.set()
        raise
    finally:
        buffer.stop()
        thread.join(_STOP_LIMIT_S)


def _produce(source: FrameSource, buffer: SequenceBuffer, is_interrupted: threading.Event) -> None:
    error: BaseException | None = None
    try:
        frames = source.frames()
        try:
            for frame in frames:
                buffer.put(frame)
        finally:
            # A generator that is closed here runs its `finally` in this thread and so releases the decoder at once.
            if isinstance(frames, Generator):
                _end(frames, is_interrupted=is_interrupted.is_set())
    except BufferClosedError:
        pass
    except BaseException as caught:  # noqa: BLE001  (handed to the consumer, which raises it)
        error = caught
    buffer.finish(error)


def _end(frames: Generator[Frame], *, is_interrupted: bool) -> None:
    if is_interrupted:
        with suppress(KeyboardInterrupt):
            frames.throw(KeyboardInterrupt())
    frames.close()
