"""Change a recorded movement into one that the same person might have made. Knows nothing of features or scores.

Everything is done to landmarks, before features are taken from them, so that angles, speeds and positions stay those
of one body: a mirrored person leans to the other side, a turned one keeps the length of every bone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.landmarks import MIRRORED, N_LANDMARKS, Landmark
from backsight.domain.sequences import PoseSequence
from backsight.domain.validation import FloatArray
from backsight.errors import InvalidValueError
from backsight.kinematics.body import pixels_per_metre

_FULL_TURN_RAD = 2.0 * math.pi


@dataclass(frozen=True)
class Augmentation:
    """How far a variant may be from its original. All ours; 0 switches a change off."""

    mirror_share: float = 0.5
    """Share of the variants that are mirrored."""
    largest_turn_deg: float = 15.0
    """About the vertical, to either side."""
    largest_warp: float = 0.2
    """Share by which the movement is faster or slower at its most."""
    noise_m: float = 0.005
    """Standard deviation of each coordinate in each frame, in metres."""
    dropped_landmarks: int = 1
    """At most, each missing throughout."""


def make_variant(pose: PoseSequence, *, augmentation: Augmentation, rng: np.random.Generator) -> PoseSequence:
    """Draw one variant of a movement; the times between its frames are no longer even where it is warped."""
    if rng.random() < augmentation.mirror_share:
        pose = mirror(pose)
    turn_deg = rng.uniform(-augmentation.largest_turn_deg, augmentation.largest_turn_deg)
    pose = turn_about_vertical(pose, turn_deg)
    n_waves, phase_rad = int(rng.integers(1, 4)), rng.uniform(0.0, _FULL_TURN_RAD)
    pose = warp_time(pose, rng.uniform(0.0, augmentation.largest_warp), n_waves=n_waves, phase_rad=phase_rad)
    pose = add_noise(pose, augmentation.noise_m, rng=rng)
    n_dropped = int(rng.integers(0, augmentation.dropped_landmarks + 1))
    return drop_landmarks(pose, rng.choice(N_LANDMARKS, n_dropped, replace=False).tolist())


def mirror(pose: PoseSequence) -> PoseSequence:
    """Return the movement as seen in a mirror: left and right change places, in the body and in the picture."""
    partners = list(MIRRORED)
    width_px, _ = pose.frame_size
    image_px = pose.image_px[:, partners].copy()
    image_px[..., 0] = width_px - image_px[..., 0]
    return replace(
        pose,
        image_px=image_px,
        world_m=pose.world_m[:, partners] * (-1.0, 1.0, 1.0),
        visibility=pose.visibility[:, partners],
        presence=pose.presence[:, partners],
    )


def turn_about_vertical(pose: PoseSequence, angle_deg: float) -> PoseSequence:
    """Return the movement of a person who stands turned by an angle, clockwise from above as the camera stands.

    In the world each frame turns about the origin, the middle of the hips; y and every distance stay. In the picture
    the landmarks are put where the turned body would show them around the same middle of the hips: along which line the
    person then travels is not known from one camera and stays as it was.
    """
    if angle_deg == 0.0:
        return pose
    angle_rad = math.radians(angle_deg)
    turned = pose.world_m.copy()
    turned[..., 0] = math.cos(angle_rad) * pose.world_m[..., 0] - math.sin(angle_rad) * pose.world_m[..., 2]
    turned[..., 2] = math.sin(angle_rad) * pose.world_m[..., 0] + math.cos(angle_rad) * pose.world_m[..., 2]
    image_px = pose.image_px.copy()
    px_per_m = pixels_per_metre(pose)[:, np.newaxis]
    image_px[..., 0] = _mid_hip(pose.image_px)[:, :1] + (turned[..., 0] - _mid_hip(turned)[:, :1]) * px_per_m
    return replace(pose, image_px=image_px, world_m=turned)


def _mid_hip(positions: FloatArray) -> FloatArray:
    """Return the middle of the hips; (n_frames, 33, 3) -> (n_frames, 3)."""
    middle: FloatArray = 0.5 * (positions[:, Landmark.LEFT_HIP] + positions[:, Landmark.RIGHT_HIP])
    return middle


def warp_time(pose: PoseSequence, strength: float, *, n_waves: int = 1, phase_rad: float = 0.0) -> PoseSequence:
    """Return the movement now faster, now slower; it begins and ends when it did.

    Parameters
    ----------
    strength
        Share, 0 up to 1, by which a time between two frames is lengthened or shortened at most, about.
    n_waves
        How often it is slowest.
    phase_rad
        Where in the recording that is.

    Raises
    ------
    InvalidValueError
        When the strength is not within 0 up to 1: time would run backwards.
    """
    if not 0.0 <= strength < 1.0:
        raise InvalidValueError(f"`strength` of a time warp must be from 0 up to 1, got {strength}")
    if strength == 0.0 or pose.n_frames < 3:
        return pose
    duration_s = pose.duration_s
    share = (pose.timestamps_s - pose.timestamps_s[0]) / duration_s
    wave_rad = _FULL_TURN_RAD * n_waves
    # The sine returns to its start after whole waves, so both ends stay; its slope is at most the strength.
    warped = share + strength * (np.sin(wave_rad * share + phase_rad) - math.sin(phase_rad)) / wave_rad
    return replace(pose, timestamps_s=pose.timestamps_s[0] + warped * duration_s)


def add_noise(pose: PoseSequence, noise_m: float, *, rng: np.random.Generator) -> PoseSequence:
    """Return the movement with Gaussian noise of a standard deviation in metres on every known world coordinate."""
    if noise_m == 0.0:
        return pose
    return replace(pose, world_m=pose.world_m + rng.normal(0.0, noise_m, pose.world_m.shape))


def drop_landmarks(pose: PoseSequence, landmarks: Sequence[int]) -> PoseSequence:
    """Return the movement with some landmarks missing throughout: never seen, visibility and presence 0."""
    dropped = list(landmarks)
    image_px, world_m = pose.image_px.copy(), pose.world_m.copy()
    visibility, presence = pose.visibility.copy(), pose.presence.copy()
    image_px[:, dropped], world_m[:, dropped] = np.nan, np.nan
    visibility[:, dropped], presence[:, dropped] = 0.0, 0.0
    return replace(pose, image_px=image_px, world_m=world_m, visibility=visibility, presence=presence)
