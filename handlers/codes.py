"""The code tables of PROCESS §6.7 as the database holds them: no figure, group or matrix is in Python."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, insert, select, update

from handlers import counters, tables
from handlers.errors import NotALeaf, UnknownCode

if TYPE_CHECKING:
    from handlers.calendar import Hours

FILES = ("process.toml", "catalogue.toml")
REVISION = "codes"
ALWAYS = "24x7"
"""The calendar without gaps (PROCESS §6.5.2)."""


@dataclass(frozen=True, slots=True)
class Code:
    """One row of a code table; `data` holds what only this table has."""

    table: str
    code: str
    name_zh: str
    name_en: str
    parent: str | None = None
    ord: int = 0
    active: bool = True
    data: Mapping[str, Any] = field(default_factory=dict)


class Codes:
    """All code tables at one revision; reading them changes nothing."""

    def __init__(self, rows: Iterable[Code]) -> None:
        self._tables: dict[str, dict[str, Code]] = {}
        self.offered: dict[str, frozenset[str]] = {}
        self.calendars: dict[str, Hours] = {}
        for row in rows:
            self._tables.setdefault(row.table, {})[row.code] = row

    def table(self, name: str) -> Mapping[str, Code]:
        """The rows of a table by code, disabled ones included; empty if there is no such table."""
        return self._tables.get(name, {})

    @property
    def tables(self) -> Mapping[str, Mapping[str, Code]]:
        """All of them by name."""
        return self._tables

    def active(self, name: str) -> tuple[str, ...]:
        """What may be chosen now: leaves of the tree, priorities of the matrix, nothing that only we set."""
        chosen = {"classification": self.leaves, "priority": self.given_priorities}.get(name)
        offered = (row for row in self.table(name).values() if row.active and row.data.get("by") != "system")
        rows = [row.code for row in offered]
        return tuple(code for code in rows if chosen is None or code in chosen)

    def row(self, name: str, code: Any) -> Code:
        """The row of a code, disabled or not: what was stored once stays readable."""
        found = self._found(name, code)
        if found is None:
            raise UnknownCode(table=name, value=code)
        return found

    def check(self, name: str, code: Any, field_name: str) -> Code:
        """The row of an active code; `field_name` is the answer's field that the refusal names."""
        found = self._found(name, code)
        if found is None or not found.active:
            raise UnknownCode(field_name, table=name, value=code)
        return found

    def _found(self, name: str, code: Any) -> Code | None:
        """What comes with a start may be anything, a list even: no code then."""
        return self.table(name).get(code) if isinstance(code, str) else None

    def policy(self, name: str) -> Any:
        """The value of a policy of PROCESS §6.8."""
        return self.row("policy", name).data["value"]

    @cached_property
    def leaves(self) -> frozenset[str]:
        """The classification codes with nothing below them (PROCESS §6.7.5)."""
        rows = self.table("classification")
        return frozenset(rows) - {row.parent for row in rows.values() if row.parent}

    @cached_property
    def given_priorities(self) -> frozenset[str]:
        """The priorities of the matrix; SR and CMP are rows of the same table but nobody's choice."""
        return frozenset(row.data["priority"] for row in self.table("matrix").values())

    def leaf(self, code: Any, field_name: str) -> Code:
        """An active leaf of the classification tree."""
        found = self.check("classification", code, field_name)
        if found.code not in self.leaves or found.parent is None:
            raise NotALeaf(field_name, value=code)
        return found

    def call_type(self, classification: str) -> str:
        """Level 1 of a classification code."""
        found = self.row("classification", classification)
        return self.call_type(found.parent) if found.parent else found.code

    def lineage(self, classification: str | None) -> tuple[str, ...]:
        """A classification code and what stands above it, from the leaf to the call type."""
        row = self.table("classification").get(classification or "")
        return (row.code, *self.lineage(row.parent)) if row else ()

    def inherited(self, classification: str | None, name: str) -> Any:
        """A figure of the leaf, or else of the nearest row above it that has one."""
        found = (self.row("classification", code).data.get(name) for code in self.lineage(classification))
        return next((value for value in found if value is not None), None)

    def matrix(self, impact: str, urgency: str) -> str:
        """The priority of an impact and an urgency (PROCESS §6.7.1)."""
        return str(self.row("matrix", impact + urgency).data["priority"])

    def rank(self, priority: str) -> int:
        """1 is the most urgent."""
        return int(self.row("priority", priority).data["rank"])

    def minutes(self, priority: str | None, clock: str) -> int | None:
        """The figure of a priority's row (`response`, `accept`, `vendor`, `update` …) in minutes."""
        row = self.table("priority").get(priority or "")
        return row.data.get(clock) if row else None

    def calendar(self, priority: str | None) -> str:
        """The calendar that a priority's figures are measured on."""
        row = self.table("priority").get(priority or "")
        return str(row.data["calendar"]) if row else ALWAYS

    def default_group(self, category: str | None) -> str | None:
        """The group a category routes to; None if somebody must designate (PROCESS §6.7.4)."""
        row = self.table("category").get(category or "")
        return row.data.get("group") if row else None

    def transition(self, old: str, new: str) -> Code | None:
        """The row that allows a status change (PROCESS §6.7.2)."""
        return self.table("transition").get(f"{old}>{new}")


