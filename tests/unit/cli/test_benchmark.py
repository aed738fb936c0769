import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.errors import OutputError

RUN = CliRunner()


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
