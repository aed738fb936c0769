"""Measure an exercise from filtered landmarks. Knows nothing of the network, the index or how results are shown.

A measure that this view or these landmarks do not allow is NaN, and its note says why.
"""

from __future__ import annotations

from backsight.domain.assessment import Measurement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.scoring.jump import measure_jump
from backsight.scoring.person import observe
from backsight.scoring.touch_toes import measure_touch_toes
from backsight.scoring.walk import measure_walk

_MEASURES = {
    Exercise.TOUCH_TOES: measure_touch_toes,
    Exercise.WALK: measure_walk,
    Exercise.JUMP: measure_jump,
}


def measure_exercise(pose: PoseSequence, *, exercise: Exercise) -> tuple[Measurement, ...]:
    """Take the exercise's measurements.

    Parameters
    ----------
    pose
        Filtered landmarks at the recording's own times; NaN = missing.
    exercise
        What the person was asked to do.

    Returns
    -------
    tuple of Measurement
        The same names in the same order for every recording of an exercise.
    """
    return _MEASURES[exercise](observe(pose))
