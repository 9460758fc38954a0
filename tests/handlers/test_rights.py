"""PROCESS §6.10 as a table: who may do what, asked of every verb; and the guards of 200.10."""

from dataclasses import replace

import pytest

from handlers import closure, tables
from handlers.desk import ANSWERS, MESSAGES, TOPICS
from handlers.errors import NotAllowed, Refused
from handlers.incident import Case, Escalation, WorkOrder, rows
from tests.handlers.conftest import NoFacts, actor

DESK, OWN, OTHER, MANAGER, NOBODY = "lina", "zhenghao", "zhoutao", "liuyang", "zhangmin"
EVERYBODY = (DESK, OWN, OTHER, MANAGER, NOBODY)

AT_DESK, SECOND, BOTH = {DESK, MANAGER}, {OWN, MANAGER}, {DESK, OWN, MANAGER}
SUPPORT = {DESK, OWN, OTHER, MANAGER}
"""Who is asked: the desk, the group the call is assigned to, either, any supporter."""

MAY = {
    **{("incident_200", f"T200_{step}"): AT_DESK for step in ("1", "2", "3_complaint", "4", "5", "9", "10")},
    ("incident_200", "S200_3"): AT_DESK,
    ("incident_200", "T200_5_accept"): SECOND,
    ("incident_200", "T200_5_manager"): {MANAGER},
    **{("incident_200", f"T200_{step}"): SECOND for step in ("6", "7", "8")},
    ("incident_200", "T200_9_manager"): {MANAGER},
    ("escalation", "T_ack"): SECOND,
    ("escalation", "T_decide"): SECOND,
    ("incident_200", "withdraw"): AT_DESK,
    ("incident_200", "recall"): AT_DESK,
    ("incident_200", "time_box_over"): {MANAGER},
    ("incident_200", "unanswered"): {MANAGER},
    ("incident_200", "escalation_decided"): {MANAGER},
    ("incident_200", "request_done"): AT_DESK,
    ("incident_200", "parent_solved"): AT_DESK,
    ("incident_200", "detached"): AT_DESK,
    ("incident_200", "vendor_answered"): SECOND,
    **{("incident_200", name): BOTH for name in ("customer_replied", "change_done", "parts_arrived")},
    ("incident_200", "agreed_date_reached"): BOTH,
    ("escalation", "threshold_reached"): SUPPORT,
    ("escalation", "solved"): {MANAGER},
    ("escalation", "withdraw_escalation"): SECOND,
}
VERBS = {**ANSWERS, **MESSAGES}


def test_every_verb_has_its_row():
    assert set(MAY) == set(VERBS)
    assert TOPICS


@pytest.mark.parametrize("verb", MAY, ids="/".join)
@pytest.mark.parametrize("who", EVERYBODY)
def test_who_may_do_what(scene, call, verb, who):
    """A right is asked first; whoever has it meets the next rule, and no other meets it."""
    active = Escalation(
        seq=1,
        trigger="X13",
        level="E1",
        segment=1,
        state="acked",
        raised_at=scene.now,
        holder_group="WG-TRM",
    )
    case = Case(replace(call, assigned_group="WG-TRM", priority="P3"), rows(active))
    asked = replace(scene, by=actor(who), facts=NoFacts())

    assert _allowed(lambda: VERBS[verb](case, {}, asked)) == (who in MAY[verb])


def _allowed(verb):
    try:
        verb()
    except NotAllowed:
        return False
    except Exception:
        return True
    return True


PRIORITIES = [
    ("raise", ("I2", "U2"), ("I1", "U1"), SUPPORT),
    ("lower P2", ("I2", "U2"), ("I4", "U4"), {MANAGER}),
    ("lower P3", ("I4", "U2"), ("I4", "U4"), AT_DESK),
]


@pytest.mark.parametrize(
    ("old", "new", "may"), [row[1:] for row in PRIORITIES], ids=[r[0] for r in PRIORITIES]
)
@pytest.mark.parametrize("who", EVERYBODY)
def test_who_raises_and_who_lowers(hand, old, new, may, who):
    hand.first_line(impact=old[0], urgency=old[1])
    data = {"impact": new[0], "urgency": new[1], "priority_reason": "影响变化"}

    def change():
        with hand.command(who) as command:
            hand.desk.change_priority(command, hand.no, data)

    assert _allowed(change) == (who in may)


SOLVED = {
    "exit_path": "confirmed",
    "solution_kind": "permanent",
    "solution_steps": "步骤",
    "category": "TRM",
    "priority": "P2",
}
GUARDS = {
    "the code fits the path": ("C05", {}),
    "the code fits the solution": ("C01", {"solution_kind": "none"}),
    "a solution has its steps": ("C01", {"solution_steps": None}),
    "an incident has a category": ("C01", {"category": None}),
    "an incident has a priority": ("C01", {"priority": None}),
    "a change is named": ("C04", {}),
    "a workaround on P2 names its problem": ("C02", {"solution_kind": "workaround"}),
    "a child closes as C08": ("C01", {"parent": "SD202611230000"}),
    "only a child closes as C08": ("C08", {}),
    "only the manager closes unsolved": ("C11", {}),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_the_guards_of_closing(codes, scene, call, guard):
    code, broken = GUARDS[guard]
    closure.may_close(Case(replace(call, **SOLVED)), codes.row("closure", "C01"), {}, scene)

    with pytest.raises(Refused):
        closure.may_close(Case(replace(call, **{**SOLVED, **broken})), codes.row("closure", code), {}, scene)


def test_a_call_with_open_children_or_work_orders_does_not_close(codes, scene, call):
    class Facts(NoFacts):
        def children(self, no):
            return (replace(call, no="SD202611230009", status="ST6"),)

    solved, code = replace(call, **SOLVED), codes.row("closure", "C01")
    order = WorkOrder(call=call.no, seq=1, no="x-01", type="DSP", status="W3")

    with pytest.raises(Refused):
        closure.may_close(Case(solved), code, {}, replace(scene, facts=Facts()))
    with pytest.raises(Refused):
        closure.may_close(Case(solved, rows(order)), code, {}, scene)


def test_a_call_of_category_other_is_coded_before_it_closes(hand):
    hand.first_line(category="OTH").answer(
        "T200_4", outcome_4="resolved", solution_kind="permanent", solution_steps="步骤"
    )
    hand.at("T200_9").answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")

    with pytest.raises(closure.CategoryOpen):
        hand.answer("T200_10", closure_code="C01")
    hand.answer("T200_10", closure_code="C01", category_final="TRM")


@pytest.mark.parametrize("marks", [{"priority": "P1"}, {"priority": "P2"}, {"major": True}, {"vip": True}])
def test_what_is_never_closed_without_an_answer(hand, marks):
    hand.solved()
    with hand.database.write() as connection:
        connection.execute(tables.incident.update().where(tables.incident.c.no == hand.no).values(**marks))
    for _ in range(3):
        hand.later(days=1).answer("T200_9", outcome_9="unreachable")

    assert hand.instance.variables["after_unreachable"] == "manager"


@pytest.mark.parametrize("code", ["C05", "C07", "C08", "C09", "C10", "C11"])
def test_what_closed_without_success_is_not_reopened(scene, call, code):
    from handlers import reopening
    from handlers.errors import ReopenRefused

    closed = replace(call, status="ST8", closed_at=scene.now, closure_code=code)

    with pytest.raises(ReopenRefused):
        reopening.reopen(Case(closed), {"reason": "复发"}, scene)
