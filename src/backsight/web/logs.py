"""Structured logs of the server, a JSON object a line, without personal data. Knows routes, not their arguments.

Addresses of pages hold identifiers, and an invitation's even its secret, so a line names the route (`/join/{token}`),
never the address that was asked for.
"""

from __future__ import annotations

import logging
import sys
import time
import uuid
from typing import TYPE_CHECKING

import structlog

from backsight.web.metrics import observe_request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNKNOWN_ROUTE = "unknown"
"""What a request that no route answers is called."""


def set_up_logs(*, as_json: bool) -> None:
    """Say how lines look; for the server's entry point, never on import."""
    shape = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # The server repeats an unexpected error with its message, which may quote somebody's data; `log_failure` has it.
    logging.getLogger("uvicorn.error").addFilter(_is_no_failure_of_a_page)


def _is_no_failure_of_a_page(record: logging.LogRecord) -> bool:
    return "Exception in ASGI application" not in str(record.msg)


def log_failure(error: BaseException) -> None:
    """Write where an unexpected error happened, without its message, which may quote somebody's data."""
    trace = error.__traceback__
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('site-packages/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    structlog.get_logger().error("failed", error=type(error).__qualname__, where=places[-12:])


class RequestLog:
    """Writes a line and counts for every request: method, route, status, duration, an identifier."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and watch what is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex[:16]
        status = 500
        started_s = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, watch)
            finally:
                duration_s = time.perf_counter() - started_s
                route = route_of(scope)
                observe_request(method=scope["method"], route=route, status=status, duration_s=duration_s)
                if route not in _QUIET_ROUTES:
                    self._log.info(
                        "request",
                        method=scope["method"],
                        route=route,
                        status=status,
                        duration_ms=round(1000.0 * duration_s, 1),
                    )


_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", "/static"})


def route_of(scope: Scope) -> str:
    """Return the pattern of the route that answered, without what stood in the placeholders."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    if path is not None:
        return str(path)
    return "/static" if scope["path"].startswith("/static/") else UNKNOWN_ROUTE
