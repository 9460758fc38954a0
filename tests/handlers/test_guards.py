"""Guards that no story needs: each refuses what only a mistake or an attempt would ask (`tests/mutants`)."""

from dataclasses import replace

import pytest

from handlers import audit, closure, duplicates, registration, reopening
from handlers.closure import CategoryOpen
from handlers.errors import (
    ChildrenOpen,
    ClosureCodeRefused,
    NotAllowed,
    ParentRefused,
    ProblemNeeded,
    ReopenRefused,
    WorkOrderRefused,
    WrongBranch,
)
from handlers.incident import Case
from handlers.outcome import Outcome, Row
from tests.handlers.conftest import NoFacts, at

SOLVED = {"exit_path": "confirmed", "solution_steps": "步骤", "category": "TRM"}


class Calls(NoFacts):
    """Look-ups that know these calls only."""

    def __init__(self, *calls):
        self._calls = {call.no: call for call in calls}

    def call(self, no):
        return self._calls.get(no)

    def children(self, no):
        return [call for call in self._calls.values() if call.parent == no]


@pytest.mark.parametrize("priority", ["P1", "P2"])
def test_a_workaround_of_an_urgent_call_needs_a_problem_record(codes, scene, call, priority):
    around = replace(call, **SOLVED, solution_kind="workaround", priority=priority)
    code = codes.row("closure", "C02")

    with pytest.raises(ProblemNeeded):
        closure.may_close(Case(around), code, {}, scene)
    closure.may_close(Case(around), code, {"problem_ref": "PRB-1"}, scene)
    closure.may_close(Case(replace(around, priority="P3")), code, {}, scene)


@pytest.mark.parametrize(
    ("code", "kind"), [("C01", "workaround"), ("C02", "permanent"), ("C06", "permanent")]
)
def test_a_closure_code_fits_the_kind_of_solution(codes, scene, call, code, kind):
    solved = replace(call, **SOLVED, solution_kind=kind, priority="P3")

    with pytest.raises(ClosureCodeRefused):
        closure.may_close(Case(solved), codes.row("closure", code), {}, scene)


def test_a_parent_does_not_close_before_its_children_are_solved(codes, scene, call):
    child = replace(call, no="SD202611230002", parent=call.no, status="ST6")
    solved = replace(call, **SOLVED, solution_kind="permanent", priority="P3")
    knowing = replace(scene, facts=Calls(child))

    with pytest.raises(ChildrenOpen):
        closure.may_close(Case(solved), codes.row("closure", "C01"), {}, knowing)


def test_the_category_other_is_recoded_before_a_call_closes(scene, call):
    judged = replace(call, **SOLVED, solution_kind="permanent", priority="P3")
    solved = replace(judged, category="OTH")

    with pytest.raises(CategoryOpen):
        closure.closing(Case(solved), {"closure_code": "C01"}, scene)
    closure.closing(Case(solved), {"closure_code": "C01", "category_final": "APP"}, scene)


def test_a_call_is_no_parent_of_itself_or_of_grand_children(scene, call):
    parent = replace(call, no="P", parent="Q")
    lone = replace(call, no="L")
    knowing = replace(scene, facts=Calls(call, parent, lone, replace(call, no="C", parent=call.no)))

    for case, wanted in ((lone, "L"), (lone, "P"), (call, "L"), (lone, "nobody")):
        with pytest.raises(ParentRefused):
            duplicates.link(Case(case), {"parent": wanted}, knowing)


@pytest.mark.parametrize("code", ["C05", "C07", "C09", "C10"])
def test_only_a_call_that_was_solved_is_reopened(scene, call, code):
    closed = replace(call, status="ST8", closed_at=scene.now, closure_code=code)

    with pytest.raises(ReopenRefused):
        reopening.reopen(Case(closed), {"reason": "又坏了"}, scene)


def test_the_classification_is_of_the_type_of_the_call(scene, call):
    answer = {"call_type": "SR", "classification": "INC-EQP-PRT", "subject": "x"}

    with pytest.raises(WrongBranch):
        registration.record(Case(call), answer | {"source": "MON", "medium": "PHONE"}, scene)


@pytest.mark.parametrize("who", ["wumin", "lina"])
def test_only_the_assigned_group_works_at_second_line(hand, who):
    hand.accepted()

    with pytest.raises(NotAllowed):
        hand.answer("T200_6", who, outcome_6="vendor")


def test_a_work_order_moves_by_its_table_only(hand):
    from handlers import ledger

    hand.dispatched()

    with pytest.raises(WorkOrderRefused), hand.command("lina") as command:
        case = ledger.read(command.connection, hand.no)
        back = Outcome(rows=[Row("work_order", 1, {"status": "W8"})])
        ledger.write(command.connection, case, back, hand.desk._scene(command), "test")


def test_a_log_that_begins_with_another_number_is_broken():
    plain = {"call": "c", "at": at(11, 23, 9), "by": "lina", "step": "200.1", "what": "x", "field": None}
    lines = audit.chain([plain | {"old": None, "new": "1"}], 4, "")

    assert audit.first_broken(lines, 5, lines[0]["hash"]) == 1
    assert audit.first_broken(lines, 1, lines[0]["hash"]) == 1


def test_a_log_whose_lines_do_not_hang_together_is_broken():
    plain = {"call": "c", "at": at(11, 23, 9), "by": "lina", "step": "200.1", "what": "x", "field": None}
    first = audit.chain([plain | {"old": None, "new": "1"}], 0, "")
    other = audit.chain([plain | {"old": None, "new": "2"}], 1, "another head")

    assert audit.first_broken([*first, *other], 2, other[0]["hash"]) == 2
