"""Measure a jump for height. Knows nothing of the other exercises."""

from __future__ import annotations

import numpy as np

from backsight.domain.assessment import Measurement
from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import known_share
from backsight.kinematics.jumping import Jump, NoJump, find_jump
from backsight.kinematics.view import lowest_foot_in_metres, mid_hip_in_metres
from backsight.scoring import norms
from backsight.scoring.person import MOSTLY_KNOWN, Person, known_error, median_at

GRAVITY_M_PER_S2 = 9.81
LANDMARK_ERROR_CM = 4.5
"""Half width of the 90 % interval that the landmarks' own errors give the height by flight time: about twice the mean
error of 1.9 to 2.2 cm on 34 virtual volunteers; on one real clip two croppings differ by 7 cm."""
_LANDING_LASTS_S = 0.5
"""The trunk's deepest flexion is looked for within this time after landing."""


def measure_jump(person: Person) -> tuple[Measurement, ...]:
    """Return the jump's height from the hips' rise and from the flight time, and trunk flexion at landing."""
    jump = find_jump(
        mid_hip_in_metres(person.pose, body=person.body)[:, 1],
        lowest_foot_in_metres(person.pose, body=person.body),
        person.times_s,
    )
    flexion = person.flexion_deg()
    return _hip_rise(jump), _flight_height(jump, person.times_s), _landing_flexion(person, jump, flexion)


def height_from_flight_cm(flight_s: float) -> float:
    """Return the height of a jump that lasts `flight_s` in the air: h = g t^2 / 8, in centimetres."""
    return 100.0 * GRAVITY_M_PER_S2 * flight_s**2 / 8.0


def _hip_rise(jump: Jump | NoJump) -> Measurement:
    if isinstance(jump, NoJump):
        value, note = float("nan"), f"Cannot be measured: {jump.reason}."
    else:
        value = 100.0 * jump.hip_rise_m
        note = (
            "From standing to the highest point, with the rise onto the toes in it, so 5 to 10 cm more than the "
            "height by flight time; in BlazePose's own scale, guessed from one camera."
        )
    return Measurement("jump_hip_rise_cm", "Jump: rise of the hips", value, "cm", note=note)


def _flight_height(jump: Jump | NoJump, times_s: FloatArray) -> Measurement:
    value = error_cm = float("nan")
    if isinstance(jump, NoJump):
        note = f"Cannot be measured: {jump.reason}."
    else:
        value = height_from_flight_cm(jump.flight_s)
        step_s = float(np.median(np.diff(times_s)))
        frame_cm = 100.0 * GRAVITY_M_PER_S2 * jump.flight_s * step_s / 4.0
        error_cm = float(np.hypot(frame_cm, LANDMARK_ERROR_CM))
        note = f"Flight of {jump.flight_s:.2f} s; one frame more or less is {frame_cm:.1f} cm."
    return Measurement(
        "jump_flight_height_cm",
        "Jump height by flight time",
        value,
        "cm",
        norm=norms.JUMP_HEIGHT_CM,
        note=note,
        error=error_cm,
    )


def _landing_flexion(person: Person, jump: Jump | NoJump, flexion_deg: FloatArray) -> Measurement:
    value = float("nan")
    if isinstance(jump, NoJump):
        note = f"Cannot be measured: {jump.reason}."
    else:
        standing_deg = median_at(flexion_deg, jump.standing)
        after = flexion_deg[(person.times_s >= jump.landing_s) & (person.times_s <= jump.landing_s + _LANDING_LASTS_S)]
        if np.isfinite(standing_deg) and known_share(after) >= MOSTLY_KNOWN:
            value = float(np.nanmax(after)) - standing_deg
            note = f"Own standing of {standing_deg:.0f} degrees subtracted."
        else:
            note = "Cannot be measured: the trunk is hidden while standing or landing."
    return Measurement(
        "landing_trunk_flexion_deg",
        "Trunk flexion at landing",
        value,
        "deg",
        note=note,
        error=known_error(value, person.flexion_error_deg),
    )
