"""Jobs: what is kept is assessed once, a fault fails one recording, a withdrawal leaves nothing; on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import Engine, event, func, select

from backsight.domain.recording import Exercise
from backsight.errors import ModelFileError, StorageError
from backsight.storage import audit, deletion, recordings
from backsight.storage.chunks import LandmarkFrames
from backsight.storage.database import Database
from backsight.storage.deletion import withdraw
from backsight.storage.tables import (
    AssessmentRow,
    AuditEntry,
    LandmarkChunk,
    Participant,
    Recording,
    RecordingState,
    RetentionDay,
    Visit,
    now,
)
from backsight.storage.videos import VideoStore
from backsight.web import assessing
from backsight.web import jobs as web_jobs
from backsight.web.assessing import assess_recording
from backsight.web.jobs import Jobs
from backsight.web.seats import seats_of
from tests.assessments import make_pose
from tests.unit.storage.buckets import Bucket, bucket_url
from tests.unit.storage.people import assess, begin, begin_video, make_participant, make_study, record
from tests.unit.web.waiting import until


@pytest.fixture
def videos(tmp_path: Path) -> VideoStore:
    return VideoStore(str(tmp_path / "videos"))


@pytest.fixture
def jobs(database: Database, videos: VideoStore) -> Iterator[Jobs]:
    """Jobs that are not started yet, and stopped in any case."""
    made = Jobs(database, videos, look_every_s=0.2)
    yield made
    made.stop()


def keep_one(database: Database, exercise: Exercise = Exercise.TOUCH_TOES) -> str:
    with database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        return record(session, visit, exercise, pose=make_pose(exercise)).id


def nobody(n_frames: int) -> LandmarkFrames:
    missing, never = np.full((n_frames, 33, 3), np.nan), np.full((n_frames, 33), np.nan)
    return LandmarkFrames(
        timestamps_s=np.arange(n_frames) / 30.0, image=missing, world_m=missing, visibility=never, presence=never
    )


def state_of(database: Database, recording_id: str) -> RecordingState:
    with database.session(read_only=True) as session:
        recording = session.get(Recording, recording_id)
        assert recording is not None
        return recording.state


def n_assessments(database: Database, recording_id: str) -> int:
    with database.session(read_only=True) as session:
        query = select(func.count()).select_from(AssessmentRow).where(AssessmentRow.recording_id == recording_id)
        return int(session.scalar(query) or 0)


def test_what_waited_before_the_start_and_what_is_kept_after_it_are_assessed(database: Database, jobs: Jobs) -> None:
    before = keep_one(database)
    jobs.start()
    until(lambda: state_of(database, before) is RecordingState.DONE, what="the first is assessed")
    with database.session() as session:
        visit = session.scalars(select(Visit)).one()
        after = record(session, visit, Exercise.WALK).id
    jobs.assess_landmarks(after)
    until(lambda: state_of(database, after) is RecordingState.DONE, what="the second is assessed")
    assert n_assessments(database, before) == n_assessments(database, after) == 1
    with database.session() as session:
        results = recordings.visit_results(session, visit.id)
        assert results.document is not None
        assert [part["exercise"] for part in results.document["exercises"]] == ["touch-toes", "walk"]
        assert audit.verify(session) is None
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "assess recording")).all()
        assert {(entry.actor, entry.object_id) for entry in entries} == {("system", before), ("system", after)}
        # The daily chore has come by as well.
        assert session.scalar(select(func.count()).select_from(RetentionDay)) == 1


def test_a_recording_is_assessed_once_however_often_it_is_asked_for(
    sqlite_database: Database, videos: VideoStore
) -> None:
    recording_id = keep_one(sqlite_database)
    assert assess_recording(sqlite_database, videos, recording_id) == "done"
    assert assess_recording(sqlite_database, videos, recording_id) == "nothing to do"
    assert n_assessments(sqlite_database, recording_id) == 1


def test_the_height_that_was_given_makes_lengths_true(sqlite_database: Database, videos: VideoStore) -> None:
    recording_id = keep_one(sqlite_database)
    with sqlite_database.session() as session:
        session.scalars(select(Participant)).one().height_cm = 182.0
    assess_recording(sqlite_database, videos, recording_id)
    with sqlite_database.session(read_only=True) as session:
        rows = session.scalars(select(AssessmentRow)).all()
    assert {row.content["settings"]["height_m"] for row in rows} == {1.82}


def test_a_recording_of_nobody_fails_and_says_so(sqlite_database: Database, videos: VideoStore) -> None:
    with sqlite_database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        recording = begin(session, visit)
        recordings.add_chunk(session, recording.id, number=0, frames=nobody(60))
        recordings.finish_receiving(session, recording.id, n_chunks=1)
        recordings.keep(session, recording.id, rating=50)
    assert assess_recording(sqlite_database, videos, recording.id) == "failed"
    with sqlite_database.session(read_only=True) as session:
        failed = session.get(Recording, recording.id)
        assert failed is not None
        assert failed.state is RecordingState.FAILED
        assert "no person found in 60 frames" in failed.reason
    assert n_assessments(sqlite_database, recording.id) == 0


def test_landmarks_that_are_gone_fail_the_recording(sqlite_database: Database, videos: VideoStore) -> None:
    recording_id = keep_one(sqlite_database)
    with sqlite_database.session() as session:
        session.delete(session.scalars(select(LandmarkChunk).limit(1)).one())
    assert assess_recording(sqlite_database, videos, recording_id) == "failed"


def test_somebody_who_withdraws_meanwhile_leaves_nothing_to_do(
    sqlite_database: Database, videos: VideoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = keep_one(sqlite_database)
    assess_landmarks = assessing.assess_landmarks

    def withdraw_first(*arguments: object, **options: object) -> object:
        with sqlite_database.session() as session:
            withdraw(session, session.scalars(select(Participant)).one(), videos=videos)
        return assess_landmarks(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(assessing, "assess_landmarks", withdraw_first)
    assert assess_recording(sqlite_database, videos, recording_id) == "nothing to do"
    with sqlite_database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(AssessmentRow)) == 0


def test_a_fault_of_ours_fails_one_recording_without_quoting_data(
    sqlite_database: Database, videos: VideoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = keep_one(sqlite_database)

    def break_off(*_: object, **__: object) -> None:
        raise ZeroDivisionError("height of Grace Hopper")

    monkeypatch.setattr(assessing, "assess_landmarks", break_off)
    assert assess_recording(sqlite_database, videos, recording_id) == "failed"
    with sqlite_database.session(read_only=True) as session:
        failed = session.get(Recording, recording_id)
        assert failed is not None
        assert "ZeroDivisionError" in failed.reason
        assert "Grace" not in failed.reason


def test_a_database_that_does_not_answer_is_worth_another_try(
    sqlite_database: Database, videos: VideoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = keep_one(sqlite_database)

    def not_there(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(recordings, "save_assessment", not_there)
    with pytest.raises(StorageError, match="disk is full"):
        assess_recording(sqlite_database, videos, recording_id)
    assert state_of(sqlite_database, recording_id) is RecordingState.QUEUED


def test_a_video_that_was_deleted_fails_the_recording(sqlite_database: Database, videos: VideoStore) -> None:
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode="video")
        recording = begin_video(session, recordings.open_visit(session, make_participant(session, study)))
        recordings.attach_video(session, recording.id, key=f"{recording.id}/a", sha256="0" * 64)
        recordings.keep(session, recording.id, rating=50)
    assert assess_recording(sqlite_database, videos, recording.id) == "failed"


def test_a_bucket_that_is_out_of_reach_is_no_fault_of_the_recording(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = VideoStore(bucket_url())
    (tmp_path / "film.mp4").write_bytes(b"film")
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode="video")
        recording_id = begin_video(session, recordings.open_visit(session, make_participant(session, study))).id
        bucket.put(f"{recording_id}/a", tmp_path / "film.mp4")
        recordings.attach_video(session, recording_id, key=f"{recording_id}/a", sha256="0" * 64)
        recordings.keep(session, recording_id, rating=50)
    monkeypatch.setattr(assessing, "pose_bundle", lambda _: None)
    monkeypatch.setattr(Bucket, "is_cut", True)
    with pytest.raises(StorageError, match="EndpointConnectionError"):
        assess_recording(sqlite_database, bucket, recording_id)
    assert state_of(sqlite_database, recording_id) is RecordingState.QUEUED
    monkeypatch.setattr(Bucket, "is_cut", False)
    # Within reach again it is looked into, and turns out to be no video.
    assert assess_recording(sqlite_database, bucket, recording_id) == "failed"


def test_chores_run_while_jobs_do(sqlite_database: Database, videos: VideoStore) -> None:
    done: list[bool] = []
    jobs = Jobs(sqlite_database, videos, chores=[lambda: done.append(True)], look_every_s=0.2)
    jobs.start()
    try:
        until(lambda: bool(done), what="the chore was done")
    finally:
        jobs.stop()


def test_jobs_can_be_stopped_unstarted_and_started_again(sqlite_database: Database, videos: VideoStore) -> None:
    jobs = Jobs(sqlite_database, videos, look_every_s=0.2)
    jobs.stop()
    for exercise in (Exercise.TOUCH_TOES, Exercise.JUMP):
        jobs.start()
        with sqlite_database.session() as session:
            person = session.scalars(select(Participant)).first() or make_participant(session, make_study(session))
            recording_id = record(session, recordings.open_visit(session, person), exercise).id
        jobs.assess_landmarks(recording_id)
        until(
            lambda recording_id=recording_id: state_of(sqlite_database, recording_id) is RecordingState.DONE,  # type: ignore[misc]
            what=f"{exercise} is assessed",
        )
        jobs.stop()


def test_state_beside_the_database_is_private(sqlite_database: Database, jobs_folder: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in jobs_folder.iterdir() if ".jobs" in path.name}
    assert modes, "DBOS keeps its state beside the database"
    assert set(modes.values()) == {0o600}, modes


@pytest.fixture
def jobs_folder(sqlite_database: Database, videos: VideoStore, tmp_path: Path) -> Iterator[Path]:
    done: list[bool] = []
    jobs = Jobs(sqlite_database, videos, chores=[lambda: done.append(True)], look_every_s=0.2)
    jobs.start()
    until(lambda: bool(done), what="jobs have begun")
    yield tmp_path
    jobs.stop()


def test_processes_sit_apart_and_a_seat_is_free_when_its_process_is_gone(database: Database) -> None:
    first, second, third = (seats_of(database) for _ in range(3))
    assert (first.take(), second.take()) == (0, 1)
    try:
        assert not first.is_free(0)
        assert not first.is_free(1)
        assert first.is_free(2)
        second.release()
        assert first.is_free(1)
        assert third.take() == 1
    finally:
        for seats in (first, second, third):
            seats.release()


@dataclass(frozen=True)
class Source:
    name: str = "video"


def keep_video(database: Database, videos: VideoStore, folder: Path) -> str:
    with database.session() as session:
        study = make_study(session, privacy_mode="video", retention_days=30)
        visit = recordings.open_visit(session, make_participant(session, study))
        recording_id = begin_video(session, visit).id
        (folder / "film.mp4").write_bytes(b"film")
        videos.put(f"{recording_id}/a", folder / "film.mp4")
        recordings.attach_video(session, recording_id, key=f"{recording_id}/a", sha256="0" * 64)
        recordings.keep(session, recording_id, rating=50)
        visit.started_at = now() - timedelta(days=31)
    return recording_id


def follow_nobody(monkeypatch: pytest.MonkeyPatch, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Put a film's landmarks in place of what an engine would find, after something else has happened."""

    def follow(*_: object, **__: object) -> object:
        meanwhile()
        track = SimpleNamespace(pose=make_pose(Exercise.WALK))
        return SimpleNamespace(track=track, source=Source(), pose_engine="none")

    monkeypatch.setattr(assessing, "pose_bundle", lambda _: None)
    monkeypatch.setattr(assessing, "follow_person", follow)
    monkeypatch.setattr(assessing, "assess_landmarks", lambda *_, **__: assess(Exercise.WALK))


