"""Each of a study's commands from first check to last line. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backsight.benchmarks.figures import check_writable, describe_machine
from backsight.benchmarks.learning_tables import fold_store
from backsight.domain.study import Study
from backsight.errors import InputError, OutputError
from backsight.evaluation.baselines import BASELINES
from backsight.evaluation.learner import FittedLearner, Learner
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.protocol import OnProgress, Protocol, Spread, in_turn
from backsight.evaluation.store import FoldStore, fingerprint_study, settings_of
from backsight.exports.folder import check_folder
from backsight.studying.judging import RESEARCH, Judged, check_learnable, choose_learners, flat_figures, judge
from backsight.studying.kept_runs import searched_settings
from backsight.studying.output_files import check_outputs, write_json
from backsight.studying.prediction_files import write_predictions
from backsight.studying.teaching import check_writable_learner, fit_to_all, judge_strangers, make_fitted_file
from backsight.studying.wording import (
    errors_told,
    figure_lines,
    meaning_lines,
    part_lines,
    row_lines,
    search_lines,
    stranger_lines,
)
from backsight.training.fitted_file import FittedFile, read_fitted, write_fitted
from backsight.training.runs import PREDICTIONS_FILE, Run, begin_run, check_tracker, finish_run
from backsight.training.search_spaces import check_tunable
from backsight.training.searched import tuned_name
from backsight.training.tuning import (
    OnTrial,
    Search,
    Unfinished,
    check_storage,
    error_of,
    settled,
    tune,
)

NO_VERDICT_HERE = (
    "It is not better than giving everybody the median by more than chance explains, so `assess` with this model gives "
    "an index and no verdict."
)
OpenStudy = Callable[[], Study]
"""Reads the study; called only after what costs nothing has been checked."""


@dataclass(frozen=True)
class Keeping:
    """Where a command keeps what it finds, and what it says there of itself."""

    work: Path | None
    """Finished folds, so that an interrupted command goes on; None = the user's cache folder."""
    runs: Path
    command: str
    """As it was typed, paths and URLs without their folders: it goes with what is kept."""
    version: str
    """Of Backsight."""

    def keep(self, kind: str, *, predictions: Mapping[str, Predictions], **found: Any) -> Path:
        """Write a run, and return its folder; `found` are the other fields of `Run`."""
        folder = begin_run(self.runs, kind)
        if predictions:
            write_predictions(folder / PREDICTIONS_FILE, predictions)
        finish_run(folder, Run(kind=kind, command=self.command, version=self.version, **found))
        return folder


def train_on_study(
    open_study: OpenStudy,
    out: Path,
    *,
    learner_name: str,
    protocol: Protocol | None,
    seed: int,
    keeping: Keeping,
    settings: str | None = None,
    on_progress: OnProgress | None = None,
    spread: Spread = in_turn,
) -> tuple[str, ...]:
    """Judge a learner beside the baselines, fit it to all people, write one file; return what to tell.

    Parameters
    ----------
    protocol
        None = it is not judged.
    settings
        A run of `tune` whose best settings the learner is given; None = its own.

    Raises
    ------
    BacksightError
        Before anything is learnt, when the learner, the study or a place to write to is not as it must be.
    """
    check_tracker()
    check_writable(out)
    check_folder(keeping.runs)
    learners = choose_learners([learner_name])
    learner = learners[-1]
    if learner in BASELINES:
        raise InputError(
            f"--learner: {learner_name} is a baseline, which every table shows anyway; name one that learns"
        )
    found = None if settings is None else searched_settings(settings, learner, runs=keeping.runs)
    store = fold_store(keeping.work)
    study = open_study()
    searched: tuple[str, ...] = ()
    if found is not None:
        searched = (*found.lines(learner, scale=study.scale), "")
        learner = settled(learner, found.parameters, scale=study.scale)
        learners = (*learners[:-1], learner)
    check_learnable(study, n_folds=2 if protocol is None else protocol.n_folds)
    # Fitted before it is judged, so that what cannot be written is told now and not after hours.
    fitted = _fit_writable(study, learner, seed=seed, store=store, on_progress=on_progress)
    judged = None
    if protocol is not None:
        judged = judge(study, learners, protocol=protocol, store=store, on_progress=on_progress, spread=spread)
    content = make_fitted_file(
        study, learner, fitted, judged=judged, seed=seed, command=keeping.command, version=keeping.version
    )
    write_fitted(out, content)
    try:
        folder = _keep_training(keeping, content, learner, judged, out=out)
    except OutputError as error:
        raise OutputError(f"{error}; the model is written, {out}, but this run is not kept") from error
    lines: tuple[str, ...]
    if judged is None:
        lines = ("Not judged: nothing is known of how well this model does, and it has no interval.", RESEARCH)
    else:
        told = () if content.figures["beats_median"] else (NO_VERDICT_HERE,)
        lines = (*figure_lines(judged), "", *meaning_lines(judged, learner.name), *told)
    return (*searched, *lines, "", f"model: {out}", f"run: {folder}")


