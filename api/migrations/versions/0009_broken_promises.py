"""How many promises of an engagement were broken."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    count = sa.Column("broken_promises", sa.Integer(), server_default="0", nullable=False)
    op.add_column("vendor_engagement", count)


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("vendor_engagement", "broken_promises")
