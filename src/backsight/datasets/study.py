"""Read and write a study: a table of scored clips beside their landmarks. Knows nothing of videos or learning.

The format is described in docs/studies.md.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backsight.datasets.study_rows import COLUMNS, ScaleHint, StudyRow, StudyRows, read_rows
from backsight.datasets.table import PART_BEHIND_NAME, Table, raise_mistakes
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import (
    RATING_SCALE,
    FoundBy,
    Study,
    StudyClip,
    count_finders,
    describe_finders,
    whatever_ran_it,
)
from backsight.errors import InputError
from backsight.exports.folder import FolderKind, staged_folder
from backsight.exports.landmarks import pack_clip_landmarks, read_poses, told_of


@dataclass(frozen=True, eq=False)
class FoundPose:
    """Landmarks, and what found them."""

    pose: PoseSequence
    found_by: FoundBy
    is_unusable: bool = False
    """Whether it was judged so as the landmarks were found: an assessment would refuse the recording."""


Extract = Callable[[Path], FoundPose]
"""Finds the landmarks of a recording; raises `InputError` where it cannot."""

MANIFEST_NAME = "study.csv"
STUDY_FOLDER = FolderKind(MANIFEST_NAME, (MANIFEST_NAME, "landmarks"))
"""What `write_study` writes."""
FEWEST_FRAMES = 3
"""Of a clip that is learnt from: with fewer there is no acceleration."""
_SHOWN_ROWS = 5
_PART_COLUMNS = ("start", "end", "crop")
_WHOLE = "a study's row is a whole recording, so cut the film first"


def landmarks_beside(manifest: Path) -> Path:
    """Return the folder in which the landmarks of a manifest's recordings are looked for."""
    return manifest.with_name(f"{manifest.stem}-landmarks")


def read_study(
    manifest: Path,
    *,
    extract: Extract | None = None,
    scale: ScaleHint | None = None,
    source: str = "",
    may_ship: bool = False,
) -> Study:
    """Read a study from its manifest.

    Parameters
    ----------
    manifest
        CSV or Parquet; see docs/studies.md.
    extract
        Finds the landmarks of rows that name a recording and no landmarks. None = they are looked for where
        `landmarks_beside` says.
    scale
        What `score` means, where the table does not tell.
    source
        Citation and licence, where the table does not tell.
    may_ship
        Whether weights learnt from it may be passed on.

    Raises
    ------
    InputError
        When the table or a file that it names cannot be read; it names the first ten mistakes by row and column.
    """
    file = Table.of_file(manifest)
    table = read_rows(file, required=("subject", "exercise"), hint=scale or ScaleHint())
    mistakes = [
        *table.mistakes,
        *_without_files(table.rows),
        *_parts(table.rows, manifest.parent),
        *_named_twice(table.rows),
    ]
    if mistakes:
        # All at once, so that nobody mends the table only to learn that files are wrong, too.
        _read_clips([row for row in table.rows if row.landmarks], manifest, None, mistakes)
    recordings = [row for row in table.rows if not row.landmarks]
    if recordings and extract is None:
        extract = _extracted_beside(manifest, recordings)
    clips, unusable = _read_clips(table.rows, manifest, extract, [])
    return Study(
        name=manifest.stem,
        clips=clips,
        scale=table.scale,
        source=table.source or source,
        may_ship=may_ship,
        notes=(
            *file.notes,
            *_note_parts(table),
            *notes_on(clips),
            *note_unusable(unusable, n_clips=len(clips)),
        ),
    )


def notes_on(clips: Sequence[StudyClip]) -> tuple[str, ...]:
    """Return what whoever reads a study should know of its landmarks; nothing where there is nothing to know."""
    return (*_note_mixed_finders(clips), *_note_same_landmarks(clips))


def note_unusable(names: Sequence[str], *, n_clips: int) -> tuple[str, ...]:
    """Return a note where clips are learnt from that an assessment would refuse; `names` are these clips'."""
    if not names:
        return ()
    return (
        f"{len(names)} of {n_clips} clips with a row were judged unusable as they were extracted, such as {names[0]} "
        "(quality.parquet says why): they are learnt from all the same, and `assess` would refuse such recordings; "
        "leave them out with the column `exclude`",
    )


def _note_parts(table: StudyRows) -> tuple[str, ...]:
    """Return a note where columns seem to name parts of recordings, as the manifests of `extract` do."""
    columns = [name for name in table.unknown_columns if name in _PART_COLUMNS]
    if not columns:
        return ()
    return (f"{', '.join(f'`{name}`' for name in columns)}: not read; {_WHOLE}",)