def test_a_video_whose_time_is_over_meanwhile_gives_no_landmarks(
    database: Database, videos: VideoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = keep_video(database, videos, tmp_path)

    def expire() -> None:
        with database.session() as session:
            assert deletion.apply_retention(session, today=now().date(), videos=videos)

    follow_nobody(monkeypatch, meanwhile=expire)
    assert assess_recording(database, videos, recording_id) == "failed"
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(LandmarkChunk)) == 0
    assert n_assessments(database, recording_id) == 0


def test_a_video_s_visit_is_held_before_its_recording(
    sqlite_database: Database, videos: VideoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who locks them the other way round and somebody else this way wait for each other for ever."""
    recording_id = keep_video(sqlite_database, videos, tmp_path)
    statements: list[str] = []

    def watch() -> None:
        event.listen(Engine, "before_cursor_execute", note)

    def note(_1: object, _2: object, statement: str, *_: object) -> None:
        statements.append(statement)

    follow_nobody(monkeypatch, meanwhile=watch)
    try:
        assert assess_recording(sqlite_database, videos, recording_id) == "done"
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    reads = [statement.split()[1].partition(".")[0] for statement in statements if statement.startswith("SELECT")]
    assert reads[:2] == ["visit", "recording"]


def test_an_outage_that_outlasts_a_workflow_is_waited_for(
    database: Database, videos: VideoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording_id = keep_one(database)
    real, asked = assessing.assess_landmarks, []

    def away_at_first(*arguments: object, **options: object) -> object:
        asked.append(1)
        if len(asked) <= 4:
            raise ModelFileError("the bundle is missing")
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(assessing, "assess_landmarks", away_at_first)
    # Two workflows of two attempts each, and one that succeeds.
    monkeypatch.setattr(web_jobs, "_RETRIES", {**web_jobs._RETRIES, "max_attempts": 2, "interval_seconds": 0.01})
    jobs = Jobs(database, videos, look_every_s=0.2, retry_after_s=0.1)
    jobs.start()
    try:
        until(lambda: state_of(database, recording_id) is not RecordingState.QUEUED, what="the outage is over")
    finally:
        jobs.stop()
    assert state_of(database, recording_id) is RecordingState.DONE
    assert len(asked) == 5


def test_waits_after_an_outage_grow_up_to_an_hour(sqlite_database: Database, videos: VideoStore) -> None:
    jobs = Jobs(sqlite_database, videos)
    assert [jobs._wait_after_s(number) for number in (1, 2, 3, 7, 999)] == [60.0, 120.0, 240.0, 3600.0, 3600.0]


def test_a_chore_that_cannot_be_done_leaves_the_others_to_be_done(
    sqlite_database: Database, videos: VideoStore
) -> None:
    done: list[bool] = []

    def fail() -> None:
        raise PermissionError("a folder of somebody else's")

    jobs = Jobs(sqlite_database, videos, chores=[fail, lambda: done.append(True)], look_every_s=0.2)
    jobs.start()
    try:
        until(lambda: bool(done), what="the second chore was done")
    finally:
        jobs.stop()
