"""A study's commands from end to end on people who bend: files, runs, resuming, strangers."""

import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.datasets.study import write_study
from backsight.studying.commands import NO_VERDICT_HERE
from backsight.studying.kept_runs import SEARCHED_WITH_OTHERS
from backsight.training import kinematic
from backsight.training.fitted_file import read_fitted
from backsight.training.fitted_predictor import card_of
from backsight.training.searched import LEANS
from tests.unit.studying.moving import moving_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    write_study(moving_study(), folder / "own")
    write_study(moving_study(name="others", first=12), folder / "others")
    return folder


@pytest.fixture(scope="module")
def trained(studies):
    result = call(studies, "train", "own", "--learner", "kinematic", "--out", str(studies / "m.backsight"))
    assert result.exit_code == 0, result.output
    return studies / "m.backsight", result.output


def call(folder, command, study, *words):
    kept = ["--work", str(folder / "work"), "--runs", str(folder / "runs")]
    if command == "evaluate" or command == "train":
        kept += ["--seeds", "1"]
    return CliRunner().invoke(app, [command, str(folder / study), *words, *kept])


def judge_file(folder, study, *words):
    return CliRunner().invoke(app, ["evaluate", str(folder / study), *words])


def test_train_judges_writes_and_says_what_figures_mean(trained):
    path, output = trained
    assert "own: 24 scored clips of 12 people; 5 folds by person, drawn 1 time" in output.replace("study:", "own:")
    # Who bends further is scored higher: a baseline can read that as well.
    assert "the baseline `path-and-speed`" in output
    assert "no diagnosis" in output
    # Far better than the median, as this study is made.
    assert NO_VERDICT_HERE not in output
    with zipfile.ZipFile(path) as archive:
        card = archive.read("MODEL_CARD.md").decode()
    assert "May be passed on: NO" in card
    assert "A new person's score lies within" in card


def test_a_model_is_judged_on_strangers_but_not_on_its_own_people(trained, studies):
    model = ["--model", str(trained[0])]
    strangers = judge_file(studies, "others", *model)
    assert strangers.exit_code == 0, strangers.output
    assert "on 24 scored clips of 12 other people" in strangers.output
    assert "In its own study, on people whom it had not seen, it was off by" in strangers.output
    assert "`median` " in strangers.output
    assert "90 % holds: -" not in strangers.output
    own = judge_file(studies, "own", *model)
    assert own.exit_code == 1
    assert "24 of 24 recordings are among those that the model has learnt from" in str(own.exception)


def test_a_second_run_takes_finished_folds_and_says_the_same(trained, studies, monkeypatch):
    def fail(*_args, **_kwargs):
        raise AssertionError("a finished fold was made anew")

    first = call(studies, "evaluate", "own", "--learner", "kinematic", "--json", str(studies / "a.json"))
    assert first.exit_code == 0, first.output
    monkeypatch.setattr(kinematic.KinematicLearner, "fit", fail)
    again = call(studies, "evaluate", "own", "--learner", "kinematic", "--json", str(studies / "b.json"))
    assert again.exit_code == 0, again.output
    rows = [json.loads((studies / name).read_text())["rows"] for name in ("a.json", "b.json")]
    assert rows[0] == rows[1]
    assert {row["kind"] for row in rows[0]} == {"learner", "person", "exercise", "group", "intervals"}


def test_runs_are_listed_and_compared(trained, studies):
    listed = CliRunner().invoke(app, ["runs", "--runs", str(studies / "runs")])
    name = next(line.split()[0] for line in listed.output.splitlines() if "-train-" in line)
    assert list((studies / "runs" / name / "kinematic").glob("events.out.tfevents.*"))
    compared = CliRunner().invoke(app, ["compare", name, "--runs", str(studies / "runs"), "--learner", "median",
                                        "--learner", "kinematic"])  # fmt: skip
    assert compared.exit_code == 0, compared.output
    assert "`kinematic` is better than `median`." in compared.output
    assert f"| MAD difference, {moving_study().scale.unit} |" in compared.output
    assert "in the study's unit" not in compared.output


def test_leaky_stands_beside_and_is_called_so(studies):
    result = call(studies, "evaluate", "own", "--learner", "kinematic", "--leaky")
    assert "MAD if people leaked" in result.output
    assert "never a result" in result.output


