"""Duplicates and their parents: who may be one, and what solving it does (PROCESS §6.5.5, §6.11)."""

import pytest

from handlers.errors import ParentRefused

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
