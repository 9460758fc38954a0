"""200.9 与客户确认: confirmed, refused with a coded reason, or unreachable (PROCESS §6.4, POL-18, POL-19)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from handlers import answers, calendar, closure, duplicates, rights, triggers, work_orders
from handlers.errors import ConfirmationEmpty, NotAllowed, Refused, SolverCannotConfirm
from handlers.incident import Answer, Case, Incident, Scene
from handlers.outcome import Line, Outcome, Row
from handlers.solution import restored

OUTCOMES_9 = ("confirmed", "refused", "unreachable")
SECOND_LINE = ("L2", "L3", "VENDOR")


class NotSilent(Refused):
    """The caller was not tried often or long enough (PROCESS §6.4, 200.9)."""

    code = "not-silent"
    zh = "{no} 尚未达到联系次数、工作日或时限,不能按无人应答关闭。"
    en = "The caller of {no} was not tried often or long enough to close it without an answer."


def confirm(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.9: what the customer says; nothing said is nothing confirmed."""
    rights.desk(scene, "200.9")
    rights.not_concerned(case, scene)
    if answers.blank(answer.get("outcome_9")):
        raise ConfirmationEmpty("outcome_9", round=case.incident.refusal_count + 1)
    match answers.outcome(answer, "outcome_9", OUTCOMES_9):
        case "confirmed":
            return _confirmed(case, answer, scene)
        case "refused":
            return _refused(case, answer, scene)
        case _:
            return _unreachable(case, answer, scene)


