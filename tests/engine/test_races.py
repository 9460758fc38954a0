"""Two people, two workers, two servers at once: one succeeds, the others are told so."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from engine import store
from engine.core import Engine
from engine.definitions import Definitions
from engine.errors import EngineError
from engine.jobs import Jobs
from engine.plain import PlainDomain
from engine.ports import Actor, Nothing
from tests.engine.conftest import Office
from tests.engine.drawing import boundary, catch, end, fork, message, process, service, timer, user

MANY = 20
STEP = process("P", user("a"), user("b"), end(), flows="s>a; a>b; b>e")


def at_once(count: int, act: Callable[[int], Any]) -> Counter[str]:
    """What became of `count` threads that act at the same moment: "ok" or the code of their error."""
    told: list[str] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        try:
            act(number)
            told.append("ok")
        except EngineError as error:
            told.append(error.code)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(told)


def test_of_twenty_people_who_complete_a_task_one_succeeds(office: Office) -> None:
    office.deploy(STEP)
    instance = office.start()
    task = office.task("a")
    people = [Actor(f"p{n}", groups=frozenset({"G1"})) for n in range(MANY)]

    told = at_once(MANY, lambda n: office.engine.complete(task.id, {"n": n}, people[n], office.now))

    assert told == {"ok": 1, "task-not-open": MANY - 1}
    assert office.open() == ["b"] and office.failures() == []
    assert Counter(office.happened(instance.id))["completed", "a"] == 1


def test_of_twenty_people_who_claim_a_task_one_succeeds(office: Office) -> None:
    office.deploy(STEP)
    office.start()
    task = office.task("a")
    people = [Actor(f"p{n}", groups=frozenset({"G1"})) for n in range(MANY)]

    told = at_once(MANY, lambda n: office.engine.claim(task.id, people[n], office.now))

    assert told == {"ok": 1, "task-assigned": MANY - 1}


def test_both_branches_completed_at_once_end_the_instance_once(office: Office) -> None:
    office.deploy(
        process("P", fork("f"), user("a"), user("b"), fork("j"), end(), flows="s>f; f>a; f>b; a>j; b>j; j>e")
    )
    instance = office.start()
    tasks = [office.task("a").id, office.task("b").id]

    told = at_once(2, lambda n: office.engine.complete(tasks[n], {}, office.by, office.now))

    assert told == {"ok": 2}
    assert Counter(office.happened(instance.id))["ended", "e"] == 1


def test_an_answer_and_a_message_at_once_leave_one_token(office: Office) -> None:
    office.deploy(process("P", catch("c", message("go")), user("a"), end(), flows="s>c; c>a; a>e"))
    office.start()

    told = at_once(MANY, lambda n: office.engine.send("go", "K1", {}, office.by, office.now))

    assert told == {"ok": 1, "not-waiting": MANY - 1}
    assert office.open() == ["a"]


def test_servers_that_tick_at_once_run_each_job_once(database: Any) -> None:
    calls: list[int] = []
    domain = PlainDomain({"call": lambda v: calls.append(v["n"])})
    office = Office(database, domain)
    office.deploy(process("P", service("t", "call", job=True), user("a"), end(), flows="s>t; t>a; a>e"))
    for n in range(6):
        office.start(business_key=f"K{n}", n=n)
    servers = [Engine(database, domain) for _ in range(4)]

    at_once(4, lambda n: servers[n].tick(office.now))

    assert office.open() == ["a"] * 6 and office.failures() == []
    with database.read() as connection:
        states = Counter(connection.execute(select(store.job.c.state)).scalars())
    assert states == {"done": 6} and sorted(calls) == [*range(6)]


def test_a_timer_that_fires_while_its_task_is_answered_waits_for_no_ring(database: Any) -> None:
    office = Office(database, PlainDomain())
    timed = process(
        "P",
        user("a"),
        boundary("late", "a", timer("PT1H")),
        user("b"),
        end(),
        flows="s>a; a>e; late>b; b>e",
    )
    office.deploy(timed)
    for n in range(20):
        office.start(business_key=f"K{n}")
    tasks = [t.id for t in office.tasks()]
    later = office.now + timedelta(hours=1)

    def run(n: int) -> object:
        if n % 2:
            return office.engine.complete(tasks[n // 2], {}, office.by, office.now)
        return office.engine.tick(later, limit=1)

    told = at_once(40, run)

    assert set(told) <= {"ok", "task-not-open", "instance-ended"} and office.failures() == []


class Asking(PlainDomain):
    """Asks for jobs when a task is answered, starts nothing, and hears of messages that nobody took."""

    class NotNow(Exception):
        """Nothing is started."""

    refusals = (NotNow,)

    def __init__(self, *asked: Any) -> None:
        super().__init__()
        self.asked = asked
        self.lost: list[str] = []

    def started(self, command: Any, instance: Any, variables: Any) -> Any:
        if instance.process == "Never":
            raise self.NotNow
        return super().started(command, instance, variables)

    def answer(self, command: Any, task: Any, data: Any) -> Any:
        return Nothing(jobs=self.asked)

    def untaken(self, command: Any, message: str, business_key: str | None) -> None:
        self.lost.append(message)


def message_job(kind: str, process: str, key: str = "m:1", business_key: str = "K2") -> Any:
    payload = {"message": "go", "process": process, "business_key": business_key}
    return SimpleNamespace(kind=kind, key=key, due=None, payload=payload, renewed=False)


def two_servers_tick(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen the job open before either does it."""
    gate, peek = threading.Barrier(2), Jobs._peek

    def peek_together(jobs: Jobs, key: str) -> Any:
        row = peek(jobs, key)
        gate.wait()
        return row

    monkeypatch.setattr(Jobs, "_peek", peek_together)
    servers = [Engine(office.database, office.domain) for _ in range(2)]
    assert at_once(2, lambda n: servers[n].tick(office.now)) == {"ok": 2}


