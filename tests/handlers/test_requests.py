"""200.3 for real: the form of the leaf, who fulfils it by when, the call-back, and 申述 (POL-08, POL-09)."""

import json
from dataclasses import replace

import pytest

from handlers import codes, requests, tables
from handlers.errors import (
    ComplaintRefused,
    HandlerConcerned,
    Missing,
    NotOfThisRequest,
    ReturnRefused,
    UnknownRecord,
    WorkOrderNotNow,
    WrongBranch,
)
from handlers.incident import Case
from tests.handlers.conftest import at

ACCOUNT = {"account_system": "核心银行", "account_holder": "周岚"}


@pytest.fixture
def asked(hand):
    """A new account is asked for; the desk has its form before it."""
    return hand.registered(call_type="SR", classification="SR-ACC-NEW").at("S200_3")


@pytest.fixture
def handed(asked):
    return asked.answer("S200_3", outcome_3="handed_off", **ACCOUNT).at("W_request")


@pytest.fixture
def complaint(hand):
    """S10: 上海分行 about 李娜, judged by 陈刚."""
    data = {"call_type": "CMP", "classification": "CMP-TIM", "complained_about": "lina", "ci": None}
    return hand.registered(**data).at("T200_3_complaint")


def upheld(hand, **data):
    hand.answer("T200_3_complaint", "chengang", complaint_confirmed=True, **data).at("S200_3")
    return hand.answer("S200_3", "chengang", outcome_3="handed_off").at("W_request")


def order(hand):
    return max(hand.rows(tables.work_order), key=lambda row: row["seq"])


def step(hand, verb, by="xuyan", **data):
    return hand.do(f"work_order.{verb}", by, order=order(hand)["no"], **data)


def hand_off(hand):
    return hand.rows(tables.hand_off)[-1]


def test_the_form_of_the_leaf_is_kept(handed):
    assert json.loads(hand_off(handed)["details"]) == ACCOUNT
    assert (hand_off(handed)["group"], hand_off(handed)["opened_by"]) == ("WG-SRQ", "lina")


@pytest.mark.parametrize(
    ("leaf", "given", "missing"),
    [
        ("SR-ACC-NEW", {"account_system": "核心银行"}, {"account_holder"}),
        ("SR-ACC-CHG", ACCOUNT, {"account_role"}),
        ("SR-RES-CAP", {}, {"resource_spec"}),
        ("SR-RES-SRV", {"resource_spec": "8C16G"}, {"resource_environment"}),
        ("SR-DAT-EXT", {"data_scope": "三季度"}, {"data_purpose"}),
        ("SR-DAT-FIX", {"data_scope": "一笔", "data_purpose": "更正"}, {"data_change_ref"}),
        ("SR-CON-USE", {}, set()),
    ],
)
def test_what_a_leaf_needs(hand, leaf, given, missing):
    hand.registered(call_type="SR", classification=leaf).at("S200_3")
    if missing:
        with pytest.raises(Missing) as refused:
            hand.answer("S200_3", outcome_3="handed_off", **given)
        assert set(refused.value.fields) == missing

    hand.answer("S200_3", outcome_3="handed_off", **given, **dict.fromkeys(missing, "PROD"))


def test_what_a_leaf_needs_is_data(asked):
    with asked.database.write() as connection:
        for name in ACCOUNT:
            codes.revise(connection, "request_field", name, required=[])

    asked.answer("S200_3", outcome_3="handed_off")


def test_a_field_of_another_request_is_refused(asked):
    with pytest.raises(NotOfThisRequest) as refused:
        asked.answer("S200_3", outcome_3="handed_off", **ACCOUNT, resource_spec="8C16G")

    assert set(refused.value.fields) == {"resource_spec"}
    assert asked.rows(tables.hand_off) == []


