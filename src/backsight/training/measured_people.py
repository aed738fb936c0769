"""People as the measures of their movements, small enough to ship where their films are not. Knows no model.

Rows are virtual people: filmed and seen by BlazePose, or simulated as landmarks with BlazePose's kind of noise.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import N_LANDMARKS
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import RATING_SCALE, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.features.summary import summarize
from backsight.network.kinematic import measures_of
from backsight.pipeline import prepare, while_present
from backsight.pose.quality_person import FOUND_USABLE
from backsight.scoring.measure import measure_exercise

SIMULATED = "simulated"
"""Source of people who were never filmed."""
SHIPPED = "virtual-people.npz"

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class MeasuredPeople:
    """One row a recording."""

    subject: NDArray[np.str_]
    """Shape (n_rows,)."""
    exercise: NDArray[np.str_]
    source: NDArray[np.str_]
    """BlazePose model that looked, or `SIMULATED`."""
    rated: FloatArray
    """The person's rating as an index, 0 best to 1 worst."""
    true: FloatArray
    """Dysfunction before the noise of rating."""
    measure_names: NDArray[np.str_]
    """Shape (n_measures,)."""
    measure_labels: NDArray[np.str_]
    """As reports call them; shape (n_measures,)."""
    measure_units: NDArray[np.str_]
    """Shape (n_measures,)."""
    measures: FloatArray
    """Shape (n_rows, n_measures); NaN = could not be measured, or not of this exercise."""
    summary_names: NDArray[np.str_]
    """Shape (n_numbers,)."""
    summaries: FloatArray
    """Shape (n_rows, n_numbers); all NaN for simulated people."""

    def where(self, chosen: NDArray[np.bool_]) -> MeasuredPeople:
        """Return some of the rows."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        by_row = {
            name: column[chosen]
            for name, column in columns.items()
            if not name.startswith("measure_") and name != "summary_names"
        }
        return MeasuredPeople(**(columns | by_row))

    @property
    def is_filmed(self) -> NDArray[np.bool_]:
        """Shape (n_rows,)."""
        return np.asarray(self.source != SIMULATED, dtype=np.bool_)


def shipped_people() -> MeasuredPeople:
    """Return the people whom the shipped model was fitted to."""
    return load_people(Path(str(resources.files("backsight.training").joinpath(SHIPPED))))


def measure_people(
    listed: Sequence[tuple[StudyClip, str, float]], *, on_progress: OnProgress | None = None
) -> MeasuredPeople:
    """Measure recordings as the road does, about a second each; those that hardly show anybody are left out.

    Parameters
    ----------
    listed
        Recording, BlazePose model that looked or `SIMULATED`, and true index.
    on_progress
        Called with (what, done, total).
    """
    rows = []
    for n_done, (clip, source, true) in enumerate(listed):
        if on_progress is not None:
            on_progress("Measuring people", n_done, len(listed))
        if clip.pose.has_person.mean() >= FOUND_USABLE:
            rows.append(_row(clip, source, float(true)))
    return people_of(rows)


Row = tuple[str, str, str, float, float, dict[str, float], dict[str, float]]
"""Subject, exercise, source, rated, true, measures, summary."""


def _row(clip: StudyClip, source: str, true: float) -> Row:
    present, measures = measure_clip(clip, pose_model="full" if source == SIMULATED else source)
    summary = {}
    if source != SIMULATED:
        told = summarize(present)
        summary = dict(zip(told.names, told.values.tolist(), strict=True))
    return clip.subject, clip.exercise, source, RATING_SCALE.to_index(clip.score), true, measures, summary


def measure_clip(clip: StudyClip, *, pose_model: str) -> tuple[PoseSequence, dict[str, float]]:
    """Return the part of a recording in which the person is present, and what the model reads of it, by name."""
    prepared = prepare(clip.pose)
    present = while_present(prepared.filtered)
    measured = measure_exercise(prepared.filtered, exercise=Exercise(clip.exercise), pose_model=pose_model)
    return present, measures_of(measured.measurements)


def rows_of(people: MeasuredPeople) -> list[Row]:
    """Return people's rows as `people_of` takes them, so that others can be added."""
    measure_names, summary_names = people.measure_names.tolist(), people.summary_names.tolist()
    return [
        (
            str(people.subject[at]),
            str(people.exercise[at]),
            str(people.source[at]),
            float(people.rated[at]),
            float(people.true[at]),
            dict(zip(measure_names, people.measures[at].tolist(), strict=True)),
            dict(zip(summary_names, people.summaries[at].tolist(), strict=True)),
        )
        for at in range(len(people.subject))
    ]


def measure_words() -> dict[str, tuple[str, str]]:
    """Return each measure's label and unit, as the measures themselves say them of a recording that shows nobody."""
    nobody = np.full((2, N_LANDMARKS, 3), np.nan)
    nothing = np.full((2, N_LANDMARKS), np.nan)
    pose = PoseSequence(nobody, nobody, nothing, nothing, np.array([0.0, 1.0]), (2, 2))
    words = {}
    for exercise in Exercise:
        for item in measure_exercise(pose, exercise=exercise, pose_model="full").measurements:
            words[item.name] = (item.label, item.unit)
    return words


def people_of(rows: Sequence[Row]) -> MeasuredPeople:
    """Put rows with measures by name into columns."""
    words = measure_words()
    measure_names = list(dict.fromkeys(name for row in rows for name in row[5]))
    summary_names = list(dict.fromkeys(name for row in rows for name in row[6]))

    def table(at: int, names: Sequence[str]) -> FloatArray:
        values = [[row[at].get(name, np.nan) for name in names] for row in rows]  # type: ignore[union-attr]
        # Single precision: what ships is what was fitted to.
        return np.array(values, dtype=np.float32).astype(np.float64)

    return MeasuredPeople(
        subject=np.array([row[0] for row in rows]),
        exercise=np.array([row[1] for row in rows]),
        source=np.array([row[2] for row in rows]),
        rated=np.array([row[3] for row in rows]),
        true=np.array([row[4] for row in rows]),
        measure_names=np.array(measure_names),
        measure_labels=np.array([words[name][0] for name in measure_names]),
        measure_units=np.array([words[name][1] for name in measure_names]),
        measures=table(5, measure_names),
        summary_names=np.array(summary_names),
        summaries=table(6, summary_names),
    )


def save_people(path: Path, people: MeasuredPeople) -> None:
    """Write people as one compressed file."""
    columns = {field.name: getattr(people, field.name) for field in fields(people)}
    small = {name: columns[name].astype(np.float32) for name in ("measures", "summaries")}
    with path.open("wb") as file:
        np.savez_compressed(file, **(columns | small))


def load_people(path: Path) -> MeasuredPeople:
    """Read what `save_people` wrote.

    Raises
    ------
    InputError
        When the file is missing or is something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            columns = {field.name: stored[field.name] for field in fields(MeasuredPeople)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: expected people's measures, got something else ({error}); make it again") from error
    wide = {name: columns[name].astype(np.float64) for name in ("measures", "summaries")}
    return MeasuredPeople(**(columns | wide))
