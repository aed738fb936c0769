"""Studies, who belongs to them, who was invited and what they said of themselves. Knows no recording's content.

Labels, signed names and notes are sealed where a key is given; `label_of`, `signed_name_of` and `notes_of` read them.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backsight.domain.recording import HEIGHT_RANGE_M, Exercise
from backsight.errors import ConflictError, FieldsError, InvalidValueError, InvitationError, NotFoundError
from backsight.storage.checks import check_range, check_text
from backsight.storage.database import seal_of
from backsight.storage.overview import ParticipantOverview, overview
from backsight.storage.study_settings import NAME_LIMIT, TEXT_LIMIT, StudySettings, consent_hash
from backsight.storage.tables import (
    Consent,
    Deletion,
    Member,
    Note,
    Participant,
    ParticipantState,
    PrivacyMode,
    Study,
    User,
    now,
)

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
"""All that is done with studies and people, from one place; `overview` holds a part of it."""

LONGEST_INVITATION_DAYS = 365
AGE_RANGE_YEARS = (5, 120)
MASS_RANGE_KG = (10.0, 400.0)
SEXES = ("female", "male", "other")
HISTORY_LIMIT = 40
"""Answers of the questionnaire on one's back."""

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


@dataclass(frozen=True)
class NoteText:
    """A note as it was written."""

    id: str
    text: str
    user_id: str | None
    """Who wrote it; None = a user who is gone."""
    created_at: datetime


_INVITED = (
    select(Participant, Study.closed_at)
    .join(Study, Study.id == Participant.study_id)
    .where(Participant.invitation_hash == bindparam("invitation_hash"))
)
"""Made once: every request of a participant asks."""


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


def find_study(session: Session, study_id: str) -> Study:
    """Return a study.

    Raises
    ------
    NotFoundError
        When there is none of that identifier.
    """
    study = session.get(Study, study_id)
    if study is None:
        raise NotFoundError(f"there is no study {study_id!r}; it may have been deleted")
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


def find_participant(session: Session, *, study_id: str, participant_id: str) -> Participant:
    """Return a participant of a study.

    Raises
    ------
    NotFoundError
        When there is none of that identifier in that study, whether or not another study has one.
    """
    participant = session.get(Participant, participant_id)
    if participant is None or participant.study_id != study_id:
        raise NotFoundError(f"there is no participant {participant_id!r} in this study; they may have withdrawn")
    return participant


def sign_consent(session: Session, participant: Participant, *, signed_name: str, text_hash: str) -> Consent:
    """Keep a signature with the text word for word; signing the same text twice keeps the first.

    Parameters
    ----------
    text_hash
        `consent_hash` of the text that the participant was shown.

    Raises
    ------
    FieldsError
        When no name was typed.
    ConflictError
        When the study's text is no longer the one that was shown.
    """
    wrong: dict[str, str] = {}
    check_text(wrong, "signed_name", signed_name, limit=NAME_LIMIT)
    if wrong:
        raise FieldsError(wrong)
    text = find_study(session, participant.study_id).consent_text
    if not secrets.compare_digest(text_hash.encode(), consent_hash(text).encode()):
        raise ConflictError("the consent text has been changed meanwhile; read the new one and sign that")
    signed = consent_of(session, participant)
    if signed is None or signed.text_hash != text_hash:
        signed = Consent(
            participant_id=participant.id,
            text=text,
            text_hash=text_hash,
            signed_name=seal_of(session).seal_text(signed_name.strip()),
        )
        session.add(signed)
    if participant.state is ParticipantState.INVITED:
        participant.state = ParticipantState.CONSENTED
    session.flush()
    return signed


def consent_of(session: Session, participant: Participant) -> Consent | None:
    """Return a participant's latest signature; None = not signed."""
    query = select(Consent).where(Consent.participant_id == participant.id).order_by(Consent.signed_at.desc())
    return session.scalars(query.limit(1)).first()


def label_of(session: Session, participant: Participant) -> str:
    """Return the note of whom was invited."""
    return seal_of(session).open_text(participant.label) if participant.label else ""


def signed_name_of(session: Session, consent: Consent) -> str:
    """Return the name that was typed under a consent text."""
    return seal_of(session).open_text(consent.signed_name)


