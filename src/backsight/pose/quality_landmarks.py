"""Quality of the landmarks as numbers: finite, moving, confident, sides kept apart. Knows nothing of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import QualityCheck
from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence, PoseTrack
from backsight.domain.validation import FloatArray
from backsight.pose.quality_body import SIDE_PAIRS, TRUNK_AND_LEGS, body_height, centile, median, nose_to_ankle, spread
from backsight.pose.quality_grading import build_check, grade_at_least, grade_at_most, percent, worst_of

BROKEN_GOOD = 0.0
"""Share of the readings reported as visible without a finite position; a sound estimator gives none."""
BROKEN_USABLE = 0.05
"""A few may be bridged like other gaps."""

MOVED_USABLE = 0.025
"""Range of the landmarks in body heights, upper quartile: 4 cm, more than the 1 cm that somebody standing still sways.
BlazePose on one picture repeated gives 0.009 to 0.014, a seated man lifting his arms 0.16."""
MOVING_CENTILE = 75
"""Touching the toes side-on moves head, shoulders and hands only, which are 5 of the 11 landmarks looked at."""
_MOVING = (*TRUNK_AND_LEGS, Landmark.NOSE, Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST)

VISIBILITY_GOOD = 0.75
"""Mean visibility of trunk and legs. Real clips with the whole body in view: 0.86 to 1.00; without shanks: 0.70."""
VISIBILITY_USABLE = 0.5
"""On average the model would rather not say; cut off at the hips real clips give 0.46 to 0.58."""
REMOVED_GOOD = 0.25
"""Share of the readings of trunk and legs that fall to the visibility filter; 0 to 0.16 on those clips, 0.34 without
shanks."""
REMOVED_USABLE = 0.5
"""More removed than kept."""

SIZE_SPREAD_GOOD = 0.2
"""Range between the 10th and 90th centile of the body's length from nose to ankles in the world, over its median: 0.04
to 0.12 on real clips, a somersault included; with the shanks cut off 0.14 to 0.28, without the head up to 0.48."""
SIZE_SPREAD_USABLE = 0.35
"""A body that changes its size by a third has been invented over and over."""

SWAP_SPEED_M_PER_S = 8.0
"""The line from a right to a left landmark cannot change faster: a swinging ankle passes the standing one at 5 m/s, a
fast turn moves the shoulders against each other at 2."""
SWAP_CHANGE_M = 0.25
"""Smallest change that counts, about a width of the hips, so that noise at high frame rates is no swap."""
SWAP_FIT_RATIO = 0.5
"""Exchanging the sides must explain the change: it leaves less than half of it."""
SWAP_PAIRS = 2
"""Pairs of landmarks, of shoulders, hips, knees and ankles, that have to swap together."""
SWAP_HEIGHT_M = 1.7
"""Standing height that turns picture distances into metres, for want of the person's own."""
SWAPS_GOOD = 0.03
"""Share of the frames with a swap: none in a real walk, 0.08 in jumping jacks whose sides BlazePose lite exchanges."""
SWAPS_ALLOWED = 2
"""One wrong frame, there and back, fails no short clip."""
SWAPS_USABLE = 0.15
"""With a swap every seventh frame no side is known for longer than a fifth of a second."""
FRAME_STEP_FROM = 1.5
"""Frames further apart than this many usual steps are not compared."""


def check_landmarks_finite(track: PoseTrack, *, visible_from: float) -> QualityCheck:
    """Judge readings that claim to be visible and have no finite position."""
    pose = track.pose
    visible = pose.visibility >= visible_from
    known = np.isfinite(pose.image_px).all(axis=2) & np.isfinite(pose.world_m).all(axis=2)
    share = float((visible & ~known).sum() / visible.sum()) if visible.any() else float("nan")
    finding = f"{percent(share)} of the visible landmarks have no usable position"
    if share == 0:
        finding = "every visible landmark has a position"
    elif np.isnan(share):
        finding = "could not be measured: no landmark is visible"
    return build_check(
        "landmarks_finite",
        "Landmarks are numbers",
        grade_at_most(share, good=BROKEN_GOOD, usable=BROKEN_USABLE),
        value=share,
        unit="share of readings",
        finding=finding,
        tip="The landmark data is damaged: estimate the landmarks from the video again.",
    )


def check_moving(track: PoseTrack) -> QualityCheck:
    """Judge whether anything moves at all; a frozen picture gives a person who never does."""
    position = track.pose.image_px[:, :, :2]
    ranges_px = [spread(position[:, landmark, axis], low=0.5, high=99.5) for landmark in _MOVING for axis in range(2)]
    per_landmark = np.hypot(ranges_px[0::2], ranges_px[1::2])
    moved = centile(per_landmark, MOVING_CENTILE) / body_height(position)
    finding = f"the landmarks move over {100 * moved:.1f} % of the body's height"
    if np.isnan(moved):
        finding = "could not be measured: the body is never seen"
    return build_check(
        "moving",
        "Person moves",
        grade_at_least(moved, good=MOVED_USABLE, usable=MOVED_USABLE),
        value=moved,
        unit="body heights",
        finding=finding,
        tip="The picture seems frozen or nobody moves in it: record the exercise again and play the video once.",
    )


