"""Visits and recordings: every step once, twice, too early, too late; on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from sqlalchemy import func, select

from backsight.domain.recording import Exercise
from backsight.errors import ConflictError, InvalidValueError, NotFoundError
from backsight.exports.json_file import SCHEMA_PATH, assessment_to_dict
from backsight.pipeline import prepare
from backsight.storage import recordings, studies
from backsight.storage.database import Database
from backsight.storage.documents import session_document
from backsight.storage.sealing import Seal
from backsight.storage.tables import (
    AssessmentRow,
    LandmarkChunk,
    ParticipantState,
    PrivacyMode,
    Recording,
    RecordingState,
    Visit,
)
from backsight.storage.videos import VideoStore
from tests.assessments import make_assessment, make_exercise, make_pose
from tests.unit.storage.people import assess, begin, begin_video, make_frames, make_participant, make_study, record


@pytest.fixture
def visit(sqlite_database: Database) -> tuple[Database, str]:
    """A visit on SQLite, begun and committed."""
    with sqlite_database.session() as session:
        visit_id = recordings.open_visit(session, make_participant(session, make_study(session))).id
    return sqlite_database, visit_id


def n_chunks_kept(session, recording: Recording) -> int:  # type: ignore[no-untyped-def]
    query = select(func.count()).select_from(LandmarkChunk).where(LandmarkChunk.recording_id == recording.id)
    return int(session.scalar(query))


def test_a_visit_is_taken_up_again_until_it_is_finished(database: Database) -> None:
    with database.session() as session:
        participant = make_participant(session, make_study(session))
        visit = recordings.open_visit(session, participant)
        assert recordings.open_visit(session, participant) is visit
        assert participant.state is ParticipantState.RECORDING
        record(session, visit, Exercise.WALK)
        recordings.skip(session, visit, exercise="jump", reason="My knee hurts")
        with pytest.raises(ConflictError, match=r"still to be recorded or skipped: touch-toes$"):
            recordings.finish_visit(session, visit)
        record(session, visit, Exercise.TOUCH_TOES)
        recordings.finish_visit(session, visit)
        assert recordings.finish_visit(session, visit).finished_at is not None
        assert participant.state is ParticipantState.FINISHED
        with pytest.raises(ConflictError, match="finished"):
            begin(session, visit)
        assert recordings.open_visit(session, participant) is not visit


def test_nothing_is_recorded_before_consent(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        participant = studies.invite(session, study_id=make_study(session).id).participant
        with pytest.raises(ConflictError, match="consent"):
            recordings.open_visit(session, participant)
        assert session.scalar(select(func.count()).select_from(Visit)) == 0


def test_landmarks_come_back_as_they_were_sent_in_any_order_and_twice(database: Database) -> None:
    with database.session() as session:
        recording = begin(session, recordings.open_visit(session, make_participant(session, make_study(session))))
        for number in (2, 0, 1, 1):
            recordings.add_chunk(session, recording.id, number=number, frames=make_frames(number, value=number / 4))
        recordings.finish_receiving(session, recording.id, n_chunks=3)
        pose = recordings.load_track(session, recording.id).pose
    assert pose.n_frames == 90
    np.testing.assert_allclose(pose.timestamps_s, np.arange(90) / 30.0, atol=1e-9)
    # Shares of 1280 x 720, depth in the scale of the width.
    np.testing.assert_allclose(pose.image_px[30, 0], (320.0, 180.0, 320.0))
    np.testing.assert_allclose(pose.image_px[60, 0], (640.0, 360.0, 640.0))
    np.testing.assert_allclose(pose.visibility, 0.75)


def test_other_landmarks_under_the_same_number_are_refused(visit: tuple[Database, str]) -> None:
    database, visit_id = visit
    with database.session() as session:
        recording = begin(session, session.get_one(Visit, visit_id))
        recordings.add_chunk(session, recording.id, number=0, frames=make_frames())
        with pytest.raises(ConflictError, match="chunk 0 has come already"):
            recordings.add_chunk(session, recording.id, number=0, frames=make_frames(value=0.51))


@pytest.mark.parametrize(
    ("number", "start_s"), [(1, 29 / 30), (1, 0.5), (1, 1.1)], ids=["same moment", "backwards", "into the next"]
)
def test_a_clock_that_goes_backwards_across_chunks_is_refused(
    visit: tuple[Database, str], number: int, start_s: float
) -> None:
    database, visit_id = visit
    with database.session() as session:
        recording = begin(session, session.get_one(Visit, visit_id))
        recordings.add_chunk(session, recording.id, number=0, frames=make_frames(0.0))
        recordings.add_chunk(session, recording.id, number=2, frames=make_frames(2.0))
        with pytest.raises(InvalidValueError, match="clock must go on"):
            recordings.add_chunk(session, recording.id, number=number, frames=make_frames(start_s))
        assert n_chunks_kept(session, recording) == 2


def test_a_clock_that_goes_backwards_over_a_gap_is_found_at_the_end(visit: tuple[Database, str]) -> None:
    database, visit_id = visit
    with database.session() as session:
        recording = begin(session, session.get_one(Visit, visit_id))
        for number, start_s in ((0, 5.0), (2, 1.0)):
            recordings.add_chunk(session, recording.id, number=number, frames=make_frames(start_s))
        with pytest.raises(InvalidValueError, match=r"here: 2; missing: 1$"):
            recordings.finish_receiving(session, recording.id, n_chunks=3)
        with pytest.raises(InvalidValueError, match="clock must go on"):
            recordings.add_chunk(session, recording.id, number=1, frames=make_frames(6.5))
        assert recording.state is RecordingState.RECEIVING


@pytest.mark.parametrize("n_chunks", [0, -1, 1, 3, 10**9])
def test_the_end_must_name_the_chunks_that_came(visit: tuple[Database, str], n_chunks: int) -> None:
    database, visit_id = visit
    with database.session() as session:
        recording = begin(session, session.get_one(Visit, visit_id))
        for number in range(2):
            recordings.add_chunk(session, recording.id, number=number, frames=make_frames(number))
        with pytest.raises(InvalidValueError, match="here: 2"):
            recordings.finish_receiving(session, recording.id, n_chunks=n_chunks)


def test_more_than_sixty_seconds_are_refused(visit: tuple[Database, str]) -> None:
    database, visit_id = visit
    with database.session() as session:
        recording = begin(session, session.get_one(Visit, visit_id))
        recordings.add_chunk(session, recording.id, number=0, frames=make_frames(0.0))
        recordings.add_chunk(session, recording.id, number=1, frames=make_frames(70.0))
        with pytest.raises(InvalidValueError, match="at most 60 s, got 71 s"):
            recordings.finish_receiving(session, recording.id, n_chunks=2)


def test_a_finished_recording_takes_no_more_but_bears_every_step_twice(database: Database) -> None:
    with database.session() as session:
        recording = begin(session, recordings.open_visit(session, make_participant(session, make_study(session))))
        with pytest.raises(ConflictError, match="cannot be kept: it is receiving"):
            recordings.keep(session, recording.id, rating=50.0)
        recordings.add_chunk(session, recording.id, number=0, frames=make_frames())
        for _ in range(2):
            recordings.finish_receiving(session, recording.id, n_chunks=1)
        recordings.add_chunk(session, recording.id, number=0, frames=make_frames())
        with pytest.raises(ConflictError, match="takes no more"):
            recordings.add_chunk(session, recording.id, number=1, frames=make_frames(1.0))
        with pytest.raises(ConflictError, match="finished with 1 chunks, got 2"):
            recordings.finish_receiving(session, recording.id, n_chunks=2)
        for _ in range(2):
            assert recordings.keep(session, recording.id, rating=50.0).state is RecordingState.QUEUED
        with pytest.raises(ConflictError, match="rated 50 already"):
            recordings.keep(session, recording.id, rating=51.0)
        with pytest.raises(ConflictError, match="thrown away"):
            recordings.discard(session, recording.id)
        assert recordings.queued(session) == [recording.id]


@pytest.mark.parametrize("rating", [101.0, -0.1, float("nan"), float("inf")])
def test_a_rating_beyond_the_scale_keeps_nothing(visit: tuple[Database, str], rating: float) -> None:
    database, visit_id = visit
    with database.session() as session:
        recording = begin(session, session.get_one(Visit, visit_id))
        recordings.add_chunk(session, recording.id, number=0, frames=make_frames())
        recordings.finish_receiving(session, recording.id, n_chunks=1)
        with pytest.raises(InvalidValueError, match="within 0"):
            recordings.keep(session, recording.id, rating=rating)
        assert (recording.state, recording.rating) == (RecordingState.RECEIVED, None)


def test_recording_again_deletes_the_earlier_landmarks(database: Database) -> None:
    with database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        first, other = begin(session, visit, Exercise.WALK), begin(session, visit, Exercise.JUMP)
        for recording in (first, other):
            recordings.add_chunk(session, recording.id, number=0, frames=make_frames())
        again = begin(session, visit, Exercise.WALK)
        assert (first.state, again.state, other.state) == (
            RecordingState.DISCARDED,
            RecordingState.RECEIVING,
            RecordingState.RECEIVING,
        )
        assert (n_chunks_kept(session, first), n_chunks_kept(session, other)) == (0, 1)
        for _ in range(2):
            recordings.discard(session, other.id)
        assert n_chunks_kept(session, other) == 0
        record(session, visit, Exercise.WALK)
        with pytest.raises(ConflictError, match="kept already"):
            begin(session, visit, Exercise.WALK)
        with pytest.raises(ConflictError, match="kept already"):
            recordings.skip(session, visit, exercise="walk", reason="No room")


class Videos:
    """Remembers what was deleted."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def delete(self, key: str) -> bool:
        self.deleted.append(key)
        return True

    def delete_all(self, folder: str) -> int:
        self.deleted.append(f"{folder}/*")
        return 0


