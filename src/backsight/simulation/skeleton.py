"""Forward kinematics: joint angles and foot placements in, joints and 33 landmarks out. Knows nothing of why one moves.

The room's axes, right-handed: x to the left of a person who faces +z, y up, z forward; metres; floor at y = 0.
Sides are ordered left, right. A person's angles: flexion bends forward, lean goes to the left, turn goes to the left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from backsight.domain.landmarks import N_LANDMARKS, Landmark
from backsight.domain.validation import FloatArray
from backsight.simulation.body import Body

SIDES = (1.0, -1.0)
"""x of the left and the right side."""
MAX_STRETCH = 0.99995
"""A leg is never stretched beyond this share of its length, so that its bending plane stays defined."""

FACE_SHARES: dict[Landmark, tuple[float, float, float]] = {
    Landmark.NOSE: (0.0, 0.012, 0.068),
    Landmark.LEFT_EYE_INNER: (0.010, 0.033, 0.054),
    Landmark.LEFT_EYE: (0.018, 0.034, 0.052),
    Landmark.LEFT_EYE_OUTER: (0.026, 0.033, 0.048),
    Landmark.RIGHT_EYE_INNER: (-0.010, 0.033, 0.054),
    Landmark.RIGHT_EYE: (-0.018, 0.034, 0.052),
    Landmark.RIGHT_EYE_OUTER: (-0.026, 0.033, 0.048),
    Landmark.LEFT_EAR: (0.044, 0.024, 0.004),
    Landmark.RIGHT_EAR: (-0.044, 0.024, 0.004),
    Landmark.MOUTH_LEFT: (0.014, -0.010, 0.056),
    Landmark.MOUTH_RIGHT: (-0.014, -0.010, 0.056),
}
"""Face points from the joint under the skull, as shares of height. Assumption; eye level meets Winter's 0.936."""
NECK_SLOPE_RAD = 0.20
"""How far the neck slopes forward when one stands upright. Assumption."""


@dataclass(frozen=True)
class Footfall:
    """A foot's stay on the floor."""

    side: int
    """0 = left, 1 = right."""
    time_s: float
    """When the foot comes down, in the recording's time; before 0 for a foot that stands at the start."""
    way_m: float
    """How far along the way its flat foot's ankle is."""
    is_steady: bool
    """Neither the first nor the last step of the walk."""


@dataclass(frozen=True, eq=False)
class Motion:
    """What every joint does over time, all angles in radians."""

    timestamps_s: FloatArray
    """Shape (n_frames,)."""
    root_m: FloatArray
    """Middle of the hip joints in the room; shape (n_frames, 3)."""
    spine_rad: FloatArray
    """Pelvis against the room, then L5/S1, T12/L1 and T6/T7 each against the piece below; flexion, lean, turn;
    shape (n_frames, 4, 3)."""
    neck_rad: FloatArray
    """Neck on thorax, head on neck; flexion, lean, turn; shape (n_frames, 2, 3)."""
    girdle_rad: FloatArray
    """Upward turn of each shoulder girdle; shape (n_frames, 2)."""
    shoulder_rad: FloatArray
    """Flexion, abduction and inward rotation of each upper arm against the thorax; shape (n_frames, 2, 3)."""
    elbow_rad: FloatArray
    """Flexion; shape (n_frames, 2)."""
    wrist_rad: FloatArray
    """Flexion in the plane of the elbow; shape (n_frames, 2)."""
    ankle_m: FloatArray
    """Where each ankle joint is in the room; hip and knee angles follow from it; shape (n_frames, 2, 3)."""
    foot_rad: FloatArray
    """Toes up, toes out; shape (n_frames, 2, 2)."""
    events: Mapping[str, float] = field(default_factory=dict)
    """Times in seconds and sizes that the movement was made with."""
    moments: tuple[tuple[str, float], ...] = ()
    """Name and time in seconds of every event of the movement, as it was planned, between frames; by time."""
    footfalls: tuple[Footfall, ...] = ()
    """Of a walk, by time."""
    bends: tuple[tuple[float, float, float, float], ...] = ()
    """Of a touch of the toes: when each bend leaves standing, arrives at the bottom, leaves it and is over, seconds."""
    stride_phase_rad: FloatArray | None = None
    """Of a walk: advancing by pi from one footfall to the next, 0 at the first; shape (n_frames,)."""


