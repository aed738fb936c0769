"""What the JSON API answers and takes, typed, with units; of studies, participants and recordings. Knows no table.

Names of fields end in their unit. Moments are ISO 8601 with an offset, in UTC. null stands for what is not known or was
not said. `api_views` fills these in; `api_history` holds a person's sessions over time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from backsight.domain.assessment import IndexVerdict, QualityVerdict
from backsight.domain.recording import Exercise
from backsight.storage.invitations import LONGEST_INVITATION_DAYS
from backsight.storage.study_settings import NAME_LIMIT, TEXT_LIMIT
from backsight.storage.tables import ParticipantState, PrivacyMode, RecordingState, Role

LARGEST_PAGE = 200
MOST_FRAMES = 300
"""Frames in one answer of JSON: ten seconds of a usual camera, half a megabyte."""
_AN_ID = "9b2f6c0a4d7e4f1c8a3b5d6e7f809112"
_INDEX = "Spinal health index, 0 best to 1 worst; above 0.5 is a red flag."
Id = Annotated[str, Field(description="Identifier.", examples=[_AN_ID])]
Count = Annotated[int, Field(ge=0)]


def _without_null(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a null character, which PostgreSQL cannot keep")
    return text


def _with_words(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return _without_null(text)


def _whole(number: object) -> object:
    """Return 30 for 30.0: JSON has one kind of number."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


# In words, not as patterns: programs that make up texts to a pattern of this length take seconds for each.
Text = Annotated[str, AfterValidator(_without_null)]
Words = Annotated[str, AfterValidator(_with_words)]
WholeNumber = Annotated[int, BeforeValidator(_whole)]


class _Request(BaseModel):
    """A body: exactly these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Interval(BaseModel):
    """Where a value lies with a probability of 90 %."""

    low: float = Field(description="Lower end, in the value's own unit.", examples=[0.12])
    high: float = Field(description="Upper end, in the value's own unit.", examples=[0.48])


class Token(BaseModel):
    """The token that was sent."""

    name: str = Field(description="What its owner called it.", examples=["nightly export"])
    expires_at: datetime = Field(description="From then on it opens nothing.")


class Me(BaseModel):
    """Who a token belongs to."""

    id: Id
    name: str = Field(description="Of the person.", examples=["Ada Lovelace"])
    email: str = Field(description="With which they sign in.", examples=["ada@example.org"])
    role: Role = Field(description="What they may do; an administrator reads no study.")
    may_export: bool = Field(description="Whether they may take data sets out of their studies.")
    token: Token


class StudySummary(BaseModel):
    """One line of the list of studies."""

    id: Id
    name: str = Field(description="As its makers call it.", examples=["Backs in Ulm"])
    exercises: list[Exercise] = Field(description="In the order in which they are recorded.")
    privacy_mode: PrivacyMode = Field(description="What leaves a participant's device: landmarks, or the video.")
    created_at: datetime = Field(description="When it was made.")
    closed_at: datetime | None = Field(description="When it was closed; null = it is open.")


class StudyList(BaseModel):
    """The studies that the token's owner works on, the newest first; all at once."""

    items: list[StudySummary]


class Member(BaseModel):
    """Somebody who works on a study."""

    id: Id
    name: str = Field(description="Of the person.", examples=["Ada Lovelace"])
    role: Role = Field(description="What they may do.")


class StudyProgress(BaseModel):
    """How far a study is, in numbers."""

    n_participants: Count = Field(description="Everybody who was invited and has not withdrawn.")
    states: dict[ParticipantState, int] = Field(description="{how far somebody has come: participants}.")
    qualities: dict[QualityVerdict, int] = Field(
        description="{quality of the last assessed visit: participants}; those without one are in none."
    )
    n_waiting: Count = Field(description="Recordings that wait to be assessed.")
    n_failed: Count = Field(description="Recordings that could not be assessed.")
    n_attention: Count = Field(description="Participants to look at: flagged, a failed or an unusable recording.")
    n_red_flags: Count = Field(description="Participants whose last assessed visit is a red flag.")
    n_excluded: Count = Field(description="Participants who are left out of the results.")


class Study(StudySummary):
    """A study: its settings, who works on it, how far it is."""

    consent_text: str = Field(description="What every participant signs, word for word.")
    retention_days: int | None = Field(
        description="Days after a visit until its landmarks and videos are deleted; null = kept."
    )
    show_live_index: bool = Field(description="Whether participants see the running index while they record.")
    members: list[Member] = Field(description="By name.")
    progress: StudyProgress


