"""Measure a jump: height, crouch, symmetry of the feet, landing. Knows nothing of the other exercises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backsight.domain.assessment import MeasuredMovement, Measurement, MovementEvent
from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import known_share
from backsight.kinematics.jumping import Jump, NoJump, find_jump, height_from_flight_m
from backsight.kinematics.signals import smooth
from backsight.scoring import norms
from backsight.scoring.person import MOSTLY_KNOWN, Person, median_at

SURELY_SEEN = 0.6
"""Landmarks of lower visibility were interpolated where they have a position at all (paper, section III-A)."""
LANDING_LASTS_S = 0.5
"""The trunk's deepest flexion is looked for within this time after landing."""
FEET_APART_FROM_FPS = 50.0
"""Slower recordings do not tell the feet apart: on rendered volunteers at 30 frames a second differences erred by 10 to
18 ms in the mean, at 60 from the front by 7, and the volunteers' feet differ by 7."""
_SMOOTHING_S = 0.1
"""The deepest flexion is that of a mean over this time: the deepest single frame is the noisiest."""

FLIGHT_HEIGHT = Measurement(
    "jump_flight_height_cm",
    "Jump height",
    float("nan"),
    "cm",
    norm=norms.JUMP_HEIGHT_CM,
    source="g t^2 / 8, t = the time that both feet are off the floor: the rise of the body's centre after take-off if "
    "one lands as one left. t is the mean of what the toes tell, by the curve of free fall that fits them and the "
    "trunk's rise best, and of the times that shoulders and head are above their height at take-off.",
)
HIP_RISE = Measurement(
    "jump_hip_rise_cm",
    "Jump: rise of the hips",
    float("nan"),
    "cm",
    source="Middle of the hips at its highest above standing, taken as the mean rise of hips and shoulders, which an "
    "upright trunk carries alike.",
)
CROUCH = Measurement(
    "countermovement_depth_cm",
    "Depth of the countermovement",
    float("nan"),
    "cm",
    source="Middle of the hips standing minus its lowest before take-off.",
)
TAKE_OFF_ASYMMETRY = Measurement(
    "take_off_asymmetry_ms",
    "Left foot against right at take-off",
    float("nan"),
    "ms",
    source="Left foot's take-off minus the right foot's; positive: the left foot leaves later.",
)
LANDING_ASYMMETRY = Measurement(
    "landing_asymmetry_ms",
    "Left foot against right at landing",
    float("nan"),
    "ms",
    source="Left foot's landing minus the right foot's; positive: the left foot lands later.",
)
LANDING_FLEXION = Measurement(
    "landing_trunk_flexion_deg",
    "Trunk flexion at landing",
    float("nan"),
    "deg",
    source="Inclination of the line from mid-hip to mid-shoulder in the sagittal plane, deepest within 0.5 s after "
    "landing, minus the person's own standing.",
)
MEASURES = (FLIGHT_HEIGHT, HIP_RISE, CROUCH, TAKE_OFF_ASYMMETRY, LANDING_ASYMMETRY, LANDING_FLEXION)
"""In the order shown, without values."""


def measure_jump(person: Person) -> MeasuredMovement:
    """Measure the highest jump of the recording: height, crouch, symmetry of the feet, landing; raw, without errors."""
    jump = find_jump(
        _heights_m(person, Landmark.LEFT_HIP, Landmark.RIGHT_HIP).mean(axis=1),
        _heights_m(person, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER).mean(axis=1),
        _heights_m(person, Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX),
        person.times_s,
        body_height_m=person.body.height_m * person.scale,
        head_height_m=_heights_m(person, Landmark.LEFT_EAR, Landmark.RIGHT_EAR).mean(axis=1),
    )
    if isinstance(jump, NoJump):
        return MeasuredMovement(tuple(replace(item, note=f"Cannot be measured: {jump.reason}.") for item in MEASURES))
    flight = jump.flight
    events = (
        MovementEvent("take_off", "Take-off", flight.take_off_s),
        MovementEvent("apex", "Highest point", flight.middle_s),
        MovementEvent("landing", "Landing", flight.landing_s),
    )
    measurements = (
        _flight_height(jump, person),
        _hip_rise(jump, person),
        _crouch(jump, person),
        *_asymmetries(jump, person),
        _landing_flexion(jump, person),
    )
    return MeasuredMovement(measurements, events)


