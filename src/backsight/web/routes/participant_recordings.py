"""What the scripts of a participant's pages send: camera check, landmarks as they are found, rating. Knows no table.

Every request may be sent twice without harm, because a phone that lost the answer asks again.
"""

from __future__ import annotations

from typing import Annotated, Literal

import anyio
import anyio.to_thread
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backsight.errors import ConflictError, InvalidValueError
from backsight.storage import progress, recordings
from backsight.storage.chunks import parse_chunk
from backsight.storage.database import Database
from backsight.storage.results import REASON_LIMIT
from backsight.storage.tables import PrivacyMode, RecordingState, Visit
from backsight.web.access import CurrentParticipant, Store, Visitor, Work, audited
from backsight.web.incoming import forget
from backsight.web.participant_page import HOME
from backsight.web.routes.uploads import incoming_dir

router = APIRouter(prefix=HOME)

_keeping = anyio.CapacityLimiter(4)
"""Chunks that are read and written at once: one computes, one waits for the disk. More threads would only take Python's
lock from each other, and from whoever holds SQLite's."""


class _Message(BaseModel):
    """What a page's script sends: these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class CameraCheck(_Message):
    """What the camera check found."""

    passed: bool
    reason: str = Field(default="", max_length=REASON_LIMIT)
    """Why the participant goes on although it was not passed."""
    found: dict[Literal["body", "distance", "light", "alone", "still"], Literal["good", "bad", "unknown"]] = Field(
        default_factory=dict
    )


class NewRecording(_Message):
    """What is about to be recorded."""

    exercise: str = Field(max_length=20)
    mode: PrivacyMode
    width: int | None = Field(default=None, ge=1, le=recordings.LARGEST_SIDE_PX)
    """Of the picture in pixels, like `height`; a video is looked at later, so for one it may be None."""
    height: int | None = Field(default=None, ge=1, le=recordings.LARGEST_SIDE_PX)
    pose_model: str = Field(default="", max_length=20)
    pose_engine: str = Field(default="", max_length=40)


class End(_Message):
    """The end of a recording."""

    n_chunks: int


class Rating(_Message):
    """0 most pain or stress, 100 least."""

    rating: float


class Skip(_Message):
    """An exercise that is not done, and why."""

    exercise: str = Field(max_length=20)
    reason: str = Field(max_length=REASON_LIMIT)


@router.post("/camera-check")
def keep_camera_check(
    visitor: CurrentParticipant, work: Annotated[Work, audited("check camera")], check: CameraCheck
) -> dict[str, str]:
    """Keep what the camera check found; the visit begins with it."""
    if not check.passed and not check.reason.strip():
        raise InvalidValueError("`reason` must say why you go on although the check was not passed, got nothing")
    if "\0" in check.reason:
        raise InvalidValueError("`reason` must be text, got a null character")
    with work.session() as session:
        visit = _visit(session, visitor)
        visit.camera_check = check.model_dump()
    return {"next": HOME}


@router.post("/recordings")
def begin(
    request: Request, visitor: CurrentParticipant, work: Annotated[Work, audited("begin recording")], new: NewRecording
) -> dict[str, str]:
    """Begin a recording; an earlier one of the same exercise that was not kept goes."""
    with work.session(exercise=new.exercise[:20]) as session:
        recording = recordings.begin(
            session, _visit(session, visitor), **new.model_dump(), videos=request.app.state.videos
        )
    return {"id": recording.id}


@router.post("/recordings/{recording_id}/chunks/{number}")
async def add_chunk(
    request: Request, visitor: CurrentParticipant, store: Store, recording_id: str, number: int
) -> Response:
    """Keep some frames' landmarks. Begin and end of a recording are in the audit log, not every second of it."""
    body = await request.body()
    await anyio.to_thread.run_sync(_keep_chunk, store, recording_id, visitor.id, number, body, limiter=_keeping)
    return JSONResponse({"number": number})


def _keep_chunk(store: Database, recording_id: str, participant_id: str, number: int, body: bytes) -> None:
    """Read a body of JSON as `parse_chunk` takes it, and keep it; in a third of the time that the framework takes."""
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise InvalidValueError("a chunk must be JSON, got something else") from None
    frames = parse_chunk(document)
    with store.session() as session:
        recordings.add_chunk(session, recording_id, number=number, frames=frames, participant_id=participant_id)


@router.post("/recordings/{recording_id}/finish")
def finish(
    visitor: CurrentParticipant, work: Annotated[Work, audited("finish recording")], recording_id: str, end: End
) -> dict[str, str]:
    """Close a recording whose landmarks have all come."""
    with work.session() as session:
        recordings.find_recording(session, recording_id, participant_id=visitor.id)
        recording = recordings.finish_receiving(session, recording_id, n_chunks=end.n_chunks)
    return {"state": recording.state.value}


@router.post("/recordings/{recording_id}/keep")
def keep(
    request: Request,
    visitor: CurrentParticipant,
    work: Annotated[Work, audited("keep recording")],
    recording_id: str,
    rating: Rating,
) -> dict[str, str]:
    """Keep a recording with its rating, and have it assessed."""
    with work.session() as session:
        recordings.find_recording(session, recording_id, participant_id=visitor.id)
        recording = recordings.keep(session, recording_id, rating=rating.rating)
        finish_if_done(session, visitor)
    # After the transaction: a worker must find what it is told of. One that is never told finds it when it starts.
    if recording.state is RecordingState.QUEUED:
        jobs = request.app.state.jobs
        assess = jobs.assess_video if recording.mode is PrivacyMode.VIDEO else jobs.assess_landmarks
        assess(recording_id)
    return {"next": HOME}


@router.post("/recordings/{recording_id}/discard")
def discard(
    request: Request,
    visitor: CurrentParticipant,
    work: Annotated[Work, audited("discard recording")],
    recording_id: str,
) -> dict[str, str]:
    """Throw a recording away that was not kept."""
    with work.session() as session:
        recordings.find_recording(session, recording_id, participant_id=visitor.id)
        recording = recordings.discard(session, recording_id, videos=request.app.state.videos)
    forget(incoming_dir(request.app.state.settings) / recording_id)
    return {"state": recording.state.value}


@router.post("/skip")
def skip(
    request: Request, visitor: CurrentParticipant, work: Annotated[Work, audited("skip exercise")], skipped: Skip
) -> dict[str, str]:
    """Note that an exercise is not done, and why."""
    with work.session(exercise=skipped.exercise[:20]) as session:
        visit = _visit(session, visitor)
        recordings.skip(
            session, visit, exercise=skipped.exercise, reason=skipped.reason, videos=request.app.state.videos
        )
        finish_if_done(session, visitor)
    return {"next": HOME}


def _visit(session: Session, visitor: Visitor) -> Visit:
    """Return the visit that is under way, or begin the first one.

    Raises
    ------
    ConflictError
        When the consent is not signed, or all is done and nobody has asked for another visit.
    """
    where = progress.find_progress(session, study_id=visitor.study_id, participant_id=visitor.id)
    if where.needs_consent:
        raise ConflictError("please read and sign the consent first")
    if where.visit is None and where.n_finished_visits:
        raise ConflictError("everything is recorded already; another visit begins on the last page")
    return recordings.open_visit(session, where.participant)


def finish_if_done(session: Session, visitor: Visitor) -> None:
    """Close the visit with its last exercise, even when a consent text that was changed meanwhile comes next."""
    where = progress.find_progress(session, study_id=visitor.study_id, participant_id=visitor.id)
    if where.visit is not None and where.next_exercise is None:
        recordings.finish_visit(session, where.visit)
