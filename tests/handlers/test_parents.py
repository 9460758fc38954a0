"""Duplicates and their parents: who may be one, and what solving it does (PROCESS §6.5.5, §6.11)."""

import threading
from copy import copy

import pytest
from sqlalchemy import event, select

from engine.ports import Task
from engine.prepared import _Prepared
from handlers import tables
from handlers.errors import ChildrenOpen, ParentRefused
from tests.handlers.conftest import element

SOLUTION = {"solution_kind": "permanent", "solution_steps": "重启外设服务"}


@pytest.fixture
def family(hand):
    """A parent with first line and a child linked at 200.2; the hand holds the child."""
    parent = hand.first_line().instance
    hand.registered().at("T200_2")
    hand.answer("T200_2", outcome_2="duplicate", parent=parent.business_key).at("W_parent")
    return parent, hand.instance


def solve(hand, parent):
    hand.instance = parent
    return hand.answer("T200_4", outcome_4="resolved", **SOLUTION).at("T200_9")


def test_a_parent_that_is_worked_again_solves_no_child(hand, family):
    parent, child = family
    solve(hand, parent).answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_4")
    assert hand.record["resolved_at"] is not None

    hand.instance = child
    with pytest.raises(ParentRefused):
        hand.message("parent_solved", "system")


def test_a_parent_solved_a_second_time_tells_its_children_again(hand, family):
    parent, _ = family
    first = solve(hand, parent).effect.jobs[0].key
    hand.answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_4")

    again = solve(hand, parent).effect.jobs[0].key

    assert again != first


def test_a_call_linked_before_it_was_judged_is_judged_when_it_is_detached(hand, family):
    hand.message("detached")
    assert hand.instance.variables["return_step"] == "T200_2"

    hand.at("T200_2").answer("T200_2", outcome_2="proceed", category="TRM", impact="I4", urgency="U3")
    hand.call("prioritise").at("T200_4")
    assert (hand.record["parent"], hand.record["priority"]) == (None, "P4")


def test_a_call_that_was_judged_goes_on_at_first_line(hand):
    parent = hand.first_line().no
    hand.first_line().answer("T200_4", outcome_4="duplicate", parent=parent).at("W_parent")

    assert hand.message("detached").instance.variables["return_step"] == "T200_4"


def test_a_child_that_was_never_judged_takes_its_parents_judgement(hand, family):
    parent, child = family
    solve(hand, parent)
    hand.instance = child
    hand.message("parent_solved", "system").at("T200_9")

    hand.answer("T200_9", outcome_9="refused", refuse_reason="N1")

    assert hand.instance.variables["return_step"] == "T200_4"
    assert hand.record["category"] and hand.record["priority"]


def test_a_child_that_was_never_judged_has_an_update_due_when_its_caller_refuses(hand, family):
    parent, child = family
    solve(hand, parent)
    hand.instance = child
    hand.message("parent_solved", "system").at("T200_9")

    hand.answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_4")

    assert hand.record["update_by"] is not None


def test_nothing_that_was_not_judged_is_a_parent_or_a_grandchild(hand, family):
    parent, child = family
    request = hand.registered(call_type="SR", classification="SR-CON-STA").no
    hand.first_line()

    for no in (child.business_key, request, hand.no, "SD209901010001"):
        with pytest.raises(ParentRefused):
            hand.answer("T200_4", outcome_4="duplicate", parent=no)
    other = hand.instance
    hand.instance = parent
    with pytest.raises(ParentRefused):
        hand.answer("T200_4", outcome_4="duplicate", parent=other.business_key)


@pytest.mark.parametrize("closed", [False, True])
def test_a_solved_or_closed_call_takes_no_children(hand, closed):
    hand.first_line().answer("T200_4", outcome_4="resolved", **SOLUTION).at("T200_9")
    if closed:
        hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
        hand.answer("T200_10", closure_code="C01").call("close")
    parent = hand.no
    hand.first_line()

    with pytest.raises(ParentRefused):
        hand.answer("T200_4", outcome_4="duplicate", parent=parent)


def test_a_parent_does_not_close_over_an_open_child(hand, family):
    parent, _ = family
    solve(hand, parent).answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")

    with pytest.raises(ChildrenOpen):
        hand.answer("T200_10", closure_code="C01")


def test_the_row_of_the_parent_is_locked_before_the_childs(hand, monkeypatch):
    parent = hand.first_line().no
    child = hand.first_line().no
    order = []

    def locking(connection, cursor, statement, parameters, context, many):
        if "FOR UPDATE" in statement:
            order.append(next(iter(parameters.values())))

    def bind(statement, parameters):
        if "FOR UPDATE" in statement.text:
            order.append(next(iter(parameters.values())))
        return plain(statement, parameters)

    plain = _Prepared.bind
    monkeypatch.setattr(_Prepared, "bind", bind)
    event.listen(hand.database.engine, "before_cursor_execute", locking)
    hand.answer("T200_4", outcome_4="duplicate", parent=parent)
    event.remove(hand.database.engine, "before_cursor_execute", locking)

    if hand.database.engine.dialect.name == "postgresql":
        assert order[:2] == [parent, child]


def test_a_parent_being_solved_waits_for_the_child_being_linked(hand):
    if hand.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    parent = hand.first_line().instance
    hand.first_line()
    child, linking = hand.instance, copy(hand)
    hand.instance = parent
    solved = threading.Thread(target=lambda: solve(hand, parent))

    with linking.command("lina") as command:
        data = {"outcome_4": "duplicate", "parent": parent.business_key}
        linking.desk.answer(command, Task("t", element("T200_4"), child, None, (), hand.now), data)
        linking.desk.moved(command, child, (element("W_parent"),), None)
        solved.start()
        solved.join(0.5)
        assert solved.is_alive()
    solved.join(20)

    assert [job.payload["business_key"] for job in hand.effect.jobs] == [child.business_key]


@pytest.fixture
def parent(hand):
    return hand.first_line().no


def link(hand, parent):
    """Another call is linked to the parent, which then looks at its children; the triggers it calls."""
    hand.registered().at("T200_2").answer("T200_2", outcome_2="duplicate", parent=parent)
    (job,) = hand.effect.jobs
    hand.at("W_parent")
    with hand.command("system") as command:
        effect = hand.desk.work(command, job.payload)
    return [one.payload["data"] for one in effect.jobs if one.kind == "start_or_send"]


def told_to_judge_again(hand, parent):
    with hand.database.read() as connection:
        found = connection.execute(select(tables.notice).where(tables.notice.c.call == parent))
        return [row.recipient for row in found if row.event == "rejudge_impact"]


X10 = {"trigger": "X10", "level": "E1"}


def test_three_children_in_half_an_hour_alarm_once_and_have_the_impact_judged_again(hand, parent):
    raised = [link(hand.later(minutes=minutes), parent) for minutes in (1, 15, 15, 1, 1)]

    assert raised == [[], [], [X10], [], []]
    assert told_to_judge_again(hand, parent) == ["lina"]


def test_three_children_in_a_longer_time_alarm_nobody(hand, parent):
    raised = [link(hand.later(minutes=minutes), parent) for minutes in (1, 15, 16)]

    assert raised == [[], [], []]
    assert told_to_judge_again(hand, parent) == []


def test_a_child_that_was_detached_does_not_count(hand, parent):
    link(hand, parent)
    hand.message("detached").at("T200_2")

    assert [link(hand, parent), link(hand, parent)] == [[], []]
