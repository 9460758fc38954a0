"""Small diagrams in few words: `process("P", user("a"), end(), flows="s>a; a>e")`."""

import re
from xml.sax.saxutils import escape

_NAMESPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def process(key: str, *nodes: str, flows: str, start: str = "s") -> bytes:
    """A file with one process; its start event is `start`, its messages are those that the nodes name."""
    return file(body(key, *nodes, flows=flows, start=start))


def body(key: str, *nodes: str, flows: str, start: str = "s") -> str:
    """The process alone, for a file that holds several."""
    return element("process", key, f'<startEvent id="{start}"/>', *nodes, arrows(flows), isExecutable="true")


def file(*processes: str) -> bytes:
    """The BPMN file around processes."""
    drawn = "".join(processes)
    messages = sorted(set(re.findall(r'messageRef="M_([^"]+)"', drawn)))
    roots = "".join(f'<message id="M_{m}" name="{m}"/>' for m in messages)
    roots += '<error id="E" name="E" errorCode="E"/>' if 'errorRef="E"' in drawn else ""
    head = f'<definitions {_NAMESPACES} id="definitions" targetNamespace="x">'
    return f"{head}{roots}{drawn}</definitions>".encode()


def element(tag: str, id: str, *inside: str, **attributes: str) -> str:
    """Any element; `camunda_topic="t"` writes `camunda:topic="t"`."""
    said = "".join(f' {k.replace("camunda_", "camunda:")}="{escape(v)}"' for k, v in attributes.items())
    return f'<{tag} id="{id}" name="{id}"{said}>{"".join(inside)}</{tag}>'


def arrows(flows: str) -> str:
    """Sequence flows as `a>b; g>c[x == 1]`."""
    found = []
    for part in flows.split(";"):
        source, rest = part.strip().split(">", 1)
        target, _, condition = rest.partition("[")
        inside = ""
        if condition:
            text = escape("${" + condition.removesuffix("]") + "}")
            inside = f'<conditionExpression xsi:type="tFormalExpression">{text}</conditionExpression>'
        found.append(
            element("sequenceFlow", f"f_{source}_{target}", inside, sourceRef=source, targetRef=target)
        )
    return "".join(found)


def user(id: str, groups: str = "G1", *inside: str, **attributes: str) -> str:
    return element("userTask", id, *inside, camunda_candidateGroups=groups, **attributes)


def service(id: str, topic: str, job: bool = False) -> str:
    more = {"camunda_asyncBefore": "true"} if job else {}
    return element("serviceTask", id, camunda_type="external", camunda_topic=topic, **more)


def xor(id: str, **attributes: str) -> str:
    return element("exclusiveGateway", id, **attributes)


def fork(id: str) -> str:
    return element("parallelGateway", id)


def wait(id: str) -> str:
    return element("eventBasedGateway", id)


def end(id: str = "e", *inside: str) -> str:
    return element("endEvent", id, *inside)


def message(name: str) -> str:
    return f'<messageEventDefinition messageRef="M_{name}"/>'


def timer(text: str, kind: str = "timeDuration") -> str:
    inside = f'<{kind} xsi:type="tFormalExpression">{escape(text)}</{kind}>'
    return f"<timerEventDefinition>{inside}</timerEventDefinition>"


def catch(id: str, event: str) -> str:
    return element("intermediateCatchEvent", id, event)


def boundary(id: str, at: str, event: str, interrupting: bool = True) -> str:
    return element("boundaryEvent", id, event, attachedToRef=at, cancelActivity=str(interrupting).lower())


def subprocess(id: str, *nodes: str, flows: str, start: str) -> str:
    return element("subProcess", id, f'<startEvent id="{start}"/>', *nodes, arrows(flows))


def call(id: str, key: str) -> str:
    return element("callActivity", id, calledElement=key)
