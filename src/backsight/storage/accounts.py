"""Who may sign in: users, passwords, sign-ins, tokens, and how often one may try. Knows no cookie and no page.

Passwords are hashed with Argon2id. Tokens are 256 random bits, which need no slow hash: the database keeps their
SHA-256, so that whoever reads it can use none. No function tells whether an account exists.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backsight.errors import InvalidValueError, SignInError, ThrottledError
from backsight.storage.tables import ApiToken, Role, SignIn, SignInAttempt, User, new_id, now

HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
"""Argon2id with 3 passes over 64 MiB in 4 lanes: the second recommended option of RFC 9106, section 4."""
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 256
"""Nobody types more; without a limit every attempt could make us hash megabytes."""
API_TOKEN_PREFIX = "bsat_"  # noqa: S105
"""What tokens of the JSON API begin with, so that a program that looks for leaked secrets knows them."""
THROTTLE_WINDOW = timedelta(minutes=15)
"""Failed attempts count for so long."""
MAX_FAILED_FOR_PAIR = 5
"""Failed attempts on one account from one client: a slip or a forgotten password."""
MAX_FAILED_FROM_CLIENT = 30
"""From one client on whatever accounts: several people may share an address, one password tried on all may not pass."""
MAX_FAILED_ON_ACCOUNT = 50
"""On one account from whatever clients. High, because it lets strangers keep its owner out."""

_TOKEN_BYTES = 32
_EMAIL_LENGTH = 254
_NAME_LENGTH = 200
_TOKEN_NAME_LENGTH = 100


def add_user(session: Session, *, email: str, name: str, role: Role, password: str) -> User:
    """Add somebody who may sign in.

    Raises
    ------
    InvalidValueError
        When the email is none or taken, the name is empty or too long, or the password breaks a rule.
    """
    email = _normal_email(email)
    user = User(
        id=new_id(),
        email=email,
        name=_checked_name("name", name, _NAME_LENGTH),
        role=Role(role),
        password_hash=_hasher_of(session).hash(_checked_password(password, email=email)),
        created_at=now(),
    )
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise InvalidValueError(f"`email` must be one that no user has yet, got {email}") from error
    return user


def users(session: Session) -> Sequence[User]:
    """Return all users by email, disabled ones too."""
    return session.scalars(select(User).order_by(User.email)).all()


def find_user(session: Session, *, email: str) -> User | None:
    """Return the user with this email, for an administrator; whoever signs in must not learn the answer."""
    normal = email.strip().lower()
    # No user has such an email, and PostgreSQL fails on a NUL in a query.
    if not normal.isprintable():
        return None
    return session.scalars(select(User).where(User.email == normal)).first()


def check_password(session: Session, user: User, *, password: str) -> bool:
    """Tell whether this is the user's password; for somebody signed in who is asked again."""
    return _is_match(_hasher_of(session), user.password_hash, password)


def set_password(session: Session, user: User, *, password: str) -> None:
    """Give the user another password, end all their sign-ins and take back their tokens.

    Raises
    ------
    InvalidValueError
        When the password breaks a rule.
    """
    user.password_hash = _hasher_of(session).hash(_checked_password(password, email=user.email))
    _end_everything(session, user)


def disable_user(session: Session, user: User) -> None:
    """Let the user in no more: end all their sign-ins and take back their tokens. Their notes and studies stay."""
    user.disabled_at = user.disabled_at or now()
    _end_everything(session, user)