def _heights_m(person: Person, left: Landmark, right: Landmark) -> FloatArray:
    """Return how high two landmarks are in the picture, in metres, up positive; shape (n_frames, 2).

    NaN = missing or only interpolated.
    """
    pair = [left, right]
    height_m = -person.pose.image_px[:, pair, 1] / person.body.px_per_m * person.scale
    return np.where(person.pose.visibility[:, pair] >= SURELY_SEEN, height_m, np.nan)


def _flight_height(jump: Jump, person: Person) -> Measurement:
    flight_s = jump.air_time_s
    frame_cm = 100.0 * (height_from_flight_m(flight_s + _frame_s(person)) - height_from_flight_m(flight_s))
    return replace(
        FLIGHT_HEIGHT,
        value=100.0 * height_from_flight_m(flight_s),
        note=_with_scale(f"Flight of {flight_s:.2f} s; a whole frame more would be {frame_cm:.1f} cm.", person),
    )


def _hip_rise(jump: Jump, person: Person) -> Measurement:
    if np.isnan(jump.trunk_rise_m):
        return replace(HIP_RISE, note="Cannot be measured: the person is not seen standing before or after the jump.")
    note = "With the rise onto the toes in it, so some 9 cm more than the jump's height."
    return replace(HIP_RISE, value=100.0 * jump.trunk_rise_m, note=_with_scale(note, person))


def _crouch(jump: Jump, person: Person) -> Measurement:
    if np.isnan(jump.crouch_m):
        return replace(CROUCH, note="Cannot be measured: the hips are not seen both standing and in the crouch.")
    return replace(CROUCH, value=100.0 * jump.crouch_m, note=_with_scale("", person))


def _asymmetries(jump: Jump, person: Person) -> tuple[Measurement, Measurement]:
    left, right = jump.feet
    note = ""
    if person.pose.fps < FEET_APART_FROM_FPS:
        frame_ms = 1000.0 * _frame_s(person)
        note = (
            f"Cannot be measured at {person.pose.fps:.0f} frames a second: a frame lasts {frame_ms:.0f} ms, longer "
            f"than most people's feet differ by; film at {FEET_APART_FROM_FPS:.0f} or more."
        )
    elif person.view.is_lateral:
        note = "Cannot be measured in this view: one foot hides the other; film from the front."
    elif left is None or right is None:
        note = "Cannot be measured: one foot is hidden in take-off or landing."
    if note or left is None or right is None:
        return replace(TAKE_OFF_ASYMMETRY, note=note), replace(LANDING_ASYMMETRY, note=note)
    return (
        replace(TAKE_OFF_ASYMMETRY, value=1000.0 * (left.take_off_s - right.take_off_s)),
        replace(LANDING_ASYMMETRY, value=1000.0 * (left.landing_s - right.landing_s)),
    )


def _landing_flexion(jump: Jump, person: Person) -> Measurement:
    flexion_deg = smooth(person.flexion_deg(), person.times_s, window_s=_SMOOTHING_S)
    standing_deg = median_at(flexion_deg, jump.standing)
    since_s = person.times_s - jump.flight.landing_s
    after = flexion_deg[(since_s >= 0.0) & (since_s <= LANDING_LASTS_S)]
    if np.isnan(standing_deg) or known_share(after) < MOSTLY_KNOWN:
        return replace(LANDING_FLEXION, note="Cannot be measured: the trunk is hidden while standing or landing.")
    return replace(
        LANDING_FLEXION,
        value=float(np.nanmax(after)) - standing_deg,
        note=f"Own standing of {standing_deg:.0f} degrees subtracted.",
    )


def _frame_s(person: Person) -> float:
    return float(np.median(np.diff(person.times_s)))


def _with_scale(note: str, person: Person) -> str:
    """Add what the metres rest on where the person's height is not given."""
    if person.height_m is not None:
        return note
    return f"{note} In BlazePose's own scale, guessed from one camera.".strip()
