"""Say in a few numbers how signals moved: posture, range, speed, smoothness, rhythm. Knows nothing of what moved.

Signals come as columns of an even time grid; a column that is known in less than half of the frames gives NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

from backsight.domain.validation import FloatArray

CUTOFF_HZ = 5.0
"""Joint centres of a depth camera hold no movement above this, only jitter (voluntary movement ends near 5 Hz)."""
LEAST_KNOWN = 0.5
"""Share of frames in which a signal must be known."""
SHORTEST_CYCLE_S, LONGEST_CYCLE_S = 1.0, 15.0
"""A repetition of an exercise lasts between these."""
LEAST_REGULARITY = 0.1
"""A movement that resembles itself less than this one cycle later does not repeat."""
STILL = 1e-6
"""A signal that varies less than this, in degrees or body heights, only holds rounding."""
STILL_SHARE = 0.1
"""Slower than this share of one's own 95th centile of speed is a pause."""


_FEWEST_TO_FILTER = 15
"""Half a second: the filter's run-in is 15 samples, and shorter recordings show no movement to speak of."""
_TINY = 1e-12
_STILL_STEP = 1e-4
"""Added to steps, in degrees or body heights a frame, so that one who stands still has no infinite change of pace."""


@dataclass(frozen=True)
class Statistic:
    """One number about a signal."""

    name: str
    """Such as `range`; stands before the signal's name."""
    unit: str
    """`{}` stands for the signal's unit."""


START_S = 0.7
"""The posture at the start is taken over this time."""
FAST_FROM_HZ = 1.0
"""Exercises are slow: what is faster than this is correction, tremor or haste."""
STATISTICS: tuple[Statistic, ...] = (
    Statistic("median of", "{}"),
    Statistic("low end (5th centile) of", "{}"),
    Statistic("high end (95th centile) of", "{}"),
    Statistic("range of", "{}"),
    Statistic("variation (SD) of", "{}"),
    Statistic("starting value of", "{}"),
    Statistic("mean speed of", "{}/s"),
    Statistic("top speed (95th centile) of", "{}/s"),
    Statistic("jerkiness of", "log"),
    Statistic("share of fast movement in", "share"),
    Statistic("likeness of repetitions in", "correlation"),
)
"""What `column_statistics` tells of each column, in its order."""
MEDIAN, LOW, HIGH, RANGE, VARIATION, START, SPEED, TOP_SPEED, JERK, FAST, LIKENESS = range(len(STATISTICS))

COURSE: tuple[Statistic, ...] = (
    Statistic("usual range within a repetition of", "{}"),
    Statistic("unevenness of the range over repetitions of", "share"),
    Statistic("lower quartile of", "{}"),
    Statistic("upper quartile of", "{}"),
    Statistic("drift from first to second half of", "{}"),
    Statistic("change of pace from first to second half of", "log"),
)
"""What `course_statistics` tells of each column, in its order."""


def fill_and_smooth(columns: FloatArray, *, fps: float) -> FloatArray:
    """Bridge gaps by straight lines and smooth; shape (n_frames, n_columns), all NaN where too little is known."""
    n_frames = len(columns)
    filled = np.full_like(columns, np.nan)
    frames = np.arange(n_frames)
    for column, values in enumerate(columns.T):
        there = np.isfinite(values)
        if there.mean() >= LEAST_KNOWN:
            filled[:, column] = values if there.all() else np.interp(frames, frames[there], values[there])
    known = np.isfinite(filled[0]) if n_frames else np.zeros(columns.shape[1], dtype=bool)
    sections = butter(2, CUTOFF_HZ, fs=fps, output="sos") if fps > 2.0 * CUTOFF_HZ else None
    if known.any() and sections is not None and n_frames > _FEWEST_TO_FILTER:
        filled[:, known] = sosfiltfilt(sections, filled[:, known], axis=0)
    return filled


def column_statistics(columns: FloatArray, *, fps: float, cycle_frames: float) -> FloatArray:
    """Return `STATISTICS` of each column; shape (len(STATISTICS), n_columns).

    Parameters
    ----------
    columns
        Smoothed signals; shape (n_frames, n_columns), NaN = unknown throughout.
    fps
        Frames a second.
    cycle_frames
        Frames that a repetition takes; NaN = no repetitions found.
    """
    table = np.full((len(STATISTICS), columns.shape[1]), np.nan)
    known = np.isfinite(columns).all(axis=0)
    if len(columns) < _FEWEST_TO_FILTER or not known.any():
        return table
    found = columns[:, known]
    speed = np.abs(np.diff(found, axis=0)) * fps
    low, median, high = np.percentile(found, [5.0, 50.0, 95.0], axis=0)
    kept = np.full((len(STATISTICS), found.shape[1]), np.nan)
    kept[MEDIAN], kept[LOW], kept[HIGH], kept[RANGE] = median, low, high, high - low
    kept[VARIATION] = found.std(axis=0)
    kept[START] = found[: max(1, round(START_S * fps))].mean(axis=0)
    kept[SPEED], kept[TOP_SPEED] = speed.mean(axis=0), np.percentile(speed, 95.0, axis=0)
    kept[JERK] = _log_jerk(found, fps=fps)
    kept[FAST] = _share_above(found, fps=fps, hz=FAST_FROM_HZ)
    kept[LIKENESS] = _likeness(found, cycle_frames=cycle_frames)
    kept[np.ix_([JERK, FAST, LIKENESS], found.std(axis=0) < STILL)] = np.nan
    table[:, known] = kept
    return table


