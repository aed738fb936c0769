"""Read Keraal: low-back-pain exercises filmed beside motion capture. Knows nothing of pose estimation.

Nguyen et al. 2024, CC BY-NC-SA: used to measure agreement, never shipped or trained on. A folder holds
`keraal_SUBJECT.npz` with, for each clip KEY, `KEY/vicon_xyz_mm` and `KEY/vicon_quat_xyzw`, and beside it
`keraal_SUBJECT_index.csv`; films are `keraal_KEY.avi`. Vicon's axes: x forward, y to the person's left, z up.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.errors import InputError

CHEST, RIGHT_SHOULDER, LEFT_SHOULDER, HIPS = 4, 7, 8, 13
"""Rows of Vicon's targets."""
N_TARGETS = 17
_QUATERNION_SCALE = 32767.0
_EXERCISES = {"CTK": "cacheTete", "ELK": "etirementLateraux", "RTK": "rotationTronc"}
EXERCISE_LABELS = {"cacheTete": "hide the head", "etirementLateraux": "side stretch", "rotationTronc": "trunk rotation"}


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
    packs = sorted(data.glob("keraal_*.npz")) or sorted(data.glob("keraal/keraal_*.npz"))
    if not packs:
        raise InputError(f"{data}: expected keraal_SUBJECT.npz in this folder, found none; name its folder with --data")
    films = {path.stem.removeprefix("keraal_"): path for path in sorted(videos.glob("keraal_*.avi"))}
    if not films:
        raise InputError(f"{videos}: expected keraal_KEY.avi in this folder, found none; name it with --videos")
    n_found = 0
    for pack in packs:
        exercises = _read_index(pack.with_name(f"{pack.stem}_index.csv"))
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


def _read_index(path: Path) -> dict[str, str]:
    """Return each clip's exercise; empty when there is no index."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["key"]: row["exercise"] for row in csv.DictReader(file)}


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