@dataclass(frozen=True, eq=False)
class Figure:
    """A body in motion: where everything is."""

    landmarks_m: FloatArray
    """In the room; shape (n_frames, 33, 3)."""
    rotations: Mapping[str, FloatArray]
    """Orientation of each rigid piece in the room, shape (n_frames, 3, 3); for drawing bodies around the skeleton."""
    joints_m: Mapping[str, FloatArray]
    """Joints that are no landmarks; each (n_frames, 3)."""
    hip_flexion_rad: FloatArray
    """Thigh against pelvis; shape (n_frames, 2)."""
    knee_flexion_rad: FloatArray
    """Shape (n_frames, 2)."""


def about_x(angle: FloatArray) -> FloatArray:
    """Rotation matrices about x; (n,) -> (n, 3, 3). A positive angle takes up to forward."""
    matrix = np.zeros((len(angle), 3, 3))
    c, s = np.cos(angle), np.sin(angle)
    matrix[:, 0, 0] = 1.0
    matrix[:, 1, 1], matrix[:, 1, 2], matrix[:, 2, 1], matrix[:, 2, 2] = c, -s, s, c
    return matrix


def about_y(angle: FloatArray) -> FloatArray:
    """Rotation matrices about y; (n,) -> (n, 3, 3). A positive angle takes forward to left."""
    matrix = np.zeros((len(angle), 3, 3))
    c, s = np.cos(angle), np.sin(angle)
    matrix[:, 1, 1] = 1.0
    matrix[:, 0, 0], matrix[:, 0, 2], matrix[:, 2, 0], matrix[:, 2, 2] = c, s, -s, c
    return matrix


def about_z(angle: FloatArray) -> FloatArray:
    """Rotation matrices about z; (n,) -> (n, 3, 3). A positive angle takes left to up."""
    matrix = np.zeros((len(angle), 3, 3))
    c, s = np.cos(angle), np.sin(angle)
    matrix[:, 2, 2] = 1.0
    matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1] = c, -s, s, c
    return matrix


def orient(angles: FloatArray) -> FloatArray:
    """Rotation matrices from flexion, lean and turn; (n, 3) -> (n, 3, 3)."""
    rotation: FloatArray = about_y(angles[:, 2]) @ about_z(-angles[:, 1]) @ about_x(angles[:, 0])
    return rotation


def _place(origin: FloatArray, rotation: FloatArray, offset: tuple[float, float, float]) -> FloatArray:
    placed: FloatArray = origin + rotation @ np.asarray(offset)
    return placed


def pose_body(body: Body, motion: Motion) -> Figure:
    """Set every joint of the body for every frame."""
    landmarks = np.empty((len(motion.timestamps_s), N_LANDMARKS, 3))
    rotations: dict[str, FloatArray] = {}
    joints: dict[str, FloatArray] = {"root": motion.root_m}
    _set_trunk(body, motion, landmarks, rotations, joints)
    for side in (0, 1):
        _set_arm(body, motion, side, landmarks=landmarks, rotations=rotations, joints=joints)
    bends = [_set_leg(body, motion, side, landmarks, rotations) for side in (0, 1)]
    return Figure(
        landmarks_m=landmarks,
        rotations=rotations,
        joints_m=joints,
        hip_flexion_rad=np.stack([hip for hip, _ in bends], axis=1),
        knee_flexion_rad=np.stack([knee for _, knee in bends], axis=1),
    )


