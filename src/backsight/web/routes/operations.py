"""What keeps the server running: probes, metrics, and an administrator's pages. Knows no health data."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backsight.errors import StorageError
from backsight.storage import accounts, audit
from backsight.web import metrics
from backsight.web.access import AdminUser, Anybody, Collector, Store
from backsight.web.templating import render

router = APIRouter()
_ENTRIES_ON_PAGE = 100


@router.get("/healthz")
def is_alive(_: Anybody) -> Response:
    """Say that the process answers."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz")
def is_ready(_: Anybody, database: Store) -> Response:
    """Say whether the database can be reached and is up to date."""
    try:
        is_current = database.is_current()
    except StorageError:
        return JSONResponse({"status": "no database"}, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    if not is_current:
        return JSONResponse({"status": "database not up to date"}, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
def show_metrics(_: Collector) -> Response:
    """Return what has been counted."""
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


@router.get("/admin/audit")
def show_audit(
    request: Request,
    _: AdminUser,
    database: Store,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    check: bool = False,
) -> Response:
    """Show the audit log, the newest first; `check` also goes through its whole chain."""
    with database.session(read_only=True) as session:
        found = audit.entries(session, limit=_ENTRIES_ON_PAGE + 1, before=before)
        broken_at = audit.verify(session) if check else None
        names = {f"user:{user.id}": user.name for user in accounts.users(session)}
    return render(
        request,
        "account/audit.html",
        entries=found[:_ENTRIES_ON_PAGE],
        older=found[_ENTRIES_ON_PAGE - 1].number if len(found) > _ENTRIES_ON_PAGE else None,
        names=names,
        is_checked=check,
        broken_at=broken_at,
    )
