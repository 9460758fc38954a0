"""A call lives through days on the real engine, with its clocks acting (PROCESS §6.11, 7, 11, 12, 22).

It is solved, refused, held, closed and reopened, its priority changes, its levels answer or stay silent;
the workers follow job by job, or come back after a downtime and find everything due at once.
"""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from api import records
from engine import reads, store
from engine.core import Engine
from engine.errors import EngineError, Failed, Unavailable
from engine.ports import Actor
from engine.rows import add_jobs
from handlers import clocks, codes, facts, ledger
from handlers.desk import Desk
from handlers.errors import Refused
from tests.flows import invariants, roads

BEGIN = datetime(2026, 9, 28, 0, 0, tzinfo=UTC)
SOLVED = {"solution_kind": "permanent", "solution_steps": "更换"}
HELD = {"hold_comment": "等对方"}
# What may be answered at each place, and by whom.
ANSWERS: dict[str, Sequence[tuple[str, dict[str, Any]]]] = {
    "T200_2": [("lina", {"outcome_2": "proceed", "category": "TRM"})],
    "T200_4": [("lina", {"outcome_4": "escalate"}), ("lina", {"outcome_4": "resolved", **SOLVED})],
    "T200_5": [("lina", {"group": "WG-TRM"})],
    "T200_5_accept": [("zhenghao", {"accept": "accepted"})] * 2
    + [("zhenghao", {"accept": "rejected", "reject_reason": "R1"})],
    "T200_5_manager": [("liuyang", {"group": "WG-TRM"})],
    "T200_6": [("zhenghao", {"outcome_6": "resolved", **SOLVED})] * 2
    + [("zhenghao", {"outcome_6": "suspend", **HELD})],
    "T200_9": [("lina", {"outcome_9": "refused", "refuse_reason": "N1"})] * 2
    + [("lina", {"outcome_9": "confirmed", "method": "PHONE"})],
    "T200_10": [("lina", {"closure_code": "C01", "category_final": "TRM", "overdue_reason": "O2"})],
    "T_ack": [(who, {}) for who in ("zhenghao", "liuyang", "wangchu", "lina")],
    "T_decide": [
        (who, {"decision": "accept", "reason": "够了"}) for who in ("zhenghao", "liuyang", "wangchu", "lina")
    ],
}
MATRIX = (("I1", "U1"), ("I3", "U1"), ("I4", "U1"), ("I4", "U3"), ("I2", "U2"), ("I3", "U4"))
STEPS = st.lists(st.tuples(st.sampled_from("aaaaaeepttttd"), st.integers(0, 10**6)), min_size=20, max_size=25)


