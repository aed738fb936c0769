"""Each of a study's commands from first check to last line. Knows no terminal."""

from __future__ import annotations

import json
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
from backsight.exports.folder import check_folder, output_error
from backsight.studying.comparing import compare_pair, comparison_lines
from backsight.studying.judging import RESEARCH, Judged, check_learnable, choose_learners, flat_figures, judge
from backsight.studying.prediction_files import check_suffix, read_predictions, write_predictions
from backsight.studying.teaching import check_writable_learner, fit_to_all, judge_strangers, make_fitted_file
from backsight.studying.wording import figure_lines, meaning_lines, part_lines, row_lines, search_lines, stranger_lines
from backsight.training.fitted_file import FittedFile, read_fitted, write_fitted
from backsight.training.runs import PREDICTIONS_FILE, Run, begin_run, check_tracker, finish_run, list_runs, read_run
from backsight.training.tuning import OnTrial, Search, Unfinished, error_of, settled, tune, tuned_name

SEARCHED_HERE = (
    "Settings of a search: where they were searched on people of this study, its figures lean to the good side. "
    "Those that the search itself printed, of people who took no part in it, are fair once; new people are better."
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
    """As it was typed."""
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
    found = None if settings is None else _searched(settings, learner, runs=keeping.runs)
    store = fold_store(keeping.work)
    study = open_study()
    if found is not None:
        learner = settled(learner, found, scale=study.scale)
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
    if found is not None:
        lines = (SEARCHED_HERE, "", *lines)
    return (*lines, "", f"model: {out}", f"run: {folder}")


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
        unit=content.scale.unit,
        fingerprint=content.study.fingerprint,
        seeds=(content.seed, *(() if judged is None else judged.protocol.seeds)),
        learners=(learner.name,),
        figures={learner.name: {}} if judged is None else flat_figures(judged),
        about={"settings": settings_of(learner), "model": str(out), "machine": describe_machine()},
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
    _check_outputs(json_file, predictions_file)
    check_folder(keeping.runs)
    learners = choose_learners(learner_names)
    found = None if settings is None else _searched(settings, learners[-1], runs=keeping.runs)
    store = fold_store(keeping.work)
    study = open_study()
    if found is not None:
        learners = (*learners, settled(learners[-1], found, scale=study.scale))
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
        unit=study.scale.unit,
        fingerprint=judged.fingerprint,
        seeds=protocol.seeds,
        learners=judged.learners,
        figures=flat_figures(judged),
        about={"settings": dict(judged.settings), "machine": describe_machine()},
    )
    if json_file is not None:
        _write_json(json_file, _told(judged, keeping))
    if predictions_file is not None:
        write_predictions(predictions_file, judged.predictions)
    lines = [*((SEARCHED_HERE, "") if found is not None else ()), *figure_lines(judged)]
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
    _check_outputs(json_file, predictions_file)
    content = read_fitted(model)
    study = open_study()
    found = judge_strangers(content, study)
    if json_file is not None:
        told = {"model": content.learner, "learnt_from": content.study.fingerprint, "warning": found.warning}
        _write_json(json_file, {"notice": RESEARCH, **told, "study": study.name, "rows": list(found.rows)})
    if predictions_file is not None:
        write_predictions(predictions_file, {content.learner: found.predictions})
    head = (
        f"{model.name}: `{content.learner}`, learnt from {content.study.n_people} people of {content.study.name}, on "
        f"{len(found.predictions)} scored clips of {len(set(found.predictions.subject.tolist()))} other people of "
        f"{study.name}. MAD and RMSE in {study.scale.unit}."
    )
    warning = (f"WARNING: {found.warning}.", "") if found.warning else ()
    return (
        head,
        "",
        *warning,
        *row_lines(found.rows),
        *part_lines(found.rows, title=content.learner),
        "",
        *stranger_lines(found.rows, content.figures.get("rows", ()), learner=content.learner, unit=study.scale.unit),
        RESEARCH,
    )


def compare_runs(
    names: Sequence[str], *, runs: Path, learners: Sequence[str], json_file: Path | None
) -> tuple[str, ...]:
    """Compare what runs on the same study and folds have found; return what to tell.

    Parameters
    ----------
    names
        Folders, or their names below `runs`. The first learner of the first is the reference.
    learners
        Which of the runs' learners; empty = all but the baselines, and the best baseline where one is left alone.
    """
    if json_file is not None:
        check_writable(json_file)
    found, unit = _predictions_of([_run_folder(name, runs) for name in names], learners)
    reference, *others = found
    compared = {name: compare_pair(found[reference], found[name]) for name in others}
    if json_file is not None:
        told = {
            name: {
                "mad_difference": _ends(one.mad),
                "rho_difference": _ends(one.rho),
                "p_wilcoxon": one.p_value if one.p_value == one.p_value else None,
                "people": one.n_people,
                "people_nearer": one.n_better,
                "verdict": one.verdict(),
            }
            for name, one in compared.items()
        }
        _write_json(json_file, {"notice": RESEARCH, "reference": reference, "compared": told})
    return (*comparison_lines(reference, compared, unit=unit), RESEARCH)


