"""Work orders by hand: who makes and steps them, by which table, and which ones a task carries (§6.7.7)."""

import pytest

from handlers import codes, tables
from handlers.errors import (
    CallClosed,
    CarriedByTask,
    HandlerConcerned,
    Missing,
    NotAllowed,
    NotAMember,
    NotByHand,
    RecordNotFound,
    UnknownCode,
    UnknownRecord,
    WorkOrderNotNow,
    WorkOrderRefused,
    WorkOrdersOpen,
)
from tests.handlers.conftest import at

ONSITE = {"type": "ONS", "group": "WG-NET", "comment": "请到机房换光模块"}


@pytest.fixture
def asked(hand):
    """Second line works on the call and has asked the network group to come along."""
    return hand.accepted().do("work_order", "zhenghao", **ONSITE)


def order(hand, seq=-1):
    return sorted(hand.rows(tables.work_order), key=lambda row: row["seq"])[seq]


def step(hand, verb, by="zhoutao", **data):
    return hand.do(f"work_order.{verb}", by, order=order(hand)["no"], **data)


def test_a_colleague_is_asked_and_finishes(asked):
    made = order(asked)
    assert (made["type"], made["status"], made["created_by"]) == ("ONS", "W1", "zhenghao")
    assert made["due_accept"] == at(11, 23, 11, 5)

    step(asked, "accept")
    step(asked, "start")
    step(asked, "hold", comment="等门禁")
    step(asked, "start")
    step(asked, "finish", result="solved", labour_min=35, solution="光模块已更换")

    done = order(asked)
    assert (done["status"], done["assignee"], done["result"]) == ("W5", "zhoutao", "solved")
    assert (done["labour_min"], done["solution"]) == (35, "光模块已更换")
    lines = [row["new"] for row in asked.rows(tables.log) if row["field"] == done["no"]]
    assert lines == ["W1 ONS WG-NET", "W2", "W3", "W4", "W3", "W5"]
    assert asked.record["status"] == "ST4"


def test_who_asks(hand):
    hand.accepted()
    for who in ("zhoutao", "zhangmin"):
        with pytest.raises(NotAllowed):
            hand.do("work_order", who, **ONSITE)

    for who in ("zhenghao", "lina", "liuyang"):
        hand.do("work_order", who, **ONSITE)
    assert len(hand.rows(tables.work_order)) == 4


@pytest.mark.parametrize("verb", ["accept", "start", "hold", "finish", "reject"])
def test_only_its_group_and_the_manager_step_it(asked, verb):
    ready = {"accept": (), "reject": (), "start": ("accept",), "hold": ("accept", "start")}
    for before in ready.get(verb, ("accept",)):
        step(asked, before)
    for stranger in ("zhenghao", "lina", "wumin", "zhangmin"):
        with pytest.raises(NotAllowed):
            step(asked, verb, stranger, result="solved", reject_reason="R1")

    step(asked, verb, "liuyang", result="solved", reject_reason="R1")


def test_who_recalls(asked):
    for stranger in ("zhoutao", "wumin", "zhangmin"):
        with pytest.raises(NotAllowed):
            step(asked, "recall", stranger)

    step(asked, "recall", "zhenghao")
    assert order(asked)["status"] == "W7"
    for who in ("lina", "liuyang"):
        asked.do("work_order", "zhenghao", **ONSITE)
        step(asked, "recall", who)


@pytest.mark.parametrize(
    ("done", "verb"),
    [
        ((), "start"),
        ((), "hold"),
        ((), "finish"),
        (("accept",), "accept"),
        (("accept",), "reject"),
        (("accept",), "hold"),
        (("accept", "start"), "start"),
        (("accept", "start", "hold"), "finish"),
        (("accept", "finish"), "start"),
        (("accept", "finish"), "finish"),
        (("accept", "finish"), "recall"),
        (("accept", "finish"), "assign"),
        (("recall",), "accept"),
    ],
)
def test_a_step_that_the_table_does_not_have_is_refused(asked, done, verb):
    data = {"result": "solved", "reject_reason": "R1", "assignee": "zhoutao"}
    for one in done:
        step(asked, one, "liuyang", **data)
    before = (order(asked), asked.record)

    with pytest.raises(WorkOrderRefused):
        step(asked, verb, "liuyang", **data)

    assert (order(asked), asked.record) == before