def _fit_writable(
    study: Study, learner: Learner, *, seed: int, store: FoldStore, on_progress: OnProgress | None
) -> FittedLearner:
    """Fit a learner to everybody, and raise when the result cannot be written."""
    told = "fitting to everybody"
    if on_progress is not None:
        on_progress(told, 0, 1)
    fitted = fit_to_all(study, learner, seed=seed, work=store.folder / "networks")
    check_writable_learner(study, learner, fitted)
    if on_progress is not None:
        on_progress(told, 1, 1)
    return fitted


def _keep_training(
    keeping: Keeping, content: FittedFile, learner: Learner, judged: Judged | None, *, out: Path
) -> Path:
    return keeping.keep(
        "train",
        predictions={} if judged is None else judged.predictions,
        study=content.study.name,
        unit=content.scale.error_unit,
        fingerprint=content.study.fingerprint,
        seeds=(content.seed, *(() if judged is None else judged.protocol.seeds)),
        learners=(learner.name,),
        figures={learner.name: {}} if judged is None else flat_figures(judged),
        about={"settings": settings_of(learner), "model": out.name, "machine": describe_machine()},
    )


def evaluate_study(
    open_study: OpenStudy,
    *,
    learner_names: Sequence[str],
    protocol: Protocol,
    leaky: bool,
    keeping: Keeping,
    json_file: Path | None,
    predictions_file: Path | None,
    settings: str | None = None,
    on_progress: OnProgress | None = None,
    spread: Spread = in_turn,
) -> tuple[str, ...]:
    """Judge learners beside the baselines by people whom they have not seen; return what to tell.

    With `settings`, a run of `tune`, the last learner is judged with the settings found there, too.
    """
    check_tracker()
    check_outputs(json_file, predictions_file)
    check_folder(keeping.runs)
    learners = choose_learners(learner_names)
    found = None if settings is None else searched_settings(settings, learners[-1], runs=keeping.runs)
    store = fold_store(keeping.work)
    study = open_study()
    searched: tuple[str, ...] = ()
    if found is not None:
        searched = (*found.lines(learners[-1], scale=study.scale), "")
        learners = (*learners, settled(learners[-1], found.parameters, scale=study.scale))
    check_learnable(study, n_folds=protocol.n_folds)
    judged = judge(
        study,
        learners,
        protocol=protocol,
        store=store,
        leaky=leaky,
        on_progress=on_progress,
        spread=spread,
    )
    folder = keeping.keep(
        "evaluate",
        predictions=judged.predictions,
        study=study.name,
        unit=study.scale.error_unit,
        fingerprint=judged.fingerprint,
        seeds=protocol.seeds,
        learners=judged.learners,
        figures=flat_figures(judged),
        about={"settings": dict(judged.settings), "machine": describe_machine()},
    )
    if json_file is not None:
        write_json(json_file, _told(judged, keeping))
    if predictions_file is not None:
        write_predictions(predictions_file, judged.predictions)
    lines = [*searched, *figure_lines(judged)]
    for name in judged.learners:
        lines += ["", *meaning_lines(judged, name)[:-1]]
    return (*lines, "", RESEARCH, f"run: {folder}")


