"""200.1 产生新记录 and 200.2 收集信息: the record is made and completed (PROCESS §6.4)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from handlers import answers, closure, duplicates, hand_offs, major, requests, rights, waits
from handlers.classification import expected, reclassify
from handlers.errors import NotAllowed, UnknownCode, UnknownRecord, WrongBranch
from handlers.incident import Answer, Case, Incident, Scene
from handlers.outcome import Line, Notice, Outcome

OUTCOMES_2 = ("proceed", "reclassify", "duplicate", "false_alarm", "need_info")


def draft(no: str, scene: Scene) -> dict[str, Any]:
    """The first fields of a call in ST1; the desk owns it from now on (POL-12)."""
    rights.desk(scene, "200.1")
    return {
        "no": no,
        "status": "ST1",
        "step": "200.1",
        "owner_group": scene.codes.policy("desk_group"),
        "owner": _owner(scene),
        "reported_at": scene.now,
        "recorded_at": scene.now,
        "recorded_by": scene.by.id,
    }


def record(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.1: who calls, about what, in which environment, since when."""
    rights.desk(scene, "200.1")
    answers.need(answer, "call_type", "classification", "source", "medium", "subject")
    codes = scene.codes
    call_type = codes.check("call_type", answer["call_type"], "call_type").code
    classification = codes.leaf(answer["classification"], "classification").code
    if codes.call_type(classification) != call_type:
        raise WrongBranch("classification", value=classification, call_type=call_type)
    source = codes.check("source", answer["source"], "source")
    medium = codes.check("medium", answer["medium"], "medium").code
    if source.data.get("caller") and not (
        answers.text(answer, "caller") or answers.text(answer, "caller_name")
    ):
        answers.need(answer, "caller")
    changes = {
        "call_type": call_type,
        "classification": classification,
        "source": source.code,
        "medium": medium,
        "subject": answers.text(answer, "subject"),
        **_texts(answer, "description", "on_behalf_of", "caller_name", "ci_text", "complained_about"),
        **_caller(answer, scene),
        **_item(case.incident, answer, scene),
        **_times(answer, scene),
        "recorded_by": scene.by.id,
        "owner": _owner(scene),
        "recurrence_of": _recurrence(answer, scene),
        "complaint_ref": _complaint(case.incident, call_type, answer, scene),
    }
    told = changes.get("caller") or changes.get("caller_name")
    return Outcome(changes, notices=[Notice("registered", told)])


