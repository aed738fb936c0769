from __future__ import annotations

import multiprocessing
import threading
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `web` is not installed")

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backsight.errors import InvalidValueError, StorageError
from backsight.storage.audit import FIRST_PREVIOUS_HASH, append, entries, head, verify
from backsight.storage.database import Database
from backsight.storage.tables import Deletion

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def _append_several(database: Database, n: int = 4) -> None:
    for number in range(n):
        with database.session() as session:
            append(
                session, actor="user:a", action="read participant", study_id=f"s{number % 2}", object_id=f"p{number}"
            )


def _tamper(session: Session, statement: str) -> None:
    """Do what somebody with the rights of the database's owner could do: take the triggers off first."""
    if session.connection().dialect.name == "sqlite":
        for name in ("audit_entry_no_update", "audit_entry_no_delete"):
            session.execute(text(f"DROP TRIGGER {name}"))
    else:
        session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER ALL"))
    session.execute(text(statement))


def test_entries_come_newest_first_by_study_and_page(database: Database) -> None:
    _append_several(database)
    with database.session() as session:
        assert [entry.number for entry in entries(session, limit=2)] == [4, 3]
        assert [entry.number for entry in entries(session, limit=2, before=3)] == [2, 1]
        assert [entry.object_id for entry in entries(session, limit=9, study_id="s1")] == ["p3", "p1"]


def test_a_chain_begins_at_zero_links_and_verifies(database: Database) -> None:
    with database.session() as session:
        assert verify(session) is None
        assert head(session).number == 0
        append(session, actor="system", action="apply retention", detail={"n": 2, "höhe": [1.5, None, "ß"], 3: True})
        append(session, actor="system", action="apply retention")
    with database.session(read_only=True) as session:
        second, first = entries(session, limit=9)
        assert first.previous_hash == FIRST_PREVIOUS_HASH
        assert second.previous_hash == first.hash
        assert first.detail == {"n": 2, "höhe": [1.5, None, "ß"], "3": True}
        assert head(session).hash == second.hash
        assert verify(session) is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit_entry SET object_id = 'px' WHERE number = 2", 2),
        ("UPDATE audit_entry SET detail = '{\"a\": 1}' WHERE number = 3", 3),
        ("UPDATE audit_entry SET hash = previous_hash WHERE number = 4", 4),
        ("DELETE FROM audit_entry WHERE number = 2", 3),
        ("DELETE FROM audit_entry WHERE number = 1", 2),
    ],
)
def test_a_row_changed_or_removed_breaks_the_chain_there(database: Database, statement: str, broken: int) -> None:
    _append_several(database)
    with database.session() as session:
        _tamper(session, statement)
        assert verify(session) == broken


def test_entries_cut_off_at_the_end_show_in_the_head_only(database: Database) -> None:
    _append_several(database)
    with database.session() as session:
        kept = head(session)
        _tamper(session, "DELETE FROM audit_entry WHERE number = 4")
        assert verify(session) is None
        assert head(session) != kept


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"])
def test_the_database_itself_refuses_to_change_entries(database: Database, statement: str) -> None:
    _append_several(database, 1)
    with pytest.raises((StorageError, IntegrityError), match="only ever added"), database.session() as session:
        session.execute(text(statement))
    with database.session() as session:
        assert [entry.actor for entry in entries(session, limit=9)] == ["user:a"]


def test_sqlite_refuses_to_put_an_entry_in_the_place_of_another(sqlite_database: Database) -> None:
    _append_several(sqlite_database, 1)
    with pytest.raises(IntegrityError, match="only ever added"), sqlite_database.session() as session:
        session.execute(text("INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry"))


def test_postgresql_refuses_to_truncate(postgres_url: str) -> None:
    database = Database(postgres_url)
    with pytest.raises(StorageError, match="only ever added"), database.session() as session:
        session.execute(text("TRUNCATE audit_entry"))
    database.close()


def _append_and_fail(database: Database) -> None:
    with database.session() as session:
        append(session, actor="user:a", action="delete participant")
        raise KeyError