def evaluate_model(
    model: Path,
    open_study: OpenStudy,
    *,
    json_file: Path | None,
    predictions_file: Path | None,
) -> tuple[str, ...]:
    """Judge a fitted file on a study of people whom it has not seen; return what to tell."""
    check_outputs(json_file, predictions_file)
    content = read_fitted(model)
    study = open_study()
    found = judge_strangers(content, study)
    if json_file is not None:
        told = {"model": content.learner, "learnt_from": content.study.fingerprint, "warning": found.warning}
        write_json(json_file, {"notice": RESEARCH, **told, "study": study.name, "rows": list(found.rows)})
    if predictions_file is not None:
        write_predictions(predictions_file, {content.learner: found.predictions})
    head = (
        f"{model.name}: `{content.learner}`, learnt from {content.study.n_people} people of {content.study.name}, on "
        f"{len(found.predictions)} scored clips of {len(set(found.predictions.subject.tolist()))} other people of "
        f"{study.name}. {errors_told(study.scale)}"
    )
    warning = (f"WARNING: {found.warning}.", "") if found.warning else ()
    return (
        head,
        "",
        *warning,
        *row_lines(found.rows, in_folds=False),
        *part_lines(found.rows, title=content.learner),
        "",
        *stranger_lines(
            found.rows, content.figures.get("rows", ()), learner=content.learner, unit=study.scale.error_unit
        ),
        RESEARCH,
    )


def tune_on_study(
    open_study: OpenStudy,
    *,
    learner_name: str,
    search: Search,
    storage: Path | None,
    keeping: Keeping,
    on_trial: OnTrial | None = None,
    spread: Spread | None = None,
) -> tuple[str, ...]:
    """Search a learner's settings and judge them once on people who took no part; return what to tell.

    Parameters
    ----------
    storage
        File of the trials; None = trials.sqlite where folds are kept.

    Raises
    ------
    BacksightError
        Before the study is read, when the learner or a place to write to is not as it must be.
    """
    check_tracker()
    check_folder(keeping.runs)
    learner = choose_learners([learner_name])[-1]
    check_tunable(learner)
    store = fold_store(keeping.work)
    if storage is None:
        store.folder.mkdir(parents=True, exist_ok=True)
        storage = store.folder / "trials.sqlite"
    check_storage(storage)
    study = open_study()
    check_learnable(study, n_folds=search.n_folds)
    found = tune(study, learner, storage=storage, search=search, on_trial=on_trial, spread=spread)
    if isinstance(found, Unfinished):
        return (
            f"{found.n_done} of {found.n_trials} trials are done. Nobody has judged yet: the same command goes on from "
            f"{storage}, and judges when all are done.",
            RESEARCH,
        )
    tuned = tuned_name(learner.name)
    folder = keeping.keep(
        "tune",
        predictions={learner.name: found.untuned, tuned: found.tuned},
        study=study.name,
        unit=study.scale.error_unit,
        fingerprint=fingerprint_study(study),
        seeds=(search.seed,),
        learners=(tuned,),
        figures={
            tuned: {"mad": error_of(found.tuned), "inner_mad": found.inner_error},
            learner.name: {"mad": error_of(found.untuned)},
        },
        about={"parameters": dict(found.parameters), "settings": settings_of(found.learner)},
    )
    return (
        *search_lines(found, learner.name, unit=study.scale.error_unit),
        f"To use these settings: --learner {learner.name} --settings {folder} with `train` or `evaluate`.",
        RESEARCH,
        f"run: {folder}",
    )


def _told(judged: Judged, keeping: Keeping) -> dict[str, Any]:
    study, protocol = judged.study, judged.protocol
    return {
        "notice": RESEARCH,
        "command": keeping.command,
        "version": keeping.version,
        "machine": describe_machine(),
        "study": {"name": study.name, "source": study.source, "fingerprint": judged.fingerprint},
        "scale": {"best": study.scale.best, "worst": study.scale.worst, "unit": study.scale.unit},
        "protocol": {"folds": protocol.n_folds, "seeds": list(protocol.seeds), "split": str(protocol.split)},
        "settings": dict(judged.settings),
        "rows": list(judged.rows),
    }
