"""Packs and studies small enough to check by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from backsight.domain.landmarks import N_LANDMARKS
from backsight.domain.sequences import PoseSequence
from backsight.exports.landmarks import pack_clip_landmarks

KIMORE_TABLE = "subject,group,exercise,frames,TS,PO,CF\n"


def make_clip_pose(*, n_frames: int = 3, offset_m: float = 0.0) -> PoseSequence:
    """Somebody who stands still; each landmark is somewhere else, the last one is missing."""
    place = np.arange(N_LANDMARKS * 3, dtype=np.float64).reshape(N_LANDMARKS, 3) / 64.0
    world = np.tile(place + offset_m, (n_frames, 1, 1))
    world[:, -1] = np.nan
    seen = np.full((n_frames, N_LANDMARKS), 0.75)
    seen[:, -1] = 0.0
    return PoseSequence(
        image_px=64.0 * world + 100.0,
        world_m=world,
        visibility=seen,
        presence=seen,
        timestamps_s=np.arange(n_frames) / 25.0,
        frame_size=(640, 360),
    )


def write_clip_landmarks(path: Path, pose: PoseSequence | None = None, **about: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack_clip_landmarks(pose or make_clip_pose(), key="k", key_meaning="a key", about=about))
    return path


def kinect_skeleton_m() -> np.ndarray:
    """Somebody 2 m before Kinect, facing it, in Kinect's camera space; shape (25, 3)."""
    joints = np.full((25, 3), [0.0, 0.0, 2.0])
    joints[3] = [0.0, 0.6, 1.9]  # head, a little forward
    joints[4], joints[8] = [-0.2, 0.4, 2.0], [0.2, 0.4, 2.0]  # left and right shoulder
    joints[12], joints[16] = [-0.1, -0.1, 2.0], [0.1, -0.1, 2.0]  # hips
    joints[14], joints[18] = [-0.1, -0.9, 2.0], [0.1, -0.9, 2.0]  # ankles
    joints[15], joints[19] = [-0.1, -0.95, 1.85], [0.1, -0.95, 1.85]  # feet, toes towards the sensor
    return joints


def write_kimore(folder: Path, *, rows: str | None = None, exercise: str = "Es1", **changes: Any) -> Path:
    """Write two clips: of A, 2 frames, scored 40; of B, 3 frames, unscored."""
    folder.mkdir(parents=True, exist_ok=True)
    track = np.full((5, 25), 2, np.uint8)
    track[1, 5] = 1  # the left elbow of A's second frame is inferred,
    track[0, 6] = 0  # the left wrist of the first one not tracked.
    arrays = {
        "xyz_i16": np.tile(np.round(kinect_skeleton_m() / 2e-4), (5, 1, 1)).astype(np.int16),
        "scale": np.float64(2e-4),
        "track": track,
        "offsets": np.array([0, 2, 5]),
        "subject": np.array(["A", "B"]),
        "group": np.array(["Expert", "Stroke"]),
    }
    np.savez(folder / f"kimore_{exercise}.npz", **{k: v for k, v in (arrays | changes).items() if v is not None})
    default = f"A,Expert,{exercise},2,40.0,10,30\nB,Stroke,{exercise},3,nan,nan,nan\n"
    (folder / "kimore_clips.csv").write_text(KIMORE_TABLE + (default if rows is None else rows))
    return folder


def write_uiprmd(folder: Path, **changes: Any) -> Path:
    """Write two repetitions of subject 3, 2 frames each: a correct one and an incorrect one."""
    joints_cm = np.full((22, 3), [0.0, 100.0, -240.0])
    joints_cm[7], joints_cm[11] = [16.0, 140.0, -240.0], [-16.0, 140.0, -240.0]  # left and right shoulder
    joints_cm[14], joints_cm[18] = [8.0, 90.0, -240.0], [-8.0, 90.0, -240.0]  # hips
    joints_cm[17] = [8.0, 6.0, -230.0]  # left toes, towards the sensor
    arrays = {
        "xyz_i16": np.tile(np.round(joints_cm / 0.02), (4, 1, 1)).astype(np.int16),
        "scale_cm": np.float64(0.02),
        "offsets": np.array([0, 2, 4]),
        "subject": np.array([3, 3]),
        "rep": np.array([1, 1]),
        "correct": np.array([1, 0]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "uiprmd_kinect_m01.npz", **{k: v for k, v in (arrays | changes).items() if v is not None})
    return folder