def collect(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.2: category, CI, impact and urgency, and whether this is worked at all."""
    rights.desk(scene, "200.2")
    chosen = answers.outcome(answer, "outcome_2", OUTCOMES_2)
    facts = Outcome(
        {
            **_item(case.incident, answer, scene),
            **_texts(answer, "callback_phone", "ci_text", "checklist"),
            **_judged(answer, scene),
            **_occurred(answer, case.incident.recorded_at),
        },
        {"outcome_2": chosen},
    )
    match chosen:
        case "proceed":
            unknown = hand_offs.unknown_item(case, facts.changes, scene)
            return facts + _proceed(case, answer, scene) + unknown
        case "reclassify":
            return facts + reclassify(case, answer, scene)
        case "duplicate":
            return facts + duplicates.link(case, answer, scene)
        case "need_info":
            judged = expected(replace(case.incident, **facts.changes), scene)
            return facts + waits.hold(Case(judged, case.read), "H1", answer, scene, "T200_2")
        case _:
            return facts + closure.leave("false_alarm", scene)


def _proceed(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """What must be known before 200.4; a P1 may be completed after dispatch (POL-03, POL-06)."""
    call = case.incident
    known = {
        name: answers.text(answer, name) or getattr(call, name) for name in ("category", "impact", "urgency")
    }
    needed = [name for name, value in known.items() if not value]
    if not (needed or _may_come_late(str(known["impact"]), str(known["urgency"]), scene)):
        if not any(answers.text(answer, name) or getattr(call, name) for name in ("ci", "ci_text")):
            needed.append("ci")
        if call.caller and not (answers.text(answer, "callback_phone") or call.callback_phone):
            needed.append("callback_phone")
    answers.need({}, *needed)
    return _major(case, answer, scene) + _override(answer, scene)


def _may_come_late(impact: str, urgency: str, scene: Scene) -> bool:
    priority = scene.codes.matrix(impact, urgency)
    return bool(scene.codes.row("priority", priority).data.get("late"))


def _override(answer: Answer, scene: Scene) -> Outcome:
    """A priority other than the matrix says is kept for `prioritise`, with its reason (POL-05)."""
    chosen = answer.get("priority")
    if not chosen:
        return Outcome({"priority_reason": None})
    answers.need(answer, "priority_reason")
    if chosen not in scene.codes.active("priority"):
        raise UnknownCode("priority", table="priority", value=chosen)
    return Outcome({"priority": chosen, "priority_reason": answers.text(answer, "priority_reason")})


def _major(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The desk proposes, the manager declares; what is major by its criteria `prioritise` declares."""
    if not answer.get("major") or case.incident.major:
        return Outcome()
    if rights.is_manager(scene):
        return major.declare(case.incident, scene.by.id, scene)
    told = scene.facts.leaders(scene.codes.policy("manager_group"))
    return Outcome(notices=[Notice("major_proposed", who) for who in told], lines=[Line("major", "proposed")])


def _judged(answer: Answer, scene: Scene) -> dict[str, Any]:
    given = {name: answer[name] for name in ("category", "impact", "urgency") if answer.get(name)}
    return {name: scene.codes.check(name, value, name).code for name, value in given.items()}


def _texts(answer: Answer, *names: str) -> dict[str, Any]:
    return {name: answers.text(answer, name) for name in names if answers.text(answer, name) is not None}


def _caller(answer: Answer, scene: Scene) -> dict[str, Any]:
    """The caller with his organisation, phone and VIP mark from the person record."""
    phone = answers.text(answer, "callback_phone")
    person = scene.facts.person(str(answer["caller"])) if answer.get("caller") else None
    if person is None:
        return {"caller_org": answer.get("caller_org"), "callback_phone": phone}
    return {
        "caller": person.staff_no,
        "caller_name": person.name,
        "caller_org": answer.get("caller_org") or person.organisation,
        "callback_phone": phone or person.phone,
        "vip": person.vip,
    }


def _recurrence(answer: Answer, scene: Scene) -> str | None:
    """The earlier call that this one repeats."""
    no = answers.text(answer, "recurrence_of")
    if no and scene.facts.call(no) is None:
        raise UnknownRecord("recurrence_of", table="incident", value=no)
    return no


def _complaint(call: Incident, call_type: str, answer: Answer, scene: Scene) -> str | None:
    """The incident that a 申述 is about, if the caller names it (S12)."""
    return requests.related(answers.text(answer, "related_call"), replace(call, call_type=call_type), scene)


def _item(call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    """The CI with the environment and service it stands for, unless the desk says otherwise."""
    ci = scene.facts.ci(str(answer["ci"])) if answer.get("ci") else None
    given = answer.get("environment")
    environment = given or (ci.environment if ci else None) or call.environment
    found = {"environment": environment or scene.codes.policy("default_environment")}
    scene.codes.check("environment", found["environment"], "environment")
    if ci:
        found |= {"ci": ci.code, "service": answer.get("service") or ci.service}
    elif answer.get("service"):
        found["service"] = answer["service"]
    return found


def _times(answer: Answer, scene: Scene) -> dict[str, Any]:
    """When it was reported and when entered (PROCESS §6.5.10)."""
    reported = answers.past(answer, "reported_at", scene.now) or scene.now
    _may_be_as_late(reported, scene)
    late = scene.now - reported > timedelta(minutes=scene.codes.policy("backfilled_after"))
    return {
        "reported_at": reported,
        "recorded_at": scene.now,
        "backfilled": late,
        "first_response_at": _responded(answer, reported, late, scene),
        **_occurred(answer, scene.now),
    }


def _may_be_as_late(reported: datetime, scene: Scene) -> None:
    """The desk some days, the manager longer but not for ever; an import is as late as it is."""
    if rights.is_system(scene):
        return
    days = scene.codes.policy("latest_entry_days")
    if reported < scene.now - timedelta(days=days):
        raise answers.bad_time(
            "reported_at", f"不能早于 {days} 天前", f"must not be more than {days} days ago"
        )
    oldest = scene.now - timedelta(days=scene.codes.policy("late_entry_days"))
    if reported < oldest and not rights.is_manager(scene):
        raise NotAllowed(
            "reported_at",
            by=scene.by.id,
            what="reported_at",
            who_zh="事件经理",
            who_en="the incident manager",
        )


def _responded(answer: Answer, reported: datetime, late: bool, scene: Scene) -> datetime | None:
    """A late entry carries the true first response; else it follows the record (§6.11 invariant 4)."""
    when = answers.past(answer, "first_response_at", scene.now)
    if when and when < scene.now and not late:
        raise answers.bad_time("first_response_at", "仅补录时可以早于登记", "may precede a late entry only")
    if when and when < reported:
        raise answers.bad_time("first_response_at", "不能早于报告时间", "must not be before the report")
    return when


def _occurred(answer: Answer, recorded: datetime) -> dict[str, Any]:
    """The disturbance began before it was entered, however late its beginning is corrected."""
    when = answers.past(answer, "occurred_at", recorded)
    return {"occurred_at": when} if when else {}


def _owner(scene: Scene) -> str | None:
    """The agent who takes the call; if no agent does, the leader of the desk (§6.11 invariant 1)."""
    if rights.is_desk(scene):
        return scene.by.id
    return next(iter(scene.facts.leaders(scene.codes.policy("desk_group"))), None)
