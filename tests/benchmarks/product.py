"""flow200 with the reference process: history, forms, candidate groups, a durable commit per step."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import store
from engine.core import Engine
from engine.plain import PlainDomain
from engine.ports import Actor
from tests.benchmarks.measure import three_steps
from tests.benchmarks.parts import shares
from tests.benchmarks.reference import DIAGRAM, FIRST, FORMS, KEY, LOOPED, SECOND, payload

DESK = Actor("lina", "李娜", frozenset({"helpdesk", "second_line"}))
TOPICS = {
    "classify": lambda v: {"priority": v["impact"] + v["urgency"] - 1, "queue": "helpdesk"},
    "notify": lambda v: {"notified": True},
    "close": lambda v: {"closed": True},
}
OPEN = "SELECT id FROM task WHERE instance_id = ? AND completed_at IS NULL"


class Product:
    """The reference process on the engine; who completes a task knows its id, as from a task list."""

    def __init__(self, folder: Path, url: str | None = None, synchronous: str = "FULL") -> None:
        self.path = folder / "flow200.db"
        self.database = store.Database(url or f"sqlite:///{self.path}")
        store.metadata.create_all(self.database.engine)
        self.engine = Engine(self.database, PlainDomain(TOPICS))
        files = {"reference.bpmn": DIAGRAM, "looped.bpmn": LOOPED, **FORMS}
        self.engine.deploy("benchmark", files, DESK, now())
        self.raw = self.database.engine.raw_connection()
        if synchronous != "FULL":
            self.slack()

    def slack(self) -> None:
        """synchronous=NORMAL, for the harness's second set of figures."""
        with self.database.write() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
            connection.exec_driver_sql("BEGIN")

    def round(self, count: int) -> dict[str, float]:
        """CPU µs of each operation in one round."""
        return three_steps(self, count)

    def parts(self, count: int) -> dict[str, float]:
        """The share of each part in a completion."""
        made = [self.create(payload(number)) for number in range(count)]

        def both() -> None:
            for one in made:
                self.complete_first(one)
                self.complete_second(one)

        return shares(both)

    def create(self, data: dict[str, Any], process: str = KEY) -> str:
        return self.engine.start(process, DESK, now(), variables=data).id

    def complete_first(self, instance: str) -> None:
        self.engine.complete(self.task(instance), FIRST, DESK, now())

    def complete_second(self, instance: str) -> None:
        self.engine.complete(self.task(instance), SECOND, DESK, now())

    def task(self, instance: str) -> str:
        """The id of the instance's one open task."""
        cursor = self.raw.cursor()
        cursor.execute(OPEN if self.database.is_sqlite else OPEN.replace("?", "%s"), (instance,))
        found = str(cursor.fetchone()[0])
        cursor.close()
        self.raw.rollback()
        return found

    def state_bytes(self, instance: str) -> int:
        """The size of an instance's stored state."""
        cursor = self.raw.cursor()
        cursor.execute("SELECT length(state) FROM instance WHERE id = ?", (instance,))
        return int(cursor.fetchone()[0])

    def close(self) -> None:
        self.raw.close()
        self.database.close()


def now() -> datetime:
    """The edge's clock."""
    return datetime.now(UTC)
