"""Gateways and the conditions on their flows: complete, exclusive, and in step with the forms."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.expressions import Expression, ExpressionError, compile_expression
from engine.syntax import Constant, Node, Operation

from .drawing import (
    Deployment,
    Drawing,
    Flow,
    Scope,
    children,
    content,
    definitions,
    label,
    local,
    message_name,
)
from .events import formal
from .findings import Finding
from .values import Listing, listing, mentioned, survey

MAX_NAMES = 20

_CALCULATES = frozenset({"+", "-", "*", "/", "%", "list", "negative", "positive"})
_CONDITIONAL = ("exclusiveGateway", "inclusiveGateway")


def conditions_belong_to_gateways(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A condition or default anywhere else is ignored (R8)."""
    for scope in drawing.scopes:
        for flow in scope.flows:
            source = scope.nodes.get(flow.source)
            if flow.condition is not None and source is not None and local(source) not in _CONDITIONAL:
                yield drawing.report("condition-outside-gateway", flow.element, source=label(source))
        for node in scope.nodes.values():
            if node.get("default") and local(node) not in _CONDITIONAL:
                yield drawing.report("condition-outside-gateway", node, source=label(node))


def conditions_compile(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    for scope in drawing.scopes:
        for flow in scope.flows:
            if flow.condition is not None:
                yield from _condition(drawing, flow.element, flow.condition)


def _condition(drawing: Drawing, element: Any, text: str) -> Iterator[Finding]:
    expression = None
    for found in _compiled(drawing, element, text):
        if isinstance(found, Expression):
            expression = found
        else:
            yield found
    if expression is not None and not _may_be_true_or_false(expression.tree):
        yield drawing.report("not-a-condition", element, text=text[:100])


def _compiled(drawing: Drawing, element: Any, text: str) -> Iterator[Expression | Finding]:
    try:
        yield compile_expression(text)
    except ExpressionError as error:
        yield drawing.report(
            "invalid-expression", element, text=text[:100], why_zh=error.why_zh, why_en=error.why_en
        )


def _may_be_true_or_false(tree: Node) -> bool:
    if isinstance(tree, Constant):
        return isinstance(tree.value, bool)
    return not isinstance(tree, Operation) or tree.sign not in _CALCULATES


def every_flow_has_a_condition(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Where a gateway splits, each flow has a condition or is the default, never both."""
    for scope in drawing.scopes:
        for gateway in scope.of_kind(*_CONDITIONAL):
            flows, default = scope.outgoing[gateway.get("id")], gateway.get("default")
            if default and default not in {flow.id for flow in flows}:
                yield drawing.report("default-not-outgoing", gateway, flow=default)
            for flow in flows:
                if flow.id == default and flow.condition is not None:
                    yield drawing.report("default-with-condition", flow.element)
                elif flow.id != default and flow.condition is None and len(flows) > 1:
                    yield drawing.report("missing-condition", flow.element, source=label(gateway))


def directions(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A gateway splits or merges, in the direction that it declares."""
    for scope in drawing.scopes:
        for key, node in scope.nodes.items():
            if local(node).endswith("Gateway"):
                incoming, outgoing = len(scope.incoming[key]), len(scope.outgoing[key])
                if incoming <= 1 and outgoing <= 1:
                    yield drawing.report("useless-gateway", node)
                elif not _fits(node.get("gatewayDirection"), incoming, outgoing):
                    direction = node.get("gatewayDirection")
                    yield drawing.report(
                        "gateway-direction", node, direction=direction, incoming=incoming, outgoing=outgoing
                    )


def _fits(direction: str | None, incoming: int, outgoing: int) -> bool:
    return {
        "Converging": incoming > 1 >= outgoing,
        "Diverging": outgoing > 1 >= incoming,
        "Mixed": incoming > 1 and outgoing > 1,
    }.get(direction or "Unspecified", True)


def no_business_default(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Every listed value has its own flow; a default would send an unlisted one down a business path."""
    known = {name for form in (deployment.forms or {}).values() for name in form.outcomes}
    for scope in drawing.scopes:
        for gateway in scope.of_kind("exclusiveGateway"):
            asked = {name for _, test in _conditions(scope, gateway) for name in test.names}
            for name in sorted(asked & known) if gateway.get("default") else ():
                yield drawing.report("business-default", gateway, variable=name)


def values_match_forms(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Each condition asks for values which the forms before it can give."""
    for scope, gateway, listings in _listed_gateways(drawing, deployment):
        for flow, test in _conditions(scope, gateway):
            for name, values in mentioned(test.tree).items():
                known = listings.get(name)
                if known and known.values and not known.open:
                    for value in sorted(map(str, values - known.values - {None})):
                        yield drawing.report(
                            "unknown-value",
                            flow.element,
                            value=value,
                            variable=name,
                            values=_list(known.values),
                        )


def every_case_has_a_flow(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Without a default, some condition holds for every value that the variables can have."""
    for scope, gateway, listings in _listed_gateways(drawing, deployment):
        flows = scope.outgoing[gateway.get("id")]
        tests = [test for _, test in _conditions(scope, gateway)]
        if len(tests) != sum(flow.condition is not None for flow in flows):
            continue
        if tests and len(flows) == 1:
            yield drawing.report("incomplete-gateway", gateway, case=f"not ({tests[0].text})")
        elif tests:
            yield from _survey(drawing, gateway, tests, listings)


def _survey(
    drawing: Drawing, gateway: Any, tests: list[Expression], listings: Mapping[str, Listing]
) -> Iterator[Finding]:
    found = survey([test.tree for test in tests], listings)
    default = gateway.get("default")
    if found is None:
        if not default:
            yield drawing.report("unchecked-gateway", gateway)
        return
    gaps, overlaps = found
    if gaps and not default:
        lost = _lost_values(gaps, listings)
        for name, values in lost.items():
            yield drawing.report("value-without-flow", gateway, variable=name, values=_list(values))
        if not lost:
            yield drawing.report("incomplete-gateway", gateway, case=_case(gaps[0]))
    if overlaps and local(gateway) == "exclusiveGateway":
        yield drawing.report("overlapping-conditions", gateway, case=_case(overlaps[0]))


def _lost_values(gaps: Sequence[Mapping[str, Any]], listings: Mapping[str, Listing]) -> dict[str, set[Any]]:
    lost = {name: {gap[name] for gap in gaps} & known.values for name, known in listings.items()}
    return {name: values for name, values in lost.items() if values}


def _listed_gateways(
    drawing: Drawing, deployment: Deployment
) -> Iterator[tuple[Scope, Any, dict[str, Listing]]]:
    for scope in drawing.scopes:
        for gateway in scope.of_kind(*_CONDITIONAL):
            asked = {name for _, test in _conditions(scope, gateway) for name in test.names}
            names = asked if len(asked) <= MAX_NAMES else ()
            yield scope, gateway, {name: listing(drawing, scope, deployment, gateway, name) for name in names}


def _conditions(scope: Scope, gateway: Any) -> list[tuple[Flow, Expression]]:
    """The outgoing flows whose condition compiles."""
    found = []
    for flow in scope.outgoing[gateway.get("id")]:
        if flow.condition is not None:
            try:
                found.append((flow, compile_expression(flow.condition)))
            except ExpressionError:
                continue
    return found


def _case(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_shown(value)}" for name, value in sorted(values.items()))


def _list(values: frozenset[Any] | set[Any]) -> str:
    return ", ".join(sorted(map(_shown, values)))


def _shown(value: Any) -> str:
    named = {True: "true", False: "false", None: "null"} if isinstance(value, bool | None) else {}
    return named.get(value) or repr(value)


def event_gateways(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """An event gateway waits for messages and at most one timer (R12)."""
    for scope in drawing.scopes:
        for gateway in scope.of_kind("eventBasedGateway"):
            flows = scope.outgoing[gateway.get("id")]
            if len(flows) < 2:
                yield drawing.report("event-gateway-branches", gateway)
            targets = [scope.nodes[flow.target] for flow in flows if flow.target in scope.nodes]
            for target in targets:
                if not _waits_after(scope, target):
                    yield drawing.report("event-gateway-successor", gateway, target=label(target))
            yield from _ambiguities(drawing, gateway, targets)


def _waits_after(scope: Scope, target: Any) -> bool:
    key = target.get("id")
    if len(scope.incoming[key]) != 1 or scope.boundaries[key]:
        return False
    return local(target) in ("receiveTask", "intermediateCatchEvent")


def _ambiguities(drawing: Drawing, gateway: Any, targets: list[Any]) -> Iterator[Finding]:
    kinds = [
        "receive" if local(t) == "receiveTask" else local(d) for t in targets for d in definitions(t) or [t]
    ]
    if kinds.count("timerEventDefinition") > 1:
        yield drawing.report("event-gateway-timers", gateway)
    if "receive" in kinds and "messageEventDefinition" in kinds:
        yield drawing.report("event-gateway-mixed", gateway)
    messages = [name for target in targets if (name := message_name(drawing, target))]
    for name in sorted({name for name in messages if messages.count(name) > 1}):
        yield drawing.report("same-message", gateway, message=name)


def same_boundary_message(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    for scope in drawing.scopes:
        for host, events in scope.boundaries.items():
            names = [name for event in events if (name := message_name(drawing, scope.nodes[event]))]
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield drawing.report("same-message", scope.nodes.get(host), message=name)


def loop_conditions(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Conditions and counts of loops compile."""
    for element in drawing.executed:
        for child in children(element, "loopCondition", "loopCardinality", "completionCondition"):
            activity, text = element.getparent(), content(child)
            yield from formal(drawing, activity, child)
            if local(child) == "loopCardinality":
                yield from (f for f in _compiled(drawing, activity, text) if isinstance(f, Finding))
            else:
                yield from _condition(drawing, activity, text)


RULES = (
    conditions_belong_to_gateways,
    conditions_compile,
    every_flow_has_a_condition,
    directions,
    no_business_default,
    values_match_forms,
    every_case_has_a_flow,
    event_gateways,
    same_boundary_message,
    loop_conditions,
)
