"""Walk a few metres from standing to standing. Knows nothing of cameras or landmarks.

Footfalls are planned first; a standing foot is fixed to the floor and rolls over heel and toes, the hips ride on the
legs that stand, and hip, knee and ankle angles follow. Ranges are cited in `dysfunction.TRAITS`; the rest is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from backsight.domain.validation import FloatArray
from backsight.simulation.body import Body
from backsight.simulation.dysfunction import Trait, Volunteer, usual_gait_speed_mps
from backsight.simulation.profiles import min_jerk
from backsight.simulation.skeleton import SIDES, Footfall, Motion, foot_ankle_m, hip_height_m
from backsight.simulation.standing import spine_angles, stand

DISTANCE_M, CUT_DISTANCE_M = (2.0, 3.6), (3.0, 5.0)
"""The paper asks for two metres; people walk that and a bit more, and those whose clip is cut at both ends walk on."""
CUT_SHARE = 0.35
"""Share of the recordings that start and stop while the person walks."""
STANCE_SHARE = 0.62
"""Share of the stride that a foot stands (Perry, Gait Analysis, 1992 [R])."""
HEEL_STRIKE_DEG, TOE_OFF_DEG = 20.0, -58.0
"""Pitch of the foot, toes up, at first and last contact (Winter 2009 [R])."""
FLAT_FROM, FLAT_TO = 0.14, 0.58
"""Shares of the stance between which the sole lies flat."""
TOE_CLEARANCE_M = 0.012
"""Least height of the swinging foot about mid-swing (Winter 1992 [R])."""
SLOWEST_MPS = 0.35
STEP_TIME_CV, STEP_LENGTH_CV = 0.012, 0.015
"""[A] Relative SD of a step against the person's other steps of that side."""
FINE_HZ = 120.0
"""Rate at which the height of the hips is worked out."""


@dataclass(frozen=True)
class _Stance:
    """A foot on the floor: since when, until when, where, and how far it rolls."""

    start_s: float
    end_s: float
    z_m: float
    strike_rad: float
    leave_rad: float


@dataclass(frozen=True)
class _Plan:
    """Footfalls of a walk."""

    feet: tuple[tuple[_Stance, ...], tuple[_Stance, ...]]
    """Stances of the left and the right foot."""
    first_side: int
    """Index of the foot that steps first."""
    strikes_s: tuple[float, ...]
    """Times of all footfalls."""
    middles_m: tuple[float, ...]
    """Middle between the feet at each footfall."""
    start_s: float
    settled_s: float
    duration_s: float
    step_m: float
    step_s: float
    half_base_m: float
    """Middle of the path to either foot."""
    toe_out_rad: tuple[float, float]