def the_job(database: Any) -> tuple[str, int, str | None]:
    table = store.job.c
    with database.read() as connection:
        row = connection.execute(select(table.state, table.attempts, table.result)).one()
    return row.state, row.attempts, row.result


LISTENING = process("Q", catch("c", message("go")), user("q"), end(), flows="s>c; c>q; q>e")


@pytest.mark.parametrize("kind", ["send", "start_or_send"])
def test_two_workers_deliver_a_message_once_and_nobody_says_that_it_was_not_taken(
    database: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(database, domain := Asking(message_job(kind, "Q")))
    office.deploy(STEP, LISTENING)
    waiting = office.start("Q", "K2")
    office.start()
    office.complete("a")

    two_servers_tick(office, monkeypatch)

    assert domain.lost == [] and office.failures() == []
    assert the_job(database) == ("done", 1, "taken")
    assert Counter(office.happened(waiting.id))["message", "c"] == 1


@pytest.mark.parametrize(
    ("kind", "process", "result"),
    [("send", "Q", "not taken"), ("start_or_send", "Never", "refused: ")],
)
def test_of_two_workers_one_says_that_a_message_was_not_taken(
    database: Any, kind: str, process: str, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(database, domain := Asking(message_job(kind, process)))
    office.deploy(STEP, LISTENING, STEP.replace(b'"P"', b'"Never"'))
    office.start()
    office.complete("a")

    two_servers_tick(office, monkeypatch)

    assert domain.lost == ["go"] and office.failures() == []
    assert the_job(database) == ("done", 1, result)


def test_a_refusal_that_another_worker_has_told_is_not_told_again(database: Any) -> None:
    office = Office(database, domain := Asking(message_job("start_or_send", "Never")))
    office.deploy(STEP, STEP.replace(b'"P"', b'"Never"'))
    office.start()
    office.complete("a")
    seen = office.engine.jobs._peek("m:1")
    office.tick()

    office.engine.jobs._refused(seen, office.now, domain.NotNow())

    assert domain.lost == ["go"]


def test_two_workers_start_one_instance_of_a_job(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(database, domain := Asking(message_job("start_or_send", "Q")))
    office.deploy(STEP, LISTENING)
    office.start()
    office.complete("a")

    two_servers_tick(office, monkeypatch)

    with database.read() as connection:
        revisions = connection.execute(
            select(store.instance.c.revision).where(store.instance.c.process == "Q")
        )
        assert list(revisions.scalars()) == [1]
    assert domain.lost == [] and office.failures() == []


def test_messages_of_jobs_and_answers_at_once_wait_for_no_ring(database: Any) -> None:
    jobs = [message_job("send", "Q", f"m:{n}", f"K{n}") for n in range(10)]
    office = Office(database, Asking(*jobs))
    left = process(
        "Q", user("a"), boundary("left", "a", message("go")), user("b"), end(), flows="s>a; a>e; left>b; b>e"
    )
    office.deploy(STEP, left)
    for n in range(10):
        office.start("Q", f"K{n}")
    tasks = [t.id for t in office.tasks()]
    office.start("P", "asks")
    office.complete("a")
    office.domain.asked = ()  # type: ignore[attr-defined]

    def run(n: int) -> object:
        if n % 2:
            return office.engine.complete(tasks[n // 2], {}, office.by, office.now)
        return office.engine.tick(office.now)

    told = at_once(20, run)

    assert set(told) <= {"ok", "task-not-open", "instance-ended"} and office.failures() == []
    with database.read() as connection:
        attempts = Counter(connection.execute(select(store.job.c.state, store.job.c.attempts)).all())
    assert attempts == {("done", 1): 10}


def test_a_key_that_two_ask_for_at_once_is_one_job(database: Any) -> None:
    office = Office(database, Asking(message_job("send", "Q")))
    office.deploy(STEP)
    for n in range(6):
        office.start(business_key=f"K{n}")
    tasks = [t.id for t in office.tasks()]

    told = at_once(6, lambda n: office.engine.complete(tasks[n], {}, office.by, office.now))

    assert told == {"ok": 6}
    with database.read() as connection:
        assert len(connection.execute(select(store.job.c.key)).all()) == 1


def test_starts_of_one_key_at_once_open_one_instance(office: Office) -> None:
    office.deploy(STEP)

    told = at_once(8, lambda n: office.start())

    assert told == {"ok": 1, "instance-open": 7}


def test_the_same_deployment_at_once_is_one_version(office: Office) -> None:
    told = at_once(4, lambda n: office.deploy(STEP))

    with office.database.read() as connection:
        assert len(connection.execute(select(store.definition.c.id)).all()) == 1
    assert told == {"ok": 4}


def test_a_version_that_many_need_at_once_is_built_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.deploy(STEP)
    instance = office.start()
    definition = office.instance(instance.id).definition_id
    office.restart()
    built, build = list[str](), Definitions._build

    def slowly(known: Definitions, connection: Any, definition_id: str) -> Any:
        built.append(definition_id)
        time.sleep(0.1)  # long enough for all to come and wait
        return build(known, connection, definition_id)

    def ask(_: int) -> None:
        with office.database.read() as connection:
            office.engine.definitions.built(connection, definition)

    monkeypatch.setattr(Definitions, "_build", slowly)

    assert at_once(4, ask) == {"ok": 4}
    assert built == [definition]
