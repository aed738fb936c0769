"""What errors the measures have, found on virtual volunteers. Knows nothing of how a measure is taken."""

from __future__ import annotations

from dataclasses import dataclass

from backsight.domain.assessment import MeasuredMovement
from backsight.scoring.person import Person


@dataclass(frozen=True)
class Conditions:
    """What decides how well a recording can be measured."""

    pose_model: str
    """`lite`, `full` or `heavy`."""
    off_front_deg: float
    """Angle between the person's facing line and the line of sight, 0 to 90, as the landmarks show it; NaN = unknown."""
    fps: float
    has_height: bool
    """Whether lengths are in true metres, from the person's height."""
    person_px: float
    """Standing height in the picture, in pixels."""

    @classmethod
    def of(cls, person: Person, *, pose_model: str) -> Conditions:
        """Read the conditions off a recorded person."""
        return cls(
            pose_model=pose_model,
            off_front_deg=person.view.off_front_deg,
            fps=person.pose.fps,
            has_height=person.height_m is not None,
            person_px=person.body.height_px,
        )


@dataclass(frozen=True)
class Calibration:
    """Errors of every measure under every condition."""


def calibrate(
    taken: MeasuredMovement, *, conditions: Conditions, calibration: Calibration | None = None
) -> MeasuredMovement:
    """Give each measurement the value and the error that the calibration finds for it."""
    return taken