def _set_trunk(
    body: Body, motion: Motion, landmarks: FloatArray, rotations: dict[str, FloatArray], joints: dict[str, FloatArray]
) -> None:
    point, rotation = motion.root_m, orient(motion.spine_rad[:, 0])
    rotations["pelvis"] = rotation
    for side, sign in enumerate(SIDES):
        landmarks[:, Landmark.LEFT_HIP + side] = _place(point, rotation, (sign * body.hip_half_m, 0.0, 0.0))
    names = ("lumbar", "low_thorax", "high_thorax")
    for piece, (name, length) in enumerate(zip(names, body.trunk_lengths_m, strict=False), start=1):
        point = _place(point, rotation, (0.0, length, 0.0))
        rotation = rotation @ orient(motion.spine_rad[:, piece])
        rotations[name], joints[name] = rotation, point
    top = _place(point, rotation, (0.0, body.high_thorax_m, 0.0))
    joints["neck"] = top
    neck_angles = motion.neck_rad[:, 0] + np.array([NECK_SLOPE_RAD, 0.0, 0.0])
    rotations["neck"] = rotation @ orient(neck_angles)
    skull = _place(top, rotations["neck"], (0.0, body.neck_m, 0.0))
    head_angles = motion.neck_rad[:, 1] - np.array([NECK_SLOPE_RAD, 0.0, 0.0])
    rotations["head"], joints["head"] = rotations["neck"] @ orient(head_angles), skull
    shares = np.array(list(FACE_SHARES.values())) * body.head_scale_m
    landmarks[:, list(FACE_SHARES)] = skull[:, None] + shares @ rotations["head"].transpose(0, 2, 1)


def _set_arm(
    body: Body,
    motion: Motion,
    side: int,
    *,
    landmarks: FloatArray,
    rotations: dict[str, FloatArray],
    joints: dict[str, FloatArray],
) -> None:
    sign, name = SIDES[side], ("left", "right")[side]
    thorax = rotations["high_thorax"]
    girdle = thorax @ about_z(sign * motion.girdle_rad[:, side])
    shoulder = _place(joints["neck"], girdle, (sign * body.shoulder_half_m, 0.0, 0.0))
    flexion, abduction, inward = motion.shoulder_rad[:, side].T
    upper = thorax @ about_x(-flexion) @ about_z(sign * abduction) @ about_y(-sign * inward)
    elbow = _place(shoulder, upper, (0.0, -body.upper_arm_m, 0.0))
    fore = upper @ about_x(-motion.elbow_rad[:, side])
    wrist = _place(elbow, fore, (0.0, -body.forearm_m, 0.0))
    hand = fore @ about_x(-motion.wrist_rad[:, side])
    length = body.hand_m
    # Knuckles as shares of the hand's length (assumption); the thumb points forward when the arm hangs.
    landmarks[:, Landmark.LEFT_SHOULDER + side] = shoulder
    landmarks[:, Landmark.LEFT_ELBOW + side] = elbow
    landmarks[:, Landmark.LEFT_WRIST + side] = wrist
    landmarks[:, Landmark.LEFT_PINKY + side] = _place(wrist, hand, (0.0, -0.44 * length, -0.20 * length))
    landmarks[:, Landmark.LEFT_INDEX + side] = _place(wrist, hand, (0.0, -0.52 * length, 0.14 * length))
    landmarks[:, Landmark.LEFT_THUMB + side] = _place(
        wrist, hand, (-0.08 * sign * length, -0.26 * length, 0.24 * length)
    )
    joints[f"{name}_fingertip"] = _place(wrist, hand, (0.0, -length, 0.0))
    rotations[f"{name}_upper_arm"], rotations[f"{name}_forearm"], rotations[f"{name}_hand"] = upper, fore, hand


