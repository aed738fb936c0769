"""Databases to test on: SQLite, and a PostgreSQL really started. Fixtures, loaded by tests/conftest.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from backsight.storage.database import Database

POSTGRES_USER = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this user for it."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server that listens on a Unix socket only."""

    folder: Path
    """Holds the socket and the data."""

    def url(self, name: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://{POSTGRES_USER}@/{name}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run a statement that no transaction may hold, as CREATE DATABASE."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def cheap_hasher() -> PasswordHasher:
    """Return Argon2id at its least cost: the tests are about what surrounds it."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server for the session; skip where there is none."""
    pytest.importorskip("psycopg", reason="the extra `web` is not installed")
    programs = _postgres_programs()
    # Not pytest's folder: only its owner may enter that, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="backsight-pg-"))
    data = folder / "data"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, POSTGRES_USER)
        # Durability is switched off, as nothing here outlives the session; what a commit means stays the same.
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
        _as_postgres(programs / "initdb", "-D", data, "-U", POSTGRES_USER, "--auth=trust", "-E", "UTF8", "--no-sync")
        _as_postgres(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield PostgresServer(folder)
        finally:
            _as_postgres(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty SQLite database with all tables, to be copied: migrating takes longer than most tests."""
    pytest.importorskip("alembic", reason="the extra `web` is not installed")
    from backsight.storage.database import Database

    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.sweep()
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """Return the name of an empty PostgreSQL database with all tables."""
    from backsight.storage.database import Database

    postgres.run("CREATE DATABASE template_backsight")
    database = Database(postgres.url("template_backsight"))
    database.upgrade()
    database.close()
    return "template_backsight"


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the URL of a SQLite database of the test's own, with all tables."""
    path = tmp_path / "backsight.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresServer, postgres_template: str) -> Iterator[str]:
    """Return the URL of a PostgreSQL database of the test's own, with all tables."""
    name = f"test_{os.urandom(6).hex()}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {postgres_template}")
    yield postgres.url(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a database of the test's own with all tables, on SQLite and then on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return a database of the test's own with all tables, on SQLite and then on PostgreSQL."""
    from backsight.storage.database import Database

    opened = Database(database_url, hasher=cheap_hasher())
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """Return a SQLite database of the test's own with all tables, where the kind does not matter."""
    from backsight.storage.database import Database

    opened = Database(sqlite_url, hasher=cheap_hasher())
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return a database without a table, on SQLite and then on PostgreSQL."""
    pytest.importorskip("alembic", reason="the extra `web` is not installed")
    from backsight.storage.database import Database

    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}", hasher=cheap_hasher())
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"empty_{os.urandom(6).hex()}"
    server.run(f"CREATE DATABASE {name}")
    opened = Database(server.url(name), hasher=cheap_hasher())
    yield opened
    opened.close()
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


def _postgres_programs() -> Path:
    """Return the folder of PostgreSQL's programs; skip where it is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not debian and on_path is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    return (debian[-1] if debian else Path(str(on_path))).parent


def _as_postgres(*command: object) -> None:
    """Run one of PostgreSQL's programs, as its own user where we are root."""
    prefix = ["runuser", "-u", POSTGRES_USER, "--"] if os.geteuid() == 0 else []
    # Into a file, not a pipe: the server that pg_ctl starts would hold a pipe open.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [*prefix, *(str(part) for part in command)], stdout=output, stderr=subprocess.STDOUT, check=False, cwd="/"
        )
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[0]} failed: {output.read().decode(errors='replace')}")
