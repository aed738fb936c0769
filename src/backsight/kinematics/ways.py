"""Fit the way down into a bend and the way up to signals of it. Knows nothing of landmarks or where a bend is.

People leave standing so gently that no threshold sees the start: along the curve of least jerk (Flash and Hogan 1985,
doi:10.1523/JNEUROSCI.05-07-01688.1985) 5 % of the way is covered only after 19 % of the time. So both ways and the stay
between them are fitted to the signals together, and every frame has its part in the times. Nobody keeps to one curve:
the fitted ones, incomplete beta functions, run from that of least acceleration to that of least jerk and beyond, and
may have their greatest speed early or late. Landmarks tell these curves apart badly, and a gentler one fits a longer
time as well as a sharper one fits a shorter; what people usually do decides as much as the signals leave open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from backsight.domain.validation import FloatArray
from backsight.kinematics.signals import range_of_known

USUAL_ORDER = 2.5
"""Midway between least acceleration and least jerk."""
ORDER_SPREAD, SKEW_SPREAD = 0.2, 0.15
"""One standard deviation of people's ways from the usual order, as a share of it, and from symmetric. Assumption: in
two of three the order lies from 2.0 to 3.0 and the greatest speed comes at 38 to 62 % of the time."""
SHORTEST_WAY_S, LONGEST_WAY_S = 0.2, 20.0
"""Limits of the time for one way, down or up."""
MOSTLY_SEEN = 0.6
"""A signal has its part in the times when this share of the bend's frames is known."""
FEWEST_FRAMES = 8
PAUSE_COST_CLEAR, PAUSE_COST_UNCLEAR, PAUSE_S = 10.0, 40.0, 0.5
"""Near the bottom landmarks lag and stick, which looks like a pause. A pause has to make the fit better by this many
times the signals' own noise a second, root of the sum of squares, until it is about `PAUSE_S` long and no longer to be
doubted. Chosen on the rendered volunteers of seed 7001: more from the side or less from the front made the times
worse."""
_HABIT_COST = 5.0
"""A curve one standard deviation off the usual one has to make the fit better by this many times the signals' own
noise, root of the sum of squares, for each signal: what is wrong with landmarks stays so for many frames. Of rendered
volunteers (seed 7001) the times came out alike with half and with twice as much."""
_FIRST_NOISE = 0.01
"""Noise of the signals, as a share of their size, before it is known."""
_OUTLIER_SHARE = 0.04
"""Frames off the fitted curve by more than this share of the bend count less the further they are off."""
_ANCHOR_WITHIN_S = 1.0
"""The fit moves the first guess of the bottom by less than this."""
_N_WEIGHTINGS = 3
_RIDGE = 1e-12
_TOLERANCE = 1e-6
"""Relative step and gain at which the fit ends; times on films differ by less than 0.1 ms from those with 1e-8."""
_MISFIT_CENTILE = 75.0
"""Somebody who stops on the way is off a smooth curve for part of it only, so that a median hardly sees it; single wild
frames are to change nothing."""
_NAN = float("nan")


@dataclass(frozen=True)
class Way:
    """How a movement gets from one posture to another."""

    start_s: float
    """NaN = not in the recording."""
    arrive_s: float
    order: float = USUAL_ORDER
    """2 = along the curve of least acceleration, 3 = of least jerk: the higher, the gentler it starts and ends."""
    skew: float = 0.0
    """Below 0 the greatest speed comes early, above 0 late."""

    @property
    def is_seen(self) -> bool:
        """False where the recording does not hold the way."""
        return not np.isnan(self.start_s)

    @property
    def duration_s(self) -> float:
        """Seconds from start to arrival."""
        return self.arrive_s - self.start_s

    def covered(self, timestamps_s: FloatArray) -> FloatArray:
        """Return the share of the way covered at each time, 0 before and 1 after; shape (n_frames,)."""
        share_of_time = np.clip((timestamps_s - self.start_s) / self.duration_s, 0.0, 1.0)
        return np.asarray(special.betainc(*self._exponents, share_of_time), dtype=np.float64)

    def time_at(self, share: float) -> float:
        """Return when a share of the way, from 0 to 1, has been covered, in seconds."""
        return self.start_s + self.duration_s * float(special.betaincinv(*self._exponents, share))

    @property
    def _exponents(self) -> tuple[float, float]:
        return self.order * float(np.exp(self.skew)), self.order * float(np.exp(-self.skew))


UNSEEN = Way(_NAN, _NAN)
"""A way that the recording does not hold."""


@dataclass(frozen=True)
class Ways:
    """The way down into a bend and the way up."""

    down: Way
    up: Way
    misfit: float = _NAN
    """Distance of the signals from the curves fitted to them, as a share of their size, that they keep within in three
    quarters of a way; of the two ways, each with half the stay between them, the worse. NaN = not fitted."""


