"""Both diagrams can hang on the wall, and each rule of the checker sees what it forbids."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from tests.diagrams.di import NS, check

BPMN = Path(__file__).parents[2] / "bpmn"
ESCALATION = (BPMN / "escalation.bpmn").read_bytes()

Change = Callable[[etree._Element], None]


@pytest.mark.parametrize("name", ["incident_200", "escalation"])
def test_diagram_is_drawn_without_a_fault(name: str):
    findings = check((BPMN / f"{name}.bpmn").read_bytes())

    assert findings == []


def drawn(root: etree._Element, element: str) -> etree._Element:
    return root.find(f".//*[@bpmnElement='{element}']")


def shape(element: str, **values: int) -> Change:
    return lambda root: _set(drawn(root, element).find("dc:Bounds", NS), values)


def label(element: str, **values: int) -> Change:
    return lambda root: _set(drawn(root, element).find("bpmndi:BPMNLabel/dc:Bounds", NS), values)


def no_label(element: str) -> Change:
    def change(root: etree._Element) -> None:
        place = drawn(root, element).find("bpmndi:BPMNLabel", NS)
        place.getparent().remove(place)

    return change


def waypoints(flow: str, *points: tuple[int, int]) -> Change:
    def change(root: etree._Element) -> None:
        edge = drawn(root, flow)
        for old in edge.findall("di:waypoint", NS):
            edge.remove(old)
        for at, (x, y) in enumerate(points):
            edge.insert(at, etree.Element(f"{{{NS['di']}}}waypoint", x=str(x), y=str(y)))

    return change


def renamed(element: str, name: str) -> Change:
    return lambda root: root.find(f".//*[@id='{element}']").set("name", name)


def _set(bounds: etree._Element, values: dict[str, int]) -> None:
    for key, value in values.items():
        bounds.set(key, str(value))


FAULTS: list[tuple[str, str, Change]] = [
    ("label-without-bounds", "G_acked", no_label("G_acked")),
    ("label-without-bounds", "F_G_acked_T_ack", no_label("F_G_acked_T_ack")),
    ("label-over-label", "B_solved_ack", label("B_solved_ack", x=680, y=482)),
    ("label-over-shape", "G_acked", label("G_acked", x=560, y=180)),
    ("label-over-shape", "B_ack_timeout", label("B_ack_timeout", y=493)),
    ("label-over-shape", "Start_Escalation", label("Start_Escalation", x=200)),
    ("label-over-flow", "G_acked", label("G_acked", x=660, y=183)),
    ("label-astray", "Start_Escalation", label("Start_Escalation", x=236, y=290)),
    ("label-astray", "F_G_acked_T_ack", label("F_G_acked_T_ack", x=640, y=290)),
    (
        "label-on-trunk",
        "F_G_acked_W_monitor",
        waypoints("F_G_acked_W_monitor", (740, 215), (740, 290), (1230, 290), (1230, 565)),
    ),
    ("text-too-long", "G_acked", label("G_acked", width=30)),
    ("text-too-long", "F_G_acked_T_ack", renamed("F_G_acked_T_ack", "尚未有人接收")),
    (
        "text-too-long",
        "T_decide",
        renamed("T_decide", "权衡成本与速度以后作出决定" * 3),
    ),
    ("slanted-flow", "F_H_register_H_notify", waypoints("F_H_register_H_notify", (450, 190), (530, 200))),
    ("undocked-flow", "F_H_register_H_notify", waypoints("F_H_register_H_notify", (450, 190), (520, 190))),
    ("undocked-flow", "F_H_notify_G_acked", waypoints("F_H_notify_G_acked", (630, 190), (740, 190))),
    (
        "flow-through-shape",
        "F_T_decide_H_act",
        waypoints("F_T_decide_H_act", (870, 420), (740, 420), (740, 100), (1080, 100), (1080, 150)),
    ),
    (
        "flow-over-flow",
        "F_B_ack_timeout_H_register",
        waypoints("F_B_ack_timeout_H_register", (720, 478), (720, 590), (400, 590), (400, 230)),
    ),
    ("shape-over-shape", "T_ack", shape("T_decide", x=780)),
    ("outside-lane", "T_decide", shape("T_decide", y=520)),
    ("outside-lane", "End_Escalation", shape("End_Escalation", x=1820)),
    ("outside-pool", "Lane_desk", shape("Lane_desk", height=300)),
    (
        "outside-pool",
        "F_H_register_H_notify",
        waypoints("F_H_register_H_notify", (400, 150), (400, 60), (580, 60), (580, 150)),
    ),
    ("loose-boundary", "B_ack_timeout", shape("B_ack_timeout", y=452)),
    ("off-grid", "H_end", shape("H_end", x=1513)),
    ("off-grid", "Lane_holder", shape("Lane_holder", y=335)),
    (
        "off-grid",
        "F_T_decide_H_act",
        waypoints("F_T_decide_H_act", (970, 420), (1083, 420), (1083, 230)),
    ),
]


@pytest.mark.parametrize(("rule", "element", "change"), FAULTS, ids=[f"{r}-{e}" for r, e, _ in FAULTS])
def test_checker_sees(rule: str, element: str, change: Change):
    root = etree.fromstring(ESCALATION)
    change(root)

    findings = {(f.rule, f.element) for f in check(etree.tostring(root))}

    assert (rule, element) in findings
