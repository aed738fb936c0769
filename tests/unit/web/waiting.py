"""Wait for what another thread or process does, as long as a busy machine may need and no longer than it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def until(is_so: Callable[[], bool], *, what: str, within_s: float = 120.0) -> None:
    """Return when it is so; fail when that takes too long."""
    deadline_s = time.monotonic() + within_s
    pause = threading.Event()
    while not is_so():
        assert time.monotonic() < deadline_s, f"after {within_s:.0f} s still not: {what}"
        pause.wait(0.05)
