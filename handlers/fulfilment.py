"""Who fulfils a request or handles a 申述, by when, and what their work order does to the hand-off."""

from datetime import datetime
from typing import Any

from handlers import answers, calendar, clocks, rights, targets, work_orders
from handlers.errors import NotAMember, UnknownRecord, WorkOrderNotNow
from handlers.incident import Answer, Case, HandOff, Incident, Scene, WorkOrder
from handlers.outcome import Line, Notice, Outcome, Row

COMPLAINT, REQUEST = "CMP", "SRQ"


def kind(call: Incident) -> str:
    """The type of the work order, and the process that the call is handed to."""
    return COMPLAINT if call.call_type == COMPLAINT else REQUEST


def group(call: Incident, answer: Answer, scene: Scene) -> str:
    """The group that the desk names, else the one of the classification, else the policy's."""
    policy = "complaint_group" if kind(call) == COMPLAINT else "request_group"
    default = scene.codes.inherited(call.classification, "group") or scene.codes.policy(policy)
    chosen = scene.facts.group(str(answer.get("group") or default))
    if chosen is None or not chosen.active:
        raise UnknownRecord("group", table="workgroup", value=answer.get("group") or default)
    return chosen.code


def handler(case: Case, chosen: str, answer: Answer, scene: Scene) -> str | None:
    """Whom the desk names; a 申述 without one goes to the first leader it is not about (POL-09)."""
    named = answers.text(answer, "handler")
    rights.not_concerned(case, scene, named)
    if named and not scene.facts.member(chosen, named):
        raise NotAMember("handler", person=named, group=chosen)
    if named or kind(case.incident) != COMPLAINT:
        return named
    about = case.incident.complained_about
    return next((one for one in scene.facts.leaders(chosen) if one != about), None)


def issue(case: Case, chosen: str, person: str | None, scene: Scene, **values: Any) -> Row:
    """Its work order, to be accepted and finished in the time of the call's type."""
    call = case.incident
    values["due_accept"] = calendar.due(scene.codes, call.call_type, "accept", scene.now)
    values["due_finish"] = due(call, scene)
    return work_orders.issue(case, kind(call), scene, group=chosen, assignee=person, **values)


def due(call: Incident, scene: Scene) -> datetime | None:
    """The target of the leaf, else of the row SR or CMP, from the report on (PROCESS §6.5.1, §6.7.1)."""
    minutes = targets.minutes(call, clocks.RESOLVE, scene)
    if minutes is None:
        return None
    return calendar.add(scene.codes, scene.codes.calendar(call.call_type), call.reported_at, minutes)


def told(case: Case, order: Row, scene: Scene) -> list[Notice]:
    """The handler or the group's leader of the new work order, and the complainant of the handler."""
    chosen, person = str(order.values["group"]), order.values["assignee"]
    about = case.incident.complained_about
    leaders = [one for one in scene.facts.leaders(chosen) if one != about][:1]
    issued = [Notice("dispatched", one, {"group": chosen}) for one in ([person] if person else leaders)]
    return [*issued, *_complainant(case, order.seq, person, scene)]


def issue_again(
    case: Case, wanted: str, chosen: str, person: str | None, comment: str | None, scene: Scene
) -> Outcome:
    """In place of a work order that was rejected or recalled; the call waits on. Raises WorkOrderNotNow."""
    hand_off, call = case.hand_off, case.incident
    working = any(order.type == wanted and order.status in work_orders.OPEN for order in case.work_orders)
    if hand_off is None or hand_off.process != wanted or working:
        raise WorkOrderNotNow("type", type=wanted, no=call.no, status=call.status)
    order = issue(case, chosen, person, scene, comment=comment)
    values = {"group": chosen, "handler": person, "work_order": order.seq, "accepted_at": None}
    return Outcome(rows=[order, Row("hand_off", hand_off.seq, values)], notices=told(case, order, scene))


def accepted(case: Case, order: WorkOrder, person: str, scene: Scene) -> Outcome:
    """The hand-off is accepted with its work order."""
    return _given(case, order, person, scene, accepted_at=scene.now)


def given(case: Case, order: WorkOrder, person: str | None, scene: Scene) -> Outcome:
    """Another handler: the hand-off and, of a 申述, the complainant know."""
    return _given(case, order, person, scene)


def waiting(case: Case, order: WorkOrder) -> HandOff | None:
    """The hand-off that waits for this work order."""
    hand_off = case.hand_off
    return hand_off if hand_off and hand_off.work_order == order.seq else None


def _given(case: Case, order: WorkOrder, person: str | None, scene: Scene, **values: Any) -> Outcome:
    hand_off = waiting(case, order)
    if hand_off is None:
        return Outcome()
    return Outcome(
        rows=[Row("hand_off", hand_off.seq, {"handler": person, **values})],
        notices=_complainant(case, order.seq, person, scene),
        lines=[Line("handler", person)] if person != hand_off.handler else [],
    )


def _complainant(case: Case, seq: int, person: str | None, scene: Scene) -> list[Notice]:
    known = scene.facts.person(person) if person else None
    if known is None or kind(case.incident) != COMPLAINT:
        return []
    key = f"complaint_handler/{seq}/{known.staff_no}"
    return [Notice("complaint_handler", case.incident.told, {"handler": known.name}, key)]
