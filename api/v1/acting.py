"""A verb of the domain that moves no token, for the views: one transaction, the jobs it asks for included."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, select

from api import http
from api.product import engine, now, person, product
from engine import store
from engine.diagram import Diagram
from engine.ports import Command
from engine.rows import Rows, add_jobs

IF_MATCH = http.if_match("事件记录的版本 · The version of the incident that was seen")


@contextmanager
def verb(no: str, name: str, data: Mapping[str, Any]) -> Iterator[Connection]:
    """Give the verb to the call, then look at what it made before the transaction ends.

    Raises what the domain refuses, StaleCall if another version of the call was seen (If-Match).
    """
    seen = http.seen_version()
    with engine().transaction(person(), now()) as command:
        effect = product().desk.record(command, no, name, data, seen)
        add_jobs(command, effect.jobs)
        yield command.connection


class OpenTasks:
    """The open tasks of a call, for a verb that changes them and moves no token.

    Their instances are locked with it, before the call's row: in the order of every verb of the engine.
    """

    def __init__(self, command: Command, no: str) -> None:
        table = store.instance
        running = command.connection.execute(
            select(table.c.id, table.c.definition_id)
            .where(table.c.business_key == store.storable(no), table.c.ended_at.is_(None))
            .order_by(table.c.id)
            .with_for_update()
        )
        built = engine().definitions.built
        self._command, self._no = command, no
        self._of: list[tuple[Diagram, Rows]] = []
        for row in running.all():
            diagram = built(command.connection, row.definition_id).diagram
            self._of.append((diagram, Rows(command, diagram, {"id": row.id})))

    def judge(self, change: Mapping[str, Any]) -> None:
        """Change impact and urgency of the call; its tasks follow. Raises what the domain refuses."""
        places = [diagram.element(one.element_id) for diagram, rows in self._of for one in rows.open_tasks()]
        effect = product().desk.change_priority(self._command, self._no, change, places)
        add_jobs(self._command, effect.jobs)
        for _, rows in self._of:
            rows.change_tasks(effect.tasks)
