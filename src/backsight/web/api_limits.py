"""How often a program may ask the API. Knows no token: a key stands for whoever asks.

A bucket for each key holds `burst` requests and fills at `per_s` a second, so that a program may hurry for a while and
a loop without end is slowed down. Each worker process counts for itself.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from backsight.errors import ThrottledError

BURST = 300
"""Requests at once: a study of a hundred participants with all their recordings."""
PER_S = 10.0
_MOST_KEYS = 10_000
"""Buckets kept; above it the full ones, which say nothing, are thrown away."""


class RequestLimit:
    """Counts requests by key.

    Parameters
    ----------
    burst
        Requests that may come at once.
    per_s
        Requests a second in the long run.
    clock
        Seconds that never go back.
    """

    def __init__(
        self, *, burst: int = BURST, per_s: float = PER_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = float(burst)
        self._per_s = per_s
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}
        """{key: (requests left, when that was)}."""

    def take(self, key: str) -> None:
        """Count a request.

        Raises
        ------
        ThrottledError
            When there were too many; says when the next may come.
        """
        now_s = self._clock()
        with self._lock:
            left = self._left(key, now_s)
            if left < 1.0:
                wait_s = math.ceil((1.0 - left) / self._per_s)
                raise ThrottledError(f"too many requests with this token; wait {wait_s} s", seconds=wait_s)
            self._buckets[key] = (left - 1.0, now_s)
            if len(self._buckets) > _MOST_KEYS:
                self._buckets = {
                    other: bucket for other, bucket in self._buckets.items() if self._left(other, now_s) < self._burst
                }

    def _left(self, key: str, now_s: float) -> float:
        left, at_s = self._buckets.get(key, (self._burst, now_s))
        return min(self._burst, left + (now_s - at_s) * self._per_s)
