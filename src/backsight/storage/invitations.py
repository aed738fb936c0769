"""Who is invited to a study, and the secret of their link, of which only a hash is kept. Knows no recording.

A link opens until it expires, so that people can stop and come back; to withdraw it opens for ever.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backsight.errors import ConflictError, FieldsError, InvitationError, NotFoundError
from backsight.storage.checks import check_text
from backsight.storage.database import seal_of
from backsight.storage.study_settings import NAME_LIMIT, find_study
from backsight.storage.tables import Deletion, Participant, Study, now

LONGEST_INVITATION_DAYS = 365

_CODE = re.compile(r"P-(\d+)")


@dataclass(frozen=True)
class Invitation:
    """Somebody invited, and the secret of their link, which is kept nowhere."""

    participant: Participant
    token: str


@dataclass(frozen=True)
class Invited:
    """Whom a link belongs to, and whether it still lets them take part."""

    participant: Participant
    shut_because: str | None
    """Why they can only withdraw any more; None = the link is open."""


_INVITED = (
    select(Participant, Study.closed_at)
    .join(Study, Study.id == Participant.study_id)
    .where(Participant.invitation_hash == bindparam("invitation_hash"))
)
"""Made once: every request of a participant asks."""


def invite(session: Session, *, study_id: str, label: str = "", lifetime_days: int = 30) -> Invitation:
    """Make a participant, `P-0001` and up, and the secret of their link.

    Parameters
    ----------
    label
        A note of whom this is; sealed where a key is given, never exported.
    lifetime_days
        How long the link opens, 1 to 365 days.

    Raises
    ------
    NotFoundError
        When there is no such study.
    ConflictError
        When the study is closed.
    FieldsError
        When the label is too long or the lifetime out of range.
    """
    # The lock makes two invitations of the same moment take their numbers one after the other.
    study = session.scalar(select(Study).where(Study.id == study_id).with_for_update())
    if study is None:
        raise NotFoundError(f"there is no study {study_id!r}; it may have been deleted")
    if study.closed_at is not None:
        raise ConflictError(f"the study {study.name!r} is closed; nobody can be invited to it any more")
    wrong: dict[str, str] = {}
    check_text(wrong, "label", label, limit=NAME_LIMIT, may_be_empty=True)
    if not 1 <= lifetime_days <= LONGEST_INVITATION_DAYS:
        wrong["lifetime_days"] = f"must be 1 to {LONGEST_INVITATION_DAYS} days, got {lifetime_days}"
    if wrong:
        raise FieldsError(wrong)
    token = secrets.token_urlsafe(32)
    participant = Participant(
        study_id=study_id,
        code=_next_code(session, study_id),
        label=seal_of(session).seal_text(label.strip()) if label.strip() else "",
        invitation_hash=_hash(token),
        invitation_expires_at=now() + timedelta(days=lifetime_days),
    )
    session.add(participant)
    session.flush()
    return Invitation(participant, token)


def renew_invitation(session: Session, participant: Participant, *, lifetime_days: int = 30) -> Invitation:
    """Give a participant a new link; the old one stops working.

    Raises
    ------
    ConflictError
        When the study is closed: the link would open nothing.
    FieldsError
        When the lifetime is out of range.
    """
    if find_study(session, participant.study_id).closed_at is not None:
        raise ConflictError("the study is closed; open it again before you make a new link")
    if not 1 <= lifetime_days <= LONGEST_INVITATION_DAYS:
        raise FieldsError({"lifetime_days": f"must be 1 to {LONGEST_INVITATION_DAYS} days, got {lifetime_days}"})
    token = secrets.token_urlsafe(32)
    participant.invitation_hash = _hash(token)
    participant.invitation_expires_at = now() + timedelta(days=lifetime_days)
    session.flush()
    return Invitation(participant, token)


def participant_of_invitation(session: Session, token: str) -> Participant:
    """Return whom a link belongs to. It opens until it expires, so that people can stop and come back.

    Raises
    ------
    InvitationError
        When nobody has that link, it has expired, or the study is closed.
    """
    invited = find_invited(session, token)
    if invited.shut_because is not None:
        raise InvitationError(invited.shut_because)
    return invited.participant


def find_invited(session: Session, token: str) -> Invited:
    """Return whom a link belongs to, expired or not and whatever has become of the study: withdrawing never ends.

    Raises
    ------
    InvitationError
        When nobody has that link.
    """
    found = session.execute(_INVITED, {"invitation_hash": _hash(token)}).first()
    if found is None:
        raise InvitationError("this invitation is not known; ask whoever sent it for a new link")
    participant, closed_at = found
    shut_because = None
    if participant.invitation_expires_at is None or participant.invitation_expires_at <= now():
        shut_because = "this invitation has expired; ask whoever sent it for a new link"
    elif closed_at is not None:
        shut_because = "this study has ended; nothing can be recorded any more"
    return Invited(participant, shut_because)


def _next_code(session: Session, study_id: str) -> str:
    """Return the first number above all ever given: somebody who withdrew must not be taken for somebody new."""
    there = session.scalars(select(Participant.code).where(Participant.study_id == study_id))
    gone = session.scalars(select(Deletion.participant_code).where(Deletion.study_id == study_id))
    numbers = [int(match[1]) for code in (*there, *gone) if (match := _CODE.fullmatch(code))]
    return f"P-{max(numbers, default=0) + 1:04d}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
