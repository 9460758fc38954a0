"""Guards that no story needs: each refuses what only a mistake or a race would ask (`tests/mutants`)."""

from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import select

from engine import lint, store
from engine.rows import add_jobs
from tests.engine.conftest import LINA, MONDAY, Office
from tests.engine.drawing import boundary, end, message, process, timer, user


def test_one_message_at_two_boundaries_of_a_task_is_refused() -> None:
    first, second = (boundary(key, "a", message("gone")) for key in ("b", "c"))
    drawn = process("P", user("a"), first, second, end(), end("e2"), end("e3"), flows="s>a; a>e; b>e2; c>e3")

    found = lint.lint({"p.bpmn": drawn}, topics=frozenset(), forms=None)

    assert [f.rule for f in found if f.severity == "error"] == ["same-message"]


def test_a_job_is_taken_once_even_by_who_saw_it_open(office: Office) -> None:
    late = boundary("b", "a", timer("PT1H"))
    office.deploy(process("P", user("a"), late, end(), end("e2"), flows="s>a; a>e; b>e2"))
    office.start()
    with office.database.read() as connection:
        key, due = connection.execute(select(store.job.c.key, store.job.c.due_at)).one()

    with office.database.write() as connection:
        taken = [office.engine.jobs.take(connection, key, due) for _ in range(2)]

    assert taken == [True, False]


def test_a_job_that_was_renewed_for_later_is_not_taken_by_who_saw_it_due(office: Office) -> None:
    late = boundary("b", "a", timer("PT1H"))
    office.deploy(process("P", user("a"), late, end(), end("e2"), flows="s>a; a>e; b>e2"))
    office.start()
    with office.database.read() as connection:
        key, due = connection.execute(select(store.job.c.key, store.job.c.due_at)).one()

    with office.database.write() as connection:
        early = office.engine.jobs.take(connection, key, due - timedelta(seconds=1))
        in_time = office.engine.jobs.take(connection, key, due)

    assert (early, in_time) == (False, True)


def test_a_try_that_fails_late_counts_nothing_of_a_job_renewed_for_later(office: Office) -> None:
    late = boundary("b", "a", timer("PT1H"))
    office.deploy(process("P", user("a"), late, end(), end("e2"), flows="s>a; a>e; b>e2"))
    office.start()
    with office.database.read() as connection:
        key = connection.execute(select(store.job.c.key)).scalar_one()

    office.engine.jobs._again(key, MONDAY, ValueError("too late"))

    with office.database.read() as connection:
        assert connection.execute(select(store.job.c.attempts)).scalar_one() == 0


def test_a_task_that_was_given_back_and_claimed_again_is_not_given_back_twice(office: Office) -> None:
    office.deploy(process("P", user("a", groups="G1"), end(), flows="s>a; a>e"))
    office.start()
    task = office.task("a")
    asked = {"task": task.id, "person": LINA.id}
    with office.engine.transaction(LINA, office.now) as command:
        add_jobs(command, [SimpleNamespace(kind="unclaim", key="u", due=None, payload=asked, renewed=False)])
    office.engine.claim(task.id, LINA, office.now)
    seen = office.engine.jobs._peek("u")
    office.tick()
    office.engine.claim(task.id, LINA, office.now)

    office.engine.jobs._unclaim(seen, office.now)

    assert office.task("a").assignee == LINA.id