def walk(volunteer: Volunteer, *, rng: np.random.Generator, fps: float) -> Motion:
    """Stand, walk, stand; or, as many clips are cut, only the middle of it."""
    is_cut = rng.random() < CUT_SHARE
    plan = _plan(volunteer, CUT_DISTANCE_M if is_cut else DISTANCE_M, rng)
    start_s, end_s = 0.0, plan.duration_s
    if is_cut:
        start_s, end_s = plan.strikes_s[0] - 0.3 * plan.step_s, plan.strikes_s[-1] - 0.5 * plan.step_s
    t = start_s + np.arange(max(round((end_s - start_s) * fps), 20)) / fps
    base = stand(volunteer, t, rng)
    ankle, pitch = _feet(volunteer.body, plan, t)
    phase, envelope = _rhythm(plan, t)
    pelvis, trunk_lean, thorax_turn = _trunk(volunteer, base, plan, phase, envelope)
    root = base.root_m.copy()
    sway_m = float(rng.uniform(0.014, 0.028))
    sign = SIDES[plan.first_side]
    root[:, 0] += sway_m * sign * np.sin(phase) * envelope
    root[:, 2] += _progress(plan)(np.clip(t, plan.start_s, plan.settled_s))
    root[:, 1] = _hip_height(volunteer.body, plan, t, root=root, pelvis=pelvis, rng=rng)
    stoop = np.radians(volunteer.habits[Trait.TRUNK_STOOP]) + np.radians(2.0) * envelope
    spine = spine_angles(
        volunteer.body,
        pelvis_rad=pelvis,
        trunk_flexion_rad=stoop + np.radians(0.8) * np.cos(2.0 * phase) * envelope,
        trunk_lean_rad=trunk_lean,
        thorax_turn_rad=thorax_turn,
    )
    shoulder, elbow = _arms(volunteer, base, spine, plan=plan, phase=phase, envelope=envelope, rng=rng)
    neck = base.neck_rad.copy()
    neck[:, 0, 2] -= 0.8 * (thorax_turn + pelvis[:, 2]) * envelope  # the eyes look ahead
    neck[:, 0, 1] -= 0.7 * spine[:, :, 1].sum(axis=1) * envelope
    footfalls = _footfalls(plan, start_s)
    return replace(
        base,
        timestamps_s=t - t[0],
        root_m=root,
        spine_rad=spine,
        neck_rad=neck,
        shoulder_rad=shoulder,
        elbow_rad=elbow,
        ankle_m=ankle,
        foot_rad=np.stack([pitch, np.broadcast_to(plan.toe_out_rad, pitch.shape)], axis=2),
        events=_numbers(plan, start_s),
        moments=tuple(
            (f"{('left', 'right')[fall.side]}_heel_strike", fall.time_s)
            for fall in footfalls
            if 0.0 <= fall.time_s <= float(t[-1] - t[0])
        ),
        footfalls=footfalls,
        stride_phase_rad=phase,
    )


def _numbers(plan: _Plan, start_s: float) -> dict[str, float]:
    """Return times, in the time of a recording that starts at `start_s` of the plan, and sizes of the walk."""
    return {
        "walking_speed_mps": plan.step_m / plan.step_s,
        "stride_m": 2.0 * plan.step_m,
        "cadence_per_min": 60.0 / plan.step_s,
        "n_steps": float(len(plan.strikes_s)),
        "walk_start_s": plan.start_s - start_s,
        "walk_end_s": plan.settled_s - start_s,
        "steady_from_s": plan.strikes_s[1] - start_s,
        "steady_to_s": plan.strikes_s[-2] - start_s,
        "distance_m": plan.middles_m[-1],
    }


def _footfalls(plan: _Plan, start_s: float) -> tuple[Footfall, ...]:
    """Return where and when the feet come down, in the time of a recording that starts at `start_s` of the plan."""
    falls = []
    for k, strike_s in enumerate(plan.strikes_s):
        side = (plan.first_side + k) % 2
        stance = next(stance for stance in plan.feet[side] if stance.start_s == strike_s)
        falls.append(Footfall(side, strike_s - start_s, stance.z_m, 0 < k < len(plan.strikes_s) - 1))
    return tuple(falls)


