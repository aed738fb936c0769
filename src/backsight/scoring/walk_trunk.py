"""Measure how trunk and arms swing with the strides of a walk. Knows nothing of speed or of how strides are found.

The component in step with the stride counts, peak to peak: a wave with one period a stride, so that neither jitter nor
a camera's tilt nor the turn of BlazePose's axes with the line of sight, which is a drift, add to it.

What rendered people are said to show was seen on those of seed 7001, the one that measures are calibrated on, and the
limits below were chosen on them; people of other seeds judge them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backsight.domain.assessment import Measurement
from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame
from backsight.kinematics.gait import Rhythm, find_heading
from backsight.kinematics.geometry import UP, dot, known_share
from backsight.kinematics.rotation import pelvis_turn_deg, shoulder_turn_deg
from backsight.kinematics.signals import Wave, wave_in_phase
from backsight.kinematics.view import lateral_lean_in_picture_deg, obliquity_in_picture_deg
from backsight.scoring import norms
from backsight.scoring.person import MOSTLY_KNOWN, Person
from backsight.scoring.walk_seen import Walk

NO_STEPS = "Cannot be measured: no two heel strikes in a row were seen."
DROWNED_SWING = "Cannot be measured: what is seen does not swing with the strides; film from nearer, in better light."
IMPOSSIBLE_ROTATION = "Cannot be measured: the landmarks turn further than a trunk does."
EXCHANGED = "BlazePose saw the person walk backwards: left and right are taken to be exchanged."
TILTS_AGAINST = (
    "Cannot be measured: the hips are seen to rise on the side of the lifted leg, where the pelvis drops; BlazePose's "
    "hips follow the thigh."
)
UNKNOWN_SWING = "Cannot be measured: shoulders and hips are seen for less than one stride."
LEAN_WITHIN_DEG = 45.0
"""The lean's range is read up to this angle off the front or back, further than a standing lean: the trunk's flexion,
which leaks into an oblique picture, swings with the steps and not with the strides."""
FACING_CAMERA_WITHIN_DEG = 45.0
"""Axial rotation is read up to this angle off the front or back. On a real walk seen from the side it swung by 45 to 60
degrees in BlazePose's world landmarks where about 10 are to be expected: the depth of the hidden side is a guess."""
LEAST_SHARE_IN_STEP = 0.25
"""A swing is read where strides explain this share of the angle's variance. Of rendered people (seed 7001) seen from
the front BlazePose shows some as hardly turning at all (1 to 4 degrees instead of 15 to 22), and there they explain
less."""
LARGEST_ROTATION_DEG = 45.0
"""More than twice what people who walk show; BlazePose's depth then jumps between the sides. Assumption."""
_BEYOND_STEPS = 0.5
"""The waves are fitted from this share of a step before the first strike to the same after the last one."""

_IN_STEP = "Peak to peak of the component in step with the stride"
LEAN_RANGE = Measurement(
    "lateral_lean_range_deg",
    "Lateral lean of the trunk, range",
    float("nan"),
    "deg",
    norm=norms.LATERAL_LEAN_RANGE_DEG,
    source=f"{_IN_STEP}, line from mid-hip to mid-shoulder; over the cosine of the view's angle off the front.",
)
SHOULDER_RANGE = Measurement(
    "shoulder_obliquity_range_deg",
    "Shoulder obliquity, range",
    float("nan"),
    "deg",
    source=f"{_IN_STEP}, line through the shoulders.",
)
PELVIS_RANGE = Measurement(
    "pelvic_obliquity_range_deg",
    "Pelvic obliquity, range",
    float("nan"),
    "deg",
    norm=norms.PELVIC_OBLIQUITY_RANGE_DEG,
    source=f"{_IN_STEP}, line through the hips.",
)
AXIAL_RANGE = Measurement(
    "axial_rotation_range_deg",
    "Axial rotation of shoulders against pelvis, range",
    float("nan"),
    "deg",
    source=f"{_IN_STEP}, shoulder line against hip line about the vertical.",
)
PHASE = Measurement(
    "thorax_pelvis_phase_deg",
    "Phase between thorax and pelvis",
    float("nan"),
    "deg",
    norm=norms.THORAX_PELVIS_PHASE_DEG,
    source="Between the turns of shoulder line and hip line at the stride frequency, after Lamoth: 0 in phase, 180 in "
    "anti-phase.",
)
ARM_SWING_ASYMMETRY = Measurement(
    "arm_swing_asymmetry_percent",
    "Arm swing, right against left",
    float("nan"),
    "%",
    source="Symmetry index 100 (R - L) / ((R + L) / 2) (Robinson 1987, Herzog 1989) of the ranges, in step with the "
    "stride, of the angle from shoulder to wrist in the direction of walking.",
)
TRUNK_MEASURES = (LEAN_RANGE, SHOULDER_RANGE, PELVIS_RANGE, AXIAL_RANGE, PHASE, ARM_SWING_ASYMMETRY)
"""In the order shown, without values."""


