"""Write what virtual volunteers really did as `truth.json` and `truth.parquet`. Knows nothing of pictures.

`truth.json` says who it was, what was measured and when things happened; `truth.parquet` has one row a frame: joints in
the room and in the picture, and angles.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backsight.domain.landmarks import LANDMARK_NAMES
from backsight.domain.validation import FloatArray
from backsight.errors import OutputError
from backsight.simulation.camera import Camera
from backsight.simulation.performance import Performance
from backsight.simulation.truth import measure_truth
from backsight.studio.filmed import Shot

TRUTH_JSON, TRUTH_PARQUET = "truth.json", "truth.parquet"
SCHEMA_NAME, SCHEMA_VERSION = "backsight.truth", "1.0"
STATEMENT = "A simulated person. Nobody in these recordings is real, and no effect in them is evidence about people."
ROOM = "metres: x to the left of a volunteer who faces +z, y up, z forward, floor at y = 0"

_N_DECIMALS = 6
_UNITS = {
    "_m_per_s": "m/s",
    "_per_min": "1/min",
    "_percent": "%",
    "_sparc": "SPARC",
    "_deg": "deg",
    "_cm": "cm",
    "_ms": "ms",
    "_s": "s",
}
"""By the end of a name; the longer one counts."""

JsonObject = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Take:
    """One recording that has been filmed, and the file that holds it."""

    shot: Shot
    performance: Performance
    file: str
    """Name of the clip; empty where no clip is kept."""


def unit_of(name: str) -> str:
    """Return the unit that ends a measure's name; empty where there is none."""
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")


def truth_to_dict(takes: Sequence[Take]) -> JsonObject:
    """Return one volunteer and their recordings as plain values; NaN becomes null."""
    first = takes[0]
    volunteer = first.performance.volunteer
    return {
        "schema": SCHEMA_NAME,
        "schema_version": SCHEMA_VERSION,
        "statement": STATEMENT,
        "volunteer": {
            "subject_id": volunteer.subject_id,
            "seed": first.shot.seed,
            "number": first.shot.subject_index,
            "sex": volunteer.body.sex,
            "age_years": _number(volunteer.body.age_years),
            "height_m": _number(volunteer.body.height_m),
            "index": _number(volunteer.dysfunction),
            "painful_side": "left" if volunteer.painful_side > 0 else "right",
            "effects": {str(trait): _number(value) for trait, value in volunteer.effects.items()},
            "habits": {str(trait): _number(value) for trait, value in volunteer.habits.items()},
        },
        "recordings": [_recording(take) for take in takes],
    }


def write_truth(folder: Path, takes: Sequence[Take]) -> None:
    """Write `truth.json` and `truth.parquet` of one volunteer's recordings.

    Raises
    ------
    OutputError
        When they cannot be written.
    """
    text = json.dumps(truth_to_dict(takes), indent=2, ensure_ascii=False, allow_nan=False)
    table = pa.concat_tables([_table(take) for take in takes], promote_options="default")
    try:
        pq.write_table(table, folder / TRUTH_PARQUET, compression="zstd")
        (folder / TRUTH_JSON).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror or error}; choose another folder") from error


def _recording(take: Take) -> JsonObject:
    performance = take.performance
    truth = measure_truth(performance)
    times = performance.motion.timestamps_s
    return {
        "exercise": take.shot.exercise.value,
        "file": take.file,
        "fps": _number(performance.fps),
        "n_frames": len(times),
        "duration_s": _number(float(times[-1])),
        "rating": _number(performance.rating),
        "spoil": take.shot.spoil,
        "camera": _camera(performance, take.shot),
        "events": [{**asdict(event), "time_s": _number(event.time_s)} for event in truth.events],
        "measures": [
            {"name": name, "value": _number(value), "unit": unit_of(name)} for name, value in truth.values.items()
        ],
    }


def _camera(performance: Performance, shot: Shot) -> JsonObject:
    camera = performance.camera
    width, height = shot.frame_size
    return {
        "view_yaw_deg": _number(performance.view_yaw_deg),
        "distance_m": _number(performance.distance_m),
        "height_m": _number(float(camera.position_m[1])),
        "pitch_down_deg": _number(math.degrees(math.asin(-float(camera.axes[2, 1])))),
        "roll_deg": _number(math.degrees(math.asin(-float(camera.axes[0, 1])))),
        "focal_px": _number(camera.focal_px * _zoom(camera, shot)),
        "width_px": width,
        "height_px": height,
    }


def _table(take: Take) -> pa.Table:
    performance, figure = take.performance, take.performance.figure
    n_frames = len(performance.motion.timestamps_s)
    in_picture = _in_picture(performance.camera, figure.landmarks_m, take.shot)
    columns: dict[str, pa.Array[Any]] = {
        "exercise": pa.DictionaryArray.from_arrays(np.zeros(n_frames, np.int8), pa.array([take.shot.exercise.value])),
        "frame": pa.array(np.arange(n_frames, dtype=np.int32)),
        "timestamp_s": pa.array(performance.motion.timestamps_s),
    }
    columns |= {name: _floats(values) for name, values in measure_truth(performance).angles.items()}
    joints: Mapping[str, FloatArray] = {
        **{name: figure.landmarks_m[:, row] for row, name in enumerate(LANDMARK_NAMES)},
        **figure.joints_m,
    }
    for name, points in joints.items():
        columns |= {f"{name}_{axis}_m": _floats(points[:, place]) for place, axis in enumerate("xyz")}
    for row, name in enumerate(LANDMARK_NAMES):
        columns |= {f"{name}_{axis}_px": _floats(in_picture[:, row, place]) for place, axis in enumerate("xy")}
    metadata = {"statement": STATEMENT, "room": ROOM, "picture": "pixels of the clip: x right, y down"}
    return pa.table(columns, metadata=metadata)


def _zoom(camera: Camera, shot: Shot) -> float:
    """By how much the clip is larger than the frame that the camera was aimed with; the whole of it stays in view."""
    return min(new / old for new, old in zip(shot.frame_size, camera.frame_size, strict=True))


def _in_picture(camera: Camera, points_m: FloatArray, shot: Shot) -> FloatArray:
    from_centre = camera.project(points_m) - np.array(camera.frame_size) / 2.0
    placed: FloatArray = from_centre * _zoom(camera, shot) + np.array(shot.frame_size) / 2.0
    return placed


def _floats(values: FloatArray) -> pa.Array[Any]:
    return pa.array(values.astype(np.float32), mask=np.isnan(values))


def _number(value: float) -> float | None:
    return round(float(value), _N_DECIMALS) if math.isfinite(value) else None
