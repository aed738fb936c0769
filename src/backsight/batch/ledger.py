"""What is to be done and what is done, in one SQLite file, so that memory does not grow with the number of clips.

Knows nothing of videos. A result is known by its key, which its content decides; a recording that comes back under
another name finds it there. Where recordings are is kept only while a run lasts, outside the file, because a URL may
hold a password.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backsight.batch.options import ClipOptions
from backsight.batch.sources import Found
from backsight.errors import OutputError
from backsight.exports.folder import output_error

LEDGER_NAME = ".ledger.sqlite"
LEDGER_VERSION = "1"
_ROWS_AT_ONCE = 256

_TABLES = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS content (
  location TEXT PRIMARY KEY, version TEXT NOT NULL, sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS result (
  key TEXT PRIMARY KEY, facts TEXT NOT NULL, landmarks_sha256 TEXT NOT NULL
);
CREATE TEMPORARY TABLE item (
  number INTEGER PRIMARY KEY, row INTEGER NOT NULL, location TEXT NOT NULL, name TEXT NOT NULL, size_bytes INTEGER,
  subject TEXT NOT NULL, session TEXT NOT NULL, exercise TEXT NOT NULL, clip TEXT NOT NULL, key TEXT, failure TEXT,
  is_made INTEGER NOT NULL DEFAULT 0
);
"""
_INDICES = """
CREATE INDEX item_by_person ON item (subject, session, exercise, name, clip, number);
CREATE INDEX item_by_key ON item (key);
"""
_ITEM_COLUMNS = "number, row, location, name, size_bytes, subject, session, clip, item.key, failure"


@dataclass(frozen=True)
class Item:
    """A clip of this run."""

    number: int
    row: int
    found: Found
    subject: str
    session: str
    clip: ClipOptions
    key: str | None = None
    """None until its content is known."""
    failure: str | None = None
    """Why it could not be done, its own name first."""
    facts: str | None = None
    """`ClipFacts` as JSON; None = not done."""
    landmarks_sha256: str | None = None


@dataclass(frozen=True)
class NewItem:
    """A clip that a source names."""

    row: int
    found: Found
    clip: ClipOptions
    subject: str = ""
    session: str = ""


@dataclass(frozen=True)
class Counts:
    """How many clips stand where."""

    n_items: int
    n_done: int
    n_failed: int