@pytest.fixture
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the cast, to be copied for each life."""
    from tests.conftest import _install

    path = tmp_path_factory.mktemp("template") / "flow200.db"
    _install(f"sqlite:///{path}")
    return path


def test_clocks_act_once_levels_rise_and_nothing_stays_active(template: Path, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    @given(st.integers(0, 12 * 24 * 60), STEPS)
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(minutes: int, steps: list[tuple[str, int]]) -> None:
        path = shutil.copy(template, tmp_path / "life.db")
        life = Life(f"sqlite:///{path}", BEGIN + timedelta(minutes=minutes), seen)
        try:
            for step, choice in steps:
                life.step(step, choice)
        finally:
            life.database.close()

    holds()

    assert seen["ST7"] and seen["ST6"] and seen["ST8"] and seen["E4"] and seen["skipped"]


class Life:
    """One call, its people and the workers."""

    def __init__(self, url: str, now: datetime, seen: Counter[str]) -> None:
        self.database, self.now, self.seen = store.Database(url), now, seen
        self.desk = Desk()
        self.engine = Engine(self.database, self.desk)
        with self.database.read() as connection:
            people = records.accounts(connection)
            self.codes = codes.read(connection)
        self.people = {p["staff_no"]: Actor(p["staff_no"], p["name"], frozenset(p["groups"])) for p in people}
        started = self.engine.start("incident_200", self.people["lina"], now, answer=roads.CALL)
        self.no = str(started.business_key)
        self.used: list[float] = []
        self.work()
        self.answer(0)
        self.check()

    def step(self, step: str, choice: int) -> None:
        """One thing happens, a minute after the last one."""
        self.now += timedelta(minutes=1)
        {"a": self.answer, "e": self.level, "p": self.prioritise, "t": self.wait, "d": self.downtime}[step](
            choice
        )
        self.work()
        self.check()

    def answer(self, choice: int) -> None:
        """The call's task is answered, its wait ends, or it is reopened."""
        row, waits = self.standing("incident_200")
        if row is None:
            why = {"entry": "reopen", "reason": "又发生"}
            self.attempt(
                lambda: self.engine.start(
                    "incident_200", self.people["lina"], self.now, business_key=self.no, variables=why
                )
            )
            return
        for task in waits["tasks"][:1]:
            self.complete(task, choice)
        if "agreed_date_reached" in {one.message for one in waits["messages"]}:
            self.attempt(
                lambda: self.engine.send("agreed_date_reached", self.no, {}, self.people["lina"], self.now)
            )

    def level(self, choice: int) -> None:
        """A level acknowledges or decides."""
        _, waits = self.standing("escalation")
        for task in waits["tasks"] if waits else ():
            self.complete(task, choice)

    def complete(self, task: Any, choice: int) -> None:
        """The answer that was chosen, with what it needs besides."""
        choices = ANSWERS[task.element_id]
        who, data = choices[choice % len(choices)]
        if task.element_id == "T200_2":
            impact, urgency = MATRIX[choice % len(MATRIX)]
            data = data | {"impact": impact, "urgency": urgency}
        if "hold_comment" in data:
            data = data | {"expected_resume": (self.now + timedelta(hours=choice % 50 + 1)).isoformat()}
        if task.assignee in self.people:
            who = task.assignee
        note(f"{self.now} {who} {task.element_id} {data}")
        self.attempt(lambda: self.engine.complete(task.id, data, self.people[who], self.now))

    def prioritise(self, choice: int) -> None:
        """The manager judges it anew."""
        impact, urgency = MATRIX[choice % len(MATRIX)]
        judged = {"impact": impact, "urgency": urgency, "priority_reason": "重新判断"}

        def change() -> None:
            with self.engine.transaction(self.people["liuyang"], self.now) as command:
                add_jobs(command, self.desk.change_priority(command, self.no, judged).jobs)

        note(f"{self.now} {judged}")
        self.attempt(change)

    def wait(self, choice: int) -> None:
        """The next jobs, each at its own time."""
        for _ in range(choice % 4 + 1):
            with self.database.read() as connection:
                job = store.job.c
                due = connection.scalar(sa.select(sa.func.min(job.due_at)).where(job.state == "open"))
            if due is None:
                return
            self.now = max(self.now, due)
            self.work()
            self.check()

    def downtime(self, choice: int) -> None:
        """Nobody works for up to two days."""
        self.now += timedelta(minutes=choice % 2880)
        note(f"{self.now} after a downtime")

    def work(self) -> None:
        """The workers do what is due; they come to an end."""
        for _ in range(50):
            if not self.engine.tick(self.now):
                return
        pytest.fail("the workers find no end")

    def attempt(self, verb: Any) -> None:
        """A verb, which may be refused."""
        try:
            verb()
        except (EngineError, Refused) as error:
            if isinstance(error, Failed | Unavailable):
                raise
            note(f"refused: {error}")

    def standing(self, process: str) -> tuple[Any, Any]:
        """The running instance of the call and what it waits for."""
        with self.database.read() as connection:
            for row in reads.instances(connection, self.no):
                if row.ended_at is None and row.process == process:
                    return row, reads.waits(connection, row.id)
        return None, None

    def check(self) -> None:
        """The laws, as the database tells them now."""
        with self.database.write() as connection:
            assert invariants.broken(connection, self.no) == []
            call, lines = facts.incident(connection, self.no), facts.log(connection, self.no)
            clock = clocks.replay(clocks.events(ledger.read(connection, self.no).clock_lines))[clocks.RESOLVE]
        self.seen[call["status"]] += 1
        self.seen[call["escalation_level"] or "-"] += 1
        self.seen["skipped"] += any(line["what"] == "escalation_skipped" for line in lines)
        told = [(line["field"], json.loads(line["new"])) for line in lines if line["what"] == clocks.LINE]
        for key in {key for key, said in told if said["do"] == "fired"}:
            marks = [said["upto"] for name, said in told if name == key]
            assert marks == sorted(set(marks)), f"{key} acted at {marks}"
        used = [clocks.elapsed(clock, one, self.now, self.codes) for one in clock.segments]
        assert all(one >= 0 for one in used)
        assert all(new >= old - 1e-4 for old, new in zip(self.used, used, strict=False))
        self.used = used
        assert call["look_at"] is None or call["look_at"] > self.now
