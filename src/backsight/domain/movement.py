"""What a model is shown of one recording, and what it says. Knows no model."""

from __future__ import annotations

from dataclasses import dataclass

from backsight.domain.assessment import Explanation, IndexCurve, MeasuredMovement
from backsight.domain.recording import Exercise
from backsight.domain.sequences import FeatureSequence, PoseSequence


@dataclass(frozen=True, eq=False)
class Movement:
    """One recording as models read it."""

    exercise: Exercise
    pose: PoseSequence
    """Filtered landmarks from when the person is first seen until they are last seen."""
    features: FeatureSequence
    """At 30 frames a second."""
    measured: MeasuredMovement
    raw: PoseSequence | None = None
    """Landmarks of the whole recording as they were found, nothing removed and nothing filled, as `backsight extract`
    keeps them and studies hold them; None = not known."""


@dataclass(frozen=True, eq=False)
class JudgedMovement:
    """What a model says of one recording."""

    curve: IndexCurve
    """A single value at the end where the model reads whole movements only."""
    unfamiliar_share: float
    """Share of the values unlike those seen in training; NaN = not known."""
    explanation: Explanation | None = None
