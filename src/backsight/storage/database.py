"""Open the database, keep it up to date, and hand out transactions on SQLite and PostgreSQL alike. Knows no query."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from backsight.errors import InvalidValueError, StorageError
from backsight.storage.sealing import Seal

if TYPE_CHECKING:
    from alembic.config import Config
    from argon2 import PasswordHasher

DATABASE_VARIABLE = "BACKSIGHT_DATABASE_URL"
MIGRATIONS_DIR = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for SQLite's only write lock."""
_MIGRATION_LOCK = 0x6261636B
"""Number of the PostgreSQL advisory lock that lets one worker migrate while the others wait: "back" in ASCII."""
_REVISION_TABLE = "alembic_version"
"""Which revision the tables are of; where it is missing there are none."""
_WHERE_FROM = (
    f"check the path (--database or {DATABASE_VARIABLE}); `backsight serve`, `backsight user add` and "
    "`backsight assess ... --subject ID` make a database"
)
_POOL_SIZE, _POOL_OVERFLOW = 10, 20
"""Connections a process keeps, and opens besides when busy. PostgreSQL admits 100 by default: three busy workers."""


def default_database_url(environment: Mapping[str, str] | None = None) -> str:
    """Return the URL of the database: `BACKSIGHT_DATABASE_URL`, else a SQLite file in the user's data folder."""
    given = (os.environ if environment is None else environment).get(DATABASE_VARIABLE, "")
    if given:
        return given
    from platformdirs import user_data_path

    path = user_data_path("backsight") / "backsight.sqlite3"
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


