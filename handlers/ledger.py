"""The books of a call: read under its lock, and an Outcome written with its log lines, in one transaction."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from handlers import audit, clock_log, clocks, counters, status, tables
from handlers.errors import StaleCall, UnknownCall, WorkOrderRefused
from handlers.incident import (
    Case,
    ClockLine,
    Confirmation,
    Engagement,
    Escalation,
    HandOff,
    Hold,
    Incident,
    Scene,
    WorkOrder,
    of,
)
from handlers.outcome import Line, Notice, Outcome, Row

T = TypeVar("T")

KINDS: Mapping[type, Any] = {
    WorkOrder: tables.work_order,
    Hold: tables.hold,
    Engagement: tables.vendor_engagement,
    Confirmation: tables.confirmation,
    HandOff: tables.hand_off,
    Escalation: tables.escalation,
    ClockLine: tables.log,
}

# Computed from the log and kept for lists only: no lines of their own.
SHOWN = ("respond_by", "resolve_by", "update_by", "look_at")

_CALL = [tables.incident.c[f.name] for f in fields(Incident)]
_READ = tables.prepared(select(*_CALL).where(tables.incident.c.no == bindparam("of_call")).with_for_update())
_READ_KIND: Mapping[type, Any] = {
    kind: tables.prepared(
        select(*(table.c[f.name] for f in fields(kind)))
        .where(table.c.call == bindparam("of_call"))
        .order_by(table.c.seq)
    )
    for kind, table in KINDS.items()
    if kind is not ClockLine
}
_ADD_LOG = tables.prepared(insert(tables.log))
_ADD_NOTICES = {
    name: tables.prepared(dialect.insert(tables.notice).on_conflict_do_nothing(index_elements=["key"]))
    for name, dialect in (("postgresql", postgresql), ("sqlite", sqlite))
}


def new_number(connection: Connection, scene: Scene) -> str:
    """`SD` + the date in the bank's time zone + a daily sequence that grows and never repeats (§6.1.2)."""
    policy = scene.codes.policy
    day = scene.now.astimezone(ZoneInfo(policy("timezone"))).strftime("%Y%m%d")
    prefix = f"{policy('number_prefix')}{day}"
    return f"{prefix}{counters.next_number(connection, prefix):04d}"


def open_call(connection: Connection, values: Mapping[str, Any], scene: Scene) -> Case:
    """Insert a draft call and its first log line."""
    connection.execute(_insert(tables.incident), dict(values))
    case = read(connection, values["no"])
    return write(connection, case, Outcome(lines=[Line("status", values["status"])]), scene, "200.1")


def read(connection: Connection, no: str) -> Case:
    """The call with its row locked (on SQLite the transaction is the lock); UnknownCall."""
    row = connection.execute(_READ, {"of_call": no}).first()
    if row is None:
        raise UnknownCall(no=no)
    return Case(of(Incident, row._mapping), _Reading(connection, no))


def running(connection: Connection) -> list[str]:
    """The open calls that have clocks."""
    table = tables.incident
    chosen = select(table.c.no).where(tables.OPEN, table.c.priority.is_not(None)).order_by(table.c.no)
    return list(connection.execute(chosen).scalars())


def exists(connection: Connection, no: str) -> bool:
    """Whether there is a call of this number."""
    return (
        connection.execute(select(tables.incident.c.no).where(tables.incident.c.no == no)).first() is not None
    )


def lock_parent(connection: Connection, no: str, parent: str | None = None) -> None:
    """Lock the row of the parent named, or else of the one the call has, before the call's own row.

    A parent being solved, reopened or closed and a child being linked wait for each other, always in this
    order, so that neither misses the other.
    """
    table = tables.incident
    chosen = parent or connection.execute(select(table.c.parent).where(table.c.no == no)).scalar()
    if chosen:
        connection.execute(select(table.c.no).where(table.c.no == chosen).with_for_update())


def write(connection: Connection, case: Case, outcome: Outcome, scene: Scene, what: str) -> Case:
    """Apply a decision: changed fields, rows, notices and their log lines; returns the call as it is now.

    Raises TransitionRefused or WorkOrderRefused if a table of PROCESS §6.7 does not allow it, and
    StaleCall if the row changed since it was read.
    """
    call = case.incident
    changes = {name: value for name, value in outcome.changes.items() if getattr(call, name) != value}
    status.check(call, changes, scene.codes)
    lines = [
        *(_line(what, name, getattr(call, name), new) for name, new in changes.items() if name not in SHOWN),
        *_write_rows(connection, case, outcome.rows, scene),
        *(_line(line.what, line.field, None, line.text) for line in outcome.lines),
    ]
    if not (lines or changes or outcome.notices):
        return case
    touched = {row.table for row in outcome.rows}
    if any(line.what == clocks.LINE for line in outcome.lines):
        touched.add(tables.log.name)
    return _commit(connection, case, changes, lines, outcome.notices, scene, touched)