def run_lines(runs: Path) -> tuple[str, ...]:
    """Return a line for each run that is kept, oldest first."""
    found = list_runs(runs)
    if not found:
        return (f"{runs}: no runs yet",)
    lines = [f"{'run':<30} {'study':<20} {'learner':<18} {'MAD':>7} {'rho':>7}  fingerprint"]
    for run in found:
        for learner in run.learners:
            figures = run.figures.get(learner, {})
            mad, rho = (figures.get(key) for key in ("mad", "rho"))
            lines.append(
                f"{run.name:<30} {run.study[:20]:<20} {learner:<18} {_number(mad):>7} {_number(rho):>7}  "
                f"{run.fingerprint[:8]}"
            )
    return (*lines, f"curves and texts: tensorboard --logdir {runs}")


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
    """
    check_tracker()
    check_folder(keeping.runs)
    learner = choose_learners([learner_name])[-1]
    storage = storage or fold_store(keeping.work).folder / "trials.sqlite"
    study = open_study()
    check_learnable(study, n_folds=search.n_folds)
    found = tune(study, learner, storage=storage, search=search, on_trial=on_trial, spread=spread)
    if isinstance(found, Unfinished):
        return (
            f"{found.n_done} of {found.n_trials} trials are done. Nobody has judged yet: the same command goes on from "
            f"{storage}, and judges when all are done.",
            RESEARCH,
        )
    tuned = tuned_name(learner)
    folder = keeping.keep(
        "tune",
        predictions={learner.name: found.untuned, tuned: found.tuned},
        study=study.name,
        unit=study.scale.unit,
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
        *search_lines(found, learner.name, unit=study.scale.unit),
        f"To use these settings: --learner {learner.name} --settings {folder} with `train` or `evaluate`.",
        RESEARCH,
        f"run: {folder}",
    )


def _check_outputs(json_file: Path | None, predictions_file: Path | None) -> None:
    if json_file is not None:
        check_writable(json_file)
    if predictions_file is not None:
        check_suffix(predictions_file)
        check_writable(predictions_file)


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


def _write_json(path: Path, told: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(told, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise output_error(path, error) from error


def _searched(name: str, learner: Learner, *, runs: Path) -> Mapping[str, Any]:
    """Return the best settings that a run of `tune` has found for a learner."""
    folder = _run_folder(name, runs)
    run = read_run(folder)
    parameters = run.about.get("parameters")
    if run.learners != (tuned_name(learner),) or not isinstance(parameters, dict):
        raise InputError(
            f"--settings {name}: expected a run of `backsight tune --learner {learner.name}`, got one of "
            f"`{run.kind}` with {', '.join(run.learners)}"
        )
    return parameters


def _run_folder(name: str, runs: Path) -> Path:
    for folder in (Path(name), runs / name):
        if folder.is_dir():
            return folder
    raise InputError(f"{name}: expected a run's folder or its name in {runs}; `backsight runs` lists them")


def _predictions_of(folders: Sequence[Path], learners: Sequence[str]) -> tuple[dict[str, Predictions], str]:
    """Return what is to be compared by name, and the unit of its errors."""
    baselines = {baseline.name for baseline in BASELINES}
    found: dict[str, Predictions] = {}
    left: dict[str, Predictions] = {}
    prints: dict[str, str] = {}
    unit = ""
    for folder in folders:
        run = read_run(folder)
        prints[run.fingerprint] = folder.name
        # The fingerprint holds the scale: runs that may be compared have one unit.
        unit = run.unit or unit
        for name, predictions in read_predictions(folder / PREDICTIONS_FILE).items():
            label = name if name not in found else f"{name} ({folder.name})"
            wanted = name in learners if learners else name not in baselines
            (found if wanted else left)[label] = predictions
    if len(prints) > 1:
        raise InputError(f"{' and '.join(prints.values())}: these runs are of different studies and cannot be compared")
    missing = [name for name in learners if name not in found]
    if missing:
        raise InputError(f"--learner: no run holds {', '.join(missing)}; they hold {', '.join([*found, *left])}")
    if len(found) == 1 and left:
        best = min(left, key=lambda name: error_of(left[name]))
        found = {best: left[best], **found}
    if len(found) < 2:
        raise InputError(f"expected two learners or more to compare, got {', '.join(found) or 'none'}")
    return found, unit or "in the study's unit"


def _ends(found: Any) -> dict[str, float | None]:
    return {end: (value if (value := getattr(found, end)) == value else None) for end in ("value", "low", "high")}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
