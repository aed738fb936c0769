"""Plan the recordings on which measures are calibrated and judged. Knows nothing of how they are filmed.

Views are spread evenly over the bands from front to side, to either side, some from behind; light, clothes, distance
and everything else are drawn with the volunteer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from backsight.domain.recording import Exercise
from backsight.studio.filmed import Shot
from backsight.studio.spoiling import Spoil

VIEWS: tuple[tuple[str, float, float], ...] = (
    ("front", 0.0, 15.0),
    ("30 deg", 20.0, 40.0),
    ("60 deg", 50.0, 70.0),
    ("side", 75.0, 90.0),
)
"""Name, and from and to which true angle off the volunteer's front or back, in degrees."""
FROM_BEHIND_SHARE = 0.2
FAST_FPS, USUAL_FPS = 60.0, 30.0
_FAST_EVERY = {Exercise.TOUCH_TOES: 8, Exercise.WALK: 8, Exercise.JUMP: 2}
"""One recording in so many is filmed at 60 frames a second: the height of a jump depends on it most."""
MEASURING, SPOILING = 1, 2
"""Last parts of the spawn keys of the random numbers."""


def plan_measuring(subjects: Iterable[int], *, seed: int, views_each: int = 1) -> tuple[Shot, ...]:
    """Plan every exercise of every volunteer, each from `views_each` of the four views, which take turns.

    Within a view the rates of frames take turns, too, so that each rate meets each view.
    """
    return tuple(_measuring(subjects, seed=seed, views_each=views_each))


def _measuring(subjects: Iterable[int], *, seed: int, views_each: int) -> Iterator[Shot]:
    n_views = len(VIEWS)
    for subject in subjects:
        for place, exercise in enumerate(Exercise):
            rng = _rng(seed, subject, place, MEASURING)
            for turn in range(views_each):
                view = (subject + place + turn * max(1, n_views // views_each)) % n_views
                is_fast = (subject // n_views + place + turn) % _FAST_EVERY[exercise] == 0
                yield Shot(
                    subject_index=subject,
                    exercise=exercise,
                    seed=seed,
                    fps=FAST_FPS if is_fast else USUAL_FPS,
                    yaw_deg=_draw_yaw_deg(view, rng),
                )


def plan_spoilt(subjects: Iterable[int], *, seed: int) -> tuple[Shot, ...]:
    """Plan one spoilt recording of every kind for each volunteer, exercises and views taking turns."""
    exercises, shots = list(Exercise), []
    for subject in subjects:
        for kind, spoil in enumerate(Spoil):
            rng = _rng(seed, subject, kind, SPOILING)
            shots.append(
                Shot(
                    subject_index=subject,
                    exercise=exercises[(subject + kind) % len(exercises)],
                    seed=seed,
                    fps=USUAL_FPS,
                    yaw_deg=_draw_yaw_deg((subject + kind) % len(VIEWS), rng),
                    spoil=spoil,
                )
            )
    return tuple(shots)


def view_of(yaw_deg: float) -> str:
    """Return the view nearest to where a camera stands; `yaw_deg` as seen by the volunteer, 180 = behind."""
    off_front = off_front_deg(yaw_deg)
    return min(VIEWS, key=lambda view: max(view[1] - off_front, off_front - view[2]))[0]


def off_front_deg(yaw_deg: float) -> float:
    """Return the angle off the volunteer's front or back, whichever is nearer: 0 to 90."""
    off = abs((yaw_deg + 180.0) % 360.0 - 180.0)
    return min(off, 180.0 - off)


def _draw_yaw_deg(view: int, rng: np.random.Generator) -> float:
    _, low_deg, high_deg = VIEWS[view]
    yaw = float(rng.uniform(low_deg, high_deg))
    if rng.random() < FROM_BEHIND_SHARE:
        yaw = 180.0 - yaw
    # Rounded, since the angle is part of a recording's name and has to come back the same from a file.
    return round(yaw if rng.random() < 0.5 else -yaw, 1)


def _rng(seed: int, subject: int, place: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(subject, place, purpose)))
