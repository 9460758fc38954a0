"""What time did to the calls of a live replay, counted from flow200's own tables."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from math import inf
from typing import Any

import sqlalchemy as sa

from engine import store
from engine.ports import SYSTEM
from handlers import clocks, escalation, waits
from handlers.clocks import RESOLVE, Clock, Event
from handlers.codes import Codes
from handlers.incident import ClockLine
from handlers.tables import escalation_raise, hold, incident, log, work_order

AFTER = "after"
"""The column of PROCESS §6.6.3 for the reminders beyond a priority's timetable."""
NONE = "none"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over all calls; the mappings are by priority (and share of the target), trigger, or level."""

    thresholds: Mapping[str, Mapping[str, int]]
    triggers: Mapping[str, int]
    levels: Mapping[str, int]
    automatic_dispatches: int
    expired_holds: int
    auto_closed: int
    late: Mapping[str, int]
    pauses: int
    paused_minutes: int


def count(connection: sa.Connection, codes: Codes, now: datetime) -> Tally:
    """The counts as of `now`."""
    calls = connection.execute(
        sa.select(incident.c.no, incident.c.priority, incident.c.overdue_at).order_by(incident.c.no)
    )
    happened, thresholds, late = _happened(connection), Counter[tuple[str, str]](), Counter[str]()
    pauses, paused = 0, 0.0
    for call in calls:
        events = happened.get(call.no, [])
        clock = clocks.replay(events)[RESOLVE]
        thresholds.update(_fired(events, clock, codes))
        if call.overdue_at:
            segment = clocks.breached(clock, now, codes)
            late[segment.priority if segment else call.priority] += 1
        pauses += len(clock.pauses)
        paused += _paused_minutes(clock, codes)
    return Tally(
        _by_priority(thresholds),
        _triggers(connection, codes),
        _levels(connection, codes),
        _number(connection, work_order, work_order.c.type == "DSP", work_order.c.created_by == SYSTEM.id),
        _number(connection, hold, hold.c.ended_by == waits.BY_TIME),
        _number(connection, incident, incident.c.confirm_method == "AUTO"),
        dict(sorted(late.items())),
        pauses,
        round(paused),
    )


def failed_jobs(connection: sa.Connection) -> list[tuple[str, str]]:
    """What went wrong in a job that was tried in vain: the number of its call, and what it was."""
    job, instance = store.job.c, store.instance.c
    rows = connection.execute(
        sa.select(job.key, job.payload, job.result, instance.business_key)
        .outerjoin_from(store.job, store.instance, instance.id == job.instance_id)
        .where(job.state == "failed")
        .order_by(job.id)
    )
    return [(str(row.business_key or _call(row.payload)), f"{row.key}: {row.result}") for row in rows]


def lines(tally: Tally) -> list[str]:
    """The counts in words, a line each."""
    said = asdict(tally)
    shares = {p: _said(found) for p, found in said.pop("thresholds").items()}
    grouped = {name: _said(value) for name, value in said.items() if isinstance(value, dict)}
    return [
        *(f"thresholds fired, {priority}: {found}" for priority, found in shares.items()),
        f"triggers: {grouped['triggers']}",
        f"levels reached: {grouped['levels']}",
        f"automatic dispatches: {tally.automatic_dispatches}",
        f"holds that expired: {tally.expired_holds}",
        f"auto-closed: {tally.auto_closed}",
        f"late by our targets: {sum(tally.late.values())} ({grouped['late']})",
        f"pauses: {tally.pauses}, {tally.paused_minutes:,} minutes of the calendar in all",
    ]


def _happened(connection: sa.Connection) -> dict[str, list[Event]]:
    """What happened to the clocks of each call, in order."""
    found = connection.execute(
        sa.select(log.c.call, log.c.seq, log.c.field, log.c.new)
        .where(log.c.what == clocks.LINE)
        .order_by(log.c.call, log.c.seq)
    )
    return {
        no: clocks.events(ClockLine(field=row.field, new=row.new) for row in rows)
        for no, rows in groupby(found, key=lambda row: row.call)
    }


def _fired(events: list[Event], clock: Clock, codes: Codes) -> Iterator[tuple[str, str]]:
    """Priority and share of each threshold of the resolve clock that had its effect."""
    for one in events:
        kind, _, number = one.clock.partition("/")
        if one.do == "fired" and kind == RESOLVE:
            priority = next((seg.priority for seg in clock.segments if f"{seg.number}" == number), None)
            if priority:  # else it was cancelled, and counts for nothing
                yield priority, _share(priority, one.data["upto"], codes)


def _share(priority: str, share: float, codes: Codes) -> str:
    steps = codes.row("escalation_timetable", priority).data["steps"]
    known = {*(step["at"] for step in steps), codes.policy("warn_share")}
    return f"{share:g}" if share in known else AFTER


def _paused_minutes(clock: Clock, codes: Codes) -> float:
    """Each pause once: a segment that counts from the first start has all the pauses before it."""
    whole = max((place for place, one in enumerate(clock.segments) if one.whole), default=0)
    return sum(clocks.paused_minutes(one, codes) for one in clock.segments[whole:])


def _triggers(connection: sa.Connection, codes: Codes) -> dict[str, int]:
    """How often each trigger X1-X13 called for a level, and XN: nobody acknowledged and it rose."""
    asked = sa.select(store.job.c.payload).where(store.job.c.kind == "start_or_send")
    below = sa.select(log.c.new).where(log.c.what == "escalation_below")
    counted = Counter[str](payload["variables"]["trigger"] for payload in connection.scalars(asked))
    counted.update(text.split()[0] for text in connection.scalars(below))
    silent = escalation.NOT_ACKNOWLEDGED
    counted[silent] = _number(connection, escalation_raise, escalation_raise.c.trigger == silent)
    return {code: counted[code] for code in codes.table("escalation_trigger") if code.startswith("X")}


def _levels(connection: sa.Connection, codes: Codes) -> dict[str, int]:
    """How many calls got to each level and no higher."""
    rows = connection.execute(
        sa.select(incident.c.escalation_level, sa.func.count()).group_by(incident.c.escalation_level)
    )
    found = {level or NONE: number for level, number in rows}
    return {level: found.get(level, 0) for level in (NONE, *codes.table("escalation_level"))}


def _number(connection: sa.Connection, table: sa.Table, *where: Any) -> int:
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)


def _by_priority(counted: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """By priority, and in it by share in rising order."""
    found: dict[str, dict[str, int]] = {}
    for priority, share in sorted(counted, key=lambda one: (one[0], _place(one[1]))):
        found.setdefault(priority, {})[share] = counted[priority, share]
    return found


def _place(share: str) -> float:
    return inf if share == AFTER else float(share)


def _call(payload: Mapping[str, Any]) -> str:
    return str(payload.get("no") or payload.get("business_key") or "")


def _said(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items() if number) or "-"
