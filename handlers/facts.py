"""Reading the books for people: one call, what hangs on it, its log. Lists are in `registry`."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from handlers import audit, tables
from handlers.errors import UnknownCall
from handlers.incident import Incident, of
from handlers.lookups import Lookups

HEAD = ("log_seq", "log_hash")


def incident(connection: Connection, no: str) -> dict[str, Any]:
    """The record of a call; instants are aware UTC. Raises UnknownCall."""
    row = connection.execute(select(tables.incident).where(tables.incident.c.no == no)).first()
    if row is None:
        raise UnknownCall(no=no)
    return _public(row)


def work_orders(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The work orders of a call in the order they were made."""
    return _under(connection, tables.work_order, no)


def carried_by(connection: Connection, no: str, task_id: str) -> list[str]:
    """The numbers of the call's work orders that a task carries."""
    return [row["no"] for row in work_orders(connection, no) if row["task_id"] == task_id]


def holds(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The holds of a call."""
    return _under(connection, tables.hold, no)


def engagements(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The vendor engagements of a call, each with its attempts."""
    attempts = _under(connection, tables.vendor_attempt, no)
    return [
        row | {"contacts": [attempt for attempt in attempts if attempt["engagement"] == row["seq"]]}
        for row in _under(connection, tables.vendor_engagement, no)
    ]


def confirmations(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The confirmations tried, refused and given."""
    return _under(connection, tables.confirmation, no)


def hand_offs(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The hand-offs of a call to other processes."""
    return [with_details(row) for row in _under(connection, tables.hand_off, no)]


def with_details(row: Mapping[str, Any]) -> dict[str, Any]:
    """A hand-off with its details as an object; None if there are none."""
    return {**row, "details": json.loads(row["details"]) if row["details"] else None}


def escalations(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The escalations of a call, each with the triggers that raised it."""
    raises = _under(connection, tables.escalation_raise, no)
    return [
        row | {"raises": [one for one in raises if one["escalation"] == row["seq"]]}
        for row in _under(connection, tables.escalation, no)
    ]


def notices(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The outbox rows of a call, oldest first."""
    table = tables.notice
    return _rows(
        connection, select(table).where(table.c.call == no).order_by(table.c.created_at, table.c.key)
    )


def log(connection: Connection, no: str) -> list[dict[str, Any]]:
    """The audit log of a call, in the order it was written."""
    return _under(connection, tables.log, no)


def broken_log(connection: Connection, no: str) -> int | None:
    """The first log line that was tampered with; None if the chain holds."""
    head = select(tables.incident.c.log_seq, tables.incident.c.log_hash).where(tables.incident.c.no == no)
    row = connection.execute(head).first()
    if row is None:
        raise UnknownCall(no=no)
    return audit.first_broken(log(connection, no), row.log_seq, row.log_hash)


def groups_of(connection: Connection, staff_no: str) -> frozenset[str]:
    """The active workgroups of a person: what counts for candidate groups."""
    member, group = tables.membership, tables.workgroup
    chosen = (
        select(group.c.code)
        .join(member, member.c.workgroup == group.c.code)
        .where(member.c.person == staff_no, group.c.active)
    )
    return frozenset(connection.execute(chosen).scalars())


def similar(connection: Connection, no: str) -> list[str]:
    """The open calls of the same CI or caller: candidates for a parent (PROCESS §6.4, 200.1)."""
    row = connection.execute(select(tables.incident).where(tables.incident.c.no == no)).first()
    if row is None:
        raise UnknownCall(no=no)
    return list(Lookups(connection).similar(of(Incident, row._mapping)))


def _public(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in HEAD}


def _under(connection: Connection, table: Table, no: str) -> list[dict[str, Any]]:
    return _rows(connection, select(table).where(table.c.call == no).order_by(table.c.seq))


def _rows(connection: Connection, chosen: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(chosen)]
