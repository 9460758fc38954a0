"""Which values a variable can have at a gateway, and whether the conditions cover them."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from engine.expressions import Expression, ExpressionError, compile_expression
from engine.forms import message_form
from engine.syntax import Constant, Name, Node, Operation

from .drawing import Deployment, Drawing, Flow, Scope, camunda, event_kind, local, message_name

MAX_CASES = 10_000
MAX_WAY = 200
OTHER = "…"

_EQUAL = frozenset({"==", "!=", "is", "is not", "in", "not in"})
_NEGATIVE = frozenset({"!=", "is not", "not in", "not", "empty"})
_ORDER = frozenset({"<", "<=", ">", ">="})
_PASSES = frozenset({
    "exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "intermediateThrowEvent",
})  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """The values that forms list for a variable; `open` if something else may have written it too."""

    values: frozenset[Any] = frozenset()
    open: bool = False

    def __or__(self, other: "Listing") -> "Listing":
        return Listing(self.values | other.values, self.open or other.open)


_UNKNOWN = Listing(open=True)


def listing(drawing: Drawing, scope: Scope, deployment: Deployment, gateway: Any, name: str) -> Listing:
    """What can be in `name` at `gateway`: from there back to the nearest forms and messages that write it.

    A service task, a called process and the start may write anything, so the listing is open behind them;
    conditions passed on the way narrow it.
    """
    return _before(_Question(drawing, scope, deployment, name), gateway.get("id"))


@dataclass(frozen=True)
class _Question:
    """Asked of one gateway; `answers` keeps what is known before each node, so none is asked twice."""

    drawing: Drawing
    scope: Scope
    deployment: Deployment
    name: str
    answers: dict[str, Listing] = field(default_factory=dict)


def _before(ask: _Question, key: str) -> Listing:
    if key in ask.answers:
        return ask.answers[key]
    if len(ask.answers) > MAX_WAY:
        return _UNKNOWN
    ask.answers[key] = Listing()
    for flow in ask.scope.incoming[key]:
        if flow.source in ask.scope.nodes:
            ask.answers[key] |= _narrowed(_after(ask, ask.scope.nodes[flow.source]), flow, ask.name)
    return ask.answers[key]


def _after(ask: _Question, node: Any) -> Listing:
    kind, key = local(node), node.get("id")
    if kind in _PASSES:
        return _before(ask, key)
    if kind == "userTask":
        return _written(ask, camunda(node, "formRef") or "")
    if kind == "receiveTask" or event_kind(node) == "message":
        return _written(ask, message_form(message_name(ask.drawing, node) or ""))
    if kind == "intermediateCatchEvent":
        return _before(ask, key)
    if (
        kind == "boundaryEvent"
        and event_kind(node) == "timer"
        and node.get("attachedToRef") in ask.scope.nodes
    ):
        return _before(ask, node.get("attachedToRef"))
    return _UNKNOWN


def _written(ask: _Question, form_id: str) -> Listing:
    form = (ask.deployment.forms or {}).get(form_id)
    values = form.outcomes.get(ask.name) if form else None
    return Listing(frozenset(values)) if values else _UNKNOWN


def _narrowed(came: Listing, flow: Flow, name: str) -> Listing:
    if not came.values or not flow.condition:
        return came
    try:
        condition = compile_expression(flow.condition)
        if condition.names != {name}:
            return came
        return Listing(frozenset(v for v in came.values if condition.evaluate({name: v})), came.open)
    except ExpressionError:
        return came


def mentioned(tree: Node) -> dict[str, set[Any]]:
    """The constants that each variable is compared with for equality."""
    found: dict[str, set[Any]] = {}
    for name, sign, values in _comparisons(tree):
        if sign in _EQUAL:
            found.setdefault(name, set()).update(values)
    return found


def survey(
    trees: Sequence[Node], listings: Mapping[str, Listing]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """The cases in which no condition holds, and those in which several do; None if that cannot be told."""
    names = sorted(listings)
    domains = [_domain(trees, name, listings[name]) for name in names]
    count = 1
    for domain in domains:
        count *= len(domain)
    if not 0 < count * len(trees) <= MAX_CASES:
        return None
    gaps, overlaps = [], []
    for values in itertools.product(*domains):
        case = dict(zip(names, values, strict=True))
        try:
            holding = sum(bool(Expression("", tree).evaluate(case)) for tree in trees)
        except ExpressionError:
            return None
        if holding == 0:
            gaps.append(case)
        elif holding > 1:
            overlaps.append(case)
    return gaps, overlaps


def _domain(trees: Sequence[Node], name: str, known: Listing) -> list[Any]:
    """Values that stand for all that `name` can be; empty if the conditions do more than compare it."""
    if known.values and not known.open:
        return sorted(known.values, key=repr)
    uses = sum(_uses(tree, name) for tree in trees)
    compared = [found for tree in trees for found in _comparisons(tree) if found[0] == name]
    if len(compared) != uses:
        return []
    values: set[Any] = set(known.values)
    for _, sign, constants in compared:
        values |= _around(constants) if sign in _ORDER else constants
    if any(sign == "truth" for _, sign, _ in compared) or any(isinstance(value, bool) for value in values):
        return [True, False, *([None] if None in values else [])]
    negative = any(sign in _NEGATIVE for _, sign, _ in compared)
    strange = {OTHER} if negative or values == {None} else set()
    return sorted(values | strange, key=repr)


def _around(constants: set[Any]) -> set[Any]:
    numbers = {value for value in constants if isinstance(value, int | float)}
    return constants | {value + step for value in numbers for step in (-1, 1)}


def _uses(tree: Node, name: str) -> int:
    if isinstance(tree, Operation):
        return sum(map(partial(_uses, name=name), tree.parts))
    return int(tree == Name(name))


def _comparisons(tree: Node) -> Iterator[tuple[str, str, set[Any]]]:
    """(variable, sign, constants) of every comparison with constants; "truth" for a bare variable."""
    if isinstance(tree, Name):
        yield tree.name, "truth", set()
    elif isinstance(tree, Operation):
        if tree.sign in ("&&", "||"):
            for part in tree.parts:
                yield from _comparisons(part)
        elif tree.sign == "not":
            for name, sign, values in _comparisons(tree.parts[0]):
                yield name, {"==": "!=", "is": "is not", "in": "not in"}.get(sign, sign), values
        elif tree.sign in _EQUAL | _ORDER:
            yield from _comparison(tree)


def _comparison(tree: Operation) -> Iterator[tuple[str, str, set[Any]]]:
    left, right = tree.parts
    if isinstance(left, Name) and isinstance(right, Constant) and tree.sign not in ("in", "not in"):
        yield left.name, tree.sign, {right.value}
    elif isinstance(right, Name) and isinstance(left, Constant) and tree.sign not in ("in", "not in"):
        yield right.name, tree.sign, {left.value}
    elif isinstance(left, Name) and isinstance(right, Operation) and right.sign == "list":
        yield from ((left.name, tree.sign, found) for found in _constants(right.parts))


def _constants(parts: tuple[Any, ...]) -> Iterator[set[Any]]:
    """The values of a list that holds nothing but constants."""
    if all(isinstance(part, Constant) for part in parts):
        yield {part.value for part in parts}