def _note_same_landmarks(clips: Sequence[StudyClip]) -> tuple[str, ...]:
    """Return a note where recordings of several subjects are one; they would stand on both sides of a fold."""
    subjects: dict[bytes, set[str]] = {}
    for clip in clips:
        digest = hashlib.sha256(clip.pose.world_m.tobytes()).digest()
        subjects.setdefault(digest, set()).add(clip.subject)
    shared = [sorted(some) for some in subjects.values() if len(some) > 1]
    if not shared:
        return ()
    told = f"{len(shared)} recordings are" if len(shared) > 1 else "a recording is"
    return (
        f"{told} given as of several subjects, such as {' and '.join(shared[0])}, with the same landmarks: learners "
        "would be judged on what they have learnt from; give a person one name",
    )


def _note_mixed_finders(clips: Sequence[StudyClip]) -> tuple[str, ...]:
    """Return a note where landmarks were not all found by the same, as far as their files say; otherwise nothing."""
    counted = whatever_ran_it(count_finders(clips))
    if len(counted) < 2:
        return ()
    return (
        f"the landmarks were found by {describe_finders(counted)}, and each finds others for the same movement: what "
        "is learnt may be that difference, and the figures are of the mixture; extract all recordings with one "
        "`--pose-model`",
    )


def write_study(study: Study, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a study as a manifest, study.csv, and a file of landmarks for each clip.

    Parameters
    ----------
    folder
        Where; its parent must exist.
    overwrite
        Whether an earlier study there may be replaced.

    Returns
    -------
    Path
        The manifest. Reading it gives the same study, positions in float32 precision; whether weights may be passed on
        is not noted.

    Raises
    ------
    OutputError
        When the folder is taken or cannot be written; nothing is left then.
    """
    with staged_folder(folder, overwrite=overwrite, kind=STUDY_FOLDER) as staging:
        (staging / "landmarks").mkdir()
        with (staging / MANIFEST_NAME).open("w", encoding="utf-8", newline="") as file:
            constants = _constants(study)
            score_column = "score" if constants["score_best"] else "rating"
            writer = csv.DictWriter(file, [name for name in COLUMNS if name in _written(score_column)])
            writer.writeheader()
            for number, clip in enumerate(study.clips, start=1):
                landmarks = f"landmarks/{number:05d}.parquet"
                (staging / landmarks).write_bytes(_packed(clip, key=f"{number:05d}"))
                row = {
                    name: getattr(clip, name) for name in ("subject", "exercise", "group", "view", "session", "name")
                }
                score = repr(float(clip.score)) if clip.is_scored else ""
                known = constants if score_column == "score" else {"source": study.source}
                writer.writerow({**row, **known, "landmarks": landmarks, score_column: score})
    return folder / MANIFEST_NAME


def _constants(study: Study) -> dict[str, str]:
    """Return what all rows share; no scale where it is the rating's."""
    scale = study.scale
    if scale == RATING_SCALE:
        return {"score_best": "", "source": study.source}
    return {
        "score_best": repr(scale.best),
        "score_worst": repr(scale.worst),
        "score_unit": scale.unit,
        "score_binary": "yes" if scale.is_binary else "no",
        "source": study.source,
    }


def _written(score_column: str) -> set[str]:
    left_out = {"recording", "height_cm", "exclude", "rating", "score"} - {score_column}
    if score_column == "rating":
        left_out |= {"score_best", "score_worst", "score_unit", "score_binary"}
    return set(COLUMNS) - left_out


def _packed(clip: StudyClip, *, key: str) -> bytes:
    return pack_clip_landmarks(clip.pose, key=key, key_meaning="the file's name", about=told_of(clip.found_by))


def _read_clips(
    rows: Sequence[StudyRow], manifest: Path, extract: Extract | None, mistakes: list[str]
) -> tuple[tuple[StudyClip, ...], tuple[str, ...]]:
    """Return the rows' clips, and the names of the unusable; raise the mistakes that are known, and the files'."""
    clips: list[StudyClip] = []
    unusable: list[str] = []
    for row in rows:
        column = "landmarks" if row.landmarks else "recording"
        try:
            if extract is None or row.landmarks:
                found = _pose_of(manifest.parent / row.landmarks, row.exercise)
            else:
                found = extract(manifest.parent / row.recording)
            check_learnable_pose(found.pose)
        except InputError as error:
            mistakes.append(f"row {row.number}, column `{column}`: {error}")
        else:
            clips.append(clip_of(row, found, name=row.landmarks or row.recording))
            if found.is_unusable:
                unusable.append(clips[-1].name)
    raise_mistakes(manifest.name, mistakes)
    return tuple(clips), tuple(unusable)


def check_learnable_pose(pose: PoseSequence) -> None:
    """Raise `InputError` when nothing can be learnt from landmarks: too few frames, nobody in them, or infinite."""
    if pose.n_frames < FEWEST_FRAMES:
        raise InputError(
            f"expected {FEWEST_FRAMES} frames or more, got {pose.n_frames}; leave the row out with `exclude`"
        )
    if not np.isfinite(pose.world_m).all(axis=2).any():
        raise InputError(
            f"expected landmarks of a person, got none in {pose.n_frames} frames; leave the row out with `exclude`"
        )
    if any(np.isinf(values).any() for values in (pose.image_px, pose.world_m, pose.visibility, pose.presence)):
        raise InputError("expected numbers, or nothing where a landmark is missing, got infinity; write the file anew")


def clip_of(row: StudyRow, found: FoundPose, *, name: str) -> StudyClip:
    """Put a row and its landmarks together; `name` is for a row without one."""
    return StudyClip(
        subject=row.subject,
        exercise=row.exercise,
        pose=found.pose,
        score=row.score,
        group=row.group,
        view=row.view,
        session=row.session,
        name=row.name or name,
        found_by=found.found_by,
    )


def _pose_of(path: Path, exercise: str) -> FoundPose:
    """Return the landmarks of an exercise from a file that may hold a whole session."""
    stored = read_poses(path)
    poses = stored.by_exercise
    if exercise in poses:
        return FoundPose(poses[exercise], stored.found_by)
    (first, pose), *others = poses.items()
    # Whoever gives exercises names of their own has one in each file.
    if not others and (first == "" or exercise not in list(Exercise)):
        return FoundPose(pose, stored.found_by)
    raise InputError(f"{path}: expected the landmarks of `{exercise}`, got {', '.join(poses)}")


def _without_files(rows: Sequence[StudyRow]) -> list[str]:
    return [
        f"row {row.number}, column `landmarks`: expected a file of landmarks, or a video in `recording`, got nothing"
        for row in rows
        if not row.landmarks and not row.recording
    ]


def _parts(rows: Sequence[StudyRow], folder: Path) -> list[str]:
    """Say where a recording's part is named behind it, as `assess` takes it."""
    return [
        f"row {row.number}, column `recording`: expected a video, got `{part[0]}` behind its name; {_WHOLE}"
        for row in rows
        if (part := PART_BEHIND_NAME.search(row.recording)) and not (folder / row.recording).exists()
    ]


def _named_twice(rows: Sequence[StudyRow]) -> list[str]:
    first: dict[tuple[str, str], StudyRow] = {}
    mistakes = []
    for row in rows:
        for column in ("landmarks", "recording"):
            path = getattr(row, column)
            earlier = first.setdefault((f"{column} {os.path.normpath(path)}", row.exercise), row) if path else row
            if earlier is not row:
                mistakes.append(
                    f"row {row.number}, column `{column}`: expected a file of its own for {row.exercise}, got that of "
                    f"row {earlier.number}" + (f"; {_WHOLE}" if column == "recording" else "")
                )
    return mistakes


def _extracted_beside(manifest: Path, rows: Sequence[StudyRow]) -> Extract:
    """Return what finds landmarks in the folder beside the manifest, or say how to make that folder."""
    from backsight.datasets.extracted import find_extracted

    folder = landmarks_beside(manifest)
    if folder.is_dir():
        return find_extracted(folder)
    paths: list[Path] = [manifest.parent / row.recording for row in rows]
    raise_mistakes(
        manifest.name,
        [
            f"row {row.number}, column `recording`: expected a video, got {row.recording}, which is not there"
            for row, path in zip(rows, paths, strict=True)
            if not path.is_file()
        ],
    )
    place = os.path.commonpath([path if len(paths) == 1 else path.parent for path in paths])
    numbers = ", ".join(str(row.number) for row in rows[:_SHOWN_ROWS])
    command = shlex.join(["backsight", "extract", place, "--out", str(folder)])
    raise InputError(
        f"{manifest.name}: expected landmarks for {len(rows)} recordings (rows {numbers}"
        f"{', ...' if len(rows) > _SHOWN_ROWS else ''}), got videos only; make them first, then run this "
        f"again: {command}"
    )
