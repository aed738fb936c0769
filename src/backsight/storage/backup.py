"""Copy a SQLite database with its videos while the server runs, and put it back. Knows no page and opens no seal.

What is encrypted at rest is encrypted in the copy, and the key is in neither. PostgreSQL brings programs of its own for
this; docs/deployment.md says how.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import delete, make_url

from backsight.errors import InputError, OutputError, StorageError
from backsight.exports.folder import FolderKind, staged_folder
from backsight.storage import audit
from backsight.storage.database import Database
from backsight.storage.tables import ApiToken, SignIn
from backsight.storage.videos import VideoStore

DATABASE_NAME, VIDEOS_NAME, ABOUT_NAME = "database.sqlite3", "videos", "backup.json"
BACKUP_FOLDER = FolderKind(ABOUT_NAME, (DATABASE_NAME, VIDEOS_NAME, ABOUT_NAME))
FORMAT = 1
_ACTOR = "command-line"


@dataclass(frozen=True)
class Backup:
    """What a backup holds, as its `backup.json` says it."""

    made_at: str
    """ISO 8601, UTC."""
    backsight_version: str
    audit_number: int
    """The last entry of the audit log in it; 0 = there is none."""
    audit_hash: str
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every file, by its name in the folder."""
    has_videos: bool = True
    """Whether videos were copied; those in a bucket are not."""
    format: int = FORMAT

    @property
    def n_videos(self) -> int:
        """How many files of videos there are."""
        return sum(name.startswith(f"{VIDEOS_NAME}/") for name in self.files)


def back_up(database: Database, videos: VideoStore, *, out: Path, overwrite: bool = False) -> Backup:
    """Copy the database as it is at one moment, and the videos, into a folder. Nobody who writes is kept waiting.

    The database comes first: a video whose recording began meanwhile is in the copy without a row. After a restore
    nothing shows it, and nothing deletes it: not the withdrawal of whoever it shows, not `backsight forget`.

    Raises
    ------
    StorageError
        When it is no SQLite database, or cannot be read.
    OutputError
        When `out` is taken or cannot be written.
    """
    source = _sqlite_path(database)
    with staged_folder(out, overwrite=overwrite, kind=BACKUP_FOLDER) as folder:
        folder.chmod(0o700)
        with database.session() as session:
            audit.append(session, actor=_ACTOR, action="back up")
        copy = folder / DATABASE_NAME
        _copy_database(source, copy)
        number, last_hash = _check_copy(copy)
        if videos.local_folder is not None:
            _copy_files(videos.local_folder, folder / VIDEOS_NAME)
        about = Backup(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            backsight_version=version("backsight"),
            audit_number=number,
            audit_hash=last_hash,
            files=_digests(folder),
            has_videos=videos.local_folder is not None,
        )
        (folder / ABOUT_NAME).write_text(json.dumps(asdict(about), indent=2) + "\n", encoding="utf-8")
    return about


def restore(folder: Path, *, database_url: str, videos: VideoStore) -> Backup:
    """Put a backup where there is no database yet, bring it up to date, and go through its audit log.

    Sign-ins and tokens of the API are not put back: some of them may have been ended since. What is left of the jobs of
    an earlier database there is deleted, as it says of recordings that wait again that they are done.

    Raises
    ------
    InputError
        When the folder is no backup, or a file of it is missing or was changed.
    StorageError
        When the target is no SQLite, or a database or videos are there already, or the audit log is broken.
    OutputError
        When the target cannot be written.
    """
    about = read_backup(folder)
    opened = Database(database_url)
    try:
        target = _sqlite_path(opened)
        _check_vacant(target, videos, about)
        if videos.local_folder is not None:
            _copy_files(folder / VIDEOS_NAME, videos.local_folder)
        _delete_jobs(target)
        _copy_database(folder / DATABASE_NAME, target)
        opened.upgrade()
        # In a transaction of its own: they must be gone whatever becomes of the audit log.
        with opened.session() as session:
            session.execute(delete(SignIn))
            session.execute(delete(ApiToken))
        with opened.session() as session:
            broken_at = audit.verify(session)
            if broken_at is not None:
                raise StorageError(
                    f"{target}: restored, but the audit log does not fit together from entry {broken_at} on; "
                    "it was changed before the backup was made"
                )
            audit.append(session, actor=_ACTOR, action="restore backup", detail={"made_at": about.made_at})
    finally:
        opened.close()
    return about


