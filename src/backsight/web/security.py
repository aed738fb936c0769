"""What keeps the site safe in a browser: cookies, form tokens, headers, limits. Knows no role and no table.

A form token is made of the server's secret and of all cookies that let somebody in, so that nobody can use another's.
It is asked for in the field `csrf_token` of a form, or in the header `X-CSRF-Token` of a script's request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response

from backsight.errors import AccessError
from backsight.web.settings import SIGN_IN_LIFETIME, WebSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

API_PREFIX: Final = "/api/"
"""The JSON API lets nobody in by a cookie, so it needs no form token."""
PARTICIPANT_PREFIX: Final = "/take-part"
"""Where participants are; the only place where the camera may be used."""
PLAIN_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What probes and collectors ask for, by plain HTTP too."""
CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "X-CSRF-Token"
MAX_BODY_BYTES: Final = 256 * 1024
"""Of a form, a consent text of the greatest length in it; parts that take more say so when they are included."""
MAX_API_BYTES: Final = 640 * 1024
"""A note of the greatest length with every letter escaped, as JSON's writers do: 12 bytes each at most."""
MAX_LANDMARKS_BYTES: Final = 8 * 1024 * 1024
"""300 frames of 33 landmarks with 8 numbers of 20 digits, and their punctuation, are 1.7 MB; and some air."""

_BASE_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
_POSE_POLICY: Final = _BASE_POLICY | {
    # The pose runtime is WebAssembly, works in a worker of its own, and recordings are played back from memory.
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self' blob:",
    "media-src": "'self' blob:",
    "img-src": "'self' data: blob:",
}
_Site = Literal["lax", "strict"]
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HSTS_S: Final = 365 * 24 * 3600


def policy(directives: dict[str, str]) -> str:
    """Return a Content-Security-Policy as a header."""
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


PAGE_POLICY: Final = policy(_BASE_POLICY)
POSE_POLICY: Final = policy(_POSE_POLICY)


class FormTokenError(AccessError):
    """A form or a script's request came without the token that this site gave out."""


class CookieNames:
    """What the site's cookies are called; under https with the prefix that keeps other hosts from setting them."""

    def __init__(self, settings: WebSettings) -> None:
        prefix = "__Host-" if settings.is_https else ""
        self.sign_in = f"{prefix}backsight"
        self.participant = f"{prefix}backsight-participant"
        self.form = f"{prefix}backsight-form"


def settings_of(connection: HTTPConnection) -> WebSettings:
    """Return the server's settings."""
    settings: WebSettings = connection.app.state.settings
    return settings


def sign_in_token(connection: HTTPConnection) -> str | None:
    """Return the token of a signed-in user's cookie."""
    return connection.cookies.get(CookieNames(settings_of(connection)).sign_in) or None


def participant_token(connection: HTTPConnection) -> str | None:
    """Return the invitation in a participant's cookie."""
    return connection.cookies.get(CookieNames(settings_of(connection)).participant) or None


def set_sign_in_cookie(response: Response, request: Request, token: str) -> None:
    """Let this browser in as a user, until they sign out or the sign-in ends."""
    lifetime_s = int(SIGN_IN_LIFETIME.total_seconds())
    # Lax, not Strict: a link in a mail to a person's page should not ask somebody signed in to sign in again.
    _set_cookie(response, request, CookieNames(settings_of(request)).sign_in, token, max_age_s=lifetime_s, site="lax")


def set_participant_cookie(response: Response, request: Request, token: str, *, max_age_s: int) -> None:
    """Let this browser in as a participant; `token` is the invitation's, `max_age_s` what is left of it."""
    # Lax, not Strict: the link is followed from a mail, and the browser would not send the cookie on the next page.
    _set_cookie(
        response, request, CookieNames(settings_of(request)).participant, token, max_age_s=max_age_s, site="lax"
    )


def clear_sign_in_cookie(response: Response, request: Request) -> None:
    """Forget the user in this browser."""
    _clear_cookie(response, request, CookieNames(settings_of(request)).sign_in)


def clear_participant_cookie(response: Response, request: Request) -> None:
    """Forget the participant in this browser."""
    _clear_cookie(response, request, CookieNames(settings_of(request)).participant)


