"""Read UI-PRMD: rehabilitation movements seen by Kinect, done correctly and incorrectly. Knows nothing of learning.

Vakanski et al. 2018, Data 3(1):2, doi 10.3390/data3010002, public domain. A folder holds `uiprmd_kinect_MOVEMENT.npz`
for each movement, with all its repetitions one after the other.

The frame of reference, found in the data: y up from the floor, and the person stands some 240 cm before the sensor at
negative z, looking at it, with the left side at positive x. So the sensor looks along -z and sees +x on its right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from backsight.datasets.packs import AS_PUBLISHED, clip_slices, find_packs, read_arrays
from backsight.datasets.sensor import KINECT_V2, KINECT_V2_CAMERA, pick_joints, pose_from_camera_space
from backsight.domain.landmarks import Landmark
from backsight.domain.study import ScoreScale, Study, StudyClip
from backsight.errors import InputError

UIPRMD_SCALE = ScoreScale(best=1.0, worst=0.0, unit="correct", is_binary=True)
EXERCISE_LABELS = {
    "m01": "deep squat",
    "m02": "hurdle step",
    "m03": "inline lunge",
    "m04": "side lunge",
    "m05": "sit to stand",
}
FPS = 30.0
CAMERA_HEIGHT_M = 1.0
"""How high above the floor the virtual camera stands, upright, at the sensor's place: the sensor's own height is not
published, and from here the whole body is in the picture."""

N_JOINTS = 22
_JOINTS: Mapping[Landmark, int] = {
    # The head's tip is no crown: it lies where Kinect has the centre of the head, 22 cm above the shoulders. It stands
    # for the nose as it does there.
    Landmark.NOSE: 5,
    # A joint carries the name of the segment that begins at it: the upper arm begins at the shoulder.
    Landmark.LEFT_SHOULDER: 7,
    Landmark.RIGHT_SHOULDER: 11,
    Landmark.LEFT_ELBOW: 8,
    Landmark.RIGHT_ELBOW: 12,
    Landmark.LEFT_WRIST: 9,
    Landmark.RIGHT_WRIST: 13,
    Landmark.LEFT_HIP: 14,
    Landmark.RIGHT_HIP: 18,
    Landmark.LEFT_KNEE: 15,
    Landmark.RIGHT_KNEE: 19,
    Landmark.LEFT_ANKLE: 16,
    Landmark.RIGHT_ANKLE: 20,
    Landmark.LEFT_FOOT_INDEX: 17,
    Landmark.RIGHT_FOOT_INDEX: 21,
}
_TO_CAMERA = np.array([1.0, -1.0, -1.0])
_CITATION = (
    "UI-PRMD, Vakanski et al. 2018, doi 10.3390/data3010002, public domain; healthy people, half of whose repetitions "
    "were done wrong on purpose"
)


def read_uiprmd(data: Path) -> Study:
    """Read all repetitions of all movements that are there.

    Parameters
    ----------
    data
        Folder of `uiprmd_kinect_*.npz`, or the folder above it.

    Returns
    -------
    Study
        Scored 1 correct, 0 incorrect. `session` is empty: a person came once, as far as is published, and a
        repetition is no session. Correct and incorrect ones are numbered each from 1, so that a number would put clips
        together by whether they are correct.

    Raises
    ------
    InputError
        When there is no pack, or one cannot be read or is not of the published layout.
    """
    packs = find_packs(data, "uiprmd_kinect_m*.npz", subfolder="uiprmd")
    clips = tuple(clip for path in packs for clip in _clips(path))
    return Study(name="uiprmd", clips=clips, scale=UIPRMD_SCALE, source=_CITATION, may_ship=True)


def _clips(path: Path) -> Iterator[StudyClip]:
    stored = read_arrays(
        path,
        {
            "xyz_i16": (None, N_JOINTS, 3),
            "scale_cm": (),
            "offsets": (None,),
            "subject": (None,),
            "rep": (None,),
            "correct": (None,),
        },
    )
    positions, correct, n_clips = stored["xyz_i16"], stored["correct"], len(stored["subject"])
    if len(stored["rep"]) != n_clips or len(correct) != n_clips or not np.isin(correct, (0, 1)).all():
        raise InputError(
            f"{path}: `rep` and `correct` (0 or 1) must have a value for each of {n_clips} clips, got "
            f"{len(stored['rep'])} and {len(correct)} of {np.unique(correct)[:5].tolist()}; "
            f"{AS_PUBLISHED}"
        )
    exercise = path.stem.removeprefix("uiprmd_kinect_")
    places = clip_slices(path, stored["offsets"], n_clips=n_clips, n_frames=len(positions))
    camera_m = np.array([0.0, -CAMERA_HEIGHT_M, 0.0])
    who = zip(stored["subject"].tolist(), stored["rep"].tolist(), correct.tolist(), places, strict=True)
    for subject, rep, is_correct, place in who:
        joints_m = positions[place] * (0.01 * float(stored["scale_cm"])) * _TO_CAMERA - camera_m
        placed_m, seen = pick_joints(joints_m, np.ones(joints_m.shape[:2]), _JOINTS)
        yield StudyClip(
            # Two digits at least, so that sorting by name sorts by number.
            subject=f"s{subject:02d}",
            exercise=exercise,
            pose=pose_from_camera_space(placed_m, seen, camera=KINECT_V2_CAMERA, fps=FPS),
            score=float(is_correct),
            view="front",
            name=f"s{subject:02d} {exercise} {'correct' if is_correct else 'incorrect'} {rep:02d}",
            found_by=KINECT_V2,
        )
