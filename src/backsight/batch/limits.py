"""How long one clip may take before it counts as hung. Knows nothing of processes.

A night's run must not wait for one recording over which a decoder never ends; nor may a long recording on a slow
machine be given up while it is being worked on. So the limit is far above what was ever measured, and grows with the
recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backsight.errors import BacksightError

if TYPE_CHECKING:
    from backsight.batch.work import Job

SHORTEST_LIMIT_S = 600.0
"""Also the limit while a recording's length is not known."""
LIMIT_PER_SECOND = 20.0
"""Seconds of work that a second of recording may take: five times the slowest there is, heavy on MediaPipe with 76 ms a
frame (docs/speed.md) at 50 frames a second."""
_FEWEST_BYTES_PER_S = 4000
"""No camera records less; a damaged header that tells of more seconds than the file has bytes for is not believed."""


@dataclass(frozen=True)
class TimeLimit:
    """Says how long a clip may take; asked in the process that works on it, because asking may hang as well."""

    fixed_s: float | None = None
    """The same for every clip; None = by its length."""

    @property
    def until_known_s(self) -> float:
        """How long finding out may take."""
        return self.fixed_s or SHORTEST_LIMIT_S

    def __call__(self, job: Job) -> float:
        """Return the limit of one clip in seconds."""
        return self.fixed_s or SHORTEST_LIMIT_S + LIMIT_PER_SECOND * _length_s(job)


def given_up(limit_s: float) -> str:
    """Return the reason of a clip that took longer."""
    return (
        f"given up after {limit_s:g} s, longer than a clip of its length should ever take: the decoder or the machine "
        "hangs over it; convert the file, or allow more with --clip-timeout"
    )


def _length_s(job: Job) -> float:
    """Return the seconds that a recording's header tells of; 0 where it tells nothing."""
    from backsight.video.container import open_video

    try:
        with open_video(job.path) as (container, _):
            told_s = (container.duration or 0) / 1_000_000
        return min(max(told_s, 0.0), job.path.stat().st_size / _FEWEST_BYTES_PER_S)
    except (BacksightError, OSError):
        # The work itself finds out what is wrong with the file.
        return 0.0