def measure_trunk_in_walk(person: Person, walk: Walk | str) -> tuple[Measurement, ...]:
    """Return the ranges of lean, shoulders and pelvis, axial rotation, thorax-pelvis phase and arm swing asymmetry.

    Parameters
    ----------
    walk
        The walk, or why there is none.
    """
    if isinstance(walk, str):
        return tuple(replace(item, note=walk) for item in TRUNK_MEASURES)
    rhythm = walk.rhythm
    if rhythm is None:
        return tuple(replace(item, note=NO_STEPS) for item in TRUNK_MEASURES)
    return (
        _lean_range(person, rhythm),
        _shoulder_range(person, rhythm),
        _pelvis_range(person, rhythm, is_exchanged=walk.is_exchanged),
        *_axial(person, rhythm),
        explain_exchange(_arm_swing(person, rhythm, is_exchanged=walk.is_exchanged), walk),
    )


def symmetry_index_percent(*, left: float, right: float) -> float:
    """Return 100 (R - L) / ((R + L) / 2), positive when the right side has more (Herzog 1989); NaN when both are 0."""
    middle = 0.5 * (left + right)
    return 100.0 * (right - left) / middle if middle > 0.0 else float("nan")


def explain_exchange(measured: Measurement, walk: Walk) -> Measurement:
    """Add to a measure of left against right that the two were exchanged, where they were."""
    if not walk.is_exchanged or np.isnan(measured.value):
        return measured
    return replace(measured, note=f"{measured.note} {EXCHANGED}".strip())


def _lean_range(person: Person, rhythm: Rhythm) -> Measurement:
    off_front_deg = person.view.off_front_deg
    if not off_front_deg <= LEAN_WITHIN_DEG:
        return replace(LEAN_RANGE, note=person.why_not_frontal())
    lean_deg = lateral_lean_in_picture_deg(person.pose, body=person.body, frame=person.frame)
    found = _range(LEAN_RANGE, _wave(person, rhythm, lean_deg))
    # From an oblique view a shift to the side looks shorter.
    return replace(found, value=found.value / float(np.cos(np.radians(off_front_deg))))


def _shoulder_range(person: Person, rhythm: Rhythm) -> Measurement:
    why_not = person.why_not_frontal()
    if why_not:
        return replace(SHOULDER_RANGE, note=why_not)
    return _range(SHOULDER_RANGE, _line_wave(person, rhythm, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER))


