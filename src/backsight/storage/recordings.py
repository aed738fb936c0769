"""Visits and their recordings from the first to the rating, and what is thrown away. Knows no page and no engine.

A recording goes `receiving`, `received`, `queued`, `done` or `failed`; `discard` takes it out before it is kept, `skip`
stands for one that was never made. Every step may be asked for twice: a phone that lost the answer asks again.
"""

from __future__ import annotations

import re

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backsight.domain.recording import Exercise, index_from_rating
from backsight.errors import ConflictError, InvalidValueError, NotFoundError
from backsight.pose.weights import PoseModel
from backsight.storage.deletion import DeletesVideos
from backsight.storage.landmarks import find_recording, frames_of, load_track, store_landmarks
from backsight.storage.receiving import add_chunk, attach_video, finish_receiving
from backsight.storage.results import (
    REASON_LIMIT,
    VisitResults,
    fail,
    queued,
    save_assessment,
    visit_results,
)
from backsight.storage.tables import (
    LandmarkChunk,
    Participant,
    ParticipantState,
    PrivacyMode,
    Recording,
    RecordingState,
    Study,
    Visit,
    now,
)

__all__ = [
    "VisitResults",
    "add_chunk",
    "attach_video",
    "begin",
    "discard",
    "fail",
    "find_recording",
    "finish_receiving",
    "finish_visit",
    "frames_of",
    "keep",
    "load_track",
    "open_visit",
    "queued",
    "save_assessment",
    "skip",
    "store_landmarks",
    "visit_results",
]
"""All that is done with recordings, from one place; `receiving`, `landmarks` and `results` hold a part of it."""

LARGEST_SIDE_PX = 8192
_ENGINE = re.compile(r"(?![-@])[A-Za-z0-9._ /@-]{1,40}")
"""Names of engines: a browser sends them, and a spreadsheet must not read one in an export as a formula."""

_KEPT = (RecordingState.QUEUED, RecordingState.DONE, RecordingState.FAILED)


def open_visit(session: Session, participant: Participant) -> Visit:
    """Return the visit that a participant has begun and not finished, or begin a new one.

    Raises
    ------
    ConflictError
        When the study has a consent text that they have not signed.
    """
    study = _study_of(session, participant)
    if study.consent_text and participant.state is ParticipantState.INVITED:
        raise ConflictError("the consent text must be signed before anything is recorded")
    # The lock keeps two tabs of the same moment from beginning two visits.
    if session.scalar(select(Participant.id).where(Participant.id == participant.id).with_for_update()) is None:
        raise NotFoundError("there is no such participant any more; they may have withdrawn")
    query = select(Visit).where(Visit.participant_id == participant.id, Visit.finished_at.is_(None))
    visit = session.scalars(query.order_by(Visit.started_at.desc()).limit(1)).first()
    if visit is None:
        visit = Visit(participant_id=participant.id)
        session.add(visit)
    participant.state = ParticipantState.RECORDING
    session.flush()
    return visit


def begin(
    session: Session,
    visit: Visit,
    *,
    exercise: Exercise | str,
    mode: PrivacyMode | str,
    width: int | None,
    height: int | None,
    pose_model: str,
    pose_engine: str,
    videos: DeletesVideos | None = None,
) -> Recording:
    """Begin a recording; an earlier one of the same exercise that was not kept is discarded.

    Parameters
    ----------
    width, height
        Of the picture that landmarks are found in; None for a video that is yet to be looked at.
    pose_model, pose_engine
        What finds the landmarks; empty for a video.
    videos
        Where a discarded recording's video is.

    Raises
    ------
    InvalidValueError
        When the exercise is not one of the study's, or sizes or names cannot be.
    ConflictError
        When the visit is finished, the exercise was kept already, or the study takes no videos.
    """
    study = _check_open(session, visit)
    exercise = _check_exercise(study, exercise)
    if mode not in set(PrivacyMode):
        raise InvalidValueError(f"`mode` must be {' or '.join(PrivacyMode)}, got {mode!r}")
    if study.privacy_mode is PrivacyMode.LANDMARKS and mode != PrivacyMode.LANDMARKS:
        raise ConflictError("this study takes landmarks only; no video may leave the participant's device")
    if mode == PrivacyMode.LANDMARKS:
        _check_picture(width, height)
    if mode == PrivacyMode.LANDMARKS or pose_model or pose_engine:
        _check_engine(pose_model, pose_engine)
    _give_way(session, visit, exercise, videos)
    recording = Recording(
        visit_id=visit.id,
        exercise=exercise.value,
        mode=PrivacyMode(mode),
        width=width,
        height=height,
        pose_model=pose_model,
        pose_engine=pose_engine,
    )
    session.add(recording)
    session.flush()
    return recording


def keep(session: Session, recording_id: str, *, rating: float) -> Recording:
    """Keep a recording with the rating of the back after it; it then waits to be assessed.

    Parameters
    ----------
    rating
        0 most pain or stress to 100 least (paper, section III-B).

    Raises
    ------
    NotFoundError
        When there is no such recording.
    InvalidValueError
        When the rating is out of range.
    ConflictError
        When it is not all here yet, was discarded, or was rated otherwise.
    """
    recording = find_recording(session, recording_id)
    index_from_rating(rating)
    if recording.state in _KEPT:
        if recording.rating == float(rating):
            return recording
        raise ConflictError(f"this recording was rated {recording.rating:g} already; a rating is given once")
    if recording.state is not RecordingState.RECEIVED:
        raise ConflictError(f"this recording cannot be kept: it is {recording.state}")
    recording.rating, recording.rated_at = float(rating), now()
    recording.state = RecordingState.QUEUED
    session.flush()
    return recording


