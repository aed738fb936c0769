"""Search a learner's settings on some of a study's people, and judge what was found once on the others.

Optuna's only door. Trials are kept in an SQLite file, so that an interrupted search goes on to what it would have found
at one go: what a trial draws depends on its number and on the trials before it alone. The people who judge are drawn
before the first trial, take no part in any and are asked when all are done; asked again after more trials, they have
judged twice, and that is told.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
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
from backsight.exports.folder import output_error
from backsight.training.code_version import code_version
from backsight.training.schedule import mix_seed
from backsight.training.search_spaces import check_possible, check_tunable, suggest_learner
from backsight.training.searched import tuned_name

if TYPE_CHECKING:
    import optuna

OnTrial = Callable[[str, int, int], None]
"""Told what goes on, how many trials are done, and how many there are."""
_N_STARTUP = 5
"""Trials before one may be given up early."""
_FEWEST_PEOPLE = 10
_URL = re.compile(r"[A-Za-z][\w+.-]+:[\\/]")
"""How a path begins that was meant as a URL, such as `sqlite:/a`; two letters at least, for Windows has drives."""


@dataclass(frozen=True)
class Search:
    """How to search."""

    n_trials: int = 50
    """All together, those of earlier runs counted; one that was given up early counts, too."""
    timeout_s: float | None = None
    """After which no further trial begins, and the search is left to be gone on with; None = none."""
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


@dataclass(frozen=True)
class Unfinished:
    """A search that ran out of time; nobody has judged."""

    n_done: int
    """Trials so far, of all runs together; those that were given up early count, too."""
    n_trials: int
    """How many there are to be."""


def tune(
    study: Study,
    learner: Learner,
    *,
    storage: Path,
    search: Search,
    on_trial: OnTrial | None = None,
    spread: Spread | None = None,
) -> Tuned | Unfinished:
    """Search, and judge once when all trials are done.

    Parameters
    ----------
    storage
        SQLite file of the trials; made where it is not, in a folder that is there.
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
    # What trials are comparable by: the same people, folds, unsearched settings, search space and code.
    told = f"{settings_of(learner)} folds={search.n_folds} seed={search.seed} {code_version()}"
    trials = _open_trials(storage, f"{fingerprint_study(study)} {told}")
    _run_trials(trials, learner, training, study=study, search=search, on_trial=on_trial, spread=spread)
    if _n_counted(trials) < search.n_trials:
        return Unfinished(n_done=_n_counted(trials), n_trials=search.n_trials)
    if not _counted(trials, "COMPLETE"):
        raise InvalidValueError(f"learner {learner.name}: none of {search.n_trials} settings is possible; try more")
    best = trials.best_trial
    chosen = suggest_learner(learner, _fixed(best.params), scale=study.scale)
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


def check_storage(storage: Path) -> None:
    """Raise before a study is read when trials cannot be kept in a file; what is there stays as it is.

    Raises
    ------
    InputError
        When it is something else than a file of trials, such as a URL or another SQLite database.
    OutputError
        When it cannot be written: its folder is not there, say, or another process holds it.
    """
    if _URL.match(str(storage)):
        # Not shown: a URL may hold a password.
        raise InputError("storage of trials: expected the name of a file on this machine, got a URL")
    try:
        if storage.exists():
            with storage.open("ab"):
                pass
            _check_trials(storage)
        else:
            # Beside it: another search may make the file itself at this moment.
            with TemporaryFile(dir=storage.parent):
                pass
    except OSError as error:
        raise output_error(storage, error) from error


def _check_trials(storage: Path) -> None:
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(storage)) as database:
            # Takes the lock that a trial needs to be noted, and gives it back with nothing written.
            database.execute("BEGIN IMMEDIATE")
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            database.rollback()
    except sqlite3.OperationalError as error:
        raise OutputError(
            f"{storage}: trials cannot be kept there now ({error}); wait for whoever uses the file, or take another"
        ) from error
    except sqlite3.DatabaseError as error:
        raise _not_trials(storage) from error
    # Optuna would make its tables beside those of another program. `version_info` is told for its own; `studies`, which
    # it makes first, alone may be what an interrupted search left.
    if tables - {"studies"} and "version_info" not in tables:
        raise _not_trials(storage)


def _not_trials(storage: Path) -> InputError:
    return InputError(f"{storage}: expected a file of earlier trials or none, got something else; name another file")


def _open_trials(storage: Path, name: str) -> optuna.Study:
    import hashlib

    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    # What goes wrong in a trial is raised; Optuna would log it besides, with its traceback.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    check_storage(storage)
    try:
        return optuna.create_study(
            storage=f"sqlite:///{storage}",
            study_name=hashlib.sha256(name.encode()).hexdigest()[:16],
            direction="minimize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_N_STARTUP, n_warmup_steps=1),
            load_if_exists=True,
        )
    except (SQLAlchemyError, RuntimeError) as error:
        raise _not_trials(storage) from error


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

    # Told before each fold, too: whoever listens may have to end the search.
    def show() -> None:
        if on_trial is not None:
            on_trial("trials", min(_n_counted(trials), search.n_trials), search.n_trials)

    def objective(trial: optuna.Trial) -> float:
        settings = suggest_learner(learner, trial, scale=study.scale)
        try:
            check_possible(settings)
        except InvalidValueError as error:
            raise optuna.TrialPruned(str(error)) from error
        judge = InnerFolds(settings, tuple(clips), tuple(folds.tolist()), study.scale, search.seed)
        told = None if spread is None else dict(spread(judge, range(search.n_folds)))
        errors: list[float] = []
        for fold in range(search.n_folds):
            show()
            errors += judge(fold) if told is None else told[fold]
            trial.report(float(np.mean(errors)), fold)
            if fold < search.n_folds - 1 and trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(errors))

    started_s = time.monotonic()
    show()
    while _n_counted(trials) < search.n_trials:
        if search.timeout_s is not None and time.monotonic() - started_s >= search.timeout_s:
            break
        # Counted trials, not Optuna's own numbers: one that was interrupted has a number, and is made anew as another.
        trials.sampler = optuna.samplers.TPESampler(seed=mix_seed(search.seed, _n_counted(trials)), multivariate=False)
        try:
            trials.optimize(objective, n_trials=1)
        except UnboundLocalError as error:
            # Optuna 4 trips over a variable of its own when Ctrl-C comes while it notes how a trial ended.
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
        show()


def _n_counted(trials: optuna.Study) -> int:
    # A trial that was interrupted is still called running and has to be made anew.
    return _counted(trials, "COMPLETE") + _counted(trials, "PRUNED")


def _counted(trials: optuna.Study, state: str) -> int:
    return sum(trial.state.name == state for trial in trials.trials)


def settled(learner: Learner, parameters: Mapping[str, Any], *, scale: ScoreScale, name: str | None = None) -> Learner:
    """Return the learner with the settings that a search found; `name` None = under the name that tables give it.

    Raises
    ------
    InvalidValueError
        When there is nothing to choose of the learner, or the settings are not those of its search.
    """
    try:
        chosen: Any = suggest_learner(learner, _fixed(dict(parameters)), scale=scale)
    except ValueError as error:
        raise InvalidValueError(f"learner {learner.name}: these are not settings of its search: {error}") from error
    named: Learner = replace(chosen, name=name or tuned_name(learner.name))
    return named


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
    return Predictions.of_answers(asked, answers, rows=rows, seed=seed, fold=0, seconds=time.perf_counter() - started_s)


def error_of(predictions: Predictions) -> float:
    """Return the mean absolute error, in the scale's unit."""
    return mean_absolute_error(predictions.predicted, predictions.score)
