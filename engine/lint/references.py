"""Identity and references: ids are unique and well-formed, and every reference finds the right kind."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .drawing import (
    ACTIVITIES,
    EVENTS,
    NODES,
    Deployment,
    Drawing,
    children,
    content,
    definitions,
    label,
    local,
)
from .findings import Finding

_ID = re.compile(r"[^\W\d][\w.-]*")
_MUST_HAVE_ID = NODES | {"process", "sequenceFlow"}
_FLOW_NODES = NODES | {"choreographyTask", "subChoreography", "callChoreography"}
_DATA = frozenset(
    {
        "dataObject",
        "dataObjectReference",
        "dataStoreReference",
        "dataStore",
        "dataInput",
        "dataOutput",
        "property",
    }
)

_ATTRIBUTES: Mapping[tuple[str, str], frozenset[str] | None] = {
    ("sequenceFlow", "sourceRef"): _FLOW_NODES,
    ("sequenceFlow", "targetRef"): _FLOW_NODES,
    ("messageFlow", "sourceRef"): _FLOW_NODES | {"participant"},
    ("messageFlow", "targetRef"): _FLOW_NODES | {"participant"},
    ("association", "sourceRef"): None,
    ("association", "targetRef"): None,
    ("boundaryEvent", "attachedToRef"): ACTIVITIES,
    ("*", "default"): frozenset({"sequenceFlow"}),
    ("*", "messageRef"): frozenset({"message"}),
    ("*", "signalRef"): frozenset({"signal"}),
    ("*", "errorRef"): frozenset({"error"}),
    ("*", "escalationRef"): frozenset({"escalation"}),
    ("*", "activityRef"): ACTIVITIES,
    ("*", "operationRef"): frozenset({"operation"}),
    ("participant", "processRef"): frozenset({"process"}),
    ("process", "definitionalCollaborationRef"): frozenset({"collaboration", "choreography"}),
    ("*", "itemRef"): frozenset({"itemDefinition"}),
    ("*", "itemSubjectRef"): frozenset({"itemDefinition"}),
    ("*", "dataObjectRef"): frozenset({"dataObject"}),
    ("*", "dataStoreRef"): frozenset({"dataStore"}),
    ("*", "categoryValueRef"): frozenset({"categoryValue"}),
    ("*", "noneBehaviorEventRef"): None,
    ("*", "oneBehaviorEventRef"): None,
}
_CHILDREN: Mapping[tuple[str, str], frozenset[str] | None] = {
    ("*", "incoming"): frozenset({"sequenceFlow"}),
    ("*", "outgoing"): frozenset({"sequenceFlow"}),
    ("lane", "flowNodeRef"): _FLOW_NODES,
    ("operation", "inMessageRef"): frozenset({"message"}),
    ("operation", "outMessageRef"): frozenset({"message"}),
    ("operation", "errorRef"): frozenset({"error"}),
    ("*", "operationRef"): frozenset({"operation"}),
    ("participant", "interfaceRef"): frozenset({"interface"}),
    ("*", "supportedInterfaceRef"): frozenset({"interface"}),
    ("partnerEntity", "participantRef"): frozenset({"participant"}),
    ("partnerRole", "participantRef"): frozenset({"participant"}),
    ("*", "messageFlowRef"): frozenset({"messageFlow"}),
    ("*", "correlationPropertyRef"): frozenset({"correlationProperty"}),
    ("*", "resourceRef"): frozenset({"resource"}),
    ("inputSet", "dataInputRefs"): frozenset({"dataInput"}),
    ("inputSet", "optionalInputRefs"): frozenset({"dataInput"}),
    ("inputSet", "whileExecutingInputRefs"): frozenset({"dataInput"}),
    ("inputSet", "outputSetRefs"): frozenset({"outputSet"}),
    ("outputSet", "dataOutputRefs"): frozenset({"dataOutput"}),
    ("outputSet", "optionalOutputRefs"): frozenset({"dataOutput"}),
    ("outputSet", "whileExecutingOutputRefs"): frozenset({"dataOutput"}),
    ("outputSet", "inputSetRefs"): frozenset({"inputSet"}),
    ("dataInputAssociation", "sourceRef"): _DATA,
    ("dataInputAssociation", "targetRef"): _DATA,
    ("dataOutputAssociation", "sourceRef"): _DATA,
    ("dataOutputAssociation", "targetRef"): _DATA,
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "sequenceFlow": ("sourceRef", "targetRef"),
    "messageFlow": ("sourceRef", "targetRef"),
    "association": ("sourceRef", "targetRef"),
    "boundaryEvent": ("attachedToRef",),
}
_THROWS = frozenset({"endEvent", "intermediateThrowEvent"})


def identities(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Ids exist, are NCNames and occur once in the file, whatever the kind of element."""
    for element in drawing.elements:
        found = element.get("id")
        if found is None:
            if local(element) in _MUST_HAVE_ID:
                yield drawing.report("missing-id", element)
        elif not _ID.fullmatch(found):
            yield drawing.report("bad-id", element, id=found)
        elif drawing.ids[found] is not element:
            yield drawing.report("duplicate-id", element, id=found, other=drawing.ids[found].sourceline)
        elif local(element) in NODES and _RESERVED.fullmatch(found):
            yield drawing.report("reserved-id", element, id=found)


_RESERVED = re.compile(r"Start|End|.*\.(EndJoin|BoundaryEventSplit|BoundaryEventJoin)")
"""The names of SpiffWorkflow's own steps: an element of that name takes their place, and nothing runs."""


