"""`backsight benchmark shipped`: all learners on filmed virtual volunteers, to choose the model that ships.

What is judged is a session's index, the mean over a person's exercises. The choice rests on ratings alone, as in a
study of real people; the volunteers' true dysfunction stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.kept_films import load_kept_films
from backsight.benchmarks.learning_tables import (
    Judging,
    Row,
    figure_of,
    fold_store,
    interval_of,
    number,
    of,
    within_folds,
)
from backsight.domain.assessment import RED_FLAG_ABOVE
from backsight.domain.study import Study
from backsight.domain.validation import FloatArray
from backsight.errors import InputError, InvalidValueError
from backsight.evaluation.baselines import BASELINES
from backsight.evaluation.conformal import half_width_by_person
from backsight.evaluation.learner import Learner
from backsight.evaluation.metrics import area_under_roc, mean_absolute_error, spearman
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import OnProgress, Protocol
from backsight.evaluation.store import FoldStore
from backsight.pose.quality_person import FOUND_USABLE

SHIPS = "measures"
"""The candidate that ships, as `kinematic` of `backsight assess`: a sum of named measures."""
CANDIDATES = (SHIPS, "kinematic", "kinematic-ensemble", "lstm", "rnn", "gru", "tcn", "transformer", "graph")
CHOSEN = "chosen"
"""The row of the choice itself: in every fold the candidate that was nearest to the other folds' ratings."""
LEVEL = 0.9


@dataclass(frozen=True, eq=False)
class Sessions:
    """A learner's index of each held-out person and seed; every array of shape (n_rows,)."""

    people: Predictions
    said: FloatArray
    rated: FloatArray
    true: FloatArray
    """Dysfunction before the noise of rating, 0 best to 1 worst."""

    @property
    def off(self) -> FloatArray:
        """Prediction minus rating, as an index."""
        return self.said - self.rated


def run_shipped(
    *,
    cohort: Path | None = None,
    learners: Sequence[str] = (),
    n_folds: int = 5,
    n_seeds: int = 3,
    pose_model: str = "full",
    work: Path | None = None,
    on_progress: OnProgress | None = None,
) -> BenchmarkResult:
    """Judge candidates on films whose landmarks are kept.

    Parameters
    ----------
    cohort
        Folder of filmed volunteers; None = those that calibration is fitted to, in the user's cache folder.
    learners
        Candidates; all of `CANDIDATES` when empty. Baselines stand beside them in any case.
    work
        Folder of finished folds, so that an interrupted run goes on; None = the user's cache folder.

    Raises
    ------
    InputError
        When the folder holds no films, or a candidate is not known.
    """
    candidates = pick_candidates(learners, pose_model=pose_model)
    store = fold_store(work)
    films = load_kept_films(cohort, pose_model=pose_model, on_progress=on_progress)
    kept = [
        (clip, true)
        for clip, true in zip(films.study.clips, films.true_index.tolist(), strict=True)
        if clip.is_scored and clip.pose.has_person.mean() >= FOUND_USABLE
    ]
    study = replace(films.study, clips=tuple(clip for clip, _ in kept))
    of_person: dict[str, list[float]] = {}
    for clip, true in kept:
        of_person.setdefault(clip.subject, []).append(true)
    return judge_candidates(
        study,
        {subject: float(np.mean(found)) for subject, found in of_person.items()},
        (*BASELINES, *candidates),
        protocol=Protocol(n_folds=n_folds, n_seeds=n_seeds),
        store=store,
        pose_model=pose_model,
        on_progress=on_progress,
    )


def pick_candidates(names: Sequence[str], *, pose_model: str) -> tuple[Learner, ...]:
    """Return the candidates of these names, or all.

    Raises
    ------
    InputError
        When no candidate has such a name.
    """
    from backsight.training.learners import make_learner
    from backsight.training.measures_learner import measures_learner

    unknown = [name for name in names if name not in CANDIDATES]
    if unknown:
        raise InputError(f"--learner: expected one of {', '.join(CANDIDATES)}, got {', '.join(unknown)}")
    return tuple(
        measures_learner(pose_model=pose_model) if name == SHIPS else make_learner(name)
        for name in dict.fromkeys(names or CANDIDATES)
    )


