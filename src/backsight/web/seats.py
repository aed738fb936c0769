"""Tell the server's processes apart by numbers, so that a dead one's work can be told from a living one's.

A process takes the lowest free seat and holds a lock on it, which the operating system or PostgreSQL frees when the
process dies, however it dies. Knows nothing of what is worked on.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from backsight.errors import StorageError
from backsight.storage.database import Database

N_SEATS = 64
"""More processes than one server has; the next one works without jobs of its own."""
_LOCK_CLASS = 0x6A6F6273
"""First number of the PostgreSQL advisory locks of seats: "jobs" in ASCII."""


class Seats(Protocol):
    """The seats of all processes that share a database."""

    def take(self) -> int:
        """Hold the lowest free seat from now on, and return its number.

        Raises
        ------
        StorageError
            When every seat is taken, or the locks cannot be reached.
        """
        ...

    def is_free(self, number: int) -> bool:
        """Return whether nobody holds a seat at this moment."""
        ...

    def release(self) -> None:
        """Give the seat back; harmless when none is held."""
        ...


def seats_of(database: Database) -> Seats:
    """Return the seats of a database: locks of PostgreSQL, or locked files beside the SQLite file."""
    if database.is_sqlite:
        return _FileSeats(Path(str(make_url(database.url).database)))
    return _PostgresSeats(database.url)


class _FileSeats:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None
        self._file: int | None = None

    def take(self) -> int:
        for number in range(N_SEATS):
            file = self._locked(number)
            if file is not None:
                self._file, self._held = file, number
                return number
        raise StorageError(_all_taken())

    def is_free(self, number: int) -> bool:
        if number == self._held or not self._place(number).exists():
            return number != self._held
        file = self._locked(number)
        if file is None:
            return False
        os.close(file)
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = self._held = None

    def _place(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.worker-{number}")

    def _locked(self, number: int) -> int | None:
        # The file stays when the lock goes: one that is removed could be locked twice, under one name.
        try:
            file = os.open(self._place(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"{self._place(number)}: cannot be made: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        return file


class _PostgresSeats:
    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, poolclass=NullPool, hide_parameters=True, isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None
        self._held: int | None = None

    def take(self) -> int:
        # Held for as long as the connection lives, so it is none of the pool's.
        connection = self._engine.connect()
        for number in range(N_SEATS):
            if _try_lock(connection, number):
                self._connection, self._held = connection, number
                return number
        connection.close()
        raise StorageError(_all_taken())

    def is_free(self, number: int) -> bool:
        if number == self._held:
            return False
        # A connection of its own: a lock that this process holds could be taken again by it.
        with self._engine.connect() as connection:
            return _try_lock(connection, number)

    def release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._held = None


def _try_lock(connection: Connection, number: int) -> bool:
    query = text("SELECT pg_try_advisory_lock(:kind, :number)")
    return bool(connection.scalar(query, {"kind": _LOCK_CLASS, "number": number}))


def _all_taken() -> str:
    return f"{N_SEATS} processes work on this database already; start fewer"
