"""Runs that were kept: list them, compare them, take the settings that one has searched. Knows no study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backsight.benchmarks.figures import check_writable
from backsight.domain.study import ScoreScale
from backsight.errors import InputError
from backsight.evaluation.baselines import BASELINES
from backsight.evaluation.learner import Learner
from backsight.evaluation.predictions import Predictions
from backsight.evaluation.store import settings_of
from backsight.studying.comparing import compare_pair, comparison_lines
from backsight.studying.judging import RESEARCH
from backsight.studying.output_files import write_json
from backsight.studying.prediction_files import read_predictions
from backsight.training.runs import PREDICTIONS_FILE, list_runs, read_run
from backsight.training.searched import tuned_name, usual_name
from backsight.training.tuning import error_of, settled


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
        write_json(json_file, {"notice": RESEARCH, "reference": reference, "compared": told})
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


SEARCHED_HERE = (
    "Settings of a search: where they were searched on people of this study, its figures lean to the good side. "
    "Those that the search itself printed, of people who took no part in it, are fair once; new people are better."
)
SEARCHED_WITH_OTHERS = (
    "What the search left as it was has changed with Backsight since, so that these settings were not tried with the "
    "rest of the learner as it is now; search again to know."
)


@dataclass(frozen=True)
class Searched:
    """What a run of `tune` has found for a learner."""

    parameters: Mapping[str, Any]
    """The best settings, by name."""
    described: str
    """The learner with them, as it was then; from `settings_of`."""

    def lines(self, learner: Learner, *, scale: ScoreScale) -> tuple[str, ...]:
        """Return what to tell beside the figures of the learner, as it is now, with these settings."""
        now = settings_of(settled(learner, self.parameters, scale=scale, name=learner.name))
        return (SEARCHED_HERE, *(() if now == self.described else (SEARCHED_WITH_OTHERS,)))


def searched_settings(name: str, learner: Learner, *, runs: Path) -> Searched:
    """Return what a run of `tune` has found for a learner.

    Parameters
    ----------
    name
        The run's folder, or its name below `runs`.

    Raises
    ------
    InputError
        When there is no such run, or it has searched something else.
    """
    folder = _run_folder(name, runs)
    run = read_run(folder)
    parameters = run.about.get("parameters")
    if not isinstance(parameters, dict):
        raise InputError(f"--settings {name}: expected a run of `backsight tune`, got one of `{run.kind}`")
    if run.learners != (tuned_name(learner.name),):
        found = ", ".join(map(usual_name, run.learners))
        raise InputError(
            f"--settings {name}: its settings are of {found}, and go with `--learner {found}`; got `--learner "
            f"{learner.name}`"
        )
    return Searched(parameters, str(run.about.get("settings")))


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
