"""One participant of a study: sessions over time, recordings, notes, flag, exclusion, a new link. Knows no SQL.

What is done here can be undone here, but for deleting everything of somebody who asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from backsight.domain.recording import Exercise
from backsight.errors import FieldsError
from backsight.storage import deletion, studies
from backsight.storage.history import history
from backsight.storage.reports import WHY_NO_ASSESSMENT
from backsight.storage.tables import now
from backsight.storage.videos import incoming_folder
from backsight.storage.visits import visits_of
from backsight.web.access import SignedIn, StudyUser, Work, audited
from backsight.web.charts import index_figure
from backsight.web.routes.studies import invitation_link
from backsight.web.templating import render, see

router = APIRouter(prefix="/studies/{study_id}/people/{participant_id}")


@dataclass(frozen=True)
class Done:
    """What was just done, and how to undo it."""

    words: str
    undo: str = ""
    """Last part of the address that undoes it; empty = nothing does."""
    fields: dict[str, str] = field(default_factory=dict)
    """Sent with it."""


_DONE = {
    "flagged": Done("Flagged, to be looked at.", "flag", {"is_flagged": "false"}),
    "unflagged": Done("The flag is taken away.", "flag", {"is_flagged": "true"}),
    "excluded": Done("Excluded: their data stay, and exports mark them as not to be used.", "include"),
    "noted": Done("The note is saved."),
}
"""By the word in the address that a form leads to."""


@dataclass(frozen=True)
class Refused:
    """A form that cannot be accepted: what was typed, and what is wrong with it."""

    errors: dict[str, str]
    typed: str


@router.get("")
def show_person(
    request: Request, user: StudyUser, work: Annotated[Work, audited("read participant")], participant_id: str
) -> Response:
    """Show a participant: sessions over time with intervals, recordings, what they said of themselves, notes."""
    return _person_page(request, user, work, participant_id, done=_DONE.get(request.query_params.get("done", "")))


@router.post("/notes")
def add_note(
    request: Request,
    user: StudyUser,
    work: Annotated[Work, audited("write note")],
    participant_id: str,
    text: Annotated[str, Form()] = "",
) -> Response:
    """Write a note."""
    text = text.replace("\r\n", "\n")
    try:
        with work.session() as session:
            person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
            studies.add_note(session, person, user_id=user.id, text=text)
    except FieldsError as error:
        return _person_page(request, user, work, participant_id, refused=Refused(error.fields, text))
    return see(f"{_address(work, participant_id)}?done=noted#notes")


@router.post("/notes/{note_id}/remove")
def remove_note(
    request: Request,
    user: StudyUser,
    work: Annotated[Work, audited("remove note")],
    participant_id: str,
    note_id: str,
) -> Response:
    """Take one of one's own notes away; the page shown holds it once more, to be put back."""
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        text = studies.remove_note(session, person, note_id=note_id, user_id=user.id)
    done = Done("Your note is removed.", "notes", {"text": text})
    return _person_page(request, user, work, participant_id, done=done)


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
    return see(f"{_address(work, participant_id)}?done={'flagged' if is_flagged else 'unflagged'}")


@router.post("/exclude")
def exclude(
    request: Request,
    user: StudyUser,
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
        return _person_page(request, user, work, participant_id, refused=Refused(error.fields, reason))
    return see(f"{_address(work, participant_id)}?done=excluded")


@router.post("/include")
def include(
    request: Request, user: StudyUser, work: Annotated[Work, audited("include participant")], participant_id: str
) -> Response:
    """Take a participant back into the study's results; the page shown holds the reason once more."""
    with work.session() as session:
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        reason = person.exclusion_reason
        studies.include(session, person)
    done = Done("Taken back into the results.", "exclude", {"reason": reason}) if reason else None
    return _person_page(request, user, work, participant_id, done=done)


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


@router.post("/delete")
def delete_person(
    request: Request,
    user: StudyUser,
    work: Annotated[Work, audited("delete on request")],
    participant_id: str,
    code: Annotated[str, Form()] = "",
) -> Response:
    """Delete everything of a participant who asked for it and cannot do so themselves, once their code is typed."""
    try:
        with work.session() as session:
            person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
            if code.strip() != person.code:
                raise FieldsError({"code": f"must be {person.code}, to be sure that it is them, got {code[:40]!r}"})
            proof = deletion.withdraw(
                session,
                person,
                videos=request.app.state.videos,
                incoming=incoming_folder(request.app.state.settings.videos_url),
                actor=f"user:{user.id}",
                reason=deletion.WITHDRAWN,
            )
            counts = {name: number for name, number in proof.counts.items() if number}
            gone = proof.participant_code
    except FieldsError as error:
        return _person_page(request, user, work, participant_id, refused=Refused(error.fields, code))
    return render(request, "studies/deleted.html", code=gone, counts=counts, study_id=work.study_id)


def _person_page(
    request: Request,
    user: SignedIn,
    work: Work,
    participant_id: str,
    *,
    refused: Refused | None = None,
    done: Done | None = None,
) -> Response:
    with work.reading("read participant") as session:
        study = studies.find_study(session, work.study_id)
        person = studies.find_participant(session, study_id=work.study_id, participant_id=participant_id)
        found = history(session, participant_id)
        visits = visits_of(session, participant_id)
        signed = studies.consent_of(session, person)
        label = studies.label_of(session, person)
        notes = studies.notes_of(session, person)
        authors = {member.id: member.name for member in studies.members_of(session, study.id)}
    return render(
        request,
        "studies/person.html",
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        study=study,
        person=person,
        label=label,
        age=None if person.birth_year is None else now().year - person.birth_year,
        signed=signed,
        is_newest_text=signed is not None and signed.text_hash == studies.consent_hash(study.consent_text),
        history=found,
        visits=visits[::-1],
        figure=index_figure(found.sessions),
        exercise_labels={item.value: item.label for item in Exercise},
        why_no_assessment=WHY_NO_ASSESSMENT,
        notes=notes,
        authors=authors,
        me=user.id,
        errors=refused.errors if refused else {},
        typed=refused.typed if refused else "",
        done=done,
        now=now(),
    )


def _address(work: Work, participant_id: str) -> str:
    return f"/studies/{work.study_id}/people/{participant_id}"
