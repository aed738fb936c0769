"""Options of `backsight live` that contradict each other are refused before a camera is opened."""

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--video", "walk.mp4", "--camera", "0"], "not both"),
        (["--no-window", "--out", "here"], "nothing is saved"),
        (["--json"], "--no-window"),
    ],
)
def test_options_that_would_be_ignored_are_refused(words, says):
    done = CliRunner().invoke(app, ["live", *words])
    assert done.exit_code == 2
    assert says in done.output