def test_a_video_is_received_once_and_goes_when_its_recording_is_discarded(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode=PrivacyMode.VIDEO)
        visit = recordings.open_visit(session, make_participant(session, study))
        recording, videos = begin_video(session, visit), Videos()
        for _ in range(2):
            recordings.attach_video(session, recording.id, key="a/1.mp4", sha256="0" * 64)
        with pytest.raises(ConflictError, match="takes no video"):
            recordings.attach_video(session, recording.id, key="a/2.mp4", sha256="0" * 64)
        with pytest.raises(InvalidValueError, match="videos"):
            recordings.discard(session, recording.id)
        recordings.discard(session, recording.id, videos=videos)
        assert videos.deleted == ["a/1.mp4", f"{recording.id}/*"]
        assert (recording.state, recording.video_key) == (RecordingState.DISCARDED, None)


@pytest.mark.parametrize("step", ["discard", "begin", "skip"])
def test_what_a_killed_process_left_of_a_video_goes_with_its_recording(
    step: str, sqlite_database: Database, tmp_path: Path
) -> None:
    store = VideoStore(str(tmp_path / "videos"))
    (tmp_path / "film.mp4").write_bytes(b"film")
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode=PrivacyMode.VIDEO)
        visit = recordings.open_visit(session, make_participant(session, study))
        recording = begin_video(session, visit)
        # As a process leaves them that is killed before it notes the key, or while it copies.
        for name in ("0123", "4567.89ab.partial"):
            store.put(f"{recording.id}/{name}", tmp_path / "film.mp4")
        if step == "discard":
            recordings.discard(session, recording.id, videos=store)
        elif step == "skip":
            recordings.skip(session, visit, exercise=Exercise.WALK, reason="No room", videos=store)
        else:
            begin_video(session, visit, videos=store)
        assert recording.state is RecordingState.DISCARDED
    assert [path for path in (tmp_path / "videos").rglob("*") if path.is_file()] == []


