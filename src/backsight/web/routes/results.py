"""What recordings were found to show: interactive reports and landmarks to download. Knows no SQL.

A report is a page of its own kind: its script stands in it. It is served with the policy that allows exactly this
script and style by their hashes, and in a sandbox without this site's origin: even a flaw in it would reach no cookie
and no other page.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from backsight.exports.landmarks import pack_clip_landmarks
from backsight.storage import studies
from backsight.storage.reports import StoredAssessment, assessment_of_recording, assessment_of_visit
from backsight.storage.visits import landmarks_of
from backsight.web.access import StudyUser, Work, audited

router = APIRouter(prefix="/studies/{study_id}/people/{participant_id}")
_PARQUET = "application/vnd.apache.parquet"


@router.get("/recordings/{recording_id}/report")
def show_recording_report(
    _: StudyUser, work: Annotated[Work, audited("read report")], participant_id: str, recording_id: str
) -> Response:
    """Show the report of one recording."""
    with work.reading() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        stored = assessment_of_recording(session, participant_id=participant_id, recording_id=recording_id)
        code = person.code
    return _report(work, stored, participant_id=participant_id, code=code)


@router.get("/visits/{visit_id}/report")
def show_visit_report(
    _: StudyUser, work: Annotated[Work, audited("read report")], participant_id: str, visit_id: str
) -> Response:
    """Show the report of all assessed exercises of a visit together."""
    with work.reading() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        stored = assessment_of_visit(session, participant_id=participant_id, visit_id=visit_id)
        code = person.code
    return _report(work, stored, participant_id=participant_id, code=code)


@router.get("/recordings/{recording_id}/landmarks.parquet")
def send_landmarks(
    _: StudyUser, work: Annotated[Work, audited("download landmarks")], participant_id: str, recording_id: str
) -> Response:
    """Send a recording's landmarks as they were found, nothing filtered and nothing filled."""
    with work.reading() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        recording, pose = landmarks_of(session, participant_id=participant_id, recording_id=recording_id)
        name = f"{person.code}-{recording.exercise}-{recording.created_at:%Y-%m-%d}"
        about = {"pose_model": recording.pose_model, "engine": recording.pose_engine, "exercise": recording.exercise}
    content = pack_clip_landmarks(
        pose, key=name, key_meaning="participant's code, exercise and day of the recording", about=about
    )
    safe = "".join(letter for letter in name if letter.isascii() and (letter.isalnum() or letter in "-_.")) or "person"
    return Response(
        content,
        media_type=_PARQUET,
        headers={"Content-Disposition": f'attachment; filename="{safe}.landmarks.parquet"'},
    )


def _report(work: Work, stored: StoredAssessment, *, participant_id: str, code: str) -> Response:
    # Loaded with the first report, not before the site's first page: plots and scores are behind it.
    from backsight.reporting.report import render_report

    page = render_report(
        stored.rebuild(),
        overlays={},
        stills={},
        way_back=(f"/studies/{work.study_id}/people/{participant_id}", f"Back to {code}"),
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _policy()})


@lru_cache(maxsize=1)
def _policy() -> str:
    from backsight.reporting.report import content_policy

    # What a header can say and the report's own element cannot.
    return f"{content_policy()}; frame-ancestors 'none'; sandbox allow-scripts allow-modals"
