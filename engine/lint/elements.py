"""The supported elements and attributes. What the engine would silently ignore is refused here.

Annotations, groups, associations, lanes, pools and bare data objects only explain, so they are welcome.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .drawing import (
    ACTIVITIES,
    CAMUNDA,
    EVENTS,
    NODES,
    SPIFF,
    ZEEBE,
    Deployment,
    Drawing,
    children,
    local,
)
from .findings import Finding

_ANYWHERE = frozenset({"documentation", "extensionElements"})
_DRAWN = frozenset({"textAnnotation", "association", "group"})
_DEFINITIONS = frozenset({
    f"{kind}EventDefinition"
    for kind in (
        "message", "timer", "error", "escalation", "signal", "link", "compensate", "conditional", "cancel",
        "terminate",
    )
})  # fmt: skip
_NODE = frozenset({"incoming", "outgoing"})
_ACTIVITY = _NODE | {"standardLoopCharacteristics", "multiInstanceLoopCharacteristics"}
_FLOW_ELEMENTS = (
    frozenset({
        "userTask", "serviceTask", "sendTask", "receiveTask", "callActivity", "subProcess",
        "exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway",
        "sequenceFlow", "laneSet", "dataObject", "dataObjectReference", "dataStoreReference",
    })
    | EVENTS
    | _DRAWN
)  # fmt: skip
_SUPPORTED: Mapping[str, frozenset[str]] = {
    "definitions": frozenset({
        "process", "collaboration", "message", "error", "escalation", "signal", "category", "itemDefinition",
        "interface", "dataStore",
    }),
    "collaboration": frozenset({"participant", "messageFlow"}) | _DRAWN,
    "participant": frozenset({"participantMultiplicity", "interfaceRef"}),
    "process": _FLOW_ELEMENTS,
    "subProcess": _FLOW_ELEMENTS | _ACTIVITY,
    "laneSet": frozenset({"lane"}),
    "lane": frozenset({"flowNodeRef", "childLaneSet"}),
    "childLaneSet": frozenset({"lane"}),
    "sequenceFlow": frozenset({"conditionExpression"}),
    "textAnnotation": frozenset({"text"}),
    "category": frozenset({"categoryValue"}),
    "interface": frozenset({"operation"}),
    "operation": frozenset({"inMessageRef", "outMessageRef", "errorRef"}),
    "messageEventDefinition": frozenset({"operationRef"}),
    "linkEventDefinition": frozenset({"source", "target"}),
    "conditionalEventDefinition": frozenset({"condition"}),
    "timerEventDefinition": frozenset({"timeDate", "timeDuration", "timeCycle"}),
    "standardLoopCharacteristics": frozenset({"loopCondition"}),
    "multiInstanceLoopCharacteristics": frozenset({
        "loopCardinality", "loopDataInputRef", "loopDataOutputRef", "inputDataItem", "outputDataItem",
        "completionCondition",
    }),
    "dataObject": frozenset({"dataState"}),
    "dataObjectReference": frozenset({"dataState"}),
    "dataStoreReference": frozenset({"dataState"}),
    "dataStore": frozenset({"dataState"}),
    **dict.fromkeys(EVENTS, _NODE | _DEFINITIONS),
    **dict.fromkeys(ACTIVITIES - {"subProcess", "transaction", "adHocSubProcess"}, _ACTIVITY),
    **dict.fromkeys(NODES - EVENTS - ACTIVITIES, _NODE),
}  # fmt: skip
_PLACES = frozenset().union(*_SUPPORTED.values())
_SPECIAL: Mapping[str, str] = {
    "task": "bare-task",
    "manualTask": "manual-task",
    "scriptTask": "script-task",
    "globalScriptTask": "script-task",
    "script": "script-task",
    "businessRuleTask": "business-rule-task",
    "complexGateway": "complex-gateway",
    "transaction": "transaction",
    "adHocSubProcess": "ad-hoc",
    "eventDefinitionRef": "event-reference",
    "complexBehaviorDefinition": "multi-instance-behavior",
    **dict.fromkeys(
        ("ioSpecification", "ioBinding", "dataInputAssociation", "dataOutputAssociation", "property",
         "dataInput", "dataOutput", "inputSet", "outputSet"),
        "data-flow",
    ),
    **dict.fromkeys(
        ("choreography", "globalChoreographyTask", "choreographyTask", "subChoreography", "callChoreography",
         "choreographyRef", "conversation", "subConversation", "callConversation", "globalConversation",
         "conversationLink", "conversationAssociation"),
        "choreography",
    ),
    **dict.fromkeys(
        ("resource", "resourceRole", "performer", "humanPerformer", "potentialOwner", "partnerEntity",
         "partnerRole"),
        "resource-role",
    ),
}  # fmt: skip
_VALUES: Mapping[tuple[str, str], frozenset[str]] = {
    ("*", "startQuantity"): frozenset({"1"}),
    ("*", "completionQuantity"): frozenset({"1"}),
    ("startEvent", "isInterrupting"): frozenset({"true"}),
    ("*", "parallelMultiple"): frozenset({"false"}),
    ("*", "instantiate"): frozenset({"false"}),
    ("eventBasedGateway", "eventGatewayType"): frozenset({"Exclusive"}),
    ("sequenceFlow", "isImmediate"): frozenset({"true"}),
    ("multiInstanceLoopCharacteristics", "behavior"): frozenset({"All"}),
}
_MIME = re.compile(r"[a-zA-Z0-9!#$&^_.+-]+/[a-zA-Z0-9!#$&^_.+*-]+(\s*;.*)?")
_LANGUAGES = re.compile(r"juel|feel|.*/(juel|feel)/?", re.I)

_CAMUNDA_USED: Mapping[str, frozenset[str]] = {
    "userTask": frozenset({
        "assignee", "candidateGroups", "candidateUsers", "formRef", "formRefBinding", "formKey", "dueDate",
        "followUpDate", "priority",
    }),
    "serviceTask": frozenset({"type", "topic", "asyncBefore"}),
    "sendTask": frozenset({"type", "topic", "asyncBefore"}),
    "process": frozenset({"historyTimeToLive", "versionTag"}),
    "definitions": frozenset({"diagramRelationId"}),
    "callActivity": frozenset({"calledElementBinding"}),
    "multiInstanceLoopCharacteristics": frozenset({"collection", "elementVariable"}),
}  # fmt: skip
_CAMUNDA_HARMLESS = frozenset({
    "asyncBefore", "asyncAfter", "exclusive", "jobPriority", "taskPriority", "initiator",
    "isStartableInTasklist",
    "candidateStarterGroups", "candidateStarterUsers", "historyTimeToLive", "versionTag", "diagramRelationId",
    "modelerTemplate", "modelerTemplateVersion", "modelerTemplateIcon",
})  # fmt: skip
_CAMUNDA_CHILDREN = frozenset({"properties", "property", "in", "out", "failedJobRetryTimeCycle"})


def supported_elements(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Each element stands where this engine runs it; a pool that is not executable may show anything."""
    passive = {p for p in children(drawing.root, "process") if p not in drawing.processes}
    yield from _inside(drawing, drawing.root, passive)


