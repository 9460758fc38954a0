"""分类: the type of a call, its scope, and its priority (PROCESS §6.4, §6.5.3, §6.7)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handlers import answers, closure, major, rights, targets, triggers, work_orders
from handlers.errors import EndHoldFirst, LoweringRefused, NotPrioritised
from handlers.incident import Answer, Case, Incident, Scene
from handlers.outcome import Line, Notice, Outcome

Variables = Mapping[str, Any]


def classify(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """G1: is it in scope, and is it an incident, a request or a 申述? (POL-04)"""
    call = case.incident
    in_scope = bool(scene.codes.row("environment", call.environment).data["in_scope"])
    outcome = Outcome(variables={"in_scope": in_scope, "call_type": call.call_type})
    candidates = scene.facts.similar(call)
    if candidates:
        outcome += Outcome(lines=[Line("duplicate_candidates", ", ".join(candidates))])
    if not in_scope:
        contact = _contact(call, scene)
        notice = Notice("out_of_scope", call.told, {"contact": contact})
        return outcome + closure.leave("out_of_scope", scene) + Outcome(notices=[notice])
    if call.call_type != "INC":
        # Requests and 申述 have their own targets; an incident clock that ran is cancelled (S07).
        kind = str(call.call_type)
        judged = {"priority": kind, "impact": None, "urgency": None}
        return outcome + Outcome(judged, notices=[_target(case, kind, scene)])
    if call.priority in ("SR", "CMP"):
        return outcome + Outcome({"priority": None})
    return outcome


def prioritise(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """200.2: the matrix, the VIP step, a reasoned override; P1 and major incidents alarm at once."""
    call = case.incident
    by_matrix = matrix(call, scene)
    priority = _overridden(call, by_matrix, scene)
    outcome = Outcome(
        {"priority": priority, "prioritised_at": call.prioritised_at or scene.now},
        {"priority": priority},
        notices=[_target(case, priority, scene)],
    )
    by_criteria = major.criteria(call.impact, priority, scene)
    if by_criteria:
        outcome += major.declare(call, scene.by.id, scene)
    if by_criteria or call.major:
        outcome += major.alert(call, priority, scene) + triggers.trigger(case, "X1", scene)
    return outcome + security(case, priority, scene)


def matrix(call: Incident, scene: Scene) -> str:
    """The priority of the matrix; a VIP raises the urgency one step, never to P1 alone (§6.7.1)."""
    codes = scene.codes
    plain = codes.matrix(str(call.impact), str(call.urgency))
    if not call.vip:
        return plain
    urgencies = codes.active("urgency")
    raised = codes.matrix(str(call.impact), urgencies[max(urgencies.index(str(call.urgency)) - 1, 0)])
    return plain if raised == codes.policy("vip_never") else raised


def reclassify(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """Another leaf, perhaps another type: the call was misregistered (PROCESS §6.1.2)."""
    answers.need(answer, "classification")
    leaf = scene.codes.leaf(answer["classification"], "classification").code
    return Outcome({"classification": leaf, "call_type": scene.codes.call_type(leaf), "misregistered": True})


def change_priority(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """A later change of impact and urgency, always with a reason (PROCESS §6.5.3, POL-05)."""
    answers.need(answer, "impact", "urgency", "priority_reason")
    codes, call = scene.codes, case.incident
    impact = codes.check("impact", answer["impact"], "impact").code
    urgency = codes.check("urgency", answer["urgency"], "urgency").code
    if call.call_type != "INC" or call.priority is None:
        raise NotPrioritised("priority", no=call.no)
    judged_anew = (impact, urgency) != (call.impact, call.urgency)
    new = matrix(replace(call, impact=impact, urgency=urgency), scene) if judged_anew else call.priority
    raised = codes.rank(new) < codes.rank(call.priority)
    if raised:
        rights.staff(scene, "priority")
    else:
        may_lower(call.priority, new, scene)
    _hold_allows(call, impact, new, scene)
    reason = answers.text(answer, "priority_reason")
    params = {"old": call.priority, "priority": new, "reason": reason}
    outcome = Outcome(
        {
            "impact": impact,
            "urgency": urgency,
            "priority": new,
            "priority_reason": reason,
            "segment": call.segment + (new != call.priority),
        },
        rows=work_orders.accept_by(case, new, raised, scene) if new != call.priority else (),
        lines=[Line("priority", reason)],
        notices=[Notice("priority_changed", call.told, params)] if new != call.priority else (),
    )
    now_major = major.criteria(impact, new, scene)
    if now_major:
        outcome += major.declare(call, scene.by.id, scene)
    if now_major and (raised or not call.major):
        outcome += major.alert(call, new, scene) + triggers.trigger(case, "X1", scene)
    return outcome


def security(case: Case, priority: str, scene: Scene) -> Outcome:
    """A security leaf, or one below: the security group is alerted, and the manager hears (X12, §6.6.4)."""
    call = case.incident
    if not is_security(call.classification, scene):
        return Outcome()
    alert = major.tell(scene.codes.row("escalation_trigger", "X12").data["also"], priority, scene)
    return alert if call.status in triggers.OVER else alert + triggers.trigger(case, "X12", scene)


def is_security(leaf: str | None, scene: Scene) -> bool:
    """A leaf for which security or data loss is suspected."""
    return bool(scene.codes.inherited(leaf, "security"))


def expected(call: Incident, scene: Scene) -> Incident:
    """The call with the priority that its impact and urgency give it, and whether that is major."""
    if call.call_type != "INC" or not (call.impact and call.urgency):
        return call
    chosen = call.priority if call.priority_reason else None
    priority = chosen or matrix(call, scene)
    by_criteria = major.criteria(call.impact, priority, scene)
    return replace(call, priority=priority, major=call.major or by_criteria)


def _target(case: Case, priority: str, scene: Scene) -> Notice:
    """Priority and target for the caller (§6.5.8)."""
    params = {"priority": priority, "due": targets.promised(case, priority, scene)}
    return Notice("prioritised", case.incident.told, params)


def _hold_allows(call: Incident, impact: str, priority: str, scene: Scene) -> None:
    """A hold that the new priority forbids is ended first (PROCESS §6.5.4)."""
    if call.status != "ST6" or not call.hold:
        return
    rule = scene.codes.row("hold", call.hold)
    never = rule.data.get("never", ())
    asks = priority != call.priority and priority in rule.data.get("manager", ())
    forbidden = priority in never or (never and major.criteria(impact, priority, scene))
    if forbidden or (asks and not rights.is_manager(scene)):
        raise EndHoldFirst("impact", "urgency", no=call.no, hold=rule.code, priority=priority)


def may_lower(old: str, new: str, scene: Scene) -> None:
    """P1 and P2 are lowered by the manager only, P3 by the desk or the manager (PROCESS §6.10)."""
    lowers = scene.codes.rank(new) > scene.codes.rank(old)
    if not lowers:
        return rights.staff(scene, "priority")
    if old in scene.codes.policy("lowering_needs_manager"):
        if not rights.is_manager(scene):
            raise LoweringRefused("priority", old=old, new=new)
        return None
    if old in scene.codes.policy("lowering_needs_desk"):
        return rights.desk(scene, "priority")
    return rights.staff(scene, "priority")


def _overridden(call: Incident, by_matrix: str, scene: Scene) -> str:
    if not call.priority_reason or call.priority is None or call.priority == by_matrix:
        return by_matrix
    may_lower(by_matrix, call.priority, scene)
    return call.priority


def _contact(call: Incident, scene: Scene) -> str:
    """Whom the caller of an out-of-scope call turns to."""
    ci = scene.facts.ci(call.ci) if call.ci else None
    group = scene.facts.group(ci.owner_group) if ci and ci.owner_group else None
    return group.name if group else str(scene.codes.row("environment", call.environment).name_zh)


TOPICS = {"classify": classify, "prioritise": prioritise}
