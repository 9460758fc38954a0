"""200.3: requests and 申述 are handed off and tracked till they come back (PROCESS §6.4, POL-08)."""

from typing import Any

from handlers import answers, clocks, closure, rights, triggers, work_orders
from handlers.classification import reclassify
from handlers.errors import HandlerConcerned, Missing, NotAMember, Refused, WrongBranch
from handlers.incident import Answer, Case, Scene
from handlers.outcome import Line, Notice, Outcome, Row

OUTCOMES_3 = ("answered", "handed_off", "returned_as_incident", "refused")
DONE_3 = ("completed", "returned_as_incident", "refused")


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
    judged = Outcome(
        {"complaint_confirmed": confirmed, "complained_about": about}, {"complaint_confirmed": confirmed}
    )
    if confirmed:
        return judged
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
    chosen = answers.outcome(answer, "outcome_3", DONE_3)
    results = {"completed": "solved", "returned_as_incident": "returned", "refused": "unsolved"}
    rows: list[Row] = []
    if hand_off:
        values = {"result": chosen, "done_at": scene.now, "note": answers.text(answer, "note")}
        rows.append(Row("hand_off", hand_off.seq, values))
        if hand_off.work_order:
            rows += work_orders.finish(case, results[chosen], scene, seq=hand_off.work_order)
    noted = Outcome({}, {"outcome_3": chosen}, rows, lines=[Line("request_done", chosen)])
    match chosen:
        case "completed":
            return noted + _complete(case, answer, scene)
        case "returned_as_incident":
            return noted + _as_incident(case, answer, scene)
        case _:
            return noted + _refuse(case, answer, scene)


def come_back(case: Case, variables: Answer, scene: Scene) -> Outcome:
    """A new instance for a call that the request process returned after its first instance had ended."""
    rights.desk(scene, "return_from_request")
    returned = _as_incident(case, variables, scene)
    return returned + Outcome(variables={"entry": "return_from_request"})


def _answer(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """A consultation answered by the desk: solved by instruction, no incident clock (S09)."""
    leaf = scene.codes.row("classification", case.incident.classification)
    if not leaf.data.get("answerable"):
        raise NotAnswerable("outcome_3", classification=leaf.code)
    answers.need(answer, "solution_steps")
    return closure.leave("answered", scene) + Outcome(_solution(case, answer, scene, scene.by.id))


def _hand_off(case: Case, answer: Answer, scene: Scene) -> Outcome:
    call = case.incident
    kind = "CMP" if call.call_type == "CMP" else "SRQ"
    default = scene.codes.policy("complaint_group" if kind == "CMP" else "request_group")
    group = str(answer.get("group") or default)
    handler = answers.text(answer, "handler")
    rights.not_concerned(case, scene, handler)
    if handler and not scene.facts.member(group, handler):
        raise NotAMember("handler", person=handler, group=group)
    ref = answers.text(answer, "request_ref")
    needed_by = answers.instant(answer, "needed_by")
    order = work_orders.issue(case, kind, scene, group=group, assignee=handler)
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
            "handed_off_at": scene.now,
            "work_order": order.seq,
        },
        new=True,
    )
    changes: dict[str, Any] = {"needed_by": needed_by, "exit_path": None, "closure_code": None}
    changes["complaint_ref" if kind == "CMP" else "request_ref"] = ref
    told = [Notice("dispatched", handler or one, {"group": group}) for one in scene.facts.leaders(group)[:1]]
    return Outcome(changes, {}, [order, row], told)


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
    steps = answers.text(answer, "note") or "请求已完成"
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