def test_a_study_of_landmarks_takes_no_video(visit: tuple[Database, str]) -> None:
    database, visit_id = visit
    with database.session() as session, pytest.raises(ConflictError, match="landmarks only"):
        begin_video(session, session.get_one(Visit, visit_id))


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"height": None},
        {"pose_model": "huge"},
        {"pose_engine": ""},
        {"pose_engine": "x" * 41},
        {"pose_engine": '=HYPERLINK("x")'},
        {"pose_engine": "@SUM(1)"},
        {"pose_engine": "-1"},
        {"pose_engine": "a\n"},
        {"exercise": "squat"},
    ],
)
def test_a_recording_that_cannot_be_is_not_begun(visit: tuple[Database, str], wrong: dict[str, object]) -> None:
    database, visit_id = visit
    given = {
        "exercise": "walk",
        "mode": "landmarks",
        "width": 640,
        "height": 480,
        "pose_model": "lite",
        "pose_engine": "x",
    }
    with database.session() as session:
        with pytest.raises(InvalidValueError, match=f"`{next(iter(wrong))}`"):
            recordings.begin(session, session.get_one(Visit, visit_id), **(given | wrong))  # type: ignore[arg-type]
        assert session.scalar(select(func.count()).select_from(Recording)) == 0


@pytest.mark.parametrize("wrong", [{"pose_model": "=1+1"}, {"pose_engine": "=1+1"}])
def test_a_video_brings_no_formula_either(sqlite_database: Database, wrong: dict[str, str]) -> None:
    given = {"pose_model": "lite", "pose_engine": "tasks-vision 1.1.0 GPU"} | wrong
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode=PrivacyMode.VIDEO)
        visit = recordings.open_visit(session, make_participant(session, study))
        with pytest.raises(InvalidValueError, match=f"`{next(iter(wrong))}`"):
            recordings.begin(session, visit, exercise="walk", mode="video", width=None, height=None, **given)


