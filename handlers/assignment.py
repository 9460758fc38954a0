"""200.4-200.6: first line, dispatch, acceptance and refusal, designation, second line (PROCESS §6.4)."""

from collections.abc import Mapping
from typing import Any

from handlers import (
    answers,
    calendar,
    closure,
    duplicates,
    duty,
    hand_offs,
    rights,
    triggers,
    waits,
    work_orders,
)
from handlers.classification import reclassify
from handlers.errors import NotASecondLine, RejectionIsFinal
from handlers.incident import Answer, Case, Scene
from handlers.outcome import Line, Notice, Outcome, Row
from handlers.solution import solved

Variables = Mapping[str, Any]

OUTCOMES_4 = ("resolved", "escalate", "need_info", "reclassify", "duplicate", "false_alarm")
OUTCOMES_6 = (
    "resolved",
    "vendor",
    "back_to_desk",
    "need_info",
    "need_change",
    "suspend",
    "wait_parts",
    "duplicate",
)


def first_line(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.4: the desk tries first, within its time box (POL-10)."""
    rights.desk(scene, "200.4")
    chosen = answers.outcome(answer, "outcome_4", OUTCOMES_4)
    noted = Outcome({}, {"outcome_4": chosen}, lines=_findings(answer))
    match chosen:
        case "resolved":
            return noted + solved(case, answer, scene, "L1")
        case "escalate":
            return noted
        case "need_info":
            return noted + waits.hold(case, "H1", answer, scene, "T200_4")
        case "reclassify":
            return noted + reclassify(case, answer, scene)
        case "duplicate":
            return noted + duplicates.link(case, answer, scene)
        case _:
            return noted + closure.leave("false_alarm", scene)


def dispatch(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.5: the desk chooses a second-line group; `assign` makes the work order."""
    rights.desk(scene, "200.5")
    group = _second_line(answer, scene)
    return Outcome(variables={"group": group, "forced": False}, lines=_findings(answer))


def designate(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.5 after two refusals: the manager designates a group, without appeal (POL-13)."""
    rights.manager(scene, "200.5")
    group = _second_line(answer, scene)
    return Outcome(
        {"assignee": answer.get("assignee") or None},
        {"group": group, "forced": True},
        lines=_findings(answer),
    )


def assign(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """Make the dispatch work order, proposed to who of the group is on duty (§6.5.9).

    A designated one is accepted by definition, and belongs to whom the manager named.
    """
    group, forced, call = str(variables.get("group")), bool(variables.get("forced")), case.incident
    due = calendar.due(scene.codes, call.priority, "accept", scene.now)
    crew = scene.facts.crew(group)
    named = call.assignee if forced else None
    assignee = named or duty.on_duty(group, crew, scene, never=call.complained_about)
    people: dict[str, Any] = {"assignee": assignee, "backup": duty.backup(group, scene)}
    order = work_orders.issue(case, "DSP", scene, group=group, **people, due_accept=due, forced=forced)
    rows = [order]
    changes: dict[str, Any] = {"assigned_group": group, "assignee": assignee}
    changes |= {"dispatch_count": call.dispatch_count + 1}
    if forced:
        changes |= {"status": "ST3"}
        rows.append(work_orders.accepted(order, scene))
    people_told = dict.fromkeys(one for one in (assignee, *duty.leaders(crew)) if one)
    told = [Notice("dispatched", one, {"group": group}) for one in people_told]
    told.append(Notice("dispatched_caller", call.told, {"group": group}))
    return Outcome(changes, {"group": group, "forced": forced}, rows, told)


def accept(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.5: a member of the group accepts, or refuses once with a coded reason."""
    rights.second_line(case, scene, "200.5")
    chosen = answers.outcome(answer, "accept", ("accepted", "rejected"))
    if chosen == "accepted":
        rows = work_orders.accept(case, scene)
        return Outcome({"assignee": scene.by.id}, {"accept": chosen, "must_designate": False}, rows)
    return _reject(case, answer, scene)


def second_line(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.6: the assignee solves it, engages a vendor, waits, or gives it back to the desk."""
    rights.second_line(case, scene, "200.6")
    chosen = answers.outcome(answer, "outcome_6", OUTCOMES_6)
    noted = Outcome(_worker(case, scene), {"outcome_6": chosen}, lines=_findings(answer))
    order = case.dispatch
    match chosen:
        case "resolved":
            done = solved(case, answer, scene, "L2", order.seq if order else None)
            return noted + done + Outcome(rows=work_orders.finish(case, "solved", scene))
        case "vendor":
            return noted
        case "back_to_desk":
            return noted + _back_to_desk(case, answer, scene)
        case "need_info":
            return noted + waits.hold(case, "H1", answer, scene, "T200_6")
        case "need_change":
            return noted + change_needed(case, answer, scene, "T200_6")
        case "suspend":
            return noted + waits.hold(case, "H4", answer, scene, "T200_6")
        case "wait_parts":
            return noted + waits.hold(case, "H5", answer, scene, "T200_6")
        case _:
            return noted + duplicates.link(case, answer, scene)


def change_needed(case: Case, answer: Answer, scene: Scene, return_step: str) -> Outcome:
    """Production is changed only through change management (POL-15): handed to it, and waited for."""
    answers.need(answer, "change_ref")
    ref, note = str(answers.text(answer, "change_ref")), answers.text(answer, "hold_comment")
    handed = hand_offs.change_needed(case, ref, note, scene)
    return Outcome({"change_ref": ref}) + handed + waits.hold(case, "H2", answer, scene, return_step)


def recall(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The desk takes a silent dispatch back (W7) and dispatches elsewhere."""
    rights.desk(scene, "recall")
    note = answers.text(answer, "note")
    given_up = Outcome({"assigned_group": None, "assignee": None}, lines=[Line("recall", note)])
    return given_up + work_orders.recall(case, scene, "DSP")


def time_box_over(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """First line's time is over: to the category's default group, or the manager designates (200.4)."""
    rights.manager(scene, "time_box_over")
    group = scene.codes.default_group(case.incident.category)
    return Outcome(
        variables={"group": group, "forced": False},
        lines=[Line("time_box_over", "系统超时分派" if group else "系统超时,由事件经理指定")],
    )


def escalation_decided(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The level holder reassigns: all its work orders are recalled and the desk dispatches again (4.4-5)."""
    rights.manager(scene, "escalation_decided")
    # From ST5 the table leads to first line by way of ST4 only (§6.7.2).
    left = {"status": "ST4"} if case.incident.status == "ST5" else {}
    given_up = Outcome(
        {"assigned_group": None, "assignee": None, **left},
        rows=work_orders.take_back(case, scene),
        lines=[Line("escalation_decided", answers.text(answer, "decision"))],
    )
    return given_up + work_orders.recall(case, scene)


def _reject(case: Case, answer: Answer, scene: Scene) -> Outcome:
    call, limit = case.incident, scene.codes.policy("refusals_before_designation")
    if call.reject_count >= limit:
        raise RejectionIsFinal("accept", count=call.reject_count)
    answers.need(answer, "reject_reason")
    reason = scene.codes.check("reject_reason", answer["reject_reason"], "reject_reason")
    suggested = _suggested(answer, scene)
    count = call.reject_count + 1
    values = {
        "reject_reason": reason.code,
        "suggested_group": suggested,
        "rejected_at": scene.now,
        "comment": answers.text(answer, "comment"),
    }
    told = {"group": call.assigned_group, "reason": reason.name_zh}
    outcome = Outcome(
        {
            "reject_count": count,
            "misregistered": call.misregistered or bool(reason.data["misregistered"]),
            "assigned_group": None,
            "assignee": None,
        },
        {"accept": "rejected", "must_designate": count >= limit},
        work_orders.reject(case, scene, **values),
        [Notice("rejected", call.owner, told)],
        lines=[Line("rejected", reason.code)],
    )
    return outcome + triggers.trigger(case, "X4", scene) if count >= limit else outcome


def _back_to_desk(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Not ours after all; no direct transfer between groups (POL-14)."""
    suggested = _suggested(answer, scene)
    rows: tuple[Row, ...] = work_orders.finish(case, "returned", scene, suggested_group=suggested)
    return Outcome(
        {"return_count": case.incident.return_count + 1, "assigned_group": None, "assignee": None},
        rows=rows,
        lines=[Line("back_to_desk", suggested)],
    )


def _second_line(answer: Answer, scene: Scene) -> str:
    answers.need(answer, "group")
    group = scene.facts.group(str(answer["group"]))
    if group is None or not group.active or group.tier != "L2":
        raise NotASecondLine("group", group=answer["group"])
    return group.code


def _suggested(answer: Answer, scene: Scene) -> str | None:
    if not answer.get("suggested_group"):
        return None
    return _second_line({"group": answer["suggested_group"]}, scene)


def _worker(case: Case, scene: Scene) -> dict[str, Any]:
    """The one who answers is the one who works on it, if nobody was named."""
    return {} if case.incident.assignee else {"assignee": scene.by.id}


def _findings(answer: Answer) -> list[Line]:
    found = answers.text(answer, "comment")
    return [Line("findings", found)] if found else []


TOPICS = {"assign": assign}

MESSAGES = {"recall": recall, "time_box_over": time_box_over, "escalation_decided": escalation_decided}
