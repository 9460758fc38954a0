"""Where the call stands: status, step and hold as the diagram declares them, and who holds the open task."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from handlers import duplicates, triggers, waits, work_orders
from handlers.incident import Case, Scene
from handlers.outcome import Notice, Outcome, Row, TaskFields

RECORDED_BY = "T200_1"
ASSIGNING = ("ST3", "ST4", "ST5")
ASSIGNED = ("T200_5_accept", "T200_6", "T200_7", "T200_8")
"""The tasks of second line, which carry its work orders."""
NOBODY: Mapping[str, Any] = {"claimed_by": None, "claimed_task": None, "acted_at": None}


class Element(Protocol):
    """A node of the diagram, as the engine shows it."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def properties(self) -> Mapping[str, str]: ...


def arrived(case: Case, places: Sequence[Element], scene: Scene) -> Outcome:
    """The tokens came to rest: what the place declares is written to the call (§6.11 invariant 2)."""
    place = next((one for one in places if "status" in one.properties or "step" in one.properties), None)
    if place is None:
        return Outcome()
    call, changes = case.incident, _declared(place)
    new = changes.get("status", call.status)
    outcome = Outcome(changes)
    if call.status == "ST6" and new != "ST6":
        outcome += waits.resume(case, waits.BY_TIME, scene) + Outcome({"hold": None, "held_from": None})
    if new == call.status:
        return outcome + _stamps(case, place.id, new, scene)
    return outcome + _stamps(case, place.id, new, scene) + _reached(case, new, scene)


def tasks(case: Case, places: Sequence[Element], scene: Scene) -> dict[str, TaskFields]:
    """Priority, assignee and due of the open tasks: a second-line task is proposed to the call's assignee."""
    urgent = urgency(case, places, scene)
    second_line = {place.id for place in places if place.properties.get("status") in ASSIGNING}
    return {
        place: replace(fields, assignee=case.incident.assignee) if place in second_line else fields
        for place, fields in urgent.items()
    }


def urgency(case: Case, places: Sequence[Element], scene: Scene) -> dict[str, TaskFields]:
    """Priority and due of the open tasks, as the call's priority says (PROCESS §6.7.1)."""
    number = scene.codes.minutes(case.incident.priority, "task")
    return {
        place.id: TaskFields(priority=number, due_at=_due(case, place)) for place in places if _is_task(place)
    }


def claimed(case: Case, place: str, assignee: str | None, scene: Scene, *, answers: bool = False) -> Outcome:
    """A claim is the first response, and at second line the assignment of call and work order.

    Who `answers` for the one who has it, the manager for another group's, does not take it from him.
    """
    call = case.incident
    changes: dict[str, Any] = {}
    if assignee == scene.by.id and place != RECORDED_BY and call.first_response_at is None:
        changes["first_response_at"] = scene.now
    acts_for = answers and call.assignee and call.assigned_group not in scene.by.groups
    if place not in ASSIGNED or call.assignee == assignee or acts_for:
        return Outcome(changes)
    order, carried = case.dispatch, work_orders.carried(case)
    rows = tuple(row for one in carried for row in work_orders.reassign(one, assignee, scene))
    if place != "T200_5_accept":
        rows = (*rows, *(work_orders.step(order, "W3", scene) if order and order.status == "W2" else ()))
    return Outcome({**changes, "assignee": assignee}, rows=rows)


def held(task_id: str, person: str | None, scene: Scene) -> Outcome:
    """Who holds the open task, and since when; nobody, when it goes back to its groups."""
    if person is None:
        return Outcome(NOBODY)
    return Outcome({"claimed_by": person, "claimed_task": task_id, "acted_at": scene.now})


def released(case: Case, places: Sequence[Element], opened: Mapping[str, str]) -> Outcome:
    """The task that was claimed is over when the token moved on: another one opened, or none is open."""
    stays = not opened and any(map(_is_task, places))
    return Outcome() if stays or case.incident.claimed_by is None else Outcome(NOBODY)


def acted(case: Case, outcome: Outcome, scene: Scene) -> Outcome:
    """The holder of the open task does something to the call: the task is not idle (§6.5.9)."""
    if scene.by.id != case.incident.claimed_by:
        return outcome
    return Outcome({"acted_at": scene.now}) + outcome


def carried(case: Case, opened: Mapping[str, str]) -> Outcome:
    """The task that opens at second line is named by the work orders that it carries (PROCESS §6.1.3)."""
    task_id = next((opened[place] for place in ASSIGNED if place in opened), None)
    if task_id is None:
        return Outcome()
    return Outcome(
        rows=[Row("work_order", order.seq, {"task_id": task_id}) for order in work_orders.carried(case)]
    )


def _is_task(place: Element) -> bool:
    return place.type.lower().endswith("usertask")


def _declared(place: Element) -> dict[str, Any]:
    declared: dict[str, Any] = {}
    for name in ("status", "step"):
        if name in place.properties:
            declared[name] = place.properties[name]
    if declared.get("status") == "ST6":
        declared["hold"] = place.properties.get("hold")
    return declared


def _stamps(case: Case, place: str, status: str, scene: Scene) -> Outcome:
    """The moments that are set once, and W3 when an accepted dispatch is worked on."""
    call = case.incident
    if place == "T200_4" and call.l1_started_at is None:
        return Outcome({"l1_started_at": scene.now})
    if status == "ST4" and call.status in ("ST2", "ST3"):
        order = case.dispatch
        worked = (
            work_orders.step(order, "W3", scene) if order and order.status == "W2" and call.assignee else ()
        )
        return Outcome({"l2_started_at": call.l2_started_at or scene.now}, rows=worked)
    return Outcome()


def _reached(case: Case, status: str, scene: Scene) -> Outcome:
    """Solved, handed off or closed: the escalation ends, the caller and the children are told."""
    if status not in triggers.OVER:
        return Outcome()
    outcome = Outcome(jobs=triggers.ending(case))
    if status != "ST7":
        return outcome
    told = Outcome(
        notices=[Notice("solved", case.incident.told)], jobs=duplicates.release(case.incident, scene)
    )
    return outcome + told


def _due(case: Case, place: Element) -> datetime | None:
    """A dispatch is accepted within the limit of its work order."""
    order = case.dispatch if place.properties.get("status") == "ST3" else None
    return order.due_accept if order else None
