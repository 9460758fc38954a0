"""Who is signed in with a browser."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """To this revision."""
    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("staff_no", sa.String(length=64), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_session_staff_no", "session", ["staff_no"], unique=False)
    op.create_index("ix_session_expires_at", "session", ["expires_at"], unique=False)


def downgrade() -> None:
    """Back to the one before."""
    op.drop_index("ix_session_expires_at", table_name="session")
    op.drop_index("ix_session_staff_no", table_name="session")
    op.drop_table("session")
