"""Events: which kind may stand where, what it must refer to, and timers that fire when they should."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.expressions import ExpressionError
from engine.forms import message_form
from engine.timers import parse_timer

from .drawing import (
    CONTAINERS,
    Deployment,
    Drawing,
    camunda,
    children,
    content,
    definitions,
    event_kind,
    label,
    local,
    message_name,
)
from .findings import Finding

_STANDARD: Mapping[str, frozenset[str]] = {
    "startEvent": frozenset({"message", "timer", "conditional", "signal"}),
    "intermediateCatchEvent": frozenset({"message", "timer", "conditional", "signal", "link"}),
    "intermediateThrowEvent": frozenset({"message", "signal", "escalation", "compensate", "link"}),
    "endEvent": frozenset({
        "message", "error", "escalation", "cancel", "compensate", "signal", "terminate",
    }),
    "boundaryEvent": frozenset({
        "message", "timer", "error", "escalation", "cancel", "compensate", "conditional", "signal",
    }),
}  # fmt: skip
_SUPPORTED: Mapping[str, frozenset[str]] = {
    "startEvent": frozenset(),
    "intermediateCatchEvent": frozenset({"message", "timer"}),
    "intermediateThrowEvent": frozenset({"escalation"}),
    "endEvent": frozenset({"error", "escalation", "terminate"}),
    "boundaryEvent": frozenset({"message", "timer", "error", "escalation"}),
}
_REFUSED = {
    "signal": "signal-event",
    "link": "link-event",
    "compensate": "compensation",
    "conditional": "conditional-event",
    "cancel": "cancel-event",
    "message": "message-throw",
}
_NEEDS_DEFINITION = ("intermediateCatchEvent", "boundaryEvent")
_TIMES = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_CODES = {"error": "errorCode", "escalation": "escalationCode"}


def kinds(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Each position allows some kinds of event by the standard; this engine runs fewer of them."""
    for event in drawing.nodes(*_STANDARD):
        position, found = local(event), definitions(event)
        referred = children(event, "eventDefinitionRef")
        if len(found) + len(referred) > 1:
            yield drawing.report("multiple-events", event)
        elif not found and not referred and position in _NEEDS_DEFINITION:
            yield drawing.report("event-missing", event, position=position)
        for definition in found:
            yield from _kind(drawing, event, position, local(definition).removesuffix("EventDefinition"))


def _kind(drawing: Drawing, event: Any, position: str, kind: str) -> Iterator[Finding]:
    if kind in _SUPPORTED[position]:
        return
    if kind not in _STANDARD[position]:
        yield drawing.report("event-not-here", event, position=position, kind=kind)
    elif position == "startEvent":
        yield drawing.report("start-kind", event, kind=kind)
    else:
        yield drawing.report(_REFUSED[kind], event)


