"""From BPMN files to diagrams that can run: parsed once per deployed version, shared by all instances."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser, BpmnValidator, full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.defaults import (
    InclusiveGateway,
    ParallelGateway,
)
from SpiffWorkflow.bpmn.specs.event_definitions.timer import CycleTimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.spiff.parser import SpiffBpmnParser
from SpiffWorkflow.spiff.parser.task_spec import SpiffTaskParser

from engine.errors import InvalidDiagram
from engine.forms import message_form
from engine.lint import Finding
from engine.ports import Element
from engine.services import ServiceTask
from engine.xml import InvalidXML, read_xml

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"

_UNPRUNABLE = (ParallelGateway, InclusiveGateway, LoopTask, SubWorkflowTask)


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow as drawn."""

    id: str
    source: str
    target: str
    name: str
    condition: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """What the engine must know of an element beside its `Element`: `camunda:*` attributes and its event."""

    element: Element
    camunda: Mapping[str, str]
    event: str | None = None
    message: str | None = None
    attached_to: str | None = None


@dataclass(frozen=True, slots=True)
class Diagram:
    """One executable process, built and ready to run.

    `prunable` says whether finished tasks may be left out when an instance is stored; a diagram
    with joins, loops or subprocesses is stored whole.
    """

    key: str
    name: str
    file: str
    spec: Any
    subprocesses: Mapping[str, Any]
    nodes: Mapping[str, Node]
    flows: Mapping[tuple[str, str], tuple[Flow, ...]]
    prunable: bool
    form_ids: frozenset[str] = field(default_factory=frozenset)

    def element(self, element_id: str) -> Element:
        """The element of this id, or a nameless one for what the library adds itself."""
        node = self.nodes.get(element_id)
        return node.element if node else Element(element_id, "internal", element_id)

    def catchers(self, gateway_id: str) -> tuple[Node, ...]:
        """The catch events behind an event gateway."""
        return tuple(self.nodes[target] for source, target in self.flows if source == gateway_id)


def build(files: Mapping[str, bytes]) -> list[Diagram]:
    """Parse all BPMN files of one deployment; returns its executable processes.

    Raises InvalidDiagram where the schema or SpiffWorkflow's parser refuses a file that lint accepted.
    """
    parser = _Parser()
    roots = {}
    for name, raw in files.items():
        roots[name] = read_xml(raw)
        try:
            _SCHEMA.validate(roots[name], name)
            parser.add_bpmn_xml(roots[name], name)
        except ValidationException as error:
            raise InvalidDiagram([_finding(error, name)]) from error
    return [
        _diagram(parser, process, name)
        for name, root in roots.items()
        for process in root.iterchildren(f"{{{BPMN}}}process")
        if process.get("isExecutable") == "true"
    ]


def wanted_forms(files: Mapping[str, bytes]) -> set[str]:
    """The ids of the forms that diagrams name and of those that their messages may have.

    Lint was not asked yet: a file that is no XML names none.
    """
    found: set[str] = set()
    for raw in files.values():
        with suppress(InvalidXML):
            found |= _wanted(read_xml(raw))
    return found


def _wanted(root: Any) -> set[str]:
    messages = {m.get("id"): m.get("name") for m in root.iter(f"{{{BPMN}}}message")}
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    named = {node.get(f"{{{CAMUNDA}}}formRef") for node in nodes} - {None}
    heard = {messages.get((node.get("messageRef") or "").rpartition(":")[2]) for node in nodes}
    return named | {message_form(name) for name in heard if name}


def attributes(raw: bytes, key: str) -> Mapping[str, str]:
    """The `camunda:*` attributes of one process of a file that was deployed: version tag, time to live."""
    processes = read_xml(raw).iterchildren(f"{{{BPMN}}}process")
    return _camunda(next(p for p in processes if p.get("id") == key))


def _diagram(parser: "_Parser", process: Any, file: str) -> Diagram:
    key = process.get("id")
    try:
        spec, subprocesses = parser.get_spec(key), parser.get_subprocess_specs(key)
    except ValidationException as error:
        raise InvalidDiagram([_finding(error, file)]) from error
    for built in (spec, *subprocesses.values()):
        _connect_loops(built)
    nodes = _nodes([process, *_called(process, parser, subprocesses)])
    return Diagram(
        key=key,
        name=process.get("name") or key,
        file=file,
        spec=spec,
        subprocesses=subprocesses,
        nodes=nodes,
        flows=_flows([process, *_called(process, parser, subprocesses)]),
        prunable=not subprocesses and not any(_needs_history(s) for s in spec.task_specs.values()),
        form_ids=frozenset(n.camunda["formRef"] for n in nodes.values() if "formRef" in n.camunda),
    )


def _connect_loops(spec: Any) -> None:
    """Let each loop hear of its finished rounds.

    The library connects them only while it makes a round: an instance that another process stored
    would wait for ever. It would also merge a round's own item into the loop, and refuse the next round
    because that item exists already; so the round forgets it first.
    """
    for loop in [s for s in spec.task_specs.values() if isinstance(s, LoopTask)]:
        finished = spec.task_specs[loop.task_spec].completed_event
        if not finished.is_connected(loop.merge_child):
            if item := getattr(loop, "input_item", None):
                finished.connect(_forget, item.bpmn_id)
            finished.connect(loop.merge_child)


def _forget(_workflow: Any, round_: Any, name: str) -> None:
    round_.data.pop(name, None)


