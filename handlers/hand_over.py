"""The hand-over list of a shift change (WR-01, PROCESS §6.9.4): what is to be known of each open call."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, tuple_

from handlers import paging, tables
from handlers.errors import RecordNotFound
from handlers.paging import Order, Page

change, call = tables.shift_change.c, tables.incident.c
line, engagement = tables.log.c, tables.vendor_engagement.c

SHOWN = (
    *("no", "subject", "call_type", "priority", "major", "vip", "status", "step", "hold", "reported_at"),
    *("owner", "assigned_group", "assignee", "escalation_level", "respond_by", "resolve_by", "update_by"),
    "overdue_at",
)
NOTES = ("findings", "status_update", "note")
"""The log lines that people write in their own words."""
CHANGES = {
    "-starts_at": Order((change.starts_at, change.code), down=True),
    "starts_at": Order((change.starts_at, change.code)),
}
COLUMNS = tuple(str(column.name) for column in tables.shift_change.columns if column.name != "calls")


def changes(
    connection: Connection,
    wanted: Mapping[str, Any],
    *,
    sort: str = "-starts_at",
    limit: int = 50,
    after: Sequence[Any] | None = None,
) -> Page:
    """The shift changes; `open` are those that nobody has settled. Raises StaleNext."""
    chosen = select(*(change[name] for name in COLUMNS))
    if "open" in wanted:
        chosen = chosen.where((change.state == "open") == wanted["open"])
    return paging.page(connection, chosen, CHANGES[sort], limit, after)


def change_of(connection: Connection, code: str) -> dict[str, Any]:
    """One change with its list: the calls open now, or those that were when it was settled.

    Raises RecordNotFound.
    """
    row = connection.execute(select(tables.shift_change).where(change.code == code)).mappings().first()
    if row is None:
        raise RecordNotFound(table="shift_change", value=code)
    numbers = json.loads(row["calls"]) if row["calls"] else _open(connection)
    return {**{name: row[name] for name in COLUMNS}, "calls": _listed(connection, numbers)}


def _open(connection: Connection) -> list[str]:
    return list(connection.execute(select(call.no).where(tables.OPEN)).scalars())


def _listed(connection: Connection, numbers: Collection[str]) -> list[dict[str, Any]]:
    """The calls as they stand, the next due first; those without one come last."""
    columns = [*(call[name] for name in SHOWN), call.first_response_at]
    rows = connection.execute(select(*columns).where(call.no.in_(numbers)).order_by(call.no)).mappings()
    notes, promises = _notes(connection, numbers), _promises(connection, numbers)
    listed = [
        {
            **{name: row[name] for name in SHOWN},
            "next_due": _next_due({**row}),
            "promised_at": promises.get(row["no"]),
            "last_note": notes.get(row["no"]),
        }
        for row in rows
    ]
    return sorted(listed, key=lambda one: (one["next_due"] is None, one["next_due"] or one["reported_at"]))


def _next_due(row: Mapping[str, Any]) -> Any:
    """The earliest of what is owed: the response while there is none, the solution, the next update."""
    owed = [row["resolve_by"], row["update_by"]]
    if row["first_response_at"] is None:
        owed.append(row["respond_by"])
    return min((at for at in owed if at), default=None)


def _notes(connection: Connection, numbers: Collection[str]) -> dict[str, Any]:
    """The last word that somebody wrote about each call."""
    last = (
        select(line.call, func.max(line.seq))
        .where(line.call.in_(numbers), line.what.in_(NOTES), line.new.is_not(None))
        .group_by(line.call)
    )
    rows = connection.execute(
        select(line.call, line.at, line.by, line.new).where(tuple_(line.call, line.seq).in_(last))
    )
    return {row.call: {"at": row.at, "by": row.by, "text": row.new} for row in rows}


def _promises(connection: Connection, numbers: Collection[str]) -> dict[str, Any]:
    """What the vendor that is engaged now has promised."""
    rows = connection.execute(
        select(engagement.call, engagement.promised_at)
        .where(engagement.call.in_(numbers), engagement.finished_at.is_(None))
        .order_by(engagement.call, engagement.seq)
    )
    return {row.call: row.promised_at for row in rows}
