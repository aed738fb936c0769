"""`backsight benchmark uiprmd`: correct against incorrect movements of a person that a learner has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.learning_tables import (
    BEST,
    Judging,
    Row,
    balanced,
    binary_row,
    figure_of,
    fold_store,
    interval_of,
    part_rows,
    pick_learners,
    subject_of_bars,
)
from backsight.domain.study import Study
from backsight.evaluation.folds import Split
from backsight.evaluation.learner import Learner
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import OnProgress, Protocol
from backsight.evaluation.store import FoldStore

ACCURACY_BAR = 0.90


def run_uiprmd(
    data: Path,
    *,
    learners: Sequence[str] = (),
    n_folds: int = 5,
    n_seeds: int = 3,
    work: Path | None = None,
    on_progress: OnProgress | None = None,
) -> BenchmarkResult:
    """Read UI-PRMD and judge learners on it, one person held out at a time.

    Parameters
    ----------
    data
        Folder of `uiprmd_kinect_*.npz`.
    learners
        Names; all there are when empty. Baselines stand beside them in any case.
    n_folds
        Of the split that leaks; the honest one leaves each person out in turn.
    work
        Folder of finished folds, so that an interrupted run goes on; None = the user's cache folder.
    """
    from backsight.datasets.uiprmd import read_uiprmd

    chosen = pick_learners(learners)
    store = fold_store(work)
    return judge_correctness(
        read_uiprmd(data),
        chosen,
        protocol=Protocol(n_folds=n_folds, n_seeds=n_seeds, split=Split.ONE_OUT),
        store=store,
        on_progress=on_progress,
    )


def judge_correctness(
    study: Study,
    learners: Sequence[Learner],
    *,
    protocol: Protocol,
    store: FoldStore,
    on_progress: OnProgress | None = None,
    n_draws: int = 1000,
) -> BenchmarkResult:
    """Judge learners on a study whose scores are best or worst; the last, or the one named `best`, in more detail."""
    judging = Judging(study, store, on_progress, n_draws)
    main = subject_of_bars(learners)
    rows: list[Row] = []
    for learner in learners:
        honest = judging.run(learner, protocol)
        told = {"learner": learner.name, **_row(judging, honest)}
        leaky = judging.run(learner, replace(protocol, split=Split.CLIPS, n_seeds=1))
        claimed = interval_of(balanced(leaky, study.scale, n_draws=n_draws))
        rows += [
            {"kind": "learner", **told},
            {"kind": "leaky", "learner": learner.name, "balanced_accuracy": claimed, "clips": told["clips"]},
            *(_details(judging, learner, honest, protocol) if learner is main else []),
        ]
    n_people = len({clip.subject for clip in study.scored()})
    return BenchmarkResult(
        name=study.name,
        figures=tuple(figure for row in rows for figure in _figures(row)),
        seeds=protocol.seeds,
        rows=tuple(rows),
        notes=(
            f"{len(study.scored())} repetitions of {n_people} people; {study.source}",
            "Each person held out in turn; figures are means over the seeds, pooled over movements, intervals 95 % by "
            "bootstrap over people. one-clip-shown: a held-out person's repetitions are shown one at a time, so that "
            "their being right and wrong in equal parts tells nothing. leaky-split: repetitions of one person on both "
            "sides, first seed; never a result.",
        ),
    )


def _row(judging: Judging, predictions: Predictions) -> Row:
    return binary_row(predictions, judging.study.scale, n_draws=judging.n_draws)


def _details(judging: Judging, learner: Learner, honest: Predictions, protocol: Protocol) -> list[Row]:
    """Return a learner's rows by movement and group, and what it says of clips that are shown one at a time."""
    parts = [
        found
        for column in ("exercise", "group")
        for found in part_rows(honest, column, lambda some: _row(judging, some))
    ]
    alone = {"kind": "alone", **_row(judging, judging.run(learner, replace(protocol, alone=True)))}
    return [{**found, "learner": learner.name} for found in (*parts, alone)]


def _figures(row: Row) -> tuple[Figure, ...]:
    """Return the figures of a row; those by movement and group have none."""
    learner = row["learner"]
    names = {"learner": learner, "leaky": f"leaky-split/{learner}", "alone": f"{learner}/one-clip-shown"}
    if row["kind"] not in names:
        return ()
    name = names[row["kind"]]
    bar = ACCURACY_BAR if row["kind"] == "learner" and learner == BEST else None
    right = figure_of(name, row, "balanced_accuracy", unit="share", bar=bar, better="higher")
    area = (figure_of(name, row, "auc", unit="area", better="higher"),) if row["kind"] == "learner" else ()
    return (right, *area)
