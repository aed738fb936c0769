"""Measure how a person stands: lean, shoulders, pelvis. Knows nothing of exercises."""

from __future__ import annotations

from backsight.domain.assessment import Measurement
from backsight.scoring.person import Person


def measure_posture(person: Person) -> tuple[Measurement, ...]:
    """Return lateral lean, shoulder obliquity and pelvic obliquity while upright with the arms down."""
    return ()
