from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from backsight.errors import StorageError

if TYPE_CHECKING:
    from backsight.storage.database import Database

pytest.importorskip("alembic", reason="the extra `web` is not installed")


def _tables(database: Database) -> set[str]:
    with database.session() as session:
        return set(inspect(session.connection()).get_table_names())


def test_the_migrations_make_the_tables_that_the_code_speaks_of(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from backsight.storage.tables import Base

    with database.session() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_up_down_and_up_again(empty_database: Database) -> None:
    assert not empty_database.is_current()
    empty_database.upgrade()
    assert empty_database.is_current()
    assert {"participant", "audit_entry"} < _tables(empty_database)
    empty_database.downgrade("base")
    assert _tables(empty_database) == {"alembic_version"}
    assert not empty_database.is_current()
    empty_database.upgrade()
    assert empty_database.is_current()


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    before = _tables(database)
    database.upgrade()
    assert _tables(database) == before


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert not database.is_current()
    with pytest.raises(StorageError, match="newer Backsight"):
        database.upgrade()


def test_a_migration_that_fails_leaves_no_half(empty_database: Database) -> None:
    # `consent` exists already, so the migration fails in its middle.
    with empty_database.session() as session:
        session.execute(text("CREATE TABLE consent (id INTEGER)"))
    with pytest.raises(StorageError, match="consent"):
        empty_database.upgrade()
    assert _tables(empty_database) == {"consent"}


def test_a_study_older_than_the_running_index_shows_none_of_it_and_survives_both_ways(
    empty_database: Database,
) -> None:
    empty_database.upgrade()
    empty_database.downgrade("0001")
    with empty_database.session() as session:
        session.execute(
            text(
                "INSERT INTO study (id, name, exercises, consent_text, privacy_mode, created_at) "
                "VALUES ('s', 'Backs', '[]', 'I agree.', 'landmarks', '2026-01-01 00:00:00+00:00')"
            )
        )
        session.execute(
            text(
                "INSERT INTO participant (id, study_id, code, label, state, exclusion_reason, is_flagged, created_at) "
                "VALUES ('p', 's', 'P-0001', '', 'invited', '', FALSE, '2026-01-01 00:00:00+00:00')"
            )
        )
    empty_database.upgrade()
    with empty_database.session() as session:
        assert not session.execute(text("SELECT show_live_index FROM study")).scalar_one()
    empty_database.downgrade("0001")
    with empty_database.session() as session:
        # A table made anew would take along what points at it.
        assert session.execute(text("SELECT code FROM participant")).scalar_one() == "P-0001"
