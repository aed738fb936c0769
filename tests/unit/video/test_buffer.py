"""The sequence buffer of Eq. (1): its bound, its order, what it drops, and that no thread outlives its consumer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import Frame
from backsight.errors import InvalidValueError, VideoError
from backsight.video.buffer import (
    FRAMES_PER_BUCKET,
    READ_AHEAD_FRAMES,
    BufferClosedError,
    SequenceBuffer,
    read_beside,
)

LIMIT_S = 20.0
_PIXEL = np.zeros((1, 1, 3), np.uint8)


def _frame(index: int) -> Frame:
    return Frame(image=_PIXEL, timestamp_s=index / 30.0, index=index)


class ScriptedSource:
    """Frames 0 to n - 1, with events for how far it got and whether it was released."""

    def __init__(self, n_frames: int, *, is_live: bool = False, error: BaseException | None = None) -> None:
        self.info = SourceInfo("clip.mp4", 1, 1, 30.0, n_frames / 30.0, is_live=is_live)
        self.n_read = 0
        self.is_released = threading.Event()
        self.is_done = threading.Event()
        self._n_frames = n_frames
        self._error = error

    def frames(self) -> Iterator[Frame]:
        try:
            for index in range(self._n_frames):
                self.n_read = index + 1
                yield _frame(index)
            if self._error is not None:
                raise self._error
            self.is_done.set()
        finally:
            self.is_released.set()


def _consume(source: ScriptedSource, *, each: Callable[[int], None]) -> None:
    with read_beside(source) as frames:
        for frame in frames:
            each(frame.index)


def _producers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "backsight-frames"]


@given(
    n_buckets=st.integers(1, 4),
    frames_per_bucket=st.integers(1, 7),
    puts=st.lists(st.booleans(), max_size=120),
)
def test_live_buffer_keeps_the_bound_and_accounts_for_every_frame(
    n_buckets: int, frames_per_bucket: int, puts: list[bool]
) -> None:
    buffer = SequenceBuffer(n_buckets=n_buckets, frames_per_bucket=frames_per_bucket, drops_oldest=True)
    n_put, taken = 0, []
    for is_put in puts:
        if is_put:
            buffer.put(_frame(n_put))
            n_put += 1
        elif buffer.n_frames:
            taken.append(buffer.get())
        assert buffer.n_frames <= n_buckets * frames_per_bucket
        assert n_put == len(taken) + buffer.n_frames + buffer.n_dropped
    buffer.finish()
    while (frame := buffer.get()) is not None:
        taken.append(frame)
    indices = [frame.index for frame in taken if frame is not None]
    assert indices == sorted(set(indices))
    assert len(indices) + buffer.n_dropped == n_put


def test_bucket_holds_five_seconds_of_the_paper() -> None:
    assert FRAMES_PER_BUCKET == 150
    assert SequenceBuffer(n_buckets=3).capacity == 450


def test_live_buffer_drops_its_oldest_bucket_whole() -> None:
    buffer = SequenceBuffer(n_buckets=2, frames_per_bucket=3, drops_oldest=True)
    for index in range(7):
        buffer.put(_frame(index))
    assert buffer.n_dropped == 3
    buffer.finish()
    assert [frame.index for frame in iter(buffer.get, None)] == [3, 4, 5, 6]


def test_bucket_that_is_partly_taken_loses_only_the_rest() -> None:
    buffer = SequenceBuffer(n_buckets=2, frames_per_bucket=3, drops_oldest=True)
    for index in range(6):
        buffer.put(_frame(index))
    assert [buffer.get().index, buffer.get().index] == [0, 1]  # type: ignore[union-attr]
    buffer.put(_frame(6))
    assert buffer.n_dropped == 1
    assert buffer.get().index == 3  # type: ignore[union-attr]


def test_full_buffer_of_a_file_makes_the_producer_wait_and_loses_nothing() -> None:
    buffer = SequenceBuffer(n_buckets=2, frames_per_bucket=3)
    is_full, is_through = threading.Event(), threading.Event()

    def produce() -> None:
        for index in range(6):
            buffer.put(_frame(index))
        is_full.set()
        buffer.put(_frame(6))
        is_through.set()
        buffer.finish()

    thread = threading.Thread(target=produce)
    thread.start()
    assert is_full.wait(LIMIT_S)
    assert buffer.n_frames == 6
    assert not is_through.is_set()
    assert [frame.index for frame in iter(buffer.get, None)] == list(range(7))
    thread.join(LIMIT_S)
    assert is_through.is_set()
    assert buffer.n_dropped == 0


def test_waiting_producer_is_let_go_when_the_consumer_leaves() -> None:
    buffer = SequenceBuffer(n_buckets=1, frames_per_bucket=1)
    buffer.put(_frame(0))
    caught: list[BaseException] = []

    def produce() -> None:
        try:
            buffer.put(_frame(1))
        except BufferClosedError as error:
            caught.append(error)

    thread = threading.Thread(target=produce)
    thread.start()
    buffer.stop()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    assert len(caught) == 1


@pytest.mark.parametrize("name", ["n_buckets", "frames_per_bucket", "read_ahead"])
def test_numbers_below_one_are_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match=name):
        SequenceBuffer(**{name: 0})


def test_file_is_read_beside_in_order_and_completely() -> None:
    source = ScriptedSource(1000)
    with read_beside(source) as frames:
        assert [frame.index for frame in frames] == list(range(1000))
        assert frames.n_dropped == 0
    assert source.is_released.is_set()
    assert _producers() == []


def test_file_is_not_read_further_ahead_than_needed() -> None:
    source = ScriptedSource(1000)
    furthest = 0
    with read_beside(source) as frames:
        for n_taken, _ in enumerate(frames, start=1):
            furthest = max(furthest, source.n_read - n_taken)
    # One more is in the producer's hands while it waits.
    assert furthest <= READ_AHEAD_FRAMES + 1


def test_slow_consumer_of_a_live_source_sees_the_last_buckets_and_the_count() -> None:
    source = ScriptedSource(1000, is_live=True)
    with read_beside(source, n_buckets=2) as frames:
        assert source.is_done.wait(LIMIT_S)
        assert source.is_released.wait(LIMIT_S)
        seen = [frame.index for frame in frames]
    # 1000 = 6 full buckets + 100; the last two buckets are 750..899 and 900..999.
    assert seen == list(range(750, 1000))
    assert frames.n_dropped == 750


def test_error_of_the_source_arrives_after_the_frames_before_it() -> None:
    error = VideoError("clip.mp4: damaged")
    seen: list[int] = []
    with pytest.raises(VideoError) as caught:
        _consume(ScriptedSource(3, error=error), each=seen.append)
    assert caught.value is error
    assert seen == [0, 1, 2]
    assert _producers() == []


@pytest.mark.parametrize("error", [RuntimeError("model failed"), KeyboardInterrupt()])
def test_consumer_that_fails_stops_the_producer(error: BaseException) -> None:
    def fail_at_five(index: int) -> None:
        if index == 5:
            raise error

    source = ScriptedSource(1000)
    with pytest.raises(type(error)):
        _consume(source, each=fail_at_five)
    assert source.is_released.is_set()
    assert source.n_read < 1000
    assert _producers() == []


def test_consumer_that_never_begins_stops_the_producer() -> None:
    source = ScriptedSource(1000)
    with read_beside(source):
        pass
    assert source.is_released.wait(LIMIT_S)
    assert _producers() == []
