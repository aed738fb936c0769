"""One recorded person, with what every measure needs worked out once. Knows nothing of norms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame, body_frame, shoulder_elevation_deg, trunk_flexion_deg
from backsight.kinematics.bend import find_standing_deg
from backsight.kinematics.body import BodySize, measure_body
from backsight.kinematics.geometry import median_of_known
from backsight.kinematics.signals import smooth
from backsight.kinematics.view import View, find_view, flexion_in_picture_deg

MOSTLY_KNOWN = 0.7
"""A measure needs its landmarks in at least this share of the frames it is taken from."""
FEWEST_FRAMES = 8
"""Posture from fewer frames is chance."""
LEAN_ERROR_DEG, SLOPE_ERROR_DEG = 2.0, 3.0
"""Half width of the 90 % interval by the landmarks' own error, of the trunk's lean and of the slope of shoulders or
hips, seen from the front: nine in ten of 317 simulated recordings with BlazePose-like errors and a level camera were
off by less. On a rendered figure up to 1.6 degrees (full); lite and full differ by 2 on one real recording."""
CAMERA_TILT_DEG = 3.0
"""Half width of the 90 % interval of a camera's roll that nobody notices: an assumption, not a measured figure. The
picture holds nothing that tells it from a lean."""
UNSEEN_FLEXION_DEG = 10.0
"""How far the trunk may be flexed while standing. World landmarks show 6 to 16 degrees on an upright figure and so
cannot tell: the leak of flexion into lean is bounded, not subtracted."""
POSTURE_ERROR = (
    f"The landmarks err by {LEAN_ERROR_DEG:.0f} to {SLOPE_ERROR_DEG:.0f} degrees here, "
    f"and a camera that is tilted, by up to {CAMERA_TILT_DEG:.0f} unnoticed, adds its tilt."
)
FLEXION_ERROR_FROM_SIDE_DEG, FLEXION_ERROR_OBLIQUE_DEG, FLEXION_ERROR_FROM_FRONT_DEG = 7.0, 8.0, 14.0
"""Largest errors of trunk flexion on a rendered figure: 3 degrees side on (lite) to 7 at 60 degrees of yaw in the
picture; up to 8 at 30 and 14 from the front in world landmarks. Taken as half width of the 90 % interval."""
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
        """Return trunk flexion with the person's standing still in it: from the picture when seen from the side.

        Otherwise from the world landmarks. Shape (n_frames,); NaN = missing.
        """
        if self.view.is_lateral:
            return flexion_in_picture_deg(self.pose, view=self.view)
        return trunk_flexion_deg(self.pose.world_m, self.frame)

    @property
    def flexion_error_deg(self) -> float:
        """Half the width of the 90 % interval of `flexion_deg` in this view."""
        if self.view.is_lateral:
            return FLEXION_ERROR_FROM_SIDE_DEG
        return FLEXION_ERROR_FROM_FRONT_DEG if self.view.is_frontal else FLEXION_ERROR_OBLIQUE_DEG

    @property
    def flexion_leak_deg(self) -> float:
        """The most that flexion unseen while standing adds to or takes from the lean seen in the picture."""
        into_picture = np.sin(np.radians(UNSEEN_FLEXION_DEG)) * np.sin(np.radians(self.view.off_front_deg))
        return float(np.degrees(np.arcsin(into_picture)))

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
    frame = body_frame(pose.world_m)
    return Person(pose=pose, frame=frame, body=measure_body(pose), view=find_view(frame), height_m=height_m)


def posture_error_deg(*errors_deg: float) -> float:
    """Return half the width of the 90 % interval of a frontal posture from its errors and the camera's tilt.

    Independent errors add as squares.
    """
    return float(np.sqrt(np.square([CAMERA_TILT_DEG, *errors_deg]).sum()))


def known_error(value: float, error: float) -> float:
    """Return the error of a value; NaN where there is no value to err."""
    return error if np.isfinite(value) else float("nan")


def median_at(values: FloatArray, where: NDArray[np.bool_]) -> float:
    """Return the median of the values at `where`; NaN unless there are a few and `MOSTLY_KNOWN` of them are known."""
    chosen = values[where]
    enough = len(chosen) >= FEWEST_FRAMES and np.isfinite(chosen).mean() >= MOSTLY_KNOWN
    return median_of_known(chosen) if enough else float("nan")
