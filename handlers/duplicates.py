"""Duplicates and parents: linked, not worked, each caller asked (PROCESS §6.5.5, POL-07)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from handlers import answers, clocks, messages, rights, triggers, waits, work_orders
from handlers.errors import ParentRefused
from handlers.incident import Answer, Case, Incident, Scene
from handlers.outcome import Job, Line, Notice, Outcome
from handlers.status import SOLVED

JUDGED = ("category", "impact", "urgency", "priority")
BEFORE_SOLVED = ("ST1", "ST2", "ST3", "ST4", "ST5", "ST6")
MANY = "children"
"""The mark in the log that many children were noticed."""


def link(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Make the call a child: its work orders are recalled, it waits for the parent and is nobody's work."""
    answers.need(answer, "parent")
    parent = str(answer["parent"])
    _may_be_parent(case, parent, scene)
    comment = answers.text(answer, "hold_comment") or f"与 {parent} 重复 / duplicate of {parent}"
    waiting = waits.hold(case, "H3", {"hold_comment": comment}, scene, first_line_step(case.incident))
    linked = Outcome(
        {**waiting.changes, "parent": parent, "assigned_group": None, "assignee": None},
        waiting.variables,
        rows=[row for row in waiting.rows if row.table == "hold"],
        notices=waiting.notices,
        jobs=[_linked(case.incident, parent, scene)],
        lines=[Line("duplicate", parent)],
    )
    return linked + work_orders.recall(case, scene)


def many_children(case: Case, payload: Mapping[str, Any], scene: Scene) -> Outcome:
    """A child was linked to this call: so many in so short a time are X10, once for a call (§6.6.4).

    The owner is told to judge the impact again (§6.5.5).
    """
    call, rule = case.incident, scene.codes.row("escalation_trigger", "X10").data
    until = datetime.fromisoformat(payload["at"])
    linked = scene.facts.linked(call.no, until - timedelta(minutes=rule["within"]), until)
    if linked < rule["children"] or call.status not in BEFORE_SOLVED or _noticed(case):
        return Outcome()
    params = {"children": linked, "within": rule["within"]}
    noticed = Outcome(
        notices=[Notice("rejudge_impact", call.owner, params)],
        lines=[clocks.line(clocks.event(MANY, "fired", scene.now, upto=linked))],
    )
    return noticed + triggers.trigger(case, "X10", scene)


def parent_solved(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The parent's solution is copied, marked inherited; the child goes to its own confirmation.

    A child that was linked before it was judged takes the parent's judgement, so that first line can
    work on it if its caller refuses.
    """
    rights.desk(scene, "parent_solved")
    parent = scene.facts.call(case.incident.parent or "")
    if parent is None or parent.status not in SOLVED:
        raise ParentRefused(parent=case.incident.parent, why_zh="尚未解决", why_en="it is not solved yet")
    solved = {
        name: getattr(parent, name) for name in ("solution_tier", "solution_kind", "solution_steps", "solver")
    }
    judged = {name: getattr(case.incident, name) or getattr(parent, name) for name in JUDGED}
    return waits.resume(case, "parent_solved", scene) + Outcome(
        {
            **solved,
            **judged,
            "prioritised_at": case.incident.prioritised_at or scene.now,
            "solution_inherited": True,
            "first_resolved_at": case.incident.first_resolved_at or scene.now,
            "resolved_at": scene.now,
            "service_restored_at": parent.service_restored_at,
        }
    )


def detached(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Not a duplicate after all: the child is judged, if it never was, and worked by first line again."""
    rights.desk(scene, "detached")
    step = first_line_step(case.incident)
    return Outcome({"parent": None}, {"return_step": step}) + waits.resume(case, "detached", scene)


def first_line_step(call: Incident) -> str:
    """First line works on what has a category and a priority; what was linked before that gets them first."""
    return "T200_4" if call.category and call.priority else "T200_2"


def release(parent: Incident, scene: Scene) -> list[Job]:
    """A message to each waiting child, when its parent is solved; each moves in its own transaction."""
    return [
        messages.send(f"parent_solved:{child.no}:{child.version}:{parent.version}", "parent_solved", child.no)
        for child in scene.facts.children(parent.no)
        if child.status == "ST6"
    ]


def unsolved(parent: Incident, scene: Scene) -> list[str]:
    """The children that keep their parent from closing (§6.11 invariant 16)."""
    return [child.no for child in scene.facts.children(parent.no) if child.status in BEFORE_SOLVED]


def _linked(child: Incident, parent: str, scene: Scene) -> Job:
    """The parent looks at its children in its own transaction."""
    payload = {"what": "children", "no": parent, "at": scene.now.isoformat()}
    return Job("domain", f"children:{parent}:{child.no}:{child.version}", payload)


def _noticed(case: Case) -> bool:
    return MANY in clocks.replay(clocks.events(case.clock_lines)).fired


def _may_be_parent(case: Case, no: str, scene: Scene) -> None:
    """One parent, no grand-children (§6.11 invariant 15), and a parent that is still open."""
    parent = scene.facts.call(no)
    if parent is None:
        why = ("没有这个编号", "there is no such call")
    elif parent.no == case.incident.no:
        why = ("不能以自己为主事件", "it is the call itself")
    elif parent.parent:
        why = (f"它自己是 {parent.parent} 的从事件", f"it is itself a child of {parent.parent}")
    elif parent.status not in BEFORE_SOLVED:
        why = ("它已解决、已关闭或已转出", "it is solved, closed or handed off")
    elif parent.call_type != "INC":
        why = ("它不是事件", "it is not an incident")
    elif scene.facts.children(case.incident.no):
        why = ("本事件已有从事件", "this call has children of its own")
    else:
        return
    raise ParentRefused("parent", parent=no, why_zh=why[0], why_en=why[1])


MESSAGES = {"parent_solved": parent_solved, "detached": detached}
