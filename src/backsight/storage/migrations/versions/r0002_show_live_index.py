"""Whether a study's participants see the running index."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Add the column; in studies that there are, nothing is shown, as before."""
    # In place: made anew in a batch, SQLite would delete everything that points at a study.
    op.add_column("study", sa.Column("show_live_index", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("study", "show_live_index")