class Database:
    """A database of studies.

    On SQLite a transaction takes the write lock when it begins, and waits for it: one that first read and then wrote
    would fail at once when another has written in between, and no waiting could help it. `session(read_only=True)`
    takes no lock and never waits.

    Parameters
    ----------
    url
        `sqlite:///PATH`, or `postgresql://USER:PASSWORD@HOST/NAME`.
    seal
        Encrypts what is encrypted at rest; `seal_of` hands it to the repositories.
    hasher
        Hashes passwords; None = Argon2id as `storage.accounts` sets it. Tests give a cheap one.
    busy_timeout_ms
        How long a writer waits for SQLite's only write lock.
    may_create
        Make a SQLite file that is not there; without it a mistyped path is an error, not an empty database.

    Raises
    ------
    StorageError
        When the URL is of another kind, the folder of the SQLite file cannot be made, or the file is not there and may
        not be made.
    """

    def __init__(
        self,
        url: str,
        *,
        seal: Seal | None = None,
        hasher: PasswordHasher | None = None,
        busy_timeout_ms: int = BUSY_TIMEOUT_MS,
        may_create: bool = True,
    ) -> None:
        self._url = _parsed(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        if self.is_sqlite and not may_create and not Path(str(self._url.database)).is_file():
            raise StorageError(f"{self._url.database}: there is no such database; {_WHERE_FROM}")
        self._engine = (
            _sqlite_engine(self._url, busy_timeout_ms=busy_timeout_ms)
            if self.is_sqlite
            else _postgres_engine(self._url)
        )
        # Rows stay readable after the commit: pages are rendered from them.
        self._sessions = sessionmaker(
            self._engine,
            expire_on_commit=False,
            info={"seal": seal or Seal.none(), "hasher": hasher},
        )

    @property
    def url(self) -> str:
        """The URL with its password, for other libraries that open the same server."""
        return self._url.render_as_string(hide_password=False)

    @property
    def name(self) -> str:
        """The URL without its password, for people and logs."""
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def session(self, *, read_only: bool = False) -> Iterator[Session]:
        """Open a transaction: committed when the block ends, rolled back when it raises.

        Parameters
        ----------
        read_only
            Refuse writing; on SQLite such a transaction needs no lock. Reading health data is a writing transaction,
            because the audit log must be written with it.

        Raises
        ------
        StorageError
            When the database cannot be reached, is locked for too long, full or not up to date. SQLAlchemy's
            `IntegrityError` passes as it is: the repositories know which rule a row broke.
        """
        with self._translated(), self._sessions() as session:
            if read_only:
                session.connection(execution_options={"backsight_read_only": True})
            yield session
            session.commit()

    def check_made(self) -> None:
        """Refuse a database in which Backsight has made no tables, as one of something else, and leave it untouched.

        Raises
        ------
        StorageError
            When it has none, or cannot be reached.
        """
        with self._translated():
            has_tables = _has_tables_sqlite(Path(str(self._url.database))) if self.is_sqlite else self._has_tables()
        if not has_tables:
            name = self._url.database if self.is_sqlite else self.name
            raise StorageError(f"{name}: holds no tables of Backsight; {_WHERE_FROM}")

    def upgrade(self) -> None:
        """Bring the tables up to date, whatever number of workers start at once.

        Raises
        ------
        StorageError
            When the database cannot be reached, or was made by a newer Backsight.
        """
        self._migrate("head", is_upward=True)

    def downgrade(self, revision: str) -> None:
        """Take the tables back to a revision, `base` = none; what later revisions keep is lost.

        Raises
        ------
        StorageError
            When the database cannot be reached, or there is no such revision.
        """
        self._migrate(revision, is_upward=False)

    def is_current(self) -> bool:
        """Tell whether the tables are those of this version.

        Raises
        ------
        StorageError
            When the database cannot be reached.
        """
        from alembic.migration import MigrationContext
        from alembic.script import ScriptDirectory

        with self._translated(), self._engine.connect().execution_options(backsight_read_only=True) as connection:
            found = MigrationContext.configure(connection).get_current_heads()
        return set(found) == set(ScriptDirectory.from_config(_alembic_config(connection)).get_heads())

    def sweep(self) -> None:
        """Clear away what deleted rows left behind, so that they cannot be found in the database's files.

        SQLite overwrites a deleted row at once, but an older copy stays in the write-ahead log until this. PostgreSQL
        gives the space free; it promises nothing of what the disk still holds.

        Raises
        ------
        StorageError
            When the database cannot be reached, or a transaction has stayed open for too long.
        """
        with self._translated():
            if self.is_sqlite:
                self._truncate_log()
                return
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM"))

    def close(self) -> None:
        """Close every connection; a later use opens new ones."""
        self._engine.dispose()

    def _has_tables(self) -> bool:
        with self._engine.connect().execution_options(backsight_read_only=True) as connection:
            return inspect(connection).has_table(_REVISION_TABLE)

    def _truncate_log(self) -> None:
        # Beside SQLAlchemy's transaction: SQLite refuses it inside one.
        pooled = self._engine.raw_connection()
        try:
            cursor = pooled.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()
        finally:
            pooled.close()
        if row is not None and row[0]:
            raise StorageError(
                f"{self.name}: a transaction has stayed open for too long, so what was deleted is still in the "
                "write-ahead log; it goes with the next sweep"
            )

    def _migrate(self, revision: str, *, is_upward: bool) -> None:
        from alembic import command
        from alembic.util import CommandError

        with self._translated(), self._engine.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            step = command.upgrade if is_upward else command.downgrade
            try:
                step(_alembic_config(connection), revision)
            except CommandError as error:
                raise StorageError(
                    f"{self.name}: its tables cannot be brought to {revision!r} ({error}); a database made by a newer "
                    "Backsight needs that version"
                ) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn a failure of the database into one line."""
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeoutError) as error:
            if isinstance(error, DataError) and getattr(error.orig, "sqlstate", None) is None:
                # The driver refused it before the server saw it: PostgreSQL has no null character, SQLite has.
                raise InvalidValueError("a text must not hold a null character") from error
            raise StorageError(f"{self.name}: {_reason(error)}") from error


def seal_of(session: Session) -> Seal:
    """Return the seal of the session's database."""
    seal = session.info.get("seal")
    return seal if isinstance(seal, Seal) else Seal.none()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StorageError(
            f"{DATABASE_VARIABLE} must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME, got something else"
        ) from error
    kind = parsed.get_backend_name()
    if kind in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise StorageError(f"{DATABASE_VARIABLE} must begin with sqlite:/// or postgresql://, got {kind}://")
    if not parsed.database or parsed.database == ":memory:":
        raise StorageError(f"{DATABASE_VARIABLE} must name a file, as sqlite:///studies.sqlite3, got {url!r}")
    return parsed


def _sqlite_engine(url: URL, *, busy_timeout_ms: int) -> Engine:
    _make_private(Path(str(url.database)))
    engine = create_engine(url, hide_parameters=True, pool_size=_POOL_SIZE, max_overflow=_POOL_OVERFLOW)
    queue = _WriterQueue(busy_timeout_ms=busy_timeout_ms)
    event.listen(engine, "connect", queue.set_up)
    event.listen(engine, "begin", queue.begin)
    event.listen(engine, "commit", queue.leave)
    event.listen(engine, "rollback", queue.leave)
    # A connection whose transaction could not begin comes back without either.
    event.listen(engine, "checkin", lambda _, record: queue.leave(record))
    return engine


def _has_tables_sqlite(path: Path) -> bool:
    """Look beside the engine, which would switch somebody else's file to another kind of log."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute(query, (_REVISION_TABLE,)).fetchone()[0])
    except sqlite3.Error as error:
        raise StorageError(f"{path}: cannot be read as a SQLite database: {error}; {_WHERE_FROM}") from error


def _postgres_engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url, hide_parameters=True, pool_size=_POOL_SIZE, max_overflow=_POOL_OVERFLOW, pool_pre_ping=True
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise StorageError("PostgreSQL needs psycopg: pip install 'backsight[web]'") from error
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _make_private(path: Path) -> None:
    """Make the file, and its folder where it is missing, readable to this user only: it will hold health data."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(
            f"{path} must be a SQLite file that can be written, got: {error.strerror}; set {DATABASE_VARIABLE}"
        ) from error


