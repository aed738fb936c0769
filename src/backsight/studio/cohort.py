"""Film many recordings, on several processes, going on where an interrupted run stopped. Knows nothing of pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from backsight.domain.sequences import PoseTrack
from backsight.errors import FilmingError, InputError, MissingDependencyError, ModelFileError, OutputError
from backsight.studio.cache import is_filmed, read_filmed, save_filmed, shot_path
from backsight.studio.filmed import Equipment, FilmedRecording, Shot, film_recording
from backsight.studio.fingerprint import Fingerprint
from backsight.studio.volunteers import (
    ManifestRow,
    by_person,
    film_person,
    is_person_filmed,
    manifest_row,
    person_folder,
    write_manifest,
)
from backsight.studio.workers import Count, Work, run_jobs

ENDS_EVERYTHING = (FilmingError, OutputError, ModelFileError, MissingDependencyError)
"""Errors of the machine: every other shot would meet them, too."""

COHORT_NOTE = "cohort.json"
"""The file by which a cohort's folder is known."""
N_TIMED = 40
"""Shots that are acted out beforehand to know how long they are."""

Progress = Callable[[int, int], None]
"""Called with (units of work done, units there are); the second figure is an estimate."""
OnFailure = Callable[[Shot, Exception], None]
JobT = TypeVar("JobT")


def film_cohort(
    shots: Sequence[Shot],
    *,
    folder: Path,
    models: Mapping[str, Path],
    n_workers: int = 1,
    on_progress: Progress | None = None,
    on_failure: OnFailure | None = None,
    equipment: Equipment | None = None,
) -> list[FilmedRecording]:
    """Film every shot that is not there yet, and return all of them in the order of `shots`.

    See `film_shots`, which does the same without reading everything at the end.
    """
    paths = film_shots(
        shots,
        folder=folder,
        models=models,
        n_workers=n_workers,
        on_progress=on_progress,
        on_failure=on_failure,
        equipment=equipment,
    )
    now = Fingerprint.of_package()
    return [read_filmed(path, now=now) for path in paths]


def film_shots(
    shots: Sequence[Shot],
    *,
    folder: Path,
    models: Mapping[str, Path],
    n_workers: int = 1,
    on_progress: Progress | None = None,
    on_failure: OnFailure | None = None,
    equipment: Equipment | None = None,
) -> list[Path]:
    """Film every shot that is not there yet; returns the files of all that are there, in the order of `shots`.

    Each recording is written as soon as it is finished, so that an interrupted run loses only what was being filmed.
    `manifest.csv` lists them at the end.

    Parameters
    ----------
    shots
        What to film; no two alike.
    folder
        Where the recordings are kept; made when missing. See `cache.load_filmed`.
    models
        BlazePose's files by model name; all of them see the same frames. What other models saw before is kept.
    n_workers
        Processes, each with one core and about 1 GB.
    on_progress
        Called several times a second with frames drawn and looked at, and about how many there are.
    on_failure
        Called with a shot that could not be filmed and why; the others go on. None = the first such error is raised
        when the others are done.

    Raises
    ------
    OutputError, ModelFileError, MissingDependencyError, FilmingError
        What would meet every shot ends the cohort at once.
    """
    _make_folder(folder)
    now = Fingerprint.of_package()
    missing = [shot for shot in shots if not is_filmed(folder, shot, models=set(models), now=now)]
    work = partial(_film, folder=folder, models=dict(models), fingerprint=now, equipment=equipment)
    _run(
        missing,
        work,
        n_units=(1 + len(models)) * _expected_frames(missing),
        n_workers=n_workers,
        on_progress=on_progress,
        on_failure=on_failure,
    )
    failed = {shot for shot in missing if not is_filmed(folder, shot, models=set(models), now=now)}
    there = [shot for shot in shots if shot not in failed]
    paths = [shot_path(folder, shot) for shot in there]
    write_manifest(folder, [manifest_row(shot, file=path.name) for shot, path in zip(there, paths, strict=True)])
    return paths


