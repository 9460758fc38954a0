"""What the clocks say of a call, and what a hand-off carries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.add_column("hand_off", sa.Column("details", sa.Text(), nullable=True))
    op.add_column("hand_off", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("hand_off", sa.Column("opened_by", sa.String(length=40), nullable=True))
    op.add_column("hand_off", sa.Column("answered_by", sa.String(length=40), nullable=True))
    op.add_column("incident", sa.Column("respond_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incident", sa.Column("resolve_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incident", sa.Column("update_by", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incident", sa.Column("look_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incident", sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incident", sa.Column("overdue_group", sa.String(length=40), nullable=True))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("incident", "overdue_group")
    op.drop_column("incident", "overdue_at")
    op.drop_column("incident", "look_at")
    op.drop_column("incident", "update_by")
    op.drop_column("incident", "resolve_by")
    op.drop_column("incident", "respond_by")
    op.drop_column("hand_off", "answered_by")
    op.drop_column("hand_off", "opened_by")
    op.drop_column("hand_off", "due_at")
    op.drop_column("hand_off", "details")
