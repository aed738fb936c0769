"""The JSON API, version 1, for programs with a token: what the pages show and do, typed. Knows no SQL.

`api_document` describes it, from these very declarations; `/api/v1/docs` shows that to people.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backsight.errors import NotFoundError
from backsight.storage import accounts, studies, visits
from backsight.storage.overview import count_participants
from backsight.web import api_models as models
from backsight.web import api_views as views
from backsight.web.access import (
    Anybody,
    ApiStudyExporter,
    ApiStudyUser,
    ApiStudyWorker,
    ApiUser,
    Store,
    Work,
    audited,
    optional_user,
)
from backsight.web.api_document import binary_answer, describe
from backsight.web.api_problems import KINDS, PREFIX, problems
from backsight.web.api_reference import lay_out
from backsight.web.routes import api_results
from backsight.web.routes import studies as study_pages
from backsight.web.routes.api_results import ParticipantId
from backsight.web.routes.studies import invitation_link, measure_progress
from backsight.web.templating import render

DOCUMENT_PATH = f"{PREFIX}/openapi.json"
_PERSON = "/studies/{study_id}/participants/{participant_id}"

router = APIRouter(
    prefix=PREFIX,
    responses=problems(401, 429),
    generate_unique_id_function=lambda route: route.name,
)


@router.get("/openapi.json", include_in_schema=False)
def read_document(request: Request, _: Anybody) -> Response:
    """Return this API's OpenAPI document."""
    return JSONResponse(describe(request.app))


@router.get("/docs", include_in_schema=False)
def show_reference(request: Request, _: Anybody) -> Response:
    """Show the OpenAPI document to people."""
    optional_user(request)
    return render(
        request,
        "api/reference.html",
        reference=lay_out(describe(request.app)),
        problems=KINDS,
        document_path=DOCUMENT_PATH,
    )


@router.get("/me", tags=["you"])
def read_me(request: Request, user: ApiUser, database: Store) -> models.Me:
    """Tell whose token this is, what they may do, and when it expires."""
    token_hash = accounts.hash_of_token(request.headers["authorization"].partition(" ")[2].strip())
    with database.session(read_only=True) as session:
        row = accounts.find_user(session, email=user.email)
        own = [] if row is None else accounts.api_tokens_of(session, row)
        token = next((one for one in own if one.token_hash == token_hash), None)
    if token is None:
        raise NotFoundError("this token has just been taken back; make another on the page “Account”")
    return models.Me(
        id=user.id,
        name=user.name,
        email=user.email,
        role=user.role,
        may_export=user.may_export,
        token=models.Token(name=token.name, expires_at=token.expires_at),
    )


@router.get("/studies", tags=["studies"], responses=problems(403))
def list_studies(user: ApiStudyWorker, work: Annotated[Work, audited("list studies")]) -> models.StudyList:
    """List the studies that you work on, the newest first."""
    with work.reading() as session:
        row = accounts.find_user(session, email=user.email)
        own = [] if row is None else studies.studies_of(session, row)
        return models.StudyList(items=[views.study_summary(study) for study in own])


@router.get("/studies/{study_id}", tags=["studies"], responses=problems(404, 422))
def read_study(_: ApiStudyUser, work: Annotated[Work, audited("read study")]) -> models.Study:
    """Return a study: its settings, who works on it, how far it is."""
    with work.reading() as session:
        return views.study_in_full(
            studies.find_study(session, work.study_id),
            members=studies.members_of(session, work.study_id),
            progress=measure_progress(studies.overview(session, work.study_id)),
        )


@router.get(
    "/studies/{study_id}/export.zip",
    tags=["studies"],
    response_class=Response,
    responses=binary_answer("application/zip", "A folder with study.csv, study.json and landmarks.")
    | problems(403, 404, 422),
)
def export_study(user: ApiStudyExporter, work: Annotated[Work, audited("export study")]) -> Response:
    """Send the study's data set, as the page does: de-identified, and ready for `backsight train`.

    It holds a table of the recordings, what its columns mean, and a Parquet file of landmarks for each. Names, labels,
    notes, dates and answers of the questionnaire stay here. For researchers; a clinician gets 403.
    """
    return study_pages.export_study(user, work)


@router.get("/studies/{study_id}/participants", tags=["participants"], responses=problems(404, 422))
def list_participants(
    _: ApiStudyUser,
    work: Annotated[Work, audited("list participants")],
    wanted: Annotated[models.PageQuery, Query()],
) -> models.ParticipantPage:
    """List a study's participants by code, a page at a time.

    Pages go by code, so that nobody is missed or told twice when others are invited or withdraw meanwhile.
    """
    with work.reading() as session:
        found = studies.overview(session, work.study_id, after=wanted.after, limit=wanted.limit + 1)
        n_total = count_participants(session, work.study_id)
    page = found[: wanted.limit]
    return models.ParticipantPage(
        items=[views.participant_summary(one) for one in page],
        n_total=n_total,
        next_after=page[-1].code if len(found) > wanted.limit else None,
    )


