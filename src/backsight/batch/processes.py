"""Worker processes of this machine, each with one clip at a time. Knows nothing of what a clip is.

When a process dies, it is known which clip it was working on: only that clip is lost, and a new process takes its
place. (The standard library's pool gives up all clips when one process dies.)
"""

from __future__ import annotations

import multiprocessing
import re
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol

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
"""Processes in a row that may die while they start, where others have started: memory may be short for a moment."""
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
    def n_outstanding(self) -> int:
        """Jobs that have been handed in and not come back."""
        ...

    @property
    def capacity(self) -> int:
        """Jobs that may be outstanding without one waiting for long."""
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


@dataclass(eq=False)
class _Worker:
    process: Any
    connection: Connection
    jobs: deque[Job] = field(default_factory=deque)
    """The first is being worked on."""
    has_answered: bool = False


class ProcessPool:
    """Processes that are started anew when they die; a `Pool`.

    Parameters
    ----------
    work
        Does a job.
    n_workers
        Processes, each with one thread's worth of work.
    """

    def __init__(self, work: Work, *, n_workers: int) -> None:
        self._work = work
        self._n_workers = n_workers
        self._waiting: deque[Job] = deque()
        self._workers: list[_Worker] = []
        self._has_any_answered = False
        self._n_stillborn = 0

    @property
    def n_outstanding(self) -> int:
        """Jobs that have been handed in and not come back."""
        return len(self._waiting) + sum(len(worker.jobs) for worker in self._workers)

    @property
    def capacity(self) -> int:
        """Jobs that may be outstanding without one waiting for long."""
        return JOBS_A_WORKER * self._n_workers

    def submit(self, job: Job) -> None:
        """Hand in a job."""
        self._waiting.append(job)
        self._hand_out()

    def collect(self, *, timeout_s: float) -> list[tuple[Job, Outcome]]:
        """Wait until a job has come back, at most that long, and return those that have.

        Raises
        ------
        BatchError
            When the first process dies before it has done anything, as every other would, or several in a row do.
        """
        connections = {worker.connection: worker for worker in self._workers}
        done: list[tuple[Job, Outcome]] = []
        # A process that ends, however it ends, closes its end of the connection.
        for ready in wait(list(connections), timeout=timeout_s):
            worker = connections[ready]  # type: ignore[index]
            try:
                answer = worker.connection.recv()
            except (EOFError, OSError):
                done += self._bury(worker)
                continue
            if answer is None:
                worker.has_answered = self._has_any_answered = True
                self._n_stillborn = 0
            else:
                done.append((worker.jobs.popleft(), answer))
        self._hand_out()
        return done

    def close(self) -> None:
        """Stop; what is being worked on is given up."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_STOP_LIMIT_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
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
            worker.jobs.append(job)
            try:
                worker.connection.send(job)
            except OSError:
                # It has just died: `collect` finds that out, and gives this job to another.
                return

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self._work), daemon=True)
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
            if not self._has_any_answered or self._n_stillborn > MOST_STILLBORN:
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


def _serve(connection: Connection, work: Work) -> None:
    """Do jobs until the other end is closed, which also happens when the parent dies."""
    # Ctrl-C reaches every process of the terminal; only the parent answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        connection.send(None)
        while True:
            connection.send(attempt(work, connection.recv()))
    except (EOFError, OSError):
        pass
