"""How a person moves, drawn from norms, and how a bad back shifts it. Knows nothing of joints or cameras.

Every line of `TRAITS` is one fact with its source. [V] read in the source, [R] remembered and to be confirmed, [I]
derived by us from the source, [A] assumed by us; all of it is in the project's page of norms (biomechanics) except [A].

A dysfunction of 0.1 stands for the sources' healthy groups and 0.6 for their groups with low back pain [A]; effects
grow in a straight line through both [A], so dysfunction 1 moves 1.8 times as far from the norm as the average patient.
Assumed effects are kept weaker than the cited ones of flexion and duration, so that they do not lead [A].

Not everyone shows every effect: each person expresses a random subset, at a random strength, with the mean kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from backsight.simulation.body import Body, Sex

HEALTHY_DYSFUNCTION = 0.1
"""[A] What the sources' healthy groups are taken to be; healthy people rate their backs near 90 of 100."""
PATIENT_DYSFUNCTION = 0.6
"""[A] What the sources' low-back-pain groups are taken to be; chronic back pain is typically rated 5 to 6 of 10 [R]."""
DYSFUNCTION_BETA = (1.2, 2.6)
"""[I] Beta distribution of dysfunction: 0.79 of it lies at or below 0.5, as the paper's volunteers (section IV)."""
RATING_SEM = 10.0
"""[V] Standard error of a rating on its 0 to 100 scale: 1.02 of 10 (Williams 2025)."""
RATING_PERSON_SHARE = 0.5
"""[A] Share of the rating's error variance that a person carries through all three ratings."""
STRENGTH_SHAPE = 4.0
"""[A] Gamma shape of an expressed effect's strength between people: a relative SD of one half."""
GAIT_SPEED_MPS: dict[Sex, tuple[float, ...]] = {
    "male": (1.36, 1.43, 1.43, 1.43, 1.34, 1.26, 0.97),
    "female": (1.34, 1.34, 1.39, 1.31, 1.24, 1.13, 0.94),
}
"""Comfortable speed at ages 20-29, 30-39, ... 70-79, 80-99: Bohannon and Andrews 2011. [V] men 40-49 and women 80-99,
[R] the rest."""
_GAIT_AGES = (25.0, 35.0, 45.0, 55.0, 65.0, 75.0, 85.0)
JUMP_HEIGHT_CM: dict[Sex, tuple[float, float]] = {"male": (33.0, 12.0), "female": (24.0, 9.5)}
"""Countermovement jump at age 25 and at age 75, a straight line between: untrained men 25-40 and women 18-30 [R],
elderly 10.8 +- 5.2 [V]."""


class Trait(StrEnum):
    """One thing in which people differ."""

    TRUNK_FLEXION = "trunk_flexion_deg"
    PELVIC_SHARE = "pelvic_share_of_flexion"
    BEND_DURATION = "bend_duration_s"
    PELVIC_DELAY = "pelvic_delay_s"
    BEND_DEVIATION = "bend_side_deviation_deg"
    BEND_KNEES = "bend_knee_flexion_deg"
    TRUNK_LEAN = "trunk_side_lean_deg"
    TRUNK_STOOP = "trunk_forward_lean_deg"
    SHOULDER_TILT = "shoulder_obliquity_deg"
    PELVIC_TILT = "pelvic_obliquity_deg"
    GAIT_SPEED = "walking_speed_offset_mps"
    WALK_RATIO = "walk_ratio_mm_per_step_per_min"
    THORAX_PHASE = "thorax_pelvis_phase_deg"
    THORAX_TURN = "thorax_turn_range_deg"
    PELVIC_TURN = "pelvic_turn_range_deg"
    PELVIC_DROP = "pelvic_drop_range_deg"
    GAIT_SWAY = "gait_side_lean_range_deg"
    ARM_SWING = "arm_swing_range_deg"
    ARM_SWING_SIDE = "arm_swing_right_excess_percent"
    STEP_TIME_SIDE = "step_time_left_excess_percent"
    STEP_LENGTH_SIDE = "step_length_left_excess_percent"
    JUMP_HEIGHT = "jump_height_offset_cm"
    JUMP_SHIFT = "jump_side_shift_cm"
    CROUCH = "crouch_depth_share"
    SLOW_START = "slow_start_s"
    GUARDING = "hand_on_thigh"


@dataclass(frozen=True)
class TraitNorm:
    """A trait's healthy distribution and what low back pain does to it."""

    mean: float
    sd: float
    """Between healthy people; of the logarithm where `is_log`."""
    shift: float
    """Mean difference of low-back-pain groups; of the logarithm where `is_log`."""
    source: str
    expressed_by: float = 0.7
    """[A] Share of people who show the effect; their strength makes up for the others."""
    is_log: bool = False
    is_sided: bool = False
    """True where the effect goes to the person's painful side, so that the group's mean stays near 0; to the other side
    where `shift` is negative. Sided traits are positive to the left."""
    low: float = -np.inf
    high: float = np.inf


