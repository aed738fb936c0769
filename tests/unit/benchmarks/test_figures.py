"""Figures: when a bar counts as cleared, how they are written and printed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

import pytest

from backsight.benchmarks.figures import BenchmarkResult, Figure, check_writable, print_table, write_figures
from backsight.errors import OutputError


@pytest.mark.parametrize(
    ("value", "bar", "better", "met"),
    [
        (1.10, 1.10, "lower", True),
        (1.11, 1.10, "lower", False),
        (0.90, 0.90, "higher", True),
        (0.89, 0.90, "higher", False),
        (5.0, None, "lower", None),
        (float("nan"), 1.0, "lower", False),
        (float("nan"), 1.0, "higher", False),
    ],
)
def test_bar(value: float, bar: float | None, better: Literal["lower", "higher"], met: bool | None) -> None:
    assert Figure("figure", value, "ratio", 5, bar=bar, better=better).met is met


def _result() -> BenchmarkResult:
    return BenchmarkResult(
        name="road",
        figures=(
            Figure("wall", 1.25, "ratio", 5, bar=1.1),
            Figure("accuracy", 0.95, "share", 3, bar=0.9, better="higher", interval=(0.81234, 1.0)),
            Figure("frames", 134, "frames", 1),
        ),
        seeds=(1,),
        notes=("Peak memory is left out.",),
        command="backsight benchmark road",
    )


def test_json_layout(tmp_path: Path) -> None:
    write_figures(tmp_path / "figures.json", _result())
    written = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    machine = written.pop("machine")
    assert "Python 3." in machine
    assert f"{os.cpu_count()} cores" in machine
    assert written == {
        "name": "road",
        "command": "backsight benchmark road",
        "seeds": [1],
        "notes": ["Peak memory is left out."],
        "figures": [
            {"name": "wall", "value": 1.25, "unit": "ratio", "n": 5, "bar": 1.1, "better": "lower", "met": False},
            {"name": "accuracy", "value": 0.95, "unit": "share", "n": 3, "bar": 0.9, "better": "higher", "met": True}
            | {"interval": [0.812, 1.0]},
            {"name": "frames", "value": 134, "unit": "frames", "n": 1, "bar": None, "better": "lower", "met": None},
        ],
    }


def test_table_says_what_is_missed_and_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(_result())
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["wall", "1.25", "ratio", "5", "<=", "1.1", "NO"] in lines
    assert ["accuracy", "0.95", "share", "3", ">=", "0.9", "yes"] in lines
    assert ["frames", "134", "frames", "1"] in lines
    assert ["Peak", "memory", "is", "left", "out."] in lines


def test_place_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}")
    check_writable(tmp_path / "old.json")
    check_writable(tmp_path / "new.json")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.json", "{}")]


def test_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    for write in (check_writable, lambda path: write_figures(path, _result())):
        with pytest.raises(OutputError, match=r"gone.figures\.json: the folder that should hold it does not exist"):
            write(tmp_path / "gone" / "figures.json")
        with pytest.raises(OutputError, match="that is a folder; name a file"):
            write(tmp_path)
