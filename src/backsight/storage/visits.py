"""One participant's visits and recordings, and what they were found to show. Reads only, and holds no row.

Recordings that were discarded are left out: nothing but their row is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, defer

from backsight.domain.sequences import PoseSequence
from backsight.errors import NotFoundError
from backsight.storage.documents import JsonObject
from backsight.storage.landmarks import load_track
from backsight.storage.tables import AssessmentRow, Recording, RecordingState, Visit

KEPT = (RecordingState.QUEUED, RecordingState.DONE, RecordingState.FAILED)
"""States of a recording that the participant chose to keep; nobody else may look at others."""


@dataclass(frozen=True)
class RecordingResult:
    """A recording and what it was found to show."""

    recording: Recording
    result: AssessmentRow | None
    """Without its document; None = not assessed."""


@dataclass(frozen=True)
class VisitResult:
    """A visit with its recordings, in order of time."""

    visit: Visit
    result: AssessmentRow | None
    """All assessed exercises together, without the document; None = none is assessed."""
    recordings: tuple[RecordingResult, ...]


def visits_of(session: Session, participant_id: str) -> list[VisitResult]:
    """Return a participant's visits, the oldest first."""
    rows = session.execute(
        select(Visit, AssessmentRow)
        .outerjoin(AssessmentRow, (AssessmentRow.visit_id == Visit.id) & AssessmentRow.recording_id.is_(None))
        .where(Visit.participant_id == participant_id)
        .order_by(Visit.started_at, Visit.id)
        .options(defer(AssessmentRow.content, raiseload=True))
    ).all()
    found = recordings_of(session, participant_id)
    return [
        VisitResult(visit, result, tuple(one for one in found if one.recording.visit_id == visit.id))
        for visit, result in rows
    ]


def recordings_of(session: Session, participant_id: str) -> list[RecordingResult]:
    """Return a participant's recordings of all visits, the oldest first."""
    return _recordings(session, Visit.participant_id == participant_id)


def find_recording_of(session: Session, *, participant_id: str, recording_id: str) -> RecordingResult:
    """Return a recording of a participant.

    Raises
    ------
    NotFoundError
        When they have none of that identifier, whether or not somebody else has one.
    """
    found = _recordings(session, Visit.participant_id == participant_id, Recording.id == recording_id)
    if not found:
        raise NotFoundError(f"this participant has no recording {recording_id!r}; it may have been deleted")
    return found[0]


def recording_document(session: Session, *, participant_id: str, recording_id: str) -> JsonObject:
    """Return what a recording of a participant was found to show, as `exports.json_file` writes it.

    Raises
    ------
    NotFoundError
        When they have no such recording, or it is not assessed.
    """
    recording = find_recording_of(session, participant_id=participant_id, recording_id=recording_id).recording
    query = select(AssessmentRow.content).where(AssessmentRow.recording_id == recording_id)
    content: JsonObject | None = session.scalars(query).first()
    if content is None:
        raise NotFoundError(f"recording {recording_id!r} has no assessment: it is {recording.state}")
    return content


def visit_document(session: Session, *, participant_id: str, visit_id: str) -> JsonObject:
    """Return what a visit of a participant was found to show, all its assessed exercises together.

    Raises
    ------
    NotFoundError
        When they have no such visit, or none of its recordings is assessed.
    """
    visit = session.get(Visit, visit_id)
    if visit is None or visit.participant_id != participant_id:
        raise NotFoundError(f"this participant has no visit {visit_id!r}; it may have been deleted")
    query = select(AssessmentRow.content).where(
        AssessmentRow.visit_id == visit_id, AssessmentRow.recording_id.is_(None)
    )
    content: JsonObject | None = session.scalars(query).first()
    if content is None:
        raise NotFoundError(f"visit {visit_id!r} has no assessment: none of its recordings is assessed")
    return content


def landmarks_of(session: Session, *, participant_id: str, recording_id: str) -> tuple[Recording, PoseSequence]:
    """Return a recording that a participant kept, and its landmarks as they were found.

    Raises
    ------
    NotFoundError
        When they have no such recording, have not kept it, or its landmarks are not here (any more).
    """
    recording = find_recording_of(session, participant_id=participant_id, recording_id=recording_id).recording
    if recording.state not in KEPT:
        raise NotFoundError(f"recording {recording_id!r} has no landmarks to look at: it is {recording.state}")
    return recording, load_track(session, recording_id).pose


def _recordings(session: Session, *where: ColumnElement[bool]) -> list[RecordingResult]:
    rows: Sequence[tuple[Recording, AssessmentRow | None]] = [
        (row[0], row[1])
        for row in session.execute(
            select(Recording, AssessmentRow)
            .join(Visit, Visit.id == Recording.visit_id)
            .outerjoin(AssessmentRow, AssessmentRow.recording_id == Recording.id)
            .where(Recording.state != RecordingState.DISCARDED, *where)
            .order_by(Visit.started_at, Visit.id, Recording.created_at, Recording.id)
            .options(defer(AssessmentRow.content, raiseload=True))
        )
    ]
    return [RecordingResult(recording, result) for recording, result in rows]
