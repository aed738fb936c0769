"""The paper's intermediate indices from geometry and norms. Knows nothing of the network.

Each runs from 0 best to 1 worst: 0 at the norm's middle, 0.5 at the end of its usual range (Laird 2019 calls what lies
beyond the healthy 10th or 90th centile atypical; where a norm has no centiles its range stands in), linear through both
and on, and 1 from twice that distance. Towards a side without an end it stays 0. NaN means that this view, these
landmarks or this exercise do not tell; the measurement's note says why. The measurement's error becomes the interval.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backsight.domain.assessment import RED_FLAG_ABOVE, Interval, Measurement, Norm, SubIndex
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.kinematics.view import lateral_lean_in_picture_deg
from backsight.scoring import norms
from backsight.scoring.person import (
    LEAN_ERROR_DEG,
    POSTURE_ERROR,
    Person,
    known_error,
    median_at,
    observe,
    posture_error_deg,
)
from backsight.scoring.walk import axial_rotation_range, shoulder_obliquity

_LEAK_WORTH_SAYING_DEG = 1.0
"""Below this the leak of flexion into lean does not widen the interval by a tenth."""


def sub_indices(pose: PoseSequence, *, exercise: Exercise) -> tuple[SubIndex, ...]:
    """Return asymmetric lean, reduced axial rotation and shoulder unevenness, in this order.

    Parameters
    ----------
    pose
        Filtered landmarks at the recording's own times; NaN = missing.
    exercise
        What the person was asked to do. Lean and shoulders are read while upright with the arms down, in every
        exercise: in a deep bend one camera errs by twice the norm. Axial rotation is read in the walk only.
    """
    person = observe(pose)
    rotation = axial_rotation_range(person)
    if exercise is not Exercise.WALK:
        note = "Cannot be told from this exercise: axial rotation is read in the walk."
        rotation = replace(rotation, value=float("nan"), error=float("nan"), note=note)
    return (
        _sub_index("asymmetric_lean", "Asymmetric lean", _upright_lean(person), norm=norms.LATERAL_LEAN_DEG),
        _sub_index("axial_rotation", "Reduced axial rotation", rotation, norm=norms.AXIAL_ROTATION_RANGE_DEG),
        _sub_index(
            "shoulder_unevenness", "Shoulder unevenness", shoulder_obliquity(person), norm=norms.SHOULDER_OBLIQUITY_DEG
        ),
    )


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


def _sub_index(name: str, label: str, measurement: Measurement, *, norm: Norm) -> SubIndex:
    return SubIndex(
        name=name,
        label=label,
        value=sub_index_value(measurement.value, norm=norm),
        measurement=measurement,
        interval=sub_index_interval(measurement.value, error=measurement.error, norm=norm),
    )


def _upright_lean(person: Person) -> Measurement:
    """Return the trunk's median lean while upright; to the person's right positive."""
    value, note = float("nan"), person.why_not_frontal()
    if not note:
        lean = lateral_lean_in_picture_deg(person.pose, body=person.body, frame=person.frame)
        value = median_at(lean, person.upright())
        note = (
            "Cannot be measured: shoulders and hips are hardly seen while upright."
            if np.isnan(value)
            else f"To the person's right positive. {POSTURE_ERROR}"
        )
        if np.isfinite(value) and person.flexion_leak_deg >= _LEAK_WORTH_SAYING_DEG:
            note += (
                f" Seen {person.view.off_front_deg:.0f} degrees off the front or back, a trunk bent forward looks like "
                f"one that leans, by up to {person.flexion_leak_deg:.0f} degrees."
            )
    return Measurement(
        "lateral_lean_deg",
        "Lateral lean of the trunk",
        value,
        "deg",
        norm=norms.LATERAL_LEAN_DEG,
        note=note,
        error=known_error(value, posture_error_deg(LEAN_ERROR_DEG, person.flexion_leak_deg)),
    )
