"""One recorded person, with what every measure needs worked out once. Knows nothing of norms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame, body_frame, shoulder_elevation_deg, trunk_flexion_deg
from backsight.kinematics.body import BodySize, measure_body
from backsight.kinematics.geometry import median_of_known
from backsight.kinematics.view import View, find_view, flexion_in_picture_deg

MOSTLY_KNOWN = 0.7
"""A measure needs its landmarks in at least this share of the frames it is taken from."""
FEWEST_FRAMES = 8
"""Posture from fewer frames is chance."""
POSTURE_ERROR = "One camera errs by about 2 degrees here, and a tilted camera adds its own tilt."
"""Measured: up to 1.6 degrees on a rendered figure (full); lite and full differ by 2 on one real recording."""
UPRIGHT_WITHIN_DEG, ARMS_DOWN_WITHIN_DEG = 20.0, 60.0
"""Posture is read while the trunk is within this flexion of standing and the upper arms hang within this of the trunk:
raised arms lift the shoulders."""
STANDING_FLEXION_CENTILE = 20.0
"""The person's own standing is taken as this centile of the trunk flexion over the recording."""


@dataclass(frozen=True, eq=False)
class Person:
    """A pose sequence with the person's directions, size and view."""

    pose: PoseSequence
    frame: BodyFrame
    body: BodySize
    view: View

    @property
    def times_s(self) -> FloatArray:
        """Shape (n_frames,)."""
        return self.pose.timestamps_s

    def flexion_deg(self) -> FloatArray:
        """Return trunk flexion with the person's standing still in it: from the picture when seen from the side.

        Otherwise from the world landmarks. Shape (n_frames,); NaN = missing.
        """
        if self.view.is_lateral:
            return flexion_in_picture_deg(self.pose, view=self.view)
        return trunk_flexion_deg(self.pose.world_m, self.frame)

    def upright(self) -> NDArray[np.bool_]:
        """Return the frames in which the person stands or walks upright with the arms down; shape (n_frames,)."""
        flexion = self.flexion_deg()
        found = flexion[np.isfinite(flexion)]
        if not len(found):
            return np.zeros(self.pose.n_frames, dtype=np.bool_)
        standing_deg = float(np.percentile(found, STANDING_FLEXION_CENTILE))
        raised_deg = np.fmax(*shoulder_elevation_deg(self.pose.world_m))
        # A missing arm does not count as raised; a missing trunk does not count as upright.
        return (np.abs(flexion - standing_deg) <= UPRIGHT_WITHIN_DEG) & ~(raised_deg > ARMS_DOWN_WITHIN_DEG)

    def why_not_frontal(self) -> str:
        """Return why lean and obliquity cannot be read in this view, as one sentence; empty when they can."""
        if self.view.is_frontal:
            return ""
        if np.isnan(self.view.off_front_deg):
            return "Cannot be measured: hips, shoulders and feet are not seen well enough to tell the view."
        return (
            f"Cannot be measured in this view, {self.view.off_front_deg:.0f} degrees off the person's front or back: "
            "film from the front."
        )


def observe(pose: PoseSequence) -> Person:
    """Work out the person's directions, size and view from filtered landmarks at their own times."""
    frame = body_frame(pose.world_m)
    return Person(pose=pose, frame=frame, body=measure_body(pose), view=find_view(frame))


def range_of_known(values: FloatArray) -> float:
    """Return the spread from the 2.5th to the 97.5th centile of the known values; NaN when there are none."""
    found = values[np.isfinite(values)]
    if not len(found):
        return float("nan")
    low, high = np.percentile(found, [2.5, 97.5])
    return float(high - low)


def median_at(values: FloatArray, where: NDArray[np.bool_]) -> float:
    """Return the median of the values at `where`; NaN unless there are a few and `MOSTLY_KNOWN` of them are known."""
    chosen = values[where]
    enough = len(chosen) >= FEWEST_FRAMES and np.isfinite(chosen).mean() >= MOSTLY_KNOWN
    return median_of_known(chosen) if enough else float("nan")
