"""Counters in one row each: the daily call number and the revision of the code tables."""

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from handlers.tables import counter


def next_number(connection: Connection, name: str) -> int:
    """The next value of a counter, never given twice; the row stays locked until the verb commits."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = (
        insert(counter)
        .values(name=name, value=1)
        .on_conflict_do_update(index_elements=["name"], set_={"value": counter.c.value + 1})
        .returning(counter.c.value)
    )
    return int(connection.execute(statement).scalar_one())


def value(connection: Connection, name: str) -> int:
    """The present value of a counter; 0 before its first use."""
    return connection.execute(select(counter.c.value).where(counter.c.name == name)).scalar() or 0
