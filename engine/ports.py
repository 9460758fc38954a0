"""The words spoken between the engine and the domain that it serves; neither side imports the other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an authenticated person with the groups that count for candidate groups."""

    id: str
    name: str = ""
    groups: frozenset[str] = frozenset()


class Holder(Protocol):
    """A person to whom a task may be given, as the domain knows them."""

    @property
    def id(self) -> str: ...
    @property
    def groups(self) -> frozenset[str]: ...


SYSTEM = Actor("system", "flow200")


@dataclass(slots=True)
class Command:
    """One verb at work: its transaction, who gave it and when (aware UTC).

    `memory` is the domain's, to keep what it has read and locked until the verb ends.
    """

    connection: Connection
    by: Actor
    now: datetime
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Element:
    """A node of a diagram as its owner drew it, with its `camunda:properties`."""

    id: str
    type: str
    name: str
    lane: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instance:
    """A running or ended process; `variables` is a snapshot of what its gateways may ask."""

    id: str
    process: str
    version: int
    business_key: str | None
    variables: Mapping[str, Scalar] = field(default_factory=dict)
    ended_at: datetime | None = None
    end_element: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A user task that a person can work on now (or could, if `completed_at` is set)."""

    id: str
    element: Element
    instance: Instance
    assignee: str | None
    groups: tuple[str, ...]
    created_at: datetime
    priority: int = 50
    due_at: datetime | None = None
    form: str | None = None
    completed_at: datetime | None = None


class TaskFields(Protocol):
    """What a domain may say of an open task; None leaves the field as it is."""

    @property
    def assignee(self) -> str | None: ...
    @property
    def groups(self) -> Sequence[str] | None: ...
    @property
    def priority(self) -> int | None: ...
    @property
    def due_at(self) -> datetime | None: ...


class JobRequest(Protocol):
    """Work for later: written in this transaction, idempotent by `key`; `due` None means at once.

    Kinds: `start` an instance, `send` a message to the one of a `process` and `business_key`,
    `start_or_send` it to the one that runs already, `unclaim` a `task` that a `person` holds, and `domain`,
    which comes back as `work`. A `renewed` job replaces the one of its key, done or not.
    """

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def due(self) -> datetime | None: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...
    @property
    def renewed(self) -> bool: ...


class Effect(Protocol):
    """What a domain answers to any hook."""

    @property
    def business_key(self) -> str | None: ...
    @property
    def variables(self) -> Mapping[str, Scalar]: ...
    @property
    def jobs(self) -> Sequence[JobRequest]: ...
    @property
    def tasks(self) -> Mapping[str, TaskFields]: ...


@dataclass(frozen=True, slots=True)
class Nothing:
    """The effect of a domain that has nothing to say."""

    business_key: str | None = None
    variables: Mapping[str, Scalar] = field(default_factory=dict)
    jobs: Sequence[JobRequest] = ()
    tasks: Mapping[str, TaskFields] = field(default_factory=dict)


class Domain(Protocol):
    """The domain behind the diagrams: every door of the engine passes through these hooks.

    They run inside the verb's transaction. An exception of a class in `refusals` means "refused,
    nothing changed"; any other is a failure of a handler and becomes a failure row.
    """

    @property
    def topics(self) -> frozenset[str]: ...
    @property
    def refusals(self) -> tuple[type[Exception], ...]: ...

    def options(self, command: Command, key: str) -> Collection[str]:
        """The legal values of a form field whose `valuesKey` is `key`."""
        ...

    def started(self, command: Command, instance: Instance, variables: Mapping[str, Any]) -> Effect:
        """A new instance is about to run; may give it its business key."""
        ...

    def answer(self, command: Command, task: Task, data: Mapping[str, Any]) -> Effect:
        """A person's form, already validated; returns only the scalars that gateways ask."""
        ...

    def call(self, command: Command, topic: str, element: Element, instance: Instance) -> Effect:
        """A service task runs, inside the transaction or by a job."""
        ...

    def claimed(self, command: Command, task: Task, assignee: str | None) -> Effect:
        """A task was claimed by or assigned to `assignee`, or given back (None).

        One that is answered without having been claimed is claimed by that, and completed already.
        """
        ...

    def assignee(self, command: Command, task: Task, person: str | None) -> Holder | None:
        """Whom `person` names, if this command's actor may give them the task; None takes it from all."""
        ...

    def deploying(self, command: Command) -> None:
        """Diagrams are about to be deployed; refuses who may not."""
        ...

    def cancelling(self, command: Command, instance: Instance, reason: str) -> Effect:
        """An instance is about to be ended where it stands; refuses who may not, or what must not."""
        ...

    def message(
        self, command: Command, name: str, element: Element, instance: Instance, data: Mapping[str, Any]
    ) -> Effect:
        """A message is about to be caught by `element`."""
        ...

    def settled(self, command: Command) -> Effect:
        """What a verb leaves to be done: the last question of each, before it commits."""
        ...

    def untaken(self, command: Command, message: str, business_key: str | None) -> None:
        """A job sent a message for which nobody waited (any more); it ends, and this keeps the word."""
        ...

    def work(self, command: Command, payload: Mapping[str, Any]) -> Effect:
        """A job of kind `domain` that this domain asked for is due; no instance is loaded."""
        ...

    def moved(
        self,
        command: Command,
        instance: Instance,
        open_elements: tuple[Element, ...],
        ended: Element | None,
        opened: Mapping[str, str],
    ) -> Effect:
        """The tokens came to rest at `open_elements`, or the instance ended at `ended`.

        `opened` are the ids of the user tasks that open by this move, by element.
        """
        ...
