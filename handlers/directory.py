"""The reference data for those who look something up: persons, organisations, groups, CIs, vendors, codes."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select

from handlers import tables
from handlers.codes import Code, Codes
from handlers.errors import AmbiguousRecord, RecordNotFound, UnknownRecord
from handlers.paging import Order, Page, page
from handlers.registry import contains

person, organisation, member = tables.person.c, tables.organisation.c, tables.membership.c

CONTACTS = ("phone", "mobile", "email", "notes", "callback_phone")
"""Personal contact data, which PROCESS §6.10 keeps from analysts."""
JSON_COLUMNS = ("contacts", "response")


@dataclass(frozen=True, slots=True)
class Directory:
    """One kind of reference data: what a list filters by, searches in and sorts by; the first order is it."""

    table: Table
    shown: tuple[str, ...]
    text: tuple[str, ...]
    filters: tuple[str, ...]
    orders: Mapping[str, Order]

    @property
    def columns(self) -> list[Column[Any]]:
        return [self.table.c[name] for name in self.shown]

    @property
    def key(self) -> Column[Any]:
        return next(iter(self.table.primary_key.columns))


def entries(
    connection: Connection,
    name: str,
    wanted: Mapping[str, Any],
    *,
    sort: str | None = None,
    limit: int = 50,
    after: Sequence[Any] | None = None,
    contacts: bool = True,
) -> Page:
    """A page of a directory: filters by equality, and by `text` and (of persons) `group`."""
    found = DIRECTORIES[name]
    chosen = select(*found.columns).where(
        *(found.table.c[one] == wanted[one] for one in found.filters if one in wanted)
    )
    if wanted.get("text"):
        searched = [found.table.c[one] for one in found.text if contacts or one not in CONTACTS]
        chosen = chosen.where(contains(wanted["text"], *searched))
    if "group" in wanted:
        chosen = chosen.where(found.key.in_(select(member.person).where(member.workgroup == wanted["group"])))
    order = found.orders[sort or next(iter(found.orders))]
    result = page(connection, chosen, order, limit, after)
    rows = [_plain(row, contacts) for row in result.rows]
    return Page(_with_more(connection, name, rows), result.next, result.total, result.capped)


def entry(connection: Connection, name: str, key: str, *, contacts: bool = True) -> dict[str, Any]:
    """One row of a directory. Raises RecordNotFound."""
    found = DIRECTORIES[name]
    row = connection.execute(select(*found.columns).where(found.key == key)).mappings().first()
    if row is None:
        raise RecordNotFound(table=name, value=key)
    return _with_more(connection, name, [_plain(row, contacts)])[0]


def veiled(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without personal contact data; a log line without what it says of them."""
    hidden = {"old", "new"} if row.get("field") in CONTACTS else set(CONTACTS)
    return {name: None if name in hidden else value for name, value in row.items()}


def sees_contacts(connection: Connection, codes: Codes, groups: Collection[str]) -> bool:
    """Whether a member of these groups reads phone, mobile and mail of persons (policy `contact_tiers`)."""
    table = tables.workgroup.c
    tiers = codes.policy("contact_tiers")
    chosen = select(table.code).where(table.code.in_(groups), table.active, table.tier.in_(tiers)).limit(1)
    return bool(groups) and connection.execute(chosen).first() is not None


def person_named(connection: Connection, given: str, field: str, *, contacts: bool = True) -> str:
    """The staff number of the one active person with this staff number, account, name or phone.

    The staff number wins over an account, an account over names and phones; a phone counts for those only
    who may read phones. Raises UnknownRecord, or AmbiguousRecord with the candidates.
    """
    ways = [person.staff_no == given, person.account == given]
    numbers = [_digits(person.phone) == _bare(given), _digits(person.mobile) == _bare(given)]
    ways.append((person.name == given) | ((numbers[0] | numbers[1]) if contacts and _bare(given) else False))
    columns = (person.staff_no, person.name, person.organisation, person.job_title)
    for way in ways:
        found = connection.execute(select(*columns).where(person.active, way).order_by(person.staff_no)).all()
        if found:
            return _only(found, field, given, "person")
    raise UnknownRecord(field, table="person", value=given)


def organisation_named(connection: Connection, given: str, field: str) -> str:
    """The code of the one active organisation with this code, name or short name; raises as for persons."""
    columns = (organisation.code, organisation.name, organisation.parent)
    for way in (
        organisation.code == given,
        (organisation.name == given) | (organisation.short_name == given),
    ):
        chosen = select(*columns).where(organisation.active, way).order_by(organisation.code)
        if found := connection.execute(chosen).all():
            return _only(found, field, given, "organisation")
    raise UnknownRecord(field, table="organisation", value=given)


