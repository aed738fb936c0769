"""Read Keraal: low-back-pain exercises filmed beside motion capture. Knows nothing of pose estimation.

Nguyen et al. 2024, CC BY-NC-SA: used to measure agreement and to judge learners, never shipped. A folder holds
`keraal_SUBJECT.npz` with, for each clip KEY, `KEY/vicon_xyz_mm`, `KEY/vicon_quat_xyzw`, `KEY/kinect` and
`KEY/blazepose`, and beside it `keraal_SUBJECT_index.csv`; films are `keraal_KEY.avi`. Vicon's axes: x forward, y to the
person's left, z up.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from backsight.datasets.packs import AS_PUBLISHED, check_shape, find_packs, read_arrays
from backsight.datasets.sensor import KINECT_V2, N_KINECT_JOINTS, pose_from_kinect
from backsight.domain.landmarks import N_LANDMARKS
from backsight.domain.sequences import PoseSequence
from backsight.domain.study import NOT_KNOWN, ScoreScale, Study, StudyClip
from backsight.domain.validation import FloatArray
from backsight.errors import InputError

CHEST, RIGHT_SHOULDER, LEFT_SHOULDER, HIPS = 4, 7, 8, 13
"""Rows of Vicon's targets."""
N_TARGETS = 17
_QUATERNION_SCALE = 32767.0
_EXERCISES = {"CTK": "cacheTete", "ELK": "etirementLateraux", "RTK": "rotationTronc"}
EXERCISE_LABELS = {"cacheTete": "hide the head", "etirementLateraux": "side stretch", "rotationTronc": "trunk rotation"}
_ABOUT = ("key", "exercise")
_JUDGED = (*_ABOUT, "label")
"""Columns of an index: what a clip shows, and how it was done."""
_LABELS = ("correct", "error")
KERAAL_SCALE = ScoreScale(best=1.0, worst=0.0, unit="correct", is_binary=True)
FPS = 20.0
"""Of the films, and of what Kinect and BlazePose saw in them."""
FILM_SIZE = (960, 540)
"""(width, height) in pixels of the films that BlazePose looked at."""
_KINECT_M, _BLAZEPOSE_SHARE = 2e-4, 1 / 20000
"""Units of the stored numbers: metres, and shares of the picture's width and height."""
_CITATION = "Keraal, Nguyen et al. 2024, CC BY-NC-SA: no weights learnt from it may be passed on"


class KeraalSensor(StrEnum):
    """What looked at the person."""

    KINECT = "kinect"
    BLAZEPOSE = "blazepose"
    """As published: positions in the picture only, so that world positions are missing."""


@dataclass(frozen=True, eq=False)
class KeraalClip:
    """One film and what motion capture saw in the same time; turns to the person's right are positive, in degrees."""

    key: str
    exercise: str
    """Keraal's own name, e.g. `rotationTronc`."""
    video: Path
    shoulder_line_deg: FloatArray
    """Turn about the vertical of the line between the two shoulder targets; shape (n_captured,)."""
    chest_deg: FloatArray
    """Turn of the chest target about the vertical against its first pose; shape (n_captured,)."""
    hips_deg: FloatArray
    """Turn of the hips target about the vertical against its first pose; shape (n_captured,)."""


def read_keraal(data: Path, *, videos: Path) -> Iterator[KeraalClip]:
    """Yield the clips that are there both as film and as motion capture, by key.

    Parameters
    ----------
    data
        Folder of `keraal_*.npz`, or the folder above it.
    videos
        Folder of `keraal_KEY.avi`.

    Raises
    ------
    InputError
        When the data or the films are not there, or a pack is not of the layout above.
    """
    packs = find_packs(data, "keraal_*.npz", subfolder="keraal")
    films = {path.stem.removeprefix("keraal_"): path for path in sorted(videos.glob("keraal_*.avi"))}
    if not films:
        raise InputError(f"{videos}: expected keraal_KEY.avi in this folder, found none; name it with --videos")
    n_found = 0
    for pack in packs:
        index = pack.with_name(f"{pack.stem}_index.csv")
        # Whoever has films and motion capture only does without the index.
        exercises = {key: row["exercise"] for key, row in _read_rows(index, _ABOUT).items()} if index.exists() else {}
        try:
            with np.load(pack, allow_pickle=False) as stored:
                for key in sorted({name.partition("/")[0] for name in stored.files} & films.keys()):
                    n_found += 1
                    yield _clip(
                        key,
                        exercise=exercises.get(key, _EXERCISES.get(key[:3], key.partition("_")[0])),
                        video=films[key],
                        positions_mm=stored[f"{key}/vicon_xyz_mm"].astype(np.float64),
                        quaternions=stored[f"{key}/vicon_quat_xyzw"] / _QUATERNION_SCALE,
                    )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{pack.name}: expected arrays KEY/vicon_xyz_mm and KEY/vicon_quat_xyzw of {N_TARGETS} targets, got "
                f"{error}; take the pack as it was published"
            ) from error
    if not n_found:
        raise InputError(f"{videos}: none of {len(films)} films belongs to {', '.join(path.name for path in packs)}")


