"""Hand-offs to problem, change, configuration and emergency: records that are answered (PROCESS §6.3).

The row of `hand_off_process` says who is told, what may be answered, and where the call keeps the reference.
Requests and 申述 are handed off and answered by 200.3 (`requests`).
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from handlers import answers, messages, request_fields, rights
from handlers.codes import Code
from handlers.errors import (
    CallClosed,
    ChangeNotAwaited,
    HandOffAnswered,
    HandOffByProcess,
    RecordNotFound,
    UnknownOutcome,
)
from handlers.incident import Answer, Case, HandOff, Incident, Scene
from handlers.outcome import Line, Notice, Outcome, Row
from handlers.status import CLOSED

PROBLEM, CHANGE, CONFIGURATION, EMERGENCY = "PRB", "CHG", "CFG", "EMG"


def open_one(
    case: Case, process: str, scene: Scene, *, again: bool = True, urgency: str | None = None, **values: Any
) -> Outcome:
    """Hand the call to a process, unless it has a hand-off there that is open; for the process's own use.

    `again` False: nor when one was answered already. `values` are columns of the row: `note`, `ref`.
    One decision opens at most one.
    """
    known = [row for row in case.hand_offs if row.process == process]
    if any(row.done_at is None for row in known) or (known and not again):
        return Outcome()
    return _opened(case, scene.codes.row("hand_off_process", process), values, urgency, scene)


def open_by_hand(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Any supporter hands a call over, another time too if he says so."""
    rights.staff(scene, "hand_off")
    rights.not_concerned(case, scene)
    answers.need(answer, "process", "note")
    rule = scene.codes.check("hand_off_process", answer["process"], "process")
    if rule.data.get("by_step"):
        raise HandOffByProcess("process", process=rule.code, order="-")
    if case.incident.status == CLOSED and not rule.data.get("closed"):
        raise CallClosed(no=case.incident.no)
    urgency = answers.text(answer, "urgency")
    if urgency:
        scene.codes.check("urgency", urgency, "urgency")
    values = {"note": answers.text(answer, "note"), "ref": answers.text(answer, "ref")}
    return _opened(case, rule, values, urgency, scene)


