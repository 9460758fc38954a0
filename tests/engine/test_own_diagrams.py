"""Leave and coffee: the engine knows nothing of what its diagrams are about.

Stories by hand through every verb, then random walks: an open instance always waits for somebody or
something.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import store
from engine.forms import Field, Form
from engine.plain import PlainDomain
from engine.ports import Actor
from tests.engine.conftest import MONDAY, Office

HERE = Path(__file__).parent / "diagrams"
ENGINE = Path(__file__).parents[2] / "engine"
STAFF = Actor("wang", "王芳", frozenset({"STAFF"}))
LEAD = Actor("chen", "陈刚", frozenset({"LEADS"}))
BARISTA = Actor("li", "李明", frozenset({"COUNTER"}))
ANYBODY = Actor("all", "", frozenset({"STAFF", "LEADS", "COUNTER"}))
TOPICS = {"check_balance": lambda v: {"enough": v["days"] <= 10}, "brew": lambda v: {"brewed": True}}


def office_on(database: store.Database, topics: Mapping[str, Any] = TOPICS) -> Office:
    office = Office(database, PlainDomain(topics))
    office.by = ANYBODY
    files = {p.name: p.read_bytes() for p in sorted(HERE.iterdir())}
    office.engine.deploy("own", files, ANYBODY, MONDAY)
    return office


def test_leave_is_asked_for_approved_taken_and_ended(database: store.Database) -> None:
    office = office_on(database)
    leave = office.start("leave_request", "L-1")
    back = "2026-11-30T09:00:00+08:00"

    office.complete("T_apply", STAFF, days=20, kind="annual", back_at=back)
    assert office.open() == ["T_apply"]
    office.restart()
    office.complete("T_apply", STAFF, days=3, kind="annual", back_at=back, reason="回老家")
    assert office.open() == ["T_approve", "T_handover"]
    office.engine.claim(office.task("T_approve").id, LEAD, office.now)
    office.engine.unclaim(office.task("T_approve").id, LEAD, office.now)
    office.tick(hours=24)
    assert office.open() == ["T_approve", "T_handover", "T_remind"]
    office.restart()
    office.complete("T_remind", STAFF)
    office.tick(hours=24)
    assert office.open() == ["T_approve", "T_arrange"]
    office.complete("T_arrange", LEAD)
    office.restart()
    office.complete("T_approve", LEAD, approval="approve")
    assert office.open() == [] and office.instance(leave.id).tokens == ["W_back"]
    office.restart()
    office.now = datetime(2026, 11, 30, 1, tzinfo=UTC)
    assert office.tick() == 1
    ended = office.complete("T_register", STAFF)

    assert (ended.end_element, ended.ended_at) == ("End_Back", office.now)
    assert not any(office.waits(leave.id).values()) and office.failures() == []
    happened = office.happened(leave.id)
    assert happened.count(("completed", "T_apply")) == 2
    assert {("timer", "B_overdue"), ("timer", "B_nobody"), ("timer", "C_back_on_time")} <= set(happened)
    (why,) = [h.data for h in office.history(leave.id) if h.kind == "flow" and h.data["flow"] == "F14"]
    assert (why["name"], why["values"]) == ("同意", {"approval": "approve"})


def test_leave_can_be_withdrawn_refused_cut_short_or_cancelled(database: store.Database) -> None:
    office = office_on(database)
    answer = {"days": 2, "kind": "sick", "back_at": "2026-12-01T09:00:00+08:00"}

    office.start("leave_request", "L-1")
    (withdrawn,) = office.send("withdrawn", "L-1")
    office.engine.start("leave_request", STAFF, office.now, business_key="L-2", answer=answer)
    office.complete("T_handover")
    refused = office.complete("T_approve", LEAD, approval="reject")
    office.engine.start("leave_request", STAFF, office.now, business_key="L-3", answer=answer)
    office.complete("T_handover")
    office.complete("T_approve", LEAD, approval="approve")
    office.send("back_early", "L-3")
    back = office.complete("T_register")
    last = office.engine.start("leave_request", STAFF, office.now, business_key="L-4", answer=answer)
    cancelled = office.engine.cancel(last.id, "离职", LEAD, office.now)

    assert [i.end_element for i in (withdrawn, refused, back)] == ["End_Withdrawn", "End_Refused", "End_Back"]
    assert cancelled.ended_at and office.tasks() == () and office.tick(days=90) == 0


def test_coffee_is_brewed_by_a_worker_served_by_the_cup_and_collected(database: store.Database) -> None:
    machine = {"broken": True}

    def brew(variables: Mapping[str, Any]) -> Mapping[str, Any]:
        if machine["broken"]:
            raise OSError("no water")
        return {"brewed": variables["drink"]}

    office = office_on(database, {**TOPICS, "brew": brew})
    order = office.start("coffee_order", "C-1")
    office.complete("T_order", BARISTA, drink="latte", cups=2)
    for _ in range(4):
        office.tick(minutes=5)
    (failure,) = office.failures()
    machine["broken"] = False
    office.engine.retry(failure.id, BARISTA, office.now)
    office.restart()

    office.tick()
    assert office.open() == ["T_serve"]
    office.complete("T_serve", BARISTA)
    office.restart()
    office.complete("T_serve", BARISTA)
    assert office.instance(order.id).tokens == ["W_pickup"]
    office.tick(minutes=15)
    office.complete("T_call", BARISTA, called="here")
    office.restart()
    (collected,) = office.send("collected", "C-1")

    assert collected.end_element == "End_Collected"
    assert office.failures() == [] and not any(office.waits(order.id).values())


def test_coffee_may_be_called_off_while_a_worker_brews(database: store.Database) -> None:
    office = office_on(database)
    office.start("coffee_order", "C-1")
    office.complete("T_order", BARISTA, drink="tea", cups=1)

    (ended,) = office.send("changed_mind", "C-1")

    assert ended.end_element == "End_Cancelled" and office.tick(hours=1) == 0


def test_the_engine_knows_nothing_of_its_domain() -> None:
    told = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted(ENGINE.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "incident" in line.lower()
    ]

    assert told == []


# random walks


def walk(office: Office, process: str, numbers: list[int]) -> None:
    instance = office.start(process, "W-1")
    for number in numbers:
        row = office.instance(instance.id)
        check(office, row)
        if row.ended_at is not None:
            return
        moves = possible(office, instance.id)
        moves[number % len(moves)](number)
    if office.instance(instance.id).ended_at is None:
        office.engine.cancel(instance.id, "tired", ANYBODY, office.now)
    check(office, office.instance(instance.id))


def check(office: Office, row: Any) -> None:
    """An open instance waits for somebody or something; an ended one for nothing."""
    waits = office.waits(row.id)
    assert office.failures() == []
    seqs = [h.seq for h in office.history(row.id)]
    assert seqs == [*range(1, len(seqs) + 1)] and row.history_seq == len(seqs)
    if row.ended_at is not None:
        assert not any(waits.values()) and row.tokens == [] and row.end_element is not None
        return
    assert any(waits.values()) and row.tokens
    assert sorted(t.element_id for t in waits["tasks"]) == sorted(t for t in row.tokens if t.startswith("T_"))


def possible(office: Office, instance_id: str) -> list[Any]:
    """What can happen next to this instance."""
    waits = office.waits(instance_id)
    moves: list[Any] = []
    for task in waits["tasks"]:
        moves.append(
            lambda n, t=task: office.engine.complete(
                t.id, fill(office.engine.form(t.id), n), ANYBODY, office.now
            )
        )
        moves.append(lambda n, t=task: office.engine.claim(t.id, ANYBODY, office.now))
    for wait in waits["messages"]:
        moves.append(lambda n, w=wait: office.send(w.message, "W-1"))
    if waits["jobs"]:
        moves.append(lambda n: pass_to(office, min(j.due_at for j in waits["jobs"])))
    return moves


def pass_to(office: Office, due: datetime) -> None:
    office.now = max(office.now, due)
    office.tick()


def fill(form: Form | None, number: int) -> dict[str, Any]:
    return {f.key: value(f, number) for f in form.fields if f.required} if form else {}


def value(field: Field, number: int) -> Any:
    match field.type:
        case "number":
            return 1 + number % 3 if field.key == "cups" else 1 + number % 15
        case "datetime":
            return (MONDAY + timedelta(hours=number * 7)).isoformat()
        case _:
            return field.values[number % len(field.values)][0]


@pytest.mark.parametrize("process", ["leave_request", "coffee_order"])
def test_wherever_an_instance_walks_it_waits_for_somebody_or_something(
    process: str, database: store.Database
) -> None:
    office = office_on(database)

    @given(st.lists(st.integers(0, 30), min_size=14, max_size=14))
    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def holds(numbers: list[int]) -> None:
        walk(office, process, numbers)

    holds()
