"""Bend forward, touch the toes, come up again. Knows nothing of cameras or landmarks.

Sources for times and angles are in `dysfunction.TRAITS`; everything else about the form is an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.simulation.dysfunction import Trait, Volunteer
from backsight.simulation.profiles import Way, min_jerk, pulse
from backsight.simulation.skeleton import Motion, hip_height_m
from backsight.simulation.standing import chord_m, lean_line, spine_angles, stand

LONGEST_S = 12.0
"""No further bend is begun that would end after this."""
PAUSE_SHARE = (0.02, 0.18)
"""Share of a bend's duration spent at the bottom."""
DOWN_SHARE = (0.44, 0.58)
"""Share of the moving time that is spent going down."""
FINGERS_ABOVE_M = 0.02
"""Fingertips are aimed at this height, half a finger's thickness and what a tilted shoulder line adds."""
STRETCH_SOFTLY_SHARE = 0.05
"""An arm that reaches for something begins to follow it this share of its length before it is stretched."""
LATER_DEPTH = 0.95
"""The first bend is the deepest, by enough to be known again; later ones reach about this share of it."""
SKEW_SD, GREATEST_SKEW = 0.15, 0.4
"""How far people's ways down and up are from symmetric. Assumption, wide enough to put a fit of symmetric ways to the
test: the greatest speed comes at 38 to 62 % of the time in nearly all of them."""
HALTING = (0.1, 0.6)
"""Greatest unevenness of the healthy, and what full dysfunction adds to it. Assumption: pain makes movement halting."""
REPETITIONS = (0.6, 0.25, 0.15)
"""Probability of one, two and three bends in a recording."""


@dataclass(frozen=True)
class _Bend:
    """One bend: when it starts, reaches the bottom, leaves it, ends, and how deep it goes."""

    start_s: float
    bottom_s: float
    leave_s: float
    end_s: float
    depth: float
    """Relative to the person's full range."""
    down: Way
    up: Way


def _plan(volunteer: Volunteer, rng: np.random.Generator) -> tuple[tuple[_Bend, ...], float]:
    """Draw when the bends happen; also return how long the recording is."""
    ways = rng.spawn(1)[0]
    clock = float(rng.uniform(0.3, 1.2)) + volunteer.habits[Trait.SLOW_START]
    bends = []
    for repetition in range(int(rng.choice(3, p=REPETITIONS)) + 1):
        duration = volunteer.habits[Trait.BEND_DURATION] * float(np.exp(rng.normal(0.0, 0.06)))
        pause = duration * float(rng.uniform(*PAUSE_SHARE))
        down = (duration - pause) * float(rng.uniform(*DOWN_SHARE))
        if repetition and clock + duration > LONGEST_S:
            break
        depth = 1.0 if repetition == 0 else LATER_DEPTH + float(np.clip(rng.normal(0.0, 0.015), -0.03, 0.03))
        there, back = _draw_way(volunteer, ways), _draw_way(volunteer, ways)
        bends.append(_Bend(clock, clock + down, clock + down + pause, clock + duration, depth, there, back))
        clock += duration + float(rng.uniform(0.4, 1.2))
    return tuple(bends), clock + float(rng.uniform(0.2, 1.0))


def _draw_way(volunteer: Volunteer, rng: np.random.Generator) -> Way:
    """Draw how one way, down or up, is gone."""
    skew = float(np.clip(rng.normal(0.0, SKEW_SD), -GREATEST_SKEW, GREATEST_SKEW))
    least, added = HALTING
    return Way(skew, float(rng.uniform()), float(rng.uniform()) * (least + added * volunteer.dysfunction))