def test_somebody_elses_recording_is_not_found(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        study = make_study(session)
        ours, theirs = make_participant(session, study), make_participant(session, study)
        recording = begin(session, recordings.open_visit(session, ours))
        assert recordings.find_recording(session, recording.id, participant_id=ours.id) is recording
        with pytest.raises(NotFoundError):
            recordings.find_recording(session, recording.id, participant_id=theirs.id)


def test_landmarks_are_sealed_at_rest(sqlite_url: str) -> None:
    database = Database(sqlite_url, seal=Seal.from_key(Seal.new_key()))
    with database.session() as session:
        recording = begin(session, recordings.open_visit(session, make_participant(session, make_study(session))))
        for _ in range(2):
            recordings.add_chunk(session, recording.id, number=0, frames=make_frames())
        recordings.finish_receiving(session, recording.id, n_chunks=1)
        assert session.scalars(select(LandmarkChunk.payload)).one().startswith(b"backsight-sealed-1:")
        assert recordings.load_track(session, recording.id).pose.n_frames == 30
    database.close()


def test_an_assessment_is_saved_once_and_a_visit_is_judged_from_all_of_its_own(database: Database) -> None:
    with database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        walk, jump = record(session, visit, Exercise.WALK), record(session, visit, Exercise.JUMP)
        assert recordings.save_assessment(session, jump.id, assess(Exercise.JUMP, index=0.6))
        assert recordings.save_assessment(session, walk.id, assess(Exercise.WALK, index=0.2))
        assert not recordings.save_assessment(session, walk.id, assess(Exercise.WALK, index=0.9))
        assert walk.state is RecordingState.DONE
        document = recordings.visit_results(session, visit.id).document
        rows = session.scalars(select(AssessmentRow).where(AssessmentRow.recording_id.is_(None))).all()
        assert session.scalar(select(func.count()).select_from(AssessmentRow)) == 3
    assert document is not None
    jsonschema.validate(document, json_schema())
    assert [part["exercise"] for part in document["exercises"]] == ["walk", "jump"]
    # The mean of 0.6 and 0.2, with the card's half width of 0.18.
    assert [rows[0].index, rows[0].index_low, rows[0].index_high] == pytest.approx([0.4, 0.22, 0.58])
    assert (rows[0].verdict, document["session"]["missing_exercises"]) == ("cannot tell", ["touch-toes"])


def json_schema() -> dict[str, object]:
    import json

    schema: dict[str, object] = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    return schema


def test_a_session_put_together_again_reads_as_it_was() -> None:
    parts = [make_exercise(Exercise.TOUCH_TOES, index=None), make_exercise(Exercise.WALK, index=0.21)]
    document = assessment_to_dict(make_assessment(parts, half_width=0.18))
    again = session_document([document])
    assert set(again["session"]) == set(document["session"])
    for name in ("index", "interval", "quality", "missing_exercises", "counted_exercises", "red_flag_above"):
        assert again["session"][name] == pytest.approx(document["session"][name]), name
    assert again["exercises"] == document["exercises"]


def test_an_unusable_recording_is_kept_without_a_number(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        recording = record(session, visit)
        recordings.save_assessment(session, recording.id, assess(index=None))
        row = session.scalars(select(AssessmentRow).where(AssessmentRow.recording_id == recording.id)).one()
        assert (row.index, row.index_low, row.quality, row.verdict) == (None, None, "unusable", "cannot tell")


def test_an_assessment_of_another_exercise_or_of_nobody_is_refused(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        recording = record(session, visit, Exercise.WALK)
        with pytest.raises(InvalidValueError, match="must hold the exercise walk, got jump"):
            recordings.save_assessment(session, recording.id, assess(Exercise.JUMP))
        with pytest.raises(NotFoundError):
            recordings.save_assessment(session, "0" * 32, assess())
        other = record(session, visit, Exercise.JUMP)
        assert recordings.save_assessment(session, recording.id, assess(Exercise.WALK))
        recordings.fail(session, recording.id, reason="Too late.")
        assert recording.state is RecordingState.DONE
        recordings.fail(session, other.id, reason="The file is damaged.")
        assert recordings.queued(session) == []
        with pytest.raises(ConflictError, match="does not wait"):
            recordings.save_assessment(session, other.id, assess(Exercise.JUMP))


def test_landmarks_of_a_video_survive_the_database_as_the_road_sees_them(sqlite_database: Database) -> None:
    raw = make_pose(Exercise.WALK)
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode=PrivacyMode.VIDEO)
        recording = begin_video(session, recordings.open_visit(session, make_participant(session, study)))
        for _ in range(2):
            recordings.store_landmarks(session, recording.id, raw, pose_model="full", pose_engine="openvino")
        stored = recordings.load_track(session, recording.id).pose
    assert (recording.width, recording.height, recording.pose_model) == (*raw.frame_size, "full")
    np.testing.assert_array_equal(stored.has_person, raw.has_person)
    expected, got = prepare(raw), prepare(stored)
    # float32 of values up to some thousand pixels.
    np.testing.assert_allclose(got.filtered.image_px, expected.filtered.image_px, atol=1e-3)
    np.testing.assert_allclose(got.filtered.world_m, expected.filtered.world_m, atol=1e-6)
    assert got.removed_share == pytest.approx(expected.removed_share)


def test_two_jobs_that_end_together_save_one_assessment(database: Database) -> None:
    with database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        ids = [record(session, visit, exercise).id for exercise in (Exercise.WALK, Exercise.JUMP)]
    jobs = [(ids[0], Exercise.WALK), (ids[0], Exercise.WALK), (ids[1], Exercise.JUMP), (ids[1], Exercise.JUMP)]
    saved: list[bool] = []
    together = threading.Barrier(len(jobs))

    def work(recording_id: str, exercise: Exercise) -> None:
        together.wait()
        with database.session() as session:
            result = recordings.save_assessment(session, recording_id, assess(exercise, index=0.4))
        saved.append(result)

    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(saved) == [False, False, True, True]
    with database.session() as session:
        rows = session.scalars(select(AssessmentRow)).all()
        assert len(rows) == 3
        (whole,) = (row for row in rows if row.recording_id is None)
        assert len(whole.content["exercises"]) == 2
