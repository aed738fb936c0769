"""Film virtual volunteers into folders of clips with their truth, one folder a person. Knows nothing of BlazePose."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from backsight.errors import OutputError
from backsight.studio.filmed import Equipment, Shot, real_equipment
from backsight.studio.fingerprint import Fingerprint
from backsight.studio.truth_files import TRUTH_JSON, TRUTH_PARQUET, Take, write_truth
from backsight.studio.workers import Count

MANIFEST = "manifest.csv"
_STAMP = ".filmed.json"
"""Beside a person's clips: what they were made from, and the check sums by which an unfinished folder is told."""


@dataclass(frozen=True)
class ManifestRow:
    """One recording of a cohort."""

    subject: str
    exercise: str
    file: str
    """Path within the cohort's folder."""
    rating: float
    """0 most pain or stress to 100 least, with the noise of ratings."""
    index: float
    """True dysfunction, 0 best to 1 worst."""
    view_yaw_deg: float
    distance_m: float
    fps: float
    height_m: float


def film_volunteer(
    folder: Path,
    shots: Sequence[Shot],
    *,
    equipment: Equipment | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Film one volunteer's recordings into an existing folder: a clip an exercise, `truth.json`, `truth.parquet`.

    Parameters
    ----------
    shots
        All of one person, no two of one exercise.
    on_progress
        Called with (frames drawn, frames there are).

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    tools = equipment or real_equipment()
    performances = [shot.perform() for shot in shots]
    lengths = [len(performance.motion.timestamps_s) for performance in performances]
    takes = []
    for number, (shot, performance) in enumerate(zip(shots, performances, strict=True)):
        take = Take(shot, performance, file=f"{shot.exercise}.mp4")
        tools.write_clip(
            folder / take.file, shot, performance, _shifted(on_progress, sum(lengths[:number]), sum(lengths))
        )
        takes.append(take)
    write_truth(folder, takes)


def film_person(
    shots: Sequence[Shot],
    count: Count,
    /,
    *,
    folder: Path,
    fingerprint: Fingerprint,
    equipment: Equipment | None = None,
) -> None:
    """Film one person into a folder of their own within the cohort's; it appears under its name only when complete."""
    target = folder / person_folder(shots)
    staging = folder / f".{target.name}.partial-{os.getpid()}"
    try:
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        film_volunteer(staging, shots, equipment=equipment, on_progress=lambda _done, _total: count(1))
        (staging / _STAMP).write_text(json.dumps(_stamp(staging, shots, fingerprint)), encoding="utf-8")
        # What is there already is an earlier, unfinished or outdated folder of this cohort.
        shutil.rmtree(target, ignore_errors=True)
        staging.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; free space or choose another") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def is_person_filmed(folder: Path, shots: Sequence[Shot], *, now: Fingerprint) -> bool:
    """Whether a person's folder is there, whole, and what today's code would film."""
    target = folder / person_folder(shots)
    try:
        noted = json.loads((target / _STAMP).read_text(encoding="utf-8"))
        return bool(noted == _stamp(target, shots, now))
    except (OSError, ValueError):
        return False


def person_folder(shots: Sequence[Shot]) -> str:
    """Return the name of a person's folder."""
    return f"{shots[0].subject_index:05d}"


def by_person(shots: Sequence[Shot]) -> list[tuple[Shot, ...]]:
    """Group shots that are in the order of persons."""
    return [tuple(group) for _, group in groupby(shots, key=lambda shot: shot.subject_index)]


def write_manifest(folder: Path, rows: Sequence[ManifestRow]) -> None:
    """Write the cohort's table, whole or not at all.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    part = folder / f".{MANIFEST}.part"
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(ManifestRow.__dataclass_fields__))
            writer.writeheader()
            writer.writerows({name: _plain(value) for name, value in asdict(row).items()} for row in rows)
        part.replace(folder / MANIFEST)
    except OSError as error:
        raise OutputError(f"cannot write {folder / MANIFEST}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def manifest_row(shot: Shot, *, file: str) -> ManifestRow:
    """Return what the manifest says of a shot."""
    performance = shot.perform()
    volunteer = performance.volunteer
    return ManifestRow(
        subject=volunteer.subject_id,
        exercise=shot.exercise.value,
        file=file,
        rating=performance.rating,
        index=volunteer.dysfunction,
        view_yaw_deg=performance.view_yaw_deg,
        distance_m=performance.distance_m,
        fps=performance.fps,
        height_m=volunteer.body.height_m,
    )


def _stamp(folder: Path, shots: Sequence[Shot], fingerprint: Fingerprint) -> dict[str, object]:
    names = (*(f"{shot.exercise}.mp4" for shot in shots), TRUTH_JSON, TRUTH_PARQUET)
    return {
        "shots": [shot.name for shot in shots],
        "fingerprint": asdict(fingerprint),
        "sha256": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }


def _shifted(on_progress: Callable[[int, int], None] | None, offset: int, total: int) -> Callable[[int, int], None]:
    return lambda done, _total: on_progress(offset + done, total) if on_progress else None


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
