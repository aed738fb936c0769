"""Judge learners on a study by people whom they have not seen, and say what the figures mean. Knows no file format."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backsight.benchmarks.learning_tables import (
    Judging,
    Row,
    binary_row,
    interval_of,
    interval_row,
    of,
    part_rows,
    pick_learners,
    regression_row,
    residual_row,
)
from backsight.domain.study import ScoreScale, Study
from backsight.errors import InputError
from backsight.evaluation.baselines import BASELINES, KnowsPeople
from backsight.evaluation.conformal import fewest_people, half_width_by_person
from backsight.evaluation.folds import Split
from backsight.evaluation.learner import Learner
from backsight.evaluation.metrics import mean_absolute_error, spearman
from backsight.evaluation.nested import within
from backsight.evaluation.predictions import Predictions, concatenate
from backsight.evaluation.protocol import OnProgress, Protocol, Spread, in_turn
from backsight.evaluation.store import FoldStore, fingerprint_study, settings_of
from backsight.studying.comparing import mad_difference

LEVEL = 0.9
RESEARCH = (
    "Research software: figures of how well scores are foretold, no diagnosis and no advice about anybody's health."
)


@dataclass(frozen=True, eq=False)
class Judged:
    """What the protocol found."""

    study: Study
    fingerprint: str
    protocol: Protocol
    predictions: Mapping[str, Predictions]
    """Of each learner and baseline, with intervals where there are people enough."""
    settings: Mapping[str, str]
    """Of each learner, as text."""
    rows: tuple[Row, ...]
    """Everything that is told, as JSON."""

    def row(self, learner: str) -> Row:
        """Return the row of a learner over all clips."""
        return next(row for row in self.rows if row["kind"] == "learner" and row["learner"] == learner)

    @property
    def learners(self) -> tuple[str, ...]:
        """What was judged beside the baselines."""
        baselines = {baseline.name for baseline in BASELINES}
        return tuple(name for name in self.predictions if name not in baselines)


def check_learnable(study: Study, *, n_folds: int) -> None:
    """Raise before anything is learnt when a study cannot be divided.

    Raises
    ------
    InputError
        When too few people have a score, or all scores are the same.
    """
    scored = study.scored()
    people = {clip.subject for clip in scored}
    # A fold is held out, and learners divide the others once more.
    fewest = max(n_folds, 6)
    if len(people) < fewest:
        raise InputError(
            f"{study.name}: expected {fewest} people or more with a score, to learn from some and to judge by others, "
            f"got {len(people)}; add people or, down to 6 of them, take fewer --folds"
        )
    if len({clip.score for clip in scored}) < 2:
        raise InputError(f"{study.name}: all {len(scored)} scores are {scored[0].score:g}; there is nothing to learn")


def choose_learners(names: Sequence[str]) -> tuple[Learner, ...]:
    """Return the baselines and the named learners.

    Raises
    ------
    InputError
        When no learner has such a name.
    MissingDependencyError
        When the extra `train` is not installed.
    """
    from backsight.errors import MissingDependencyError

    try:
        return pick_learners(names)
    except ImportError as error:
        raise MissingDependencyError(
            f"learning needs {error.name}, which is not installed: pip install 'backsight[train]'"
        ) from error


def judge(
    study: Study,
    learners: Sequence[Learner],
    *,
    protocol: Protocol,
    store: FoldStore,
    leaky: bool = False,
    n_draws: int = 1000,
    on_progress: OnProgress | None = None,
    spread: Spread = in_turn,
) -> Judged:
    """Judge learners in folds by person.

    Parameters
    ----------
    learners
        With the baselines, as `choose_learners` returns them.
    store
        Keeps finished folds, so that an interrupted run goes on.
    leaky
        Whether to show also what a split of each person's clips would have claimed.
    spread
        Where folds are judged; the result is the same.
    """
    judging = Judging(study, store, on_progress, n_draws, spread)
    predictions: dict[str, Predictions] = {}
    rows: list[Row] = []
    for learner in learners:
        told = with_intervals(judging.run(learner, protocol), study.scale)
        predictions[learner.name] = told
        of_parts = 0 if learner in BASELINES else n_draws
        rows += learner_rows(learner.name, told, study.scale, n_draws=n_draws, n_draws_of_parts=of_parts)
    if leaky:
        across = replace(protocol, split=Split.CLIPS, n_seeds=1)
        for learner in (KnowsPeople(), *learners):
            row = _whole_row(judging.run(learner, across), study.scale, n_draws=n_draws)
            rows.append({"kind": "leaky", "learner": learner.name, **row})
    return Judged(
        study=study,
        fingerprint=fingerprint_study(study),
        protocol=protocol,
        predictions=predictions,
        settings={learner.name: settings_of(learner) for learner in learners},
        rows=tuple(rows),
    )


def with_intervals(predictions: Predictions, scale: ScoreScale, *, level: float = LEVEL) -> Predictions:
    """Return predictions with 90 % intervals, each as wide as the errors on the other folds' people.

    A learner's own intervals are kept. No person's error widens that person's interval. The learners whose errors are
    taken have seen the fold that is judged, but not the people whom they are wrong about (as in jackknife+, Barber
    2021). Without people enough the ends stay NaN.
    """
    if predictions.has_intervals:
        return predictions
    parts = []
    for seed in np.unique(predictions.seed):
        of_seed = predictions.where(predictions.seed == seed)
        for fold in np.unique(of_seed.fold):
            others, here = of_seed.where(of_seed.fold != fold), of_seed.where(of_seed.fold == fold)
            width = half_width(others, level=level)
            low, high = within(here.predicted - width, scale), within(here.predicted + width, scale)
            parts.append(replace(here, low=low, high=high, seconds=0.0))
    return replace(concatenate(parts), seconds=predictions.seconds)


def half_width(predictions: Predictions, *, level: float = LEVEL) -> float:
    """Return the half-width of the interval around a new person's score; the mean over the seeds.

    NaN where there are too few people to promise the level.
    """
    if len(np.unique(predictions.subject)) < fewest_people(level):
        return math.nan
    widths = [
        half_width_by_person(one.error, one.subject.tolist(), level=level)
        for one in (predictions.where(predictions.seed == seed) for seed in np.unique(predictions.seed))
    ]
    return float(np.mean(widths))


def learner_rows(
    name: str, predictions: Predictions, scale: ScoreScale, *, n_draws: int, n_draws_of_parts: int
) -> list[Row]:
    """Return everything that is told of a learner: over all, pooled for a person, by exercise, group and view."""
    rows = [{"kind": "learner", **_whole_row(predictions, scale, n_draws=n_draws)}]
    people = predictions.by_person()
    rows.append(
        {
            "kind": "person",
            "people": len(np.unique(people.subject)),
            "mad": interval_of(of(mean_absolute_error, people, n_draws=n_draws)),
            "rho": interval_of(of(spearman, people, n_draws=n_draws)),
        }
    )
    for column in ("exercise", "group", "view"):
        parts = part_rows(predictions, column, _part_row(n_draws_of_parts))
        # One part alone is the whole once more.
        rows += parts if len(parts) > 1 else []
    if predictions.has_intervals:
        rows.append(interval_row(predictions, scale, n_draws=n_draws))
    return [{**row, "learner": name} for row in rows]


def _part_row(n_draws: int) -> Any:
    def row_of(predictions: Predictions) -> Row:
        told = residual_row(predictions)
        return told | {
            "mad": interval_of(of(mean_absolute_error, predictions, n_draws=n_draws)),
            "rho": interval_of(of(spearman, predictions, n_draws=n_draws)),
        }

    return row_of


def _whole_row(predictions: Predictions, scale: ScoreScale, *, n_draws: int) -> Row:
    row = regression_row(predictions, n_draws=n_draws)
    return row | binary_row(predictions, scale, n_draws=n_draws) if scale.is_binary else row


def flat_figures(judged: Judged) -> dict[str, dict[str, float | None]]:
    """Return the figures of each learner, by name, as a run keeps them."""
    found: dict[str, dict[str, float | None]] = {}
    for name in judged.predictions:
        row = judged.row(name)
        figures: dict[str, float | None] = {}
        for key, value in row.items():
            if isinstance(value, Mapping):
                figures |= {key: value["value"], f"{key}_low": value["low"], f"{key}_high": value["high"]}
            elif key not in ("kind", "learner") and not isinstance(value, str | list):
                figures[key] = value
        sure = [row for row in judged.rows if row["kind"] == "intervals" and row["learner"] == name]
        if sure:
            figures |= {"coverage": sure[0]["coverage"]["value"], "interval_width": sure[0]["width"]}
        found[name] = figures
    return found


def beats_median(judged: Judged, learner: str) -> bool:
    """Return whether a learner's error is smaller than that of the median beyond chance in who took part."""
    return mad_difference(judged.predictions["median"], judged.predictions[learner]).high < 0.0


