"""incident_200 as the bank runs it: the real desk, its record, log and notices, the diagrams' own forms."""

from datetime import datetime
from pathlib import Path
from typing import Any

from api import migrations
from engine import store
from engine.core import Engine
from engine.ports import SYSTEM, Actor
from handlers import sample
from handlers.desk import Desk
from tests.benchmarks.measure import cpu
from tests.benchmarks.parts import shares
from tests.benchmarks.product import OPEN, now

ROOT = Path(__file__).parents[2]
LINA = Actor("lina", "李娜", frozenset({"WG-SD"}))
ZHENG = Actor("zhenghao", "郑浩", frozenset({"WG-TRM"}))
RECORD = {
    "call_type": "INC",
    "classification": "INC-EQP-PRT",
    "source": "BR",
    "medium": "PHONE",
    "subject": "柜面打印机打不出回单",
    "description": "柜面 3 号打印机从早上起打不出回单,重启无效,客户在等。",
    "caller": "zhangmin",
    "ci": "T-0312",
    "callback_phone": "021-5550123",
}
SOLVED = {"solution_kind": "permanent", "solution_steps": "换件并试打十张"}
ROAD: tuple[tuple[str, Actor, dict[str, Any]], ...] = (
    ("T200_2", LINA, {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U3"}),
    ("T200_4", LINA, {"outcome_4": "escalate"}),
    ("T200_5", LINA, {"group": "WG-TRM"}),
    ("T200_5_accept", ZHENG, {"accept": "accepted"}),
    ("T200_6", ZHENG, {"outcome_6": "resolved", **SOLVED}),
    ("T200_9", LINA, {"outcome_9": "confirmed", "method": "PHONE"}),
    ("T200_10", LINA, {"closure_code": "C01"}),
)
"""S02 of PROCESS §7: second line solves, the desk confirms and closes."""


class Bank:
    """A database with the sample organisation and both diagrams."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.database = store.Database(url or f"sqlite:///{folder / 'bank.db'}")
        migrations.upgrade(self.database)
        with self.database.write() as connection:
            sample.load(connection, datetime.fromisoformat("2026-01-01T00:00:00+08:00"))
        self.engine = Engine(self.database, Desk())
        sources = [*ROOT.glob("bpmn/*.bpmn"), *ROOT.glob("bpmn/*.form")]
        self.engine.deploy("benchmark", {p.name: p.read_bytes() for p in sources}, SYSTEM, now())
        self.raw = self.database.engine.raw_connection()

    def round(self, count: int) -> dict[str, float]:
        """CPU µs per recorded call and per completion, by the task that is completed."""
        made: list[str] = []
        spent = {"record": cpu(lambda: made.extend(self.record() for _ in range(count)))}
        for number, (task, *_) in enumerate(ROAD):
            spent[task] = cpu(lambda n=number: [self.step(one, n) for one in made])  # type: ignore[misc]
        return {name: seconds / count * 1e6 for name, seconds in spent.items()}

    def parts(self, count: int) -> dict[str, float]:
        """The share of each part in a completion."""
        made = [self.record() for _ in range(count)]

        def whole() -> None:
            for number in range(len(ROAD)):
                for one in made:
                    self.step(one, number)

        return shares(whole)

    def record(self) -> str:
        """A call recorded at the desk: start and the answer of 200.1 in one transaction."""
        return self.engine.start("incident_200", LINA, now(), answer=RECORD).id

    def step(self, instance: str, number: int) -> None:
        """Complete the open task with step `number` of ROAD."""
        _, by, answer = ROAD[number]
        self.engine.complete(self.task(instance), answer, by, now())

    def task(self, instance: str) -> str:
        """The id of the instance's one open task."""
        cursor = self.raw.cursor()
        cursor.execute(OPEN, (instance,))
        return str(cursor.fetchone()[0])

    def close(self) -> None:
        self.raw.close()
        self.database.close()