def film_people(
    shots: Sequence[Shot],
    *,
    folder: Path,
    n_workers: int = 1,
    on_progress: Progress | None = None,
    on_failure: OnFailure | None = None,
    equipment: Equipment | None = None,
) -> list[ManifestRow]:
    """Film clips with their truth, a folder a person, and a table of all that is there; goes on where it stopped.

    Parameters
    ----------
    shots
        What to film, person by person.
    folder, n_workers, on_progress, on_failure
        See `film_cohort`; a failure is told of a person's first shot, and the whole person is left out.

    Returns
    -------
    list
        The manifest, which `manifest.csv` in `folder` holds, too.
    """
    _make_folder(folder)
    now = Fingerprint.of_package()
    people = by_person(shots)
    missing = [person for person in people if not is_person_filmed(folder, person, now=now)]
    work = partial(film_person, folder=folder, fingerprint=now, equipment=equipment)
    _run(
        missing,
        work,
        n_units=_expected_frames([shot for person in missing for shot in person]),
        n_workers=n_workers,
        on_progress=on_progress,
        on_failure=(lambda person, error: on_failure(person[0], error)) if on_failure else None,
    )
    rows = [
        manifest_row(shot, file=f"{person_folder(person)}/{shot.exercise}.mp4")
        for person in people
        if is_person_filmed(folder, person, now=now)
        for shot in person
    ]
    write_manifest(folder, rows)
    return rows


def _run(
    jobs: Sequence[JobT],
    work: Work[JobT, None],
    *,
    n_units: int,
    n_workers: int,
    on_progress: Progress | None,
    on_failure: Callable[[JobT, Exception], None] | None,
) -> None:
    """Do every job; one that fails does not stop the others, unless the machine is at fault."""
    n_done = 0

    def show(done: int) -> None:
        nonlocal n_done
        n_done = done
        if on_progress:
            on_progress(done, max(done, n_units))

    first_failure: Exception | None = None
    for outcome in run_jobs(jobs, work, n_workers=n_workers, on_count=show):
        try:
            outcome.result()
        except ENDS_EVERYTHING:
            raise
        except Exception as error:  # noqa: BLE001  (whatever one film stumbles over must not lose the others)
            if on_failure:
                on_failure(outcome.job, error)
            first_failure = first_failure or error
    if first_failure is not None and on_failure is None:
        raise first_failure
    if on_progress:
        on_progress(n_done, n_done)


def check_cohort_folder(folder: Path, *, seed: int, landmarks_only: bool) -> None:
    """Make a cohort's folder and note what it is for, or refuse one that holds something else.

    Raises
    ------
    InputError
        When the folder holds another cohort, another kind of it, or files of somebody else's.
    OutputError
        When it cannot be written.
    """
    _make_folder(folder)
    wanted = {"schema": "backsight.cohort", "seed": seed, "landmarks_only": landmarks_only}
    note = folder / COHORT_NOTE
    try:
        if not note.exists():
            if any(folder.iterdir()):
                raise InputError(f"{folder}: holds files but no {COHORT_NOTE}, so no cohort; choose another folder")
            note.write_text(json.dumps(wanted) + "\n", encoding="utf-8")
            return
        held = json.loads(note.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; choose another folder") from error
    except ValueError as error:
        raise InputError(f"{note}: is damaged; choose another folder") from error
    if held != wanted:
        raise InputError(
            f"{folder}: holds another cohort ({_told(held)}), wanted {_told(wanted)}; choose another folder"
        )


def _told(note: Mapping[str, object]) -> str:
    return f"seed {note.get('seed')}, {'landmarks only' if note.get('landmarks_only') else 'clips'}"


def _expected_frames(shots: Sequence[Shot]) -> int:
    """Return about how many frames the shots have together, from some: acting all of them out takes too long."""
    if not shots:
        return 0
    every = max(1, len(shots) // N_TIMED)
    lengths = [len(shot.perform().motion.timestamps_s) for shot in shots[::every]]
    return round(len(shots) * sum(lengths) / len(lengths))


def _film(
    shot: Shot,
    count: Count,
    /,
    *,
    folder: Path,
    models: Mapping[str, Path],
    fingerprint: Fingerprint,
    equipment: Equipment | None,
) -> None:
    seen: dict[str, PoseTrack] = {}
    if is_filmed(folder, shot, models=set(), now=fingerprint):
        seen |= read_filmed(shot_path(folder, shot), now=fingerprint).tracks
    bundles = {model: path for model, path in models.items() if model not in seen}
    filmed = film_recording(shot, bundles=bundles, equipment=equipment, on_tick=lambda _done, _total: count(1))
    # What was seen stays in the file: sending it between processes would cost more than reading it again.
    save_filmed(folder, replace(filmed, tracks={**seen, **filmed.tracks}), fingerprint=fingerprint)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; choose another folder") from error
