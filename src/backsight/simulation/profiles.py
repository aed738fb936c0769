"""Smooth functions of time that movements are made of. Knows nothing of bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.validation import FloatArray


def min_jerk(t: FloatArray, start_s: float, end_s: float) -> FloatArray:
    """Rise from 0 to 1 between two times along the minimum-jerk curve of Flash and Hogan 1985.

    Parameters
    ----------
    t
        Times in seconds; shape (n,).
    start_s, end_s
        When the rise begins and ends; 0 before, 1 after.
    """
    x = np.clip((t - start_s) / max(end_s - start_s, 1e-9), 0.0, 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


@dataclass(frozen=True)
class Way:
    """How somebody gets from one posture to another: along the curve of minimum jerk, or more or less off it."""

    skew: float = 0.0
    """Above 0 the greatest speed comes early, below 0 late; by about half of this share of the time. -0.5 to 0.5."""
    abruptness: float = 0.0
    """0 = starts and ends as gently as minimum jerk; 1 = along a half cosine, whose acceleration begins at once."""
    halting: float = 0.0
    """How unevenly the speed runs: 0 = in one go, 1 = it all but stops twice on the way."""

    def __call__(self, t: FloatArray, start_s: float, end_s: float) -> FloatArray:
        """Rise from 0 to 1 between two times, never falling; shape (n,) of `t` in seconds."""
        x = np.clip((t - start_s) / max(end_s - start_s, 1e-9), 0.0, 1.0)
        x = x - self.halting / (6.0 * np.pi) * np.sin(6.0 * np.pi * x)
        x = x + self.skew * x * (1.0 - x)
        gentle = x * x * x * (10.0 + x * (6.0 * x - 15.0))
        return (1.0 - self.abruptness) * gentle + self.abruptness * 0.5 * (1.0 - np.cos(np.pi * x))


STRAIGHT = Way()
"""The curve of minimum jerk."""


def pulse(
    t: FloatArray, times_s: tuple[float, float, float, float], *, there: Way = STRAIGHT, back: Way = STRAIGHT
) -> FloatArray:
    """Rise from 0 to 1 between the first two times and fall back between the last two."""
    return there(t, times_s[0], times_s[1]) - back(t, times_s[2], times_s[3])


def wander(t: FloatArray, rng: np.random.Generator, *, sd: float, fastest_hz: float = 0.8) -> FloatArray:
    """Drift around 0 as bodies do that try to keep still: eight sinusoids of random frequency and phase.

    A function of time rather than of frames, so that the same person moves alike at 25, 30 and 60 frames a second.

    Parameters
    ----------
    sd
        Standard deviation of the drift, in the caller's unit.
    fastest_hz
        Upper end of the frequencies; postural sway lies below about 1 Hz.
    """
    n_terms = 8
    frequencies = rng.uniform(0.05, fastest_hz, n_terms)
    phases = rng.uniform(0.0, 2.0 * np.pi, n_terms)
    terms = np.sin(2.0 * np.pi * np.outer(t, frequencies) + phases)
    return np.asarray(sd * np.sqrt(2.0 / n_terms) * terms.sum(axis=1), dtype=np.float64)


def quintic(
    t: FloatArray, start_s: float, end_s: float, *, start: tuple[float, float, float], end: tuple[float, float, float]
) -> FloatArray:
    """Evaluate the fifth-degree polynomial with given position, velocity and acceleration at both ends.

    Parameters
    ----------
    t
        Times in seconds; shape (n,).
    start, end
        (position, velocity per second, acceleration per second squared) at either end.
    """
    span = end_s - start_s
    x = (t - start_s) / span
    p0, v0, a0 = start[0], start[1] * span, start[2] * span**2
    gap = end[0] - p0 - v0 - a0 / 2.0
    slope = end[1] * span - v0 - a0
    bend = end[2] * span**2 - a0
    c3 = 10.0 * gap - 4.0 * slope + bend / 2.0
    c4 = -15.0 * gap + 7.0 * slope - bend
    c5 = 6.0 * gap - 3.0 * slope + bend / 2.0
    return p0 + x * (v0 + x * (a0 / 2.0 + x * (c3 + x * (c4 + x * c5))))
