"""A study's participants at a glance: how far they are, how good their recordings, their last index. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from backsight.domain.assessment import QualityVerdict
from backsight.storage.database import seal_of
from backsight.storage.tables import AssessmentRow, Participant, ParticipantState, Recording, RecordingState, Visit


@dataclass(frozen=True)
class ParticipantOverview:
    """One line of a study's list of participants."""

    participant_id: str
    code: str
    label: str
    """As it was written, opened."""
    state: ParticipantState
    is_flagged: bool
    is_excluded: bool
    exclusion_reason: str
    n_visits: int
    """With at least one recording that was kept."""
    last_visit_at: datetime | None
    recordings: dict[RecordingState, int] = field(default_factory=dict)
    """How many recordings of all visits are in which state; discarded ones are left out."""
    quality: QualityVerdict | None = None
    """The worst of the last visit that was assessed; None = none was."""
    index: float | None = None
    """Of the last visit that was assessed, 0 best to 1 worst; None = none was, or it was unusable."""
    index_low: float | None = None
    index_high: float | None = None
    verdict: str = ""

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should look: flagged, a recording failed, or the last visit was unusable."""
        failed = self.recordings.get(RecordingState.FAILED, 0) > 0
        return self.is_flagged or failed or self.quality is QualityVerdict.UNUSABLE


_KEPT = (RecordingState.QUEUED, RecordingState.DONE, RecordingState.FAILED)


def overview(
    session: Session, study_id: str, *, after: str = "", limit: int | None = None
) -> list[ParticipantOverview]:
    """Return a study's participants by code; the number of queries does not grow with theirs.

    Parameters
    ----------
    after
        Only codes that come after this one.
    limit
        At most so many; None = all.
    """
    people = list(
        session.scalars(
            select(Participant)
            .where(Participant.study_id == study_id, Participant.code > after)
            .order_by(Participant.code)
            .limit(limit)
        )
    )
    if not people:
        return []
    # The database's own order of text, whatever it is, decides here as it does above.
    among_them = (
        Participant.study_id == study_id,
        Participant.code >= people[0].code,
        Participant.code <= people[-1].code,
    )
    recordings: dict[str, dict[RecordingState, int]] = {}
    visits: dict[str, dict[str, datetime]] = {}
    rows = session.execute(
        select(Visit.participant_id, Visit.id, Visit.started_at, Recording.state)
        .join(Recording, Recording.visit_id == Visit.id)
        .join(Participant, Participant.id == Visit.participant_id)
        .where(*among_them, Recording.state != RecordingState.DISCARDED)
    )
    for participant_id, visit_id, started_at, state in rows:
        counts = recordings.setdefault(participant_id, {})
        counts[state] = counts.get(state, 0) + 1
        if state in _KEPT:
            visits.setdefault(participant_id, {})[visit_id] = started_at
    last = _last_results(session, among_them)
    seal = seal_of(session)
    return [
        ParticipantOverview(
            participant_id=person.id,
            code=person.code,
            label=seal.open_text(person.label) if person.label else "",
            state=person.state,
            is_flagged=person.is_flagged,
            is_excluded=person.excluded_at is not None,
            exclusion_reason=person.exclusion_reason,
            n_visits=len(visits.get(person.id, {})),
            last_visit_at=max(visits.get(person.id, {}).values(), default=None),
            recordings=recordings.get(person.id, {}),
            **last.get(person.id, {}),
        )
        for person in people
    ]


def count_participants(session: Session, study_id: str) -> int:
    """Return how many participants a study has."""
    return session.scalar(select(func.count()).where(Participant.study_id == study_id)) or 0


def _last_results(session: Session, among_them: Sequence[ColumnElement[bool]]) -> dict[str, dict[str, Any]]:
    """Return what the last assessed visit of each of these participants was found to show."""
    rows = session.execute(
        select(
            Visit.participant_id,
            AssessmentRow.quality,
            AssessmentRow.index,
            AssessmentRow.index_low,
            AssessmentRow.index_high,
            AssessmentRow.verdict,
        )
        .join(Visit, AssessmentRow.visit_id == Visit.id)
        .join(Participant, Participant.id == Visit.participant_id)
        .where(*among_them, AssessmentRow.recording_id.is_(None))
        .order_by(Visit.started_at)
    )
    return {
        row.participant_id: {
            "quality": QualityVerdict(row.quality),
            "index": row.index,
            "index_low": row.index_low,
            "index_high": row.index_high,
            "verdict": row.verdict,
        }
        for row in rows
    }
