"""Moves the tokens of one instance. No database, no clock of its own: what it needs comes in."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Protocol, Self

import SpiffWorkflow.bpmn.specs.event_definitions.timer as spiff_timer
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.end_event import EndEvent
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition

from engine.diagram import Diagram, Flow
from engine.services import Evaluator, ServiceTask

STEPS_PER_VERB = 1000
DEEPEST = 800
"""Past depth 1000 the library loses tokens without a word (trap R2); we stop well before."""

LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED
_EVALUATOR = Evaluator()
_EPOCH = datetime.fromtimestamp(0, UTC)
_now: ContextVar[datetime] = ContextVar("flow200_now")

for _logger in ("spiff", "spiff.workflow", "spiff.task", "spiff.metrics", "spiff.data"):
    logging.getLogger(_logger).setLevel(logging.WARNING)


class LoopLimit(Exception):
    """The diagram ran too many automatic steps, or too deep, without coming to rest."""


class DeadEnd(Exception):
    """No token is left, but no end event was reached."""


class NoOffset(Exception):
    """The time of a timer has no offset; the library would take it for the zone of the machine."""


class Host(Protocol):
    """Who runs the workflow: answers service tasks and notes what happened."""

    def running(self, task: Any) -> None: ...
    def call(self, task: Any) -> Mapping[str, Any]: ...
    def evaluated(self, task: Any, expression: str, values: Mapping[str, Any], result: Any) -> None: ...
    def ran(self, task: Any, flows: list[Flow]) -> None: ...
    def ended(self, task: Any) -> None: ...


class Workflow(BpmnWorkflow):  # type: ignore[misc]
    """A live instance. Finds waiting and unfinished tasks in the flat table instead of walking the tree."""

    completed: bool

    def __init__(self, diagram: Diagram, deserializing: bool = False) -> None:
        self.host: Host | None = None
        super().__init__(
            diagram.spec, diagram.subprocesses, script_engine=_EVALUATOR, deserializing=deserializing
        )

    def update_waiting_tasks(self) -> None:
        for task in [t for t in self.tasks.values() if t._state == TaskState.WAITING]:
            task.task_spec._update(task)

    def is_completed(self) -> bool:
        """Only the library's own bookkeeping; the engine trusts End events, never this (trap R2)."""
        if not self.completed:
            self.completed = not any(t._state & TaskState.NOT_FINISHED_MASK for t in self.tasks.values())
        return self.completed

    def all_tasks(self) -> list[Any]:
        """Every task, those inside subprocesses and called processes included."""
        found = list(self.tasks.values())
        for sub in self.subprocesses.values():
            found += sub.tasks.values()
        return found

    def live_tasks(self) -> list[Any]:
        """Tasks that still hold a token or wait for one of their events."""
        return [t for t in self.all_tasks() if t.has_state(LIVE)]


class Clock(datetime):
    """The `datetime` that SpiffWorkflow's timers read: the moment of the current command, per thread.

    Outside a command there is no now; asking for it is an error (LookupError), never the system's clock.
    """

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(_now.get().timestamp(), tz)

    @classmethod
    def fromisoformat(cls, text: str) -> Self:
        moment = super().fromisoformat(text)
        if moment.tzinfo is None:
            raise NoOffset(f"the time {text} has no offset, such as +08:00")
        return moment


spiff_timer.datetime = Clock


@contextmanager
def at(now: datetime) -> Iterator[None]:
    """Timers that are set or asked inside this block see `now` (aware UTC)."""
    token = _now.set(now)
    try:
        yield
    finally:
        _now.reset(token)


def start(diagram: Diagram, variables: Mapping[str, Any], host: Host) -> Workflow:
    """A new instance with its token still before the start event; `settle` moves it."""
    workflow = Workflow(diagram)
    workflow.host = host
    workflow.task_tree.data.update(variables)
    return workflow


def settle(workflow: Workflow, diagram: Diagram) -> None:
    """Run everything automatic until only people, time, messages or workers can move a token.

    Raises LoopLimit past the budget, DeadEnd when no token is left and no end was reached.
    """
    host = workflow.host
    assert host is not None
    for _ in range(STEPS_PER_VERB):
        task = next((t for t in workflow.all_tasks() if t._state == TaskState.READY and _automatic(t)), None)
        if task is None and not _wake_parents(workflow):
            break
        if task is not None:
            run(workflow, diagram, task)
    else:
        raise LoopLimit(f"more than {STEPS_PER_VERB} automatic steps")
    if not diagram.prunable and any(t.depth > DEEPEST for t in workflow.live_tasks()):
        raise LoopLimit(f"deeper than {DEEPEST} steps")


def _automatic(task: Any) -> bool:
    return not task.task_spec.manual


def _wake_parents(workflow: Workflow) -> bool:
    """Let activities with a finished subprocess go on; True when one did."""
    woken = False
    for sub in workflow.get_active_subprocesses():
        parent = workflow.get_task_from_id(sub.parent_task_id)
        before = parent.state
        if not any(t.has_state(TaskState.NOT_FINISHED_MASK) for t in sub.tasks.values()):
            sub.is_completed()
        parent.task_spec._update(parent)
        woken = woken or parent.state != before
    return woken


def run(workflow: Workflow, diagram: Diagram, task: Any) -> None:
    """Run one READY task and tell the host which flows its token took."""
    host = workflow.host
    assert host is not None
    host.running(task)
    task.run()
    if task.state == TaskState.COMPLETED:
        host.ran(task, taken(diagram, task))
        if isinstance(task.task_spec, EndEvent) and task.workflow is workflow:
            host.ended(task)


