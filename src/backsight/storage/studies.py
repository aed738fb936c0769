"""Studies and who may see them, and, from one place, all that is done with the people in them. Knows no recording."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backsight.domain.recording import Exercise
from backsight.errors import NotFoundError
from backsight.storage.invitations import (
    Invitation,
    Invited,
    find_invited,
    invite,
    participant_of_invitation,
    renew_invitation,
)
from backsight.storage.overview import ParticipantOverview, overview
from backsight.storage.participants import (
    NoteText,
    add_note,
    consent_of,
    exclude,
    find_participant,
    include,
    label_of,
    notes_of,
    remove_note,
    save_profile,
    set_flag,
    sign_consent,
    signed_name_of,
)
from backsight.storage.study_settings import NAME_LIMIT, StudySettings, consent_hash, find_study
from backsight.storage.tables import Member, PrivacyMode, Study, User

__all__ = [
    "NAME_LIMIT",
    "Invitation",
    "Invited",
    "NoteText",
    "ParticipantOverview",
    "add_member",
    "add_note",
    "consent_hash",
    "consent_of",
    "create_study",
    "exclude",
    "find_invited",
    "find_participant",
    "find_study",
    "include",
    "invite",
    "is_member",
    "label_of",
    "members_of",
    "notes_of",
    "overview",
    "participant_of_invitation",
    "remove_note",
    "renew_invitation",
    "save_profile",
    "set_flag",
    "sign_consent",
    "signed_name_of",
    "studies_of",
]
"""All that is done with studies and people; `invitations`, `participants` and `overview` hold a part of it."""


def create_study(
    session: Session,
    *,
    name: str,
    exercises: Sequence[Exercise | str],
    consent_text: str,
    privacy_mode: PrivacyMode | str,
    retention_days: int | None,
    owner_id: str,
    show_live_index: bool = False,
) -> Study:
    """Make a study and its first member.

    Parameters
    ----------
    exercises
        In the order in which they are to be recorded.
    consent_text
        What every participant signs, word for word.
    retention_days
        Days after a visit until its landmarks and videos are deleted; None = kept.
    owner_id
        The user who makes it.
    show_live_index
        Whether participants see the running index while they record; seeing it could bias their rating.

    Raises
    ------
    FieldsError
        Names every field that cannot be.
    """
    settings = StudySettings(
        name=name,
        exercises=exercises,
        consent_text=consent_text,
        privacy_mode=privacy_mode,
        retention_days=retention_days,
        show_live_index=show_live_index,
    )
    settings.check()
    study = Study(**settings.columns())
    session.add(study)
    session.flush()
    add_member(session, study_id=study.id, user_id=owner_id)
    return study


def studies_of(session: Session, user: User) -> list[Study]:
    """Return the studies that a user is a member of, the newest first."""
    query = select(Study).join(Member, Member.study_id == Study.id).where(Member.user_id == user.id)
    return list(session.scalars(query.order_by(Study.created_at.desc(), Study.name)))


def is_member(session: Session, *, study_id: str, user_id: str) -> bool:
    """Return whether a user may see a study."""
    return session.get(Member, (study_id, user_id)) is not None


def members_of(session: Session, study_id: str) -> list[User]:
    """Return the users who may see a study, by name."""
    query = select(User).join(Member, Member.user_id == User.id).where(Member.study_id == study_id)
    return list(session.scalars(query.order_by(User.name, User.email)))


def add_member(session: Session, *, study_id: str, user_id: str) -> None:
    """Let a user see a study; harmless when they may already.

    Raises
    ------
    NotFoundError
        When there is no such study or user.
    """
    find_study(session, study_id)
    if session.get(User, user_id) is None:
        raise NotFoundError(f"there is no user {user_id!r}; add them with `backsight user add` first")
    if not is_member(session, study_id=study_id, user_id=user_id):
        session.add(Member(study_id=study_id, user_id=user_id))
        session.flush()
