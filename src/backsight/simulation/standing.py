"""How a volunteer stands: posture, asymmetries and sway, on which every exercise builds. Knows nothing of exercises."""

from __future__ import annotations

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.simulation.body import Body
from backsight.simulation.dysfunction import Trait, Volunteer
from backsight.simulation.profiles import wander
from backsight.simulation.skeleton import Motion, about_x, about_z, hip_height_m, orient

CURVE_SHARES = np.array([0.0, 0.45, 0.75, 1.0])
"""How much of the spine's bending against the pelvis each piece carries, from the pelvis up. Assumption: 45 % at L5/S1,
30 % at T12/L1, 25 % at T6/T7."""
SIDE_SHARES = np.array([0.0, 1.0, 0.7, 0.2])
"""The same for side bending: the lumbar spine leans, the shoulders come back level. Assumption."""
TURN_SHARES = np.array([0.0, 0.2, 0.5, 1.0])
"""The same for turning, most of which is thoracic. Assumption."""
HAND_BESIDE_SHARE = 0.118
"""Wrists pass this far from the mid-line, as a share of height: trochanters are 0.0955 from it (Winter 2009)."""
ELBOW_SWING_RAD = 0.3
"""Room for the elbow to bend as arms swing. Assumption."""
SWAY_SD_M = 0.004
"""Sway of the hips in quiet standing. Assumption, about the centre of pressure's 3 to 6 mm [R]."""


def spine_angles(
    body: Body,
    *,
    pelvis_rad: FloatArray,
    trunk_flexion_rad: FloatArray,
    trunk_lean_rad: FloatArray,
    thorax_turn_rad: FloatArray,
) -> FloatArray:
    """Bend the spine so that the line from mid-hip to mid-shoulder has the wanted flexion and side lean.

    That line is what landmarks can show, so it stands for the trunk flexion of Laird 2019 throughout Backsight
    (assumption: Laird measured the inclination at T12).

    Parameters
    ----------
    pelvis_rad
        Flexion, lean, turn of the pelvis against the room; shape (n, 3).
    trunk_flexion_rad, trunk_lean_rad
        Of the line from mid-hip to mid-shoulder, against the vertical; shape (n,). The lean is met to first order.
    thorax_turn_rad
        Turn of the upper thorax against the pelvis; shape (n,).

    Returns
    -------
    FloatArray
        Angles for `Motion.spine_rad`; shape (n, 4, 3).
    """
    lengths = np.array(body.trunk_lengths_m)
    curve = trunk_flexion_rad - pelvis_rad[:, 0]
    for _ in range(8):  # Newton's method; it converges in four or five steps even at 140 deg
        off = pelvis_rad[:, :1] + np.outer(curve, CURVE_SHARES) - trunk_flexion_rad[:, None]
        curve = curve - (np.sin(off) @ lengths) / (np.cos(off) @ (lengths * CURVE_SHARES))
    side = (trunk_lean_rad - pelvis_rad[:, 1]) * lengths.sum() / (lengths @ SIDE_SHARES)
    spine = np.empty((len(curve), 4, 3))
    spine[:, 0] = pelvis_rad
    spine[:, 1:, 0] = np.outer(curve, np.diff(CURVE_SHARES))
    spine[:, 1:, 1] = np.outer(side, np.diff(SIDE_SHARES))
    spine[:, 1:, 2] = np.outer(thorax_turn_rad, np.diff(TURN_SHARES))
    return spine


def lean_line(body: Body, spine_rad: FloatArray, *, trunk_lean_rad: FloatArray) -> FloatArray:
    """Turn the pelvis until the line from mid-hip to mid-shoulder leaves the sagittal plane by the wanted angle.

    `spine_angles` meets the angle upright; a spine that is bent forward hardly moves that line by bending sideways. The
    pelvis turns about the axis that is square to the line in the sagittal plane: the vertical one in a deep bend.

    Parameters
    ----------
    spine_rad
        As in `Motion.spine_rad`; shape (n, 4, 3).
    trunk_lean_rad
        To the left positive; shape (n,).
    """
    rotation, line = np.eye(3), np.zeros((len(spine_rad), 3))
    for piece, length in enumerate(body.trunk_lengths_m):
        rotation = rotation @ orient(spine_rad[:, piece])
        line = line + length * rotation[:, :, 1]
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    missing = trunk_lean_rad - np.arcsin(line[:, 0])
    towards = np.arctan2(line[:, 2], line[:, 1])
    # In axes whose y is the line's sagittal part, a turn about z leans it.
    turned = about_x(towards) @ about_z(-missing) @ about_x(-towards) @ orient(spine_rad[:, 0])
    spine = spine_rad.copy()
    spine[:, 0, 0] = np.arctan2(-turned[:, 1, 2], turned[:, 1, 1])
    spine[:, 0, 1] = -np.arcsin(turned[:, 1, 0])
    spine[:, 0, 2] = np.arctan2(-turned[:, 2, 0], turned[:, 0, 0])
    return spine


