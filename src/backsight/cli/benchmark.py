"""`backsight benchmark`: measure this machine or the measures themselves, and print a table of figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backsight.cli.exit_codes import ExitCode
from backsight.cli.progress import progress_bar

if TYPE_CHECKING:
    from backsight.benchmarks.figures import BenchmarkResult
    from backsight.composition import Progress


class Benchmark(StrEnum):
    """The benchmarks there are."""

    ROAD = "road"
    MEASURES = "measures"
    AGREEMENT = "agreement"
    POSE = "pose"
    LIVE = "live"
    BATCH = "batch"
    RENDERING = "rendering"
    INDEX = "index"
    KIMORE = "kimore"
    UIPRMD = "uiprmd"
    TABLES = "tables"
    RAW_IMAGE = "raw-image"
    SHIPPED = "shipped"
    TRAINING = "training"
    STUDY = "study"


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
        typer.Option(
            help="road, live: recording to run on, #t= and &xywh= allowed; default the demo's walking clip, "
            "for live the walk of the session that ships."
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="road: how often each timing is taken; the ratios are of medians.")
    ] = 5,
    seconds: Annotated[
        float | None,
        typer.Option(min=1, help="live: how long to watch, default 60. study: how long everybody records, default 30."),
    ] = None,
    participants: Annotated[int, typer.Option(min=1, max=1000, help="study: how many record at once.")] = 50,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="study: an empty database, which is filled; default SQLite, thrown away."),
    ] = None,
    subjects: Annotated[
        int,
        typer.Option(
            min=1,
            help="measures, index: how many virtual volunteers, held out of calibration. raw-image: how many of "
            "--cohort at most.",
        ),
    ] = 60,
    first: Annotated[
        int,
        typer.Option(
            "--from",
            min=0,
            metavar="NUMBER",
            help="measures, index: the first volunteer's number; rules were chosen in sight of those before 18.",
        ),
    ] = 18,
    spoilt: Annotated[
        int, typer.Option(min=0, help="measures: how many other volunteers are filmed with every kind of fault.")
    ] = 8,
    cohort: Annotated[
        Path | None,
        typer.Option(
            help="measures, index: folder of filmed volunteers, filled where it is not; default your cache folder. "
            "raw-image, shipped: the same, already filled; default the volunteers that calibration is fitted to."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="measures, index: processes that film. study: processes that answer.")
    ] = 1,
    data: Annotated[
        Path | None,
        typer.Option(
            help="agreement: folder of keraal_SUBJECT.npz. kimore: of kimore_EXERCISE.npz and kimore_clips.csv. "
            "uiprmd: of uiprmd_kinect_MOVEMENT.npz. tables: as kimore, or a study of your own."
        ),
    ] = None,
    learner: Annotated[
        list[str] | None,
        typer.Option(help="kimore, uiprmd, shipped: which learner to judge; again for more; default all there are."),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            min=2, help="kimore, tables, raw-image, shipped: folds by person; uiprmd: folds of the split that leaks."
        ),
    ] = 5,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, help="kimore, uiprmd, tables, raw-image, shipped: how often folds are drawn and learners fitted."
        ),
    ] = 3,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="kimore: also learn from fewer people.")
    ] = False,
    work: Annotated[
        Path | None,
        typer.Option(
            help="kimore, uiprmd, tables, raw-image, shipped: folder of finished folds, with which an interrupted run "
            "goes on; default your cache folder."
        ),
    ] = None,
    videos: Annotated[Path | None, typer.Option(help="agreement: folder of keraal_KEY.avi.")] = None,
    frames: Annotated[
        list[int] | None,
        typer.Option(
            min=2,
            help="pose: frames taken of each recording, default 120. tables: lengths to compare, default 100 and 500.",
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="index: checkpoint to judge; default the network that ships.")
    ] = None,
    pose_model: Annotated[
        list[str] | None,
        typer.Option(
            help="measures, index, agreement, pose, raw-image, shipped: lite, full or heavy; again for more. Default "
            "full; for pose all."
        ),
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(help="measures, agreement: folder for Bland-Altman plots (SVG).")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Measure, print a table, and exit with 4 when a bar is missed."""
    from backsight.benchmarks.bland_altman import check_drawable, draw_plots
    from backsight.benchmarks.figures import check_writable, print_table, write_figures

    # Hours lie between here and the end.
    if json_file is not None:
        check_writable(json_file)
    if plots is not None:
        check_drawable(plots)
    runs: Mapping[Benchmark, Callable[[Progress | None], BenchmarkResult]] = {
        Benchmark.ROAD: lambda _: _road(clip, repeats),
        Benchmark.MEASURES: lambda show: _measures(subjects, first, spoilt, cohort, workers, pose_model, show),
        Benchmark.AGREEMENT: lambda show: _agreement(data, videos, pose_model, show),
        Benchmark.RENDERING: _rendering,
        Benchmark.INDEX: lambda show: _index(model, subjects, first, cohort, workers, pose_model, show),
        Benchmark.POSE: lambda show: _pose(clips or [], pose_model, (frames or [120])[0], show),
        Benchmark.LIVE: lambda _: _live(clip or (clips[0] if clips else None), seconds or 60.0),
        Benchmark.BATCH: lambda show: _batch(repeats, show),
        Benchmark.KIMORE: lambda show: _kimore(data, learner or [], folds, seeds, learning_curve, work, show),
        Benchmark.UIPRMD: lambda show: _uiprmd(data, learner or [], folds, seeds, work, show),
        Benchmark.TABLES: lambda show: _tables(data, folds, seeds, frames or [], work, show),
        Benchmark.RAW_IMAGE: lambda show: _raw_image(cohort, subjects, folds, seeds, pose_model, work, show),
        Benchmark.STUDY: lambda _: _study(participants, seconds or 30.0, database, workers),
        Benchmark.SHIPPED: lambda show: _shipped(cohort, learner or [], folds, seeds, pose_model, work, show),
        Benchmark.TRAINING: lambda _: _training(),
    }
    with progress_bar(quiet=quiet) as show:
        result = runs[name](show)
    if json_file is not None:
        write_figures(json_file, result)
    if name is Benchmark.MEASURES:
        from backsight.benchmarks.measures_table import table_lines

        typer.echo("\n".join(table_lines(result.rows)))
    if name in (Benchmark.KIMORE, Benchmark.UIPRMD):
        from backsight.benchmarks.learning_tables import learner_lines

        typer.echo("\n".join(learner_lines(result.rows)))
    if name is Benchmark.INDEX:
        from backsight.benchmarks.index import index_lines

        typer.echo("\n".join(index_lines(result.rows)))
    if name is Benchmark.SHIPPED:
        from backsight.benchmarks.shipped import shipped_lines

        typer.echo("\n".join(shipped_lines(result.rows)))
    if name is Benchmark.TABLES:
        from backsight.benchmarks.paper_tables import table_lines as paper_lines

        typer.echo("\n".join(paper_lines(result.rows)))
    print_table(result)
    if plots is not None:
        draw_plots(plots, result.plots)
    if any(figure.met is False for figure in result.figures):
        raise typer.Exit(ExitCode.BAR_MISSED)


