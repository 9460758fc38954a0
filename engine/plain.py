"""The domain of diagrams that have none: variables pass through, topics are plain functions."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from engine.ports import Actor, Command, Effect, Element, Instance, Nothing, Task

Topic = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


class PlainDomain:
    """Answers every hook with what came in; `topics` maps a topic to a function of the token's variables."""

    refusals: tuple[type[Exception], ...] = ()

    def __init__(self, topics: Mapping[str, Topic] | None = None) -> None:
        self._topics = dict(topics or {})
        self.topics = frozenset(self._topics)

    def options(self, command: Command, key: str) -> Collection[str]:
        return ()

    def started(self, command: Command, instance: Instance, variables: Mapping[str, Any]) -> Effect:
        return Nothing(variables=dict(variables))

    def answer(self, command: Command, task: Task, data: Mapping[str, Any]) -> Effect:
        return Nothing(variables=_plain(data))

    def call(self, command: Command, topic: str, element: Element, instance: Instance) -> Effect:
        return Nothing(variables=dict(self._topics[topic](instance.variables) or {}))

    def claimed(self, command: Command, task: Task, assignee: str | None) -> Effect:
        return Nothing()

    def assignee(self, command: Command, task: Task, person: str | None) -> Actor | None:
        return Actor(person, groups=frozenset(task.groups)) if person else None

    def deploying(self, command: Command) -> None:
        return None

    def cancelling(self, command: Command, instance: Instance, reason: str) -> Effect:
        return Nothing()

    def message(
        self, command: Command, name: str, element: Element, instance: Instance, data: Mapping[str, Any]
    ) -> Effect:
        return Nothing(variables=_plain(data))

    def settled(self, command: Command) -> Effect:
        return Nothing()

    def untaken(self, command: Command, message: str, business_key: str | None) -> None:
        return None

    def work(self, command: Command, payload: Mapping[str, Any]) -> Effect:
        return Nothing()

    def moved(
        self,
        command: Command,
        instance: Instance,
        open_elements: tuple[Element, ...],
        ended: Element | None,
        opened: Mapping[str, str],
    ) -> Effect:
        return Nothing()


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in data.items()}