def save_profile(
    session: Session,
    participant: Participant,
    *,
    birth_year: int | None,
    sex: str | None,
    height_cm: float | None,
    mass_kg: float | None,
    back_history: Mapping[str, Any] | None,
) -> None:
    """Keep what a participant says of themselves; None = not said.

    Parameters
    ----------
    back_history
        Answers of the questionnaire by name: texts, numbers, yes or no, or lists of texts.

    Raises
    ------
    FieldsError
        Names every answer that cannot be.
    """
    wrong: dict[str, str] = {}
    youngest, oldest = AGE_RANGE_YEARS
    this_year = now().year
    check_range(wrong, "birth_year", birth_year, within=(this_year - oldest, this_year - youngest), unit="a year")
    heights_cm = (100 * HEIGHT_RANGE_M[0], 100 * HEIGHT_RANGE_M[1])
    check_range(wrong, "height_cm", height_cm, within=heights_cm, unit="centimetres")
    check_range(wrong, "mass_kg", mass_kg, within=MASS_RANGE_KG, unit="kilograms")
    if birth_year is not None and birth_year != int(birth_year):
        wrong["birth_year"] = f"must be a whole year, got {birth_year}"
    if sex is not None and sex not in SEXES:
        wrong["sex"] = f"must be one of {', '.join(SEXES)} or empty, got {sex!r}"
    _check_back_history(wrong, back_history)
    if wrong:
        raise FieldsError(wrong)
    participant.birth_year, participant.sex = birth_year, sex
    participant.height_cm, participant.mass_kg = height_cm, mass_kg
    participant.back_history = None if back_history is None else dict(back_history)
    session.flush()


def add_note(session: Session, participant: Participant, *, user_id: str | None, text: str) -> Note:
    """Keep a note on a participant, sealed where a key is given.

    Raises
    ------
    FieldsError
        When it is empty or too long.
    """
    wrong: dict[str, str] = {}
    check_text(wrong, "text", text, limit=TEXT_LIMIT)
    if wrong:
        raise FieldsError(wrong)
    note = Note(participant_id=participant.id, user_id=user_id, text=seal_of(session).seal_text(text.strip()))
    session.add(note)
    session.flush()
    return note


def notes_of(session: Session, participant: Participant) -> list[NoteText]:
    """Return the notes on a participant, the newest first."""
    query = select(Note).where(Note.participant_id == participant.id).order_by(Note.created_at.desc(), Note.id)
    seal = seal_of(session)
    return [
        NoteText(note.id, seal.open_text(note.text), note.user_id, note.created_at) for note in session.scalars(query)
    ]


def remove_note(session: Session, participant: Participant, *, note_id: str, user_id: str) -> str:
    """Take a note away that this user wrote, and return its text.

    Raises
    ------
    NotFoundError
        When they wrote no such note on this participant.
    """
    note = session.get(Note, note_id)
    if note is None or note.participant_id != participant.id or note.user_id != user_id:
        raise NotFoundError("there is no such note of yours; it may have been removed already")
    text = seal_of(session).open_text(note.text)
    session.delete(note)
    session.flush()
    return text


def set_flag(session: Session, participant: Participant, *, is_flagged: bool) -> None:
    """Mark a participant as one to look at, or take the mark away."""
    participant.is_flagged = is_flagged
    session.flush()


def exclude(session: Session, participant: Participant, *, reason: str) -> None:
    """Leave a participant out of the study's results; their data stay.

    Raises
    ------
    FieldsError
        When no reason is given.
    """
    wrong: dict[str, str] = {}
    check_text(wrong, "reason", reason, limit=TEXT_LIMIT)
    if wrong:
        raise FieldsError(wrong)
    participant.excluded_at, participant.exclusion_reason = now(), reason.strip()
    session.flush()


def include(session: Session, participant: Participant) -> None:
    """Take a participant back into the study's results."""
    participant.excluded_at, participant.exclusion_reason = None, ""
    session.flush()


def _next_code(session: Session, study_id: str) -> str:
    """Return the first number above all ever given: somebody who withdrew must not be taken for somebody new."""
    there = session.scalars(select(Participant.code).where(Participant.study_id == study_id))
    gone = session.scalars(select(Deletion.participant_code).where(Deletion.study_id == study_id))
    numbers = [int(match[1]) for code in (*there, *gone) if (match := _CODE.fullmatch(code))]
    return f"P-{max(numbers, default=0) + 1:04d}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _check_back_history(wrong: dict[str, str], answers: Mapping[str, Any] | None) -> None:
    if answers is None:
        return
    if len(answers) > HISTORY_LIMIT:
        wrong["back_history"] = f"must be at most {HISTORY_LIMIT} answers, got {len(answers)}"
        return
    for name, answer in answers.items():
        try:
            _check_answer(answer)
        except InvalidValueError as error:
            wrong[f"back_history.{name}"] = str(error)


def _check_answer(answer: object) -> None:
    for item in answer if isinstance(answer, list) else [answer]:
        is_known = item is None or isinstance(item, str | bool | int | float)
        if not is_known or (isinstance(item, float) and not math.isfinite(item)):
            raise InvalidValueError(f"must be text, a number, yes or no, or a list of texts, got {type(item).__name__}")
        if isinstance(item, str) and (len(item) > TEXT_LIMIT or "\0" in item):
            raise InvalidValueError(f"must be at most {TEXT_LIMIT} letters, without a null character")
    if isinstance(answer, list) and len(answer) > HISTORY_LIMIT:
        raise InvalidValueError(f"must be at most {HISTORY_LIMIT} items, got {len(answer)}")
