"""Frames from files: times, sizes, colours, selection and every way in which a file can be unfit."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from backsight.domain.sequences import Frame
from backsight.errors import InputError, VideoError
from backsight.video.reader import Crop, Position, VideoFile
from tests.clips import (
    CLOCKWISE_90,
    CLOCKWISE_270,
    HALF_TURN,
    corner_picture,
    cut_file,
    even_times,
    grey_level,
    write_clip,
    write_sound,
)

VARIABLE_TIMES_S = [0.0, 0.033, 0.066, 0.2, 0.233, 0.5, 0.533, 1.1]


def _times(video: VideoFile) -> list[float]:
    return [frame.timestamp_s for frame in video.frames()]


def _shown(video: VideoFile) -> list[int]:
    """Which pictures were read, from their grey value."""
    levels = {grey_level(index): index for index in range(20)}
    return [levels[min(levels, key=lambda level: abs(level - frame.image.mean()))] for frame in video.frames()]


@pytest.mark.parametrize(
    ("fps", "n_frames"), [(30.0, 10), (30_000 / 1001, 10), (60.0, 10), (24_000 / 1001, 10), (12.5, 10)]
)
def test_times_are_those_of_the_file(tmp_path: Path, fps: float, n_frames: int) -> None:
    video = VideoFile(write_clip(tmp_path / "clip.mp4", times_s=even_times(n_frames, fps=fps)))
    assert _times(video) == pytest.approx(even_times(n_frames, fps=fps), abs=6e-6)
    assert video.info.fps == pytest.approx(fps, rel=1e-4)
    assert video.info.duration_s == pytest.approx(n_frames / fps, rel=1e-4)
    assert video.n_frames == n_frames


@pytest.mark.parametrize(("name", "tolerance_s"), [("clip.mp4", 6e-6), ("clip.mkv", 0.0006), ("clip.mov", 6e-6)])
def test_variable_frame_rate_keeps_every_time(tmp_path: Path, name: str, tolerance_s: float) -> None:
    video = VideoFile(write_clip(tmp_path / name, times_s=VARIABLE_TIMES_S))
    assert _times(video) == pytest.approx(VARIABLE_TIMES_S, abs=tolerance_s)
    assert _shown(video) == list(range(8))


def test_first_frame_is_time_zero_even_when_the_file_starts_later(tmp_path: Path) -> None:
    times_s = [5.0 + time_s for time_s in even_times(6, fps=25.0)]
    video = VideoFile(write_clip(tmp_path / "clip.ts", times_s=times_s, codec="mpeg2video", time_base=Fraction(1, 25)))
    assert _times(video) == pytest.approx(even_times(6, fps=25.0), abs=1e-4)


def test_120_fps_gives_every_second_frame_at_its_own_time(tmp_path: Path) -> None:
    video = VideoFile(write_clip(tmp_path / "clip.mp4", times_s=even_times(12, fps=120.0)))
    frames = list(video.frames())
    assert [frame.index for frame in frames] == [0, 2, 4, 6, 8, 10]
    assert [frame.timestamp_s for frame in frames] == pytest.approx(even_times(6, fps=60.0), abs=6e-6)
    assert video.n_frames == 6


def test_slightly_more_than_60_fps_loses_nothing(tmp_path: Path) -> None:
    assert len(_times(VideoFile(write_clip(tmp_path / "clip.mp4", times_s=even_times(12, fps=60.4))))) == 12


def test_a_file_can_be_read_again(tmp_path: Path) -> None:
    video = VideoFile(write_clip(tmp_path / "clip.mp4", times_s=even_times(5, fps=30.0)))
    first, second = list(video.frames()), list(video.frames())
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))


def test_frames_stay_as_they_were_while_later_ones_are_read(tmp_path: Path) -> None:
    frames = list(VideoFile(write_clip(tmp_path / "clip.mp4", times_s=even_times(20, fps=30.0))).frames())
    assert [round(float(frame.image.mean())) for frame in frames] == pytest.approx(
        [grey_level(index) for index in range(20)], abs=2
    )


@pytest.mark.parametrize(
    ("matrix", "turns", "rotation_deg"),
    [(None, 0, 0), (CLOCKWISE_90, 1, 90), (HALF_TURN, 2, 180), (CLOCKWISE_270, 3, 270)],
)
def test_rotation_tag_is_honoured(
    tmp_path: Path, matrix: tuple[int, ...] | None, turns: int, rotation_deg: int
) -> None:
    path = write_clip(
        tmp_path / "clip.mp4",
        times_s=even_times(3, fps=30.0),
        picture=lambda _, size: corner_picture(size),
        display_matrix=matrix,
    )
    video = VideoFile(path)
    upright = np.rot90(corner_picture((320, 240)), -turns)
    image = next(iter(video.frames())).image
    assert image.shape == upright.shape
    assert video.info.rotation_deg == rotation_deg
    assert (video.info.height, video.info.width) == upright.shape[:2]
    quarter_y, quarter_x = image.shape[0] // 4, image.shape[1] // 4
    for y in (quarter_y, 3 * quarter_y):
        for x in (quarter_x, 3 * quarter_x):
            assert image[y, x].astype(int) == pytest.approx(upright[y, x].astype(int), abs=8)


def test_crop_of_a_turned_video_refers_to_what_is_seen(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "clip.mp4",
        times_s=even_times(3, fps=30.0),
        picture=lambda _, size: corner_picture(size),
        display_matrix=CLOCKWISE_90,
    )
    # Stored 320 x 240 with red, green / blue, white; turned clockwise: blue, red / white, green on 240 x 320.
    image = next(iter(VideoFile(path, crop=Crop(x=130, y=170, width=100, height=140)).frames())).image
    assert image.shape == (140, 100, 3)
    assert image.reshape(-1, 3).mean(axis=0) == pytest.approx([30, 200, 30], abs=6)


def test_wide_pixels_are_made_square(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "clip.mp4", times_s=even_times(3, fps=25.0), size=(360, 288), pixel_aspect=Fraction(64, 45)
    )
    assert VideoFile(path).info.analysed_size == (512, 288)
    assert next(iter(VideoFile(path).frames())).image.shape == (288, 512, 3)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "options"),
    [
        ("ten_bit.mkv", "libx265", "yuv420p10le", {"x265-params": "log-level=none"}),
        ("prores.mov", "prores_ks", "yuv422p10le", {}),
        ("lossless.mkv", "ffv1", "yuv444p", {}),
        ("alpha.mov", "qtrle", "argb", {}),
        ("motion_jpeg.avi", "mjpeg", "yuvj420p", {}),
        ("old.avi", "mpeg4", "yuv420p", {"qmin": "1", "qmax": "2"}),
        ("web.webm", "libvpx-vp9", "yuv420p", {"cpu-used": "8", "deadline": "realtime"}),
        ("alpha.webm", "libvpx-vp9", "yuva420p", {"cpu-used": "8", "deadline": "realtime"}),
        ("interlaced.mp4", "libx264", "yuv420p", {"flags": "+ilme+ildct", "x264-params": "tff=1"}),
        ("b_frames.mkv", "libx264", "yuv420p", {"bf": "3", "preset": "medium"}),
    ],
)
def test_codecs_and_pixel_formats(tmp_path: Path, name: str, codec: str, pix_fmt: str, options: dict[str, str]) -> None:
    color_range = ColorRange.JPEG if pix_fmt in {"yuvj420p", "argb"} else ColorRange.MPEG
    path = write_clip(
        tmp_path / name,
        times_s=even_times(8, fps=25.0),
        codec=codec,
        pix_fmt=pix_fmt,
        options=options,
        color_range=color_range,
        time_base=Fraction(1, 25),
    )
    video = VideoFile(path)
    frames = list(video.frames())
    assert [frame.timestamp_s for frame in frames] == pytest.approx(even_times(8, fps=25.0), abs=0.0006)
    assert [float(frame.image.mean()) for frame in frames] == pytest.approx([grey_level(k) for k in range(8)], abs=3.5)


@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG])
def test_full_and_limited_range_give_the_same_grey(tmp_path: Path, color_range: ColorRange) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(4, fps=30.0), color_range=color_range)
    assert [float(frame.image.mean()) for frame in VideoFile(path).frames()] == pytest.approx([20, 31, 42, 53], abs=2)


def test_odd_sizes_are_kept(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "odd.mkv", times_s=even_times(3, fps=30.0), size=(321, 241), codec="ffv1")
    video = VideoFile(path)
    assert video.info.analysed_size == (321, 241)
    assert {frame.image.shape for frame in video.frames()} == {(241, 321, 3)}


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (Position(frame=13), Position(frame=17), [13, 14, 15, 16]),
        (Position(seconds=0.5), Position(seconds=0.6), [15, 16, 17]),
        (Position(frame=37), None, [37, 38, 39]),
        (None, Position(frame=2), [0, 1]),
        (Position(frame=36), Position(seconds=99.0), [36, 37, 38, 39]),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_trimming_takes_start_and_leaves_end_out(
    tmp_path: Path, name: str, start: Position | None, end: Position | None, expected: list[int]
) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    options = {"bf": "2", "qmin": "1", "qmax": "2"} if codec == "mpeg4" else {"bf": "2"}
    path = write_clip(
        tmp_path / name, times_s=even_times(40, fps=30.0), codec=codec, options=options, time_base=Fraction(1, 30)
    )
    video = VideoFile(path, start=start, end=end)
    frames = list(video.frames())
    assert [frame.index for frame in frames] == expected
    assert [frame.timestamp_s for frame in frames] == pytest.approx([index / 30.0 for index in expected], abs=0.0006)
    assert _shown(video) == [index % 20 for index in expected]
    assert video.n_frames == len(expected)


def test_start_beyond_the_end_says_where_the_end_is(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(30, fps=30.0))
    with pytest.raises(InputError, match=r"clip\.mp4: the start \(2 s\) lies beyond the end .* ends at 0\.97 s"):
        VideoFile(path, start=Position(seconds=2.0))


def test_end_before_the_start_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(30, fps=30.0))
    with pytest.raises(InputError, match=r"no frame lies between the start \(frame 9\) and the end \(frame 5\)"):
        VideoFile(path, start=Position(frame=9), end=Position(frame=5))


def test_crop_outside_the_picture_is_refused_before_decoding(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(3, fps=30.0))
    with pytest.raises(InputError, match="320 x 240"):
        VideoFile(path, crop=Crop(x=300, y=0, width=100, height=100))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"gone\.mp4: there is no such file; check"):
        VideoFile(tmp_path / "gone.mp4")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="this is a folder"):
        VideoFile(tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(VideoError, match=r"empty\.mp4: the file is empty"):
        VideoFile(tmp_path / "empty.mp4")


@pytest.mark.parametrize("text", ["Dear diary\n" * 200, "{}", "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n"])
@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4"])
def test_text(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(VideoError, match="not a video"):
        VideoFile(tmp_path / name)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
def test_still_picture(tmp_path: Path, name: str) -> None:
    assert cv2.imwrite(str(tmp_path / name), corner_picture((320, 240)))
    with pytest.raises(VideoError, match="one still picture"):
        VideoFile(tmp_path / name)


def test_sound_only(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"voice\.m4a: the file holds sound but no pictures"):
        VideoFile(write_sound(tmp_path / "voice.m4a"))


def test_sound_beside_the_pictures_does_no_harm(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(5, fps=30.0), with_sound=True)
    assert _shown(VideoFile(path)) == [0, 1, 2, 3, 4]


def test_one_frame(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"one\.mp4: the video holds one frame; a movement needs"):
        VideoFile(write_clip(tmp_path / "one.mp4", times_s=[0.0]))


def test_no_frames(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"none\.mp4: the file holds no pictures"):
        VideoFile(write_clip(tmp_path / "none.mp4", times_s=[]))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root and Windows read everything")
def test_no_permission(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", times_s=even_times(3, fps=30.0))
    path.chmod(0)
    with pytest.raises(VideoError, match="no permission"):
        VideoFile(path)


def _noisy_clip(path: Path, **kwargs: object) -> Path:
    """A clip whose pictures take up most of the file, so that a cut hits them."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 120, 160, 3), dtype=np.uint8)
    options = {} if kwargs.get("codec") == "mpeg4" else {"preset": "ultrafast", "bf": "2"}
    return write_clip(
        path,
        times_s=even_times(60, fps=30.0),
        size=(160, 120),
        picture=lambda index, _: noise[index],
        options=options,
        **kwargs,  # type: ignore[arg-type]
    )


