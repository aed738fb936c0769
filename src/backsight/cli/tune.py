"""`backsight tune`: search a learner's settings without looking at the people who judge it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.interruption import resumable
from backsight.cli.markdown import echo_markdown
from backsight.cli.study_options import (
    STUDY_HELP,
    AddressOption,
    DataSetOption,
    LandmarksOption,
    MachinesOption,
    PoseModelOption,
    QuietOption,
    RatingsOption,
    RunsOption,
    StudySource,
    WorkOption,
    fold_progress,
    keeping,
    machines,
)
from backsight.cli.wide import Machines
from backsight.training.runs import DEFAULT_FOLDER

_Learner = Annotated[
    str, typer.Option(metavar="NAME", help="kinematic, or a network such as lstm; others have nothing to search.")
]
_Timeout = Annotated[
    float | None,
    typer.Option(min=1, metavar="SECONDS", help="Begin no further trial after so long; the same command goes on."),
]
_Storage = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="SQLite file of the trials; default trials.sqlite in the folder of --work."),
]
_Folds = Annotated[
    int, typer.Option(min=2, help="One fold of the people judges; the others are divided into as many to search.")
]


def tune(
    study: Annotated[str, typer.Argument(help=STUDY_HELP)],
    learner: _Learner,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try, those of earlier runs counted.")] = 50,
    timeout: _Timeout = None,
    storage: _Storage = None,
    data_set: DataSetOption = None,
    ratings: RatingsOption = None,
    landmarks: LandmarksOption = None,
    pose_model: PoseModelOption = None,
    folds: _Folds = 5,
    seed: Annotated[int, typer.Option(help="Who judges, and what is tried.")] = 0,
    work: WorkOption = None,
    runs: RunsOption = DEFAULT_FOLDER,
    engine_cluster: MachinesOption = Machines.LOCAL,
    address: AddressOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Search a learner's settings on some people, and judge them once on the others (extra `train`).

    backsight tune study.csv --learner kinematic --trials 100

    An interrupted search goes on from its file. Research software: no diagnosis.
    """
    with (
        resumable() as interruption,
        machines(engine_cluster, address) as spread,
        fold_progress(quiet=quiet, unit="tried") as show,
    ):
        from backsight.studying.commands import tune_on_study
        from backsight.training.tuning import Search

        lines = tune_on_study(
            StudySource(study, data_set, ratings, landmarks, pose_model).read,
            learner_name=learner,
            search=Search(n_trials=trials, timeout_s=timeout, n_folds=folds, seed=seed),
            storage=storage,
            keeping=keeping(work=work, runs=runs),
            on_trial=interruption.watching(show),
            spread=spread,
        )
    echo_markdown(lines)
