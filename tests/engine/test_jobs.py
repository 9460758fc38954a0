"""Timers and service tasks in job mode: on time, after downtime, tried again, on record when they fail."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from engine import store
from engine.errors import Failed, FailureNotFound, Unavailable
from engine.plain import PlainDomain
from engine.ports import SYSTEM, Nothing
from tests.engine.conftest import LINA, MONDAY, ZHAO, Office
from tests.engine.drawing import (
    boundary,
    catch,
    element,
    end,
    message,
    process,
    service,
    timer,
    user,
    wait,
    xor,
)

OfficeWith = Callable[[Mapping[str, Any]], Office]

REMINDED = process(
    "P", user("a"), boundary("b", "a", timer("PT1H"), interrupting=False), user("c"), end("e2"), end(),
    flows="s>a; a>e; b>c; c>e2",
)  # fmt: skip
TIMED = process(
    "P", user("a"), boundary("b", "a", timer("PT1H")), user("c"), end(), flows="s>a; a>e; b>c; c>e"
)
PARKED = process("P", service("t", "call", job=True), user("a"), end(), flows="s>t; t>a; a>e")


def jobs(office: Office) -> list[Any]:
    with office.database.read() as connection:
        return list(connection.execute(select(store.job).order_by(store.job.c.created_at, store.job.c.id)))


# timers


def test_a_timer_fires_at_its_second_and_not_before(office: Office) -> None:
    office.deploy(TIMED)
    instance = office.start()

    early = office.tick(minutes=59, seconds=59)
    still = office.open()
    on_time = office.tick(seconds=1)

    assert (early, still, on_time, office.open()) == (0, ["a"], 1, ["c"])
    assert [h.at for h in office.history(instance.id) if h.kind == "timer"] == [MONDAY + timedelta(hours=1)]
    assert office.tick() == 0


def test_a_timer_fires_once_after_a_long_downtime(office: Office) -> None:
    office.deploy(TIMED)
    office.start()
    office.restart()

    office.tick(days=30)

    assert office.open() == ["c"] and [j.state for j in jobs(office)] == ["done"]


def test_a_timer_of_a_finished_task_is_cancelled(office: Office) -> None:
    office.deploy(TIMED)
    office.start()
    office.complete("a")

    assert office.tick(hours=2) == 0
    assert [j.state for j in jobs(office)] == ["cancelled"]


def test_a_reminder_does_not_take_the_task_away(office: Office) -> None:
    office.deploy(REMINDED)
    instance = office.start()

    office.tick(hours=1)
    both = office.open()
    office.complete("a")
    half = office.instance(instance.id).ended_at
    office.complete("c")

    assert both == ["a", "c"] and half is None
    assert office.instance(instance.id).ended_at is not None


def test_a_cycle_fires_as_often_as_it_says_even_late(office: Office) -> None:
    office.deploy(REMINDED.replace(b"timeDuration", b"timeCycle").replace(b"PT1H", b"R3/PT1H"))
    office.start()

    office.now += timedelta(hours=10)
    while office.tick():
        pass

    assert office.open() == ["a", "c", "c", "c"]


def test_a_date_that_the_token_carries_is_kept_to_the_second(office: Office) -> None:
    dated = process("P", catch("c", timer("${due}", "timeDate")), user("a"), end(), flows="s>c; c>a; a>e")
    office.deploy(dated)
    instance = office.start(due="2026-11-23T17:30:05+08:00")
    (job,) = office.waits(instance.id)["jobs"]

    office.now = job.due_at - timedelta(seconds=1)
    early = office.tick()
    on_time = office.tick(seconds=1)

    assert job.due_at.isoformat() == "2026-11-23T09:30:05+00:00"
    assert (early, on_time, office.open()) == (0, 1, ["a"])


def test_an_event_gateways_timer_names_its_branch(office: Office) -> None:
    office.deploy(
        process(
            "P",
            wait("w"),
            catch("c", message("go")),
            catch("t", timer("PT1H")),
            user("a"),
            end(),
            flows="s>w; w>c; w>t; c>e; t>a; a>e",
        )
    )
    instance = office.start()

    office.tick(hours=1)

    assert [j.element_id for j in jobs(office)] == ["t"] and office.open() == ["a"]
    assert [h.element_id for h in office.history(instance.id) if h.kind == "timer"] == ["t"]
    assert office.waits(instance.id)["messages"] == []


@pytest.mark.parametrize("due", ["tomorrow", "2026-11-20T09:00:00", "2026-11-30", None, 5, "PT"])
def test_a_bad_date_at_run_time_is_a_failure_that_leaves_the_task_open(office: Office, due: Any) -> None:
    office.deploy(
        process("P", user("a"), catch("c", timer("${due}", "timeDate")), end(), flows="s>a; a>c; c>e")
    )
    office.start()

    with pytest.raises(Failed):
        office.complete("a", due=due)
    with pytest.raises(Failed):
        office.complete("a")

    assert office.open() == ["a"] and len(office.failures()) == 2


# service tasks in job mode


def test_a_parked_service_task_is_run_by_its_job(office_with: OfficeWith) -> None:
    office = office_with({"call": lambda v: {"seen": v["x"] + 1}})
    office.deploy(PARKED)
    instance = office.start(x=1)
    parked = office.open()
    office.restart()

    assert (office.tick(), office.tick()) == (1, 0)

    assert (parked, office.open()) == ([], ["a"])
    assert office.task("a").element_id == "a" and office.instance(instance.id).variables == {
        "x": 1,
        "seen": 2,
    }
    assert ("called", "t") in office.happened(instance.id)


def test_a_job_backs_off_and_is_a_failure_after_three_tries(office_with: OfficeWith) -> None:
    tries: list[int] = []

    def broken(variables: Mapping[str, Any]) -> None:
        tries.append(1)
        if len(tries) < 4:
            raise ConnectionError("vendor down \x00\ud800")

    office = office_with({"call": broken})
    office.deploy(PARKED)
    instance = office.start()

    waits = []
    for _ in range(3):
        assert office.tick() == 1
        assert office.tick() == 0
        waits.append(jobs(office)[0].due_at - office.now)
        early = office.failures()
        office.now = jobs(office)[0].due_at
    assert waits[:2] == [timedelta(minutes=1), timedelta(minutes=2)]

    (failure,) = early
    assert (failure.instance_id, failure.element_id, failure.verb) == (instance.id, "t", "job")
    assert "vendor down" in failure.error and len(tries) == 3
    assert [j.state for j in office.waits(instance.id)["jobs"]] == ["failed"]
    assert office.tick(days=1) == 0

    office.engine.retry(failure.id, ZHAO, office.now)
    office.tick()

    assert office.open() == ["a"] and office.failures() == []
    with pytest.raises(FailureNotFound):
        office.engine.retry(failure.id, ZHAO, office.now)


def test_two_workers_run_a_job_once(office_with: OfficeWith) -> None:
    calls: list[int] = []
    office = office_with({"call": lambda v: calls.append(1)})
    office.deploy(PARKED)
    office.start()
    (job,) = jobs(office)

    office.engine.jobs.run(job.key, office.now)
    office.engine.jobs.run(job.key, office.now)

    assert len(calls) == 1


def test_a_worker_that_fails_late_does_not_open_a_finished_job_again(office_with: OfficeWith) -> None:
    office = office_with({"call": lambda v: {}})
    office.deploy(PARKED)
    office.start()
    (job,) = jobs(office)
    office.tick()

    office.engine.jobs._again(job.key, office.now, ValueError("too late"))

    assert [j.state for j in jobs(office)] == ["done"] and office.failures() == []


# the jobs of a domain


class Asking(PlainDomain):
    """Asks for jobs when a task is answered."""

    def __init__(self, *asked: Any) -> None:
        super().__init__()
        self.asked = asked

    def answer(self, command: Any, task: Any, data: Any) -> Any:
        return Nothing(jobs=self.asked)


def asked(kind: str, key: str, **payload: Any) -> Any:
    return SimpleNamespace(kind=kind, key=key, due=None, payload=payload, renewed=False)


def test_a_job_may_start_an_instance_once(database: Any) -> None:
    job = asked("start", "escalate:1", process="Q", business_key="K1", variables={"level": 1})
    office = Office(database, Asking(job, job))
    office.deploy(
        process("P", user("a"), user("b"), end(), flows="s>a; a>b; b>e"),
        process("Q", user("q"), end(), flows="s>q; q>e"),
    )
    office.start()
    office.complete("a")
    office.complete("b")

    while office.tick():
        pass

    assert office.open() == ["q"] and office.failures() == []
    (task,) = office.tasks(process="Q")
    assert office.instance(task.instance_id).variables == {"level": 1}
    assert office.instance(task.instance_id).started_by == SYSTEM.id


def test_a_job_may_send_a_message_and_says_when_nobody_took_it(database: Any) -> None:
    office = Office(
        database,
        Asking(
            asked("send", "m:1", message="go", process="Q", business_key="K2", data={"x": 1}),
            asked("send", "m:2", message="go", process="Q", business_key="K3"),
        ),
    )
    office.deploy(
        process("P", user("a"), end(), flows="s>a; a>e"),
        process("Q", catch("c", message("go")), user("q"), end(), flows="s>c; c>q; q>e"),
    )
    office.start("Q", "K2")
    office.start("P", "K1")
    office.complete("a")

    office.tick()

    assert {j.key: (j.state, j.result) for j in jobs(office)} == {
        "m:1": ("done", "taken"),
        "m:2": ("done", "not taken"),
    }
    assert office.open() == ["q"] and office.failures() == []


class Working(Asking):
    """Does its own jobs, and hears of messages that nobody took."""

    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        self.worked: list[Any] = []
        self.lost: list[Any] = []
        self.next: tuple[Any, ...] = ()

    def work(self, command: Any, payload: Any) -> Any:
        self.worked.append((command.now, payload["n"]))
        return Nothing(jobs=self.next)

    def untaken(self, command: Any, message: str, business_key: str | None) -> None:
        self.lost.append((message, business_key))


def test_the_domain_hears_of_a_message_that_nobody_took(database: Any) -> None:
    domain = Working(asked("send", "m:1", message="go", process="Q", business_key="K3"))
    office = Office(database, domain)
    office.deploy(process("P", user("a"), end(), flows="s>a; a>e"))
    office.start()
    office.complete("a")

    office.tick()
    office.tick()

    assert domain.lost == [("go", "K3")]


def test_a_message_that_the_domain_refuses_is_not_taken_and_no_failure(database: Any) -> None:
    class Strict(Working):
        class Refused(Exception):
            """Not any more."""

        refusals = (Refused,)

        def message(self, command: Any, name: str, element: Any, instance: Any, data: Any) -> Any:
            raise self.Refused("it is over")

    domain = Strict(asked("send", "m:1", message="go", process="Q", business_key="K2"))
    office = Office(database, domain)
    office.deploy(
        process("P", user("a"), end(), flows="s>a; a>e"),
        process("Q", catch("c", message("go")), user("q"), end(), flows="s>c; c>q; q>e"),
    )
    waiting = office.start("Q", "K2")
    office.start()
    office.complete("a")

    ticks = office.tick(), office.tick(hours=1)

    assert ticks == (1, 0) and domain.lost == [("go", "K2")] and office.failures() == []
    assert [(j.state, j.attempts, j.result) for j in jobs(office)] == [("done", 1, "refused: it is over")]
    assert [m.message for m in office.waits(waiting.id)["messages"]] == ["go"]


def test_a_job_of_the_domain_comes_back_when_it_is_due_and_may_be_renewed(database: Any) -> None:
    def look(n: int, hours: int) -> Any:
        due = MONDAY + timedelta(hours=hours)
        return SimpleNamespace(kind="domain", key="look", due=due, payload={"n": n}, renewed=True)

    domain = Working(look(1, 1))
    office = Office(database, domain)
    office.deploy(process("P", user("a"), end(), flows="s>a; a>e"))
    for n in (1, 2):
        domain.asked = (look(n, n),)
        office.start(business_key=f"K{n}")
        office.complete("a")
    domain.next = (look(3, 5),)

    office.tick(hours=1)
    office.tick(hours=1)
    domain.next = ()
    office.tick(hours=2)
    office.tick(hours=1)

    assert domain.worked == [(MONDAY + timedelta(hours=2), 2), (MONDAY + timedelta(hours=5), 3)]
    assert [(j.state, j.attempts) for j in jobs(office)] == [("done", 1)] and office.failures() == []


def test_a_job_of_the_domain_that_fails_is_a_failure_with_a_retry(database: Any) -> None:
    class Stumbling(Working):
        def work(self, command: Any, payload: Any) -> Any:
            raise RuntimeError("stumbled")

    office = Office(database, Stumbling(asked("domain", "look", n=1)))
    office.deploy(process("P", user("a"), end(), flows="s>a; a>e"))
    office.start()
    office.complete("a")

    for _ in range(3):
        office.tick(hours=1)

    assert [j.state for j in jobs(office)] == ["failed"]
    assert ["stumbled" in f.error for f in office.failures()] == [True]


def test_a_job_starts_an_instance_or_speaks_to_the_one_that_runs(database: Any) -> None:
    def raised(n: int) -> Any:
        said = {
            "process": "Q",
            "business_key": "K1",
            "variables": {"n": n},
            "message": "go",
            "data": {"n": n},
        }
        return asked("start_or_send", f"raise:{n}", **said)

    domain = Asking(raised(1), raised(2))
    office = Office(database, domain)
    office.deploy(
        process("P", user("a"), user("b"), end(), flows="s>a; a>b; b>e"),
        process("Q", catch("c", message("go")), user("q"), end(), flows="s>c; c>q; q>e"),
    )
    office.start()
    office.complete("a")

    office.tick()

    (task,) = office.tasks(process="Q")
    assert office.instance(task.instance_id).variables == {"n": 2} and office.failures() == []


def test_a_job_gives_a_task_back_from_the_person_it_names_and_from_nobody_else(database: Any) -> None:
    office = Office(database, domain := Asking())
    office.deploy(
        process("P", user("a"), user("b", groups="G1"), end(), flows="s>a; a>b; b>e"),
        process("Q", user("q"), user("r"), end(), flows="s>q; q>r; r>e"),
    )
    office.start()
    office.start("Q", "K2")
    office.complete("a")
    task = office.task("b")
    office.engine.claim(task.id, LINA, office.now)
    domain.asked = (asked("unclaim", "u:1", task=task.id, person="zhao"),)
    office.complete("q")
    office.tick()
    others = office.task("b").assignee

    domain.asked = (
        asked("unclaim", "u:2", task=task.id, person="lina"),
        asked("unclaim", "u:3", task="gone", person="lina"),
    )
    office.complete("r")
    office.tick()

    assert (others, office.task("b").assignee) == ("lina", None)
    assert [(j.state, j.result) for j in jobs(office)] == [
        ("done", "given back"),
        ("done", "given back"),
        ("done", "over"),
    ]


def test_a_message_job_that_fails_can_be_retried(database: Any) -> None:
    class Stumbling(Asking):
        broken = True

        def message(self, command: Any, name: str, element: Any, instance: Any, data: Any) -> Any:
            if self.broken:
                raise RuntimeError("stumbled")
            return Nothing()

    domain = Stumbling(asked("send", "m:1", message="go", process="Q", business_key="K2"))
    office = Office(database, domain)
    office.deploy(
        process("P", user("a"), end(), flows="s>a; a>e"),
        process("Q", catch("c", message("go")), user("q"), end(), flows="s>c; c>q; q>e"),
    )
    waiting = office.start("Q", "K2")
    office.start("P", "K1")
    office.complete("a")
    for _ in range(3):
        office.tick(hours=1)
    (failure,) = office.failures()
    domain.broken = False

    office.engine.retry(failure.id, ZHAO, office.now)
    office.tick()

    assert (failure.instance_id, failure.job_key) == (waiting.id, "m:1")
    assert office.open() == ["q"] and office.failures() == []


def test_a_failure_ends_with_the_wait_that_it_was_about(office_with: OfficeWith) -> None:
    def down(variables: Mapping[str, Any]) -> None:
        raise ConnectionError("vendor down")

    office = office_with({"call": down})
    office.deploy(
        process(
            "P",
            service("t", "call", job=True),
            boundary("b", "t", message("go")),
            end(),
            flows="s>t; t>e; b>e",
        )
    )
    instance = office.start()
    for _ in range(3):
        office.tick(hours=1)
    assert len(office.failures()) == 1

    office.send("go")

    assert office.failures() == [] and not any(office.waits(instance.id).values())


def test_a_job_of_a_kind_that_nobody_does_becomes_a_failure(database: Any) -> None:
    office = Office(database, Asking(asked("sing", "s:1")))
    office.deploy(process("P", user("a"), end(), flows="s>a; a>e"))
    office.start()
    office.complete("a")

    for _ in range(3):
        office.tick(hours=1)

    assert [(f.job_key, f.verb) for f in office.failures()] == [("s:1", "job")]


# failures of verbs


def test_a_failing_handler_rolls_everything_back_and_is_on_record(office_with: OfficeWith) -> None:
    def boom(variables: Mapping[str, Any]) -> None:
        raise RuntimeError("no vendor on file")

    office = office_with({"boom": boom})
    office.deploy(process("P", user("a"), service("t", "boom"), end(), flows="s>a; a>t; t>e"))
    instance = office.start()
    before = office.rows()

    with pytest.raises(Failed) as failed:
        office.complete("a")

    (failure,) = office.failures()
    assert office.rows() == before
    assert failed.value.params["failure"] == failure.id and "t" in failed.value.text("zh")
    assert (failure.instance_id, failure.element_id, failure.verb, failure.by) == (
        instance.id,
        "t",
        "complete",
        "lina",
    )
    assert failure.error == "RuntimeError: no vendor on file"
    office.engine.retry(failure.id, LINA, office.now)
    assert office.failures() == [] and office.open() == ["a"]


def test_a_verb_that_succeeds_later_makes_its_failure_good(office_with: OfficeWith) -> None:
    broken = [True]

    def boom(variables: Mapping[str, Any]) -> None:
        if broken:
            raise RuntimeError("no vendor on file")

    office = office_with({"boom": boom})
    office.deploy(process("P", user("a"), service("t", "boom"), end(), flows="s>a; a>t; t>e"))
    office.start()
    with pytest.raises(Failed):
        office.complete("a")
    assert len(office.failures()) == 1

    broken.clear()
    office.complete("a")

    assert office.failures() == [] and office.open() == []


def test_a_failed_start_leaves_no_instance_and_its_failure_names_none(office_with: OfficeWith) -> None:
    def boom(variables: Mapping[str, Any]) -> None:
        raise RuntimeError("no")

    office = office_with({"boom": boom})
    office.deploy(process("P", user("a"), service("t", "boom"), end(), flows="s>a; a>t; t>e"))
    before = office.rows()

    with pytest.raises(Failed):
        office.engine.start("P", LINA, MONDAY, business_key="K1", answer={})

    assert office.rows() == before
    assert [(f.instance_id, f.element_id) for f in office.failures()] == [("", "t")]


def test_a_refusal_of_the_domain_is_no_failure(database: Any) -> None:
    class Refused(Exception):
        """Not today."""

    class Strict(PlainDomain):
        refusals = (Refused,)

        def answer(self, command: Any, task: Any, data: Any) -> Any:
            raise Refused

    office = Office(database, Strict())
    office.deploy(process("P", user("a"), end(), flows="s>a; a>e"))
    office.start()
    before = office.rows()

    with pytest.raises(Refused):
        office.complete("a")

    assert office.rows() == before and office.failures() == []


def test_a_database_that_does_not_answer_is_no_failure_of_the_diagram(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    office.deploy(process("P", user("a"), end(), flows="s>a; a>e"))
    office.start()
    monkeypatch.setattr(office.domain, "answer", locked)

    with pytest.raises(Unavailable):
        office.complete("a")

    assert office.open() == ["a"] and office.failures() == []


def test_a_record_only_verb_is_one_transaction(office: Office) -> None:
    office.deploy(process("P", user("a"), end(), flows="s>a; a>e"))
    office.start()
    before = office.rows()

    with pytest.raises(Failed), office.engine.transaction(LINA, office.now) as command:
        command.connection.execute(update(store.task).values(priority=99))
        raise RuntimeError("no")
    unchanged = office.rows()
    with office.engine.transaction(LINA, office.now) as command:
        command.connection.execute(update(store.task).values(priority=99))

    assert unchanged == before and office.task("a").priority == 99
    assert [f.verb for f in office.failures()] == ["record"]


def test_no_way_out_of_a_gateway_is_a_failure_at_the_gateway(office: Office) -> None:
    office.deploy(
        process("P", user("a"), xor("g"), user("b"), end(), flows="s>a; a>g; g>b[x == 1]; g>e[x == 2]; b>e")
    )
    office.start()

    for answer in ({"x": 3}, {}):
        with pytest.raises(Failed):
            office.complete("a", **answer)

    assert office.open() == ["a"]
    assert [f.element_id for f in office.failures()] == ["g", "g"]


def test_the_variables_that_the_domain_gives_at_rest_reach_waiting_places(database: Any) -> None:
    class Counting(PlainDomain):
        def moved(self, command: Any, instance: Any, open_elements: Any, *_: Any) -> Any:
            return Nothing(variables={"place": ",".join(e.id for e in open_elements)})

    office = Office(database, Counting())
    office.deploy(
        process(
            "P",
            user("a"),
            wait("w"),
            catch("c", message("go")),
            catch("t", timer("PT1H")),
            xor("g"),
            user("b"),
            end(),
            flows="s>a; a>w; w>c; w>t; c>g; t>g; g>b[place == 'w']; g>e[place == 'a']; b>e",
        )
    )
    office.start()
    office.complete("a")
    office.send("go")
    assert office.open() == ["b"]
    office.complete("b")
    office.start()
    office.complete("a")

    office.tick(hours=1)

    assert office.open() == ["b"]


@pytest.fixture
def unlinted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lint looks away: what the engine does with a diagram that should never have been deployed."""
    monkeypatch.setattr("engine.definitions.lint.lint", lambda *a, **k: [])