def _clip(key: str, *, exercise: str, video: Path, positions_mm: FloatArray, quaternions: FloatArray) -> KeraalClip:
    if positions_mm.shape[1:] != (N_TARGETS, 3) or quaternions.shape != (len(positions_mm), N_TARGETS, 4):
        raise ValueError(f"{key}: shapes {positions_mm.shape} and {quaternions.shape}")
    across = positions_mm[:, RIGHT_SHOULDER] - positions_mm[:, LEFT_SHOULDER]
    return KeraalClip(
        key=key,
        exercise=exercise,
        video=video,
        # The right shoulder lies at -y; it moves to -x, backwards, as the person turns to the right.
        shoulder_line_deg=np.degrees(np.unwrap(np.arctan2(-across[:, 0], -across[:, 1]))),
        chest_deg=turn_about_vertical_deg(quaternions[:, CHEST]),
        hips_deg=turn_about_vertical_deg(quaternions[:, HIPS]),
    )


def turn_about_vertical_deg(quaternions_xyzw: FloatArray) -> FloatArray:
    """Return the turn about the vertical (z) since the first pose; to the right, clockwise from above, positive.

    The twist about z of the rotation that leads from the first pose to each one, in the room's axes (swing-twist
    decomposition), so that it does not matter how the target was fixed to the body. Shape (n,).
    """
    x0, y0, z0, w0 = quaternions_xyzw[0]
    x, y, z, w = quaternions_xyzw.T
    # Components z and w of the product q * conjugate(q0).
    twist_z = -w * z0 - x * y0 + y * x0 + z * w0
    twist_w = w * w0 + x * x0 + y * y0 + z * z0
    turn: FloatArray = -np.degrees(np.unwrap(2.0 * np.arctan2(twist_z, twist_w)))
    return turn


def read_keraal_study(data: Path, *, sensor: KeraalSensor = KeraalSensor.KINECT) -> Study:
    """Read all clips as landmarks, scored 1 where the exercise was done correctly and 0 where it was not.

    Parameters
    ----------
    data
        Folder of `keraal_*.npz` with their `keraal_*_index.csv`, or the folder above it.
    sensor
        Whose landmarks. Neither says how sure it was of them: visibility is 1 wherever there is a position.

    Returns
    -------
    Study
        `session` is empty: a repetition is no session. A clip's name ends in Keraal's key, which tells what was done
        wrong.

    Raises
    ------
    InputError
        When a file is missing, cannot be read, or is not of the published layout.
    """
    packs = find_packs(data, "keraal_*.npz", subfolder="keraal")
    clips = tuple(clip for path in packs for clip in _study_clips(path, sensor))
    return Study(name="keraal", clips=clips, scale=KERAAL_SCALE, source=_CITATION, may_ship=False)


def _study_clips(path: Path, sensor: KeraalSensor) -> Iterator[StudyClip]:
    index = path.with_name(f"{path.stem}_index.csv")
    rows = _read_rows(index, _JUDGED)
    arrays = read_arrays(path, dict.fromkeys((f"{key}/{sensor}" for key in rows), (None, None, 3)))
    to_pose = _pose_from_kinect if sensor is KeraalSensor.KINECT else _pose_from_blazepose
    n_joints = N_KINECT_JOINTS if sensor is KeraalSensor.KINECT else N_LANDMARKS
    subject = path.stem.removeprefix("keraal_")
    for key, row in rows.items():
        stored = arrays[f"{key}/{sensor}"]
        check_shape(path, f"{key}/{sensor}", stored, (None, n_joints, 3))
        yield StudyClip(
            subject=subject,
            exercise=row["exercise"],
            pose=to_pose(stored.astype(np.float64)),
            score=KERAAL_SCALE.best if row["label"] == "correct" else KERAAL_SCALE.worst,
            view="front",
            name=f"{subject} {key}",
            # Which BlazePose it was is not published.
            found_by=KINECT_V2 if sensor is KeraalSensor.KINECT else NOT_KNOWN,
        )


def _read_rows(path: Path, columns: Collection[str]) -> dict[str, Mapping[str, str]]:
    """Return the index's rows by clip; each has a value in each of the columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in columns if name not in (table.fieldnames or ())]
            if missing:
                raise ValueError(f"no column {', '.join(missing)}")
            rows: dict[str, Mapping[str, str]] = {row["key"]: row for row in table}
        wrong = [key for key, row in rows.items() if not all(row[name] for name in columns)]
        wrong += [key for key, row in rows.items() if "label" in columns and row["label"] not in _LABELS]
        if wrong or not rows:
            raise ValueError(f"clip {wrong[0]} without them" if wrong else "no clip")
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a UTF-8 table with columns {', '.join(columns)}"
            f"{' (correct or error)' if 'label' in columns else ''}, got: "
            f"{getattr(error, 'strerror', None) or error}; {AS_PUBLISHED}"
        ) from error
    return rows


def _pose_from_kinect(stored: FloatArray) -> PoseSequence:
    return pose_from_kinect(stored * _KINECT_M, np.ones(stored.shape[:2]), fps=FPS)


def _pose_from_blazepose(stored: FloatArray) -> PoseSequence:
    width, height = FILM_SIZE
    # BlazePose gives depth in the scale of x.
    image_px = stored * _BLAZEPOSE_SHARE * np.array([width, height, width])
    # Somebody at the very corner of the picture in all three coordinates was not found.
    seen = (stored != 0.0).any(axis=2)
    inside = ((image_px[..., :2] >= 0.0) & (image_px[..., :2] < [width, height])).all(axis=2)
    return PoseSequence(
        image_px=np.where(seen[..., np.newaxis], image_px, np.nan),
        world_m=np.full_like(image_px, np.nan),
        visibility=seen.astype(np.float64),
        presence=(seen & inside).astype(np.float64),
        timestamps_s=np.arange(len(stored)) / FPS,
        frame_size=FILM_SIZE,
    )