def _inside(drawing: Drawing, parent: Any, passive: set[Any]) -> Iterator[Finding]:
    allowed = _SUPPORTED.get(local(parent), frozenset())
    for child in children(parent):
        name = local(child)
        if name in _ANYWHERE or child in passive:
            continue
        if name in allowed:
            yield from _inside(drawing, child, passive)
        elif name in _SPECIAL:
            yield drawing.report(_SPECIAL[name], _named(child), kind=name)
        elif name in _DEFINITIONS and local(parent) == "definitions":
            yield drawing.report("event-reference", child)
        elif name in _PLACES:
            yield drawing.report("misplaced-element", child, kind=name, parent=local(parent))
        else:
            yield drawing.report("unsupported-element", child, kind=name)


def event_subprocesses(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Trap R7: the start type is ignored and the shared specification mutated."""
    for element in drawing.executed:
        if local(element) == "subProcess" and element.get("triggeredByEvent") == "true":
            yield drawing.report("event-subprocess", element)


def compensation_handlers(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    for element in drawing.executed:
        if element.get("isForCompensation") == "true":
            yield drawing.report("compensation", element)


def attribute_values(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Standard attributes whose other values this engine would not honour."""
    for element in drawing.executed:
        for name, value in element.attrib.items():
            legal = _VALUES.get((local(element), name)) or _VALUES.get(("*", name))
            if legal and value not in legal:
                yield drawing.report("unsupported-value", element, attribute=name, value=value)


def expression_languages(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    for element in drawing.executed:
        language = element.get("language")
        if language is not None and not _LANGUAGES.fullmatch(language):
            yield drawing.report("expression-language", _named(element), language=language)


def mime_types(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    for element in drawing.elements:
        for name in ("textFormat", "scriptFormat"):
            value = element.get(name)
            described = local(element) in ("documentation", "textAnnotation", "scriptTask")
            if described and value is not None and not _MIME.fullmatch(value):
                yield drawing.report("mime-type", _named(element), value=value)


def camunda_attributes(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Every `camunda:*` attribute is used, known to be harmless, or refused."""
    for element in [drawing.root, *drawing.executed]:
        used = _CAMUNDA_USED.get(local(element), frozenset())
        for key in element.attrib:
            namespace, _, name = key[1:].rpartition("}") if key.startswith("{") else ("", "", key)
            if namespace in (SPIFF, ZEEBE):
                yield drawing.report(
                    "unsupported-attribute", _named(element), attribute=_prefixed(namespace, name)
                )
            elif namespace == CAMUNDA and name not in used:
                rule = "ignored-attribute" if name in _CAMUNDA_HARMLESS else "unsupported-attribute"
                yield drawing.report(rule, _named(element), attribute=f"camunda:{name}")


def extensions(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Scripts, listeners, input/output mappings and the like; colours and other notes of editors may stay."""
    for element in drawing.executed:
        for holder in children(element, "extensionElements"):
            for child in holder.iterdescendants("{*}*"):
                namespace, name = str(child.tag)[1:].rsplit("}", 1)
                refused = namespace in (SPIFF, ZEEBE) or (
                    namespace == CAMUNDA and name not in _CAMUNDA_CHILDREN
                )
                if refused and child.getparent() is holder:
                    yield drawing.report(
                        "unsupported-extension", _named(element), kind=_prefixed(namespace, name)
                    )


_PREFIXES = {CAMUNDA: "camunda", SPIFF: "spiffworkflow", ZEEBE: "zeebe"}


def _named(element: Any) -> Any:
    """The nearest element with an id, so that the finding can be found in the picture."""
    while element.get("id") is None and element.getparent() is not None:
        element = element.getparent()
    return element


def _prefixed(namespace: str, name: str) -> str:
    return f"{_PREFIXES[namespace]}:{name}"


RULES = (
    supported_elements,
    event_subprocesses,
    compensation_handlers,
    attribute_values,
    expression_languages,
    mime_types,
    camunda_attributes,
    extensions,
)
