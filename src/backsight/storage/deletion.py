"""Delete what somebody withdraws, or what a study may no longer keep, and prove it. Knows no page.

Files go before rows and within the same transaction: a row whose file is gone can be deleted again, a file whose row is
gone would be forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import delete, event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backsight.errors import InvalidValueError, StorageError
from backsight.storage import audit
from backsight.storage.tables import (
    AssessmentRow,
    Consent,
    Deletion,
    LandmarkChunk,
    Note,
    Participant,
    PrivacyMode,
    Recording,
    RecordingState,
    RetentionDay,
    Study,
    Visit,
)
from backsight.storage.videos import upload_files

WITHDRAWN = "withdrawn"
RETENTION = "retention"
_EXPIRED = "deleted when the study's time of keeping was over, before it was assessed"
_UNSWEPT = "deleted_rows_unswept"
_log = logging.getLogger(__name__)
_SWEEP_TIMEOUT_MS = 2_000
"""How long sweeping waits for readers; who reads on keeps the old copies until the next sweep."""


class DeletesVideos(Protocol):
    """The part of `VideoStore` that is needed here."""

    def delete(self, key: str) -> bool:
        """Remove a video; return whether there was one."""
        ...

    def delete_all(self, folder: str) -> int:
        """Remove everything below a key; return how many files there were."""
        ...


@dataclass(frozen=True)
class Expiry:
    """What came of deleting what is due."""

    deletions: tuple[Deletion, ...]
    """One for each participant of whom something was deleted."""
    n_skipped: int
    """Participants who are as they were, because a video of theirs cannot be deleted now; the log says why."""


def withdraw(
    session: Session,
    participant: Participant,
    *,
    videos: DeletesVideos | None,
    incoming: Path | None = None,
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
    incoming
        The folder of uploads that are not complete; None = this person has none there.
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
    if incoming is not None:
        _delete_uploads(incoming, ids)
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

    Assessments stay. A day is over when it is over in UTC. Where a video cannot be deleted, its participant is left as
    they were, which the log says, and the day counts as not done: the next call tries again.

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
    expiry = delete_expired(session, today=today, videos=videos)
    if expiry.n_skipped:
        # Not done for today: what could not be deleted is tried again.
        session.execute(delete(RetentionDay).where(RetentionDay.day == today))
    return list(expiry.deletions)


def delete_expired(session: Session, *, today: date, videos: DeletesVideos | None, actor: str = "system") -> Expiry:
    """Delete the same as `apply_retention`, whether or not it was done today: for somebody who will not wait.

    Parameters
    ----------
    actor
        Who asks, for the audit log.
    """
    done, n_skipped = [], 0
    for study in session.scalars(select(Study).where(Study.retention_days.is_not(None))).all():
        kept_from = today - timedelta(days=study.retention_days or 0)
        people = select(Participant).where(Participant.study_id == study.id).order_by(Participant.code)
        for person in session.scalars(people).all():
            try:
                with session.begin_nested():
                    counts = _expire(session, person, kept_from=kept_from, videos=videos)
            except StorageError as error:
                _log.error("what is due of one participant cannot be deleted; all others go on: %s", error)
                n_skipped += 1
                continue
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
    return Expiry(deletions=tuple(done), n_skipped=n_skipped)


def last_retention(session: Session) -> RetentionDay | None:
    """Return the last day on which retention was applied; None = it never was."""
    return session.scalars(select(RetentionDay).order_by(RetentionDay.day.desc()).limit(1)).first()


def _expire(session: Session, person: Participant, *, kept_from: date, videos: DeletesVideos | None) -> dict[str, int]:
    visits = session.scalars(select(Visit).where(Visit.participant_id == person.id))
    old = [visit.id for visit in visits if (visit.finished_at or visit.started_at).date() < kept_from]
    # Visits before recordings, as everywhere.
    session.execute(select(Visit.id).where(Visit.id.in_(old)).with_for_update())
    recordings = session.scalars(select(Recording).where(Recording.visit_id.in_(old)).with_for_update()).all()
    counts = {
        "videos": _delete_videos([recording for recording in recordings if _may_have_video(recording)], videos),
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
    if videos is None:
        return 0
    # A process that is killed between keeping a video and noting its key leaves files that no row names.
    filmed = [recording.id for recording in recordings if recording.mode is PrivacyMode.VIDEO]
    return sum(videos.delete(key) for key in keys) + sum(videos.delete_all(name) for name in filmed)


def _may_have_video(recording: Recording) -> bool:
    """Return whether files may be there; what was emptied once is not asked for every day."""
    return recording.video_key is not None or recording.state in (RecordingState.RECEIVING, RecordingState.DISCARDED)


def _delete_uploads(folder: Path, recording_ids: Sequence[str]) -> None:
    try:
        for name in recording_ids:
            for path in upload_files(folder, name):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: an upload cannot be deleted: {error.strerror}") from error


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