class ParticipantSummary(BaseModel):
    """One line of a study's list of participants."""

    id: Id
    code: str = Field(description="What they are called in lists and exports; not their name.", examples=["P-0007"])
    label: str = Field(description="The study's own note of whom it invited; empty = none. Never exported.")
    state: ParticipantState = Field(description="How far they have come.")
    is_flagged: bool = Field(description="Whether somebody marked them as one to look at.")
    is_excluded: bool = Field(description="Whether they are left out of the study's results.")
    needs_attention: bool = Field(description="Flagged, or a recording failed, or the last visit was unusable.")
    n_visits: Count = Field(description="With at least one recording that was kept.")
    last_visit_at: datetime | None = Field(description="When the last of them began; null = none.")
    recordings: dict[RecordingState, int] = Field(description="{state: recordings of all visits}.")
    quality: QualityVerdict | None = Field(description="Of the last assessed visit; null = none is.")
    index: float | None = Field(description=f"{_INDEX} Of the last assessed visit; null = none, or unusable.")
    interval: Interval | None = Field(description="90 % interval of the index; null = no index.")
    verdict: IndexVerdict | None = Field(description="Of the last assessed visit; null = none is.")


class ParticipantPage(BaseModel):
    """Some of a study's participants, by code."""

    items: list[ParticipantSummary]
    n_total: Count = Field(description="Participants of the study, whatever the page.")
    next_after: str | None = Field(
        description="Send it as `after` to get the next page; null = this is the last one.", examples=["P-0050"]
    )


class Profile(BaseModel):
    """What a participant said of themselves; null = not said."""

    birth_year: int | None = Field(description="Year of birth.", examples=[1980])
    age_years: int | None = Field(description="This year minus the year of birth.", examples=[46])
    sex: str | None = Field(description="`female`, `male` or `other`.", examples=["female"])
    height_cm: float | None = Field(description="Standing height in centimetres.", examples=[171.0])
    mass_kg: float | None = Field(description="Mass in kilograms.", examples=[68.5])
    back_history: dict[str, JsonValue] | None = Field(
        description="{question: answer} of the questionnaire on the back; what was left out is missing.",
        examples=[{"pain_4_weeks": "yes", "conditions": ["disc"]}],
    )


class Exclusion(BaseModel):
    """Why a participant is left out of the results."""

    at: datetime = Field(description="Since when.")
    reason: str = Field(description="As it was written.", examples=["A long coat in every recording"])


class Recording(BaseModel):
    """One go at one exercise."""

    id: Id
    visit_id: Id
    exercise: Exercise
    mode: PrivacyMode = Field(description="What was sent: landmarks, or a video.")
    state: RecordingState = Field(description="How far it has come; it is assessed when it is `done`.")
    reason: str = Field(description="Why it was skipped or could not be assessed; empty otherwise.")
    created_at: datetime = Field(description="When it began.")
    rating: float | None = Field(
        description="How the person rated their back after it, 0 worst to 100 best; null = not rated.", examples=[80.0]
    )
    rated_at: datetime | None = Field(description="When it was kept and rated; null = it was not.")
    width_px: int | None = Field(description="Width of the analysed picture in pixels; null = not known.")
    height_px: int | None = Field(description="Height of the analysed picture in pixels; null = not known.")
    pose_model: str = Field(
        description="BlazePose model that found the landmarks; empty = none yet.", examples=["full"]
    )
    pose_engine: str = Field(description="What ran it; empty = not known.", examples=["tasks-vision"])
    has_landmarks: bool = Field(description="Whether its landmarks can be fetched.")
    has_video: bool = Field(description="Whether a video of it is kept on the server; the API hands none out.")
    quality: QualityVerdict | None = Field(description="Null = not assessed.")
    index: float | None = Field(description=f"{_INDEX} Null = not assessed, or unusable.")
    interval: Interval | None = Field(description="90 % interval of the index; null = no index.")
    verdict: IndexVerdict | None = Field(description="Null = not assessed.")


class RecordingList(BaseModel):
    """A participant's recordings of all visits, the oldest first, without discarded ones; all at once."""

    items: list[Recording]


