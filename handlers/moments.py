"""The moments at which something must happen to a call, in rows that are each in order (PROCESS §6.6.3).

A row is one story: the shares of a resolve clock, the acceptance of one work order, the updates since the
last one. The log keeps how far each row has had its effect; here is what comes next, not what then happens.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice, takewhile
from typing import Any

from handlers import calendar, clocks, confirmation
from handlers.clocks import BOX, RESOLVE, RESPONSE, UPDATE, Clocks, Segment
from handlers.codes import ALWAYS, Code
from handlers.incident import Case, Scene

# The work orders that a status waits for somebody to accept: the dispatch, or what was handed off.
ACCEPTED_AT = {"ST3": ("DSP",), "ST9": ("SRQ", "CMP")}
# So many moments of a row that are due together are each told of; of more only the last.
MOST = 100


Wanted = tuple[str, str]
"""A trigger and the level that it calls for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a row; `number` grows along it."""

    number: float
    at: datetime
    wants: Wanted | None = None

    @property
    def name(self) -> str:
        """Its number as it is written: 62.5, 8766000; never with an exponent."""
        return _plain(self.number)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of moments; `key` is unique within the call, `subject` the row of the record that it is about."""

    kind: str
    key: str
    after: Callable[[float], Iterator[Moment]]
    """The moments with a higher number, in order."""
    subject: int = 0


