"""Withdrawal and retention: what must be gone is looked for in the bytes of the database itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from backsight.domain.recording import Exercise
from backsight.errors import InvalidValueError, NotFoundError, StorageError
from backsight.storage import audit, deletion, recordings, studies
from backsight.storage.database import Database
from backsight.storage.tables import (
    Base,
    Deletion,
    LandmarkChunk,
    Participant,
    PrivacyMode,
    Recording,
    RecordingState,
    Visit,
    now,
)
from backsight.storage.videos import VideoStore
from tests.unit.storage.people import assess, begin_video, make_participant, make_study, record

SECRETS = ("Zaphod-Label", "Trillian-Signed", "Marvin-Note", "Slartibartfast-Reason", "Vogon-Answer")


def fill(session, study, folder: Path) -> Participant:  # type: ignore[no-untyped-def]
    """Put a value that can be searched for into every place where a person's own words or data go."""
    participant = studies.invite(session, study_id=study.id, label=SECRETS[0]).participant
    studies.sign_consent(
        session, participant, signed_name=SECRETS[1], text_hash=studies.consent_hash(study.consent_text)
    )
    studies.save_profile(
        session,
        participant,
        birth_year=1971,
        sex="other",
        height_cm=171.5,
        mass_kg=71.5,
        back_history={"pain": SECRETS[4]},
    )
    studies.add_note(session, participant, user_id=None, text=SECRETS[2])
    visit = recordings.open_visit(session, participant)
    recording = record(session, visit, Exercise.WALK)
    recordings.save_assessment(session, recording.id, assess(Exercise.WALK))
    film = begin_video(session, visit, Exercise.JUMP)
    (folder / "film.mp4").write_bytes(b"film")
    VideoStore(str(folder / "videos")).put(f"{film.id}.mp4", folder / "film.mp4")
    recordings.attach_video(session, film.id, key=f"{film.id}.mp4", sha256="0" * 64)
    recordings.skip(session, visit, exercise=Exercise.TOUCH_TOES, reason=SECRETS[3])
    return participant


def database_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("backsight.sqlite3*")))


def test_withdrawal_leaves_no_row_and_no_file_but_the_proof(database: Database, tmp_path: Path) -> None:
    store = VideoStore(str(tmp_path / "videos"))
    with database.session() as session:
        study = make_study(session, privacy_mode=PrivacyMode.VIDEO)
        stays = make_participant(session, study)
        kept = record(session, recordings.open_visit(session, stays))
        participant = fill(session, study, tmp_path)
        who, code = participant.id, participant.code
    with database.session() as session:
        proof = deletion.withdraw(session, session.get_one(Participant, who), videos=store)
        assert (proof.participant_code, proof.reason, proof.study_id) == (code, "withdrawn", study.id)
        assert proof.counts == {
            "videos": 1,
            "landmark_chunks": 1,
            "assessments": 2,
            "recordings": 3,
            "visits": 1,
            "consents": 1,
            "notes": 1,
            "participants": 1,
        }
    assert [path for path in (tmp_path / "videos").rglob("*") if path.is_file()] == []
    with database.session() as session:
        left = {
            table.name: session.execute(select(table)).all()
            for table in Base.metadata.sorted_tables
            if table.name not in ("audit_entry", "deletion")
        }
        assert not any(secret in str(left) for secret in (*SECRETS, who))
        # Only theirs went.
        assert recordings.load_track(session, kept.id).pose.n_frames > 0
        assert session.scalar(select(func.count()).select_from(Participant)) == 1
        (entry,) = audit.entries(session, limit=9)
        assert (entry.actor, entry.action, entry.object_id) == (f"participant:{who}", "delete participant", who)
        assert audit.verify(session) is None


