"""`backsight demo`: assess the session that ships with Backsight and print estimate beside truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.interruption import noticing
from backsight.cli.progress import progress_bar
from backsight.domain.assessment import NO_DIAGNOSIS
from backsight.pose.weights import PoseModel

if TYPE_CHECKING:
    from backsight.demo.session import Comparison


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("backsight-demo-session"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier assessment there.")] = False,
    pose_model: Annotated[
        PoseModel, typer.Option(help="BlazePose model: lite is the fastest, heavy the most precise.")
    ] = PoseModel.FULL,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Assess the session that ships, and print estimate beside truth.

    The person in it is a virtual volunteer, drawn and nobody real, so the truth is known.
    """
    from backsight.composition import assess_to_folder
    from backsight.demo.session import compare, session_clips, session_height_m
    from backsight.inputs import Clip
    from backsight.reporting.wording import describe_landmarks

    with noticing() as interruption, progress_bar(quiet=quiet) as show:
        assessment = assess_to_folder(
            {exercise: Clip(path) for exercise, path in session_clips().items()},
            out,
            overwrite=overwrite,
            pose_model=pose_model,
            height_m=session_height_m(),
            on_progress=interruption.watching(show),
        )
    _print_comparison(compare(assessment))
    typer.echo(f"Landmarks: {describe_landmarks(assessment)}. {_other_model(pose_model)}".rstrip())
    typer.echo(f"report: {out / 'report.html'}")


def _other_model(pose_model: PoseModel) -> str:
    """Return that other commands look with another model than this one did; empty where they look with the same."""
    usual = PoseModel.LITE
    if pose_model is usual:
        return ""
    return f"Other commands take `{usual}`, the fastest, unless told `--pose-model {pose_model}`."


def _print_comparison(rows: tuple[Comparison, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    from backsight.reporting.wording import format_measured, format_value

    table = Table(title="A drawn person, nobody real: estimate beside truth", box=None, title_justify="left")
    for column in ("exercise", "measure", "estimate", "truth", "in its 90 % interval"):
        table.add_column(column, justify="right" if column in ("estimate", "truth") else "left")
    for row in rows:
        table.add_row(
            "session" if row.exercise is None else str(row.exercise),
            row.label,
            "cannot be measured" if row.holds is None else format_measured(row.estimate, row.unit, error=row.error),
            format_value(row.truth, row.unit),
            {True: "yes", False: "no", None: ""}[row.holds],
        )
    held = [row.holds for row in rows if row.holds is not None]
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{sum(held)} of {len(held)} intervals hold the truth. {NO_DIAGNOSIS}")
    if any(row.exercise is None and row.holds is False for row in rows):
        console.print(
            "The index is among those that miss it: of a single person the measures tell little (docs/model-card.md)."
        )
