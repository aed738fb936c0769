"""Put the site together: settings, database, videos, routes, what every answer goes through. Knows no page."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import cast
from urllib.parse import quote, urlsplit

import anyio
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocket, WebSocketState

from backsight.errors import (
    AccessError,
    BacksightError,
    ConflictError,
    FieldsError,
    InputError,
    InvalidValueError,
    InvitationError,
    ModelFileError,
    NotFoundError,
    SignInError,
    StorageError,
    ThrottledError,
)
from backsight.storage.database import Database
from backsight.storage.sealing import Seal
from backsight.storage.videos import VideoStore
from backsight.web.access import NotSignedInError
from backsight.web.api_limits import RequestLimit
from backsight.web.api_problems import ApiProblems, problem_response
from backsight.web.jobs import Jobs
from backsight.web.logs import RequestLog, log_failure
from backsight.web.routes import (
    account,
    administration,
    api,
    operations,
    participant,
    people,
    results,
    stream,
    studies,
    study_settings,
    uploads,
)
from backsight.web.routes.uploads import clear_incoming, incoming_dir
from backsight.web.security import (
    API_PREFIX,
    MAX_API_BYTES,
    MAX_BODY_BYTES,
    MAX_LANDMARKS_BYTES,
    SecurityHeaders,
    require_form_token,
)
from backsight.web.settings import WebSettings
from backsight.web.templating import STATIC_DIR, STATIC_PATH, render

SIGN_IN_PATH = "/sign-in"
_JOBS_AFTER_S = 2.0
"""The workflows' library loads while the first pages are read, not before."""
_SWITCH_INTERVAL_S = 0.0005
"""How long a thread that computes keeps others waiting. One that comes back from the database several times in a
transaction would wait as often for Python's usual 5 ms, while it holds SQLite's only write lock."""
_GARBAGE_THRESHOLDS = (50_000, 20, 20)
"""A chunk of landmarks is some 2000 lists, and none of them is garbage before it is kept; with Python's usual 700 new
objects it would be looked through three times."""
_POLICY_VIOLATION = 1008
"""Why a WebSocket is closed that may not be opened (RFC 6455, section 7.4.1)."""
_A_YEAR_S = 365 * 24 * 3600
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI would hand addresses, which hold identifiers, and messages of exceptions to whatever collector the
environment names (`FASTAPI_OTEL_AUTO_CONFIGURE`); the site counts and logs for itself, without them."""
_STATUS: dict[type[Exception], HTTPStatus] = {
    NotSignedInError: HTTPStatus.UNAUTHORIZED,
    SignInError: HTTPStatus.UNAUTHORIZED,
    ThrottledError: HTTPStatus.TOO_MANY_REQUESTS,
    InvitationError: HTTPStatus.GONE,
    AccessError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    InvalidValueError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StorageError: HTTPStatus.SERVICE_UNAVAILABLE,
    ModelFileError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What an error means to a browser; of several that fit, the nearest class counts."""
_TITLES: dict[int, str] = {
    400: "This request cannot be understood",
    401: "Please sign in",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "This does not fit what has happened",
    410: "This link does not open any more",
    413: "This is too large",
    422: "Something cannot be as it was entered",
    429: "Please wait a moment",
    503: "This site is not ready",
}


def create_app(settings: WebSettings, *, has_jobs: bool = True) -> FastAPI:
    """Return the application; its database is brought up to date when it starts.

    `app.state` holds `settings`, `database`, `videos` and `jobs`.

    Parameters
    ----------
    has_jobs
        Whether this process also assesses recordings; otherwise they wait until one does.

    Raises
    ------
    StorageError
        When the database's URL or the encryption key is none.
    """
    seal = Seal.from_key(settings.encryption_key)
    app = _Site(
        title="Backsight",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=MAX_BODY_BYTES,
        telemetry=_NO_TELEMETRY,
        dependencies=[Depends(require_form_token)],
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.database = Database(settings.database_url, seal=seal)
    app.state.videos = VideoStore(settings.videos_url, seal=seal)
    incoming = incoming_dir(settings)
    chores = [lambda: clear_incoming(app.state.database, incoming)]
    app.state.jobs = Jobs(app.state.database, app.state.videos, settings, chores=chores)
    app.state.has_jobs = has_jobs
    app.state.api_limit = RequestLimit()
    # First: routes are tried one after the other, and whoever records sends landmarks every second.
    app.include_router(participant.router, include_in_schema=False, max_body_size=MAX_LANDMARKS_BYTES)
    researchers = (studies, study_settings, people, results)
    for module in (account, operations, administration, *researchers, stream):
        app.include_router(module.router, include_in_schema=False)
    app.include_router(api.router, max_body_size=MAX_API_BYTES)
    app.include_router(uploads.router, include_in_schema=False)
    app.mount(STATIC_PATH, _Static(directory=STATIC_DIR), name="static")
    app.add_exception_handler(BacksightError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(IntegrityError, _answer_integrity)
    app.add_exception_handler(Exception, _answer_unexpected)
    if settings.is_production and settings.public_url is not None:
        host = urlsplit(settings.public_url).hostname or ""
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[host, "localhost", "127.0.0.1"], www_redirect=False)
    return app


def create_app_from_environment() -> FastAPI:
    """Return the application as the environment says; what a server of several workers starts each of them with."""
    from backsight.web.logs import set_up_logs

    settings = WebSettings.from_environment()
    set_up_logs(as_json=settings.is_production)
    app = create_app(settings)
    _set_up_process()
    return app


def _set_up_process() -> None:
    """Fit Python's habits to short requests that make thousands of numbers each; for a server's process only."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # What has been loaded stays; looking through all of it for garbage took more time than reading a chunk's JSON.
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)


class _Site(FastAPI):
    """The application, with what every answer goes through: also those that the framework gives by itself."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return it with ours outermost: an answer to a fault or to too large a body comes from outside the others."""
        inner = super().build_middleware_stack()
        return RequestLog(SecurityHeaders(ApiProblems(inner), settings=self.state.settings))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    database: Database = app.state.database
    jobs: Jobs = app.state.jobs
    await anyio.to_thread.run_sync(database.upgrade)
    later = threading.Timer(_JOBS_AFTER_S, jobs.start)
    if app.state.has_jobs:
        later.start()
    yield
    later.cancel()
    await anyio.to_thread.run_sync(jobs.stop)
    await anyio.to_thread.run_sync(database.close)


class _Static(StaticFiles):
    """Files of the site's own. An address with a version may be kept for good, others are asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, and how long a browser may keep it."""
        response = await super().get_response(path, scope)
        is_versioned = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR_S}, immutable" if is_versioned else "no-cache"
        return response