TRAITS: Mapping[Trait, TraitNorm] = {
    Trait.TRUNK_FLEXION: TraitNorm(
        111.0,
        13.0,
        -18.0,
        "[V] Laird 2019, 111 and 93 deg; SD [I] from x5.4 below the 10th centile: the shift is 1.38 SD",
        expressed_by=0.8,
        low=30.0,
        high=140.0,
    ),
    Trait.PELVIC_SHARE: TraitNorm(
        59.0 / 111.0,
        0.06,
        48.0 / 93.0 - 59.0 / 111.0,
        "[V] Laird 2019, pelvis 59 of 111 and 48 of 93 deg; SD [I] from x3.9",
        low=0.35,
        high=0.7,
    ),
    Trait.BEND_DURATION: TraitNorm(
        np.log(2.28) - 0.30**2 / 2.0,
        0.30,
        np.log(3.18 / 2.28),
        "[V] Laird 2019, 2.28 and 3.18 s down and up; SD [I] from x4+ above the 90th centile: 1.1 SD",
        expressed_by=0.8,
        is_log=True,
        low=1.2,
        high=7.0,
    ),
    Trait.PELVIC_DELAY: TraitNorm(
        0.21,
        0.20,
        0.15,
        "[V] Laird 2019, 0.21 and 0.36 s after the lumbar spine (read as a lag [A]); SD [I] from x2.9: 0.73 SD",
        low=-0.3,
        high=1.2,
    ),
    Trait.BEND_DEVIATION: TraitNorm(0.0, 1.5, 2.5, "[A] no source found", 0.5, is_sided=True, low=-15.0, high=15.0),
    Trait.BEND_KNEES: TraitNorm(8.0, 5.0, 3.5, "[A] bent knees spare the back", 0.5, low=2.0, high=45.0),
    Trait.TRUNK_LEAN: TraitNorm(0.0, 1.2, 1.2, "[A]; flag above 2-3 deg [R]", 0.5, is_sided=True, low=-9.0, high=9.0),
    Trait.TRUNK_STOOP: TraitNorm(1.0, 2.5, 1.5, "[A]", 0.5, low=-6.0, high=20.0),
    Trait.SHOULDER_TILT: TraitNorm(
        0.0,
        1.3,
        1.2,
        "SD [I] 7.4 mm of scapular height (Ferreira 2011 [V]) over the shoulders' breadth; shift [A]",
        0.5,
        is_sided=True,
        low=-9.0,
        high=9.0,
    ),
    Trait.PELVIC_TILT: TraitNorm(0.0, 1.0, 0.8, "[A]; flag above 2-3 deg [R]", 0.5, is_sided=True, low=-6.0, high=6.0),
    Trait.GAIT_SPEED: TraitNorm(
        0.0, 0.20, -0.59 * 0.20, "[V] SMD -0.59 (Smith); SD 0.2 m/s [R]; mean by age and sex", low=-0.7, high=0.6
    ),
    # A slower walk at one walk ratio shortens the stride by itself, by about the cited SMD -0.38: no shift of its own.
    Trait.WALK_RATIO: TraitNorm(
        6.3, 0.6, 0.0, "[R] Sekiya 1996: 6.3 mm / (step/min), steady over speeds", low=4.5, high=8.5
    ),
    Trait.THORAX_PHASE: TraitNorm(
        140.0, 25.0, -0.60 * 25.0, "[V] more in phase, SMD -0.60 (Smith; Lamoth); mean and SD [A]", low=40.0, high=180.0
    ),
    Trait.THORAX_TURN: TraitNorm(8.5, 2.0, 0.0, "[R] 7-10 deg; [V] no difference (Smith)", low=2.0, high=18.0),
    Trait.PELVIC_TURN: TraitNorm(10.0, 3.0, 0.0, "[R] about 10 deg; [V] no difference (Smith)", low=2.0, high=20.0),
    Trait.PELVIC_DROP: TraitNorm(8.5, 2.0, 0.0, "[R] 8-10 deg", low=3.0, high=14.0),
    Trait.GAIT_SWAY: TraitNorm(5.0, 1.5, 0.0, "[R] 4-6 deg of side lean", low=1.0, high=10.0),
    Trait.ARM_SWING: TraitNorm(36.0, 14.0, -6.0, "[A]", 0.5, low=4.0, high=85.0),
    Trait.ARM_SWING_SIDE: TraitNorm(
        0.0, 12.0, 8.0, "[A] the painful side's arm swings less", 0.5, is_sided=True, low=-80.0, high=80.0
    ),
    # A painful side bears weight for less time, so that the other foot's step is the shorter and the quicker one.
    Trait.STEP_TIME_SIDE: TraitNorm(0.0, 3.0, 2.5, "[A]", 0.5, is_sided=True, low=-20.0, high=20.0),
    Trait.STEP_LENGTH_SIDE: TraitNorm(0.0, 3.0, 2.5, "[A]", 0.5, is_sided=True, low=-20.0, high=20.0),
    Trait.JUMP_HEIGHT: TraitNorm(0.0, 5.0, 0.0, "[V] no effect found (PMC6193468); SD as of the elderly [V]"),
    Trait.JUMP_SHIFT: TraitNorm(
        0.0, 1.0, -1.2, "[A] weight moves off the painful side", 0.5, is_sided=True, low=-7.0, high=7.0
    ),
    Trait.CROUCH: TraitNorm(0.30, 0.05, -0.03, "[A] share of leg length; patients dip less", 0.5, low=0.15, high=0.45),
    Trait.SLOW_START: TraitNorm(np.log(0.6), 0.4, np.log(1.25), "[A]", 0.5, is_log=True, low=0.2, high=2.5),
    Trait.GUARDING: TraitNorm(0.0, 0.05, 0.12, "[A] a hand climbs up the thigh", 0.3, low=0.0, high=1.0),
}


