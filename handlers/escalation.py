"""Hierarchical escalation E1-E4: register, notify, acknowledge, decide, act, end (PROCESS §6.6)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from handlers import (
    answers,
    calendar,
    confirmation,
    hand_offs,
    levels,
    major,
    messages,
    rights,
    triggers,
    vendor,
    work_orders,
)
from handlers.codes import Code
from handlers.errors import DecisionLimited, EndHoldFirst, EscalationRefused
from handlers.incident import Answer, Case, Escalation, Scene
from handlers.outcome import Job, Line, Notice, Outcome, Row
from handlers.triggers import OVER

Variables = Mapping[str, Any]

BY_HAND = "X13"
NOT_ACKNOWLEDGED = "XN"
REASSIGNABLE = ("ST3", "ST4", "ST5")
ANSWERED = ("holder", "acked_at", "acked_by", "decision", "decision_reason", "decided_at", "decided_by")
"""What a level holder's acknowledgement and decision leave on the record."""


def started(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """The start of an escalation instance: by hand one level above the present (X13), or by a trigger."""
    rights.staff(scene, "escalation")
    call = case.incident
    if call.status in OVER:
        raise _refused(call.no, "已解决、已关闭或已转出", "it is solved, closed or handed off")
    if case.escalation is not None:
        raise _refused(call.no, "已有进行中的升级", "an escalation is active already")
    code = _trigger(variables, scene)
    triggers.known(code, scene)
    if code == BY_HAND:
        answers.need(variables, "reason")
    level = (
        _level_by_hand(case, variables.get("level"), scene) if code == BY_HAND else str(variables["level"])
    )
    fixed = {"level": level, "trigger": code, "reason": answers.text(variables, "reason")}
    return Outcome(variables={**fixed, "acknowledged": False, "decision": None})


def register(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """4.4-1: one record per call; its level only rises; idempotent by (call, trigger, level, segment).

    The segment is that of the trigger's own clock: a second group that stays silent is another event.
    A trigger is taken once, so that without one it was the limit of the acknowledgement that led here.
    """
    active, code, level = case.escalation, variables["trigger"], str(variables["level"])
    if active is None:
        return _new(case, str(code), level, variables, scene)
    if code is None:
        return _unanswered(case, active, scene)
    if _known(case, active, code, level, scene):
        again = Line("escalation", f"{code} {level} 重复 / again")
        return Outcome(variables=_carried(active), lines=[again])
    if levels.rank(level, scene) > levels.rank(active.level, scene):
        return _raised(case, active, code, level, variables, scene)
    return _reminded(case, active, code, level, scene)


def notify(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """4.4-2: to the level holder and the backup, with a copy to the lower levels and the desk."""
    active, call = case.escalation, case.incident
    if active is None:
        return Outcome()
    count = active.notices + 1
    event = "escalation_status" if active.state in ("acked", "decided") else "escalated"
    params = {"level": active.level, "trigger": active.trigger, "reason": active.reason or ""}
    every = scene.codes.minutes(call.priority, "update") or scene.codes.policy("update_default")
    due = calendar.add(scene.codes, scene.codes.calendar(call.priority), scene.now, every)
    return Outcome(
        {},
        {"update_due": due.isoformat()},
        [Row("escalation", active.seq, {"notices": count, "notified_at": scene.now})],
        [
            Notice(event, one, params, f"escalation/{active.seq}/{active.level}/{count}/{one}")
            for one in _audience(case, active, scene)
        ],
        lines=[Line("escalation_notice", active.level)],
    )


def acknowledge(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """4.4-3: the level holder has it."""
    active = _active(case)
    rights.holder(scene, active.holder_group, "4.4-3")
    values = {"state": "acked", "acked_at": scene.now, "acked_by": scene.by.id, "holder": scene.by.id}
    return Outcome(
        {},
        {"acknowledged": True},
        [Row("escalation", active.seq, values)],
        lines=[Line("escalation_acknowledged", active.level)],
    )


def decide(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """4.4-4: cost against speed; accepting and withdrawing need a reason, declaring major the manager."""
    active = _active(case)
    rights.holder(scene, active.holder_group, "4.4-4")
    decision = scene.codes.check("escalation_decision", answer.get("decision"), "decision")
    if decision.data.get("reason"):
        answers.need(answer, "reason")
    if decision.data.get("manager"):
        rights.manager(scene, f"4.4-4 {decision.code}")
    _may_decide(case, active, decision.code, scene)
    reason = answers.text(answer, "reason")
    values = {
        "state": "decided",
        "decision": decision.code,
        "decision_reason": reason,
        "decided_at": scene.now,
        "decided_by": scene.by.id,
    }
    return Outcome(
        {},
        {"decision": decision.code},
        [Row("escalation", active.seq, values)],
        lines=[Line("escalation_decided", f"{decision.code} {reason}" if reason else decision.code)],
    )


def act(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """4.4-5: the decision becomes a work order, a message, a hand-off or a change of the record."""
    active, call = _active(case), case.incident
    decision = scene.codes.row("escalation_decision", active.decision)
    params = {"decision": decision.name_zh, "reason": active.decision_reason or ""}
    told = sorted({one for one in (call.owner, call.assignee) if one})
    outcome = Outcome(
        notices=[
            Notice("escalation_decision", one, params, f"decision/{active.seq}/{active.notices}/{one}")
            for one in told
        ],
        lines=[Line("escalation_act", decision.code)],
    )
    then = ACTS.get(decision.code)
    return outcome + then(case, active, decision, scene) if then else outcome


def _add_resources(case: Case, active: Escalation, decision: Code, scene: Scene) -> Outcome:
    """The group that works on the call sends another of its people, once for this decision."""
    call, kind = case.incident, decision.data["order"]
    made = (kind, active.decided_at, active.decided_by)
    if made in {(one.type, one.created_at, one.created_by) for one in case.work_orders}:
        return Outcome()
    group = call.assigned_group or call.owner_group
    order = work_orders.issue(
        case,
        kind,
        scene,
        group=group,
        created_at=active.decided_at,
        created_by=active.decided_by,
        comment=_note(active, decision),
        due_accept=calendar.due(scene.codes, call.priority, "accept", scene.now),
    )
    told = [work_orders.told(order, one) for one in scene.facts.leaders(group)]
    return Outcome(rows=[order], notices=told)


def _reassign(case: Case, active: Escalation, decision: Code, scene: Scene) -> Outcome:
    """The call itself goes back to its dispatch."""
    return Outcome(jobs=[_to_incident(case.incident.no, active, decision.code)])


def _change_vendor(case: Case, active: Escalation, decision: Code, scene: Scene) -> Outcome:
    """The vendor that is engaged is urged; another one is engaged by second line at 200.7."""
    return vendor.urge(case, scene)


def _emergency_change(case: Case, active: Escalation, decision: Code, scene: Scene) -> Outcome:
    """Change management hears of it (POL-15)."""
    return hand_offs.open_one(case, hand_offs.CHANGE, scene, note=_note(active, decision))


def _emergency_plan(case: Case, active: Escalation, decision: Code, scene: Scene) -> Outcome:
    """The emergency group starts the plan (PROCESS §6.3)."""
    return hand_offs.open_one(case, hand_offs.EMERGENCY, scene, note=_note(active, decision))


def _declare_major(case: Case, active: Escalation, decision: Code, scene: Scene) -> Outcome:
    """It is major by the decision of the manager (§6.5.6)."""
    call = case.incident
    if call.major:
        return Outcome()
    declared = major.declare(call, active.decided_by, scene) + major.alert(call, call.priority, scene)
    return declared + triggers.trigger(case, "X1", scene)


def withdraw(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The manager or the level holder withdraws the escalation that is watched, with a reason (§6.6.5)."""
    active = _active(case)
    rights.holder(scene, active.holder_group, "withdraw_escalation")
    answers.need(answer, "reason")
    reason = answers.text(answer, "reason")
    values = {"decision": "withdraw", "decision_reason": reason}
    stamped = {**values, "decided_at": scene.now, "decided_by": scene.by.id}
    return Outcome(
        {},
        {"decision": "withdraw"},
        [Row("escalation", active.seq, stamped)],
        lines=[Line("escalation_withdrawn", reason)],
    )


def end_escalation(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """4.4-7: solved, closed, handed off, or withdrawn."""
    active = case.escalation
    if active is None:
        return Outcome()
    withdrawn = variables.get("decision") == "withdraw"
    reason = (
        "withdrawn"
        if withdrawn
        else {"ST8": "closed", "ST9": "handed_off"}.get(case.incident.status, "solved")
    )
    values = {"state": "ended", "ended_at": scene.now, "end_reason": reason}
    return Outcome(
        rows=[Row("escalation", active.seq, values)],
        lines=[Line("escalation_ended", f"{active.level} {reason}")],
    )


def threshold_reached(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """A trigger reaches the escalation that is being watched; by hand it is one level higher (X13)."""
    rights.staff(scene, "threshold_reached")
    code = _trigger(answer, scene)
    if not rights.is_system(scene):
        answers.need(answer, "reason")
    reason = answers.text(answer, "reason") or triggers.name(code, scene)
    if rights.is_system(scene) and answer.get("level"):
        level = scene.codes.check("escalation_level", answer["level"], "level").code
    else:
        level = _level_by_hand(case, answer.get("level"), scene)
    return Outcome(
        variables={"trigger": code, "level": level, "reason": reason},
        lines=[Line("escalation_requested", f"{code} {level}")],
    )


def solved(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The call reached ST7, ST8 or ST9; the escalation ends."""
    rights.manager(scene, "solved")
    if case.incident.status not in OVER:
        raise _refused(case.incident.no, "尚未解决", "it is not solved yet")
    return Outcome()


def _new(case: Case, code: str, level: str, variables: Variables, scene: Scene) -> Outcome:
    seq = len(case.escalations) + 1
    fields = _level_fields(case, level, scene)
    row = {
        "trigger": code,
        "level": level,
        "segment": case.incident.segment,
        "state": "notified",
        "reason": variables.get("reason"),
        "raised_at": scene.now,
        "raised_by": scene.by.id,
        **fields,
    }
    return Outcome(
        {"escalation_level": levels.highest(case.incident.escalation_level, level, scene)},
        _variables(fields, level),
        [Row("escalation", seq, row, new=True), _noted(case, seq, code, level, scene)],
        lines=[Line("escalation_registered", f"{code} {level}")],
    )


def _raised(
    case: Case, active: Escalation, code: str, level: str, variables: Variables, scene: Scene
) -> Outcome:
    """The next level has to acknowledge and decide by itself; what the lower one said stays in the log."""
    fields, reason = _level_fields(case, level, scene), variables.get("reason") or active.reason
    fresh = {"trigger": code, "level": level, "reason": reason, "state": "notified"}
    row = {**fresh, "silences": 0, **dict.fromkeys(ANSWERED), **fields}
    return Outcome(
        {"escalation_level": levels.highest(case.incident.escalation_level, level, scene)},
        _variables(fields, level),
        [Row("escalation", active.seq, row), _noted(case, active.seq, code, level, scene)],
        lines=[Line("escalation_raised", f"{code} {level}")],
    )


def _reminded(case: Case, active: Escalation, code: str, level: str, scene: Scene) -> Outcome:
    """At or below the present level: a log line and a reminder, not a new record (§6.6.5)."""
    return Outcome(
        {},
        _carried(active),
        [_noted(case, active.seq, code, level, scene)],
        lines=[Line("escalation_reminder", f"{code} {level}")],
    )


def _unanswered(case: Case, active: Escalation, scene: Scene) -> Outcome:
    """Silence at the limit: first the backup of the same level, then the next level (未响应)."""
    higher = levels.above(active.level, scene)
    if active.silences == 0 or higher is None:
        fields = _level_fields(case, active.level, scene)
        values = {"silences": active.silences + 1, "ack_due": fields["ack_due"]}
        return Outcome(
            {},
            _variables(fields, active.level),
            [Row("escalation", active.seq, values)],
            lines=[Line("escalation_silent", active.level)],
        )
    return _raised(case, active, NOT_ACKNOWLEDGED, higher, {}, scene)


def _trigger(given: Variables, scene: Scene) -> str:
    """What a person starts is started by hand, whatever he names (X13)."""
    return str(given.get("trigger") or BY_HAND) if rights.is_system(scene) else BY_HAND


def _level_by_hand(case: Case, wanted: Any, scene: Scene) -> str:
    """One level above the present (X13); the manager may name a higher one."""
    call = case.incident
    present = case.escalation.level if case.escalation else None
    above = levels.above(present, scene)
    if above is None:
        raise _refused(call.no, f"已在最高级别 {present}", f"it is at the highest level {present}")
    if not wanted:
        return above
    level = scene.codes.check("escalation_level", wanted, "level").code
    if present and levels.rank(level, scene) <= levels.rank(present, scene):
        raise _refused(call.no, f"级别只升不降(现为 {present})", f"its level only rises (now {present})")
    if level != above:
        rights.manager(scene, f"X13 {level}")
    return level


def _level_fields(case: Case, level: str, scene: Scene) -> dict[str, Any]:
    row, call = scene.codes.row("escalation_level", level), case.incident
    return {
        "holder_group": levels.group(call, level, scene),
        "ack_due": _ack_due(call.priority, row.data["ack"], scene),
    }


def _ack_due(priority: str | None, limits: Mapping[str, int], scene: Scene) -> datetime:
    """A request or a call without priority is acknowledged in the time of the row's `ack` priority."""
    row = scene.codes.table("priority").get(priority or "")
    like = (row.data.get("ack") if row else None) or priority
    minutes = limits.get(str(like)) or max(limits.values())
    return calendar.add(scene.codes, scene.codes.calendar(priority), scene.now, minutes)


def _audience(case: Case, active: Escalation, scene: Scene) -> list[str]:
    """Holders of this level and of the lower ones, each with the backup, and the call's owner."""
    groups = [levels.group(case.incident, level, scene) for level in levels.upto(active.level, scene)]
    return levels.people(case.incident, groups, scene)


def _variables(fields: Mapping[str, Any], level: str) -> dict[str, Any]:
    return {
        "level": level,
        "holder_group": fields["holder_group"],
        "ack_due": fields["ack_due"].isoformat(),
        "acknowledged": False,
        "trigger": None,
    }


def _carried(active: Escalation) -> dict[str, Any]:
    acknowledged = active.state in ("acked", "decided")
    return {"level": active.level, "acknowledged": acknowledged, "trigger": None}


def _noted(case: Case, seq: int, code: str, level: str, scene: Scene) -> Row:
    values = {"escalation": seq, "trigger": code, "level": level, "segment": _segment(case, code)}
    stamped = {**values, "at": scene.now, "by": scene.by.id}
    return Row("escalation_raise", (scene.facts.last_raise(case.incident.no) or 0) + 1, stamped, new=True)


def _known(case: Case, active: Escalation, code: str, level: str, scene: Scene) -> bool:
    return scene.facts.registered(case.incident.no, active.seq, code, level, _segment(case, code))


def _segment(case: Case, code: str) -> int:
    """That of the clock which a trigger is of: its own, where it begins anew while the call's goes on."""
    own = OWN_CLOCKS.get(code)
    return own(case) if own else case.incident.segment


def _to_incident(no: str, active: Escalation, decision: str) -> Job:
    key = f"escalation_decided:{no}:{active.seq}:{active.notices}"
    return messages.send(key, "escalation_decided", no, {"decision": decision})


def _note(active: Escalation, decision: Code) -> str:
    return f"{decision.name_zh}:{active.decision_reason}" if active.decision_reason else decision.name_zh


def _may_decide(case: Case, active: Escalation, decision: str, scene: Scene) -> None:
    """What the call cannot take where it stands is not decided, but said why."""
    call = case.incident
    _may_only(case, active, decision, scene)
    if decision == "reassign" and call.status not in REASSIGNABLE:
        where = f"{call.step} ({call.status})"
        raise _refused(call.no, f"在 {where} 没有可改派的二线处理", f"at {where} no second line works on it")
    held = scene.codes.table("hold").get(call.hold or "")
    if decision == "declare_major" and call.status == "ST6" and held and held.data.get("never"):
        raise EndHoldFirst("decision", no=call.no, hold=held.code, priority=call.priority)


def _may_only(case: Case, active: Escalation, decision: str, scene: Scene) -> None:
    """Refused twice at second line: engage the vendor or continue with plan, nothing else (200.9)."""
    only = triggers.known(active.trigger, scene).data.get("decisions", {}).get(active.level)
    if not only or decision in only or case.incident.solution_tier not in confirmation.SECOND_LINE:
        return
    rows = [scene.codes.row("escalation_decision", one) for one in only]
    raise DecisionLimited(
        "decision",
        no=case.incident.no,
        trigger=active.trigger,
        only_zh="、".join(row.name_zh for row in rows),
        only_en=", ".join(row.name_en for row in rows),
    )


def _active(case: Case) -> Escalation:
    if case.escalation is None:
        raise _refused(case.incident.no, "没有进行中的升级", "no escalation is active")
    return case.escalation


def _refused(no: str, why_zh: str, why_en: str) -> EscalationRefused:
    return EscalationRefused(no=no, why_zh=why_zh, why_en=why_en)


# Acceptance begins anew with each dispatch, the vendor's answer with each engagement, then each promise.
OWN_CLOCKS: Mapping[str, Callable[[Case], int]] = {
    "X3": lambda case: case.incident.dispatch_count,
    "X7": lambda case: len(case.engagements),
    "X8": lambda case: sum(one.broken_promises for one in case.engagements),
}

ACTS: Mapping[str, Callable[[Case, Escalation, Code, Scene], Outcome]] = {
    "add_resources": _add_resources,
    "reassign": _reassign,
    "change_vendor": _change_vendor,
    "emergency_change": _emergency_change,
    "start_emergency_plan": _emergency_plan,
    "declare_major": _declare_major,
}

TOPICS = {
    "register_escalation": register,
    "notify": notify,
    "act": act,
    "end_escalation": end_escalation,
}

ANSWERS = {"T_ack": acknowledge, "T_decide": decide}

MESSAGES = {
    "threshold_reached": threshold_reached,
    "solved": solved,
    "withdraw_escalation": withdraw,
}
