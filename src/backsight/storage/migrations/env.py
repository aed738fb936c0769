"""Alembic's entry: runs the migrations in the transaction that `storage.database` has opened. Knows no URL."""

from alembic import context

from backsight.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite can alter little of a table in place; in batches it is made anew.
    render_as_batch=True,
    # Either database can take back a half-made step; Alembic does not trust SQLite with it unless told so.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
