"""Each rule of the lint refuses a diagram that breaks it and nothing else, and says where, in two tongues."""

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lint import findings, lint

HEAD = (
    '<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
    ' xmlns:spiff="http://spiffworkflow.org/bpmn/schema/1.0/core" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
    ' xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" targetNamespace="t">'
)
TOPICS = {"classify", "notify"}


@dataclass(frozen=True)
class Form:
    keys: frozenset[str] = frozenset()
    outcomes: dict[str, tuple[str, ...]] = field(default_factory=dict)


def el(tag, id, inner="", **attributes):
    """One element on a line of its own, with a name to be found again."""
    named = {"id": id, "name": f"名{id}", **attributes}
    shown = " ".join(
        f'{k.replace("camunda_", "camunda:")}="{escape(v)}"' for k, v in named.items() if v is not None
    )
    return f"<b:{tag} {shown}>{inner}</b:{tag}>\n"


def user(id, inner="", camunda_candidateGroups="G", **attributes):
    return el("userTask", id, inner, camunda_candidateGroups=camunda_candidateGroups, **attributes)


def service(id, inner="", camunda_type="external", camunda_topic="classify", **attributes):
    return el("serviceTask", id, inner, camunda_type=camunda_type, camunda_topic=camunda_topic, **attributes)


def xor(id, **attributes):
    return el("exclusiveGateway", id, **attributes)


def flows(drawn):
    """`a>b; g>c[x == 'y']` as sequence flows named f_a_b."""
    found = ""
    for part in filter(None, (part.strip() for part in drawn.split(";"))):
        source, rest = part.split(">", 1)
        target, _, condition = rest.partition("[")
        inner = formal("conditionExpression", f"${{{escape(condition[:-1])}}}")
        ends = {"sourceRef": source, "targetRef": target}
        found += el("sequenceFlow", f"f_{source}_{target}", inner if condition else "", **ends)
    return found


def process(body, drawn, id="P", **attributes):
    return f'<b:process id="{id}" name="名{id}" isExecutable="true">\n{body}{flows(drawn)}</b:process>\n'


def diagram(body="", drawn="s>u;u>e", roots="", **attributes):
    """A file with one process: a start `s`, an end `e`, and what is given."""
    ends = el("startEvent", "s") + el("endEvent", "e")
    return f"{HEAD}\n{roots}{process(ends + body, drawn)}</b:definitions>".encode()


def file(inner):
    return f"{HEAD}\n{inner}</b:definitions>".encode()


def message(id="M", name="go"):
    return el("message", id, name=name)


def on_message(reference="M"):
    return (
        f'<b:messageEventDefinition messageRef="{reference}"/>'
        if reference
        else "<b:messageEventDefinition/>"
    )


def on_timer(text="PT1H", kind="timeDuration", formal=' xsi:type="b:tFormalExpression"'):
    return f"<b:timerEventDefinition><b:{kind}{formal}>{text}</b:{kind}></b:timerEventDefinition>"


def on(kind, **references):
    shown = "".join(f' {k}="{v}"' for k, v in references.items())
    return f"<b:{kind}EventDefinition{shown}/>"


def catch(id, inner):
    return el("intermediateCatchEvent", id, inner)


def boundary(id, inner, host="u", **attributes):
    return el("boundaryEvent", id, inner, attachedToRef=host, **attributes)


def sub(id, inner="", drawn="s2>u2;u2>e2", **attributes):
    inside = el("startEvent", "s2") + user("u2") + el("endEvent", "e2") + inner
    return el("subProcess", id, "\n" + inside + flows(drawn), **attributes)


def extended(inner):
    return f"<b:extensionElements>{inner}</b:extensionElements>"


def formal(tag, text):
    return f'<b:{tag} xsi:type="b:tFormalExpression">{text}</b:{tag}>'


def multi(inner, **attributes):
    shown = "".join(f' {k.replace("camunda_", "camunda:")}="{v}"' for k, v in attributes.items())
    return f"<b:multiInstanceLoopCharacteristics{shown}>{inner}</b:multiInstanceLoopCharacteristics>"