def touch_toes(volunteer: Volunteer, *, rng: np.random.Generator, fps: float) -> Motion:
    """Stand, bend one to three times as far as the volunteer can, and stand again."""
    bends, duration_s = _plan(volunteer, rng)
    t = np.arange(round(duration_s * fps)) / fps
    base = stand(volunteer, t, rng)
    habits, body = volunteer.habits, volunteer.body
    peak = np.radians(habits[Trait.TRUNK_FLEXION])
    trunk = sum(_course(t, bend, (bend.start_s, bend.bottom_s, bend.leave_s, bend.end_s)) for bend in bends)
    pelvic = sum(_course(t, bend, _pelvic_times(bend, habits[Trait.PELVIC_DELAY])) for bend in bends)
    trunk, pelvic = np.asarray(trunk), np.asarray(pelvic)
    rest = base.spine_rad[:, 0, 0]
    pelvis = base.spine_rad[:, 0].copy()
    pelvis[:, 0] = rest * (1.0 - pelvic) + peak * habits[Trait.PELVIC_SHARE] * pelvic
    stoop = np.radians(habits[Trait.TRUNK_STOOP])
    deviation = np.radians(habits[Trait.BEND_DEVIATION])
    lean = np.radians(habits[Trait.TRUNK_LEAN]) * (1.0 - trunk) + deviation * trunk
    spine = spine_angles(
        body,
        pelvis_rad=pelvis,
        trunk_flexion_rad=stoop * (1.0 - trunk) + peak * trunk,
        trunk_lean_rad=lean,
        thorax_turn_rad=base.spine_rad[:, 1:, 2].sum(axis=1) + 0.5 * deviation * trunk,
    )
    spine = lean_line(body, spine, trunk_lean_rad=lean)
    root = base.root_m.copy()
    root[:, 2] -= float(rng.uniform(0.06, 0.10)) * body.height_m * pelvic  # hips go back, or one would fall over
    root[:, 0] -= 0.2 * np.sin(deviation) * trunk * chord_m(body, spine)
    knee = np.radians(6.0) * (1.0 - trunk) + np.radians(habits[Trait.BEND_KNEES]) * trunk
    root[:, 1] = hip_height_m(
        body, root_xz_m=root[:, ::2], pelvis_rad=spine[:, 0], ankle_m=base.ankle_m, stretch=np.cos(knee / 2.0)
    )
    moved = replace(base, root_m=root, spine_rad=spine)
    shoulder, elbow = _reach(volunteer, moved, trunk, bends, rng)
    neck = base.neck_rad.copy()
    neck[:, 0, 0] += np.radians(rng.uniform(-20.0, 15.0)) * trunk
    neck[:, 1, 0] += np.radians(rng.uniform(-20.0, 10.0)) * trunk
    first = bends[0]
    return replace(
        moved,
        shoulder_rad=shoulder,
        elbow_rad=elbow,
        neck_rad=neck,
        events=_numbers(volunteer, bends),
        bends=tuple((bend.start_s, bend.bottom_s, bend.leave_s, bend.end_s) for bend in bends),
        moments=(
            ("bend_start", first.start_s),
            ("bend_bottom", 0.5 * (first.bottom_s + first.leave_s)),
            ("bend_end", first.end_s),
        ),
    )


def _course(t: FloatArray, bend: _Bend, times_s: tuple[float, float, float, float]) -> FloatArray:
    """Return what of the full range one joint has moved, of a bend that it makes at its own times."""
    return bend.depth * pulse(t, times_s, there=bend.down, back=bend.up)


def _numbers(volunteer: Volunteer, bends: tuple[_Bend, ...]) -> dict[str, float]:
    """Return times of the first bend and what the bends were made with."""
    first = bends[0]
    return {
        "n_repetitions": float(len(bends)),
        "bend_start_s": first.start_s,
        "bend_bottom_s": first.bottom_s,
        "bend_end_s": first.end_s,
        "bend_duration_s": first.end_s - first.start_s,
        "commanded_trunk_flexion_deg": volunteer.habits[Trait.TRUNK_FLEXION],
    }


def _pelvic_times(bend: _Bend, delay_s: float) -> tuple[float, float, float, float]:
    """When the pelvis moves: it starts late, and at the bottom it has caught up with the spine."""
    latest = bend.start_s + 0.6 * (bend.bottom_s - bend.start_s)
    start = min(bend.start_s + delay_s, latest)
    return start, bend.bottom_s, bend.leave_s, max(bend.end_s - 0.3 * max(delay_s, 0.0), bend.leave_s + 0.3)