def check_confidence(track: PoseTrack, filtered: PoseSequence) -> QualityCheck:
    """Judge how sure BlazePose is of trunk and legs, and how much of them the visibility filter left."""
    present = track.pose.has_person
    visibility = track.pose.visibility[present][:, TRUNK_AND_LEGS]
    kept = np.isfinite(filtered.image_px[present][:, TRUNK_AND_LEGS, 0])
    mean = float(visibility.mean()) if visibility.size else float("nan")
    removed = 1.0 - float(kept.mean()) if kept.size else float("nan")
    finding = f"trunk and legs have a mean visibility of {mean:.2f}, {percent(removed)} of their landmarks are dropped"
    if np.isnan(mean):
        finding = "could not be measured: nobody is seen"
    return build_check(
        "landmark_confidence",
        "Trunk and legs seen clearly",
        worst_of(
            grade_at_least(mean, good=VISIBILITY_GOOD, usable=VISIBILITY_USABLE),
            grade_at_most(removed, good=REMOVED_GOOD, usable=REMOVED_USABLE),
        ),
        value=mean,
        unit="visibility",
        finding=finding,
        tip="Wear close-fitting clothes that differ from the background, in even light, with nothing in front of you.",
    )


def check_body_size(track: PoseTrack) -> QualityCheck:
    """Judge whether the body keeps its size: where BlazePose has to invent parts of it, it grows and shrinks."""
    lengths_m = nose_to_ankle(track.pose.world_m)
    length_m = median(lengths_m)
    change = spread(lengths_m, low=10, high=90) / length_m if length_m > 0.0 else float("nan")
    finding = f"from nose to ankles the body changes its length by {percent(change)}"
    if np.isnan(change):
        finding = "could not be measured: the body is never seen, or is a single point"
    return build_check(
        "body_size",
        "Body keeps its size",
        grade_at_most(change, good=SIZE_SPREAD_GOOD, usable=SIZE_SPREAD_USABLE),
        value=change,
        unit="share of its length",
        finding=finding,
        tip="Keep head, trunk and feet in the picture, unhidden and in close-fitting clothes.",
    )


def check_left_right_swaps(filtered: PoseSequence) -> QualityCheck:
    """Judge how often left and right are exchanged from one frame to the next, in the world or in the picture.

    At low frame rates a body may really do between two frames what a swap looks like, so only wide ones are then found.
    """
    height_px = body_height(filtered.image_px[:, :, :2])
    image_m = filtered.image_px[:, :, :2] * (SWAP_HEIGHT_M / height_px)
    step_s = np.diff(filtered.timestamps_s)
    compared = step_s <= FRAME_STEP_FROM * median(step_s) if step_s.size else np.zeros(0, dtype=np.bool_)
    n_pairs = sum(
        (_exchanged(filtered.world_m, left, right, step_s) | _exchanged(image_m, left, right, step_s)).astype(np.int64)
        for left, right in SIDE_PAIRS
    )
    pairs_seen = np.isfinite(filtered.image_px[:, TRUNK_AND_LEGS, 0]).reshape(-1, len(SIDE_PAIRS), 2).all(axis=2)
    seen = pairs_seen.sum(axis=1) >= SWAP_PAIRS
    compared = compared & seen[1:] & seen[:-1]
    n_compared = int(compared.sum())
    n_swaps = int(((np.asarray(n_pairs) >= SWAP_PAIRS) & compared).sum()) if n_compared else 0
    share = n_swaps / n_compared if n_compared else float("nan")
    finding = f"left and right swap abruptly at {n_swaps} of {n_compared} frames"
    if not n_compared:
        finding = "could not be measured: both sides are never seen in two frames that follow each other"
    return build_check(
        "left_right_swaps",
        "Left and right kept apart",
        grade_at_most(share if n_swaps > SWAPS_ALLOWED else 0.0, good=SWAPS_GOOD, usable=SWAPS_USABLE),
        value=share,
        unit="share of frames",
        finding=finding,
        tip="Face the camera or stand clearly side-on, in even light, or try a more precise pose model.",
    )


def _exchanged(positions_m: FloatArray, left: int, right: int, step_s: FloatArray) -> NDArray[np.bool_]:
    """Return between which frames the line from right to left turns round faster than a body can; (n_frames - 1,)."""
    line = positions_m[:, left] - positions_m[:, right]
    change = np.linalg.norm(np.diff(line, axis=0), axis=1)
    left_over = np.linalg.norm(line[1:] + line[:-1], axis=1)
    impossible = change > np.maximum(SWAP_CHANGE_M, SWAP_SPEED_M_PER_S * step_s)
    return np.asarray(impossible & (left_over < SWAP_FIT_RATIO * change))
