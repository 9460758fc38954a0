"""What the state of a call does to its clocks: they begin, stand still, go on, change their target.

Asked after every verb (`follow`): what it returns are log lines for the clocks to be replayed from, and
what lists show (PROCESS §6.5.1, §6.5.3, §6.5.4). Nobody is told and nothing moves here.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from handlers import calendar, clocks, major
from handlers.clocks import BOX, RESOLVE, RESPONSE, Clock, Clocks, Event, Segment, event
from handlers.codes import Code
from handlers.incident import Case, Incident, Scene
from handlers.status import SOLVED, TO_CONFIRM

FIRST_LINE = "200.4"


def follow(case: Case, scene: Scene) -> tuple[Clocks, list[Event]]:
    """The clocks of the call as it stands now, and what has just happened to them."""
    shown = clocks.replay(clocks.events(case.clock_lines))
    happened: list[Event] = []
    for rule in RULES:
        fresh = list(rule(case, shown, scene))
        if fresh:
            shown = clocks.replay(fresh, shown)
            happened += fresh
    return shown, happened


def promised(case: Case, priority: str, scene: Scene) -> str:
    """When the call is to be solved, as its caller reads it, if this is its priority from now on."""
    shown, _ = follow(Case(case.incident.changed({"priority": priority}), case.read), scene)
    ends = clocks.due(shown[RESOLVE], scene.codes)
    return calendar.wall(scene.codes, ends) if ends else "-"


def minutes(call: Incident, kind: str, scene: Scene) -> float | None:
    """The target of a clock now: the leaf's own for a request, else the figure of the priority's row."""
    if kind == RESOLVE and call.call_type != "INC":
        own = scene.codes.inherited(call.classification, "resolve")
        if own:
            return float(own)
    return scene.codes.minutes(call.priority, FIGURES[kind])


def _cancelled(case: Case, shown: Clocks, scene: Scene) -> Iterator[Event]:
    """An incident that becomes a request, or the reverse, has no incident (or request) clock any more."""
    for kind in (RESPONSE, RESOLVE):
        segment = shown[kind].now
        if segment and not _same_kind(segment, case.incident, scene):
            yield event(kind, "cancel", scene.now)


def _begun(case: Case, shown: Clocks, scene: Scene) -> Iterator[Event]:
    """A clock begins when the priority is known, and counts from the report (§6.5.1)."""
    call = case.incident
    for kind in (RESPONSE, RESOLVE):
        if shown[kind].now is None and call.priority and minutes(call, kind, scene):
            start = shown[kind].starts or call.reported_at
            yield _start(call, kind, start, scene)
            if kind == RESOLVE:
                yield from _held_before(case, start, scene)


def _held_before(case: Case, start: datetime, scene: Scene) -> Iterator[Event]:
    """What waited for the customer before it was judged is not charged, unless it must not wait (§6.5.4)."""
    call = case.incident
    for one in case.holds:
        rule = scene.codes.table("hold").get(one.reason)
        until = one.resumed_at or scene.now
        if (
            one.from_at
            and until > start
            and rule
            and rule.data["stops"]
            and not _forbidden(rule, call, scene)
        ):
            yield event(RESOLVE, "pause", max(one.from_at, start), why=rule.code)
            yield event(RESOLVE, "resume", until)


def _forbidden(rule: Code, call: Incident, scene: Scene) -> bool:
    """The priority that it got since would not have let the desk hold it."""
    never = rule.data.get("never", ())
    is_major = call.major or major.criteria(call.impact, call.priority, scene)
    return call.priority in (*never, *rule.data.get("manager", ())) or bool(never and is_major)


def _changed(case: Case, shown: Clocks, scene: Scene) -> Iterator[Event]:
    """Another priority: a raise begins anew and never ends later, a lowering counts from the first start."""
    call = case.incident
    for kind in (RESPONSE, RESOLVE):
        clock, target = shown[kind], minutes(call, kind, scene)
        if clock.now is None or clock.stopped or not target or clock.now.priority == call.priority:
            continue
        if scene.codes.rank(str(call.priority)) > scene.codes.rank(clock.now.priority):
            first = clock.segments[0].start
            yield _start(call, kind, first, scene, since=scene.now.isoformat(), whole=True)
        else:
            left = _left(clock, clock.now, call, scene)
            yield _start(call, kind, scene.now, scene, minutes=min(target, left))


def _paused(case: Case, shown: Clocks, scene: Scene) -> Iterator[Event]:
    """Solved, closed, or on a hold that stops the clock: it stands still from now, or since the solution.

    A call that closes without ST7 may have an older solution, which the caller has refused.
    """
    call, clock = case.incident, shown[RESOLVE]
    why = _stands(call, scene)
    if clock.now is None or clock.paused is not None or why is None:
        return
    since = call.resolved_at if call.status == TO_CONFIRM and call.resolved_at else scene.now
    last = max((until for _, until in clock.pauses), default=clock.segments[0].start)
    yield event(RESOLVE, "pause", min(max(since, last), scene.now), why=why)


def _resumed(case: Case, shown: Clocks, scene: Scene) -> Iterator[Event]:
    """Refused, reopened, or the hold is over: it goes on, and what it stood still is not charged."""
    clock = shown[RESOLVE]
    if clock.paused is not None and _stands(case.incident, scene) is None:
        yield event(RESOLVE, "resume", _over(case, clock.paused) or scene.now)


def _over(case: Case, since: datetime) -> datetime | None:
    """When the hold ended for which the clock has stood still since then."""
    return next((one.resumed_at for one in reversed(case.holds) if one.from_at == since), None)


def _responded(case: Case, shown: Clocks, scene: Scene) -> Iterator[Event]:
    """The first claim by a supporter answers for good."""
    clock, first = shown[RESPONSE], case.incident.first_response_at
    if clock.now and clock.stopped is None and first:
        yield event(RESPONSE, "stop", first)


def _boxed(case: Case, shown: Clocks, scene: Scene) -> Iterator[Event]:
    """First line's time box: one for each stay at 200.4, by the priority that the call has now."""
    call, clock = case.incident, shown[BOX]
    inside = call.status == "ST2" and call.step == FIRST_LINE and bool(minutes(call, BOX, scene))
    if clock.runs and not inside:
        yield event(BOX, "stop", scene.now)
    elif inside and not clock.runs:
        yield _start(call, BOX, scene.now, scene)
    elif inside and clock.now and clock.now.priority != call.priority:
        yield _start(call, BOX, clock.now.start, scene, since=scene.now.isoformat())


