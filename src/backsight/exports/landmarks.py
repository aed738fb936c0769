"""Write landmarks as one Parquet table, a row a frame and landmark, and read them back. Knows nothing of videos.

The table is long ("tidy"): filtering by landmark, grouping by exercise or joining with other data needs no reshaping in
pandas, polars, DuckDB or R, and dictionary encoding makes the repeated names cost next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from backsight.domain.assessment import NO_DIAGNOSIS, Assessment
from backsight.domain.landmarks import LANDMARK_NAMES, N_LANDMARKS
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import FoundBy
from backsight.domain.validation import FloatArray
from backsight.errors import InputError
from backsight.exports.folder import output_error

LANDMARKS_SCHEMA_VERSION = "1.1"
METADATA_KEY = b"backsight"
"""Key of the Parquet metadata entry that holds units, axes and frame sizes, as JSON."""

_POSITION_COLUMNS = ("x_px", "y_px", "z_px", "x_m", "y_m", "z_m")
_CONFIDENCE_COLUMNS = ("visibility", "presence")

COLUMN_MEANINGS = {
    "exercise": "touch-toes, walk or jump",
    "frame": "frame of the recording as analysed, counted from 0",
    "timestamp_s": "seconds since the recording's first frame",
    "landmark": "BlazePose landmark; left and right are the person's own",
    "x_px": "to the right, pixels of the analysed frame; null = missing",
    "y_px": "down, pixels of the analysed frame; null = missing",
    "z_px": "away from the camera, in x's scale, 0 at the hips; null = missing",
    "x_m": "to the image's right, metres from the hip centre; null = missing",
    "y_m": "down, metres from the hip centre; null = missing",
    "z_m": "away from the camera, metres from the hip centre; null = missing",
    "visibility": "probability that the landmark is in view and not hidden; 0 where no person was found",
    "presence": "probability that the landmark lies inside the frame; 0 where no person was found",
}
"""What each column holds, in the order of the table."""

CLIP_LANDMARKS_VERSION = "1.0"
_NAMES = pa.dictionary(pa.int8(), pa.string())
_POSE_FIELDS: list[pa.Field[Any]] = [
    pa.field("frame", pa.int32(), nullable=False),
    # float64: a float32 second counter would round neighbouring frames of a long recording differently.
    pa.field("timestamp_s", pa.float64(), nullable=False),
    pa.field("landmark", _NAMES, nullable=False),
    *(pa.field(name, pa.float32()) for name in _POSITION_COLUMNS),
    *(pa.field(name, pa.float32(), nullable=False) for name in _CONFIDENCE_COLUMNS),
]
"""What is known of each frame and landmark; `COLUMN_MEANINGS` says what each column holds."""
_FIELDS: list[pa.Field[Any]] = [pa.field("exercise", _NAMES, nullable=False), *_POSE_FIELDS]
_CLIP_FIELD = pa.field("clip", _NAMES, nullable=False)


@dataclass(frozen=True, eq=False)
class StoredPoses:
    """What a file of landmarks holds."""

    by_exercise: dict[str, PoseSequence]
    """{exercise: landmarks}; a file of one clip does not say which exercise it is: {"": landmarks}."""
    found_by: FoundBy
    """What found them, as far as the file says."""


def write_landmarks(path: Path, assessment: Assessment) -> None:
    """Write the filtered landmarks of every exercise at the recordings' own times.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    schema = pa.schema(_FIELDS, metadata={METADATA_KEY: json.dumps(_metadata(assessment)).encode()})
    tables = [_table(part.pose, exercise=part.exercise, schema=schema) for part in assessment.exercises]
    try:
        pq.write_table(pa.concat_tables(tables or [schema.empty_table()]), path, compression="zstd")
    except OSError as error:
        raise output_error(path, error) from error


def read_landmarks(path: Path) -> dict[Exercise, PoseSequence]:
    """Read what `write_landmarks` wrote; positions come back in float32 precision.

    Raises
    ------
    InputError
        When the file is not there, is no Parquet file, or was not written by `write_landmarks`.
    """
    table, about = _read_described(path)
    if table.schema.names != list(COLUMN_MEANINGS) or "exercises" not in about:
        raise InputError(f"{path} must be a landmarks file written by Backsight, got columns {table.schema.names}")
    return {Exercise(name): pose for name, pose in _poses_by_exercise(path, table, about).items()}


