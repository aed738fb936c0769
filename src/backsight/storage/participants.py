"""What participants signed and said of themselves, and what was noted of them. Knows no recording's content.

Labels, signed names and notes are sealed where a key is given; `label_of`, `signed_name_of` and `notes_of` read them.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backsight.domain.recording import HEIGHT_RANGE_M
from backsight.errors import ConflictError, FieldsError, InvalidValueError, NotFoundError
from backsight.storage.checks import check_range, check_text
from backsight.storage.database import seal_of
from backsight.storage.study_settings import NAME_LIMIT, TEXT_LIMIT, consent_hash, find_study
from backsight.storage.tables import Consent, Note, Participant, ParticipantState, now

AGE_RANGE_YEARS = (5, 120)
MASS_RANGE_KG = (10.0, 400.0)
SEXES = ("female", "male", "other")
HISTORY_LIMIT = 40
"""Answers of the questionnaire on one's back."""


@dataclass(frozen=True)
class NoteText:
    """A note as it was written."""

    id: str
    text: str
    user_id: str | None
    """Who wrote it; None = a user who is gone."""
    created_at: datetime


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
