"""What the environment says about this server: where data are kept, its secrets, how strict it is. Knows no page.

Nothing needs to be set to try it: development keeps a generated secret in the data folder. Production refuses to start
without what makes it safe.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from backsight.errors import InvalidValueError, StorageError
from backsight.storage.database import default_database_url
from backsight.storage.sealing import KEY_VARIABLE, Seal
from backsight.storage.videos import default_videos_url

ENVIRONMENT_VARIABLE = "BACKSIGHT_ENVIRONMENT"
SECRET_VARIABLE = "BACKSIGHT_SECRET_KEY"  # noqa: S105 - the variable's name
VIDEOS_VARIABLE = "BACKSIGHT_VIDEOS"
PUBLIC_URL_VARIABLE = "BACKSIGHT_PUBLIC_URL"
METRICS_TOKEN_VARIABLE = "BACKSIGHT_METRICS_TOKEN"  # noqa: S105 - the variable's name
MIN_SECRET_LENGTH = 32
"""Characters of a secret; 256 bits in URL-safe base64 are 43."""
MIN_DIFFERENT_LETTERS = 10
"""Of a secret: fewer mean that somebody leant on a key."""
SIGN_IN_LIFETIME = timedelta(hours=12)
"""A working day: whoever forgets to sign out is out by tomorrow."""

_PLACEHOLDERS = ("change", "secret", "example", "password", "insecure", "default", "placeholder")


class Environment(StrEnum):
    """How strict the server is."""

    DEVELOPMENT = "development"
    """Runs without configuration and on plain HTTP; for one's own machine."""
    PRODUCTION = "production"
    """Refuses to run without a secret of its own and a public https address."""


@dataclass(frozen=True)
class WebSettings:
    """Everything that the server is told from outside."""

    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    """Signs form tokens; whoever knows it can forge them."""
    videos_url: str
    """Folder, or what fsspec understands."""
    encryption_key: str | None = field(default=None, repr=False)
    """Key or keys of `storage.sealing`; None = not encrypted at rest."""
    environment: Environment = Environment.DEVELOPMENT
    public_url: str | None = None
    """Address under which people reach the server, without a slash at the end; None = the request's own."""
    metrics_token: str | None = field(default=None, repr=False)
    """What a collector of metrics must show; None = everybody in development, nobody in production."""

    @property
    def is_production(self) -> bool:
        """Whether plain HTTP and weak secrets are refused."""
        return self.environment is Environment.PRODUCTION

    @property
    def is_https(self) -> bool:
        """Whether people reach the server by https, so that cookies may insist on it."""
        return (self.public_url or "").startswith("https://")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> WebSettings:
        """Read the settings; in development a missing secret is made and kept in the data folder.

        Raises
        ------
        InvalidValueError
            When a variable cannot be, or production lacks one; says which, and what to set it to.
        StorageError
            When the encryption key is none, or the generated secret cannot be kept.
        """
        given = os.environ if environment is None else environment
        settings = cls(
            database_url=default_database_url(given),
            secret_key=given.get(SECRET_VARIABLE, ""),
            videos_url=given.get(VIDEOS_VARIABLE) or default_videos_url(),
            encryption_key=given.get(KEY_VARIABLE) or None,
            environment=_environment(given.get(ENVIRONMENT_VARIABLE) or Environment.DEVELOPMENT),
            public_url=_public_url(given.get(PUBLIC_URL_VARIABLE, "")),
            metrics_token=given.get(METRICS_TOKEN_VARIABLE) or None,
        )
        Seal.from_key(settings.encryption_key)
        if settings.is_production:
            _check_production(settings)
            return settings
        if settings.secret_key:
            return settings
        return replace(settings, secret_key=_kept_secret(secret_path()))


def secret_path() -> Path:
    """Return where a generated secret is kept."""
    from platformdirs import user_data_path

    return user_data_path("backsight") / "secret.key"


def _environment(name: str) -> Environment:
    try:
        return Environment(name)
    except ValueError:
        raise InvalidValueError(f"{ENVIRONMENT_VARIABLE} must be development or production, got {name!r}") from None


def _public_url(url: str) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_bare:
        raise InvalidValueError(
            f"{PUBLIC_URL_VARIABLE} must be an address without a path, as https://backs.example.org, got {url!r}"
        )
    return url.rstrip("/")


def _check_production(settings: WebSettings) -> None:
    key = settings.secret_key
    is_weak = (
        len(key) < MIN_SECRET_LENGTH
        or len(set(key)) < MIN_DIFFERENT_LETTERS
        or any(word in key.lower() for word in _PLACEHOLDERS)
    )
    if is_weak:
        raise InvalidValueError(
            f"{SECRET_VARIABLE} must be a random secret of {MIN_SECRET_LENGTH} characters or more in production, got "
            f"{'none' if not key else 'one that is too short or can be guessed'}; make one with "
            "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
        )
    if not settings.is_https:
        raise InvalidValueError(
            f"{PUBLIC_URL_VARIABLE} must be the https:// address of the site in production, got "
            f"{settings.public_url or 'none'}; cameras open and cookies are safe only there"
        )


def _kept_secret(path: Path) -> str:
    """Return the secret in a file of this user, made when missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = secrets.token_urlsafe(32)
        part = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
        try:
            # Linked when whole: of several workers that start at once, one makes it and all read that one.
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(fresh)
            if not path.exists():
                with contextlib.suppress(FileExistsError):
                    os.link(part, path)
        finally:
            part.unlink(missing_ok=True)
        kept = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            f"{path}: the server's secret cannot be kept there ({error}); set {SECRET_VARIABLE}"
        ) from error
    if len(kept) < MIN_SECRET_LENGTH:
        raise StorageError(f"{path} must hold {MIN_SECRET_LENGTH} characters or more, got {len(kept)}; delete it")
    return kept
