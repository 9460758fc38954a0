"""Reopening a closed call on the same record (PROCESS §6.5.7)."""

from handlers import answers, calendar, closure, rights, triggers, work_orders
from handlers.confirmation import SECOND_LINE
from handlers.errors import ReopenRefused
from handlers.incident import Answer, Case, Scene
from handlers.outcome import Line, Outcome


def reopen(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Within the window, with a success code only; the solver's tier decides where it goes on."""
    rights.desk(scene, "reopen")
    answers.need(answer, "reason")
    _may_reopen(case, scene)
    if not _imported(answer, scene):
        _in_time(case, scene)
    call = case.incident
    incident = call.call_type == "INC"
    second_line = incident and call.solution_tier in SECOND_LINE and call.assigned_group is not None
    step = "T200_6" if second_line else "T200_4" if incident else "S200_3"
    # 200.3 declares no status of its own: a request leaves ST8 here.
    begun = {"status": "ST2"} if step == "S200_3" else {}
    outcome = Outcome(
        {
            "reopen_count": call.reopen_count + 1,
            "reopened_at": scene.now,
            "segment": call.segment + 1,
            "closure_code": None,
            "exit_path": None,
            "closed_at": None,
            "closed_by": None,
            "confirm_result": None,
            "confirm_method": None,
            **begun,
        },
        {"entry": "reopen", "return_step": step, "group": call.assigned_group},
        work_orders.work(case, scene) if second_line else (),
        lines=[Line("reopen", answers.text(answer, "reason"))],
    )
    return outcome + triggers.trigger(case, "X6", scene) if call.reopen_count else outcome


def _may_reopen(case: Case, scene: Scene) -> None:
    call, codes = case.incident, scene.codes
    if call.status != "ST8" or call.closed_at is None or call.closure_code is None:
        raise _refused(call.no, "尚未关闭", "it is not closed")
    if codes.row("closure", call.closure_code).data["group"] != "success":
        raise _refused(call.no, f"以 {call.closure_code} 关闭", f"it closed as {call.closure_code}")


def _imported(answer: Answer, scene: Scene) -> bool:
    """History that is imported by the manager was reopened when it was; a method of confirmation says so."""
    method = scene.codes.table("confirm_method").get(str(answer.get("method")))
    return method is not None and method.data.get("by") == "manager" and rights.is_manager(scene)


def _in_time(case: Case, scene: Scene) -> None:
    call = case.incident
    until = closure.reopen_until(call.closed_at or scene.now, scene)
    if scene.now > until:
        wall = calendar.wall(scene.codes, until)
        raise _refused(call.no, f"重开期限已于 {wall} 结束", f"its window ended at {wall}")


def _refused(no: str, why_zh: str, why_en: str) -> ReopenRefused:
    return ReopenRefused(no=no, why_zh=why_zh, why_en=why_en)