def _reach(
    volunteer: Volunteer, motion: Motion, trunk: FloatArray, bends: tuple[_Bend, ...], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Aim the arms at the toes as the trunk comes down, bending the elbows where the floor is near.

    A guarding volunteer puts the hand of the painful side on the thigh while coming up.
    """
    body = volunteer.body
    pitch = motion.spine_rad[:, :, 0].cumsum(axis=1)
    lengths = np.array(body.trunk_lengths_m)
    shoulder_z = motion.root_m[:, 2] + np.sin(pitch) @ lengths
    shoulder_y = motion.root_m[:, 1] + np.cos(pitch) @ lengths
    weight = min_jerk(trunk, 0.05, 0.8)
    fore = body.forearm_m + body.hand_m
    ahead = float(rng.uniform(0.3, 1.05)) * body.toe_m
    aim, bend = _aim(ahead - shoulder_z, shoulder_y - FINGERS_ABOVE_M, upper_m=body.upper_arm_m, fore_m=fore)
    support = np.zeros_like(trunk)
    for item in bends:
        rise = item.end_s - item.leave_s
        support += pulse(
            motion.timestamps_s, (item.leave_s, item.leave_s + 0.35 * rise, item.end_s - 0.3 * rise, item.end_s)
        )
    support *= min(1.0, 2.0 * volunteer.habits[Trait.GUARDING])
    thigh_y = motion.root_m[:, 1] - 0.6 * body.thigh_m
    thigh_z = 0.4 * motion.root_m[:, 2] + 0.05 * body.height_m
    aim_thigh, bend_thigh = _aim(
        thigh_z - shoulder_z, shoulder_y - thigh_y, upper_m=body.upper_arm_m, fore_m=body.forearm_m
    )
    shoulder, elbow = motion.shoulder_rad.copy(), motion.elbow_rad.copy()
    for side in (0, 1):
        painful = volunteer.painful_side == (1, -1)[side]
        hold = support if painful else 0.0 * support
        hang = motion.shoulder_rad[0, side, 0] - motion.spine_rad[0, :, 0].sum()
        forward = (1.0 - weight) * hang + weight * ((1.0 - hold) * aim + hold * aim_thigh)
        bent = weight * ((1.0 - hold) * bend + hold * bend_thigh) + (1.0 - weight) * elbow[:, side]
        shoulder[:, side, 0] = pitch[:, -1] + forward
        shoulder[:, side, 1] *= 1.0 - 0.7 * weight
        elbow[:, side] = np.maximum(bent, np.radians(2.0))
    return shoulder, elbow


def _aim(ahead_m: FloatArray, below_m: FloatArray, *, upper_m: float, fore_m: float) -> tuple[FloatArray, FloatArray]:
    """Angle of the upper arm against straight down, and the elbow's flexion, for a hand to be ahead and below.

    Where the point is out of reach the arm points at it, ever straighter: an arm that stretched at once would jerk.
    """
    soft_m = STRETCH_SOFTLY_SHARE * (upper_m + fore_m)
    from_m = upper_m + fore_m - soft_m
    distance = np.maximum(np.hypot(ahead_m, below_m), abs(upper_m - fore_m) + 0.05)
    softened = from_m + soft_m * (1.0 - np.exp(-np.maximum(distance - from_m, 0.0) / soft_m))
    distance = np.where(distance > from_m, softened, distance)
    elbow = np.pi - np.arccos(np.clip((upper_m**2 + fore_m**2 - distance**2) / (2.0 * upper_m * fore_m), -1.0, 1.0))
    inner = np.arccos(np.clip((upper_m**2 + distance**2 - fore_m**2) / (2.0 * upper_m * distance), -1.0, 1.0))
    return np.arctan2(ahead_m, np.maximum(below_m, 0.05)) - inner, elbow
