"""`backsight models list` names what gives an index, what it was trained on, and which file of one's own is none."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.network.checkpoint import load_checkpoint, save_checkpoint
from backsight.openers import index_predictor, model_path
from backsight.studying.teaching import make_fitted_file
from backsight.training.fitted_file import write_fitted
from backsight.training.fitted_predictor import NO_VERDICT
from backsight.training.kinematic import KinematicLearner
from tests.unit.studying.moving import moving_study

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


def test_a_model_that_is_not_to_be_used_is_listed_as_such(tmp_path) -> None:
    checkpoint = load_checkpoint(model_path("lstm-paper"))
    card = replace(checkpoint.card, no_verdict="It is no better than the median.")
    save_checkpoint(tmp_path / "bad.backsight", replace(checkpoint, card=card))
    study = moving_study()
    fitted = KinematicLearner().fit(study.scored(), scale=study.scale, seed=0)
    content = make_fitted_file(study, KinematicLearner(), fitted, judged=None, seed=0, command="", version="0")
    write_fitted(tmp_path / "own.backsight", replace(content, figures={"beats_median": False}))

    bad, own = RUN.invoke(app, ["models", "list", "--folder", str(tmp_path)]).output.splitlines()[-2:]

    assert bad.endswith("No verdict: It is no better than the median.")
    assert own.endswith(f"No verdict: {NO_VERDICT}")
