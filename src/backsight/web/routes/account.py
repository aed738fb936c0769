"""Signing in and out, one's password, tokens for the API. Knows no study."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Query
from starlette.requests import Request
from starlette.responses import Response

from backsight.errors import AccessError, InvalidValueError, NotFoundError, SignInError, ThrottledError
from backsight.storage import accounts, audit
from backsight.storage.accounts import MIN_PASSWORD_LENGTH
from backsight.storage.database import Database
from backsight.storage.tables import Role
from backsight.web.access import Anybody, CurrentUser, SignedIn, Store, Work, audited, optional_user
from backsight.web.metrics import count_sign_in
from backsight.web.security import clear_sign_in_cookie, set_sign_in_cookie, sign_in_token
from backsight.web.settings import SIGN_IN_LIFETIME
from backsight.web.templating import render, see

router = APIRouter()
TOKEN_LIFETIMES_DAYS = (30, 90, 365)
_MAX_HASHING = 4
"""Passwords that are checked at the same time: each takes 64 MiB and four threads for a while."""
_HASHING_WAIT_S = 10.0
_hashing = threading.BoundedSemaphore(_MAX_HASHING)


@router.get("/")
def show_first_page(request: Request, _: Anybody) -> Response:
    """Send whoever comes to where they work."""
    return see(_first_page(optional_user(request)))


@router.get("/sign-in")
def show_sign_in(request: Request, _: Anybody, next_path: Annotated[str, Query(alias="next")] = "") -> Response:
    """Show the form to sign in."""
    user = optional_user(request)
    if user is not None:
        return see(_own_path(next_path) or _first_page(user))
    return render(request, "account/sign_in.html", email="", next_path=_own_path(next_path), error=None)


@router.post("/sign-in")
def sign_in(
    request: Request,
    *,
    _: Anybody,
    database: Store,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next_path: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Let somebody in, or say that they may not come in, and no more."""
    try:
        token, user = _enter(request, database, email=email, password=password)
    except (SignInError, ThrottledError) as error:
        is_throttled = isinstance(error, ThrottledError)
        count_sign_in("throttled" if is_throttled else "refused")
        answer = render(
            request,
            "account/sign_in.html",
            status_code=HTTPStatus.TOO_MANY_REQUESTS if is_throttled else HTTPStatus.UNAUTHORIZED,
            email=email[:254],
            next_path=_own_path(next_path),
            error=_sentence(error),
        )
        if isinstance(error, ThrottledError):
            answer.headers["Retry-After"] = str(error.seconds)
        return answer
    count_sign_in("accepted")
    response = see(_own_path(next_path) or _first_page(user))
    set_sign_in_cookie(response, request, token)
    return response


@router.post("/sign-out")
def sign_out(request: Request, _: Anybody, database: Store) -> Response:
    """End the sign-in of this browser; harmless when there is none."""
    token = sign_in_token(request)
    if token is not None:
        with database.session() as session:
            accounts.sign_out(session, token)
    response = see("/sign-in")
    clear_sign_in_cookie(response, request)
    # Pages with health data must not come back from this browser's memory for whoever uses it next.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@router.get("/account")
def show_account(request: Request, user: CurrentUser, database: Store) -> Response:
    """Show who is signed in, the form for a new password, and tokens."""
    return _account_page(request, user, database)


