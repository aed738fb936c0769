"""`backsight train`: fit the paper's network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.progress import progress_bar


def train(
    out: Annotated[Path, typer.Option("--out", "-o", help="Checkpoint file to write.")],
    virtual: Annotated[int, typer.Option(min=20, help="Number of virtual volunteers to train and judge on.")] = 4000,
    filmed: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="Cohort filmed with `simulate cohort --landmarks-only`, may be repeated: the network also learns from "
            "what BlazePose saw there, and is calibrated and judged on it alone.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine, same weights.")] = 2026,
    work: Annotated[
        Path | None, typer.Option(help="Folder that keeps features and progress, so that an interrupted run resumes.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train the paper's LSTM on virtual volunteers and judge it on others (extra `train`).

    The command that made the model that ships stands in its card, docs/model-card.md.
    """
    from backsight.laboratory import train_virtual

    with progress_bar(quiet=quiet) as show:
        report = train_virtual(
            out,
            n_subjects=virtual,
            filmed_folders=filmed or [],
            seed=seed,
            work_folder=work,
            n_threads=threads,
            on_progress=show,
        )
    typer.echo(report)
    typer.echo(f"checkpoint: {out}")
