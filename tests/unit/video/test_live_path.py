"""A camera that is recorded while its frames are worked on: frames, recording and drawn video belong together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from backsight.domain.landmarks import N_LANDMARKS, Landmark
from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import Frame, PoseSequence
from backsight.video.buffer import read_beside
from backsight.video.camera import Camera
from backsight.video.overlay import write_overlay
from backsight.video.reader import VideoFile
from tests.clips import CLOCKWISE_90, even_times, write_clip

LIMIT_S = 20.0
ONE_SECOND = "camera:lavfi:color=black:size=320x240:rate=30"


class PacedSource:
    """A live source that waits after one of its frames until it may go on, and tells when all are taken."""

    def __init__(self, camera: Camera, *, pause_after: int | None = None) -> None:
        self._camera = camera
        self._pause_after = pause_after
        self.may_go_on = threading.Event()
        self.is_done = threading.Event()

    @property
    def info(self) -> SourceInfo:
        return self._camera.info

    def frames(self) -> Iterator[Frame]:
        frames = self._camera.frames()
        with closing(frames):  # type: ignore[type-var]
            for frame in frames:
                yield frame
                if frame.index == self._pause_after:
                    assert self.may_go_on.wait(LIMIT_S)
        self.is_done.set()


def _pose(frames: list[Frame]) -> PoseSequence:
    """The left wrist is 8 pixels further right in each captured frame."""
    image_px = np.full((len(frames), N_LANDMARKS, 3), np.nan)
    image_px[:, Landmark.LEFT_WRIST] = [(30.0 + 8.0 * frame.index, 150.0, 0.0) for frame in frames]
    return PoseSequence(
        image_px=image_px,
        world_m=np.full((len(frames), N_LANDMARKS, 3), np.nan),
        visibility=np.ones((len(frames), N_LANDMARKS)),
        presence=np.ones((len(frames), N_LANDMARKS)),
        timestamps_s=np.array([frame.timestamp_s for frame in frames]),
        frame_size=(frames[0].image.shape[1], frames[0].image.shape[0]),
    )


def _wrist_numbers(path: Path) -> list[int | None]:
    """For each picture of a drawn video the number of the captured frame whose wrist it shows; None = none."""

    def number(image: NDArray[np.uint8]) -> int | None:
        is_orange = image[..., 0].astype(int) - image[..., 2] > 100
        columns = np.nonzero(is_orange)[1]
        return round((float(columns.mean()) - 30.0) / 8.0) if columns.size else None

    return [number(frame.image) for frame in VideoFile(path).frames()]


def test_frames_that_are_all_seen_pair_with_the_recording(tmp_path: Path) -> None:
    camera = Camera(ONE_SECOND, duration_s=1.0, record_to=tmp_path / "taken.mp4")
    with read_beside(camera) as frames:
        seen = list(frames)
        # The end of the frames says that the recording is complete, while the context is still open.
        recording = VideoFile(tmp_path / "taken.mp4")
    assert frames.n_dropped == 0
    write_overlay(tmp_path / "o.mp4", recording, _pose(seen), n_dropped=frames.n_dropped)
    assert _wrist_numbers(tmp_path / "o.mp4") == list(range(30))


def test_buckets_lost_midway_are_in_the_recording_and_drawn_plain(tmp_path: Path) -> None:
    camera = Camera(ONE_SECOND, duration_s=1.0, record_to=tmp_path / "taken.mp4")
    source = PacedSource(camera, pause_after=2)
    with read_beside(source, n_buckets=2, frames_per_bucket=5) as frames:
        stream = iter(frames)
        seen = [next(stream) for _ in range(3)]
        source.may_go_on.set()
        assert source.is_done.wait(LIMIT_S)
        seen += stream
    # Frames 3 and 4 are what is left of bucket 0; 5 to 19 are buckets 1 to 3; the last two of six buckets are kept.
    assert [frame.index for frame in seen] == [0, 1, 2, *range(20, 30)]
    assert frames.n_dropped == 17
    recording = VideoFile(tmp_path / "taken.mp4")
    assert recording.n_frames == 30
    write_overlay(tmp_path / "o.mp4", recording, _pose(seen), n_dropped=frames.n_dropped)
    assert _wrist_numbers(tmp_path / "o.mp4") == [0, 1, 2, *[None] * 17, *range(20, 30)]


def test_drawn_video_begins_with_the_first_frame_that_was_worked_on(tmp_path: Path) -> None:
    camera = Camera(ONE_SECOND, duration_s=1.0, record_to=tmp_path / "taken.mp4")
    source = PacedSource(camera)
    with read_beside(source, n_buckets=2, frames_per_bucket=5) as frames:
        assert source.is_done.wait(LIMIT_S)
        seen = list(frames)
    assert [frame.index for frame in seen] == list(range(20, 30))
    write_overlay(tmp_path / "o.mp4", VideoFile(tmp_path / "taken.mp4"), _pose(seen), n_dropped=frames.n_dropped)
    drawn = VideoFile(tmp_path / "o.mp4")
    assert [frame.timestamp_s for frame in drawn.frames()] == pytest.approx(even_times(10, fps=30.0), abs=1.2e-5)
    assert _wrist_numbers(tmp_path / "o.mp4") == list(range(20, 30))


@pytest.mark.parametrize(
    ("graph", "size", "n_frames"),
    [
        ("testsrc2=size=321x241:rate=30", (320, 240), 15),
        ("testsrc2=size=1920x1080:rate=30", (1280, 720), 15),
        ("testsrc2=size=480x640:rate=30", (480, 640), 15),
        ("testsrc2=size=360x288:rate=30,setsar=64/45", (512, 288), 15),
        ("testsrc2=size=320x240:rate=120", (320, 240), 31),
        ("testsrc2=size=320x240:rate=90", (320, 240), 31),
        ("testsrc2=size=320x240:rate=30,setfield=tff", (320, 240), 15),
    ],
)
def test_recording_has_the_size_the_times_and_the_number_of_the_frames(
    tmp_path: Path, graph: str, size: tuple[int, int], n_frames: int
) -> None:
    _check_recording(tmp_path, f"camera:lavfi:{graph}", size=size, n_frames=n_frames)


def test_turned_clip_played_as_a_camera(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", times_s=even_times(9, fps=30.0), display_matrix=CLOCKWISE_90)
    _check_recording(tmp_path, f"camera:lavfi:movie={clip}", size=(240, 320), n_frames=9)


def _check_recording(folder: Path, name: str, *, size: tuple[int, int], n_frames: int) -> None:
    camera = Camera(name, duration_s=0.5, record_to=folder / "taken.mp4")
    live = list(camera.frames())
    recording = VideoFile(folder / "taken.mp4")
    recorded = list(recording.frames())
    assert camera.info.analysed_size == recording.info.analysed_size == size
    assert {frame.image.shape for frame in (*live, *recorded)} == {(size[1], size[0], 3)}
    assert len(live) == recording.n_frames == n_frames
    assert [frame.timestamp_s for frame in recorded] == pytest.approx([f.timestamp_s for f in live], abs=1e-9)
    assert all(frame.image.flags.c_contiguous for frame in live)


def _fail_at_frame_3(camera: Camera, error: BaseException) -> None:
    with read_beside(camera) as frames:
        for frame in frames:
            if frame.index == 3:
                raise error


def test_recording_outlives_a_consumer_that_fails(tmp_path: Path) -> None:
    camera = Camera(ONE_SECOND, duration_s=600.0, record_to=tmp_path / "taken.mp4")
    with pytest.raises(RuntimeError):
        _fail_at_frame_3(camera, RuntimeError("no landmarks"))
    assert VideoFile(tmp_path / "taken.mp4").n_frames >= 4
    assert [path.name for path in tmp_path.iterdir()] == ["taken.mp4"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_interrupt_while_recording_leaves_nothing(tmp_path: Path, interrupt: Callable[[], BaseException]) -> None:
    camera = Camera(ONE_SECOND, duration_s=600.0, record_to=tmp_path / "taken.mp4")
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        _fail_at_frame_3(camera, interrupt())
    assert list(tmp_path.iterdir()) == []
