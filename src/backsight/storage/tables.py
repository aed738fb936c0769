"""Every table of the database, on SQLite and PostgreSQL alike. Knows no query.

People's identities and their health data meet in one place only, `Participant`; everything that leaves the database for
research goes by `Participant.code`.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Constraints carry names, so that migrations can drop them on either database."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a moment without a zone: nobody could tell later which clock it was read from."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a moment must carry its time zone, got {value!r}")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Put the zone back."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return an identifier that nobody can guess."""
    return uuid.uuid4().hex


class Role(StrEnum):
    """What a signed-in user may do; `access` in the web layer says what that means for each page."""

    ADMIN = "admin"
    """Users, audit log, retention; sees no health data."""
    RESEARCHER = "researcher"
    """Makes studies, invites, reads and exports the studies that they are a member of."""
    CLINICIAN = "clinician"
    """As a researcher, without exporting data sets."""


class PrivacyMode(StrEnum):
    """What leaves a participant's device."""

    LANDMARKS = "landmarks"
    """Pose estimation runs in the browser; only landmarks and times are sent."""
    VIDEO = "video"
    """The video is uploaded and worked on by a job."""


class ParticipantState(StrEnum):
    """How far a participant has come."""

    INVITED = "invited"
    CONSENTED = "consented"
    RECORDING = "recording"
    FINISHED = "finished"
    WITHDRAWN = "withdrawn"


class RecordingState(StrEnum):
    """How far a recording has come."""

    RECEIVING = "receiving"
    """Landmarks or a video are coming in."""
    RECEIVED = "received"
    """All is here; the participant has not yet kept it and rated."""
    QUEUED = "queued"
    """Kept and rated; waits for a worker."""
    DONE = "done"
    """Assessed."""
    FAILED = "failed"
    """Could not be assessed; `reason` says why."""
    SKIPPED = "skipped"
    """The participant did not do this exercise; `reason` says why."""
    DISCARDED = "discarded"
    """The participant chose to record again; nothing but this row is kept."""


class Base(DeclarativeBase):
    """Root of all tables."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime(), dict[str, Any]: JSON(), list[str]: JSON()}


def _choice(kind: type[StrEnum]) -> Enum:
    """Return a column type that holds one of the values, as text on either database."""
    return Enum(kind, native_enum=False, length=20, values_callable=lambda members: [one.value for one in members])


class User(Base):
    """Somebody who signs in."""

    __tablename__ = "user_account"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Lower case."""
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(_choice(Role))
    password_hash: Mapped[str] = mapped_column(String(200))
    """Argon2id."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]


class SignIn(Base):
    """A browser's session; the cookie holds the token, the table its hash."""

    __tablename__ = "sign_in"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class SignInAttempt(Base):
    """A failed attempt to sign in, kept for throttling; who and from where only as hashes."""

    __tablename__ = "sign_in_attempt"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    key_hash: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(default=now)


class ApiToken(Base):
    """A token for the JSON API, with its owner's rights."""

    __tablename__ = "api_token"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class Study(Base):
    """A set of participants recorded under one consent text."""

    __tablename__ = "study"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    exercises: Mapped[list[str]]
    """Names of `Exercise`, in the order in which they are recorded."""
    consent_text: Mapped[str] = mapped_column(Text)
    privacy_mode: Mapped[PrivacyMode] = mapped_column(_choice(PrivacyMode))
    retention_days: Mapped[int | None]
    """Days after a visit until its landmarks and videos are deleted; None = kept."""
    show_live_index: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a participant sees the running index while recording; seeing it could bias the rating."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]


class Member(Base):
    """A user who may see a study."""

    __tablename__ = "study_member"

    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True)


