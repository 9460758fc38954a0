"""200.10 关闭事件记录: the guards of closing, the close itself, and withdrawal (PROCESS §6.4, §6.7.3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handlers import answers, calendar, duplicates, hand_offs, rights, waits, work_orders
from handlers.codes import Code
from handlers.errors import ChildrenOpen, ClosureCodeRefused, Missing, ProblemNeeded, Refused, WorkOrdersOpen
from handlers.incident import Answer, Case, Incident, Scene
from handlers.outcome import Line, Notice, Outcome, Row

Variables = Mapping[str, Any]

KEPT = (
    "problem_ref",
    "change_ref",
    "overdue_reason",
    "faq_category",
    "satisfaction_comment",
)


class CategoryOpen(Refused):
    """The category OTH is re-coded before the call closes (PROCESS §6.7.4)."""

    code = "category-open"
    zh = "类别 {category} 关闭前必须改为具体类别。"
    en = "The category {category} must be re-coded before the call closes."


def leave(path: str, scene: Scene) -> Outcome:
    """The call goes to 200.10 by this path, which proposes its closure code."""
    proposed = scene.codes.row("closing_path", path).data.get("closure")
    return Outcome({"exit_path": path, "closure_code": proposed})


def withdraw(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The caller withdraws before ST7: work orders recalled, C07; or C11, by the manager (§6.5.7)."""
    rights.desk(scene, "withdraw")
    chosen = answer.get("closure_code") or scene.codes.row("closing_path", "withdrawn").data["closure"]
    code = scene.codes.check("closure", chosen, "closure_code")
    if code.data.get("manager"):
        rights.manager(scene, f"withdraw {code.code}")
    elif "withdrawn" not in code.data.get("paths", ()):
        raise _unfit(code, "撤回只能用 C07 或 C11", "a withdrawal closes as C07 or C11")
    ended = work_orders.take_back(case, scene)
    handed = [
        Row("hand_off", row.seq, {"result": "withdrawn", "done_at": scene.now})
        for row in case.hand_offs
        if row.done_at is None and row.work_order is not None
    ]
    return (
        leave("withdrawn", scene)
        + waits.resume(case, "withdraw", scene, work_goes_on=False)
        + Outcome(
            {"closure_code": code.code, "hold": None, "held_from": None},
            rows=[*ended, *handed],
            lines=[Line("withdraw", answers.text(answer, "reason"))],
        )
        + work_orders.recall(case, scene)
    )