def read_poses(path: Path) -> StoredPoses:
    """Read the landmarks of an assessment or of a single clip, as `assess`, `extract`, `batch` and studies write them.

    Raises
    ------
    InputError
        When the file is not there, is no Parquet file, or does not hold whole frames of 33 landmarks.
    """
    table, about = _read_described(path)
    if missing := [name for name in COLUMN_MEANINGS if name != "exercise" and name not in table.schema.names]:
        raise InputError(f"{path} must be a landmarks file written by Backsight, lacks columns {', '.join(missing)}")
    if "exercises" in about and "exercise" in table.schema.names:
        return StoredPoses(_poses_by_exercise(path, table, about), _found_by(about))
    return StoredPoses({"": _checked_pose(path, table, about)}, _found_by(about))


def told_of(found_by: FoundBy) -> dict[str, str]:
    """Return what a file's metadata says of what found its landmarks, for `pack_clip_landmarks`."""
    told = {"pose_model": found_by.pose_model, "engine": found_by.engine, "sensor": found_by.sensor}
    return {name: value for name, value in told.items() if value}


def _found_by(about: Mapping[str, Any]) -> FoundBy:
    # Anything but text is nothing that Backsight wrote, and says nothing.
    told = {name: about.get(name) for name in ("pose_model", "engine", "sensor")}
    return FoundBy(**{name: value for name, value in told.items() if isinstance(value, str)})


def _read_described(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """Return the table and what its metadata says of it."""
    try:
        # Not `read_table(path)`, which would take a folder's name for a column.
        table = pq.ParquetFile(path).read()
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file of landmarks, found nothing there") from None
    except (OSError, pa.ArrowException) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"{path} must be a readable Parquet file, got: {said}") from error
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    if raw is None:
        raise InputError(f"{path} must be a landmarks file written by Backsight, got columns {table.schema.names}")
    try:
        about = json.loads(raw)
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise InputError(f"{path}: its metadata entry `{METADATA_KEY.decode()}` is damaged; write the file anew")
    return table, about


def _poses_by_exercise(path: Path, table: pa.Table, about: dict[str, Any]) -> dict[str, PoseSequence]:
    exercises = table["exercise"].to_numpy()
    return {
        name: _checked_pose(path, table.filter(pa.array(exercises == name)), entry)
        for name, entry in about["exercises"].items()
    }


def _checked_pose(path: Path, table: pa.Table, about: dict[str, Any]) -> PoseSequence:
    landmarks = table["landmark"].to_numpy()
    n_frames, left_over = divmod(len(landmarks), N_LANDMARKS)
    if not n_frames or left_over or not np.array_equal(landmarks, np.tile(np.array(LANDMARK_NAMES), n_frames)):
        raise InputError(
            f"{path} must hold {N_LANDMARKS} rows a frame, a landmark each in BlazePose's order, got {len(landmarks)} "
            "rows of another order or number"
        )
    try:
        width, height = about["frame_size_px"]
        return _pose(table, frame_size=(int(width), int(height)))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} must hold landmarks as Backsight writes them, got: {error}") from error


def pack_clip_landmarks(pose: PoseSequence, *, key: str, key_meaning: str, about: Mapping[str, object]) -> bytes:
    """Return a single clip's landmarks as a Parquet file.

    Parameters
    ----------
    key
        Stands in every row, so that many clips' files can be read as one table.
    key_meaning
        What the key refers to.
    about
        More for the metadata: what looked, and what was done to what it saw.
    """
    metadata = {
        "schema": "backsight.clip-landmarks",
        "schema_version": CLIP_LANDMARKS_VERSION,
        "statement": NO_DIAGNOSIS,
        "columns": {"clip": key_meaning}
        | {name: meaning for name, meaning in COLUMN_MEANINGS.items() if name != "exercise"},
        "frame_size_px": list(pose.frame_size),
        **about,
        "n_frames": pose.n_frames,
    }
    schema = pa.schema([_CLIP_FIELD, *_POSE_FIELDS], metadata={METADATA_KEY: json.dumps(metadata).encode()})
    columns = _pose_columns(pose)
    clip = pa.DictionaryArray.from_arrays(_numbers(np.zeros(len(columns[0]), dtype=np.int8)), _texts([key]))
    file = BytesIO()
    pq.write_table(pa.Table.from_arrays([clip, *columns], schema=schema), file, compression="zstd")
    return file.getvalue()