@pytest.mark.parametrize(
    ("leaf", "group", "due"),
    [
        ("SR-ACC-RST", "WG-SRQ", at(11, 24, 9, 5)),
        ("SR-DAT-BAK", "WG-DBS", at(11, 25, 9, 5)),
        ("SR-RES-NET", "WG-NET", at(11, 30, 9, 5)),
        ("SR-CON-POL", "WG-SRQ", at(11, 23, 14, 35)),
    ],
)
def test_who_fulfils_it_by_when(hand, leaf, group, due):
    given = {"SR-A": ACCOUNT, "SR-D": {"data_scope": "全部"}, "SR-R": {"resource_spec": "10M"}}
    hand.registered(call_type="SR", classification=leaf).at("S200_3")

    hand.later(minutes=5).answer("S200_3", outcome_3="handed_off", **given.get(leaf[:4], {}))

    made = order(hand)
    assert (made["type"], made["group"], made["due_finish"]) == ("SRQ", group, due)
    assert made["due_accept"] == at(11, 23, 14, 40)
    assert (hand_off(hand)["group"], hand_off(hand)["due_at"]) == (group, due)


def correct(hand, leaf):
    with hand.command("lina") as command:
        hand.desk.edit(command, hand.no, {"classification": leaf})
    return hand.record


def clock_starts(hand):
    lines = [json.loads(line["new"]) for line in hand.rows(tables.log) if line["field"] == "resolve"]
    return [line["minutes"] for line in lines if line["do"] == "start"]


@pytest.mark.parametrize(
    ("first", "then", "given", "due"),
    [
        (
            "SR-ACC-RST",
            "SR-RES-SRV",
            {"resource_spec": "8C16G", "resource_environment": "PROD"},
            at(11, 30, 9, 5),
        ),
        ("SR-RES-SRV", "SR-ACC-RST", ACCOUNT, at(11, 24, 9, 5)),
    ],
)
def test_a_request_whose_leaf_is_corrected_has_one_target(hand, first, then, given, due):
    hand.registered(call_type="SR", classification=first).at("S200_3")

    assert correct(hand.later(minutes=30), then)["resolve_by"] == due

    hand.answer("S200_3", outcome_3="handed_off", **given).at("W_request")
    assert (order(hand)["due_finish"], hand.record["resolve_by"], hand.record["segment"]) == (due, due, 2)


def test_a_corrected_leaf_does_not_take_back_that_it_was_late(hand):
    hand.registered(call_type="SR", classification="SR-ACC-RST").at("S200_3")

    record = correct(hand.later(days=2), "SR-RES-SRV")

    assert (record["overdue_at"], record["resolve_by"]) == (at(11, 24, 9, 5), at(11, 30, 9, 5))


def test_a_leaf_with_the_same_target_leaves_the_clock_alone(asked):
    with asked.database.write() as connection:
        for leaf in ("SR-ACC-NEW", "SR-ACC-RST"):
            codes.revise(connection, "classification", leaf, resolve=600)

    record = correct(asked.later(minutes=30), "SR-ACC-RST")

    assert (record["resolve_by"], record["segment"]) == (at(11, 24, 9, 5), 1)
    assert clock_starts(asked) == [480]


def test_the_desk_names_another_group(asked):
    with pytest.raises(UnknownRecord):
        asked.answer("S200_3", outcome_3="handed_off", group="WG-XX", **ACCOUNT)

    asked.answer("S200_3", outcome_3="handed_off", group="WG-APP", **ACCOUNT)
    assert order(asked)["group"] == "WG-APP"


@pytest.mark.parametrize(
    ("said", "reported"),
    [
        ({"result": "solved", "solution": "已开通"}, {"outcome_3": "completed", "note": "已开通"}),
        (
            {"result": "returned", "classification": "INC-USE"},
            {"outcome_3": "returned_as_incident", "classification": "INC-USE"},
        ),
        ({"result": "unsolved", "comment": "审批未过"}, {"outcome_3": "refused", "note": "审批未过"}),
    ],
)
def test_the_work_order_calls_back(handed, said, reported):
    step(handed, "accept")
    assert (hand_off(handed)["accepted_at"], hand_off(handed)["handler"]) == (handed.now, "xuyan")

    step(handed, "finish", **said)

    (job,) = handed.effect.jobs
    assert (job.kind, job.payload["message"]) == ("send", "request_done")
    data = job.payload["data"]
    assert {name: value for name, value in data.items() if value} == reported
    assert (handed.record["status"], hand_off(handed)["done_at"]) == ("ST9", None)
    handed.message("request_done", "system", **data)
    row = hand_off(handed)
    assert (row["result"], row["answered_by"], order(handed)["status"]) == (data["outcome_3"], "xuyan", "W5")


