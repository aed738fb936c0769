"""Measure an exercise from filtered landmarks. Knows nothing of the network, the index or how results are shown.

A measure that this view or these landmarks do not allow is NaN, and its note says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from backsight.domain.assessment import MeasuredMovement, Measurement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.scoring.calibration import Calibration, Conditions, calibrate
from backsight.scoring.jump import measure_jump
from backsight.scoring.person import Person, observe
from backsight.scoring.posture import measure_posture
from backsight.scoring.touch_toes import measure_touch_toes
from backsight.scoring.walk import measure_walk
from backsight.scoring.walk_seen import Walk, observe_walk
from backsight.scoring.walk_trunk import explain_exchange

_ON_THE_SPOT: Mapping[Exercise, Callable[[Person], MeasuredMovement]] = {
    Exercise.TOUCH_TOES: measure_touch_toes,
    Exercise.JUMP: measure_jump,
}


def take_measures(person: Person, *, exercise: Exercise) -> MeasuredMovement:
    """Take an exercise's measurements as the landmarks give them, before anything is known of their errors."""
    posture = measure_posture(person)
    if exercise is Exercise.WALK:
        walk = observe_walk(person)
        moved = measure_walk(person, walk)
        posture = _right_way_round(posture, walk)
    else:
        moved = _ON_THE_SPOT[exercise](person)
    return MeasuredMovement(moved.measurements + posture, moved.events)


def _right_way_round(posture: tuple[Measurement, ...], walk: Walk | str) -> tuple[Measurement, ...]:
    """Change the signs where left and right were exchanged: every measure of posture says which side it is.

    Only a walk shows the exchange: nobody walks backwards.
    """
    if isinstance(walk, str) or not walk.is_exchanged:
        return posture
    return tuple(explain_exchange(replace(item, value=-item.value), walk) for item in posture)


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
