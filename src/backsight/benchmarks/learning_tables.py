"""What the learning benchmarks share: which learners, where folds are kept, rows and figures. Knows no data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backsight.benchmarks.figures import Figure
from backsight.domain.assessment import CANNOT_TELL_SHARE, cannot_tell
from backsight.domain.study import ScoreScale, Study
from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.evaluation.baselines import BASELINES
from backsight.evaluation.learner import Learner
from backsight.evaluation.metrics import (
    Estimate,
    agreement_icc,
    area_under_roc,
    balanced_accuracy,
    calibration_line,
    coverage,
    estimate,
    mean_absolute_error,
    mean_error,
    pearson,
    root_mean_square_error,
    spearman,
)
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import OnProgress, Protocol, Spread, cross_validate, in_turn
from backsight.evaluation.store import FoldStore
from backsight.exports.folder import check_folder
from backsight.training.code_version import code_version

BEST = "best"
"""The learner that bars are for. What it is was fixed in the code, by validation inside training people."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Judging:
    """A study, and how learners are judged on it."""

    study: Study
    store: FoldStore
    on_progress: OnProgress | None = None
    n_draws: int = 1000
    """Of the bootstrap."""
    spread: Spread = in_turn
    """Where folds are judged."""

    def run(self, learner: Learner, protocol: Protocol) -> Predictions:
        """Cross-validate one learner, or take what an earlier run has kept."""
        return cross_validate(
            self.study,
            learner,
            protocol=protocol,
            store=self.store,
            on_progress=self.on_progress,
            spread=self.spread,
        )


def pick_learners(names: Sequence[str]) -> tuple[Learner, ...]:
    """Return the baselines, and the learners of these names, or all there are when none is named.

    Raises
    ------
    InputError
        When no learner has such a name.
    """
    from backsight.training.learners import learner_names, make_learner

    baselines = {learner.name: learner for learner in BASELINES}
    known = learner_names()
    unknown = [name for name in names if name not in known and name not in baselines]
    if unknown:
        raise InputError(f"--learner: expected one of {', '.join([*baselines, *known])}, got {', '.join(unknown)}")
    wanted = [name for name in dict.fromkeys(names or known) if name not in baselines]
    return (*BASELINES, *(make_learner(name) for name in wanted))


def fold_store(work: Path | None) -> FoldStore:
    """Return where finished folds are kept; None = the user's cache folder.

    Raises
    ------
    OutputError
        When files cannot be kept there.
    """
    from platformdirs import user_cache_path

    folder = user_cache_path("backsight") / "folds" if work is None else work
    check_folder(folder)
    return FoldStore(folder=folder, code_version=code_version())


def subject_of_bars(learners: Sequence[Learner]) -> Learner:
    """Return the learner named `best`, else the last one."""
    return next((learner for learner in learners if learner.name == BEST), learners[-1])


def of(figure: Callable[..., float], predictions: Predictions, *columns: FloatArray, n_draws: int) -> Estimate:
    """Return a figure's mean over seeds with its interval over people; of prediction and score when not told others."""
    return estimate(
        figure,
        *(columns or (predictions.predicted, predictions.score)),
        subject=predictions.subject,
        seed=predictions.seed,
        n_draws=n_draws,
    )


def regression_row(predictions: Predictions, *, n_draws: int) -> Row:
    """Return everything that is told of a learner on a score with many levels."""
    people = predictions.by_person()
    per_seed = [
        mean_absolute_error(predictions.predicted[chosen], predictions.score[chosen])
        for chosen in (predictions.seed == seed for seed in np.unique(predictions.seed))
    ]
    return {
        **_size(predictions),
        "mad": interval_of(of(mean_absolute_error, predictions, n_draws=n_draws)),
        "rho": interval_of(of(spearman, predictions, n_draws=n_draws)),
        "rho_within_folds": number(within_folds(spearman, predictions)),
        "mad_of_seeds": [number(value) for value in per_seed],
        "rmse": _mean(root_mean_square_error, predictions),
        "pearson": _mean(pearson, predictions),
        "icc": _mean(agreement_icc, predictions),
        "calibration_slope": _mean(lambda said, true: calibration_line(said, true)[0], predictions),
        "calibration_intercept": _mean(lambda said, true: calibration_line(said, true)[1], predictions),
        "person_mad": _mean(mean_absolute_error, people),
        "person_rho": _mean(spearman, people),
        "seconds": round(predictions.seconds, 1),
    }


def within_folds(figure: Callable[..., float], predictions: Predictions, *columns: FloatArray) -> float:
    """Return the mean of a figure over the folds of all seeds; of prediction and score when not told others.

    NaN where it has a value in no fold.

    What is pooled over folds ranks the folds' people among each other, too: a fold of people with high scores leaves
    low ones to learn from, so that a learner which gives everybody the training mean ranks the folds the wrong way
    round, and its pooled correlation is below 0.
    """
    folds = np.stack([predictions.seed, predictions.fold], axis=1)
    values = [
        figure(*(column[rows] for column in columns or (predictions.predicted, predictions.score)))
        for rows in ((folds == place).all(axis=1) for place in np.unique(folds, axis=0))
    ]
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def binary_row(predictions: Predictions, scale: ScoreScale, *, n_draws: int) -> Row:
    """Return everything that is told of a learner on a score that is best or worst."""
    true = _is_best(predictions.score, scale)
    return {
        **_size(predictions),
        "balanced_accuracy": interval_of(balanced(predictions, scale, n_draws=n_draws)),
        "auc": interval_of(of(_ranked_right, predictions, predictions.predicted, true, n_draws=n_draws)),
        "seconds": round(predictions.seconds, 1),
    }


