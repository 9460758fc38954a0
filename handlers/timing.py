"""The clocks of a call as people read them: due, used, standing still, what comes (PROCESS §6.5.1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from handlers import calendar, clocks, ledger, moments, targets, vendor
from handlers.clocks import RESOLVE, RESPONSE, Clock, Clocks, Segment
from handlers.codes import ALWAYS, Codes
from handlers.incident import Actor, Case, Engagement, Scene
from handlers.lookups import Lookups
from handlers.moments import Moment, Row

SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One clock at a moment; instants are aware UTC, amounts minutes of its calendar."""

    clock: str
    subject: str | None = None
    state: str | None = None
    why: str | None = None
    priority: str | None = None
    calendar: str | None = None
    start: datetime | None = None
    target: float | None = None
    due: datetime | None = None
    elapsed: float | None = None
    total: float | None = None
    paused: float | None = None
    stopped_at: datetime | None = None
    overdue_at: datetime | None = None
    provisional: list[int] | None = None
    segments: list[dict[str, Any]] | None = None


def read(connection: Connection, codes: Codes, by: Actor, no: str, now: datetime) -> dict[str, Any]:
    """The clocks of the call `no` and what comes next. Raises UnknownCall."""
    case = ledger.seen(connection, no)
    scene = Scene(by, now, codes, Lookups(connection))
    shown, _ = targets.follow(case, scene)
    known = [*moments.rows(case, shown, scene)]
    found = [
        *(_running(kind, shown[kind], scene) for kind in (RESPONSE, RESOLVE) if shown[kind].now),
        *_acceptances(case, scene),
        *(_vendor(one, case, scene) for one in case.engagements if one.contacted_at),
        *_outage(case, scene),
        *_update(case, shown, known, scene),
    ]
    return {"no": no, "at": now, "clocks": [vars(one) for one in found], "coming": _coming(known, shown)}


def _coming(known: Iterable[Row], shown: Clocks) -> list[dict[str, Any]]:
    """The next moments at which something happens by itself, the earliest first."""
    found = [(one.at, row.kind, one) for row in known for one in islice(moments.coming(row, shown), SHOWN)]
    found.sort(key=lambda each: each[:2])
    return [
        {"clock": kind, "share": one.number, "at": at, "trigger": _at(one, 0), "level": _at(one, 1)}
        for at, kind, one in found[:SHOWN]
    ]


def _running(kind: str, clock: Clock, scene: Scene) -> Reading:
    codes, now, segment = scene.codes, scene.now, clock.segments[-1]
    late = clocks.breached(clock, now, codes)
    ends = clocks.due(clock, codes)
    state = "stopped" if clock.stopped else "paused" if clock.paused else "running"
    return Reading(
        clock=kind,
        state=state,
        why=clock.why,
        priority=segment.priority,
        calendar=segment.calendar,
        start=segment.start,
        target=segment.minutes,
        due=ends,
        elapsed=clocks.elapsed(clock, segment, now, codes),
        total=clocks.total(clock, now, codes),
        paused=clocks.paused_minutes(segment, codes, (clock.paused, now) if clock.paused else None),
        stopped_at=clock.stopped or clock.paused,
        overdue_at=clocks.breach(late, codes) if late else None,
        provisional=list(calendar.provisional(codes, segment.calendar, segment.start, ends or now)),
        segments=[_segment(clock, one, scene) for one in clock.segments],
    )


def _segment(clock: Clock, one: Segment, scene: Scene) -> dict[str, Any]:
    return {
        "priority": one.priority,
        "calendar": one.calendar,
        "start": one.start,
        "until": one.until,
        "target": one.minutes,
        "elapsed": clocks.elapsed(clock, one, scene.now, scene.codes),
        "paused": clocks.paused_minutes(one, scene.codes),
    }


def _acceptances(case: Case, scene: Scene) -> Iterator[Reading]:
    on = scene.codes.calendar(case.incident.priority)
    for order in case.work_orders:
        if order.due_accept and order.created_at:
            ended = order.accepted_at or order.rejected_at or order.finished_at
            plain = Reading(
                clock="acceptance", subject=order.no, start=order.created_at, due=order.due_accept
            )
            yield _span(plain, on, ended, scene)


def _vendor(one: Engagement, case: Case, scene: Scene) -> Reading:
    """The vendor's own clock; it never stops the customer's (POL-17)."""
    on = vendor.runs_on(one, case.incident.priority, scene)
    plain = Reading(clock="vendor", subject=one.vendor or one.kind, start=one.contacted_at, due=one.due_at)
    return _span(plain, on, one.responded_at or one.finished_at, scene)


def _outage(case: Case, scene: Scene) -> Iterator[Reading]:
    """From the disturbance to the restored service, around the clock and charged in full (D-6)."""
    call = case.incident
    if call.occurred_at:
        plain = Reading(clock="outage", start=call.occurred_at)
        yield _span(plain, ALWAYS, call.service_restored_at, scene)


def _update(case: Case, shown: Clocks, known: Iterable[Row], scene: Scene) -> Iterator[Reading]:
    ends = moments.next_update(known)
    if ends:
        plain = Reading(clock="update", start=moments.updated(case, shown), due=ends)
        yield _span(plain, scene.codes.calendar(case.incident.priority), None, scene)


def _span(plain: Reading, on: str, ended: datetime | None, scene: Scene) -> Reading:
    """A clock without pauses, on a calendar."""
    end = ended or scene.now
    return replace(
        plain,
        state="stopped" if ended else "running",
        calendar=on,
        elapsed=calendar.measure(scene.codes, on, plain.start, end) if plain.start else 0,
        stopped_at=ended,
        overdue_at=plain.due if plain.due and end > plain.due else None,
    )


def _at(one: Moment, place: int) -> str | None:
    return one.wants[place] if one.wants else None
