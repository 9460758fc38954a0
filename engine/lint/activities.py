"""Tasks and called processes: someone does it, or a handler does, or a process that is there."""

import re
from collections.abc import Iterator
from typing import Any

from engine.expressions import ExpressionError, compile_list, compile_text, is_expression
from engine.timers import parse_timer

from .drawing import CAMUNDA, Deployment, Drawing, camunda, children, content, local
from .findings import Finding


def user_tasks(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Every user task is for a group or a person; candidate users are not read."""
    for task in drawing.nodes("userTask"):
        if camunda(task, "candidateUsers"):
            yield drawing.report("candidate-users", task)
        elif (
            not (camunda(task, "candidateGroups") or "").strip()
            and not (camunda(task, "assignee") or "").strip()
        ):
            yield drawing.report("unassigned", task)


def user_task_values(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Groups, assignee, dates and priority are literals or expressions that compile."""
    for task in drawing.nodes("userTask"):
        for name, compiler in (("candidateGroups", compile_list), ("assignee", compile_text)):
            try:
                compiler(camunda(task, name) or "-")
            except ExpressionError as error:
                why = {"text": camunda(task, name), "why_zh": error.why_zh, "why_en": error.why_en}
                yield drawing.report("invalid-expression", task, **why)
        for name in ("dueDate", "followUpDate"):
            yield from _date(drawing, task, name)
        yield from _priority(drawing, task)


def _date(drawing: Drawing, task: Any, name: str) -> Iterator[Finding]:
    value = camunda(task, name)
    try:
        if value is not None:
            parse_timer("date", value)
    except ExpressionError:
        yield drawing.report("invalid-date", task, attribute=f"camunda:{name}", value=value)


def _priority(drawing: Drawing, task: Any) -> Iterator[Finding]:
    value = camunda(task, "priority")
    if value is None or re.fullmatch(r"\s*-?\d{1,9}\s*", value):
        return
    try:
        if is_expression(value):
            compile_text(value)
            return
    except ExpressionError:
        pass
    yield drawing.report("invalid-priority", task, value=value)


def forms(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A referenced form is deployed with the diagram."""
    for task in drawing.nodes("userTask"):
        form, binding = camunda(task, "formRef"), camunda(task, "formRefBinding")
        if form is not None and deployment.forms is not None and form not in deployment.forms:
            yield drawing.report("unknown-form", task, form=form)
        if form is not None and binding not in (None, "deployment"):
            yield drawing.report("form-binding", task)


def service_tasks(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Every service and send task has a topic that a handler serves."""
    for task in drawing.nodes("serviceTask", "sendTask"):
        topic = (camunda(task, "topic") or "").strip()
        if camunda(task, "type") != "external" or not topic:
            yield drawing.report("service-topic", task)
        elif topic not in deployment.topics:
            yield drawing.report("unknown-topic", task, topic=topic)


def receive_tasks(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Without a message it would complete at once."""
    for task in drawing.nodes("receiveTask"):
        if not task.get("messageRef"):
            yield drawing.report("receive-message", task)


def called_processes(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """A called process is in this deployment or known already, and does not end up calling its caller."""
    for call in drawing.nodes("callActivity"):
        called = (call.get("calledElement") or "").strip()
        if not called:
            yield drawing.report("missing-reference", call, attribute="calledElement")
        elif called not in deployment.processes and called not in deployment.known_processes:
            yield drawing.report("called-process", call, process=called)
        if camunda(call, "calledElementBinding") not in (None, "latest", "deployment"):
            yield drawing.report("unsupported-attribute", call, attribute="camunda:calledElementBinding")
        if _maps(call):
            yield drawing.report("call-mapping", call)


def _maps(call: Any) -> bool:
    """Whether `camunda:in`/`out` say anything but what happens anyway: all in, all out, same business key."""
    for tag in ("in", "out"):
        for mapping in call.iterfind(f".//{{{CAMUNDA}}}{tag}"):
            if mapping.get("variables") != "all" and mapping.get("businessKey") is None:
                return True
    return False


def recursive_calls(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    for process in drawing.processes:
        path = _way_back(deployment, process.get("id"))
        if path:
            yield drawing.report("recursive-call", process, calls=" → ".join(path))


def _way_back(deployment: Deployment, start: str) -> list[str] | None:
    """The calls that lead from a process to itself."""
    work, seen = [[start]], set()
    while work:
        path = work.pop()
        for called in _calls(deployment, path[-1]):
            if called == start:
                return [*path, start]
            if called not in seen:
                seen.add(called)
                work.append([*path, called])
    return None


def _calls(deployment: Deployment, process_id: str) -> list[str]:
    if process_id not in deployment.processes:
        return []
    drawing, process = deployment.processes[process_id]
    calls = (
        node for scope in drawing.scopes if scope.process is process for node in scope.of_kind("callActivity")
    )
    return [call.get("calledElement") or "" for call in calls]


def repetitions(drawing: Drawing, deployment: Deployment) -> Iterator[Finding]:
    """Loops and multi-instance in the standard's own words."""
    for activity in drawing.executed:
        loops = children(activity, "standardLoopCharacteristics")
        multiple = children(activity, "multiInstanceLoopCharacteristics")
        if len(loops) + len(multiple) > 1:
            yield drawing.report("two-loop-markers", activity)
        for loop in loops:
            yield from _standard_loop(drawing, activity, loop)
        for loop in multiple:
            yield from _multi_instance(drawing, activity, loop)


def _standard_loop(drawing: Drawing, activity: Any, loop: Any) -> Iterator[Finding]:
    maximum = loop.get("loopMaximum")
    if maximum is None and not children(loop, "loopCondition"):
        yield drawing.report("loop-condition", activity)
    if maximum is not None and not re.fullmatch(r"[1-9]\d{0,5}", maximum):
        yield drawing.report("invalid-number", activity, attribute="loopMaximum", value=maximum)


def _multi_instance(drawing: Drawing, activity: Any, loop: Any) -> Iterator[Finding]:
    for name in ("collection", "elementVariable"):
        if camunda(loop, name) is not None:
            yield drawing.report("multi-instance-collection", activity, attribute=name)
    counts = children(loop, "loopCardinality", "loopDataInputRef")
    if len(counts) != 1 and camunda(loop, "collection") is None:
        yield drawing.report("multi-instance-count", activity)
    for count in counts:
        literal = content(count)
        number = local(count) == "loopCardinality" and re.fullmatch(r"[-+\d.]+", literal)
        if number and not re.fullmatch(r"[1-9]\d{0,3}", literal):
            yield drawing.report("invalid-number", activity, attribute="loopCardinality", value=literal)


RULES = (
    user_tasks,
    user_task_values,
    forms,
    service_tasks,
    receive_tasks,
    called_processes,
    recursive_calls,
    repetitions,
)
