"""Judges how a diagram is drawn: one finding for each thing that would hurt on the wall.

`check(xml)` reads the shapes, flows and labels of a BPMN file (lengths in pixels, as the modeler
writes them) and answers a list of findings; an empty list means that it can be hung up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from lxml import etree

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
GRID = 10
CLEARANCE = 5  # a flow keeps this far from a shape it has no business with
LINE_HEIGHT = 14
CJK_WIDTH, LATIN_WIDTH = 12, 7
TASK_PADDING = 14
LANE_HEAD = 30
FAR = 40  # a label further than this from what it names misleads
BESIDE = 20  # how far the label of a choice may be from the part of the line that is this choice alone

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        return self.x + self.w

    @property
    def bottom(self) -> int:
        return self.y + self.h

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y + self.h / 2

    def grown(self, by: int) -> Box:
        return Box(self.x - by, self.y - by, self.w + 2 * by, self.h + 2 * by)

    def overlaps(self, other: Box) -> bool:
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )

    def holds(self, other: Box) -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def distance(self, other: Box) -> float:
        dx = max(other.x - self.right, self.x - other.right, 0)
        dy = max(other.y - self.bottom, self.y - other.bottom, 0)
        return math.hypot(dx, dy)


@dataclass(frozen=True, slots=True)
class Shape:
    id: str
    tag: str
    name: str
    box: Box
    label: Box | None
    host: str | None = None

    @property
    def outside_label(self) -> bool:
        return self.tag.endswith(("Event", "Gateway"))


@dataclass(frozen=True, slots=True)
class Flow:
    id: str
    name: str
    source: str
    target: str
    points: tuple[Point, ...]
    label: Box | None

    @property
    def segments(self) -> list[tuple[Point, Point]]:
        return list(pairwise(self.points))


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    element: str
    text: str


@dataclass(slots=True)
class Drawing:
    pools: dict[str, Shape] = field(default_factory=dict)
    lanes: dict[str, Shape] = field(default_factory=dict)
    nodes: dict[str, Shape] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    lane_of: dict[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, Box]:
        return {e.id: e.label for e in (*self.nodes.values(), *self.flows.values()) if e.label and e.name}


def check(xml: bytes) -> list[Finding]:
    drawing = read(etree.fromstring(xml))
    return [finding for rule in RULES for finding in rule(drawing)]


def read(root: etree._Element) -> Drawing:
    drawing = Drawing()
    model = {e.get("id"): e for e in root.iterfind(".//*[@id]")}
    for lane in root.iterfind(".//bpmn:lane", NS):
        for ref in lane.iterfind("bpmn:flowNodeRef", NS):
            drawing.lane_of[ref.text] = lane.get("id")
    for drawn in root.iterfind(".//bpmndi:BPMNShape", NS):
        shape = _shape(model[drawn.get("bpmnElement")], drawn)
        shelf = {"participant": drawing.pools, "lane": drawing.lanes}.get(shape.tag, drawing.nodes)
        shelf[shape.id] = shape
    for drawn in root.iterfind(".//bpmndi:BPMNEdge", NS):
        flow = _flow(model[drawn.get("bpmnElement")], drawn)
        drawing.flows[flow.id] = flow
    return drawing


def _shape(element: etree._Element, drawn: etree._Element) -> Shape:
    box = _box(drawn.find("dc:Bounds", NS))
    assert box, drawn.get("id")
    tag = etree.QName(element).localname
    name = element.get("name", "")
    return Shape(element.get("id"), tag, name, box, _label(drawn), element.get("attachedToRef"))


def _flow(element: etree._Element, drawn: etree._Element) -> Flow:
    points = tuple((int(p.get("x")), int(p.get("y"))) for p in drawn.iterfind("di:waypoint", NS))
    ends = element.get("sourceRef"), element.get("targetRef")
    return Flow(element.get("id"), element.get("name", ""), *ends, points, _label(drawn))


def _label(drawn: etree._Element) -> Box | None:
    return _box(drawn.find("bpmndi:BPMNLabel/dc:Bounds", NS))


def _box(bounds: etree._Element | None) -> Box | None:
    return None if bounds is None else Box(*(int(bounds.get(k)) for k in ("x", "y", "width", "height")))


# Labels


def labels_have_bounds(d: Drawing) -> Iterator[Finding]:
    named = [s for s in d.nodes.values() if s.name and s.outside_label]
    for element in (*named, *(f for f in d.flows.values() if f.name)):
        if element.label is None:
            yield Finding("label-without-bounds", element.id, f"{element.name}: nobody placed this label")


def labels_keep_apart(d: Drawing) -> Iterator[Finding]:
    for (one, a), (other, b) in combinations(d.labels.items(), 2):
        if a.overlaps(b):
            yield Finding("label-over-label", one, f"lies over the label of {other}")


def labels_keep_off_shapes(d: Drawing) -> Iterator[Finding]:
    for id, label in d.labels.items():
        for shape in d.nodes.values():
            if _over_shape(label, shape):
                yield Finding("label-over-shape", id, f"label lies over {shape.id}")
        for lane in d.lanes.values():
            if label.overlaps(lane.box) and not lane.box.holds(label):
                yield Finding("label-over-shape", id, f"label lies over the border of {lane.id}")
            if label.overlaps(Box(lane.box.x, lane.box.y, LANE_HEAD, lane.box.h)):
                yield Finding("label-over-shape", id, f"label lies over the name of {lane.id}")


def _over_shape(label: Box, shape: Shape) -> bool:
    if not label.overlaps(shape.box):
        return False
    if not shape.tag.endswith("Gateway"):
        return True
    cx, cy = shape.box.centre
    dx = max(label.x - cx, cx - label.right, 0)
    dy = max(label.y - cy, cy - label.bottom, 0)
    return dx + dy < shape.box.w / 2


def labels_keep_off_flows(d: Drawing) -> Iterator[Finding]:
    for id, label in d.labels.items():
        for flow in d.flows.values():
            if any(label.overlaps(_stroke(a, b)) for a, b in flow.segments):
                yield Finding("label-over-flow", id, f"label lies over {flow.id}")


def labels_stay_near(d: Drawing) -> Iterator[Finding]:
    for shape in d.nodes.values():
        if shape.label and shape.label.distance(shape.box) > FAR:
            yield Finding("label-astray", shape.id, "label is far from its shape")
    for flow in d.flows.values():
        if flow.label and min(flow.label.distance(_stroke(a, b)) for a, b in flow.segments) > FAR:
            yield Finding("label-astray", flow.id, "label is far from its flow")


def choices_are_named_where_they_part(d: Drawing) -> Iterator[Finding]:
    """On a trunk that several outcomes share nobody can tell which label is whose."""
    for flow in d.flows.values():
        if flow.label and flow.name:
            alone = [stroke for a, b in flow.segments for stroke in _alone(a, b, _siblings(d, flow))]
            if all(flow.label.distance(stroke) > BESIDE for stroke in alone):
                yield Finding("label-on-trunk", flow.id, f"{flow.name} is named where other outcomes run too")


def _siblings(d: Drawing, flow: Flow) -> list[tuple[Point, Point]]:
    return [s for f in d.flows.values() if f.source == flow.source and f is not flow for s in f.segments]


def _alone(a: Point, b: Point, others: list[tuple[Point, Point]]) -> list[Box]:
    """The pieces of the segment a–b on which none of the others lies."""
    level = 0 if a[0] == b[0] else 1
    along = 1 - level
    ends = {a[along], b[along]}
    shared = [o for o in others if _same_line(a, b, *o)]
    cuts = sorted(ends | {p[along] for o in shared for p in o if min(ends) < p[along] < max(ends)})
    pieces = [(_at(level, a[level], one), _at(level, a[level], other)) for one, other in pairwise(cuts)]
    return [_stroke(*piece) for piece in pieces if not any(_same_line(*piece, *o) for o in shared)]


def _at(level: int, fixed: int, moving: int) -> Point:
    return (fixed, moving) if level == 0 else (moving, fixed)


def texts_fit(d: Drawing) -> Iterator[Finding]:
    for element in (*d.nodes.values(), *d.flows.values()):
        box = _room(element)
        if box and not _fits(element.name, box):
            yield Finding("text-too-long", element.id, f"{element.name} does not fit {box.w} x {box.h}")


def _room(element: Shape | Flow) -> Box | None:
    if isinstance(element, Flow) or element.outside_label:
        return element.label
    return element.box.grown(-TASK_PADDING // 2)


def _fits(text: str, box: Box) -> bool:
    lines, used = 1, 0
    for char in text:
        width = CJK_WIDTH if ord(char) > 0x2E7F else LATIN_WIDTH
        if used + width > box.w:
            lines, used = lines + 1, 0
        used += width
    return lines * LINE_HEIGHT <= box.h


# Flows


def flows_are_orthogonal(d: Drawing) -> Iterator[Finding]:
    for flow in d.flows.values():
        if any(a[0] != b[0] and a[1] != b[1] for a, b in flow.segments):
            yield Finding("slanted-flow", flow.id, "a segment is neither level nor upright")


def flows_are_docked(d: Drawing) -> Iterator[Finding]:
    for flow in d.flows.values():
        ends = (flow.source, flow.points[0], flow.points[1]), (flow.target, flow.points[-1], flow.points[-2])
        for id, point, before in ends:
            if not _docked(d.nodes[id], point, before):
                yield Finding("undocked-flow", flow.id, f"does not meet the outline of {id}")


def _docked(shape: Shape, point: Point, before: Point) -> bool:
    (cx, cy), half = shape.box.centre, shape.box.w / 2
    dx, dy = abs(point[0] - cx), abs(point[1] - cy)
    if shape.tag.endswith("Gateway"):
        return abs(dx + dy - half) <= 1 and min(dx, dy) <= 1
    if shape.tag.endswith("Event"):
        return abs(math.hypot(dx, dy) - half) <= 1 and min(dx, dy) <= 1
    level = point[1] == before[1]
    on_side = abs(dx - half) <= 1 and dy <= shape.box.h / 2 - 10
    on_top = abs(dy - shape.box.h / 2) <= 1 and dx <= half - 10
    return on_side if level else on_top


def flows_avoid_shapes(d: Drawing) -> Iterator[Finding]:
    for flow in d.flows.values():
        for shape in d.nodes.values():
            own = shape.id in (flow.source, flow.target) or shape.id == d.nodes[flow.source].host
            box = shape.box.grown(-1 if own else CLEARANCE)
            if any(box.overlaps(_stroke(a, b)) for a, b in flow.segments):
                yield Finding("flow-through-shape", flow.id, f"runs through {shape.id}")


def flows_keep_apart(d: Drawing) -> Iterator[Finding]:
    """Flows may run on one line only while they leave one node together or reach one node together."""
    for one, other in combinations(d.flows.values(), 2):
        if one.source == other.source or one.target == other.target:
            continue
        if any(_same_line(a, b, c, e) for a, b in one.segments for c, e in other.segments):
            yield Finding("flow-over-flow", one.id, f"lies along {other.id}")


def _same_line(a: Point, b: Point, c: Point, e: Point) -> bool:
    for level in (0, 1):
        along = 1 - level
        if a[level] == b[level] == c[level] == e[level]:
            start = max(min(a[along], b[along]), min(c[along], e[along]))
            return start < min(max(a[along], b[along]), max(c[along], e[along]))
    return False


def _stroke(a: Point, b: Point) -> Box:
    return Box(min(a[0], b[0]), min(a[1], b[1]), abs(a[0] - b[0]) or 1, abs(a[1] - b[1]) or 1)


# Shapes


def shapes_keep_apart(d: Drawing) -> Iterator[Finding]:
    for one, other in combinations(d.nodes.values(), 2):
        if one.host == other.id or other.host == one.id:
            continue
        if one.box.overlaps(other.box):
            yield Finding("shape-over-shape", one.id, f"lies over {other.id}")


def shapes_stay_inside(d: Drawing) -> Iterator[Finding]:
    for shape in d.nodes.values():
        lane = d.lanes.get(d.lane_of.get(shape.id, ""))
        if lane is None or not lane.box.holds(shape.box):
            yield Finding("outside-lane", shape.id, f"is not drawn inside {lane.id if lane else 'any lane'}")
    for lane in d.lanes.values():
        if not any(pool.box.holds(lane.box) for pool in d.pools.values()):
            yield Finding("outside-pool", lane.id, "is not drawn inside the pool")
    for flow in d.flows.values():
        if not any(pool.box.holds(_stroke(a, b)) for pool in d.pools.values() for a, b in flow.segments):
            yield Finding("outside-pool", flow.id, "leaves the pool")


def boundaries_sit_on_hosts(d: Drawing) -> Iterator[Finding]:
    for shape in d.nodes.values():
        if shape.host and not _on_outline(shape.box.centre, d.nodes[shape.host].box):
            yield Finding("loose-boundary", shape.id, f"does not sit on the outline of {shape.host}")


def _on_outline(centre: tuple[float, float], host: Box) -> bool:
    x, y = centre
    inside = host.x <= x <= host.right and host.y <= y <= host.bottom
    return inside and (x in (host.x, host.right) or y in (host.y, host.bottom))


def things_stand_on_the_grid(d: Drawing) -> Iterator[Finding]:
    for shape in d.nodes.values():
        if any(value % GRID for value in shape.box.centre):
            yield Finding("off-grid", shape.id, f"centre {shape.box.centre} is off the {GRID} px grid")
    for frame in (*d.pools.values(), *d.lanes.values()):
        if any(v % GRID for v in (frame.box.x, frame.box.y, frame.box.w, frame.box.h)):
            yield Finding("off-grid", frame.id, f"frame is off the {GRID} px grid")
    for flow in d.flows.values():
        if any(_crooked(a, b) for a, b in flow.segments):
            yield Finding("off-grid", flow.id, f"runs off the {GRID} px grid")


def _crooked(a: Point, b: Point) -> bool:
    """The line itself must lie on the grid; where it docks, the outline decides."""
    return (a[0] == b[0] and a[0] % GRID != 0) or (a[1] == b[1] and a[1] % GRID != 0)


RULES = (
    labels_have_bounds,
    labels_keep_apart,
    labels_keep_off_shapes,
    labels_keep_off_flows,
    labels_stay_near,
    choices_are_named_where_they_part,
    texts_fit,
    flows_are_orthogonal,
    flows_are_docked,
    flows_avoid_shapes,
    flows_keep_apart,
    shapes_keep_apart,
    shapes_stay_inside,
    boundaries_sit_on_hosts,
    things_stand_on_the_grid,
)
