"""The way through a process: one start, an end, no dead ends, and no loop that never rests."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .drawing import ACTIVITIES, BPMN, CONTAINERS, EVENTS, Deployment, Drawing, Scope, is_apart, label, local
from .findings import Finding

_RESTS = frozenset({
    "userTask", "manualTask", "receiveTask", "intermediateCatchEvent", "eventBasedGateway", "boundaryEvent",
})  # fmt: skip


def executable(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    if not drawing.processes:
        yield drawing.report("not-executable")


def starts_and_ends(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """One start and at least one end in each process; a called one without end never returns (R9)."""
    for scope in drawing.scopes:
        if local(scope.element) == "adHocSubProcess":
            continue
        starts = scope.of_kind("startEvent")
        if not starts:
            yield drawing.report("no-start", scope.element)
        for extra in starts[1:]:
            yield drawing.report("several-starts", extra)
        if not scope.of_kind("endEvent"):
            yield drawing.report("no-end", scope.element)


def flow_directions(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    for scope in drawing.scopes:
        for kind, flows, rule in (
            ("startEvent", scope.incoming, "start-incoming"),
            ("boundaryEvent", scope.incoming, "boundary-incoming"),
            ("endEvent", scope.outgoing, "end-outgoing"),
        ):
            for event in scope.of_kind(kind):
                if flows[event.get("id")]:
                    yield drawing.report(rule, event)


def reachable(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Every node lies on a way from the start; the parser drops the others without a word."""
    for scope in drawing.scopes:
        starts = [event.get("id") for event in scope.of_kind("startEvent")]
        if starts:
            for key in _judged(scope) - _closure(starts, scope.successors):
                yield drawing.report("unreachable", scope.nodes[key])


def completes(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Every node lies on a way to an end, and a boundary event is not the only way out."""
    for scope in drawing.scopes:
        ends = [event.get("id") for event in scope.of_kind("endEvent")]
        if ends:
            finishing = _closure(ends, _reversed(scope.successors))
            stuck = {key for key in scope.nodes if not scope.outgoing[key]} - set(ends)
            for key in _judged(scope) - (finishing - stuck):
                yield drawing.report("dead-end", scope.nodes[key])


def _judged(scope: Scope) -> set[str]:
    return {key for key, node in scope.nodes.items() if not is_apart(node)}


def implicit_splits(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Only gateways split; conditions on other flows are ignored (R8)."""
    for scope in drawing.scopes:
        for key, node in scope.nodes.items():
            if local(node) in ACTIVITIES | EVENTS - {"endEvent"} and len(scope.outgoing[key]) > 1:
                yield drawing.report("implicit-split", node)


def joins_in_loops(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """R1: inside a loop a parallel or inclusive join fires early."""
    for scope in drawing.scopes:
        for loop in loops(scope.successors):
            for key in loop:
                kind = local(scope.nodes[key])
                if kind in ("parallelGateway", "inclusiveGateway"):
                    yield drawing.report(f"{kind.removesuffix('Gateway')}-in-loop", scope.nodes[key])


def automatic_loops(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A loop in which nothing waits runs for ever inside one request."""
    for scope in drawing.scopes:
        moving = {key for key, node in scope.nodes.items() if not _rests(node)}
        within = {key: [n for n in scope.successors[key] if n in moving] for key in moving}
        for loop in loops(within):
            first = min(loop, key=lambda key: (scope.nodes[key].sourceline or 0, key))
            names = ", ".join(sorted(label(scope.nodes[key]) for key in loop))
            yield drawing.report("automatic-loop", scope.nodes[first], nodes=names)


def _rests(node: Any) -> bool:
    kind = local(node)
    if kind in CONTAINERS:
        return any(local(inner) in _RESTS for inner in node.iter(f"{{{BPMN}}}*"))
    return kind in _RESTS or kind == "callActivity"


def loops(successors: Mapping[str, Collection[str]]) -> list[set[str]]:
    """The sets of nodes that can reach one another, each a loop; Tarjan's algorithm without recursion."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[set[str]] = []
    for root in successors:
        work = [(root, iter(successors[root]))] if root not in order else []
        while work:
            key, rest = work[-1]
            if key not in order:
                order[key] = lowest[key] = len(order)
                stack.append(key)
                waiting.add(key)
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[key])
                if lowest[key] == order[key]:
                    found.append(_popped(stack, key))
                    waiting -= found[-1]
            elif following not in order:
                work.append((following, iter(successors.get(following, ()))))
            elif following in waiting:
                lowest[key] = min(lowest[key], order[following])
    return [part for part in found if len(part) > 1 or any(key in successors[key] for key in part)]


def _popped(stack: list[str], key: str) -> set[str]:
    position = stack.index(key)
    part = set(stack[position:])
    del stack[position:]
    return part


def _closure(start: list[str], following: Mapping[str, Collection[str]]) -> set[str]:
    seen, work = set(start), list(start)
    while work:
        fresh = set(following[work.pop()]) - seen
        seen |= fresh
        work.extend(fresh)
    return seen


def _reversed(successors: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {key: [] for key in successors}
    for key, following in successors.items():
        for target in following:
            found[target].append(key)
    return found


RULES = (
    executable,
    starts_and_ends,
    flow_directions,
    reachable,
    completes,
    implicit_splits,
    joins_in_loops,
    automatic_loops,
)