def load(connection: Connection) -> int:
    """Insert the rows of the shipped files that the database does not hold yet; returns how many."""
    return add(connection, shipped())


def add(connection: Connection, wanted: Iterable[Code]) -> int:
    """Insert the rows that the database does not hold yet; returns how many.

    Rows that are there stay as their owners left them.
    """
    present = {tuple(row) for row in connection.execute(select(tables.code.c.table, tables.code.c.code))}
    fresh = [values(row) for row in wanted if (row.table, row.code) not in present]
    if fresh:
        connection.execute(insert(tables.code), fresh)
        counters.next_number(connection, REVISION)
    return len(fresh)


def shipped() -> list[Code]:
    """The rows of the files that come with flow200."""
    found: list[Code] = []
    for name in FILES:
        content = tomllib.loads((Path(__file__).parent / "data" / name).read_text("utf-8"))
        for table, entries in content.items():
            found += rows_of(table, entries)
    return found


def rows_of(table: str, entries: Iterable[Mapping[str, Any]]) -> list[Code]:
    """The entries of a file as rows of a code table, in their order."""
    return [_shipped(table, place, entry) for place, entry in enumerate(entries, 1)]


def _shipped(table: str, place: int, entry: Mapping[str, Any]) -> Code:
    data = {name: value for name, value in entry.items() if name not in ("code", "zh", "en", "parent")}
    return Code(table, entry["code"], entry["zh"], entry["en"], entry.get("parent"), place, True, data)


def values(row: Code) -> dict[str, Any]:
    """A row as the table `code` keeps it."""
    data = json.dumps(dict(row.data), ensure_ascii=False)
    return {name: getattr(row, name) for name in Code.__dataclass_fields__} | {"data": data}


def read(connection: Connection) -> Codes:
    """The code tables as they are in the database now."""
    return Codes(rows(connection, select(tables.code).order_by(tables.code.c.table, tables.code.c.ord)))


def rows(connection: Connection, chosen: Select[Any]) -> list[Code]:
    """The rows of the table `code` that a statement chooses."""
    found = connection.execute(chosen)
    return [Code(**{**row._mapping, "data": json.loads(row.data)}) for row in found]


def revision(connection: Connection) -> int:
    """Grows whenever the tables are published; a reader that kept a `Codes` compares it."""
    return counters.value(connection, REVISION)


def revise(connection: Connection, table: str, code: str, **data: Any) -> None:
    """Change figures of one row, None removes one; counts from the next command on. Raises UnknownCode."""
    key = (tables.code.c.table == table, tables.code.c.code == code)
    present = connection.execute(select(tables.code.c.data).where(*key)).scalar()
    if present is None:
        raise UnknownCode(table=table, value=code)
    merged = {name: value for name, value in {**json.loads(present), **data}.items() if value is not None}
    connection.execute(update(tables.code).where(*key).values(data=json.dumps(merged, ensure_ascii=False)))
    published(connection)


def published(connection: Connection) -> None:
    """Say that rows of the code tables were changed, so that every reader loads them again."""
    counters.next_number(connection, REVISION)
