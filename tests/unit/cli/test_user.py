"""`backsight user`, on a database of the test's own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from typer.testing import CliRunner

from backsight.cli.main import app
from backsight.errors import InvalidValueError, NotFoundError, StorageError
from backsight.storage import accounts, audit
from backsight.storage.database import Database
from backsight.storage.tables import Role

PASSWORD = "correct horse battery"


def _run(url: str, *words: str, typed: str = "") -> str:
    result = CliRunner().invoke(app, ["user", *words, "--database", url], input=typed, catch_exceptions=False)
    return result.output


def test_somebody_added_on_the_command_line_can_sign_in_until_disabled(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKSIGHT_DATABASE_URL", sqlite_url)
    words = ("add", "Eve@Example.org", "--name", "Eve", "--role", "clinician", "--password-stdin")
    assert "Added eve@example.org as clinician" in _run(sqlite_url, *words, typed=f"{PASSWORD}\n")
    database = Database(sqlite_url)
    with database.session(read_only=True) as session:
        user = accounts.find_user(session, email="eve@example.org")
        assert user is not None
        assert user.role is Role.CLINICIAN
        assert accounts.check_password(session, user, password=PASSWORD)
    _run(sqlite_url, "disable", "eve@example.org")
    assert "disabled" in _run(sqlite_url, "list")
    with database.session(read_only=True) as session:
        assert [entry.action for entry in audit.entries(session, limit=9)] == ["disable user", "add user"]
    database.close()


@pytest.mark.parametrize("words", [("add", "eve@example.org"), ("password", "bob@example.org")])
def test_others_can_write_while_somebody_types(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    monkeypatch.setenv("BACKSIGHT_DATABASE_URL", sqlite_url)
    _run(sqlite_url, "add", "bob@example.org", "--name", "Bob", "--password-stdin", typed=f"{PASSWORD}\n")
    path = sqlite_url.removeprefix("sqlite:///")

    def type_slowly(text: str, **_: object) -> str:
        with closing(sqlite3.connect(path, timeout=0.0)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.rollback()
        asked.append(text)
        return "Eve" if text == "Name" else f"{PASSWORD} indeed"

    asked: list[str] = []
    monkeypatch.setattr("backsight.cli.user.typer.prompt", type_slowly)
    monkeypatch.setattr("backsight.cli.user._password", lambda *, from_input: type_slowly(f"Password {from_input}"))
    _run(sqlite_url, *words)
    assert asked[-1] == "Password False"
    database = Database(sqlite_url)
    with database.session(read_only=True) as session:
        user = accounts.find_user(session, email=words[1])
        assert user is not None
        assert accounts.check_password(session, user, password=f"{PASSWORD} indeed")
    database.close()


def test_a_short_password_and_an_unknown_user_are_refused(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKSIGHT_DATABASE_URL", sqlite_url)
    with pytest.raises(InvalidValueError, match="12 to 256 characters"):
        _run(sqlite_url, "add", "eve@example.org", "--name", "Eve", "--password-stdin", typed="short\n")
    with pytest.raises(NotFoundError, match=r"no user has the email nobody@example\.org"):
        _run(sqlite_url, "password", "nobody@example.org", "--password-stdin", typed=f"{PASSWORD}\n")


@pytest.mark.parametrize("words", [("list",), ("disable", "eve@example.org"), ("password", "eve@example.org")])
def test_a_mistyped_path_is_told_and_no_empty_database_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    path = tmp_path / "no" / "such.sqlite3"
    monkeypatch.setenv("BACKSIGHT_DATABASE_URL", "")
    options = () if words == ("list",) or words[0] == "disable" else ("--password-stdin",)
    with pytest.raises(StorageError, match=r"such\.sqlite3: there is no such database; check the path \(--database"):
        _run(f"sqlite:///{path}", *words, *options, typed=f"{PASSWORD}\n")
    assert list(tmp_path.iterdir()) == []


def test_the_first_user_may_make_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    monkeypatch.setenv("BACKSIGHT_DATABASE_URL", "")
    _run(url, "add", "eve@example.org", "--name", "Eve", "--password-stdin", typed=f"{PASSWORD}\n")
    assert "eve@example.org" in _run(url, "list")
