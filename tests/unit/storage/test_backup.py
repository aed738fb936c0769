"""A backup that was never restored is a hope: these destroy what was backed up and look for the same rows."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from sqlalchemy import make_url, select, text
from sqlalchemy.exc import IntegrityError

from backsight.errors import InputError, OutputError, StorageError
from backsight.storage import accounts, audit, recordings, studies
from backsight.storage.backup import back_up, read_backup, restore
from backsight.storage.database import Database
from backsight.storage.resealing import reseal
from backsight.storage.sealing import SEALED_PREFIX, Seal
from backsight.storage.tables import Base, Consent, LandmarkChunk, Role, SignIn, now
from backsight.storage.videos import VideoStore
from backsight.web.jobs import _configuration
from tests.databases import PostgresServer
from tests.unit.storage import people

NO_CHANGE = ("audit_entry", "alembic_version")


def fill(database: Database) -> str:
    """Put a participant with a kept recording into the database; return the recording's identifier."""
    with database.session() as session:
        participant = people.make_participant(session, people.make_study(session), label="Tuesday group")
        recording = people.record(session, recordings.open_visit(session, participant))
        studies.add_note(session, participant, user_id=None, text="Came with a stick.")
        audit.append(session, actor="system", action="fill")
        return recording.id


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table but the audit log, which backing up and restoring adds to."""
    with database.session(read_only=True) as session:
        return {
            name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for name, table in Base.metadata.tables.items()
            if name not in NO_CHANGE
        }


def entries_of(database: Database) -> list[tuple[int, str, str]]:
    with database.session(read_only=True) as session:
        return [(entry.number, entry.action, entry.hash) for entry in reversed(audit.entries(session, limit=100))]


def destroy(url: str, videos: Path) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
    shutil.rmtree(videos)


def test_what_was_backed_up_destroyed_and_restored_is_the_same(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "videos"
    store = VideoStore(str(folder))
    (tmp_path / "film").write_bytes(b"a film")
    recording_id = fill(sqlite_database)
    store.put(f"{recording_id}/abc", tmp_path / "film")
    before = rows_of(sqlite_database)

    made = back_up(sqlite_database, store, out=tmp_path / "backup")
    entries = entries_of(sqlite_database)
    assert (made.audit_number, made.audit_hash) == (entries[-1][0], entries[-1][2])
    assert made.n_videos == 1
    sqlite_database.close()
    destroy(sqlite_url, folder)

    restored = restore(tmp_path / "backup", database_url=sqlite_url, videos=store)

    assert restored == made
    assert rows_of(sqlite_database) == before
    after = entries_of(sqlite_database)
    assert after[:-1] == entries
    assert after[-1][1] == "restore backup"
    with sqlite_database.session(read_only=True) as session:
        assert audit.verify(session) is None
    with store.open_local(f"{recording_id}/abc") as path:
        assert path.read_bytes() == b"a film"
    with pytest.raises(IntegrityError, match="only ever added"), sqlite_database.session() as session:
        session.execute(text("DELETE FROM audit_entry"))


def test_nobody_is_signed_in_after_a_restore_and_no_job_is_done(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    store = VideoStore(str(tmp_path / "videos"))
    with sqlite_database.session() as session:
        user = accounts.add_user(
            session, email="eve@example.org", name="Eve", role=Role.RESEARCHER, password="correct horse battery"
        )
        session.add(SignIn(token_hash="0" * 64, user_id=user.id, expires_at=now()))
        accounts.make_api_token(session, user, name="R", lifetime=timedelta(days=30))
    back_up(sqlite_database, store, out=tmp_path / "backup")
    sqlite_database.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.rename(tmp_path / "moved-away")
    jobs = Path(str(_configuration(sqlite_database, seat=0)["system_database_url"]).removeprefix("sqlite:///"))
    beside = [jobs.with_name(f"{jobs.name}{suffix}") for suffix in ("", "-wal", "-shm")]
    for one in beside:
        one.write_bytes(b"of the database that was there")

    restore(tmp_path / "backup", database_url=sqlite_url, videos=store)

    rows = rows_of(sqlite_database)
    assert (len(rows["user_account"]), rows["sign_in"], rows["api_token"]) == (1, [], [])
    assert [one for one in beside if one.exists()] == []


def test_a_backup_is_readable_to_its_owner_only(sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"a film")
    store = VideoStore(str(tmp_path / "videos"))
    store.put("someone/abc", tmp_path / "film")
    back_up(sqlite_database, store, out=tmp_path / "backup")
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert [
        path.name for path in (tmp_path / "backup").rglob("*") if path.is_file() and path.stat().st_mode & 0o077
    ] == ["backup.json"]


def test_a_backup_made_while_somebody_writes_is_one_moment(sqlite_database: Database, tmp_path: Path) -> None:
    fill(sqlite_database)
    with sqlite_database.session() as session:
        people.make_study(session, owner_id=people.make_user(session, "late@example.org").id, name="Not committed yet")
        session.flush()
        copied = sqlite3.connect(tmp_path / "copy")
        source = sqlite3.connect(sqlite_database.url.removeprefix("sqlite:///"))
        source.backup(copied)
        names = [row[0] for row in copied.execute("SELECT name FROM study")]
        copied.close()
        source.close()
    assert "Not committed yet" not in names


@pytest.mark.parametrize("name", ["database.sqlite3", "videos/someone/abc"])
def test_a_backup_that_was_changed_or_lost_a_file_is_not_restored(
    sqlite_database: Database, tmp_path: Path, name: str
) -> None:
    (tmp_path / "film").write_bytes(b"a film")
    store = VideoStore(str(tmp_path / "videos"))
    store.put("someone/abc", tmp_path / "film")
    out = tmp_path / "backup"
    back_up(sqlite_database, store, out=out)
    content = (out / name).read_bytes()
    (out / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match=name):
        read_backup(out)
    (out / name).unlink()
    target = tmp_path / "new.sqlite3"
    with pytest.raises(InputError, match=name):
        restore(out, database_url=f"sqlite:///{target}", videos=VideoStore(str(tmp_path / "elsewhere")))
    assert not target.exists()


def test_a_folder_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "backup.json").write_text(json.dumps({"anything": 1}), encoding="utf-8")
    with pytest.raises(InputError, match="database backup"):
        read_backup(tmp_path)


def test_a_restore_replaces_nothing(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> None:
    fill(sqlite_database)
    back_up(sqlite_database, VideoStore(str(tmp_path / "videos")), out=tmp_path / "backup")
    before = rows_of(sqlite_database)
    with pytest.raises(StorageError, match="move it away"):
        restore(tmp_path / "backup", database_url=sqlite_url, videos=VideoStore(str(tmp_path / "videos")))
    assert rows_of(sqlite_database) == before
    with pytest.raises(OutputError):
        back_up(sqlite_database, VideoStore(str(tmp_path / "videos")), out=tmp_path / "backup")


def test_an_audit_log_changed_before_the_backup_is_told_after_the_restore(
    sqlite_database: Database, tmp_path: Path
) -> None:
    fill(sqlite_database)
    store = VideoStore(str(tmp_path / "videos"))
    with sqlite3.connect(sqlite_database.url.removeprefix("sqlite:///")) as forger:
        triggers = [row[0] for row in forger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            forger.execute(f"DROP TRIGGER {name}")
        forger.execute("UPDATE audit_entry SET action = 'nothing' WHERE number = 1")
    forger.close()
    back_up(sqlite_database, store, out=tmp_path / "backup")
    with pytest.raises(StorageError, match="entry 1 on"):
        restore(tmp_path / "backup", database_url=f"sqlite:///{tmp_path / 'new.sqlite3'}", videos=store)


def test_postgresql_is_backed_up_and_restored_by_its_own_programs(
    postgres: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    dump = postgres_program("pg_dump")
    database = Database(postgres_url)
    fill(database)
    before, entries = rows_of(database), entries_of(database)
    with pytest.raises(StorageError, match="pg_dump"):
        back_up(database, VideoStore(str(tmp_path / "videos")), out=tmp_path / "backup")
    database.close()
    run(dump, "--format=custom", f"--file={tmp_path / 'backsight.dump'}", postgres_url)
    lost = make_url(postgres_url).database
    postgres.run(f"DROP DATABASE {lost} WITH (FORCE)")
    name = f"restored_{os.urandom(4).hex()}"
    postgres.run(f"CREATE DATABASE {name}")
    run(
        postgres_program("pg_restore"),
        "--no-owner",
        "--exit-on-error",
        f"--dbname={postgres.url(name)}",
        tmp_path / "backsight.dump",
    )
    # The fixture drops it when the test is over.
    postgres.run(f"CREATE DATABASE {lost}")

    restored = Database(postgres.url(name))
    try:
        assert restored.is_current()
        assert rows_of(restored) == before
        assert entries_of(restored) == entries
        with restored.session(read_only=True) as session:
            assert audit.verify(session) is None
        with pytest.raises((StorageError, IntegrityError), match="only ever added"), restored.session() as session:
            session.execute(text("DELETE FROM audit_entry"))
    finally:
        restored.close()
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_old_key_is_not_needed_any_more_once_all_is_encrypted_anew(database_url: str, tmp_path: Path) -> None:
    old, new = Seal.new_key(), Seal.new_key()
    (tmp_path / "film").write_bytes(b"a film")
    before = Database(database_url, seal=Seal.from_key(old))
    recording_id = fill(before)
    with before.session() as session:
        plain = recordings.load_track(session, recording_id).pose.world_m
    before.close()
    folder = str(tmp_path / "videos")
    VideoStore(folder, seal=Seal.from_key(old)).put("someone/abc", tmp_path / "film")

    both = Seal.from_key(f"{new},{old}")
    turning = Database(database_url, seal=both)
    done = reseal(turning, VideoStore(folder, seal=both))
    turning.close()

    assert done.n_texts == 3  # a label, a signed name, a note
    assert done.n_landmark_chunks >= 1
    after = Database(database_url, seal=Seal.from_key(new))
    with after.session() as session:
        np.testing.assert_array_equal(recordings.load_track(session, recording_id).pose.world_m, plain)
        consent = session.scalars(select(Consent)).one()
        assert studies.signed_name_of(session, consent) == "Grace Hopper"
    after.close()


def test_what_was_kept_before_there_was_a_key_is_encrypted_and_gone_from_the_file(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path
) -> None:
    fill(sqlite_database)
    sqlite_database.close()
    seal = Seal.from_key(Seal.new_key())
    turning = Database(sqlite_url, seal=seal)
    reseal(turning, VideoStore(str(tmp_path / "videos"), seal=seal))
    with turning.session(read_only=True) as session:
        assert all(payload.startswith(SEALED_PREFIX) for payload in session.scalars(select(LandmarkChunk.payload)))
    turning.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    kept = b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
    assert [word for word in (b"Grace Hopper", b"Tuesday group", b"with a stick") if word in kept] == []


def postgres_program(name: str) -> Path:
    found = shutil.which(name) or next(iter(sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return Path(found)


def run(*words: object) -> None:
    command: Sequence[str] = [str(word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