def balanced(predictions: Predictions, scale: ScoreScale, *, n_draws: int) -> Estimate:
    """Return the balanced accuracy of calling a clip best where its prediction is nearer to that end."""
    said, true = _is_best(predictions.predicted, scale), _is_best(predictions.score, scale)
    return of(_told_right, predictions, said, true, n_draws=n_draws)


def part_rows(predictions: Predictions, column: str, row_of: Callable[[Predictions], Row]) -> list[Row]:
    """Return a row for each exercise, group or view: where a learner misses."""
    names = getattr(predictions, column)
    return [
        {"kind": column, column: str(name), **row_of(predictions.where(names == name))}
        for name in np.unique(names)
        if name
    ]


def residual_row(predictions: Predictions) -> Row:
    """Return how far off and to which side a learner is on some of the clips."""
    row = {
        **_size(predictions),
        "mad": _mean(mean_absolute_error, predictions),
        "bias": _mean(mean_error, predictions),
        "rho": _mean(spearman, predictions),
        "mean_score": number(float(np.mean(predictions.score))),
    }
    return row | ({"coverage": number(_covered(predictions, n_draws=0).value)} if predictions.has_intervals else {})


def interval_row(predictions: Predictions, scale: ScoreScale, *, n_draws: int) -> Row:
    """Return how often intervals hold the score, how wide they are, and what a verdict at the middle would do."""
    middle = scale.to_score(0.5)
    withheld = cannot_tell(predictions.low, predictions.high, threshold=middle)
    right = (predictions.predicted > middle) == (predictions.score > middle)
    return {
        "kind": "intervals",
        **_size(predictions),
        "coverage": interval_of(_covered(predictions, n_draws=n_draws)),
        "width": number(float(np.mean(predictions.high - predictions.low))),
        "withheld": number(float(withheld.mean())),
        "withheld_above": CANNOT_TELL_SHARE,
        "right_where_told": number(float(right[~withheld].mean()) if not withheld.all() else float("nan")),
        "right_if_all_told": number(float(right.mean())),
    }


def _covered(predictions: Predictions, *, n_draws: int) -> Estimate:
    return of(coverage, predictions, predictions.low, predictions.high, predictions.score, n_draws=n_draws)


def coverage_figures(row: Row, *, level: float, slack: float | None) -> tuple[Figure, ...]:
    """Return the share of intervals that hold the score, and how far it is from the level.

    Parameters
    ----------
    row
        From `interval_row`.
    slack
        The bar for that distance; None = no bar.
    """
    off = abs(row["coverage"]["value"] - level)
    return (
        figure_of("intervals", row, "coverage", unit="share", better="higher"),
        Figure(f"intervals/coverage_off_{100 * level:g}_percent", off, "share", row["clips"], bar=slack),
    )


def figure_of(name: str, found: Mapping[str, Any], key: str, **about: Any) -> Figure:
    """Return the figure of a row's estimate."""
    told = found[key]
    value, low, high = (float("nan") if told[end] is None else told[end] for end in ("value", "low", "high"))
    return Figure(f"{name}/{key}", value, n=found["clips"], interval=(low, high), **about)


def number(value: float) -> float | None:
    """Return a value to four figures; None for NaN, which JSON does not know."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def interval_of(found: Estimate) -> Row:
    """Return an estimate as JSON."""
    return {"value": number(found.value), "low": number(found.low), "high": number(found.high)}


def _mean(figure: Callable[..., float], predictions: Predictions) -> float | None:
    return number(of(figure, predictions, n_draws=0).value)


def _size(predictions: Predictions) -> Row:
    return {"clips": len(np.unique(predictions.clip)), "people": len(np.unique(predictions.subject))}


def _is_best(scores: FloatArray, scale: ScoreScale) -> FloatArray:
    """Return 1 where a score is nearer to the best one, else 0."""
    return np.asarray(np.abs(scores - scale.best) < np.abs(scores - scale.worst), dtype=np.float64)


def _told_right(said: FloatArray, true: FloatArray) -> float:
    return balanced_accuracy(said > 0.0, true > 0.0)


def _ranked_right(said: FloatArray, true: FloatArray) -> float:
    return area_under_roc(said, true > 0.0)


def learner_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the learners side by side, as a table in Markdown; in brackets the interval over people."""
    keys = [key for key in ("mad", "rho", "balanced_accuracy", "auc") if key in rows[0]]
    plain = [
        key for key in ("rho_within_folds", "person_mad", "person_rho", "icc", "calibration_slope") if key in rows[0]
    ]
    leaky = {row["learner"]: row[keys[0]]["value"] for row in rows if row["kind"] == "leaky"}
    lines = [
        f"| learner | {' | '.join([*keys, *plain])} | {keys[0]} if people leaked | seconds |",
        f"|{'---|' * (len(keys) + len(plain) + 3)}",
    ]
    for row in rows:
        if row["kind"] == "learner":
            cells = [_with_interval(row[key]) for key in keys] + [_cell(row[key]) for key in plain]
            lines.append(
                f"| {row['learner']} | {' | '.join(cells)} | {_cell(leaky.get(row['learner']))} | {row['seconds']:g} |"
            )
    return tuple(lines)


def _with_interval(found: Mapping[str, float | None]) -> str:
    ends = "" if found["low"] is None else f" ({_cell(found['low'])} to {_cell(found['high'])})"
    return f"{_cell(found['value'])}{ends}"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
