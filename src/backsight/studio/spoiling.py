"""Spoil a recording on purpose, to find out whether the quality gate notices. Knows nothing of the gate."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.recording import Exercise
from backsight.simulation.camera import Camera
from backsight.simulation.performance import Performance

if TYPE_CHECKING:
    from backsight.rendering.setting import Setting

TOO_FAR_HEIGHT_PX = (45.0, 110.0)
"""BlazePose's landmarks are worth little below 150 pixels of standing height, see the quality gate."""
CUT_OFF_SHARE = (0.12, 0.35)
"""Share of the standing height that lies below the picture: shins at least, thighs at most."""
DARK_STOPS = (3.5, 5.0)
DARK_NOISE = 3.0
SHAKE_DEG = (2.0, 4.0)
"""Root mean square turn; a steady hand stays within half a degree."""
SLOW_FPS = 10.0


class Spoil(StrEnum):
    """What goes wrong in a recording."""

    DARK = "dark"
    CUT_OFF = "cut-off"
    """The feet are out of the picture."""
    TOO_FAR = "too-far"
    TWO_PEOPLE = "two-people"
    """Somebody does the exercise along, at arm's length."""
    SHAKY = "shaky"
    WRONG_EXERCISE = "wrong-exercise"
    SLOW = "10-fps"


def performed_instead(exercise: Exercise, spoil: Spoil | None) -> Exercise:
    """Return what the volunteer does when told to do `exercise`: the next one where the exercise is to be wrong."""
    if spoil is not Spoil.WRONG_EXERCISE:
        return exercise
    exercises = list(Exercise)
    return exercises[(exercises.index(exercise) + 1) % len(exercises)]


def spoil_camera(performance: Performance, spoil: Spoil | None, *, rng: np.random.Generator) -> Performance:
    """Aim and zoom the camera wrongly, where that is what is to be wrong."""
    if spoil is Spoil.TOO_FAR:
        camera = _zoomed_out(performance.camera, performance, rng)
    elif spoil is Spoil.CUT_OFF:
        camera = _feet_cut_off(performance.camera, performance, rng)
    else:
        return performance
    return replace(performance, camera=camera)


def spoil_setting(setting: Setting, spoil: Spoil | None, *, rng: np.random.Generator) -> Setting:
    """Spoil light, company or the hand that holds the camera, where that is what is to be wrong."""
    from backsight.rendering.setting import Company, dim

    match spoil:
        case Spoil.DARK:
            return dim(setting, stops=float(rng.uniform(*DARK_STOPS)), noise=DARK_NOISE)
        case Spoil.TWO_PEOPLE:
            return replace(setting, company=Company.BESIDE)
        case Spoil.SHAKY:
            return replace(setting, shake_deg=float(rng.uniform(*SHAKE_DEG)))
        case _:
            return setting


def _standing_px(camera: Camera, performance: Performance) -> tuple[float, float]:
    """Return the heights of head and feet in the first picture, from its top."""
    seen_px = camera.project(performance.figure.landmarks_m[0])
    return float(seen_px[Landmark.NOSE, 1]), float(seen_px[[Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL], 1].max())


def _zoomed_out(camera: Camera, performance: Performance, rng: np.random.Generator) -> Camera:
    head_px, feet_px = _standing_px(camera, performance)
    share = float(rng.uniform(*TOO_FAR_HEIGHT_PX)) / (feet_px - head_px)
    return replace(camera, focal_px=camera.focal_px * min(1.0, share))


def _feet_cut_off(camera: Camera, performance: Performance, rng: np.random.Generator) -> Camera:
    """Turn the camera up until the feet leave the picture."""
    head_px, feet_px = _standing_px(camera, performance)
    edge_px = feet_px - float(rng.uniform(*CUT_OFF_SHARE)) * (feet_px - head_px)
    middle_px = camera.frame_size[1] / 2.0
    # The ray that shall meet the lower edge, and the ray that meets it now, both as angles below the line of sight.
    turn_rad = np.arctan((edge_px - middle_px) / camera.focal_px) - np.arctan(middle_px / camera.focal_px)
    right, down, away = camera.axes
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    return replace(camera, axes=np.stack([right, cos * down - sin * away, cos * away + sin * down]))
