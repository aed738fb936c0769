"""Read a folder of `backsight extract` or `backsight batch` as a study. Knows nothing of how it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from backsight.datasets.study import Extract, FoundPose, check_learnable_pose, clip_of, note_unusable, notes_on
from backsight.datasets.study_rows import ScaleHint, StudyRow, StudyRows, read_rows
from backsight.datasets.table import Table, raise_mistakes
from backsight.domain.assessment import QualityVerdict
from backsight.domain.study import Study, StudyClip
from backsight.errors import InputError
from backsight.exports.landmarks import read_poses

CLIPS_NAME = "clips.parquet"
RATINGS_NAMES = ("ratings.csv", "ratings.parquet")
"""Where ratings are looked for in such a folder."""
_NEEDED = ("file", "subject", "session", "exercise", "status", "reason", "landmarks_file")


def find_extracted(folder: Path) -> Extract:
    """Return what finds a recording's landmarks in a results folder.

    A recording is known by the end of its path: the table names it relative to what `extract` was given.

    Raises
    ------
    InputError
        When the folder's table cannot be read.
    """
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for clip in _read_table(folder):
        by_name.setdefault(PurePosixPath(clip["file"]).name, []).append(clip)

    def find(recording: Path) -> FoundPose:
        parts = recording.resolve().parts
        fitting = [
            (len(ending), clip)
            for clip in by_name.get(recording.name, [])
            if parts[-len(ending := PurePosixPath(clip["file"]).parts) :] == ending
        ]
        longest = max((length for length, _ in fitting), default=0)
        best = [clip for length, clip in fitting if length == longest]
        if len(best) != 1:
            raise InputError(
                f"{recording.name}: expected one clip of it in {folder}, got {len(best) or 'none'}; "
                "extract the recordings again into a new folder"
            )
        return _landmarks(folder, best[0])

    return find


def read_extracted(
    folder: Path,
    *,
    ratings: Path | None = None,
    scale: ScaleHint | None = None,
    source: str = "",
    may_ship: bool = False,
) -> Study:
    """Read all clips of a results folder that was made from a manifest, and join their scores.

    Parameters
    ----------
    folder
        What `backsight extract` or `backsight batch` filled.
    ratings
        Table with columns subject, exercise, where needed session, and rating or score; the other columns are those of
        a study's manifest. None = ratings.csv or ratings.parquet in the folder.
    scale, source, may_ship
        As in `read_study`.

    Returns
    -------
    Study
        Clips that failed, and excluded rows' clips, are left out; clips without a row are unscored.

    Raises
    ------
    InputError
        When a table or a file of landmarks cannot be read, or a row belongs to no clip or two rows to the same one.
    """
    ratings = ratings or _find_ratings(folder)
    table = Table.of_file(ratings)
    rows = read_rows(table, required=("subject", "exercise"), hint=scale or ScaleHint())
    clips = _read_table(folder)
    if not any(clip["subject"] and clip["exercise"] for clip in clips):
        raise InputError(
            f"{folder}: expected clips that say whose they are, got only recordings; extract them from a manifest with "
            "columns subject, exercise and path"
        )
    found = _join(rows, clips, folder=folder, table=table)
    names = _key_names(table)
    left_out = {_key(line.values, names) for line in table} - set(found)
    done = [clip for clip in clips if clip["status"] == "done" and _key(clip, names) not in left_out]
    told = [(_clip(folder, clip, row), row) for clip in done for row in (found.get(_key(clip, names)),)]
    raise_mistakes(
        table.name, [f"row {row.number}: {why}" for clip, row in told if row and (why := _unlearnable(clip))]
    )
    clips_told = tuple(clip for clip, _ in told)
    return Study(
        name=folder.resolve().name,
        clips=clips_told,
        scale=rows.scale,
        source=rows.source or source,
        may_ship=may_ship,
        notes=(
            *table.notes,
            *notes_on(clips_told),
            *note_unusable(
                [clip["file"] for clip in done if _is_unusable(clip) and found.get(_key(clip, names))],
                n_clips=sum(row is not None for _, row in told),
            ),
        ),
    )


def _unlearnable(clip: StudyClip) -> str:
    """Return why nothing can be learnt from a clip; empty = something can."""
    try:
        check_learnable_pose(clip.pose)
    except InputError as error:
        return str(error)
    return ""


def _join(
    rows: StudyRows, clips: Sequence[Mapping[str, Any]], *, folder: Path, table: Table
) -> dict[tuple[str, ...], StudyRow]:
    """Return the row of each clip by what both are known by; raise what is wrong with the rows."""
    names = _key_names(table)
    n_clips = Counter(_key(clip, names) for clip in clips)
    found: dict[tuple[str, ...], StudyRow] = {}
    mistakes = list(rows.mistakes)
    for row in rows.rows:
        key = _key(vars(row), names)
        if n_clips[key] != 1:
            remedy = "; tell them apart by a column `session` in both tables" if n_clips[key] else ""
            mistakes.append(
                f"row {row.number}: expected one clip of {' '.join(key)} in {folder}, got "
                f"{n_clips[key] or 'none'}{remedy}"
            )
        if found.setdefault(key, row) is not row:
            mistakes.append(
                f"row {row.number}: expected each clip once, got {' '.join(key)} of row {found[key].number}"
            )
    raise_mistakes(table.name, mistakes)
    return found


def _find_ratings(folder: Path) -> Path:
    for name in RATINGS_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"{folder}: expected {' or '.join(RATINGS_NAMES)} with columns subject, exercise and rating or score, found "
        "none; put it there, or name it with --ratings"
    )


def _key_names(table: Table) -> tuple[str, ...]:
    """Return the columns by which a row and a clip are one."""
    return ("subject", "exercise", "session") if "session" in table.columns else ("subject", "exercise")


def _key(values: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(values.get(name) or "" for name in names)


def _clip(folder: Path, clip: Mapping[str, Any], row: StudyRow | None) -> StudyClip:
    name = PurePosixPath(clip["file"]).name
    found = _landmarks(folder, clip)
    if row is None:
        return StudyClip(
            subject=clip["subject"] or "",
            exercise=clip["exercise"] or "",
            pose=found.pose,
            score=float("nan"),
            session=clip["session"] or "",
            name=name,
            found_by=found.found_by,
        )
    return clip_of(replace(row, session=clip["session"] or ""), found, name=name)


def _landmarks(folder: Path, clip: Mapping[str, Any]) -> FoundPose:
    if clip["status"] != "done":
        raise InputError(
            f"{clip['file']}: {clip['reason'] or 'has not been looked at yet: run the same command again'}"
        )
    stored = read_poses(folder / clip["landmarks_file"])
    return FoundPose(next(iter(stored.by_exercise.values())), stored.found_by, is_unusable=_is_unusable(clip))


def _is_unusable(clip: Mapping[str, Any]) -> bool:
    return bool(clip.get("quality") == QualityVerdict.UNUSABLE)


def _read_table(folder: Path) -> Sequence[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / CLIPS_NAME
    try:
        rows: Sequence[Mapping[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected the table of `backsight extract`, got: {error}") from error
    missing = [name for name in _NEEDED if rows and name not in rows[0]]
    if missing or not rows:
        raise InputError(
            f"{path}: expected the table of `backsight extract`, got "
            f"{'no clips' if not rows else 'no columns ' + ', '.join(missing)}"
        )
    return rows