def _start(call: Incident, kind: str, at: datetime, scene: Scene, **said: Any) -> Event:
    """A segment with its target copied from the tables; a later edit of them does not touch it."""
    target = minutes(call, kind, scene) or 0
    copied = {
        "priority": call.priority,
        "calendar": scene.codes.calendar(call.priority),
        "minutes": target,
        "target": target,
    }
    return event(kind, "start", at, **(copied | said))


def _left(clock: Clock, segment: Segment, call: Incident, scene: Scene) -> float:
    """The time till the old due moment, on the new calendar."""
    held = (clock.paused, scene.now) if clock.paused else None
    ends = clocks.instant(segment, 1, scene.codes, held)
    return calendar.measure(scene.codes, scene.codes.calendar(call.priority), scene.now, ends)


def _stands(call: Incident, scene: Scene) -> str | None:
    """Why the resolve clock stands still: the status, an end without a solution, or a hold that stops it."""
    if call.status in SOLVED:
        return call.status
    if call.exit_path:
        return call.exit_path
    hold = scene.codes.table("hold").get(call.hold or "")
    return hold.code if call.status == "ST6" and hold and hold.data["stops"] else None


def _same_kind(segment: Segment, call: Incident, scene: Scene) -> bool:
    if segment.priority in scene.codes.given_priorities:
        return call.call_type == "INC"
    return segment.priority == call.call_type


FIGURES = {RESPONSE: "response", RESOLVE: "resolve", BOX: "l1_box"}

RULES = (_cancelled, _begun, _changed, _resumed, _paused, _responded, _boxed)