def test_the_table_is_data(asked):
    with asked.database.write() as connection:
        codes.revise(connection, "work_order_status", "W1", next=["W6", "W7"])

    with pytest.raises(WorkOrderRefused):
        step(asked, "accept")


@pytest.mark.parametrize(
    ("change", "refusal", "field"),
    [
        ({"type": "XXX"}, UnknownCode, "type"),
        ({"type": "DSP"}, NotByHand, "type"),
        ({"type": "SRQ"}, WorkOrderNotNow, "type"),
        ({"group": "WG-XX"}, UnknownRecord, "group"),
        ({"comment": " "}, Missing, "comment"),
        ({"assignee": "nobody"}, UnknownRecord, "assignee"),
        ({"assignee": "wumin"}, NotAMember, "assignee"),
    ],
)
def test_bad_input_is_named_and_makes_none(hand, change, refusal, field):
    hand.accepted()

    with pytest.raises(refusal) as refused:
        hand.do("work_order", "lina", **{**ONSITE, **change})

    assert set(refused.value.fields) == {field}
    assert len(hand.rows(tables.work_order)) == 1


@pytest.mark.parametrize(
    ("verb", "data", "refusal"),
    [
        ("finish", {}, Missing),
        ("finish", {"result": "half"}, UnknownCode),
        ("reject", {}, Missing),
        ("reject", {"reject_reason": "R9"}, UnknownCode),
        ("reject", {"reject_reason": "R1", "suggested_group": "WG-XX"}, UnknownRecord),
        ("assign", {"assignee": "wumin"}, NotAMember),
        ("assign", {"assignee": "nobody"}, UnknownRecord),
    ],
)
def test_a_step_without_what_it_needs_is_refused(asked, verb, data, refusal):
    with pytest.raises(refusal):
        step(asked, verb, **data)
    assert order(asked)["status"] == "W1"


def test_an_unknown_number_is_not_found(asked):
    with pytest.raises(RecordNotFound):
        asked.do("work_order.accept", "zhoutao", order="SD209901010001-01")


def test_a_rejection_is_told_and_counts_for_no_dispatch(asked):
    step(asked, "reject", reject_reason="R1", suggested_group="WG-HST")

    row, record = order(asked), asked.record
    assert (row["status"], row["reject_reason"], row["suggested_group"]) == ("W6", "R1", "WG-HST")
    assert (record["reject_count"], record["misregistered"]) == (0, False)
    told = {row["recipient"] for row in asked.rows(tables.notice) if row["event"] == "rejected"}
    assert told == {"lina", "zhenghao"}


def test_the_leader_gives_it_to_a_member(hand):
    hand.accepted().do("work_order", "zhenghao", type="COL", group="WG-HST", comment="看一下主机日志")

    with pytest.raises(NotAllowed):
        step(hand, "assign", "wumin", assignee="sunjing")
    step(hand, "assign", "zhaolei", assignee="sunjing")
    assert order(hand)["assignee"] == "sunjing"
    step(hand, "assign", "sunjing", assignee=None)
    assert order(hand)["assignee"] is None


def test_a_dispatch_is_stepped_by_its_task(hand):
    hand.accepted()
    assert order(hand)["task_id"] == "task-T200_6"

    for verb in ("accept", "start", "hold", "finish", "reject", "recall", "assign"):
        with pytest.raises(CarriedByTask) as refused:
            step(hand, verb, "liuyang", result="solved", reject_reason="R1", assignee="zhenghao")
        assert "task-T200_6" in refused.value.text("zh")


def test_a_vendors_order_is_carried_while_it_runs(hand):
    hand.accepted().answer("T200_6", "zhenghao", outcome_6="vendor").at("T200_7", "zhenghao")
    hand.answer("T200_7", "zhenghao", vendor="V-ATM").call("contact_vendor").at("E_vendor")
    with pytest.raises(CarriedByTask):
        step(hand, "finish", "liuyang", result="solved")

    hand.message("vendor_answered", "zhenghao", vendor_result="accepted").at("T200_8", "zhenghao")

    assert {row["task_id"] for row in hand.rows(tables.work_order)} == {"task-T200_8"}
    hand.claim("T200_8", "liuyang")
    assert {row["assignee"] for row in hand.rows(tables.work_order)} == {"liuyang"}
    assert hand.record["assignee"] == "liuyang"


