"""When a forward bend starts, reaches the bottom, leaves it and ends. Knows nothing of landmarks, norms or scores.

People bend along a curve close to that of least jerk (Flash and Hogan 1985, doi:10.1523/JNEUROSCI.05-07-01688.1985).
It leaves standing so gently that no threshold sees the start: 5 % of the way is covered only after 19 % of the time. So
the whole way down, the stay at the bottom and the whole way up are fitted to the signals together, and the four times
that fit best are the bend's; every frame of the bend has its part in them. Places in the picture serve where angles are
badly seen: what tips over with the trunk moves, from whichever side it is seen, along an ellipse, each coordinate as
a sin + b (1 - cos) of the flexion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import known, known_share, median_of_known
from backsight.kinematics.signals import frames_in, range_of_known, smooth

SMALLEST_BEND_DEG = 30.0
"""A trunk that flexes less than this above standing has not bent: seen from the front, where one camera errs by up to
14 degrees, seated people who turn and people who jump showed 20 to 27."""
STANDING_WITHIN_SHARE = 0.15
"""Flexion within this share of the whole movement above the lowest level counts as standing."""
AS_DEEP_SHARE = 0.9
"""The first bend that reaches this share of the deepest is the one that counts: people who repeat a bend tire, warm up
or lose interest, and landmarks cannot tell bends apart that differ by less."""
LOW_SHARE = 0.3
"""Below this share of the deepest flexion the person stands, leaves standing or comes back to it; between two bends the
flexion stays below it for a while."""
STANDING_FITTED_S = 1.5
"""So much of the standing before and after a bend has a part in the fit."""
SPIKE_WINDOW_S = 0.17
"""A landmark that is wrong for less than half of this changes nothing: running medians leave it out."""
SHORTEST_WAY_S, LONGEST_WAY_S = 0.2, 20.0
"""Limits of the time for one way, down or up."""
_EARLY_SHARE, _LATE_SHARE = 0.2, 0.8
"""The fit's first guess lets the curve of least jerk pass through the times at which these shares are crossed."""
_EARLY_TIME, _LATE_TIME = 0.3266, 0.6734
"""When the curve of least jerk passes them, as shares of the way's time."""
_OUTLIER_SHARE = 0.04
"""Frames off the fitted curve by more than this share of the bend count less the further they are off."""
_ANCHOR_WITHIN_S = 1.0
"""The fit moves the first guess of the bottom by less than this."""
_PAUSE_COST_CLEAR, _PAUSE_COST_UNCLEAR, _PAUSE_S = 20.0, 80.0, 0.5
"""Near the bottom landmarks lag and stick, which looks like a pause. A pause has to make the fit better by this many
times the signals' own noise a second, root of the sum of squares, until it is about `_PAUSE_S` long and no longer to be
doubted. Chosen on rendered volunteers: more from the side or less from the front made the times worse."""
_DEPTH_LIMITS_DEG = (40.0, 130.0)
"""What the trunk carries is taken to be carried through an angle within these."""
MOSTLY_SEEN = 0.6
"""A signal has its part in the times when this share of the bend's frames is known."""
_N_WEIGHTINGS = 3
_FEWEST_FRAMES = 8

Times: TypeAlias = tuple[float, float, float, float]
"""When a bend starts, reaches the bottom, leaves it and ends, in seconds; NaN = not in the recording."""


@dataclass(frozen=True)
class Bend:
    """A forward bend; times in the recording's seconds."""

    start_s: float
    """Leaves standing; NaN = the recording starts in the bend."""
    bottom_s: float
    """Reaches the bottom; NaN = the way down is not in the recording."""
    leave_s: float
    """Leaves the bottom, not before `bottom_s`; NaN = the way up is not in the recording."""
    end_s: float
    """Stands again; NaN = the recording ends in the bend."""
    deepest_s: float
    """When the flexion is greatest."""
    standing_deg: float
    """Flexion while standing, to be subtracted."""
    deepest_deg: float
    """Flexion at the deepest point, standing not subtracted."""
    known_share: float
    """Share of the bend's frames in which the flexion is known."""

    @property
    def range_deg(self) -> float:
        """Flexion at the deepest point above the person's own standing."""
        return self.deepest_deg - self.standing_deg

    @property
    def down_s(self) -> float:
        """Seconds from leaving standing to the bottom."""
        return self.bottom_s - self.start_s

    @property
    def up_s(self) -> float:
        """Seconds from leaving the bottom to standing."""
        return self.end_s - self.leave_s

    @property
    def pause_s(self) -> float:
        """Seconds spent at the bottom."""
        return self.leave_s - self.bottom_s


