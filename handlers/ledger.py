"""The books of a call: read under its lock, and an Outcome written with its log lines, in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, and_, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from handlers import audit, clocks, counters, status, tables
from handlers.clock_log import ClockLog
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
    columns,
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
_KIND_OF = {table.name: kind for kind, table in KINDS.items() if kind is not ClockLine}

# Computed from the log and kept for lists, or told by the history of the tasks: no lines of their own.
SHOWN = ("respond_by", "resolve_by", "update_by", "look_at", "claimed_by", "claimed_task", "acted_at")

_CALL = [tables.incident.c[f.name] for f in fields(Incident)]
_CALL_NAMES = [column.name for column in _CALL]
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
_PARENT_OF = tables.prepared(
    select(tables.incident.c.parent).where(tables.incident.c.no == bindparam("of_call"))
)
_LOCK = tables.prepared(
    select(tables.incident.c.no).where(tables.incident.c.no == bindparam("of_call")).with_for_update()
)
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


def read(connection: Connection, no: str, clock_log: ClockLog | None = None) -> Case:
    """The call with its row locked (on SQLite the transaction is the lock); UnknownCall."""
    row = connection.execute(_READ, {"of_call": no}).first()
    if row is None:
        raise UnknownCall(no=no)
    call = Incident(**dict(zip(_CALL_NAMES, row, strict=True)))
    return Case(call, _Reading(connection, no, clock_log or ClockLog()))


def seen(connection: Connection, no: str) -> Case:
    """The call as it is, for reading only; UnknownCall."""
    row = connection.execute(select(*_CALL).where(tables.incident.c.no == no)).first()
    if row is None:
        raise UnknownCall(no=no)
    return Case(of(Incident, row._mapping), _Reading(connection, no, ClockLog()))


def running(connection: Connection) -> list[str]:
    """The open calls that have clocks."""
    table = tables.incident
    chosen = select(table.c.no).where(tables.OPEN, table.c.priority.is_not(None)).order_by(table.c.no)
    return list(connection.execute(chosen).scalars())


def looks(connection: Connection) -> list[tuple[str, datetime | None]]:
    """The open calls that are to be looked at, and when; None where nothing has asked for it yet."""
    table = tables.incident
    unasked = and_(table.c.priority.is_not(None), table.c.status != "ST7")
    chosen = select(table.c.no, table.c.look_at).where(
        tables.OPEN, or_(table.c.look_at.is_not(None), unasked)
    )
    return [(row.no, row.look_at) for row in connection.execute(chosen.order_by(table.c.no))]


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
    chosen = parent or connection.execute(_PARENT_OF, {"of_call": no}).scalar()
    if chosen:
        connection.execute(_LOCK, {"of_call": chosen})


def write(connection: Connection, case: Case, outcome: Outcome, scene: Scene, what: str) -> Case:
    """Apply a decision: its rows now, the rest with `flush`; returns the call as it is by then.

    Raises TransitionRefused or WorkOrderRefused if a table of PROCESS §6.7 does not allow it.
    """
    call, books = case.incident, cast(_Reading, case.read)
    changes = {name: value for name, value in outcome.changes.items() if getattr(call, name) != value}
    status.check(call, changes, scene.codes)
    lines = [
        *(_line(what, name, getattr(call, name), new) for name, new in changes.items() if name not in SHOWN),
        *_write_rows(connection, case, outcome.rows, scene),
        *(_line(line.what, line.field, None, line.text) for line in outcome.lines),
    ]
    if not (lines or changes or outcome.notices):
        return case
    stamp = {"call": call.no, "at": scene.now, "by": scene.by.id, "step": changes.get("step", call.step)}
    stamped = [stamp | line for line in lines]
    now = call.changed(changes) if changes else call
    books.pending.add(changes, stamped, _notices(now, books.pending.writes, outcome.notices, scene))
    books.follow(outcome.rows, stamped)
    return Case(now, books)


def flush(connection: Connection, case: Case) -> None:
    """Write down what the decisions of a verb made of the call: its row, the log, the notices, each once.

    The last act of a verb: who needs the call again reads it again. Raises StaleCall if the row changed
    since it was read.
    """
    call, pending = case.incident, cast(_Reading, case.read).pending
    if not pending.writes:
        return
    lines = audit.chain(pending.lines, call.log_seq, call.log_hash)
    head = {"log_seq": lines[-1]["seq"], "log_hash": lines[-1]["hash"]} if lines else {}
    values = {**pending.changes, **head, "version": call.version + 1}
    this = {"of_no": call.no, "of_version": call.version}
    done = connection.execute(_change_call(tuple(values)), this | values)
    if done.rowcount != 1:
        raise StaleCall(no=call.no)
    if lines:
        connection.execute(_ADD_LOG, lines)
    if pending.notices:
        connection.execute(_ADD_NOTICES[connection.dialect.name], pending.notices)


def _write_rows(
    connection: Connection, case: Case, rows: Iterable[Row], scene: Scene
) -> list[dict[str, Any]]:
    """New and changed rows, each once; the status of a work order moves by its table only (§6.7.7)."""
    lines: list[dict[str, Any]] = []
    known: dict[int, tuple[str, str]] = {}
    merged: dict[tuple[str, int], Row] = {}
    for row in rows:
        if row.table == "work_order":
            lines += _follow(case, known, row, scene)
        first = merged.setdefault((row.table, row.seq), row)
        if first is not row:
            merged[row.table, row.seq] = replace(first, values={**first.values, **row.values})
    for row in merged.values():
        table = tables.metadata.tables[row.table]
        if row.new:
            connection.execute(_insert(table), {"call": case.incident.no, "seq": row.seq, **row.values})
        elif row.values:
            this = {"of_call": case.incident.no, "of_seq": row.seq}
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


def _notices(call: Incident, place: int, notices: Iterable[Notice], scene: Scene) -> list[dict[str, Any]]:
    return [_notice(call, place, notice, scene) for notice in notices if notice.recipient]


def _notice(call: Incident, place: int, notice: Notice, scene: Scene) -> dict[str, Any]:
    row = scene.codes.row("notice", notice.event)
    params = _Params(call, {"recipient": notice.recipient, **notice.params})
    key = notice.key or f"{notice.event}/{call.version}.{place}/{notice.recipient}"
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


class _Params(dict[str, Any]):
    """What a notice may say: its own words, and any field of the call."""

    def __init__(self, call: Incident, said: Mapping[str, Any]) -> None:
        super().__init__(said)
        self._call = call

    def __missing__(self, name: str) -> str:
        return audit.shown(getattr(self._call, name)) or ""


def _line(what: str, field: str | None, old: Any, new: Any) -> dict[str, Any]:
    return {"what": what[:60], "field": field, "old": audit.shown(old), "new": audit.shown(new)}


@dataclass(slots=True)
class _Pending:
    """What a verb has decided and not written down yet."""

    changes: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    writes: int = 0

    def add(self, changes: Mapping[str, Any], lines: list[Any], notices: list[Any]) -> None:
        self.changes |= changes
        self.lines += lines
        self.notices += notices
        self.writes += 1


class _Reading:
    """Reads what hangs on a call, each kind once; what the verb writes is followed in memory."""

    def __init__(self, connection: Connection, no: str, clock_log: ClockLog) -> None:
        self._connection, self._no, self._clock_log = connection, no, clock_log
        self._known: dict[type, tuple[Any, ...]] = {}
        self.pending = _Pending()

    def __call__(self, kind: type[T], /) -> tuple[T, ...]:
        if kind not in self._known:
            self._known[kind] = (*self._read(kind), *self._unwritten(kind))
        return cast(tuple[T, ...], self._known[kind])

    def _read(self, kind: type) -> tuple[Any, ...]:
        if kind is ClockLine:
            return self._clock_log.read(self._connection, self._no)
        found = self._connection.execute(_READ_KIND[kind], {"of_call": self._no})
        return tuple(kind(**row._mapping) for row in found)

    def follow(self, rows: Iterable[Row], lines: Iterable[Mapping[str, Any]]) -> None:
        """Bring what was read in line with rows and log lines that the verb has made."""
        for row in rows:
            kind = _KIND_OF.get(row.table)
            if kind in self._known:
                self._known[kind] = _followed(kind, self._known[kind], row, self._no)
        if ClockLine in self._known:
            self._known[ClockLine] = (*self._known[ClockLine], *_clock_lines(lines))

    def _unwritten(self, kind: type) -> tuple[Any, ...]:
        return _clock_lines(self.pending.lines) if kind is ClockLine else ()


def _followed(kind: Any, known: tuple[Any, ...], row: Row, no: str) -> tuple[Any, ...]:
    names = columns(kind)
    values = {name: value for name, value in row.values.items() if name in names}
    if row.new:
        fixed = {"call": no, "seq": row.seq}
        return (*known, kind(**{name: fixed[name] for name in fixed if name in names}, **values))
    return tuple(replace(one, **values) if one.seq == row.seq else one for one in known)


def _clock_lines(lines: Iterable[Mapping[str, Any]]) -> tuple[ClockLine, ...]:
    return tuple(of(ClockLine, line) for line in lines if line["what"] == clocks.LINE)


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
