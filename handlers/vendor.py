"""200.7/200.8: vendor or third line is contacted, answers, solves or not (PROCESS §6.4, POL-16)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handlers import answers, calendar, rights, triggers, waits, work_orders
from handlers.assignment import change_needed
from handlers.errors import NoEngagement, UnknownRecord
from handlers.incident import Answer, Case, Contract, Engagement, Scene
from handlers.outcome import Line, Notice, Outcome, Row
from handlers.solution import solved

Variables = Mapping[str, Any]

OUTCOMES_8 = ("resolved", "unresolved", "need_change", "need_info", "taken_back")
ANSWERED = {"accepted": "V1", "declined": "V3", "taken_back": "V6"}


def engage(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.7: whom to contact, with which evidence; `contact_vendor` makes the first attempt."""
    rights.second_line(case, scene, "200.7")
    kind = scene.codes.check(
        "engagement_kind", answer.get("engagement_kind") or "VND", "engagement_kind"
    ).code
    contract = _contract(case, answer, scene) if kind == "VND" else None
    vendor = (answer.get("vendor") or (contract.vendor if contract else None)) if kind == "VND" else None
    if kind == "VND":
        answers.need({"vendor": vendor}, "vendor")
    else:
        answers.need(answer, "l3_group")
    if vendor and scene.facts.vendor(str(vendor)) is None:
        raise UnknownRecord("vendor", table="vendor", value=vendor)
    group = answer.get("l3_group") if kind == "L3" else case.incident.assigned_group
    order = work_orders.issue(case, kind, scene, group=group, assignee=case.incident.assignee or scene.by.id)
    row = Row(
        "vendor_engagement",
        len(case.engagements) + 1,
        {
            "kind": kind,
            "vendor": vendor,
            "contract": contract.code if contract else None,
            "group": group,
            "ticket": answers.text(answer, "vendor_ticket"),
            "contact_person": answers.text(answer, "contact_person"),
            "evidence": answers.text(answer, "evidence"),
            "work_order": order.seq,
            "opened_at": scene.now,
        },
        new=True,
    )
    return Outcome(rows=[order, row], lines=[Line("engage", str(vendor or group))])


def contact_vendor(case: Case, variables: Variables, scene: Scene) -> Outcome:
    """Attempts at first contact, +R and +2R (escalation contact); silent at +3R, after all of them (X7)."""
    engagement = case.engagement
    if engagement is None:
        raise NoEngagement(no=case.incident.no)
    first = engagement.contacted_at or scene.now
    turn, due = _turn(case, engagement, first, scene)
    if due is None:
        return _silent(case, engagement, scene)
    tried = _attempt(engagement, _contact(engagement, turn, scene), scene)
    return tried + Outcome(
        {},
        {"vendor_result": "waiting", "vendor_due": due.isoformat()},
        [
            Row(
                "vendor_engagement",
                engagement.seq,
                {"contacted_at": first, "due_at": engagement.due_at or due},
            )
        ],
    )


