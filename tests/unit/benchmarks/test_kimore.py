"""The learning benchmarks on studies that are made up, and the commands on packs of the published layout."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from backsight.benchmarks.kimore import judge_scores
from backsight.benchmarks.learning_tables import fold_store, learner_lines, pick_learners, subject_of_bars
from backsight.cli.main import app
from backsight.errors import InputError, OutputError
from backsight.evaluation.baselines import Duration, Median
from backsight.evaluation.conformal import CrossConformal
from backsight.evaluation.protocol import Protocol
from backsight.evaluation.store import FoldStore
from tests.unit.evaluation.studies import make_study

DATA = Path(os.environ.get("BACKSIGHT_TEST_DATA", Path(__file__).parents[4] / "shared/data"))


class Knows:
    """Is off by a number of points to both sides in turn, whatever it learnt from; knows scores by the pose."""

    def __init__(self, study, *, off, name):
        self._said = {clip.pose: clip.score + off * (-1) ** place for place, clip in enumerate(study.clips)}
        self.name = name

    def fit(self, clips, *, scale, seed):
        return self

    def predict(self, clips):
        return np.array([self._said[clip.pose] for clip in clips])


@pytest.fixture
def store(tmp_path) -> FoldStore:
    return FoldStore(tmp_path / "work", "test")


def judge(study, learners, store, **options):
    return judge_scores(study, learners, protocol=Protocol(n_folds=3, n_seeds=2), store=store, n_draws=20, **options)


@pytest.mark.parametrize(("off", "met"), [(5.2, True), (5.4, False)])
def test_bars_are_for_best_alone(store, off: float, met: bool) -> None:
    study = make_study(n_people=24)
    result = judge(study, [Median(), Knows(study, off=off, name="best"), Knows(study, off=9.0, name="last")], store)

    figures = {figure.name: figure for figure in result.figures}
    assert figures["best/mad"].value == pytest.approx(off, rel=1e-3)
    assert figures["best/mad"].met is met
    assert figures["last/mad"].met is None
    assert {name for name, figure in figures.items() if figure.bar is not None} == {
        "best/mad",
        "best/rho",
        "intervals/coverage_off_90_percent",
    }
    # Errors of one size: an interval of that half-width holds all, where the scale does not cut it off.
    assert figures["intervals/coverage"].value > 0.94
    assert figures["intervals/coverage_off_90_percent"].met is False


def test_rows_tell_learners_parts_leakage_and_curve(store) -> None:
    study = make_study(n_people=24)
    result = judge(study, [Median(), Knows(study, off=2.0, name="best")], store, learning_curve=True)

    rows = json.loads(json.dumps(result.to_dict(), allow_nan=False))["rows"]
    kinds = {row["kind"] for row in rows}
    assert kinds == {"learner", "intervals", "exercise", "group", "fifth", "leaky", "curve"}
    best = next(row for row in rows if row["kind"] == "learner" and row["learner"] == "best")
    assert (best["clips"], best["people"]) == (48, 24)
    assert best["mad"]["value"] == pytest.approx(2.0)
    assert best["person_mad"] == pytest.approx(0.0, abs=1e-9)  # +2 and -2 in a person's two clips
    assert best["mad_of_seeds"] == [2.0, 2.0]
    leaky = {row["learner"]: row["mad"]["value"] for row in rows if row["kind"] == "leaky"}
    assert leaky["knows-people"] < leaky["median"]
    assert [row["training_people"] for row in rows if row["kind"] == "curve"] == [10, 15, 16] * 2
    # The median overrates the lowest fifth of 0 to 46 and underrates the highest; the one judged in detail does not.
    assert {row["learner"] for row in rows if row["kind"] == "fifth"} == {"best"}


def test_a_learners_own_intervals_are_the_ones_judged(store) -> None:
    class Sure(CrossConformal):
        name = "best"

    study = make_study(n_people=24)
    result = judge(study, [Median(), Sure(Duration(), n_folds=3, level=0.5)], store)
    held = next(figure for figure in result.figures if figure.name == "intervals/coverage")
    assert held.value < 0.75


def test_a_second_run_takes_all_folds_from_the_first(store) -> None:
    study = make_study(n_people=12)
    learner = Knows(study, off=1.0, name="knows")
    first = judge(study, [Median(), learner], store)
    learner.fit = None  # cannot be fitted any more
    second = judge(study, [Median(), learner], store)
    assert second.rows == first.rows
    # Eight people to learn from are too few for a 90 % interval; all else is told.
    assert not [row for row in second.rows if row["kind"] == "intervals"]
    assert [row for row in second.rows if row["kind"] == "exercise"]


def test_learners_stand_side_by_side_in_the_table(store) -> None:
    study = make_study(n_people=24)
    lines = learner_lines(judge(study, [Median(), Knows(study, off=2.0, name="knows")], store).rows)
    assert lines[0].startswith("| learner | mad | rho | rho_within_folds | person_mad |")
    assert lines[3].startswith("| knows | 2 (2 to 2) |")
    assert len({line.count("|") for line in lines}) == 1


def test_baselines_stand_beside_whatever_is_named(monkeypatch) -> None:
    names = [learner.name for learner in pick_learners(["duration"])]
    assert names == ["median", "duration", "path-and-speed"]
    assert subject_of_bars(pick_learners(["duration"])).name == "path-and-speed"
    with pytest.raises(InputError, match=r"--learner: expected one of median, .*, got oracle"):
        pick_learners(["oracle"])


def test_folds_are_kept_apart_by_code(tmp_path) -> None:
    store = fold_store(tmp_path)
    assert len(store.code_version) == 16
    assert store.folder == tmp_path


def test_a_file_in_place_of_the_folder_is_told_at_once(tmp_path) -> None:
    (tmp_path / "work").write_text("in the way", encoding="utf-8")
    for work in (tmp_path / "work", tmp_path / "work" / "folds"):
        with pytest.raises(OutputError, match="a part of that path is a file; choose another path"):
            fold_store(work)
    assert fold_store(tmp_path / "new" / "folds").folder == tmp_path / "new" / "folds"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["kimore", "uiprmd"])
def test_the_folder_is_asked_for(name: str) -> None:
    done = CliRunner().invoke(app, ["benchmark", name])
    assert done.exit_code == 2
    assert "--data" in done.output


@pytest.mark.slow
def test_the_command_runs_on_a_pack_of_the_published_layout(tmp_path) -> None:
    data = DATA / "kimore"
    if not (data / "kimore_clips.csv").exists():
        pytest.skip(f"KIMORE is not in {data}")
    # One exercise is enough to show that files are found.
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/kimore_Es5.npz").symlink_to(data / "kimore_Es5.npz")
    lines = (data / "kimore_clips.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "pack/kimore_clips.csv").write_text(
        "\n".join([lines[0], *(line for line in lines if ",Es5," in line)]) + "\n", encoding="utf-8"
    )
    words = ["--data", str(tmp_path / "pack"), "--learner", "median", "--folds", "3", "--seeds", "1", "--quiet"]
    done = CliRunner().invoke(
        app, ["benchmark", "kimore", *words, "--work", str(tmp_path / "work"), "--json", str(tmp_path / "k.json")]
    )
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "k.json").read_text(encoding="utf-8"))
    assert written["seeds"] == [0]
    median = next(row for row in written["rows"] if row["learner"] == "median")
    assert 4.0 < median["mad"]["value"] < 12.0