def decide(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The manager closes a call whose customer cannot be reached, or has the desk try again."""
    rights.manager(scene, "200.9")
    rights.not_concerned(case, scene)
    chosen = answers.outcome(answer, "outcome_9m", ("close", "retry"))
    answers.need(answer, "comment")
    decided = Outcome(
        {}, {"outcome_9m": chosen}, lines=[Line("confirm_manager", answers.text(answer, "comment"))]
    )
    return decided + _closing(case, "MANAGER", scene) if chosen == "close" else decided


def unanswered(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The caller stayed silent long enough: closed at once, or by the desk where something is missing (S38).

    Raises NotAllowed, NotSilent.
    """
    rights.manager(scene, "unanswered")
    call, until = case.incident, silent_until(case, scene)
    if until is None or until > scene.now:
        raise NotSilent(no=call.no)
    if _asks_manager(call, scene):
        return Outcome(variables={"after_unreachable": "manager"})
    closed = _closing(case, "AUTO", scene)
    code = closure.by_itself(replace(case, incident=replace(call, **closed.changes)), scene)
    if code is None:
        return closed + Outcome(variables={"after_unreachable": "close"})
    return closed + code + Outcome(variables={"after_unreachable": "closed"})


def _confirmed(case: Case, answer: Answer, scene: Scene) -> Outcome:
    call = case.incident
    answers.need(answer, "method")
    method = scene.codes.check("confirm_method", answer["method"], "method")
    if method.data.get("by") == "system":
        raise _method_refused(method.code, scene)
    if method.data.get("by") == "manager":
        rights.manager(scene, method.code)
    _separate(call, scene)
    scores = {
        name: int(answer[name])
        for name in ("satisfaction_desk", "satisfaction_handling")
        if answer.get(name) not in (None, "")
    }
    corrected = restored(case, answer, scene)
    return Outcome(
        {
            "exit_path": call.exit_path or "confirmed",
            "confirm_result": "confirmed",
            "confirm_at": scene.now,
            "confirm_by": scene.by.id,
            "confirm_method": method.code,
            "satisfaction_comment": answers.text(answer, "comment"),
            **scores,
            **({"service_restored_at": corrected} if corrected else {}),
        },
        {"outcome_9": "confirmed"},
        [_attempt(case, "confirmed", scene, method=method.code, comment=answers.text(answer, "comment"))],
    )


def _refused(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Back to the solver; the second refusal takes the case from first line (E2), the third is E3 (X5)."""
    answers.need(answer, "refuse_reason")
    reason = scene.codes.check("refuse_reason", answer["refuse_reason"], "refuse_reason")
    comment = answers.text(answer, "comment")
    if not reason.data["counts"]:
        # N5: the customer has not looked yet. That is no refusal but a new attempt (PROCESS §6.7.11).
        row = _attempt(case, "unreachable", scene, reason=reason.code, comment=comment)
        tried = {"attempt_count": case.incident.attempt_count + 1}
        return Outcome(tried, {"outcome_9": "unreachable", "after_unreachable": "retry"}, [row])
    row = _attempt(case, "refused", scene, reason=reason.code, counts=True, comment=comment)
    count = case.incident.refusal_count + 1
    step = _solver_step(case.incident, count, scene)
    outcome = Outcome(
        {
            "refusal_count": count,
            "confirm_result": "refused",
            "confirm_at": scene.now,
            "confirm_by": scene.by.id,
            "exit_path": None,
            "closure_code": None,
            # A child whose caller refuses is detached and worked again (PROCESS §6.5.5).
            "parent": None if case.incident.solution_inherited else case.incident.parent,
        },
        {"outcome_9": "refused", "return_step": step, "group": case.incident.assigned_group},
        [row, *(work_orders.work(case, scene) if step == "T200_6" else ())],
        lines=[Line("refused", reason.code)],
    )
    if step == "S200_3":
        # The request is worked again: 200.3 declares no status of its own, so the call leaves ST7 here.
        outcome += Outcome({"status": "ST2"})
    return outcome + _escalate(case, count, scene)


def _unreachable(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """After the attempts, days and hours of the policy: close without an answer, or ask the manager."""
    call = case.incident
    row = _attempt(case, "unreachable", scene, comment=answers.text(answer, "comment"))
    if not _given_up(case, scene):
        then, closed = "retry", Outcome()
    elif _asks_manager(call, scene):
        then, closed = "manager", Outcome()
    else:
        then, closed = "close", _closing(case, "AUTO", scene)
    variables = {"outcome_9": "unreachable", "after_unreachable": then}
    return Outcome({"attempt_count": call.attempt_count + 1}, variables, [row]) + closed


def _closing(case: Case, method: str, scene: Scene) -> Outcome:
    return Outcome(
        {
            "exit_path": case.incident.exit_path or "confirmed",
            "confirm_result": "unreachable",
            "confirm_at": scene.now,
            "confirm_by": scene.by.id,
            "confirm_method": method,
        }
    )


def silent_until(case: Case, scene: Scene, *now: datetime) -> datetime | None:
    """When a caller who was tried often enough, on enough working days, counts as silent; None before that.

    `now` is an attempt that is being made.
    """
    policy, call = scene.codes.policy, case.incident
    if call.attempt_count + len(now) < policy("confirm_attempts"):
        return None
    since = call.resolved_at or scene.now
    tried = [row.at for row in case.confirmations if row.outcome == "unreachable" and row.at >= since]
    attempts, on = [*tried, *now], policy("confirm_calendar")
    enough = len(attempts) >= policy("confirm_attempts")
    if not enough or calendar.working_days(scene.codes, on, attempts) < policy("confirm_days"):
        return None
    return max(calendar.add(scene.codes, on, since, policy("confirm_minutes")), attempts[-1])


def _given_up(case: Case, scene: Scene) -> bool:
    """The attempt made now is the last: enough attempts, on enough working days, long enough after ST7."""
    until = silent_until(case, scene, scene.now)
    return until is not None and until <= scene.now


def _asks_manager(call: Incident, scene: Scene) -> bool:
    """POL-19: never closed without an answer, but decided by the manager."""
    return call.priority in scene.codes.policy("no_auto_close") or call.major or call.vip


def _solver_step(call: Incident, refusals: int, scene: Scene) -> str:
    """To which step the case returns: the solver's tier decides (PROCESS §6.4, 200.9)."""
    if call.call_type != "INC":
        return "S200_3"
    if call.solution_tier in SECOND_LINE and not call.solution_inherited:
        return "T200_6"
    if call.solution_tier == "L1" and refusals >= scene.codes.policy("refusals_before_loss"):
        return "T200_5"
    return duplicates.first_line_step(call)


def _escalate(case: Case, count: int, scene: Scene) -> Outcome:
    """The level is where it was, or higher by the number of refusals (PROCESS §6.6.5, X5)."""
    limit = scene.codes.policy("refusals_before_loss")
    if count < limit:
        return triggers.restore(case, scene)
    variant = "again" if count > limit else None
    return triggers.trigger(case, "X5", scene, variant, least=triggers.left_at(case))


def _attempt(case: Case, outcome: str, scene: Scene, **values: Any) -> Row:
    fixed = {"at": scene.now, "by": scene.by.id, "outcome": outcome, "segment": case.incident.segment}
    return Row("confirmation", len(case.confirmations) + 1, fixed | values, new=True)


def _separate(call: Incident, scene: Scene) -> None:
    """The second-line solver cannot confirm (PROCESS §6.10)."""
    if call.solution_tier in SECOND_LINE and scene.by.id == call.solver and not call.solution_inherited:
        raise SolverCannotConfirm(by=scene.by.id)


def _method_refused(method: str, scene: Scene) -> NotAllowed:
    return NotAllowed("method", by=scene.by.id, what=method, who_zh="系统", who_en="the system")


MESSAGES = {"unanswered": unanswered}
