"""Smoothing and rates of change of signals with missing values. Knows nothing of what they measure."""

from __future__ import annotations

import numpy as np

from backsight.domain.validation import FloatArray

_FEWEST_PERIODS_TRIED = 0.75
"""Slower waves are not tried: over less of a period a wave with a drift fits anything. From here to a whole period they
are, so that a rhythm seen for too short is recognised as such and not taken for a faster one."""
_FEWEST_READINGS = 8
"""Four unknowns are fitted; fewer readings than twice that say too little."""
_FREQUENCY_STEP_HZ = 0.02
"""Fine enough that over ten periods a wave stays within a fifth of a turn."""


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


def swing_with(
    values: FloatArray, rhythm: FloatArray, timestamps_s: FloatArray, *, slowest_hz: float, fastest_hz: float
) -> float:
    """Return how far a signal swings back and forth, peak to peak, in step with another one.

    The rhythm's own frequency is the one whose sine wave, with a straight drift, fits it best; the answer is twice the
    amplitude of that wave in `values`. Jitter at other frequencies, which a plain range would add up, does not count.

    Parameters
    ----------
    values, rhythm
        Shape (n_frames,); frames where either is NaN are left out.
    timestamps_s
        Shape (n_frames,).
    slowest_hz, fastest_hz
        Frequencies among which the rhythm is looked for.

    Returns
    -------
    float
        In the unit of `values`; NaN where less than one period of the frequency found is known.
    """
    there = np.isfinite(values) & np.isfinite(rhythm)
    times_s = timestamps_s[there]
    if len(times_s) < _FEWEST_READINGS:
        return float("nan")
    known_s = float(times_s[-1] - times_s[0])
    slowest_tried_hz = max(slowest_hz, _FEWEST_PERIODS_TRIED / known_s)
    drift = np.column_stack((np.ones_like(times_s), times_s - times_s.mean()))
    best_misfit, periods, swing = np.inf, 0.0, float("nan")
    for frequency_hz in np.arange(slowest_tried_hz, fastest_hz + 1e-9, _FREQUENCY_STEP_HZ):
        angle = 2.0 * np.pi * frequency_hz * times_s
        waves = np.column_stack((np.cos(angle), np.sin(angle), drift))
        fitted = waves @ np.linalg.lstsq(waves, rhythm[there])[0]
        misfit = float(np.square(rhythm[there] - fitted).sum())
        if misfit < best_misfit:
            in_step = np.linalg.lstsq(waves, values[there])[0]
            best_misfit, periods = misfit, frequency_hz * known_s
            swing = 2.0 * float(np.hypot(in_step[0], in_step[1]))
    return swing if periods >= 1.0 else float("nan")


def range_of_known(values: FloatArray) -> float:
    """Return the spread from the 2.5th to the 97.5th centile of the known values; NaN when there are none."""
    found = values[np.isfinite(values)]
    if not len(found):
        return float("nan")
    low, high = np.percentile(found, [2.5, 97.5])
    return float(high - low)