@router.post(
    "/studies/{study_id}/participants",
    tags=["participants"],
    status_code=HTTPStatus.CREATED,
    responses=problems(400, 404, 409, 413, 422),
)
def invite_participant(
    request: Request,
    response: Response,
    _: ApiStudyUser,
    work: Annotated[Work, audited("invite participant")],
    wanted: models.InvitationRequest,
) -> models.Invitation:
    """Invite somebody and return their link, once. Asking twice invites two people.

    409 = the study is closed.
    """
    with work.session() as session:
        made = studies.invite(session, study_id=work.study_id, label=wanted.label, lifetime_days=wanted.lifetime_days)
        work.about(object_id=made.participant.id)
    response.headers["Location"] = f"{PREFIX}/studies/{work.study_id}/participants/{made.participant.id}"
    return _invitation(request, made)


@router.get(_PERSON, tags=["participants"], responses=problems(404, 422))
def read_participant(
    _: ApiStudyUser, work: Annotated[Work, audited("read participant")], participant_id: ParticipantId
) -> models.Participant:
    """Return a participant: what they said of themselves, flag, exclusion, visits with their recordings."""
    with work.reading() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        return views.participant_in_full(
            person,
            label=studies.label_of(session, person),
            consent=studies.consent_of(session, person),
            visits=visits.visits_of(session, person.id),
        )


@router.post(f"{_PERSON}/invitation", tags=["participants"], responses=problems(400, 404, 409, 413, 422))
def renew_invitation(
    request: Request,
    _: ApiStudyUser,
    work: Annotated[Work, audited("renew invitation")],
    participant_id: ParticipantId,
    wanted: models.RenewalRequest,
) -> models.Invitation:
    """Give a participant a new link and return it, once; the old one stops working.

    409 = the study is closed.
    """
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        made = studies.renew_invitation(session, person, lifetime_days=wanted.lifetime_days)
    return _invitation(request, made)


@router.put(f"{_PERSON}/flag", tags=["participants"], responses=problems(400, 404, 413, 422))
def flag_participant(
    _: ApiStudyUser,
    work: Annotated[Work, audited("flag participant")],
    participant_id: ParticipantId,
    wanted: models.FlagRequest,
) -> models.Standing:
    """Mark a participant as one to look at, or take the mark away."""
    with work.session(is_flagged=wanted.is_flagged) as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        studies.set_flag(session, person, is_flagged=wanted.is_flagged)
    return views.standing(person)


@router.put(f"{_PERSON}/exclusion", tags=["participants"], responses=problems(400, 404, 413, 422))
def exclude_participant(
    _: ApiStudyUser,
    work: Annotated[Work, audited("exclude participant")],
    participant_id: ParticipantId,
    wanted: models.ExclusionRequest,
) -> models.Standing:
    """Leave a participant out of the study's results, with a reason; their data stay."""
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        studies.exclude(session, person, reason=wanted.reason)
    return views.standing(person)


@router.delete(f"{_PERSON}/exclusion", tags=["participants"], responses=problems(404, 422))
def include_participant(
    _: ApiStudyUser, work: Annotated[Work, audited("include participant")], participant_id: ParticipantId
) -> models.Standing:
    """Take a participant back into the study's results; harmless when they are in them."""
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        studies.include(session, person)
    return views.standing(person)


@router.get(f"{_PERSON}/notes", tags=["participants"], responses=problems(404, 422))
def list_notes(
    _: ApiStudyUser, work: Annotated[Work, audited("read notes")], participant_id: ParticipantId
) -> models.NoteList:
    """List the notes on a participant, the newest first."""
    with work.reading() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        return models.NoteList(items=[views.note(one) for one in studies.notes_of(session, person)])


@router.post(
    f"{_PERSON}/notes",
    tags=["participants"],
    status_code=HTTPStatus.CREATED,
    responses=problems(400, 404, 413, 422),
)
def write_note(
    user: ApiStudyUser,
    work: Annotated[Work, audited("write note")],
    participant_id: ParticipantId,
    wanted: models.NoteRequest,
) -> models.Note:
    """Write a note on a participant."""
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        made = studies.add_note(session, person, user_id=user.id, text=wanted.text)
    return models.Note(id=made.id, text=wanted.text.strip(), author_id=user.id, created_at=made.created_at)


def _invitation(request: Request, made: studies.Invitation) -> models.Invitation:
    person = made.participant
    expires_at = person.invitation_expires_at
    if expires_at is None:
        raise NotFoundError("this invitation has just been taken back; make another")
    return models.Invitation(
        participant_id=person.id, code=person.code, link=invitation_link(request, made.token), expires_at=expires_at
    )


router.include_router(api_results.router)
