"""The clocks of a call, replayed from its log: what is due when, and what has elapsed (PROCESS §6.5.1).

The log keeps what happened to a clock as lines `clock`: a start with the target copied from the table, a
pause, a resume, a stop. A change of priority starts a new segment (§6.5.3). Nothing here is stored but
those lines; instants are aware UTC, amounts are minutes on the segment's calendar.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from handlers import calendar
from handlers.codes import Codes
from handlers.incident import ClockLine
from handlers.outcome import Line

LINE = "clock"
_JSON = json.JSONEncoder(ensure_ascii=False)
RESPONSE, RESOLVE, BOX, UPDATE = "response", "resolve", "box", "update"

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a clock of the call."""

    clock: str
    do: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a clock under one priority; `until` is when the next one took over."""

    number: int
    start: datetime
    calendar: str
    minutes: float
    target: float
    priority: str
    pauses: tuple[Span, ...] = ()
    whole: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock as the log tells it; `paused` and `stopped` are since when it stands still.

    `gone` segments were cancelled: numbers are not used again, nor are the marks of what they had fired.
    """

    segments: tuple[Segment, ...] = ()
    pauses: tuple[Span, ...] = ()
    paused: datetime | None = None
    why: str | None = None
    stopped: datetime | None = None
    starts: datetime | None = None
    gone: int = 0

    @property
    def now(self) -> Segment | None:
        """The segment that counts now."""
        return self.segments[-1] if self.segments else None

    @property
    def runs(self) -> bool:
        """It has begun and does not stand still."""
        return bool(self.segments) and self.paused is None and self.stopped is None


@dataclass(frozen=True, slots=True)
class Clocks:
    """All clocks of a call, the last outward update, and how far each row of moments has had its effect."""

    of: Mapping[str, Clock]
    told: datetime | None
    fired: Mapping[str, float]

    def __getitem__(self, kind: str) -> Clock:
        return self.of.get(kind, NONE)


NONE = Clock()


def event(clock: str, do: str, at: datetime, **data: Any) -> Event:
    """A thing that happens to a clock; `data` are the figures that it copies."""
    return Event(clock, do, at, data)


def line(one: Event) -> Line:
    """The log line of an event."""
    said = {"do": one.do, "at": one.at.isoformat(), **one.data}
    return Line(LINE, _JSON.encode(said), one.clock)


def told(at: datetime) -> Line:
    """The log line of an outward update, from which the next interval counts."""
    return line(event(UPDATE, "told", at))


def events(lines: Iterable[ClockLine]) -> list[Event]:
    """The events that log lines tell of."""
    return [_event(one) for one in lines]


def replay(happened: Iterable[Event], so_far: Clocks | None = None) -> Clocks:
    """What the clocks show after these events."""
    of = dict(so_far.of) if so_far else {}
    told, fired = (so_far.told, dict(so_far.fired)) if so_far else (None, {})
    for one in happened:
        if one.do == "fired":
            fired[one.clock] = one.data["upto"]
        elif one.do == "told":
            told = one.at
        else:
            of[one.clock] = STEPS[one.do](of.get(one.clock, NONE), one)
    return Clocks(of, told, fired)


def instant(segment: Segment, share: float, codes: Codes, held: Span | None = None) -> datetime:
    """When this share of the segment's time has passed; `held` is a pause that is not over yet."""
    paused = paused_minutes(segment, codes, held)
    return calendar.add(codes, segment.calendar, segment.start, share * segment.minutes + paused)


def due(clock: Clock, codes: Codes) -> datetime | None:
    """When the clock runs out; None before it began and while it stands in a pause."""
    if clock.now is None or clock.paused is not None:
        return None
    return instant(clock.now, 1, codes)


def paused_minutes(segment: Segment, codes: Codes, held: Span | None = None) -> float:
    """The minutes of its calendar for which the segment stood still."""
    spans = [*segment.pauses, *([held] if held else [])]
    return sum(
        calendar.measure(codes, segment.calendar, max(since, segment.start), until)
        for since, until in spans
        if until > segment.start
    )