def sign_in(
    session: Session, *, email: str, password: str, client: str, lifetime: timedelta, at: datetime | None = None
) -> str:
    """Let somebody in and return their token, which is shown nowhere again.

    Commits what the session has so far, twice: before the password is hashed, because a failed attempt must count
    even when the caller rolls back, and because SQLite's write lock must not be held meanwhile.

    Parameters
    ----------
    client
        Where the attempt comes from, usually the address; only its hash is kept, and no longer than the window.
    lifetime
        How long the token is good for.
    at
        The moment; None = now.

    Raises
    ------
    ThrottledError
        When too many attempts have failed within the window. Says nothing of the password.
    SignInError
        When email or password are wrong, or the account is disabled; it takes as long in each case.
    """
    moment = at or now()
    email = email.strip().lower()
    hasher = _hasher_of(session)
    # Counted before it has failed: of many attempts at once, none may pass unseen while the others are hashed.
    attempt = _count_attempt(session, email=email, client=client, at=moment)
    user = find_user(session, email=email)
    session.commit()
    tried_hash = user.password_hash if user else _decoy(hasher)
    is_right = _is_match(hasher, tried_hash, password)
    if user is not None and is_right:
        # Locked, so that a password set or a user disabled meanwhile ends this sign-in like every other.
        session.refresh(user, with_for_update=True)
    if user is None or not is_right or user.disabled_at is not None or user.password_hash != tried_hash:
        raise SignInError("email or password is wrong")
    if hasher.check_needs_rehash(user.password_hash):
        user.password_hash = hasher.hash(_normal_password(password))
    session.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(attempt)))
    session.execute(delete(SignInAttempt).where(SignInAttempt.key_hash == _pair_key(email, client)))
    session.execute(delete(SignIn).where(SignIn.expires_at <= moment))
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(
        SignIn(token_hash=hash_of_token(token), user_id=user.id, created_at=moment, expires_at=moment + lifetime)
    )
    session.commit()
    return token


def user_of_token(session: Session, token: str, *, at: datetime | None = None) -> User | None:
    """Return who signed in with this token; None = unknown, expired, signed out or disabled."""
    query = (
        select(User)
        .join(SignIn, SignIn.user_id == User.id)
        .where(SignIn.token_hash == hash_of_token(token), SignIn.expires_at > (at or now()), User.disabled_at.is_(None))
    )
    return session.scalars(query).first()


def sign_out(session: Session, token: str) -> None:
    """End a sign-in; an unknown token is no error."""
    session.execute(delete(SignIn).where(SignIn.token_hash == hash_of_token(token)))


def make_api_token(session: Session, user: User, *, name: str, lifetime: timedelta, at: datetime | None = None) -> str:
    """Return a new token for the JSON API, which is shown nowhere again.

    Raises
    ------
    InvalidValueError
        When the name is empty or too long.
    """
    moment = at or now()
    token = API_TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(
        ApiToken(
            token_hash=hash_of_token(token),
            user_id=user.id,
            name=_checked_name("name", name, _TOKEN_NAME_LENGTH),
            created_at=moment,
            expires_at=moment + lifetime,
        )
    )
    session.flush()
    return token


def api_tokens_of(session: Session, user: User) -> Sequence[ApiToken]:
    """Return a user's tokens, the newest first; expired ones too."""
    return session.scalars(
        select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.created_at.desc())
    ).all()


def revoke_api_token(session: Session, user: User, *, token_hash: str) -> bool:
    """Take a token back; False = this user has no such token."""
    mine = session.scalars(
        select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.token_hash == token_hash)
    ).first()
    if mine is not None:
        session.delete(mine)
        session.flush()
    return mine is not None


def user_of_api_token(session: Session, token: str, *, at: datetime | None = None) -> User | None:
    """Return whose token this is; None = unknown, expired, taken back or disabled."""
    query = (
        select(User)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(
            ApiToken.token_hash == hash_of_token(token),
            ApiToken.expires_at > (at or now()),
            User.disabled_at.is_(None),
        )
    )
    return session.scalars(query).first()