def vendor_answered(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """G6: the vendor accepts, declines, or second line takes the work back."""
    rights.second_line(case, scene, "vendor_answered")
    engagement = case.engagement
    if engagement is None:
        raise NoEngagement(no=case.incident.no)
    result = answers.outcome(answer, "vendor_result", tuple(ANSWERED))
    promised = answers.future(answer, "promised_at", scene.now)
    note = answers.text(answer, "note")
    values: dict[str, Any] = {"result": ANSWERED[result], "promised_at": promised, "note": note}
    if result != "taken_back":
        values["responded_at"] = scene.now
    if answers.text(answer, "vendor_ticket"):
        values["ticket"] = answers.text(answer, "vendor_ticket")
    outcome = Outcome({}, {"vendor_result": result}, lines=[Line("vendor_answered", result)])
    if result == "accepted":
        order = next(order for order in case.work_orders if order.seq == engagement.work_order)
        rows = [Row("vendor_engagement", engagement.seq, values), *work_orders.step(order, "W3", scene)]
        return outcome + Outcome(rows=rows)
    ended = _end(case, engagement, ANSWERED[result], scene, values)
    return outcome + ended + (_declined(case, engagement, scene) if result == "declined" else Outcome())


def third_line(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """200.8: vendor or third line works through the assignee, who records and assists."""
    rights.second_line(case, scene, "200.8")
    chosen = answers.outcome(answer, "outcome_8", OUTCOMES_8)
    noted = Outcome({}, {"outcome_8": chosen}) + _visit(case, answer, scene)
    match chosen:
        case "resolved":
            return noted + _fixed(case, answer, scene)
        case "unresolved":
            return noted + end(case, "V5", scene)
        case "taken_back":
            return noted + end(case, "V6", scene)
        case "need_change":
            return noted + change_needed(case, answer, scene, "T200_8")
        case _:
            return noted + waits.hold(case, "H1", answer, scene, "T200_8")


def urge(case: Case, scene: Scene) -> Outcome:
    """The vendor's escalation contact is asked: a promise is broken (X8), or a level holder wants it."""
    engagement = case.engagement
    if engagement is None:
        return Outcome()
    last = scene.codes.policy("vendor_attempts")
    return _attempt(engagement, _contact(engagement, last, scene), scene)


def promise_broken(case: Case, scene: Scene) -> Outcome:
    """X8: one more broken promise on record; the vendor's escalation contact is asked (200.8)."""
    engagement = case.engagement
    if engagement is None:
        return Outcome()
    count = engagement.broken_promises + 1
    row = Row("vendor_engagement", engagement.seq, {"broken_promises": count})
    return urge(case, scene) + Outcome(rows=[row], lines=[Line("promise_broken", str(count))])


def runs_on(engagement: Engagement, priority: str | None, scene: Scene) -> str:
    """The calendar of the vendor's answer: the contract's own, or that of the call's priority."""
    contract = scene.facts.contract(engagement.contract) if engagement.contract else None
    return (contract.calendar if contract else None) or scene.codes.calendar(priority)


def end(case: Case, result: str, scene: Scene) -> Outcome:
    """Close the running engagement with its result; its work order is done."""
    engagement = case.engagement
    return _end(case, engagement, result, scene, {}) if engagement else Outcome()


def _end(
    case: Case,
    engagement: Engagement,
    result: str,
    scene: Scene,
    values: Mapping[str, Any],
) -> Outcome:
    row = Row("vendor_engagement", engagement.seq, {**values, "result": result, "finished_at": scene.now})
    done = "solved" if result == "V4" else "unsolved"
    return Outcome(rows=[row, *work_orders.finish(case, done, scene, seq=engagement.work_order)])


def _fixed(case: Case, answer: Answer, scene: Scene) -> Outcome:
    engagement = case.engagement
    kind = engagement.kind if engagement else "VND"
    tier = str(scene.codes.row("engagement_kind", kind).data["tier"])
    done = solved(case, answer, scene, tier, engagement.work_order if engagement else None)
    return done + end(case, "V4", scene) + Outcome(rows=work_orders.finish(case, "solved", scene))


def _visit(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """On site, and whether second line assisted (KPI S2)."""
    engagement = case.engagement
    if engagement is None:
        return Outcome()
    rows = []
    onsite = answers.past(answer, "onsite_at", scene.now)
    if onsite:
        rows.append(Row("vendor_engagement", engagement.seq, {"onsite_at": onsite}))
    booked = _booked(case, engagement, answer)
    if booked:
        rows.append(Row("work_order", engagement.work_order, booked))
    return Outcome(rows=rows)


def _booked(case: Case, engagement: Engagement, answer: Answer) -> dict[str, Any]:
    """The effort of this visit, on top of what its work order has from earlier ones."""
    booked: dict[str, Any] = {"assist": True} if answer.get("assist") else {}
    if answer.get("labour_min"):
        order = next(one for one in case.work_orders if one.seq == engagement.work_order)
        booked["labour_min"] = (order.labour_min or 0) + answer["labour_min"]
    return booked


def _attempt(engagement: Engagement, contact: Mapping[str, Any], scene: Scene) -> Outcome:
    """One more attempt on record, and the message to the contact."""
    attempt = engagement.attempts + 1
    to = contact.get("to") or engagement.vendor or engagement.kind
    tried = {
        "engagement": engagement.seq,
        "at": scene.now,
        "by": scene.by.id,
        "contact": f"{contact.get('name', '')} {to}".strip(),
        "channel": contact.get("channel"),
    }
    rows = [
        Row("vendor_attempt", attempt, tried, new=True),
        Row("vendor_engagement", engagement.seq, {"attempts": attempt}),
    ]
    params = {"attempt": attempt, "evidence": engagement.evidence or ""}
    told = Notice("vendor_contact", str(to), params, f"vendor_contact/{engagement.seq}/{attempt}")
    return Outcome(rows=rows, notices=[told], lines=[Line("vendor_contact", str(attempt))])


def _silent(case: Case, engagement: Engagement, scene: Scene) -> Outcome:
    ended = _end(case, engagement, "V2", scene, {})
    told = _failed(case, engagement, "V2", scene)
    noted = Outcome({}, {"vendor_result": "no_response", "vendor_due": None}, lines=[Line("vendor_silent")])
    return noted + ended + told + triggers.trigger(case, "X7", scene)


def _declined(case: Case, engagement: Engagement, scene: Scene) -> Outcome:
    return _failed(case, engagement, "V3", scene) + triggers.trigger(case, "X7", scene)


def _failed(case: Case, engagement: Engagement, result: str, scene: Scene) -> Outcome:
    params = {
        "vendor": engagement.vendor or engagement.kind,
        "result": scene.codes.row("vendor_result", result).name_zh,
    }
    key = f"vendor_failed/{engagement.seq}/{result}"
    who = scene.facts.leaders(scene.codes.policy("manager_group"))
    return Outcome(notices=[Notice("vendor_failed", one, params, f"{key}/{one}") for one in who])


def _contract(case: Case, answer: Answer, scene: Scene) -> Contract | None:
    ci = scene.facts.ci(case.incident.ci) if case.incident.ci else None
    code = answer.get("contract") or (ci.contract if ci else None)
    if not code:
        return None
    contract = scene.facts.contract(str(code))
    if contract is None:
        raise UnknownRecord("contract", table="contract", value=code)
    return contract


def _turn(case: Case, engagement: Engagement, first: datetime, scene: Scene) -> tuple[int, datetime | None]:
    """Which attempt it is, and when the next one is; no moment when all of them are over.

    It is that of the clock, but after a raise or a downtime none is left out: one that is late has R to be
    answered. What was urged in between is an attempt too, but shortens nobody's time to answer.
    """
    last = int(scene.codes.policy("vendor_attempts"))
    ends = [_due(case, engagement, first, turn, scene) for turn in range(1, last + 1)]
    by_clock = 1 + sum(end <= scene.now for end in ends)
    turn = min(by_clock, engagement.attempts + 1)
    if turn > last:
        return last, None
    due = ends[turn - 1]
    return turn, due if due > scene.now else _due(case, engagement, scene.now, 1, scene)


def _due(case: Case, engagement: Engagement, first: datetime, attempt: int, scene: Scene) -> datetime:
    """`attempt` times R after the first contact, always computed forward from there (PROCESS §6.5.1)."""
    contract = scene.facts.contract(engagement.contract) if engagement.contract else None
    priority = case.incident.priority
    limit = (contract.response.get(str(priority)) if contract else None) or scene.codes.minutes(
        priority, "vendor"
    )
    on = runs_on(engagement, priority, scene)
    fallback = scene.codes.minutes(scene.codes.policy("vendor_default_priority"), "vendor") or 0
    return calendar.add(scene.codes, on, first, attempt * (limit or fallback))


def _contact(engagement: Engagement, attempt: int, scene: Scene) -> Mapping[str, Any]:
    """The first contact, and for the last attempt the escalation contact; of third line its leaders."""
    if engagement.kind == "L3":
        leaders = [{"to": one} for one in scene.facts.leaders(str(engagement.group))]
        asked = [*leaders[1:], *leaders] if _is_last(attempt, scene) else leaders
        return (asked or [{}])[0]
    vendor = scene.facts.vendor(engagement.vendor) if engagement.vendor else None
    contacts = vendor.contacts if vendor else ()
    last = _is_last(attempt, scene)
    wanted = [contact for contact in contacts if bool(contact.get("escalation")) == last]
    return (wanted or list(contacts) or [{}])[0]


def _is_last(attempt: int, scene: Scene) -> bool:
    return attempt >= int(scene.codes.policy("vendor_attempts"))


TOPICS = {"contact_vendor": contact_vendor}

MESSAGES = {"vendor_answered": vendor_answered}
