"""What the edge reads of the domain's tables: a call with all that hangs on it, its log, people, labels."""

from typing import Any

import sqlalchemy as sa

from engine import store
from engine.ports import Actor
from handlers import tables
from handlers.errors import UnknownCall

PARTS = {
    "work_orders": tables.work_order,
    "holds": tables.hold,
    "vendor_engagements": tables.vendor_engagement,
    "vendor_attempts": tables.vendor_attempt,
    "confirmations": tables.confirmation,
    "hand_offs": tables.hand_off,
    "escalations": tables.escalation,
}
INTERNAL = {"log_seq", "log_hash", "call"}


def call(connection: sa.Connection, no: str) -> dict[str, Any]:
    """The record of a call. Raises UnknownCall."""
    row = connection.execute(sa.select(tables.incident).where(tables.incident.c.no == no)).one_or_none()
    if row is None:
        raise UnknownCall(no=no)
    return _public(row)


def incident(connection: sa.Connection, no: str) -> dict[str, Any]:
    """The record with its work orders, holds, vendors, confirmations and escalations. Raises UnknownCall."""
    found = call(connection, no)
    return {**found, **{name: _part(connection, table, no) for name, table in PARTS.items()}}


def log(connection: sa.Connection, no: str) -> list[dict[str, Any]]:
    """The audit log of a call, oldest first."""
    return _part(connection, tables.log, no)


def counts(connection: sa.Connection) -> dict[str, int]:
    """What the home page shows of the present."""
    closed = tables.incident.c.status == "ST8"
    return {
        "open": _count(connection, tables.incident, ~closed),
        "closed": _count(connection, tables.incident, closed),
        "tasks": _count(connection, store.task, store.task.c.completed_at.is_(None)),
        "failures": _count(connection, store.failure, store.failure.c.resolved_at.is_(None)),
    }


def signing_in(connection: sa.Connection, account: str) -> Actor | None:
    """The active person with this account, with the codes of the active groups."""
    person = tables.person
    found = connection.execute(
        sa.select(person.c.staff_no, person.c.name).where(_account() == account, person.c.active)
    ).first()
    if found is None:
        return None
    groups = connection.scalars(
        sa.select(tables.membership.c.workgroup)
        .join(tables.workgroup, tables.workgroup.c.code == tables.membership.c.workgroup)
        .where(tables.membership.c.person == found.staff_no, tables.workgroup.c.active)
    )
    return Actor(found.staff_no, found.name, frozenset(groups))


def is_empty(connection: sa.Connection) -> bool:
    """Whether nobody is known yet: the database of a first start."""
    return connection.execute(sa.select(tables.person.c.staff_no).limit(1)).first() is None


def accounts(connection: sa.Connection) -> list[dict[str, Any]]:
    """Each active member of a workgroup: staff_no, name, job_title, account, groups."""
    person, membership = tables.person, tables.membership
    people = connection.execute(
        sa.select(person.c.staff_no, person.c.name, person.c.job_title, _account().label("account"))
        .where(person.c.active, person.c.staff_no.in_(sa.select(membership.c.person)))
        .order_by(person.c.staff_no)
    )
    groups: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(membership).order_by(membership.c.workgroup)):
        groups.setdefault(row.person, []).append(row.workgroup)
    return [{**row._mapping, "groups": groups[row.staff_no]} for row in people]


def _account() -> sa.ColumnElement[str]:
    """What a person signs in with: the account, or the staff number where none is kept."""
    return sa.func.coalesce(tables.person.c.account, tables.person.c.staff_no)


def _part(connection: sa.Connection, table: sa.Table, no: str) -> list[dict[str, Any]]:
    query = sa.select(table).where(table.c.call == no).order_by(*table.primary_key.columns)
    return [_public(row) for row in connection.execute(query)]


def _public(row: sa.Row[Any]) -> dict[str, Any]:
    # SQLAlchemy's name of a reserved word (`group`) is a subclass of str, which orjson does not take as a key.
    return {str(name): value for name, value in row._mapping.items() if name not in INTERNAL}


def _count(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(condition)) or 0
