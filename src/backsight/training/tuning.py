"""Search a learner's settings on some of a study's people, and judge what was found once on the others.

Optuna's only door. Trials are kept in an SQLite file, so that an interrupted search goes on. The people who judge are
drawn before the first trial and take no part in any; asked again after more trials, they have judged twice, and that is
told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backsight.domain.study import ScoreScale, Study, StudyClip
from backsight.errors import InputError, InvalidValueError, OutputError
from backsight.evaluation.blinding import as_training, ask
from backsight.evaluation.folds import subject_folds
from backsight.evaluation.learner import Learner
from backsight.evaluation.metrics import mean_absolute_error
from backsight.evaluation.nested import scores_of
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import Spread
from backsight.evaluation.store import fingerprint_study, settings_of
from backsight.training.search_spaces import check_tunable, suggest_learner

if TYPE_CHECKING:
    import optuna

OnTrial = Callable[[str, int, int], None]
"""Told what goes on, how many trials are done, and how many there are."""
_N_STARTUP = 5
"""Trials before one may be given up early."""
_FEWEST_PEOPLE = 10


@dataclass(frozen=True)
class Search:
    """How to search."""

    n_trials: int = 50
    """All together, those of earlier runs counted; one that was given up early counts, too."""
    timeout_s: float | None = None
    """After which no further trial begins; None = none."""
    n_folds: int = 5
    """One of them, by person, is kept for judging; the others are divided into as many again for the search."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_trials < 1 or self.n_folds < 2:
            raise InvalidValueError(
                f"`n_trials` must be 1 or more and `n_folds` 2 or more, got {self.n_trials} and {self.n_folds}"
            )


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a search found."""

    learner: Learner
    """With the best settings."""
    parameters: Mapping[str, Any]
    """The best settings by name."""
    inner_error: float
    """Mean absolute error of the best trial on inner folds, in the scale's unit; too small, for it was chosen by it."""
    n_finished: int
    n_given_up: int
    times_judged: int
    """How often the people who judge have been asked, this time included."""
    tuned: Predictions
    """Of the people who judge, by the best settings."""
    untuned: Predictions
    """Of the same people, by the learner as it is."""


def tune(
    study: Study,
    learner: Learner,
    *,
    storage: Path,
    search: Search,
    on_trial: OnTrial | None = None,
    spread: Spread | None = None,
) -> Tuned:
    """Search, and judge once.

    Parameters
    ----------
    storage
        SQLite file of the trials; made where it is not.
    spread
        Where a trial's folds are judged, all at once; None = here, one after the other, so that a trial that is given
        up costs no more folds. The result is the same.

    Raises
    ------
    InvalidValueError
        When there is nothing to choose of the learner, or too few people.
    InputError
        When `storage` is something else.
    OutputError
        When it cannot be written.
    """
    check_tunable(learner)
    clips = study.scored()
    n_people = len({clip.subject for clip in clips})
    if n_people < _FEWEST_PEOPLE:
        raise InvalidValueError(f"tuning needs at least {_FEWEST_PEOPLE} people with a score, got {n_people}")
    held_out = subject_folds([clip.subject for clip in clips], n_folds=search.n_folds, seed=search.seed) == 0
    training = [as_training(clip) for clip, is_out in zip(clips, held_out.tolist(), strict=True) if not is_out]
    # What trials are comparable by: the same people, folds and unsearched settings.
    name = f"{fingerprint_study(study)} {settings_of(learner)} folds={search.n_folds} seed={search.seed}"
    trials = _open_trials(storage, name, seed=search.seed)
    _run_trials(trials, learner, training, study=study, search=search, on_trial=on_trial, spread=spread)
    if not _counted(trials, "COMPLETE"):
        raise InvalidValueError("not one trial ended; give --timeout more time")
    best = trials.best_trial
    chosen = suggest_learner(learner, _fixed(best.params))
    times = int(trials.user_attrs.get("times_judged", 0)) + 1
    trials.set_user_attr("times_judged", times)
    rows = np.flatnonzero(held_out)
    return Tuned(
        learner=chosen,
        parameters=dict(best.params),
        inner_error=float(trials.best_value),
        n_finished=_counted(trials, "COMPLETE"),
        n_given_up=_counted(trials, "PRUNED"),
        times_judged=times,
        tuned=_judge(study, clips, training, rows, chosen, seed=search.seed),
        untuned=_judge(study, clips, training, rows, learner, seed=search.seed),
    )