@dataclass(frozen=True, eq=False)
class Signals:
    """Signals of one movement at the same times, each of size 1."""

    timestamps_s: FloatArray
    """Shape (n_frames,)."""
    angles: tuple[FloatArray, ...] = ()
    """Each (n_frames,); NaN = missing."""
    places: tuple[FloatArray, ...] = ()
    """Coordinates in the picture of what a trunk carries that flexes by `depth_rad`."""
    depth_rad: float = 0.0

    @classmethod
    def of(
        cls,
        timestamps_s: FloatArray,
        window: NDArray[np.bool_],
        *,
        angles: Sequence[FloatArray] = (),
        places: Sequence[FloatArray] = (),
        depth_rad: float = 0.0,
    ) -> Signals:
        """Take the frames of a window; series of which too little is known, or that do not move, are left out."""
        fewest = max(FEWEST_FRAMES, MOSTLY_SEEN * window.sum())

        def usable(series: Sequence[FloatArray]) -> list[FloatArray]:
            taken = [values[window] for values in series]
            return [values for values in taken if np.isfinite(values).sum() >= fewest and range_of_known(values) > 0.0]

        return cls(
            timestamps_s[window],
            tuple(values / range_of_known(values) for values in usable(angles)),
            tuple(values / range_of_known(values) for values in usable(places)),
            depth_rad,
        )

    def __len__(self) -> int:
        return len(self.angles) + len(self.places)

    def misfits(self, ways: Ways, weights: Sequence[FloatArray]) -> list[FloatArray]:
        """Return how far each signal's known frames are off the curves of the ways that fit it best, by its weights.

        The curves of an angle are the bottom's, and those of standing before and after, as far as the recording holds
        them. Those of a place go with sine and cosine of the flexion; besides, where it stands, and the shift from
        standing before to standing after.
        """
        down, up = ways.down, ways.up
        ones = np.ones(len(self.timestamps_s))
        gone = down.covered(self.timestamps_s) if down.is_seen else ones
        back = up.covered(self.timestamps_s) if up.is_seen else 0.0 * ones
        angle = np.column_stack([gone - back] + [1.0 - gone] * down.is_seen + [back] * up.is_seen)
        flexion_rad = self.depth_rad * (gone - back)
        shift = [Way(down.start_s, up.arrive_s).covered(self.timestamps_s)] if down.is_seen and up.is_seen else []
        place = np.column_stack([np.sin(flexion_rad), 1.0 - np.cos(flexion_rad), ones, *shift])
        curves = [angle] * len(self.angles) + [place] * len(self.places)
        return [
            _off(values, curve, weight)
            for values, curve, weight in zip((*self.angles, *self.places), curves, weights, strict=True)
        ]

    def within(self, part: NDArray[np.bool_], misfits: Sequence[FloatArray]) -> FloatArray:
        """Return the known signals' distances from their curves in some of the frames, flattened."""
        there = np.isfinite(np.stack((*self.angles, *self.places)))
        return np.abs(np.concatenate(misfits))[np.broadcast_to(part, there.shape)[there]]


def _off(values: FloatArray, curves: FloatArray, weight: FloatArray) -> FloatArray:
    there = np.isfinite(values)
    seen, curves = values[there], curves[there]
    weighted = curves * weight[:, np.newaxis]
    # By the normal equations, many times faster than by singular values: there are at most four curves of size 1. The
    # diagonal's share keeps curves that coincide, as of a way not begun, from having no solution.
    normal = weighted.T @ weighted
    normal.flat[:: len(normal) + 1] += _RIDGE * np.trace(normal)
    levels = np.linalg.solve(normal, weighted.T @ (seen * weight))
    return np.asarray(seen - curves @ levels, dtype=np.float64)


def fit_way(values: FloatArray, timestamps_s: FloatArray, *, start_s: float, arrive_s: float) -> Way:
    """Return the way along which a signal moves from one level to another; unseen where too little is known.

    Parameters
    ----------
    values
        Shape (n_frames,), of the way and what is level before and after it; NaN = missing.
    timestamps_s
        Shape (n_frames,).
    start_s, arrive_s
        First guess.
    """
    signals = Signals.of(timestamps_s, np.ones(len(values), dtype=np.bool_), angles=[values])
    return fit_ways(signals, guess=Ways(Way(start_s, arrive_s), UNSEEN)).down if len(signals) else UNSEEN