def finish(workflow: Workflow, diagram: Diagram, task: Any, variables: Mapping[str, Any]) -> None:
    """A parked service task (STARTED) is done: its token moves on with `variables`."""
    task.data.update(variables)
    task.complete()
    assert workflow.host is not None
    workflow.host.ran(task, taken(diagram, task))


def taken(diagram: Diagram, task: Any) -> list[Flow]:
    """The sequence flows over which the finished task's token left."""
    source = element_id(task)
    found = []
    for child in task.children:
        if child is None or child.has_state(TaskState.PREDICTED_MASK | TaskState.CANCELLED):
            continue
        drawn = diagram.flows.get((source, element_id(child)), ())
        if drawn:
            found.append(drawn[0])
    return found


def element_id(task: Any) -> str:
    """The id of the drawn element behind a task; the library's boundary splits stand for their activity."""
    name: str = task.task_spec.name
    return name.removesuffix(".BoundaryEventSplit").removesuffix(" [child]")


def open_user_tasks(workflow: Workflow) -> list[Any]:
    """User tasks that a person can complete now."""
    return [t for t in workflow.all_tasks() if is_open_user_task(t)]


def is_open_user_task(task: Any) -> bool:
    """Whether a person can complete this task now."""
    return bool(task._state == TaskState.READY and task.task_spec.manual)


def parked(workflow: Workflow) -> list[Any]:
    """Service tasks in job mode that wait for their worker."""
    return [t for t in workflow.all_tasks() if is_parked(t)]


def is_parked(task: Any) -> bool:
    """Whether this task is a service in job mode that waits for its worker."""
    return task._state == TaskState.STARTED and isinstance(task.task_spec, ServiceTask)


def resting(workflow: Workflow) -> list[Any]:
    """Tasks at which a token rests: open user tasks, parked services, catch events and event gateways."""
    waiting = [
        t
        for t in workflow.event_manager.tasks.values()
        if t.state == TaskState.WAITING and not isinstance(t.task_spec, BoundaryEvent)
    ]
    return open_user_tasks(workflow) + parked(workflow) + waiting


def has_token(workflow: Workflow, at_rest: list[Any] | None = None) -> bool:
    """Whether anything is left that can move this instance; `at_rest` where it is known already."""
    return bool(
        (resting(workflow) if at_rest is None else at_rest)
        or any(
            t.state == TaskState.STARTED and isinstance(t.task_spec, SubWorkflowTask)
            for t in workflow.all_tasks()
        )
    )


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that is set: the waiting task, the element that will fire, and when (aware UTC)."""

    token: str
    element_id: str
    due: datetime


def timers(workflow: Workflow, diagram: Diagram) -> list[Timer]:
    """All timers that are set now; an event gateway's timer carries the id of its timer event."""
    found = []
    for task in workflow.event_manager.tasks.values():
        value = task.internal_data.get("event_value")
        if isinstance(value, dict):
            value = value["next"] if value["cycles"] else None
        if task.has_state(LIVE) and isinstance(value, str):
            due = TimerEventDefinition.get_datetime(value)
            found.append(
                Timer(
                    str(task.id), _timer_element(task, diagram), datetime.fromtimestamp(due.timestamp(), UTC)
                )
            )
    return found


def _timer_element(task: Any, diagram: Diagram) -> str:
    own = element_id(task)
    return next((n.element.id for n in diagram.catchers(own) if n.event == "timer"), own)


def fire_timers(workflow: Workflow, now: datetime) -> None:
    """Let every timer that is due at `now` fire; the library fires only what is strictly past."""
    with at(now + timedelta(microseconds=1)):
        workflow.refresh_timers()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A place that waits for a message: the waiting task and the element that will catch it."""

    token: str
    element_id: str
    message: str


def subscriptions(workflow: Workflow, diagram: Diagram) -> list[Subscription]:
    """All messages that this instance waits for, event gateways and boundary events included."""
    found = []
    for task in workflow.event_manager.tasks.values():
        if not task.has_state(LIVE):
            continue
        own = element_id(task)
        catchers = {n.message: n.element.id for n in diagram.catchers(own) if n.message}
        for definition in _definitions(task):
            if isinstance(definition, MessageEventDefinition):
                found.append(Subscription(str(task.id), catchers.get(definition.name, own), definition.name))
    return found


def _definitions(task: Any) -> list[Any]:
    definition = task.task_spec.event_definition
    return getattr(definition, "event_definitions", None) or [definition]


def deliver(workflow: Workflow, message: str, variables: Mapping[str, Any]) -> None:
    """Hand a message to everyone in this instance who waits for it; `variables` join their tokens.

    They join after the catch: until then a waiting task takes its parent's variables over its own.
    While the message is caught no timer can fire: an event gateway whose timer is overdue would
    otherwise take both branches, and the call would have two tokens.
    """
    catchers = [
        t
        for t in workflow.event_manager.tasks.values()
        if any(isinstance(d, MessageEventDefinition) and d.name == message for d in _definitions(t))
    ]
    with at(_EPOCH):
        workflow.send_event(BpmnEvent(MessageEventDefinition(message), {}))
    for task in catchers:
        task.data.update(variables)


def set_variables(workflow: Workflow, variables: Mapping[str, Any]) -> None:
    """Give variables to every token; a waiting task's parent too, since the task copies it once more."""
    for task in workflow.live_tasks():
        task.data.update(variables)
        if task.state == TaskState.WAITING and task.parent is not None:
            task.parent.data.update(variables)


def is_catching(task: Any) -> bool:
    """Whether the task is a catch or boundary event (not an event gateway)."""
    return (
        isinstance(task.task_spec, CatchingEvent) and task.task_spec.__class__.__name__ != "EventBasedGateway"
    )
