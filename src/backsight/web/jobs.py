"""Have what participants kept assessed, each recording once, whatever happens to the process. Knows no page.

A recording that waits says so in the database (`queued`), and that is the only order there is: a process of the server
looks for such recordings, makes a durable workflow of DBOS for each, named after the recording, and DBOS hands it to
one process. A process that is killed leaves its workflows to its successor. What was found is kept in the transaction
that takes the recording out of the queue, so a workflow that runs again finds nothing left to do.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import make_url

from backsight.storage import recordings
from backsight.storage.database import Database
from backsight.storage.deletion import apply_retention
from backsight.storage.tables import PrivacyMode, Recording
from backsight.storage.videos import VideoStore
from backsight.web.assessing import assess_recording
from backsight.web.logs import log_failure
from backsight.web.seats import Seats, seats_of

if TYPE_CHECKING:
    from dbos import DBOSConfig, StepOptions

LOOK_EVERY_S = 5.0
"""How often a process looks for waiting recordings when nobody wakes it."""
CHORES_EVERY_S = 60.0
RETENTION_EVERY_S = 600.0
"""How often retention is asked for: once a day it does something, and where it could not, it tries again."""
ORPHANED_AFTER_S = 60.0
"""How long a dead process's work waits for its successor before another process takes it."""
FORGET_AFTER_S = 24 * 3600.0
"""How long DBOS remembers a finished workflow."""
MAX_DEATHS = 20
"""After so many processes have died over a recording it is given up: it may be what kills them."""
RETRY_AFTER_S, RETRY_AFTER_AT_MOST_S = 60.0, 3600.0
"""How long after an outage's first workflow there is a second; each further wait is twice as long, up to the other."""
MAX_WORKFLOWS = 24 * 14
"""After about two weeks an outage is none: the recording itself may be damaged."""
N_LANDMARK_JOBS, N_VIDEO_JOBS = 2, 1
"""At a time in each process. Videos have a queue of their own, so that landmarks need not wait for them."""

_VERSION = "1"
"""Raised when workflows begun by an earlier version cannot be taken up any more."""
_QUEUES = {PrivacyMode.LANDMARKS: "backsight-landmarks", PrivacyMode.VIDEO: "backsight-videos"}
_NEVER_AGAIN = ("MAX_RECOVERY_ATTEMPTS_EXCEEDED", "CANCELLED")
_ENDED_BADLY = ("ERROR", *_NEVER_AGAIN)
"""`ERROR`: the database, the store of videos or a model was away; a recording's own faults end in `SUCCESS`."""
_ASKED_AT_ONCE = 100
"""Recordings in a query to DBOS, whose condition grows with them."""
_GIVEN_UP = "the assessment broke off again and again; the server's log says why"
_RETRIES: StepOptions = {
    "name": "assess",
    "retries_allowed": True,
    "max_attempts": 6,
    "interval_seconds": 1.0,
    "backoff_rate": 2.5,
}
"""A store that does not answer is asked for a minute; after that, the whole workflow is tried again later."""


