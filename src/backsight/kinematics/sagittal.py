"""Flexion of trunk and knees, from picture and world landmarks as the view allows. Knows nothing of exercises.

Signs are those of `backsight.kinematics.angles`. Neither source is good from everywhere: a picture from the side shows
flexion within a few degrees, one from the front hardly; world landmarks know depth, but show false flexion upright and
turn a bent person about the vertical by up to half a turn. Each counts by the view.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics.angles import BodyFrame, knee_flexion_deg
from backsight.kinematics.bend import find_standing_deg
from backsight.kinematics.body import BodySize
from backsight.kinematics.geometry import UP, angle_between_deg, known, mean_of_known, median_of_known, unit, wrap_deg
from backsight.kinematics.view import View

BENT_BEYOND_DEG = 10.0
"""From this tilt of the trunk above standing on, hips and shoulders no longer tell where the person faces: on rendered
volunteers (seed 7001) BlazePose turned some by 90 degrees and more before it saw a bend of 30."""
PICTURE_COUNTS = ((10.0, 0.0), (30.0, 0.5), (60.0, 1.0))
"""How much the picture counts, from 0 to 1, at angles off the front or back, in degrees; in between along a straight
line. At 30 degrees picture and world err to opposite sides: on rendered volunteers (seed 7001) the mean of both
scattered half as much as either."""
MOST_FLEXED_DEG = 160.0
"""Nobody's trunk hangs steeper than this: BlazePose has lost the person, or found a wrong one in the first frames."""
FOCAL_PER_LONG_SIDE = 0.7
"""Focal length over the picture's longer side where nobody tells it: webcams and phones have 0.6 to 0.85."""
LENS_ABOVE_HIPS_DEG = 4.0
"""How far the line of sight slopes down to the hips: a lens 20 cm above hips that are 3 m away."""
_UPRIGHT_SHARE = 0.93
"""Frames in which the trunk is this high in the picture, of its greatest height, show its full length."""
_LEGS = [mark for mark in Landmark if mark.name.split("_", 1)[-1] in {"KNEE", "ANKLE", "HEEL", "FOOT_INDEX"}]
_TRIED_DEG = np.arange(-45.0, 170.25, 0.25)


def hold_facing(frame: BodyFrame, world_m: FloatArray, timestamps_s: FloatArray) -> BodyFrame:
    """Return the directions with those of a bent person taken over from the upright frames before and after.

    Looking at the top of a head, BlazePose takes the person to face away and exchanges left and right; nobody turns
    round in a bend. Without an upright frame nothing is changed.
    """
    tilt_deg = angle_between_deg(_trunk(world_m), np.broadcast_to(UP, (len(world_m), 3)))
    bent = tilt_deg > find_standing_deg(tilt_deg) + BENT_BEYOND_DEG
    upright = ~bent & np.isfinite(frame.forward[:, 0])
    if not upright.any():
        return frame
    held = np.column_stack(
        [np.interp(timestamps_s, timestamps_s[upright], frame.forward[upright, axis]) for axis in range(3)]
    )
    forward = unit(np.where(bent[:, np.newaxis], held, frame.forward))
    return BodyFrame(forward=forward, right=np.cross(forward, UP))


def picture_weight(view: View) -> float:
    """Return how much the picture counts against the world for sagittal angles, 0 to 1; NaN = view unknown."""
    angles_deg, weights = zip(*PICTURE_COUNTS, strict=True)
    return float(np.interp(view.off_front_deg, angles_deg, weights))


def sagittal_flexion_deg(pose: PoseSequence, *, view: View, body: BodySize, shows_back: bool) -> FloatArray:
    """Return the trunk's inclination from picture and world, weighted by the view; forward positive, 90 = level.

    Standing is still in it. Where one side's shoulder or hip is missing the other side's stands in. Shape (n_frames,);
    NaN = missing, or seen as nobody can be.

    Parameters
    ----------
    shows_back
        The person faces away from the lens, so that the trunk goes away from it as it bends.
    """
    weight = picture_weight(view)
    if weight == 1.0:
        flexion_deg = _flexion_in_picture_deg(pose, view=view, body=body, shows_back=shows_back)
    elif weight == 0.0:
        flexion_deg = _tilt_in_world_deg(pose.world_m, view)
    else:
        picture_deg = _flexion_in_picture_deg(pose, view=view, body=body, shows_back=shows_back)
        flexion_deg = weight * picture_deg + (1.0 - weight) * _tilt_in_world_deg(pose.world_m, view)
    return np.where(_is_upside_down(pose) | (flexion_deg > MOST_FLEXED_DEG), np.nan, flexion_deg)


