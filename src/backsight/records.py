"""Open the doors of what is kept of people over time: the database of assessments, for the command line.

The database's libraries are imported inside the functions: they need the extra `web`, and only who keeps people over
time needs them. Whoever can run this can read the database's file, so nobody signs in; every look is in its audit log.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backsight.domain.assessment import Assessment
from backsight.domain.recording import Exercise
from backsight.errors import InputError, MissingDependencyError, NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from backsight.storage.database import Database
    from backsight.storage.history import History
    from backsight.storage.tables import Participant, Study

STUDY_NAME = "Command line"
"""Study of the people who are named on the command line. Nobody signs a consent in it: that is the user's to see to."""
ACTOR = "command-line"
SUBJECT_LIMIT = 100
"""Letters of a subject's ID."""


@dataclass(frozen=True)
class Kept:
    """Where an assessment was recorded."""

    subject: str
    database: str
    """For people: without a password."""
    sessions: Mapping[Exercise, int]
    """In which of the person's sessions each recording is, 1 = the first."""
    n_sessions: int
    """How many of this person are there now."""
    replaced: tuple[Exercise, ...]
    """Recordings that had been assessed before; they count once, with the newer result."""
    upheld: tuple[Exercise, ...]
    """Recordings that had been assessed before and keep that result, for the newer one has no index."""
    is_sealed: bool
    """Whether landmarks are encrypted."""


@dataclass(frozen=True)
class Person:
    """Somebody of whom sessions are kept."""

    code: str
    study: str
    n_sessions: int
    last_at: datetime | None


@dataclass(frozen=True)
class Forgotten:
    """What was deleted of somebody."""

    code: str
    study: str
    counts: dict[str, int]


@contextmanager
def open_database(*, may_create: bool = False) -> Iterator[Database]:
    """Open the database that `BACKSIGHT_DATABASE_URL` names, or the one in the user's data folder, with its tables.

    Parameters
    ----------
    may_create
        Make the database where there is none; for who has something to keep. Without it a mistyped path is an error.

    Raises
    ------
    MissingDependencyError
        When the extra `web` is not installed.
    StorageError
        When it cannot be reached, is not there and may not be made, or the key in `BACKSIGHT_ENCRYPTION_KEY` is none.
    """
    _check_extra()
    from backsight.storage.database import Database, default_database_url
    from backsight.storage.sealing import KEY_VARIABLE, Seal

    seal = Seal.from_key(os.environ.get(KEY_VARIABLE))
    database = Database(default_database_url(), seal=seal, may_create=may_create)
    try:
        if not may_create:
            database.check_made()
        database.upgrade()
        yield database
    finally:
        database.close()


def check_subject(subject: str) -> None:
    """Find out before a slow assessment whether it can be recorded under that ID.

    Raises
    ------
    InputError
        When the ID cannot be, or differs from a known one in capitals or spaces only.
    MissingDependencyError, StorageError
        See `open_database`.
    """
    with open_database(may_create=True) as database, database.session() as session:
        _find_subject(session, _command_line_study(session), subject)