def discard(session: Session, recording_id: str, *, videos: DeletesVideos | None = None) -> Recording:
    """Throw a recording away that was not kept: its landmarks and video are deleted, a row without them stays.

    Raises
    ------
    NotFoundError
        When there is no such recording.
    ConflictError
        When it was kept already.
    """
    recording = find_recording(session, recording_id)
    if recording.state in _KEPT or recording.state is RecordingState.SKIPPED:
        raise ConflictError(f"this recording cannot be thrown away any more: it is {recording.state}")
    _empty(session, recording, videos)
    recording.state = RecordingState.DISCARDED
    session.flush()
    return recording


def skip(
    session: Session, visit: Visit, *, exercise: Exercise | str, reason: str, videos: DeletesVideos | None = None
) -> Recording:
    """Note that an exercise is not done in this visit, and why.

    Raises
    ------
    InvalidValueError
        When the exercise is not one of the study's, or the reason is empty or too long.
    ConflictError
        When the visit is finished, or the exercise was kept.
    """
    study = _check_open(session, visit)
    exercise = _check_exercise(study, exercise)
    if not 0 < len(reason.strip()) <= REASON_LIMIT or "\0" in reason:
        raise InvalidValueError(f"`reason` must be 1 to {REASON_LIMIT} letters, got {len(reason.strip())}")
    _give_way(session, visit, exercise, videos)
    recording = Recording(
        visit_id=visit.id,
        exercise=exercise.value,
        mode=study.privacy_mode,
        state=RecordingState.SKIPPED,
        reason=reason.strip(),
    )
    session.add(recording)
    session.flush()
    return recording


def finish_visit(session: Session, visit: Visit) -> Visit:
    """Close a visit in which every exercise of the study was kept or skipped.

    Raises
    ------
    ConflictError
        Names the exercises that are still open.
    """
    if visit.finished_at is not None:
        return visit
    participant, study = _owner_of(session, visit)
    states = (*_KEPT, RecordingState.SKIPPED)
    done = set(
        session.scalars(select(Recording.exercise).where(Recording.visit_id == visit.id, Recording.state.in_(states)))
    )
    missing = [name for name in study.exercises if name not in done]
    if missing:
        raise ConflictError(f"still to be recorded or skipped: {', '.join(missing)}")
    visit.finished_at = now()
    participant.state = ParticipantState.FINISHED
    session.flush()
    return visit


def _study_of(session: Session, participant: Participant) -> Study:
    study = session.get(Study, participant.study_id)
    if study is None:
        raise NotFoundError("there is no such study any more")
    return study


def _owner_of(session: Session, visit: Visit) -> tuple[Participant, Study]:
    participant = session.get(Participant, visit.participant_id)
    if participant is None:
        raise NotFoundError("there is no such participant any more; they may have withdrawn")
    return participant, _study_of(session, participant)


def _check_open(session: Session, visit: Visit) -> Study:
    """Hold the visit until the transaction ends, so that two recordings of it cannot begin at once."""
    found = session.scalar(
        select(Visit).where(Visit.id == visit.id).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFoundError("there is no such visit any more; it may have been deleted")
    if found.finished_at is not None:
        raise ConflictError("this visit is finished; open the link again to begin another")
    return _owner_of(session, found)[1]


def _check_exercise(study: Study, exercise: str) -> Exercise:
    if exercise not in study.exercises:
        raise InvalidValueError(f"`exercise` must be one of {', '.join(study.exercises)}, got {exercise!r}")
    return Exercise(exercise)


def _check_picture(width: int | None, height: int | None) -> None:
    for name, side in (("width", width), ("height", height)):
        if side is None or not 1 <= side <= LARGEST_SIDE_PX:
            raise InvalidValueError(f"`{name}` must be 1 to {LARGEST_SIDE_PX} pixels, got {side}")


def _check_engine(pose_model: str, pose_engine: str) -> None:
    if pose_model not in set(PoseModel):
        raise InvalidValueError(f"`pose_model` must be one of {', '.join(PoseModel)}, got {pose_model!r}")
    if not _ENGINE.fullmatch(pose_engine):
        raise InvalidValueError(
            "`pose_engine` must be a name of 1 to 40 letters, digits, spaces and ._/@-, "
            f"and begin with neither - nor @, got {pose_engine[:60]!r}"
        )


def _give_way(session: Session, visit: Visit, exercise: Exercise, videos: DeletesVideos | None) -> None:
    """Take what there is of an exercise out of the way of a new go at it."""
    query = select(Recording).where(Recording.visit_id == visit.id, Recording.exercise == exercise.value)
    earlier = session.scalars(query.where(Recording.state != RecordingState.DISCARDED)).all()
    if any(recording.state in _KEPT for recording in earlier):
        raise ConflictError(f"{exercise.label} was kept already; it can be done again in another visit")
    for recording in earlier:
        _empty(session, recording, videos)
        recording.state = RecordingState.DISCARDED


def _empty(session: Session, recording: Recording, videos: DeletesVideos | None) -> None:
    """Delete a recording's landmarks and every file of its video."""
    session.execute(delete(LandmarkChunk).where(LandmarkChunk.recording_id == recording.id))
    recording.n_chunks = None
    if recording.video_key is not None and videos is None:
        raise InvalidValueError("`videos` must be the store that holds the recording's video, got None")
    # The files before the row: a row without its file can be deleted again, a file without its row is forgotten.
    if videos is not None and recording.video_key is not None:
        videos.delete(recording.video_key)
    if videos is not None and recording.mode is PrivacyMode.VIDEO:
        # A process that is killed between keeping a video and noting its key leaves files that no row names.
        videos.delete_all(recording.id)
    recording.video_key = recording.video_sha256 = None
