"""The words by which commands name a study, and the bar that shows folds with an honest time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.clip_progress import time_left
from backsight.cli.given import command_for_others
from backsight.cli.interruption import reading_tables
from backsight.cli.wide import Machines
from backsight.datasets.open import DataSet
from backsight.pose.weights import PoseModel
from backsight.training.runs import DEFAULT_FOLDER

if TYPE_CHECKING:
    from backsight.batch.spreading import RaySpread
    from backsight.domain.study import Study
    from backsight.studying.commands import Keeping

STUDY_HELP = "A manifest (.csv, .parquet), a folder with study.csv, or one filled by `extract`."

DataSetOption = Annotated[DataSet | None, typer.Option(help="STUDY is the folder of this data set.")]
RatingsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Scores for a folder filled by `extract`; default ratings.csv in it."),
]
LandmarksOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Filled by `extract`: landmarks of a manifest's recordings.")
]
PoseModelOption = Annotated[
    PoseModel | None, typer.Option(help="Of virtual volunteers: whose landmarks; full when not given.")
]
WorkOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Keeps what is finished, so that an interrupted run goes on; default your cache folder.",
    ),
]
RunsOption = Annotated[
    Path, typer.Option(metavar="FOLDER", help=f"Where runs are kept; default {DEFAULT_FOLDER} here.")
]
SettingsOption = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="A run of `tune`, its folder or name: give the learner the settings found there."),
]
MachinesOption = Annotated[
    Machines,
    typer.Option("--engine-cluster", help="local = this machine; ray = folds on a Ray cluster (extra `cluster`)."),
]
AddressOption = Annotated[
    str, typer.Option(help="Of the Ray cluster: auto = the one that runs on this machine, local, or HOST:PORT.")
]
USUAL_FOLDS = 5
FoldsOption = Annotated[int, typer.Option(min=2, help="Folds by person.")]
SeedsOption = Annotated[int, typer.Option(min=1, help="How often folds are drawn.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


def keeping(*, work: Path | None, runs: Path) -> Keeping:
    """Return where this command keeps what it finds, with what it says there of itself."""
    from importlib.metadata import version

    from backsight.studying.commands import Keeping

    return Keeping(work=work, runs=runs, command=command_for_others(), version=version("backsight"))


@dataclass(frozen=True)
class StudySource:
    """The words that name a study on the command line."""

    source: str
    data_set: DataSet | None = None
    ratings: Path | None = None
    landmarks: Path | None = None
    pose_model: PoseModel | None = None

    def read(self) -> Study:
        """Read the study, and tell what was guessed while reading; every mistake in its rows is told at once.

        Raises
        ------
        InputError
            When there is no such study, or it cannot be read.
        """
        from backsight.datasets.open import open_study

        with reading_tables():
            study = open_study(
                self.source,
                data_set=self.data_set,
                ratings=self.ratings,
                landmarks=self.landmarks,
                pose_model=None if self.pose_model is None else self.pose_model.value,
            )
        for note in study.notes:
            typer.echo(f"Note: {note}", err=True)
        return study


@contextmanager
def machines(engine_cluster: Machines, address: str) -> Iterator[RaySpread | None]:
    """Yield what spreads folds over a Ray cluster; None = this machine judges them in turn."""
    if engine_cluster is Machines.LOCAL:
        if address != "auto":
            raise typer.BadParameter("--address goes with --engine-cluster ray")
        yield None
        return
    from backsight.batch.spreading import RaySpread

    with RaySpread(address=address) as spread:
        yield spread


@contextmanager
def fold_progress(*, quiet: bool, unit: str = "folds") -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield a callback (what, done, total) that draws a bar for each learner with the time that its folds still take.

    What an earlier run has finished comes at once and tells nothing of speed: only steps that took time count. None
    when quiet; without a terminal nothing is drawn.
    """
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}
        paces: dict[str, StepPace] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(f"{what}, {unit}", total=total, left="")
                paces[what] = StepPace()
                if done:
                    console.print(f"{what}: going on, {done} of {total} {unit} are kept from an earlier run")
            remaining_s = paces[what].remaining_s(done, total, now_s=time.monotonic())
            left = "" if done == total else time_left(remaining_s)
            bars.update(tasks[what], completed=done, total=total, left=left)

        yield show


class StepPace:
    """Foretells from the steps that took time how long the rest takes."""

    SHORTEST_S = 0.05
    """A step that took less was taken from an earlier run."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self._steps_s: list[float] = []

    def remaining_s(self, done: int, total: int, *, now_s: float) -> float | None:
        """Return the seconds that the rest takes; None before the first step that took time."""
        if self._last is not None and done > self._last[0]:
            step_s = (now_s - self._last[1]) / (done - self._last[0])
            if step_s >= self.SHORTEST_S:
                self._steps_s.append(step_s)
        self._last = (done, now_s)
        if not self._steps_s:
            return None
        recent = self._steps_s[-10:]
        return (total - done) * sum(recent) / len(recent)