def test_a_search_resumes_and_counts_how_often_it_was_judged(studies):
    words = ("--learner", "kinematic", "--storage", str(studies / "t.sqlite"))
    first = call(studies, "tune", "own", *words, "--trials", "2")
    assert first.exit_code == 0, first.output
    assert "2 trials ended, 0 were given up early" in first.output
    again = call(studies, "tune", "own", *words, "--trials", "3")
    assert "3 trials ended, 0 were given up early" in again.output
    assert "have now judged 2 times" in again.output


def test_settings_of_a_search_are_judged_and_trained_with(studies):
    searched = call(studies, "tune", "own", "--learner", "kinematic", "--trials", "1")
    assert searched.exit_code == 0, searched.output
    run = Path(searched.output.split("run: ")[-1].strip())
    words = ("--learner", "kinematic", "--settings", str(run))
    judged = call(studies, "evaluate", "own", *words)
    assert judged.exit_code == 0, judged.output
    assert "| kinematic-tuned |" in judged.output
    assert "its figures lean to the good side" in judged.output
    assert judged.output.count(LEANS) == 1
    out = studies / "tuned.backsight"
    trained = call(studies, "train", "own", *words, "--out", str(out))
    assert trained.exit_code == 0, trained.output
    content = read_fitted(out)
    assert content.learner == "kinematic-tuned"
    # Whoever is passed the file, or a report of it, has not read the terminal.
    assert content.card.count(LEANS) == 1
    assert LEANS in card_of(content).headline
    verdict = content.figures["verdict"]
    assert verdict in content.card
    assert verdict.replace("`", "") in card_of(content).headline
    # The kernel's shares are those of the search, in place of the several that a fit chooses from.
    reach = json.loads((run / "run.json").read_text())["about"]["parameters"]["reach"]
    assert content.settings.count("KernelShares") == 1
    assert f"reach={reach!r}" in content.settings
    assert SEARCHED_WITH_OTHERS not in judged.output + trained.output
    kept = json.loads((run / "run.json").read_text())
    kept["about"]["settings"] = kept["about"]["settings"].replace("robust=True", "robust=False")
    (run / "run.json").write_text(json.dumps(kept))
    since = call(studies, "evaluate", "own", *words)
    assert SEARCHED_WITH_OTHERS in since.output
    other = call(studies, "evaluate", "own", "--learner", "lstm", "--settings", str(run))
    assert str(other.exception).endswith(
        "its settings are of kinematic, and go with `--learner kinematic`; got `--learner lstm`"
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [("train", ()), ("evaluate", ()), ("tune", ("--learner", "kinematic"))],
)
def test_a_file_in_place_of_the_runs_folder_is_told_before_the_study_is_read(tmp_path, command, words):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    kept = ["--work", str(tmp_path / "work"), "--runs", str(tmp_path / "file")]
    result = CliRunner().invoke(app, [command, str(tmp_path / "no study"), *words, *kept])
    assert result.exit_code == 1
    assert "a part of that path is a file" in str(result.exception)


@pytest.mark.parametrize(
    ("command", "words"),
    [("train", ()), ("evaluate", ()), ("tune", ("--learner", "kinematic"))],
)
def test_a_file_in_place_of_the_work_folder_is_told_before_the_study_is_read(tmp_path, command, words):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    kept = ["--work", str(tmp_path / "file"), "--runs", str(tmp_path / "runs")]
    result = CliRunner().invoke(app, [command, str(tmp_path / "no study"), *words, *kept])
    assert result.exit_code == 1
    assert "a part of that path is a file" in str(result.exception)


def test_no_storage_of_trials_is_told_before_the_study_is_read(tmp_path):
    words = ["--learner", "kinematic", "--storage", str(tmp_path / "mistyped" / "t.sqlite")]
    kept = ["--work", str(tmp_path / "work"), "--runs", str(tmp_path / "runs")]
    result = CliRunner().invoke(app, ["tune", str(tmp_path / "no study"), *words, *kept])
    assert result.exit_code == 1
    assert "the folder that should hold it does not exist" in str(result.exception)
    assert not (tmp_path / "mistyped").exists()


