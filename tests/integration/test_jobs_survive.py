"""Workers killed at random moments: every recording that was kept is assessed, and none twice; on both databases."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from backsight.domain.recording import Exercise
from backsight.storage import audit, recordings
from backsight.storage.database import Database
from backsight.storage.tables import AssessmentRow, AuditEntry, Recording, RecordingState
from tests.assessments import make_pose
from tests.unit.storage.people import make_participant, make_study, record
from tests.unit.web.waiting import until

N_RECORDINGS, N_KILLS = 20, 10
_WORKER = """
import sys, threading
from backsight.storage.database import Database
from backsight.storage.videos import VideoStore
from backsight.web.jobs import Jobs
Jobs(Database(sys.argv[1]), VideoStore(sys.argv[2]), look_every_s=0.2).start()
threading.Event().wait()
"""


def keep_many(database: Database) -> list[str]:
    with database.session() as session:
        study = make_study(session)
        kept = []
        while len(kept) < N_RECORDINGS:
            visit = recordings.open_visit(session, make_participant(session, study))
            exercises = list(Exercise)[: N_RECORDINGS - len(kept)]
            kept += [record(session, visit, exercise, pose=make_pose(exercise)).id for exercise in exercises]
    return kept


def n_done(database: Database) -> int:
    with database.session(read_only=True) as session:
        query = select(func.count()).select_from(Recording).where(Recording.state == RecordingState.DONE)
        return int(session.scalar(query) or 0)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_killed_workers_lose_nothing_and_do_nothing_twice(database: Database, tmp_path: Path) -> None:
    chance = random.Random(6)  # noqa: S311 - moments, not secrets
    kept = keep_many(database)
    moments = sorted(chance.sample(range(N_RECORDINGS), N_KILLS))
    pause = threading.Event()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", _WORKER, database.url, str(tmp_path / "videos")], env=os.environ)

    for n_before in moments:
        worker = start()
        try:
            until(lambda n=n_before: n_done(database) >= n, what=f"{n_before} are assessed", within_s=300)  # type: ignore[misc]
            # The time of one assessment: some kills meet its computation, others its transaction or the next start.
            pause.wait(chance.uniform(0.0, 0.5))
        finally:
            worker.kill()
            worker.wait()
    worker = start()
    try:
        until(lambda: n_done(database) == N_RECORDINGS, what="all are assessed", within_s=300)
    finally:
        worker.kill()
        worker.wait()

    with database.session() as session:
        query = select(AssessmentRow.recording_id).where(AssessmentRow.recording_id.is_not(None))
        assert sorted(session.scalars(query)) == sorted(kept)
        entered = select(AuditEntry.object_id).where(AuditEntry.action == "assess recording")
        assert sorted(session.scalars(entered)) == sorted(kept)
        assert audit.verify(session) is None
        visits = session.scalars(select(AssessmentRow).where(AssessmentRow.recording_id.is_(None))).all()
        assert sum(len(row.content["exercises"]) for row in visits) == N_RECORDINGS