def _pelvis_range(person: Person, rhythm: Rhythm, *, is_exchanged: bool) -> Measurement:
    """Return the range of pelvic obliquity where the hips are seen to tilt as a pelvis does.

    Between the left foot's strike and the right one's the right leg swings, and its side of the pelvis drops: as a wave
    the tilt leads the stride by some 90 degrees. On nearly all rendered people (seed 7001) BlazePose's hips do the
    opposite, by an amount that has nothing to do with the pelvis. Who really hikes the hip of the lifted leg is refused
    with them.
    """
    why_not = person.why_not_frontal()
    if why_not:
        return replace(PELVIS_RANGE, note=why_not)
    wave = _line_wave(person, rhythm, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    drop = -wave.component.imag if is_exchanged else wave.component.imag
    return replace(PELVIS_RANGE, note=TILTS_AGAINST) if drop < 0.0 else _range(PELVIS_RANGE, wave)


def _line_wave(person: Person, rhythm: Rhythm, left: Landmark, right: Landmark) -> Wave:
    slope_deg = obliquity_in_picture_deg(person.pose, left=left, right=right, body=person.body)
    return _wave(person, rhythm, slope_deg)


def _axial(person: Person, rhythm: Rhythm) -> tuple[Measurement, Measurement]:
    """Return the range of axial rotation and the phase between thorax and pelvis."""
    if not person.view.off_front_deg <= FACING_CAMERA_WITHIN_DEG:
        note = (
            "Cannot be measured in this view: one side hides the other, and its depth is a guess; film from the front."
        )
        return replace(AXIAL_RANGE, note=note), replace(PHASE, note=note)
    thorax_deg = _unwrapped_deg(shoulder_turn_deg(person.pose.world_m))
    pelvis_deg = _unwrapped_deg(pelvis_turn_deg(person.pose.world_m))
    rotation = _range(AXIAL_RANGE, _wave(person, rhythm, thorax_deg - pelvis_deg))
    if rotation.value > LARGEST_ROTATION_DEG:
        rotation = replace(rotation, value=float("nan"), note=IMPOSSIBLE_ROTATION)
    return rotation, _phase(_wave(person, rhythm, thorax_deg), _wave(person, rhythm, pelvis_deg))


def _phase(thorax: Wave, pelvis: Wave) -> Measurement:
    note = _why_unknown(thorax) or _why_unknown(pelvis)
    if note:
        return replace(PHASE, note=note)
    between = thorax.component * np.conj(pelvis.component)
    return replace(PHASE, value=abs(float(np.degrees(np.angle(between)))))


def _arm_swing(person: Person, rhythm: Rhythm, *, is_exchanged: bool) -> Measurement:
    heading = find_heading(person.frame, person.times_s)
    left_deg, right_deg = (
        _wave(person, rhythm, _arm_deg(person.pose.world_m, heading, shoulder=shoulder, wrist=wrist)).range
        for shoulder, wrist in (
            (Landmark.LEFT_SHOULDER, Landmark.LEFT_WRIST),
            (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_WRIST),
        )
    )
    value = symmetry_index_percent(left=left_deg, right=right_deg) * (-1.0 if is_exchanged else 1.0)
    hidden = "Cannot be measured: an arm is hidden; film from the front or back."
    return replace(ARM_SWING_ASYMMETRY, value=value, note=hidden if np.isnan(value) else "")


def _arm_deg(world_m: FloatArray, heading: BodyFrame, *, shoulder: Landmark, wrist: Landmark) -> FloatArray:
    """Return the angle from shoulder to wrist in the direction of walking; 0 = hanging, forward positive."""
    arm = world_m[:, wrist] - world_m[:, shoulder]
    return _unwrapped_deg(np.degrees(np.arctan2(dot(arm, heading.forward), -dot(arm, UP))))


def _wave(person: Person, rhythm: Rhythm, angle_deg: FloatArray) -> Wave:
    """Return the component in step with the stride; NaN where too little of the steps is known."""
    walking = rhythm.frames(person.times_s, beyond_steps=_BEYOND_STEPS)
    known_deg = angle_deg[walking] if known_share(angle_deg, walking) >= MOSTLY_KNOWN else np.empty(0)
    return wave_in_phase(known_deg, rhythm.phase_rad(person.times_s[walking])[: len(known_deg)])


def _range(kind: Measurement, wave: Wave) -> Measurement:
    note = _why_unknown(wave)
    return replace(kind, note=note) if note else replace(kind, value=wave.range)


def _why_unknown(wave: Wave) -> str:
    """Return why a wave is no measurement; empty when it is one."""
    if np.isnan(wave.share):
        return UNKNOWN_SWING
    return "" if wave.share >= LEAST_SHARE_IN_STEP else DROWNED_SWING


def _unwrapped_deg(angle_deg: FloatArray) -> FloatArray:
    """Return the angles without jumps by a whole turn; NaN stays NaN."""
    there = np.isfinite(angle_deg)
    unwrapped = angle_deg.copy()
    unwrapped[there] = np.unwrap(angle_deg[there], period=360.0)
    return unwrapped