def fit_ways(signals: Signals, *, guess: Ways, pause_cost: float = PAUSE_COST_CLEAR) -> Ways:
    """Return the ways down and up that fit best; a way that is unseen in the guess stays so.

    Least squares in the times and shapes, with what is usual as a prior; how far every signal goes follows from them by
    linear least squares. Weights take what lies far off the curves out of it.
    """
    if not len(signals) or not (guess.down.is_seen or guess.up.is_seen):
        return guess
    unknowns = _Unknowns.around(guess)
    weights = [np.ones(np.isfinite(values).sum()) for values in (*signals.angles, *signals.places)]
    noise = _FIRST_NOISE

    def cost(x: FloatArray) -> FloatArray:
        misfits = signals.misfits(unknowns.ways(x), weights)
        pause = pause_cost * PAUSE_S * (1.0 - np.exp(-x[_PAUSE] / PAUSE_S))
        habit = _HABIT_COST * np.sqrt(len(signals)) * x[_SHAPES] / _SHAPE_SPREADS
        weighted = [weight * misfit for weight, misfit in zip(weights, misfits, strict=True)]
        return np.concatenate([*weighted, [noise * pause], noise * habit])

    best = unknowns.first
    for _ in range(_N_WEIGHTINGS):
        best = optimize.least_squares(
            cost, best, bounds=(unknowns.low, unknowns.high), x_scale=0.1, ftol=_TOLERANCE, xtol=_TOLERANCE
        ).x
        left = signals.misfits(unknowns.ways(best), weights)
        noise = float(np.median(np.abs(np.concatenate(left))))
        weights = [1.0 / np.sqrt(1.0 + np.square(misfit / _OUTLIER_SHARE)) for misfit in left]
    ways = unknowns.ways(best)
    parts = [signals.within(part, left) for part in _parts(ways, signals.timestamps_s)]
    # A way of which nothing is seen tells nothing about the fit, and no number is to come from it.
    worst = max(float(np.percentile(part, _MISFIT_CENTILE)) if len(part) else _NAN for part in parts)
    return replace(ways, misfit=worst)


def _parts(ways: Ways, timestamps_s: FloatArray) -> list[NDArray[np.bool_]]:
    """Return the frames of the way down and of the way up, each with half of the stay at the bottom."""
    down, up = ways.down, ways.up
    middle_s = 0.5 * (down.arrive_s + up.start_s)
    parts = []
    if down.is_seen:
        parts.append((timestamps_s >= down.start_s) & ~(timestamps_s > middle_s))
    if up.is_seen:
        parts.append(~(timestamps_s < middle_s) & (timestamps_s <= up.arrive_s))
    return parts


_PAUSE, _SHAPES = 2, slice(4, 8)
_SHAPE_SPREADS = np.array([ORDER_SPREAD, SKEW_SPREAD, ORDER_SPREAD, SKEW_SPREAD])
_WIDEST_SHAPE = 0.5
"""Limit of the skew and of the logarithm of the order against the usual one."""


@dataclass(frozen=True, eq=False)
class _Unknowns:
    """What the fit looks for, as a vector of 8, and its limits.

    Seconds down, up and at the bottom; when the bottom is reached, or left where no way down is seen; of either way the
    logarithm of its order against the usual one, and its skew.
    """

    has_down: bool
    has_up: bool
    first: FloatArray
    low: FloatArray = field(repr=False)
    high: FloatArray = field(repr=False)

    @classmethod
    def around(cls, guess: Ways) -> _Unknowns:
        """Start from a guess; what belongs to an unseen way keeps any value."""
        down, up = guess.down, guess.up
        both = down.is_seen and up.is_seen
        anchor_s = down.arrive_s if down.is_seen else up.start_s
        durations = [way.duration_s if way.is_seen else 1.0 for way in (down, up)]
        first = np.array([*durations, up.start_s - down.arrive_s if both else 0.0, anchor_s, 0.0, 0.0, 0.0, 0.0])
        shape = [_WIDEST_SHAPE] * 4
        low = np.array([SHORTEST_WAY_S] * 2 + [0.0, anchor_s - _ANCHOR_WITHIN_S] + [-limit for limit in shape])
        high = np.array([LONGEST_WAY_S] * 2 + [np.inf, anchor_s + _ANCHOR_WITHIN_S] + shape)
        return cls(down.is_seen, up.is_seen, np.clip(first, low + 1e-4, high - 1e-4), low, high)

    def ways(self, x: FloatArray) -> Ways:
        """Return the ways that a vector stands for."""
        down_s, up_s, pause_s, anchor_s = (float(value) for value in x[:4])
        leave_s = anchor_s + pause_s if self.has_down else anchor_s
        orders = USUAL_ORDER * np.exp(x[[4, 6]])
        down = Way(anchor_s - down_s, anchor_s, float(orders[0]), float(x[5])) if self.has_down else UNSEEN
        up = Way(leave_s, leave_s + up_s, float(orders[1]), float(x[7])) if self.has_up else UNSEEN
        return Ways(down, up)