def test_a_call_closes_when_it_is_done(hand):
    hand.accepted().do("work_order", "zhenghao", **ONSITE)
    hand.answer("T200_6", "zhenghao", outcome_6="resolved", solution_kind="permanent", solution_steps="换件")
    hand.at("T200_9").answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    with pytest.raises(WorkOrdersOpen):
        hand.answer("T200_10", closure_code="C01")

    step(hand, "recall", "lina")
    hand.answer("T200_10", closure_code="C01").call("close")

    assert [row["status"] for row in hand.rows(tables.work_order)] == ["W8", "W7"]
    for verb, data in (("work_order", ONSITE), ("work_order.accept", {"order": order(hand)["no"]})):
        with pytest.raises(CallClosed):
            hand.do(verb, "liuyang", **data)


def test_a_withdrawal_recalls_all(asked):
    """S37."""
    asked.message("withdraw", reason="已自行解决").at("T200_10")

    assert {row["status"] for row in asked.rows(tables.work_order)} == {"W7"}


def test_statuses_are_data(hand):
    hand.solved()
    with pytest.raises(WorkOrderNotNow):
        hand.do("work_order", "lina", **ONSITE)
    with hand.database.write() as connection:
        codes.revise(connection, "work_order_by_hand", "ONS", status=["ST7"])

    hand.do("work_order", "lina", **ONSITE)


def test_a_duplicate_is_nobodys_work(hand):
    parent = hand.first_line().no
    hand.first_line().answer("T200_4", outcome_4="duplicate", parent=parent).at("W_parent")

    with pytest.raises(WorkOrderNotNow):
        hand.do("work_order", "lina", **ONSITE)


def test_nobody_works_on_the_complaint_about_him(hand):
    hand.registered(call_type="CMP", classification="CMP-ATT", complained_about="zhoutao", ci=None)
    hand.at("T200_3_complaint").answer("T200_3_complaint", complaint_confirmed=True).at("S200_3")
    hand.answer("S200_3", outcome_3="handed_off").at("W_request")

    with pytest.raises(HandlerConcerned):
        hand.do("work_order", "lina", **ONSITE, assignee="zhoutao")
    hand.do("work_order", "lina", **ONSITE)
    with pytest.raises(HandlerConcerned):
        step(hand, "accept")
    with pytest.raises(HandlerConcerned):
        step(hand, "assign", "liuyang", assignee="zhoutao")


def test_a_type_that_is_switched_off_is_not_made(hand):
    hand.accepted()
    with hand.database.write() as connection:
        connection.execute(
            tables.code.update()
            .where(tables.code.c.table == "work_order_by_hand", tables.code.c.code == "ONS")
            .values(active=False)
        )
        codes.published(connection)

    with pytest.raises(NotByHand):
        hand.do("work_order", "lina", **ONSITE)


def test_a_return_to_work_keeps_when_it_began(asked):
    for verb in ("accept", "start", "hold"):
        step(asked, verb)
    began = order(asked)["started_at"]

    asked.later(hours=1)
    step(asked, "start")
    asked.later(hours=1)
    step(asked, "finish", result="solved")

    done = order(asked)
    assert (done["started_at"], done["finished_at"]) == (began, asked.now)


def test_a_refused_confirmation_takes_end_and_result_off_the_dispatch(hand):
    hand.solved()
    began = order(hand)["started_at"]

    hand.later(hours=1).answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_6")

    row = order(hand)
    assert (row["status"], row["started_at"]) == ("W3", began)
    assert (row["finished_at"], row["result"]) == (None, None)


def test_who_is_given_it_a_second_time_is_told_again(hand):
    hand.accepted().do("work_order", "zhenghao", type="COL", group="WG-HST", comment="看一下主机日志")

    told = []
    for person in ("zhaolei", "sunjing", "zhaolei"):
        step(hand.later(minutes=1), "assign", "liuyang", assignee=person)
        told += [row["recipient"] for row in hand.rows(tables.notice) if row["created_at"] == hand.now]

    assert told == ["zhaolei", "sunjing", "zhaolei"]
