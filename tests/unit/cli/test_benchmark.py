import contextlib
import inspect
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from typer.testing import CliRunner

from backsight.cli.benchmark import OF_ALL, benchmark
from backsight.cli.benchmark_runs import ENTRIES, Benchmark
from backsight.cli.main import app
from backsight.errors import OutputError

RUN = CliRunner()


KEEPS = {
    Benchmark.ROAD: False,
    Benchmark.MEASURES: True,
    Benchmark.AGREEMENT: False,
    Benchmark.POSE: False,
    Benchmark.LIVE: False,
    Benchmark.BATCH: False,
    Benchmark.RENDERING: False,
    Benchmark.INDEX: True,
    Benchmark.KIMORE: True,
    Benchmark.UIPRMD: True,
    Benchmark.TABLES: True,
    Benchmark.RAW_IMAGE: True,
    Benchmark.SHIPPED: True,
    Benchmark.TRAINING: False,
    Benchmark.STUDY: False,
}
"""Whether an interrupted benchmark goes on where it was; a new one has to choose."""


@pytest.mark.parametrize("name", ENTRIES)
def test_ctrl_c_says_how_to_go_on_where_finished_work_is_kept(name, monkeypatch) -> None:
    def press_and_lose(_chosen, show):
        # As a library may; the next step of progress finds it.
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        show("folds", 1, 15)
        pytest.fail("went on")

    monkeypatch.setitem(ENTRIES, name, replace(ENTRIES[name], run=press_and_lose))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = RUN.invoke(app, ["benchmark", name, "--quiet"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.exit_code, done.stdout) == (130, "")
    how_to_go_on = ["What is finished is kept; run the same command again to go on."] if KEEPS[name] else []
    assert done.stderr.splitlines() == how_to_go_on


def test_agreement_needs_both_folders() -> None:
    done = RUN.invoke(app, ["benchmark", "agreement", "--data", "."])
    assert done.exit_code == 2
    assert "--videos" in done.output


def test_a_figure_file_that_cannot_be_written_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    done = RUN.invoke(
        app,
        ["benchmark", "agreement", "--data", "nowhere", "--videos", "nowhere", "--json", str(tmp_path / "no" / "a")],
    )
    assert done.exit_code != 0
    assert "nowhere" not in str(done.exception)


def test_a_plot_folder_that_cannot_be_made_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = RUN.invoke(
        app,
        ["benchmark", "agreement", "--data", "nowhere", "--videos", "nowhere", "--plots", str(tmp_path / "file" / "a")],
    )
    assert isinstance(done.exception, OutputError)


def test_without_matplotlib_plots_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    # A process of its own, in which the library is not to be found.
    command = "import sys; sys.modules['matplotlib'] = None; from backsight.cli.main import run; run()"
    words = ["benchmark", "agreement", "--data", "nowhere", "--videos", "nowhere", "--plots", str(tmp_path / "plots")]
    done = subprocess.run([sys.executable, "-c", command, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "backsight: plots need matplotlib: pip install 'backsight[simulate]'\n"
    assert not (tmp_path / "plots").exists()


@pytest.mark.parametrize("name", ["road", "measures", "agreement", "rendering"])
def test_every_benchmark_is_named_in_the_help(name: str) -> None:
    assert name in RUN.invoke(app, ["benchmark", "--help"]).output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["road", "--learner", "lstm", "--folds", "3"], "--learner, --folds: not used by `backsight benchmark road`"),
        (["road", "--seeds", "3"], "which takes --clip, --repeats"),
        (["training", "--data", "."], "`backsight benchmark training`, which takes no options of its own"),
        (["kimore", "walk.mp4"], "CLIPS: not used by `backsight benchmark kimore`"),
        # What the default is, too, somebody may have typed in the belief that it does something.
        (["batch", "--folds", "5"], "--folds: not used by `backsight benchmark batch`, which takes --repeats"),
        (["index", "--pose-model", "lite", "--pose-model", "full"], "--pose-model: expected once"),
        (["pose", "--frames", "10", "--frames", "20"], "--frames: expected once for this benchmark, got 2 times"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused_in_one_message(words: list[str], said: str) -> None:
    done = RUN.invoke(app, ["benchmark", *words], env={"COLUMNS": "400"})
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_every_option_is_used_by_the_benchmarks_that_its_help_names_and_by_no_other() -> None:
    assert set(ENTRIES) == set(Benchmark)
    hints = get_type_hints(benchmark, include_extras=True)
    for parameter in set(inspect.signature(benchmark).parameters) - OF_ALL:
        told = get_args(hints[parameter])[1].help
        named = {name for part in re.findall(r"(?:^|\. )([a-z, -]+):", told) for name in part.split(", ")}
        assert named == {str(name) for name, entry in ENTRIES.items() if parameter in entry.uses}, parameter


def test_no_benchmark_uses_an_option_that_there_is_not() -> None:
    known = set(inspect.signature(benchmark).parameters)
    assert {option for entry in ENTRIES.values() for option in entry.uses} <= known
