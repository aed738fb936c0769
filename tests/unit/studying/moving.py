"""A study whose people bend: the lower the score, the less far. For tests in which the movement matters."""

from __future__ import annotations

import numpy as np

from backsight.domain.sequences import PoseSequence
from backsight.domain.study import ScoreScale, Study, StudyClip

SCALE = ScoreScale(best=50.0, worst=0.0)


def bending_clip(subject: str, exercise: str, *, score: float, seed: int) -> StudyClip:
    """Return 2 s of a trunk of 0.5 m that leans to the side by as many degrees as the score, there and back."""
    rng = np.random.default_rng(seed)
    n = 40
    lean = np.radians(score) * np.sin(np.linspace(0.0, np.pi, n))
    world = np.zeros((n, 33, 3))
    world[:] = rng.normal(scale=0.002, size=(n, 33, 3))
    for side, x_m in ((0, 0.15), (1, -0.15)):
        for landmark, up_m in ((11, 0.5), (13, 0.3), (15, 0.1), (23, 0.0), (25, -0.4), (27, -0.8)):
            world[:, landmark + side, 0] += x_m + (np.sin(lean) * up_m if up_m > 0.0 else 0.0)
            world[:, landmark + side, 1] -= np.cos(lean) * up_m if up_m > 0.0 else up_m
    world[:, 0, 0] += np.sin(lean) * 0.7
    world[:, 0, 1] -= np.cos(lean) * 0.7
    pose = PoseSequence(
        image_px=world * 200.0 + np.array([320.0, 240.0, 0.0]),
        world_m=world,
        visibility=np.full((n, 33), 0.9),
        presence=np.full((n, 33), 0.9),
        timestamps_s=np.arange(n) / 20.0,
        frame_size=(640, 480),
    )
    return StudyClip(subject=subject, exercise=exercise, pose=pose, score=score, group="ab"[seed % 2], name=subject)


def moving_study(n_people: int = 12, name: str = "bends", first: int = 0) -> Study:
    """Return a study in which `Volunteer-NN` leans by 5 to 45 degrees in two exercises, and is scored just that."""
    clips = [
        bending_clip(
            f"Volunteer-{person:02d}",
            exercise,
            score=5.0 + 40.0 * ((person * 7) % 12) / 11.0,
            seed=2 * person + number + 1000 * first,
        )
        for person in range(first, first + n_people)
        for number, exercise in enumerate(("left", "right"))
    ]
    return Study(name=name, clips=tuple(clips), scale=SCALE)
