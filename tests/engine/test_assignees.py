"""Who works on a task: given to colleagues, delegated and given back, remarked on, on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine import store
from engine.errors import (
    NotCandidate,
    NotDelegated,
    OthersGroups,
    TaskAssigned,
    TaskDelegated,
    TaskNotFound,
    TaskNotOpen,
)
from engine.plain import PlainDomain
from engine.ports import Actor, Nothing
from tests.engine.conftest import GUEST, LINA, MONDAY, ZHAO, Office
from tests.engine.drawing import end, process, user

ONE_STEP = process("P", user("a"), end(), flows="s>a; a>e")
GROUPS = {"lina": frozenset({"G1"}), "zhao": frozenset({"G1", "G2"}), "guest": frozenset[str]()}


class NoBusiness(Exception):
    """This person gives nobody anything."""


class Strict(PlainDomain):
    """Knows three people; the guest gives nobody a task; remembers what it was told."""

    refusals = (NoBusiness,)

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str | None] = []

    def assignee(self, command: Any, task: Any, person: str | None) -> Actor | None:
        if command.by.id == "guest":
            raise NoBusiness
        return Actor(person, groups=GROUPS[person]) if person else None

    def claimed(self, command: Any, task: Any, assignee: str | None) -> Any:
        self.told.append(assignee)
        return Nothing()


@pytest.fixture
def strict(database: store.Database) -> Office:
    """An office with the strict domain and one open task."""
    made = Office(database, Strict())
    made.deploy(ONE_STEP)
    made.start()
    return made


def last(office: Office, count: int) -> list[tuple[str, str, Any]]:
    """The last rows of history: kind, by, data."""
    row = office.task("a")
    return [(h.kind, h.by, h.data) for h in office.history(row.instance_id)][-count:]


def test_a_task_is_assigned_to_a_colleague_who_alone_completes_it(strict: Office) -> None:
    task = strict.task("a")

    strict.engine.assign(task.id, "zhao", LINA, MONDAY)
    with pytest.raises(TaskAssigned):
        strict.complete("a", by=LINA)

    assert strict.task("a").assignee == "zhao"
    assert last(strict, 1) == [("assigned", "lina", {"assignee": "zhao"})]
    assert strict.domain.told == ["zhao"]  # type: ignore[attr-defined]
    strict.complete("a", by=ZHAO)


def test_assigning_again_to_the_same_changes_nothing(strict: Office) -> None:
    task = strict.task("a")
    strict.engine.assign(task.id, "zhao", LINA, MONDAY)
    before = strict.rows()

    strict.engine.assign(task.id, "zhao", LINA, MONDAY)

    assert strict.rows() == before


def test_a_task_is_given_back_by_its_holder_or_by_whom_the_domain_lets(strict: Office) -> None:
    task = strict.task("a")
    strict.engine.claim(task.id, ZHAO, MONDAY)
    before = strict.rows()

    with pytest.raises(NoBusiness):
        strict.engine.unclaim(task.id, GUEST, MONDAY)
    assert strict.rows() == before
    strict.engine.unclaim(task.id, LINA, MONDAY)
    strict.engine.unclaim(task.id, GUEST, MONDAY)

    assert strict.task("a").assignee is None
    assert [(kind, by) for kind, by, _ in last(strict, 2)] == [("claimed", "zhao"), ("unclaimed", "lina")]


def test_assigning_to_oneself_is_a_claim_and_to_nobody_gives_it_back(strict: Office) -> None:
    task = strict.task("a")

    strict.engine.assign(task.id, "lina", LINA, MONDAY)
    strict.engine.assign(task.id, None, LINA, MONDAY)

    assert [kind for kind, _, _ in last(strict, 2)] == ["claimed", "unclaimed"]
    assert strict.task("a").assignee is None


@pytest.mark.parametrize(
    ("person", "by", "error"), [("guest", LINA, OthersGroups), ("zhao", GUEST, NoBusiness)]
)
def test_a_task_stays_within_its_groups_and_with_those_who_may_give_it(
    strict: Office, person: str, by: Actor, error: type[Exception]
) -> None:
    task = strict.task("a")
    before = strict.rows()

    for give in (strict.engine.assign, strict.engine.delegate):
        with pytest.raises(error):
            give(task.id, person, by, MONDAY)

    assert strict.rows() == before and not strict.failures()


def test_only_a_free_task_is_given_if_so_asked(strict: Office) -> None:
    task = strict.task("a")
    strict.engine.claim(task.id, LINA, MONDAY)

    with pytest.raises(TaskAssigned):
        strict.engine.assign(task.id, "zhao", ZHAO, MONDAY, only_free=True)

    assert strict.task("a").assignee == "lina"


def test_a_delegated_task_is_resolved_and_then_completed_by_its_owner(strict: Office) -> None:
    task = strict.task("a")
    strict.engine.claim(task.id, LINA, MONDAY)

    strict.engine.delegate(task.id, "zhao", LINA, MONDAY)
    with pytest.raises(TaskDelegated):
        strict.complete("a", by=ZHAO)
    with pytest.raises(TaskAssigned):
        strict.engine.resolve(task.id, LINA, MONDAY)
    pending = strict.task("a")
    strict.restart()
    strict.engine.resolve(task.id, ZHAO, MONDAY)
    with pytest.raises(NotDelegated):
        strict.engine.resolve(task.id, LINA, MONDAY)

    assert (pending.assignee, pending.owner, pending.delegation) == ("zhao", "lina", "PENDING")
    back = strict.task("a")
    assert (back.assignee, back.owner, back.delegation) == ("lina", "lina", "RESOLVED")
    assert last(strict, 2) == [
        ("delegated", "lina", {"assignee": "zhao"}),
        ("resolved", "zhao", {"assignee": "lina"}),
    ]
    strict.complete("a", by=LINA)


def test_a_delegated_task_that_is_given_back_is_delegated_no_more(strict: Office) -> None:
    task = strict.task("a")
    strict.engine.delegate(task.id, "zhao", LINA, MONDAY)

    strict.engine.unclaim(task.id, ZHAO, MONDAY)

    free = strict.task("a")
    assert (free.assignee, free.owner, free.delegation) == (None, None, None)
    strict.complete("a", by=LINA)


def test_a_remark_is_kept_beside_the_task(strict: Office) -> None:
    task = strict.task("a")

    said = strict.engine.comment(task.id, "先称重", ZHAO, MONDAY)
    with pytest.raises(NotCandidate):
        strict.engine.comment(task.id, "x", GUEST, MONDAY)
    strict.complete("a")

    with strict.database.read() as connection:
        (row,) = connection.execute(select(store.comment))
    assert (row.id, row.task_id, row.by, row.at, row.message) == (said, task.id, "zhao", MONDAY, "先称重")
    assert ("commented", "a") in strict.happened(task.instance_id)


def test_a_follow_up_is_kept_and_taken_away(strict: Office) -> None:
    task, later = strict.task("a"), MONDAY + timedelta(days=1)

    strict.engine.postpone(task.id, later, LINA, MONDAY)
    kept = strict.task("a").follow_up_at
    strict.engine.postpone(task.id, None, LINA, MONDAY)
    with pytest.raises(NotCandidate):
        strict.engine.postpone(task.id, later, GUEST, MONDAY)

    assert (kept, strict.task("a").follow_up_at) == (later, None)
    assert last(strict, 2)[0] == ("postponed", "lina", {"follow_up_at": later.isoformat()})


@pytest.mark.parametrize("verb", ["assign", "delegate", "resolve", "comment", "postpone"])
def test_no_verb_touches_a_finished_or_unknown_task(strict: Office, verb: str) -> None:
    task, act = strict.task("a"), getattr(strict.engine, verb)
    more = {"assign": ("zhao",), "delegate": ("zhao",), "comment": ("x",), "postpone": (MONDAY,)}.get(
        verb, ()
    )
    strict.complete("a")
    before = strict.rows()

    with pytest.raises(TaskNotOpen):
        act(task.id, *more, LINA, MONDAY)
    with pytest.raises(TaskNotFound):
        act("none", *more, LINA, MONDAY)

    assert strict.rows() == before


def test_a_domain_may_refuse_to_cancel_and_to_deploy(database: store.Database) -> None:
    class Closed(Strict):
        def cancelling(self, command: Any, instance: Any, reason: str) -> Any:
            raise NoBusiness

        def deploying(self, command: Any) -> None:
            if command.by.id == "guest":
                raise NoBusiness

    office = Office(database, Closed())
    office.deploy(ONE_STEP)
    instance = office.start()
    before = office.rows()

    with pytest.raises(NoBusiness):
        office.engine.cancel(instance.id, "why", LINA, MONDAY)
    with pytest.raises(NoBusiness):
        office.engine.deploy("x", {"d.bpmn": ONE_STEP}, GUEST, MONDAY)

    assert office.rows() == before


def test_what_the_diagram_says_of_follow_up_and_form_key_is_on_the_task(office: Office) -> None:
    drawn = user("a", camunda_followUpDate="2026-11-24T09:00:00+08:00", camunda_formKey="embedded:app:a.html")
    office.deploy(process("P", drawn, end(), flows="s>a; a>e"))
    office.start()

    task = office.task("a")

    assert task.follow_up_at == MONDAY + timedelta(days=1)
    assert task.form_key == "embedded:app:a.html"