def hash_of_token(token: str) -> str:
    """Return what the database keeps of a token: SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _count_attempt(session: Session, *, email: str, client: str, at: datetime) -> list[str]:
    """Count an attempt as failed and return its rows, or refuse it when too many have failed before."""
    limits = {
        _pair_key(email, client): MAX_FAILED_FOR_PAIR,
        _key("client", client): MAX_FAILED_FROM_CLIENT,
        _key("account", email): MAX_FAILED_ON_ACCOUNT,
    }
    # A clock set back leaves attempts in the future: they count for one window more, not until it has caught up.
    session.execute(
        delete(SignInAttempt).where(
            or_(SignInAttempt.at <= at - THROTTLE_WINDOW, SignInAttempt.at > at + THROTTLE_WINDOW)
        )
    )
    rows = [SignInAttempt(id=new_id(), key_hash=key, at=at) for key in limits]
    mine = [row.id for row in rows]
    session.add_all(rows)
    # Committed before counting: two attempts at once then see each other, and at worst both are refused.
    session.commit()
    waits = [_wait_s(session, key, limit=limit, besides=mine, at=at) for key, limit in limits.items()]
    if max(waits) > 0:
        # A refused attempt must not count, or whoever keeps trying would keep the owner out for good.
        session.execute(delete(SignInAttempt).where(SignInAttempt.id.in_(mine)))
        session.commit()
        seconds = max(waits)
        raise ThrottledError(
            f"too many attempts to sign in have failed; try again in {math.ceil(seconds / 60)} min", seconds=seconds
        )
    return mine


def _wait_s(session: Session, key: str, *, limit: int, besides: list[str], at: datetime) -> int:
    """Return how many seconds until fewer than `limit` other attempts count; 0 = no wait."""
    # One statement, no count before it: attempts refused meanwhile take themselves back between two statements.
    decisive = session.scalar(
        select(SignInAttempt.at)
        .where(SignInAttempt.key_hash == key, SignInAttempt.id.not_in(besides))
        .order_by(SignInAttempt.at.desc())
        .offset(limit - 1)
        .limit(1)
    )
    # When this one has left the window, `limit` - 1 are left.
    return 0 if decisive is None else max(1, math.ceil((decisive + THROTTLE_WINDOW - at).total_seconds()))


def _pair_key(email: str, client: str) -> str:
    return _key("pair", email, client)


def _key(*parts: str) -> str:
    """Return a key of the throttle as a hash: nobody who reads the table shall learn who was tried from where."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def _end_everything(session: Session, user: User) -> None:
    session.execute(delete(SignIn).where(SignIn.user_id == user.id))
    session.execute(delete(ApiToken).where(ApiToken.user_id == user.id))
    session.flush()


def _hasher_of(session: Session) -> PasswordHasher:
    hasher = session.info.get("hasher")
    return hasher if isinstance(hasher, PasswordHasher) else HASHER


@lru_cache(maxsize=8)
def _decoy(hasher: PasswordHasher) -> str:
    """Return the hash of a password that nobody knows, at the same cost as everybody's."""
    return hasher.hash(secrets.token_urlsafe(_TOKEN_BYTES))


def _is_match(hasher: PasswordHasher, password_hash: str, password: str) -> bool:
    try:
        return hasher.verify(password_hash, _normal_password(password[: MAX_PASSWORD_LENGTH + 1]))
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _normal_password(password: str) -> str:
    """Return the one form of letters that keyboards compose differently (NIST SP 800-63B, 3.1.1.2: NFKC)."""
    return unicodedata.normalize("NFKC", password)


def _checked_password(password: str, *, email: str) -> str:
    normal = _normal_password(password)
    if len(normal) < MIN_PASSWORD_LENGTH or len(password) > MAX_PASSWORD_LENGTH:
        raise InvalidValueError(
            f"`password` must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters, got {len(password)}"
        )
    if any("\ud800" <= letter <= "\udfff" for letter in normal):
        raise InvalidValueError("`password` must be text, got half a character in it")
    if normal.strip().lower() == email:
        raise InvalidValueError("`password` must not be the email address")
    return normal


def _normal_email(email: str) -> str:
    """Return an email in the form that is kept: without spaces around, in lower case."""
    normal = email.strip().lower()
    local, at_sign, host = normal.rpartition("@")
    is_plain = all(letter.isprintable() and not letter.isspace() for letter in normal)
    if not (local and at_sign and host) or "@" in local or not is_plain or len(normal) > _EMAIL_LENGTH:
        raise InvalidValueError(f"`email` must be an address as name@example.org, got {email[:80]!r}")
    return normal


def _checked_name(field: str, name: str, limit: int) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= limit or not stripped.isprintable():
        raise InvalidValueError(f"`{field}` must be 1 to {limit} printable characters, got {len(stripped)}")
    return stripped