def test_the_database_file_holds_nothing_of_them_any_more(sqlite_database: Database, tmp_path: Path) -> None:
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode=PrivacyMode.VIDEO)
        participant = fill(session, study, tmp_path)
        payload = session.scalars(select(LandmarkChunk.payload)).first()
    assert payload is not None
    # Else the search below would find nothing for another reason.
    assert all(secret.encode() in database_bytes(tmp_path) for secret in SECRETS)
    assert payload[40:72] in database_bytes(tmp_path)
    # A reader that came before holds no lock that could keep the old copies.
    with sqlite_database.session() as session:
        store = VideoStore(str(tmp_path / "videos"))
        deletion.withdraw(session, session.get_one(Participant, participant.id), videos=store)
    found = database_bytes(tmp_path)
    assert [secret for secret in SECRETS if secret.encode() in found] == []
    assert payload[40:72] not in found
    assert payload[-32:] not in found


def test_the_log_is_swept_after_the_commit_and_not_after_a_savepoint(sqlite_database: Database, tmp_path: Path) -> None:
    with sqlite_database.session() as session:
        study = make_study(session, privacy_mode=PrivacyMode.VIDEO)
        participant = fill(session, study, tmp_path)
    with sqlite_database.session() as session:
        with session.begin_nested():
            deletion.withdraw(
                session, session.get_one(Participant, participant.id), videos=VideoStore(str(tmp_path / "videos"))
            )
        session.execute(text("SELECT 1"))
    assert SECRETS[2].encode() not in database_bytes(tmp_path)


def test_a_video_that_cannot_be_deleted_keeps_every_row(sqlite_database: Database, tmp_path: Path) -> None:
    class Broken:
        def delete(self, key: str) -> bool:
            raise StorageError(f"video {key}: cannot be deleted")

        def delete_all(self, folder: str) -> int:
            raise StorageError(f"videos below {folder}: cannot be deleted")

    with sqlite_database.session() as session:
        participant = fill(session, make_study(session, privacy_mode=PrivacyMode.VIDEO), tmp_path)
    for videos, error in ((Broken(), StorageError), (None, InvalidValueError)):
        with pytest.raises(error), sqlite_database.session() as session:
            deletion.withdraw(session, session.get_one(Participant, participant.id), videos=videos)
    with sqlite_database.session() as session:
        assert session.scalar(select(func.count()).select_from(Recording)) == 3
        assert session.scalar(select(func.count()).select_from(Deletion)) == 0
        assert audit.entries(session, limit=9) == []


def test_a_job_that_ends_after_the_withdrawal_finds_nothing(database: Database) -> None:
    with database.session() as session:
        participant = make_participant(session, make_study(session))
        recording = record(session, recordings.open_visit(session, participant))
    with database.session() as session:
        deletion.withdraw(session, session.get_one(Participant, participant.id), videos=None)
    with database.session() as session, pytest.raises(NotFoundError):
        recordings.save_assessment(session, recording.id, assess())


@pytest.mark.parametrize(("days_ago", "is_deleted"), [(30, False), (31, True)])
def test_retention_deletes_landmarks_the_day_after_the_last_kept_one(
    database: Database, days_ago: int, is_deleted: bool
) -> None:
    today = now().date()
    with database.session() as session:
        study = make_study(session, retention_days=30)
        participant = make_participant(session, study)
        visit = recordings.open_visit(session, participant)
        done, waits = record(session, visit, Exercise.WALK), record(session, visit, Exercise.JUMP)
        recordings.save_assessment(session, done.id, assess(Exercise.WALK))
        visit.started_at = visit.finished_at = now() - timedelta(days=days_ago)
        fresh = record(session, recordings.open_visit(session, participant))
    with database.session() as session:
        proofs = deletion.apply_retention(session, today=today, videos=None)
        assert [proof.counts for proof in proofs] == ([{"videos": 0, "landmark_chunks": 2}] if is_deleted else [])
    with database.session() as session:
        assert deletion.apply_retention(session, today=today, videos=None) == []
        assert recordings.load_track(session, fresh.id).pose.n_frames > 0
        states = {row.id: row.state for row in session.scalars(select(Recording))}
        assert states[done.id] is RecordingState.DONE
        assert states[waits.id] is (RecordingState.FAILED if is_deleted else RecordingState.QUEUED)
        assert recordings.visit_results(session, visit.id).document is not None
        assert session.scalar(select(func.count()).select_from(Visit)) == 2