THROUGH = "s>u;u>x;x>e"
ESCALATION = el("escalation", "E", escalationCode="1")
ERROR = el("error", "E", errorCode="1")
POOLS = (
    '<b:collaboration id="C">\n' + el("participant", "pool", processRef="P") + el("participant", "other")
)  # fmt: skip
CHOICE = user("u") + xor("g") + user("a") + user("b")
FORM = {
    "f": Form(outcomes={"outcome": ("yes", "no")}),
    "message_go": Form(),
    "message_other": Form(),
}
ASKED = user("u", camunda_formRef="f") + xor("g") + user("a") + user("b")

CASES = {
    # identity and references
    "missing-id": ("", diagram('<b:userTask name="x" camunda:candidateGroups="G"/>' + user("u"))),
    "bad-id": ("2u", diagram(user("2u"), "s>2u;2u>e")),
    "reserved-id": ("End", diagram(user("End"), "s>End;End>e")),
    "duplicate-id": ("u", diagram(user("u") + user("u"))),
    "dangling-reference": ("f_u_x", diagram(user("u"), "s>u;u>x")),
    "wrong-reference": ("b1", diagram(user("u") + boundary("b1", on_timer(), "s"), "s>u;u>e;b1>e")),
    "missing-reference": ("c", diagram(catch("c", on_message("")), "s>c;c>e")),
    "crossing-flow": ("f_u_u2", diagram(user("u") + sub("p"), "s>u;u>u2;u>p;p>e")),
    "flow-lists-disagree": ("u", diagram(user("u", "<b:outgoing>f_s_u</b:outgoing>"))),
    "message-flow-same-pool": (
        "m",
        diagram(
            user("u"),
            roots=POOLS + el("messageFlow", "m", sourceRef="pool", targetRef="u") + "</b:collaboration>",
        ),
    ),
    "message-flow-end": (
        "m",
        diagram(
            user("u"),
            roots=POOLS + el("messageFlow", "m", sourceRef="other", targetRef="s") + "</b:collaboration>",
        ),
    ),
    "operation-message": (
        "r",
        diagram(
            el("receiveTask", "r", messageRef="M", operationRef="O"),
            "s>r;r>e",
            message()
            + message("N")
            + el("interface", "I", el("operation", "O", "<b:inMessageRef>N</b:inMessageRef>")),
        ),
    ),
    "dangling-shape": (
        "sh",
        file(
            process(el("startEvent", "s") + user("u") + el("endEvent", "e"), "s>u;u>e")
            + "<di:BPMNDiagram><di:BPMNPlane>\n"
            + '<di:BPMNShape id="sh" bpmnElement="gone"/></di:BPMNPlane></di:BPMNDiagram>'
        ),
    ),
    # what this engine does not run
    "not-executable": ("", file('<b:process id="P"/>')),
    "unsupported-element": ("C", diagram(user("u"), roots=el("correlationProperty", "C"))),
    "misplaced-element": ("m", diagram(user("u", message("m")))),
    "bare-task": ("x", diagram(user("u") + el("task", "x"), THROUGH)),
    "manual-task": ("x", diagram(user("u") + el("manualTask", "x"), THROUGH)),
    "script-task": ("x", diagram(user("u") + el("scriptTask", "x"), THROUGH)),
    "business-rule-task": ("x", diagram(user("u") + el("businessRuleTask", "x"), THROUGH)),
    "complex-gateway": (
        "x",
        diagram(user("u") + user("v") + el("complexGateway", "x"), "s>u;u>x;x>v;x>e;v>e"),
    ),
    "event-subprocess": ("x", diagram(user("u") + sub("x", triggeredByEvent="true"))),
    "transaction": (
        "x",
        diagram(
            user("u")
            + el("transaction", "x", el("startEvent", "s2") + el("endEvent", "e2") + flows("s2>e2")),
            THROUGH,
        ),
    ),
    "ad-hoc": (
        "x",
        diagram(
            user("u") + el("adHocSubProcess", "x", user("u2") + el("endEvent", "e2") + flows("u2>e2")),
            THROUGH,
        ),
    ),
    "signal-event": ("x", diagram(catch("x", on("signal")) + user("u"), THROUGH)),
    "link-event": ("x", diagram(user("u") + el("intermediateThrowEvent", "x", on("link")))),
    "compensation": ("x", diagram(user("u") + user("x", isForCompensation="true"))),
    "conditional-event": ("x", diagram(catch("x", "<b:conditionalEventDefinition/>") + user("u"), THROUGH)),
    "cancel-event": ("x", diagram(user("u") + boundary("x", on("cancel")), "s>u;u>e;x>e")),
    "message-throw": (
        "x",
        diagram(user("u") + el("intermediateThrowEvent", "x", on_message()), THROUGH, message()),
    ),
    "start-kind": ("s", file(process(el("startEvent", "s", on_timer()) + el("endEvent", "e"), "s>e"))),
    "multiple-events": ("x", diagram(user("u") + catch("x", on_message() + on_timer()), THROUGH, message())),
    "event-reference": (
        "x",
        diagram(
            user("u") + el("endEvent", "x", "<b:eventDefinitionRef>t</b:eventDefinitionRef>"), "s>u;u>x"
        ).replace(el("endEvent", "e").encode(), b""),
    ),
    "data-flow": (
        "u",
        diagram(user("u", "<b:ioSpecification><b:inputSet/><b:outputSet/></b:ioSpecification>")),
    ),
    "choreography": ("K", diagram(user("u"), roots=el("choreography", "K"))),
    "resource-role": ("u", diagram(user("u", "<b:potentialOwner/>"))),
    "unsupported-value": ("u", diagram(user("u", startQuantity="2"))),
    "unsupported-attribute": ("u", diagram(service("u", **{"camunda:class": "x.Y"}))),
    "unsupported-extension": ("u", diagram(user("u", extended("<camunda:taskListener/>")))),
    "ignored-attribute": ("u", diagram(user("u", camunda_asyncBefore="true"))),
    "expression-language": (
        "f_g_a",
        diagram(CHOICE, "s>u;u>g;g>a[x == 1];g>b[x != 1];a>e;b>e").replace(
            b'tFormalExpression">${x == 1', b'tFormalExpression" language="groovy">${x == 1'
        ),
    ),
    "mime-type": ("u", diagram(user("u", '<b:documentation textFormat="words">x</b:documentation>'))),
    # the way through
    "no-start": ("P", file(process(user("u") + el("endEvent", "e"), "u>e"))),
    "several-starts": ("t", diagram(user("u") + el("startEvent", "t"), "s>u;t>u;u>e")),
    "no-end": ("P", file(process(el("startEvent", "s") + user("u"), "s>u"))),
    "start-incoming": ("s", diagram(user("u") + xor("g"), "s>u;u>g;g>s[x == 1];g>e[x != 1]")),
    "end-outgoing": ("e", diagram(user("u"), "s>u;u>e;e>u")),
    "boundary-incoming": (
        "x",
        diagram(user("u") + xor("g") + boundary("x", on_timer()), "s>u;u>g;g>x[y == 1];g>e[y != 1];x>e"),
    ),
    "unreachable": ("x", diagram(user("u") + user("x"), "s>u;u>e;x>e")),
    "dead-end": ("x", diagram(user("u") + xor("g") + user("x"), "s>u;u>g;g>e[y == 1];g>x[y != 1]")),
    "implicit-split": ("u", diagram(user("u") + user("x"), "s>u;u>e;u>x;x>e")),
    "automatic-loop": ("x", diagram(service("x") + xor("g"), "s>x;x>g;g>x[y == 1];g>e[y != 1]")),
    "parallel-in-loop": (
        "p",
        diagram(
            user("u") + el("parallelGateway", "p") + xor("g") + user("v"),
            "s>u;u>p;p>g;p>v;v>e;g>u[y == 1];g>e[y != 1]",
        ),
    ),
    "inclusive-in-loop": (
        "p",
        diagram(user("u") + el("inclusiveGateway", "p") + user("v"), "s>u;v>p;u>p;p>e[y == 1];p>v[y != 1]"),
    ),
    # gateways and conditions
    "gateway-direction": (
        "g",
        diagram(
            CHOICE.replace(xor("g"), xor("g", gatewayDirection="Converging")),
            "s>u;u>g;g>a[x == 1];g>b[x != 1];a>e;b>e",
        ),
    ),
    "useless-gateway": ("x", diagram(user("u") + xor("x"), THROUGH)),
    "condition-outside-gateway": ("f_u_e", diagram(user("u"), "s>u;u>e[x == 1]")),
    "missing-condition": ("f_g_b", diagram(CHOICE, "s>u;u>g;g>a[x == 1];g>b;a>e;b>e")),
    "default-not-outgoing": (
        "g",
        diagram(
            CHOICE.replace(xor("g"), xor("g", default="f_a_e")), "s>u;u>g;g>a[x == 1];g>b[x != 1];a>e;b>e"
        ),
    ),
    "default-with-condition": (
        "f_g_a",
        diagram(
            CHOICE.replace(xor("g"), xor("g", default="f_g_a")), "s>u;u>g;g>a[x == 1];g>b[x != 1];a>e;b>e"
        ),
    ),
    "business-default": (
        "g",
        diagram(
            ASKED.replace(xor("g"), xor("g", default="f_g_b")), "s>u;u>g;g>a[outcome == 'yes'];g>b;a>e;b>e"
        ),
    ),
    "value-without-flow": (
        "g",
        diagram(ASKED, "s>u;u>g;g>a[outcome == 'yes'];g>b[outcome == 'yes' and 1 == 2];a>e;b>e"),
    ),
    "unknown-value": (
        "f_g_e",
        diagram(ASKED, "s>u;u>g;g>a[outcome == 'yes'];g>b[outcome == 'no'];g>e[outcome == 'maybe'];a>e;b>e"),
    ),
    "incomplete-gateway": ("g", diagram(CHOICE, "s>u;u>g;g>a[n < 5];g>b[n > 5];a>e;b>e")),
    "unchecked-gateway": ("g", diagram(CHOICE, "s>u;u>g;g>a['a' in text];g>b[text == 'b'];a>e;b>e")),
    "overlapping-conditions": ("g", diagram(CHOICE, "s>u;u>g;g>a[n < 6];g>b[n >= 5];a>e;b>e")),
    "invalid-expression": ("f_g_a", diagram(CHOICE, "s>u;u>g;g>a[open('x')];g>b[x != 1];a>e;b>e")),
    "not-a-condition": (
        "f_g_a",
        diagram(CHOICE.replace(xor("g"), xor("g", default="f_g_b")), "s>u;u>g;g>a[x + 1];g>b;a>e;b>e"),
    ),
    "informal-expression": ("x", diagram(user("u") + catch("x", on_timer(formal="")), THROUGH)),
    "event-gateway-branches": (
        "g",
        diagram(
            user("u") + user("v") + xor("m") + el("eventBasedGateway", "g") + catch("x", on_timer()),
            "s>m;m>u[y == 1];m>v[y != 1];u>g;v>g;g>x;x>e",
        ),
    ),
    "event-gateway-timers": (
        "g",
        diagram(
            el("eventBasedGateway", "g") + catch("x", on_timer()) + catch("y", on_timer()),
            "s>g;g>x;g>y;x>e;y>e",
        ),
    ),
    "event-gateway-successor": (
        "g",
        diagram(el("eventBasedGateway", "g") + catch("x", on_timer()) + user("u"), "s>g;g>x;g>u;x>e;u>e"),
    ),
    "event-gateway-mixed": (
        "g",
        diagram(
            el("eventBasedGateway", "g") + catch("x", on_message()) + el("receiveTask", "r", messageRef="N"),
            "s>g;g>x;g>r;x>e;r>e",
            message() + message("N", "other"),
        ),
    ),
    "same-message": (
        "g",
        diagram(
            el("eventBasedGateway", "g") + catch("x", on_message()) + catch("y", on_message("N")),
            "s>g;g>x;g>y;x>e;y>e",
            message() + message("N"),
        ),
    ),
    # events
    "event-not-here": ("x", diagram(user("u") + el("intermediateThrowEvent", "x", on_timer()), THROUGH)),
    "event-missing": ("x", diagram(user("u") + catch("x", ""), THROUGH)),
    "message-unnamed": ("M", diagram(user("u") + catch("x", on_message()), THROUGH, message(name=None))),
    "message-unchecked": ("M", diagram(user("u") + catch("x", on_message()), THROUGH, message(name="new"))),
    "message-expression": ("M", diagram(user("u") + catch("x", on_message()), THROUGH, message(name="${x}"))),
    "non-interrupting-message": (
        "x",
        diagram(user("u") + boundary("x", on_message(), cancelActivity="false"), "s>u;u>e;x>e", message()),
    ),
    "error-boundary-place": ("x", diagram(user("u") + boundary("x", on("error")), "s>u;u>e;x>e")),
    "error-interrupts": (
        "x",
        diagram(sub("p") + boundary("x", on("error"), "p", cancelActivity="false"), "s>p;p>e;x>e"),
    ),
    "error-uncaught": (
        "x",
        diagram(
            user("u") + el("endEvent", "x", on("escalation", escalationRef="E")), "s>u;u>x", ESCALATION
        ).replace(el("endEvent", "e").encode(), b""),
    ),
    "code-missing": ("E", diagram(user("u"), roots=el("error", "E"))),
    "boundary-never-waits": ("x", diagram(service("u") + boundary("x", on_timer()), "s>u;u>e;x>e")),
    "timer-missing": ("x", diagram(user("u") + catch("x", "<b:timerEventDefinition/>"), THROUGH)),
    "invalid-timer": ("x", diagram(user("u") + catch("x", on_timer("4h")), THROUGH)),
    "cycle-place": ("x", diagram(user("u") + catch("x", on_timer("R3/PT1H", "timeCycle")), THROUGH)),
    # activities
    "service-topic": ("u", diagram(service("u", camunda_type=None))),
    "unknown-topic": ("u", diagram(service("u", camunda_topic="clasify"))),
    "receive-message": ("u", diagram(el("receiveTask", "u"))),
    "unassigned": ("u", diagram(user("u", camunda_candidateGroups=None))),
    "candidate-users": ("u", diagram(user("u", camunda_candidateUsers="li"))),
    "invalid-priority": ("u", diagram(user("u", camunda_priority="high"))),
    "invalid-date": ("u", diagram(user("u", camunda_dueDate="tomorrow"))),
    "unknown-form": ("u", diagram(user("u", camunda_formRef="nowhere"))),
    "form-binding": ("u", diagram(user("u", camunda_formRef="f", camunda_formRefBinding="latest"))),
    "called-process": ("u", diagram(el("callActivity", "u", calledElement="Q"))),
    "recursive-call": ("P", diagram(el("callActivity", "u", calledElement="P"))),
    "call-mapping": (
        "u",
        diagram(el("callActivity", "u", extended('<camunda:in source="a" target="b"/>'), calledElement="K")),
    ),
    "two-loop-markers": (
        "u",
        diagram(
            user(
                "u",
                '<b:standardLoopCharacteristics loopMaximum="3"/>' + multi(formal("loopCardinality", "3")),
            )
        ),
    ),
    "loop-condition": ("u", diagram(user("u", "<b:standardLoopCharacteristics/>"))),
    "multi-instance-count": ("u", diagram(user("u", multi("")))),
    "multi-instance-collection": ("u", diagram(user("u", multi("", camunda_collection="people")))),
    "multi-instance-behavior": (
        "u",
        diagram(user("u", multi(formal("loopCardinality", "3") + "<b:complexBehaviorDefinition/>"))),
    ),
    "invalid-number": ("u", diagram(user("u", '<b:standardLoopCharacteristics loopMaximum="0"/>'))),
}


