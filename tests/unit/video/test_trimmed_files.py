"""MP4 files that were trimmed without encoding them anew: they hold pictures before their start, marked as hidden."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from backsight.errors import VideoError
from backsight.video.reader import Position, VideoFile
from tests.clips import cut_file, even_times, write_clip
from tests.unit.video.test_reader import _shown

FPS = 30.0
FIRST_SHOWN, N_SHOWN = 45, 75


def _trim(whole: Path, target: Path, *, container_options: dict[str, str] | None = None) -> Path:
    """Copy packets from the key picture before frame 45 on; times before 0 make the edit list that hides them."""
    with av.open(str(whole)) as source, av.open(str(target), "w", options=container_options or {}) as copy:
        stream = source.streams.video[0]
        copied = copy.add_stream_from_template(stream)
        ticks = 1.0 / float(stream.time_base or 1)
        for packet in source.demux(stream):
            if packet.pts is None or packet.dts is None or packet.pts < 30 / FPS * ticks:
                continue
            shift = round(FIRST_SHOWN / FPS * ticks)
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copied
            copy.mux(packet)
    return target


@pytest.fixture(params=["0", "2"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """120 frames, a key picture every 30, without and with pictures that refer to later ones."""
    return write_clip(
        tmp_path / "whole.mp4",
        times_s=even_times(120, fps=FPS),
        options={"bf": request.param, "sc_threshold": "0"},
        key_every=30,
    )


def test_hidden_pictures_are_neither_shown_nor_missed(whole: Path, tmp_path: Path) -> None:
    video = VideoFile(_trim(whole, tmp_path / "trim.mp4"))
    frames = list(video.frames())
    assert len(frames) == video.n_frames == N_SHOWN
    assert [frame.timestamp_s for frame in frames] == pytest.approx(even_times(N_SHOWN, fps=FPS), abs=1e-4)
    assert _shown(video) == [index % 20 for index in range(FIRST_SHOWN, FIRST_SHOWN + N_SHOWN)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (Position(frame=3), Position(frame=6), [3, 4, 5]),
        (Position(seconds=1.0), Position(seconds=1.1), [30, 31, 32]),
        (Position(frame=72), None, [72, 73, 74]),
    ],
)
def test_positions_count_from_the_first_shown_picture(
    whole: Path, tmp_path: Path, start: Position, end: Position | None, expected: list[int]
) -> None:
    video = VideoFile(_trim(whole, tmp_path / "trim.mp4"), start=start, end=end)
    assert [frame.index for frame in video.frames()] == expected
    assert _shown(video) == [(FIRST_SHOWN + index) % 20 for index in expected]


def test_trimmed_file_that_is_cut_off_is_still_found_out(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    whole = write_clip(
        tmp_path / "whole.mp4",
        times_s=even_times(120, fps=FPS),
        picture=lambda index, _: np.roll(noise, index, axis=0),
        key_every=30,
    )
    trimmed = _trim(whole, tmp_path / "trim.mp4", container_options={"movflags": "+faststart"})
    assert VideoFile(trimmed).n_frames == N_SHOWN
    with pytest.raises(VideoError, match=r"damaged or cut off at \d"):
        VideoFile(cut_file(trimmed, tmp_path / "cut.mp4", share=0.6))