def elapsed(clock: Clock, segment: Segment, at: datetime, codes: Codes) -> float:
    """The minutes that the segment had used up at an instant, standing still left out."""
    stops = [one for one in (segment.until, clock.stopped, clock.paused) if one]
    end = min([at, *stops])
    gone = calendar.measure(codes, segment.calendar, segment.start, end)
    return max(gone - paused_minutes(replace(segment, pauses=_before(segment.pauses, end)), codes), 0)


def total(clock: Clock, at: datetime, codes: Codes) -> float:
    """The reported time: the sum over the segments; a lowering begins anew from the first start."""
    whole = max((place for place, one in enumerate(clock.segments) if one.whole), default=0)
    return sum(elapsed(clock, one, at, codes) for one in clock.segments[whole:])


def breached(clock: Clock, at: datetime, codes: Codes) -> Segment | None:
    """The first segment that used more than its time by then: strictly more, on time at the last minute."""
    return next((one for one in clock.segments if elapsed(clock, one, at, codes) > one.minutes), None)


def breach(segment: Segment, codes: Codes) -> datetime:
    """When a segment ran out; what it stood still after that does not move it."""
    at = calendar.add(codes, segment.calendar, segment.start, segment.minutes)
    paused = 0.0
    for since, until in segment.pauses:
        if since >= at:
            break
        paused += calendar.measure(codes, segment.calendar, max(since, segment.start), until)
        at = calendar.add(codes, segment.calendar, segment.start, segment.minutes + paused)
    return at


def _event(one: ClockLine) -> Event:
    said = json.loads(one.new)
    do, at = said.pop("do"), datetime.fromisoformat(said.pop("at"))
    return Event(one.field, do, at, said)


def _start(clock: Clock, one: Event) -> Clock:
    """A segment from `at`; `since` says when the priority changed, `whole` keeps all pauses so far."""
    since = datetime.fromisoformat(one.data["since"]) if "since" in one.data else one.at
    ended = tuple(seg if seg.until else replace(seg, until=since) for seg in clock.segments)
    whole = bool(one.data.get("whole"))
    figures = {name: one.data[name] for name in ("calendar", "minutes", "target", "priority")}
    number = clock.gone + len(ended) + 1
    fresh = Segment(number, one.at, pauses=clock.pauses if whole else (), whole=whole, **figures)
    return replace(clock, segments=(*ended, fresh), starts=None, stopped=None)


def _pause(clock: Clock, one: Event) -> Clock:
    return replace(clock, paused=one.at, why=one.data.get("why"))


def _resume(clock: Clock, one: Event) -> Clock:
    if clock.paused is None or clock.now is None:
        return clock
    span = (clock.paused, one.at)
    segments = tuple(_stood(segment, *span) for segment in clock.segments)
    return replace(clock, segments=segments, pauses=(*clock.pauses, span), paused=None, why=None)


def _stood(segment: Segment, since: datetime, until: datetime) -> Segment:
    """The segment with its part of a pause, which may have begun before a change of priority."""
    until = min(until, segment.until or until)
    return replace(segment, pauses=(*segment.pauses, (since, until))) if since < until else segment


def _stop(clock: Clock, one: Event) -> Clock:
    return replace(clock, stopped=one.at)


def _cancel(clock: Clock, one: Event) -> Clock:
    """It counts for nothing any more (S07); another may begin."""
    return Clock(starts=clock.starts, gone=clock.gone + len(clock.segments))


def _from(clock: Clock, one: Event) -> Clock:
    """The clock that begins next counts from here, not from the report (§6.5.1)."""
    return replace(clock, starts=one.at)


def _before(pauses: tuple[Span, ...], end: datetime) -> tuple[Span, ...]:
    return tuple((since, min(until, end)) for since, until in pauses if since < end)


STEPS = {
    "start": _start,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "cancel": _cancel,
    "from": _from,
}