@dataclass(frozen=True, eq=False)
class InnerFolds:
    """All that it takes to judge settings on any inner fold, so that it can be sent to another machine."""

    learner: Learner
    clips: tuple[StudyClip, ...]
    folds: tuple[int, ...]
    """Of each clip."""
    scale: ScoreScale
    seed: int

    def __call__(self, fold: int) -> list[float]:
        """Fit without a fold's people and return how far off each of their clips is."""
        taught = [clip for clip, of_clip in zip(self.clips, self.folds, strict=True) if of_clip != fold]
        asked = [clip for clip, of_clip in zip(self.clips, self.folds, strict=True) if of_clip == fold]
        fitted = self.learner.fit(taught, scale=self.scale, seed=self.seed)
        errors: list[float] = np.abs(ask(fitted, asked).predicted - scores_of(asked)).tolist()
        return errors


def _open_trials(storage: Path, name: str, *, seed: int) -> optuna.Study:
    import hashlib

    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
        with storage.open("ab"):
            pass
    except OSError as error:
        raise OutputError(f"{storage}: trials cannot be kept ({error.strerror or error})") from error
    try:
        trials = optuna.create_study(
            storage=f"sqlite:///{storage}",
            study_name=hashlib.sha256(name.encode()).hexdigest()[:16],
            direction="minimize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_N_STARTUP, n_warmup_steps=1),
            load_if_exists=True,
        )
    except (SQLAlchemyError, RuntimeError) as error:
        raise InputError(f"{storage}: expected a file of earlier trials or none, got something else") from error
    # A sampler that begins anew with the same seed would draw what it has drawn before it was interrupted.
    trials.sampler = optuna.samplers.TPESampler(seed=seed * 100_003 + len(trials.trials), multivariate=False)
    return trials


def _run_trials(
    trials: optuna.Study,
    learner: Learner,
    clips: list[StudyClip],
    *,
    study: Study,
    search: Search,
    on_trial: OnTrial | None,
    spread: Spread | None,
) -> None:
    import optuna

    folds = subject_folds([clip.subject for clip in clips], n_folds=search.n_folds, seed=search.seed + 1)

    def objective(trial: optuna.Trial) -> float:
        judge = InnerFolds(
            suggest_learner(learner, trial), tuple(clips), tuple(folds.tolist()), study.scale, search.seed
        )
        told = None if spread is None else dict(spread(judge, range(search.n_folds)))
        errors: list[float] = []
        for fold in range(search.n_folds):
            errors += judge(fold) if told is None else told[fold]
            trial.report(float(np.mean(errors)), fold)
            if fold < search.n_folds - 1 and trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(errors))

    def show() -> None:
        if on_trial is not None:
            on_trial("trials", min(_n_counted(trials), search.n_trials), search.n_trials)

    started_s = time.monotonic()
    show()
    while _n_counted(trials) < search.n_trials:
        if search.timeout_s is not None and time.monotonic() - started_s >= search.timeout_s:
            break
        trials.optimize(objective, n_trials=1)
        show()


def _n_counted(trials: optuna.Study) -> int:
    # A trial that was interrupted is still called running and has to be made anew.
    return _counted(trials, "COMPLETE") + _counted(trials, "PRUNED")


def _counted(trials: optuna.Study, state: str) -> int:
    return sum(trial.state.name == state for trial in trials.trials)


def _fixed(parameters: dict[str, Any]) -> Any:
    import optuna

    return optuna.trial.FixedTrial(parameters)


def _judge(
    study: Study,
    clips: tuple[StudyClip, ...],
    training: list[StudyClip],
    rows: np.ndarray[Any, np.dtype[np.intp]],
    learner: Learner,
    *,
    seed: int,
) -> Predictions:
    asked = [clips[row] for row in rows.tolist()]
    started_s = time.perf_counter()
    answers = ask(learner.fit(training, scale=study.scale, seed=seed), asked)
    return Predictions(
        clip=rows,
        subject=np.array([clip.subject for clip in asked]),
        exercise=np.array([clip.exercise for clip in asked]),
        group=np.array([clip.group for clip in asked]),
        view=np.array([clip.view for clip in asked]),
        seed=np.full(len(rows), seed, dtype=np.intp),
        fold=np.zeros(len(rows), dtype=np.intp),
        score=scores_of(asked),
        predicted=answers.predicted,
        low=answers.low,
        high=answers.high,
        seconds=time.perf_counter() - started_s,
    )


def error_of(predictions: Predictions) -> float:
    """Return the mean absolute error, in the scale's unit."""
    return mean_absolute_error(predictions.predicted, predictions.score)