@pytest.mark.usefixtures("unlinted")
def test_a_circle_of_automatic_steps_stops_with_a_failure(office_with: OfficeWith) -> None:
    office = office_with({"spin": lambda v: {}})
    office.deploy(process("P", user("a"), xor("m"), service("t", "spin"), xor("g"), end(),
                          flows="s>a; a>m; m>t; t>g; g>m[x == 1]; g>e[x == 2]"))  # fmt: skip
    office.start()

    with pytest.raises(Failed):
        office.complete("a", x=1)

    (failure,) = office.failures()
    assert failure.error.startswith("LoopLimit") and failure.element_id in {"m", "t", "g"}
    assert office.open() == ["a"]


@pytest.mark.usefixtures("unlinted")
def test_a_token_that_vanishes_is_a_failure_and_never_an_end(office: Office) -> None:
    link = '<linkEventDefinition id="l{0}" name="L"/>'
    office.deploy(
        process(
            "P",
            user("a"),
            element("intermediateThrowEvent", "t", link.format(1)),
            catch("c", link.format(2)),
            user("b"),
            end(),
            flows="s>a; a>t; c>b; b>e",
        )
    )
    office.start()

    with pytest.raises(Failed):
        office.complete("a")

    (failure,) = office.failures()
    assert failure.error.startswith("DeadEnd") and office.open() == ["a"]
