"""The words of `backsight assess` become clips, or one line that says what was expected."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backsight.cli.assess import _print_table
from backsight.cli.main import app
from backsight.domain.assessment import IndexVerdict
from backsight.domain.recording import Exercise
from backsight.errors import InputError
from backsight.inputs import Clip, parse_clip, parse_exercise
from backsight.video.reader import Crop, Position
from tests.assessments import make_assessment, make_exercise


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
    ("text", "exercise"),
    [
        ("walk", Exercise.WALK),
        ("Walk", Exercise.WALK),
        ("touch toes", Exercise.TOUCH_TOES),
        (" TOUCH_TOES ", Exercise.TOUCH_TOES),
        ("Jump as high as you can", Exercise.JUMP),
    ],
)
def test_an_exercise_may_be_spelt_as_people_do(text: str, exercise: Exercise) -> None:
    assert parse_exercise(text) is exercise


@pytest.mark.parametrize("text", ["", "walking", "squat", "touchtoes"])
def test_another_exercise_is_refused_with_the_three_that_are_known(text: str) -> None:
    with pytest.raises(InputError, match=f"expected touch-toes, walk, jump, got `{text}`"):
        parse_exercise(text)


@pytest.mark.parametrize("address", ["s3://study/walk.mp4", "https://me:secret@host/walk.mp4?sig=secret", "HTTP://h/a"])
def test_an_address_is_no_file_and_its_secrets_are_kept(address: str) -> None:
    with pytest.raises(InputError, match=r"got an address.*backsight extract") as refused:
        parse_clip(address)
    assert "secret" not in str(refused.value)


def test_the_list_of_commands_cuts_no_summary_short() -> None:
    for words in ([], ["models"], ["simulate"]):
        text = CliRunner().invoke(app, [*words, "--help"], terminal_width=80).output
        assert "Commands:" in text
        assert "..." not in text.partition("Commands:")[2]


def test_the_table_names_model_and_engine_and_leaves_no_verdict_empty(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parts = [make_exercise(Exercise.WALK), make_exercise(Exercise.JUMP, index=None)]
    session = replace(make_assessment(parts), pose_model="lite", pose_engine="openvino")
    _print_table(session, tmp_path)
    printed = capsys.readouterr().out

    assert "Landmarks: BlazePose lite on OpenVINO" in printed
    assert f"Model: {session.model.name} {session.model.version}. " in printed
    words = (*IndexVerdict, "within usual", "below usual", "above usual", "–")
    lines = [line.rstrip() for line in printed.partition("“±”")[0].splitlines()]
    # A row begins two blanks in with a letter and has a value; the lines that its words are wrapped onto have none.
    rows = [line for line in lines if re.match(r"  \w.* {2,}(?:−?\d|not measured)", line)]
    assert len(rows) >= len(session.exercises[0].measurements)
    assert all(row.endswith(words) for row in rows), rows


def test_why_a_recording_is_unusable_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    session = make_assessment([make_exercise(Exercise.WALK, index=None)])
    _print_table(session, tmp_path)
    printed = " ".join(capsys.readouterr().out.split())

    (worst, *_) = session.exercises[0].quality.problems
    assert printed.count(worst.finding) == 1
    assert "No spinal health index" in printed


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
