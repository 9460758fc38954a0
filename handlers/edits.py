"""Correcting a call outside a step: which field, at which status, by whom is data (table `editable`)."""

from collections.abc import Mapping
from typing import Any

from handlers import answers, classification, clocks, hand_offs, rights, targets
from handlers.codes import Code
from handlers.errors import NotAllowed, NotEditable, StaleCall, UnknownRecord, WrongBranch
from handlers.incident import Answer, Case, Incident, Scene
from handlers.outcome import Outcome

TEXTS = ("description", "callback_phone", "ci_text", "problem_ref", "change_ref", "request_ref")


def edit(case: Case, answer: Answer, scene: Scene) -> Outcome:
    """The changed fields; each becomes a line of the log. The diagram's token does not move.

    Raises NotEditable, NotAllowed, and what the values break: UnknownRecord, UnknownCode, NotALeaf,
    WrongBranch, BadTime, Missing.
    """
    changes: dict[str, Any] = {}
    for name in answer:
        _may(name, case, scene)
        changes |= FIELDS[name](name, case.incident, answer, scene)
    unknown = hand_offs.unknown_item(case, changes, scene) if "ci_text" in changes else Outcome()
    renumbered = hand_offs.renumbered(case, changes, scene)
    target = _target(case, changes, scene)
    return Outcome(changes) + unknown + renumbered + target + _suspected(case, changes, scene)


def check_version(call: Incident, seen: int | None) -> None:
    """Somebody who read another version of the record reads it again first. Raises StaleCall."""
    if seen is not None and seen != call.version:
        raise StaleCall(no=call.no)


def _target(case: Case, changes: Mapping[str, Any], scene: Scene) -> Outcome:
    """Another leaf gives a request another target: it counts from the first start, as a hand-off will.

    A breach of the old target stays, as with a lowered priority (PROCESS §6.5.3, §6.7.1).
    """
    call, clock = case.incident, clocks.replay(clocks.events(case.clock_lines))[clocks.RESOLVE]
    target = targets.minutes(call.changed(changes), clocks.RESOLVE, scene)
    if clock.now is None or not target or target == targets.minutes(call, clocks.RESOLVE, scene):
        return Outcome()
    figures = {"priority": clock.now.priority, "calendar": clock.now.calendar, "target": target}
    since = {"minutes": target, "since": scene.now.isoformat(), "whole": True}
    begun = clocks.event(clocks.RESOLVE, "start", clock.segments[0].start, **figures, **since)
    return Outcome({"segment": call.segment + 1}, lines=[clocks.line(begun)])


def _suspected(case: Case, changes: Mapping[str, Any], scene: Scene) -> Outcome:
    """A leaf that is suspected only now alarms as at 200.2; before that step it will."""
    call = case.incident
    if call.priority is None or classification.is_security(call.classification, scene):
        return Outcome()
    return classification.security(Case(call.changed(changes), case.read), call.priority, scene)


def _may(name: str, case: Case, scene: Scene) -> None:
    """Desk and manager edit, and the assigned group what the table leaves to it."""
    rule = scene.codes.table("editable").get(name)
    if rule is None or not rule.active or case.incident.status not in rule.data["status"]:
        raise NotEditable(name, field=name, status=case.incident.status, names=_names(rule, name))
    try:
        if rule.data.get("assigned"):
            rights.desk_or_second_line(case, scene, name)
        else:
            rights.desk(scene, name)
    except NotAllowed as error:
        raise NotAllowed(name, **error.params) from error


def _names(rule: Code | None, name: str) -> Mapping[str, str]:
    return {"zh": rule.name_zh, "en": rule.name_en} if rule else {"zh": name, "en": name}


def _text(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    return {name: answers.text(answer, name)}


def _subject(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    answers.need({name: answers.text(answer, name)}, name)
    return _text(name, call, answer, scene)


def _person(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    found = scene.facts.person(str(answer[name])) if answer[name] else None
    if answer[name] and not (found and found.active):
        raise UnknownRecord(name, table="person", value=answer[name])
    return {name: found.staff_no if found else None}


def _ci(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    """The CI brings its service; whether the call is in scope was decided at 200.1 and stays."""
    if not answer[name]:
        return {"ci": None}
    found = scene.facts.ci(str(answer[name]))
    if found is None or not found.active:
        raise UnknownRecord(name, table="ci", value=answer[name])
    return {"ci": found.code, "service": found.service or call.service}


def _category(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    return {name: scene.codes.check("category", answer[name], name).code}


def _classification(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    """Another leaf of the same type; another type is `reclassify`, a step of the process."""
    leaf = scene.codes.leaf(answer[name], name).code
    if scene.codes.call_type(leaf) != call.call_type:
        raise WrongBranch(name, value=leaf, call_type=call.call_type)
    return {name: leaf}


def _occurred(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    when = answers.past(answer, name, call.recorded_at)
    if when and call.service_restored_at and when > call.service_restored_at:
        raise answers.bad_time(name, "不能晚于服务恢复时间", "must not be after the service was restored")
    return {name: when}


def _restored(name: str, call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    when = answers.past(answer, name, scene.now)
    began = answers.instant(answer, "occurred_at") or call.occurred_at
    if when and began and when < began:
        raise answers.bad_time(name, "不能早于故障发生时间", "must not be before the disturbance began")
    return {name: when}


FIELDS = {
    **dict.fromkeys(TEXTS, _text),
    "subject": _subject,
    "on_behalf_of": _person,
    "ci": _ci,
    "category": _category,
    "classification": _classification,
    "occurred_at": _occurred,
    "service_restored_at": _restored,
}
