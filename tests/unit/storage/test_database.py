from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, StatementError

from backsight.errors import StorageError
from backsight.storage import database as module
from backsight.storage.database import Database, default_database_url, seal_of
from backsight.storage.sealing import Seal
from backsight.storage.tables import Member, PrivacyMode, Study

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def _add_study(session: Session, name: str = "Backs", **changed: object) -> Study:
    study = Study(name=name, exercises=["walk"], consent_text="I agree.", privacy_mode=PrivacyMode.LANDMARKS, **changed)
    session.add(study)
    session.flush()
    return study


def _names(database: Database) -> list[str]:
    with database.session(read_only=True) as session:
        return sorted(session.scalars(select(Study.name)))


def _add_and_fail(database: Database) -> None:
    with database.session() as session:
        _add_study(session)
        raise KeyError


def test_a_block_that_ends_is_kept_and_one_that_raises_is_not(database: Database) -> None:
    with database.session() as session:
        study = _add_study(session, "kept")
    with pytest.raises(KeyError):
        _add_and_fail(database)
    assert _names(database) == ["kept"]
    assert study.name == "kept"  # readable after the transaction


def test_moments_come_back_in_utc_and_a_moment_without_zone_is_refused(database: Database) -> None:
    noon = datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with database.session() as session:
        _add_study(session, created_at=noon)
    with database.session(read_only=True) as session:
        found = session.scalars(select(Study.created_at)).one()
    assert found == datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=UTC)
    with pytest.raises(StatementError, match="time zone"), database.session() as session:
        _add_study(session, created_at=noon.replace(tzinfo=None))


def test_a_row_that_points_nowhere_is_refused_by_both(database: Database) -> None:
    with pytest.raises(IntegrityError), database.session() as session:
        session.add(Member(study_id="none", user_id="nobody"))


def test_a_transaction_that_reads_only_refuses_to_write_and_the_next_may(database: Database) -> None:
    with pytest.raises(StorageError, match=r"(?i)read-?only"), database.session(read_only=True) as session:
        _add_study(session)
    with database.session() as session:
        _add_study(session)
    assert _names(database) == ["Backs"]


def test_a_reader_does_not_wait_for_a_writer_and_sees_what_was_before(database: Database) -> None:
    with database.session() as session:
        _add_study(session, "before")
    with database.session() as session:
        _add_study(session, "not yet")
        assert _names(database) == ["before"]
    assert _names(database) == ["before", "not yet"]


def test_writers_that_read_first_wait_for_each_other_and_none_fails(sqlite_database: Database) -> None:
    with sqlite_database.session() as session:
        study_id = _add_study(session, "0").id
    failures: list[Exception] = []

    def count_up() -> None:
        try:
            for _ in range(10):
                with sqlite_database.session() as session:
                    study = session.get_one(Study, study_id)
                    study.name = str(int(study.name) + 1)
        except StorageError as error:
            failures.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _names(sqlite_database) == ["40"]


@pytest.fixture
def impatient(sqlite_url: str) -> Iterator[Database]:
    """Return a SQLite database that waits for no lock."""
    database = Database(sqlite_url, busy_timeout_ms=1)
    yield database
    database.close()


def test_a_writer_that_waits_for_its_own_process_in_vain_is_one_clear_line(impatient: Database) -> None:
    with impatient.session() as outer:
        _add_study(outer, "outer")
        with pytest.raises(StorageError, match="of this process has been writing"), impatient.session() as inner:
            _add_study(inner, "inner")
    with impatient.session() as session:
        _add_study(session, "after")
    assert _names(impatient) == ["after", "outer"]


def test_a_lock_that_another_process_never_gives_back_is_one_clear_line(impatient: Database, sqlite_url: str) -> None:
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="another process has been writing"), impatient.session() as session:
        _add_study(session)
    holder.execute("ROLLBACK")
    holder.close()
    # The one that gave up stands in nobody's way.
    with impatient.session() as session:
        _add_study(session)
    assert _names(impatient) == ["Backs"]


def test_after_a_sweep_a_deleted_row_is_nowhere_in_the_files(sqlite_database: Database, tmp_path: Path) -> None:
    def found() -> bool:
        return any(b"Hippopotomonstrosesquippedalio" in path.read_bytes() for path in tmp_path.glob("backsight.*"))

    with sqlite_database.session() as session:
        study = _add_study(session, "Hippopotomonstrosesquippedalio")
    assert found()
    with sqlite_database.session() as session:
        session.delete(session.merge(study))
    sqlite_database.sweep()
    assert not found()


def test_sweeping_works_on_both(database: Database) -> None:
    with database.session() as session:
        _add_study(session)
    database.sweep()
    assert _names(database) == ["Backs"]


def test_a_sqlite_file_and_its_log_are_readable_to_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new folder 100 %" / "studies.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    assert database.is_sqlite
    assert database.is_current()
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes["studies.sqlite3"] == 0o600
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://root@localhost/x", r"sqlite:/// or postgresql://, got mysql://"),
        ("not a url", "sqlite:///PATH or postgresql://"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:////proc/nowhere/studies.sqlite3", "SQLite file that can be written"),
    ],
)
def test_a_url_that_cannot_serve_is_refused_in_one_line(url: str, message: str) -> None:
    with pytest.raises(StorageError, match=message) as refused:
        Database(url)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(b"\xff\xd8\xff" * 1000)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StorageError, match=r"holiday\.jpg: file is not a database"):
        database.upgrade()
    database.close()
    assert path.read_bytes() == b"\xff\xd8\xff" * 1000


def test_a_server_that_is_not_there_is_one_clear_line_without_the_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="the extra `web` is not installed")
    database = Database(f"postgresql://ada:hunter2@/studies?host={tmp_path}")
    with pytest.raises(StorageError, match="connection") as refused:
        database.is_current()
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in database.name
    assert "hunter2" in database.url
    assert "\n" not in str(refused.value)
    database.close()


def test_tables_that_are_missing_say_what_to_do(empty_database: Database) -> None:
    with pytest.raises(StorageError, match="not up to date"):
        _names(empty_database)


def test_an_error_of_the_database_never_repeats_what_was_stored(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(StorageError) as refused, database.session() as session:
        _add_study(session, "Ada Lovelace" * 50)
    assert "too long" in str(refused.value)
    assert "Lovelace" not in str(refused.value)
    database.close()


def test_several_workers_may_upgrade_at_once(empty_database: Database) -> None:
    failures: list[Exception] = []
    start = threading.Barrier(3)

    def upgrade() -> None:
        start.wait()
        try:
            empty_database.upgrade()
        except StorageError as error:
            failures.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert empty_database.is_current()


def test_the_seal_reaches_the_repositories_by_the_session(sqlite_url: str) -> None:
    seal = Seal.from_key(Seal.new_key())
    database = Database(sqlite_url, seal=seal)
    with database.session() as session:
        assert seal_of(session) is seal
    database.close()


def test_the_environment_comes_before_the_users_data_folder() -> None:
    assert default_database_url({module.DATABASE_VARIABLE: "postgresql:///studies"}) == "postgresql:///studies"
    assert default_database_url({}).startswith("sqlite:///")
    assert default_database_url({module.DATABASE_VARIABLE: ""}).endswith("backsight.sqlite3")