def _metadata(assessment: Assessment) -> dict[str, object]:
    return {
        "schema": "backsight.landmarks",
        "schema_version": LANDMARKS_SCHEMA_VERSION,
        "software": {"name": "Backsight", "version": assessment.backsight_version},
        "created_at": assessment.created_at,
        "statement": NO_DIAGNOSIS,
        "columns": COLUMN_MEANINGS,
        **told_of(FoundBy(assessment.pose_model, assessment.pose_engine)),
        "exercises": {
            part.exercise.value: {
                "frame_size_px": list(part.pose.frame_size),
                "fps": None if np.isnan(part.pose.fps) else part.pose.fps,
                "n_frames": part.pose.n_frames,
                "removed_share": part.removed_share,
                "filled_share": part.filled_share,
            }
            for part in assessment.exercises
        },
    }


def _pose_columns(pose: PoseSequence) -> list[pa.Array[Any]]:
    """Return the columns of `_POSE_FIELDS`, a row a frame and landmark."""
    n_rows = pose.n_frames * N_LANDMARKS
    landmark_codes = np.tile(np.arange(N_LANDMARKS, dtype=np.int8), pose.n_frames)
    positions = np.concatenate([pose.image_px, pose.world_m], axis=2).reshape(n_rows, len(_POSITION_COLUMNS))
    return [
        _numbers(np.repeat(np.arange(pose.n_frames, dtype=np.int32), N_LANDMARKS)),
        _numbers(np.repeat(pose.timestamps_s, N_LANDMARKS)),
        pa.DictionaryArray.from_arrays(_numbers(landmark_codes), _texts(LANDMARK_NAMES)),
        *(_nullable(positions[:, column]) for column in range(len(_POSITION_COLUMNS))),
        *(_numbers(values.ravel().astype(np.float32)) for values in (pose.visibility, pose.presence)),
    ]


def _table(pose: PoseSequence, *, exercise: Exercise, schema: pa.Schema) -> pa.Table:
    exercise_codes = np.full(pose.n_frames * N_LANDMARKS, list(Exercise).index(exercise), dtype=np.int8)
    exercises = pa.DictionaryArray.from_arrays(_numbers(exercise_codes), _texts([item.value for item in Exercise]))
    return pa.Table.from_arrays([exercises, *_pose_columns(pose)], schema=schema)


def _nullable(values: FloatArray) -> pa.Array[Any]:
    return _numbers(values.astype(np.float32), is_known=~np.isnan(values))


# `pa.array` and `pa.scalar` import pandas wherever that is installed, which costs each new process a third of a second.
def _numbers(values: NDArray[Any], *, is_known: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
    """Return a column of the numbers of one dimension, null where they are not known."""
    known = None if is_known is None else pa.py_buffer(np.packbits(is_known, bitorder="little").data)
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [known, pa.py_buffer(np.ascontiguousarray(values).data)])


def _texts(texts: Sequence[str]) -> pa.Array[Any]:
    """Return a column of texts."""
    coded = [text.encode() for text in texts]
    ends = np.cumsum([0, *(len(text) for text in coded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(coded), pa.py_buffer(ends.data), pa.py_buffer(b"".join(coded)))


def _pose(table: pa.Table, *, frame_size: tuple[int, int]) -> PoseSequence:
    def values(name: str) -> FloatArray:
        column = np.asarray(table[name].to_numpy(), dtype=np.float64)
        return column.reshape(-1, N_LANDMARKS)

    return PoseSequence(
        image_px=np.stack([values(name) for name in _POSITION_COLUMNS[:3]], axis=2),
        world_m=np.stack([values(name) for name in _POSITION_COLUMNS[3:]], axis=2),
        visibility=values("visibility"),
        presence=values("presence"),
        timestamps_s=values("timestamp_s")[:, 0],
        frame_size=frame_size,
    )
