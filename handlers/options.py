"""What a form's select offers: the rows behind its `valuesKey`, with labels in both languages."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Table, or_, select

from handlers import tables
from handlers.codes import Codes


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a select."""

    value: str
    label_zh: str
    label_en: str


class UnknownOptions(LookupError):
    """No option list has this name."""


def choices(connection: Connection, codes: Codes, key: str) -> list[Choice]:
    """The choices behind a `valuesKey`: `codes.<table>`, or one of LISTS; raises UnknownOptions."""
    if key.startswith("codes."):
        name = key.removeprefix("codes.")
        if not codes.table(name):
            raise UnknownOptions(key)
        rows = (codes.row(name, code) for code in codes.active(name))
        return [Choice(row.code, row.name_zh, row.name_en) for row in rows]
    if key not in LISTS:
        raise UnknownOptions(key)
    return LISTS[key](connection)


def values(connection: Connection, codes: Codes, key: str) -> frozenset[str]:
    """The values alone; those of the code tables are known for as long as nobody publishes new ones."""
    if not key.startswith("codes."):
        return frozenset(choice.value for choice in choices(connection, codes, key))
    if key not in codes.offered:
        codes.offered[key] = frozenset(choice.value for choice in choices(connection, codes, key))
    return codes.offered[key]


def _rows(table: Table, column: str, *tiers: str) -> Callable[[Connection], list[Choice]]:
    chosen = select(table.c[column], table.c.name).where(table.c.active).order_by(table.c[column])
    if tiers:
        chosen = chosen.where(or_(*(table.c.tier == tier for tier in tiers)))
    chosen = tables.prepared(chosen)

    def read(connection: Connection) -> list[Choice]:
        return [Choice(code, name, name) for code, name in connection.execute(chosen)]

    return read


LISTS: dict[str, Callable[[Connection], list[Choice]]] = {
    "groups": _rows(tables.workgroup, "code"),
    "groups.l2": _rows(tables.workgroup, "code", "L2"),
    "groups.l3": _rows(tables.workgroup, "code", "L3"),
    "persons": _rows(tables.person, "staff_no"),
    "organisations": _rows(tables.organisation, "code"),
    "services": _rows(tables.service, "code"),
    "cis": _rows(tables.ci, "code"),
    "vendors": _rows(tables.vendor, "code"),
    "contracts": _rows(tables.contract, "code"),
}
