"""Long lists in pages: keyset paging in a total order, and a total that stops counting where nobody looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from handlers.tables import Instant

CAP = 1000
"""Beyond this a total is "more than": counting a million rows costs more than the page."""


@dataclass(frozen=True, slots=True)
class Order:
    """A way through a list: by these columns, all up or all down; the last one is the key.

    `only` is the population that this order knows, as its partial index does.
    """

    columns: tuple[Column[Any], ...]
    down: bool = False
    only: ColumnElement[bool] | None = None

    @property
    def kinds(self) -> tuple[type, ...]:
        """The Python types of the columns."""
        return tuple(
            datetime if isinstance(column.type, Instant) else column.type.python_type
            for column in self.columns
        )

    @property
    def by(self) -> list[ColumnElement[Any]]:
        """What ORDER BY says."""
        return [column.desc() if self.down else column.asc() for column in self.columns]

    def beyond(self, place: Sequence[Any]) -> ColumnElement[bool]:
        """The rows after a place."""
        mine = tuple_(*self.columns)
        seen = tuple_(*(literal(value, c.type) for value, c in zip(place, self.columns, strict=True)))
        return mine < seen if self.down else mine > seen

    def place(self, row: Any) -> tuple[Any, ...]:
        """Where a row stands."""
        return tuple(row[column.name] for column in self.columns)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: rows, where the next one begins (None at the end), how many there are in all.

    `capped` says that there are more than `total`.
    """

    rows: list[dict[str, Any]]
    next: tuple[Any, ...] | None
    total: int
    capped: bool


def page(
    connection: Connection, chosen: Select[Any], order: Order, limit: int, after: Sequence[Any] | None = None
) -> Page:
    """The rows of `chosen` in this order; `after` is the `next` of the page before."""
    if order.only is not None:
        chosen = chosen.where(order.only)
    total = count(connection, chosen)
    if after is not None:
        chosen = chosen.where(order.beyond(after))
    rows = connection.execute(chosen.order_by(*order.by).limit(limit + 1)).mappings().all()
    return cut([dict(row) for row in rows], order, limit, total)


def cut(rows: list[dict[str, Any]], order: Order, limit: int, total: int) -> Page:
    """A page of the first `limit` rows; one row more than that says that there is a next page."""
    following = order.place(rows[limit - 1]) if len(rows) > limit else None
    return Page(rows[:limit], following, min(total, CAP), total > CAP)


def count(connection: Connection, chosen: Select[Any]) -> int:
    """How many rows; CAP + 1 stands for any number above CAP."""
    found = (
        chosen.with_only_columns(literal_column("1"), maintain_column_froms=True)
        .order_by(None)
        .limit(CAP + 1)
        .subquery()
    )
    return connection.scalar(select(func.count()).select_from(found)) or 0
