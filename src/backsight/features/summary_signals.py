"""Turn a pose sequence into named movement signals in the person's own directions. Knows no exercise and no score.

World landmarks are centred on the hips, so where the pelvis goes is told by the feet: its place is taken against the
middle of the ankles, smoothed over half a second because a depth camera's ankles jitter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.kinematics import angles
from backsight.kinematics.body import measure_body
from backsight.kinematics.geometry import UP, dot, length, mean_of_known, unit
from backsight.kinematics.signals import smooth

ANKLE_WINDOW_S = 0.5
"""The ankles' middle is averaged over this time before the pelvis' place is taken against it."""


class Side(Enum):
    """How a signal looks in a mirror."""

    MIDDLE = "middle"
    """The same: a bend of the trunk."""
    SIGNED = "signed"
    """With the other sign: a lean to one side."""
    PAIRED = "paired"
    """One signal for the left and one for the right, which change places."""


@dataclass(frozen=True, eq=False)
class Signal:
    """Something about the movement that changes over time."""

    name: str
    """Such as `knee flexion`."""
    body_part: str
    """Such as `knee`."""
    unit: str
    """`deg` or `bh`, body heights."""
    side: Side
    values: tuple[FloatArray, ...]
    """One array, or left and right; each of shape (n_frames,), NaN = unknown."""


def movement_signals(pose: PoseSequence) -> tuple[Signal, ...]:
    """Return the signals, always the same ones in the same order; what cannot be told is NaN throughout.

    Parameters
    ----------
    pose
        Landmarks on an even time grid; NaN = missing.
    """
    world = pose.world_m
    frame = angles.body_frame(world)
    height_m = measure_body(pose).height_m
    return (
        *_trunk(world, frame),
        *_limbs(world, frame),
        *_places(pose, frame, height_m),
        *_reaches(world, frame, height_m),
    )


def _trunk(world: FloatArray, frame: angles.BodyFrame) -> tuple[Signal, ...]:
    hips = world[:, Landmark.RIGHT_HIP] - world[:, Landmark.LEFT_HIP]
    shoulders = world[:, Landmark.RIGHT_SHOULDER] - world[:, Landmark.LEFT_SHOULDER]
    middle, signed = Side.MIDDLE, Side.SIGNED
    return (
        Signal("trunk flexion", "trunk", "deg", middle, (angles.trunk_flexion_deg(world, frame),)),
        Signal("trunk lateral lean", "trunk", "deg", signed, (angles.trunk_lateral_lean_deg(world, frame),)),
        Signal("axial rotation", "trunk", "deg", signed, (angles.axial_rotation_deg(world),)),
        Signal("shoulder obliquity", "shoulders", "deg", signed, (angles.shoulder_obliquity_deg(world),)),
        Signal("pelvic obliquity", "pelvis", "deg", signed, (angles.pelvic_obliquity_deg(world),)),
        Signal("shoulder turn", "shoulders", "deg", signed, (_turn_deg(shoulders),)),
        Signal("pelvis turn", "pelvis", "deg", signed, (_turn_deg(hips),)),
    )


def _limbs(world: FloatArray, frame: angles.BodyFrame) -> tuple[Signal, ...]:
    def paired(name: str, body_part: str, values: tuple[FloatArray, FloatArray]) -> Signal:
        return Signal(name, body_part, "deg", Side.PAIRED, values)

    return (
        paired("shoulder elevation", "arm", angles.shoulder_elevation_deg(world)),
        paired("elbow flexion", "elbow", angles.elbow_flexion_deg(world)),
        paired("hip flexion", "hip", angles.hip_flexion_deg(world, frame)),
        paired("hip abduction", "hip", _hip_abduction_deg(world, frame)),
        paired("knee flexion", "knee", angles.knee_flexion_deg(world)),
    )


def _places(pose: PoseSequence, frame: angles.BodyFrame, height_m: float) -> tuple[Signal, ...]:
    """Return where pelvis, shoulders and head are against the feet, in body heights."""
    world = pose.world_m
    feet = 0.5 * (world[:, Landmark.LEFT_ANKLE] + world[:, Landmark.RIGHT_ANKLE])
    feet = np.column_stack([smooth(axis, pose.timestamps_s, window_s=ANKLE_WINDOW_S) for axis in feet.T])
    facing = unit(np.nanmean(frame.forward, axis=0)) if np.isfinite(frame.forward).any() else np.full(3, np.nan)
    rightwards = np.cross(facing, UP)
    hips = 0.5 * (world[:, Landmark.LEFT_HIP] + world[:, Landmark.RIGHT_HIP])
    shoulders = 0.5 * (world[:, Landmark.LEFT_SHOULDER] + world[:, Landmark.RIGHT_SHOULDER])
    ears = 0.5 * (world[:, Landmark.LEFT_EAR] + world[:, Landmark.RIGHT_EAR])
    head = mean_of_known(world[:, Landmark.NOSE], ears)

    def place(name: str, part: str, of: FloatArray, against: FloatArray) -> tuple[Signal, ...]:
        away = (of - against) / height_m
        return (
            Signal(f"{name} forward", part, "bh", Side.MIDDLE, (away @ facing,)),
            Signal(f"{name} sideways", part, "bh", Side.SIGNED, (away @ rightwards,)),
            Signal(f"{name} height", part, "bh", Side.MIDDLE, (away @ UP,)),
        )

    return (
        *place("pelvis", "pelvis", hips, feet),
        *place("shoulders", "shoulders", shoulders, feet),
        *place("head over shoulders", "head", head, shoulders),
    )


def _reaches(world: FloatArray, frame: angles.BodyFrame, height_m: float) -> tuple[Signal, ...]:
    def pair(name: str, part: str, of: tuple[Landmark, Landmark], axis: FloatArray, start: Landmark) -> Signal:
        starts = (start, Landmark[start.name.replace("LEFT", "RIGHT")])
        values = tuple(
            dot(world[:, mark] - world[:, begin], axis) / height_m for mark, begin in zip(of, starts, strict=True)
        )
        return Signal(name, part, "bh", Side.PAIRED, values)

    wrists = (Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST)
    elbows = (Landmark.LEFT_ELBOW, Landmark.RIGHT_ELBOW)
    upwards = np.broadcast_to(UP, frame.forward.shape)

    def gap(name: str, part: str, left: Landmark, right: Landmark) -> Signal:
        between = length(world[:, right] - world[:, left]) / height_m
        return Signal(name, part, "bh", Side.MIDDLE, (between,))

    return (
        pair("wrist height over shoulder", "hand", wrists, upwards, Landmark.LEFT_SHOULDER),
        pair("wrist ahead of shoulder", "hand", wrists, frame.forward, Landmark.LEFT_SHOULDER),
        pair("elbow height over shoulder", "arm", elbows, upwards, Landmark.LEFT_SHOULDER),
        gap("distance between wrists", "hand", *wrists),
        gap("distance between elbows", "arm", *elbows),
        gap("distance between knees", "knee", Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE),
        gap("distance between ankles", "foot", Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE),
    )


def _turn_deg(line: FloatArray) -> FloatArray:
    """Return the turn about the vertical against the line's usual direction; to the person's right positive."""
    flat = angles.level_line(line)
    known = np.isfinite(flat[:, 0])
    if not known.any():
        return np.full(len(line), np.nan)
    usual = flat[known].mean(axis=0)
    sines = np.cross(np.broadcast_to(usual, flat.shape), flat)[:, 1]
    return np.asarray(np.degrees(np.arctan2(sines, flat @ usual)))


def _hip_abduction_deg(world: FloatArray, frame: angles.BodyFrame) -> tuple[FloatArray, FloatArray]:
    """Return (left, right): how far the thigh points outwards from the sagittal plane."""

    def side(hip: Landmark, knee: Landmark, outwards: FloatArray) -> FloatArray:
        thigh = unit(world[:, knee] - world[:, hip])
        return np.degrees(np.arcsin(np.clip(dot(thigh, outwards), -1.0, 1.0)))

    return (
        side(Landmark.LEFT_HIP, Landmark.LEFT_KNEE, -frame.right),
        side(Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE, frame.right),
    )