def course_statistics(columns: FloatArray, *, cycle_frames: float) -> FloatArray:
    """Return `COURSE` of each column: how it goes on from repetition to repetition; shape (len(COURSE), n_columns).

    Parameters are those of `column_statistics`. Where no repetitions were found the whole recording counts as one.
    """
    table = np.full((len(COURSE), columns.shape[1]), np.nan)
    known = np.isfinite(columns).all(axis=0)
    n_frames = len(columns)
    if n_frames < _FEWEST_TO_FILTER or not known.any():
        return table
    found = columns[:, known]
    cycle = min(round(cycle_frames), n_frames) if np.isfinite(cycle_frames) else n_frames
    ranges = np.array([np.ptp(found[at : at + cycle], axis=0) for at in range(0, n_frames - cycle + 1, cycle)])
    half = n_frames // 2
    steps = np.diff(found, axis=0)
    table[:, known] = (
        np.median(ranges, axis=0),
        np.where(found.std(axis=0) < STILL, np.nan, ranges.std(axis=0) / (ranges.mean(axis=0) + _TINY)),
        *np.percentile(found, [25.0, 75.0], axis=0),
        found[half:].mean(axis=0) - found[:half].mean(axis=0),
        np.log((steps[half:].std(axis=0) + _STILL_STEP) / (steps[:half].std(axis=0) + _STILL_STEP)),
    )
    return table


def _log_jerk(columns: FloatArray, *, fps: float) -> FloatArray:
    """Return the logarithm of RMS jerk over RMS velocity, in 1/s^2: free of a movement's size and length."""
    velocity = np.diff(columns, axis=0) * fps
    jerk = np.diff(columns, n=3, axis=0) * fps**3
    moving = np.sqrt(np.square(velocity).mean(axis=0))
    ratio: FloatArray = np.log((np.sqrt(np.square(jerk).mean(axis=0)) + _TINY) / (moving + _TINY))
    return ratio


def _share_above(columns: FloatArray, *, fps: float, hz: float) -> FloatArray:
    """Return the share of the velocity's power above a frequency."""
    velocity = np.diff(columns, axis=0)
    power = np.square(np.abs(np.fft.rfft(velocity - velocity.mean(axis=0), axis=0)))
    frequencies = np.fft.rfftfreq(len(velocity), 1.0 / fps)
    share: FloatArray = power[frequencies > hz].sum(axis=0) / (power.sum(axis=0) + _TINY)
    return share


def _likeness(columns: FloatArray, *, cycle_frames: float) -> FloatArray:
    """Return the correlation of each signal with itself one repetition later."""
    if not np.isfinite(cycle_frames) or cycle_frames >= len(columns) - _FEWEST_TO_FILTER:
        return np.full(columns.shape[1], np.nan)
    lag = round(cycle_frames)
    first, second = columns[:-lag] - columns[:-lag].mean(axis=0), columns[lag:] - columns[lag:].mean(axis=0)
    likeness: FloatArray = (first * second).sum(axis=0) / (
        np.sqrt(np.square(first).sum(axis=0) * np.square(second).sum(axis=0)) + _TINY
    )
    return likeness


@dataclass(frozen=True, eq=False)
class Repetitions:
    """How a movement repeats."""

    cycle_frames: float
    """Frames from one repetition to the next; NaN = none found."""
    count: int
    """Repetitions found."""
    durations_s: FloatArray
    """From one turning point to the next of the same kind; shape (count - 1,)."""
    heights: FloatArray
    """How far each one went, in standard deviations of the movement; shape (count,)."""
    regularity: float
    """Highest autocorrelation at a whole cycle, up to 1; NaN = none found."""


def find_repetitions(movement: FloatArray, *, fps: float) -> Repetitions:
    """Find repetitions in the one signal that tells most of the movement; shape (n_frames,)."""
    nothing = np.empty(0)
    spread = movement.std() if len(movement) else 0.0
    shortest = max(1, round(SHORTEST_CYCLE_S * fps))
    if not spread > _TINY or len(movement) <= 2 * shortest:
        return Repetitions(float("nan"), 0, nothing, nothing, float("nan"))
    centred = (movement - movement.mean()) / spread
    size = 2 ** int(np.ceil(np.log2(2 * len(centred))))
    spectrum = np.square(np.abs(np.fft.rfft(centred, size)))
    overlap = len(centred) - np.arange(len(centred))
    correlation = np.fft.irfft(spectrum, size)[: len(centred)] / overlap
    longest = min(round(LONGEST_CYCLE_S * fps), len(centred) * 2 // 3)
    tops, _ = find_peaks(correlation[:longest], prominence=0.1)
    tops = tops[(tops >= shortest) & (correlation[tops] >= LEAST_REGULARITY)]
    if not len(tops):
        return Repetitions(float("nan"), 0, nothing, nothing, float("nan"))
    best = correlation[tops].max()
    # The first peak nearly as high as the highest: two cycles fit as well as one.
    cycle = int(tops[correlation[tops] >= 0.8 * best][0])
    turns, _ = find_peaks(centred, distance=max(1, round(0.6 * cycle)), prominence=0.7)
    return Repetitions(float(cycle), len(turns), np.diff(turns) / fps, centred[turns], float(correlation[cycle]))
