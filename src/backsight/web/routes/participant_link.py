"""A participant's link: into this browser, and out of it again. Knows no page of theirs.

A link that is shut lets in as well, but only to withdraw.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from backsight.errors import InvitationError
from backsight.storage import audit, studies
from backsight.storage.tables import now
from backsight.web.access import Anybody, Store
from backsight.web.participant_page import HOME
from backsight.web.security import clear_participant_cookie, participant_token, set_participant_cookie
from backsight.web.templating import render

router = APIRouter()

_TO_WITHDRAW_S = 3600
"""How long a browser is let in by a link that opens nothing but the page to withdraw."""


@router.get("/join/{token}")
def join(request: Request, store: Store, token: str, allowed: Anybody) -> Response:  # noqa: ARG001
    """Let this browser in as the participant whom the link invites; where somebody else is in, ask first."""
    with store.session(read_only=True) as session:
        is_taken = _is_taken(request, session, studies.find_invited(session, token).participant.id)
    return render(request, "participant/change.html", token=token) if is_taken else _let_in(request, store, token)


@router.post("/join/{token}")
def join_instead(request: Request, store: Store, token: str, allowed: Anybody) -> Response:  # noqa: ARG001
    """Let this browser in as the participant whom the link invites, and whoever else is in out."""
    return _let_in(request, store, token)


@router.post(f"{HOME}/leave")
def leave(request: Request, allowed: Anybody) -> Response:  # noqa: ARG001
    """Forget the participant in this browser; harmless when there is none."""
    response = render(request, "participant/left.html")
    clear_participant_cookie(response, request)
    # Not "storage": it may hold a video that was not sent yet.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _is_taken(request: Request, session: Session, participant_id: str) -> bool:
    """Return whether another participant has followed their link in this browser."""
    held = participant_token(request)
    if held is None:
        return False
    try:
        return studies.find_invited(session, held).participant.id != participant_id
    except InvitationError:
        return False


def _let_in(request: Request, store: Store, token: str) -> Response:
    """Let this browser in as the participant whom the link invites; by a link that is shut, only to withdraw."""
    with store.session() as session:
        invited = studies.find_invited(session, token)
        person, expires_at = invited.participant, invited.participant.invitation_expires_at
        audit.append(
            session,
            actor=f"participant:{person.id}",
            action="follow invitation",
            study_id=person.study_id,
            object_id=person.id,
            detail={"is_open": invited.shut_because is None},
        )
    if invited.shut_because is not None:
        page = render(request, "participant/shut.html", status_code=HTTPStatus.GONE, why=invited.shut_because)
        set_participant_cookie(page, request, token, max_age_s=_TO_WITHDRAW_S)
        return page
    response = RedirectResponse(HOME, status_code=HTTPStatus.SEE_OTHER)
    left_s = 0.0 if expires_at is None else (expires_at - now()).total_seconds()
    set_participant_cookie(response, request, token, max_age_s=max(int(left_s), 1))
    return response
