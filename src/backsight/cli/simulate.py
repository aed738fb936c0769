"""`backsight simulate`: virtual volunteers, drawn and filmed."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated

import typer

from backsight.cli.assess import EXERCISE_METAVAR, read_exercise
from backsight.cli.interruption import noticing, resumable
from backsight.cli.progress import progress_bar
from backsight.domain.recording import Exercise
from backsight.pose.weights import PoseModel

VIEWS_DEG = {"front": 0.0, "oblique": 45.0, "side": 90.0}
"""Where the camera stands, by word."""
DISTANCE_RANGE_M = (1.5, 10.0)
FPS_RANGE = (5.0, 120.0)
SMALLEST_PX, LARGEST_PX = 64, 3840

app = typer.Typer(
    help="Film virtual volunteers, whose truth is known.\n\nThey are drawn and move as we say (extra `simulate`).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Seed = Annotated[int, typer.Option(min=0, help="Cohort that the volunteers are of; same seed, same people.")]
_Exercises = Annotated[
    list[Exercise] | None,
    typer.Option(
        "--exercise",
        parser=read_exercise,
        metavar=EXERCISE_METAVAR,
        help="What is filmed, may be repeated; all three when not given.",
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


@app.command()
def volunteer(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    number: Annotated[int, typer.Option(min=0, help="The volunteer's number in the cohort.")] = 0,
    seed: _Seed = 1,
    exercise: _Exercises = None,
    view: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VIEW",
            help="Where the camera stands: front, oblique, side, or degrees towards the volunteer's left, -180 to 180; "
            "walk=side for one exercise, may be repeated; drawn by the seed when not given, like distance and rate.",
        ),
    ] = None,
    distance: Annotated[float | None, typer.Option(metavar="M", help="Camera to volunteer in metres.")] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second.")] = None,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Of the clips, in pixels.")] = "1280x720",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier volunteer there.")] = False,
    quiet: _Quiet = False,
) -> None:
    """Film one volunteer.

    Makes a clip an exercise, truth.json and truth.parquet.

    backsight simulate volunteer --number 3 --seed 1 --view side --out volunteer-3
    """
    from backsight.laboratory import simulate_volunteer

    yaws_deg, frame_size = _yaws_deg(view or []), _frame_size(size)
    _check_range("--distance is in metres", distance, DISTANCE_RANGE_M)
    _check_range("--fps is frames a second", fps, FPS_RANGE)
    with noticing() as interruption, progress_bar(quiet=quiet) as show:
        simulate_volunteer(
            out,
            number=number,
            seed=seed,
            exercises=exercise or list(Exercise),
            yaws_deg=yaws_deg,
            distance_m=distance,
            fps=fps,
            frame_size=frame_size,
            overwrite=overwrite,
            on_progress=interruption.watching(show),
        )
    typer.echo(f"clips and truth: {out}")


@app.command()
def cohort(
    n: Annotated[int, typer.Argument(min=1, metavar="N", help="How many volunteers, from number 0.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to fill; an interrupted run goes on there.")],
    seed: _Seed = 1,
    exercise: _Exercises = None,
    landmarks_only: Annotated[
        bool,
        typer.Option("--landmarks-only", help="Keep no clips, only what BlazePose sees in them: 50 KB a recording."),
    ] = False,
    pose_model: Annotated[
        list[PoseModel] | None,
        typer.Option(help="With --landmarks-only: models that look, may be repeated; lite and full when not given."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; each takes a core and up to 1 GB.")] = 1,
    quiet: _Quiet = False,
) -> None:
    """Film many volunteers.

    Each goes into a folder of their own; manifest.csv is a table of all.
    """
    from backsight.laboratory import simulate_cohort

    if pose_model and not landmarks_only:
        raise typer.BadParameter("--pose-model goes with --landmarks-only: clips are kept as they are, unseen")
    with resumable() as interruption, progress_bar(quiet=quiet) as show:
        n_recordings = simulate_cohort(
            out,
            n_subjects=n,
            seed=seed,
            exercises=exercise or list(Exercise),
            landmarks_only=landmarks_only,
            pose_models=pose_model or [PoseModel.LITE, PoseModel.FULL],
            n_workers=workers,
            on_progress=interruption.watching(show),
        )
    typer.echo(f"{n_recordings} recordings: {out}")


@app.command("contact-sheet")
def contact_sheet(
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG file to write.")],
    count: Annotated[int, typer.Option(min=1, max=200, help="How many volunteers, from number 0.")] = 20,
    seed: _Seed = 1,
    quiet: _Quiet = False,
) -> None:
    """Draw volunteers side by side, standing, in one scale."""
    from backsight.laboratory import draw_contact_sheet

    with noticing() as interruption, progress_bar(quiet=quiet) as show:
        draw_contact_sheet(out, n_subjects=count, seed=seed, on_progress=interruption.watching(show))
    typer.echo(f"contact sheet: {out}")


def _yaws_deg(views: list[str]) -> dict[Exercise, float]:
    """Return the view of each exercise that one is given for; one without an exercise is for all others."""
    yaws_deg: dict[Exercise, float] = {}
    for view in sorted(views, key=lambda text: "=" in text):
        name, has_name, where = view.rpartition("=")
        if has_name and name not in list(Exercise):
            raise typer.BadParameter(f"--view {view}: expected {', '.join(Exercise)} before =, got {name}")
        yaws_deg |= dict.fromkeys([Exercise(name)] if has_name else list(Exercise), _view_deg(where))
    return yaws_deg


def _view_deg(view: str) -> float:
    if view in VIEWS_DEG:
        return VIEWS_DEG[view]
    try:
        degrees = float(view)
    except ValueError:
        degrees = math.nan
    if not -180.0 <= degrees <= 180.0:
        raise typer.BadParameter(f"--view is {', '.join(VIEWS_DEG)} or degrees from -180 to 180, got {view}")
    return degrees


def _frame_size(size: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(SMALLEST_PX <= side <= LARGEST_PX and side % 2 == 0 for side in (width, height)):
        raise typer.BadParameter(
            f"--size is WIDTHxHEIGHT, two even numbers of pixels from {SMALLEST_PX} to {LARGEST_PX}, got {size}"
        )
    return width, height


def _check_range(what: str, value: float | None, limits: tuple[float, float]) -> None:
    low, high = limits
    # Written so that NaN is refused as well.
    if value is not None and not low <= value <= high:
        raise typer.BadParameter(f"{what}, {low:g} to {high:g}, got {value:g}")