class Visit(BaseModel):
    """One sitting of a participant: one go at each exercise."""

    id: Id
    started_at: datetime = Field(description="When it began.")
    finished_at: datetime | None = Field(description="When every exercise was done or skipped; null = not yet.")
    quality: QualityVerdict | None = Field(description="The worst of its recordings that count; null = not assessed.")
    index: float | None = Field(description=f"{_INDEX} Of all exercises together; null = not assessed, or unusable.")
    interval: Interval | None = Field(description="90 % interval of the index; null = no index.")
    verdict: IndexVerdict | None = Field(description="Null = not assessed.")
    recordings: list[Recording]


class Note(BaseModel):
    """What a researcher or clinician wrote about a participant."""

    id: Id
    text: str = Field(description="As it was written.")
    author_id: str | None = Field(description="Who wrote it; null = somebody who is gone.", examples=[_AN_ID])
    created_at: datetime = Field(description="When it was written.")


class NoteList(BaseModel):
    """The notes on a participant, the newest first; all at once."""

    items: list[Note]


class Standing(BaseModel):
    """How the people of a study marked a participant."""

    is_flagged: bool = Field(description="Whether somebody marked them as one to look at.")
    exclusion: Exclusion | None = Field(description="Null = they take part in the results.")


class Participant(Standing):
    """A participant: what they said of themselves, what they signed, their visits."""

    id: Id
    code: str = Field(description="What they are called in lists and exports; not their name.", examples=["P-0007"])
    label: str = Field(description="The study's own note of whom it invited; empty = none. Never exported.")
    state: ParticipantState = Field(description="How far they have come.")
    created_at: datetime = Field(description="When they were invited.")
    invitation_expires_at: datetime | None = Field(description="Until when their link opens; null = it opens nothing.")
    consent_signed_at: datetime | None = Field(description="When they last signed the consent text; null = never.")
    profile: Profile
    visits: list[Visit] = Field(description="The oldest first.")


class Invitation(BaseModel):
    """Somebody invited, with their link. It is shown this once: the server keeps only its hash."""

    participant_id: Id
    code: str = Field(description="What they are called from now on.", examples=["P-0008"])
    link: str = Field(
        description="What the participant opens. Whoever has it can take part in their place.",
        examples=["https://backs.example.org/join/8Yc1Nn0mJ3c0Xr5vT2bWk7QfZ9sLh4uGd6pEa1iRo-E"],
    )
    expires_at: datetime = Field(description="From then on the link opens nothing.")


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=LARGEST_PAGE, description="Participants on a page.")
    after: Text = Field(default="", max_length=100, description="`next_after` of the page before; empty = the first.")


class FramesQuery(BaseModel):
    """Which frames of a recording."""

    model_config = ConfigDict(extra="forbid")

    first: int = Field(default=0, ge=0, le=1_000_000, description="Frame to begin with, counted from 0.")
    limit: int = Field(default=100, ge=1, le=MOST_FRAMES, description="Frames in one answer.")


class InvitationRequest(_Request):
    """Whom to invite."""

    label: Text = Field(
        default="",
        max_length=NAME_LIMIT,
        description="A note of whom this is, for the study only. Never exported.",
        examples=["Tuesday group, 4th"],
    )
    lifetime_days: WholeNumber = Field(
        default=30, ge=1, le=LONGEST_INVITATION_DAYS, description="How many days the link opens.", examples=[30]
    )


class RenewalRequest(_Request):
    """How long a new link opens."""

    lifetime_days: WholeNumber = Field(
        default=30, ge=1, le=LONGEST_INVITATION_DAYS, description="How many days the link opens.", examples=[30]
    )


class FlagRequest(_Request):
    """Whether to mark a participant."""

    is_flagged: bool = Field(description="Whether they are one to look at.", examples=[True])


class ExclusionRequest(_Request):
    """Why to leave a participant out."""

    reason: Words = Field(
        min_length=1,
        max_length=TEXT_LIMIT,
        description="For the people of the study; exports only say that there is one. Not only spaces.",
        examples=["A long coat in every recording"],
    )


class NoteRequest(_Request):
    """What to write about a participant."""

    text: Words = Field(
        min_length=1,
        max_length=TEXT_LIMIT,
        description="For the people of the study. Never exported. Not only spaces.",
        examples=["Came with a stick; says it is the hip."],
    )