def read_backup(folder: Path) -> Backup:
    """Return what a backup says of itself, after comparing every file with it.

    Raises
    ------
    InputError
        When it is no backup, of a newer format, or a file is missing or was changed.
    """
    try:
        fields: dict[str, Any] = json.loads((folder / ABOUT_NAME).read_text(encoding="utf-8"))
        about = Backup(**fields)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder} must be a folder that `backsight database backup` filled, got one without a valid {ABOUT_NAME}"
        ) from error
    if about.format != FORMAT:
        raise InputError(f"{folder} must be a backup of format {FORMAT}, got {about.format}; update Backsight")
    found = _digests(folder)
    wrong = sorted(name for name, digest in about.files.items() if found.get(name) != digest)
    if wrong or DATABASE_NAME not in about.files:
        named = wrong[0] if wrong else DATABASE_NAME
        raise InputError(f"{folder / named}: is missing or was changed since the backup was made; take another backup")
    return about


def _sqlite_path(database: Database) -> Path:
    if not database.is_sqlite:
        raise StorageError(
            f"{database.name}: only SQLite is copied by this command; use pg_dump and pg_restore (docs/deployment.md)"
        )
    return Path(str(make_url(database.url).database))


def _check_vacant(target: Path, videos: VideoStore, about: Backup) -> None:
    with closing(sqlite3.connect(target)) as connection:
        n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if n_tables:
        raise StorageError(f"{target}: a database is there already; stop the server and move it away first")
    folder = videos.local_folder
    if about.n_videos and folder is None:
        raise StorageError("the backup holds videos: BACKSIGHT_VIDEOS must be a folder to restore it")
    if folder is not None and folder.is_dir() and any(folder.iterdir()):
        raise StorageError(f"{folder}: videos are there already; move them away first")


def _delete_jobs(target: Path) -> None:
    """Delete the file of jobs that `backsight serve` keeps beside the database, and what SQLite keeps beside that."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path = target.with_name(f"{target.name}.jobs{suffix}")
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot delete {path}: {error.strerror or error}") from error


def _copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's own means, which sees one moment however much is being written."""
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
            reader.backup(writer)
    except sqlite3.Error as error:
        raise StorageError(f"{source}: cannot be copied: {error}") from error
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error


def _check_copy(path: Path) -> tuple[int, str]:
    """Return the end of the copy's audit log, once the copy is known to be whole."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            # In one file, without a log beside it that would have to be kept with it.
            connection.execute("PRAGMA journal_mode = DELETE")
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            last = connection.execute("SELECT number, hash FROM audit_entry ORDER BY number DESC LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise StorageError(f"the copy of the database cannot be read: {error}") from error
    if said != "ok":
        raise StorageError(f"the database is damaged: {said}; take an earlier backup")
    return (0, audit.FIRST_PREVIOUS_HASH) if last is None else (int(last[0]), str(last[1]))


def _copy_files(source: Path, target: Path) -> None:
    """Copy a folder of videos, readable to this user only; what disappears meanwhile was deleted."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in sorted(source.rglob("*")) if source.is_dir() else []:
        if not path.is_file() or path.name.endswith(".partial"):
            continue
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            shutil.copyfile(path, place)
        except FileNotFoundError:
            place.unlink(missing_ok=True)
            continue
        place.chmod(0o600)


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and (name == DATABASE_NAME or name.startswith(f"{VIDEOS_NAME}/")):
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