def closing(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.10: the closure code and what must be complete before the record is closed."""
    rights.desk(scene, "200.10")
    call = case.incident
    chosen = answer.get("closure_code") or call.closure_code
    if not chosen:
        raise Missing("closure_code")
    code = scene.codes.check("closure", chosen, "closure_code")
    changes = {
        "closure_code": code.code,
        "category_final": _category(call, code, answer, scene),
        "docs_updated": bool(answer.get("docs_updated")),
        "faq_candidate": bool(answer.get("faq_candidate")),
        **{name: answers.text(answer, name) for name in KEPT if answers.text(answer, name)},
        **_scores(answer, call),
    }
    if changes.get("overdue_reason"):
        scene.codes.check("overdue_reason", changes["overdue_reason"], "overdue_reason")
    if changes.get("faq_category"):
        scene.codes.check("faq_category", changes["faq_category"], "faq_category")
    may_close(case, code, changes, scene)
    note = answers.text(answer, "comment")
    noted = Outcome(changes, lines=[Line("note", note)] if note else [])
    return noted + hand_offs.to_problem(case, code, changes, scene)


def by_itself(case: Case, scene: Scene) -> Outcome | None:
    """The closing of a call whose caller stays silent; None if the desk must complete the record first."""
    call = case.incident
    fits = (code for code in _success(scene) if call.solution_kind in code.data.get("kinds", ()))
    for code in fits:
        changes = {"closure_code": code.code, "category_final": call.category_final or call.category}
        try:
            _category(call, code, {}, scene)
            may_close(case, code, changes, scene)
        except Refused:
            continue
        return Outcome(changes)
    return None


def may_close(case: Case, code: Code, changes: Mapping[str, Any], scene: Scene) -> None:
    """The guard of 200.10; refuses with the first rule that the call breaks."""
    call = case.incident
    _fits_path(call, code, scene)
    _fits_solution(call, code, changes)
    needs_problem = code.data.get("problem") and call.priority in scene.codes.policy("problem_for")
    if needs_problem and not (changes.get("problem_ref") or call.problem_ref):
        raise ProblemNeeded("problem_ref", priority=call.priority, closure=code.code)
    if call.overdue_at and not (
        changes.get("overdue_reason") or call.overdue_reason or _imported(call, scene)
    ):
        raise Missing("overdue_reason")
    still_open = [order.no for order in case.work_orders if order.status in work_orders.OPEN]
    if still_open:
        raise WorkOrdersOpen(orders=", ".join(still_open))
    children = duplicates.unsolved(call, scene)
    if children:
        raise ChildrenOpen(children=", ".join(children))


def close(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """The call is closed: ST8, its work orders W8, the caller told; a major incident is reviewed (POL-22)."""
    call = case.incident
    if not call.closure_code:
        raise Missing("closure_code")
    code = scene.codes.row("closure", call.closure_code)
    may_close(case, code, {}, scene)
    outcome = work_orders.close(case, scene) + Outcome(
        {"status": "ST8", "step": "200.10", "hold": None, "closed_at": scene.now, "closed_by": scene.by.id},
        notices=[_told(call, code, scene)],
    )
    return outcome + _review(call, scene) if call.major else outcome


def reopen_until(closed_at: datetime, scene: Scene) -> datetime:
    """Until when a call that closed then may be reopened (§6.5.7)."""
    policy = scene.codes.policy
    return calendar.add(scene.codes, policy("reopen_calendar"), closed_at, policy("reopen_minutes"))


def _told(call: Incident, code: Code, scene: Scene) -> Notice:
    """The caller hears, and of a solved one how long it may be reopened (§6.5.8)."""
    if code.data["group"] != "success":
        return Notice("closed", call.told, {"closure_code": code.code})
    until = calendar.wall(scene.codes, reopen_until(scene.now, scene))
    return Notice("closed_solved", call.told, {"closure_code": code.code, "reopen_until": until})


def _review(call: Incident, scene: Scene) -> Outcome:
    policy = scene.codes.policy
    due = calendar.add(scene.codes, policy("confirm_calendar"), scene.now, policy("review_minutes"))
    told = scene.facts.leaders(policy("manager_group"))
    params = {"review_due_at": calendar.wall(scene.codes, due)}
    return Outcome({"review_due_at": due}, notices=[Notice("review_due", one, params) for one in told])


def _imported(call: Incident, scene: Scene) -> bool:
    """Nobody knows any more why imported history was late."""
    method = scene.codes.table("confirm_method").get(call.confirm_method or "")
    return method is not None and method.data.get("by") == "manager"


def _success(scene: Scene) -> list[Code]:
    codes = (scene.codes.row("closure", code) for code in scene.codes.active("closure"))
    return [code for code in codes if code.data["group"] == "success"]


def _fits_path(call: Incident, code: Code, scene: Scene) -> None:
    """Valid for the way the call came (§6.7.3); C11 from anywhere, by the manager."""
    if code.data.get("manager"):
        return rights.manager(scene, f"200.10 {code.code}")
    if call.exit_path not in code.data.get("paths", ()):
        path = scene.codes.table("closing_path").get(call.exit_path or "")
        zh, en = (path.name_zh, path.name_en) if path else ("未知", "unknown")
        raise _unfit(code, f"关闭路径为「{zh}」", f"it came here as “{en}”")
    if bool(code.data.get("child")) != bool(call.parent) and code.data["paths"] == ["confirmed"]:
        raise _unfit(code, "从事件以 C08 关闭,其他事件不能", "children close as C08, and only children")
    return None


def _fits_solution(call: Incident, code: Code, changes: Mapping[str, Any]) -> None:
    kinds = code.data.get("kinds")
    if kinds and call.solution_kind not in kinds:
        raise _unfit(code, f"解决方式为 {call.solution_kind}", f"its solution is {call.solution_kind}")
    if code.data.get("steps") and not call.solution_steps:
        raise Missing("solution_steps")
    if code.data["group"] == "success" and call.call_type == "INC":
        category = changes.get("category_final") or call.category_final or call.category
        answers.need({"category": category, "priority": call.priority}, "category", "priority")
    if code.data.get("change") and not (changes.get("change_ref") or call.change_ref):
        raise Missing("change_ref")


def _category(call: Incident, code: Code, answer: Answer, scene: Scene) -> str | None:
    """The final category; OTH must be re-coded by now unless the call counts for nothing."""
    chosen = answer.get("category_final") or call.category_final or call.category
    if chosen is None:
        return None
    row = scene.codes.check("category", chosen, "category_final")
    if row.data.get("recode") and code.data["group"] != "excluded" and call.call_type == "INC":
        raise CategoryOpen("category_final", category=row.code)
    return row.code


def _scores(answer: Answer, call: Incident) -> dict[str, Any]:
    """A score that was not given stays null; it is never defaulted (PROCESS §6.1.2)."""
    names = ("satisfaction_desk", "satisfaction_handling")
    return {name: int(answer[name]) for name in names if answer.get(name) not in (None, "")}


def _unfit(code: Code, why_zh: str, why_en: str) -> ClosureCodeRefused:
    return ClosureCodeRefused("closure_code", closure=code.code, why_zh=why_zh, why_en=why_en)


TOPICS = {"close": close}

MESSAGES = {"withdraw": withdraw}