def findings_of(data, **options):
    given = {"topics": TOPICS, "forms": FORM, "known_processes": {"K"}, **options}
    return lint({"p.bpmn": data}, **given)


@pytest.mark.parametrize("rule", CASES)
def test_the_rule_refuses_its_diagram_alone(rule):
    element, data = CASES[rule]

    found = findings_of(data)

    assert {(f.rule, f.element_id) for f in found} == {(rule, element)}


@pytest.mark.parametrize("rule", CASES)
def test_a_finding_names_element_and_line_in_both_languages(rule):
    element, data = CASES[rule]
    lines = [n for n, line in enumerate(data.decode().splitlines(), 1) if f'id="{element}"' in line]

    finding = findings_of(data)[0]

    assert finding.severity == ("warning" if rule in findings.WARNINGS else "error")
    if element:
        assert finding.line in lines
    for lang in ("zh", "en"):
        assert (element or "p.bpmn") in finding.text(lang) and str(finding.line) in finding.text(lang)
        assert (finding.element_name or element) in finding.text(lang)
    assert finding.zh != finding.en


def test_every_sentence_belongs_to_a_rule_with_a_diagram():
    elsewhere = {"not-bpmn", "no-diagram", "duplicate-process", "vanished-id"}

    assert set(CASES) | elsewhere == set(findings.SENTENCES)
    assert not set(CASES) & elsewhere