def _plan(volunteer: Volunteer, distances_m: tuple[float, float], rng: np.random.Generator) -> _Plan:
    """Lay out the footfalls: a shorter first step, even steps, and a last one that closes up."""
    body, habits = volunteer.body, volunteer.habits
    speed = usual_gait_speed_mps(body) + habits[Trait.GAIT_SPEED] + float(rng.normal(0.0, 0.05))
    speed = max(SLOWEST_MPS, speed)
    # Walk ratio: step length / cadence. With speed = length * cadence / 60 both follow.
    step_m = float(np.sqrt(habits[Trait.WALK_RATIO] / 1000.0 * 60.0 * speed))
    step_m = min(step_m * body.height_m / 1.70, 0.92 * body.leg_m)
    step_s = step_m / speed
    distance_m = float(rng.uniform(*distances_m))
    n_steps = max(3, int(np.ceil(distance_m / step_m + 0.2)))  # the first step is a fifth shorter
    start = float(rng.uniform(0.2, 1.0)) + habits[Trait.SLOW_START]
    first = 0 if rng.random() < 0.5 else 1
    swing = (1.0 - STANCE_SHARE) * 2.0 * step_s
    sides = np.array([SIDES[(first + k) % 2] for k in range(n_steps + 1)])
    uneven_s = 1.0 + 0.005 * habits[Trait.STEP_TIME_SIDE] * sides + rng.normal(0.0, STEP_TIME_CV, n_steps + 1)
    uneven_m = 1.0 + 0.005 * habits[Trait.STEP_LENGTH_SIDE] * sides + rng.normal(0.0, STEP_LENGTH_CV, n_steps + 1)
    strikes = (start + 1.15 * swing + np.cumsum([0.0, *(step_s * uneven_s[1:])])).tolist()
    positions = list(np.cumsum(step_m * np.array([0.8, *np.ones(n_steps - 1)]) * uneven_m[:-1]))
    positions.append(positions[-1])
    landed: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([(0.0, 0.0)], [(0.0, 0.0)])
    for k, (strike, z) in enumerate(zip(strikes, positions, strict=True)):
        landed[(first + k) % 2].append((strike, float(z)))
    settled = strikes[-1] + 0.6 * step_s
    duration = settled + float(rng.uniform(0.3, 1.2))
    feet = tuple(_stances(steps, swing, duration, 2.0 * step_m) for steps in landed)
    middles = [0.5 * (z + before) for z, before in zip(positions, [0.0, *positions[:-1]], strict=True)]
    toe_out = np.radians(rng.normal(8.0, 4.0, 2))
    return _Plan(
        feet=(feet[0], feet[1]),
        first_side=first,
        strikes_s=tuple(strikes),
        middles_m=tuple(map(float, middles)),
        start_s=start,
        settled_s=settled,
        duration_s=duration,
        step_m=step_m,
        step_s=step_s,
        half_base_m=float(np.clip(rng.normal(0.05, 0.015), 0.02, 0.09)),
        toe_out_rad=(float(toe_out[0]), float(toe_out[1])),
    )


def _stances(
    steps: list[tuple[float, float]], swing_s: float, duration_s: float, stride_m: float
) -> tuple[_Stance, ...]:
    """Turn one foot's footfalls into stances that end where the next swing begins."""
    stances = []
    for k, (strike, z) in enumerate(steps):
        last = k == len(steps) - 1
        end = duration_s + 10.0 if last else steps[k + 1][0] - swing_s
        came_m = 0.0 if k == 0 else z - steps[k - 1][1]
        strike_deg = HEEL_STRIKE_DEG * min(1.0, came_m / stride_m) ** 2  # short first and last steps land flatter
        leave_deg = 0.0 if last else TOE_OFF_DEG * (0.6 if k == 0 else 1.0)
        stances.append(_Stance(strike if k else -10.0, end, z, np.radians(strike_deg), np.radians(leave_deg)))
    return tuple(stances)


def _stance_pitch(stance: _Stance, t: FloatArray) -> FloatArray:
    """Pitch of a standing foot over time: heel first, flat, heel off."""
    length = min(stance.end_s - max(stance.start_s, stance.end_s - 1.4), 1.4)
    down = stance.strike_rad * (1.0 - min_jerk(t, stance.start_s - 0.04, stance.start_s + FLAT_FROM * min(length, 0.9)))
    lift_s = (1.0 - FLAT_TO) * min(length, 0.8)
    x = np.clip((t - (stance.end_s - lift_s)) / lift_s, 0.0, 1.0)
    return down + stance.leave_rad * x * x * (1.5 - 0.5 * x)