def messages(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """What waits for a message names it: correlation goes by its name, and the form that checks it too."""
    for event in drawing.nodes("intermediateCatchEvent", "boundaryEvent"):
        for definition in definitions(event):
            if local(definition) == "messageEventDefinition" and not definition.get("messageRef"):
                yield drawing.report("missing-reference", event, attribute="messageRef")
    used = {element.get("messageRef") for element in drawing.executed}
    catching = drawing.nodes("intermediateCatchEvent", "boundaryEvent", "receiveTask")
    heard = {message_name(drawing, node) for node in catching}
    for message in (e for e in drawing.elements if local(e) == "message"):
        name = (message.get("name") or "").strip()
        if message.get("id") in used and not name:
            yield drawing.report("message-unnamed", message, message=message.get("id"))
        elif "${" in name or "#{" in name:
            yield drawing.report("message-expression", message, message=name)
        elif name in heard and deployment.forms is not None and message_form(name) not in deployment.forms:
            yield drawing.report("message-unchecked", message, form=message_form(name))


def boundary_messages_interrupt(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """R14: a non-interrupting message boundary event fires once only."""
    for event in drawing.nodes("boundaryEvent"):
        if event_kind(event) == "message" and event.get("cancelActivity") == "false":
            yield drawing.report("non-interrupting-message", event)


def boundary_places(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A boundary event sits on something that waits; errors and escalations come from inside a subprocess."""
    for event in drawing.nodes("boundaryEvent"):
        host, kind = drawing.referred(event.get("attachedToRef")), event_kind(event)
        if host is None:
            continue
        if kind in _CODES and local(host) not in CONTAINERS | {"callActivity"}:
            yield drawing.report("error-boundary-place", event, kind=kind)
        elif kind in ("message", "timer") and _is_instant(host):
            yield drawing.report("boundary-never-waits", event, host=label(host))
        if kind == "error" and event.get("cancelActivity") == "false":
            yield drawing.report("error-interrupts", event)


def _is_instant(host: Any) -> bool:
    return local(host) in ("serviceTask", "sendTask") and camunda(host, "asyncBefore") != "true"


def throws(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """What is thrown has a code and a catcher; only an error that ends the whole process needs none."""
    called = {call.get("calledElement") for d in deployment.drawings for call in d.nodes("callActivity")}
    for event in drawing.nodes("endEvent", "intermediateThrowEvent"):
        for definition in definitions(event):
            kind = local(definition).removesuffix("EventDefinition")
            if kind not in _CODES:
                continue
            reference = definition.get(f"{kind}Ref")
            if not reference:
                yield drawing.report("missing-reference", event, attribute=f"{kind}Ref")
            elif not _caught(event, kind, reference, called):
                yield drawing.report("error-uncaught", event, kind=kind)
    for element in drawing.elements:
        kind = local(element)
        if kind in _CODES and not element.get(_CODES[kind]):
            yield drawing.report("code-missing", element, kind=kind, target=label(element))


def _caught(event: Any, kind: str, reference: str, called: set[Any]) -> bool:
    inner = event.getparent()
    ends_process = kind == "error" and local(inner) == "process"
    while local(inner) in CONTAINERS:
        for boundary in children(inner.getparent(), "boundaryEvent"):
            if boundary.get("attachedToRef") == inner.get("id") and _catches(boundary, kind, reference):
                return True
        inner = inner.getparent()
    return ends_process or inner.get("id") in called


def _catches(boundary: Any, kind: str, reference: str) -> bool:
    wanted = [d.get(f"{kind}Ref") for d in definitions(boundary) if local(d) == f"{kind}EventDefinition"]
    return any(found in (None, reference) for found in wanted)


def timers(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Bad timers would fail in the user's request, long after deployment."""
    for event in drawing.nodes("intermediateCatchEvent", "boundaryEvent"):
        for definition in definitions(event):
            if local(definition) == "timerEventDefinition":
                yield from _timer(drawing, event, children(definition, *_TIMES))


def _timer(drawing: Drawing, event: Any, times: list[Any]) -> Iterator[Finding]:
    if len(times) != 1 or not content(times[0]):
        yield drawing.report("timer-missing", event)
        return
    yield from formal(drawing, event, times[0])
    kind, text = _TIMES[local(times[0])], content(times[0])
    try:
        parse_timer(kind, text)
    except ExpressionError as error:
        yield drawing.report(
            "invalid-timer", event, text=text[:100], why_zh=error.why_zh, why_en=error.why_en
        )
    if kind == "cycle" and (local(event) != "boundaryEvent" or event.get("cancelActivity") != "false"):
        yield drawing.report("cycle-place", event)


def formal(drawing: Drawing, holder: Any, expression: Any) -> Iterator[Finding]:
    """Only a formal expression is computed; a plain one is natural language to the standard (BPMN §8.4.6)."""
    if (expression.get(_TYPE) or "").rpartition(":")[2] != "tFormalExpression":
        yield drawing.report("informal-expression", holder, kind=local(expression))


RULES = (kinds, messages, boundary_messages_interrupt, boundary_places, throws, timers)
