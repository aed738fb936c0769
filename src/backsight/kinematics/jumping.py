"""When the feet leave the floor and land again, and how high the body rises. Knows nothing of norms or scores.

Nobody pushes off the air: between take-off and landing the body rises and falls as gravity lets it, before and after
the feet stand on the floor. That curve is fitted to the toes, the last part to leave and the first to land, and held to
the rise of the trunk, whose landmarks are steadier, so that take-off and landing come out between frames. How long the
body is in the air, shoulders and head say as well (`air_time`), and the mean of them is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backsight.domain.validation import FloatArray
from backsight.kinematics.air_time import agreed_air_time_s, time_up_s
from backsight.kinematics.geometry import known, known_share, median_of_known
from backsight.kinematics.signals import frames_in, rate_of_change, smooth

GRAVITY_M_PER_S2 = 9.81
SMALLEST_RISE_M = 0.10
"""Hips that rise less than this above standing have not jumped: walking lifts them by 6 cm, rising onto the toes by
about 10 even before the feet leave the floor."""
SMALLEST_CLEARANCE_M = 0.04
"""Feet that rise less than this have not left the floor, as far as landmarks can tell."""
SHORTEST_FLIGHT_S, LONGEST_FLIGHT_S = 0.10, 1.0
"""Flights looked for. Nobody stays in the air for 1 s, a jump of 1.2 m; 0.1 s is one of 1.2 cm."""
JUMP_REACH_S = 0.6
"""Push, flight and catching the weight lie within this time of the highest point."""
CROUCH_WITHIN_S = 1.5
"""The countermovement begins at most this long before take-off."""
CROUCH_SEEN = 0.8
"""The hips are seen in at least this share of that time, or the lowest point may have been missed."""
STILL_BELOW_M_PER_S = 0.15
"""Hips slower than this are still; crouching and standing up again reach several times this."""
STANDING_WITHIN_M = 0.05
"""Standing hips are within this of the level that they are usually still at."""
SHORTEST_STANDING_S, SHORTEST_REST_S = 0.2, 0.1
"""Less standing of the hips or rest of the feet than this gives no level to measure a jump from."""
REST_BEYOND_S = 0.4
"""Feet at rest this long before or after the jump's highest point are on the floor: a longer flight is 80 cm high."""
LEVEL_FLOOR_WITHIN_M = 0.15
"""The floor before and after a jump on level ground agrees to within this in the picture, where it lies lower the
nearer one lands to the camera."""
TOE_READING_ERROR_M = 0.10
"""Weight of one toe reading, as a standard deviation. Toes err by 2 to 3 cm, but the same way through a whole flight,
so that its twenty readings count as one of that error."""
SCALE_ERROR_SHARE = 0.05
"""How far metres may be wrong, one standard deviation: how well gravity is known beforehand in such metres."""
LIFT_SHARE, LIFT_ERROR_M = 0.052, 0.025
"""How far the trunk has risen above standing when the toes leave the floor, because legs and ankles are stretched: as a
share of standing height, 9 cm for a person of 1.75 m, and how much people and landmarks differ in it, one standard
deviation. An assumption; 0.047 (hips) to 0.053 (shoulders) on virtual volunteers."""
HUBER_LIMIT_M = 0.06
"""Readings further off the curve than this count less."""
HIGHER_THAN_TRUNK_M = 0.15
"""Toes that rise this much more than the trunk are no toes: feet taken for each other, or for something else."""
WORST_MISFIT_M, WORST_MISFIT_SHARE = 0.05, 0.15
"""Toes that stray from their curve by more than this and by more than this share of its height, in the mean, have
not been in free fall. Stepping onto a box of 40 cm and off again strays by 7 cm, 0.16 of it; of 295 simulated jumps the
worst strayed by 5 cm, nine in ten by less than 2.5."""
FEWEST_READINGS = 4
"""Toe readings in flight that a curve with three unknowns needs at least."""
_CENTRE_WITHIN_S = 0.12
"""The middle of the flight lies within this of the hips' highest point."""
_OWN_TIME_WITHIN_S = 0.10
"""One foot leaves and lands within this of the two together."""
_TOP_S = 0.1
"""The trunk's highest point is read off this much before and after."""
_SMOOTHING_S = 0.1
"""Hips are averaged over this time to find their turns."""
_COARSE_S, _FINE_S = 0.010, 0.001
"""Steps of the search for the curve."""


