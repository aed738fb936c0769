"""`backsight evaluate`, `compare` and `runs`: judge learners on a study, and set what was found side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.given import refuse
from backsight.cli.interruption import resumable
from backsight.cli.markdown import echo_markdown
from backsight.cli.study_options import (
    STUDY_HELP,
    USUAL_FOLDS,
    AddressOption,
    DataSetOption,
    FoldsOption,
    LandmarksOption,
    MachinesOption,
    PoseModelOption,
    QuietOption,
    RatingsOption,
    RunsOption,
    SeedsOption,
    SettingsOption,
    StudySource,
    WorkOption,
    fold_progress,
    keeping,
    machines,
)
from backsight.cli.wide import Machines
from backsight.training.runs import DEFAULT_FOLDER

_OF_LEARNERS = ("learner", "leaky", "folds", "seeds", "work", "runs", "engine_cluster", "address", "settings")
_Learners = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="What to judge beside the baselines; again for more; default best."),
]
_Model = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file of `backsight train STUDY`, judged on people whom it has not seen."),
]
_Leaky = Annotated[
    bool, typer.Option("--leaky", help="Also show what a split of each person's clips would have claimed.")
]
_JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures to this file.")]
_PredictionsFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write every prediction, .parquet or .csv.")
]


def evaluate(
    context: typer.Context,
    study: Annotated[str, typer.Argument(help=STUDY_HELP)],
    learner: _Learners = None,
    model: _Model = None,
    data_set: DataSetOption = None,
    ratings: RatingsOption = None,
    landmarks: LandmarksOption = None,
    pose_model: PoseModelOption = None,
    folds: FoldsOption = USUAL_FOLDS,
    seeds: SeedsOption = 3,
    leaky: _Leaky = False,
    json_file: _JsonFile = None,
    predictions: _PredictionsFile = None,
    work: WorkOption = None,
    runs: RunsOption = DEFAULT_FOLDER,
    engine_cluster: MachinesOption = Machines.LOCAL,
    address: AddressOption = "auto",
    settings: SettingsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Judge learners on a study by people whom they have not seen. Research software: no diagnosis.

    backsight evaluate study.csv --learner kinematic --learner lstm

    backsight evaluate others.csv --model study.backsight
    """
    source = StudySource(study, data_set, ratings, landmarks, pose_model)
    if model is not None:
        refuse(context, _OF_LEARNERS, "only without --model, which judges what is already fitted and keeps no run")
        with resumable(keeps=False):
            from backsight.studying.commands import evaluate_model

            lines = evaluate_model(model, source.read, json_file=json_file, predictions_file=predictions)
    else:
        with (
            resumable() as interruption,
            machines(engine_cluster, address) as spread,
            fold_progress(quiet=quiet) as show,
        ):
            from backsight.evaluation.protocol import Protocol, in_turn
            from backsight.studying.commands import evaluate_study

            lines = evaluate_study(
                source.read,
                learner_names=learner or ["best"],
                protocol=Protocol(n_folds=folds, n_seeds=seeds),
                leaky=leaky,
                keeping=keeping(work=work, runs=runs),
                settings=settings,
                json_file=json_file,
                predictions_file=predictions,
                on_progress=interruption.watching(show),
                spread=spread or in_turn,
            )
    echo_markdown(lines)


def compare(
    run: Annotated[list[str], typer.Argument(help="Folders of runs, or their names as `backsight runs` lists them.")],
    learner: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Which of the runs' learners, the first is the reference; default all but the baselines.",
        ),
    ] = None,
    runs: RunsOption = DEFAULT_FOLDER,
    json_file: _JsonFile = None,
) -> None:
    """Say which of several learners is better on the same people, or that one cannot tell.

    backsight compare RUN --learner kinematic --learner lstm
    """
    with resumable(keeps=False):
        from backsight.studying.kept_runs import compare_runs

        lines = compare_runs(run, runs=runs, learners=learner or [], json_file=json_file)
    echo_markdown(lines)


def list_kept(runs: RunsOption = DEFAULT_FOLDER) -> None:
    """List the runs that `train`, `evaluate` and `tune` have kept on disk."""
    from backsight.studying.kept_runs import run_lines

    typer.echo("\n".join(run_lines(runs)))
