"""An administrator's page of studies: how long each keeps its recordings, and deleting what is due. Knows no SQL.

Administrators see no health data: names of studies, who works on them, and how many people take part.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from backsight.errors import FieldsError, InvalidValueError
from backsight.storage import deletion, housekeeping, study_settings
from backsight.web.access import AdminUser, Work, audited
from backsight.web.study_form import days_of
from backsight.web.templating import render, see

router = APIRouter(prefix="/admin/studies")

ALL_STUDIES = "all"
"""Sent instead of a study's identifier. A field that is missing must not mean every study."""


@router.get("")
def show_studies(request: Request, _: AdminUser, work: Annotated[Work, audited("list all studies")]) -> Response:
    """Show all studies and how long they keep recordings."""
    return _page(request, work)


@router.post("/retention")
def set_retention(
    request: Request,
    *,
    _: AdminUser,
    work: Annotated[Work, audited("set retention")],
    study_id: Annotated[str, Form()] = "",
    retention_days: Annotated[str, Form()] = "",
) -> Response:
    """Say how long a study, or every study, keeps landmarks and videos."""
    if not study_id:
        raise InvalidValueError(f"`study_id` must be a study, or `{ALL_STUDIES}`, got nothing; load the page again")
    is_for_all = study_id == ALL_STUDIES
    typed = retention_days.strip()
    try:
        days = days_of(typed)
        with work.session(retention_days=days, of="all studies" if is_for_all else "one study") as session:
            chosen = [line.study_id for line in housekeeping.study_lines(session)] if is_for_all else [study_id]
            for one in chosen:
                study_settings.set_retention(session, one, retention_days=days)
            if not is_for_all:
                work.about(study_id=study_id)
    except FieldsError as error:
        return _page(request, work, errors=error.fields, typed=typed, chosen=study_id)
    return see("/admin/studies?done=set")


@router.post("/retention/apply")
def apply_retention(request: Request, admin: AdminUser, work: Annotated[Work, audited("apply retention")]) -> Response:
    """Delete what is due now, instead of waiting for the next day."""
    with work.session() as session:
        expiry = deletion.delete_expired(
            session, today=datetime.now(UTC).date(), videos=request.app.state.videos, actor=f"user:{admin.id}"
        )
        n_people, n_skipped = len(expiry.deletions), expiry.n_skipped
        work.about(n_participants=n_people, n_skipped=n_skipped)
    return see(f"/admin/studies?done=applied&people={n_people}&skipped={n_skipped}")


def _page(
    request: Request, work: Work, *, errors: dict[str, str] | None = None, typed: str = "", chosen: str = ""
) -> Response:
    with work.reading("list all studies") as session:
        lines = housekeeping.study_lines(session)
        last = deletion.last_retention(session)
        last_at = None if last is None else last.at
    return render(
        request,
        "studies/administration.html",
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK,
        lines=lines,
        last_at=last_at,
        errors=errors or {},
        typed=typed,
        chosen=chosen,
        done=request.query_params.get("done"),
        n_people=_number(request, "people"),
        n_skipped=_number(request, "skipped"),
    )


def _number(request: Request, name: str) -> int:
    """Return a number of the query, 0 where it is none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