@dataclass(frozen=True)
class Flight:
    """Free fall of the toes between take-off and landing."""

    middle_s: float
    """Time of the highest point."""
    duration_s: float
    rise_m: float
    """Height of the curve at its middle, in the metres of the heights that it was fitted to."""
    misfit_m: float
    """What the toes stray from the curve in flight, mean."""

    @property
    def take_off_s(self) -> float:
        """When the curve leaves the floor."""
        return self.middle_s - 0.5 * self.duration_s

    @property
    def landing_s(self) -> float:
        """When it is back."""
        return self.middle_s + 0.5 * self.duration_s


@dataclass(frozen=True, eq=False)
class Jump:
    """The highest jump of a recording; times in the recording's seconds, lengths in the heights' metres."""

    flight: Flight
    """Of both feet together."""
    air_time_s: float
    """Mean of the times that feet, shoulders and head are up, of those that agree: what the height rests on."""
    feet: tuple[Flight | None, Flight | None]
    """Of the left and the right foot alone; None where that foot is not seen well enough."""
    trunk_rise_m: float
    """Trunk at its highest above standing, with the lift before take-off in it: mean of mid-hip and mid-shoulder, which
    an upright trunk carries alike; NaN = not seen standing."""
    crouch_m: float
    """Mid-hip standing minus its lowest before take-off; NaN = not seen standing or in the crouch."""
    standing: NDArray[np.bool_]
    """Frames that count as standing; shape (n_frames,)."""


@dataclass(frozen=True)
class NoJump:
    """No jump that can be measured."""

    reason: str
    """Why, in one clause."""


def find_jump(
    hip_height_m: FloatArray,
    shoulder_height_m: FloatArray,
    toe_height_m: FloatArray,
    timestamps_s: FloatArray,
    *,
    body_height_m: float,
    head_height_m: FloatArray | None = None,
) -> Jump | NoJump:
    """Find the highest jump, or say why there is none to measure.

    Parameters
    ----------
    hip_height_m, shoulder_height_m
        Height of mid-hip and mid-shoulder, up positive, each from a level of its own; shape (n_frames,); NaN = missing.
    toe_height_m
        Height of the left and the right toes, likewise; shape (n_frames, 2). Readings that were interpolated are better
        left out: a flight is no straight line.
    timestamps_s
        Shape (n_frames,).
    body_height_m
        Standing height in the same metres; NaN = unknown: the feet alone then tell the time in the air.
    head_height_m
        Height of the head, like that of hips and shoulders; None = not seen.
    """
    hip = smooth(hip_height_m, timestamps_s, window_s=_SMOOTHING_S)
    if not np.isfinite(hip).any():
        return NoJump("the hips are not seen")
    apex_s = float(timestamps_s[int(np.nanargmax(hip))])
    clearance = _find_clearance(toe_height_m, timestamps_s, apex_s=apex_s)
    if isinstance(clearance, NoJump):
        return clearance
    standing = _standing(hip, timestamps_s, apex_s=apex_s)
    rise_m = _trunk_rise_m(hip_height_m, shoulder_height_m, timestamps_s, standing, apex_s=apex_s)
    if rise_m < SMALLEST_RISE_M:
        return NoJump("the hips do not rise with the feet")
    clearance[clearance > rise_m + HIGHER_THAN_TRUNK_M] = np.nan
    expected_m = rise_m - LIFT_SHARE * body_height_m
    flight = _find_flight(clearance, timestamps_s, apex_s=apex_s, expected_m=expected_m)
    if isinstance(flight, NoJump):
        return flight
    left, right = (_one_foot(feet, timestamps_s, together=flight) for feet in clearance.T)
    carried = (shoulder_height_m,) if head_height_m is None else (shoulder_height_m, head_height_m)
    lift_m, middle_s = LIFT_SHARE * body_height_m, flight.middle_s
    up_s = [
        time_up_s(height, timestamps_s, standing, middle_s=middle_s, reach_s=JUMP_REACH_S, lift_m=lift_m)
        for height in carried
    ]
    return Jump(
        flight=flight,
        air_time_s=agreed_air_time_s(flight.duration_s, up_s),
        feet=(left, right),
        trunk_rise_m=rise_m,
        crouch_m=median_of_known(hip[standing]) - _lowest_m(hip, timestamps_s, flight),
        standing=standing,
    )


