"""Random walks through random diagrams, on a database: nothing that lint accepts comes to a standstill."""

from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import store
from engine.plain import PlainDomain
from tests.engine.conftest import Office
from tests.engine.test_state import drawings


def test_an_instance_of_any_diagram_waits_for_somebody_or_something(database: store.Database) -> None:
    office = Office(database, PlainDomain({"note": lambda v: {"served": True}}))

    @given(drawings(), st.lists(st.integers(0, 20), min_size=12, max_size=12))
    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def holds(raw: bytes, numbers: list[int]) -> None:
        office.deploy(raw)
        walk(office, numbers)

    holds()


def walk(office: Office, numbers: list[int]) -> None:
    instance = office.start("P", "W-1", again=False, items=["p", "q"])
    for number in numbers:
        if not check(office, instance.id):
            return
        moves = possible(office, instance.id)
        moves[number % len(moves)](number)
    if check(office, instance.id):
        office.engine.cancel(instance.id, "tired", office.by, office.now)
    check(office, instance.id)


def check(office: Office, instance_id: str) -> bool:
    """Whether the instance is open; then something can move it, else nothing is left of it."""
    row, waits = office.instance(instance_id), office.waits(instance_id)
    seqs = [h.seq for h in office.history(instance_id)]
    assert office.failures() == []
    assert seqs == [*range(1, len(seqs) + 1)] and row.history_seq == len(seqs)
    assert any(waits.values()) == (row.ended_at is None)
    assert bool(row.tokens) == (row.ended_at is None) == (row.end_element is None)
    ends = [h for h in office.history(instance_id) if h.kind in ("ended", "cancelled")]
    assert row.ended_at is None or ends[-1].at == row.ended_at
    return row.ended_at is None


def possible(office: Office, instance_id: str) -> list[Any]:
    """What can happen next to this instance: an answer, a claim, a message, or time passes."""
    waits, moves = office.waits(instance_id), list[Any]()
    for task in sorted(waits["tasks"], key=lambda t: t.id):
        moves.append(
            lambda n, t=task: office.engine.complete(
                t.id,
                {"again": n % 3 == 0, "x": n},
                office.by,
                office.now,
                revision=office.instance(instance_id).revision,
            )
        )
        moves.append(lambda n, t=task: office.engine.claim(t.id, office.by, office.now))
    for name in sorted({m.message for m in waits["messages"]}):
        moves.append(lambda n, m=name: office.send(m, "W-1", x=n))
    if waits["jobs"]:
        moves.append(lambda n: pass_to(office, min(j.due_at for j in waits["jobs"])))
    return moves


def pass_to(office: Office, due: datetime) -> None:
    office.now = max(office.now, due)
    office.tick()
