"""Shift changes, and who holds the open task of a call."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "shift_change",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("shift", sa.String(length=40), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("incoming", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("calls", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("shift_change_starts", "shift_change", ["starts_at", "code"], unique=False)
    op.add_column("incident", sa.Column("claimed_by", sa.String(length=40), nullable=True))
    op.add_column("incident", sa.Column("claimed_task", sa.String(length=40), nullable=True))
    op.add_column("incident", sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("incident", "acted_at")
    op.drop_column("incident", "claimed_task")
    op.drop_column("incident", "claimed_by")
    op.drop_index("shift_change_starts", table_name="shift_change")
    op.drop_table("shift_change")
