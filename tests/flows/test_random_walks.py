"""Random walks over both diagrams with the real desk: whatever people do, nothing comes to a dead end.

Each step is something that could happen next: a task is answered, claimed or given back, a message comes,
a timer falls due, somebody escalates, changes the priority, reopens or records another call. After each
step the invariants of PROCESS §6.11 hold, and a refusal has changed nothing. At last every walk is
driven home. FLOW200_FUZZ=1 (make fuzz) takes longer walks, never the same twice.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from api import records
from engine import reads, store
from engine.core import Engine
from engine.errors import EngineError, Failed, Unavailable
from engine.forms import Field, Form, compile_form
from engine.ports import SYSTEM, Actor, Command
from handlers.codes import shipped
from handlers.desk import Desk
from handlers.errors import Refused
from tests.flows import invariants, roads
from tests.flows.words import ROOT

FUZZ = os.environ.get("FLOW200_FUZZ") == "1"
WALKS, STEPS = (300, 60) if FUZZ else (30, 30)
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
INCIDENT, ESCALATION = "incident_200", "escalation"
FORMS: dict[str, Form] = {
    file.stem: compile_form(file.name, file.read_bytes()) for file in (ROOT / "bpmn").glob("*.form")
}
LATER = {"expected_resume", "promised_at", "needed_by"}
ROAD_HOME: dict[str, dict[str, Any]] = {
    "T200_1": roads.CALL,
    "T200_2": {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U3"}
    | {"ci_text": "未知", "callback_phone": "8001"},
    "T200_3_complaint": {"complaint_confirmed": True},
    "S200_3": {"outcome_3": "handed_off"},
    "T200_4": {"outcome_4": "escalate"},
    "T200_5": {"group": "WG-TRM"},
    "T200_5_accept": {"accept": "accepted"},
    "T200_5_manager": {"group": "WG-TRM"},
    "T200_6": {"outcome_6": "resolved", "solution_kind": "permanent", "solution_steps": "更换"},
    "T200_7": {"vendor": "V-ATM"},
    "T200_8": {"outcome_8": "resolved", "solution_kind": "permanent", "solution_steps": "更换"},
    "T200_9": {"outcome_9": "confirmed", "method": "PHONE"},
    "T200_9_manager": {"outcome_9m": "close", "comment": "不再联系"},
    "T200_10": {
        "category_final": "TRM",
        "problem_ref": "PRB-1",
        "change_ref": "CH-1",
        "overdue_reason": "O2",
    },
    "T_ack": {},
    "T_decide": {"decision": "accept", "reason": "够了"},
    "customer_replied": {},
    "change_done": {"change_result": "implemented"},
    "parts_arrived": {},
    "detached": {},
    "agreed_date_reached": {},
    "vendor_answered": {"vendor_result": "accepted"},
    "request_done": {"outcome_3": "completed"},
    "withdraw": {},
}
# What the straight road does now and then instead, so that the walks start from everywhere.
DETOURS: dict[str, tuple[dict[str, Any], ...]] = {
    "T200_5_accept": ({"accept": "rejected", "reject_reason": "R1"},),
    "T200_4": ({"outcome_4": "duplicate"},),
    "T200_6": ({"outcome_6": "vendor"}, {"outcome_6": "suspend", "hold_comment": "约定周一再查"}),
}
ACCOUNT = {"account_system": "核心", "account_holder": "陈新"}
# Of other requests than the walks make, or numbers of other calls.
LEFT_OUT = {row.code for row in shipped() if row.table == "request_field"} - ACCOUNT.keys() | {"related_call"}
LONGEST_ROAD = 60
CODES = ("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C11")


def test_no_walk_reaches_a_dead_end(sqlite_url: str) -> None:
    seen: Counter[str] = Counter()

    @given(st.randoms(use_true_random=True), st.integers(0, 9))
    @settings(
        max_examples=WALKS,
        deadline=None,
        derandomize=not FUZZ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def holds(chance: Random, start: int) -> None:
        walk = Walk(sqlite_url, chance.choice, seen)
        try:
            walk.record()
            for _ in range(start):
                walk.forward(withdraw=False)
            walk.record()
            for _ in range(STEPS):
                walk.step()
            walk.home()
        finally:
            walk.close()

    holds()

    missed = PLACES - seen.keys()
    assert not missed, f"no walk came to {missed}"
    assert 3 * seen["accepted"] > seen["refused"] > 0


@pytest.fixture
def sqlite_url(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """A database with the cast, for walks of many calls one after the other."""
    from tests.conftest import _install

    url = f"sqlite:///{tmp_path_factory.mktemp('walks') / 'flow200.db'}"
    _install(url)
    return url


class Walk:
    """One walk: up to three calls, a clock, and a hand that picks what happens next."""

    def __init__(self, url: str, pick: Callable[[Any], Any], seen: Counter[str]) -> None:
        self.pick, self.seen, self.now = pick, seen, NOON
        self.database = store.Database(url)
        sa.event.listen(self.database.engine, "connect", _careless)
        self.onlooker = sqlite3.connect(url.removeprefix("sqlite:///"))
        self.desk = Desk()
        self.engine = Engine(self.database, self.desk)
        self.calls: list[str] = []
        with self.database.read() as connection:
            people = records.accounts(connection)
        self.people = {p["staff_no"]: Actor(p["staff_no"], p["name"], frozenset(p["groups"])) for p in people}

    def close(self) -> None:
        """Give the connections back."""
        self.onlooker.close()
        self.database.close()

    # one step

    def step(self) -> None:
        """Something happens; the workers follow at once, or only later."""
        self.pick(self.moves())()
        settled = self.pick((True, True, True, False))
        if settled:
            self.work()
        self.check(settled)

    def moves(self) -> list[Callable[[], None]]:
        """What could happen next; answers are the most likely."""
        found: list[Callable[[], None]] = []
        with self.database.read() as connection:
            for no in self.calls:
                for row in reads.instances(connection, no):
                    if row.ended_at is None:
                        found += self._of_instance(no, row, reads.waits(connection, row.id))
                found += [lambda no=no: self.escalate(no), lambda no=no: self.reprioritise(no)]
                found.append(lambda no=no: self.reopen(no))
        if len(self.calls) < 3:
            found.append(self.record)
        return found

    def _of_instance(self, no: str, row: Any, waits: Any) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = []
        for token in row.tokens:
            self.seen[token] += 1
        for task in sorted(waits["tasks"], key=lambda t: t.id):
            found += [lambda t=task: self.answer(t)] * 8
            found += [lambda t=task: self.claim(t), lambda t=task: self.unclaim(t)]
        for name in sorted({m.message for m in waits["messages"]}):
            found.append(lambda n=name: self.say(no, n, row.process))
            if not waits["tasks"]:
                found.append(lambda n=name: self.say(no, n, row.process))
        if waits["jobs"]:
            found.append(lambda: self.wait(min(job.due_at for job in waits["jobs"])))
        return found

    def check(self, settled: bool) -> None:
        """Nothing is broken, and whatever is open waits for something."""
        with self.database.read() as connection:
            assert invariants.broken(connection, *self.calls, settled=settled) == []

    # what happens

    def record(self) -> None:
        """A call, in scope or not; now and then a draft without an answer."""
        call = self.pick((roads.CALL, roads.CALL, roads.CALL, roads.REQUEST, roads.COMPLAINT))
        call = call | self.pick(({}, {}, {}, {"environment": "TEST"}, {"source": "XXX"}))
        if call["call_type"] == "SR":
            call = call | {"classification": self.pick(("SR-ACC-NEW", "SR-CON-STA"))}
        answer = self.pick((call, call, call, None))
        by = self.people[self.pick(("lina", "chengang", "liuyang"))]
        verb = lambda: self.engine.start(INCIDENT, by, self.now, answer=answer)  # noqa: E731
        started = self.attempt(verb, f"{by.id} records {answer}")
        if started is not None:
            self.calls.append(started.business_key)

    def answer(self, task: Any) -> None:
        """Somebody answers a form: as it should be, incomplete, or wrongly."""
        by, form = self.somebody(task), FORMS[task.form]
        given_ = self.fill(form)
        what = f"{by.id} answers {task.element_id} {given_}"
        self.attempt(lambda: self.engine.complete(task.id, given_, by, self.now), what)

    def claim(self, task: Any) -> None:
        """Somebody takes a task."""
        by = self.somebody(task)
        self.attempt(lambda: self.engine.claim(task.id, by, self.now), f"{by.id} claims {task.element_id}")

    def unclaim(self, task: Any) -> None:
        """Somebody gives a task back."""
        by = self.somebody(task)
        self.attempt(
            lambda: self.engine.unclaim(task.id, by, self.now), f"{by.id} gives {task.element_id} back"
        )

    def say(self, no: str, message: str, process: str) -> None:
        """A message comes in, from a person or from the system."""
        by = self.pick((self.people["liuyang"], self.people["lina"], self.anybody(), SYSTEM))
        data = self.fill(FORMS[f"message_{message}"])
        what = f"{by.id} says {message} to {no}"
        self.attempt(lambda: self.engine.send(message, no, data, by, self.now, process=process), what)

    def wait(self, due: datetime) -> None:
        """Time passes until a timer falls due."""
        self.now = max(self.now, due)
        note(f"it is {self.now}")
        self.work()

    def escalate(self, no: str) -> None:
        """By hand (X13)."""
        why = {"trigger": "X13", "reason": self.pick(("催办", ""))}
        by = self.anybody()
        verb = lambda: self.engine.start(ESCALATION, by, self.now, business_key=no, variables=why)  # noqa: E731
        self.attempt(verb, f"{by.id} escalates {no}")

    def reprioritise(self, no: str) -> None:
        """Impact and urgency are judged anew."""
        judged = {
            "impact": self.pick(("I1", "I2", "I3", "I4")),
            "urgency": self.pick(("U1", "U2", "U3", "U4")),
        }
        by = self.anybody()

        def change() -> Any:
            with self.engine.transaction(by, self.now) as command:
                self.desk.change_priority(command, no, judged | {"priority_reason": "重新判断"})
            return True

        self.attempt(change, f"{by.id} judges {no} {judged}")

    def reopen(self, no: str) -> None:
        """A closed call comes back."""
        why = {"entry": "reopen", "reason": "又发生"}
        by = self.pick((self.people["lina"], self.anybody()))
        verb = lambda: self.engine.start(INCIDENT, by, self.now, business_key=no, variables=why)  # noqa: E731
        self.attempt(verb, f"{by.id} reopens {no}")

    def work(self) -> None:
        """The workers do what is due."""
        while self.engine.tick(self.now):
            pass

    def attempt(self, verb: Callable[[], Any], what: str) -> Any:
        """Give a verb; None if it was refused by name, and then nothing changed."""
        self.now += timedelta(minutes=1)
        before = self.version()
        try:
            done = verb()
        except (EngineError, Refused) as error:
            if isinstance(error, Failed | Unavailable):
                raise
            assert self.version() == before, f"{error.code} changed something"
            note(f"refused {error.code}: {what}")
            self.seen["refused"] += 1
            self.seen[error.code] += 1
            return None
        note(what)
        self.seen["accepted"] += 1
        return done if done is not None else True

    def version(self) -> Any:
        """Changes whenever somebody committed something to the file."""
        return self.onlooker.execute("PRAGMA data_version").fetchone()

    # people and answers

    def anybody(self) -> Actor:
        """Any member of the cast."""
        return self.people[self.pick(sorted(self.people))]

    def somebody(self, task: Any) -> Actor:
        """Mostly who may do it; now and then a stranger."""
        if task.assignee and self.pick((True, True, False)):
            return self.people[task.assignee]
        able = [p for p in sorted(self.people) if self.people[p].groups & set(task.groups)]
        return self.people[self.pick(able)] if able and self.pick((True,) * 9 + (False,)) else self.anybody()

    def fill(self, form: Form) -> dict[str, Any]:
        """An answer to a form: complete, with a field left out, or with a value that is not listed."""
        answer = {field.key: self.value(field) for field in form.fields}
        answer = {key: value for key, value in answer.items() if value is not None}
        if answer and self.pick((True,) * 3 + (False,)):
            del answer[self.pick(sorted(answer))]
        if self.pick((False,) * 15 + (True,)):
            answer[self.pick(sorted({*answer, "unbekannt"}))] = self.pick(
                ("resovled", "", -1, [], None, "😀")
            )
        return answer

    def value(self, field: Field) -> Any:
        """A fitting value for a field; None leaves it out."""
        if field.key == "parent":
            return self.pick(self.calls)
        if field.key in LEFT_OUT:
            return None
        if field.key == "environment":
            return self.pick(("PROD", "PROD", "PROD", "DEV"))
        if field.key in ("priority", "major", "complained_about", "closure_code") and self.pick(
            (True, False)
        ):
            return None
        match field.type:
            case "number":
                return self.pick((1, 3, 5))
            case "checkbox":
                return self.pick((True, False))
            case "datetime":
                return self.moment(field.key).isoformat()
            case "select" | "radio":
                return self.pick(self.options(field))
        return self.pick(("已说明", "';DROP TABLE incident;--", "<b>\U0001f4a5</b>"))[:20]

    def moment(self, key: str) -> datetime:
        """Later for what is expected, a little earlier for what has been."""
        if key in LATER:
            return self.now + timedelta(hours=self.pick((1, 30)))
        return self.now - timedelta(minutes=self.pick((0, 0, 0, 5)))

    def options(self, field: Field) -> Sequence[str]:
        """The legal values of a select."""
        return [value for value, _ in field.values] or self.listed(field.values_key or "")

    @cache  # noqa: B019
    def listed(self, key: str) -> list[str]:
        """The legal values of a list of the domain."""
        with self.database.read() as connection:
            return sorted(self.desk.options(Command(connection, SYSTEM, self.now), key))

    # the way home

    def home(self) -> None:
        """Each call is brought to its end: by the straight road, or because the caller withdraws."""
        self.work()
        withdraw = self.pick((True, False))
        for _ in range(LONGEST_ROAD):
            if not self.forward(withdraw):
                break
        with self.database.read() as connection:
            for no in self.calls:
                left = [row for row in reads.instances(connection, no) if row.ended_at is None]
                assert left == [], f"{no} still stands at {[(row.process, row.tokens) for row in left]}"
        self.check(settled=True)

    def forward(self, withdraw: bool) -> bool:
        """One step towards the end for each call that is open; False if none is."""
        with self.database.read() as connection:
            running = [
                (no, row, reads.waits(connection, row.id))
                for no in self.calls
                for row in reads.instances(connection, no)
                if row.ended_at is None and row.process == INCIDENT
            ]
        for no, row, waits in running:
            self.seen.update(row.tokens)
            waited = {m.message for m in waits["messages"]}
            if (withdraw and "withdraw" in waited) or not waits["tasks"]:
                name = "withdraw" if withdraw else min((waited & ROAD_HOME.keys()) - {"withdraw"})
                verb = lambda by, n=name, k=no: self.engine.send(n, k, ROAD_HOME[n], by, self.now)  # noqa: E731
                self.insist(verb, f"home: {name} to {no}")
            else:
                self.finish(waits["tasks"][0])
            self.work()
        self.check(settled=True)
        return bool(running)

    def detour(self, task: Any) -> dict[str, Any]:
        """Another answer than the straight one, with the time or the other call that it needs."""
        answer = self.pick(DETOURS[task.element_id])
        if "hold_comment" in answer:
            answer = answer | {"expected_resume": (self.now + timedelta(hours=1)).isoformat()}
        if answer.get("outcome_4") == "duplicate":
            answer = answer | {"parent": self.pick(tuple(self.calls))}
        return answer

    def finish(self, task: Any) -> None:
        """Answer a task as the straight road does, or a detour; at 200.10 with the first code that fits."""
        answers = [ROAD_HOME[task.element_id]]
        if task.element_id in DETOURS and self.pick((True, False)):
            answers = [self.detour(task), *answers]
        if task.element_id == "S200_3":
            answers = [answers[0], answers[0] | ACCOUNT]
        if task.element_id == "T200_10":
            answers = [answers[0] | {"closure_code": code} for code in CODES]
        for answer in answers:
            verb = lambda by, a=answer: self.engine.complete(task.id, a, by, self.now)  # noqa: E731
            if self.insist(verb, f"home: {task.element_id} {answer}", task.assignee):
                return

    def insist(self, verb: Callable[[Actor], Any], what: str, assignee: str | None = None) -> bool:
        """The assignee does it, else a manager, the other manager, or the desk."""
        who = [assignee] if assignee else []
        for name in (*who, "liuyang", "hejing", "chengang", "lina"):
            if self.attempt(lambda n=name: verb(self.people[n]), f"{what} by {name}") is not None:
                return True
        return False


def _careless(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


PLACES = {
    "T200_1", "T200_2", "T200_3_complaint", "S200_3", "W_request", "T200_4", "T200_5", "T200_5_accept",
    "T200_5_manager", "T200_6", "T200_7", "E_vendor", "T200_8", "T200_9", "T200_10",
    "W_customer", "W_change", "W_parent", "W_agreed", "W_parts", "T_ack", "T_decide", "W_monitor",
}  # fmt: skip
