"""Turn a template and what a route found into a page. Knows no table and no rule."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from backsight.domain.assessment import NO_DIAGNOSIS
from backsight.web.security import CSRF_FIELD, form_token, keep_form_cookie

TEMPLATES_DIR = Path(__file__).parent / "templates"
STATIC_DIR = Path(__file__).parent / "static"
STATIC_PATH = "/static"


def render(request: Request, template: str, *, status_code: int = 200, **context: Any) -> HTMLResponse:
    """Return a page.

    Templates get, besides `context`: `user` (who is signed in, or None), `csrf_token`, `csrf_field` (a hidden field
    for forms, markup), `static(path)` (address of a file that browsers may keep) and `no_diagnosis`.
    """
    token = form_token(request)
    page = _environment().get_template(template)
    response = HTMLResponse(
        page.render(
            request=request,
            path=request.url.path,
            user=getattr(request.state, "user", None),
            csrf_token=token,
            csrf_name=CSRF_FIELD,
            no_diagnosis=NO_DIAGNOSIS,
            **context,
        ),
        status_code=status_code,
    )
    keep_form_cookie(response, request)
    return response


def see(path: str) -> RedirectResponse:
    """Send the browser to another page after a form, so that loading it again does not send the form again."""
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER)


def static_url(path: str) -> str:
    """Return the address of a file under `static/`, which changes with the file."""
    return f"{STATIC_PATH}/{path}?v={_fingerprint(path)}"


@lru_cache(maxsize=256)
def _fingerprint(path: str) -> str:
    return hashlib.sha256((STATIC_DIR / path).read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=select_autoescape(),
        # A name that a route forgot must not become an empty place on a page about somebody's health.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    environment.filters["day"] = _day
    environment.filters["moment"] = _moment
    return environment


def _day(at: datetime | None) -> str:
    """Return a date that no country reads the other way round; empty for None."""
    return "" if at is None else f"{at.day} {at:%b %Y}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.day} {at:%b %Y, %H:%M} UTC"
