from pathlib import Path

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app

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


@pytest.mark.parametrize("name", ["road", "measures", "agreement"])
def test_every_benchmark_is_named_in_the_help(name: str) -> None:
    assert name in RUN.invoke(app, ["benchmark", "--help"]).output
