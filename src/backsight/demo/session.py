"""Find the bundled session and set what was estimated beside the truth. Knows nothing of how clips are assessed.

The clips and `truth.json` are made by `make demo-session`; the person in them is drawn, nobody is real.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise


@dataclass(frozen=True)
class Comparison:
    """One estimate beside the truth."""

    exercise: Exercise | None
    """None = the whole session."""
    label: str
    estimate: float
    """NaN = could not be measured."""
    error: float
    """Half the width of the 90 % interval; NaN = not known."""
    truth: float
    unit: str

    @property
    def holds(self) -> bool | None:
        """Whether the truth lies in the interval; None where nothing was estimated."""
        if math.isnan(self.estimate) or math.isnan(self.error):
            return None
        return abs(self.estimate - self.truth) <= self.error


def session_folder() -> Path:
    """Return the folder that holds the clips and their truth."""
    return Path(str(resources.files("backsight.demo")))


def session_clips() -> dict[Exercise, Path]:
    """Return the clip of each exercise."""
    return {
        Exercise(recording["exercise"]): session_folder() / str(recording["file"])
        for recording in _truth()["recordings"]
    }


def session_height_m() -> float:
    """Return the volunteer's standing height in metres."""
    return float(_truth()["volunteer"]["height_m"])


def compare(assessment: Assessment) -> tuple[Comparison, ...]:
    """Set every measure of the bundled session, and its index, beside what is true of the volunteer.

    Parameters
    ----------
    assessment
        Of the clips of `session_clips`.
    """
    truths = {Exercise(recording["exercise"]): _values(recording) for recording in _truth()["recordings"]}
    compared = [
        Comparison(part.exercise, item.label, item.value, item.error, truths[part.exercise][item.name], item.unit)
        for part in assessment.exercises
        for item in part.measurements
        if item.name in truths[part.exercise]
    ]
    if assessment.index is not None and assessment.interval is not None:
        # The interval is cut to 0 to 1; uncut it is as wide to both sides.
        half_width = max(assessment.interval.high - assessment.index, assessment.index - assessment.interval.low)
        true_index = float(_truth()["volunteer"]["index"])
        compared.append(Comparison(None, "Spinal health index", assessment.index, half_width, true_index, ""))
    return tuple(compared)


def _values(recording: Mapping[str, Any]) -> dict[str, float]:
    return {
        measure["name"]: float(measure["value"]) for measure in recording["measures"] if measure["value"] is not None
    }


@cache
def _truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((session_folder() / "truth.json").read_text(encoding="utf-8"))
    return loaded
