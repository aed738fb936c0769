"""A stranger's video: good ones pass, everything else is refused in one line, within memory and time."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from backsight.errors import VideoError
from backsight.web.decoding import LOOK_LIMITS, Limits, look_at_video


def write_video(
    path: Path, *, size: tuple[int, int] = (160, 120), seconds: float = 1.0, codec: str = "libx264"
) -> Path:
    """Write a film of a grey that brightens."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency"} if codec == "libx264" else {}
        for number in range(int(30 * seconds)):
            picture = np.full((size[1], size[0], 3), number % 256, dtype=np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def declare_size(path: Path, *, width: int, height: int) -> None:
    """Have an MP4's sample entry say another size."""
    content = bytearray(path.read_bytes())
    at = content.index(b"avc1", content.index(b"stsd"))
    # ISO/IEC 14496-12 section 12.1.3: width and height follow 24 bytes after the name of a visual sample entry.
    struct.pack_into(">HH", content, at + 28, width, height)
    path.write_bytes(content)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.webm", "libvpx")])
def test_a_video_of_a_phone_or_browser_passes(tmp_path: Path, name: str, codec: str) -> None:
    source = look_at_video(write_video(tmp_path / name, codec=codec))
    assert (source.width, source.height, source.n_frames) == (160, 120, 30)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"<html><script>alert(1)</script></html>", "not a video"),
        (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
            "not a video|text file",
        ),
        (b"MZ" + bytes(4096), "not a video"),
        (b"\x00\x00\x00\x18ftypmp42" + os.urandom(4096), "cut off|not a video"),
    ],
    ids=["empty", "page", "playlist", "program", "noise"],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "secret-name"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=message) as refusal:
        look_at_video(path)
    assert "secret-name" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_kind_that_no_camera_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="expected an MP4, MOV, WebM or Matroska"):
        look_at_video(write_video(tmp_path / "a.avi", codec="mpeg4"))


def test_a_size_that_a_file_only_claims_is_not_believed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "liar.mp4")
    declare_size(path, width=16384, height=16384)
    source = look_at_video(path)
    # The claim bends the shape of a pixel, 160:120 against 1:1, and asks for no memory.
    assert (source.width, source.height) == (213, 120)


def test_a_small_file_of_huge_pictures_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "bomb.mp4", size=(4352, 2304), seconds=0.1)
    assert path.stat().st_size < 200_000
    with pytest.raises(VideoError, match=r"at most 9\.4 million pixels, got 4352 x 2304"):
        look_at_video(path)


def test_a_video_longer_than_an_exercise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="at most 60 s, got 70 s"):
        look_at_video(write_video(tmp_path / "long.mp4", size=(32, 32), seconds=70))


def test_memory_cpu_time_and_wall_time_end(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    little_memory = replace(LOOK_LIMITS, memory_bytes=150 * 2**20)
    with pytest.raises(VideoError, match=r"memory|broke off"):
        look_at_video(path, limits=little_memory)
    with pytest.raises(VideoError, match=r"more than 0 s to read"):
        look_at_video(path, limits=replace(LOOK_LIMITS, wall_s=0.01))


def test_the_process_sees_none_of_the_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program in place of the interpreter writes down what it was given."""
    spy = tmp_path / "spy"
    spy.write_text('#!/bin/sh\nenv > environment\necho \'{"error": "VideoError", "message": "seen"}\' > result.json\n')
    spy.chmod(0o700)
    seen = tmp_path / "seen"
    spy.write_text(spy.read_text().replace("> environment", f"> {seen}"))
    monkeypatch.setattr("sys.executable", str(spy))
    monkeypatch.setenv("BACKSIGHT_SECRET_KEY", "do-not-tell")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
    with pytest.raises(VideoError, match="seen"):
        look_at_video(tmp_path / "any.mp4")
    assert "PATH=" in seen.read_text()
    assert "do-not-tell" not in seen.read_text()


def test_an_answer_can_raise_only_what_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may be in somebody else's hands: what it says chooses no class of ours."""
    spy = tmp_path / "spy"
    answer = json.dumps({"error": "SystemExit", "message": "x" * 10_000})
    spy.write_text(f"#!/bin/sh\necho '{answer}' > result.json\n")
    spy.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(spy))
    with pytest.raises(VideoError) as refusal:
        look_at_video(tmp_path / "any.mp4", limits=Limits(memory_bytes=2**30, cpu_s=5, wall_s=30))
    assert len(str(refusal.value)) == 500
