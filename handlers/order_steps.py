"""Work orders by hand: made beside the diagram, and stepped where no task of it carries them (§6.7.7)."""

from typing import Any

from handlers import answers, calendar, fulfilment, requests, rights, work_orders
from handlers.codes import Code
from handlers.errors import (
    CarriedByTask,
    NotAMember,
    NotByHand,
    RecordNotFound,
    UnknownRecord,
    WorkOrderNotNow,
    WorkOrderRefused,
)
from handlers.incident import Answer, Case, Incident, Scene, WorkOrder
from handlers.outcome import Line, Notice, Outcome, Row


def add(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """On-site support or a colleague's help, for another group or one's own; nobody waits for it.

    A request or 申述 whose work order was rejected or recalled is issued again, by the desk.
    Raises NotByHand, WorkOrderNotNow, UnknownRecord, NotAMember, HandlerConcerned.
    """
    answers.need(answer, "type", "group", "comment")
    kind = scene.codes.check("work_order_type", answer["type"], "type").code
    rule = scene.codes.table("work_order_by_hand").get(kind)
    if rule is None or not rule.active:
        raise NotByHand("type", type=kind)
    _may_add(case, rule, scene)
    group = _group(answer, scene)
    assignee = _member(case, answer, group, scene)
    if rule.data.get("again"):
        return fulfilment.issue_again(case, kind, group, assignee, answers.text(answer, "comment"), scene)
    order = work_orders.issue(
        case,
        kind,
        scene,
        group=group,
        assignee=assignee,
        comment=answers.text(answer, "comment"),
        due_accept=calendar.due(scene.codes, case.incident.priority, "accept", scene.now),
        due_finish=answers.future(answer, "due_finish", scene.now),
    )
    told = (assignee,) if assignee else scene.facts.leaders(group)
    return Outcome(rows=[order], notices=[work_orders.told(order, one) for one in told])


def accept(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """W2: whoever of the group accepts it works on it."""
    order = _own(case, answer, scene, "accept")
    person = scene.by.id if order.group in scene.by.groups else order.assignee or scene.by.id
    moved = _moved(order, "W2", answer, scene, assignee=person)
    return moved + fulfilment.accepted(case, order, person, scene)


def start(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """W3, from accepted or from held."""
    return _moved(_own(case, answer, scene, "start"), "W3", answer, scene)


def hold(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """W4: the work rests; the call itself is not on hold by that."""
    return _moved(_own(case, answer, scene, "hold"), "W4", answer, scene)


def finish(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """W5 with its result; of a request or 申述 that is the call-back, which a job brings to the call."""
    order = _own(case, answer, scene, "finish")
    answers.need(answer, "result")
    result = scene.codes.check("work_order_result", answer["result"], "result").code
    values: dict[str, Any] = {"result": result, "finished_at": scene.now}
    if answers.text(answer, "solution"):
        values["solution"] = answers.text(answer, "solution")
    if answer.get("labour_min") is not None:
        values["labour_min"] = answer["labour_min"]
    moved = _moved(order, "W5", answer, scene, **values)
    return moved + requests.order_finished(case, order, result, answer, scene)


def reject(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """W6 with a coded reason; who issued it is told. Only a dispatch counts as refused (§6.11, 13)."""
    order = _own(case, answer, scene, "reject")
    answers.need(answer, "reject_reason")
    reason = scene.codes.check("reject_reason", answer["reject_reason"], "reject_reason")
    suggested = _group(answer, scene, "suggested_group") if answer.get("suggested_group") else None
    values = {"reject_reason": reason.code, "suggested_group": suggested, "rejected_at": scene.now}
    params = {"group": order.group, "reason": reason.name_zh}
    told = {case.incident.owner, order.created_by}
    notices = [Notice("rejected", one, params, f"rejected/{order.seq}/{one}") for one in told]
    return _moved(order, "W6", answer, scene, **values) + Outcome(notices=notices)


def recall(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """W7, by the desk, by who issued it, or by the manager; who worked on it is told."""
    order = _free(case, answer)
    if scene.by.id != order.created_by:
        rights.desk(scene, "recall")
    rights.not_concerned(case, scene)
    told = Outcome(notices=work_orders.recalled(order, scene))
    return _moved(order, "W7", answer, scene, finished_at=scene.now) + told


def assign(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Another member of the group, or nobody; by a leader of it, by who has it, or by the manager."""
    order = _free(case, answer)
    rights.giver(scene, (str(order.group),), (order.assignee,), "assign")
    rights.not_concerned(case, scene)
    if order.status not in work_orders.OPEN:
        raise WorkOrderRefused(no=order.no, old=order.status, new=order.status)
    person = _member(case, answer, str(order.group), scene)
    rows = work_orders.reassign(order, person, scene)
    told = [Notice("dispatched", person, {"group": order.group})]
    given = Outcome(rows=rows, notices=told, lines=[Line("assigned", f"{order.no} {person or '-'}")])
    return given + fulfilment.given(case, order, person, scene)


def _own(case: Case, answer: Answer, scene: Scene, what: str) -> WorkOrder:
    """The work order, if the actor is of its group or the manager, and not who is complained about."""
    order = _free(case, answer)
    rights.member(scene, what, (str(order.group), scene.codes.policy("manager_group")))
    rights.not_concerned(case, scene)
    return order


def _free(case: Case, answer: Answer) -> WorkOrder:
    """The work order of this number, unless a task of the diagram carries it."""
    no = answer.get("order")
    order = next((one for one in case.work_orders if one.no == no), None)
    if order is None:
        raise RecordNotFound(table="work_order", value=no)
    if order in work_orders.carried(case):
        raise CarriedByTask(no=order.no, task=order.task_id or "-", step=case.incident.step)
    return order


def _moved(order: WorkOrder, to: str, answer: Answer, scene: Scene, **values: Any) -> Outcome:
    """One move, which the ledger holds against the table; a finished one is not taken up again by hand."""
    if order.status not in work_orders.OPEN:
        raise WorkOrderRefused(no=order.no, old=order.status, new=to)
    row = Row("work_order", order.seq, {"status": to, **work_orders.stamps(order, to, scene), **values})
    said = answers.text(answer, "comment")
    return Outcome(rows=[row], lines=[Line("note", f"{order.no}: {said}")] if said else [])


def _may_add(case: Case, rule: Code, scene: Scene) -> None:
    """Desk, manager or the group that works on the call; at the statuses of the table, never on a child."""
    if rule.data.get("again"):
        rights.desk(scene, "work_order")
    else:
        rights.desk_or_second_line(case, scene, "work_order")
    rights.not_concerned(case, scene)
    call: Incident = case.incident
    if call.status not in rule.data["status"] or call.parent:
        raise WorkOrderNotNow("type", type=rule.code, no=call.no, status=call.status)


def _group(answer: Answer, scene: Scene, name: str = "group") -> str:
    group = scene.facts.group(str(answer[name]))
    if group is None or not group.active:
        raise UnknownRecord(name, table="workgroup", value=answer[name])
    return group.code


def _member(case: Case, answer: Answer, group: str, scene: Scene) -> str | None:
    person = answers.text(answer, "assignee")
    if person is None:
        return None
    rights.not_concerned(case, scene, person)
    known = scene.facts.person(person)
    if known is None or not known.active:
        raise UnknownRecord("assignee", table="person", value=person)
    if not scene.facts.member(group, person):
        raise NotAMember("assignee", person=person, group=group)
    return person


VERBS = {
    "work_order": add,
    "work_order.accept": accept,
    "work_order.start": start,
    "work_order.hold": hold,
    "work_order.finish": finish,
    "work_order.reject": reject,
    "work_order.recall": recall,
    "work_order.assign": assign,
}
