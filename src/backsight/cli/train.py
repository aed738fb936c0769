"""`backsight train`: fit a learner to a study of one's own, or the paper's network to virtual volunteers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.given import refuse
from backsight.cli.interruption import resumable
from backsight.cli.markdown import echo_markdown
from backsight.cli.progress import progress_bar
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
from backsight.errors import OutputError
from backsight.training.runs import DEFAULT_FOLDER

_N_VIRTUAL = 4000
_OF_A_STUDY = (
    *("learner", "data_set", "ratings", "landmarks", "pose_model", "folds", "seeds", "no_evaluate", "runs"),
    *("engine_cluster", "address", "settings"),
)
_OF_VIRTUAL_VOLUNTEERS = ("virtual", "filmed", "threads")

_Study = Annotated[str | None, typer.Argument(help=f"{STUDY_HELP} Without it: virtual volunteers.")]
_Out = Annotated[Path | None, typer.Option("--out", "-o", help="File to write; default STUDY.backsight here.")]
_Learner = Annotated[
    str, typer.Option(metavar="NAME", help="What to fit to the study, such as best, kinematic or lstm.")
]
_NoEvaluate = Annotated[bool, typer.Option("--no-evaluate", help="Do not judge: nothing is then known of the model.")]
_Virtual = Annotated[int, typer.Option(min=60, help="Number of virtual volunteers to train and judge on.")]
_Filmed = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FOLDER",
        help="Cohort filmed with `simulate cohort --landmarks-only`, may be repeated: the network also learns from "
        "what BlazePose saw there, and is calibrated and judged on it alone.",
    ),
]
_Threads = Annotated[int, typer.Option(min=1, help="CPU threads, of virtual volunteers.")]


def train(
    context: typer.Context,
    study: _Study = None,
    out: _Out = None,
    learner: _Learner = "best",
    data_set: DataSetOption = None,
    ratings: RatingsOption = None,
    landmarks: LandmarksOption = None,
    pose_model: PoseModelOption = None,
    folds: FoldsOption = USUAL_FOLDS,
    seeds: SeedsOption = 3,
    no_evaluate: _NoEvaluate = False,
    runs: RunsOption = DEFAULT_FOLDER,
    virtual: _Virtual = _N_VIRTUAL,
    filmed: _Filmed = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine, same weights.")] = 2026,
    work: WorkOption = None,
    threads: _Threads = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file there.")] = False,
    engine_cluster: MachinesOption = Machines.LOCAL,
    address: AddressOption = "auto",
    settings: SettingsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Judge a learner on a study by people it has not seen, fit it to all of them, and write one file (extra `train`).

    backsight train study.csv --learner kinematic

    backsight train --virtual 4000 --out model.backsight

    Without STUDY the paper's LSTM is trained on virtual volunteers and judged on others; the command that made the
    one that ships stands in its card, docs/model-card-lstm-paper.md. Research software: no diagnosis.
    """
    out = _target(context, study, out, overwrite=overwrite)
    if study is None:
        _train_virtual(out, virtual=virtual, filmed=filmed, seed=seed, work=work, threads=threads, quiet=quiet)
        return
    with (
        resumable() as interruption,
        machines(engine_cluster, address) as spread,
        fold_progress(quiet=quiet) as show,
    ):
        from backsight.evaluation.protocol import Protocol, in_turn
        from backsight.studying.commands import train_on_study

        lines = train_on_study(
            StudySource(study, data_set, ratings, landmarks, pose_model).read,
            out,
            learner_name=learner,
            protocol=None if no_evaluate else Protocol(n_folds=folds, n_seeds=seeds),
            seed=seed,
            keeping=keeping(work=work, runs=runs),
            settings=settings,
            on_progress=interruption.watching(show),
            spread=spread or in_turn,
        )
    echo_markdown(lines)


def _target(context: typer.Context, study: str | None, out: Path | None, *, overwrite: bool) -> Path:
    """Return the file to write; raise when it is taken, or when options do not go with what is to be learnt from."""
    if study is None:
        if out is None:
            raise typer.BadParameter("name the checkpoint to write with --out, or a STUDY to learn from")
        refuse(context, _OF_A_STUDY, "only with a STUDY to learn from")
    else:
        refuse(context, _OF_VIRTUAL_VOLUNTEERS, "only for virtual volunteers, without STUDY")
        out = out or Path(f"{Path(study).stem}.backsight")
    if out.is_file() and not overwrite:
        raise OutputError(f"cannot write {out}: it exists already; choose another file or pass --overwrite")
    return out


def _train_virtual(
    out: Path, *, virtual: int, filmed: list[Path] | None, seed: int, work: Path | None, threads: int, quiet: bool
) -> None:
    with resumable(keeps=work is not None) as interruption, progress_bar(quiet=quiet) as show:
        from backsight.laboratory import train_virtual

        report = train_virtual(
            out,
            n_subjects=virtual,
            filmed_folders=filmed or [],
            seed=seed,
            work_folder=work,
            n_threads=threads,
            on_progress=interruption.watching(show),
        )
    typer.echo(report)
    typer.echo(f"checkpoint: {out}")
