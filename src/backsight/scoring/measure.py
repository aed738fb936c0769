"""Measure an exercise from filtered landmarks. Knows nothing of the network, the index or how results are shown.

A measure that this view or these landmarks do not allow is NaN, and its note says why.
"""

from __future__ import annotations

from backsight.domain.assessment import MeasuredMovement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.scoring.calibration import Calibration, Conditions, calibrate
from backsight.scoring.jump import measure_jump
from backsight.scoring.person import Person, observe
from backsight.scoring.posture import measure_posture
from backsight.scoring.touch_toes import measure_touch_toes
from backsight.scoring.walk import measure_walk

_MEASURES = {
    Exercise.TOUCH_TOES: measure_touch_toes,
    Exercise.WALK: measure_walk,
    Exercise.JUMP: measure_jump,
}


def take_measures(person: Person, *, exercise: Exercise) -> MeasuredMovement:
    """Take an exercise's measurements as the landmarks give them, before anything is known of their errors."""
    moved = _MEASURES[exercise](person)
    return MeasuredMovement(moved.measurements + measure_posture(person), moved.events)


def measure_exercise(
    pose: PoseSequence,
    *,
    exercise: Exercise,
    pose_model: str,
    height_m: float | None = None,
    calibration: Calibration | None = None,
) -> MeasuredMovement:
    """Take an exercise's measurements and give each the error that it has under these conditions.

    Parameters
    ----------
    pose
        Filtered landmarks at the recording's own times; NaN = missing.
    exercise
        What the person was asked to do.
    pose_model
        BlazePose model that found the landmarks: errors differ between them.
    height_m
        Standing height where the user gave it; None = lengths in BlazePose's own scale.
    calibration
        None = the one that ships.
    """
    person = observe(pose, height_m=height_m)
    taken = take_measures(person, exercise=exercise)
    return calibrate(taken, conditions=Conditions.of(person, pose_model=pose_model), calibration=calibration)