def better_than_baselines(judged: Judged, learner: str) -> tuple[bool, str]:
    """Return whether a learner beats the best baseline beyond chance, and a sentence that says so.

    The difference of the mean absolute errors is taken person by person; it has to lie beyond 0 with its whole 95 %
    interval.
    """
    scale = judged.study.scale
    rival = min(
        (baseline.name for baseline in BASELINES),
        key=lambda name: float(judged.row(name)["mad"]["value"]),
    )
    mad = mad_difference(judged.predictions[rival], judged.predictions[learner])
    gain = f"{abs(mad.value):.3g} {scale.error_unit} ({mad.low:+.3g} to {mad.high:+.3g})"
    if mad.high < 0.0:
        return True, f"`{learner}` beats the best baseline, `{rival}`: its error is smaller by {gain}."
    if mad.low > 0.0:
        return False, f"`{learner}` is WORSE than the baseline `{rival}`: its error is larger by {gain}. Do not use it."
    return False, (
        f"`{learner}` does NOT beat the baseline `{rival}`: the difference of their errors is {mad.value:+.3g} "
        f"{scale.error_unit} ({mad.low:+.3g} to {mad.high:+.3g}), which chance in who took part explains. It has "
        "shown nothing that looking hardly at the movement would not show; more people may."
    )
