"""A BPMN file as lint sees it: its elements by id, its processes and subprocesses as graphs."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from .findings import Finding, finding

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"

TASKS = frozenset({
    "task", "userTask", "manualTask", "serviceTask", "sendTask", "receiveTask", "scriptTask",
    "businessRuleTask",
})  # fmt: skip
CONTAINERS = frozenset({"subProcess", "transaction", "adHocSubProcess"})
ACTIVITIES = TASKS | CONTAINERS | {"callActivity"}
GATEWAYS = frozenset({
    "exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "complexGateway",
})  # fmt: skip
EVENTS = frozenset({
    "startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent",
})  # fmt: skip
NODES = ACTIVITIES | GATEWAYS | EVENTS


class FormInfo(Protocol):
    """What lint must know of a form."""

    @property
    def keys(self) -> frozenset[str]: ...

    @property
    def outcomes(self) -> Mapping[str, tuple[str, ...]]:
        """Choice variables with their listed values."""
        ...


@dataclass(frozen=True, eq=False)
class Flow:
    """A sequence flow; `condition` is its text, "" for an empty one, None without one."""

    element: Any
    id: str
    source: str
    target: str
    condition: str | None


@dataclass(eq=False)
class Scope:
    """A process or subprocess: its own nodes and flows, none of an inner subprocess."""

    element: Any
    process: Any
    nodes: Mapping[str, Any]
    flows: list[Flow]

    @cached_property
    def outgoing(self) -> dict[str, list[Flow]]:
        return _grouped(self.nodes, ((flow.source, flow) for flow in self.flows))

    @cached_property
    def incoming(self) -> dict[str, list[Flow]]:
        return _grouped(self.nodes, ((flow.target, flow) for flow in self.flows))

    @cached_property
    def boundaries(self) -> dict[str, list[str]]:
        """Boundary events by the activity they sit on."""
        hosts = ((node.get("attachedToRef"), key) for key, node in self.nodes.items())
        return _grouped(self.nodes, ((host, key) for host, key in hosts if host))

    @cached_property
    def successors(self) -> dict[str, list[str]]:
        """Where a token can go next; from an activity also to its boundary events."""
        return {
            key: [flow.target for flow in self.outgoing[key] if flow.target in self.nodes]
            + self.boundaries[key]
            for key in self.nodes
        }

    def of_kind(self, *kinds: str) -> list[Any]:
        return [node for node in self.nodes.values() if local(node) in kinds]


@dataclass(eq=False)
class Drawing:
    """One BPMN file."""

    file: str
    root: Any

    def __post_init__(self) -> None:
        """Keep every element's proxy alive: lxml makes a new object for one that nobody holds."""
        self.elements  # noqa: B018

    def report(self, rule: str, element: Any = None, **params: Any) -> Finding:
        return finding(rule, self.file, element, **params)

    @cached_property
    def elements(self) -> list[Any]:
        """All elements of the BPMN namespace, in document order."""
        return list(self.root.iter(f"{{{BPMN}}}*"))

    @cached_property
    def ids(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for element in self.elements:
            found.setdefault(element.get("id"), element)
        found.pop(None, None)  # type: ignore[call-overload]
        return found

    @cached_property
    def processes(self) -> list[Any]:
        """The executable ones."""
        return [p for p in children(self.root, "process") if p.get("isExecutable") == "true"]

    @cached_property
    def scopes(self) -> list[Scope]:
        """All executable processes and the subprocesses in them that a token can enter."""
        return [
            _scope(container, process) for process in self.processes for container in _containers(process)
        ]

    @cached_property
    def executed(self) -> list[Any]:
        """All BPMN elements inside executable processes."""
        return [element for process in self.processes for element in process.iter(f"{{{BPMN}}}*")]

    def referred(self, reference: str | None) -> Any:
        """The element that a QName attribute refers to, or None."""
        if not reference:
            return None
        return self.ids.get(reference.strip().rpartition(":")[2])

    def nodes(self, *kinds: str) -> Iterator[Any]:
        return (node for scope in self.scopes for node in scope.of_kind(*kinds))


@dataclass(eq=False)
class Deployment:
    """Everything that is deployed together, and what it may refer to."""

    drawings: list[Drawing]
    topics: Collection[str]
    forms: Mapping[str, FormInfo] | None
    known_processes: Collection[str]
    previous_ids: Mapping[str, Collection[str]]

    @cached_property
    def processes(self) -> dict[str, tuple[Drawing, Any]]:
        return {
            p.get("id"): (drawing, p) for drawing in self.drawings for p in drawing.processes if p.get("id")
        }


def local(element: Any) -> str:
    """The tag without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Any, *names: str) -> list[Any]:
    """Child elements of the BPMN namespace, of these names only if any are given."""
    return [child for child in element.iterchildren(f"{{{BPMN}}}*") if not names or local(child) in names]


def content(element: Any) -> str:
    """The text inside an element, stripped."""
    return "".join(element.itertext()).strip()


def camunda(element: Any, name: str) -> str | None:
    """The attribute `camunda:name`."""
    value = element.get(f"{{{CAMUNDA}}}{name}")
    return None if value is None else str(value)


def label(element: Any) -> str:
    return element.get("name") or element.get("id") or local(element)


def definitions(event: Any) -> list[Any]:
    """The event definitions drawn in an event."""
    return [child for child in children(event) if local(child).endswith("EventDefinition")]


def event_kind(event: Any) -> str | None:
    """ "message", "timer", … or None for a plain event."""
    found = definitions(event)
    return local(found[0]).removesuffix("EventDefinition") if found else None


def message_name(drawing: Drawing, node: Any) -> str | None:
    """The name of the message that an event or task refers to."""
    holder = next((d for d in definitions(node) if local(d) == "messageEventDefinition"), node)
    message = drawing.referred(holder.get("messageRef"))
    return None if message is None else message.get("name")


def _containers(container: Any) -> Iterator[Any]:
    yield container
    for child in children(container, *CONTAINERS):
        if not is_apart(child):
            yield from _containers(child)


def is_apart(node: Any) -> bool:
    """Whether a node stands outside the flow by nature: event subprocess, compensation, link."""
    return (
        node.get("triggeredByEvent") == "true"
        or node.get("isForCompensation") == "true"
        or event_kind(node) in ("link", "compensate")
    )


def _scope(container: Any, process: Any) -> Scope:
    nodes = {e.get("id"): e for e in children(container) if local(e) in NODES and e.get("id")}
    return Scope(container, process, nodes, [_flow(e) for e in children(container, "sequenceFlow")])


def _flow(element: Any) -> Flow:
    conditions = children(element, "conditionExpression")
    return Flow(
        element,
        element.get("id") or "",
        (element.get("sourceRef") or "").rpartition(":")[2],
        (element.get("targetRef") or "").rpartition(":")[2],
        content(conditions[0]) if conditions else None,
    )


def _grouped(keys: Iterable[str], pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {key: [] for key in keys}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
