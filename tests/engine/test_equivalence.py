"""Our own two diagrams with the real desk: stored pruned or whole, a call goes the same way, step by step.

Small diagrams with every kind of element are in `test_state.py`; here are the ones that the bank runs.
"""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from engine import reads, state, store
from engine.errors import EngineError
from engine.ports import Actor, Command
from handlers import tables
from handlers.errors import Refused
from tests.benchmarks.incident import RECORD, Bank

STEPS = 60
DICE = range(12)
GROUPS = frozenset({"WG-SD", "WG-TRM", "WG-IM", "WG-SRQ", "WG-EMG"})
PEOPLE = (Actor("lina", "李娜", GROUPS), Actor("zhenghao", "郑浩", GROUPS))
MONDAY = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)
LIKELY = {
    "category": "TRM",
    "impact": "I2",
    "urgency": "U2",
    "group": "WG-TRM",
    "solution_kind": "permanent",
    "vendor": "V-ATM",
    "callback_phone": "021-5550123",
    "priority": None,
    "priority_reason": None,
    "suggested_group": None,
    "parent": None,
    "ci": None,
}
"""Answers that let a call go on; None leaves a field empty."""
EARLY = ("false_alarm", "duplicate", "reclassify", "request", "complaint")
"""Outcomes that end a call before much has happened: thrown again."""
OURS = {"id", "task_id", "instance", "instance_id", "token", "hash", "prev_hash", "log_hash"}
"""What differs between two databases by chance."""


class Walk:
    """One call on one database, moved by dice: two walks with equal dice see the same or differ."""

    def __init__(self, folder: Path, dice: int) -> None:
        folder.mkdir()
        self.bank, self.dice, self.now = Bank(folder), random.Random(dice), MONDAY
        self.trace: list[Any] = []
        self.places: set[str] = set()
        self.no = self.bank.engine.start("incident_200", PEOPLE[0], self.now, answer=RECORD).business_key

    def go(self) -> None:
        for _ in range(STEPS):
            if not (moves := self.moves()):
                break
            name, move = self.dice.choice(moves)
            try:
                move()
                told = "done"
            except (EngineError, Refused) as error:
                told = error.code
            self.now += timedelta(minutes=7)
            self.trace.append((name, told, self.seen()))
        self.trace.append(self.books())
        self.bank.close()

    def moves(self) -> list[tuple[str, Any]]:
        """Every open task thrice, every awaited message twice, and time."""
        found: list[tuple[str, Any]] = []
        for row in self.rows(store.task, store.task.c.completed_at.is_(None)):
            found += [(f"complete {row['element_id']}", partial(self.complete, row))] * 3
        rare = self.dice.random() < 0.15
        for row in self.rows(
            store.subscription, *(() if rare else (store.subscription.c.message != "withdraw",))
        ):
            found += [(f"send {row['message']}", partial(self.send, row["message"]))] * 2
        if self.rows(store.job, store.job.c.state == "open"):
            found.append(("time passes", self.tick))
        return sorted(found, key=lambda move: move[0])

    def complete(self, row: Mapping[str, Any]) -> None:
        answer = self.filled(self.bank.engine.form(row["id"]))
        self.bank.engine.complete(row["id"], answer, self.dice.choice(PEOPLE), self.now)

    def send(self, message: str) -> None:
        with self.bank.database.read() as connection:
            forms = self.bank.engine.definitions.newest(connection, "incident_200").forms
        form = forms.get(f"message_{message}")
        self.bank.engine.send(message, str(self.no), self.filled(form), PEOPLE[0], self.now)

    def tick(self) -> None:
        self.now += timedelta(hours=self.dice.choice((1, 30)))
        self.bank.engine.tick(self.now)

    def filled(self, form: Any) -> dict[str, Any]:
        with self.bank.database.read() as connection:
            command = Command(connection, PEOPLE[0], self.now)
            answer = {f.key: self.value(f, command) for f in (form.fields if form else ())}
        return {key: value for key, value in answer.items() if value is not None}

    def value(self, field: Any, command: Command) -> Any:
        if field.key in LIKELY:
            return LIKELY[field.key]
        if field.values:
            chosen = [self.dice.choice(field.values)[0] for _ in range(4)]
            return next((one for one in chosen if one not in EARLY), chosen[0])
        if field.values_key:
            return self.dice.choice(sorted(self.bank.engine.domain.options(command, field.values_key)))
        match field.type:
            case "datetime":
                later = field.key.startswith(("expected", "resume", "agreed"))
                return (self.now + timedelta(days=2)).isoformat() if later else None
            case "number":
                return 5
            case "checkbox":
                return None
            case _:
                return "已处理"

    def seen(self) -> Any:
        """Where the tokens are and what they wait for."""
        waits = self.rows(store.subscription), self.rows(store.job, store.job.c.state == "open")
        instances = self.rows(store.instance)
        self.places |= {place for row in instances for place in row["tokens"]}
        self.places |= {str(row["end_element"]) for row in instances}
        return (
            sorted(
                (r["process"], r["tokens"], repr(sorted(r["variables"].items())), r["end_element"])
                for r in instances
            ),
            sorted((r["element_id"], r["message"]) for r in waits[0]),
            sorted((r["kind"], r["element_id"], r["due_at"]) for r in waits[1]),
        )

    def books(self) -> Any:
        """The record, its log, and the engine's history in order."""
        histories = []
        with self.bank.database.read() as connection:
            for row in reads.instances(connection, str(self.no)):
                told = reads.history(connection, row.id)
                histories.append(
                    [
                        (h.kind, h.element_id, h.by, h.at, sorted((h.data or {}).items(), key=repr))
                        for h in told
                    ]
                )
        kept = [self.rows(t) for t in (tables.incident, tables.log, tables.work_order, tables.hold)]
        return histories, [[{k: v for k, v in r.items() if k not in OURS} for r in rows] for rows in kept]

    def rows(self, table: Any, *where: Any) -> list[dict[str, Any]]:
        with self.bank.database.read() as connection:
            return [dict(r._mapping) for r in connection.execute(select(table).where(*where))]


def test_a_call_goes_the_same_way_stored_pruned_or_whole(tmp_path: Path) -> None:
    seen: set[str] = set()

    for dice in DICE:
        pruned, whole = Walk(tmp_path / f"pruned{dice}", dice), Walk(tmp_path / f"whole{dice}", dice)
        pruned.go()
        with patch("engine.live.state.dumps", partial(state.dumps, prune=False)):
            whole.go()
        for one, other in zip(pruned.trace, whole.trace, strict=True):
            assert one == other, dice
        seen |= pruned.places

    assert {"T200_6", "T200_7", "T200_8", "E_vendor", "T200_9", "End_Closed", "End_Escalation"} <= seen
    assert {"W_customer", "W_agreed", "W_change", "W_parts", "T_ack", "T_decide", "W_monitor"} <= seen
