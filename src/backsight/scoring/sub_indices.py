"""The paper's intermediate indices from geometry and norms. Knows nothing of the network.

Each runs from 0 best to 1 worst: 0 at the healthy median, 0.5 at the healthy 10th or 90th centile (Laird 2019 calls
what lies beyond atypical), linear through both and on, and 1 from twice that distance. Towards a side without a centile
it stays 0. NaN means that this view, these landmarks or this exercise do not tell; the measurement's note says why.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backsight.domain.assessment import RED_FLAG_ABOVE, Measurement, Norm, SubIndex
from backsight.domain.recording import Exercise
from backsight.domain.sequences import PoseSequence
from backsight.kinematics.view import lateral_lean_in_picture_deg
from backsight.scoring import norms
from backsight.scoring.person import POSTURE_ERROR, Person, median_at, observe
from backsight.scoring.walk import axial_rotation_range, shoulder_obliquity


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
        rotation = replace(rotation, value=float("nan"), note=note)
    return (
        _sub_index("asymmetric_lean", "Asymmetric lean", _upright_lean(person)),
        _sub_index("axial_rotation", "Reduced axial rotation", rotation),
        _sub_index("shoulder_unevenness", "Shoulder unevenness", shoulder_obliquity(person)),
    )


def sub_index_value(value: float, *, norm: Norm) -> float:
    """Place a measured value between the healthy median (0) and twice the distance of the atypical centile (1).

    0.5 * (value - median) / (centile - median), with the centile on the value's side, cut to 0 to 1; NaN stays NaN.
    """
    centile = norm.low if value < norm.median else norm.high
    return float(np.clip(RED_FLAG_ABOVE * (value - norm.median) / (centile - norm.median), 0.0, 1.0))


def _sub_index(name: str, label: str, measurement: Measurement) -> SubIndex:
    value = float("nan") if measurement.norm is None else sub_index_value(measurement.value, norm=measurement.norm)
    return SubIndex(name=name, label=label, value=value, measurement=measurement)


def _upright_lean(person: Person) -> Measurement:
    """Return the trunk's median lean while upright; to the person's right positive."""
    value, note = float("nan"), person.why_not_frontal()
    if not note:
        lean = lateral_lean_in_picture_deg(person.pose, body=person.body, view=person.view)
        value = median_at(lean, person.upright())
        note = (
            "Cannot be measured: shoulders and hips are hardly seen while upright."
            if np.isnan(value)
            else f"To the person's right positive. {POSTURE_ERROR}"
        )
    return Measurement(
        "lateral_lean_deg", "Lateral lean of the trunk", value, "deg", norm=norms.LATERAL_LEAN_DEG, note=note
    )