def height_from_flight_m(flight_s: float) -> float:
    """Return the height of a jump that lasts `flight_s` in the air: h = g t^2 / 8."""
    return GRAVITY_M_PER_S2 * flight_s**2 / 8.0


def fit_flight(
    clearance_m: FloatArray,
    timestamps_s: FloatArray,
    *,
    near_s: float,
    expected_m: float = float("nan"),
    durations_s: tuple[float, float] = (SHORTEST_FLIGHT_S, LONGEST_FLIGHT_S),
    middle_within_s: float = _CENTRE_WITHIN_S,
) -> Flight | None:
    """Fit the curve of toes that stand, fly and stand again; None where they are not seen well enough.

    Height is `pull` times (T / 2)^2 - (t - middle)^2 in flight and 0 outside. T and the middle are searched, first
    coarsely and then finely; `pull`, which is g / 2 in true metres, follows for each pair in closed form, by least
    squares over the toe readings, the expected height of the curve (`LIFT_ERROR_M`) and g / 2 itself
    (`SCALE_ERROR_SHARE`). Readings far off count less (Huber).

    Parameters
    ----------
    clearance_m
        Height of each toe above its own standing level; shape (n_frames, n_toes); NaN = missing.
    timestamps_s
        Shape (n_frames,).
    near_s
        About when the middle of the flight is; the fit uses what lies within `JUMP_REACH_S` of it.
    expected_m
        Height of the curve as the trunk shows it; NaN = unknown.
    durations_s
        Shortest and longest flight to look for.
    middle_within_s
        How far from `near_s` the middle may be.
    """
    near = np.abs(timestamps_s - near_s) <= JUMP_REACH_S
    seen = np.isfinite(clearance_m[near])
    toes = _Toes(timestamps_s[near], np.where(seen, clearance_m[near], 0.0), seen, expected_m)
    shortest, longest = durations_s
    curve = _search(
        toes,
        durations=np.arange(shortest, longest + 0.5 * _COARSE_S, _COARSE_S),
        middles=near_s + np.arange(-middle_within_s, middle_within_s + 0.5 * _COARSE_S, _COARSE_S),
    )
    flying = seen & (np.abs(toes.times_s - curve.middle_s) < 0.5 * curve.duration_s)[:, np.newaxis]
    if not shortest < curve.duration_s < longest or flying.sum() < FEWEST_READINGS:
        return None
    return Flight(
        middle_s=curve.middle_s,
        duration_s=curve.duration_s,
        rise_m=0.25 * curve.pull * curve.duration_s**2,
        misfit_m=float(np.mean(np.abs(toes.stray(curve)[flying]))),
    )


def _find_flight(
    clearance_m: FloatArray, timestamps_s: FloatArray, *, apex_s: float, expected_m: float
) -> Flight | NoJump:
    """Fit the flight of both feet and refuse what is none."""
    near = np.abs(timestamps_s - apex_s) <= JUMP_REACH_S
    highest_m = np.max(known(clearance_m[near]), initial=0.0)
    flight = fit_flight(clearance_m, timestamps_s, near_s=apex_s, expected_m=expected_m)
    if highest_m < SMALLEST_CLEARANCE_M or (flight is not None and flight.rise_m < SMALLEST_CLEARANCE_M):
        return NoJump("the feet are not seen to leave the floor")
    if flight is None:
        return NoJump("take-off and landing of the feet are not both seen")
    if flight.misfit_m > max(WORST_MISFIT_M, WORST_MISFIT_SHARE * flight.rise_m):
        return NoJump("the feet do not rise and fall as in a jump")
    return flight


