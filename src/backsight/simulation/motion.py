"""Let a volunteer do an exercise: habits in, joint angles over time out. Knows nothing of cameras or landmarks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backsight.domain.recording import Exercise
from backsight.simulation.dysfunction import Volunteer
from backsight.simulation.jump import jump
from backsight.simulation.skeleton import Motion
from backsight.simulation.touch_toes import touch_toes
from backsight.simulation.walk import walk

_EXERCISES: dict[Exercise, Callable[..., Motion]] = {
    Exercise.TOUCH_TOES: touch_toes,
    Exercise.WALK: walk,
    Exercise.JUMP: jump,
}


def perform(volunteer: Volunteer, exercise: Exercise, *, rng: np.random.Generator, fps: float = 30.0) -> Motion:
    """Let a volunteer do an exercise.

    Parameters
    ----------
    rng
        Decides what differs between two goes of one person; the same state gives the same movement at any `fps`.
    fps
        Frames a second at which the movement is sampled.
    """
    return _EXERCISES[exercise](volunteer, rng=rng, fps=fps)