class Ledger:
    """The bookkeeping of one folder; one process at a time has it open.

    Parameters
    ----------
    folder
        The results folder.
    made
        What was not there before: the file, then the folder where it was made, too.

    Raises
    ------
    OutputError
        When the file cannot be written, is no ledger, or another run is at work in the folder; every method raises it
        when the disk is full or the file damaged.
    """

    def __init__(self, folder: Path, *, made: Sequence[Path] = ()) -> None:
        self._path = path = folder / LEDGER_NAME
        self._folder = folder
        self._made = made
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=0.0)
            # Exclusive from the first statement on: two runs in one folder would undo each other's work.
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            # A power failure may cost the last clips' entries, whose results are then made again; it cannot damage the
            # file.
            self._connection.execute("PRAGMA synchronous=NORMAL")
            # What is forgotten is health data: it is overwritten, not only unlinked.
            self._connection.execute("PRAGMA secure_delete=ON")
            self._connection.executescript(f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise OutputError(f"cannot write {folder}: another run is at work there; wait for it to end") from error
            raise OutputError(f"cannot write {path}: {error}; choose another folder") from error
        except sqlite3.DatabaseError as error:
            raise OutputError(f"cannot use {path}: {error}; choose another folder or delete that file") from error

    def close(self) -> None:
        """Write everything through and let others in."""
        self._connection.close()

    def give_up(self) -> None:
        """Close, and remove what was made for this run: nothing of a run that is refused stays."""
        self._connection.close()
        for path in self._made:
            # Somebody else's file in the folder keeps it.
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()

    def agree(self, settings: dict[str, str]) -> None:
        """Note what all results of the folder have in common, or refuse when they were made otherwise.

        Raises
        ------
        OutputError
            When results of other settings are here.
        """
        wanted = {"ledger": LEDGER_VERSION, **settings}
        noted = {str(name): str(value) for name, value in self._ask("SELECT name, value FROM setting")}
        for name, value in wanted.items():
            if noted.get(name, value) != value:
                raise OutputError(
                    f"cannot write {self._folder}: it holds results of {name} `{noted[name]}`, not `{value}`; "
                    "choose another folder"
                )
        with self._told():
            self._connection.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", wanted.items())

    def add_items(self, items: Iterable[NewItem]) -> None:
        """Note what is to be done; all or nothing, and what an earlier run was told is forgotten."""
        rows = (
            (
                item.row,
                item.found.location,
                item.found.name,
                item.found.size_bytes,
                item.subject,
                item.session,
                item.clip.exercise.value if item.clip.exercise else "",
                item.clip.to_json(),
            )
            for item in items
        )
        with self._told():
            self._connection.execute("BEGIN")
            try:
                self._connection.executemany(
                    "INSERT INTO item (row, location, name, size_bytes, subject, session, exercise, clip)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
                for statement in _INDICES.strip().splitlines():
                    self._connection.execute(statement)
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite undoes the transaction itself when the disk is full.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def repeated_exercise(self) -> tuple[int, int, str, str] | None:
        """Return (first row, second row, subject, exercise) where a session names an exercise twice."""
        found = self._ask(
            "SELECT min(row), max(row), subject, exercise FROM item WHERE subject != '' AND exercise != ''"
            " GROUP BY subject, session, exercise HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
        )
        return None if not found else tuple(found[0])

    def items(self) -> Iterator[Item]:
        """Yield the items in the order of the source; others may be written meanwhile."""
        last = 0
        query = f"SELECT {_ITEM_COLUMNS} FROM item WHERE number > ? ORDER BY number LIMIT {_ROWS_AT_ONCE}"  # noqa: S608
        while rows := self._ask(query, (last,)):
            for row in rows:
                yield _item(row)
            last = rows[-1][0]

    def outcomes(self) -> Iterator[Item]:
        """Yield all items with what became of them, by subject, session, exercise and name."""
        with self._told():
            yield from map(
                _item,
                self._connection.execute(
                    f"SELECT {_ITEM_COLUMNS}, facts, landmarks_sha256 FROM item LEFT JOIN result USING (key)"  # noqa: S608
                    " ORDER BY subject, session, exercise, name, clip, number"
                ),
            )

    def counts(self) -> Counts:
        """Count the items of this run."""
        (row,) = self._ask("SELECT count(*), count(result.key), count(failure) FROM item LEFT JOIN result USING (key)")
        return Counts(*row)

    def n_results(self) -> int:
        """Count the results that are here, of this run's items or of others."""
        (row,) = self._ask("SELECT count(*) FROM result")
        return int(row[0])

    def failures(self, *, limit: int) -> tuple[tuple[str, str], ...]:
        """Return (name, reason) of the first items that failed."""
        return tuple(
            (str(name), f"{name}: {reason}")
            for name, reason in self._ask(
                "SELECT name, failure FROM item WHERE failure IS NOT NULL ORDER BY number LIMIT ?", (limit,)
            )
        )

    def known_sha256(self, location: str, version: str) -> str | None:
        """Return the content's check sum of a file that has been read and not been changed since."""
        return self._text(
            "SELECT sha256 FROM content WHERE location = ? AND version = ?", (_location_mark(location), version)
        )

    def note_content(self, location: str, version: str, sha256: str) -> None:
        """Remember what a file holds."""
        self._change("INSERT OR REPLACE INTO content VALUES (?, ?, ?)", (_location_mark(location), version, sha256))

    def note_key(self, number: int, key: str) -> None:
        """Say which result an item waits for."""
        self._change("UPDATE item SET key = ? WHERE number = ?", (key, number))

    def landmarks_sha256(self, key: str) -> str | None:
        """Return the check sum of a done clip's landmarks; None = not done."""
        return self._text("SELECT landmarks_sha256 FROM result WHERE key = ?", (key,))

    def was_made_now(self, key: str) -> bool:
        """Tell whether this run, and none before, made a result."""
        return bool(self._ask("SELECT 1 FROM item WHERE key = ? AND is_made LIMIT 1", (key,)))

    def failure_of(self, key: str) -> str | None:
        """Return why a clip failed in this run, without a name."""
        return self._text("SELECT failure FROM item WHERE key = ? AND failure IS NOT NULL LIMIT 1", (key,))

    def is_named(self, key: str) -> bool:
        """Tell whether an item of this run has that result."""
        return bool(self._ask("SELECT 1 FROM item JOIN result USING (key) WHERE key = ? LIMIT 1", (key,)))

    def all_contents_known(self) -> bool:
        """Tell whether every item's bytes could be read."""
        return not self._ask("SELECT 1 FROM item WHERE key IS NULL LIMIT 1")

    def forget_result(self, key: str) -> None:
        """Say that a result is not there any more."""
        self._change("DELETE FROM result WHERE key = ?", (key,))

    def forget_unnamed(self) -> None:
        """Forget the results that no item of this run has."""
        self._change("DELETE FROM result WHERE key NOT IN (SELECT key FROM item WHERE key IS NOT NULL)")

    def note_result(self, key: str, *, facts: str, landmarks_sha256: str) -> int:
        """Say that a clip is done, whose landmarks must be in place already; returns how many items wait for it."""
        self._change("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", (key, facts, landmarks_sha256))
        return self._change("UPDATE item SET is_made = 1 WHERE key = ?", (key,))

    def note_unreadable(self, number: int, *, reason: str) -> int:
        """Say why an item's bytes cannot be had; returns 1. It waits for no result, which others may still give."""
        return self._change("UPDATE item SET failure = ?, key = NULL WHERE number = ?", (reason, number))

    def note_failure(self, key: str, *, reason: str) -> int:
        """Say why the items that wait for a result cannot be done; returns how many were not told yet.

        Parameters
        ----------
        reason
            Without a file's name, because several items may hold the same bytes under names of their own.
        """
        return self._change("UPDATE item SET failure = ? WHERE key = ? AND failure IS NULL", (reason, key))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite raises into one line; a full disk is the likeliest."""
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(
                f"cannot write {self._path}: {error}; free some space, or choose another folder if it is damaged"
            ) from error

    def _ask(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._told():
            return self._connection.execute(query, values).fetchall()

    def _text(self, query: str, values: Sequence[object]) -> str | None:
        rows = self._ask(query, values)
        return str(rows[0][0]) if rows else None

    def _change(self, statement: str, values: Sequence[object] = ()) -> int:
        with self._told():
            return self._connection.execute(statement, values).rowcount


def open_ledger(folder: Path) -> Ledger:
    """Open the ledger of a results folder, making both where they are missing.

    Raises
    ------
    OutputError
        When the folder cannot be made or is not ours.
    """
    made: list[Path] = []
    try:
        if not folder.exists():
            made.append(folder)
        folder.mkdir(exist_ok=True)
        has_ledger = (folder / LEDGER_NAME).is_file()
        is_ours = has_ledger or not any(folder.iterdir())
    except OSError as error:
        raise output_error(folder, error) from error
    if not has_ledger:
        made.insert(0, folder / LEDGER_NAME)
    if not is_ours:
        raise OutputError(
            f"cannot write {folder}: that folder holds files but no {LEDGER_NAME}, so no run began there; "
            "choose another folder"
        )
    return Ledger(folder, made=made)


def _location_mark(location: str) -> str:
    """Return what tells locations apart and says nothing of them: paths may name a person, URLs hold a password."""
    return hashlib.sha256(location.encode()).hexdigest()


def _item(row: tuple[object, ...]) -> Item:
    number, line, location, name, size_bytes, subject, session, clip, key, failure, *result = row
    facts, landmarks_sha256 = result or (None, None)
    return Item(
        number=int(str(number)),
        row=int(str(line)),
        found=Found(str(location), str(name), None if size_bytes is None else int(str(size_bytes))),
        subject=str(subject),
        session=str(session),
        clip=ClipOptions.from_json(str(clip)),
        key=None if key is None else str(key),
        failure=None if failure is None else f"{name}: {failure}",
        facts=None if facts is None else str(facts),
        landmarks_sha256=None if landmarks_sha256 is None else str(landmarks_sha256),
    )
