"""Frames at a camera's pace, what is dropped when looking is slow, and what is recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import Frame
from backsight.errors import CameraError, OutputError
from backsight.live.pace import LIVE_BUCKETS, LIVE_FRAMES_PER_BUCKET, Grabber, PacedFile, Recorder
from backsight.video.reader import VideoFile
from tests.clips import grey_picture
from tests.fakes import FakeSource

LIMIT_S = 20.0


class FakeTime:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


def frame(index: int, size: tuple[int, int] = (64, 48)) -> Frame:
    return Frame(image=grey_picture(index, size), timestamp_s=index / 30.0, index=index)


class Pulled:
    """A camera that gives some frames and is then pulled out."""

    info = SourceInfo("camera:0", 64, 48, 30.0, float("nan"), is_live=True, analysed_size=(64, 48))

    def __init__(self, n_frames: int, *, error: Exception | None = None) -> None:
        self._n_frames = n_frames
        self._error = error
        self.is_done = threading.Event()

    def frames(self) -> Iterator[Frame]:
        for index in range(self._n_frames):
            yield frame(index)
        self.is_done.set()
        if self._error is not None:
            raise self._error


def test_a_file_is_handed_on_when_a_camera_would_have_taken_it() -> None:
    time = FakeTime()
    paced = PacedFile(FakeSource([0.0, 0.04, 0.1]), clock=time, wait=time.wait)
    assert paced.info.is_live
    assert [frame.captured_s for frame in paced.frames()] == pytest.approx([100.0, 100.04, 100.1])


def test_a_late_frame_delays_the_rest_instead_of_a_burst() -> None:
    time = FakeTime()
    taken = []
    for got in PacedFile(FakeSource([0.0, 0.1, 0.2, 0.3]), clock=time, wait=time.wait).frames():
        taken.append(got.captured_s)
        time.now_s += 0.5 if got.index == 1 else 0.0
    assert taken == pytest.approx([100.0, 100.1, 100.6, 100.7])


def test_a_little_lateness_is_caught_up_and_counts_as_latency() -> None:
    """As a camera's driver would, which keeps a few pictures: 0.13 s."""
    time = FakeTime()
    captured, handed_on = [], []
    for got in PacedFile(FakeSource([0.0, 0.04, 0.08, 0.12, 0.16, 0.2]), clock=time, wait=time.wait).frames():
        captured.append(got.captured_s)
        handed_on.append(time.now_s)
        time.now_s += 0.1 if got.index == 1 else 0.0
    assert captured == pytest.approx([100.0, 100.04, 100.08, 100.12, 100.16, 100.2])
    assert handed_on == pytest.approx([100.0, 100.04, 100.14, 100.14, 100.16, 100.2])


def test_a_repeated_file_goes_on_in_time() -> None:
    time = FakeTime()
    frames = PacedFile(FakeSource([0.0, 0.1, 0.2]), repeats=True, clock=time, wait=time.wait).frames()
    got = [next(frames) for _ in range(7)]
    assert [f.timestamp_s for f in got] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert [f.index for f in got] == list(range(7))


def test_who_looks_too_slowly_loses_whole_buckets_and_sees_the_newest() -> None:
    source = Pulled(42)
    grabber = Grabber(source)
    grabber.start()
    assert source.is_done.wait(LIMIT_S)
    left = []
    while (got := grabber.get()) is not None:
        left.append(got.index)
    grabber.stop()
    capacity = LIVE_BUCKETS * LIVE_FRAMES_PER_BUCKET
    assert left == list(range(35, 42))
    assert len(left) <= capacity
    assert (grabber.n_dropped, grabber.n_buckets_dropped) == (35, 7)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (CameraError("camera:0: the camera stopped"), "the camera stopped"),
        (OSError(19, "No such device"), "camera:0: the pictures stopped .*No such device"),
    ],
)
def test_a_camera_pulled_out_is_told_after_its_last_frame(error: Exception, message: str) -> None:
    grabber = Grabber(Pulled(2, error=error))
    grabber.start()
    assert [grabber.get().index, grabber.get().index] == [0, 1]  # type: ignore[union-attr]
    with pytest.raises(CameraError, match=message):
        grabber.get()


def test_every_frame_is_recorded_also_those_dropped(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.start(tmp_path / "take.mp4")
    source = Pulled(42)
    grabber = Grabber(source, recorder=recorder)
    grabber.start()
    assert source.is_done.wait(LIMIT_S)
    grabber.stop()
    assert recorder.stop() == (tmp_path / "take.mp4", pytest.approx(41 / 30.0))
    times = [f.timestamp_s for f in VideoFile(tmp_path / "take.mp4").frames()]
    assert np.allclose(times, np.arange(42) / 30.0, atol=1e-4)


def test_nothing_is_kept_without_a_frame_or_when_thrown_away(tmp_path: Path) -> None:
    recorder = Recorder()
    assert recorder.stop() is None
    recorder.start(tmp_path / "take.mp4")
    assert recorder.stop() is None
    recorder.start(tmp_path / "take.mp4")
    recorder.take(frame(0))
    recorder.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_is_told_at_the_end(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.start(tmp_path / "gone" / "take.mp4")
    recorder.take(frame(0))
    recorder.take(frame(1))
    with pytest.raises(OutputError, match="does not exist"):
        recorder.stop()


@pytest.mark.parametrize("is_told", [True, False])
def test_a_disk_that_failed_does_not_spoil_the_next_recording(tmp_path: Path, is_told: bool) -> None:
    recorder = Recorder()
    recorder.start(tmp_path / "gone" / "take.mp4")
    recorder.take(frame(0))
    if is_told:
        with pytest.raises(OutputError):
            recorder.stop()
    else:
        recorder.abandon()
    # A try that is not kept stops what was never started.
    assert recorder.stop() is None