def _feet(body: Body, plan: _Plan, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ankles in the room, shape (n, 2, 3), and pitch of the feet, toes up, shape (n, 2)."""
    ankle, pitch = np.zeros((len(t), 2, 3)), np.zeros((len(t), 2))
    for side, stances in enumerate(plan.feet):
        feet = np.zeros((4, len(t)))
        for k, stance in enumerate(stances):
            stands = (t >= stance.start_s) & (t <= stance.end_s)
            feet[:, stands] = _standing_foot(body, stance, t[stands], plan.toe_out_rad[side])
            if k + 1 < len(stances):
                swings = (t > stance.end_s) & (t < stances[k + 1].start_s)
                both = (stance, stances[k + 1])
                feet[:, swings] = _swinging_foot(body, both, t[swings], plan.toe_out_rad[side])
        outward, ankle[:, side, 1], ankle[:, side, 2], pitch[:, side] = feet
        ankle[:, side, 0] = SIDES[side] * (plan.half_base_m + outward)
    return ankle, pitch


def _standing_foot(body: Body, stance: _Stance, t: FloatArray, toe_out_rad: float) -> FloatArray:
    """Ankle outwards, up and forwards, and pitch, of a foot that rolls over heel and toes; shape (4, n)."""
    angle = _stance_pitch(stance, t)
    shift, height = foot_ankle_m(body, toes_up_rad=angle)
    return np.stack([np.sin(toe_out_rad) * shift, height, stance.z_m + np.cos(toe_out_rad) * shift, angle])


def _swinging_foot(body: Body, stances: tuple[_Stance, _Stance], t: FloatArray, toe_out_rad: float) -> FloatArray:
    """Carry a foot from one stance to the next, continuing both stances' speeds, toes clear of the floor; (4, n)."""
    small = 1e-4
    ends = np.array([stances[0].end_s, stances[1].start_s])
    leaving = _standing_foot(body, stances[0], ends[0] + np.array([-small, 0.0]), toe_out_rad)
    landing = _standing_foot(body, stances[1], ends[1] + np.array([0.0, small]), toe_out_rad)
    speeds = np.stack([np.diff(leaving)[:, 0], np.diff(landing)[:, 0]]) / small
    curve = CubicHermiteSpline(ends, np.stack([leaving[:, 1], landing[:, 0]]), speeds)
    x = np.linspace(0.2, 0.8, 25)
    path = curve(ends[0] + x * (ends[1] - ends[0])).T
    _, on_floor = foot_ankle_m(body, toes_up_rad=path[3])
    lift = np.max((on_floor + TOE_CLEARANCE_M - path[1]) / _bump(x), initial=0.0)
    swing: FloatArray = curve(t).T
    swing[1] += lift * _bump((t - ends[0]) / (ends[1] - ends[0]))
    return swing


def _bump(x: FloatArray) -> FloatArray:
    """Rise from 0 to 1 in the middle and back to 0, at rest at both ends."""
    return 16.0 * x**2 * (1.0 - x) ** 2


def _progress(plan: _Plan) -> CubicSpline:
    """How far the hips have come: midway between the feet at every footfall, at rest at both ends."""
    times = [plan.start_s, *plan.strikes_s[:-1], plan.settled_s]
    places = [0.0, *plan.middles_m[:-1], plan.feet[0][-1].z_m]
    return CubicSpline(times, places, bc_type="clamped")


def _rhythm(plan: _Plan, t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Phase of the step, advancing pi a footfall from 0 at the first, and how far the walk is under way, 0 to 1."""
    n_around = int(np.ceil(max(plan.strikes_s[0] - t[0], t[-1] - plan.strikes_s[-1], 0.0) / plan.step_s)) + 2
    steps = np.arange(-n_around, len(plan.strikes_s) + n_around)
    around = plan.step_s * np.arange(1, n_around + 1)
    knots = np.concatenate([plan.strikes_s[0] - around[::-1], plan.strikes_s, plan.strikes_s[-1] + around])
    phase = np.pi * CubicSpline(knots, steps)(t)
    starts = min_jerk(t, plan.start_s, plan.strikes_s[0] + 0.2 * plan.step_s)
    ends = min_jerk(t, plan.strikes_s[-2], plan.settled_s)
    return phase, starts - ends


def _trunk(
    volunteer: Volunteer, base: Motion, plan: _Plan, phase: FloatArray, envelope: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pelvis angles (n, 3), side lean of the trunk (n,) and turn of the thorax against the pelvis (n,)."""
    habits, sign = volunteer.habits, SIDES[plan.first_side]
    half = {trait: np.radians(habits[trait]) / 2.0 * envelope for trait in Trait if trait.endswith("_range_deg")}
    pelvis = base.spine_rad[:, 0].copy()
    # The leg in front carries its side of the pelvis forward; the side that swings drops.
    pelvis_turn = -sign * half[Trait.PELVIC_TURN] * np.cos(phase)
    pelvis[:, 2] += pelvis_turn
    pelvis[:, 1] -= sign * half[Trait.PELVIC_DROP] * np.sin(phase)
    lean = np.radians(habits[Trait.TRUNK_LEAN]) + sign * half[Trait.GAIT_SWAY] * np.sin(phase)
    lag = np.radians(habits[Trait.THORAX_PHASE])
    thorax_turn = -sign * half[Trait.THORAX_TURN] * np.cos(phase - lag)
    own = base.spine_rad[:, 1:, 2].sum(axis=1)
    return pelvis, lean, own + thorax_turn - pelvis_turn


def _hip_height(
    body: Body,
    plan: _Plan,
    t: FloatArray,
    *,
    root: FloatArray,
    pelvis: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Let the hips ride as high as both legs allow, smoothed over a part of a step.

    The lowest cap in a window, averaged over the same window, never exceeds the cap itself.
    """
    window_s = 0.36 * plan.step_s
    fine = np.arange(t[0] - window_s, t[-1] + window_s, 1.0 / FINE_HZ)
    fine_root = np.stack([np.interp(fine, t, root[:, axis]) for axis in (0, 2)], axis=1)
    progress = _progress(plan)
    sway = root[:, 2] - progress(np.clip(t, plan.start_s, plan.settled_s))
    fine_root[:, 1] = np.interp(fine, t, sway) + progress(np.clip(fine, plan.start_s, plan.settled_s))
    fine_pelvis = np.stack([np.interp(fine, t, pelvis[:, axis]) for axis in range(3)], axis=1)
    ankle, _ = _feet(body, plan, fine)
    stretch = np.cos(np.radians(rng.uniform(7.0, 14.0)) / 2.0)
    cap = hip_height_m(body, root_xz_m=fine_root, pelvis_rad=fine_pelvis, ankle_m=ankle, stretch=stretch)
    width = max(3, round(window_s * FINE_HZ) | 1)
    smooth = uniform_filter1d(minimum_filter1d(cap, width, mode="nearest"), width, mode="nearest")
    return np.interp(t, fine, smooth)


def _arms(
    volunteer: Volunteer,
    base: Motion,
    spine: FloatArray,
    *,
    plan: _Plan,
    phase: FloatArray,
    envelope: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Swing each arm with the other side's leg, the elbow bending as the arm comes forward."""
    swing = np.radians(volunteer.habits[Trait.ARM_SWING]) / 2.0 * envelope
    shoulder, elbow = base.shoulder_rad.copy(), base.elbow_rad.copy()
    stoop = spine[:, :, 0].sum(axis=1) - base.spine_rad[:, :, 0].sum(axis=1)
    carried = rng.random() < 0.08  # something is held, or a hand is in a pocket
    still_side = int(rng.integers(2)) if carried else -1
    for side in (0, 1):
        uneven = 1.0 - SIDES[side] * 0.005 * volunteer.habits[Trait.ARM_SWING_SIDE] + float(rng.normal(0.0, 0.03))
        amount = swing * (0.2 if side == still_side else 1.0) * uneven
        wave = -SIDES[side] * SIDES[plan.first_side] * np.cos(phase - 0.15)
        shoulder[:, side, 0] += stoop - np.radians(3.0) * envelope + amount * wave
        elbow[:, side] += 0.5 * amount * (0.5 + 0.5 * wave) + np.radians(6.0) * envelope
    return shoulder, elbow