def record_assessment(assessment: Assessment, *, subject: str, sha256: Mapping[Exercise, str] | None = None) -> Kept:
    """Record an assessment's landmarks and results as a visit of a person, all or nothing.

    The landmarks are the filtered ones, as in `landmarks.parquet`. A recording that was assessed before counts once,
    on its day, with the newer result unless only the earlier one has an index: see `storage.filing`.

    Parameters
    ----------
    sha256
        Of the files that were assessed, as `hash_files` returns them; None = every recording counts as new.

    Raises
    ------
    InputError
        See `check_subject`.
    StorageError
        When the database cannot be written.
    """
    _check_extra()
    from sqlalchemy import select

    from backsight.storage import audit
    from backsight.storage.database import seal_of
    from backsight.storage.filing import file_assessment
    from backsight.storage.tables import Visit

    with open_database(may_create=True) as database, database.session() as session:
        study = _command_line_study(session)
        person = _find_subject(session, study, subject) or _add_subject(session, study, subject)
        filed = file_assessment(session, person.id, assessment, sha256=sha256 or {})
        audit.append(
            session,
            actor=ACTOR,
            action="record assessment",
            study_id=study.id,
            object_id=person.id,
            detail={
                "exercises": [part.exercise.value for part in assessment.exercises],
                "replaced": [exercise.value for exercise in filed.replaced],
                "upheld": [exercise.value for exercise in filed.upheld],
            },
        )
        visits = select(Visit.id).where(Visit.participant_id == person.id).order_by(Visit.started_at, Visit.id)
        numbers = {visit_id: number for number, visit_id in enumerate(session.scalars(visits), start=1)}
        return Kept(
            subject=person.code,
            database=database.name.removeprefix("sqlite:///"),
            sessions={exercise: numbers[visit_id] for exercise, visit_id in filed.visit_ids.items()},
            n_sessions=len(numbers),
            replaced=filed.replaced,
            upheld=filed.upheld,
            is_sealed=seal_of(session).is_sealing,
        )


def hash_files(files: Mapping[Exercise, Path]) -> dict[Exercise, str]:
    """Return the SHA-256 of each file that can be read; whoever assesses it says what is wrong with another."""
    found = {}
    for exercise, path in files.items():
        try:
            with path.open("rb") as file:
                found[exercise] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue
    return found


def person_history(subject: str, *, study: str | None = None) -> History:
    """Return a person's sessions over time.

    Parameters
    ----------
    subject
        An ID given with `--subject`, or a participant's code.
    study
        Name of the study, where several have somebody of that ID.

    Raises
    ------
    InputError
        When several studies have somebody of that ID and none is named.
    NotFoundError
        When nobody has that ID.
    """
    _check_extra()
    from backsight.storage import audit
    from backsight.storage.history import history

    with open_database() as database, database.session() as session:
        person, found = _find_anywhere(session, subject, study=study)
        audit.append(session, actor=ACTOR, action="read history", study_id=found.id, object_id=person.id)
        return history(session, person.id)


def list_people() -> list[Person]:
    """Return everybody of whom there is a session, by study and ID."""
    _check_extra()
    from sqlalchemy import func, select

    from backsight.storage import audit
    from backsight.storage.tables import Participant, Study, Visit

    with open_database() as database, database.session() as session:
        rows = session.execute(
            select(Participant.code, Study.name, func.count(Visit.id), func.max(Visit.started_at))
            .join(Study, Study.id == Participant.study_id)
            .join(Visit, Visit.participant_id == Participant.id)
            .group_by(Study.name, Study.id, Participant.code)
            .order_by(Study.name, Study.id, Participant.code)
        )
        people = [Person(code, name, n_sessions, last_at) for code, name, n_sessions, last_at in rows]
        audit.append(session, actor=ACTOR, action="list participants")
        return people


def forget_person(subject: str, *, study: str | None = None) -> Forgotten:
    """Delete everything of a person but the audit trail.

    Raises
    ------
    InputError, NotFoundError
        See `person_history`.
    StorageError
        When a video or an upload of theirs cannot be deleted; nothing is then deleted from the database.
    """
    _check_extra()
    from backsight.storage.deletion import withdraw
    from backsight.storage.sealing import KEY_VARIABLE, Seal
    from backsight.storage.videos import VIDEOS_VARIABLE, VideoStore, default_videos_url, incoming_folder

    with open_database() as database, database.session() as session:
        person, found = _find_anywhere(session, subject, study=study)
        url = os.environ.get(VIDEOS_VARIABLE) or default_videos_url()
        videos = VideoStore(url, seal=Seal.from_key(os.environ.get(KEY_VARIABLE)))
        proof = withdraw(session, person, videos=videos, incoming=incoming_folder(url), actor=ACTOR, reason="forgotten")
        return Forgotten(code=proof.participant_code, study=found.name, counts=dict(proof.counts))


