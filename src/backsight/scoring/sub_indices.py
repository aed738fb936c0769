"""The paper's intermediate indices, and those that our measures add, from geometry and norms. Knows no landmarks.

Each runs from 0 best to 1 worst: 0 at the norm's middle, 0.5 at the end of its usual range (Laird 2019 calls what lies
beyond the healthy 10th or 90th centile atypical; where a norm has no centiles its range stands in), linear through both
and on, and 1 from twice that distance. Towards a side without an end it stays 0. NaN means that this view or these
landmarks do not tell; the measurement's note says why. The measurement's error becomes the interval, and an interval
that spans 0.5 is no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.assessment import RED_FLAG_ABOVE, Interval, MeasuredMovement, Measurement, Norm, SubIndex
from backsight.domain.recording import Exercise
from backsight.scoring import norms


@dataclass(frozen=True)
class _Rule:
    """Which measure makes a sub-index, and by which norm."""

    name: str
    label: str
    measure: str
    norm: Norm


LEAN = _Rule("asymmetric_lean", "Asymmetric lean", "lateral_lean_deg", norms.LATERAL_LEAN_DEG)
SHOULDERS = _Rule("shoulder_unevenness", "Shoulder unevenness", "shoulder_obliquity_deg", norms.SHOULDER_OBLIQUITY_DEG)
PELVIS = _Rule("pelvic_unevenness", "Pelvic unevenness", "pelvic_obliquity_deg", norms.PELVIC_OBLIQUITY_DEG)
_RULES = {
    Exercise.TOUCH_TOES: (
        LEAN,
        SHOULDERS,
        PELVIS,
        _Rule("reduced_flexion", "Reduced trunk flexion", "trunk_flexion_deg", norms.TRUNK_FLEXION_DEG),
        _Rule("slow_bending", "Slow bending", "bend_duration_s", norms.BEND_DURATION_S),
        _Rule("limited_reach", "Limited reach to the floor", "fingertip_to_floor_cm", norms.FINGERTIP_TO_FLOOR_CM),
    ),
    Exercise.WALK: (
        LEAN,
        # People with low back pain turn as far as others, but more in step with the pelvis (Smith: 97 studies): the
        # phase is judged and not the amplitude, for which there is no norm, either.
        _Rule(
            "axial_rotation",
            "Axial rotation: shoulders turning with the pelvis",
            "thorax_pelvis_phase_deg",
            norms.THORAX_PELVIS_PHASE_DEG,
        ),
        SHOULDERS,
        PELVIS,
        _Rule("slow_walking", "Slow walking", "gait_speed_m_per_s", norms.GAIT_SPEED_M_PER_S),
    ),
    Exercise.JUMP: (LEAN, SHOULDERS, PELVIS),
}


def sub_indices(measured: MeasuredMovement, *, exercise: Exercise) -> tuple[SubIndex, ...]:
    """Return the sub-indices of an exercise, always the same ones in the same order.

    Lean and evenness come from every exercise, read while upright with the arms down; axial rotation comes from the
    walk, as the phase between shoulders and pelvis. A jump's height makes none: no effect of low back pain on it has
    been found.

    Parameters
    ----------
    measured
        Calibrated measurements of `exercise`.
    exercise
        What the person was asked to do.
    """
    return tuple(_sub_index(rule, measured[rule.measure]) for rule in _RULES[exercise])


def sub_index_value(value: float, *, norm: Norm) -> float:
    """Place a measured value between the norm's middle (0) and twice the distance of the end of its usual range (1).

    0.5 * (value - middle) / (end - middle), with the end on the value's side, cut to 0 to 1; NaN stays NaN.
    """
    end = norm.low if value < norm.middle else norm.high
    return float(np.clip(RED_FLAG_ABOVE * (value - norm.middle) / (end - norm.middle), 0.0, 1.0))


def sub_index_interval(value: float, *, error: float, norm: Norm) -> Interval | None:
    """Return the sub-indices of all values within the error of the measured one; None where either is NaN."""
    if np.isnan(value) or np.isnan(error):
        return None
    ends = [sub_index_value(end, norm=norm) for end in (value - error, value + error)]
    low = 0.0 if abs(value - norm.middle) <= error else min(ends)
    return Interval(low=low, high=max(ends))


def _sub_index(rule: _Rule, measurement: Measurement) -> SubIndex:
    return SubIndex(
        name=rule.name,
        label=rule.label,
        value=sub_index_value(measurement.value, norm=rule.norm),
        measurement=replace(measurement, norm=rule.norm),
        interval=sub_index_interval(measurement.value, error=measurement.error, norm=rule.norm),
    )