class Jobs:
    """The work of one process of the server.

    Parameters
    ----------
    chores
        Called every minute besides, with nothing to be done twice or lost.
    look_every_s, retry_after_s
        See `LOOK_EVERY_S` and `RETRY_AFTER_S`; tests are less patient.
    """

    def __init__(
        self,
        database: Database,
        videos: VideoStore,
        settings: object = None,  # noqa: ARG002 - nothing of it is needed yet; the server gives it to all its parts
        *,
        chores: Sequence[Callable[[], object]] = (),
        look_every_s: float = LOOK_EVERY_S,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        self._database = database
        self._videos = videos
        self._chores = tuple(chores)
        self._look_every_s, self._retry_after_s = look_every_s, retry_after_s
        self._seats: Seats = seats_of(database)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._retention_at_s = 0.0
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Begin to work, in threads of this process; returns at once."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="backsight-jobs", daemon=True)
            self._thread.start()

    def stop(self, *, patience_s: int = 0) -> None:
        """Stop working; what is not finished after so many seconds is taken up by the next process."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        self._wake.set()
        thread.join()
        from dbos import DBOS

        DBOS.destroy(workflow_completion_timeout_sec=patience_s, destroy_registry=True)
        self._seats.release()

    def assess_landmarks(self, recording_id: str) -> None:  # noqa: ARG002 - the database says what waits
        """Say that a recording of landmarks was kept, once that is committed; it is assessed soon."""
        self._wake.set()

    def assess_video(self, recording_id: str) -> None:  # noqa: ARG002 - the database says what waits
        """Say that a recording's video was kept, once that is committed; it is assessed soon."""
        self._wake.set()

    def assess_now(self, recording_id: str) -> str:
        """Assess one recording in this thread, without a workflow; returns what became of it.

        Raises
        ------
        StorageError
            When the database or the store of videos does not answer.
        """
        return assess_recording(self._database, self._videos, recording_id)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._launch()
                break
            except Exception as error:  # noqa: BLE001 - the pages must not go down with the jobs
                self._note("jobs cannot start", error)
                self._stopping.wait(self._look_every_s)
        chores_at_s = 0.0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._enqueue_waiting()
                if time.monotonic() >= chores_at_s:
                    chores_at_s = time.monotonic() + CHORES_EVERY_S
                    self._do_chores()
            except Exception as error:  # noqa: BLE001 - a database that is away for a while comes back
                self._note("jobs were interrupted", error)
            self._wake.wait(self._look_every_s)

    def _launch(self) -> None:
        from dbos import DBOS

        number = self._seats.take()
        try:
            DBOS(config=_configuration(self._database, seat=number))
            logging.getLogger("dbos").setLevel(logging.ERROR)

            def assess(recording_id: str) -> str:
                return DBOS.run_step(
                    _RETRIES,
                    assess_recording,
                    self._database,
                    self._videos,
                    recording_id,
                )

            self._workflow = DBOS.workflow(name="assess-recording", max_recovery_attempts=MAX_DEATHS)(assess)
            DBOS.launch()
            at_once = {PrivacyMode.LANDMARKS: N_LANDMARK_JOBS, PrivacyMode.VIDEO: N_VIDEO_JOBS}
            for mode, name in _QUEUES.items():
                DBOS.register_queue(name, worker_concurrency=at_once[mode], on_conflict="always_update")
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            self._seats.release()
            raise

    def _enqueue_waiting(self) -> None:
        """Make a workflow for each recording that waits and has none, or another one after an outage."""
        from dbos import DBOS, SetWorkflowID

        with self._database.session(read_only=True) as session:
            waiting = {name: session.get(Recording, name) for name in recordings.queued(session)}
        latest = _latest_workflows(list(waiting))
        for name, recording in waiting.items():
            number, status, ended_at_s = latest.get(name, (0, "", 0.0))
            if recording is None or (number and status not in _ENDED_BADLY):
                continue
            if number >= MAX_WORKFLOWS or status in _NEVER_AGAIN:
                with self._database.session() as session:
                    recordings.fail(session, name, reason=_GIVEN_UP)
            elif time.time() >= ended_at_s + self._wait_after_s(number):
                # Processes that find this at once ask for the same name, which there is only once.
                with SetWorkflowID(_workflow_id(name, number + 1)):
                    DBOS.enqueue_workflow(_QUEUES[recording.mode], self._workflow, name)
                if number:
                    self._log.warning("an assessment is tried again after an outage", recording=name, number=number + 1)

    def _wait_after_s(self, number: int) -> float:
        """Return how long after the end of the n-th workflow there may be another."""
        return min(self._retry_after_s * 2.0 ** min(number - 1, 20), RETRY_AFTER_AT_MOST_S)

    def _do_chores(self) -> None:
        for chore in (self._take_orphans, self._forget_finished, self._apply_retention, *self._chores):
            try:
                chore()
            except Exception as error:  # noqa: BLE001 - one that cannot be done must not keep the others from it
                self._note("a chore was not done", error)

    def _apply_retention(self) -> None:
        if time.monotonic() >= self._retention_at_s:
            self._retention_at_s = time.monotonic() + RETENTION_EVERY_S
            with self._database.session() as session:
                apply_retention(session, today=datetime.now(UTC).date(), videos=self._videos)

    def _take_orphans(self) -> None:
        """Take over what a process left that has no successor."""
        from dbos import DBOS

        pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        latest_ms = 1000.0 * (time.time() - ORPHANED_AFTER_S)
        for workflow in pending:
            seat = (workflow.executor_id or "").removeprefix("seat-")
            if seat.isdecimal() and self._seats.is_free(int(seat)) and (workflow.updated_at or 0) < latest_ms:
                DBOS.resume_workflow(workflow.workflow_id, queue_name=workflow.queue_name)

    def _forget_finished(self) -> None:
        from dbos import DBOS

        before = datetime.fromtimestamp(time.time() - FORGET_AFTER_S, UTC).isoformat()
        finished = DBOS.list_workflows(completed_before=before, limit=1000, load_input=False, load_output=False)
        if finished:
            DBOS.delete_workflows([workflow.workflow_id for workflow in finished])

    def _note(self, event: str, error: Exception) -> None:
        self._log.error(event)
        log_failure(error)


def _workflow_id(recording_id: str, number: int) -> str:
    return f"assess-{_VERSION}-{recording_id}-{number}"


def _latest_workflows(recording_ids: Sequence[str]) -> dict[str, tuple[int, str, float]]:
    """Return number, status and time of the last change, in seconds, of each recording's latest workflow."""
    from dbos import DBOS

    latest: dict[str, tuple[int, str, float]] = {}
    for start in range(0, len(recording_ids), _ASKED_AT_ONCE):
        names = {_workflow_id(name, 0)[:-1]: name for name in recording_ids[start : start + _ASKED_AT_ONCE]}
        for found in DBOS.list_workflows(workflow_id_prefix=list(names), load_input=False, load_output=False):
            prefix, _, number = found.workflow_id.rpartition("-")
            name = names[f"{prefix}-"]
            here = (int(number), found.status, (found.updated_at or 0) / 1000.0)
            latest[name] = max(latest.get(name, here), here)
    return latest


def _configuration(database: Database, *, seat: int) -> DBOSConfig:
    """Return DBOS's settings: its state on the same server, quiet, and off the network."""
    if database.is_sqlite:
        path = Path(str(make_url(database.url).database))
        state = path.with_name(f"{path.name}.jobs")
        # Readable to this user only, as the database beside it.
        os.close(os.open(state, os.O_RDWR | os.O_CREAT, 0o600))
        url = f"sqlite:///{state}"
    else:
        url = database.url
    return {
        "name": "backsight",
        "system_database_url": url,
        "dbos_system_schema": "backsight_jobs",
        "sys_db_pool_size": 5,
        "use_listen_notify": False,
        "enable_otlp": False,
        "log_level": "ERROR",
        "application_version": _VERSION,
        "executor_id": f"seat-{seat}",
        "max_executor_threads": 8,
    }