def judge_candidates(
    study: Study,
    truth: Mapping[str, float],
    learners: Sequence[Learner],
    *,
    protocol: Protocol,
    store: FoldStore,
    pose_model: str = "full",
    on_progress: OnProgress | None = None,
    n_draws: int = 1000,
) -> BenchmarkResult:
    """Judge learners on the same folds, and the choice among those that are no baselines.

    Parameters
    ----------
    truth
        True index of each person.
    """
    judging = Judging(study, store, on_progress, n_draws)
    found = {one.name: sessions_of(judging.run(one, protocol), study, truth) for one in learners}
    baselines = {one.name for one in BASELINES}
    candidates = {name: one for name, one in found.items() if name not in baselines}
    rows = [_row(name, one, n_draws=n_draws) for name, one in found.items()]
    if len(candidates) > 1:
        chosen, times = choose_by_fold(candidates)
        rows.append({**_row(CHOSEN, chosen, n_draws=n_draws), "times_chosen": times})
    reference = candidates.get(SHIPS)
    if reference is not None:
        for row in rows:
            if row["learner"] in found and row["learner"] != SHIPS:
                row["gain_of_shipped"] = _gain(found[row["learner"]], reference, n_draws=n_draws)
    return BenchmarkResult(
        name="shipped",
        figures=tuple(figure for row in rows for figure in _figures(row)),
        seeds=protocol.seeds,
        rows=tuple(rows),
        notes=_notes(study, protocol, pose_model),
    )


def sessions_of(predictions: Predictions, study: Study, truth: Mapping[str, float]) -> Sessions:
    """Return each person's mean over exercises as an index."""
    people = predictions.by_person()
    said, rated = (
        np.array([study.scale.to_index(score) for score in scores]) for scores in (people.predicted, people.score)
    )
    return Sessions(people, said, rated, np.array([truth[who] for who in people.subject.tolist()]))


def choose_by_fold(candidates: Mapping[str, Sessions]) -> tuple[Sessions, dict[str, int]]:
    """Return what the choice would have said, fold by fold, and how often each candidate was chosen.

    The people of a fold have no say in who predicts them; those of the other folds of the same seed have, by the mean
    absolute error against their ratings.
    """
    names = list(candidates)
    first = candidates[names[0]]
    said, times = np.full(len(first.said), np.nan), dict.fromkeys(names, 0)
    for seed, fold in sorted(set(zip(first.people.seed.tolist(), first.people.fold.tolist(), strict=True))):
        held, others = _of_fold(first.people, seed, fold)
        best = min(names, key=lambda name: float(np.abs(candidates[name].off[others]).mean()))
        said[held] = candidates[best].said[held]
        times[best] += 1
    people = replace(first.people, seconds=sum(one.people.seconds for one in candidates.values()))
    return replace(first, people=people, said=said), times


def held_by_intervals(sessions: Sessions, *, level: float = LEVEL) -> tuple[FloatArray, FloatArray]:
    """Return 1 where a rating lies within the index's interval, else 0, and the interval's half-width; NaN = none.

    An interval is as wide as the errors on the people of the other folds of the same seed, none of whom taught the
    learner that judged them.
    """
    held_by, width = (np.full(len(sessions.said), np.nan) for _ in range(2))
    for seed, fold in sorted(set(zip(sessions.people.seed.tolist(), sessions.people.fold.tolist(), strict=True))):
        held, others = _of_fold(sessions.people, seed, fold)
        try:
            width[held] = half_width_by_person(
                sessions.off[others], sessions.people.subject[others].tolist(), level=level
            )
        except InvalidValueError:
            # Too few people to promise the level.
            continue
        held_by[held] = np.abs(sessions.off[held]) <= width[held]
    return held_by, width


