"""What is seen of a walk: the way, the steps, and which foot is which. Knows nothing of measures or norms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backsight.domain.landmarks import Landmark
from backsight.domain.validation import FloatArray
from backsight.kinematics.gait import (
    FOCAL_LENGTH_SHARE,
    LEAVING_LAG_STEPS,
    NEARING_LAG_STEPS,
    SHORTEST_WALK_BH,
    SIDEWAYS_LAG_STEPS,
    HeelStrike,
    Rhythm,
    Way,
    find_heel_strikes,
    find_path_m,
    find_rhythm,
    find_way,
    foot_parting_m,
)
from backsight.kinematics.geometry import known_share, median_of_known
from backsight.kinematics.signals import range_of_known
from backsight.kinematics.view import mid_hip_in_metres
from backsight.scoring.person import Person

NO_WALK = "Cannot be measured: no walk was seen."
HIDDEN_FEET = "Cannot be measured: the feet are hidden on most of the way."
_FEET_SEEN = 0.5
"""Feet are needed in this share of the way's frames: some whole steps, not all of them."""
_LEAST_STEP_BH = 0.15
"""Feet that do not part across the picture by this share of the body height, to and fro, have not walked across it."""
_LEAST_LIFT_BH = 0.06
"""Feet that do not change their heights by this, to and fro, have not walked towards the camera or away from it."""
_LEVEL_WITHIN_BH = 0.2
"""Hips that rise or fall by more than this while crossing the picture have not walked on level ground."""
_LEAST_APPROACH = 0.25
"""Natural logarithm of the change in apparent size that counts as walking towards or away from the camera."""


@dataclass(frozen=True, eq=False)
class Walk:
    """A walk in one direction."""

    way: Way
    """In BlazePose's metres."""
    strikes: tuple[HeelStrike, ...]
    """On the way, in order of time; left and right are the person's, also where BlazePose exchanged them."""
    rhythm: Rhythm | None
    """None where fewer than two strikes in a row were seen."""
    is_exchanged: bool
    """True where BlazePose saw the person walk backwards: people walk forwards, so it took left for right."""


def observe_walk(person: Person) -> Walk | str:
    """Return the longest walk in one direction, or why there is none, as a sentence.

    The feet are judged by their parting across the picture or by their heights in it, whichever changes more.
    """
    way = find_way(_path_m(person), person.times_s, height_m=person.body.height_m)
    if way is None or not _moves(person):
        return NO_WALK
    parting_m = foot_parting_m(person.pose, person.body)
    if known_share(parting_m[:, 0], way.frames) < _FEET_SEEN:
        return HIDDEN_FEET
    parting_m[~way.frames] = np.nan
    across_m, lift_m = range_of_known(parting_m[:, 0]), range_of_known(parting_m[:, 1])
    if across_m < _LEAST_STEP_BH * person.body.height_m and lift_m < _LEAST_LIFT_BH * person.body.height_m:
        return NO_WALK
    if across_m >= lift_m:
        signal, lag_steps = parting_m[:, 0] * np.sign(way.direction[0]), SIDEWAYS_LAG_STEPS
    else:
        signal, lag_steps = parting_m[:, 1], NEARING_LAG_STEPS if way.direction[1] < 0.0 else LEAVING_LAG_STEPS
    strikes = find_heel_strikes(signal, person.times_s, height_m=person.body.height_m, lag_steps=lag_steps)
    is_exchanged = _walks_backwards(person, way)
    if is_exchanged:
        strikes = tuple(replace(strike, is_left=not strike.is_left) for strike in strikes)
    return Walk(way=way, strikes=strikes, rhythm=find_rhythm(strikes), is_exchanged=is_exchanged)


def _moves(person: Person) -> bool:
    """Return True when the person gets on, across the picture or towards or away from the camera."""
    sideways_bh, upwards_bh = (mid_hip_in_metres(person.pose, body=person.body) / person.body.height_m).T
    across = range_of_known(sideways_bh) >= SHORTEST_WALK_BH and range_of_known(upwards_bh) <= _LEVEL_WITHIN_BH
    approaches = range_of_known(np.log(person.body.apparent_px_per_m)) >= _LEAST_APPROACH
    return bool(across or approaches)


def _path_m(person: Person) -> FloatArray:
    """Return where the hips are on the floor, in BlazePose's metres; shape (n_frames, 2)."""
    width_px, height_px = person.pose.frame_size
    hips_px = person.pose.image_px[:, [Landmark.LEFT_HIP, Landmark.RIGHT_HIP], 0].mean(axis=1)
    return find_path_m(
        hips_px - 0.5 * width_px,
        person.body.apparent_px_per_m,
        person.times_s,
        focal_px=FOCAL_LENGTH_SHARE * max(width_px, height_px),
    )


def _walks_backwards(person: Person, way: Way) -> bool:
    facing = person.frame.forward[way.frames][:, [0, 2]] @ way.direction
    return median_of_known(facing) < 0.0
