"""Keep what a live run measures of itself. Knows neither window nor lines."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_KEPT_LATENCIES = 36_000
"""Twenty minutes at 30 frames a second: who leaves the view running must not run out of memory."""


@dataclass
class LiveFigures:
    """What a run measured of itself."""

    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT_LATENCIES))
    """From capture to drawn frame, or to the line written; of the newest frames."""
    n_drawn: int = 0
    """Frames drawn, or lines written."""
    n_dropped: int = 0
    n_buckets_dropped: int = 0
    n_taken: int = 0
    """Frames that the source gave since the first one that was looked at."""
    watched_s: float = 0.0
    """Seconds from the first frame drawn to the end."""
