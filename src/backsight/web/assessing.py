"""Assess one recording that waits: fetch what was recorded, assess it, keep what was found. Knows no queue and no page.

Harmless when repeated. What is wrong with a recording fails it, with the reason; what is away, such as the database,
the store of videos or a model, is raised, so that the recording goes on waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backsight.composition import assess_landmarks
from backsight.domain.recording import HEIGHT_RANGE_M, Exercise
from backsight.errors import BacksightError, ConflictError, ModelFileError, NotFoundError, StorageError
from backsight.openers import pose_bundle
from backsight.storage import audit, recordings
from backsight.storage.results import hold_waiting
from backsight.storage.tables import Participant, PrivacyMode, Recording, RecordingState, Visit
from backsight.web.decoding import SOURCE_NAME, follow_person
from backsight.web.logs import log_failure

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from backsight.storage.database import Database
    from backsight.storage.videos import VideoStore

VIDEO_POSE_MODEL = "full"
"""BlazePose for uploaded videos: the server has the time for it that a phone lacks."""

_SYSTEM = "system"


@dataclass(frozen=True)
class _Waiting:
    """What is needed to assess a recording."""

    mode: PrivacyMode
    exercise: Exercise
    study_id: str
    height_m: float | None
    video_key: str | None


def assess_recording(database: Database, videos: VideoStore, recording_id: str) -> str:
    """Assess a recording that waits, keep what was found, and return what became of it; harmless when repeated.

    Returns
    -------
    str
        `done`, `failed`, or `nothing to do` where it does not wait or is not there any more.

    Raises
    ------
    StorageError
        When the database or the store of videos does not answer: worth another try.
    """
    waiting = _look_up(database, recording_id)
    if waiting is None:
        return "nothing to do"
    try:
        if waiting.mode is PrivacyMode.VIDEO:
            _assess_video(database, videos, recording_id, waiting)
        else:
            _assess_landmarks(database, recording_id, waiting)
    except (NotFoundError, ConflictError) as error:
        # Withdrawn or deleted while it was worked on; or its landmarks or video are gone although it is there.
        return _give_up(database, recording_id, reason=str(error))
    except (StorageError, ModelFileError):
        raise
    except BacksightError as error:
        return _give_up(database, recording_id, reason=str(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours fails one recording and shows on its page
        log_failure(error)
        return _give_up(
            database, recording_id, reason=f"a fault of Backsight's ({type(error).__name__}); please report it"
        )
    return "done"


def _look_up(database: Database, recording_id: str) -> _Waiting | None:
    with database.session(read_only=True) as session:
        recording = session.get(Recording, recording_id)
        if recording is None or recording.state is not RecordingState.QUEUED:
            return None
        visit = session.get(Visit, recording.visit_id)
        person = None if visit is None else session.get(Participant, visit.participant_id)
        if person is None:
            return None
        height_m = None if person.height_cm is None else person.height_cm / 100.0
        shortest, tallest = HEIGHT_RANGE_M
        return _Waiting(
            mode=recording.mode,
            exercise=Exercise(recording.exercise),
            study_id=person.study_id,
            height_m=height_m if height_m is not None and shortest <= height_m <= tallest else None,
            video_key=recording.video_key,
        )


def _assess_landmarks(database: Database, recording_id: str, waiting: _Waiting) -> None:
    with database.session(read_only=True) as session:
        recording = session.get(Recording, recording_id)
        if recording is None:
            raise NotFoundError(f"there is no recording {recording_id!r} any more")
        track = recordings.load_track(session, recording_id)
        pose_model, pose_engine = recording.pose_model, recording.pose_engine
    # Between transactions: SQLite has one writer, who must not be kept waiting by a computation.
    assessment = assess_landmarks(
        track,
        exercise=waiting.exercise,
        pose_model=pose_model,
        pose_engine=pose_engine,
        height_m=waiting.height_m,
    )
    with database.session() as session:
        if recordings.save_assessment(session, recording_id, assessment):
            _enter(session, recording_id, waiting)


def _assess_video(database: Database, videos: VideoStore, recording_id: str, waiting: _Waiting) -> None:
    if waiting.video_key is None:
        raise NotFoundError("the video is not there any more; it may have been deleted")
    bundle = pose_bundle(VIDEO_POSE_MODEL)
    with videos.open_local(waiting.video_key) as path:
        followed = follow_person(path, bundle=bundle)
    assessment = assess_landmarks(
        followed.track,
        exercise=waiting.exercise,
        source=replace(followed.source, name=SOURCE_NAME),
        pose_model=VIDEO_POSE_MODEL,
        pose_engine=followed.pose_engine,
        height_m=waiting.height_m,
    )
    with database.session() as session:
        hold_waiting(session, recording_id)
        recordings.store_landmarks(
            session,
            recording_id,
            followed.track.pose,
            pose_model=VIDEO_POSE_MODEL,
            pose_engine=followed.pose_engine,
        )
        if recordings.save_assessment(session, recording_id, assessment):
            _enter(session, recording_id, waiting)


def _enter(session: Session, recording_id: str, waiting: _Waiting) -> None:
    audit.append(
        session, actor=_SYSTEM, action="assess recording", study_id=waiting.study_id, object_id=recording_id, detail={}
    )


def _give_up(database: Database, recording_id: str, *, reason: str) -> str:
    try:
        with database.session() as session:
            recordings.fail(session, recording_id, reason=reason)
            recording = session.get(Recording, recording_id)
            return "failed" if recording is not None and recording.state is RecordingState.FAILED else "nothing to do"
    except NotFoundError:
        return "nothing to do"
