"""What more people would do for the model that ships: fitted to fewer, judged on the same held-out people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backsight.benchmarks.figures import BenchmarkResult
from backsight.benchmarks.index import N_DRAWS, IndexReading, error_figures, row_of
from backsight.domain.recording import Exercise
from backsight.domain.study import StudyClip
from backsight.training.kinematic_ship import FittedModel, fit_model
from backsight.training.measured_people import MeasuredPeople, measure_people, shipped_people

if TYPE_CHECKING:
    from backsight.studio.filmed import FilmedRecording

SIZES = (20, 30, 45)
"""Filmed people that are learnt from, besides all there are; with fewer there are no intervals to fit."""
N_CHOICES = 5
"""How often so many are drawn from all."""
CURVE_NOTE = (
    f"learnt from so many filmed people: the model that ships fitted to that many of its own, drawn {N_CHOICES} times, "
    "and to all of its simulated ones; mean_error and red_flag_auc are of sessions of the same held-out people."
)


def with_curve(
    result: BenchmarkResult,
    films: Sequence[FilmedRecording],
    *,
    pose_model: str,
    on_progress: Callable[[str, int, int], None] | None = None,
    n_draws: int = N_DRAWS,
) -> BenchmarkResult:
    """Return a run of the index benchmark with what the model says of the same films when it has learnt from fewer.

    Parameters
    ----------
    films
        Of the held-out volunteers.
    pose_model
        Whose landmarks are judged.
    n_draws
        Of the bootstrap over people.
    """
    listed = [
        (StudyClip(one.recording.subject_id, one.shot.exercise.value, one.tracks[pose_model].pose, 0.0), pose_model)
        for one in films
    ]
    true = {one.recording.subject_id: one.index for one in films}
    asked = measure_people([(clip, model, true[clip.subject]) for clip, model in listed], on_progress=on_progress)
    known = shipped_people()
    n_filmed = len(np.unique(known.subject[known.is_filmed]))
    figures, rows = list(result.figures), list(result.rows)
    for size in (*(size for size in SIZES if size < n_filmed), n_filmed):
        group = f"learnt from {size} filmed people"
        readings = [
            reading
            for choice in range(N_CHOICES if size < n_filmed else 1)
            for reading in sessions_by(fit_model(fewer_people(known, size, choice=choice), seed=choice), asked, group)
        ]
        told = error_figures(group, readings, n_draws=n_draws)
        figures += told
        rows.append(row_of("curve", group, readings, told))
    return replace(result, figures=tuple(figures), rows=tuple(rows), notes=(*result.notes, CURVE_NOTE))


def fewer_people(people: MeasuredPeople, n_filmed: int, *, choice: int) -> MeasuredPeople:
    """Return the rows of so many filmed people, drawn by the number of the choice, and of all simulated ones."""
    filmed = np.unique(people.subject[people.is_filmed])
    kept = np.random.default_rng(choice).permutation(filmed)[:n_filmed]
    return people.where(np.isin(people.subject, kept) | ~people.is_filmed)


def sessions_by(model: FittedModel, asked: MeasuredPeople, group: str) -> list[IndexReading]:
    """Return each person's index: the mean over their exercises, weighted as the model weighs them."""
    said = model.predict(asked)
    weights = np.array([model.weights[Exercise(exercise)] for exercise in asked.exercise.tolist()])
    readings = []
    for subject in np.unique(asked.subject).tolist():
        mine = asked.subject == subject
        index = float(np.average(said[mine], weights=weights[mine]))
        readings.append(IndexReading(subject, group, float(asked.true[mine][0]), index))
    return readings