def _road(clip: str | None, repeats: int) -> BenchmarkResult:
    from backsight.benchmarks.road import run_road

    return run_road(clip, repeats=repeats)


def _measures(
    subjects: int,
    first: int,
    spoilt: int,
    cohort: Path | None,
    workers: int,
    pose_models: list[str] | None,
    show: Progress | None,
) -> BenchmarkResult:
    from backsight.benchmarks.measures import BARRED_MODEL, run_measures

    return run_measures(
        n_subjects=subjects,
        first=first,
        n_spoilt=spoilt,
        cohort=cohort,
        models=tuple(pose_models or (BARRED_MODEL,)),
        n_workers=workers,
        on_progress=show,
    )


def _agreement(
    data: Path | None, videos: Path | None, pose_models: list[str] | None, show: Progress | None
) -> BenchmarkResult:
    from backsight.benchmarks.agreement import BARRED_MODEL, run_agreement

    if data is None or videos is None:
        raise typer.BadParameter("the agreement benchmark needs the folders --data and --videos")
    return run_agreement(data, videos, pose_models=tuple(pose_models or (BARRED_MODEL,)), on_progress=show)


def _rendering(show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.rendering import run_rendering

    return run_rendering(on_progress=show)


def _index(
    model: Path | None,
    subjects: int,
    first: int,
    cohort: Path | None,
    workers: int,
    pose_models: list[str] | None,
    show: Progress | None,
) -> BenchmarkResult:
    from backsight.benchmarks.index import run_index
    from backsight.benchmarks.measures import BARRED_MODEL

    return run_index(
        model=model,
        n_subjects=subjects,
        first=first,
        cohort=cohort,
        pose_model=(pose_models or [BARRED_MODEL])[0],
        n_workers=workers,
        on_progress=show,
    )


def _pose(clips: list[str], pose_models: list[str] | None, n_frames: int, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.pose import run_pose

    return run_pose(clips, models=tuple(pose_models or ("lite", "full", "heavy")), n_frames=n_frames, on_progress=show)


def _live(clip: str | None, seconds: float) -> BenchmarkResult:
    from backsight.benchmarks.live import run_live

    return run_live(clip, seconds=seconds)


def _batch(repeats: int, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.batch import run_batch

    return run_batch(repeats=repeats, on_progress=show)


def _kimore(
    data: Path | None,
    learners: list[str],
    folds: int,
    seeds: int,
    learning_curve: bool,
    work: Path | None,
    show: Progress | None,
) -> BenchmarkResult:
    from backsight.benchmarks.kimore import run_kimore

    return run_kimore(
        _needed(data, "kimore"),
        learners=learners,
        n_folds=folds,
        n_seeds=seeds,
        learning_curve=learning_curve,
        work=work,
        on_progress=show,
    )


def _uiprmd(
    data: Path | None, learners: list[str], folds: int, seeds: int, work: Path | None, show: Progress | None
) -> BenchmarkResult:
    from backsight.benchmarks.uiprmd import run_uiprmd

    return run_uiprmd(
        _needed(data, "uiprmd"), learners=learners, n_folds=folds, n_seeds=seeds, work=work, on_progress=show
    )


def _tables(
    data: Path | None, folds: int, seeds: int, frames: list[int], work: Path | None, show: Progress | None
) -> BenchmarkResult:
    from backsight.benchmarks.paper_tables import PAPER_FRAMES, run_tables

    return run_tables(
        _needed(data, "tables"),
        n_folds=folds,
        n_seeds=seeds,
        frames=frames or PAPER_FRAMES,
        work=work,
        on_progress=show,
    )


def _raw_image(
    cohort: Path | None,
    subjects: int,
    folds: int,
    seeds: int,
    pose_models: list[str] | None,
    work: Path | None,
    show: Progress | None,
) -> BenchmarkResult:
    from backsight.benchmarks.measures import BARRED_MODEL
    from backsight.benchmarks.raw_image import run_raw_image

    return run_raw_image(
        cohort=cohort,
        n_subjects=subjects,
        n_folds=folds,
        n_seeds=seeds,
        pose_model=(pose_models or [BARRED_MODEL])[0],
        work=work,
        on_progress=show,
    )


def _shipped(
    cohort: Path | None,
    learners: list[str],
    folds: int,
    seeds: int,
    pose_models: list[str] | None,
    work: Path | None,
    show: Progress | None,
) -> BenchmarkResult:
    from backsight.benchmarks.measures import BARRED_MODEL
    from backsight.benchmarks.shipped import run_shipped

    return run_shipped(
        cohort=cohort,
        learners=learners,
        n_folds=folds,
        n_seeds=seeds,
        pose_model=(pose_models or [BARRED_MODEL])[0],
        work=work,
        on_progress=show,
    )


def _training() -> BenchmarkResult:
    from backsight.benchmarks.training_speed import run_training_speed

    return run_training_speed()


def _study(participants: int, seconds: float, database: str | None, workers: int) -> BenchmarkResult:
    from backsight.cli.serve import check_extra

    check_extra()
    from backsight.benchmarks.study_load import run_study_load

    return run_study_load(participants=participants, seconds=seconds, database_url=database, workers=workers)


def _needed(data: Path | None, name: str) -> Path:
    if data is None:
        raise typer.BadParameter(f"the {name} benchmark needs the data set's folder: --data")
    return data