def answer_one(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The other process reports back: desk, assigned group, the group it was handed to, or the manager.

    A call that waits for this one goes on by the answers that the table names (`until`). The reference is
    kept in the call, unless that waits for another one or is closed: then the hand-off and the log keep it
    (POL-20). Raises NotAllowed, RecordNotFound, HandOffByProcess, HandOffAnswered, UnknownOutcome, Missing.
    """
    row = _row(case, answer)
    if row.group not in scene.by.groups:
        rights.desk_or_second_line(case, scene, "hand_off")
    rights.not_concerned(case, scene)
    rule = scene.codes.row("hand_off_process", row.process)
    if rule.data.get("by_step"):
        raise HandOffByProcess("seq", process=rule.code, order=_order(case, row))
    if row.done_at is not None:
        raise HandOffAnswered("seq", no=case.incident.no, seq=row.seq, result=row.result)
    result = _result(rule, answer, scene)
    ref, note = answers.text(answer, "ref") or row.ref, answers.text(answer, "note")
    if result.data.get("ref"):
        answers.need({"ref": ref}, "ref")
    outcome = _answered(case, row, result, ref, note, scene)
    if _waits_for(case, row, rule) and result.code in _until(rule):
        return outcome + _goes_on(case, row, result.code, ref, note)
    return outcome


def change_needed(case: Case, ref: str, note: str | None, scene: Scene) -> Outcome:
    """What the call is about to wait for: the open hand-off of this change, else one without a number yet.

    If there is neither, one is opened (PROCESS §6.4, 200.6).
    """
    known = {row.ref: row for row in _open(case, CHANGE)}
    row = known.get(ref) or known.get(None)
    if row is None:
        rule = scene.codes.row("hand_off_process", CHANGE)
        return _opened(case, rule, {"ref": ref, "note": note}, None, scene)
    return Outcome(rows=[Row("hand_off", row.seq, {"ref": ref})])


def change_reported(case: Case, result: str, ref: str | None, note: str | None, scene: Scene) -> Outcome:
    """A message says how the change stands that the call waits for: its hand-off is answered by that.

    Nothing, if that is where the message comes from. Raises UnknownOutcome, ChangeNotAwaited.
    """
    rule = scene.codes.row("hand_off_process", CHANGE)
    answers.outcome({"change_result": result}, "change_result", _until(rule))
    row = _awaited(case, rule)
    if any(one.ref == ref and one != row for one in _open(case, CHANGE)):
        awaited = case.incident.change_ref or "-"
        raise ChangeNotAwaited("change_ref", no=case.incident.no, awaited=awaited, ref=ref)
    if row is None or (row.result, row.ref) == (result, ref):
        return Outcome()
    return _answered(case, row, scene.codes.row("hand_off_result", result), ref, note, scene)


def renumbered(case: Case, changes: Answer, scene: Scene) -> Outcome:
    """The number of the change that the call waits for is corrected: its hand-off has the new one, too."""
    rule = scene.codes.row("hand_off_process", CHANGE)
    row, field = _awaited(case, rule), rule.data["field"]
    if row is None or field not in changes:
        return Outcome()
    return Outcome(rows=[Row("hand_off", row.seq, {"ref": changes[field]})])


def to_problem(case: Case, code: Code, changes: Answer, scene: Scene) -> Outcome:
    """At 200.10: a workaround, or too many incidents of the same kind, is a problem (POL-23)."""
    call = replace(case.incident, **changes)
    if call.call_type != "INC" or call.parent:
        return Outcome()
    if code.data.get("problem"):
        return _numbered(case, call) + workaround(case, str(call.solution_steps), scene, call.problem_ref)
    alike = _alike(call, code, scene)
    if not alike or any(alike.values()):
        return Outcome()
    note = f"相似事件 / similar: {', '.join(alike)}"
    return open_one(case, PROBLEM, scene, again=False, note=note, ref=call.problem_ref)


def workaround(case: Case, steps: str, scene: Scene, ref: str | None = None) -> Outcome:
    """Solved by a workaround: second line is to find the root cause (POL-23)."""
    if case.incident.call_type != "INC":
        return Outcome()
    return open_one(case, PROBLEM, scene, again=False, note=steps, ref=ref or case.incident.problem_ref)


def unknown_item(case: Case, changes: Answer, scene: Scene) -> Outcome:
    """An incident whose CI is told in words only: the CI is missing or wrong (PROCESS §6.3)."""
    call = replace(case.incident, **changes)
    if call.call_type != "INC" or call.ci or not call.ci_text:
        return Outcome()
    return open_one(case, CONFIGURATION, scene, again=False, note=call.ci_text)


def _numbered(case: Case, call: Incident) -> Outcome:
    """The problem that was opened when the call was solved has its number by now."""
    row = next((one for one in case.hand_offs if one.process == PROBLEM and one.done_at is None), None)
    if row is None or row.ref or not call.problem_ref:
        return Outcome()
    return Outcome(rows=[Row("hand_off", row.seq, {"ref": call.problem_ref})])


def _opened(case: Case, rule: Code, values: dict[str, Any], urgency: str | None, scene: Scene) -> Outcome:
    seq, group = len(case.hand_offs) + 1, _group(case.incident, rule, scene)
    row = {
        "process": rule.code,
        "group": group,
        "details": request_fields.stored({"urgency": urgency} if urgency else {}),
        "opened_by": scene.by.id,
        "handed_off_at": scene.now,
        **values,
    }
    params = {"process": rule.name_zh, "note": values.get("note") or ""}
    return Outcome(
        rows=[Row("hand_off", seq, row, new=True)],
        notices=[
            Notice("handed_over", one, params, f"hand_off/{seq}/{one}") for one in scene.facts.leaders(group)
        ],
        lines=[Line("hand_off", f"{seq} {rule.code} {group}")],
    )


def _group(call: Incident, rule: Code, scene: Scene) -> str:
    """The row's group; "assigned" is who works on the call, or would by its category."""
    group = rule.data.get("group")
    if group and group != "assigned":
        return str(group)
    default = scene.codes.default_group(call.category)
    return call.assigned_group or default or str(scene.codes.policy("manager_group"))


def _row(case: Case, answer: Answer) -> HandOff:
    row = next((one for one in case.hand_offs if one.seq == answer.get("seq")), None)
    if row is None:
        raise RecordNotFound(table="hand_off", value=f"{case.incident.no}/{answer.get('seq')}")
    return row


def _order(case: Case, row: HandOff) -> str:
    return next((order.no for order in case.work_orders if order.seq == row.work_order), "-")


def _open(case: Case, process: str) -> list[HandOff]:
    return [row for row in case.hand_offs if row.process == process and row.done_at is None]


def _awaited(case: Case, rule: Code) -> HandOff | None:
    return next((row for row in _open(case, rule.code) if _waits_for(case, row, rule)), None)


def _waits_for(case: Case, row: HandOff, rule: Code) -> bool:
    """The call is on hold for this hand-off: the one with the reference that the call has."""
    return _held(case.incident, rule) and row.ref == getattr(case.incident, rule.data["field"])


def _held(call: Incident, rule: Code) -> bool:
    return call.hold is not None and call.hold == rule.data.get("blocks")


def _until(rule: Code) -> Collection[str]:
    """The answers that end the wait for this process, whichever way they come."""
    until: Collection[str] = rule.data.get("until") or rule.data["results"]
    return until


def _result(rule: Code, answer: Answer, scene: Scene) -> Code:
    result = answers.outcome(answer, "result", rule.data["results"])
    found = scene.codes.check("hand_off_result", result, "result")
    if "final" not in found.data:
        raise UnknownOutcome("result", field="result", value=result)
    return found


def _answered(
    case: Case, row: HandOff, result: Code, ref: str | None, note: str | None, scene: Scene
) -> Outcome:
    """Kept in the hand-off, in the log, and the reference in the call."""
    call, rule = case.incident, scene.codes.row("hand_off_process", row.process)
    field, other = rule.data.get("field"), _held(call, rule) and not _waits_for(case, row, rule)
    values: dict[str, Any] = {"result": result.code, "ref": ref, "answered_by": scene.by.id}
    if result.data["final"]:
        values["done_at"] = scene.now
    said = " ".join(part for part in (str(row.seq), row.process, result.code, ref, note) if part)
    return Outcome(
        {field: ref} if field and ref and call.status != CLOSED and not other else {},
        rows=[Row("hand_off", row.seq, values)],
        lines=[Line("hand_off_answered", said)],
    )


def _goes_on(case: Case, row: HandOff, result: str, ref: str | None, note: str | None) -> Outcome:
    """The call that waits for the change is told by a job, since it moves in its own verb."""
    no, said = case.incident.no, {"change_result": result, "change_ref": ref, "note": note}
    key = f"change_done:{no}:{row.seq}:{case.incident.version}"
    return Outcome(jobs=[messages.send(key, "change_done", no, said)])


def _alike(call: Incident, code: Code, scene: Scene) -> Mapping[str, bool]:
    """The incidents of the same CI, or category and classification, if with this one they are too many.

    Each with whether it is with problem management already.
    """
    policy = scene.codes.policy
    if code.data["group"] == "excluded":
        return {}
    excluded = [row.code for row in scene.codes.table("closure").values() if row.data["group"] == "excluded"]
    since = scene.now - timedelta(days=policy("problem_days"))
    others = scene.facts.alike(call, since, excluded, PROBLEM)
    return others if len(others) + 1 >= policy("problem_similar") else {}


VERBS = {"hand_off": open_by_hand, "hand_off.answer": answer_one}
