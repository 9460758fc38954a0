"""What time does to a call: `follow` keeps its clocks in line with its record, `look` does what is due.

Each moment has its effect once: a mark in the log says how far each row has come. After a downtime only
the highest of what was missed has its effect, and the others are named (PROCESS §6.6.5).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from handlers import clocks, levels, messages, moments, position, targets, triggers, vendor
from handlers.clocks import RESOLVE, RESPONSE, Clocks, Event
from handlers.incident import Case, Scene
from handlers.moments import Moment, Row
from handlers.outcome import Job, Line, Notice, Outcome

Act = Callable[[Case, Row, list[Moment], Scene], Outcome]
"""What the moments of a row that are due do together."""


def follow(case: Case, scene: Scene, *, again: bool = False) -> Outcome:
    """What a verb did to the clocks, what lists show of them, and when to look next.

    `again` asks for that look in any case, since the one that was asked for has just been had. One that is
    in the past by now is asked for anew as well: should its job have failed, the clocks go on.
    """
    shown, happened = targets.follow(case, scene)
    changes = _shown(case, shown, scene) | _overdue(case, shown, happened, scene)
    outcome = Outcome(changes, lines=[clocks.line(one) for one in happened])
    at = changes["look_at"]
    if at is None or (at == case.incident.look_at and at > scene.now and not again):
        return outcome
    return outcome + Outcome(jobs=[wake(case.incident.no, at)])


def wake(no: str, at: datetime | None) -> Job:
    """The job that looks at a call; there is one for each call, and it is renewed."""
    return Job("domain", f"look:{no}", {"what": "look", "no": no}, at, renewed=True)


def watch(no: str, at: datetime | None, now: datetime) -> Job:
    """The look of an open call as a start makes sure of it: one that did not happen in its time is renewed.

    One to come is only added where it is missing: its job may have been put off meanwhile.
    """
    job = wake(no, at)
    return job if at is None or at <= now else replace(job, renewed=False)


def look(case: Case, payload: Mapping[str, Any], scene: Scene) -> Outcome:
    """Do what is due by now: the last of each row, and one escalation to the highest level of all."""
    shown, happened = targets.follow(case, scene)
    outcome = Outcome(lines=[clocks.line(one) for one in happened])
    wanted: list[list[moments.Wanted]] = []
    for row in moments.rows(case, shown, scene):
        due, left_out = moments.due(row, shown, scene.now)
        if due:
            outcome += ACTS[row.kind](case, row, due, scene) + _noted(row, due, left_out, scene)
            wanted.append([one.wants for one in due if one.wants])
    return outcome + _escalate(case, [each for each in wanted if each], scene)


def told(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """An outward update begins the next interval, and of P1, P2 and major incidents others hear too (§6.5.8).

    Which notices are an update, and what the stakeholders read, is said by their table.
    """
    if not outcome.notices:
        return outcome
    events = [(scene.codes.row("notice", one.event).data, one.recipient) for one in outcome.notices]
    words = dict.fromkeys(data["stakeholders"] for data, _ in events if data.get("stakeholders"))
    if words and _has_stakeholders(case, outcome, scene):
        outcome += Outcome(notices=_to_stakeholders(words, scene))
    said = clocks.told(scene.now)
    if said in outcome.lines or not any(who and data.get("update") for data, who in events):
        return outcome
    return outcome + Outcome(lines=[said])


def _has_stakeholders(case: Case, outcome: Outcome, scene: Scene) -> bool:
    """It is major, or was or becomes one of the priorities whose status others hear; not a child."""
    if outcome.changes.get("parent", case.incident.parent):
        return False
    call, table = case.incident, scene.codes.table("priority")
    known = (table.get(one or "") for one in (call.priority, outcome.changes.get("priority")))
    return call.major or any(row is not None and bool(row.data.get("stakeholders")) for row in known)


def _to_stakeholders(words: Iterable[str], scene: Scene) -> list[Notice]:
    groups = scene.codes.policy("stakeholder_groups")
    people = dict.fromkeys(one for group in groups for one in scene.facts.leaders(group))
    return [Notice("stakeholder_update", one, {"what": what}) for what in words for one in people]


def _shown(case: Case, shown: Clocks, scene: Scene) -> dict[str, Any]:
    """What lists show."""
    known = [*moments.rows(case, shown, scene)]
    return {
        "respond_by": clocks.due(shown[RESPONSE], scene.codes),
        "resolve_by": clocks.due(shown[RESOLVE], scene.codes),
        "update_by": moments.next_update(known),
        "look_at": moments.next_look(known, shown),
    }


def _overdue(case: Case, shown: Clocks, happened: list[Event], scene: Scene) -> dict[str, Any]:
    """A breach is written once, with the group that held the call then (§6.1.2).

    That of a cancelled clock stays in the log and leaves the figures with the call (§6.5.1); so does one
    that was none, as the solution that is entered now came in time or the day is no working day any more.
    """
    call, clock = case.incident, shown[RESOLVE]
    cancelled = any((one.clock, one.do) == (RESOLVE, "cancel") for one in happened)
    late = clocks.breached(clock, scene.now, scene.codes)
    if late and (cancelled or call.overdue_at is None):
        handed = case.hand_off.group if case.hand_off else None
        group = call.assigned_group or handed or call.owner_group
        return {"overdue_at": clocks.breach(late, scene.codes), "overdue_group": group}
    return {} if late else {"overdue_at": None, "overdue_group": None}


def _noted(row: Row, due: list[Moment], left_out: bool, scene: Scene) -> Outcome:
    """The mark of the last, with those that it stands for; `more` if others between are not named."""
    passed = [one.number for one in due[:-1]]
    said: dict[str, Any] = {"skipped": passed} if passed else {}
    said |= {"more": True} if left_out else {}
    mark = clocks.event(row.key, "fired", scene.now, upto=due[-1].number, **said)
    return Outcome(lines=[clocks.line(mark)])


def _escalate(case: Case, wanted: list[list[moments.Wanted]], scene: Scene) -> Outcome:
    """To the highest level that the rows want, by the last moment of a row that wants it."""
    if not wanted:
        return Outcome()

    def rank(one: moments.Wanted) -> int:
        return levels.rank(one[1], scene)

    code, level = max((max(reversed(row), key=rank) for row in wanted), key=rank)
    others = [f"{c} {at}" for c, at in dict.fromkeys(chain(*wanted)) if (c, at) != (code, level)]
    left = Outcome(lines=[Line("escalation_skipped", ", ".join(others))] if others else [])
    return triggers.by_time(case, code, level, scene) + left


def _nothing(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """The moment's call for a level, or the look itself, is all."""
    return Outcome()


