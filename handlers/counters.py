"""Counters in one row each: the daily call number and the revision of the code tables."""

from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from handlers.tables import counter, prepared

_NEXT: dict[str, Any] = {
    name: prepared(
        dialect.insert(counter)
        .on_conflict_do_update(index_elements=["name"], set_={"value": counter.c.value + 1})
        .returning(counter.c.value)
    )
    for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
}
_VALUE = prepared(select(counter.c.value).where(counter.c.name == bindparam("of_name")))


def next_number(connection: Connection, name: str) -> int:
    """The next value of a counter, never given twice; the row stays locked until the verb commits."""
    return int(connection.execute(_NEXT[connection.dialect.name], {"name": name, "value": 1}).scalar_one())


def value(connection: Connection, name: str) -> int:
    """The present value of a counter; 0 before its first use."""
    return connection.execute(_VALUE, {"of_name": name}).scalar() or 0
