"""Turn the trunk left and right, standing or seated: no exercise, but what axial rotation is calibrated on.

Knows nothing of cameras or landmarks. Form and timing are assumptions, after the trunk rotations of low-back-pain
exercises as filmed by Nguyen 2024 (Keraal).
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.simulation.body import Body
from backsight.simulation.dysfunction import Trait, Volunteer
from backsight.simulation.profiles import pulse
from backsight.simulation.skeleton import Motion, hip_height_m
from backsight.simulation.standing import spine_angles, stand

TURN_RANGE_DEG = (15.0, 45.0)
"""How far the shoulders turn against the pelvis to either side, drawn evenly, so that every size is met."""
REPETITIONS = (2, 4)
TURN_S, HOLD_S = (0.7, 1.6), (0.1, 0.6)
"""From the middle to one side, and staying there."""
PELVIS_SHARE_STANDING, PELVIS_SHARE_SEATED = (0.1, 0.5), (0.0, 0.12)
"""Turn of the pelvis as a share of that of the shoulders against it; a seat holds the pelvis."""
HIP_SEATED_SHARE, SEAT_SHARE = 0.275, 0.225
"""Height of the hip joints and of the seat, as shares of body height."""


class Arms(StrEnum):
    """What the arms do while the trunk turns."""

    DOWN = "down"
    SPREAD = "spread"
    BEHIND_HEAD = "behind-head"


_HELD_DEG: dict[Arms, tuple[float, float, float, float]] = {
    Arms.SPREAD: (0.0, 72.0, 0.0, 12.0),
    Arms.BEHIND_HEAD: (-8.0, 115.0, -95.0, 145.0),
}
"""Flexion, abduction and inward rotation of the shoulder, flexion of the elbow."""
_HELD_SD_DEG: dict[Arms, tuple[float, float, float, float]] = {
    Arms.SPREAD: (6.0, 8.0, 12.0, 6.0),
    Arms.BEHIND_HEAD: (3.0, 5.0, 3.0, 3.0),
}


def turn_trunk(
    volunteer: Volunteer,
    *,
    rng: np.random.Generator,
    fps: float,
    arms: Arms | None = None,
    is_seated: bool = False,
) -> Motion:
    """Turn the shoulders left and right a few times, feet still, and come back to the middle.

    Parameters
    ----------
    arms
        What the arms do; drawn when None.
    is_seated
        Whether the volunteer sits; `Motion.events["seat_height_m"]` then tells where a seat belongs.
    """
    body = volunteer.body
    drawn = list(Arms)[int(rng.integers(len(Arms)))]
    held = drawn if arms is None else arms
    turns, raised_s, lowered_s, duration_s = _plan(rng)
    t = np.arange(round(duration_s * fps)) / fps
    turn = np.sum([angle * pulse(t, times) for times, angle in turns], axis=0)
    base = _sit(body, stand(volunteer, t, rng)) if is_seated else stand(volunteer, t, rng)
    pelvis = base.spine_rad[:, 0].copy()
    pelvis[:, 2] += float(rng.uniform(*(PELVIS_SHARE_SEATED if is_seated else PELVIS_SHARE_STANDING))) * turn
    spine = spine_angles(
        body,
        pelvis_rad=pelvis,
        trunk_flexion_rad=np.radians(volunteer.habits[Trait.TRUNK_STOOP]) + np.zeros_like(t),
        trunk_lean_rad=np.radians(volunteer.habits[Trait.TRUNK_LEAN]) + float(rng.normal(0.0, 0.08)) * turn,
        thorax_turn_rad=base.spine_rad[:, 1:, 2].sum(axis=1) + turn,
    )
    root = base.root_m.copy()
    if not is_seated:
        root[:, 1] = hip_height_m(
            body, root_xz_m=root[:, ::2], pelvis_rad=pelvis, ankle_m=base.ankle_m, stretch=np.cos(np.radians(3.0))
        )
    lift = pulse(t, (raised_s[0], raised_s[1], lowered_s[0], lowered_s[1]))
    shoulder, elbow = _hold_arms(base, held, lift, rng)
    neck = base.neck_rad.copy()
    neck[:, 0, 2] += float(rng.uniform(-0.6, 0.3)) * turn  # some go on looking ahead, some look over the shoulder
    return replace(
        base,
        root_m=root,
        spine_rad=spine,
        shoulder_rad=shoulder,
        elbow_rad=elbow,
        neck_rad=neck,
        events={
            "n_turns": float(len(turns)),
            "largest_turn_deg": float(np.degrees(max(abs(angle) for _, angle in turns))),
            **({"seat_height_m": SEAT_SHARE * body.height_m} if is_seated else {}),
        },
    )


def _plan(
    rng: np.random.Generator,
) -> tuple[list[tuple[tuple[float, float, float, float], float]], tuple[float, float], tuple[float, float], float]:
    """Draw the turns, each with its four times and its angle, when arms rise and sink, and the whole duration."""
    clock = float(rng.uniform(0.4, 1.0))
    raised_s = (clock, clock + float(rng.uniform(0.7, 1.1)))
    clock = raised_s[1] + 0.2
    size = np.radians(rng.uniform(*TURN_RANGE_DEG))
    side = 1.0 if rng.random() < 0.5 else -1.0
    turns = []
    for _ in range(2 * int(rng.integers(REPETITIONS[0], REPETITIONS[1]))):
        move, hold = float(rng.uniform(*TURN_S)), float(rng.uniform(*HOLD_S))
        angle = side * size * float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.1))
        turns.append(((clock, clock + move, clock + move + hold, clock + 2.0 * move + hold), angle))
        clock += 2.0 * move + hold
        side = -side
    lowered_s = (clock + 0.1, clock + 0.1 + float(rng.uniform(0.7, 1.1)))
    return turns, raised_s, lowered_s, lowered_s[1] + float(rng.uniform(0.3, 0.8))


def _sit(body: Body, base: Motion) -> Motion:
    """Sit instead of standing: thighs level, shanks upright, feet flat."""
    root, ankle = base.root_m.copy(), base.ankle_m.copy()
    root[:, 1] = HIP_SEATED_SHARE * body.height_m
    root[:, ::2] = root[:1, ::2]
    ankle[:, :, 2] += body.thigh_m
    return replace(base, root_m=root, ankle_m=ankle)


def _hold_arms(base: Motion, arms: Arms, lift: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Bring the arms from hanging to where they are held, and back."""
    shoulder, elbow = base.shoulder_rad.copy(), base.elbow_rad.copy()
    if arms is Arms.DOWN:
        return shoulder, elbow
    held = np.radians(rng.normal(_HELD_DEG[arms], _HELD_SD_DEG[arms]))
    for joint in range(3):
        shoulder[:, :, joint] += (held[joint] - shoulder[:, :, joint]) * lift[:, None]
    elbow += (held[3] - elbow) * lift[:, None]
    return shoulder, elbow
