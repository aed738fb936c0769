"""A long recording made of a short one."""

from __future__ import annotations

from pathlib import Path

import pytest

from backsight.benchmarks.long_clip import write_looped
from backsight.video.reader import VideoFile
from tests.clips import even_times, grey_level, write_clip


def test_it_plays_to_and_fro_until_the_time_is_full(tmp_path: Path) -> None:
    short = write_clip(tmp_path / "short.mp4", times_s=even_times(4, fps=25.0))
    write_looped(tmp_path / "long.mp4", VideoFile(short), duration_s=0.4)
    frames = list(VideoFile(tmp_path / "long.mp4").frames())
    assert [frame.timestamp_s for frame in frames] == pytest.approx(even_times(12, fps=30.0), abs=1e-4)
    there_and_back = [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]
    assert [float(frame.image.mean()) for frame in frames] == pytest.approx(
        [grey_level(index) for index in there_and_back], abs=3
    )


def test_odd_sides_lose_a_pixel(tmp_path: Path) -> None:
    short = write_clip(tmp_path / "short.mkv", times_s=even_times(3, fps=30.0), size=(321, 241), codec="ffv1")
    write_looped(tmp_path / "long.mp4", VideoFile(short), duration_s=0.2)
    assert VideoFile(tmp_path / "long.mp4").info.analysed_size == (320, 240)
