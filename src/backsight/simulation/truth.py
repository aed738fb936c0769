"""Measure what a virtual volunteer really did, from the error-free figure and the plan. Knows no measuring code.

It shares names and signs with the measures of `backsight.scoring`, and no code: what judges them must not be built like
them. Times come from the plan of the movement and not from frames. "Line" is the line from mid-hip to mid-shoulder.
A lean, turn or deviation to the person's right is positive; an obliquity is positive when the right side is higher.
The simulation's own angles are positive to the left. A value that the clip does not hold is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from backsight.domain.assessment import MovementEvent
from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.simulation.jump import GRAVITY_MPS2
from backsight.simulation.performance import Performance
from backsight.simulation.skeleton import Figure, Footfall, Motion

EVENT_LABELS: Mapping[str, str] = {
    "bend_start": "Bend starts",
    "bend_bottom": "Deepest point",
    "bend_end": "Upright again",
    "left_heel_strike": "Left heel strike",
    "right_heel_strike": "Right heel strike",
    "take_off": "Take-off",
    "apex": "Highest point",
    "landing": "Landing",
}
LANDING_WINDOW_S = 0.5
"""The trunk's deepest flexion is looked for within this time of landing."""
ONSET_SHARE = 0.1
"""Hips and trunk have started when they have made this share of their way."""
SPEED_OVER_S = 0.15
"""A speed is the step over this time of places that are means over this time: the smoothness is of that."""
SPECTRUM_HZ = np.arange(0.0, 5.001, 0.01)
SPECTRUM_FROM = 0.05
"""The spectrum of a speed ends where it last reaches this share of its value at 0 Hz (Balasubramanian et al. 2015)."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Truth:
    """The movement as it really was."""

    values: Mapping[str, float]
    """Value by name of measure, the same names for every recording of an exercise; NaN = the clip does not hold it."""
    events: tuple[MovementEvent, ...]
    """In order of time, those within the clip."""
    angles: Mapping[str, FloatArray]
    """Degrees by name; each (n_frames,)."""


def measure_truth(performance: Performance) -> Truth:
    """Measure what really happened on the error-free body.

    Returns
    -------
    Truth
        With no values but the posture's where the movement is none of the three exercises.
    """
    figure, motion = performance.figure, performance.motion
    angles = _angles(figure)
    upright = _upright(motion)
    values = {
        name: _median(angles[name], upright)
        for name in ("lateral_lean_deg", "shoulder_obliquity_deg", "pelvic_obliquity_deg")
    }
    match performance.exercise:
        case Exercise.TOUCH_TOES:
            values |= _bend(figure, motion, angles)
        case Exercise.WALK:
            values |= _walk(motion, angles)
        case Exercise.JUMP:
            values |= _jump(figure, motion, angles)
        case None:
            pass
    end_s = float(motion.timestamps_s[-1])
    events = tuple(
        MovementEvent(name, EVENT_LABELS[name], time_s) for name, time_s in motion.moments if 0.0 <= time_s <= end_s
    )
    return Truth(values, tuple(sorted(events, key=lambda event: event.time_s)), angles)


def _angles(figure: Figure) -> dict[str, FloatArray]:
    """Degrees by name, in the room's axes: every volunteer faces +z and gravity is -y."""
    marks = figure.landmarks_m
    shoulders = marks[:, Landmark.RIGHT_SHOULDER] - marks[:, Landmark.LEFT_SHOULDER]
    hips = marks[:, Landmark.RIGHT_HIP] - marks[:, Landmark.LEFT_HIP]
    line = _between(marks, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    line = line - _between(marks, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    shoulder_turn, pelvis_turn = (np.unwrap(np.arctan2(side[:, 2], -side[:, 0])) for side in (shoulders, hips))
    angles = {
        "trunk_flexion_deg": np.unwrap(np.arctan2(line[:, 2], line[:, 1])),
        "lateral_lean_deg": np.arcsin(-line[:, 0] / np.linalg.norm(line, axis=1)),
        "axial_rotation_deg": pelvis_turn - shoulder_turn,
        "shoulder_turn_deg": -shoulder_turn,
        "pelvis_turn_deg": -pelvis_turn,
        "shoulder_obliquity_deg": np.arcsin(shoulders[:, 1] / np.linalg.norm(shoulders, axis=1)),
        "pelvic_obliquity_deg": np.arcsin(hips[:, 1] / np.linalg.norm(hips, axis=1)),
    }
    for side, name in enumerate(("left", "right")):
        arm = marks[:, Landmark.LEFT_WRIST + side] - marks[:, Landmark.LEFT_SHOULDER + side]
        angles[f"{name}_knee_flexion_deg"] = figure.knee_flexion_rad[:, side]
        angles[f"{name}_hip_flexion_deg"] = figure.hip_flexion_rad[:, side]
        angles[f"{name}_arm_swing_deg"] = np.unwrap(np.arctan2(arm[:, 2], -arm[:, 1]))
    return {name: np.degrees(angle) for name, angle in angles.items()}


def _upright(motion: Motion) -> Mask:
    """Frames in which the person neither bends nor jumps; arms do not move the shoulders of a virtual volunteer."""
    t = motion.timestamps_s
    upright = np.ones(len(t), dtype=np.bool_)
    for start_s, _, _, end_s in motion.bends:
        upright &= (t <= start_s) | (t >= end_s)
    if "take_off_s" in motion.events:
        upright &= (t <= motion.events["dip_s"]) | (t >= motion.events["upright_s"])
    return upright


def _bend(figure: Figure, motion: Motion, angles: Mapping[str, FloatArray]) -> dict[str, float]:
    """Values of a touch of the toes; times are those of the first bend, which is the deepest."""
    t, flexion = motion.timestamps_s, angles["trunk_flexion_deg"]
    upright = _upright(motion)
    start_s, bottom_s, leave_s, end_s = motion.bends[0]
    above_standing = flexion - _median(flexion, upright)
    deepest = int(np.argmax(above_standing))
    knees = 0.5 * (angles["left_knee_flexion_deg"] + angles["right_knee_flexion_deg"])
    fingers = np.minimum(figure.joints_m["left_fingertip"][:, 1], figure.joints_m["right_fingertip"][:, 1])
    feet_z = _between(figure.landmarks_m, Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE)[:, 2]
    backward = feet_z - _between(figure.landmarks_m, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)[:, 2]
    down = (t >= start_s) & (t <= bottom_s)
    return {
        "trunk_flexion_deg": float(above_standing[deepest]),
        "bend_down_s": bottom_s - start_s,
        "bend_up_s": end_s - leave_s,
        "bend_duration_s": bottom_s - start_s + end_s - leave_s,
        "lateral_deviation_deg": _median(angles["lateral_lean_deg"], above_standing > 0.5 * above_standing[deepest]),
        "fingertip_to_floor_cm": 100.0 * float(fingers.min()),
        "bend_knee_flexion_deg": float(knees[deepest]) - _median(knees, upright),
        "hip_delay_s": _onset_s(t[down], backward[down]) - _onset_s(t[down], flexion[down]),
        "bend_smoothness_sparc": 0.5
        * sum(_arc_length(t, _upper_body_speed(figure, t), span) for span in ((start_s, bottom_s), (leave_s, end_s))),
    }


def _upper_body_speed(figure: Figure, t: FloatArray) -> FloatArray:
    """Metres a second that the middle of ears and shoulders moves in the room, over `SPEED_OVER_S`."""
    ears, shoulders = (
        _between(figure.landmarks_m, *pair)
        for pair in ((Landmark.LEFT_EAR, Landmark.RIGHT_EAR), (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER))
    )
    if len(t) <= 2.0 * SPEED_OVER_S * _fps(t):
        return np.full(len(t), np.nan)  # shorter than the window
    velocity = np.gradient(0.5 * (ears + shoulders), t, axis=0)
    # A mean over a window of the step over a window: weights that fall off evenly to both sides.
    away = np.arange(-int(SPEED_OVER_S * _fps(t)), int(SPEED_OVER_S * _fps(t)) + 1) / _fps(t)
    weights = 1.0 - np.abs(away) / SPEED_OVER_S
    smoothed = [np.convolve(one, weights / weights.sum(), mode="same") for one in velocity.T]
    return np.asarray(np.linalg.norm(smoothed, axis=0))


def _fps(t: FloatArray) -> float:
    return (len(t) - 1) / float(t[-1] - t[0]) if len(t) > 1 else 1.0


def _arc_length(t: FloatArray, speed: FloatArray, span: tuple[float, float]) -> float:
    """Minus the length of the line that a speed's spectrum draws, by the integral of Fourier; NaN = not in the clip."""
    within = (t >= span[0]) & (t <= span[1])
    if span[0] < t[0] or span[1] > t[-1] or not np.nansum(speed[within]) > 0.0:
        return float("nan")
    turns = np.exp(-2j * np.pi * np.outer(SPECTRUM_HZ, t[within]))
    strength = np.abs(np.trapezoid(turns * speed[within], t[within], axis=1))
    strength = strength / strength[0]
    upto = int(np.flatnonzero(strength >= SPECTRUM_FROM)[-1]) + 1
    share = SPECTRUM_HZ[:upto] / SPECTRUM_HZ[upto - 1]
    return -float(np.hypot(np.diff(share), np.diff(strength[:upto])).sum())


def _onset_s(t: FloatArray, signal: FloatArray) -> float:
    """When a signal has made a tenth of its way from its first value to its greatest, between frames; NaN = never."""
    way = signal - signal[0]
    level = ONSET_SHARE * float(way.max())
    below = np.flatnonzero(way[: int(way.argmax()) + 1] < level)
    if not level > 0.0 or len(below) == 0:
        return float("nan")
    last = int(below[-1])
    share = (level - way[last]) / (way[last + 1] - way[last])
    return float(t[last] + share * (t[last + 1] - t[last]))


def _walk(motion: Motion, angles: Mapping[str, FloatArray]) -> dict[str, float]:
    """Values of a walk, from the steady steps within the clip."""
    end_s = float(motion.timestamps_s[-1])
    falls = motion.footfalls
    steps = [
        (before, fall)
        for before, fall in pairwise(falls)
        if fall.is_steady and before.time_s >= 0.0 and fall.time_s <= end_s
    ]
    times = np.array([fall.time_s - before.time_s for before, fall in steps])
    lengths = np.array([fall.way_m - before.way_m for before, fall in steps])
    is_right = np.array([fall.side == 1 for _, fall in steps], dtype=np.bool_)
    step_s, step_m = _mean(times), _mean(lengths)
    cycle = _Cycle.of(motion, steps)
    shoulder, pelvis = cycle.component(angles["shoulder_turn_deg"]), cycle.component(angles["pelvis_turn_deg"])
    apart = float(np.degrees(np.angle(shoulder / pelvis))) if pelvis else float("nan")
    arms = [2.0 * abs(cycle.component(angles[f"{side}_arm_swing_deg"])) for side in ("left", "right")]
    return {
        "gait_speed_m_per_s": _speed(motion, steps),
        "cadence_per_min": 60.0 / step_s,
        "step_time_s": step_s,
        "step_length_cm": 100.0 * step_m,
        "step_time_asymmetry_percent": _symmetry_index(_mean(times[~is_right]), _mean(times[is_right])),
        "step_length_asymmetry_percent": _symmetry_index(_mean(lengths[~is_right]), _mean(lengths[is_right])),
        "lateral_lean_range_deg": 2.0 * abs(cycle.component(angles["lateral_lean_deg"])),
        "shoulder_obliquity_range_deg": 2.0 * abs(cycle.component(angles["shoulder_obliquity_deg"])),
        "pelvic_obliquity_range_deg": 2.0 * abs(cycle.component(angles["pelvic_obliquity_deg"])),
        "axial_rotation_range_deg": 2.0 * abs(cycle.component(angles["axial_rotation_deg"])),
        "thorax_pelvis_phase_deg": abs(apart),
        "arm_swing_asymmetry_percent": _symmetry_index(arms[0], arms[1]),
    }


def _speed(motion: Motion, steps: list[tuple[Footfall, Footfall]]) -> float:
    """Speed of the hips from the end of the first to the end of the last steady step, when they are under way."""
    if len(steps) < 2:
        return float("nan")
    from_s, to_s = steps[0][1].time_s, steps[-1][1].time_s
    way = np.interp([from_s, to_s], motion.timestamps_s, motion.root_m[:, 2])
    return float(way[1] - way[0]) / (to_s - from_s)


@dataclass(frozen=True, eq=False)
class _Cycle:
    """The part of a walk that consists of steady steps, in the phase of the stride."""

    frames: Mask
    phase_rad: FloatArray
    """Of `frames`; pi a step."""

    @classmethod
    def of(cls, motion: Motion, steps: list[tuple[Footfall, Footfall]]) -> _Cycle:
        """Take the frames from the first to the last footfall of the steady steps; none for less than a stride."""
        t = motion.timestamps_s
        frames = np.zeros(len(t), dtype=np.bool_)
        if len(steps) >= 2:
            # Whole strides only, so that the steps of both feet weigh alike.
            last = steps[2 * (len(steps) // 2) - 1][1]
            frames = (t >= steps[0][0].time_s) & (t <= last.time_s)
        phase = motion.stride_phase_rad if motion.stride_phase_rad is not None else np.zeros(len(t))
        return cls(frames, phase[frames])

    def component(self, signal: FloatArray) -> complex:
        """Return the part of a signal in step with the stride; its absolute value is half its range, NaN = unknown."""
        if not self.frames.any():
            return complex(float("nan"))
        waves = np.stack([np.cos(self.phase_rad), np.sin(self.phase_rad), np.ones_like(self.phase_rad)], axis=1)
        (cosine, sine, _), *_ = np.linalg.lstsq(waves, signal[self.frames])
        return complex(cosine, -sine)


def _jump(figure: Figure, motion: Motion, angles: Mapping[str, FloatArray]) -> dict[str, float]:
    """Values of a jump."""
    t, plan = motion.timestamps_s, motion.events
    hips = _between(figure.landmarks_m, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)[:, 1]
    flexion = angles["trunk_flexion_deg"]
    standing = t <= plan["dip_s"]
    take_off_s, landing_s, flight_s = plan["take_off_s"], plan["touch_down_s"], plan["flight_s"]
    flying = (t >= take_off_s) & (t <= landing_s)
    # In flight the hips follow a known parabola, so that any frame of it tells the height of its top.
    from_top_s = t[flying] - 0.5 * (take_off_s + landing_s)
    apex_m = float(np.mean(hips[flying] + 0.5 * GRAVITY_MPS2 * from_top_s**2))
    stood_m = _median(hips, standing)
    landed = (t >= landing_s) & (t <= landing_s + LANDING_WINDOW_S)
    return {
        "jump_flight_height_cm": 100.0 * GRAVITY_MPS2 * flight_s**2 / 8.0,
        "jump_hip_rise_cm": 100.0 * (apex_m - stood_m),
        "countermovement_depth_cm": 100.0 * (stood_m - float(hips[t <= take_off_s].min())),
        "take_off_asymmetry_ms": plan["take_off_asymmetry_ms"],
        "landing_asymmetry_ms": plan["landing_asymmetry_ms"],
        "landing_trunk_flexion_deg": float(flexion[landed].max()) - _median(flexion, standing),
    }


def _symmetry_index(left: float, right: float) -> float:
    """Herzog 1989: difference of right and left in percent of their mean."""
    return 100.0 * (right - left) / (0.5 * (right + left))


def _between(marks: FloatArray, one: Landmark, other: Landmark) -> FloatArray:
    middle: FloatArray = 0.5 * (marks[:, one] + marks[:, other])
    return middle


def _median(values: FloatArray, where: Mask) -> float:
    return float(np.median(values[where])) if where.any() else float("nan")


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