def _set_leg(
    body: Body, motion: Motion, side: int, landmarks: FloatArray, rotations: dict[str, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Bend hip and knee so that the ankle is where the motion puts it; return both flexions."""
    sign, name = SIDES[side], ("left", "right")[side]
    hip = landmarks[:, Landmark.LEFT_HIP + side]
    foot = about_y(sign * motion.foot_rad[:, side, 1]) @ about_x(-motion.foot_rad[:, side, 0])
    reach = motion.ankle_m[:, side] - hip
    distance = np.clip(np.linalg.norm(reach, axis=1), 1e-6, MAX_STRETCH * body.leg_m)
    down = reach / np.linalg.norm(reach, axis=1, keepdims=True)
    ahead = about_y(sign * motion.foot_rad[:, side, 1])[:, :, 2]
    ahead = ahead - (ahead * down).sum(axis=1, keepdims=True) * down
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    thigh, shank = body.thigh_m, body.shank_m
    along = (thigh**2 + distance**2 - shank**2) / (2.0 * distance)
    out = np.sqrt(np.maximum(thigh**2 - along**2, 0.0))
    knee = hip + along[:, None] * down + out[:, None] * ahead
    ankle = hip + distance[:, None] * down
    landmarks[:, Landmark.LEFT_KNEE + side] = knee
    landmarks[:, Landmark.LEFT_ANKLE + side] = ankle
    landmarks[:, Landmark.LEFT_HEEL + side] = _place(ankle, foot, (0.0, -body.ankle_height_m, -body.heel_m))
    landmarks[:, Landmark.LEFT_FOOT_INDEX + side] = _place(ankle, foot, (0.0, -body.ankle_height_m, body.toe_m))
    left = np.cross(ahead, down)
    rotations[f"{name}_foot"] = foot
    for piece, upward in (("thigh", (hip - knee) / thigh), ("shank", (knee - ankle) / shank)):
        rotations[f"{name}_{piece}"] = np.stack([left, upward, np.cross(left, upward)], axis=2)
    cosine = (thigh**2 + shank**2 - distance**2) / (2.0 * thigh * shank)
    local = np.einsum("nji,nj->ni", rotations["pelvis"], (knee - hip) / thigh)
    return np.arctan2(local[:, 2], -local[:, 1]), np.pi - np.arccos(np.clip(cosine, -1.0, 1.0))


def foot_ankle_m(body: Body, *, toes_up_rad: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how far forward and how high the ankle is when the foot rolls on heel or toes.

    Toes up, the foot turns about its heel; heel up (negative angle), about its toes: its lowest point stays down.

    Returns
    -------
    tuple
        Forward shift from the flat foot's ankle and height above the floor, metres, each (n,).
    """
    back, front, high = body.heel_m, body.toe_m, body.ankle_height_m
    c, s = np.cos(toes_up_rad), np.sin(toes_up_rad)
    on_heel = toes_up_rad >= 0.0
    forward = np.where(on_heel, -back + back * c - high * s, front - front * c - high * s)
    height = np.where(on_heel, back * s + high * c, -front * s + high * c)
    return forward, height


def hip_height_m(
    body: Body, *, root_xz_m: FloatArray, pelvis_rad: FloatArray, ankle_m: FloatArray, stretch: FloatArray | float
) -> FloatArray:
    """Return the greatest root height at which both ankles are in reach.

    Parameters
    ----------
    root_xz_m
        Root's x and z in the room; shape (n, 2).
    pelvis_rad
        Pelvis flexion, lean, turn; shape (n, 3).
    ankle_m
        Shape (n, 2, 3).
    stretch
        Hip-to-ankle distance allowed, as a share of the leg's length.
    """
    across = orient(pelvis_rad)[:, :, 0] * body.hip_half_m
    caps = []
    for side, sign in enumerate(SIDES):
        offset = sign * across
        dx = root_xz_m[:, 0] + offset[:, 0] - ankle_m[:, side, 0]
        dz = root_xz_m[:, 1] + offset[:, 2] - ankle_m[:, side, 2]
        rise = np.sqrt(np.maximum((stretch * body.leg_m) ** 2 - dx**2 - dz**2, 1e-6))
        caps.append(ankle_m[:, side, 1] + rise - offset[:, 1])
    return np.minimum(caps[0], caps[1])