def minimum_jerk(share_of_time: FloatArray) -> FloatArray:
    """Return the share of the way covered after a share of its time, 0 before and 1 after (Flash and Hogan 1985)."""
    x = np.clip(share_of_time, 0.0, 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


def time_at_share(start_s: float, reach_s: float, *, share: float) -> float:
    """Return when the curve of least jerk from `start_s` to `reach_s` has covered a share of its way."""
    grid = np.linspace(0.0, 1.0, 1001)
    return start_s + (reach_s - start_s) * float(np.interp(share, minimum_jerk(grid), grid))


def fit_way(values: FloatArray, timestamps_s: FloatArray, *, start_s: float, reach_s: float) -> tuple[float, float]:
    """Return when a signal that moves along the curve of least jerk from one level to another starts and arrives.

    Parameters
    ----------
    values
        Shape (n_frames,), of the way and what is level before and after it; NaN = missing.
    timestamps_s
        Shape (n_frames,).
    start_s, reach_s
        First guess.
    """
    signals = _signals([values], timestamps_s, np.ones(len(values), dtype=np.bool_))
    nan = float("nan")
    if not signals:
        return nan, nan
    begin_s, arrive_s, _, _ = _fit(signals, guess=(start_s, reach_s, nan, nan))
    return begin_s, arrive_s


def find_bend(
    flexion_deg: FloatArray,
    timestamps_s: FloatArray,
    *,
    carried: Sequence[FloatArray] = (),
    times_from_flexion: bool = True,
) -> Bend | None:
    """Find the deepest bend in the trunk's flexion, or the first one that is about as deep.

    Parameters
    ----------
    flexion_deg
        Trunk flexion, standing not subtracted; shape (n_frames,); NaN = missing.
    timestamps_s
        Shape (n_frames,).
    carried
        Coordinates in the picture of what the trunk carries, such as head and shoulders, in any unit; each (n_frames,),
        NaN = missing. They take part in the times.
    times_from_flexion
        False = the flexion is badly seen: the times come from what is carried alone, as far as it is known, and what
        looks like a pause is believed only when it is plain.

    Returns
    -------
    Bend or None
        None when the trunk never flexes by `SMALLEST_BEND_DEG`.
    """
    steady = smooth(_without_spikes(flexion_deg, timestamps_s), timestamps_s)
    if known(steady).size < _FEWEST_FRAMES:
        return None
    standing_deg = find_standing_deg(steady)
    range_deg = float(np.nanmax(steady)) - standing_deg
    if not range_deg >= SMALLEST_BEND_DEG:
        return None
    share = (steady - standing_deg) / range_deg
    first, deepest, last = _choose(share)
    has_start, has_end = bool(share[first] <= STANDING_WITHIN_SHARE), bool(share[last] <= STANDING_WITHIN_SHARE)
    window = _window(share, timestamps_s, first=first, last=last)
    guess = _guess(share, timestamps_s, deepest=deepest, has_start=has_start, has_end=has_end)
    angles = _signals([flexion_deg], timestamps_s, window)
    times_s = _fit(angles, guess=guess)
    depth_rad = float(np.radians(np.clip(steady[deepest] - standing_deg, *_DEPTH_LIMITS_DEG)))
    places = _signals(carried, timestamps_s, window, depth_rad=depth_rad)
    if places and times_from_flexion:
        times_s = _fit([*angles, *places], guess=times_s)
    elif places:
        times_s = _fit(places, guess=times_s, pause_cost=_PAUSE_COST_UNCLEAR)
    return Bend(
        *times_s,
        deepest_s=float(timestamps_s[deepest]),
        standing_deg=standing_deg,
        deepest_deg=float(steady[deepest]),
        known_share=known_share(flexion_deg[first : last + 1]),
    )


def find_standing_deg(flexion_deg: FloatArray) -> float:
    """Return the trunk's flexion while standing; NaN when nothing is known.

    The lowest level of the recording, however short the standing is against a bend that is held: the 10th centile of
    the lower half of the movement, then the median of what lies near it, so that leaning back for a moment is no
    standing.
    """
    found = known(flexion_deg)
    if not len(found):
        return float("nan")
    peak_deg = float(found.max())
    lower_half = found[found <= 0.5 * (float(found.min()) + peak_deg)]
    rough_deg = float(np.percentile(lower_half, 10.0))
    return median_of_known(found[found <= rough_deg + STANDING_WITHIN_SHARE * (peak_deg - rough_deg)])


def _without_spikes(values: FloatArray, timestamps_s: FloatArray, *, window_s: float = SPIKE_WINDOW_S) -> FloatArray:
    """Return the median of the known values in a window centred on each frame; a missing frame stays missing.

    Shape (n_frames,). Towards the ends of the recording the window stays centred and shrinks.
    """
    half = frames_in(timestamps_s, seconds=window_s) // 2
    n_frames = len(values)
    found = np.full(n_frames, np.nan)
    for frame in np.flatnonzero(np.isfinite(values)).tolist():
        reach = min(half, frame, n_frames - 1 - frame)
        found[frame] = median_of_known(values[frame - reach : frame + reach + 1])
    return found


def _crossing_s(values: FloatArray, timestamps_s: FloatArray, *, level: float, before_s: float = float("inf")) -> float:
    """Return when the values last rise through a level before a time, between frames; NaN = they do not.

    Parameters
    ----------
    values
        Shape (n_frames,); frames where they are NaN are left out.
    """
    there = np.isfinite(values) & (timestamps_s <= before_s)
    y, t = values[there], timestamps_s[there]
    rises = np.flatnonzero((y[:-1] < level) & (y[1:] >= level))
    if not len(rises):
        return float("nan")
    i = rises[-1]
    return float(t[i] + (t[i + 1] - t[i]) * (level - y[i]) / (y[i + 1] - y[i]))


def _choose(share: FloatArray) -> tuple[int, int, int]:
    """Return the first, the deepest and the last frame of the bend that counts; the ends are standing where it is seen.

    The first bend that is about as deep as the deepest, if possible one whose start and end are in the recording.

    Parameters
    ----------
    share
        Flexion above standing as a share of the deepest; shape (n_frames,); NaN = missing.
    """
    there = np.flatnonzero(np.isfinite(share))
    standing = there[share[there] <= STANDING_WITHIN_SHARE]
    found: list[tuple[int, int, int]] = []
    for frame in np.flatnonzero(share >= AS_DEEP_SHARE):
        if found and frame <= found[-1][2]:
            continue
        before, after = standing[standing < frame], standing[standing > frame]
        first, last = int(before[-1]) if len(before) else int(there[0]), int(after[0]) if len(after) else int(there[-1])
        found.append((first, first + int(np.nanargmax(share[first : last + 1])), last))
    return next((bend for bend in found if max(share[bend[0]], share[bend[2]]) <= STANDING_WITHIN_SHARE), found[0])


def _window(share: FloatArray, timestamps_s: FloatArray, *, first: int, last: int) -> NDArray[np.bool_]:
    """Return the frames of the bend with the standing around it, as far as the middle towards another bend."""
    high = np.flatnonzero(share > LOW_SHARE)
    earlier, later = high[high < first], high[high > last]
    from_s = timestamps_s[first] - STANDING_FITTED_S
    to_s = timestamps_s[last] + STANDING_FITTED_S
    if len(earlier):
        from_s = max(from_s, 0.5 * (timestamps_s[earlier[-1]] + timestamps_s[first]))
    if len(later):
        to_s = min(to_s, 0.5 * (timestamps_s[later[0]] + timestamps_s[last]))
    window: NDArray[np.bool_] = (timestamps_s >= from_s) & (timestamps_s <= to_s)
    return window


def _guess(share: FloatArray, timestamps_s: FloatArray, *, deepest: int, has_start: bool, has_end: bool) -> Times:
    """Return start, bottom, leaving and end from the times at which the flexion crosses two levels; NaN = unseen."""
    deepest_s = float(timestamps_s[deepest])
    start_s, bottom_s = _way(share, timestamps_s, deepest_s) if has_start else (float("nan"), float("nan"))
    back = _way(share[::-1], -timestamps_s[::-1], -deepest_s) if has_end else (float("nan"), float("nan"))
    leave_s, end_s = -back[1], -back[0]
    if bottom_s > leave_s:
        bottom_s = leave_s = 0.5 * (bottom_s + leave_s)
    return start_s, bottom_s, leave_s, end_s


def _way(share: FloatArray, timestamps_s: FloatArray, deepest_s: float) -> tuple[float, float]:
    early_s = _crossing_s(share, timestamps_s, level=_EARLY_SHARE, before_s=deepest_s)
    late_s = _crossing_s(share, timestamps_s, level=_LATE_SHARE, before_s=deepest_s)
    way_s = max((late_s - early_s) / (_LATE_TIME - _EARLY_TIME), SHORTEST_WAY_S)
    start_s = early_s - _EARLY_TIME * way_s
    return start_s, start_s + way_s


@dataclass(frozen=True, eq=False)
class _Signal:
    """The known part of one signal of a bend, of size 1."""

    values: FloatArray
    timestamps_s: FloatArray
    depth_rad: float
    """0 = the signal is an angle; otherwise a coordinate of what is carried by a trunk that flexes by this angle."""

    def curves(self, times_s: Times) -> FloatArray:
        """Return the curves whose weighted sum is the signal; shape (n, 2 to 4).

        Of an angle: the bottom's, and those of standing before and after, as far as the recording holds them. Of a
        place: what goes with sine and cosine, where it stands, and the shift from standing before to standing after.
        """
        start_s, bottom_s, leave_s, end_s = times_s
        ones = np.ones(len(self.values))
        has_down, has_up = not np.isnan(start_s), not np.isnan(end_s)
        down = minimum_jerk((self.timestamps_s - start_s) / (bottom_s - start_s)) if has_down else ones
        up = minimum_jerk((self.timestamps_s - leave_s) / (end_s - leave_s)) if has_up else 0.0 * ones
        if not self.depth_rad:
            return np.column_stack([down - up] + [1.0 - down] * has_down + [up] * has_up)
        flexion_rad = self.depth_rad * (down - up)
        shift = [minimum_jerk((self.timestamps_s - start_s) / (end_s - start_s))] if has_down and has_up else []
        return np.column_stack([np.sin(flexion_rad), 1.0 - np.cos(flexion_rad), ones, *shift])


def _signals(
    series: Sequence[FloatArray], timestamps_s: FloatArray, window: NDArray[np.bool_], *, depth_rad: float = 0.0
) -> list[_Signal]:
    """Take the known values in a window; series of which too little is known, or that do not move, are left out."""
    found = []
    for values in series:
        there = window & np.isfinite(values)
        size = range_of_known(values[there])
        if there.sum() >= max(_FEWEST_FRAMES, MOSTLY_SEEN * window.sum()) and size > 0.0:
            found.append(_Signal(values[there] / size, timestamps_s[there], depth_rad))
    return found


def _fit(signals: Sequence[_Signal], *, guess: Times, pause_cost: float = _PAUSE_COST_CLEAR) -> Times:
    """Return the four times that fit best; NaN = not in the recording.

    Least squares in the times; how far every signal goes follows from them by linear least squares. Weights take what
    lies far off the curves out of it.
    """
    start_s, bottom_s, leave_s, end_s = guess
    has_down, has_up = not np.isnan(start_s), not np.isnan(end_s)
    if not signals or not (has_down or has_up):
        return guess
    durations = [bottom_s - start_s] * has_down + [end_s - leave_s] * has_up
    pause = [leave_s - bottom_s] * (has_down and has_up)
    anchor_s = bottom_s if has_down else leave_s
    low = np.array([SHORTEST_WAY_S] * len(durations) + [0.0] * len(pause) + [anchor_s - _ANCHOR_WITHIN_S])
    high = np.array([LONGEST_WAY_S] * len(durations) + [np.inf] * len(pause) + [anchor_s + _ANCHOR_WITHIN_S])

    def times_of(x: FloatArray) -> Times:
        way_s, reach_s, nan = float(x[0]), float(x[-1]), float("nan")
        if has_down and has_up:
            depart_s = reach_s + float(x[2])
            return reach_s - way_s, reach_s, depart_s, depart_s + float(x[1])
        return (reach_s - way_s, reach_s, nan, nan) if has_down else (nan, nan, reach_s, reach_s + way_s)

    weights = [np.ones_like(signal.values) for signal in signals]
    noise = 0.0

    def misfits(times_s: Times) -> list[FloatArray]:
        return [
            signal.values - signal.curves(times_s) @ _levels(signal, times_s, weight)
            for signal, weight in zip(signals, weights, strict=True)
        ]

    def cost(x: FloatArray) -> FloatArray:
        weighted = [weight * misfit for weight, misfit in zip(weights, misfits(times_of(x)), strict=True)]
        stay_s = float(x[2]) if pause else 0.0
        return np.concatenate([*weighted, [noise * pause_cost * _PAUSE_S * (1.0 - np.exp(-stay_s / _PAUSE_S))]])

    best: FloatArray = np.clip(np.array([*durations, *pause, anchor_s]), low + 1e-4, high - 1e-4)
    for _ in range(_N_WEIGHTINGS):
        best = optimize.least_squares(cost, best, bounds=(low, high), x_scale=0.1).x
        left = misfits(times_of(best))
        noise = float(np.median(np.abs(np.concatenate(left))))
        for weight, misfit in zip(weights, left, strict=True):
            weight[:] = 1.0 / np.sqrt(1.0 + np.square(misfit / _OUTLIER_SHARE))
    return times_of(best)


def _levels(signal: _Signal, times_s: Times, weight: FloatArray) -> FloatArray:
    """Return the weights of a signal's curves; of an angle its levels at the bottom and while standing."""
    curves = signal.curves(times_s) * weight[:, np.newaxis]
    return np.asarray(np.linalg.lstsq(curves, signal.values * weight)[0], dtype=np.float64)