@pytest.mark.parametrize(
    ("words", "said", "steps"),
    [
        (None, {}, "请求已完成"),
        ("已按申请办结", {}, "已按申请办结"),
        ("已按申请办结", {"note": "已开通"}, "已开通"),
    ],
)
def test_what_a_request_that_is_completed_without_a_word_says_is_data(handed, words, said, steps):
    if words:
        with handed.database.write() as connection:
            codes.revise(connection, "policy", "completed_steps", value=words)

    handed.message("request_done", "xuyan", outcome_3="completed", **said).at("T200_9")

    assert handed.record["solution_steps"] == steps


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"result": "returned"}, Missing),
        ({"result": "returned", "classification": "SR-ACC-RST"}, WrongBranch),
        ({"result": "unsolved"}, Missing),
    ],
)
def test_a_report_that_the_call_could_not_take_is_refused_at_once(handed, said, refusal):
    step(handed, "accept")

    with pytest.raises(refusal):
        step(handed, "finish", **said)
    assert order(handed)["status"] == "W2"


def test_a_rejected_request_is_issued_again(handed):
    again = {"type": "SRQ", "group": "WG-APP", "comment": "应用组管帐号"}
    with pytest.raises(WorkOrderNotNow):
        handed.do("work_order", "lina", **again)
    step(handed, "reject", reject_reason="R1")

    handed.do("work_order", "lina", **again)

    assert (order(handed)["group"], order(handed)["due_finish"]) == ("WG-APP", at(11, 24, 9, 5))
    row = hand_off(handed)
    assert (row["group"], row["work_order"], row["done_at"]) == ("WG-APP", 2, None)
    step(handed, "accept", "wumin")
    step(handed, "finish", "wumin", result="solved", solution="已开通")
    assert handed.effect.jobs[0].key == f"request_done:{order(handed)['no']}"


def test_a_complaint_goes_to_a_handler_whom_it_is_not_about(complaint):
    """S10."""
    upheld(complaint)

    made = order(complaint)
    assert (made["type"], made["group"], made["assignee"]) == ("CMP", "WG-IM", "liuyang")
    assert (made["due_accept"], made["due_finish"]) == (at(11, 23, 10, 5), at(11, 30, 9, 5))
    told = [row for row in complaint.rows(tables.notice) if row["event"] == "complaint_handler"]
    assert [(row["recipient"], "刘洋" in row["body"]) for row in told] == [("zhangmin", True)]


def test_a_complaint_about_the_leader_goes_to_the_deputy(hand):
    data = {"call_type": "CMP", "classification": "CMP-TIM", "complained_about": "liuyang", "ci": None}
    upheld(hand.registered(**data).at("T200_3_complaint"))

    assert order(hand)["assignee"] == "hejing"
    with pytest.raises(HandlerConcerned):
        step(hand, "accept", "liuyang")
    with pytest.raises(HandlerConcerned):
        step(hand, "assign", "hejing", assignee="liuyang")
    assert "liuyang" not in {row["recipient"] for row in hand.rows(tables.notice)}


def test_the_complainant_knows_of_another_handler(complaint):
    upheld(complaint)

    step(complaint, "assign", "liuyang", assignee="hejing")

    assert hand_off(complaint)["handler"] == "hejing"
    told = [row["body"] for row in complaint.rows(tables.notice) if row["event"] == "complaint_handler"]
    assert len(told) == 2 and "何静" in "".join(told)


def test_she_does_not_even_claim_it(complaint):
    with pytest.raises(HandlerConcerned):
        complaint.claim("T200_3_complaint", "lina")

    upheld(complaint).message("request_done", "liuyang", outcome_3="completed").at("T200_9")
    complaint.answer("T200_9", "chengang", outcome_9="confirmed", method="PHONE").at("T200_10")
    with pytest.raises(HandlerConcerned):
        complaint.claim("T200_10", "lina")
    complaint.claim("T200_10", "chengang")


