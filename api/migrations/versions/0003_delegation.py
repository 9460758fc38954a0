"""delegated tasks, comments, follow-up, form keys, the source of a deployment."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "comment",
        sa.Column("instance_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite"), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "id"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("comment_task", "comment", ["task_id", "id"], unique=False)
    op.add_column("deployment", sa.Column("source", sa.String(length=200), nullable=True))
    op.add_column("task", sa.Column("owner", sa.String(length=100), nullable=True))
    op.add_column("task", sa.Column("delegation", sa.String(length=10), nullable=True))
    op.add_column(
        "task",
        sa.Column(
            "follow_up_at", sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite"), nullable=True
        ),
    )
    op.add_column("task", sa.Column("form_key", sa.String(length=400), nullable=True))


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("task", "form_key")
    op.drop_column("task", "follow_up_at")
    op.drop_column("task", "delegation")
    op.drop_column("task", "owner")
    op.drop_column("deployment", "source")
    op.drop_index("comment_task", table_name="comment")
    op.drop_table("comment")
