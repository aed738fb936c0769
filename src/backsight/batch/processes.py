"""Worker processes of this machine, each with one clip at a time. Knows nothing of what a clip is.

When a process dies, it is known which clip it was working on: only that clip is lost, and a new process takes its
place; so it is with a clip that takes longer than it may. (The standard library's pool gives up all clips when one
process dies.)
"""

from __future__ import annotations

import math
import multiprocessing
import re
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

from backsight.batch.limits import TimeLimit
from backsight.batch.work import ClipResult, Job
from backsight.errors import BacksightError, BatchError, MissingDependencyError, ModelFileError
from backsight.studio.workers import as_children_should_start

Work = Callable[[Job], ClipResult]
"""A function of a module, or a `functools.partial` of one: it is sent to other processes by its name."""

JOBS_A_WORKER = 2
"""One that is worked on and one that waits, so that no worker idles while the next clip is brought."""
DIED = (
    "the worker process died over this clip, twice; memory may be used up (run again with fewer --workers), or the "
    "file upsets the decoder (convert it)"
)
MOST_STILLBORN = 3
"""Processes in a row that may die while they start, where others live: memory may be short for a moment."""
LOAD_LIMIT_S = 600.0
"""How long a process may load before its first clip: seconds as a rule, but disks on a network may be slow."""
_STOP_LIMIT_S = 5.0


@dataclass(frozen=True)
class Failure:
    """Why a clip gave no result."""

    reason: str
    """Without the file's name."""
    process_died: bool = False
    """True where the clip may not be at fault: it is tried once more."""
    ends_run: bool = False
    """True where every other clip would meet the same: weights or a package are missing."""


Outcome = ClipResult | Failure


class Pool(Protocol):
    """Somebody who does jobs, in any order."""

    @property
    def n_workers(self) -> int:
        """How many jobs are worked on at once."""
        ...

    @property
    def n_outstanding(self) -> int:
        """Jobs that have been handed in and not come back."""
        ...

    @property
    def capacity(self) -> int:
        """Jobs that may be outstanding without one waiting for long."""
        ...

    def start(self, n_jobs: int) -> None:
        """Make ready for so many jobs."""
        ...

    def submit(self, job: Job) -> None:
        """Hand in a job."""
        ...

    def collect(self, *, timeout_s: float) -> list[tuple[Job, Outcome]]:
        """Wait until a job has come back, at most that long, and return those that have."""
        ...

    def close(self) -> None:
        """Stop; what is being worked on is given up."""
        ...


def attempt(work: Work, job: Job) -> Outcome:
    """Do a job, and say in one line why it failed; whatever a clip meets, the others go on."""
    try:
        return work(job)
    except BacksightError as error:
        return Failure(
            reason_without_name(error, job.path), ends_run=isinstance(error, ModelFileError | MissingDependencyError)
        )
    except Exception as error:  # noqa: BLE001  (a defect that one clip brings to light must not cost the others)
        return Failure(f"{type(error).__name__}: {reason_without_name(error, job.path)}"[:500])


def reason_without_name(error: BaseException, path: Path) -> str:
    """Say in one line what went wrong, without the file's path or name: the same bytes may have many names."""
    reason = " ".join(str(error).split()).removeprefix(f"{path.name}: ")
    for mention in (str(path), path.name):
        reason = re.sub(rf"(?<!\w){re.escape(mention)}(?!\w)", "the recording", reason)
    return reason


@dataclass(frozen=True)
class _Limit:
    """What a worker says before it begins with a clip."""

    seconds: float


@dataclass(eq=False)
class _Worker:
    process: Any
    connection: Connection
    jobs: deque[Job] = field(default_factory=deque)
    """The first is being worked on."""
    started_s: float = field(default_factory=time.monotonic)
    """When the process was started, by the monotonic clock."""
    has_answered: bool = False
    begun_s: float = math.inf
    """When the first was begun, by the monotonic clock; infinity = nothing has been begun."""
    limit_s: float = math.inf

    @property
    def overdue_s(self) -> float:
        """By how much the clip takes longer than it may; negative while it does not."""
        return time.monotonic() - self.begun_s - self.limit_s if self.jobs else -math.inf

    def begin(self, limit_s: float) -> None:
        self.begun_s, self.limit_s = time.monotonic(), limit_s


