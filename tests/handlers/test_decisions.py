"""Decisions with plain values: matrix, tables, counting, calendar, chain."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from handlers import (
    audit,
    calendar,
    classification,
    closure,
    escalation,
    levels,
    status,
    tables,
    vendor,
    waits,
)
from handlers.codes import Codes, shipped
from handlers.errors import (
    ClosureCodeRefused,
    HoldTooLong,
    LoweringRefused,
    Missing,
    NotALeaf,
    Refused,
    TransitionRefused,
    UnknownCode,
    WorkOrdersOpen,
)
from handlers.incident import (
    Case,
    Engagement,
    Escalation,
    HandOff,
    Incident,
    Scene,
    Vendor,
    WorkOrder,
    rows,
)
from handlers.outcome import Notice, Outcome
from tests.handlers.conftest import NoFacts, actor, at

MATRIX = {
    "I1": ("P1", "P1", "P2", "P3"),
    "I2": ("P1", "P2", "P3", "P3"),
    "I3": ("P2", "P3", "P3", "P4"),
    "I4": ("P3", "P3", "P4", "P4"),
}
URGENCIES = ("U1", "U2", "U3", "U4")
CELLS = [(i, u, row[place]) for i, row in MATRIX.items() for place, u in enumerate(URGENCIES)]


@pytest.mark.parametrize(("impact", "urgency", "priority"), CELLS)
def test_every_cell_of_the_matrix(codes, scene, call, impact, urgency, priority):
    decided = classification.prioritise(Case(replace(call, impact=impact, urgency=urgency)), {}, scene)

    assert decided.changes["priority"] == priority


def test_the_matrix_is_monotone_in_both_axes(codes):
    ranks = [[codes.rank(codes.matrix(impact, urgency)) for urgency in URGENCIES] for impact in MATRIX]

    assert all(row == sorted(row) for row in ranks)
    assert all(list(column) == sorted(column) for column in zip(*ranks, strict=True))


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [("I4", "U3", "P3"), ("I3", "U2", "P2"), ("I2", "U2", "P2"), ("I1", "U1", "P1")],
)
def test_a_vip_raises_urgency_one_step_but_never_to_p1_alone(scene, call, impact, urgency, priority):
    call = replace(call, impact=impact, urgency=urgency, vip=True)

    assert classification.matrix(call, scene) == priority


def test_a_vip_raises_urgency_in_a_later_change_too(scene, call):
    judged = replace(call, call_type="INC", impact="I3", urgency="U3", priority="P3", vip=True)
    answer = {"impact": "I3", "urgency": "U2", "priority_reason": "面签排队"}

    decided = classification.change_priority(Case(judged), answer, scene)

    assert decided.changes["priority"] == "P2"


def test_an_override_below_p2_needs_the_manager(scene, call):
    wanted = replace(call, impact="I2", urgency="U2", priority="P4", priority_reason="影响小")

    with pytest.raises(LoweringRefused):
        classification.prioritise(Case(wanted), {}, scene)
    by_manager = replace(scene, by=actor("liuyang"))
    assert classification.prioritise(Case(wanted), {}, by_manager).changes["priority"] == "P4"


def test_only_leaves_of_the_classification_are_stored(codes):
    for code in ("INC", "INC-EQP", "SR-ACC"):
        with pytest.raises(NotALeaf):
            codes.leaf(code, "classification")
    with pytest.raises(UnknownCode):
        codes.leaf("INC-XXX", "classification")
    assert codes.leaf("INC-USE", "classification").parent == "INC"


ALLOWED = {
    "ST1": {"ST2", "ST9", "ST7"},
    "ST2": {"ST3", "ST6", "ST7", "ST9"},
    "ST3": {"ST4", "ST2"},
    "ST4": {"ST5", "ST6", "ST7", "ST2"},
    "ST5": {"ST4", "ST6", "ST7"},
    "ST6": set(),
    "ST7": {"ST8", "ST2", "ST4"},
    "ST8": {"ST2", "ST4"},
    "ST9": {"ST7", "ST2"},
}


@pytest.mark.parametrize("old", ALLOWED)
def test_only_the_transitions_of_the_table(codes, call, old):
    for new in ALLOWED:
        if new == old:
            continue
        if new in ALLOWED[old]:
            status.check(replace(call, status=old), {"status": new}, codes)
        else:
            with pytest.raises(TransitionRefused):
                status.check(replace(call, status=old), {"status": new}, codes)


CLOSES = {
    "ST1": {"C09", "C07", "C11"},
    "ST2": {"C05", "C07", "C09", "C11"},
    "ST3": {"C07", "C11"},
    "ST4": {"C07", "C11"},
    "ST5": {"C07", "C11"},
    "ST6": {"C07", "C11"},
    "ST9": {"C07", "C10", "C11"},
}


@pytest.mark.parametrize("old", CLOSES)
def test_a_call_closes_from_each_status_with_its_codes_only(codes, call, old):
    for code in codes.active("closure"):
        closing = {"status": "ST8", "closure_code": code}
        if code in CLOSES[old]:
            status.check(replace(call, status=old), closing, codes)
        else:
            with pytest.raises(TransitionRefused):
                status.check(replace(call, status=old), closing, codes)


@pytest.mark.parametrize(
    ("held_from", "hold", "to"),
    [
        ("ST2", "H1", "ST2"),
        ("ST4", "H1", "ST4"),
        ("ST5", "H2", "ST5"),
        ("ST4", "H3", "ST2"),
        ("ST2", "H3", "ST7"),
    ],
)
def test_a_hold_ends_where_it_began_or_with_its_parent(codes, call, held_from, hold, to):
    held = replace(call, status="ST6", held_from=held_from, hold=hold)

    status.check(held, {"status": to}, codes)
    for other in ("ST1", "ST2", "ST3", "ST4", "ST5", "ST7", "ST9"):
        if other != to and (other != held_from) and not (hold == "H3" and other in ("ST2", "ST7")):
            with pytest.raises(TransitionRefused):
                status.check(held, {"status": other}, codes)


VALID = {
    "confirmed": {"C01", "C02", "C03", "C04", "C06"},
    "answered": {"C03"},
    "handed_off": {"C10"},
    "false_alarm": {"C05"},
    "withdrawn": {"C07"},
    "out_of_scope": {"C09"},
}
KINDS = {"C02": "workaround", "C06": "none"}


@pytest.mark.parametrize("path", VALID)
def test_each_closing_path_has_its_codes(codes, scene, call, path):
    for code in codes.active("closure"):
        solved = replace(
            call,
            exit_path=path,
            solution_kind=KINDS.get(code, "permanent"),
            solution_steps="步骤",
            change_ref="CHG-1",
            priority="P3",
            category="TRM",
        )
        if code in VALID[path]:
            closure.may_close(Case(solved), codes.row("closure", code), {}, scene)
        else:
            with pytest.raises(Refused):
                closure.may_close(Case(solved), codes.row("closure", code), {}, scene)


def test_children_and_only_children_close_as_c08(codes, scene, call):
    child = replace(call, exit_path="confirmed", parent="SD202611230000", solution_kind="permanent")

    closure.may_close(Case(child), codes.row("closure", "C08"), {}, scene)
    with pytest.raises(ClosureCodeRefused):
        closure.may_close(Case(replace(child, solution_steps="x")), codes.row("closure", "C01"), {}, scene)


@pytest.mark.parametrize(("code", "field"), [("C01", "solution_steps"), ("C04", "change_ref")])
def test_what_a_success_code_needs(codes, scene, call, code, field):
    steps = "x" if field != "solution_steps" else None
    judged = replace(call, category="TRM", priority="P3")
    solved = replace(judged, exit_path="confirmed", solution_kind="permanent", solution_steps=steps)

    with pytest.raises(Missing) as refused:
        closure.may_close(Case(solved), codes.row("closure", code), {}, scene)
    assert set(refused.value.fields) == {field}


@pytest.mark.parametrize("state", ["W1", "W2", "W3", "W4"])
def test_a_call_does_not_close_over_an_open_work_order(codes, scene, call, state):
    order = WorkOrder(call=call.no, seq=1, no="x-01", type="DSP", status=state)
    withdrawn = replace(call, exit_path="withdrawn")

    with pytest.raises(WorkOrdersOpen):
        closure.may_close(Case(withdrawn, rows(order)), codes.row("closure", "C07"), {}, scene)


def test_a_day_of_business_hours_ends_at_the_closing_time(codes):
    assert calendar.add(codes, "BH", at(11, 23, 9, 5), 240) == at(11, 23, 14, 35)
    assert calendar.add(codes, "BH", at(11, 25, 8, 30), 480) == at(11, 25, 18, 0)
    assert calendar.add(codes, "BH", at(11, 27, 19, 0), 120) == at(11, 30, 10, 30)
    assert calendar.add(codes, "24x7", at(11, 29, 2, 10), 120) == at(11, 29, 4, 10)


def test_measure_skips_lunch_nights_and_weekends(codes):
    assert calendar.measure(codes, "BH", at(11, 25, 10), at(11, 25, 15)) == 210
    assert calendar.measure(codes, "BH", at(11, 27, 17), at(11, 30, 10)) == 150
    assert calendar.measure(codes, "BH", at(11, 28, 9), at(11, 28, 17)) == 0


def test_waiting_for_the_customer_has_a_longest_time(scene, call):
    answer = {"hold_comment": "等", "expected_resume": scene.now + timedelta(days=30)}

    with pytest.raises(HoldTooLong):
        waits.hold(Case(replace(call, priority="P4")), "H1", answer, scene, "T200_4")


@pytest.mark.parametrize(("priority", "minutes"), [("P1", 30), ("P2", 60)])
def test_vendor_attempts_lie_r_apart_from_the_first_contact(scene, call, priority, minutes):
    class Facts(NoFacts):
        def vendor(self, code):
            return Vendor(code=code, name="厂家", contacts=({"to": "a"}, {"to": "b", "escalation": True}))

    step, found = timedelta(minutes=minutes), []
    for attempts in range(3):
        first = scene.now if attempts else None
        engaged = Engagement(
            seq=1, kind="VND", work_order=2, vendor="V", attempts=attempts, contacted_at=first
        )
        due = Scene(actor("wumin"), scene.now + attempts * step, scene.codes, Facts())
        decided = vendor.contact_vendor(Case(replace(call, priority=priority), rows(engaged)), {}, due)
        found.append((decided.variables["vendor_due"], decided.notices[0].recipient))

    assert found == [
        ((scene.now + step).isoformat(), "a"),
        ((scene.now + 2 * step).isoformat(), "a"),
        ((scene.now + 3 * step).isoformat(), "b"),
    ]


def test_a_registered_trigger_is_registered_once(scene, call):
    class Facts(NoFacts):
        def registered(self, *key):
            return key == (call.no, 1, "X13", "E1", 1)

    scene = replace(scene, facts=Facts())
    active = Escalation(seq=1, trigger="X13", level="E1", segment=1, state="acked", raised_at=scene.now)
    case = Case(replace(call, priority="P3"), rows(active))

    decided = escalation.register(case, {"trigger": "X13", "level": "E1"}, scene)

    assert not decided.rows
    assert decided.variables["acknowledged"] is True


def test_a_trigger_below_the_present_level_only_reminds(scene, call):
    active = Escalation(seq=1, trigger="X5", level="E2", segment=1, state="acked", raised_at=scene.now)
    case = Case(replace(call, priority="P3"), rows(active))

    decided = escalation.register(case, {"trigger": "X8", "level": "E1"}, scene)

    assert [row.table for row in decided.rows] == ["escalation_raise"]
    assert (decided.variables["level"], decided.variables["acknowledged"]) == ("E2", True)


def test_a_level_that_is_out_of_use_is_passed_over_and_still_known(scene):
    known = [
        replace(row, active=False) if (row.table, row.code) == ("escalation_level", "E2") else row
        for row in shipped()
    ]
    scene = replace(scene, codes=Codes(known))

    assert [levels.above(one, scene) for one in (None, "E1", "E2", "E4")] == ["E1", "E3", "E3", None]
    assert levels.upto("E2", scene) == ["E2", "E1"]


def test_silence_after_a_reminder_registers_no_trigger_that_nobody_pulled(scene, call):
    active = Escalation(seq=1, trigger="XN", level="E3", segment=1, state="notified", raised_at=scene.now)
    case = Case(replace(call, priority="P3"), rows(active))

    reminded = escalation.register(case, {"trigger": "X7", "level": "E2"}, scene)
    silent = escalation.register(case, reminded.variables, scene)

    assert [row.table for row in reminded.rows] == ["escalation_raise"]
    assert [(row.table, row.values["silences"]) for row in silent.rows] == [("escalation", 1)]


def test_the_hash_chain_says_where_it_breaks():
    plain = [
        {"call": "c", "at": at(11, 23, 9), "by": "lina", "step": "200.1", "what": "x", "field": None}
        | {"old": None, "new": str(place)}
        for place in range(4)
    ]
    lines = audit.chain(plain, 0, "")
    head = lines[-1]["hash"]

    assert audit.first_broken(lines, 4, head) is None
    assert audit.first_broken([*lines[:1], lines[1] | {"new": "9"}, *lines[2:]], 4, head) == 2
    assert audit.first_broken([lines[0], *lines[2:]], 4, head) == 2
    assert audit.first_broken(lines[:3], 4, head) == 4
    assert audit.first_broken([], 4, head) == 1


def test_the_incident_has_a_field_for_every_column():
    assert {field.name for field in fields(Incident)} == set(tables.incident.columns.keys())
    for kind in (WorkOrder, HandOff):
        table = tables.work_order if kind is WorkOrder else tables.hand_off
        assert {field.name for field in fields(kind)} <= set(table.columns.keys())


def test_two_outcomes_make_one():
    both = Outcome({"a": 1, "b": 1}, {"x": 1}, notices=[Notice("n", "p")]) + Outcome({"b": 2}, {"y": 2})

    assert both == Outcome({"a": 1, "b": 2}, {"x": 1, "y": 2}, (), (Notice("n", "p"),), (), ())


def test_a_refusal_speaks_both_languages_and_names_its_fields():
    refused = Missing("impact", "urgency")

    assert refused.code == "missing"
    assert set(refused.fields) == {"impact", "urgency"}
    assert refused.fields["impact"]["zh"].startswith("缺少")
