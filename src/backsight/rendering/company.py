"""Other people in the shot: who they are, what they do and where. Knows nothing of drawing."""

from __future__ import annotations

import numpy as np

from backsight.domain.recording import Exercise
from backsight.domain.validation import FloatArray
from backsight.rendering.cast import Person
from backsight.rendering.floor_plan import FloorPlan
from backsight.rendering.looks import sample_looks
from backsight.rendering.setting import Company, Setting
from backsight.rendering.shape import build_body
from backsight.simulation.cohort import simulate_volunteer
from backsight.simulation.motion import perform
from backsight.simulation.skeleton import about_y, pose_body

_ELBOW_ROOM_M = 0.55
"""Between two people's outermost points."""
_FROM_WALL_M = 0.35
_SWAY_M = 0.012
_SWAY_HZ = 0.23


def invite(setting: Setting, plan: FloorPlan, *, exercise: Exercise | None, timestamps_s: FloatArray) -> Person:
    """Bring somebody else into the shot.

    Parameters
    ----------
    exercise
        What the filmed person does; company beside them does the same, in their own way, or bends
        where that is no exercise.
    timestamps_s
        The film's; shape (n_frames,).
    """
    rng = np.random.default_rng([setting.seed, 2])
    volunteer = simulate_volunteer(0, seed=int(rng.integers(2**31)))
    looks = sample_looks(rng, volunteer.body)
    what = {
        Company.STANDING: Exercise.TOUCH_TOES,
        Company.PASSING: Exercise.WALK,
        Company.BESIDE: exercise or Exercise.TOUCH_TOES,
    }
    kind = setting.company or Company.STANDING
    fps = (len(timestamps_s) - 1) / float(timestamps_s[-1] - timestamps_s[0])
    figure = pose_body(volunteer.body, perform(volunteer, what[kind], rng=rng, fps=fps))
    side = -1.0 if rng.random() < 0.5 else 1.0
    n_own, n_film = len(figure.landmarks_m), len(timestamps_s)
    path = figure.landmarks_m.mean(axis=1)
    if kind is Company.STANDING:
        frames = np.zeros(n_film, dtype=np.int64)
        spot = _behind(plan, side, rng)
        facing = plan.place(plan.camera_m) - plan.place(spot)
        yaw = float(np.arctan2(facing[0], facing[2]) + rng.normal(0.0, 0.5))
    elif kind is Company.PASSING:
        late = int(rng.integers(max(1, n_film // 3)))
        frames = np.clip(np.arange(n_film) - late, 0, n_own - 1)
        facing = side * plan.axes[0]
        yaw = float(np.arctan2(facing[0], facing[2]) + np.clip(rng.normal(0.0, 0.04), -0.08, 0.08))
        spot = _behind(plan, 0.0, rng)
    else:
        frames = np.minimum(np.arange(n_film), n_own - 1)
        # Turned as the filmed person is.
        yaw = 0.0
        spot = _beside(plan, side)
    turn = about_y(np.array([yaw]))[0]
    # The middle of the way lies on the spot.
    middle = (path.min(axis=0) + path.max(axis=0)) / 2.0 * np.array([1.0, 0.0, 1.0])
    offset = np.tile(plan.place(spot) - turn @ middle, (n_film, 1))
    if kind is Company.STANDING:
        sway = _SWAY_M * np.sin(2.0 * np.pi * _SWAY_HZ * timestamps_s + rng.uniform(0.0, 6.0))
        offset += sway[:, None] * plan.axes[0]
    return Person(build_body(volunteer.body, looks), figure, turn=turn, offset_m=offset, figure_frames=frames)


def _behind(plan: FloorPlan, side: float, rng: np.random.Generator) -> FloatArray:
    """Return a spot between the person and the wall behind, in the plan's axes."""
    nearest, furthest = float(plan.person_high_m[2]) + 0.45, plan.back_m - _FROM_WALL_M
    away = float(rng.uniform(nearest, max(nearest, furthest)))
    outer = plan.person_low_m[0] if side < 0.0 else plan.person_high_m[0]
    across = side * float(rng.uniform(0.3, 0.9)) + float(outer) * abs(side)
    return np.array([float(np.clip(across, plan.left_m + _FROM_WALL_M, plan.right_m - _FROM_WALL_M)), 0.0, away])


def _beside(plan: FloorPlan, side: float) -> FloatArray:
    outer = plan.person_low_m[0] if side < 0.0 else plan.person_high_m[0]
    reach = _ELBOW_ROOM_M + 0.5 * float(plan.person_high_m[0] - plan.person_low_m[0])
    return np.array([float(outer) + side * reach, 0.0, 0.0])
