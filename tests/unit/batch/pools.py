"""A pool in this process, for tests that need no other; gives results back in an order of the test's choice."""

from __future__ import annotations

from collections.abc import Callable

from backsight.batch.processes import Outcome, Work, attempt
from backsight.batch.work import Job
from tests.unit.batch.works import echo


class InlinePool:
    def __init__(self, work: Work = echo, *, capacity: int = 4, take: Callable[[int], int] = lambda _: 0) -> None:
        self._work = work
        self._take = take
        self._jobs: list[Job] = []
        self.capacity = self.n_workers = capacity
        self.done: list[str] = []

    @property
    def n_outstanding(self) -> int:
        return len(self._jobs)

    def submit(self, job: Job) -> None:
        self._jobs.append(job)

    def collect(self, *, timeout_s: float) -> list[tuple[Job, Outcome]]:
        job = self._jobs.pop(self._take(len(self._jobs)))
        self.done.append(job.path.name)
        return [(job, attempt(self._work, job))]

    def close(self) -> None:
        self._jobs.clear()
