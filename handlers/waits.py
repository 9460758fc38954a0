"""The holds H1-H5 (ST6): when one may begin, how long it lasts, what ends it (PROCESS §6.5.4)."""

from datetime import datetime

from handlers import answers, calendar, clocks, hand_offs, rights, work_orders
from handlers.codes import Code
from handlers.errors import HoldRefused, HoldTooLong
from handlers.incident import Answer, Case, Hold, Scene
from handlers.outcome import Line, Notice, Outcome, Row

BY_TIME = "timer"


def hold(case: Case, reason: str, answer: Answer, scene: Scene, return_step: str) -> Outcome:
    """Begin a hold: comment and expected resume are mandatory; the process returns to `return_step`."""
    rule = scene.codes.row("hold", reason)
    _may_hold(case, rule, scene)
    answers.need(answer, "hold_comment", *(["expected_resume"] if rule.data["expected"] else []))
    until = answers.future(answer, "expected_resume", scene.now)
    _not_too_long(rule, until, scene)
    call, comment = case.incident, answers.text(answer, "hold_comment")
    row = Row(
        "hold",
        len(case.holds) + 1,
        {
            "reason": reason,
            "comment": comment,
            "from_at": scene.now,
            "by": scene.by.id,
            "expected_resume": until,
        },
        new=True,
    )
    return Outcome(
        {"held_from": call.status},
        {"return_step": return_step, "hold_until": until.isoformat() if until else None},
        rows=[row, *work_orders.pause(case, scene)],
        notices=[Notice("held", call.told, {"hold": rule.name_zh, "comment": comment})],
    )


def resume(case: Case, ended_by: str, scene: Scene, *, work_goes_on: bool = True) -> Outcome:
    """End the hold that is open: the answer came, the date was reached or the caller withdrew.

    One that time ends was over when it said, even if nobody could act on it then.
    """
    opened = next((row for row in reversed(case.holds) if row.resumed_at is None), None)
    if opened is None:
        return Outcome()
    over = min(opened.expected_resume or scene.now, scene.now) if ended_by == BY_TIME else scene.now
    values = {"resumed_at": over, "resumed_by": scene.by.id, "ended_by": ended_by}
    return Outcome(
        rows=[Row("hold", opened.seq, values), *(work_orders.resume(case, scene) if work_goes_on else ())],
        lines=[Line("resumed", ended_by), clocks.told(scene.now)],
    ) + _over(case, opened, ended_by, scene)


def _over(case: Case, opened: Hold, ended_by: str, scene: Scene) -> Outcome:
    """The time of the hold is over and nobody answered: the desk hears, and may propose C11 (H1)."""
    rule = scene.codes.row("hold", opened.reason)
    if ended_by != BY_TIME or not rule.data.get("unanswered"):
        return Outcome()
    told = Notice("hold_over", case.incident.owner, {"hold": rule.name_zh})
    return Outcome(notices=[told], lines=[Line("unanswered", rule.data["unanswered"])])


def customer_replied(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The customer's reply ends H1."""
    rights.desk_or_second_line(case, scene, "customer_replied")
    return _answered(case, "customer_replied", answer, scene)


def change_done(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The change process says approved, rejected, implemented or failed; that ends H2.

    Raises NotAllowed, UnknownCode, UnknownOutcome, ChangeNotAwaited.
    """
    rights.desk_or_second_line(case, scene, "change_done")
    result = scene.codes.check("change_result", answer.get("change_result"), "change_result").code
    ref = answers.text(answer, "change_ref") or case.incident.change_ref
    reported = hand_offs.change_reported(case, result, ref, answers.text(answer, "note"), scene)
    noted = Outcome({"change_ref": ref}, lines=[Line("change", result)])
    return reported + noted + _answered(case, "change_done", answer, scene)


def parts_arrived(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Parts or access are there; that ends H5."""
    rights.desk_or_second_line(case, scene, "parts_arrived")
    return _answered(case, "parts_arrived", answer, scene)


def agreed_date_reached(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The agreed date is reached, or both sides go on earlier; that ends H4."""
    rights.desk_or_second_line(case, scene, "agreed_date_reached")
    return _answered(case, "agreed_date_reached", answer, scene)


def _answered(case: Case, message: str, answer: Answer, scene: Scene) -> Outcome:
    note = answers.text(answer, "note")
    return resume(case, message, scene) + Outcome(lines=[Line("note", note)] if note else [])


def _may_hold(case: Case, rule: Code, scene: Scene) -> None:
    priority = case.incident.priority
    if priority in rule.data.get("never", ()) or (case.incident.major and rule.data.get("never")):
        raise HoldRefused(priority=priority, hold=rule.code, who_zh="", who_en="")
    if priority in rule.data.get("manager", ()) and not rights.is_manager(scene):
        who = {"who_zh": ",除非事件经理决定", "who_en": " but by the incident manager"}
        raise HoldRefused(priority=priority, hold=rule.code, **who)


def _not_too_long(rule: Code, until: datetime | None, scene: Scene) -> None:
    longest = rule.data.get("longest")
    if until is None or longest is None:
        return
    limit = calendar.add(scene.codes, rule.data["calendar"], scene.now, longest)
    if until > limit:
        raise HoldTooLong("expected_resume", hold=rule.code, limit=calendar.wall(scene.codes, limit))


MESSAGES = {
    "customer_replied": customer_replied,
    "change_done": change_done,
    "parts_arrived": parts_arrived,
    "agreed_date_reached": agreed_date_reached,
}
