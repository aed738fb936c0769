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
TAKE_OFF_FOOT_DEG = -40.0
"""Pitch of the feet when the toes leave the floor and when they meet it again."""
TAKE_OFF_STRETCH = 0.98
"""Leg length at take-off as a share of the stretched leg: knees bent by 23 degrees."""
ANKLE_SHARE = 0.4
"""Share of the speed at take-off and landing that the ankles give, the knees giving the rest."""
TRUNK_LEADS_S = 0.12
"""So long before the legs push the trunk begins to come up: joints extend from the trunk down. Assumption."""
FOOT_FOLLOWS_S = 0.07
"""For so long the feet go on stretching after take-off."""
ASYMMETRY_MS_PER_CM = 5.0
"""[A] How much sooner the side that bears less weight leaves the floor, and how much later it lands."""
ASYMMETRY_SD_MS = 6.2
"""[A] Together with a shift of weight of 1 cm (SD) the feet of healthy people leave and land 8 ms (SD) apart."""
LARGEST_ASYMMETRY_S = 0.05


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
    feet_off_s: tuple[float, float]
    """When the left and the right foot leave the floor; the later one is `take_off_s`."""
    feet_on_s: tuple[float, float]
    """When the left and the right foot are back; the earlier one is `touch_down_s`."""


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
    end = upright + float(rng.uniform(0.4, 1.4))
    lead = ASYMMETRY_MS_PER_CM * habits[Trait.JUMP_SHIFT] / 1000.0
    off, on = (
        float(
            np.clip(sign * lead + rng.normal(0.0, ASYMMETRY_SD_MS / 1000.0), -LARGEST_ASYMMETRY_S, LARGEST_ASYMMETRY_S)
        )
        for sign in (1.0, -1.0)
    )
    times = _Times(
        dip_s=start,
        push_s=start + dip,
        take_off_s=take_off,
        touch_down_s=touch_down,
        caught_s=caught,
        upright_s=upright,
        end_s=end,
        feet_off_s=(take_off + min(off, 0.0), take_off - max(off, 0.0)),
        feet_on_s=(touch_down + max(on, 0.0), touch_down - min(on, 0.0)),
    )
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
    landing = (
        landing_m / depth_m * pulse(t, (times.touch_down_s - 0.05, times.caught_s, times.caught_s, times.upright_s))
    )
    bent = landing + pulse(t, (times.dip_s, times.push_s, times.push_s, times.take_off_s))
    unfolds_s = times.push_s - TRUNK_LEADS_S
    folded = landing + pulse(t, (times.dip_s, unfolds_s, unfolds_s, times.take_off_s))
    fold = np.radians(rng.uniform(28.0, 55.0)) * folded
    shift_m = volunteer.habits[Trait.JUMP_SHIFT] / 100.0 * bent
    spine = _fold_trunk(volunteer, base, fold, shift_m)
    ankle, foot = base.ankle_m.copy(), base.foot_rad.copy()
    pitch, lift = _feet(body, t, times, speed=speed)
    forward = foot_ankle_m(body, toes_up_rad=pitch.ravel())[0].reshape(pitch.shape)
    drift = float(rng.normal(0.03, 0.05)) * np.clip(
        (t - times.take_off_s) / (times.touch_down_s - times.take_off_s), 0.0, 1.0
    )
    toe_out = np.array(SIDES) * foot[:, :, 1]
    ankle[:, :, 0] += forward * np.sin(toe_out)
    ankle[:, :, 1] = lift
    ankle[:, :, 2] += forward * np.cos(toe_out) + drift[:, None]
    root = base.root_m.copy()
    root[:, 0] += shift_m
    root[:, 2] += drift - 0.35 * depth_m * bent + 0.6 * forward.mean(axis=1) * (1.0 - np.clip(bent, 0.0, 1.0))
    root[:, 1] = _height(body, base, spine[:, 0], times, speed=speed, depth_m=depth_m, landing_m=landing_m)
    foot[:, :, 0] = pitch
    shoulder, elbow = _swing_arms(base, times, rng)
    return replace(
        base,
        root_m=root,
        spine_rad=spine,
        neck_rad=base.neck_rad - np.array([0.3, 0.0, 0.0]) * fold[:, None, None],
        ankle_m=ankle,
        foot_rad=foot,
        shoulder_rad=shoulder,
        elbow_rad=elbow,
        events=_numbers(times, speed=speed),
        moments=(
            ("take_off", times.take_off_s),
            ("apex", 0.5 * (times.take_off_s + times.touch_down_s)),
            ("landing", times.touch_down_s),
        ),
    )


def _numbers(times: _Times, *, speed: float) -> dict[str, float]:
    """Return times and sizes of the jump."""
    return {
        "take_off_s": times.take_off_s,
        "touch_down_s": times.touch_down_s,
        "flight_s": times.touch_down_s - times.take_off_s,
        "jump_height_cm": 100.0 * speed**2 / (2.0 * GRAVITY_MPS2),
        "dip_s": times.dip_s,
        "upright_s": times.upright_s,
        "take_off_asymmetry_ms": 1000.0 * (times.feet_off_s[0] - times.feet_off_s[1]),
        "landing_asymmetry_ms": 1000.0 * (times.feet_on_s[0] - times.feet_on_s[1]),
    }


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


def _feet(body: Body, t: FloatArray, times: _Times, *, speed: float) -> tuple[FloatArray, FloatArray]:
    """Return pitch of the feet and height of the ankles over the floor; each (n, 2).

    Heels rise at the end of the push, the feet go on stretching after they have left, and heels come down once the
    toes have landed. A foot in the air flies as the hips do, so that the legs keep their shape.
    """
    pitch, height = np.zeros((len(t), 2)), np.zeros((len(t), 2))
    push, catch = times.take_off_s - times.push_s, times.caught_s - times.touch_down_s
    down = np.radians(TAKE_OFF_FOOT_DEG)
    lever_m = body.toe_m * np.cos(down) + body.ankle_height_m * np.sin(down)
    rate = ANKLE_SHARE * speed / lever_m
    level = float(foot_ankle_m(body, toes_up_rad=np.array([down]))[1][0])
    for side, (off, on) in enumerate(zip(times.feet_off_s, times.feet_on_s, strict=True)):
        rises, lands = off - 0.45 * push, on + 0.6 * catch
        stretched = down - 0.5 * rate * FOOT_FOLLOWS_S
        follows = min(off + FOOT_FOLLOWS_S, 0.5 * (off + on))
        pitch[:, side] = np.select(
            [t < rises, t < off, t < follows, t < on, t < lands],
            [
                0.0,
                quintic(t, rises, off, start=(0.0, 0.0, 0.0), end=(down, -rate, 0.0)),
                quintic(t, off, follows, start=(down, -rate, 0.0), end=(stretched, 0.0, 0.0)),
                stretched + (down - stretched) * min_jerk(t, follows, on),
                quintic(t, on, lands, start=(down, rate, 0.0), end=(0.0, 0.0, 0.0)),
            ],
            0.0,
        )
        on_floor = foot_ankle_m(body, toes_up_rad=pitch[:, side])[1]
        flying = (t > off) & (t < on)
        up = 0.5 * GRAVITY_MPS2 * (t - off) * (on - t)
        height[:, side] = np.where(flying, level + up, on_floor)
    return pitch, height


def _height(
    body: Body,
    base: Motion,
    pelvis: FloatArray,
    times: _Times,
    *,
    speed: float,
    depth_m: float,
    landing_m: float,
) -> FloatArray:
    """Height of the hips over time."""
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
    return np.where(t >= times.caught_s, up, height)


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