class Participant(Base):
    """Somebody invited to a study, or a subject named on the command line."""

    __tablename__ = "participant"
    __table_args__ = (UniqueConstraint("study_id", "code"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(100))
    """What the person is called in lists and exports: not their name."""
    label: Mapped[str] = mapped_column(Text, default="")
    """A note of whom the researcher invited; encrypted where a key is given, never exported."""
    state: Mapped[ParticipantState] = mapped_column(_choice(ParticipantState), default=ParticipantState.INVITED)
    invitation_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    invitation_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    birth_year: Mapped[int | None]
    sex: Mapped[str | None] = mapped_column(String(20))
    """`female`, `male`, `other` or None = not said."""
    height_cm: Mapped[float | None]
    mass_kg: Mapped[float | None]
    back_history: Mapped[dict[str, Any] | None]
    """Answers of the questionnaire."""
    excluded_at: Mapped[datetime | None]
    exclusion_reason: Mapped[str] = mapped_column(Text, default="")
    is_flagged: Mapped[bool] = mapped_column(default=False)
    withdrawn_at: Mapped[datetime | None]


class Consent(Base):
    """A participant's signature under a study's consent text, word for word."""

    __tablename__ = "consent"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    participant_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    text_hash: Mapped[str] = mapped_column(String(64))
    signed_name: Mapped[str] = mapped_column(Text)
    """As typed; encrypted where a key is given, never exported."""
    signed_at: Mapped[datetime] = mapped_column(default=now)


class Visit(Base):
    """One sitting of a participant: one go at each exercise."""

    __tablename__ = "visit"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    participant_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    camera_check: Mapped[dict[str, Any] | None]
    """What the camera check found when it was passed."""


class Recording(Base):
    """One go at one exercise."""

    __tablename__ = "recording"
    __table_args__ = (Index("ix_recording_visit_exercise", "visit_id", "exercise"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"))
    exercise: Mapped[str] = mapped_column(String(20))
    mode: Mapped[PrivacyMode] = mapped_column(_choice(PrivacyMode))
    state: Mapped[RecordingState] = mapped_column(_choice(RecordingState), default=RecordingState.RECEIVING, index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    width: Mapped[int | None]
    """Of the analysed picture in pixels."""
    height: Mapped[int | None]
    pose_model: Mapped[str] = mapped_column(String(20), default="")
    pose_engine: Mapped[str] = mapped_column(String(40), default="")
    n_chunks: Mapped[int | None]
    """How many chunks of landmarks the recording has; None while they are still coming."""
    video_key: Mapped[str | None] = mapped_column(String(200))
    """Where the video is in the store of videos; None = no video."""
    video_sha256: Mapped[str | None] = mapped_column(String(64))
    """Of the video that the landmarks come from; on the command line that is the user's own file, which is not kept."""
    rating: Mapped[float | None]
    """0 most pain or stress, 100 least (paper, section III-B)."""
    rated_at: Mapped[datetime | None]


class LandmarkChunk(Base):
    """Some frames' landmarks, as they came in."""

    __tablename__ = "landmark_chunk"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """0, 1, 2, ... without a gap."""
    n_frames: Mapped[int]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    """`storage.chunks` packs and reads it; sealed where a key is given."""
    received_at: Mapped[datetime] = mapped_column(default=now)


class AssessmentRow(Base):
    """What a recording, or a whole visit, was found to show."""

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("recording_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id", ondelete="CASCADE"), index=True)
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recording.id", ondelete="CASCADE"))
    """None = the visit's exercises together."""
    index: Mapped[float | None]
    """Spinal health index, 0 best to 1 worst; None = unusable."""
    index_low: Mapped[float | None]
    index_high: Mapped[float | None]
    quality: Mapped[str] = mapped_column(String(20))
    verdict: Mapped[str] = mapped_column(String(40))
    content: Mapped[dict[str, Any]]
    """The document that `exports.json_file` writes."""
    model_name: Mapped[str] = mapped_column(String(200))
    backsight_version: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Note(Base):
    """What a researcher or clinician wrote about a participant."""

    __tablename__ = "note"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    participant_id: Mapped[str] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text)
    """Sealed where a key is given."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class AuditEntry(Base):
    """Who did what to whose data, and when. Rows are only ever added; a trigger of the database sees to it.

    Entries outlive what they speak of: they hold identifiers and codes, no health data, and no foreign keys.
    """

    __tablename__ = "audit_entry"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str] = mapped_column(String(80), index=True)
    """`user:ID`, `participant:ID`, `token:ID`, `command-line` or `system`."""
    action: Mapped[str] = mapped_column(String(60), index=True)
    """A verb and a noun, as `read participant`."""
    study_id: Mapped[str | None] = mapped_column(String(32), index=True)
    object_id: Mapped[str | None] = mapped_column(String(100))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of this entry's content and the previous entry's hash: a row changed or removed breaks the chain."""


class Deletion(Base):
    """Proof that a participant's data are gone: what was deleted, counted, and when."""

    __tablename__ = "deletion"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(String(32), index=True)
    participant_code: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(40))
    """`withdrawn` or `retention`."""
    counts: Mapped[dict[str, Any]]
    """Rows and files removed, by kind."""
    at: Mapped[datetime] = mapped_column(default=now)


class RetentionDay(Base):
    """A day on which retention was last applied, so that it runs once a day whatever the number of workers."""

    __tablename__ = "retention_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
