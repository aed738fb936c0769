"""`backsight benchmark index`: a network's index against the truth of held-out volunteers, as BlazePose saw them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from backsight.benchmarks.figures import BenchmarkResult, Figure
from backsight.benchmarks.shots import plan_measuring
from backsight.domain.movement import Movement
from backsight.domain.recording import Exercise
from backsight.simulation.seeds import HELD_OUT_SEED

if TYPE_CHECKING:
    from backsight.domain.assessment import ModelCard
    from backsight.domain.sequences import PoseSequence
    from backsight.ports import IndexPredictor
    from backsight.studio.filmed import FilmedRecording

SESSION = "session"
FOUND_FROM = 0.5
"""Recordings in which BlazePose finds somebody in a smaller share of the frames get no index on the road, either."""


@dataclass(frozen=True)
class IndexReading:
    """One index of one recording, or of a person's recordings together."""

    person: str
    group: str
    """The exercise, or `SESSION`."""
    true: float
    """The dysfunction that the person was made with, 0 to 1."""
    index: float


def run_index(
    *,
    model: str | Path | None = None,
    n_subjects: int = 60,
    first: int = 18,
    cohort: Path | None = None,
    pose_model: str = "full",
    n_workers: int = 1,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> BenchmarkResult:
    """Film the held-out volunteers, or take them from the cache, and judge a network's index on them.

    Parameters
    ----------
    model
        A checkpoint; None = the one that ships.
    n_subjects, first
        How many volunteers, and the first one's number.
    cohort
        Folder where the films' landmarks are kept; None = the user's cache folder.
    """
    from backsight.benchmarks.measures import default_folder, film
    from backsight.composition import DEFAULT_MODEL, index_predictor

    predictor = index_predictor(DEFAULT_MODEL if model is None else model)
    films = film(
        plan_measuring(range(first, first + n_subjects), seed=HELD_OUT_SEED),
        folder=cohort or default_folder(),
        models=(pose_model,),
        n_workers=n_workers,
        on_progress=on_progress,
    )
    return judge_index(films, predictor=predictor, pose_model=pose_model)


def judge_index(films: Sequence[FilmedRecording], *, predictor: IndexPredictor, pose_model: str) -> BenchmarkResult:
    """Set an index beside the truth and beside what giving everybody the same index would be off by."""
    readings = [*_read(films, predictor=predictor, pose_model=pose_model)]
    readings += _sessions(readings, predictor.card)
    groups: dict[str, list[IndexReading]] = defaultdict(list)
    for reading in readings:
        groups[reading.group].append(reading)
    return BenchmarkResult(
        name="index",
        seeds=(HELD_OUT_SEED,),
        figures=tuple(
            figure
            for group, found in groups.items()
            for figure in _figures(group, found, _half_width(group, predictor.card))
        ),
        notes=(
            f"{predictor.card.headline} BlazePose {pose_model}; {len({item.person for item in readings})} virtual "
            "volunteers, drawn and filmed; no real person is among them.",
            "mean_error: mean absolute error against the dysfunction that a person was made with. same_for_all: the "
            "same if everybody got these people's own median, which needs no camera. held: share of the model card's "
            "90 % intervals, meant for a person's own rating, that hold it.",
        ),
    )


def _read(films: Sequence[FilmedRecording], *, predictor: IndexPredictor, pose_model: str) -> list[IndexReading]:
    readings = []
    for film in films:
        pose = film.tracks[pose_model].pose
        if pose.has_person.mean() >= FOUND_FROM:
            index = predictor.judge(_movement(film, pose, pose_model)).curve.final
            readings.append(IndexReading(film.recording.subject_id, film.shot.exercise.value, film.index, index))
    return readings


def _movement(film: FilmedRecording, pose: PoseSequence, pose_model: str) -> Movement:
    from backsight.pipeline import prepare, while_present
    from backsight.scoring.measure import measure_exercise

    prepared = prepare(pose)
    measured = measure_exercise(prepared.filtered, exercise=film.shot.exercise, pose_model=pose_model)
    return Movement(film.shot.exercise, while_present(prepared.filtered), prepared.features, measured)


def _sessions(readings: Sequence[IndexReading], card: ModelCard) -> list[IndexReading]:
    """Return each person's mean, as an assessment of several exercises takes it."""
    of_person: dict[str, list[IndexReading]] = defaultdict(list)
    for reading in readings:
        of_person[reading.person].append(reading)
    return [
        IndexReading(
            person,
            SESSION,
            found[0].true,
            float(
                np.average(
                    [item.index for item in found], weights=[card.weight_of(Exercise(item.group)) for item in found]
                )
            ),
        )
        for person, found in of_person.items()
    ]


def _half_width(group: str, card: ModelCard) -> float:
    return card.half_width_of(tuple(Exercise) if group == SESSION else (Exercise(group),))


def _figures(group: str, found: Sequence[IndexReading], half_width: float) -> tuple[Figure, ...]:
    true = np.array([item.true for item in found])
    index = np.array([item.index for item in found])
    off = np.abs(index - true)
    n = len(found)
    varies = n > 2 and np.ptp(index) > 0 and np.ptp(true) > 0
    correlation = float(stats.spearmanr(true, index).statistic) if varies else float("nan")
    return (
        Figure(f"{group}/mean_error", float(off.mean()), "index", n),
        Figure(f"{group}/same_for_all", float(np.abs(true - np.median(true)).mean()), "index", n),
        Figure(f"{group}/rank_correlation", correlation, "rho", n, better="higher"),
        Figure(f"{group}/held", float((off <= half_width).mean()), "share", n, better="higher"),
    )
