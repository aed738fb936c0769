"""`backsight benchmark`: measure this machine or the measures themselves, and print a table of figures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.exit_codes import ExitCode
from backsight.cli.progress import progress_bar

if TYPE_CHECKING:
    from backsight.benchmarks.figures import BenchmarkResult


class Benchmark(StrEnum):
    """The benchmarks there are."""

    ROAD = "road"
    MEASURES = "measures"
    AGREEMENT = "agreement"
    POSE = "pose"
    LIVE = "live"
    BATCH = "batch"


def benchmark(
    name: Annotated[Benchmark, typer.Argument(help="Which benchmark to run.")],
    clips: Annotated[
        list[str] | None,
        typer.Argument(
            help="pose: recordings to run on, the first of one person; #t= and &xywh= allowed; default the demo's."
        ),
    ] = None,
    clip: Annotated[
        str | None,
        typer.Option(help="road, live: recording to run on, #t= and &xywh= allowed; default the demo's walking clip."),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="road: how often each timing is taken; the ratios are of medians.")
    ] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="live: how long to watch.")] = 60.0,
    subjects: Annotated[
        int, typer.Option(min=1, help="measures: how many virtual volunteers, held out of calibration.")
    ] = 60,
    cohort: Annotated[
        Path | None,
        typer.Option(help="measures: folder of filmed volunteers, filled where it is not; default your cache folder."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="measures: processes that film.")] = 1,
    data: Annotated[Path | None, typer.Option(help="agreement: folder of keraal_SUBJECT.npz.")] = None,
    videos: Annotated[Path | None, typer.Option(help="agreement: folder of keraal_KEY.avi.")] = None,
    models: Annotated[str, typer.Option(help="pose: BlazePose models, separated by commas.")] = "lite,full,heavy",
    frames: Annotated[int, typer.Option(min=2, help="pose: frames taken of each recording.")] = 120,
    pose_model: Annotated[
        list[str] | None,
        typer.Option(help="measures, agreement: BlazePose lite, full or heavy; give it again for more than one."),
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(help="measures, agreement: folder for Bland-Altman plots (SVG).")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Measure, print a table, and exit with 4 when a bar is missed."""
    from backsight.benchmarks.figures import check_writable, print_table, write_figures

    if json_file is not None:
        check_writable(json_file)
    match name:
        case Benchmark.ROAD:
            from backsight.benchmarks.road import run_road

            result = run_road(clip, repeats=repeats)
        case Benchmark.MEASURES:
            result = _measures(subjects, cohort, workers, pose_model, plots, quiet=quiet)
        case Benchmark.BATCH:
            from backsight.benchmarks.batch import run_batch

            with progress_bar(quiet=quiet) as on_progress:
                result = run_batch(repeats=repeats, on_progress=on_progress)
        case Benchmark.AGREEMENT:
            result = _agreement(data, videos, pose_model, plots, quiet=quiet)
        case Benchmark.POSE:
            result = _pose(clips or [], models, frames, quiet=quiet)
        case Benchmark.LIVE:
            from backsight.benchmarks.live import run_live

            result = run_live(clip or (clips[0] if clips else None), seconds=seconds)
    print_table(result)
    if json_file is not None:
        write_figures(json_file, result)
    if any(figure.met is False for figure in result.figures):
        raise typer.Exit(ExitCode.BAR_MISSED)


def _measures(
    subjects: int, cohort: Path | None, workers: int, pose_models: list[str] | None, plots: Path | None, *, quiet: bool
) -> BenchmarkResult:
    from backsight.benchmarks.measures import MODELS, run_measures

    with progress_bar(quiet=quiet) as on_progress:
        return run_measures(
            n_subjects=subjects,
            cohort=cohort,
            models=tuple(pose_models or MODELS),
            n_workers=workers,
            plots=plots,
            on_progress=on_progress,
        )


def _agreement(
    data: Path | None, videos: Path | None, pose_models: list[str] | None, plots: Path | None, *, quiet: bool
) -> BenchmarkResult:
    from backsight.benchmarks.agreement import BARRED_MODEL, run_agreement

    if data is None or videos is None:
        raise typer.BadParameter("the agreement benchmark needs the folders --data and --videos")
    with progress_bar(quiet=quiet) as on_progress:
        return run_agreement(
            data, videos, pose_models=tuple(pose_models or (BARRED_MODEL,)), plots=plots, on_progress=on_progress
        )


def _pose(clips: list[str], models: str, n_frames: int, *, quiet: bool) -> BenchmarkResult:
    from backsight.benchmarks.pose import run_pose

    with progress_bar(quiet=quiet) as on_progress:
        return run_pose(
            clips, models=tuple(name.strip() for name in models.split(",")), n_frames=n_frames, on_progress=on_progress
        )
