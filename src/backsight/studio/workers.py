"""Spread jobs that do not depend on each other over processes of one core each. Knows nothing of what a job does."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_end
from typing import Any, Generic, Protocol, TypeVar

from backsight.errors import FilmingError

POLL_S = 0.3
"""How often progress is reported while nothing ends."""
_SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LP_NUM_THREADS", "VTK_SMP_MAX_THREADS")
"""Libraries start a thread a core by themselves, which slows down processes that have the cores already."""

JobT = TypeVar("JobT")
JobT_contra = TypeVar("JobT_contra", contravariant=True)
ResultT = TypeVar("ResultT")
ResultT_co = TypeVar("ResultT_co", covariant=True)
Count = Callable[[int], None]
"""Called with how many units of work have been done since the last call."""


class Work(Protocol[JobT_contra, ResultT_co]):
    """A function of a module: it is sent to other processes by its name."""

    def __call__(self, job: JobT_contra, count: Count, /) -> ResultT_co:
        """Do one job; `count` is called often, and raises when the work is to stop."""
        ...


class Outcome(Generic[JobT, ResultT]):
    """What became of a job: a result, or the error that ended it."""

    def __init__(self, job: JobT, get: Callable[[], ResultT]) -> None:
        self.job = job
        self._get = get

    def result(self) -> ResultT:
        """Return the result, or raise the job's error."""
        return self._get()


def run_jobs(
    jobs: Sequence[JobT],
    work: Work[JobT, ResultT],
    *,
    n_workers: int,
    on_count: Callable[[int], None] | None = None,
) -> Iterator[Outcome[JobT, ResultT]]:
    """Yield the outcomes of jobs as they end.

    Leaving the loop early, by an error or Ctrl-C, lets running jobs unwind at their next `count` and starts no others.

    Parameters
    ----------
    work
        Does a job; a function of a module, or a `functools.partial` of one.
    n_workers
        Processes; 1 = in this one.
    on_count
        Called with the units of work done so far, several times a second.

    Raises
    ------
    FilmingError
        When a process dies, which is nearly always the system's doing because memory is used up.
    """
    if n_workers <= 1 or len(jobs) <= 1:
        yield from _run_here(jobs, work, on_count)
        return
    context = multiprocessing.get_context("spawn")
    stop, counter = context.Event(), context.Value("q", 0)
    with as_children_should_start():
        pool = ProcessPoolExecutor(
            min(n_workers, len(jobs)), mp_context=context, initializer=_begin, initargs=(stop, counter)
        )
        futures = {pool.submit(_run, work, job): job for job in jobs}
    try:
        pending = set(futures)
        while pending:
            ended, pending = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
            if on_count:
                on_count(counter.value)
            for future in ended:
                yield Outcome(futures[future], _getter(future))
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _run_here(
    jobs: Sequence[JobT], work: Work[JobT, ResultT], on_count: Callable[[int], None] | None
) -> Iterator[Outcome[JobT, ResultT]]:
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if on_count:
            on_count(done)

    for job in jobs:
        future: Future[ResultT] = Future()
        try:
            future.set_result(work(job, count))
        except Exception as error:  # noqa: BLE001  (handed on in the outcome, whatever it is)
            future.set_exception(error)
        yield Outcome(job, future.result)


def _getter(future: Future[ResultT]) -> Callable[[], ResultT]:
    def get() -> ResultT:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise FilmingError(
                "a worker process has died, most likely because memory is used up; what is finished is kept: run again "
                "with fewer --workers"
            ) from error

    return get


@contextmanager
def as_children_should_start() -> Iterator[None]:
    """Set what new processes inherit, and put it back: one thread a library, and no ear for Ctrl-C while they load."""
    before = {name: os.environ.get(name) for name in _SINGLE_THREADED}
    os.environ.update(dict.fromkeys(_SINGLE_THREADED, "1"))
    # Only the main thread may do this; elsewhere nobody gets a Ctrl-C either.
    is_main = threading.current_thread() is threading.main_thread()
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, on_interrupt)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Stopped(Exception):  # noqa: N818  (no error: somebody wants the work to end)
    pass


_stop: Any = None
_counter: Any = None


def _begin(stop: Any, counter: Any) -> None:
    """Get a worker ready: Ctrl-C is the parent's business, and nobody works on for a parent that is gone."""
    global _stop, _counter
    _stop, _counter = stop, counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)


def _count(n: int) -> None:
    if _stop.is_set():
        raise _Stopped
    with _counter.get_lock():
        _counter.value += n


def _run(work: Work[JobT, ResultT], job: JobT) -> ResultT:
    return work(job, _count)
