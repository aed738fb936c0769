"""A live source, played by FFmpeg's synthetic devices and by openers that fail like cameras do."""

from __future__ import annotations

import errno
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import InputContainer

from backsight.domain.sequences import Frame
from backsight.errors import CameraError, InvalidValueError, OutputError
from backsight.video.buffer import read_beside
from backsight.video.camera import Camera, Device, parse_device
from backsight.video.reader import VideoFile
from tests.clips import even_times, write_clip

PATTERN = "camera:lavfi:testsrc2=size=320x240:rate=30"


def _open_clip(path: Path) -> InputContainer:
    """A device that ends, as a camera does when it is pulled out."""
    return av.open(str(path))


def test_frames_have_capture_times_and_end_after_the_duration() -> None:
    camera = Camera(PATTERN, duration_s=0.5)
    frames = list(camera.frames())
    assert [frame.timestamp_s for frame in frames] == pytest.approx(even_times(15, fps=30.0), abs=1e-5)
    assert [frame.index for frame in frames] == list(range(15))
    assert camera.info.is_live
    assert np.isnan(camera.info.duration_s)
    assert camera.info.analysed_size == (320, 240)


def test_recording_holds_every_frame_at_its_time(tmp_path: Path) -> None:
    camera = Camera(PATTERN, duration_s=0.5, record_to=tmp_path / "taken.mp4")
    live = list(camera.frames())
    recorded = list(VideoFile(tmp_path / "taken.mp4").frames())
    assert [frame.timestamp_s for frame in recorded] == pytest.approx([f.timestamp_s for f in live], abs=1e-9)
    errors = [np.abs(a.image.astype(int) - b.image.astype(int)).mean() for a, b in zip(live, recorded, strict=True)]
    assert max(errors) < 12


def test_recording_is_kept_when_the_consumer_leaves_early(tmp_path: Path) -> None:
    camera = Camera(PATTERN, duration_s=60.0, record_to=tmp_path / "taken.mp4")
    with read_beside(camera) as frames:
        for frame in frames:
            if frame.index == 3:
                break
    assert VideoFile(tmp_path / "taken.mp4").n_frames >= 4
    assert [path.name for path in tmp_path.iterdir()] == ["taken.mp4"]


def test_recording_that_cannot_be_written_stops_the_camera(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        list(Camera(PATTERN, duration_s=0.5, record_to=tmp_path / "gone" / "taken.mp4").frames())


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOENT, r"camera:7: there is no such camera \(.*7.*\); plug one in"),
        (errno.EBUSY, "camera:7: another program uses the camera; close it"),
        (errno.EACCES, "camera:7: access to the camera is not allowed; allow it"),
        (errno.EIO, r"camera:7: the camera cannot be opened \(.*\); plug it in again"),
    ],
)
def test_what_is_wrong_with_a_camera_is_said(number: int, expected: str) -> None:
    def fail(_: Device) -> InputContainer:
        raise av.error.OSError(number, "it failed", "/dev/video7")

    with pytest.raises(CameraError, match=expected):
        Camera("camera:7", opener=fail)


def test_camera_that_is_pulled_out_is_an_error_and_leaves_no_recording(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", times_s=even_times(10, fps=30.0))
    camera = Camera("camera:0", duration_s=5.0, record_to=tmp_path / "taken.mp4", opener=lambda _: _open_clip(clip))
    taken: list[Frame] = []
    with pytest.raises(CameraError, match=r"stopped after 0\.3 s, before the 5 s were over; check its cable"):
        taken.extend(camera.frames())
    assert len(taken) == 10
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_camera_is_released_when_the_consumer_leaves(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", times_s=even_times(10, fps=30.0))
    opened: list[InputContainer] = []

    def open_and_note(_: Device) -> InputContainer:
        opened.append(_open_clip(clip))
        return opened[-1]

    frames = Camera("camera:0", opener=open_and_note).frames()
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert len(opened) == 2
    for container in opened:
        with pytest.raises((AssertionError, av.error.FFmpegError, ValueError)):
            container.seek(0)


@pytest.mark.parametrize(
    ("name", "platform", "url", "format_name"),
    [
        ("camera:0", "linux", "/dev/video0", "v4l2"),
        ("2", "linux", "/dev/video2", "v4l2"),
        ("/dev/video4", "linux", "/dev/video4", "v4l2"),
        ("camera:0", "darwin", "0:none", "avfoundation"),
        ("camera:Integrated Camera", "win32", "video=Integrated Camera", "dshow"),
        ("camera:lavfi:movie=clip.mp4,realtime", "linux", "movie=clip.mp4,realtime", "lavfi"),
    ],
)
def test_names_of_cameras(name: str, platform: str, url: str, format_name: str) -> None:
    device = parse_device(name, platform=platform)
    assert (device.url, device.format) == (url, format_name)


def test_labels_hold_no_path() -> None:
    assert parse_device("/dev/video4", platform="linux").label == "camera:video4"


@pytest.mark.parametrize("name", ["camera:rtsp://anna:secret@10.0.0.7/stream?token=abc", "RTSP://u:secret@cam"])
def test_an_address_is_no_camera_and_is_not_repeated(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"got an address, rtsp://\.\.\.; record it to a file") as caught:
        Camera(name)
    assert not any(word in str(caught.value) for word in ("secret", "10.0.0.7", "abc"))


def test_a_graph_that_names_an_address_is_told_without_its_password() -> None:
    def open_nothing(_: Device) -> InputContainer:
        raise av.error.FileNotFoundError(errno.ENOENT, "No such file or directory")

    with pytest.raises(CameraError, match=r"^camera:lavfi: there is no such camera; plug one in or name another$"):
        Camera("camera:lavfi:movie=https://anna:secret@host.example/a.mp4", opener=open_nothing)


def test_nameless_camera_and_no_duration_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="camera:0"):
        Camera("camera:")
    with pytest.raises(InvalidValueError, match="duration_s"):
        Camera(PATTERN, duration_s=0.0)
