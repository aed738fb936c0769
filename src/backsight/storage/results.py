"""What recordings were found to show: kept once, a visit judged from all of its own. Knows no engine."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise
from backsight.errors import ConflictError, NotFoundError
from backsight.exports.json_file import assessment_to_dict
from backsight.storage.documents import JsonObject, part_document, session_document
from backsight.storage.landmarks import find_recording
from backsight.storage.tables import AssessmentRow, Recording, RecordingState, Visit

REASON_LIMIT = 500
"""Letters of a reason."""


@dataclass(frozen=True)
class VisitResults:
    """What a visit has given so far."""

    visit: Visit
    document: JsonObject | None
    """All its assessed exercises together, as `exports.json_file` writes them; None = none is assessed yet."""
    recordings: tuple[Recording, ...]
    """In order of time, without discarded ones."""


def queued(session: Session) -> list[str]:
    """Return the recordings that wait to be assessed, the oldest first."""
    query = select(Recording.id).where(Recording.state == RecordingState.QUEUED).order_by(Recording.rated_at)
    return list(session.scalars(query))


def save_assessment(session: Session, recording_id: str, assessment: Assessment) -> bool:
    """Keep what a recording was found to show, once, and judge its visit anew.

    Parameters
    ----------
    assessment
        Holds the recording's exercise; others in it are left out.

    Returns
    -------
    bool
        False = it was assessed before, and nothing was changed.

    Raises
    ------
    NotFoundError
        When there is no such recording: the participant withdrew meanwhile.
    ConflictError
        When the recording does not wait to be assessed.
    """
    _hold_visit(session, recording_id)
    recording = find_recording(session, recording_id)
    if recording.state is RecordingState.DONE:
        return False
    _check_waits(recording)
    document = part_document(assessment_to_dict(assessment), Exercise(recording.exercise))
    session.add(_row(document, AssessmentRow(visit_id=recording.visit_id, recording_id=recording_id)))
    recording.state, recording.reason = RecordingState.DONE, ""
    session.flush()
    judge_visit(session, recording.visit_id)
    return True


def judge_visit(session: Session, visit_id: str) -> None:
    """Put the assessments of a visit's recordings together; at least one is assessed."""
    parts = session.scalars(
        select(AssessmentRow)
        .where(AssessmentRow.visit_id == visit_id, AssessmentRow.recording_id.is_not(None))
        .order_by(AssessmentRow.created_at)
    )
    row = _visit_row(session, visit_id) or AssessmentRow(visit_id=visit_id, recording_id=None)
    session.add(_row(session_document([part.content for part in parts]), row))
    session.flush()


def hold_waiting(session: Session, recording_id: str) -> None:
    """Hold a recording that waits to be assessed, and its visit, until the transaction ends.

    For who keeps more than an assessment: what was deleted meanwhile must not come back.

    Raises
    ------
    NotFoundError
        When there is no such recording.
    ConflictError
        When it does not wait, because it was assessed or its time is over.
    """
    _hold_visit(session, recording_id)
    _check_waits(find_recording(session, recording_id))


def fail(session: Session, recording_id: str, *, reason: str) -> None:
    """Note that a recording could not be assessed, and why; harmless when it was.

    Raises
    ------
    NotFoundError
        When there is no such recording.
    """
    recording = find_recording(session, recording_id)
    if recording.state is RecordingState.QUEUED:
        recording.state, recording.reason = RecordingState.FAILED, reason[:REASON_LIMIT]
        session.flush()


def visit_results(session: Session, visit_id: str) -> VisitResults:
    """Return what a visit has given so far.

    Raises
    ------
    NotFoundError
        When there is no such visit.
    """
    visit = session.get(Visit, visit_id)
    if visit is None:
        raise NotFoundError(f"there is no visit {visit_id!r}; it may have been deleted")
    recordings = session.scalars(
        select(Recording)
        .where(Recording.visit_id == visit_id, Recording.state != RecordingState.DISCARDED)
        .order_by(Recording.created_at)
    )
    row = _visit_row(session, visit_id)
    return VisitResults(visit=visit, document=None if row is None else row.content, recordings=tuple(recordings))


def _check_waits(recording: Recording) -> None:
    if recording.state is not RecordingState.QUEUED:
        raise ConflictError(f"this recording does not wait to be assessed: it is {recording.state}")


def _hold_visit(session: Session, recording_id: str) -> None:
    """Make recordings of one visit that end together take turns.

    Visits are locked before recordings everywhere, and before anything is inserted below them: two transactions that
    each held the other's would wait for ever.
    """
    visit_id = select(Recording.visit_id).where(Recording.id == recording_id).scalar_subquery()
    session.scalar(select(Visit.id).where(Visit.id == visit_id).with_for_update())


def _visit_row(session: Session, visit_id: str) -> AssessmentRow | None:
    query = select(AssessmentRow).where(AssessmentRow.visit_id == visit_id, AssessmentRow.recording_id.is_(None))
    return session.scalars(query).first()


def _row(document: JsonObject, row: AssessmentRow) -> AssessmentRow:
    """Write a document into a row, with the columns that are searched by."""
    found, model = document["session"], document["model"]
    interval = found["interval"] or {"low": None, "high": None}
    row.index, row.index_low, row.index_high = found["index"], interval["low"], interval["high"]
    row.quality, row.verdict = found["quality"], found["verdict"]
    row.model_name = f"{model['name']} {model['version']}"
    row.backsight_version = document["software"]["version"]
    row.content = document
    return row
