"""How far shoulders and pelvis are turned about the vertical, from depth and foreshortening together.

BlazePose guesses depth and errs towards none: on people who turn their trunk, a plain angle from depth over width falls
short. The width itself comes from the picture and shrinks with the cosine of the turn, which says much of a large turn
and nothing of a small one; it also shrinks where arms are raised. The turn returned is the likeliest one given both.
Knows nothing of exercises.

Conventions, for every function: degrees; shape (n_frames,); NaN = a landmark is missing or the line is too steep to
tell a direction; a turn to the person's right is positive.
"""

from __future__ import annotations

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import level_line
from backsight.kinematics.geometry import known, wrap_deg

WIDTH_ERROR_SHARE, DEPTH_ERROR_SHARE = 0.03, 0.10
"""Standard deviation of a line's width and depth in world landmarks as shares of its length. Assumptions: the picture
fixes the width within a few pixels in a hundred; depth is worse. Halving or doubling one of them changes the error of a
trunk rotation on Keraal by a degree at most. No gain of depth is assumed: that of virtual volunteers, in clothes with
no seams or straps to see a turn by, is not that of real ones."""
LENGTH_CHANGE_SHARE = 0.05
"""Standard deviation over time of a line's own length: arms behind the head brought the shoulders of a real subject
12 % closer together in the picture."""
_FULL_LENGTH_CENTILE = 90.0
"""A line's length over a recording is this centile of the lengths seen: where depth falls short, so does the length,
and the longest few are outliers."""
_STEP_DEG = 1.0


def shoulder_turn_deg(world_m: FloatArray) -> FloatArray:
    """Return how far the shoulder line is turned against the picture; 0 = square to the camera, -180 to 180."""
    return line_turn_deg(world_m[:, Landmark.LEFT_SHOULDER] - world_m[:, Landmark.RIGHT_SHOULDER])


def pelvis_turn_deg(world_m: FloatArray) -> FloatArray:
    """Return how far the line through the hips is turned against the picture; 0 = square to the camera, -180 to 180."""
    return line_turn_deg(world_m[:, Landmark.LEFT_HIP] - world_m[:, Landmark.RIGHT_HIP])


def axial_turn_deg(world_m: FloatArray) -> FloatArray:
    """Return how far the shoulders are turned against the pelvis about the vertical, -180 to 180."""
    return wrap_deg(shoulder_turn_deg(world_m) - pelvis_turn_deg(world_m))


def line_turn_deg(right_to_left_m: FloatArray) -> FloatArray:
    """Return the turn about the vertical of a line across the body, from its width and its depth.

    A line of length l turned by a has width l cos a and depth l sin a. Length, width and depth as read are taken as
    normal about these; the answer is the angle of the greatest likelihood, whatever the length.

    Parameters
    ----------
    right_to_left_m
        From the right landmark to the left one, BlazePose's world axes (x to the image's right, y down, z away from the
        camera); shape (n_frames, 3); NaN = missing.
    """
    flat = level_line(right_to_left_m)
    width, depth = flat[:, 0], -flat[:, 2]
    lengths = known(np.hypot(width, depth))
    if not len(lengths):
        return np.full(len(flat), np.nan)
    full_m = float(np.percentile(lengths, _FULL_LENGTH_CENTILE))

    def misfit(turn_deg: FloatArray) -> FloatArray:
        """Return -2 log likelihood of angles of shape (n_frames, n_angles), up to a constant."""
        turn = np.radians(turn_deg)
        of_width, of_depth = np.cos(turn) / WIDTH_ERROR_SHARE, np.sin(turn) / DEPTH_ERROR_SHARE
        wide = width[:, np.newaxis] / (full_m * WIDTH_ERROR_SHARE) - of_width
        deep = depth[:, np.newaxis] / (full_m * DEPTH_ERROR_SHARE) - of_depth
        # An error of the length moves width and depth together (Sherman-Morrison).
        explained = (of_width * wide + of_depth * deep) ** 2 / (LENGTH_CHANGE_SHARE**-2 + of_width**2 + of_depth**2)
        return np.asarray(wide**2 + deep**2 - explained)

    tried_deg = np.arange(-180.0, 180.0, _STEP_DEG)
    there = np.isfinite(width) & np.isfinite(depth)
    rough = np.full(len(flat), np.nan)
    rough[there] = tried_deg[np.argmin(misfit(tried_deg[np.newaxis, :])[there], axis=1)]
    # A parabola through the best angle and its two neighbours finds the minimum between them.
    before, at, after = misfit(rough[:, np.newaxis] + [-_STEP_DEG, 0.0, _STEP_DEG]).T
    curvature = before - 2.0 * at + after
    shift = np.where(curvature > 0, 0.5 * (before - after) / np.where(curvature > 0, curvature, 1.0), 0.0)
    return wrap_deg(rough + _STEP_DEG * np.clip(shift, -1.0, 1.0))