def sagittal_knee_flexion_deg(pose: PoseSequence, *, view: View, body: BodySize) -> FloatArray:
    """Return the knees' flexion, the mean of both or the one that is known: 0 = straight; overstretched is negative.

    From picture and world, weighted by the view. Shape (n_frames,); NaN = missing.
    """
    weight = picture_weight(view)
    world_deg = mean_of_known(*knee_flexion_deg(pose.world_m))
    if not weight > 0.0:
        return world_deg
    seen_m = sagittal_m(pose, view=view, body=body)

    def side(hip: Landmark, knee: Landmark, ankle: Landmark) -> FloatArray:
        thigh, shank = seen_m[:, hip] - seen_m[:, knee], seen_m[:, knee] - seen_m[:, ankle]
        # Both point up; a bent knee turns the thigh backwards against the shank.
        return wrap_deg(np.degrees(np.arctan2(shank[:, 0], shank[:, 1]) - np.arctan2(thigh[:, 0], thigh[:, 1])))

    picture_deg = mean_of_known(
        side(Landmark.LEFT_HIP, Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE),
        side(Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE),
    )
    return picture_deg if weight == 1.0 else weight * picture_deg + (1.0 - weight) * world_deg


def sagittal_m(pose: PoseSequence, *, view: View, body: BodySize) -> FloatArray:
    """Return how far forward and how high every landmark is in the picture, in BlazePose's metres at the person.

    What points forward looks short by the sine of the angle off the front, which is undone; so this holds from the side
    or at an angle, not from the front. Shape (n_frames, 33, 2), from the picture's corner; NaN = missing.
    """
    forward = pose.image_px[:, :, 0] * view.towards_right / np.sin(np.radians(view.off_front_deg))
    return np.stack((forward, -pose.image_px[:, :, 1]), axis=-1) / body.px_per_m


def _trunk(positions: FloatArray) -> FloatArray:
    """Return hip to shoulder: the mean of both sides, or the side that is known; shape (n_frames, k)."""
    return mean_of_known(
        positions[:, Landmark.LEFT_SHOULDER] - positions[:, Landmark.LEFT_HIP],
        positions[:, Landmark.RIGHT_SHOULDER] - positions[:, Landmark.RIGHT_HIP],
    )


def _flexion_in_picture_deg(pose: PoseSequence, *, view: View, body: BodySize, shows_back: bool) -> FloatArray:
    """Return the inclination at which a rod of the trunk's length would look most like the trunk in the picture.

    The rod stands on the hips, flexes where the person faces and comes nearer to the lens as it does, or goes away
    where the back is turned to it, which makes it look longer or shorter. Length and height of the picture both have a
    part in it, so that the view need not be known well: at 60 degrees off the front an error of 10 changes little.
    """
    trunk_px = _trunk(pose.image_px[:, :, :2])
    seen = np.column_stack((view.towards_right * trunk_px[:, 0], -trunk_px[:, 1])) / body.px_per_m
    heights_m = known(seen[:, 1])
    if not len(heights_m):
        return np.full(pose.n_frames, np.nan)
    full = seen[:, 1] >= _UPRIGHT_SHARE * np.percentile(heights_m, 97.0)
    length_m = median_of_known(np.hypot(seen[full, 0], seen[full, 1]))
    distance_m = FOCAL_PER_LONG_SIDE * max(pose.frame_size) / body.px_per_m
    off_front, slope, flexion = (np.radians(deg) for deg in (view.off_front_deg, LENS_ABOVE_HIPS_DEG, _TRIED_DEG))
    towards_lens = np.sin(flexion) * np.cos(off_front) * (-1.0 if shows_back else 1.0)
    nearer = towards_lens * np.cos(slope) + np.cos(flexion) * np.sin(slope)
    upward = np.cos(flexion) * np.cos(slope) - towards_lens * np.sin(slope)
    rod = (
        np.column_stack((np.sin(flexion) * np.sin(off_front), upward))
        * (length_m / (1.0 - length_m / distance_m * nearer))[:, np.newaxis]
    )
    off = np.square(seen[:, np.newaxis] - rod).sum(axis=2)
    best = _TRIED_DEG[np.argmin(np.where(np.isnan(off), np.inf, off), axis=1)]
    return np.where(np.isfinite(seen).all(axis=1), best, np.nan)


def _is_upside_down(pose: PoseSequence) -> NDArray[np.bool_]:
    """Return the frames in which the legs are above the hips in the picture; shape (n_frames,).

    In some first frames BlazePose finds a person who stands on the head, where nobody does.
    """
    down_px = pose.image_px[:, :, 1]
    hips = mean_of_known(down_px[:, Landmark.LEFT_HIP], down_px[:, Landmark.RIGHT_HIP])
    legs = down_px[:, _LEGS]
    n_known = np.isfinite(legs).sum(axis=1)
    mean = np.where(np.isfinite(legs), legs, 0.0).sum(axis=1) / np.maximum(n_known, 1)
    upside_down: NDArray[np.bool_] = (n_known > 0) & (mean < hips)
    return upside_down


def _tilt_in_world_deg(world_m: FloatArray, view: View) -> FloatArray:
    """Return the trunk's tilt out of the vertical in the world, whichever way, but not sideways in a frontal view.

    Without a sign: in a bend the world takes front for back. Upright people look tilted forward anyway.
    """
    trunk = _trunk(world_m)
    across_counts = min(2.0 * picture_weight(view), 1.0)
    return np.degrees(np.arctan2(np.sqrt(trunk[:, 2] ** 2 + across_counts * trunk[:, 0] ** 2), -trunk[:, 1]))