@dataclass(frozen=True)
class Volunteer:
    """A person: a body, a back and habits."""

    subject_id: str
    body: Body
    dysfunction: float
    """True spinal dysfunction, 0 best to 1 worst: what a perfect index would say."""
    painful_side: int
    """1 = left, -1 = right."""
    effects: Mapping[Trait, float]
    """Strength with which the person expresses each effect: 0 = not at all, 1 = as the average patient at 0.6."""
    habits: Mapping[Trait, float]
    """The value of each trait."""
    rating_error: float
    """What this person adds to all their ratings, in points."""


def severity(dysfunction: float) -> float:
    """Dysfunction in units of the sources' difference between groups: 0 = healthy group, 1 = patient group."""
    return (dysfunction - HEALTHY_DYSFUNCTION) / (PATIENT_DYSFUNCTION - HEALTHY_DYSFUNCTION)


def sample_volunteer(
    rng: np.random.Generator, *, subject_id: str, body: Body, dysfunction: float | None = None
) -> Volunteer:
    """Draw a back and habits for a body.

    Parameters
    ----------
    dysfunction
        0 best to 1 worst; drawn from `DYSFUNCTION_BETA` when None.
    """
    drawn = float(rng.beta(*DYSFUNCTION_BETA))
    back = drawn if dysfunction is None else dysfunction
    painful_side = 1 if rng.random() < 0.5 else -1
    rating_error = float(rng.normal(0.0, RATING_SEM * np.sqrt(RATING_PERSON_SHARE)))
    effects: dict[Trait, float] = {}
    habits: dict[Trait, float] = {}
    for trait, norm in TRAITS.items():
        strength = float(rng.gamma(STRENGTH_SHAPE, 1.0 / STRENGTH_SHAPE)) / norm.expressed_by
        shown = rng.random() < norm.expressed_by
        effects[trait] = strength if shown and norm.shift != 0.0 else 0.0
        shift = severity(back) * effects[trait] * norm.shift
        if norm.is_sided:
            shift = painful_side * shift if severity(back) > 0.0 else 0.0
        value = norm.mean + norm.sd * float(rng.normal()) + shift
        value = float(np.exp(value)) if norm.is_log else value
        habits[trait] = float(np.clip(value, norm.low, norm.high))
    return Volunteer(subject_id, body, back, painful_side, effects, habits, rating_error)


def rate_back(volunteer: Volunteer, rng: np.random.Generator) -> float:
    """Let the volunteer rate their back after an exercise, 0 worst to 100 best, with the known error of ratings."""
    own_sd = RATING_SEM * np.sqrt(1.0 - RATING_PERSON_SHARE)
    rating = 100.0 * (1.0 - volunteer.dysfunction) + volunteer.rating_error + rng.normal(0.0, own_sd)
    return float(np.clip(rating, 0.0, 100.0))


def usual_gait_speed_mps(body: Body) -> float:
    """Comfortable walking speed at the body's age and sex, interpolated between decades."""
    return float(np.interp(body.age_years, _GAIT_AGES, GAIT_SPEED_MPS[body.sex]))


def usual_jump_height_cm(body: Body) -> float:
    """Countermovement jump height at the body's age and sex."""
    return float(np.interp(body.age_years, (25.0, 75.0), JUMP_HEIGHT_CM[body.sex]))
