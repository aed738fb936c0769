"""Delete what somebody withdraws, or what a study may no longer keep, and prove it. Knows no page.

Files go before rows and within the same transaction: a row whose file is gone can be deleted again, a file whose row is
gone would be forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backsight.errors import InvalidValueError
from backsight.storage import audit
from backsight.storage.tables import (
    AssessmentRow,
    Consent,
    Deletion,
    LandmarkChunk,
    Note,
    Participant,
    Recording,
    RecordingState,
    RetentionDay,
    Study,
    Visit,
)

WITHDRAWN = "withdrawn"
RETENTION = "retention"
_EXPIRED = "deleted when the study's time of keeping was over, before it was assessed"
_UNSWEPT = "deleted_rows_unswept"
_SWEEP_TIMEOUT_MS = 2_000
"""How long sweeping waits for readers; who reads on keeps the old copies until the next sweep."""


class DeletesVideos(Protocol):
    """The part of `VideoStore` that is needed here."""

    def delete(self, key: str) -> bool:
        """Remove a video; return whether there was one."""
        ...


def withdraw(
    session: Session,
    participant: Participant,
    *,
    videos: DeletesVideos | None,
    actor: str | None = None,
    reason: str = WITHDRAWN,
) -> Deletion:
    """Delete everything of a participant but the audit trail, and note what was deleted.

    On SQLite the deleted rows are overwritten, and the write-ahead log, which still holds copies, is emptied once the
    transaction is committed. Backups made before are not reached.

    Parameters
    ----------
    videos
        Where the videos are; None = this person has none.
    actor
        Who asks, for the audit log; None = the participant.

    Returns
    -------
    Deletion
        The proof: code, reason, and how many rows and files of each kind.

    Raises
    ------
    InvalidValueError
        When the person has videos and nobody says where.
    StorageError
        When a video cannot be deleted; nothing is then deleted from the database.
    """
    who, study_id, code = participant.id, participant.study_id, participant.code
    # Held until the end: a recording that is coming in meanwhile finds nobody, instead of staying behind.
    session.execute(select(Participant.id).where(Participant.id == who).with_for_update())
    visits = select(Visit.id).where(Visit.participant_id == who)
    session.execute(visits.with_for_update())
    recordings = session.scalars(select(Recording).where(Recording.visit_id.in_(visits)).with_for_update()).all()
    counts = {"videos": _delete_videos(recordings, videos)}
    ids = [recording.id for recording in recordings]
    counts["landmark_chunks"] = _delete(session, LandmarkChunk, LandmarkChunk.recording_id.in_(ids))
    counts["assessments"] = _delete(session, AssessmentRow, AssessmentRow.visit_id.in_(visits))
    counts["recordings"] = _delete(session, Recording, Recording.visit_id.in_(visits))
    counts["visits"] = _delete(session, Visit, Visit.participant_id == who)
    counts["consents"] = _delete(session, Consent, Consent.participant_id == who)
    counts["notes"] = _delete(session, Note, Note.participant_id == who)
    counts["participants"] = _delete(session, Participant, Participant.id == who)
    return _prove(
        session,
        study_id=study_id,
        participant_id=who,
        code=code,
        reason=reason,
        counts=counts,
        actor=actor or f"participant:{who}",
    )


def apply_retention(session: Session, *, today: date, videos: DeletesVideos | None) -> list[Deletion]:
    """Delete the landmarks and videos of visits that studies may no longer keep; once a day, whoever asks.

    Assessments stay. A day is over when it is over in UTC.

    Parameters
    ----------
    videos
        Where the videos are; None = there are none.

    Returns
    -------
    list of Deletion
        One for each participant of whom something was deleted.
    """
    if session.get(RetentionDay, today) is not None:
        return []
    try:
        # Two workers that both saw none: one of them is refused.
        with session.begin_nested():
            session.add(RetentionDay(day=today))
    except IntegrityError:
        return []
    return delete_expired(session, today=today, videos=videos)


def delete_expired(
    session: Session, *, today: date, videos: DeletesVideos | None, actor: str = "system"
) -> list[Deletion]:
    """Delete the same as `apply_retention`, whether or not it was done today: for somebody who will not wait.

    Parameters
    ----------
    actor
        Who asks, for the audit log.
    """
    done = []
    for study in session.scalars(select(Study).where(Study.retention_days.is_not(None))):
        kept_from = today - timedelta(days=study.retention_days or 0)
        people = session.scalars(select(Participant).where(Participant.study_id == study.id).order_by(Participant.code))
        for person in people:
            counts = _expire(session, person, kept_from=kept_from, videos=videos)
            if any(counts.values()):
                done.append(
                    _prove(
                        session,
                        study_id=study.id,
                        participant_id=person.id,
                        code=person.code,
                        reason=RETENTION,
                        counts=counts,
                        actor=actor,
                    )
                )
    return done


def last_retention(session: Session) -> RetentionDay | None:
    """Return the last day on which retention was applied; None = it never was."""
    return session.scalars(select(RetentionDay).order_by(RetentionDay.day.desc()).limit(1)).first()


def _expire(session: Session, person: Participant, *, kept_from: date, videos: DeletesVideos | None) -> dict[str, int]:
    visits = session.scalars(select(Visit).where(Visit.participant_id == person.id))
    old = [visit.id for visit in visits if (visit.finished_at or visit.started_at).date() < kept_from]
    recordings = session.scalars(select(Recording).where(Recording.visit_id.in_(old)).with_for_update()).all()
    counts = {
        "videos": _delete_videos(recordings, videos),
        "landmark_chunks": _delete(
            session, LandmarkChunk, LandmarkChunk.recording_id.in_([recording.id for recording in recordings])
        ),
    }
    for recording in recordings:
        recording.n_chunks = recording.video_key = recording.video_sha256 = None
        if recording.state in (RecordingState.RECEIVING, RecordingState.RECEIVED):
            recording.state = RecordingState.DISCARDED
        elif recording.state is RecordingState.QUEUED:
            recording.state, recording.reason = RecordingState.FAILED, _EXPIRED
    session.flush()
    return counts


def _delete_videos(recordings: Sequence[Recording], videos: DeletesVideos | None) -> int:
    keys = [recording.video_key for recording in recordings if recording.video_key is not None]
    if keys and videos is None:
        raise InvalidValueError(f"`videos` must be the store that holds {len(keys)} videos of this person, got None")
    return sum(videos.delete(key) for key in keys) if videos is not None else 0


def _delete(session: Session, table: type[Any], condition: Any) -> int:
    n_rows = session.scalar(select(func.count()).select_from(table).where(condition)) or 0
    session.execute(delete(table).where(condition))
    return n_rows


def _prove(
    session: Session,
    *,
    study_id: str,
    participant_id: str,
    code: str,
    reason: str,
    counts: dict[str, int],
    actor: str,
) -> Deletion:
    proof = Deletion(study_id=study_id, participant_code=code, reason=reason, counts=counts)
    session.add(proof)
    audit.append(
        session,
        actor=actor,
        action="delete participant" if reason != RETENTION else "delete expired recordings",
        study_id=study_id,
        object_id=participant_id,
        detail={"reason": reason, **counts},
    )
    session.flush()
    session.info[_UNSWEPT] = True
    if not event.contains(session, "after_commit", _sweep):
        event.listen(session, "after_commit", _sweep)
    return proof


def _sweep(session: Session) -> None:
    """Empty SQLite's write-ahead log, where copies of deleted rows lie until it is."""
    # A savepoint's commit is none yet.
    if session.in_nested_transaction() or not session.info.pop(_UNSWEPT, False):
        return
    engine = session.get_bind().engine
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        (before,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {_SWEEP_TIMEOUT_MS}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute(f"PRAGMA busy_timeout = {before}")
    finally:
        connection.close()
