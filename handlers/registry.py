"""Lists of calls, work orders, escalations and hand-offs: filters, orders with an index each, pages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, or_, select

from handlers import tables, work_orders
from handlers.codes import Codes
from handlers.errors import ListedOnly, RecordNotFound, StaleNext, UnknownCode
from handlers.facts import with_details
from handlers.paging import Order, Page, count, cut, page

call, order, escalation = tables.incident.c, tables.work_order.c, tables.escalation.c
hand_off = tables.hand_off.c

# What a list shows of a call; the record has the rest.
SHOWN = (
    *("no", "version", "call_type", "classification", "category", "subject", "status", "step", "hold"),
    *(
        "priority",
        "impact",
        "urgency",
        "major",
        "vip",
        "caller",
        "caller_name",
        "caller_org",
        "ci",
        "service",
    ),
    *("environment", "parent", "owner", "assigned_group", "assignee", "escalation_level", "reopen_count"),
    *("occurred_at", "reported_at", "recorded_at", "resolved_at", "closed_at", "closure_code"),
)
URGENT = "priority"

CALLS = {
    "-reported_at": Order((call.reported_at, call.no), down=True),
    "reported_at": Order((call.reported_at, call.no)),
    URGENT: Order((call.priority, call.reported_at, call.no), only=tables.OPEN),
    "-closed_at": Order((call.closed_at, call.no), down=True, only=call.closed_at.is_not(None)),
    "-no": Order((call.no,), down=True),
    "no": Order((call.no,)),
}
WORK_ORDERS = {
    "-created_at": Order((order.created_at, order.no), down=True),
    "created_at": Order((order.created_at, order.no)),
}
ESCALATIONS = {
    "-raised_at": Order((escalation.raised_at, escalation.call, escalation.seq), down=True),
    "raised_at": Order((escalation.raised_at, escalation.call, escalation.seq)),
}

HAND_OFFS = {
    "-handed_off_at": Order((hand_off.handed_off_at, hand_off.call, hand_off.seq), down=True),
    "handed_off_at": Order((hand_off.handed_off_at, hand_off.call, hand_off.seq)),
}


def calls(
    connection: Connection,
    codes: Codes,
    wanted: Mapping[str, Any],
    *,
    sort: str = "-reported_at",
    limit: int = 50,
    after: Sequence[Any] | None = None,
) -> Page:
    """Calls that are as `wanted`: keys of CALL_FILTERS, and `open`, `reported_from`, `reported_to`, `text`.

    `priority` sorts the open calls, the most urgent first and of one priority the oldest; `-closed_at`
    those that were closed. Raises UnknownCode, ListedOnly, StaleNext.
    """
    check_codes(codes, CALL_CODES, wanted)
    if sort == URGENT and wanted.get("open") is False:
        raise ListedOnly("sort", sort=sort)
    chosen = select(*(call[name] for name in SHOWN)).where(*_equal(CALL_FILTERS, wanted))
    if "open" in wanted:
        chosen = chosen.where(tables.OPEN if wanted["open"] else tables.CLOSED)
    if "reported_from" in wanted:
        chosen = chosen.where(call.reported_at >= wanted["reported_from"])
    if "reported_to" in wanted:
        chosen = chosen.where(call.reported_at < wanted["reported_to"])
    if wanted.get("text"):
        chosen = chosen.where(contains(wanted["text"], call.subject, call.no))
    if sort == URGENT:
        return _most_urgent(connection, chosen.where(tables.OPEN), codes, limit, after)
    return page(connection, chosen, CALLS[sort], limit, after)


def _most_urgent(
    connection: Connection, chosen: Select[Any], codes: Codes, limit: int, after: Sequence[Any] | None
) -> Page:
    """One priority after the other by its rank, which is data, so that each part comes from the index."""
    ranked: list[str | None] = [*sorted(codes.table("priority"), key=codes.rank), None]
    seen = after[0] if after else ranked[0]
    if seen not in ranked:
        raise StaleNext("after")
    total, rows = count(connection, chosen), list[dict[str, Any]]()
    for priority in ranked[ranked.index(seen) :]:
        part = chosen.where(call.priority == priority)  # None becomes IS NULL
        if after and priority == seen:
            part = part.where(CALLS["reported_at"].beyond(after[1:]))
        part = part.order_by(call.reported_at, call.no).limit(limit + 1 - len(rows))
        rows += [dict(row) for row in connection.execute(part).mappings()]
        if len(rows) > limit:
            break
    return cut(rows, CALLS[URGENT], limit, total)


def orders(
    connection: Connection,
    codes: Codes,
    wanted: Mapping[str, Any],
    *,
    sort: str = "-created_at",
    limit: int = 50,
    after: Sequence[Any] | None = None,
) -> Page:
    """Work orders that are as `wanted`: keys of ORDER_FILTERS, and `open` (W1-W4). Raises UnknownCode."""
    check_codes(codes, {"status": "work_order_status", "type": "work_order_type"}, wanted)
    chosen = select(tables.work_order).where(*_equal(ORDER_FILTERS, wanted))
    if "open" in wanted:
        working = order.status.in_(work_orders.OPEN)
        chosen = chosen.where(working if wanted["open"] else ~working)
    return page(connection, chosen, WORK_ORDERS[sort], limit, after)


def work_order(connection: Connection, no: str) -> dict[str, Any]:
    """One work order by its number. Raises RecordNotFound."""
    return _one(connection, tables.work_order, (order.no == no,), no)


def escalations(
    connection: Connection,
    codes: Codes,
    wanted: Mapping[str, Any],
    *,
    sort: str = "-raised_at",
    limit: int = 50,
    after: Sequence[Any] | None = None,
) -> Page:
    """Escalations that are as `wanted`: keys of ESCALATION_FILTERS, and `open`. Raises UnknownCode."""
    check_codes(codes, {"level": "escalation_level", "trigger": "escalation_trigger"}, wanted)
    chosen = select(tables.escalation).where(*_equal(ESCALATION_FILTERS, wanted))
    if "open" in wanted:
        chosen = chosen.where((escalation.state != "ended") == wanted["open"])
    return page(connection, chosen, ESCALATIONS[sort], limit, after)


def escalation_of(connection: Connection, no: str, seq: int) -> dict[str, Any]:
    """One escalation of a call, with the triggers that raised it. Raises RecordNotFound."""
    found = _one(connection, tables.escalation, (escalation.call == no, escalation.seq == seq), f"{no}/{seq}")
    raised = tables.escalation_raise
    rows = connection.execute(
        select(raised).where(raised.c.call == no, raised.c.escalation == seq).order_by(raised.c.seq)
    )
    return {**found, "raises": [dict(row) for row in rows.mappings()]}


def hand_offs(
    connection: Connection,
    codes: Codes,
    wanted: Mapping[str, Any],
    *,
    sort: str = "-handed_off_at",
    limit: int = 50,
    after: Sequence[Any] | None = None,
) -> Page:
    """Hand-offs that are as `wanted`: keys of HAND_OFF_FILTERS, and `open`. Raises UnknownCode."""
    check_codes(codes, {"process": "hand_off_process"}, wanted)
    chosen = select(tables.hand_off).where(*_equal(HAND_OFF_FILTERS, wanted))
    if "open" in wanted:
        done = hand_off.done_at
        chosen = chosen.where(done.is_(None) if wanted["open"] else done.is_not(None))
    found = page(connection, chosen, HAND_OFFS[sort], limit, after)
    return replace(found, rows=[with_details(row) for row in found.rows])


def hand_off_of(connection: Connection, no: str, seq: int) -> dict[str, Any]:
    """One hand-off of a call. Raises RecordNotFound."""
    key = (hand_off.call == no, hand_off.seq == seq)
    return with_details(_one(connection, tables.hand_off, key, f"{no}/{seq}"))


def contains(text: str, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
    """The text stands in one of the columns, in any case; its wildcards are taken literally."""
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def check_codes(codes: Codes, checked: Mapping[str, str], wanted: Mapping[str, Any]) -> None:
    """A filter that names no code of its table is a typing error, not an empty list. Raises UnknownCode."""
    for name, table in checked.items():
        given = wanted.get(name, ())
        for value in given if isinstance(given, list) else (given,) if given else ():
            if value not in codes.table(table):
                raise UnknownCode(name, table=table, value=value)


def _equal(filters: Mapping[str, ColumnElement[Any]], wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [
        column.in_(value) if isinstance(value := wanted[name], list) else column == value
        for name, column in filters.items()
        if name in wanted
    ]


def _one(
    connection: Connection, table: Table, key: tuple[ColumnElement[bool], ...], value: str
) -> dict[str, Any]:
    row = connection.execute(select(table).where(*key)).mappings().first()
    if row is None:
        raise RecordNotFound(table=table.name, value=value)
    return dict(row)


CALL_FILTERS: Mapping[str, ColumnElement[Any]] = {
    "status": call.status,
    "step": call.step,
    "priority": call.priority,
    "call_type": call.call_type,
    "category": call.category,
    "group": call.assigned_group,
    "assignee": call.assignee,
    "caller": call.caller,
    "caller_org": call.caller_org,
    "ci": call.ci,
    "parent": call.parent,
}
CALL_CODES = {"status": "status", "priority": "priority", "call_type": "call_type", "category": "category"}
ORDER_FILTERS: Mapping[str, ColumnElement[Any]] = {
    "incident": order.call,
    "group": order.group,
    "assignee": order.assignee,
    "status": order.status,
    "type": order.type,
}
ESCALATION_FILTERS: Mapping[str, ColumnElement[Any]] = {
    "incident": escalation.call,
    "level": escalation.level,
    "trigger": escalation.trigger,
    "holder": escalation.holder,
    "holder_group": escalation.holder_group,
}
HAND_OFF_FILTERS: Mapping[str, ColumnElement[Any]] = {
    "incident": hand_off.call,
    "process": hand_off.process,
    "group": hand_off.group,
}