# what is drawn well is accepted

GOOD = {
    "a user task": diagram(user("u")),
    "expressions in its attributes": diagram(
        user("u", camunda_candidateGroups="${group},WG-IM", camunda_dueDate="${due}", camunda_priority="50")
    ),
    "an assignee": diagram(user("u", camunda_candidateGroups=None, camunda_assignee="${who}")),
    "services, sync and as a job": diagram(service("u") + service("x", camunda_asyncBefore="true"), THROUGH),
    "a send task": diagram(el("sendTask", "u", camunda_type="external", camunda_topic="notify")),
    "a choice of listed values": diagram(ASKED, "s>u;u>g;g>a[outcome == 'yes'];g>b[outcome == 'no'];a>e;b>e"),
    "a choice by one exclusion": diagram(
        ASKED, "s>u;u>g;g>a[outcome == 'yes'];g>b[outcome != 'yes'];a>e;b>e"
    ),
    "a default where nothing is listed": diagram(
        CHOICE.replace(xor("g"), xor("g", default="f_g_b")), "s>u;u>g;g>a[n > 5];g>b;a>e;b>e"
    ),
    "null or not": diagram(CHOICE, "s>u;u>g;g>a[x != null];g>b[x == null];a>e;b>e"),
    "true or false, then three words": diagram(
        CHOICE, "s>u;u>g;g>e[y == false];g>a[y == true and x == 'p'];g>b[y and x == 'q'];a>e;b>e"
    ),
    "an event gateway with one timer": diagram(
        el("eventBasedGateway", "g") + catch("x", on_message()) + catch("y", on_timer("${due}", "timeDate")),
        "s>g;g>x;g>y;x>e;y>e",
        message(),
    ),
    "two timers on one task": diagram(
        user("u") + boundary("x", on_timer(), cancelActivity="false") + boundary("y", on_timer("PT4H")),
        "s>u;u>e;x>e;y>e",
    ),
    "a reminder every hour": diagram(
        user("u") + boundary("x", on_timer("R3/PT1H", "timeCycle"), cancelActivity="false"), "s>u;u>e;x>e"
    ),
    "an interrupting message": diagram(user("u") + boundary("x", on_message()), "s>u;u>e;x>e", message()),
    "parallel work, joined": diagram(
        el("parallelGateway", "p") + user("u") + user("v") + el("parallelGateway", "j"),
        "s>p;p>u;p>v;u>j;v>j;j>e",
    ),
    "an error caught around a subprocess": diagram(
        sub(
            "p",
            el("endEvent", "e3", on("error", errorRef="E")) + xor("g2"),
            "s2>u2;u2>g2;g2>e2[x == 1];g2>e3[x != 1]",
        )
        + boundary("x", on("error", errorRef="E"), "p"),
        "s>p;p>e;x>e",
        ERROR,
    ),
    "a loop with a person in it": diagram(user("u") + xor("g"), "s>u;u>g;g>u[again];g>e[not again]"),
    "repetitions in standard words": diagram(
        user("u", multi(formal("loopCardinality", "3")))
        + user(
            "x",
            "<b:standardLoopCharacteristics>"
            + formal("loopCondition", "${n &lt; 3}")
            + "</b:standardLoopCharacteristics>",
        ),
        THROUGH,
    ),
    "a called process": diagram(el("callActivity", "u", calledElement="K")),
    "pools, lanes, notes, groups and data as pictures": diagram(
        user("u", "<b:documentation>x</b:documentation>")
        + '<b:laneSet><b:lane id="L"><b:flowNodeRef>u</b:flowNodeRef></b:lane></b:laneSet>'
        + el("textAnnotation", "t", "<b:text>x</b:text>")
        + el("association", "k", sourceRef="u", targetRef="t")
        + el("dataObjectReference", "d", dataObjectRef="do")
        + el("dataObject", "do"),
        roots=POOLS + el("messageFlow", "m", sourceRef="other", targetRef="u") + "</b:collaboration>",
    ),
    "properties and colours": diagram(
        user(
            "u",
            extended(
                '<camunda:properties><camunda:property name="status" value="ST2"/></camunda:properties>'
            ),
        )
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_diagrams_are_accepted(name):
    assert findings_of(GOOD[name]) == []


def rules_of(data, **options):
    return {finding.rule for finding in findings_of(data, **options)}


# the traps of the engine underneath, by their number

TRAPS = {
    "R1 a parallel join in a loop": (
        "parallel-in-loop",
        diagram(
            el("parallelGateway", "a") + user("v") + user("w") + el("parallelGateway", "j") + xor("g"),
            "s>a;a>v;a>w;v>j;w>j;j>g;g>a[again];g>e[not again]",
        ),
    ),
    "R5 a condition that reaches the operating system": (
        "invalid-expression",
        diagram(CHOICE, "s>u;u>g;g>a[().__class__.__base__.__subclasses__()];g>b[x != 1];a>e;b>e"),
    ),
    "R7 an event subprocess": ("event-subprocess", CASES["event-subprocess"][1]),
    "R8 a condition on a task's flow": ("condition-outside-gateway", CASES["condition-outside-gateway"][1]),
    "R8 a link": ("link-event", CASES["link-event"][1]),
    "R8 a signal at the end": (
        "signal-event",
        diagram(
            user("u") + xor("g") + el("endEvent", "x", on("signal", signalRef="G")),
            "s>u;u>g;g>e[y == 1];g>x[y != 1]",
            el("signal", "G"),
        ),
    ),
    "R8 a compensation thrown": (
        "compensation",
        diagram(user("u") + el("intermediateThrowEvent", "x", on("compensate")), THROUGH),
    ),
    "R9 a called process without an end": ("no-end", CASES["no-end"][1]),
    "R12 two timers on one event gateway": ("event-gateway-timers", CASES["event-gateway-timers"][1]),
    "R14 a non-interrupting message": ("non-interrupting-message", CASES["non-interrupting-message"][1]),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_diagram_with_a_trap_is_refused(trap):
    rule, data = TRAPS[trap]

    assert rules_of(data) == {rule}


@pytest.mark.parametrize(
    "extension",
    [
        "<spiff:preScript>x = 1</spiff:preScript>", "<spiff:postScript>x = 1</spiff:postScript>",
        '<spiff:serviceTaskOperator id="x"/>', "<camunda:executionListener/>", "<camunda:inputOutput/>",
        "<camunda:connector/>", "<camunda:formData/>", "<zeebe:taskDefinition/>",
    ],
)  # fmt: skip
def test_code_and_mappings_in_extensions_are_refused(extension):
    assert rules_of(diagram(user("u", extended(extension)))) == {"unsupported-extension"}


@pytest.mark.parametrize("name", ["class", "expression", "delegateExpression", "resultVariable"])
def test_java_bindings_are_refused(name):
    assert rules_of(diagram(service("u", **{f"camunda:{name}": "x"}))) == {"unsupported-attribute"}


@pytest.mark.parametrize("text", ["4h", "-PT1H", "60", "0 * * * *", "vendor_due", "PT", "${open('x')}"])
def test_durations_that_would_fail_at_run_time_are_refused(text):
    assert rules_of(diagram(user("u") + catch("x", on_timer(text)), THROUGH)) == {"invalid-timer"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timeDate", "2026-01-01T08:00:00"),
        ("timeDate", "PT1H"),
        ("timeCycle", "R/PT0S"),
        ("timeCycle", "R5/PT30S"),
    ],
)
def test_dates_without_offset_and_storms_are_refused(kind, text):
    bound = boundary("x", on_timer(text, kind), cancelActivity="false")

    assert rules_of(diagram(user("u") + bound, "s>u;u>e;x>e")) == {"invalid-timer"}


# forms and gateways


def test_a_value_of_the_form_without_a_flow_is_named():
    drawn = diagram(ASKED, "s>u;u>g;g>a[outcome == 'yes'];g>b[outcome == 'no'];a>e;b>e")
    forms = {"f": Form(outcomes={"outcome": ("yes", "no", "later")})}

    found = findings_of(drawn, forms=forms)

    assert [f.rule for f in found] == ["value-without-flow"]
    assert "later" in found[0].en and "outcome" in found[0].zh


def test_only_the_nearest_form_speaks_for_a_gateway():
    body = user("u", camunda_formRef="f") + user("v", camunda_formRef="h") + xor("g") + user("a") + user("b")
    drawn = diagram(body, "s>u;u>v;v>g;g>a[outcome == 'red'];g>b[outcome == 'blue'];a>e;b>e")
    forms = {**FORM, "h": Form(outcomes={"outcome": ("red", "blue")})}

    assert rules_of(drawn, forms=forms) == set()


def test_a_handler_in_between_may_write_other_values():
    body = user("u", camunda_formRef="f") + service("h") + xor("g") + user("a") + user("b")
    drawn = diagram(body, "s>u;u>h;h>g;g>a[outcome == 'red'];g>b[outcome == 'blue'];a>e;b>e")

    assert rules_of(drawn) == set()


def test_a_condition_on_the_way_narrows_the_values():
    body = ASKED + xor("k")
    drawn = diagram(body, "s>u;u>g;g>k[outcome != 'yes'];g>e[outcome == 'yes'];k>a[outcome == 'no'];"
                          "k>b[outcome == 'late'];a>e;b>e")  # fmt: skip
    forms = {"f": Form(outcomes={"outcome": ("yes", "no", "late")})}

    assert rules_of(drawn, forms=forms) == set()


def test_the_form_of_a_message_lists_values_too():
    body = catch("c", on_message()) + xor("g") + user("a") + user("b")
    drawn = diagram(body, "s>c;c>g;g>a[result == 'ok'];g>b[result == 'bad'];a>e;b>e", message())
    forms = {"message_go": Form(outcomes={"result": ("ok", "bad", "none")})}

    assert rules_of(drawn, forms=forms) == {"value-without-flow"}


def test_without_forms_nothing_is_said_about_values():
    assert rules_of(CASES["business-default"][1], forms=None) == set()
    assert rules_of(CASES["unknown-form"][1], forms=None) == set()


# the deployment as a whole


def called(id, body="", drawn=""):
    ends = el("startEvent", "s") + el("endEvent", "e")
    return file(process(ends + body, drawn, id))


def lint_files(**files):
    found = lint({f"{name}.bpmn": data for name, data in files.items()}, topics=TOPICS)
    return {(f.rule, f.file) for f in found}


def test_a_called_process_may_come_along():
    files = {"a": diagram(el("callActivity", "u", calledElement="Q")), "b": called("Q", user("u"), "s>u;u>e")}

    assert lint_files(**files) == set()


def test_processes_that_call_each_other_are_refused():
    files = {
        "a": diagram(el("callActivity", "u", calledElement="Q")),
        "b": called("Q", el("callActivity", "u", calledElement="P"), "s>u;u>e"),
    }

    assert lint_files(**files) == {("recursive-call", "a.bpmn"), ("recursive-call", "b.bpmn")}


def test_a_process_id_belongs_to_one_file():
    assert lint_files(a=diagram(user("u")), b=diagram(user("u"))) == {("duplicate-process", "b.bpmn")}


def test_a_vanished_id_is_a_warning():
    found = findings_of(diagram(user("u")), previous_ids={"P": {"u", "s", "u_old"}, "Q": {"z"}})

    assert [(f.rule, f.severity) for f in found] == [("vanished-id", "warning")]
    assert "u_old" in found[0].text("zh")


def test_files_that_are_no_diagrams():
    assert rules_of(b"<html/>") == {"not-bpmn"}
    assert rules_of(b"not xml") == {"xml-malformed"}
    assert rules_of(b"<!DOCTYPE a><a/>") == {"xml-doctype"}
    assert [f.rule for f in lint({"a.form": b"{}"}, topics=())] == ["no-diagram"]
    assert [f.rule for f in lint({}, topics=())] == ["no-diagram"]


def test_ten_thousand_nodes_are_refused():
    many = "".join(user(f"u{n}") for n in range(10_000))

    assert rules_of(diagram(many)) & {"xml-too-many-elements", "xml-too-large"}


def test_the_findings_are_in_the_order_of_the_file():
    found = findings_of(diagram(user("u", camunda_candidateGroups=None) + el("task", "x"), THROUGH))

    assert [f.element_id for f in found] == ["u", "x"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_broken_diagram_breaks_the_lint(data):
    """Pieces of good and bad diagrams cut out, doubled and swapped: findings, never an exception."""
    lines = data.draw(st.sampled_from([d for _, d in CASES.values()] + list(GOOD.values()))).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at, other = (data.draw(st.integers(1, len(lines) - 1)) for _ in "ab")
        match data.draw(st.sampled_from(["drop", "double", "swap", "retarget"])):
            case "drop":
                lines[at] = b""
            case "double":
                lines.insert(at, lines[other])
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "retarget":
                lines[at] = lines[at].replace(b'"u"', b'"e"').replace(b'"g"', b'"u"')

    for finding in findings_of(b"\n".join(lines)):
        assert finding.text("zh") and finding.text("en")