def test_retention_runs_once_a_day_and_leaves_studies_without_a_limit_alone(sqlite_database: Database) -> None:
    today = now().date()
    with sqlite_database.session() as session:
        visit = recordings.open_visit(session, make_participant(session, make_study(session)))
        record(session, visit)
        visit.started_at = now() - timedelta(days=9999)
        assert deletion.apply_retention(session, today=today, videos=None) == []
        assert session.scalar(select(func.count()).select_from(LandmarkChunk)) == 1


def test_files_that_no_row_names_go_with_a_withdrawal(sqlite_database: Database, tmp_path: Path) -> None:
    store, incoming = VideoStore(str(tmp_path / "videos")), tmp_path / "videos.incoming"
    with sqlite_database.session() as session:
        participant = make_participant(session, make_study(session, privacy_mode=PrivacyMode.VIDEO))
        recording_id = begin_video(session, recordings.open_visit(session, participant)).id
        (tmp_path / "film.mp4").write_bytes(b"film")
        # As a process leaves them that is killed before it notes the key.
        for name in ("0123", "4567.89ab.partial"):
            store.put(f"{recording_id}/{name}", tmp_path / "film.mp4")
        incoming.mkdir()
        for name in (recording_id, f"{recording_id}.info", "f" * 32):
            (incoming / name).touch()
        proof = deletion.withdraw(session, participant, videos=store, incoming=incoming)
        assert proof.counts["videos"] == 2
    assert [path for path in (tmp_path / "videos").rglob("*") if path.is_file()] == []
    assert [path.name for path in incoming.iterdir()] == ["f" * 32]


class OneStuck:
    """A store in which one recording's video cannot be deleted, until it can."""

    stuck: str | None = None

    def delete(self, key: str) -> bool:
        if key == self.stuck:
            raise StorageError(f"video {key}: cannot be deleted")
        return True

    def delete_all(self, folder: str) -> int:
        return 0


def test_one_video_that_cannot_be_deleted_leaves_the_others_to_go(database: Database) -> None:
    today, store = now().date(), OneStuck()
    with database.session() as session:
        study = make_study(session, retention_days=30, privacy_mode=PrivacyMode.VIDEO)
        keys = []
        for number in range(3):
            visit = recordings.open_visit(session, make_participant(session, study))
            keys.append(f"{begin_video(session, visit).id}/{number}")
            recordings.attach_video(session, keys[-1].partition("/")[0], key=keys[-1], sha256="0" * 64)
            visit.started_at = now() - timedelta(days=31)
    store.stuck = keys[1]
    with database.session() as session:
        assert len(deletion.apply_retention(session, today=today, videos=store)) == 2
    with database.session() as session:
        assert set(session.scalars(select(Recording.video_key))) == {None, keys[1]}
        assert audit.verify(session) is None
        assert deletion.last_retention(session) is None
    store.stuck = None
    with database.session() as session:
        assert len(deletion.apply_retention(session, today=today, videos=store)) == 1
        assert set(session.scalars(select(Recording.video_key))) == {None}
        assert deletion.apply_retention(session, today=today, videos=store) == []


def test_files_that_no_row_names_go_when_their_time_is_over(sqlite_database: Database, tmp_path: Path) -> None:
    store = VideoStore(str(tmp_path / "videos"))
    with sqlite_database.session() as session:
        study = make_study(session, retention_days=30, privacy_mode=PrivacyMode.VIDEO)
        visit = recordings.open_visit(session, make_participant(session, study))
        (tmp_path / "film.mp4").write_bytes(b"film")
        store.put(f"{begin_video(session, visit).id}/0123", tmp_path / "film.mp4")
        visit.started_at = now() - timedelta(days=31)
        (proof,) = deletion.apply_retention(session, today=now().date(), videos=store)
        assert proof.counts == {"videos": 1, "landmark_chunks": 0}