@dataclass(frozen=True)
class _Curve:
    duration_s: float
    middle_s: float
    pull: float


@dataclass(frozen=True, eq=False)
class _Toes:
    """What a curve is fitted to."""

    times_s: FloatArray
    """Shape (n_near,)."""
    heights_m: FloatArray
    """Above the floor; shape (n_near, n_toes); 0 where missing."""
    seen: NDArray[np.bool_]
    """Shape (n_near, n_toes)."""
    expected_m: float

    def stray(self, curve: _Curve) -> FloatArray:
        """Return how far the readings are above the curve; shape (n_near, n_toes)."""
        fall = _fall(np.array([curve.duration_s]), np.array([curve.middle_s]), self.times_s)[0, 0]
        above: FloatArray = self.heights_m - curve.pull * fall[:, np.newaxis]
        return above


def _search(toes: _Toes, *, durations: FloatArray, middles: FloatArray) -> _Curve:
    """Return the curve that fits best, first in steps of `_COARSE_S` and then, around it, of `_FINE_S`."""
    trust = toes.seen.astype(np.float64)
    for _ in range(3):
        curve = _best(durations, middles, toes, trust)
        trust = np.where(toes.seen, np.minimum(1.0, HUBER_LIMIT_M / np.maximum(np.abs(toes.stray(curve)), 1e-9)), 0.0)
    around = np.arange(-_COARSE_S, _COARSE_S + 0.5 * _FINE_S, _FINE_S)
    return _best(curve.duration_s + around, curve.middle_s + around, toes, trust)


def _best(durations: FloatArray, middles: FloatArray, toes: _Toes, trust: FloatArray) -> _Curve:
    """Return the curve that fits best of all pairs of duration and middle."""
    usual = 0.5 * GRAVITY_M_PER_S2
    gravity_weight = (TOE_READING_ERROR_M / (SCALE_ERROR_SHARE * usual)) ** 2
    fall = _fall(durations, middles, toes.times_s)
    match = fall @ (trust * toes.heights_m).sum(axis=1) + gravity_weight * usual
    size = np.square(fall) @ trust.sum(axis=1) + gravity_weight
    if np.isfinite(toes.expected_m):
        top = np.square(0.5 * durations)[:, np.newaxis]
        trunk_weight = (TOE_READING_ERROR_M / LIFT_ERROR_M) ** 2
        match, size = match + trunk_weight * top * toes.expected_m, size + trunk_weight * top**2
    # What is left of the squares is constant minus match^2 / size.
    at = np.unravel_index(int(np.argmax(match**2 / size)), match.shape)
    return _Curve(float(durations[at[0]]), float(middles[at[1]]), float(match[at] / size[at]))


def _fall(durations: FloatArray, middles: FloatArray, times: FloatArray) -> FloatArray:
    """Return (T / 2)^2 - (t - middle)^2 where it is positive, else 0; shape (n_durations, n_middles, n_times)."""
    gone = np.square(times - middles[:, np.newaxis])
    fall: FloatArray = np.maximum(np.square(0.5 * durations)[:, np.newaxis, np.newaxis] - gone, 0.0)
    return fall


def _one_foot(clearance_m: FloatArray, timestamps_s: FloatArray, *, together: Flight) -> Flight | None:
    return fit_flight(
        clearance_m[:, np.newaxis],
        timestamps_s,
        near_s=together.middle_s,
        durations_s=(
            max(SHORTEST_FLIGHT_S, together.duration_s - 2.0 * _OWN_TIME_WITHIN_S),
            together.duration_s + 2.0 * _OWN_TIME_WITHIN_S,
        ),
        middle_within_s=_OWN_TIME_WITHIN_S,
    )