def find_person(subject: str, *, study: str | None = None) -> Person:
    """Return who has an ID, for asking before they are forgotten.

    Raises
    ------
    InputError, NotFoundError
        See `person_history`.
    """
    _check_extra()
    from sqlalchemy import func, select

    from backsight.storage import audit
    from backsight.storage.tables import Visit

    with open_database() as database, database.session() as session:
        person, found = _find_anywhere(session, subject, study=study)
        audit.append(session, actor=ACTOR, action="read participant", study_id=found.id, object_id=person.id)
        n_sessions, last_at = session.execute(
            select(func.count(Visit.id), func.max(Visit.started_at)).where(Visit.participant_id == person.id)
        ).one()
        return Person(person.code, found.name, n_sessions, last_at)


def _check_extra() -> None:
    try:
        import alembic  # noqa: F401 - all that is needed of the extra
        import cryptography  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError as error:
        package = (error.name or "").split(".")[0]
        raise MissingDependencyError(
            f"keeping people over time needs {package}, which is not installed: pip install 'backsight[web]'"
        ) from error


def _command_line_study(session: Session) -> Study:
    """Return the study of the command line, made when it is first needed.

    It has no consent text and no members: nobody can be invited to it, and no page shows it.
    """
    from sqlalchemy import select

    from backsight.domain.recording import Exercise
    from backsight.storage.tables import PrivacyMode, Study

    # A researcher may call a study the same; theirs has a consent text.
    query = select(Study).where(Study.name == STUDY_NAME, Study.consent_text == "")
    study = session.scalars(query.order_by(Study.created_at).limit(1)).first()
    if study is None:
        study = Study(
            name=STUDY_NAME,
            exercises=[item.value for item in Exercise],
            consent_text="",
            privacy_mode=PrivacyMode.LANDMARKS,
        )
        session.add(study)
        session.flush()
    return study


def _find_subject(session: Session, study: Study, subject: str) -> Participant | None:
    from sqlalchemy import select

    from backsight.storage.tables import Participant

    if not 0 < len(subject) <= SUBJECT_LIMIT or not subject.isprintable() or subject != subject.strip():
        raise InputError(
            f"--subject must be an ID of 1 to {SUBJECT_LIMIT} letters without spaces around it, got {subject[:60]!r}"
        )
    people = session.scalars(select(Participant).where(Participant.study_id == study.id))
    plain = "".join(subject.casefold().split())
    for person in people:
        if person.code == subject:
            return person
        if "".join(person.code.casefold().split()) == plain:
            raise InputError(
                f"--subject {subject!r} differs from {person.code!r}, who is known, in capitals or spaces only; write "
                "it the same for the same person, or choose another ID"
            )
    return None


def _add_subject(session: Session, study: Study, subject: str) -> Participant:
    from backsight.storage.tables import Participant, ParticipantState

    person = Participant(study_id=study.id, code=subject, state=ParticipantState.FINISHED)
    session.add(person)
    session.flush()
    return person


def _find_anywhere(session: Session, subject: str, *, study: str | None) -> tuple[Participant, Study]:
    from sqlalchemy import select

    from backsight.storage.tables import Participant, Study

    query = select(Participant, Study).join(Study, Study.id == Participant.study_id).where(Participant.code == subject)
    if study is not None:
        query = query.where(Study.name == study)
    found = [(row[0], row[1]) for row in session.execute(query.order_by(Study.name, Study.id))]
    if not found:
        where = "" if study is None else f" in the study {study!r}"
        raise NotFoundError(f"nobody has the ID {subject!r}{where}; see `backsight history --list`")
    if len(found) > 1:
        names = ", ".join(repr(item.name) for _, item in found)
        raise InputError(f"{len(found)} studies have a participant {subject!r}: {names}; name one with --study")
    return found[0]
