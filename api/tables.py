"""The tables that are the edge's own: who may sign in, and who is signed in with a browser."""

import sqlalchemy as sa

from engine.store import Instant

metadata = sa.MetaData()

credential = sa.Table(
    "credential",
    metadata,
    sa.Column("staff_no", sa.String(64), primary_key=True),
    sa.Column("password_hash", sa.String(255), nullable=False),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),  # SHA-256; the token itself is kept nowhere
    sa.Column("staff_no", sa.String(64), nullable=False, index=True),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False, index=True),  # the earlier of both limits
)
