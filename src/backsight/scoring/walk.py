"""Measure a short walk. Knows nothing of the other exercises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import Measurement, Norm
from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import axial_rotation_deg
from backsight.kinematics.gait import SHORTEST_WALK_BH, ankle_lead_m, find_walking_speed
from backsight.kinematics.geometry import known_share
from backsight.kinematics.signals import range_of_known, swing_with
from backsight.kinematics.view import lateral_lean_in_picture_deg, mid_hip_in_metres, obliquity_in_picture_deg
from backsight.scoring import norms
from backsight.scoring.person import (
    LEAN_ERROR_DEG,
    MOSTLY_KNOWN,
    POSTURE_ERROR,
    SLOPE_ERROR_DEG,
    Person,
    known_error,
    median_at,
    posture_error_deg,
)

NO_WALK = "Cannot be measured: no walk was seen."
LESS_THAN_ONE_STRIDE = "Cannot be measured: the walk is seen for less than one stride."
NO_STEADY_WALK = "Cannot be measured: no steady way in one direction was seen, without a stop."
AXIAL_ROTATION_ERROR_DEG = 12.0
"""Half width of the 90 % interval: nine in ten of 86 simulated walks towards the camera with BlazePose-like errors were
off by less, half of them by less than 5."""
FACING_CAMERA_WITHIN_DEG = 45.0
"""Axial rotation is read up to this angle off the front or back. On a real walk seen from the side it swung by 45 to 60
degrees in BlazePose's world landmarks where about 10 are to be expected: the depth of the hidden side is a guess."""
SLOWEST_STRIDE_HZ, FASTEST_STRIDE_HZ = 0.5, 1.4
"""Strides, of two steps each, a second: from a shuffle of 60 steps a minute to a fast walk of 168."""
_LEAST_STEP_BH = 0.15
"""Ankles that do not part by this share of the body height, back and forth, have not walked."""
_LEVEL_WITHIN_BH = 0.2
"""Hips that rise or fall by more than this while crossing the picture have not walked on level ground."""
_LEAST_APPROACH = 0.25
"""Natural logarithm of the change in apparent size that counts as walking towards or away from the camera."""


def measure_walk(person: Person) -> tuple[Measurement, ...]:
    """Return speed, lateral lean range, axial rotation range, shoulder obliquity and pelvic obliquity range."""
    walked = has_walked(person)
    return (
        _speed(person),
        _frontal_swing(
            person,
            lateral_lean_in_picture_deg(person.pose, body=person.body, frame=person.frame),
            name="lateral_lean_range_deg",
            label="Lateral lean of the trunk, range",
            norm=norms.LATERAL_LEAN_RANGE_DEG,
            error_deg=LEAN_ERROR_DEG,
            walked=walked,
        ),
        axial_rotation_range(person),
        shoulder_obliquity(person),
        _frontal_swing(
            person,
            obliquity_in_picture_deg(person.pose, left=Landmark.LEFT_HIP, right=Landmark.RIGHT_HIP, body=person.body),
            name="pelvic_obliquity_range_deg",
            label="Pelvic obliquity, range",
            norm=norms.PELVIC_OBLIQUITY_RANGE_DEG,
            error_deg=SLOPE_ERROR_DEG,
            walked=walked,
        ),
    )


def has_walked(person: Person) -> bool:
    """Return True when the person steps and moves, across the picture or towards or away from the camera."""
    height_m, apart = person.body.height_m, steps_bh(person)
    if known_share(apart) < MOSTLY_KNOWN or range_of_known(apart) < _LEAST_STEP_BH:
        return False
    sideways_bh, upwards_bh = (mid_hip_in_metres(person.pose, body=person.body) / height_m).T
    across = range_of_known(sideways_bh) >= SHORTEST_WALK_BH and range_of_known(upwards_bh) <= _LEVEL_WITHIN_BH
    approaches = range_of_known(np.log(person.body.apparent_px_per_m)) >= _LEAST_APPROACH
    return bool(across or approaches)


def steps_bh(person: Person) -> FloatArray:
    """Return how far the left ankle is ahead of the right one, in body heights; shape (n_frames,), NaN = missing."""
    return ankle_lead_m(person.pose.world_m, person.frame) / person.body.height_m


