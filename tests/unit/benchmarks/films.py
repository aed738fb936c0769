"""Filmed recordings without a film: the simulation's own landmarks, with BlazePose-like errors or none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backsight.domain.recording import SourceInfo
from backsight.domain.sequences import ImageStatistics, PoseSequence, PoseTrack
from backsight.simulation.camera import landmarks_as_seen
from backsight.studio.filmed import FilmedRecording, Shot, describe


def make_film(shot: Shot, *, models: tuple[str, ...] = ("full",), noise_px: float = 0.0) -> FilmedRecording:
    """Let a volunteer perform and be seen without error, or with white noise."""
    performance = shot.perform()
    image, world = landmarks_as_seen(performance.camera, performance.figure.landmarks_m)
    rng = np.random.default_rng(shot.subject_index)
    image = image + rng.normal(0.0, noise_px, image.shape) if noise_px else image
    n, times_s = len(image), performance.motion.timestamps_s
    size = performance.camera.frame_size
    pose = PoseSequence(image, world, np.ones((n, 33)), np.ones((n, 33)), times_s, size)
    samples = np.arange(0.0, times_s[-1], 0.25)
    statistics = ImageStatistics(
        timestamps_s=samples,
        brightness=np.full(len(samples), 120.0),
        contrast=np.full(len(samples), 50.0),
        sharpness=np.full(len(samples), 500.0),
        camera_shift=np.zeros(len(samples)),
    )
    track = PoseTrack(pose, n_people=np.ones(n), changed_person=np.zeros(n, dtype=np.bool_), images=statistics)
    source = SourceInfo(
        "fake.mp4", *size, fps=performance.fps, duration_s=n / performance.fps, n_frames=n, codec="h264"
    )
    return describe(shot, performance, tracks=dict.fromkeys(models, track), source=source)


def spoilt(film: FilmedRecording, **changes: object) -> FilmedRecording:
    """Return the film with something else in its shot."""
    return replace(film, shot=replace(film.shot, **changes))
