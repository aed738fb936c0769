"""What participants' recordings were found to show, for programs with a token: a part of the JSON API. Knows no SQL."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, Response

from backsight.storage import studies, visits
from backsight.storage.history import history
from backsight.web import api_models as models
from backsight.web import api_views as views
from backsight.web.access import ID_PATTERN, ApiStudyUser, Work, audited
from backsight.web.api_document import assessment_answer, binary_answer
from backsight.web.api_history import History
from backsight.web.api_landmarks import LandmarkFrames, landmark_frames
from backsight.web.api_problems import problems
from backsight.web.routes import results as result_pages

PARQUET_MEDIA_TYPE = "application/vnd.apache.parquet"
_AN_ID = "9b2f6c0a4d7e4f1c8a3b5d6e7f809112"
ParticipantId = Annotated[str, Path(pattern=ID_PATTERN, description="A participant of the study.", examples=[_AN_ID])]
RecordingId = Annotated[str, Path(pattern=ID_PATTERN, description="A recording of theirs.", examples=[_AN_ID])]
VisitId = Annotated[str, Path(pattern=ID_PATTERN, description="A visit of theirs.", examples=[_AN_ID])]

router = APIRouter(
    prefix="/studies/{study_id}/participants/{participant_id}", tags=["results"], responses=problems(404, 422)
)


@router.get("/history")
def read_history(
    _: ApiStudyUser, work: Annotated[Work, audited("read history")], participant_id: ParticipantId
) -> History:
    """Return a participant's sessions over time, and whether they changed by more than measurement error."""
    with work.reading() as session:
        _check_participant(session, work, participant_id)
        return History.model_validate(history(session, participant_id).to_dict())


@router.get(
    "/visits/{visit_id}/assessment",
    response_class=JSONResponse,
    responses=assessment_answer("What the visit's assessed exercises were found to show together."),
)
def read_visit_assessment(
    _: ApiStudyUser,
    work: Annotated[Work, audited("read assessment")],
    participant_id: ParticipantId,
    visit_id: VisitId,
) -> Response:
    """Return what a visit was found to show, all its assessed exercises together, as `backsight assess` writes it.

    404 also where none of its recordings is assessed yet.
    """
    with work.reading() as session:
        _check_participant(session, work, participant_id)
        return JSONResponse(visits.visit_document(session, participant_id=participant_id, visit_id=visit_id))


@router.get("/recordings")
def list_recordings(
    _: ApiStudyUser, work: Annotated[Work, audited("list recordings")], participant_id: ParticipantId
) -> models.RecordingList:
    """List a participant's recordings of all visits with state, rating and quality, the oldest first."""
    with work.reading() as session:
        _check_participant(session, work, participant_id)
        found = visits.recordings_of(session, participant_id)
        return models.RecordingList(items=[views.recording(one) for one in found])


@router.get("/recordings/{recording_id}")
def read_recording(
    _: ApiStudyUser,
    work: Annotated[Work, audited("read recording")],
    participant_id: ParticipantId,
    recording_id: RecordingId,
) -> models.Recording:
    """Return one recording; ask again to see whether it is assessed by now."""
    with work.reading() as session:
        _check_participant(session, work, participant_id)
        return views.recording(
            visits.find_recording_of(session, participant_id=participant_id, recording_id=recording_id)
        )


@router.get(
    "/recordings/{recording_id}/assessment",
    response_class=JSONResponse,
    responses=assessment_answer("What the recording was found to show."),
)
def read_assessment(
    _: ApiStudyUser,
    work: Annotated[Work, audited("read assessment")],
    participant_id: ParticipantId,
    recording_id: RecordingId,
) -> Response:
    """Return what a recording was found to show, as `backsight assess` writes it.

    404 also where it is not assessed yet; the recording's `state` tells.
    """
    with work.reading() as session:
        _check_participant(session, work, participant_id)
        return JSONResponse(
            visits.recording_document(session, participant_id=participant_id, recording_id=recording_id)
        )


@router.get(
    "/recordings/{recording_id}/landmarks.parquet",
    response_class=Response,
    responses=binary_answer(PARQUET_MEDIA_TYPE, "A table with a row a frame and landmark; its metadata say the units."),
)
def download_landmarks(
    user: ApiStudyUser,
    work: Annotated[Work, audited("download landmarks")],
    participant_id: ParticipantId,
    recording_id: RecordingId,
) -> Response:
    """Return a recording's landmarks as they were found, as a Parquet table: the page's own file.

    404 also where they have not come in, were not kept by the participant, or were deleted after the study's retention.
    """
    return result_pages.send_landmarks(user, work, participant_id, recording_id)


@router.get("/recordings/{recording_id}/landmarks")
def read_landmarks(
    _: ApiStudyUser,
    work: Annotated[Work, audited("read landmarks")],
    participant_id: ParticipantId,
    recording_id: RecordingId,
    wanted: Annotated[models.FramesQuery, Query()],
) -> LandmarkFrames:
    """Return some frames of a recording's landmarks as JSON; for whole recordings the Parquet table is far smaller.

    404 also where they have not come in, were not kept by the participant, or were deleted after the study's retention.
    """
    with work.reading() as session:
        _check_participant(session, work, participant_id)
        pose = visits.landmarks_of(session, participant_id=participant_id, recording_id=recording_id)[1]
    return landmark_frames(pose, first=wanted.first, limit=wanted.limit)


def _check_participant(session: Session, work: Work, participant_id: str) -> None:
    """Refuse a participant of another study."""
    studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