class _WriterQueue:
    """Sets SQLite connections up, and lets the writers of this process go to SQLite's write lock one by one.

    SQLite has waiters sleep and try again, the longer the more often they have failed, so among 20 threads the unlucky
    ones wait for seconds. The lock itself stays SQLite's, which other processes share.
    """

    _MARK = "backsight_is_writer"

    def __init__(self, *, busy_timeout_ms: int) -> None:
        self._turn = threading.Lock()
        self._busy_timeout_ms = busy_timeout_ms

    def set_up(self, connection: Any, record: object) -> None:  # noqa: ARG002
        """Set a new connection of the driver up."""
        # The driver's own transactions begin too late for a lock (see `Database`), so it is told to begin none.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {self._busy_timeout_ms}",
            "journal_mode = WAL",
            # A crash of the machine, not of the process, may lose the last commits in WAL mode unless each one is
            # synced.
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(self, connection: Connection) -> None:
        """Begin a transaction of the driver: at once for a reader, in turn for a writer."""
        is_read_only = connection.get_execution_options().get("backsight_read_only", False)
        connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if is_read_only else 'OFF'}")
        if is_read_only:
            connection.exec_driver_sql("BEGIN")
            return
        if not self._turn.acquire(timeout=self._busy_timeout_ms / 1000):
            raise StorageError("another transaction of this process has been writing for too long; try again")
        connection.info[self._MARK] = True
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def leave(self, connection: Connection | ConnectionPoolEntry) -> None:
        """Let the next writer go; the transaction may have been a reader's."""
        if connection.info.pop(self._MARK, False):
            self._turn.release()


def _begin_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("backsight_read_only", False):
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _alembic_config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _reason(error: SQLAlchemyError) -> str:
    """Return the first line of what the database's driver said, with a remedy where the case is known."""
    told = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    line = (told.strip().splitlines() or [type(error).__name__])[0]
    if "no such table" in line or "UndefinedTable" in type(getattr(error, "orig", None)).__name__:
        return f"{line}; its tables are not up to date: start `backsight serve` once, which makes them"
    if "database is locked" in line:
        return "another process has been writing for too long; stop it or try again"
    return line
