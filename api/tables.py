"""The one table that is the edge's own: who may sign in."""

import sqlalchemy as sa

metadata = sa.MetaData()

credential = sa.Table(
    "credential",
    metadata,
    sa.Column("staff_no", sa.String(64), primary_key=True),
    sa.Column("password_hash", sa.String(255), nullable=False),
)
