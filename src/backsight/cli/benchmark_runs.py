"""What each `backsight benchmark NAME` takes and runs, and how its rows are printed.

Each run imports what it needs when it is called, so that the command line loads only what it measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from backsight.benchmarks.figures import BenchmarkResult
    from backsight.composition import Progress

_Value = TypeVar("_Value")
_LIVE_S, _STUDY_S = 60.0, 30.0
_POSE_FRAMES = 120


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


@dataclass(frozen=True)
class Recordings:
    """What is played, and how often or how long."""

    clips: Sequence[str]
    clip: str | None
    repeats: int
    seconds: float | None
    frames: Sequence[int]
    pose_models: Sequence[str]


@dataclass(frozen=True)
class Volunteers:
    """Who is drawn and filmed."""

    subjects: int
    first: int
    spoilt: int
    cohort: Path | None


@dataclass(frozen=True)
class Judging:
    """What is judged, and how people are divided."""

    data: Path | None
    videos: Path | None
    learners: Sequence[str]
    tables: Sequence[str]
    folds: int
    seeds: int
    learning_curve: bool
    work: Path | None
    model: Path | None


@dataclass(frozen=True)
class Server:
    """Who records at once, and where it is kept."""

    participants: int
    database: str | None


@dataclass(frozen=True)
class Choices:
    """All options of `backsight benchmark`; a benchmark looks at its own."""

    recordings: Recordings
    volunteers: Volunteers
    judging: Judging
    server: Server
    workers: int


Lines = Callable[["BenchmarkResult"], Sequence[str]]


@dataclass(frozen=True)
class Entry:
    """One benchmark."""

    run: Callable[[Choices, Progress | None], BenchmarkResult]
    uses: frozenset[str] = field(default_factory=frozenset)
    """Names of the parameters of `backsight benchmark` that it looks at."""
    lines: Lines | None = None
    """How its rows are printed above the figures; None = not at all."""


def _road(chosen: Choices, _show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.road import run_road

    return run_road(chosen.recordings.clip, repeats=chosen.recordings.repeats)


def _measures(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.measures import BARRED_MODEL, run_measures

    who = chosen.volunteers
    return run_measures(
        n_subjects=who.subjects,
        first=who.first,
        n_spoilt=who.spoilt,
        cohort=who.cohort,
        models=tuple(chosen.recordings.pose_models or (BARRED_MODEL,)),
        n_workers=chosen.workers,
        on_progress=show,
    )


def _agreement(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.agreement import BARRED_MODEL, run_agreement

    data, videos = chosen.judging.data, chosen.judging.videos
    if data is None or videos is None:
        raise typer.BadParameter("the agreement benchmark needs the folders --data and --videos")
    models = tuple(chosen.recordings.pose_models or (BARRED_MODEL,))
    return run_agreement(data, videos, pose_models=models, on_progress=show)


def _rendering(_chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.rendering import run_rendering

    return run_rendering(on_progress=show)


def _index(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.index import run_index

    who = chosen.volunteers
    return run_index(
        model=chosen.judging.model,
        n_subjects=who.subjects,
        first=who.first,
        cohort=who.cohort,
        pose_model=_one_pose_model(chosen),
        n_workers=chosen.workers,
        learning_curve=chosen.judging.learning_curve,
        on_progress=show,
    )


def _pose(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.pose import run_pose

    played = chosen.recordings
    return run_pose(
        list(played.clips),
        models=tuple(played.pose_models or ("lite", "full", "heavy")),
        n_frames=_one(played.frames, "--frames", default=_POSE_FRAMES),
        on_progress=show,
    )


def _live(chosen: Choices, _show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.live import run_live

    return run_live(chosen.recordings.clip, seconds=chosen.recordings.seconds or _LIVE_S)


def _batch(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.batch import run_batch

    return run_batch(repeats=chosen.recordings.repeats, on_progress=show)


def _kimore(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.kimore import run_kimore

    how = chosen.judging
    return run_kimore(
        _data_of(chosen, Benchmark.KIMORE),
        learners=how.learners,
        n_folds=how.folds,
        n_seeds=how.seeds,
        learning_curve=how.learning_curve,
        work=how.work,
        on_progress=show,
    )


def _uiprmd(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.uiprmd import run_uiprmd

    how = chosen.judging
    return run_uiprmd(
        _data_of(chosen, Benchmark.UIPRMD),
        learners=how.learners,
        n_folds=how.folds,
        n_seeds=how.seeds,
        work=how.work,
        on_progress=show,
    )


def _tables(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.paper_tables import PAPER_FRAMES, run_tables

    how = chosen.judging
    return run_tables(
        _data_of(chosen, Benchmark.TABLES),
        n_folds=how.folds,
        n_seeds=how.seeds,
        frames=chosen.recordings.frames or PAPER_FRAMES,
        tables=how.tables,
        work=how.work,
        on_progress=show,
    )


def _raw_image(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.raw_image import run_raw_image

    how = chosen.judging
    return run_raw_image(
        cohort=chosen.volunteers.cohort,
        n_subjects=chosen.volunteers.subjects,
        n_folds=how.folds,
        n_seeds=how.seeds,
        pose_model=_one_pose_model(chosen),
        work=how.work,
        on_progress=show,
    )


def _shipped(chosen: Choices, show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.shipped import run_shipped

    how = chosen.judging
    return run_shipped(
        cohort=chosen.volunteers.cohort,
        learners=how.learners,
        n_folds=how.folds,
        n_seeds=how.seeds,
        pose_model=_one_pose_model(chosen),
        work=how.work,
        on_progress=show,
    )


def _training(_chosen: Choices, _show: Progress | None) -> BenchmarkResult:
    from backsight.benchmarks.training_speed import run_training_speed

    return run_training_speed()


def _study(chosen: Choices, _show: Progress | None) -> BenchmarkResult:
    from backsight.cli.serve import check_extra

    check_extra()
    from backsight.benchmarks.study_load import run_study_load

    return run_study_load(
        participants=chosen.server.participants,
        seconds=chosen.recordings.seconds or _STUDY_S,
        database_url=chosen.server.database,
        workers=chosen.workers,
    )


def _measure_lines(result: BenchmarkResult) -> Sequence[str]:
    from backsight.benchmarks.measures_table import table_lines

    return table_lines(result.rows)


def _learner_lines(result: BenchmarkResult) -> Sequence[str]:
    from backsight.benchmarks.learning_tables import learner_lines

    return learner_lines(result.rows)


def _index_lines(result: BenchmarkResult) -> Sequence[str]:
    from backsight.benchmarks.index_table import curve_lines, index_lines

    curve = curve_lines(result.rows)
    return (*index_lines(result.rows), *(("", *curve) if curve else ()))


def _shipped_lines(result: BenchmarkResult) -> Sequence[str]:
    from backsight.benchmarks.shipped import shipped_lines

    return shipped_lines(result.rows)


def _table_lines(result: BenchmarkResult) -> Sequence[str]:
    from backsight.benchmarks.paper_tables import table_lines

    return table_lines(result.rows)


_DRAWN = ("subjects", "first", "cohort", "workers", "pose_model")
_FOLDED = ("folds", "seeds", "work")
ENTRIES: Mapping[Benchmark, Entry] = {
    Benchmark.ROAD: Entry(_road, frozenset({"clip", "repeats"})),
    Benchmark.MEASURES: Entry(_measures, frozenset({*_DRAWN, "spoilt", "plots"}), _measure_lines),
    Benchmark.AGREEMENT: Entry(_agreement, frozenset({"data", "videos", "pose_model", "plots"})),
    Benchmark.POSE: Entry(_pose, frozenset({"clips", "pose_model", "frames"})),
    Benchmark.LIVE: Entry(_live, frozenset({"clip", "seconds"})),
    Benchmark.BATCH: Entry(_batch, frozenset({"repeats"})),
    Benchmark.RENDERING: Entry(_rendering),
    Benchmark.INDEX: Entry(_index, frozenset({*_DRAWN, "model", "learning_curve"}), _index_lines),
    Benchmark.KIMORE: Entry(_kimore, frozenset({*_FOLDED, "data", "learner", "learning_curve"}), _learner_lines),
    Benchmark.UIPRMD: Entry(_uiprmd, frozenset({*_FOLDED, "data", "learner"}), _learner_lines),
    Benchmark.TABLES: Entry(_tables, frozenset({*_FOLDED, "data", "frames", "table"}), _table_lines),
    Benchmark.RAW_IMAGE: Entry(_raw_image, frozenset({*_FOLDED, "cohort", "subjects", "pose_model"})),
    Benchmark.SHIPPED: Entry(_shipped, frozenset({*_FOLDED, "cohort", "learner", "pose_model"}), _shipped_lines),
    Benchmark.TRAINING: Entry(_training),
    Benchmark.STUDY: Entry(_study, frozenset({"participants", "seconds", "database", "workers"})),
}


def _one(values: Sequence[_Value], option: str, *, default: _Value) -> _Value:
    if len(values) > 1:
        raise typer.BadParameter(f"{option}: expected once for this benchmark, got {len(values)} times")
    return values[0] if values else default


def _one_pose_model(chosen: Choices) -> str:
    from backsight.benchmarks.measures import BARRED_MODEL

    return _one(chosen.recordings.pose_models, "--pose-model", default=BARRED_MODEL)


def _data_of(chosen: Choices, name: Benchmark) -> Path:
    if chosen.judging.data is None:
        raise typer.BadParameter(f"the {name} benchmark needs the data set's folder: --data")
    return chosen.judging.data
