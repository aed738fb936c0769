"""Keep the start-up chatter of MediaPipe's C++ libraries off the terminal. Knows nothing of poses.

The libraries write a handful of notices to the process's standard error, past Python, and offer no switch for it.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_CHATTER = re.compile(rb"[IW]\d{4} \d\d:\d\d:|WARNING: .*before .* STDERR|INFO: Created TensorFlow Lite|\s*$")
"""Notices and warnings with Abseil's prefix, and what comes before its logging is set up; its errors do not match."""
_LOCK = threading.Lock()
"""Standard error belongs to the whole process: two threads that both put it back could leave it misdirected."""


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what is written to standard error, drop the C++ libraries' notices and pass on the rest at the end."""
    with _LOCK, tempfile.TemporaryFile() as held_back:
        try:
            terminal = os.dup(_STDERR)
        except OSError:  # a program without a standard error has nothing to keep clean
            yield
            return
        os.dup2(held_back.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(terminal, _STDERR)
            held_back.seek(0)
            for line in held_back:
                if not _CHATTER.match(line):
                    os.write(terminal, line)
            os.close(terminal)
