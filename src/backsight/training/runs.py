"""Keep what every run of a study found: a folder a run, with TensorBoard event files. Knows no learner.

TensorBoard's event files, written by tensorboardX, because they need no server and no account, report to nobody, and
any TensorBoard shows runs side by side. MLflow was not taken: its newer versions report use to their makers unless told
not to, and its smallest package brings the client of a cloud service. `run.json` holds the same figures for `list_runs`
and for people.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backsight.errors import InputError, MissingDependencyError
from backsight.exports.folder import output_error

RUN_FILE = "run.json"
PREDICTIONS_FILE = "predictions.parquet"
DEFAULT_FOLDER = Path("backsight-runs")


@dataclass(frozen=True)
class Run:
    """What one command did, and found."""

    kind: str
    """`train`, `evaluate` or `tune`."""
    command: str
    version: str
    """Of Backsight."""
    study: str
    fingerprint: str
    """Of the study's scored clips and scale; runs with the same one have judged the same people."""
    seeds: tuple[int, ...]
    learners: tuple[str, ...]
    figures: Mapping[str, Mapping[str, float | None]]
    """Of each learner, by name; None = could not be told."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the kind of run has to tell, as JSON."""
    unit: str = ""
    """Of the study's scores; empty = a run that was kept without it."""
    started: str = ""
    """ISO 8601, UTC."""
    name: str = ""
    """The folder's."""


def check_tracker() -> None:
    """Raise before hours of work when runs cannot be kept.

    Raises
    ------
    MissingDependencyError
        When the extra `train` is not installed.
    """
    from importlib.util import find_spec

    if find_spec("tensorboardX") is None:
        raise MissingDependencyError(
            "keeping runs needs tensorboardX, which is not installed: pip install 'backsight[train]'"
        )


def begin_run(folder: Path, kind: str) -> Path:
    """Make the folder of a new run and return it.

    Raises
    ------
    OutputError
        When it cannot be made.
    """
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(2)}"
    try:
        (folder / name).mkdir(parents=True)
    except OSError as error:
        raise output_error(folder / name, error) from error
    return folder / name


def finish_run(folder: Path, run: Run) -> None:
    """Write what a run found; a folder without it is a run that did not end.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    # Its writer starts a thread and writes to disk, so it is loaded where it is needed only.
    from tensorboardX import SummaryWriter

    started = datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).isoformat()
    told = asdict(run) | {"started": started, "name": folder.name}
    try:
        for learner, figures in run.figures.items():
            with SummaryWriter(logdir=str(folder / learner)) as writer:
                writer.add_text("command", run.command)
                writer.add_text("study", f"{run.study} {run.fingerprint}")
                for name, value in figures.items():
                    if value is not None and math.isfinite(value):
                        writer.add_scalar(name, value, 0)
        part = folder / f".{RUN_FILE}.part"
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        part.replace(folder / RUN_FILE)
    except OSError as error:
        raise output_error(folder, error) from error


def list_runs(folder: Path) -> tuple[Run, ...]:
    """Return the finished runs, oldest first; none where the folder is not there."""
    return tuple(read_run(path.parent) for path in sorted(folder.glob(f"*/{RUN_FILE}")))


def read_run(folder: Path) -> Run:
    """Return one run.

    Raises
    ------
    InputError
        When the folder holds none.
    """
    path = folder / RUN_FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Run(**told | {"seeds": tuple(told["seeds"]), "learners": tuple(told["learners"])})
    except FileNotFoundError:
        raise InputError(f"{folder}: expected a finished run's folder, found no {RUN_FILE} in it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: expected what a run has found, got something else ({error})") from error