def _of_fold(people: Predictions, seed: int, fold: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    of_seed = people.seed == seed
    return of_seed & (people.fold == fold), of_seed & (people.fold != fold)


def _row(name: str, sessions: Sessions, *, n_draws: int) -> Row:
    people, said, rated, true = sessions.people, sessions.said, sessions.rated, sessions.true
    held_by, width = held_by_intervals(sessions)

    def told(figure: Any, *columns: FloatArray) -> Row:
        return interval_of(of(figure, people, *columns, n_draws=n_draws))

    return {
        "kind": "learner",
        "learner": name,
        "clips": len(np.unique(people.subject)),
        "people": len(np.unique(people.subject)),
        "red_flags": len(np.unique(people.subject[true > RED_FLAG_ABOVE])),
        "mae_rated": told(mean_absolute_error, said, rated),
        "mae_true": told(mean_absolute_error, said, true),
        "rho": told(spearman, said, true),
        "rho_within_folds": number(within_folds(spearman, people, said, true)),
        "auc": told(_ranks_flags, said, true),
        "coverage": told(lambda one: float(np.mean(one)), held_by),
        "half_width": number(float(np.mean(width))),
        "seconds": round(people.seconds, 1),
    }


def _gain(other: Sessions, reference: Sessions, *, n_draws: int) -> Row:
    """Return by how much the other's error against the truth is larger; above 0 the one that ships is nearer."""
    nearer = np.abs(other.said - other.true) - np.abs(reference.said - reference.true)
    return interval_of(of(lambda one: float(np.mean(one)), reference.people, nearer, n_draws=n_draws))


def _ranks_flags(said: FloatArray, true: FloatArray) -> float:
    return area_under_roc(said, true > RED_FLAG_ABOVE)


def _figures(row: Row) -> tuple[Figure, ...]:
    name = str(row["learner"])
    return (
        figure_of(name, row, "mae_rated", unit="index"),
        figure_of(name, row, "mae_true", unit="index"),
        figure_of(name, row, "rho", unit="rho", better="higher"),
        figure_of(name, row, "auc", unit="area", better="higher"),
        figure_of(name, row, "coverage", unit="share", better="higher"),
    )


def _notes(study: Study, protocol: Protocol, pose_model: str) -> tuple[str, ...]:
    return (
        f"{len(study.clips)} recordings of {len(study.subjects)} virtual volunteers, drawn, filmed and seen by "
        f"BlazePose {pose_model}; no real person is among them. Folds by person ({protocol.n_folds}), "
        f"{protocol.n_seeds} draw(s); figures are means over the draws, intervals 95 % by bootstrap over people.",
        f"What is judged is a session: the mean over a person's exercises. `{SHIPS}` is what ships, called `kinematic` "
        "by `backsight assess`; it also learns from the simulated people who ship with the package, as the model does. "
        "`kinematic` and `kinematic-ensemble` are the kernels on summary measures of `backsight train`.",
        "mae_rated: distance from the person's rating, by which is chosen. mae_true, rho, auc: against the dysfunction "
        f"that the person was made with; auc of its being above {RED_FLAG_ABOVE}. coverage: share of ratings within a "
        "90 % interval as wide as the errors on the people of the other folds. "
        f"`{CHOSEN}`: in every fold the candidate nearest to the ratings of the people of the other folds.",
        "On volunteers who took no part in this choice: `backsight benchmark index`.",
    )


def shipped_lines(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the candidates side by side, as a table in Markdown; in brackets the interval over people."""
    within = "rho_within_folds" in rows[0]
    lines = [
        f"| learner | MAE rated | MAE true | rho |{' rho_within_folds |' if within else ''} AUC of red flags "
        "| 90 % intervals held | half-width | MAE true more than what ships | seconds |",
        f"|{'---|' * (10 if within else 9)}",
    ]
    for row in rows:
        cells = [_span(row[key]) for key in ("mae_rated", "mae_true", "rho", "auc", "coverage")]
        if within:
            cells.insert(3, _value(row["rho_within_folds"]))
        gain = _span(row["gain_of_shipped"]) if "gain_of_shipped" in row else "-"
        lines.append(
            f"| {row['learner']} | {' | '.join(cells)} | {_value(row['half_width'])} | {gain} | {row['seconds']:.0f} |"
        )
    return tuple(lines)


def _span(found: Mapping[str, float | None]) -> str:
    if found["value"] is None:
        return "-"
    ends = "" if found["low"] is None else f" ({found['low']:.3f} to {found['high']:.3f})"
    return f"{_value(found['value'])}{ends}"


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
