"""`backsight train`: fit a learner to a study of one's own, or the paper's network to virtual volunteers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.progress import progress_bar
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
    WorkOption,
    command_line,
    fold_progress,
    machines,
    open_scored,
    version,
)
from backsight.cli.wide import Machines
from backsight.datasets.open import DataSet
from backsight.errors import OutputError
from backsight.training.runs import DEFAULT_FOLDER

_N_VIRTUAL = 4000


def train(
    study: Annotated[str | None, typer.Argument(help=f"{STUDY_HELP} Without it: virtual volunteers.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; default STUDY.backsight here.")
    ] = None,
    learner: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to fit to the study, such as best, kinematic or lstm.")
    ] = None,
    data_set: DataSetOption = None,
    ratings: RatingsOption = None,
    landmarks: LandmarksOption = None,
    pose_model: PoseModelOption = "full",
    folds: Annotated[int, typer.Option(min=2, help="Folds by person.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="How often folds are drawn.")] = 3,
    no_evaluate: Annotated[
        bool, typer.Option("--no-evaluate", help="Do not judge: nothing is then known of the model.")
    ] = False,
    runs: RunsOption = DEFAULT_FOLDER,
    virtual: Annotated[
        int | None,
        typer.Option(min=20, help=f"Number of virtual volunteers to train and judge on; default {_N_VIRTUAL}."),
    ] = None,
    filmed: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Cohort filmed with `simulate cohort --landmarks-only`, may be repeated: the network also learns from "
            "what BlazePose saw there, and is calibrated and judged on it alone.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine, same weights.")] = 2026,
    work: WorkOption = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads, of virtual volunteers; default 1.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier file there.")] = False,
    engine_cluster: MachinesOption = Machines.LOCAL,
    address: AddressOption = "auto",
    quiet: QuietOption = False,
) -> None:
    """Judge a learner on a study by people it has not seen, fit it to all of them, and write one file (extra `train`).

    backsight train study.csv --learner kinematic
    backsight train --virtual 4000 --out model.backsight

    Without STUDY the paper's LSTM is trained on virtual volunteers and judged on others; the command that made the
    model that ships stands in its card, docs/model-card.md. Research software: no diagnosis.
    """
    if study is None:
        if out is None:
            raise typer.BadParameter("name the checkpoint to write with --out, or a STUDY to learn from")
        cluster = None if engine_cluster is Machines.LOCAL else engine_cluster
        unused = {
            "--learner": learner,
            "--data-set": data_set,
            "--ratings": ratings,
            "--landmarks": landmarks,
            "--engine-cluster": cluster,
        }
        _refuse([name for name, value in unused.items() if value is not None], "need a STUDY")
        _check_free(out, overwrite=overwrite)
        _train_virtual(
            out,
            virtual=virtual or _N_VIRTUAL,
            filmed=filmed or [],
            seed=seed,
            work=work,
            threads=threads or 1,
            quiet=quiet,
        )
        return
    virtual_only = {"--virtual": virtual, "--filmed": filmed, "--threads": threads}
    _refuse([name for name, value in virtual_only.items() if value], "are for virtual volunteers, without STUDY")
    out = out or Path(f"{Path(study).stem}.backsight")
    _check_free(out, overwrite=overwrite)
    _train_on_study(
        study,
        out,
        learner=learner or "best",
        data_set=data_set,
        ratings=ratings,
        landmarks=landmarks,
        pose_model=pose_model,
        folds=folds,
        seeds=seeds,
        evaluates=not no_evaluate,
        runs=runs,
        seed=seed,
        work=work,
        engine_cluster=engine_cluster,
        address=address,
        quiet=quiet,
    )


def _refuse(options: list[str], why: str) -> None:
    if options:
        raise typer.BadParameter(f"{', '.join(options)}: {why}")


def _check_free(out: Path, *, overwrite: bool) -> None:
    if out.is_file() and not overwrite:
        raise OutputError(f"cannot write {out}: it exists already; choose another file or pass --overwrite")


def _train_virtual(
    out: Path, *, virtual: int, filmed: list[Path], seed: int, work: Path | None, threads: int, quiet: bool
) -> None:
    from backsight.laboratory import train_virtual

    with progress_bar(quiet=quiet) as show:
        report = train_virtual(
            out,
            n_subjects=virtual,
            filmed_folders=filmed,
            seed=seed,
            work_folder=work,
            n_threads=threads,
            on_progress=show,
        )
    typer.echo(report)
    typer.echo(f"checkpoint: {out}")


def _train_on_study(
    source: str,
    out: Path,
    *,
    learner: str,
    data_set: DataSet | None,
    ratings: Path | None,
    landmarks: Path | None,
    pose_model: str,
    folds: int,
    seeds: int,
    evaluates: bool,
    runs: Path,
    seed: int,
    work: Path | None,
    engine_cluster: Machines,
    address: str,
    quiet: bool,
) -> None:
    from backsight.evaluation.protocol import in_turn
    from backsight.studying.commands import train_on_study

    with machines(engine_cluster, address) as spread, fold_progress(quiet=quiet) as show:
        lines = train_on_study(
            lambda: open_scored(source, data_set=data_set, ratings=ratings, landmarks=landmarks, pose_model=pose_model),
            out,
            learner_name=learner,
            n_folds=folds,
            n_seeds=seeds,
            evaluates=evaluates,
            seed=seed,
            work=work,
            runs=runs,
            command=command_line(),
            version=version(),
            on_progress=show,
            spread=spread or in_turn,
        )
    typer.echo("\n".join(lines))