def test_a_complaint_names_its_incident(hand):
    """S12."""
    incident = hand.accepted().no
    data = {"call_type": "CMP", "classification": "CMP-TIM", "ci": None, "related_call": incident}
    hand.registered(**data).at("T200_3_complaint")
    assert (hand.record["complaint_ref"], hand.jobs) == (incident, [])

    hand.answer("T200_3_complaint", complaint_confirmed=True)

    (job,) = hand.effect.jobs
    assert (job.kind, job.key) == ("domain", f"X11:{incident}:{hand.no}")
    assert job.payload == {"what": "complained", "no": incident, "by": hand.no}
    hand.at("S200_3").answer("S200_3", outcome_3="handed_off", request_ref="CMP-1")
    assert hand.record["complaint_ref"] == incident
    assert json.loads(hand_off(hand)["details"]) == {"related_call": incident}


def test_the_incident_may_be_named_by_who_judges(hand):
    incident = hand.accepted().no
    hand.registered(call_type="CMP", classification="CMP-TIM", ci=None).at("T200_3_complaint")

    hand.answer("T200_3_complaint", complaint_confirmed=True, related_call=incident)

    assert hand.record["complaint_ref"] == incident


def test_what_is_no_complaint_names_no_incident_any_more(hand):
    incident = hand.accepted().no
    data = {"call_type": "CMP", "classification": "CMP-TIM", "ci": None, "related_call": incident}
    hand.registered(**data).at("T200_3_complaint")

    hand.answer("T200_3_complaint", complaint_confirmed=False, classification="INC-USE")

    assert (hand.record["complaint_ref"], hand.effect.jobs) == (None, ())


def test_what_cannot_be_complained_about(hand):
    request = hand.registered(call_type="SR", classification="SR-CON-STA").no
    base = {"classification": "CMP-TIM", "call_type": "CMP", "ci": None}
    for data in (
        {**base, "related_call": "SD209901010001"},
        {**base, "related_call": request},
        {"related_call": request},
    ):
        with pytest.raises(ComplaintRefused) as refused:
            hand.registered(**data)
        assert set(refused.value.fields) == {"related_call"}


def withdrawn(hand):
    return hand.message("withdraw", reason="不要了").at("T200_10").answer("T200_10").call("close").end()


def refused(hand):
    hand.answer("S200_3", outcome_3="refused", comment="审批未过", **ACCOUNT)
    return hand.at("T200_10").answer("T200_10").call("close").end()


def handed_off(hand):
    return hand.answer("S200_3", outcome_3="handed_off", **ACCOUNT).at("W_request")


@pytest.mark.parametrize(
    ("so_far", "stands"),
    [
        (withdrawn, ("ST8", "C07")),
        (refused, ("ST8", "C10")),
        (handed_off, ("ST9", None)),
        (None, ("ST1", None)),
    ],
)
def test_no_call_is_opened_again_as_returned_from_its_request(asked, so_far, stands):
    """Handed off it returns where it waits (§6.7.2); closed as C07 or C10 it stays so (§6.5.7, POL-20)."""
    if so_far:
        so_far(asked)

    with pytest.raises(ReturnRefused) as refusal:
        asked.start(key=asked.no, entry="return_from_request", classification="INC-USE")

    assert set(refusal.value.fields) == {"entry"}
    assert (asked.record["status"], asked.record["closure_code"]) == stands
    assert asked.record["call_type"] == "SR"


@pytest.mark.parametrize(
    ("status", "linked", "escalated"), [("ST4", True, True), ("ST7", True, False), ("ST8", False, False)]
)
def test_the_incident_learns_of_the_complaint(scene, call, status, linked, escalated):
    told = requests.complained(Case(replace(call, status=status)), {"by": "SD202611230009"}, scene)

    assert told.changes == ({"complaint_ref": "SD202611230009"} if linked else {})
    assert any(line.what.startswith("escalation") for line in told.lines) is escalated
    assert told.lines[0].text == "SD202611230009"