def walking_frames(person: Person) -> NDArray[np.bool_]:
    """Return the frames from the first step to the last, so that standing around does not count; shape (n_frames,)."""
    stepping = np.flatnonzero(np.abs(steps_bh(person)) >= _LEAST_STEP_BH / 2)
    walking = np.zeros(person.pose.n_frames, dtype=np.bool_)
    if len(stepping):
        walking[stepping[0] : stepping[-1] + 1] = True
    return walking


def _speed(person: Person) -> Measurement:
    value, note = float("nan"), NO_WALK
    if not person.view.is_lateral:
        note = "Cannot be measured in this view: the way must be seen from the side."
    elif has_walked(person):
        across_m = mid_hip_in_metres(person.pose, body=person.body)[:, 0]
        seen_m_per_s = find_walking_speed(across_m, person.times_s, height_m=person.body.height_m)
        # Seen at an angle the way looks short by the sine of that angle.
        value = seen_m_per_s / float(np.sin(np.radians(person.view.off_front_deg)))
        note = NO_STEADY_WALK if np.isnan(value) else "In BlazePose's own scale, which is guessed from one camera."
    return Measurement("gait_speed_m_per_s", "Walking speed", value, "m/s", norm=norms.GAIT_SPEED_M_PER_S, note=note)


def axial_rotation_range(person: Person) -> Measurement:
    """Return how far the shoulders swing against the pelvis about the vertical, peak to peak, in step with the strides.

    On simulated walks with BlazePose-like errors the plain range was 18 degrees too large; this is off by 5 in the
    median.
    """
    rotation = axial_rotation_deg(person.pose.world_m)
    value, note = float("nan"), NO_WALK
    if not person.view.off_front_deg <= FACING_CAMERA_WITHIN_DEG:
        note = (
            "Cannot be measured in this view: one side hides the other, and its depth is a guess; film from the front."
        )
    elif known_share(rotation) < MOSTLY_KNOWN:
        note = "Cannot be measured: shoulders or hips are hidden."
    elif has_walked(person):
        value = _swing(person, rotation)
        note = (
            LESS_THAN_ONE_STRIDE
            if np.isnan(value)
            else "A hint only: one camera errs by 5 degrees and more here, beyond the gap between usual and reduced."
        )
    return Measurement(
        "axial_rotation_range_deg",
        "Axial rotation of shoulders against pelvis, range",
        value,
        "deg",
        norm=norms.AXIAL_ROTATION_RANGE_DEG,
        note=note,
        error=known_error(value, AXIAL_ROTATION_ERROR_DEG),
    )


def shoulder_obliquity(person: Person) -> Measurement:
    """Return the median slope of the shoulder line while upright with the arms down; right higher positive."""
    value, note = float("nan"), person.why_not_frontal()
    if not note:
        slope = obliquity_in_picture_deg(
            person.pose, left=Landmark.LEFT_SHOULDER, right=Landmark.RIGHT_SHOULDER, body=person.body
        )
        value = median_at(slope, person.upright())
        note = (
            "Cannot be measured: the shoulders are hardly seen while upright with the arms down."
            if np.isnan(value)
            else f"Right shoulder higher is positive. {POSTURE_ERROR}"
        )
    return Measurement(
        "shoulder_obliquity_deg",
        "Shoulder obliquity",
        value,
        "deg",
        norm=norms.SHOULDER_OBLIQUITY_DEG,
        note=note,
        error=known_error(value, posture_error_deg(SLOPE_ERROR_DEG)),
    )


def _frontal_swing(
    person: Person, angle_deg: FloatArray, *, name: str, label: str, norm: Norm, error_deg: float, walked: bool
) -> Measurement:
    """Return how far an angle read off a frontal picture swings back and forth in step with the strides.

    A camera's tilt does not move, so it does not count; the landmarks' own error is taken as that of a posture.
    """
    value, note = float("nan"), person.why_not_frontal()
    if not note and not walked:
        note = NO_WALK
    elif not note and known_share(angle_deg) < MOSTLY_KNOWN:
        note = "Cannot be measured: shoulders or hips are hidden."
    elif not note:
        value = _swing(person, angle_deg)
        note = LESS_THAN_ONE_STRIDE if np.isnan(value) else ""
    return Measurement(name, label, value, "deg", norm=norm, note=note, error=known_error(value, error_deg))


def _swing(person: Person, angle_deg: FloatArray) -> float:
    walking = walking_frames(person)
    return swing_with(
        angle_deg[walking],
        steps_bh(person)[walking],
        person.times_s[walking],
        slowest_hz=SLOWEST_STRIDE_HZ,
        fastest_hz=FASTEST_STRIDE_HZ,
    )