def unique_processes(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A process id belongs to one file of the deployment."""
    for process in drawing.processes:
        for other in deployment.drawings:
            if other.file < drawing.file and any(p.get("id") == process.get("id") for p in other.processes):
                yield drawing.report("duplicate-process", process, id=process.get("id"), other=other.file)


def references(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Every reference finds an element of the right kind."""
    for element in drawing.elements:
        kind = local(element)
        for name in _REQUIRED.get(kind, ()):
            if not element.get(name):
                yield drawing.report("missing-reference", element, attribute=name)
        for name, value in element.attrib.items():
            if value and (found := _legal(_ATTRIBUTES, kind, name)):
                yield from _check(drawing, element, name, value, found[0])
        for child in children(element):
            if found := _legal(_CHILDREN, kind, local(child)):
                yield from _check(drawing, element, local(child), content(child), found[0])


def _legal(table: Mapping[tuple[str, str], Any], kind: str, name: str) -> tuple[Any] | None:
    """The legal kinds in a tuple of one, since None inside it means: any kind."""
    for key in ((kind, name), ("*", name)):
        if key in table:
            return (table[key],)
    return None


def _check(
    drawing: Drawing, element: Any, name: str, value: str, legal: frozenset[str] | None
) -> Iterator[Finding]:
    shown = element if element.get("id") else element.getparent()
    target = drawing.referred(value)
    if target is None:
        yield drawing.report("dangling-reference", shown, attribute=name, target=value)
    elif legal is not None and local(target) not in legal:
        yield drawing.report("wrong-reference", shown, attribute=name, target=value, kind=local(target))


def flows_stay_inside(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A sequence flow joins two nodes of its own process or subprocess; a boundary event sits on one."""
    for scope in drawing.scopes:
        for flow in scope.flows:
            ends = [drawing.ids.get(flow.source), drawing.ids.get(flow.target)]
            if any(end is not None and end.getparent() is not scope.element for end in ends):
                yield drawing.report("crossing-flow", flow.element)
        for event in scope.of_kind("boundaryEvent"):
            host = drawing.referred(event.get("attachedToRef"))
            if host is not None and host.getparent() is not scope.element:
                yield drawing.report("crossing-flow", event)


def flow_lists(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """`incoming` and `outgoing`, where given, say the same as the flows' ends."""
    for scope in drawing.scopes:
        for key, node in scope.nodes.items():
            for name, drawn in (("incoming", scope.incoming), ("outgoing", scope.outgoing)):
                listed = {content(child).rpartition(":")[2] for child in children(node, name)}
                real = {flow.id for flow in drawn.get(key, ())}
                if listed and listed != real:
                    wrong = sorted(listed ^ real)[0]
                    yield drawing.report("flow-lists-disagree", node, list=name, flow=wrong)


def message_flows(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A message flow goes from pool to pool, from something that sends to something that receives."""
    pools = {p.get("processRef"): p.get("id") for p in drawing.elements if local(p) == "participant"}
    for flow in (e for e in drawing.elements if local(e) == "messageFlow"):
        source, target = drawing.referred(flow.get("sourceRef")), drawing.referred(flow.get("targetRef"))
        if source is None or target is None:
            continue
        if _pool(source, pools) is not None and _pool(source, pools) == _pool(target, pools):
            yield drawing.report("message-flow-same-pool", flow)
        for end, sends in ((source, True), (target, False)):
            if not _takes_part(end, sends):
                verb = ("从…发出:", "start at") if sends else ("到达", "arrive at")
                yield drawing.report(
                    "message-flow-end",
                    flow,
                    target=label(end),
                    kind=local(end),
                    verb_zh=verb[0],
                    verb_en=verb[1],
                )


def _pool(element: Any, pools: Mapping[str | None, Any]) -> Any:
    if local(element) == "participant":
        return element.get("id")
    process = next((a for a in element.iterancestors() if local(a) == "process"), None)
    return None if process is None else pools.get(process.get("id"))


def _takes_part(element: Any, sends: bool) -> bool:
    kind = local(element)
    if kind in EVENTS:
        messages = any(local(d) == "messageEventDefinition" for d in definitions(element))
        return messages and (kind in _THROWS) is sends
    return kind in ACTIVITIES or kind == "participant"


def operations(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """An operation and its event or task speak of the same message."""
    for element in drawing.elements:
        named = element.get("operationRef") or next(map(content, children(element, "operationRef")), None)
        operation, message = drawing.referred(named), element.get("messageRef")
        if operation is None or local(operation) != "operation" or not message:
            continue
        if message not in {content(child) for child in children(operation, "inMessageRef", "outMessageRef")}:
            yield drawing.report("operation-message", element, operation=label(operation))


def shapes(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A shape without its element is dropped by every editor."""
    for shape in drawing.root.iterfind(".//{*}BPMNPlane//*[@bpmnElement]"):
        if drawing.referred(shape.get("bpmnElement")) is None:
            yield drawing.report("dangling-shape", shape, target=shape.get("bpmnElement"))


def stable_ids(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """An id of the previous version that vanished strands the instances that stand on it."""
    for process in drawing.processes:
        now = {element.get("id") for element in process.iter()}
        for gone in sorted(set(deployment.previous_ids.get(process.get("id"), ())) - now):
            yield drawing.report("vanished-id", process, id=gone)


RULES = (
    identities,
    unique_processes,
    references,
    flows_stay_inside,
    flow_lists,
    message_flows,
    operations,
    shapes,
    stable_ids,
)
