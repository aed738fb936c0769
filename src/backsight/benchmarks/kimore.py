"""`backsight benchmark kimore`: learners' total scores of people they have not seen, beside the clinicians'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.learning_tables import (
    BEST,
    Judging,
    Row,
    coverage_figures,
    figure_of,
    fold_store,
    interval_row,
    part_rows,
    pick_learners,
    regression_row,
    residual_row,
    subject_of_bars,
)
from backsight.domain.study import Study
from backsight.evaluation.baselines import KnowsPeople
from backsight.evaluation.conformal import CrossConformal, fewest_people
from backsight.evaluation.folds import Split
from backsight.evaluation.learner import Learner
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import OnProgress, Protocol
from backsight.evaluation.store import FoldStore

MAD_BAR = 5.3
RHO_BAR = 0.76
LEVEL = 0.9
COVERAGE_SLACK = 0.04
"""90 % intervals are to hold between 86 and 94 % of held-out scores."""
CURVE_SIZES = (10, 15, 20, 30, 40, 60)
"""Training people of the learning curve, as far as a fold leaves so many."""


def run_kimore(
    data: Path,
    *,
    learners: Sequence[str] = (),
    n_folds: int = 5,
    n_seeds: int = 3,
    learning_curve: bool = False,
    work: Path | None = None,
    on_progress: OnProgress | None = None,
) -> BenchmarkResult:
    """Read KIMORE and judge learners on it.

    Parameters
    ----------
    data
        Folder of `kimore_*.npz` and `kimore_clips.csv`.
    learners
        Names; all there are when empty. Baselines stand beside them in any case.
    learning_curve
        Whether to fit the learner that bars are for, and the median, also on fewer people.
    work
        Folder of finished folds, so that an interrupted run goes on; None = the user's cache folder.
    """
    from backsight.datasets.kimore import read_kimore

    chosen = pick_learners(learners)
    store = fold_store(work)
    return judge_scores(
        read_kimore(data),
        chosen,
        protocol=Protocol(n_folds=n_folds, n_seeds=n_seeds),
        store=store,
        learning_curve=learning_curve,
        on_progress=on_progress,
    )


def judge_scores(
    study: Study,
    learners: Sequence[Learner],
    *,
    protocol: Protocol,
    store: FoldStore,
    learning_curve: bool = False,
    on_progress: OnProgress | None = None,
    n_draws: int = 1000,
) -> BenchmarkResult:
    """Judge learners on a study whose scores have many levels; the last, or the one named `best`, in more detail."""
    judging = Judging(study, store, on_progress, n_draws)
    main = subject_of_bars(learners)
    rows: list[Row] = []
    figures: list[Figure] = []
    for learner in learners:
        honest = judging.run(learner, protocol)
        row = {"kind": "learner", "learner": learner.name, **regression_row(honest, n_draws=n_draws)}
        rows.append(row)
        figures += _figures(row, unit=study.scale.unit)
        if learner is main:
            sure = _with_intervals(judging, learner, honest, protocol)
    details = [row for column in ("exercise", "group", "view") for row in part_rows(sure, column, residual_row)]
    details += _slices(sure)
    if sure.has_intervals:
        details.append(interval_row(sure, study.scale, n_draws=n_draws))
        slack = COVERAGE_SLACK if main.name == BEST else None
        figures += coverage_figures(details[-1], level=LEVEL, slack=slack)
    rows += [{**row, "learner": main.name} for row in details]
    leaky = _leaky_rows(judging, [KnowsPeople(), *learners], protocol)
    rows += leaky
    figures += [figure_of(f"leaky-split/{row['learner']}", row, "mad", unit=study.scale.unit) for row in leaky]
    if learning_curve:
        rows += _curve_rows(judging, [learners[0], main], protocol)
    n_people = len({clip.subject for clip in study.scored()})
    return BenchmarkResult(
        name=study.name,
        figures=tuple(figures),
        seeds=protocol.seeds,
        rows=tuple(rows),
        notes=(
            f"{len(study.scored())} scored clips of {n_people} people; {study.source}",
            f"Folds by person ({protocol.n_folds}), {protocol.n_seeds} draws; figures are means over the draws, pooled "
            "over exercises, intervals 95 % by bootstrap over people. leaky-split: clips of one person on both sides, "
            f"first draw; never a result. Intervals, residuals and learning curve are of `{main.name}`.",
        ),
    )


def _figures(row: Row, *, unit: str) -> list[Figure]:
    is_best = row["learner"] == BEST
    return [
        figure_of(row["learner"], row, "mad", unit=unit, bar=MAD_BAR if is_best else None),
        figure_of(row["learner"], row, "rho", unit="rho", bar=RHO_BAR if is_best else None, better="higher"),
    ]


def _with_intervals(judging: Judging, learner: Learner, honest: Predictions, protocol: Protocol) -> Predictions:
    """Return predictions with the learner's own intervals, or with conformal ones where enough people allow them."""
    if honest.has_intervals or _n_training(judging.study, protocol) < fewest_people(LEVEL):
        return honest
    return judging.run(CrossConformal(learner, level=LEVEL), protocol)


def _n_training(study: Study, protocol: Protocol) -> int:
    """Return how many people the largest fold leaves to learn from."""
    n_people = len({clip.subject for clip in study.scored()})
    return n_people - -(-n_people // protocol.n_folds)


def _leaky_rows(judging: Judging, learners: Sequence[Learner], protocol: Protocol) -> list[Row]:
    leaky = replace(protocol, split=Split.CLIPS, n_seeds=1)
    return [
        {
            "kind": "leaky",
            "learner": learner.name,
            **regression_row(judging.run(learner, leaky), n_draws=judging.n_draws),
        }
        for learner in learners
    ]


def _curve_rows(judging: Judging, learners: Sequence[Learner], protocol: Protocol) -> list[Row]:
    n_most = _n_training(judging.study, protocol)
    return [
        {
            "kind": "curve",
            "learner": learner.name,
            "training_people": size,
            **regression_row(
                judging.run(learner, replace(protocol, n_training_subjects=size)), n_draws=judging.n_draws
            ),
        }
        for learner in learners
        for size in (*(size for size in CURVE_SIZES if size < n_most), n_most)
    ]


def _slices(predictions: Predictions) -> list[Row]:
    """Return residuals by fifths of the score: whether low scores are overrated and high ones underrated."""
    edges = np.quantile(predictions.score, [0.2, 0.4, 0.6, 0.8])
    fifth = np.digitize(predictions.score, edges)
    return [
        {"kind": "fifth", "fifth": int(number) + 1, **residual_row(predictions.where(fifth == number))}
        for number in np.unique(fifth)
    ]
