"""`backsight models list` names what gives an index, what it was trained on, and which file of one's own is none."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.composition import index_predictor, model_path

RUN = CliRunner()


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("BACKSIGHT_MODELS_DIR", str(tmp_path / "weights"))


def test_models_that_ship_are_listed_with_their_people_and_the_default_marked() -> None:
    lines = RUN.invoke(app, ["models", "list"]).output.splitlines()
    kinematic, paper = (next(line for line in lines if line.startswith(name)) for name in ("kinematic", "lstm-paper"))
    assert kinematic.startswith("kinematic (default): version ")
    assert index_predictor("kinematic").card.training_data in kinematic
    assert index_predictor("lstm-paper").card.training_data in paper
    assert "default" not in paper


def test_ones_own_files_are_listed_and_a_damaged_one_says_why(tmp_path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(model_path("kinematic"), own / "mine.backsight")
    (own / "broken.backsight").write_bytes(b"PK no archive")
    (own / "notes.txt").write_text("not a model")

    done = RUN.invoke(app, ["models", "list", "--folder", str(own)])

    assert done.exit_code == 0
    told = done.output.split(f"your own in {own}:\n")[1].splitlines()
    assert len(told) == 2
    assert told[0].startswith(
        f"{own / 'broken.backsight'}: cannot be used: broken.backsight: not a Backsight checkpoint"
    )
    assert told[1].startswith(f"{own / 'mine.backsight'}: version ")


def test_a_folder_that_is_none_is_refused(tmp_path) -> None:
    done = RUN.invoke(app, ["models", "list", "--folder", str(tmp_path / "nowhere")])
    assert done.exit_code != 0
