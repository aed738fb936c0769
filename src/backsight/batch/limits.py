"""How long one clip may take before it counts as hung. Knows nothing of processes.

A night's run must not wait for one recording over which a decoder never ends; nor may a long recording on a slow
machine be given up while it is being worked on. So the limit is far above what was ever measured, and grows with the
recording.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
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
FEWEST_BYTES_PER_S = 4000
"""No camera records less; a damaged header that tells of more seconds than the file has bytes for is not believed."""


@dataclass(frozen=True)
class TimeLimit:
    """Says how long a clip may take; asked in the process that works on it, because asking may hang as well."""

    fixed_s: float | None = None
    """The same for every clip, as the user says; None = by its length."""
    fewest_bytes_per_s: int = FEWEST_BYTES_PER_S
    """A header's seconds are believed as far as the file has so many bytes for each."""

    @property
    def until_known_s(self) -> float:
        """How long finding out may take."""
        return self.fixed_s or SHORTEST_LIMIT_S

    def __call__(self, job: Job) -> float:
        """Return the limit of one clip in seconds."""
        return self.fixed_s or SHORTEST_LIMIT_S + LIMIT_PER_SECOND * self._length_s(job)

    def why_given_up(self, limit_s: float) -> str:
        """Return the reason of a clip that took longer than this many seconds."""
        if self.fixed_s is not None:
            return (
                f"given up after {limit_s:g} s, the time that --clip-timeout allows: run again with a longer one, or "
                "convert the file if it hangs then as well"
            )
        return (
            f"given up after {limit_s:g} s, longer than a clip of its length should ever take: the decoder or the "
            "machine hangs over it; convert the file, or allow more with --clip-timeout"
        )

    def _length_s(self, job: Job) -> float:
        """Return the seconds that a recording's header tells of; 0 where it tells nothing."""
        from backsight.video.container import open_video

        try:
            with open_video(job.path) as (container, _):
                told_s = (container.duration or 0) / 1_000_000
            return min(max(told_s, 0.0), job.path.stat().st_size / self.fewest_bytes_per_s)
        except (BacksightError, OSError):
            # The work itself finds out what is wrong with the file.
            return 0.0


class Deadlines:
    """When the tasks of a run have to be over, from what is heard of them, late and out of turn as it may be.

    Every attempt at a clip is a task with a tag of its own, so that what is heard of one that has died does not count
    for the next, which may still be waiting for its turn.
    """

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, float]] = {}

    def expect(self, tag: str) -> None:
        """Await a task, which has not begun."""
        self._due[tag] = (math.inf, math.inf)

    def forget(self, tag: str) -> None:
        """Await a task no longer."""
        del self._due[tag]

    def hear(self, begun: Iterable[tuple[str, float]], *, now_s: float) -> None:
        """Take (tag, limit in seconds) of tasks that have begun; of those that nobody awaits nothing is kept."""
        self._due |= {tag: (now_s + limit_s, limit_s) for tag, limit_s in begun if tag in self._due}

    def overdue(self, *, now_s: float) -> Iterator[tuple[str, float]]:
        """Yield (tag, limit in seconds) of each task that should be over."""
        yield from [(tag, limit_s) for tag, (due_s, limit_s) in self._due.items() if now_s >= due_s]