def _share(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """The caller is warned of a likely miss, and who is only told is told (§6.5.8, §6.6.3).

    Of thresholds missed together the caller's warning and the groups that are told too are not skipped.
    """
    call, codes, passed = case.incident, scene.codes, {one.number for one in due}
    warned = codes.policy("warn_share") in passed
    table = codes.row("escalation_timetable", call.priority)
    steps = [step for step in table.data["steps"] if step["at"] in passed]
    only_told = next((step.get("status", ()) for step in steps if step["at"] == due[-1].number), ())
    groups = [group for step in steps for group in step.get("also", ())]
    status = triggers.status_to(case, only_told, groups, f"{row.key}/{due[-1].name}", scene)
    return Outcome(notices=[Notice("likely_miss", call.told)] if warned else ()) + status


def _box(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """First line's time is over: it is dispatched, or agent and shift leader are reminded (200.4)."""
    call, codes = case.incident, scene.codes
    if codes.row("priority", call.priority).data.get("box_dispatches"):
        return Outcome(jobs=[messages.send(f"time_box_over:{call.no}:{row.key}", "time_box_over", call.no)])
    leaders = scene.facts.leaders(call.owner_group)[:1]
    people = dict.fromkeys(one for one in (call.owner, *leaders) if one)
    return Outcome(notices=[Notice("box_over", one, {}, f"{row.key}/{one}") for one in people])


def _silent(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """Nobody accepts: leader and backup of the group are told; the desk may recall it (200.5)."""
    order = next(one for one in case.work_orders if one.seq == row.subject)
    leaders = scene.facts.leaders(order.group or case.incident.owner_group)
    people = [one for one in leaders if one != case.incident.complained_about]
    params = {"order": order.no, "group": order.group}
    key = f"{row.key}/{due[-1].name}"
    return Outcome(notices=[Notice("not_accepted", one, params, f"{key}/{one}") for one in people])


def _update(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """An update is due: the owner owes one to the caller, the stakeholders hear where it stands (§6.5.8)."""
    call, codes = case.incident, scene.codes
    key = f"{row.key}/{due[-1].name}"
    outcome = Outcome(notices=[Notice("update_due", call.owner, {}, f"{key}/{call.owner}")])
    if call.major or codes.row("priority", call.priority).data.get("stakeholders"):
        groups = codes.policy("stakeholder_groups")
        outcome += triggers.status_to(case, (), groups, key, scene)
    return outcome


def _promise(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """The promise is broken: it is counted, and the vendor's escalation contact is asked (200.8)."""
    return vendor.promise_broken(case, scene)


def _reminder(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """The customer is asked again, and the owner knows."""
    key = f"{row.key}/{due[-1].name}"
    people = dict.fromkeys(one for one in (case.incident.told, case.incident.owner) if one)
    return Outcome(notices=[Notice("hold_reminder", one, {}, f"{key}/{one}") for one in people])


def _unanswered(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """The caller stays silent: the call is closed, or the desk or the manager decides (200.9)."""
    call = case.incident
    return Outcome(jobs=[messages.send(f"unanswered:{call.no}:{call.attempt_count}", "unanswered", call.no)])


def _idle(case: Case, row: Row, due: list[Moment], scene: Scene) -> Outcome:
    """The claim ends: the task goes back to its group, whose leader hears of it (§6.5.9)."""
    call = case.incident
    group = call.assigned_group if call.status in position.ASSIGNING else call.owner_group
    told = dict.fromkeys(one for one in (call.claimed_by, *scene.facts.leaders(str(group))[:1]) if one)
    said = {"holder": call.claimed_by, "group": group}
    given_back = {"task": call.claimed_task, "person": call.claimed_by}
    return Outcome(
        notices=[Notice("task_returned", one, said, f"{row.key}/{one}") for one in told],
        jobs=[Job("unclaim", f"unclaim:{call.no}:{row.key}", given_back)],
        lines=[Line("task_returned", f"{call.claimed_by} {group}")],
    )


ACTS: Mapping[str, Act] = {
    "response": _nothing,
    "resolve": _share,
    "late": _nothing,
    "box": _box,
    "accept": _silent,
    "update": _update,
    "promise": _promise,
    "major": _nothing,
    "hold": _reminder,
    "unanswered": _unanswered,
    "idle": _idle,
}