def _find_clearance(toe_height_m: FloatArray, timestamps_s: FloatArray, *, apex_s: float) -> FloatArray | NoJump:
    """Return how high each toe is above where it rests; shape (n_frames, 2), NaN = missing."""
    floors = [_floor_levels(toes, timestamps_s, apex_s=apex_s) for toes in toe_height_m.T]
    before, after = (median_of_known(np.array(levels)) for levels in zip(*floors, strict=True))
    if np.isnan(before + after):
        return NoJump("the feet are not seen on the floor before and after the jump")
    if abs(before - after) > LEVEL_FLOOR_WITHIN_M:
        return NoJump("the floor is not equally high before and after the jump")
    return np.column_stack(
        [
            _above_floor(toes, levels, timestamps_s, apex_s=apex_s)
            for toes, levels in zip(toe_height_m.T, floors, strict=True)
        ]
    )


def _floor_levels(toes: FloatArray, timestamps_s: FloatArray, *, apex_s: float) -> tuple[float, float]:
    """Return how high the toes rest before and after the jump; NaN where they are not seen at rest for long enough."""
    resting = np.isfinite(toes) & (np.abs(rate_of_change(toes, timestamps_s)) < STILL_BELOW_M_PER_S)
    since = timestamps_s - apex_s
    fewest = frames_in(timestamps_s, seconds=SHORTEST_REST_S)

    def level(side: NDArray[np.bool_]) -> float:
        at_rest = toes[resting & side]
        return median_of_known(at_rest) if len(at_rest) >= fewest else float("nan")

    return level(since < -REST_BEYOND_S), level(since > REST_BEYOND_S)


def _above_floor(
    toes: FloatArray, levels: tuple[float, float], timestamps_s: FloatArray, *, apex_s: float
) -> FloatArray:
    """Return the height above where the toes rest; from the level before to that after it goes over steadily.

    Who lands nearer to the camera stands lower in the picture.
    """
    share = np.clip((timestamps_s - apex_s + REST_BEYOND_S) / (2.0 * REST_BEYOND_S), 0.0, 1.0)
    above: FloatArray = toes - (1.0 - share) * levels[0] - share * levels[1]
    return above


def _standing(hip: FloatArray, timestamps_s: FloatArray, *, apex_s: float) -> NDArray[np.bool_]:
    """Return the frames in which the hips are still and high, away from the jump."""
    slow = np.abs(rate_of_change(hip, timestamps_s)) < STILL_BELOW_M_PER_S
    still = slow & np.isfinite(hip) & (np.abs(timestamps_s - apex_s) > JUMP_REACH_S)
    # Whoever bounces is still for a moment at every turn: only longer runs of still frames are standing.
    run = np.ones(frames_in(timestamps_s, seconds=SHORTEST_STANDING_S), dtype=np.bool_)
    lasting = np.asarray(ndimage.binary_opening(still, run), dtype=np.bool_)
    return lasting & (np.abs(hip - median_of_known(hip[lasting])) <= STANDING_WITHIN_M)


def _trunk_rise_m(
    hip: FloatArray, shoulder: FloatArray, timestamps_s: FloatArray, standing: NDArray[np.bool_], *, apex_s: float
) -> float:
    """Return the rise of mid-hip and mid-shoulder above standing, the mean of those known.

    Each reading within `_TOP_S` of the highest point counts, lifted there by what it has fallen.
    """
    gone = timestamps_s - apex_s
    fallen = 0.5 * GRAVITY_M_PER_S2 * gone**2
    rises = [
        median_of_known((height + fallen)[np.abs(gone) <= _TOP_S]) - median_of_known(height[standing])
        for height in (hip, shoulder)
    ]
    there = known(np.array(rises))
    return float(there.mean()) if len(there) else float("nan")


def _lowest_m(hip: FloatArray, timestamps_s: FloatArray, flight: Flight) -> float:
    """Return the hips' lowest point before take-off; NaN where they are not seen well enough."""
    since = flight.take_off_s - timestamps_s
    before = hip[(since >= 0.0) & (since <= CROUCH_WITHIN_S)]
    return float(np.nanmin(before)) if known_share(before) >= CROUCH_SEEN else float("nan")
