"""When a forward bend starts, reaches the bottom and ends. Knows nothing of norms or scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backsight.domain.validation import FloatArray
from backsight.kinematics.geometry import known, known_share, median_of_known
from backsight.kinematics.signals import smooth

SMALLEST_BEND_DEG = 30.0
"""A trunk that flexes less than this above standing has not bent: seen from the front, where one camera errs by up to
14 degrees, seated people who turn and people who jump showed 20 to 27."""
STANDING_WITHIN_SHARE = 0.15
"""Flexion within this share of the whole movement above the lowest level counts as standing."""
BEND_STARTS_AT_SHARE, BEND_STARTS_AT_LEAST_DEG = 0.05, 4.0
"""A bend is timed while the trunk is flexed above standing by more than this share of the deepest flexion, and by more
than landmark jitter; the time is then extended to the whole bend as for one turn of a cosine."""
BOTTOM_SHARE = 0.95
"""Above this share of the deepest flexion the person is at the bottom."""
PAUSE_ABOVE_SHARE = 0.4
"""Staying at the bottom for more than this share of the timed bend is a pause. One turn of a cosine stays for 17 %, the
smoothest reach down and up (least jerk) for 23 %."""


@dataclass(frozen=True)
class Bend:
    """The deepest forward bend of a recording; times in the recording's seconds."""

    start_s: float
    """Leaves standing by the threshold; NaN = the recording starts in the bend."""
    bottom_start_s: float
    deepest_s: float
    bottom_end_s: float
    end_s: float
    """Is back within the threshold; NaN = the recording ends in the bend."""
    standing_deg: float
    """Flexion while standing, to be subtracted."""
    deepest_deg: float
    """Flexion at the deepest point, standing not subtracted."""
    threshold_share: float
    """Share of the deepest flexion above standing at which start and end are taken."""
    known_share: float
    """Share of the bend's frames in which the flexion is known."""

    @property
    def range_deg(self) -> float:
        """Flexion at the deepest point above the person's own standing."""
        return self.deepest_deg - self.standing_deg

    @property
    def bottom_s(self) -> float:
        """Seconds spent at the bottom."""
        return self.bottom_end_s - self.bottom_start_s

    @property
    def is_paused(self) -> bool:
        """True when the person stayed at the bottom; False when start or end is unknown."""
        return self.bottom_s > PAUSE_ABOVE_SHARE * (self.end_s - self.start_s)

    @property
    def down_and_up_s(self) -> float:
        """Seconds from standing to standing, less a pause at the bottom; NaN = start or end is not in the recording.

        What passes below the threshold is added as for one turn of a cosine, which reaches a share p of its depth after
        arccos(1 - 2 p) / pi of its way down.
        """
        top, bottom = np.arccos(1.0 - 2.0 * np.array([self.threshold_share, BOTTOM_SHARE])) / np.pi
        if self.is_paused:
            return float((self.end_s - self.start_s - self.bottom_s) / (bottom - top))
        return float((self.end_s - self.start_s) / (1.0 - top))


def find_bend(flexion_deg: FloatArray, timestamps_s: FloatArray) -> Bend | None:
    """Find the deepest bend in the trunk's flexion.

    Parameters
    ----------
    flexion_deg
        Trunk flexion, standing not subtracted; shape (n_frames,); NaN = missing.
    timestamps_s
        Shape (n_frames,).

    Returns
    -------
    Bend or None
        None when the trunk never flexes by `SMALLEST_BEND_DEG`.
    """
    flexion = smooth(flexion_deg, timestamps_s)
    there = np.isfinite(flexion)
    if not there.any():
        return None
    deepest = int(np.nanargmax(flexion))
    standing_deg, peak_deg = find_standing_deg(flexion), float(flexion[deepest])
    range_deg = peak_deg - standing_deg
    if not range_deg >= SMALLEST_BEND_DEG:
        return None
    threshold_share = max(BEND_STARTS_AT_SHARE, BEND_STARTS_AT_LEAST_DEG / range_deg)
    upright = there & (flexion <= standing_deg + threshold_share * range_deg)
    high = np.flatnonzero(there & (flexion >= standing_deg + BOTTOM_SHARE * range_deg))
    before, after = np.flatnonzero(upright[:deepest]), np.flatnonzero(upright[deepest:]) + deepest
    first = int(before[-1]) if len(before) else 0
    last = int(after[0]) if len(after) else len(flexion) - 1
    bottom = high[(high >= first) & (high <= last)]
    return Bend(
        start_s=float(timestamps_s[first]) if len(before) else float("nan"),
        bottom_start_s=float(timestamps_s[bottom[0]]),
        deepest_s=float(timestamps_s[deepest]),
        bottom_end_s=float(timestamps_s[bottom[-1]]),
        end_s=float(timestamps_s[last]) if len(after) else float("nan"),
        standing_deg=standing_deg,
        deepest_deg=peak_deg,
        threshold_share=threshold_share,
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
