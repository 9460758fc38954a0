"""Alembic's entry: runs the revisions on the connection that `api.migrations` hands over."""

from typing import Any, Literal

from alembic import context

from api.migrations import tables
from engine import store
from handlers import tables as handlers_tables

STORED_AS = {
    store.Instant: 'sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")',
    store.Json: "sa.Text()",
    handlers_tables.Instant: "sa.DateTime(timezone=True)",
}


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A revision must not import our column types, which may change later: it says what they store as."""
    return STORED_AS.get(type(item), False) if kind == "type" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables(),
    render_item=render,
)
context.run_migrations()