def form_token(request: Request) -> str:
    """Return the token to put into a form of this page; `keep_form_cookie` must see the response."""
    names = CookieNames(settings_of(request))
    value = request.cookies.get(names.form)
    if not value:
        # One for the whole request: a page may hold several forms.
        value = getattr(request.state, "form_cookie", None) or secrets.token_urlsafe(32)
        request.state.form_cookie = value
    return _form_token(request, value)


def keep_form_cookie(response: Response, request: Request) -> None:
    """Give the browser the cookie that belongs to the tokens of the page, if it has none."""
    value = getattr(request.state, "form_cookie", None)
    if value is not None:
        _set_cookie(response, request, CookieNames(settings_of(request)).form, value, max_age_s=None, site="strict")


async def require_form_token(connection: HTTPConnection) -> None:
    """Refuse a request that changes something and does not come from a page of ours. A dependency of every route.

    Raises
    ------
    FormTokenError
        When the origin is another one or the token is missing or wrong.
    """
    if not isinstance(connection, Request):
        # Browsers let any site open a WebSocket with our cookies; only the origin tells.
        _check_origin(connection)
        return
    if connection.method in _SAFE_METHODS or connection.url.path.startswith(API_PREFIX):
        return
    _check_origin(connection)
    cookie = connection.cookies.get(CookieNames(settings_of(connection)).form, "")
    given = connection.headers.get(CSRF_HEADER) or await _field_of_form(connection)
    if not cookie or not hmac.compare_digest(given.encode(), _form_token(connection, cookie).encode()):
        raise FormTokenError("this page was open for too long, or cookies are switched off; load it again and retry")


class SecurityHeaders:
    """Puts the headers that a browser needs on every answer, and in production refuses plain HTTP."""

    def __init__(self, app: ASGIApp, *, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope)
            await send(message)

        # Probes and collectors come from the machine itself or the proxy, past TLS.
        if self._settings.is_production and scope["scheme"] != "https" and scope["path"] not in PLAIN_PATHS:
            refusal = PlainTextResponse(
                "This server is reached by https only; its proxy must send X-Forwarded-Proto.\n", status_code=400
            )
            await refusal(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, scope: Scope) -> None:
        path = scope["path"]
        is_participants = path == PARTICIPANT_PREFIX or path.startswith(PARTICIPANT_PREFIX + "/")
        # A page of its own kind, as a report, brings its own policy.
        headers.setdefault("Content-Security-Policy", POSE_POLICY if is_participants else PAGE_POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        # Nothing to other sites; with "no-referrer" browsers would hide the origin of our own forms, too.
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        camera = "(self)" if is_participants else "()"
        headers["Permissions-Policy"] = f"camera={camera}, microphone=(), geolocation=()"
        # Whatever is not said to be public may hold health data.
        headers.setdefault("Cache-Control", "no-store")
        if self._settings.is_https:
            headers["Strict-Transport-Security"] = f"max-age={_HSTS_S}; includeSubDomains"


def _form_token(request: Request, cookie: str) -> str:
    """Return the token of this browser, whoever it is signed in as."""
    bound = "\0".join((cookie, sign_in_token(request) or "", participant_token(request) or ""))
    return hmac.new(settings_of(request).secret_key.encode(), b"form\0" + bound.encode(), hashlib.sha256).hexdigest()


async def _field_of_form(request: Request) -> str:
    # Only the short kind of form: one with files is sent by our scripts, which set the header.
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    value = (await request.form()).get(CSRF_FIELD, "")
    return value if isinstance(value, str) else ""


def _check_origin(connection: HTTPConnection) -> None:
    """Refuse another site's request. Programs that are no browsers send no origin, and have no cookies to misuse."""
    origin = connection.headers.get("origin")
    if origin is None:
        return
    public_url = settings_of(connection).public_url
    host = urlsplit(origin).netloc
    # In development people come by several names: localhost, 127.0.0.1, the machine's own.
    if origin != public_url and (settings_of(connection).is_production or host != connection.headers.get("host")):
        raise FormTokenError("this request comes from another site; open the page on this site and retry")


def _set_cookie(
    response: Response,
    request: Request,
    name: str,
    value: str,
    *,
    max_age_s: int | None,
    site: Literal["lax", "strict"],
) -> None:
    response.set_cookie(
        name, value, max_age=max_age_s, path="/", secure=settings_of(request).is_https, httponly=True, samesite=site
    )


def _clear_cookie(response: Response, request: Request, name: str) -> None:
    response.delete_cookie(name, path="/", secure=settings_of(request).is_https, httponly=True)
