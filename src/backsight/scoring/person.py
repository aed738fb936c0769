"""One recorded person, with what every measure needs worked out once. Knows nothing of norms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame, body_frame, shoulder_elevation_deg
from backsight.kinematics.bend import find_standing_deg
from backsight.kinematics.body import BodySize, measure_body
from backsight.kinematics.geometry import median_of_known
from backsight.kinematics.sagittal import hold_facing, sagittal_flexion_deg
from backsight.kinematics.signals import smooth
from backsight.kinematics.view import View, find_view

MOSTLY_KNOWN = 0.7
"""A measure needs its landmarks in at least this share of the frames it is taken from."""
FEWEST_FRAMES = 8
"""Posture from fewer frames is chance."""
UPRIGHT_WITHIN_DEG, ARMS_DOWN_WITHIN_DEG = 20.0, 60.0
"""Posture is read while the trunk is within this flexion of standing and the upper arms hang within this of the trunk:
raised arms lift the shoulders."""


@dataclass(frozen=True, eq=False)
class Person:
    """A pose sequence with the person's directions, size and view."""

    pose: PoseSequence
    frame: BodyFrame
    body: BodySize
    view: View
    height_m: float | None = None
    """Standing height as given by the user, in metres; None = unknown."""

    @property
    def scale(self) -> float:
        """True metres in one of BlazePose's metres: from the person's height where it is given, 1 otherwise."""
        return 1.0 if self.height_m is None else self.height_m / self.body.height_m

    @property
    def times_s(self) -> FloatArray:
        """Shape (n_frames,)."""
        return self.pose.timestamps_s

    def flexion_deg(self) -> FloatArray:
        """Return trunk flexion with the person's standing still in it, from picture and world as the view allows.

        Shape (n_frames,); NaN = missing.
        """
        return sagittal_flexion_deg(self.pose, view=self.view, body=self.body, shows_back=self.shows_back)

    @property
    def shows_back(self) -> bool:
        """True when the person faces away from the camera most of the time; False when that is unknown."""
        return median_of_known(self.frame.forward[:, 2]) > 0.0

    def upright(self) -> NDArray[np.bool_]:
        """Return the frames in which the person stands or walks upright with the arms down; shape (n_frames,)."""
        flexion = self.flexion_deg()
        standing_deg = find_standing_deg(smooth(flexion, self.times_s))
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


def observe(pose: PoseSequence, *, height_m: float | None = None) -> Person:
    """Work out the person's directions, size and view from filtered landmarks at their own times.

    Parameters
    ----------
    height_m
        Standing height in metres where the user gave it; lengths are then in true metres.
    """
    frame = hold_facing(body_frame(pose.world_m), pose.world_m, pose.timestamps_s)
    return Person(pose=pose, frame=frame, body=measure_body(pose), view=find_view(frame), height_m=height_m)


def median_at(values: FloatArray, where: NDArray[np.bool_]) -> float:
    """Return the median of the values at `where`; NaN unless there are a few and `MOSTLY_KNOWN` of them are known."""
    chosen = values[where]
    enough = len(chosen) >= FEWEST_FRAMES and np.isfinite(chosen).mean() >= MOSTLY_KNOWN
    return median_of_known(chosen) if enough else float("nan")
