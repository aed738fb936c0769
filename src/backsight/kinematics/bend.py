"""When a forward bend starts, reaches the bottom, leaves it and ends. Knows nothing of landmarks, norms or scores.

The bend that counts is found in the trunk's flexion; its ways down and up are then fitted to the flexion and to places
in the picture, which serve where angles are badly seen: what tips over with the trunk moves, from whichever side it is
seen, along an ellipse, each coordinate as a sin + b (1 - cos) of the flexion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import known, known_share, median_of_known
from backsight.kinematics.signals import frames_in, smooth
from backsight.kinematics.ways import (
    FEWEST_FRAMES,
    PAUSE_COST_CLEAR,
    PAUSE_COST_UNCLEAR,
    SHORTEST_WAY_S,
    UNSEEN,
    Signals,
    Way,
    Ways,
    fit_ways,
)

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
_EARLY_SHARE, _LATE_SHARE = 0.2, 0.8
"""The fit's first guess passes through the times at which these shares are crossed, along the usual way."""
_DEPTH_LIMITS_DEG = (40.0, 130.0)
"""What the trunk carries is taken to be carried through an angle within these."""


@dataclass(frozen=True)
class Bend:
    """A forward bend; times in the recording's seconds."""

    down: Way
    """From leaving standing to the bottom; unseen where the recording starts in the bend."""
    up: Way
    """From leaving the bottom, not before it is reached, to standing; unseen where the recording ends in the bend."""
    deepest_s: float
    """When the flexion is greatest."""
    standing_deg: float
    """Flexion while standing, to be subtracted."""
    deepest_deg: float
    """Flexion at the deepest point, standing not subtracted."""
    known_share: float
    """Share of the bend's frames in which the flexion is known."""
    misfit: float
    """Distance from a smooth bend, as a share of the bend, that what tells the times keeps within in three quarters of
    a way, of the two ways the worse; NaN = nothing tells the times."""

    @property
    def range_deg(self) -> float:
        """Flexion at the deepest point above the person's own standing."""
        return self.deepest_deg - self.standing_deg

    @property
    def start_s(self) -> float:
        """When the person leaves standing."""
        return self.down.start_s

    @property
    def bottom_s(self) -> float:
        """When the person reaches the bottom."""
        return self.down.arrive_s

    @property
    def leave_s(self) -> float:
        """When the person leaves the bottom."""
        return self.up.start_s

    @property
    def end_s(self) -> float:
        """When the person stands again."""
        return self.up.arrive_s

    @property
    def pause_s(self) -> float:
        """Seconds spent at the bottom."""
        return self.leave_s - self.bottom_s


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
        Coordinates in the picture of what the trunk carries, such as head and shoulders, all in one unit, whichever;
        each (n_frames,), NaN = missing. They take part in the times.
    times_from_flexion
        False = the flexion is badly seen: the times come from what is carried alone, as far as it is known, and what
        looks like a pause is believed only when it is plain.

    Returns
    -------
    Bend or None
        None when the trunk never flexes by `SMALLEST_BEND_DEG`.
    """
    steady = smooth(_without_spikes(flexion_deg, timestamps_s), timestamps_s)
    if known(steady).size < FEWEST_FRAMES:
        return None
    standing_deg = find_standing_deg(steady)
    range_deg = float(np.nanmax(steady)) - standing_deg
    if not range_deg >= SMALLEST_BEND_DEG:
        return None
    share = (steady - standing_deg) / range_deg
    first, deepest, last = _choose(share)
    ways = _time_ways(
        flexion_deg,
        timestamps_s,
        _window(share, timestamps_s, first=first, last=last),
        carried=carried,
        times_from_flexion=times_from_flexion,
        depth_deg=float(steady[deepest]) - standing_deg,
        guess=_guess(share, timestamps_s, bend=(first, deepest, last)),
    )
    return Bend(
        ways.down,
        ways.up,
        deepest_s=float(timestamps_s[deepest]),
        standing_deg=standing_deg,
        deepest_deg=float(steady[deepest]),
        known_share=known_share(flexion_deg[first : last + 1]),
        misfit=ways.misfit,
    )


def _time_ways(
    flexion_deg: FloatArray,
    timestamps_s: FloatArray,
    window: NDArray[np.bool_],
    *,
    carried: Sequence[FloatArray],
    times_from_flexion: bool,
    depth_deg: float,
    guess: Ways,
) -> Ways:
    """Fit the ways to the flexion, then to the flexion and what the trunk carries, or to the latter alone."""
    ways = fit_ways(Signals.of(timestamps_s, window, angles=[flexion_deg]), guess=guess)
    signals = Signals.of(
        timestamps_s,
        window,
        angles=[flexion_deg] if times_from_flexion else [],
        places=carried,
        depth_rad=float(np.radians(np.clip(depth_deg, *_DEPTH_LIMITS_DEG))),
    )
    if not signals.places:
        return ways
    return fit_ways(signals, guess=ways, pause_cost=PAUSE_COST_CLEAR if times_from_flexion else PAUSE_COST_UNCLEAR)


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


def _guess(share: FloatArray, timestamps_s: FloatArray, *, bend: tuple[int, int, int]) -> Ways:
    """Return the ways down and up from the times at which the flexion crosses two levels.

    Parameters
    ----------
    bend
        First, deepest and last frame; a way whose first or last frame is not standing is not in the recording.
    """
    first, deepest, last = bend
    deepest_s = float(timestamps_s[deepest])
    down = up = UNSEEN
    if share[first] <= STANDING_WITHIN_SHARE:
        down = _guess_way(share, timestamps_s, deepest_s=deepest_s)
    if share[last] <= STANDING_WITHIN_SHARE:
        back = _guess_way(share[::-1], -timestamps_s[::-1], deepest_s=-deepest_s)
        up = Way(-back.arrive_s, -back.start_s)
    if down.arrive_s > up.start_s:
        middle_s = 0.5 * (down.arrive_s + up.start_s)
        return Ways(Way(down.start_s, middle_s), Way(middle_s, up.arrive_s))
    return Ways(down, up)


def _guess_way(share: FloatArray, timestamps_s: FloatArray, *, deepest_s: float) -> Way:
    early_s = _crossing_s(share, timestamps_s, level=_EARLY_SHARE, before_s=deepest_s)
    late_s = _crossing_s(share, timestamps_s, level=_LATE_SHARE, before_s=deepest_s)
    usual = Way(0.0, 1.0)
    early, late = usual.time_at(_EARLY_SHARE), usual.time_at(_LATE_SHARE)
    way_s = max((late_s - early_s) / (late - early), SHORTEST_WAY_S)
    return Way(early_s - early * way_s, early_s + (1.0 - early) * way_s)
