"""Read KIMORE: rehabilitation exercises seen by Kinect v2 and scored by clinicians. Knows nothing of learning.

Capecci et al. 2019, IEEE Trans. Neural Syst. Rehabil. Eng. 27(7), doi 10.1109/TNSRE.2019.2923060. A folder holds
`kimore_EXERCISE.npz` for each exercise, with all its clips one after the other, and `kimore_clips.csv` with the scores.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backsight.datasets.packs import AS_PUBLISHED, clip_slices, find_packs, read_arrays
from backsight.datasets.sensor import KINECT_V2, N_KINECT_JOINTS, pose_from_kinect
from backsight.domain.study import ScoreScale, Study, StudyClip
from backsight.errors import InputError

KIMORE_SCALE = ScoreScale(best=50.0, worst=0.0, unit="TS points")
"""The total score: primary outcomes, 0 to 15, plus control factors, 0 to 35."""
EXERCISE_LABELS = {
    "Es1": "arm lifting",
    "Es2": "lateral trunk tilt",
    "Es3": "trunk rotation",
    "Es4": "pelvis rotation",
    "Es5": "squat",
}
FPS = 30.0
"""Nominal: the packs hold no timestamps."""

_VISIBILITY = np.array([0.0, 0.7, 1.0])
"""For a joint that Kinect did not track, inferred, or tracked.

Inferred joints stay above the quality filter's 0.6: arms and legs are about as far off their owner's usual length where
a joint is inferred as where it is tracked (median 1 to 10 % for both, 90th percentile some 20 % against 15 %), and
dropping them would empty the very moments that tell: in the trunk rotation a shoulder is inferred in 15 % of frames,
those near the ends of the turn (median 21 degrees, against 6 where it is tracked), an elbow in 22 %; in the pelvis
rotation a hand on the hip in 40 %. Their visibility still tells them apart."""

_DOUBTFUL = "NE_ID2"
_CITATION = (
    "KIMORE, Capecci et al. 2019, doi 10.1109/TNSRE.2019.2923060; no clear licence: for research, no weights "
    "learnt from it may be passed on"
)


@dataclass(frozen=True)
class _Row:
    """What the table says of a clip."""

    group: str
    n_frames: int
    score: float


def read_kimore(data: Path) -> Study:
    """Read all clips, those that nobody scored included.

    Parameters
    ----------
    data
        Folder of `kimore_*.npz` and `kimore_clips.csv`, or the folder above it.

    Returns
    -------
    Study
        Scored in points of the total score, 0 worst to 50 best; by exercise, then in the order of the packs.

    Raises
    ------
    InputError
        When a file is missing, cannot be read, or is not of the published layout.
    """
    packs = find_packs(data, "kimore_Es*.npz", subfolder="kimore")
    table = packs[0].with_name("kimore_clips.csv")
    rows = _read_table(table)
    exercises = {path.stem.removeprefix("kimore_"): path for path in packs}
    for exercise in dict.fromkeys(exercise for _, exercise in rows):
        if exercise not in exercises:
            raise InputError(
                f"{table.parent}: expected kimore_{exercise}.npz, whose clips stand in {table.name}, found none; "
                f"{AS_PUBLISHED}"
            )
    clips = tuple(clip for exercise, path in exercises.items() for clip in _clips(path, exercise, rows, table=table))
    is_doubted = any(clip.subject == _DOUBTFUL and clip.is_scored for clip in clips)
    note = f"; the label of {_DOUBTFUL} is of doubtful provenance and counted like the others" if is_doubted else ""
    return Study(name="kimore", clips=clips, scale=KIMORE_SCALE, source=_CITATION + note, may_ship=False)


def _read_table(path: Path) -> dict[tuple[str, str], _Row]:
    """Return {(subject, exercise): what the table says}."""
    rows: dict[tuple[str, str], _Row] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for record in reader:
                key = (record["subject"], record["exercise"])
                row = _Row(group=record["group"], n_frames=int(record["frames"]), score=float(record["TS"]))
                if key in rows or not (math.isnan(row.score) or 0.0 <= row.score <= KIMORE_SCALE.best):
                    raise ValueError(f"row {reader.line_num}: {key[0]} {key[1]} twice or with a TS of {row.score}")
                rows[key] = row
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a UTF-8 table with columns subject, group, exercise, frames and TS (0 to 50 or nan), "
            f"got: {getattr(error, 'strerror', None) or error}; {AS_PUBLISHED}"
        ) from error
    return rows


def _clips(path: Path, exercise: str, rows: Mapping[tuple[str, str], _Row], *, table: Path) -> Iterator[StudyClip]:
    stored = read_arrays(
        path,
        {
            "xyz_i16": (None, N_KINECT_JOINTS, 3),
            "track": (None, N_KINECT_JOINTS),
            "scale": (),
            "offsets": (None,),
            "subject": (None,),
        },
    )
    positions, track, subjects = stored["xyz_i16"], stored["track"], stored["subject"]
    if len(track) != len(positions) or not np.isin(np.unique(track), range(len(_VISIBILITY))).all():
        raise InputError(
            f"{path}: `track` must hold 0, 1 or 2 for each of {len(positions)} frames' joints, got {len(track)} frames "
            f"of {np.unique(track)[:5].tolist()}; {AS_PUBLISHED}"
        )
    places = clip_slices(path, stored["offsets"], n_clips=len(subjects), n_frames=len(positions))
    for subject, place in zip(subjects.tolist(), places, strict=True):
        row = rows.get((subject, exercise))
        n_frames = place.stop - place.start
        if row is None or row.n_frames != n_frames:
            raise InputError(
                f"{table}: expected a row of {subject} {exercise} with {n_frames} frames, as {path.name} has it, got "
                f"{'none' if row is None else row.n_frames}; {AS_PUBLISHED}"
            )
        yield StudyClip(
            subject=subject,
            exercise=exercise,
            pose=pose_from_kinect(positions[place] * float(stored["scale"]), _VISIBILITY[track[place]], fps=FPS),
            score=row.score,
            group=row.group,
            view="front",
            name=f"{subject} {exercise}",
            found_by=KINECT_V2,
        )
