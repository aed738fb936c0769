"""What an administrator sees of studies: how large and how old they are, and what retention did. No health data.

No name of a participant, no label, no result, and no state of a single person is read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backsight.storage.deletion import RETENTION
from backsight.storage.tables import Deletion, Member, Participant, Study, User


@dataclass(frozen=True)
class StudyLine:
    """One study, without anything of anybody's health."""

    study_id: str
    name: str
    created_at: datetime
    closed_at: datetime | None
    members: tuple[str, ...]
    """Names of those who work on it."""
    n_participants: int
    retention_days: int | None
    """None = kept until somebody withdraws."""
    n_expired: int
    """Participants of whom something was deleted because its time was over, counted at each deletion."""


def study_lines(session: Session) -> list[StudyLine]:
    """Return all studies, open ones first, by name; the number of queries does not grow with theirs."""
    n_people = _counts(session, select(Participant.study_id, func.count()).group_by(Participant.study_id))
    n_expired = _counts(
        session,
        select(Deletion.study_id, func.count()).where(Deletion.reason == RETENTION).group_by(Deletion.study_id),
    )
    members: dict[str, list[str]] = {}
    named = select(Member.study_id, User.name).join(User, User.id == Member.user_id).order_by(User.name)
    for study_id, name in session.execute(named):
        members.setdefault(study_id, []).append(name)
    return [
        StudyLine(
            study_id=study.id,
            name=study.name,
            created_at=study.created_at,
            closed_at=study.closed_at,
            members=tuple(members.get(study.id, ())),
            n_participants=n_people.get(study.id, 0),
            retention_days=study.retention_days,
            n_expired=n_expired.get(study.id, 0),
        )
        for study in session.scalars(select(Study).order_by(Study.closed_at.is_not(None), Study.name, Study.id))
    ]


def _counts(session: Session, query: Select[str, int]) -> dict[str, int]:
    return {study_id: number for study_id, number in session.execute(query)}  # noqa: C416 - rows, not pairs
