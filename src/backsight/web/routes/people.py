"""One participant of a study: sessions over time, notes, flag, exclusion, a new link. Knows no SQL."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from backsight.domain.recording import Exercise
from backsight.errors import FieldsError
from backsight.storage import studies
from backsight.storage.history import history
from backsight.storage.tables import now
from backsight.web.access import StudyUser, Work, audited
from backsight.web.charts import index_figure
from backsight.web.routes.studies import invitation_link
from backsight.web.templating import render, see

router = APIRouter(prefix="/studies/{study_id}/people/{participant_id}")


@router.get("")
def show_person(
    request: Request, _: StudyUser, work: Annotated[Work, audited("read participant")], participant_id: str
) -> Response:
    """Show a participant: sessions over time with intervals, what they said of themselves, notes."""
    return _person_page(request, work, participant_id)


@router.post("/notes")
def add_note(
    request: Request,
    user: StudyUser,
    work: Annotated[Work, audited("write note")],
    participant_id: str,
    text: Annotated[str, Form()] = "",
) -> Response:
    """Write a note."""
    try:
        with work.session() as session:
            person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
            studies.add_note(session, person, user_id=user.id, text=text.replace("\r\n", "\n"))
    except FieldsError as error:
        return _person_page(request, work, participant_id, errors=error.fields)
    return see(f"{_address(work, participant_id)}#notes")


@router.post("/flag")
def flag(
    _: StudyUser,
    work: Annotated[Work, audited("flag participant")],
    participant_id: str,
    is_flagged: Annotated[bool, Form()],
) -> Response:
    """Mark a participant as one to look at, or take the mark away."""
    with work.session(is_flagged=is_flagged) as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        studies.set_flag(session, person, is_flagged=is_flagged)
    return see(_address(work, participant_id))


@router.post("/exclude")
def exclude(
    request: Request,
    _: StudyUser,
    work: Annotated[Work, audited("exclude participant")],
    participant_id: str,
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Leave a participant out of the study's results, with a reason."""
    try:
        with work.session() as session:
            person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
            studies.exclude(session, person, reason=reason)
    except FieldsError as error:
        return _person_page(request, work, participant_id, errors=error.fields)
    return see(_address(work, participant_id))


@router.post("/include")
def include(_: StudyUser, work: Annotated[Work, audited("include participant")], participant_id: str) -> Response:
    """Take a participant back into the study's results."""
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        studies.include(session, person)
    return see(_address(work, participant_id))


@router.post("/invitation")
def renew_invitation(
    request: Request, _: StudyUser, work: Annotated[Work, audited("renew invitation")], participant_id: str
) -> Response:
    """Give a participant a new link and show it, once; the old one stops working."""
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        made = studies.renew_invitation(session, person)
    return render(
        request,
        "studies/invitation.html",
        code=person.code,
        link=invitation_link(request, made.token),
        expires_at=person.invitation_expires_at,
        study_id=work.study_id,
        participant_id=participant_id,
    )


def _person_page(
    request: Request, work: Work, participant_id: str, *, errors: dict[str, str] | None = None
) -> Response:
    with work.reading("read participant") as session:
        study = studies.find_study(session, work.study_id)
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        found = history(session, participant_id)
        signed = studies.consent_of(session, person)
        label = studies.label_of(session, person)
        notes = studies.notes_of(session, person)
        authors = {user.id: user.name for user in studies.members_of(session, study.id)}
    return render(
        request,
        "studies/person.html",
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        study=study,
        person=person,
        label=label,
        age=None if person.birth_year is None else now().year - person.birth_year,
        signed_at=None if signed is None else signed.signed_at,
        history=found,
        figure=index_figure(found.sessions),
        exercise_labels={item.value: item.label for item in Exercise},
        notes=notes,
        authors=authors,
        errors=errors or {},
    )


def _address(work: Work, participant_id: str) -> str:
    return f"/studies/{work.study_id}/people/{participant_id}"