def _commit(
    connection: Connection,
    case: Case,
    changes: dict[str, Any],
    lines: list[dict[str, Any]],
    notices: Iterable[Notice],
    scene: Scene,
    touched: Collection[str],
) -> Case:
    call = case.incident
    stamp = {"call": call.no, "at": scene.now, "by": scene.by.id, "step": changes.get("step", call.step)}
    chained = audit.chain([stamp | line for line in lines], call.log_seq, call.log_hash)
    head = {"log_seq": chained[-1]["seq"], "log_hash": chained[-1]["hash"]} if chained else {}
    values = {**changes, **head, "version": call.version + 1}
    this = {"of_no": call.no, "of_version": call.version}
    done = connection.execute(_change_call(tuple(values)), this | values)
    if done.rowcount != 1:
        raise StaleCall(no=call.no)
    if chained:
        connection.execute(_ADD_LOG, chained)
    now = replace(call, **values)
    _write_notices(connection, now, notices, scene)
    known = case.read.without(touched) if isinstance(case.read, _Reading) else {}
    return Case(now, _Reading(connection, call.no, known))


def _write_rows(
    connection: Connection, case: Case, rows: Iterable[Row], scene: Scene
) -> list[dict[str, Any]]:
    """New and changed rows; the status of a work order moves by its table only (§6.7.7)."""
    lines: list[dict[str, Any]] = []
    known: dict[int, tuple[str, str]] = {}
    for row in rows:
        table = tables.metadata.tables[row.table]
        key = {"call": case.incident.no, "seq": row.seq}
        if row.table == "work_order":
            lines += _follow(case, known, row, scene)
        if row.new:
            connection.execute(_insert(table), {**key, **row.values})
        elif row.values:
            this = {"of_call": key["call"], "of_seq": row.seq}
            connection.execute(_change_row(table, tuple(row.values)), {**this, **row.values})
    return lines


def _follow(case: Case, known: dict[int, tuple[str, str]], row: Row, scene: Scene) -> list[dict[str, Any]]:
    """The log line of a work order's move, checked against the table."""
    if "status" not in row.values:
        return []
    new = row.values["status"]
    if row.new:
        known[row.seq] = (row.values["no"], new)
        group = row.values.get("group")
        return [_line("work_order", row.values["no"], None, f"{new} {row.values['type']} {group}")]
    if row.seq not in known:
        order = next(order for order in case.work_orders if order.seq == row.seq)
        known[row.seq] = (order.no, order.status)
    no, old = known[row.seq]
    if new not in scene.codes.row("work_order_status", old).data["next"]:
        raise WorkOrderRefused(no=no, old=old, new=new)
    known[row.seq] = (no, new)
    return [_line("work_order", no, old, new)]


def _write_notices(connection: Connection, call: Incident, notices: Iterable[Notice], scene: Scene) -> None:
    rows = [_notice(call, notice, scene) for notice in notices if notice.recipient]
    if rows:
        connection.execute(_ADD_NOTICES[connection.dialect.name], rows)


def _notice(call: Incident, notice: Notice, scene: Scene) -> dict[str, Any]:
    row = scene.codes.row("notice", notice.event)
    shown = {f.name: audit.shown(getattr(call, f.name)) or "" for f in fields(call)}
    params = shown | {"recipient": notice.recipient} | dict(notice.params)
    key = notice.key or f"{notice.event}/{call.version}/{notice.recipient}"
    channel = row.data["channel"]
    return {
        "key": f"{call.no}/{key}"[:200],
        "call": call.no,
        "event": notice.event,
        "channel": (call.medium or "PHONE").lower() if channel == "as_reported" else channel,
        "recipient": str(notice.recipient)[:80],
        "subject": row.name_zh.format_map(params)[:300],
        "body": str(row.data["body"]).format_map(params),
        "created_at": scene.now,
        "state": "new",
    }


def _line(what: str, field: str | None, old: Any, new: Any) -> dict[str, Any]:
    return {"what": what[:60], "field": field, "old": audit.shown(old), "new": audit.shown(new)}


class _Reading:
    """Reads what hangs on a call, each kind once."""

    def __init__(
        self, connection: Connection, no: str, known: Mapping[type, tuple[Any, ...]] | None = None
    ) -> None:
        self._connection, self._no, self._known = connection, no, dict(known or {})

    def __call__(self, kind: type[T], /) -> tuple[T, ...]:
        if kind not in self._known:
            self._known[kind] = self._read(kind)
        return cast(tuple[T, ...], self._known[kind])

    def _read(self, kind: type) -> tuple[Any, ...]:
        if kind is ClockLine:
            return clock_log.read(self._connection, self._no)
        found = self._connection.execute(_READ_KIND[kind], {"of_call": self._no})
        return tuple(kind(**row._mapping) for row in found)

    def without(self, touched: Collection[str]) -> dict[type, tuple[Any, ...]]:
        """What stays true after rows of these tables were written."""
        return {kind: rows for kind, rows in self._known.items() if KINDS[kind].name not in touched}


@lru_cache(64)
def _insert(table: Table) -> Any:
    return tables.prepared(insert(table))


@lru_cache(512)
def _change_call(names: tuple[str, ...]) -> Any:
    table = tables.incident
    this = (table.c.no == bindparam("of_no"), table.c.version == bindparam("of_version"))
    return tables.prepared(update(table).where(*this).values({name: bindparam(name) for name in names}))


@lru_cache(512)
def _change_row(table: Table, names: tuple[str, ...]) -> Any:
    this = (table.c.call == bindparam("of_call"), table.c.seq == bindparam("of_seq"))
    return tables.prepared(update(table).where(*this).values({name: bindparam(name) for name in names}))
