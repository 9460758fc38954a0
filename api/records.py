"""What the edge reads beyond a single table: a call with all that hangs on it, who may sign in, counts."""

from typing import Any

import sqlalchemy as sa

from engine import store
from engine.ports import Actor
from handlers import facts, tables


def incident(connection: sa.Connection, no: str) -> dict[str, Any]:
    """The record of a call with all that hangs on it. Raises UnknownCall."""
    return {
        **facts.incident(connection, no),
        "work_orders": facts.work_orders(connection, no),
        "holds": facts.holds(connection, no),
        "vendor_engagements": facts.engagements(connection, no),
        "confirmations": facts.confirmations(connection, no),
        "hand_offs": facts.hand_offs(connection, no),
        "escalations": facts.escalations(connection, no),
        "notices": facts.notices(connection, no),
        "similar": facts.similar(connection, no),
    }


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
    return _actor(connection, _account() == account)


def active(connection: sa.Connection, staff_no: str) -> Actor | None:
    """The person with this staff number if active, with the codes of the active groups."""
    return _actor(connection, tables.person.c.staff_no == staff_no)


def _actor(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Actor | None:
    person = tables.person
    found = connection.execute(
        sa.select(person.c.staff_no, person.c.name).where(condition, person.c.active)
    ).first()
    if found is None:
        return None
    return Actor(found.staff_no, found.name, facts.groups_of(connection, found.staff_no))


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


def _count(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(condition)) or 0
