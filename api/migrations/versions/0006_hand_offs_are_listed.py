"""Hand-offs are listed: the index of their order."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    op.create_index("hand_off_made", "hand_off", ["handed_off_at", "call", "seq"], unique=False)


def downgrade() -> None:
    """Back to the one before."""
    op.drop_index("hand_off_made", table_name="hand_off")