def test_mp4_without_its_index(tmp_path: Path) -> None:
    whole = _noisy_clip(tmp_path / "whole.mp4")
    with pytest.raises(VideoError, match=r"cut\.mp4: the video is cut off: its index .* is missing"):
        VideoFile(cut_file(whole, tmp_path / "cut.mp4", share=0.6))


@pytest.mark.parametrize(
    ("name", "container_options"),
    [
        ("front.mp4", {"movflags": "+faststart"}),
        ("pieces.mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("clip.mkv", {}),
        ("clip.avi", {}),
    ],
)
def test_cut_off_video_never_becomes_a_shorter_one(
    tmp_path: Path, name: str, container_options: dict[str, str]
) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    whole = _noisy_clip(
        tmp_path / f"whole_{name}", codec=codec, container_options=container_options, time_base=Fraction(1, 30)
    )
    cut = cut_file(whole, tmp_path / name, share=0.5)
    with pytest.raises(
        VideoError, match=r"damaged or cut off at (0\.[89]|1\.0)\d s; .* --end (0\.[89]|1\.0)"
    ) as caught:
        VideoFile(cut)
    # The remedy that the message names has to work: the part before the break is whole.
    suggested_end_s = float(str(caught.value).rsplit(" ", 1)[1])
    expected = list(VideoFile(whole, end=Position(seconds=suggested_end_s)).frames())
    before = list(VideoFile(cut, end=Position(seconds=suggested_end_s)).frames())
    assert len(before) == len(expected) > 20
    assert all(np.array_equal(a.image, b.image) for a, b in zip(before, expected, strict=True))


def test_cut_at_the_first_frame(tmp_path: Path) -> None:
    whole = _noisy_clip(tmp_path / "whole.mp4", container_options={"movflags": "+faststart"})
    with pytest.raises(VideoError, match=r"cut\.mp4: .*(at its start|no frames)"):
        VideoFile(cut_file(whole, tmp_path / "cut.mp4", share=0.02))


def test_damage_midway_raises_where_it_is_and_not_before(tmp_path: Path) -> None:
    path = _noisy_clip(tmp_path / "clip.mp4")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
    path.write_bytes(data)
    read: list[Frame] = []
    with pytest.raises(VideoError, match=r"clip\.mp4: the video is damaged or cut off at (0\.[89]|1\.0)"):
        read.extend(VideoFile(path).frames())
    assert 20 <= len(read) <= 32


@pytest.mark.parametrize("name", ["with spaces & ümlaut.mp4", "a:b.mp4", "frame%03d.mp4", "#1?.mp4", "-x.mp4"])
def test_odd_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "clip.mp4", times_s=even_times(3, fps=30.0)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(_times(VideoFile(Path(name)))) == 3


def test_names_in_messages_are_names_and_not_paths(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(VideoError) as caught:
        VideoFile(tmp_path / "empty.mp4")
    assert str(tmp_path) not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ffmpeg_stays_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = _noisy_clip(tmp_path / "whole.mp4", container_options={"movflags": "+faststart"})
    capfd.readouterr()
    with pytest.raises(VideoError):
        VideoFile(cut_file(whole, tmp_path / "cut.mp4", share=0.5))
    assert capfd.readouterr() == ("", "")


# `ru_maxrss` would hold the size of the process that started this one; VmHWM begins anew with the program.
_READ_8K = """
import sys
from pathlib import Path
from backsight.video.reader import VideoFile
from backsight.video.buffer import read_beside
video = VideoFile(Path(sys.argv[1]))
with read_beside(video) as frames:
    shapes = {frame.image.shape for frame in frames}
status = Path("/proc/self/status").read_text()
print(shapes, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured the Linux way")
def test_8k_is_decoded_within_memory(tmp_path: Path) -> None:
    still = corner_picture((7680, 4320))
    path = write_clip(
        tmp_path / "8k.mp4",
        times_s=even_times(24, fps=30.0),
        size=(7680, 4320),
        picture=lambda _, size: still,
        options={"preset": "ultrafast", "bf": "2"},
    )
    done = subprocess.run([sys.executable, "-c", _READ_8K, path], check=True, capture_output=True, text=True)
    shapes, peak_mib = done.stdout.rsplit(" ", 1)
    assert shapes == "{(720, 1280, 3)}"
    # One 8K picture is 50 MB; a decoder that held one for each of 40 frames would need 2 GB.
    assert int(peak_mib) < 1000