def chord_m(body: Body, spine_rad: FloatArray) -> FloatArray:
    """Length of the straight line from mid-hip to mid-shoulder, side bending left out; shape (n,)."""
    pitch = np.cumsum(spine_rad[:, :, 0], axis=1)
    lengths = np.array(body.trunk_lengths_m)
    chord: FloatArray = np.hypot(np.sin(pitch) @ lengths, np.cos(pitch) @ lengths)
    return chord


def stand(volunteer: Volunteer, t: FloatArray, rng: np.random.Generator) -> Motion:
    """Stand still as this volunteer does, swaying a little, arms hanging, looking about.

    Parameters
    ----------
    t
        Times in seconds; shape (n,).
    """
    body, habits, n = volunteer.body, volunteer.habits, len(t)
    zeros = np.zeros(n)
    stance_half_m = body.hip_half_m * rng.uniform(0.7, 1.6)
    ankle = np.zeros((n, 2, 3))
    ankle[:, 0, 0], ankle[:, 1, 0], ankle[:, :, 1] = stance_half_m, -stance_half_m, body.ankle_height_m
    foot = np.zeros((n, 2, 2))
    foot[:, :, 1] = np.radians(rng.normal(8.0, 3.0, 2))  # toes out
    pelvis = np.stack(
        [
            np.radians(0.5 * habits[Trait.TRUNK_STOOP]) + wander(t, rng, sd=np.radians(0.5)),
            np.radians(habits[Trait.PELVIC_TILT]) + zeros,
            wander(t, rng, sd=np.radians(0.8)),
        ],
        axis=1,
    )
    spine = spine_angles(
        body,
        pelvis_rad=pelvis,
        trunk_flexion_rad=np.radians(habits[Trait.TRUNK_STOOP]) + wander(t, rng, sd=np.radians(0.6)),
        trunk_lean_rad=np.radians(habits[Trait.TRUNK_LEAN]) + wander(t, rng, sd=np.radians(0.4)),
        thorax_turn_rad=wander(t, rng, sd=np.radians(1.0)),
    )
    girdle = np.radians(shoulder_girdle_deg(volunteer))
    root = np.stack([wander(t, rng, sd=SWAY_SD_M), zeros, wander(t, rng, sd=SWAY_SD_M)], axis=1)
    stretch = np.cos(np.radians(rng.uniform(2.0, 9.0)) / 2.0)
    root[:, 1] = hip_height_m(body, root_xz_m=root[:, ::2], pelvis_rad=pelvis, ankle_m=ankle, stretch=stretch)
    neck = np.zeros((n, 2, 3))
    for joint in (0, 1):
        for axis, sd in enumerate((2.0, 1.0, 3.0)):
            neck[:, joint, axis] = wander(t, rng, sd=np.radians(sd), fastest_hz=0.5) + np.radians(rng.normal(0.0, sd))
    shoulder, elbow = _hang_arms(body, t, spine, rng)
    return Motion(
        timestamps_s=t,
        root_m=root,
        spine_rad=spine,
        neck_rad=neck,
        girdle_rad=np.stack([-girdle + zeros, girdle + zeros], axis=1),
        shoulder_rad=shoulder,
        elbow_rad=elbow,
        wrist_rad=np.radians(rng.normal(5.0, 4.0, 2)) + np.zeros((n, 2)),
        ankle_m=ankle,
        foot_rad=foot,
    )


def _hang_arms(body: Body, t: FloatArray, spine: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Let the arms hang a little off the body, elbows slightly bent; shoulder (n, 2, 3) and elbow (n, 2) angles."""
    shoulder = np.zeros((len(t), 2, 3))
    elbow = np.radians(np.clip(rng.normal(14.0, 5.0, 2), 2.0, 35.0))
    for side in (0, 1):
        # Hanging arms: upright whatever the thorax does, a little off the body; assumption.
        shoulder[:, side, 0] = spine[:, :, 0].sum(axis=1) + np.radians(rng.normal(2.0, 4.0)) + wander(t, rng, sd=0.015)
        inward = np.radians(rng.normal(20.0, 10.0))
        taken_m = body.forearm_m * np.sin(elbow[side] + ELBOW_SWING_RAD) * np.sin(inward)
        room_m = HAND_BESIDE_SHARE * body.height_m * body.build - body.shoulder_half_m + taken_m
        least = np.arcsin(np.clip(room_m / (body.upper_arm_m + body.forearm_m), 0.0, 0.3))
        abduction = np.maximum(np.radians(np.clip(rng.normal(8.0, 3.0), 2.0, 18.0)), least)
        shoulder[:, side, 1] = abduction + wander(t, rng, sd=0.01)
        shoulder[:, side, 2] = inward
    return shoulder, elbow + np.zeros((len(t), 2))


def shoulder_girdle_deg(volunteer: Volunteer) -> float:
    """How far the girdle drops on the left and rises on the right, so that shoulders have the habitual obliquity."""
    habits = volunteer.habits
    lengths = np.array(volunteer.body.trunk_lengths_m)
    side = (habits[Trait.TRUNK_LEAN] - habits[Trait.PELVIC_TILT]) * lengths.sum() / (lengths @ SIDE_SHARES)
    thorax_lean = habits[Trait.PELVIC_TILT] + side * SIDE_SHARES[-1]
    return float(habits[Trait.SHOULDER_TILT] - thorax_lean)
