"""An engine on a fresh database, and a small office in which short stories about it are told."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from engine import reads, store
from engine.core import Deployment, Engine
from engine.plain import PlainDomain
from engine.ports import Actor, Domain, Instance

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
LINA = Actor("lina", "李娜", frozenset({"G1"}))
ZHAO = Actor("zhao", "赵磊", frozenset({"G1", "G2"}))
GUEST = Actor("guest", "客人")


class Office:
    """An engine, the person at the keyboard and the time of day."""

    def __init__(self, database: store.Database, domain: Domain) -> None:
        self.database, self.domain = database, domain
        self.engine = Engine(database, domain)
        self.by, self.now = LINA, MONDAY

    def restart(self) -> None:
        """A new process: nothing is left but the database."""
        self.engine = Engine(self.database, self.domain)

    def deploy(self, *diagrams: bytes, **forms: bytes) -> Deployment:
        files = {f"d{n}.bpmn": raw for n, raw in enumerate(diagrams)}
        files |= {f"{name}.form": raw for name, raw in forms.items()}
        return self.engine.deploy("test", files, self.by, self.now)

    def start(self, process: str = "P", business_key: str | None = "K1", **variables: Any) -> Instance:
        return self.engine.start(process, self.by, self.now, business_key=business_key, variables=variables)

    def complete(self, element: str, by: Actor | None = None, **answer: Any) -> Instance:
        return self.engine.complete(self.task(element).id, answer, by or self.by, self.now)

    def send(self, message: str, business_key: str = "K1", **data: Any) -> tuple[Instance, ...]:
        return self.engine.send(message, business_key, data, self.by, self.now)

    def tick(self, **later: float) -> int:
        self.now += timedelta(**later)
        return self.engine.tick(self.now)

    def tasks(self, **filters: Any) -> tuple[Row[Any], ...]:
        with self.database.read() as connection:
            return reads.tasks(connection, **filters).rows

    def open(self) -> list[str]:
        """The elements of all open tasks."""
        return sorted(t.element_id for t in self.tasks())

    def task(self, element: str) -> Row[Any]:
        return next(t for t in self.tasks() if t.element_id == element)

    def instance(self, instance_id: str) -> Row[Any]:
        with self.database.read() as connection:
            found = reads.instance(connection, instance_id)
        assert found is not None
        return found

    def history(self, instance_id: str) -> list[Row[Any]]:
        with self.database.read() as connection:
            return reads.history(connection, instance_id)

    def happened(self, instance_id: str) -> list[tuple[str, str]]:
        return [(h.kind, h.element_id) for h in self.history(instance_id)]

    def failures(self) -> list[Row[Any]]:
        with self.database.read() as connection:
            return reads.failures(connection)

    def waits(self, instance_id: str) -> dict[str, list[Row[Any]]]:
        with self.database.read() as connection:
            return reads.waits(connection, instance_id)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table but the failures, to show that nothing changed."""
        with self.database.read() as connection:
            return {
                table.name: sorted((tuple(r) for r in connection.execute(select(table))), key=repr)
                for table in store.metadata.sorted_tables
                if table is not store.failure
            }


@pytest.fixture
def database(database_url: str) -> Iterator[store.Database]:
    made = store.Database(database_url)
    store.metadata.create_all(made.engine)
    yield made
    made.close()


@pytest.fixture
def office(database: store.Database) -> Office:
    """An office with no service tasks."""
    return Office(database, PlainDomain())


@pytest.fixture
def office_with(database: store.Database) -> Callable[[Mapping[str, Any]], Office]:
    """An office whose service tasks are these functions."""
    return lambda topics: Office(database, PlainDomain(topics))