def test_an_entry_is_kept_only_with_its_transaction(database: Database) -> None:
    with pytest.raises(KeyError):
        _append_and_fail(database)
    with database.session() as session:
        append(session, actor="user:a", action="read participant")
        session.rollback()
        append(session, actor="user:a", action="read recording")
        session.close()
        append(session, actor="user:a", action="read study")
    with database.session() as session:
        assert [(entry.number, entry.action) for entry in entries(session, limit=9)] == [(1, "read study")]


def test_an_entry_outlives_a_savepoint_of_its_transaction(database: Database) -> None:
    with database.session() as session:
        append(session, actor="user:a", action="read participant")
        with session.begin_nested():
            append(session, actor="user:a", action="read recording")
        session.commit()
        append(session, actor="user:a", action="read study")
    with database.session() as session:
        assert [entry.action for entry in entries(session, limit=9)] == [
            "read study",
            "read recording",
            "read participant",
        ]
        assert verify(session) is None


def test_a_transaction_that_reads_only_cannot_append(database: Database) -> None:
    with pytest.raises(StorageError), database.session(read_only=True) as session:
        append(session, actor="user:a", action="read participant")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"actor": "u" * 81}, "`actor`.*80 characters.*81"),
        ({"action": ""}, "`action`.*got 0"),
        ({"object_id": "a\x00b"}, "`object_id`"),
        ({"detail": {"index": float("nan")}}, "`detail`"),
        ({"detail": {"who": object()}}, "`detail`"),
    ],
)
def test_an_entry_that_not_every_database_holds_is_refused(
    sqlite_database: Database, changed: dict[str, object], message: str
) -> None:
    fields = {"actor": "user:a", "action": "read participant"} | changed
    with sqlite_database.session() as session, pytest.raises(InvalidValueError, match=message):
        append(session, **fields)  # type: ignore[arg-type]


def test_threads_appending_at_once_make_one_whole_chain(database: Database) -> None:
    failures: list[Exception] = []
    start = threading.Barrier(4)

    def work(worker: int) -> None:
        start.wait()
        try:
            for number in range(10):
                with database.session() as session:
                    append(session, actor=f"user:{worker}", action="read participant", object_id=str(number))
        except StorageError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.session() as session:
        assert verify(session) is None
        assert head(session).number == 40


def _append_in_process(url: str, worker: int, start: object) -> None:
    database = Database(url)
    start.wait()  # type: ignore[attr-defined]
    for number in range(15):
        with database.session() as session:
            append(session, actor=f"user:{worker}", action="read participant", object_id=str(number))
    database.close()


def test_two_worker_processes_appending_at_once_make_one_whole_chain(database_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    workers = [context.Process(target=_append_in_process, args=(database_url, number, start)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    database = Database(database_url)
    with database.session() as session:
        assert verify(session) is None
        found = [(entry.actor, int(entry.object_id or "")) for entry in reversed(entries(session, limit=99))]
    database.close()
    for actor in ("user:0", "user:1"):
        assert [number for who, number in found if who == actor] == list(range(15))


def test_transactions_that_also_wait_for_each_others_rows_do_not_lock_up(postgres_url: str) -> None:
    # Were the chain locked when an entry is appended and not at the commit, the first would hold the chain and want
    # the row, the second hold the row and want the chain: PostgreSQL would kill one of them.
    database = Database(postgres_url)
    with database.session() as session:
        row = Deletion(study_id="s", participant_code="P-0001", reason="withdrawn", counts={})
        session.add(row)
    appended, changed = threading.Event(), threading.Event()
    failures: list[Exception] = []

    def append_then_change() -> None:
        try:
            with database.session() as session:
                append(session, actor="user:1", action="read participant")
                appended.set()
                changed.wait()
                session.execute(text("UPDATE deletion SET reason = 'one'"))
        except StorageError as error:
            failures.append(error)

    def change_then_append() -> None:
        try:
            with database.session() as session:
                appended.wait()
                session.execute(text("UPDATE deletion SET reason = 'two'"))
                changed.set()
                append(session, actor="user:2", action="read participant")
        except StorageError as error:
            failures.append(error)

    threads = [threading.Thread(target=target) for target in (append_then_change, change_then_append)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        assert failures == []
        assert verify(session) is None
        assert head(session).number == 2
    database.close()
