"""How smoothly something moves, from its speed alone. Knows nothing of what moves."""

from __future__ import annotations

import numpy as np

from backsight.domain.validation import FloatArray

SPARC_UP_TO_HZ = 5.0
"""The spectral arc length is taken up to here, where voluntary movement ends and jitter begins."""
SPARC_ABOVE_SHARE = 0.05
"""And no further than the spectrum last reaches this share of its value at 0 Hz, as by Balasubramanian et al."""
SPARC_SHORTEST_S = 0.5
"""In less there is no movement to speak of."""
SPARC_PADDED_BY = 4
"""The speed is padded with zeros to at least 2 to the power of this times its length, as by the same: the more, the
finer the line."""
_TINY = 1e-12


def spectral_arc_length(speed: FloatArray, *, fps: float, padded_by: int = SPARC_PADDED_BY) -> float:
    """Return SPARC of a speed profile, nearer to 0 the smoother; NaN = no movement, or too short to say.

    Balasubramanian et al. 2015, doi:10.1186/s12984-015-0090-9: minus the length of the line that the magnitude of the
    speed's spectrum draws over frequency, each as a share of its own largest. Neither size nor duration change it.

    Parameters
    ----------
    speed
        Not below 0, in any unit; shape (n_frames,), every frame known.
    fps
        Frames a second.
    padded_by
        Another power than `SPARC_PADDED_BY`.
    """
    if len(speed) < max(2.0, SPARC_SHORTEST_S * fps) or not speed.max() > _TINY:
        return float("nan")
    size = 2 ** (int(np.ceil(np.log2(len(speed)))) + padded_by)
    magnitude = np.abs(np.fft.rfft(speed, size))
    frequencies = np.fft.rfftfreq(size, 1.0 / fps)
    kept = frequencies <= SPARC_UP_TO_HZ
    magnitude, frequencies = magnitude[kept] / magnitude[0], frequencies[kept]
    above = np.flatnonzero(magnitude >= SPARC_ABOVE_SHARE)
    magnitude, frequencies = magnitude[: above[-1] + 1], frequencies[: above[-1] + 1]
    if len(frequencies) < 2:
        return float("nan")
    steps = np.diff(frequencies) / (frequencies[-1] - frequencies[0])
    return -float(np.hypot(steps, np.diff(magnitude)).sum())
