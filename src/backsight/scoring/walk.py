"""Measure a short walk: speed and steps, and `walk_trunk` trunk and arms. Knows nothing of the other exercises."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from backsight.domain.assessment import MeasuredMovement, Measurement, MovementEvent
from backsight.kinematics.gait import HeelStrike, find_walking_speed
from backsight.scoring import norms
from backsight.scoring.person import Person
from backsight.scoring.walk_seen import Walk
from backsight.scoring.walk_trunk import NO_STEPS, explain_exchange, measure_trunk_in_walk, symmetry_index_percent

ACROSS_ENOUGH_DEG = 50.0
"""From this angle between the way and the line of sight on, its length is told. Of a way nearer to the line of sight
most is depth, and depth rests on the camera's focal length, which differs by a factor of two between cameras and which
nobody knows."""

SPEED = Measurement(
    "gait_speed_m_per_s",
    "Walking speed",
    float("nan"),
    "m/s",
    norm=norms.GAIT_SPEED_M_PER_S,
    source="Way of the hips over time, over whole steady steps.",
)
CADENCE = Measurement("cadence_per_min", "Cadence", float("nan"), "1/min", source="60 s over the mean step time.")
STEP_TIME = Measurement(
    "step_time_s",
    "Step time",
    float("nan"),
    "s",
    source="Mean time from a heel strike to the other foot's; strikes where the foot is furthest ahead of the other, "
    "after Zeni 2008.",
)
STEP_LENGTH = Measurement(
    "step_length_cm",
    "Step length",
    float("nan"),
    "cm",
    source="Way between the footfalls of one foot and of the other, mean of the steady steps: walking speed times step "
    "time.",
)
STEP_TIME_ASYMMETRY = Measurement(
    "step_time_asymmetry_percent",
    "Step time, right against left",
    float("nan"),
    "%",
    source="Symmetry index 100 (R - L) / ((R + L) / 2): Robinson 1987, Herzog 1989. A right step ends with the right "
    "foot's strike.",
)
STEP_LENGTH_ASYMMETRY = Measurement(
    "step_length_asymmetry_percent",
    "Step length, right against left",
    float("nan"),
    "%",
    source="Symmetry index 100 (R - L) / ((R + L) / 2): Robinson 1987, Herzog 1989. In a right step the right foot is "
    "ahead.",
)
STEP_MEASURES = (SPEED, CADENCE, STEP_TIME, STEP_LENGTH, STEP_TIME_ASYMMETRY, STEP_LENGTH_ASYMMETRY)
"""In the order shown, without values."""

NO_STEADY_WALK = "Cannot be measured: no steady way in one direction was seen, without a stop."
NO_LENGTH = (
    "Cannot be measured in this view: most of the way is depth, which one camera does not see; film from the side."
)
LOW_CONFIDENCE = "Low confidence: two metres are two or three steps; the 10 % often quoted as a limit is arbitrary."


def measure_walk(person: Person, walk: Walk | str) -> MeasuredMovement:
    """Measure speed, steps, their symmetry, the trunk's swings and the arms' symmetry; raw, without errors.

    Parameters
    ----------
    walk
        The walk, or why there is none.
    """
    if isinstance(walk, str):
        steps = tuple(replace(item, note=walk) for item in STEP_MEASURES)
        return MeasuredMovement(steps + measure_trunk_in_walk(person, walk))
    speed_m_per_s = _speed_m_per_s(walk, person)
    measurements = (
        _speed(speed_m_per_s, walk, person),
        *_times(walk),
        _length(speed_m_per_s, walk, person),
        *(explain_exchange(item, walk) for item in _asymmetries(walk)),
        *measure_trunk_in_walk(person, walk),
    )
    return MeasuredMovement(measurements, tuple(_as_event(strike) for strike in walk.strikes))


def _as_event(strike: HeelStrike) -> MovementEvent:
    side = "left" if strike.is_left else "right"
    return MovementEvent(f"{side}_heel_strike", f"{side} heel strike", strike.time_s)


def _is_across(walk: Walk) -> bool:
    return walk.way.across_deg >= ACROSS_ENOUGH_DEG


def _speed_m_per_s(walk: Walk, person: Person) -> float:
    return find_walking_speed(walk.way, person.times_s, strikes=walk.strikes) * person.scale


def _speed(speed_m_per_s: float, walk: Walk, person: Person) -> Measurement:
    if not _is_across(walk):
        return replace(SPEED, note=NO_LENGTH)
    if np.isnan(speed_m_per_s):
        return replace(SPEED, note=NO_STEADY_WALK)
    return replace(SPEED, value=speed_m_per_s, note=_scale_note(person))


def _times(walk: Walk) -> tuple[Measurement, Measurement]:
    """Return cadence and step time."""
    if walk.rhythm is None:
        return replace(CADENCE, note=NO_STEPS), replace(STEP_TIME, note=NO_STEPS)
    note = f"From {len(walk.strikes)} heel strikes in a row."
    return (
        replace(CADENCE, value=60.0 / walk.rhythm.step_s, note=note),
        replace(STEP_TIME, value=walk.rhythm.step_s, note=note),
    )


def _length(speed_m_per_s: float, walk: Walk, person: Person) -> Measurement:
    """Return the way of the hips in a step.

    Over whole steps it is that of the feet, and the hips are seen better: from rendered people's feet BlazePose makes
    steps that are 10 to 30 % too short.
    """
    if walk.rhythm is None:
        return replace(STEP_LENGTH, note=NO_STEPS)
    if not _is_across(walk):
        return replace(STEP_LENGTH, note=NO_LENGTH)
    if np.isnan(speed_m_per_s):
        return replace(STEP_LENGTH, note=NO_STEADY_WALK)
    note = f"Walking speed times step time. {_scale_note(person)}"
    return replace(STEP_LENGTH, value=100.0 * speed_m_per_s * walk.rhythm.step_s, note=note)


def _asymmetries(walk: Walk) -> tuple[Measurement, Measurement]:
    """Return step time and step length of the right foot against the left one's."""
    times = [(late.is_left, late.time_s - early.time_s) for early, late in pairwise(walk.strikes)]
    lengths = [(strike.is_left, strike.apart_m) for strike in walk.strikes if not strike.is_first]
    return (
        _asymmetry(STEP_TIME_ASYMMETRY, times),
        _asymmetry(STEP_LENGTH_ASYMMETRY, lengths)
        if _is_across(walk)
        else replace(STEP_LENGTH_ASYMMETRY, note=NO_LENGTH),
    )


def _asymmetry(kind: Measurement, steps: list[tuple[bool, float]]) -> Measurement:
    left = [value for is_left, value in steps if is_left]
    right = [value for is_left, value in steps if not is_left]
    if not left or not right:
        return replace(kind, note="Cannot be measured: no steady step of each foot was seen.")
    value = symmetry_index_percent(left=float(np.mean(left)), right=float(np.mean(right)))
    return replace(kind, value=value, note=LOW_CONFIDENCE)


def _scale_note(person: Person) -> str:
    """Say what the metres rest on."""
    if person.height_m is None:
        return "In BlazePose's own scale, which is guessed from one camera."
    return f"Scaled by the height given, {person.height_m:.2f} m."
