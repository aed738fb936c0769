"""What a study can be, and what of it may change later: settings, closing, members, retention. Knows no page.

Recordings of one study must stay comparable and rest on what people signed. So exercises and what leaves a device stand
still from the first recording on, and a changed consent text binds only who signs it: earlier signatures keep theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backsight.domain.recording import Exercise
from backsight.errors import ConflictError, FieldsError, NotFoundError
from backsight.storage.checks import check_text
from backsight.storage.tables import Consent, Member, Participant, PrivacyMode, Recording, Study, User, Visit, now

NAME_LIMIT = 200
"""Letters of a name or label."""
TEXT_LIMIT = 50_000
"""Letters of a consent text, note or reason."""
LONGEST_RETENTION_DAYS = 36_500

_FIXED = "cannot change any more: somebody has recorded; make a new study for this"
_SIGNED = "people have signed for the other: change the consent text, too, so that they are asked again"


@dataclass(frozen=True)
class StudySettings:
    """What a study is, as it was chosen."""

    name: str
    exercises: Sequence[Exercise | str]
    """In the order in which they are to be recorded."""
    consent_text: str
    """What every participant signs, word for word."""
    privacy_mode: PrivacyMode | str
    retention_days: int | None
    """Days after a visit until its landmarks and videos are deleted; None = kept."""
    show_live_index: bool = False
    """Whether participants see the running index while they record; seeing it could bias their rating."""

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        FieldsError
            Names every field that cannot be.
        """
        wrong: dict[str, str] = {}
        check_text(wrong, "name", self.name, limit=NAME_LIMIT)
        check_text(wrong, "consent_text", self.consent_text, limit=TEXT_LIMIT)
        chosen = set(self.exercises)
        if not chosen or len(chosen) != len(self.exercises) or not chosen <= set(Exercise):
            wrong["exercises"] = f"must be one to three of {', '.join(Exercise)}, each once, got {list(self.exercises)}"
        if self.privacy_mode not in set(PrivacyMode):
            wrong["privacy_mode"] = f"must be {' or '.join(PrivacyMode)}, got {self.privacy_mode!r}"
        _check_retention(wrong, self.retention_days)
        if wrong:
            raise FieldsError(wrong)

    def columns(self) -> dict[str, object]:
        """Return them as the table keeps them."""
        return {
            "name": self.name.strip(),
            "exercises": [str(exercise) for exercise in self.exercises],
            "consent_text": self.consent_text.strip(),
            "privacy_mode": PrivacyMode(self.privacy_mode),
            "retention_days": self.retention_days,
            "show_live_index": self.show_live_index,
        }


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


def settings_of(study: Study) -> StudySettings:
    """Return a study's settings."""
    return StudySettings(
        name=study.name,
        exercises=tuple(study.exercises),
        consent_text=study.consent_text,
        privacy_mode=study.privacy_mode,
        retention_days=study.retention_days,
        show_live_index=study.show_live_index,
    )


def consent_hash(text: str) -> str:
    """Return what identifies a consent text: SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def has_recordings(session: Session, study_id: str) -> bool:
    """Return whether anybody has begun to record, skipped and discarded recordings included."""
    query = select(Recording.id).join(Visit, Visit.id == Recording.visit_id)
    query = query.join(Participant, Participant.id == Visit.participant_id).where(Participant.study_id == study_id)
    return session.scalar(query.limit(1)) is not None


def count_signatures(session: Session, study_id: str, *, text_hash: str) -> int:
    """Return how many participants have signed the consent text of that hash."""
    query = select(func.count(Consent.participant_id.distinct())).join(
        Participant, Participant.id == Consent.participant_id
    )
    return session.scalar(query.where(Participant.study_id == study_id, Consent.text_hash == text_hash)) or 0


def change_settings(session: Session, study_id: str, *, wanted: StudySettings) -> tuple[str, ...]:
    """Change a study's settings, all or none.

    Returns
    -------
    tuple of str
        The fields that are now another; empty = nothing was.

    Raises
    ------
    NotFoundError
        When there is no such study.
    FieldsError
        Names every field that cannot be, or cannot change any more.
    """
    study = _held(session, study_id)
    wanted.check()
    changed = tuple(name for name, value in wanted.columns().items() if getattr(study, name) != value)
    wrong = dict.fromkeys({"exercises", "privacy_mode"} & set(changed), _FIXED)
    if wrong and has_recordings(session, study_id):
        raise FieldsError(wrong)
    # What happens to a picture is what people sign for, whatever the researcher's own text says of it.
    is_other = "privacy_mode" in changed and "consent_text" not in changed
    if is_other and count_signatures(session, study_id, text_hash=consent_hash(study.consent_text)):
        raise FieldsError({"privacy_mode": _SIGNED})
    for name in changed:
        setattr(study, name, wanted.columns()[name])
    session.flush()
    return changed


def set_retention(session: Session, study_id: str, *, retention_days: int | None) -> bool:
    """Say how long a study keeps landmarks and videos; return whether that is another time than before.

    Raises
    ------
    NotFoundError
        When there is no such study.
    FieldsError
        When it is out of range.
    """
    study = _held(session, study_id)
    wrong: dict[str, str] = {}
    _check_retention(wrong, retention_days)
    if wrong:
        raise FieldsError(wrong)
    is_new = study.retention_days != retention_days
    study.retention_days = retention_days
    session.flush()
    return is_new


def close_study(session: Session, study_id: str) -> None:
    """End a study: links open nothing any more, and what was recorded stays readable. Harmless when it is closed.

    Raises
    ------
    NotFoundError
        When there is no such study.
    """
    study = _held(session, study_id)
    study.closed_at = study.closed_at or now()
    session.flush()


def reopen_study(session: Session, study_id: str) -> None:
    """Take a closed study up again: links that have not expired open again. Harmless when it is open.

    Raises
    ------
    NotFoundError
        When there is no such study.
    """
    _held(session, study_id).closed_at = None
    session.flush()


def remove_member(session: Session, *, study_id: str, user_id: str) -> None:
    """Take a study from a user; what they wrote stays.

    Raises
    ------
    NotFoundError
        When they are no member.
    ConflictError
        When nobody who can sign in would be left: the study could then be reached by nobody.
    """
    # Two members who remove each other at the same moment take turns.
    _held(session, study_id)
    member = session.get(Member, (study_id, user_id))
    if member is None:
        raise NotFoundError("they are not a member of this study; load the page again")
    others = select(func.count()).select_from(Member).join(User, User.id == Member.user_id)
    others = others.where(Member.study_id == study_id, Member.user_id != user_id, User.disabled_at.is_(None))
    if not session.scalar(others):
        raise ConflictError("the last member cannot be removed: nobody could open the study; add a colleague first")
    session.delete(member)
    session.flush()


def _held(session: Session, study_id: str) -> Study:
    """Return a study and keep others from changing it until the transaction ends."""
    study = session.scalar(select(Study).where(Study.id == study_id).with_for_update())
    if study is None:
        raise NotFoundError(f"there is no study {study_id!r}; it may have been deleted")
    return study


def _check_retention(wrong: dict[str, str], retention_days: int | None) -> None:
    if retention_days is not None and not 1 <= retention_days <= LONGEST_RETENTION_DAYS:
        wrong["retention_days"] = f"must be 1 to {LONGEST_RETENTION_DAYS} days or empty, got {retention_days}"
