"""Film many recordings, on several processes, going on where an interrupted run stopped. Knows nothing of pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from backsight.domain.sequences import PoseTrack
from backsight.errors import (
    BacksightError,
    FilmingError,
    InputError,
    MissingDependencyError,
    ModelFileError,
    OutputError,
    ShotError,
)
from backsight.studio.cache import find_filmed, is_filmed, read_filmed, save_filmed, shot_path
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
"""Errors of the machine: every other shot would meet them, too, but for `ShotError`."""

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
    there: dict[Shot, FilmedRecording] = {}
    now = Fingerprint.of_package()

    def is_there(shot: Shot) -> bool:
        found = find_filmed(folder, shot, models=set(models), now=now)
        if found is not None:
            there[shot] = found
        return found is not None

    listed = _film_missing(
        shots,
        is_there,
        folder=folder,
        models=models,
        now=now,
        n_workers=n_workers,
        on_progress=on_progress,
        on_failure=on_failure,
        equipment=equipment,
    )
    return [there.get(shot) or read_filmed(shot_path(folder, shot), now=now) for shot in listed]


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
    now = Fingerprint.of_package()
    listed = _film_missing(
        shots,
        lambda shot: is_filmed(folder, shot, models=set(models), now=now),
        folder=folder,
        models=models,
        now=now,
        n_workers=n_workers,
        on_progress=on_progress,
        on_failure=on_failure,
        equipment=equipment,
    )
    return [shot_path(folder, shot) for shot in listed]


def _film_missing(
    shots: Sequence[Shot],
    is_there: Callable[[Shot], bool],
    *,
    folder: Path,
    models: Mapping[str, Path],
    now: Fingerprint,
    n_workers: int,
    on_progress: Progress | None,
    on_failure: OnFailure | None,
    equipment: Equipment | None,
) -> list[Shot]:
    """Film the shots that are not there and list all that are then; each file that is there is read only once."""
    _make_folder(folder)
    missing = [shot for shot in shots if not is_there(shot)]
    failed: set[Shot] = set()

    def note(shot: Shot, error: Exception) -> None:
        failed.add(shot)
        if on_failure:
            on_failure(shot, error)

    _run(
        missing,
        partial(_film, folder=folder, models=dict(models), fingerprint=now, equipment=equipment),
        n_units=(1 + len(models)) * _expected_frames(missing),
        n_workers=n_workers,
        on_progress=on_progress,
        on_failure=note if on_failure else None,
        name=_shot_name,
    )
    listed = [shot for shot in shots if shot not in failed]
    write_manifest(folder, [manifest_row(shot, file=shot_path(folder, shot).name) for shot in listed])
    return listed


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
        name=_person_name,
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
    name: Callable[[JobT], str],
) -> None:
    """Do every job; one that fails does not stop the others, unless the machine is at fault."""
    n_done = 0

    def show(done: int) -> None:
        nonlocal n_done
        n_done = done
        if on_progress:
            on_progress(done, max(done, n_units))

    first_failure: Exception | None = None
    for outcome in run_jobs(jobs, partial(_work_by_name, work=work, name=name), n_workers=n_workers, on_count=show):
        try:
            outcome.result()
        except BacksightError as error:
            if isinstance(error, ENDS_EVERYTHING) and not isinstance(error, ShotError):
                raise
            if on_failure:
                on_failure(outcome.job, error)
            first_failure = first_failure or error
    if first_failure is not None and on_failure is None:
        raise first_failure
    if on_progress:
        on_progress(n_done, n_done)


def _work_by_name(job: JobT, count: Count, /, *, work: Work[JobT, None], name: Callable[[JobT], str]) -> None:
    """Do a job; whatever it stumbles over says whose it was and can be sent between processes."""
    try:
        work(job, count)
    except BacksightError:
        raise
    except Exception as error:
        raise ShotError(
            f"{name(job)}: cannot be filmed ({type(error).__name__}: {error}); try once more, and report it with this "
            "name if it comes back"
        ) from error


def _shot_name(shot: Shot) -> str:
    return shot.name


def _person_name(person: Sequence[Shot]) -> str:
    return person_folder(person)


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
    earlier = find_filmed(folder, shot, models=set(), now=fingerprint)
    if earlier is not None:
        seen |= earlier.tracks
    bundles = {model: path for model, path in models.items() if model not in seen}
    filmed = film_recording(shot, bundles=bundles, equipment=equipment, on_tick=lambda _done, _total: count(1))
    # What was seen stays in the file: sending it between processes would cost more than reading it again.
    save_filmed(folder, replace(filmed, tracks={**seen, **filmed.tracks}), fingerprint=fingerprint)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}; choose another folder") from error
