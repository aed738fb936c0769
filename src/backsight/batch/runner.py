"""Take every clip of a source that is not done yet through a pool, and keep what comes back. Knows no engine.

Memory does not grow with the number of clips: they stand in the ledger, and only those being worked on are held.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backsight.batch.ledger import Counts, Item, Ledger
from backsight.batch.options import result_key
from backsight.batch.processes import Failure, Outcome, Pool
from backsight.batch.sources import Fetched, Fetcher, why_unreadable
from backsight.batch.store import Store
from backsight.batch.timeleft import TimeLeft
from backsight.batch.work import Job
from backsight.errors import BatchError, MissingDependencyError, OutputError
from backsight.exports.folder import output_error

POLL_S = 0.5
"""How often progress is told while nothing comes back."""
MOST_ATTEMPTS = 2
"""A clip whose worker process dies is tried once more: the first death may have been another's fault."""
_SPOOL_NAME = ".spool"


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    n_items: int
    n_done: int
    """Finished clips, those of earlier runs included."""
    n_failed: int
    n_already_there: int
    """Finished by an earlier run."""
    time_left_s: float | None
    """None = cannot be said yet."""


OnProgress = Callable[[Progress], None]


@dataclass
class _InWork:
    """A clip that a pool has."""

    listed_bytes: int | None
    actual_bytes: int
    n_attempts: int = 1


class Runner:
    """One run over the items of a ledger; use it once.

    Parameters
    ----------
    ledger, store
        Of the results folder.
    folder
        The results folder.
    run
        What besides content and options decides results; see `options.run_identity`.
    n_bytes, n_unknown
        Size of the items together, and how many have none that is known; for the time left.
    """

    def __init__(
        self, ledger: Ledger, store: Store, *, folder: Path, run: str, n_bytes: int = 0, n_unknown: int = 0
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._folder = folder
        self._fetcher = Fetcher(folder / _SPOOL_NAME)
        self._run = run
        self._in_work: dict[str, _InWork] = {}
        self._time_left = TimeLeft(n_bytes, n_unknown=n_unknown)
        self._n_items = ledger.counts().n_items
        self._n_done = self._n_failed = self._n_already_there = self._n_repeated = 0

    def run(self, pool: Pool, *, on_progress: OnProgress | None = None) -> Counts:
        """Do what is not done; returns how the items stand.

        Raises
        ------
        BatchError, MissingDependencyError, OutputError
            What would meet every clip ends the run; results so far are kept.
        """
        jobs = self._jobs()
        # A run that was killed leaves its copies.
        shutil.rmtree(self._folder / _SPOOL_NAME, ignore_errors=True)
        try:
            while True:
                while pool.n_outstanding < pool.capacity and (job := next(jobs, None)) is not None:
                    self._time_left.begin(time.monotonic())
                    pool.submit(job)
                if on_progress:
                    on_progress(self._progress())
                if not pool.n_outstanding:
                    break
                for job, outcome in pool.collect(timeout_s=POLL_S):
                    self._take(pool, job, outcome)
        finally:
            shutil.rmtree(self._folder / _SPOOL_NAME, ignore_errors=True)
        return self._ledger.counts()

    @property
    def n_already_there(self) -> int:
        """Clips that an earlier run had done already."""
        return self._n_already_there

    @property
    def n_repeated(self) -> int:
        """Clips that needed no work because this run did the same recording, looked at alike, under another name."""
        return self._n_repeated

    def _progress(self) -> Progress:
        return Progress(
            n_items=self._n_items,
            n_done=self._n_done,
            n_failed=self._n_failed,
            n_already_there=self._n_already_there,
            time_left_s=self._time_left.remaining_s(time.monotonic()),
        )

    def _jobs(self) -> Iterator[Job]:
        """Yield what is to be done; note on the way what is done already and what cannot be read."""
        for item in self._ledger.items():
            try:
                job = self._prepare(item)
            except (MissingDependencyError, BatchError, OutputError):
                raise
            except Exception as error:  # buckets raise errors of their own: one clip's failure
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise output_error(self._folder, error) from error
                self._n_failed += self._ledger.note_unreadable(
                    item.number, reason=f"cannot be read: {why_unreadable(error)}"
                )
                self._time_left.skip(item.found.size_bytes)
                continue
            if job is not None:
                yield job

    def _prepare(self, item: Item) -> Job | None:
        """Learn an item's content; return what is to be done, None = done or being done already."""
        location = item.found.location
        version = self._fetcher.version(location)
        sha256 = None if version is None else self._ledger.known_sha256(location, version)
        if sha256 is not None and self._is_taken(item, sha256):
            return None
        fetched = self._fetcher.fetch(location, known_sha256=sha256)
        if fetched.sha256 != sha256:
            if version is not None:
                self._ledger.note_content(location, version, fetched.sha256)
            if self._is_taken(item, fetched.sha256):
                self._fetcher.release(fetched.path)
                return None
        return self._job(item, fetched)

    def _is_taken(self, item: Item, sha256: str) -> bool:
        """Note which result the item waits for, and tell whether nothing is left to do for it."""
        key = result_key(sha256, item.clip, run=self._run)
        self._ledger.note_key(item.number, key)
        landmarks_sha256 = self._ledger.landmarks_sha256(key)
        if landmarks_sha256 is not None:
            if self._store.has_landmarks(key, sha256=landmarks_sha256):
                self._n_done += 1
                if self._ledger.was_made_now(key):
                    self._n_repeated += 1
                else:
                    self._n_already_there += 1
                self._time_left.skip(item.found.size_bytes)
                return True
            self._ledger.forget_result(key)
        reason = self._ledger.failure_of(key)
        if reason is not None:
            # The same bytes have failed already: a second try would only make the outcome depend on the timing.
            self._n_failed += self._ledger.note_failure(key, reason=reason)
        if reason is not None or key in self._in_work:
            self._time_left.skip(item.found.size_bytes)
            return True
        return False

    def _job(self, item: Item, fetched: Fetched) -> Job:
        key = result_key(fetched.sha256, item.clip, run=self._run)
        self._in_work[key] = _InWork(item.found.size_bytes, fetched.path.stat().st_size)
        return Job(key, fetched.path, item.clip)

    def _take(self, pool: Pool, job: Job, outcome: Outcome) -> None:
        """Keep what came back; a clip whose process died is handed in once more."""
        work = self._in_work[job.key]
        if isinstance(outcome, Failure):
            if outcome.ends_run:
                raise BatchError(outcome.reason)
            if outcome.process_died and work.n_attempts < MOST_ATTEMPTS:
                work.n_attempts += 1
                pool.submit(job)
                return
            self._n_failed += self._ledger.note_failure(job.key, reason=outcome.reason)
        else:
            # The entry follows the file: whatever is noted as done is there.
            landmarks_sha256 = self._store.write_landmarks(job.key, outcome.landmarks)
            n_items = self._ledger.note_result(job.key, facts=outcome.facts, landmarks_sha256=landmarks_sha256)
            self._n_done += n_items
            self._n_repeated += n_items - 1
        del self._in_work[job.key]
        self._fetcher.release(job.path)
        self._time_left.finish(work.listed_bytes, actual_bytes=work.actual_bytes, now_s=time.monotonic())
