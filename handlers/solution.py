"""The solution of a call: documented steps, tier, kind and times (PROCESS §6.1.2, POL-11)."""

from datetime import datetime, timedelta

from handlers import answers, hand_offs, rights
from handlers.incident import Answer, Case, Scene
from handlers.outcome import Outcome

WORKAROUND = "workaround"


def solved(case: Case, answer: Answer, scene: Scene, tier: str, work_order: int | None = None) -> Outcome:
    """The call is solved: no solution without its steps; `first_resolved_at` is set once."""
    answers.need(answer, "solution_kind", "solution_steps")
    kind = scene.codes.check("solution_kind", answer["solution_kind"], "solution_kind").code
    when = _resolved_at(case, answer, scene)
    steps = str(answers.text(answer, "solution_steps"))
    told = hand_offs.workaround(case, steps, scene) if kind == WORKAROUND else Outcome()
    return told + Outcome(
        {
            "solution_tier": tier,
            "solution_kind": kind,
            "solution_steps": steps,
            "solution_wo": work_order,
            "solution_inherited": False,
            "solver": scene.by.id,
            "faq_used": bool(answer.get("faq_used")),
            "first_resolved_at": case.incident.first_resolved_at or when,
            "resolved_at": when,
            "service_restored_at": restored(case, answer, scene) or when,
            "change_ref": answers.text(answer, "change_ref") or case.incident.change_ref,
            "exit_path": None,
        }
    )


def restored(case: Case, answer: Answer, scene: Scene) -> datetime | None:
    """The end of the disturbance, not before its start."""
    when = answers.past(answer, "service_restored_at", scene.now)
    if when and case.incident.occurred_at and when < case.incident.occurred_at:
        raise answers.bad_time(
            "service_restored_at", "不能早于发生时间", "must not be before the disturbance"
        )
    return when


def _resolved_at(case: Case, answer: Answer, scene: Scene) -> datetime:
    """Now; or the true moment, by the manager or within the late-entry limit (PROCESS §6.5.10)."""
    call = case.incident
    when = answers.past(answer, "resolved_at", scene.now) or scene.now
    earliest = max(filter(None, (call.reported_at, call.first_resolved_at)))
    if when < earliest:
        raise answers.bad_time(
            "resolved_at", "不能早于报告或首次解决", "must not be before the report or the first solution"
        )
    limit = timedelta(minutes=scene.codes.policy("late_solution_minutes"))
    if scene.now - when > limit:
        rights.manager(scene, "resolved_at")
    return when
