"""Two people, two workers, two servers at once: one succeeds, the others are told so."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from engine import store
from engine.core import Engine
from engine.errors import EngineError
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


def test_a_key_that_two_ask_for_at_once_is_one_job(database: Any) -> None:
    class Asking(PlainDomain):
        def answer(self, command: Any, task: Any, data: Any) -> Any:
            return Nothing(
                jobs=[SimpleNamespace(kind="send", key="one", due=None, payload={}, renewed=False)]
            )

    office = Office(database, Asking())
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