async def _refuse_socket(connection: HTTPConnection) -> Response:
    """Close a WebSocket, which can carry no page; the handler's answer is not sent."""
    socket = cast("WebSocket", connection)
    if socket.application_state is not WebSocketState.DISCONNECTED:
        await socket.close(code=_POLICY_VIOLATION)
    return Response()


def wants_json(request: Request) -> bool:
    """Tell whether a script asks, which is answered in JSON, or somebody who reads pages."""
    if request.url.path.startswith(API_PREFIX):
        return True
    accept = request.headers.get("accept", "")
    sent = request.headers.get("content-type", "")
    return "text/html" not in accept and ("json" in accept or "json" in sent)


async def _answer_error(request: Request, error: Exception) -> Response:
    if request.scope["type"] == "websocket":
        return await _refuse_socket(request)
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log_failure(error)
    if isinstance(error, NotSignedInError) and not wants_json(request):
        return _to_sign_in(request)
    # What a driver says, or which file is missing, is for whoever runs the server, not for whoever reads a page.
    message = str(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = "Try again in a minute. If it stays so, tell whoever invited you or runs the site: it has been noted."
    fields = error.fields if isinstance(error, FieldsError) else None
    response = _answer(request, status, message, fields=fields)
    if isinstance(error, ThrottledError):
        response.headers["Retry-After"] = str(error.seconds)
    if isinstance(error, NotSignedInError):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _answer_http(request: Request, error: Exception) -> Response:
    error = cast("HTTPException", error)
    response = _answer(request, error.status_code, _HTTP_MESSAGES.get(error.status_code, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


_HTTP_MESSAGES = {
    404: "The address may be wrong, or what it shows has been deleted.",
    405: "This address does not take this kind of request.",
    413: "Send less at a time.",
}


def _answer_validation(request: Request, error: Exception) -> Response:
    error = cast("RequestValidationError", error)
    # Not the input: it would put somebody's answers into logs and pages.
    # Where a body is no JSON at all, the place in it is that of a letter.
    places = [() if item["type"] == "json_invalid" else item["loc"][1:] for item in error.errors()]
    names = [".".join(str(part) for part in place) or "body" for place in places]
    fields = {name: str(item["msg"]) for name, item in zip(names, error.errors(), strict=True)}
    message = "; ".join(f"`{name}`: {text}" for name, text in fields.items())
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, message, fields=fields)


def _answer_integrity(request: Request, error: Exception) -> Response:
    log_failure(error)
    return _answer(request, HTTPStatus.CONFLICT, "Somebody else has changed this meanwhile; load the page again.")


def _answer_unexpected(request: Request, error: Exception) -> Response:
    log_failure(error)
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; it has been noted.")


def _answer(request: Request, status: int, message: str, *, fields: dict[str, str] | None = None) -> Response:
    if request.url.path.startswith(API_PREFIX):
        return problem_response(status, message, fields=fields)
    if wants_json(request):
        body: dict[str, object] = {"error": message}
        if fields is not None:
            body["fields"] = fields
        return JSONResponse(body, status_code=status)
    title = _TITLES.get(status, "Something went wrong")
    return render(request, "error.html", status_code=status, title=title, message=message, status=int(status))


def _to_sign_in(request: Request) -> Response:
    """Show the page to sign in, and come back; only to pages, since a form's answers are lost on the way."""
    target = quote(request.url.path, safe="/") if request.method == "GET" else ""
    return RedirectResponse(
        f"{SIGN_IN_PATH}?next={target}" if target not in ("", "/") else SIGN_IN_PATH, status_code=HTTPStatus.SEE_OTHER
    )