def code_tables(codes: Codes) -> list[dict[str, Any]]:
    """The name of each code table, with the number of its rows and of the active ones."""
    return [
        {"table": name, "rows": len(rows), "active": sum(row.active for row in rows.values())}
        for name, rows in sorted(codes.tables.items())
    ]


def code_table(codes: Codes, name: str, active: bool | None = None) -> list[dict[str, Any]]:
    """The rows of a code table in their order. Raises RecordNotFound."""
    rows = codes.table(name)
    if not rows:
        raise RecordNotFound(table="code", value=name)
    return [_code(row) for row in rows.values() if active is None or row.active is active]


def _code(row: Code) -> dict[str, Any]:
    return {
        "code": row.code,
        "zh": row.name_zh,
        "en": row.name_en,
        "parent": row.parent,
        "active": row.active,
        "data": dict(row.data),
    }


def _only(found: Sequence[Any], field: str, given: str, table: str) -> str:
    if len(found) == 1:
        return str(found[0][0])
    candidates = [{str(name): value for name, value in row._mapping.items()} for row in found]
    listed = ", ".join(f"{row[0]} {row[1]}" for row in found)
    raise AmbiguousRecord(field, table=table, value=given, listed=listed, candidates=candidates)


def _bare(number: str) -> str:
    return number.replace("-", "").replace(" ", "")


def _digits(column: Column[Any]) -> Any:
    return func.replace(func.replace(column, "-", ""), " ", "")


def _plain(row: Any, contacts: bool) -> dict[str, Any]:
    shown = {name: json.loads(value) if name in JSON_COLUMNS else value for name, value in row.items()}
    return shown if contacts or "staff_no" not in shown else veiled(shown)


def _with_more(connection: Connection, name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A group comes with its members, a person with his groups, a vendor with its contracts."""
    if name == "workgroups":
        return _add(rows, "members", "code", _members(connection, [row["code"] for row in rows]))
    if name == "people":
        return _add(rows, "groups", "staff_no", _groups(connection, [row["staff_no"] for row in rows]))
    if name == "vendors":
        return _add(rows, "contracts", "code", _contracts(connection, [row["code"] for row in rows]))
    return rows


def _add(
    rows: list[dict[str, Any]], name: str, key: str, found: Iterable[tuple[str, Any]]
) -> list[dict[str, Any]]:
    by_key: dict[str, list[Any]] = {}
    for owner, one in found:
        by_key.setdefault(owner, []).append(one)
    return [{**row, name: by_key.get(row[key], [])} for row in rows]


def _members(connection: Connection, codes: list[str]) -> Iterable[tuple[str, Any]]:
    chosen = (
        select(member.workgroup, person.staff_no, person.name, member.role, person.active)
        .join(tables.person, person.staff_no == member.person)
        .where(member.workgroup.in_(codes))
        .order_by(member.workgroup, person.staff_no)
    )
    for row in connection.execute(chosen).mappings():
        yield row["workgroup"], {name: row[name] for name in ("staff_no", "name", "role", "active")}


def _groups(connection: Connection, staff: list[str]) -> Iterable[tuple[str, Any]]:
    chosen = (
        select(member.person, member.workgroup).where(member.person.in_(staff)).order_by(member.workgroup)
    )
    for row in connection.execute(chosen):
        yield row.person, row.workgroup


def _contracts(connection: Connection, vendors: list[str]) -> Iterable[tuple[str, Any]]:
    contract = tables.contract.c
    chosen = (
        select(contract.vendor, contract.code).where(contract.vendor.in_(vendors)).order_by(contract.code)
    )
    for row in connection.execute(chosen):
        yield row.vendor, row.code


def _directory(
    table: Table, *filters: str, text: tuple[str, ...] = ("code", "name"), hidden: tuple[str, ...] = ()
) -> Directory:
    shown = tuple(str(column.name) for column in table.columns if column.name not in hidden)
    key = next(iter(table.primary_key.columns))
    return Directory(table, shown, text, (*filters, "active"), {key.name: Order((key,))})


_people = _directory(
    tables.person,
    "organisation",
    "vip",
    text=("staff_no", "name", "account", "phone", "mobile"),
    hidden=("gender", "vip_ground"),
)
DIRECTORIES: Mapping[str, Directory] = {
    "people": Directory(
        _people.table,
        _people.shown,
        _people.text,
        _people.filters,
        {**_people.orders, "name": Order((person.name, person.staff_no))},
    ),
    "organisations": _directory(
        tables.organisation, "type", "parent", "province", text=("code", "name", "short_name")
    ),
    "workgroups": _directory(tables.workgroup, "tier", "parent"),
    "cis": _directory(
        tables.ci,
        *("kind", "environment", "category", "service", "owner_group", "contract"),
        text=("code", "name", "location"),
    ),
    "services": _directory(tables.service, "owner", "regulatory"),
    "vendors": _directory(tables.vendor),
    "contracts": _directory(tables.contract, "vendor"),
}
