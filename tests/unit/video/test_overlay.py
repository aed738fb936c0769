"""The drawn video: frame-true, right colours, exact times, and nothing half-written."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backsight.domain.assessment import IndexCurve
from backsight.domain.landmarks import N_LANDMARKS, Landmark
from backsight.domain.sequences import PoseSequence
from backsight.errors import OutputError, VideoError
from backsight.video.drawing import LEFT_RGB, RIGHT_RGB, draw_caption, draw_skeleton
from backsight.video.encoding import H264Writer
from backsight.video.overlay import clock_text, write_overlay
from backsight.video.reader import Position, VideoFile
from tests.clips import even_times, write_clip

SIZE = (640, 360)
VARIABLE_TIMES_S = [0.0, 0.03, 0.07, 0.2, 0.24, 0.5, 0.54, 1.1]


def _black(_: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.zeros((size[1], size[0], 3), np.uint8)


def _pose(times_s: list[float], *, size: tuple[int, int] = SIZE, visibility: float = 1.0) -> PoseSequence:
    """Only the left wrist is known; it moves right by 40 pixels a frame."""
    n_frames = len(times_s)
    image_px = np.full((n_frames, N_LANDMARKS, 3), np.nan)
    image_px[:, Landmark.LEFT_WRIST] = [(100.0 + 40.0 * row, 200.0, 0.0) for row in range(n_frames)]
    return PoseSequence(
        image_px=image_px,
        world_m=np.full((n_frames, N_LANDMARKS, 3), np.nan),
        visibility=np.full((n_frames, N_LANDMARKS), visibility),
        presence=np.ones((n_frames, N_LANDMARKS)),
        timestamps_s=np.array(times_s),
        frame_size=size,
    )


def _source(folder: Path, times_s: list[float], *, size: tuple[int, int] = SIZE) -> VideoFile:
    return VideoFile(write_clip(folder / "clip.mp4", times_s=times_s, size=size, picture=_black))


def _drawn_x(image: NDArray[np.uint8]) -> float:
    """Centre of what is orange, away from the caption."""
    red, blue = image[..., 0].astype(int), image[..., 2].astype(int)
    _, columns = np.nonzero(red - blue > 100)
    return float(columns.mean())


def test_picture_k_carries_landmarks_k_at_the_original_times(tmp_path: Path) -> None:
    source = _source(tmp_path, VARIABLE_TIMES_S)
    write_overlay(tmp_path / "overlay.mp4", source, _pose(VARIABLE_TIMES_S))
    frames = list(VideoFile(tmp_path / "overlay.mp4").frames())
    assert [frame.timestamp_s for frame in frames] == pytest.approx(VARIABLE_TIMES_S, abs=1.2e-5)
    assert [_drawn_x(frame.image) for frame in frames] == pytest.approx([100 + 40 * k for k in range(8)], abs=1.5)


def test_overlay_of_a_trimmed_recording_starts_at_zero(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(30, fps=30.0), size=SIZE, picture=_black)
    source = VideoFile(path, start=Position(frame=10), end=Position(frame=14))
    times_s = [frame.timestamp_s for frame in source.frames()]
    write_overlay(tmp_path / "overlay.mp4", source, _pose(times_s))
    with av.open(str(tmp_path / "overlay.mp4")) as container:
        shown = [float(frame.time) for frame in container.decode(video=0)]
    assert shown == pytest.approx(even_times(4, fps=30.0), abs=1.2e-5)


def test_browsers_can_play_it(tmp_path: Path) -> None:
    times_s = even_times(4, fps=30.0)
    odd = (321, 241)
    path = write_clip(tmp_path / "odd.mkv", times_s=times_s, size=odd, codec="ffv1")
    times_s = [frame.timestamp_s for frame in VideoFile(path).frames()]
    write_overlay(tmp_path / "overlay.mp4", VideoFile(path), _pose(times_s, size=odd))
    with av.open(str(tmp_path / "overlay.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 322, 242)
    data = (tmp_path / "overlay.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_colours_survive_the_encoding(tmp_path: Path) -> None:
    colour = (180, 90, 40)
    with H264Writer(tmp_path / "clip.mp4", size=(128, 96), fps=30.0) as writer:
        for index in range(3):
            writer.write(np.full((96, 128, 3), colour, np.uint8), time_s=index / 30.0)
    image = next(iter(VideoFile(tmp_path / "clip.mp4").frames())).image
    assert image.reshape(-1, 3).mean(axis=0) == pytest.approx(colour, abs=3)


def test_stills_are_drawn_frames_nearest_to_the_wanted_times(tmp_path: Path) -> None:
    source = _source(tmp_path, VARIABLE_TIMES_S)
    stills = write_overlay(tmp_path / "o.mp4", source, _pose(VARIABLE_TIMES_S), still_times_s=(0.6, 0.0, 0.6))
    assert [still.timestamp_s for still in stills] == [0.54, 0.0, 0.54]
    pictures = [
        cv2.cvtColor(cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        for still in stills
    ]
    assert [_drawn_x(picture) for picture in pictures] == pytest.approx([340.0, 100.0, 340.0], abs=1.5)


def test_clock_shows_the_time_since_the_first_frame_worked_on(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(30, fps=10.0), size=SIZE, picture=_black)

    def still(position: Position | None, time_s: float) -> bytes:
        source = VideoFile(path, start=position)
        times_s = np.array([frame.timestamp_s for frame in source.frames()])
        curve = IndexCurve(timestamps_s=times_s, raw=0.2 + 0.1 * (times_s - times_s[0]))
        nowhere = dataclasses.replace(_pose(times_s.tolist()), image_px=np.full((len(times_s), N_LANDMARKS, 3), np.nan))
        return write_overlay(tmp_path / "o.mp4", source, nowhere, curve=curve, still_times_s=(time_s,))[0].jpeg

    whole = still(None, 0.5)
    # Half a second into a part that starts at 1.2 s: the same words as half a second into the whole.
    assert still(Position(seconds=1.2), 1.7) == whole
    assert still(Position(seconds=1.2), 1.8) != whole


@pytest.mark.parametrize(
    ("time_s", "text"),
    [(0.0, "0:00.00"), (9.996, "0:10.00"), (59.994, "0:59.99"), (59.996, "1:00.00"), (61.5, "1:01.50")],
)
def test_clock_carries_over(time_s: float, text: str) -> None:
    assert clock_text(time_s) == text


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    times_s = even_times(3, fps=30.0)
    write_overlay(
        tmp_path / "o.mp4",
        _source(tmp_path, times_s),
        _pose(times_s),
        curve=IndexCurve(timestamps_s=np.array([0.04]), raw=np.array([0.3])),
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    "pose_times_s", [even_times(7, fps=30.0), even_times(9, fps=30.0), [t + 0.01 for t in even_times(8, fps=30.0)]]
)
def test_landmarks_of_another_reading_are_refused_and_leave_no_file(tmp_path: Path, pose_times_s: list[float]) -> None:
    source = _source(tmp_path, even_times(8, fps=30.0))
    with pytest.raises(VideoError, match="on the second reading"):
        write_overlay(tmp_path / "overlay.mp4", source, _pose(pose_times_s))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_landmarks_of_another_size_are_refused(tmp_path: Path) -> None:
    times_s = even_times(3, fps=30.0)
    with pytest.raises(VideoError, match=r"640 x 360 pixels .* 320 x 180"):
        write_overlay(tmp_path / "o.mp4", _source(tmp_path, times_s), _pose(times_s, size=(320, 180)))


def test_frames_that_a_live_source_lost_are_written_plain(tmp_path: Path) -> None:
    times_s = even_times(6, fps=30.0)
    source = _source(tmp_path, times_s)
    write_overlay(tmp_path / "o.mp4", source, _pose(times_s[:2] + times_s[4:]), n_dropped=2)
    images = [frame.image for frame in VideoFile(tmp_path / "o.mp4").frames()]
    assert [_drawn_x(images[k]) for k in (0, 1, 4, 5)] == pytest.approx([100, 140, 180, 220], abs=1.5)
    assert all((images[k][100:300].max() < 60) for k in (2, 3))


def test_missing_folder_and_existing_folder_of_that_name(tmp_path: Path) -> None:
    times_s = even_times(3, fps=30.0)
    source = _source(tmp_path, times_s)

    def draw_nothing(done: int, _: int) -> None:
        pytest.fail(f"{done} frames were drawn for a file that cannot be written")

    with pytest.raises(OutputError, match="does not exist"):
        write_overlay(tmp_path / "gone" / "o.mp4", source, _pose(times_s), on_progress=draw_nothing)
    (tmp_path / "o.mp4").mkdir()
    with pytest.raises(OutputError, match=r"o\.mp4: there is a folder of this name"):
        write_overlay(tmp_path / "o.mp4", source, _pose(times_s))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "o.mp4"]


def test_interrupt_leaves_no_file(tmp_path: Path) -> None:
    def interrupt(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    times_s = even_times(5, fps=30.0)
    with pytest.raises(KeyboardInterrupt):
        write_overlay(tmp_path / "o.mp4", _source(tmp_path, times_s), _pose(times_s), on_progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


_WRITE_WITH_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from backsight.errors import OutputError
from backsight.video.encoding import H264Writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
rng = np.random.default_rng(0)
try:
    with H264Writer(Path(sys.argv[1]), size=(320, 240), fps=30.0, preset="ultrafast") as writer:
        for index in range(40):
            writer.write(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), time_s=index / 30.0)
except OutputError as error:
    print(error)
    sys.exit(7)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on a file's size")
@pytest.mark.parametrize("limit_bytes", [0, 200, 100_000])
def test_full_disk_leaves_no_file_and_says_so(tmp_path: Path, limit_bytes: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WRITE_WITH_FULL_DISK, tmp_path / "overlay.mp4", str(limit_bytes)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert "free some space" in done.stdout
    assert done.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on a file's size")
def test_disk_that_fills_while_the_index_is_written_leaves_no_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITE_WITH_FULL_DISK, tmp_path / "overlay.mp4"]
    subprocess.run([*command, str(10**9)], check=True)
    whole_bytes = (tmp_path / "overlay.mp4").stat().st_size
    (tmp_path / "overlay.mp4").unlink()
    for missing_bytes in (1, 300, 1200):
        done = subprocess.run([*command, str(whole_bytes - missing_bytes)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (7, "")
        assert list(tmp_path.iterdir()) == []


def _landmarks(**known: tuple[float, float]) -> NDArray[np.float64]:
    landmarks = np.full((N_LANDMARKS, 3), np.nan)
    for name, position in known.items():
        landmarks[Landmark[name]] = (*position, 0.0)
    return landmarks


def test_sides_have_their_own_colours_and_lines_join_known_landmarks_only() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    landmarks = _landmarks(
        LEFT_HIP=(400, 100), LEFT_KNEE=(400, 300), RIGHT_HIP=(200, 100), RIGHT_KNEE=(200, 300), LEFT_HEEL=(500, 400)
    )
    draw_skeleton(image, landmarks, visibility=np.ones(N_LANDMARKS))
    assert tuple(image[200, 400]) == LEFT_RGB
    assert tuple(image[200, 200]) == RIGHT_RGB
    assert tuple(image[100, 300]) == (255, 255, 255)
    assert tuple(image[400, 500]) == LEFT_RGB
    assert not image[310:390].any()


def test_low_visibility_is_faded() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    visibility = np.ones(N_LANDMARKS)
    visibility[Landmark.LEFT_KNEE] = 0.65
    draw_skeleton(image, _landmarks(LEFT_HIP=(400, 100), LEFT_KNEE=(400, 300)), visibility=visibility)
    assert image[200, 400].astype(float) == pytest.approx(0.45 * np.array(LEFT_RGB), abs=1)
    assert tuple(image[100, 400]) == LEFT_RGB


def test_nothing_known_and_far_outside_change_nothing() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    draw_skeleton(image, np.full((N_LANDMARKS, 3), np.nan), visibility=np.zeros(N_LANDMARKS))
    draw_skeleton(image, _landmarks(LEFT_HIP=(1e9, -1e9)), visibility=np.ones(N_LANDMARKS))
    assert not image.any()


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (160, 90), (40, 30)])
def test_caption_stays_inside_pictures_of_any_size(size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    draw_caption(image, lines=("0:01.00", "index so far 0.42"), small_print="No diagnosis")
    assert (image != 128).any()
