"""Guards that no story needs: each refuses what only a mistake or a race would ask (`tests/mutants`)."""

from sqlalchemy import select

from engine import lint, store
from tests.engine.conftest import MONDAY, Office
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
        key = connection.execute(select(store.job.c.key)).scalar_one()

    with office.database.write() as connection:
        taken = [office.engine.jobs.take(connection, key, MONDAY) for _ in range(2)]

    assert taken == [True, False]
