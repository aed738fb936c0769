"""The page on learners is made from what the benchmarks wrote, and says when there is nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.kimore import judge_scores
from backsight.benchmarks.raw_image import judge_both
from backsight.benchmarks.shipped import judge_candidates
from backsight.benchmarks.uiprmd import judge_correctness
from backsight.evaluation.baselines import Duration, Median
from backsight.evaluation.folds import Split
from backsight.evaluation.protocol import Protocol
from backsight.evaluation.store import FoldStore
from tests.unit.benchmarks.test_uiprmd import make_binary
from tests.unit.evaluation.studies import make_study


@pytest.fixture
def learning_page(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    import learning_page

    yield learning_page.learning_page
    for name in ("learning_page", "measures_page"):
        sys.modules.pop(name, None)


def test_without_runs_the_page_says_so(learning_page) -> None:
    assert "No run is published yet." in learning_page({}, made="")


def test_every_part_of_a_run_is_on_the_page(learning_page, tmp_path) -> None:
    store = FoldStore(tmp_path, "test")
    scores = judge_scores(
        make_study(n_people=24),
        [Median(), Duration()],
        protocol=Protocol(n_folds=3, n_seeds=1),
        store=store,
        learning_curve=True,
        n_draws=5,
    ).to_dict()
    right = judge_correctness(
        make_binary(),
        [Median()],
        protocol=Protocol(n_folds=4, n_seeds=1, split=Split.ONE_OUT),
        store=store,
        n_draws=5,
    ).to_dict()

    page = learning_page({"kimore": scores, "uiprmd": right}, made="")

    for said in ("| duration |", "### Where `duration` misses", "fifth of the score", "### Intervals", "fewer people"):
        assert said in page
    median = next(row for row in scores["rows"] if row["learner"] == "median")
    assert f"| median | {median['mad']['value']:.3g} (" in page
    assert "all, one clip shown at a time" in page
    assert "nan" not in page


def test_pictures_against_landmarks_are_told_with_their_times(learning_page, tmp_path) -> None:
    rows, figures = judge_both(
        make_study(n_people=12),
        [Median()],
        protocol=Protocol(n_folds=3, n_seeds=1),
        store=FoldStore(tmp_path, "test"),
        n_draws=5,
    )
    timed = Figure("time/lstm/forward_150_frames", 1.25, "ms", 9)
    result = BenchmarkResult("raw-image", (*figures, timed), seeds=(0,), rows=tuple(rows), notes=("A note.",))

    page = learning_page({"raw-image": result.to_dict()}, made="")

    assert f"| median | {rows[0]['mad']['value']:.3g} (" in page
    assert "| `time/lstm/forward_150_frames` | 1.25 | ms |" in page
    assert "`median/mad`" not in page
    assert "nan" not in page


def test_the_choice_of_what_ships_and_the_papers_tables_are_told(learning_page, tmp_path) -> None:
    study = make_study(n_people=24)
    shipped = judge_candidates(
        study,
        {clip.subject: study.scale.to_index(clip.score) for clip in study.clips},
        [Median(), Duration("measures"), Duration("lstm")],
        protocol=Protocol(n_folds=3, n_seeds=1),
        store=FoldStore(tmp_path, "test"),
        n_draws=5,
    ).to_dict()
    spread = {"value": 1.5, "low": 1.0, "high": 2.0}
    row = {"kind": "table-2", "variant": "lstm", "mad": spread, "rho": spread, "accuracy": spread}
    tables = BenchmarkResult("tables", (), seeds=(0,), rows=({**row, "ms_an_iteration": 12.3},), notes=("A note.",))

    page = learning_page({"shipped": shipped, "tables": tables.to_dict()}, made="")

    assert "## Which model ships" in page
    assert "| chosen |" in page
    assert "In how many folds each was chosen: `measures` 3." in page  # the first of equals
    assert "| table-2 | lstm | 1.5 (1 to 2) |" in page
    assert "nan" not in page


def test_a_run_is_said_to_be_made_by_the_command_that_was_typed(learning_page) -> None:
    figures = (Figure("training loop against a plain one", 1.1, "x", 7, bar=1.0, better="higher"),)
    run = BenchmarkResult("training", figures, seeds=(0,), notes=("A note.",), command="backsight benchmark training")
    page = learning_page({"training": run.to_dict()}, made="")
    assert "Made by `backsight benchmark training`, seeds 0, on" in page
    assert "| `training loop against a plain one` | 1.1 | x | 7 | >= 1 | yes |" in page
    # Runs of before commands were kept.
    earlier = {name: value for name, value in run.to_dict().items() if name != "command"}
    assert "`backsight benchmark training`, whose options this run has not kept" in learning_page(
        {"training": earlier}, made=""
    )


def test_names_that_look_alike_are_told_apart(learning_page) -> None:
    page = learning_page({}, made="")
    names = page.split("## Names that look alike")[1]
    for name in ("kinematic", "best", "lstm", "lstm-paper"):
        assert f"| `{name}` |" in names
    assert "designed in sight of results on these same 62 people of KIMORE" in names


def test_what_ships_is_claimed_no_better_than_the_intervals_let_it_be(learning_page, tmp_path) -> None:
    study = make_study(n_people=24)
    shipped = judge_candidates(
        study,
        {clip.subject: study.scale.to_index(clip.score) for clip in study.clips},
        [Median(), Duration("measures")],
        protocol=Protocol(n_folds=3, n_seeds=1),
        store=FoldStore(tmp_path, "test"),
        n_draws=20,
    ).to_dict()

    def sessions(low: float, high: float) -> dict:
        told = {"value": (low + high) / 2, "low": low, "high": high}
        row = {
            "kind": "session",
            "people": 60,
            **dict.fromkeys(("mean_error", "rank_correlation", "red_flag_auc"), told),
        }
        return {"rows": [row]}

    def page(**held_out: dict) -> str:
        told = {name.replace("_", "-"): found for name, found in held_out.items()}
        return learning_page({"shipped": shipped, **told}, made="")

    alike = page(index=sessions(0.1, 0.2), index_lstm_paper=sessions(0.15, 0.25))
    assert "their intervals overlap, and their errors were not compared person by person" in alike
    assert "distinguish" not in alike
    assert "`kinematic` is off by 0.15 (0.1 to 0.2)" in alike
    assert "their intervals overlap" not in page(index=sessions(0.1, 0.2), index_lstm_paper=sessions(0.3, 0.4))
    # Everybody moves alike in this study, so that duration tells nothing more than the median.
    assert "(-" in alike.split("Over giving everybody the median `measures` gains")[1]
    assert "chance explains that." in alike


def test_the_bias_of_a_pooled_rank_correlation_is_said_where_one_is_shown(learning_page, tmp_path) -> None:
    scores = judge_scores(
        make_study(n_people=24),
        [Median(), Duration()],
        protocol=Protocol(n_folds=3, n_seeds=1),
        store=FoldStore(tmp_path, "test"),
        n_draws=5,
    ).to_dict()
    page = learning_page({"kimore": scores}, made="")
    assert "A negative rho of `median` comes from this" in page
    assert "*rho_within_folds*, the mean over the folds" in page
    assert "| rho_within_folds |" in page
