"""200.3: requests and 申述 are handed off and tracked till they come back (PROCESS §6.4, POL-08)."""

from typing import Any

from handlers import (
    answers,
    clocks,
    closure,
    fulfilment,
    messages,
    request_fields,
    rights,
    triggers,
    work_orders,
)
from handlers.classification import reclassify
from handlers.errors import ComplaintRefused, HandlerConcerned, Missing, Refused, WrongBranch
from handlers.incident import Answer, Case, Incident, Scene, WorkOrder
from handlers.outcome import Job, Line, Outcome, Row

OUTCOMES_3 = ("answered", "handed_off", "returned_as_incident", "refused")
DONE_3 = ("completed", "returned_as_incident", "refused")
RESULTS = {"completed": "solved", "returned_as_incident": "returned", "refused": "unsolved"}
"""What the work order of a request says that ended so."""


class NotAnswerable(Refused):
    """Only a consultation is answered at once (PROCESS §6.4, 200.3)."""

    code = "not-answerable"
    zh = "只有咨询可以当场答复,{classification} 须转出。"
    en = "Only a consultation is answered at once; {classification} must be handed off."


def judge_complaint(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.3b: the desk judges whether it is a 申述; if not, it is another kind of call."""
    rights.desk(scene, "200.3")
    confirmed = answer.get("complaint_confirmed")
    if not isinstance(confirmed, bool):
        raise Missing("complaint_confirmed")
    rights.not_concerned(case, scene)
    about = answers.text(answer, "complained_about") or case.incident.complained_about
    if about and scene.by.id == about:
        raise HandlerConcerned("complained_about", person=scene.by.id)
    named = answers.text(answer, "related_call") or _named_before(case.incident, scene)
    incident = related(named, case.incident, scene)
    judged = Outcome(
        {
            "complaint_confirmed": confirmed,
            "complained_about": about,
            "complaint_ref": incident if confirmed else None,
        },
        {"complaint_confirmed": confirmed},
    )
    if confirmed:
        return judged + _tell(incident, case.incident.no)
    other = reclassify(case, answer, scene)
    if other.changes["call_type"] == "CMP":
        raise WrongBranch("classification", value=answer["classification"], call_type="INC, SR")
    return judged + other


def request(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.3a: answered at once, handed off, sent back as an incident, or refused."""
    rights.desk(scene, "200.3")
    rights.not_concerned(case, scene)
    chosen = answers.outcome(answer, "outcome_3", OUTCOMES_3)
    noted = Outcome({}, {"outcome_3": chosen})
    match chosen:
        case "answered":
            return noted + _answer(case, answer, scene)
        case "handed_off":
            return noted + _hand_off(case, answer, scene)
        case "returned_as_incident":
            return noted + _as_incident(case, answer, scene)
        case _:
            # Refused at once: it was the request process that said no, so the call passes ST9 (§6.7.2).
            passed = Outcome({"status": "ST9"}, jobs=triggers.ending(case))
            return noted + passed + _refuse(case, answer, scene)


def request_done(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The request or 申述 process reports back."""
    hand_off = case.hand_off
    if hand_off is None or hand_off.group not in scene.by.groups:
        rights.desk(scene, "request_done")
    rights.not_concerned(case, scene)
    return _reported(case, answer, scene)


def order_finished(case: Case, order: WorkOrder, result: str, answer: Answer, scene: Scene) -> Outcome:
    """The fulfilment group's work order is done: a job reports it, since the call moves in its own verb.

    What the report would be refused for is refused now; other work orders say nothing.
    """
    hand_off = fulfilment.waiting(case, order)
    if hand_off is None:
        return Outcome()
    data = {
        "outcome_3": next(outcome for outcome, said in RESULTS.items() if said == result),
        "classification": answers.text(answer, "classification"),
        "note": answers.text(answer, "solution") or answers.text(answer, "comment"),
    }
    _reported(case, data, scene)
    return Outcome(
        rows=[Row("hand_off", hand_off.seq, {"answered_by": scene.by.id})],
        jobs=[messages.send(f"request_done:{order.no}", "request_done", order.call, data)],
        lines=[Line("request_reported", data["outcome_3"])],
    )


def complained(case: Case, payload: Answer, scene: Scene) -> Outcome:
    """The incident learns of the 申述 about it, and is escalated while it is worked on (X11, S12)."""
    by, call = str(payload["by"]), case.incident
    noted = Outcome(lines=[Line("complained", by)])
    if call.status == "ST8":
        return noted
    noted += Outcome({"complaint_ref": by})
    return noted if call.status in triggers.OVER else noted + triggers.trigger(case, "X11", scene)


def related(no: str | None, call: Incident, scene: Scene) -> str | None:
    """The incident that a 申述 is about. Raises ComplaintRefused."""
    if no is None:
        return None
    about = scene.facts.call(no)
    if call.call_type != "CMP":
        why = ("本呼叫不是申述", "this call is no 申述")
    elif about is None:
        why = ("没有这个编号", "there is no such call")
    elif about.call_type != "INC":
        why = ("它不是事件", "it is not an incident")
    else:
        return about.no
    raise ComplaintRefused("related_call", related=no, why_zh=why[0], why_en=why[1])


def _named_before(call: Incident, scene: Scene) -> str | None:
    """The incident named at 200.1; the field of what was an incident itself names a 申述 about it."""
    known = scene.facts.call(call.complaint_ref) if call.complaint_ref else None
    return known.no if known and known.call_type == "INC" else None


def _tell(incident: str | None, no: str) -> Outcome:
    """A decision changes its own call only: the incident complained about learns of it by a job."""
    if incident is None:
        return Outcome()
    payload = {"what": "complained", "no": incident, "by": no}
    return Outcome(
        jobs=[Job("domain", f"X11:{incident}:{no}", payload)], lines=[Line("complains_about", incident)]
    )


def _answer(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """A consultation answered by the desk: solved by instruction, no incident clock (S09)."""
    leaf = scene.codes.row("classification", case.incident.classification)
    if not leaf.data.get("answerable"):
        raise NotAnswerable("outcome_3", classification=leaf.code)
    answers.need(answer, "solution_steps")
    return closure.leave("answered", scene) + Outcome(_solution(case, answer, scene, scene.by.id))


def _reported(case: Case, answer: Answer, scene: Scene) -> Outcome:
    hand_off = case.hand_off
    chosen = answers.outcome(answer, "outcome_3", DONE_3)
    rows: list[Row] = []
    if hand_off:
        values = {
            "result": chosen,
            "done_at": scene.now,
            "note": answers.text(answer, "note"),
            "answered_by": hand_off.answered_by or scene.by.id,
        }
        rows.append(Row("hand_off", hand_off.seq, values))
        rows += work_orders.finish(case, RESULTS[chosen], scene, seq=hand_off.work_order)
    noted = Outcome({}, {"outcome_3": chosen}, rows, lines=[Line("request_done", chosen)])
    match chosen:
        case "completed":
            return noted + _complete(case, answer, scene)
        case "returned_as_incident":
            return noted + _as_incident(case, answer, scene)
        case _:
            return noted + _refuse(case, answer, scene)


def _hand_off(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """With the request form of its leaf, to the group that fulfils it, with the time that it has."""
    call, kind = case.incident, fulfilment.kind(case.incident)
    details = request_fields.details(call, answer, scene)
    if kind == fulfilment.COMPLAINT and call.complaint_ref:
        details = {"related_call": call.complaint_ref}
    group = fulfilment.group(call, answer, scene)
    handler = fulfilment.handler(case, group, answer, scene)
    order = fulfilment.issue(case, group, handler, scene)
    ref, needed_by = answers.text(answer, "request_ref"), answers.instant(answer, "needed_by")
    row = Row(
        "hand_off",
        len(case.hand_offs) + 1,
        {
            "process": kind,
            "group": group,
            "handler": handler,
            "ref": ref,
            "note": answers.text(answer, "comment"),
            "needed_by": needed_by,
            "details": request_fields.stored(details),
            "due_at": order.values["due_finish"],
            "opened_by": scene.by.id,
            "handed_off_at": scene.now,
            "work_order": order.seq,
        },
        new=True,
    )
    refs = (
        {"request_ref": ref} if kind == fulfilment.REQUEST else {"complaint_ref": call.complaint_ref or ref}
    )
    changes: dict[str, Any] = {"needed_by": needed_by, "exit_path": None, "closure_code": None, **refs}
    return Outcome(changes, {}, [order, row], fulfilment.told(case, order, scene))


def _as_incident(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """It is an incident: misregistered, and its clock starts at the return (PROCESS §6.5.1)."""
    returned = reclassify(case, answer, scene)
    if returned.changes["call_type"] != "INC":
        raise WrongBranch("classification", value=answer["classification"], call_type="INC")
    return returned + Outcome(
        {"priority": None, "segment": case.incident.segment + 1},
        {"call_type": "INC"},
        lines=[
            Line("returned_as_incident"),
            *(
                clocks.line(clocks.event(kind, "from", scene.now))
                for kind in (clocks.RESPONSE, clocks.RESOLVE)
            ),
        ],
    )


def _complete(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Fulfilled: the desk confirms it with the caller, then it leaves as C10."""
    steps = answers.text(answer, "note") or scene.codes.policy("completed_steps")
    solver = case.hand_off.group if case.hand_off else None
    return closure.leave("handed_off", scene) + Outcome(
        {**_solution(case, {"solution_steps": steps}, scene, solver), "solution_tier": None}
    )


def _refuse(case: Case, answer: Answer, scene: Scene) -> Outcome:
    reason = answers.text(answer, "comment") or answers.text(answer, "note")
    answers.need({"comment": reason}, "comment")
    return closure.leave("handed_off", scene) + Outcome(lines=[Line("request_refused", reason)])


def _solution(case: Case, answer: Answer, scene: Scene, solver: str | None) -> dict[str, Any]:
    return {
        "solution_tier": "L1",
        "solution_kind": "permanent",
        "solution_steps": answers.text(answer, "solution_steps"),
        "solver": solver,
        "first_resolved_at": case.incident.first_resolved_at or scene.now,
        "resolved_at": scene.now,
    }


MESSAGES = {"request_done": request_done}
