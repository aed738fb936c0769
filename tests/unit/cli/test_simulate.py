"""The words of `backsight simulate`: what cannot be is said in one line, before anything is drawn."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["volunteer"], "Missing option '--out'"),
        (["volunteer", "--view", "behind"], "--view is front, oblique, side or degrees from -180 to 180, got behind"),
        (["volunteer", "--view", "181"], "got 181"),
        (["volunteer", "--view", "nan"], "got nan"),
        (["volunteer", "--distance", "0.5"], "--distance is in metres, 1.5 to 10, got 0.5"),
        (["volunteer", "--distance", "nan"], "--distance is in metres, 1.5 to 10, got nan"),
        (["volunteer", "--fps", "1000"], "--fps is frames a second, 5 to 120, got 1000"),
        (["volunteer", "--size", "1280"], "--size is WIDTHxHEIGHT, two even numbers of pixels from 64 to 3840"),
        (["volunteer", "--size", "1281x720"], "got 1281x720"),
        (["volunteer", "--number", "-1"], "Invalid value for '--number'"),
        (["volunteer", "--exercise", "squat"], "expected touch-toes, walk, jump, got `squat`"),
        (["cohort"], "Missing argument 'N'"),
        (["cohort", "0"], "Invalid value for 'N'"),
        (["cohort", "3", "--pose-model", "lite"], "--pose-model goes with --landmarks-only"),
        (["contact-sheet", "--count", "0"], "Invalid value for '--count'"),
    ],
)
def test_wrong_words_exit_with_2_and_say_what_to_write(words: list[str], expected: str, tmp_path: Path) -> None:
    out = [] if words in (["volunteer"],) else ["--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["simulate", *words, *out])
    assert result.exit_code == 2
    assert expected in " ".join(result.output.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def run_without_pyvista(*words: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; sys.modules['pyvista'] = None; from backsight.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", program, "simulate", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", [["volunteer"], ["cohort", "2"], ["contact-sheet"]], ids=" ".join)
def test_without_the_extra_one_line_says_how_to_get_it(words: list[str], tmp_path: Path) -> None:
    result = run_without_pyvista(*words, "--out", str(tmp_path / "out"))
    assert result.returncode == 1
    assert "pip install 'backsight[simulate]'" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
