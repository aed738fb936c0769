"""How the API says that something went wrong: one JSON shape, `application/problem+json`. Knows no route.

RFC 9457 (Problem Details for HTTP APIs). `type` is an address on this server that tells programs what went wrong and
people what it means; `detail` is for people and may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/v1"
REFERENCE_PATH = f"{PREFIX}/docs"
"""The page that documents the API."""


@dataclass(frozen=True)
class Kind:
    """One thing that can go wrong."""

    slug: str
    title: str
    meaning: str
    """What a program should make of it."""


KINDS: dict[int, Kind] = {
    400: Kind("malformed", "Malformed request", "The body cannot be read. Send UTF-8."),
    401: Kind("token", "No valid token", "The token is missing, unknown, expired or taken back. Make another."),
    403: Kind("role", "Not for this role", "The token's owner may not do this, whatever the study."),
    404: Kind("not-found", "Not found", "There is no such thing, or it belongs to a study that you do not work on."),
    405: Kind("method", "Method not allowed", "The address takes other methods; `Allow` names them."),
    409: Kind("conflict", "Conflict", "It does not fit what has happened already. Read again before you retry."),
    413: Kind("too-large", "Too large", "The body is larger than this server takes."),
    422: Kind("invalid", "Invalid value", "A value breaks its contract; `field` and `errors` say which."),
    429: Kind("slow-down", "Too many requests", "Wait as many seconds as the header `Retry-After` says."),
    500: Kind("failed", "Server error", "A fault of this server; it has been noted there."),
    503: Kind("unavailable", "Unavailable", "The database cannot be reached. Try again in a minute."),
}


class FieldProblem(BaseModel):
    """One value that breaks its contract."""

    field: str = Field(description="Name of the value: in the body, the query or the path.", examples=["lifetime_days"])
    detail: str = Field(
        description="What was expected, and what was found where it is no secret.",
        examples=["Input should be less than or equal to 365"],
    )


class Problem(BaseModel):
    """What went wrong (RFC 9457). Every answer above 399 has this shape."""

    type: str = Field(
        description="What kind of problem it is: an address on this server.",
        json_schema_extra={"format": "uri-reference"},
        examples=[f"{REFERENCE_PATH}#invalid"],
    )
    title: str = Field(description="The kind in a few words.", examples=["Invalid value"])
    status: int = Field(description="HTTP status.", examples=[422])
    detail: str = Field(
        description="What happened here, for people.",
        examples=["`lifetime_days`: Input should be less than or equal to 365"],
    )
    field: str | None = Field(
        description="The first value that breaks its contract; null where it is none in particular.",
        examples=["lifetime_days"],
    )
    errors: list[FieldProblem] = Field(description="Every value that breaks its contract.")


def problem_response(status: int, detail: str, *, fields: Mapping[str, str] | None = None) -> Response:
    """Return a problem as an answer.

    Parameters
    ----------
    fields
        {name of a value: what is wrong with it}.
    """
    kind = KINDS.get(status)
    errors = [FieldProblem(field=name, detail=text) for name, text in (fields or {}).items()]
    problem = Problem(
        # RFC 9457, 4.2.1: a kind that says no more than the status has no address.
        type=f"{REFERENCE_PATH}#{kind.slug}" if kind else "about:blank",
        title=kind.title if kind else HTTPStatus(status).phrase,
        status=int(status),
        detail=detail,
        field=errors[0].field if errors else None,
        errors=errors,
    )
    return JSONResponse(problem.model_dump(), status_code=status, media_type=MEDIA_TYPE)


class ApiProblems:
    """Gives the API's one shape to what others refuse before a route is reached: too large a body, another host."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and what is answered back; a refusal in plain text becomes a problem."""
        if scope["type"] != "http" or not scope["path"].startswith(f"{PREFIX}/"):
            await self._app(scope, receive, send)
            return
        refusal: Message | None = None
        told = b""

        async def translate(message: Message) -> None:
            nonlocal refusal, told
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                refusal = message
            elif refusal is None:
                await send(message)
            else:
                told += message.get("body", b"")
                if not message.get("more_body", False):
                    await _send_problem(refusal, told, scope, receive, send)

        await self._app(scope, receive, translate)


def _is_plain_refusal(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return int(start["status"]) >= HTTPStatus.BAD_REQUEST and kind.startswith("text/plain")


async def _send_problem(start: Message, told: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Send what was told as a problem, with every header that is not about the body."""
    response = problem_response(start["status"], told.decode("utf-8", "replace").strip())
    about_body = (b"content-type", b"content-length")
    response.raw_headers += [header for header in start["headers"] if header[0].lower() not in about_body]
    await response(scope, receive, send)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route declares of the problems that it answers with; the document puts them in order."""
    return {status: {"model": Problem, "description": KINDS[status].title} for status in statuses}
