"""The stored form of a live instance: state only, never the specification; flat for instances that loop.

A prunable diagram is written as short rows of the tasks that a later step can still look at; finished
tasks are left out, history rows replace them. Every other diagram is written whole by SpiffWorkflow's
own converters. Both forms are bytes with a format tag; order matters (trap R3), so never JSONB.
"""

from typing import Any
from uuid import UUID

import orjson
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.serializer.default.workflow import BpmnSubWorkflowConverter, BpmnWorkflowConverter
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.spiff.serializer.config import SPIFF_CONFIG
from SpiffWorkflow.task import Task

from engine.diagram import Diagram
from engine.services import ServiceTask, ServiceTaskConverter
from engine.workflow import Workflow

PRUNED, WHOLE = "pruned-1", "whole-1"
_UNFINISHED = TaskState.NOT_FINISHED_MASK


def dumps(workflow: Workflow, diagram: Diagram, prune: bool = True) -> bytes:
    """The bytes to store; `prune=False` writes a prunable diagram whole as well."""
    if prune and diagram.prunable:
        return orjson.dumps([PRUNED, *_rows(workflow)])
    return orjson.dumps([WHOLE, _whole(diagram).to_state(workflow)])


def loads(raw: bytes, diagram: Diagram) -> Workflow:
    """The live instance again. Raises ValueError for bytes of an unknown format."""
    tag, *content = orjson.loads(raw)
    if tag == PRUNED:
        return _restored(diagram, *content)
    if tag == WHOLE:
        return _whole(diagram).from_state(content[0])
    raise ValueError(f"state of unknown format {tag!r}")


def _rows(workflow: Workflow) -> tuple[list[Any], list[Any]]:
    """Rows (id, parent row, spec, state, changed, internal data, data row), parents first; the data once."""
    keep = _needed(workflow)
    position: dict[Any, int] = {}
    rows: list[Any] = []
    data: list[Any] = []
    stack = [(workflow.task_tree, -1)]
    while stack:
        task, parent = stack.pop()
        if task.id in keep:
            position[task.id] = len(rows)
            internal = task.internal_data and {
                k: v for k, v in task.internal_data.items() if k != "seen_events"
            }
            rows.append(
                [
                    str(task.id),
                    parent,
                    task.task_spec.name,
                    task.state,
                    round(task.last_state_change, 3),
                    internal or 0,
                    _data_row(task, data),
                ]
            )
            parent = position[task.id]
        stack.extend((workflow.tasks[c], parent) for c in reversed(task._children))
    return rows, data


def _data_row(task: Any, data: list[Any]) -> int:
    if not task.data or task._state & TaskState.PREDICTED_MASK:
        return -1
    for number, known in enumerate(data):
        if known == task.data and [*map(type, known.values())] == [*map(type, task.data.values())]:
            return number
    data.append(task.data)
    return len(data) - 1


def _needed(workflow: Workflow) -> set[Any]:
    """What a later step can still look at: the root, unfinished tasks and their parents.

    A boundary join looks for its split and the activity beside it. It is open as long as that activity is,
    so the split is the parent of an open task; splits of older visits in a loop are looked at no more.
    """
    keep = {workflow.task_tree.id}
    for task in workflow.tasks.values():
        if task._state & _UNFINISHED:
            keep.add(task.id)
            if task._parent is not None:
                keep.add(task._parent)
    return keep


def _restored(diagram: Diagram, rows: list[Any], data: list[Any]) -> Workflow:
    workflow = Workflow(diagram, deserializing=True)
    tasks: list[Any] = []
    for task_id, parent, spec, state, changed, internal, data_row in rows:
        task = Task(workflow, diagram.spec.task_specs[spec], state=state, id=task_id)
        if parent >= 0:
            task._parent = tasks[parent].id
            tasks[parent]._children.append(task.id)
        task.last_state_change = changed
        task.internal_data = internal or {}
        task.data = dict(data[data_row]) if data_row >= 0 else {}
        if state == TaskState.WAITING and isinstance(task.task_spec, CatchingEvent):
            workflow.event_manager.add_task(task)
        tasks.append(task)
    workflow.task_tree = tasks[0]
    return workflow


class _StateOnly(BpmnWorkflowConverter):  # type: ignore[misc]
    """Writes the tasks and subprocesses of a workflow, and none of its specifications."""

    diagram: Diagram

    def to_dict(self, workflow: Workflow) -> dict[str, Any]:
        state: dict[str, Any] = super(BpmnWorkflowConverter, self).to_dict(workflow)
        state["subprocesses"] = self.mapping_to_dict(workflow.subprocesses)
        state["bpmn_events"] = self.registry.convert(workflow.bpmn_events)
        return state

    def from_dict(self, state: dict[str, Any]) -> Workflow:
        workflow = Workflow(self.registry.diagram, deserializing=True)
        workflow.tasks = self.mapping_from_dict(parents_first(state), UUID, workflow=workflow)
        workflow.task_tree = workflow.tasks[UUID(state["root"])]
        self.set_default_attributes(workflow, state)
        self.subprocesses_from_dict(state["subprocesses"], workflow)
        workflow.bpmn_events = self.registry.restore(state["bpmn_events"])
        return workflow


class _SubState(BpmnSubWorkflowConverter):  # type: ignore[misc]
    def from_dict(self, state: dict[str, Any], task: Any, top_workflow: Workflow) -> Any:
        return super().from_dict({**state, "tasks": parents_first(state)}, task, top_workflow)


def parents_first(state: dict[str, Any]) -> dict[str, Any]:
    """The tasks from the root down: a child that is read before its parent loses its data (trap R3)."""
    tasks, ordered, todo = state["tasks"], {}, [state["root"]]
    while todo:
        key = todo.pop()
        ordered[key] = tasks[key]
        todo.extend(reversed(tasks[key]["children"]))
    if len(ordered) != len(tasks):
        raise ValueError("stored state holds tasks that nothing leads to")
    return ordered


class _Whole(BpmnWorkflowSerializer):  # type: ignore[misc]
    """SpiffWorkflow's serializer around one diagram; made anew for each use, since loading binds it."""

    def __init__(self, diagram: Diagram) -> None:
        config = {
            **SPIFF_CONFIG,
            ServiceTask: ServiceTaskConverter,
            Workflow: _StateOnly,
            BpmnSubWorkflow: _SubState,
        }
        super().__init__(self.configure(config))
        self.registry.diagram = diagram

    def to_state(self, workflow: Workflow) -> Any:
        return orjson.loads(self.serialize_json(workflow))

    def from_state(self, state: Any) -> Workflow:
        workflow: Workflow = self.deserialize_json(orjson.dumps(state).decode())
        return workflow


def _whole(diagram: Diagram) -> _Whole:
    return _Whole(diagram)
