"""Jump as high as one can: crouch, take off, fly, land, stand up. Knows nothing of cameras or landmarks.

The hips fly under gravity alone. Form and timing are assumptions unless `dysfunction.TRAITS` cites them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.simulation.body import Body
from backsight.simulation.dysfunction import Trait, Volunteer, usual_jump_height_cm
from backsight.simulation.profiles import min_jerk, pulse, quintic
from backsight.simulation.skeleton import SIDES, Motion, foot_ankle_m, hip_height_m
from backsight.simulation.standing import spine_angles, stand

GRAVITY_MPS2 = 9.81
LOWEST_JUMP_CM = 3.0
TAKE_OFF_FOOT_DEG = -48.0
"""Pitch of the feet when the toes leave the floor."""
TAKE_OFF_STRETCH = 0.992
"""Leg length at take-off as a share of the stretched leg."""


@dataclass(frozen=True)
class _Times:
    """When the parts of a jump begin, in seconds."""

    dip_s: float
    push_s: float
    take_off_s: float
    touch_down_s: float
    caught_s: float
    upright_s: float
    end_s: float


def jump(volunteer: Volunteer, *, rng: np.random.Generator, fps: float) -> Motion:
    """Stand, jump once with a countermovement, land and stand again."""
    body, habits = volunteer.body, volunteer.habits
    height_m = max(LOWEST_JUMP_CM, usual_jump_height_cm(body) + habits[Trait.JUMP_HEIGHT]) / 100.0
    speed = float(np.sqrt(2.0 * GRAVITY_MPS2 * height_m))
    # Weak jumpers dip less: from a deep crouch their push would have to last too long.
    depth_m = habits[Trait.CROUCH] * body.leg_m * float(np.clip(np.sqrt(height_m / 0.25), 0.5, 1.0))
    rise_m = float(foot_ankle_m(body, toes_up_rad=np.radians([TAKE_OFF_FOOT_DEG]))[1][0] - body.ankle_height_m)
    landing_m = depth_m * float(rng.uniform(0.35, 0.9))
    dip = float(rng.uniform(0.45, 0.8))
    start = float(rng.uniform(0.3, 1.2)) + habits[Trait.SLOW_START]
    push = 2.0 * (depth_m + rise_m) / speed
    catch = 2.0 * (landing_m + rise_m) / speed
    take_off = start + dip + push
    touch_down = take_off + 2.0 * speed / GRAVITY_MPS2
    caught = touch_down + catch
    upright = caught + float(rng.uniform(0.5, 1.0))
    times = _Times(start, start + dip, take_off, touch_down, caught, upright, upright + float(rng.uniform(0.4, 1.4)))
    t = np.arange(round(times.end_s * fps)) / fps
    base = stand(volunteer, t, rng)
    return _move(volunteer, base, times, speed=speed, depth_m=depth_m, landing_m=landing_m, rng=rng)


def _move(
    volunteer: Volunteer,
    base: Motion,
    times: _Times,
    *,
    speed: float,
    depth_m: float,
    landing_m: float,
    rng: np.random.Generator,
) -> Motion:
    body, t = volunteer.body, base.timestamps_s
    bent = pulse(t, (times.dip_s, times.push_s, times.push_s, times.take_off_s))
    bent += landing_m / depth_m * pulse(t, (times.touch_down_s - 0.05, times.caught_s, times.caught_s, times.upright_s))
    fold = np.radians(rng.uniform(28.0, 55.0)) * bent
    shift_m = volunteer.habits[Trait.JUMP_SHIFT] / 100.0 * bent
    spine = _fold_trunk(volunteer, base, fold, shift_m)
    ankle, foot = base.ankle_m.copy(), base.foot_rad.copy()
    pitch = _foot_pitch(t, times)
    forward, high = foot_ankle_m(body, toes_up_rad=pitch)
    drift = float(rng.normal(0.03, 0.05)) * np.clip(
        (t - times.take_off_s) / (times.touch_down_s - times.take_off_s), 0.0, 1.0
    )
    toe_out = np.array(SIDES) * foot[:, :, 1]
    ankle[:, :, 0] += forward[:, None] * np.sin(toe_out)
    ankle[:, :, 2] += forward[:, None] * np.cos(toe_out) + drift[:, None]
    root = base.root_m.copy()
    root[:, 0] += shift_m
    root[:, 2] += drift - 0.35 * depth_m * bent + 0.6 * forward * (1.0 - np.clip(bent, 0.0, 1.0))
    root[:, 1], flight = _height(body, base, spine[:, 0], times, speed=speed, depth_m=depth_m, landing_m=landing_m)
    middle = (times.take_off_s + times.touch_down_s) / 2.0
    tuck = 0.02 * body.leg_m * pulse(t, (times.take_off_s, middle, middle, times.touch_down_s))
    ankle[:, :, 1] = (high + flight + tuck)[:, None]
    foot[:, :, 0] = pitch[:, None]
    shoulder, elbow = _swing_arms(base, times, rng)
    height_cm = 100.0 * speed**2 / (2.0 * GRAVITY_MPS2)
    return replace(
        base,
        root_m=root,
        spine_rad=spine,
        neck_rad=base.neck_rad - np.array([0.3, 0.0, 0.0]) * fold[:, None, None],
        ankle_m=ankle,
        foot_rad=foot,
        shoulder_rad=shoulder,
        elbow_rad=elbow,
        events={
            "take_off_s": times.take_off_s,
            "touch_down_s": times.touch_down_s,
            "flight_s": times.touch_down_s - times.take_off_s,
            "jump_height_cm": height_cm,
        },
    )


def _fold_trunk(volunteer: Volunteer, base: Motion, fold: FloatArray, shift_m: FloatArray) -> FloatArray:
    """Bend the trunk forward, three quarters of it at the hips, and lean it over the leg that bears more."""
    habits = volunteer.habits
    pelvis = base.spine_rad[:, 0].copy()
    pelvis[:, 0] += 0.75 * fold
    return spine_angles(
        volunteer.body,
        pelvis_rad=pelvis,
        trunk_flexion_rad=np.radians(habits[Trait.TRUNK_STOOP]) + fold,
        trunk_lean_rad=np.radians(habits[Trait.TRUNK_LEAN]) + 0.8 * shift_m / sum(volunteer.body.trunk_lengths_m),
        thorax_turn_rad=base.spine_rad[:, 1:, 2].sum(axis=1),
    )


def _foot_pitch(t: FloatArray, times: _Times) -> FloatArray:
    """Heels rise at the end of the push, stay up in flight, and come down after the toes have landed."""
    push = times.take_off_s - times.push_s
    catch = times.caught_s - times.touch_down_s
    raised = pulse(
        t,
        (times.take_off_s - 0.45 * push, times.take_off_s, times.touch_down_s, times.touch_down_s + 0.6 * catch),
    )
    pitch: FloatArray = np.radians(TAKE_OFF_FOOT_DEG) * raised
    return pitch


def _height(
    body: Body,
    base: Motion,
    pelvis: FloatArray,
    times: _Times,
    *,
    speed: float,
    depth_m: float,
    landing_m: float,
) -> tuple[FloatArray, FloatArray]:
    """Height of the hips over time, and how much of it is flight."""
    t = base.timestamps_s
    standing = base.root_m[:, 1]
    low, low_after = float(standing[0] - depth_m), float(standing[0] - landing_m)
    pitch = np.radians([TAKE_OFF_FOOT_DEG])
    forward, high = foot_ankle_m(body, toes_up_rad=pitch)
    ankle = base.ankle_m[:1].copy()
    ankle[:, :, 1], ankle[:, :, 2] = high[0], ankle[:, :, 2] + forward[0]
    where = np.array([[base.root_m[:, 0].mean(), 0.6 * forward[0]]])
    top = float(hip_height_m(body, root_xz_m=where, pelvis_rad=pelvis[:1], ankle_m=ankle, stretch=TAKE_OFF_STRETCH)[0])
    gone = t - times.take_off_s
    airborne = (t >= times.take_off_s) & (t <= times.touch_down_s)
    flight = np.where(airborne, speed * gone - 0.5 * GRAVITY_MPS2 * gone**2, 0.0)
    height = standing + (low - standing) * min_jerk(t, times.dip_s, times.push_s)
    leave, arrive = (top, speed, -GRAVITY_MPS2), (top, -speed, -GRAVITY_MPS2)
    push = quintic(t, times.push_s, times.take_off_s, start=(low, 0.0, 0.0), end=leave)
    catch = quintic(t, times.touch_down_s, times.caught_s, start=arrive, end=(low_after, 0.0, 0.0))
    up = low_after + (standing - low_after) * min_jerk(t, times.caught_s, times.upright_s)
    height = np.where(t >= times.push_s, push, height)
    height = np.where(t >= times.take_off_s, top + flight, height)
    height = np.where(t > times.touch_down_s, catch, height)
    return np.where(t >= times.caught_s, up, height), flight


def _swing_arms(base: Motion, times: _Times, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Swing the arms back in the crouch and up at take-off, or keep the hands on the hips."""
    t = base.timestamps_s
    shoulder, elbow = base.shoulder_rad.copy(), base.elbow_rad.copy()
    if rng.random() < 0.15:
        held = pulse(t, (times.dip_s - 0.6, times.dip_s - 0.1, times.upright_s, times.upright_s + 0.5))[:, None]
        shoulder[:, :, 0] += np.radians(-25.0) * held
        shoulder[:, :, 1] += np.radians(35.0) * held
        shoulder[:, :, 2] += np.radians(45.0) * held
        elbow += np.radians(85.0) * held
        return shoulder, elbow
    back = pulse(t, (times.dip_s, times.push_s - 0.2, times.push_s - 0.2, times.take_off_s))
    middle = (times.take_off_s + times.touch_down_s) / 2.0
    raised = pulse(t, (times.push_s - 0.2, times.take_off_s + 0.08, middle, times.caught_s + 0.3))
    lift = np.radians(rng.uniform(45.0, 125.0))
    shoulder[:, :, 0] += (-np.radians(rng.uniform(10.0, 35.0)) * back + lift * raised)[:, None]
    elbow += (np.radians(rng.uniform(0.0, 25.0)) * back + np.radians(rng.uniform(5.0, 60.0)) * raised)[:, None]
    return shoulder, elbow
