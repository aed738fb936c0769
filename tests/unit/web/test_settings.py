"""What the server is told by its environment, and what production refuses."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from backsight.errors import InvalidValueError, StorageError
from backsight.web.settings import WebSettings, secret_path

GOOD = {
    "BACKSIGHT_DATABASE_URL": "postgresql://nobody@/none",
    "BACKSIGHT_ENVIRONMENT": "production",
    "BACKSIGHT_SECRET_KEY": "q9wE4rT7yU2iO5pA8sD1fG3hJ6kL0zXc",
    "BACKSIGHT_PUBLIC_URL": "https://backs.example.org",
}


@pytest.fixture
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def test_development_makes_a_secret_once_and_keeps_it_to_this_user(data_home: Path) -> None:
    first = WebSettings.from_environment({})
    assert len(first.secret_key) >= 32
    assert WebSettings.from_environment({}).secret_key == first.secret_key
    assert stat.S_IMODE(secret_path().stat().st_mode) == 0o600
    assert [path.name for path in secret_path().parent.iterdir() if path.name.startswith(".secret")] == []


def test_a_damaged_secret_is_refused(data_home: Path) -> None:
    WebSettings.from_environment({})
    secret_path().write_text("short", encoding="ascii")
    with pytest.raises(StorageError, match="32 characters or more, got 5"):
        WebSettings.from_environment({})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"BACKSIGHT_SECRET_KEY": ""}, "BACKSIGHT_SECRET_KEY must be a random secret"),
        ({"BACKSIGHT_SECRET_KEY": "abcDEF1234"}, "BACKSIGHT_SECRET_KEY"),
        ({"BACKSIGHT_SECRET_KEY": "a" * 64}, "BACKSIGHT_SECRET_KEY"),
        ({"BACKSIGHT_SECRET_KEY": "please-change-me-0123456789-abcdefgh"}, "BACKSIGHT_SECRET_KEY"),
        ({"BACKSIGHT_PUBLIC_URL": ""}, "BACKSIGHT_PUBLIC_URL must be the https:// address"),
        ({"BACKSIGHT_PUBLIC_URL": "http://backs.example.org"}, "BACKSIGHT_PUBLIC_URL"),
        ({"BACKSIGHT_PUBLIC_URL": "https://backs.example.org/below"}, "without a path"),
        ({"BACKSIGHT_ENVIRONMENT": "staging"}, "development or production, got 'staging'"),
    ],
)
def test_production_refuses_what_is_not_safe(change: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidValueError, match=told) as raised:
        WebSettings.from_environment(GOOD | change)
    given = change.get("BACKSIGHT_SECRET_KEY")
    assert not given or given not in str(raised.value)


def test_production_takes_what_is_safe() -> None:
    settings = WebSettings.from_environment(GOOD)
    assert settings.is_production
    assert settings.is_https


def test_an_encryption_key_that_is_none_stops_the_start(data_home: Path) -> None:
    with pytest.raises(StorageError, match="BACKSIGHT_ENCRYPTION_KEY"):
        WebSettings.from_environment({"BACKSIGHT_ENCRYPTION_KEY": "nonsense"})
