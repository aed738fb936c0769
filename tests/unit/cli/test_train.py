"""`backsight train` keeps an earlier model unless it is told to replace it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.errors import OutputError

RUN = CliRunner()


@pytest.mark.parametrize("what", [["nowhere.csv"], ["--virtual", "60"]], ids=["study", "virtual"])
def test_an_earlier_file_is_kept_and_nothing_is_learnt(tmp_path, what: list[str]) -> None:
    earlier = tmp_path / "model.backsight"
    earlier.write_bytes(b"weeks of work")
    done = RUN.invoke(app, ["train", *what, "--out", str(earlier)])
    assert isinstance(done.exception, OutputError)
    assert str(done.exception) == (
        f"cannot write {earlier}: it exists already; choose another file or pass --overwrite"
    )
    assert earlier.read_bytes() == b"weeks of work"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "m.backsight", "--folds", "5"], "--folds: only with a STUDY"),
        (["--out", "m.backsight", "--learner", "lstm", "--runs", "r"], "--learner, --runs: only with a STUDY"),
        (["mine.csv", "--threads", "1"], "--threads: only for virtual volunteers"),
        (["mine.csv", "--virtual", "400"], "--virtual: only for virtual volunteers"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(words: list[str], said: str) -> None:
    done = RUN.invoke(app, ["train", *words], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--runs", "r"], "--runs"),
        (["--folds", "5", "--leaky"], "--folds, --leaky"),
        (["--learner", "lstm", "--work", "w"], "--learner, --work"),
    ],
)
def test_what_a_fitted_file_does_not_need_is_refused(words: list[str], named: str) -> None:
    done = RUN.invoke(app, ["evaluate", "mine.csv", "--model", "m.backsight", *words], env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert "only without --model" in done.output
    assert all(name in done.output for name in named.split(", "))


def test_the_default_file_is_kept_too(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.backsight").write_bytes(b"weeks of work")
    done = RUN.invoke(app, ["train", "elsewhere/mine.csv"])
    assert "mine.backsight: it exists already" in str(done.exception)


def test_with_overwrite_the_study_is_what_counts(tmp_path) -> None:
    earlier = tmp_path / "model.backsight"
    earlier.write_bytes(b"weeks of work")
    done = RUN.invoke(app, ["train", str(tmp_path / "nowhere.csv"), "--out", str(earlier), "--overwrite"])
    assert "nowhere.csv" in str(done.exception)
    assert earlier.read_bytes() == b"weeks of work"