def test_what_has_nothing_to_search_is_told_before_the_study_is_read(tmp_path):
    kept = ["--work", str(tmp_path / "work"), "--runs", str(tmp_path / "runs")]
    result = CliRunner().invoke(app, ["tune", str(tmp_path / "no study"), "--learner", "networks", *kept])
    assert "expected one with a search space" in str(result.exception)


def test_nothing_that_is_kept_or_written_names_a_folder(tmp_path, monkeypatch):
    home = tmp_path / "anna-miller"
    home.mkdir()
    for name, first in (("own", 0), ("others", 12)):
        write_study(moving_study(name=name, first=first), home / name)
    kept = ["--work", str(home / "work"), "--runs", str(home / "runs")]
    tuned = ["tune", str(home / "own"), "--learner", "kinematic", "--trials", "1", "--folds", "2"]
    few = ["--seeds", "1", "--folds", "2"]
    told = home / "figures.json"

    def typed(*words):
        monkeypatch.setattr(sys, "argv", ["backsight", *words])
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        return result.output

    run = typed(*tuned, f"--storage={home / 't.sqlite'}", *kept).split("run: ")[-1].strip()
    own = str(home / "own")
    typed("evaluate", own, "--learner", "kinematic", "--settings", run, *few, "--json", str(told), *kept)
    assert json.loads(told.read_text())["command"] == (
        f"backsight evaluate own --learner kinematic --settings {Path(run).name} --seeds 1 --folds 2 "
        "--json figures.json --work work --runs runs"
    )
    typed("train", own, "--learner", "kinematic", *few, "--out", str(home / "m.backsight"), *kept)
    typed(
        "evaluate", str(home / "others"), "--model", str(home / "m.backsight"), "--json", str(home / "strangers.json")
    )
    evaluated, trained = (str(next((home / "runs").glob(f"*-{kind}-*"))) for kind in ("evaluate", "train"))
    typed("compare", evaluated, trained, "--json", str(home / "compared.json"), "--runs", str(home / "runs"))

    written = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(home / "others")]
    assert {"figures.json", "strangers.json", "compared.json", "t.sqlite", "m.backsight", "run.json"} <= {
        path.name for path in written
    }
    assert any(path.name.startswith("events.out") for path in written)
    assert [path.name for path in written if b"anna-miller" in path.read_bytes()] == []
    with zipfile.ZipFile(home / "m.backsight") as archive:
        assert [name for name in archive.namelist() if b"anna-miller" in archive.read(name)] == []


def test_a_search_that_runs_out_of_time_says_how_to_go_on(studies):
    words = ("--learner", "kinematic", "--storage", str(studies / "slow.sqlite"), "--trials", "900")
    first = call(studies, "tune", "own", *words, "--timeout", "1")
    assert first.exit_code == 0, first.output
    assert "of 900 trials are done. Nobody has judged yet: the same command goes on" in first.output
    assert "run:" not in first.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "--learner", "nope"), "--learner: expected one of"),
        (("train", "--learner", "median"), "median is a baseline"),
        (("evaluate", "--predictions", "x.txt"), "expected a name that ends in .parquet or .csv"),
        (("evaluate", "--folds", "13"), "expected 13 people or more with a score"),
        (("tune", "--learner", "networks"), "expected one with a search space"),
    ],
)
def test_mistakes_are_told_before_anything_is_learnt(studies, words, said):
    command, *others = words
    result = call(studies, command, "own", *others)
    assert result.exit_code == 1
    assert said in str(result.exception)


def test_a_model_that_is_no_better_than_the_median_is_said_to_give_no_verdict(tmp_path):
    bends = moving_study(8)
    # The same movement from everybody: nothing to tell people apart by.
    clips = tuple(replace(clip, pose=bends.clips[at % 2].pose) for at, clip in enumerate(bends.clips))
    write_study(replace(bends, clips=clips), tmp_path / "own")
    words = ("--learner", "kinematic", "--folds", "2", "--out", str(tmp_path / "m"))
    result = call(tmp_path, "train", "own", *words)
    assert result.exit_code == 0, result.output
    assert NO_VERDICT_HERE in result.output
    assert read_fitted(tmp_path / "m").figures["beats_median"] is False
