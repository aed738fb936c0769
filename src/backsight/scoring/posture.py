"""Measure how a person stands: lean, shoulders, pelvis. Knows nothing of exercises."""

from __future__ import annotations

import numpy as np

from backsight.domain.assessment import Measurement, Norm
from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.view import lateral_lean_in_picture_deg, obliquity_in_picture_deg
from backsight.scoring import norms
from backsight.scoring.person import Person, median_at

_UPRIGHT = "Median while upright with the arms down, against the picture's vertical"
LEAN_SOURCE = f"{_UPRIGHT}: shift of mid-shoulder over mid-hip against the trunk's length. Definition of this project."
SHOULDER_SOURCE = f"{_UPRIGHT}: slope of the line through both shoulders. Definition of this project."
PELVIS_SOURCE = f"{_UPRIGHT}: slope of the line through both hips. Definition of this project."
TILTED_CAMERA = "A camera that is tilted adds its tilt: the picture holds nothing that tells it from a lean."


def measure_posture(person: Person) -> tuple[Measurement, ...]:
    """Return lateral lean, shoulder obliquity and pelvic obliquity while upright with the arms down.

    From the front or back only. A lean to the person's right is positive, and so is a right side that is higher.
    """
    lean = lateral_lean_in_picture_deg(person.pose, body=person.body, frame=person.frame)
    return (
        _posture(
            person,
            lean,
            name="lateral_lean_deg",
            label="Lateral lean of the trunk",
            sign="To the person's right positive.",
            norm=norms.LATERAL_LEAN_DEG,
            source=LEAN_SOURCE,
        ),
        _posture(
            person,
            _slope(person, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
            name="shoulder_obliquity_deg",
            label="Shoulder obliquity",
            sign="Right shoulder higher is positive.",
            norm=norms.SHOULDER_OBLIQUITY_DEG,
            source=SHOULDER_SOURCE,
        ),
        _posture(
            person,
            _slope(person, Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
            name="pelvic_obliquity_deg",
            label="Pelvic obliquity",
            sign="Right hip higher is positive.",
            norm=norms.PELVIC_OBLIQUITY_DEG,
            source=PELVIS_SOURCE,
        ),
    )


def _slope(person: Person, left: Landmark, right: Landmark) -> FloatArray:
    return obliquity_in_picture_deg(person.pose, left=left, right=right, body=person.body)


def _posture(
    person: Person, angle_deg: FloatArray, *, name: str, label: str, sign: str, norm: Norm, source: str
) -> Measurement:
    value, note = float("nan"), person.why_not_frontal()
    if not note:
        value = median_at(angle_deg, person.upright())
        note = (
            "Cannot be measured: shoulders and hips are hardly seen while upright with the arms down."
            if np.isnan(value)
            else f"{sign} {TILTED_CAMERA}"
        )
    return Measurement(name, label, value, "deg", norm=norm, note=note, source=source)