def _called(process: Any, parser: "_Parser", subprocesses: Mapping[str, Any]) -> list[Any]:
    """Processes that this one calls; embedded subprocesses are inside the process element itself."""
    parsers = parser.process_parsers
    return [
        parsers[name].node for name in subprocesses if name in parsers and parsers[name].node is not process
    ]


def _needs_history(spec: Any) -> bool:
    definition = getattr(spec, "event_definition", None)
    definitions = getattr(definition, "event_definitions", None) or [definition]
    return isinstance(spec, _UNPRUNABLE) or any(isinstance(d, CycleTimerEventDefinition) for d in definitions)


def _nodes(processes: list[Any]) -> dict[str, Node]:
    messages = {m.get("id"): m.get("name") for m in processes[0].getroottree().iter(f"{{{BPMN}}}message")}
    for process in processes[1:]:
        messages |= {m.get("id"): m.get("name") for m in process.getroottree().iter(f"{{{BPMN}}}message")}
    found = {}
    for process in processes:
        lanes = _lanes(process)
        for node in process.iter():
            if isinstance(node.tag, str) and node.get("id") and etree.QName(node).namespace == BPMN:
                found[node.get("id")] = _node(node, lanes, messages)
    return found


def _node(node: Any, lanes: Mapping[str, str], messages: Mapping[str, str]) -> Node:
    definition = next((c for c in node if str(c.tag).endswith("EventDefinition")), None)
    event = None if definition is None else etree.QName(definition).localname.removesuffix("EventDefinition")
    reference = node.get("messageRef") if definition is None else definition.get("messageRef")
    path = f"./{{{BPMN}}}extensionElements/{{{CAMUNDA}}}properties/{{{CAMUNDA}}}property"
    return Node(
        element=Element(
            id=node.get("id"),
            type=etree.QName(node).localname,
            name=node.get("name") or node.get("id"),
            lane=lanes.get(node.get("id")),
            properties={p.get("name"): p.get("value", "") for p in node.iterfind(path)},
        ),
        camunda=_camunda(node),
        event=event or ("message" if reference else None),
        message=messages.get(reference) if reference else None,
        attached_to=node.get("attachedToRef"),
    )


def _camunda(node: Any) -> dict[str, str]:
    return {etree.QName(k).localname: v for k, v in node.attrib.items() if k.startswith("{" + CAMUNDA + "}")}


def _lanes(process: Any) -> dict[str, str]:
    return {
        (ref.text or "").strip(): lane.get("name") or lane.get("id")
        for lane in process.iter(f"{{{BPMN}}}lane")
        for ref in lane.iterchildren(f"{{{BPMN}}}flowNodeRef")
    }


def _flows(processes: list[Any]) -> dict[tuple[str, str], tuple[Flow, ...]]:
    found: dict[tuple[str, str], tuple[Flow, ...]] = {}
    for process in processes:
        for flow in process.iter(f"{{{BPMN}}}sequenceFlow"):
            condition = flow.findtext(f"{{{BPMN}}}conditionExpression")
            pair = (flow.get("sourceRef"), flow.get("targetRef"))
            drawn = Flow(flow.get("id"), *pair, flow.get("name") or "", condition and condition.strip())
            found[pair] = (*found.get(pair, ()), drawn)
    return found


def _finding(error: ValidationException, file: str) -> Finding:
    return Finding(
        rule="schema",
        severity="error",
        file=file,
        element_id=error.id or "",
        element_name=error.name or "",
        line=error.line_number or 0,
        zh=f"流程图不符合 BPMN 2.0 规范:{error}",
        en=f"The diagram does not follow BPMN 2.0: {error}",
    )


class _ServiceTaskParser(SpiffTaskParser):  # type: ignore[misc]
    """Reads `camunda:topic` and, for job mode, `camunda:asyncBefore` of a service or send task."""

    def create_task(self) -> ServiceTask:
        topic = self.node.get(f"{{{CAMUNDA}}}topic")
        job = self.node.get(f"{{{CAMUNDA}}}asyncBefore") == "true"
        return ServiceTask(self.spec, self.bpmn_id, topic=topic, job=job, **self.bpmn_attributes)


def _keeping(parser_class: type) -> type:
    """The parser class, made to keep every `camunda:*` attribute in the spec's `extensions`.

    SpiffWorkflow's own parsers drop them (traps §1); what this hook returns lives as long as the spec.
    """

    class Keeping(parser_class):  # type: ignore[misc]
        def parse_extensions(self, node: Any = None) -> dict[str, Any]:
            found = dict(super().parse_extensions(node) or {})
            attributes = (self.node if node is None else node).attrib
            kept = {
                etree.QName(k).localname: v for k, v in attributes.items() if k.startswith(f"{{{CAMUNDA}}}")
            }
            return {**found, "camunda": kept} if kept else found

    Keeping.__name__ = parser_class.__name__
    return Keeping


class _Parser(SpiffBpmnParser):  # type: ignore[misc]
    OVERRIDE_PARSER_CLASSES: ClassVar[dict[str, Any]] = {
        tag: (_keeping(parser), spec)
        for tag, (parser, spec) in {
            **BpmnParser.PARSER_CLASSES,
            **SpiffBpmnParser.OVERRIDE_PARSER_CLASSES,
            full_tag("serviceTask"): (_ServiceTaskParser, ServiceTask),
            full_tag("sendTask"): (_ServiceTaskParser, ServiceTask),
        }.items()
    }


_SCHEMA = BpmnValidator()