def rows(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """All rows of the call as it stands now; of a solved one only the confirmation is expected."""
    for find in FINDERS.get(case.incident.status, WORKED):
        yield from find(case, shown, scene)


def coming(row: Row, shown: Clocks) -> Iterator[Moment]:
    """The moments of a row that have had no effect yet."""
    return row.after(shown.fired.get(row.key, 0))


def due(row: Row, shown: Clocks, now: datetime) -> tuple[list[Moment], bool]:
    """The moments of a row that are due now, in order; and whether some before the last are left out.

    The work is bounded, however long the row was not looked at.
    """
    found = list(islice(takewhile(lambda one: one.at <= now, coming(row, shown)), MOST))
    if len(found) < MOST:
        return found, False
    last = _last(row, found[-1], now)
    if last == found[-1]:
        return found, False
    return [*found, last], next(row.after(found[-1].number)) != last


def next_look(known: Iterable[Row], shown: Clocks) -> datetime | None:
    """The first moment of all rows; None when nothing comes."""
    first = (next(coming(row, shown), None) for row in known)
    return min((one.at for one in first if one), default=None)


def next_update(known: Iterable[Row]) -> datetime | None:
    """When the caller must hear next; None while the call is held or has no interval."""
    return next((next(row.after(0)).at for row in known if row.kind == UPDATE), None)


def updated(case: Case, shown: Clocks) -> datetime | None:
    """From when the update interval counts: the last update, the end of a hold, or the priority."""
    first = shown.told or case.incident.prioritised_at
    return max([first, *(until for _, until in shown[RESOLVE].pauses)]) if first else None


def _last(row: Row, known: Moment, now: datetime) -> Moment:
    """The last moment of a row that is due, from a due one on, in steps that grow and then shrink."""
    width, growing = 1.0, True
    while width >= 0.5:
        further = next(row.after(known.number + width), None)
        if further and further.at <= now:
            known = further
        else:
            growing = False
        width = width * 2 if growing else width / 2
    return known


def _response(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """X2: nobody responded within the target, or somebody too late.

    An incident has its priority, and with it a target, only once somebody has responded (200.2).
    """
    clock, codes = shown[RESPONSE], scene.codes
    if clock.now is None:
        return
    at = clocks.instant(clock.now, 1, codes)
    if clock.stopped is None or clock.stopped > at:
        missed = Moment(100, at, ("X2", _level(codes.row("escalation_trigger", "X2"), clock.now.priority)))
        yield Row(RESPONSE, f"{RESPONSE}/{clock.now.number}", _some(missed))


def _shares(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """The timetable of the priority: shares of the resolve clock, then a reminder again and again."""
    clock = shown[RESOLVE]
    if not (clock.runs and clock.now):
        return
    segment, table = clock.now, scene.codes.table("escalation_timetable").get(clock.now.priority)
    if table is None:
        return
    yield Row(RESOLVE, f"{RESOLVE}/{segment.number}", lambda done: _timetable(segment, table, done, scene))
    late = calendar.add(scene.codes, segment.calendar, clocks.instant(segment, 1, scene.codes), 1)
    yield Row("late", f"late/{segment.number}", _some(Moment(1, late)))


def _timetable(segment: Segment, table: Code, done: float, scene: Scene) -> Iterator[Moment]:
    levels = {step["at"]: step.get("level") for step in table.data["steps"]}
    for share in sorted({*levels, scene.codes.policy("warn_share")}):
        if share > done:
            at = clocks.instant(segment, share / 100, scene.codes)
            yield Moment(share, at, _wanted(share, levels.get(share)))
    again = table.data["again"]
    first, every = again["from"], again["every"]
    passed = max(0, int((done - first) // every) + 1)
    # Beyond the timetable a reminder keeps the distance of the whole target, however short the segment is.
    base = min(first, 100)
    start = clocks.instant(segment, base / 100, scene.codes)
    for share in count(first + passed * every, every):
        at = calendar.add(scene.codes, segment.calendar, start, (share - base) / 100 * segment.target)
        yield Moment(share, at, _wanted(share, again["level"]))


def _box(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """First line's time box (200.4)."""
    clock = shown[BOX]
    if clock.runs and clock.now:
        over = Moment(100, clocks.instant(clock.now, 1, scene.codes))
        yield Row(BOX, f"{BOX}/{clock.now.number}", _some(over))


def _acceptance(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """X3: a work order that nobody accepts, at the limit and at twice the limit (200.5).

    Help that was asked for beside it is none: nobody waits for that.
    """
    codes, priority = scene.codes, case.incident.priority
    awaited = ACCEPTED_AT.get(case.incident.status, ())
    limit, stages = codes.minutes(priority, "accept"), codes.row("escalation_trigger", "X3").data["stages"]
    for order in case.work_orders:
        if order.status == "W1" and order.type in awaited and order.due_accept and limit:
            ends, on = order.due_accept, codes.calendar(priority)
            silent = [
                Moment(
                    stage["at"],
                    calendar.add(codes, on, ends, limit * (stage["at"] - 100) / 100),
                    ("X3", stage["level"]),
                )
                for stage in stages
            ]
            yield Row("accept", f"accept/{order.seq}", _some(*silent), order.seq)


def _updates(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """X9: each interval without an outward update; a hold interrupts it (§6.5.1, §6.5.8)."""
    call, codes, since = case.incident, scene.codes, updated(case, shown)
    every = codes.minutes(call.priority, "update")
    if not every or call.status == "ST6" or call.exit_path or since is None:
        return
    levels = {stage["at"]: stage["level"] for stage in codes.row("escalation_trigger", "X9").data["stages"]}

    def after(done: float) -> Iterator[Moment]:
        for number in count(int(done // 100) + 1):
            at = calendar.add(codes, codes.calendar(call.priority), since, number * every)
            level = levels.get(number * 100)
            yield Moment(number * 100, at, ("X9", level) if level else None)

    yield Row(UPDATE, f"{UPDATE}/{since.timestamp():.0f}", after)


def _promise(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """X8: the vendor promised and the moment has passed."""
    engagement = case.engagement if case.incident.status == "ST5" else None
    if engagement and engagement.promised_at:
        level = _level(scene.codes.row("escalation_trigger", "X8"), case.incident.priority)
        broken = Moment(100, engagement.promised_at, ("X8", level))
        key = f"promise/{engagement.seq}/{engagement.promised_at.timestamp():.0f}"
        yield Row("promise", key, _some(broken), engagement.seq)


def _major(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """X1: the next level of a major incident some minutes after it was declared."""
    call, data = case.incident, scene.codes.row("escalation_trigger", "X1").data
    if call.major and call.major_declared_at and data.get("later"):
        at = calendar.add(scene.codes, ALWAYS, call.major_declared_at, data["later"]["minutes"])
        later = Moment(1, at, ("X1", data["later"]["level"]))
        yield Row("major", f"major/{call.major_declared_at.timestamp():.0f}", _some(later))


def _reminders(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """The customer is asked again while the call waits for him (§6.5.4)."""
    if case.incident.status != "ST6":
        return
    opened = next((one for one in reversed(case.holds) if not one.resumed_at), None)
    rule = scene.codes.table("hold").get(opened.reason) if opened else None
    if opened and opened.from_at and rule and rule.data.get("reminders"):
        began = opened.from_at
        reminders = [
            Moment(minutes, calendar.add(scene.codes, rule.data["calendar"], began, minutes))
            for minutes in rule.data["reminders"]
        ]
        yield Row("hold", f"hold/{opened.seq}", _some(*reminders), opened.seq)


def _idle(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """A claimed task whose holder has done nothing to the call for an update interval (§6.5.9)."""
    call, codes = case.incident, scene.codes
    every = codes.minutes(call.priority, "update")
    if every and call.acted_at:
        at = calendar.add(codes, codes.calendar(call.priority), call.acted_at, every)
        yield Row("idle", f"idle/{call.acted_at.timestamp():.0f}", _some(Moment(1, at)))


def _unanswered(case: Case, shown: Clocks, scene: Scene) -> Iterator[Row]:
    """The caller was tried often enough and stays silent: the time after the solution ends it (200.9)."""
    until = confirmation.silent_until(case, scene)
    if until:
        yield Row("unanswered", f"unanswered/{case.incident.attempt_count}", _some(Moment(1, until)))


def _some(*moments: Moment) -> Callable[[float], Iterator[Moment]]:
    return lambda done: (one for one in moments if one.number > done)


def _wanted(share: float, level: Any) -> Wanted | None:
    return (f"T{_plain(share)}", level) if level else None


def _plain(number: float) -> str:
    whole, _, rest = f"{number:.6f}".partition(".")
    return f"{whole}.{rest.rstrip('0')}".rstrip(".")


def _level(trigger: Code, priority: str | None) -> str:
    levels = trigger.data["levels"]
    return str(levels.get(priority or "*") or levels["*"])


WORKED = (_response, _shares, _box, _acceptance, _updates, _promise, _major, _reminders, _idle)

FINDERS: dict[str, tuple[Callable[..., Iterator[Row]], ...]] = {
    "ST7": (_unanswered, _idle),
    "ST8": (),
}