@router.post("/account/password")
def change_password(
    request: Request,
    *,
    user: CurrentUser,
    database: Store,
    work: Annotated[Work, audited("change password")],
    current: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Change one's password; every other sign-in and every token ends."""
    try:
        if password != again:
            raise InvalidValueError("the two new passwords differ; type the same one twice")
        # By the throttled way: whoever finds an open browser must not try passwords here as often as they like.
        _enter(request, database, email=user.email, password=current)
        with _one_of_few(), work.session() as session:
            row = accounts.find_user(session, email=user.email)
            if row is None:
                raise NotFoundError("this account is gone; ask an administrator")
            accounts.set_password(session, row, password=password)
        token, _ = _enter(request, database, email=user.email, password=password)
    except (SignInError, ThrottledError, InvalidValueError) as error:
        message = "The current password is wrong." if isinstance(error, SignInError) else _sentence(error)
        status = HTTPStatus.TOO_MANY_REQUESTS if isinstance(error, ThrottledError) else HTTPStatus.UNPROCESSABLE_ENTITY
        return _account_page(request, user, database, status_code=status, password_error=message)
    response = see("/account?changed=password")
    set_sign_in_cookie(response, request, token)
    return response


@router.post("/account/tokens")
def make_token(
    request: Request,
    *,
    user: CurrentUser,
    database: Store,
    work: Annotated[Work, audited("make API token")],
    name: Annotated[str, Form()] = "",
    lifetime_days: Annotated[int, Form()] = TOKEN_LIFETIMES_DAYS[0],
) -> Response:
    """Make a token for the JSON API and show it, once."""
    try:
        if lifetime_days not in TOKEN_LIFETIMES_DAYS:
            raise InvalidValueError(f"`lifetime_days` must be one of {TOKEN_LIFETIMES_DAYS}, got {lifetime_days}")
        with work.session() as session:
            row = accounts.find_user(session, email=user.email)
            if row is None:
                raise NotFoundError("this account is gone; ask an administrator")
            token = accounts.make_api_token(session, row, name=name, lifetime=timedelta(days=lifetime_days))
            work.about(object_id=accounts.hash_of_token(token)[:12])
    except InvalidValueError as error:
        return _account_page(
            request, user, database, status_code=HTTPStatus.UNPROCESSABLE_ENTITY, token_error=_sentence(error)
        )
    return _account_page(request, user, database, new_token=token)


@router.post("/account/tokens/{token_hash}/revoke")
def revoke_token(user: CurrentUser, work: Annotated[Work, audited("revoke API token")], token_hash: str) -> Response:
    """Take one of one's tokens back."""
    with work.session() as session:
        row = accounts.find_user(session, email=user.email)
        if row is None or not accounts.revoke_api_token(session, row, token_hash=token_hash):
            raise NotFoundError("there is no such token; it may have been taken back already")
        work.about(object_id=token_hash[:12])
    return see("/account?changed=token")


def _account_page(
    request: Request,
    user: SignedIn,
    database: Database,
    *,
    status_code: int = HTTPStatus.OK,
    password_error: str | None = None,
    token_error: str | None = None,
    new_token: str | None = None,
) -> Response:
    with database.session(read_only=True) as session:
        row = accounts.find_user(session, email=user.email)
        tokens = [] if row is None else accounts.api_tokens_of(session, row)
    return render(
        request,
        "account/account.html",
        status_code=status_code,
        tokens=tokens,
        lifetimes=TOKEN_LIFETIMES_DAYS,
        min_length=MIN_PASSWORD_LENGTH,
        password_error=password_error,
        token_error=token_error,
        new_token=new_token,
        changed=request.query_params.get("changed"),
    )


def _enter(request: Request, database: Database, *, email: str, password: str) -> tuple[str, SignedIn]:
    """Sign somebody in and enter it, or that they were refused, in the audit log.

    What is throttled is counted only: entries without end would let anybody fill the log.
    """
    client = request.client.host if request.client else "unknown"
    try:
        with _one_of_few(), database.session() as session:
            token = accounts.sign_in(session, email=email, password=password, client=client, lifetime=SIGN_IN_LIFETIME)
            user = accounts.user_of_token(session, token)
            if user is None:
                raise SignInError("email or password is wrong")
            audit.append(session, actor=f"user:{user.id}", action="sign in")
    except SignInError:
        with database.session() as session:
            tried = accounts.find_user(session, email=email)
            audit.append(session, actor="system", action="refuse sign-in", object_id=tried.id if tried else None)
        raise
    return token, SignedIn(id=user.id, name=user.name, email=user.email, role=user.role)


@contextmanager
def _one_of_few() -> Iterator[None]:
    """Hash a password when few others are being hashed; many at once would take all memory."""
    if not _hashing.acquire(timeout=_HASHING_WAIT_S):
        raise ThrottledError("too many people sign in at this moment; try again in 5 s", seconds=5)
    try:
        yield
    finally:
        _hashing.release()


def _first_page(user: SignedIn | None) -> str:
    if user is None:
        return "/sign-in"
    return "/admin/audit" if user.role is Role.ADMIN else "/studies"


def _own_path(target: str) -> str:
    """Return a path on this site, or nothing: links to sign in must not lead people elsewhere afterwards."""
    is_ours = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if is_ours else ""


def _sentence(error: AccessError | InvalidValueError) -> str:
    text = str(error).replace("`", "")
    return f"{text[:1].upper()}{text[1:]}."
