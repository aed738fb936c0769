"""The words of `backsight assess` become clips, or one line that says what was expected."""

import subprocess
import sys
from pathlib import Path

import pytest

from backsight.errors import InputError
from backsight.inputs import Clip, parse_clip
from backsight.video.reader import Crop, Position


def run_backsight(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backsight", *words], capture_output=True, text=True, check=False, cwd=cwd
    )


def test_media_fragment_names_a_part_of_the_recording() -> None:
    clip = parse_clip("walk.mp4#t=1.5,48f&xywh=pixel:0,470,1560,524")
    assert clip == Clip(
        Path("walk.mp4"),
        start=Position(seconds=1.5, frame=None),
        end=Position(seconds=None, frame=48),
        crop=Crop(x=0, y=470, width=1560, height=524),
    )


def test_open_ended_fragment_has_no_end() -> None:
    clip = parse_clip("walk.mp4#t=2")
    assert (clip.start, clip.end, clip.crop) == (Position(seconds=2.0, frame=None), None, None)


def test_existing_file_with_a_fragment_in_its_name_is_that_file(tmp_path: Path) -> None:
    odd = tmp_path / "walk#t=1.mp4"
    odd.touch()
    assert parse_clip(odd) == Clip(odd)


@pytest.mark.parametrize("fragment", ["t=1&speed=2", "t=1&t=2"])
def test_unknown_or_repeated_fragment_is_refused(fragment: str) -> None:
    with pytest.raises(InputError, match=r"walk\.mp4#.*expected #t=START,END"):
        parse_clip(f"walk.mp4#{fragment}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["assess"], "name one VIDEO with --exercise"),
        (["assess", "a.mp4"], "--exercise touch-toes, walk or jump"),
        (["assess", "a.mp4", "--walk", "b.mp4"], "name one VIDEO with --exercise"),
        (["assess", "--walk", "b.mp4", "--start", "1"], "walk.mp4#t=1.6,6.0&xywh=0,470,1560,524"),
        (["assess", "--walk", "b.mp4", "--height", "1.75"], "in centimetres, 100 to 230, got 1.75"),
        (["assess", "--walk", "b.mp4", "--height", "nan"], "in centimetres, 100 to 230, got nan"),
        (["assess", "camera:0", "--exercise", "walk", "--crop", "0,0,9,9"], "--start and --crop go with a file"),
    ],
)
def test_wrong_words_exit_with_2_and_say_what_to_write(words: list[str], expected: str, tmp_path: Path) -> None:
    result = run_backsight(*words, cwd=tmp_path)
    assert result.returncode == 2
    assert expected in " ".join(result.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []
