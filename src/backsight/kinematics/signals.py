"""Smoothing and rates of change of signals with missing values. Knows nothing of what they measure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backsight.domain.validation import FloatArray

_FEWEST_READINGS = 8
"""Four unknowns are fitted; fewer readings than twice that say too little."""
_STILL = 1e-12
"""Sum of squares of a signal that does not vary but for rounding."""
_LEAST_CYCLES = 0.9
"""A whole cycle but for some frames at either end; over much less of it a drift looks like a wave."""


class Wave(NamedTuple):
    """A part of a signal that repeats once a cycle."""

    component: complex
    """Half the range as modulus, in the signal's unit, and the lead over the phase as angle, 0 where the signal is
    largest at phase 0; NaN = not known."""
    share: float
    """Share of the signal's variance about its drift that the wave explains, 0 to 1; NaN = not known."""

    @property
    def range(self) -> float:
        """Peak to peak, in the signal's unit."""
        return 2.0 * abs(self.component)


def frames_in(timestamps_s: FloatArray, *, seconds: float) -> int:
    """Return how many frame steps `seconds` are, at least 1."""
    if len(timestamps_s) < 2:
        return 1
    return max(1, round(seconds / float(np.median(np.diff(timestamps_s)))))


def rate_of_change(values: FloatArray, timestamps_s: FloatArray, *, span_s: float = 0.2) -> FloatArray:
    """Return the change a second between the two ends of a span centred on each frame; shape (n_frames,).

    Towards the ends of the recording the span is cut short. NaN where either end of the span is missing.
    """
    n_frames = len(values)
    if n_frames < 2:
        return np.full(n_frames, np.nan)
    half = max(1, frames_in(timestamps_s, seconds=span_s) // 2)
    frames = np.arange(n_frames)
    first, last = np.maximum(frames - half, 0), np.minimum(frames + half, n_frames - 1)
    return (values[last] - values[first]) / (timestamps_s[last] - timestamps_s[first])


def smooth(values: FloatArray, timestamps_s: FloatArray, *, window_s: float = 0.15) -> FloatArray:
    """Return the mean of the known values in a window centred on each frame; a missing frame stays missing.

    Shape (n_frames,). Towards the ends of the recording the window stays centred and shrinks, so that nothing shifts.
    """
    half = frames_in(timestamps_s, seconds=window_s) // 2
    n_frames = len(values)
    frames = np.arange(n_frames)
    reach = np.minimum(half, np.minimum(frames, n_frames - 1 - frames))
    there = np.isfinite(values)
    total = np.concatenate(([0.0], np.cumsum(np.where(there, values, 0.0))))
    count = np.concatenate(([0], np.cumsum(there)))
    window_sum = total[frames + reach + 1] - total[frames - reach]
    window_count = count[frames + reach + 1] - count[frames - reach]
    return np.where(there, window_sum / np.maximum(window_count, 1), np.nan)


def wave_in_phase(values: FloatArray, phase_rad: FloatArray) -> Wave:
    """Return the part of a signal that repeats once a cycle.

    A cosine wave with a straight drift is fitted; jitter at other frequencies, which a plain range would add up, does
    not count.

    Parameters
    ----------
    values
        Shape (n_frames,); NaN = missing.
    phase_rad
        Phase of the cycle, rising; shape (n_frames,).

    Returns
    -------
    Wave
        NaN where less than a whole cycle is known.
    """
    there = np.isfinite(values)
    phase, readings = phase_rad[there], values[there]
    if len(phase) < _FEWEST_READINGS or phase[-1] - phase[0] < _LEAST_CYCLES * 2.0 * np.pi:
        return Wave(complex(float("nan")), float("nan"))
    drift = np.column_stack((np.ones_like(phase), phase - phase.mean()))
    waves = np.column_stack((np.cos(phase), np.sin(phase), drift))
    fitted = np.linalg.lstsq(waves, readings)[0]
    beside = np.square(readings - waves @ fitted).sum()
    without = np.square(readings - drift @ np.linalg.lstsq(drift, readings)[0]).sum()
    return Wave(complex(fitted[0], -fitted[1]), float(1.0 - beside / without) if without > _STILL else 0.0)


def range_of_known(values: FloatArray) -> float:
    """Return the spread from the 2.5th to the 97.5th centile of the known values; NaN when there are none."""
    found = values[np.isfinite(values)]
    if not len(found):
        return float("nan")
    low, high = np.percentile(found, [2.5, 97.5])
    return float(high - low)