class ProcessPool:
    """Processes that are started anew when they die; a `Pool`.

    Parameters
    ----------
    work
        Does a job.
    n_workers
        Processes, each with one thread's worth of work.
    time_limit
        How long a clip may take; asked in the worker's process.
    load
        Called in each process before its first job, so that what takes long to load is there. What it raises is not
        told: the first job meets the same.
    """

    def __init__(
        self,
        work: Work,
        *,
        n_workers: int,
        time_limit: TimeLimit | None = None,
        load: Callable[[], object] | None = None,
    ) -> None:
        self._work = work
        self._load = load
        self._n_workers = n_workers
        self._time_limit = time_limit or TimeLimit()
        self._waiting: deque[Job] = deque()
        self._workers: list[_Worker] = []
        self._has_any_answered = False
        self._n_stillborn = 0

    @property
    def n_workers(self) -> int:
        """How many jobs are worked on at once."""
        return self._n_workers

    @property
    def n_outstanding(self) -> int:
        """Jobs that have been handed in and not come back."""
        return len(self._waiting) + sum(len(worker.jobs) for worker in self._workers)

    @property
    def capacity(self) -> int:
        """Jobs that may be outstanding without one waiting for long."""
        return JOBS_A_WORKER * self._n_workers

    def start(self, n_jobs: int) -> None:
        """Start as many processes as so many jobs will keep busy, so that they load before the first is there."""
        while len(self._workers) < min(n_jobs, self._n_workers):
            self._start()

    def submit(self, job: Job) -> None:
        """Hand in a job."""
        self._waiting.append(job)
        self._hand_out()

    def collect(self, *, timeout_s: float) -> list[tuple[Job, Outcome]]:
        """Wait until a job has come back, at most that long, and return those that have.

        Raises
        ------
        BatchError
            When the only process dies before it has done anything, or several in a row do: others would, too.
        """
        connections = {worker.connection: worker for worker in self._workers}
        done: list[tuple[Job, Outcome]] = []
        # A process that ends, however it ends, closes its end of the connection.
        patience_s = min([timeout_s, *(max(0.0, -worker.overdue_s) for worker in self._workers)])
        for ready in wait(list(connections), timeout=patience_s):
            worker = connections[ready]  # type: ignore[index]
            try:
                answer = worker.connection.recv()
            except (EOFError, OSError):
                done += self._bury(worker)
                continue
            if isinstance(answer, _Limit):
                worker.begin(answer.seconds)
                continue
            if answer is None:
                worker.has_answered = self._has_any_answered = True
                self._n_stillborn = 0
            else:
                done.append((worker.jobs.popleft(), answer))
            worker.begin(self._time_limit.until_known_s)
        for worker in list(self._workers):
            # What has come back just now is not thrown away.
            if worker.connection.poll():
                continue
            if worker.overdue_s >= 0:
                done.append(self._give_up(worker))
            elif not worker.has_answered and time.monotonic() - worker.started_s > LOAD_LIMIT_S:
                # No clip is at fault: it hangs while it loads.
                worker.process.kill()
                done += self._bury(worker)
        self._hand_out()
        return done

    def close(self) -> None:
        """Stop; what is being worked on is given up."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            _end(worker.process)
        self._workers.clear()
        self._waiting.clear()

    def _hand_out(self) -> None:
        while self._waiting:
            worker = min(self._workers, key=lambda worker: len(worker.jobs), default=None)
            if (worker is None or worker.jobs) and len(self._workers) < self._n_workers:
                worker = self._start()
            if worker is None or len(worker.jobs) >= JOBS_A_WORKER:
                return
            job = self._waiting.popleft()
            if worker.has_answered and not worker.jobs:
                worker.begin(self._time_limit.until_known_s)
            worker.jobs.append(job)
            try:
                worker.connection.send(job)
            except OSError:
                # It has just died: `collect` finds that out, and gives this job to another.
                return

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._work, self._time_limit, self._load), daemon=True)
        try:
            with as_children_should_start():
                process.start()
        except OSError as error:
            raise BatchError(f"no worker process can be started ({error}); run again with fewer --workers") from error
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _bury(self, worker: _Worker) -> list[tuple[Job, Outcome]]:
        """Remove a dead process and tell what it was working on; what waited behind that is given to others."""
        worker.process.join(_STOP_LIMIT_S)
        code = worker.process.exitcode
        self._workers.remove(worker)
        worker.connection.close()
        if not worker.has_answered:
            self._n_stillborn += 1
            is_alone = not self._workers and not self._has_any_answered
            if is_alone or self._n_stillborn > MOST_STILLBORN:
                raise BatchError(
                    f"a worker process ended with code {code} before its first clip; run again with fewer --workers, "
                    "and see `backsight doctor`"
                )
            self._waiting.extendleft(reversed(worker.jobs))
            return []
        if not worker.jobs:
            return []
        job = worker.jobs.popleft()
        self._waiting.extendleft(reversed(worker.jobs))
        return [(job, Failure(DIED, process_died=True))]

    def _give_up(self, worker: _Worker) -> tuple[Job, Outcome]:
        """End a process that hangs over its clip; what waited behind that is given to others."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.kill()
        _end(worker.process)
        job = worker.jobs.popleft()
        self._waiting.extendleft(reversed(worker.jobs))
        return job, Failure(self._time_limit.why_given_up(worker.limit_s))


def _end(process: Any) -> None:
    """End a process, the hard way where it does not listen."""
    process.join(_STOP_LIMIT_S)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()


def _serve(connection: Connection, work: Work, time_limit: TimeLimit, load: Callable[[], object] | None) -> None:
    """Do jobs until the other end is closed, which also happens when the parent dies."""
    # Ctrl-C reaches every process of the terminal; only the parent answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if load is not None:
        with suppress(Exception):
            load()
    try:
        connection.send(None)
        while True:
            job = connection.recv()
            connection.send(_Limit(time_limit(job)))
            connection.send(attempt(work, job))
    except (EOFError, OSError):
        pass
