"""The clocks of a call as people read them: due, used, standing still, what comes (PROCESS §6.5.1)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from handlers import calendar, clocks, ledger, moments, targets, vendor
from handlers.clocks import RESOLVE, RESPONSE, Clock, Clocks, Segment
from handlers.codes import Codes
from handlers.incident import Actor, Case, Engagement, Scene
from handlers.lookups import Lookups

SHOWN = 8


def read(connection: Connection, codes: Codes, by: Actor, no: str, now: datetime) -> dict[str, Any]:
    """The clocks of the call `no` and what comes next. Raises UnknownCall."""
    case = ledger.seen(connection, no)
    scene = Scene(by, now, codes, Lookups(connection))
    return {"no": no, "at": now, "clocks": of(case, scene), "coming": coming(case, scene)}


def of(case: Case, scene: Scene) -> list[dict[str, Any]]:
    """The clocks of a call at `scene.now`; instants are aware UTC, amounts calendar minutes."""
    shown, _ = targets.follow(case, scene)
    return [
        *(_running(kind, shown[kind], scene) for kind in (RESPONSE, RESOLVE) if shown[kind].now),
        *_acceptances(case, scene),
        *(_vendor(one, case, scene) for one in case.engagements if one.contacted_at),
        *_outage(case, scene),
        *_update(case, shown, scene),
    ]


def coming(case: Case, scene: Scene) -> list[dict[str, Any]]:
    """The next moments at which something happens by itself, the earliest first."""
    shown, _ = targets.follow(case, scene)
    found = [
        (one.at, row.kind, one)
        for row in moments.rows(case, shown, scene)
        for one in islice(moments.coming(row, shown), SHOWN)
    ]
    found.sort(key=lambda each: each[:2])
    return [
        {"clock": kind, "share": one.number, "at": at, "trigger": _at(one, 0), "level": _at(one, 1)}
        for at, kind, one in found[:SHOWN]
    ]


def _running(kind: str, clock: Clock, scene: Scene) -> dict[str, Any]:
    codes, now, segment = scene.codes, scene.now, clock.segments[-1]
    late = clocks.breached(clock, now, codes)
    ends = clocks.due(clock, codes)
    state = "stopped" if clock.stopped else "paused" if clock.paused else "running"
    return _clock(
        kind,
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


def _acceptances(case: Case, scene: Scene) -> Iterator[dict[str, Any]]:
    for order in case.work_orders:
        if order.due_accept and order.created_at:
            ended = order.accepted_at or order.rejected_at or order.finished_at
            on = scene.codes.calendar(case.incident.priority)
            yield _span("acceptance", order.no, on, order.created_at, order.due_accept, ended, scene)


def _vendor(one: Engagement, case: Case, scene: Scene) -> dict[str, Any]:
    """The vendor's own clock; it never stops the customer's (POL-17)."""
    on = vendor.runs_on(one, case.incident.priority, scene)
    ended = one.responded_at or one.finished_at
    return _span("vendor", one.vendor or one.kind, on, one.contacted_at, one.due_at, ended, scene)


def _outage(case: Case, scene: Scene) -> Iterator[dict[str, Any]]:
    """From the disturbance to the restored service, around the clock and charged in full (D-6)."""
    call = case.incident
    if call.occurred_at:
        yield _span("outage", None, "24x7", call.occurred_at, None, call.service_restored_at, scene)


def _update(case: Case, shown: Clocks, scene: Scene) -> Iterator[dict[str, Any]]:
    ends = moments.next_update(moments.rows(case, shown, scene))
    if ends and shown.told:
        on = scene.codes.calendar(case.incident.priority)
        yield _span("update", None, on, shown.told, ends, None, scene)


def _span(
    kind: str,
    subject: str | None,
    on: str,
    start: datetime | None,
    due: datetime | None,
    ended: datetime | None,
    scene: Scene,
) -> dict[str, Any]:
    """A clock without pauses."""
    end = ended or scene.now
    late = due is not None and end > due
    return _clock(
        kind,
        subject=subject,
        state="stopped" if ended else "running",
        calendar=on,
        start=start,
        due=due,
        elapsed=calendar.measure(scene.codes, on, start, end) if start else 0,
        stopped_at=ended,
        overdue_at=due if late else None,
    )


def _clock(kind: str, **known: Any) -> dict[str, Any]:
    return {"clock": kind, **NOTHING, **known}


def _at(one: moments.Moment, place: int) -> str | None:
    return one.call[place] if one.call else None


NOTHING: Mapping[str, Any] = dict.fromkeys(
    (
        "subject",
        "state",
        "why",
        "priority",
        "calendar",
        "start",
        "target",
        "due",
        "elapsed",
        "total",
        "paused",
        "stopped_at",
        "overdue_at",
        "provisional",
        "segments",
    )
)
