"""The desk from record to close, hook by hook, on both databases."""

from datetime import datetime

import pytest
from sqlalchemy import update

from handlers import codes, facts, tables
from handlers.errors import (
    CallClosed,
    ClosureCodeRefused,
    ConfirmationEmpty,
    EndHoldFirst,
    HoldRefused,
    Missing,
    NotAllowed,
    NotASecondLine,
    ProblemNeeded,
    RejectionIsFinal,
    SolverCannotConfirm,
    TransitionRefused,
    UnknownOutcome,
    UnknownRecord,
)
from tests.handlers.conftest import at

SOLUTION = {"solution_kind": "permanent", "solution_steps": "重启外设服务"}


def test_first_line_solves_at_once(hand):
    """S01."""
    hand.first_line().later(minutes=12).answer("T200_4", outcome_4="resolved", faq_used=True, **SOLUTION)
    hand.at("T200_9").later(minutes=1)
    hand.answer("T200_9", outcome_9="confirmed", method="PHONE", satisfaction_desk=5, satisfaction_handling=5)
    hand.at("T200_10").answer("T200_10", closure_code="C01").call("close").end()

    record = hand.record
    assert record["no"] == "SD202611230001"
    assert (record["priority"], record["status"], record["closure_code"]) == ("P4", "ST8", "C01")
    assert (record["solution_tier"], record["faq_used"]) == ("L1", True)
    assert record["resolved_at"] == at(11, 23, 9, 17)
    assert record["closed_at"] == at(11, 23, 9, 18)
    assert record["first_response_at"] is not None
    assert hand.rows(tables.work_order) == []


def test_status_history_can_be_read_from_the_log(hand):
    hand.first_line().answer("T200_4", outcome_4="resolved", **SOLUTION).at("T200_9")

    statuses = [line["new"] for line in hand.rows(tables.log) if line["field"] == "status"]
    assert statuses == ["ST2", "ST7"]
    with hand.database.read() as connection:
        assert facts.broken_log(connection, hand.no) is None


@pytest.mark.parametrize("field", ["new", "by", "what"])
def test_a_changed_log_line_breaks_the_chain(hand, field):
    hand.registered().at("T200_2")

    with hand.tampering() as connection:
        connection.execute(tables.log.update().where(tables.log.c.seq == 3).values({field: "x"}))
        assert facts.broken_log(connection, hand.no) == 3


def test_a_log_line_cut_off_the_end_is_missed(hand):
    hand.registered().at("T200_2")

    with hand.tampering() as connection:
        last = len(facts.log(connection, hand.no))
        connection.execute(tables.log.delete().where(tables.log.c.seq == last))
        assert facts.broken_log(connection, hand.no) == last


def test_daily_numbers_begin_again_each_day_in_shanghai(hand):
    hand.now = at(11, 23, 23, 59)
    first = hand.start().no
    second = hand.start().no
    hand.later(minutes=1)

    assert (first, second, hand.start().no) == ("SD202611230001", "SD202611230002", "SD202611240001")


def test_second_line_solves_and_the_desk_confirms(hand):
    """S02."""
    hand.solved()
    assert hand.effect.tasks["T200_9"].assignee is None

    hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    hand.answer("T200_10", closure_code="C01").call("close")

    order = hand.rows(tables.work_order)[0]
    assert (order["type"], order["status"], order["group"], order["assignee"]) == (
        "DSP",
        "W8",
        "WG-TRM",
        "zhenghao",
    )
    record = hand.record
    assert (record["solution_tier"], record["solver"], record["dispatch_count"]) == ("L2", "zhenghao", 1)
    assert record["satisfaction_desk"] is None


def test_an_open_second_line_task_belongs_to_who_accepted(hand):
    hand.accepted()

    fields = hand.effect.tasks["T200_6"]
    assert (fields.assignee, fields.priority) == ("zhenghao", 40)
    assert hand.rows(tables.work_order)[0]["status"] == "W3"


def test_a_colleague_who_claims_takes_call_and_work_order(hand):
    hand.accepted().claim("T200_6", "qianfeng")

    assert hand.record["assignee"] == "qianfeng"
    assert hand.rows(tables.work_order)[0]["assignee"] == "qianfeng"


def test_the_manager_who_acts_for_second_line_takes_neither(hand):
    hand.accepted().answer("T200_6", "liuyang", outcome_6="vendor")

    assert hand.record["assignee"] == "zhenghao"
    assert hand.rows(tables.work_order)[0]["assignee"] == "zhenghao"


def test_a_vendor_solves_with_second_line_assisting(hand):
    """S03."""
    hand.now = at(11, 24, 14, 0)
    hand.accepted(impact="I4", urgency="U2").answer("T200_6", "zhenghao", outcome_6="vendor").at("T200_7")
    hand.now = at(11, 24, 14, 45)
    hand.answer("T200_7", "zhenghao", vendor="V-ATM", evidence="吞卡").call("contact_vendor", "zhenghao")

    assert hand.instance.variables["vendor_result"] == "waiting"
    assert hand.instance.variables["vendor_due"] == at(11, 25, 9, 15).isoformat()

    hand.at("E_vendor").message("vendor_answered", "zhenghao", vendor_result="accepted").at("T200_8")
    hand.now = at(11, 25, 11, 40)
    hand.answer("T200_8", "zhenghao", outcome_8="resolved", assist=True, **SOLUTION).at("T200_9")

    assert hand.record["solution_tier"] == "VENDOR"
    orders = {row["type"]: row for row in hand.rows(tables.work_order)}
    assert (orders["VND"]["assist"], orders["VND"]["status"], orders["DSP"]["status"]) == (True, "W5", "W5")
    assert hand.rows(tables.vendor_engagement)[0]["result"] == "V4"


def at_the_vendor(hand, promised_at):
    hand.accepted().answer("T200_6", "zhenghao", outcome_6="vendor").at("T200_7")
    hand.answer("T200_7", "zhenghao", vendor="V-ATM").call("contact_vendor").at("E_vendor")
    said = {"vendor_result": "accepted", "promised_at": promised_at}
    return hand.message("vendor_answered", "zhenghao", **said).at("T200_8")


def test_a_promise_that_is_broken_counts_though_nobody_has_looked_before_the_next_one(hand):
    at_the_vendor(hand, at(11, 23, 10))
    hand.now = at(11, 23, 10, 5)

    hand.do("promise", "zhenghao", promised_at=at(11, 23, 11), note="在路上")
    hand.do("promise", "zhenghao", promised_at=at(11, 23, 11, 30))

    (engagement,) = hand.rows(tables.vendor_engagement)
    assert (engagement["promised_at"], engagement["broken_promises"]) == (at(11, 23, 11, 30), 1)
    said = [(row["what"], row["new"]) for row in hand.rows(tables.log) if row["what"].startswith("promise")]
    assert said == [
        ("promise_broken", "1"),
        ("promised", "2026-11-23T03:00:00Z"),
        ("promised", "2026-11-23T03:30:00Z"),
    ]
    assert "在路上" in [row["new"] for row in hand.rows(tables.log) if row["what"] == "note"]


def test_the_first_promise_may_come_while_the_vendor_works(hand):
    at_the_vendor(hand, None)

    hand.do("promise", "zhenghao", promised_at=at(11, 23, 11))

    (engagement,) = hand.rows(tables.vendor_engagement)
    assert (engagement["promised_at"], engagement["broken_promises"]) == (at(11, 23, 11), 0)


def test_a_promise_without_a_moment_is_none(hand):
    at_the_vendor(hand, None)

    with pytest.raises(Missing):
        hand.do("promise", "zhenghao", note="尽快")


def test_minutes_booked_at_a_second_visit_add_up(hand):
    hand.accepted().answer("T200_6", "zhenghao", outcome_6="vendor").at("T200_7")
    hand.answer("T200_7", "zhenghao", vendor="V-ATM").call("contact_vendor").at("E_vendor")
    hand.message("vendor_answered", "zhenghao", vendor_result="accepted").at("T200_8")
    change = {"change_ref": "C-1", "hold_comment": "等变更", "expected_resume": at(11, 24, 9).isoformat()}
    booked = {"assist": True, "labour_min": 120}
    hand.answer("T200_8", "zhenghao", outcome_8="need_change", **change, **booked).at("W_change")
    hand.message("change_done", "zhenghao", change_result="implemented").at("T200_8")

    hand.answer("T200_8", "zhenghao", outcome_8="resolved", labour_min=30, **SOLUTION).at("T200_9")

    order = next(row for row in hand.rows(tables.work_order) if row["type"] == "VND")
    assert (order["labour_min"], order["assist"]) == (150, True)


def test_a_silent_vendor_is_contacted_three_times_and_given_up(hand):
    hand.accepted(impact="I4", urgency="U2").answer("T200_6", "zhenghao", outcome_6="vendor").at("T200_7")
    hand.answer("T200_7", "zhenghao", vendor="V-ATM").call("contact_vendor", "zhenghao").at("E_vendor")
    dues = [hand.instance.variables["vendor_due"]]
    for _ in range(2):
        hand.now = datetime.fromisoformat(dues[-1])
        hand.call("contact_vendor", "system").at("E_vendor")
        dues.append(hand.instance.variables["vendor_due"])

    hand.now = datetime.fromisoformat(dues[-1])
    hand.call("contact_vendor", "system")

    assert hand.instance.variables["vendor_result"] == "no_response"
    assert dues == [
        at(11, 23, 14, 35).isoformat(),
        at(11, 24, 9, 5).isoformat(),
        at(11, 24, 14, 35).isoformat(),
    ]
    contacts = [row["contact"] for row in hand.rows(tables.vendor_attempt)]
    assert contacts == ["值班工程师 400-100-0001", "值班工程师 400-100-0001", "区域经理 400-100-0002"]
    assert hand.rows(tables.vendor_engagement)[0]["result"] == "V2"
    assert hand.effect.jobs[0].payload["variables"]["trigger"] == "X7"


def awaited(hand, **judged):
    """A vendor was contacted and does not answer."""
    hand.accepted(**judged).answer("T200_6", "zhenghao", outcome_6="vendor").at("T200_7")
    return hand.answer("T200_7", "zhenghao", vendor="V-ATM").call("contact_vendor", "zhenghao").at("E_vendor")


def given_up(hand):
    """Each timer fires when it is due: when the vendor was asked, whom, and when it counts as silent."""
    while hand.instance.variables["vendor_result"] == "waiting":
        hand.now = max(hand.now, datetime.fromisoformat(hand.instance.variables["vendor_due"]))
        hand.call("contact_vendor", "system").at("E_vendor")
    asked = [(row["at"], row["contact"].split()[-1]) for row in hand.rows(tables.vendor_attempt)]
    return [*asked, (hand.now, hand.instance.variables["vendor_result"])]


def test_a_vendor_of_a_raised_call_is_asked_as_often_before_it_counts_as_silent(hand):
    awaited(hand, impact="I4", urgency="U2").later(minutes=30)
    raised = {"impact": "I1", "urgency": "U1", "priority_reason": "全行停机"}
    with hand.command("lina") as command:
        hand.desk.change_priority(command, hand.no, raised)

    assert given_up(hand) == [
        (at(11, 23, 9, 5), "400-100-0001"),
        (at(11, 23, 14, 35), "400-100-0001"),
        (at(11, 23, 15, 5), "400-100-0002"),
        (at(11, 23, 15, 35), "no_response"),
    ]


def test_after_a_downtime_a_vendor_is_asked_as_often_before_it_counts_as_silent(hand):
    awaited(hand, impact="I2", urgency="U2").now = at(11, 23, 11, 25)

    assert given_up(hand) == [
        (at(11, 23, 9, 5), "400-100-0001"),
        (at(11, 23, 11, 25), "400-100-0001"),
        (at(11, 23, 12, 25), "400-100-0002"),
        (at(11, 23, 13, 25), "no_response"),
    ]


def test_a_vendor_asked_late_is_asked_again_at_the_hour_of_the_next_attempt(hand):
    awaited(hand, impact="I2", urgency="U2").now = at(11, 23, 10, 15)

    assert given_up(hand) == [
        (at(11, 23, 9, 5), "400-100-0001"),
        (at(11, 23, 10, 15), "400-100-0001"),
        (at(11, 23, 11, 5), "400-100-0002"),
        (at(11, 23, 12, 5), "no_response"),
    ]


def test_a_request_filed_as_incident_leaves_by_hand_off(hand):
    """S07."""
    hand.registered(classification="INC-USE", subject="新柜员无法登录核心").at("T200_2")
    hand.answer("T200_2", outcome_2="reclassify", classification="SR-ACC-NEW").call("classify").at("S200_3")
    hand.answer("S200_3", outcome_3="handed_off", account_system="核心", account_holder="陈新").at(
        "W_request"
    )

    record = hand.record
    assert (record["status"], record["call_type"], record["priority"]) == ("ST9", "SR", "SR")
    assert record["misregistered"] is True
    assert hand.rows(tables.work_order)[0]["type"] == "SRQ"

    hand.message("request_done", "xuyan", outcome_3="completed").at("T200_9")
    hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    hand.answer("T200_10").call("close")
    assert hand.record["closure_code"] == "C10"


def test_a_consultation_is_answered_at_once(hand):
    """S09."""
    hand.registered(call_type="SR", classification="SR-CON-STA").at("S200_3")
    hand.answer("S200_3", outcome_3="answered", solution_steps="17:30 关闭").at("T200_9")
    hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10").answer("T200_10").call("close")

    assert (hand.record["status"], hand.record["closure_code"]) == ("ST8", "C03")


def test_a_request_refused_at_once_passes_st9(hand):
    hand.registered(call_type="SR", classification="SR-RES-CAP").at("S200_3")
    hand.answer("S200_3", outcome_3="refused", comment="未批准").at("T200_10").answer("T200_10").call("close")

    assert (hand.record["status"], hand.record["closure_code"]) == ("ST8", "C10")


@pytest.mark.parametrize("ci", ["DB-UAT", "PC-1001"])
def test_test_and_office_environments_are_out_of_scope(hand, ci):
    """S13, S14."""
    hand.registered(ci=ci)
    assert hand.instance.variables["in_scope"] is False

    hand.at("T200_10").answer("T200_10").call("close").end()

    assert (hand.record["status"], hand.record["closure_code"]) == ("ST8", "C09")
    assert "out_of_scope" in {row["event"] for row in hand.rows(tables.notice)}


def test_a_false_alarm_closes_as_c05(hand):
    """S29."""
    hand.registered(source="MON", medium="MONITOR", caller=None, classification="INC-ALM-THR").at("T200_2")
    hand.answer("T200_2", outcome_2="false_alarm").at("T200_10").answer("T200_10").call("close")

    assert hand.record["closure_code"] == "C05"


def test_a_core_failure_is_major_and_escalates_at_once(hand):
    """S16."""
    hand.now = at(11, 29, 2, 10)
    hand.registered(
        source="MON", medium="MONITOR", caller=None, ci="HOST-CORE", classification="INC-AVL-ALL"
    ).at("T200_2")
    hand.answer("T200_2", outcome_2="proceed", category="HST", impact="I1", urgency="U1", major=True)
    hand.call("prioritise")

    start = hand.effect.jobs[0]
    assert (start.kind, start.payload["variables"]["level"]) == ("start_or_send", "E2")
    alerted = {row["recipient"] for row in hand.rows(tables.notice) if row["event"] == "alert"}
    assert {"zhaolei", "sunjing", "wumin"} <= alerted

    hand.at("T200_4").answer("T200_4", outcome_4="escalate").at("T200_5").answer("T200_5", group="WG-HST")
    hand.call("assign").at("T200_5_accept").answer("T200_5_accept", "zhaolei", accept="accepted")
    hand.at("T200_6", "zhaolei").later(minutes=75)
    workaround = {"solution_kind": "workaround", "solution_steps": "切换备机"}
    hand.answer("T200_6", "zhaolei", outcome_6="resolved", **workaround).at("T200_9")
    hand.now = at(11, 29, 3, 50)
    hand.answer("T200_9", outcome_9="confirmed", method="DUTY").at("T200_10")
    with pytest.raises(ProblemNeeded):
        hand.answer("T200_10", closure_code="C02")
    hand.answer("T200_10", closure_code="C02", problem_ref="PRB-1").call("close")

    assert hand.record["review_due_at"] == at(12, 4, 18, 0)


def test_a_dispatch_refused_once_goes_back_to_the_desk(hand):
    """S30."""
    hand.dispatched("WG-NET")
    hand.answer("T200_5_accept", "zhoutao", accept="rejected", reject_reason="R1", suggested_group="WG-APP")
    assert hand.instance.variables["must_designate"] is False

    hand.at("T200_5").answer("T200_5", group="WG-APP").call("assign").at("T200_5_accept")
    hand.answer("T200_5_accept", "wumin", accept="accepted").at("T200_6")

    record = hand.record
    assert (record["reject_count"], record["dispatch_count"], record["misregistered"]) == (1, 2, False)
    assert [row["status"] for row in hand.rows(tables.work_order)] == ["W6", "W3"]


def test_two_refusals_and_the_manager_designates_without_appeal(hand):
    """S31."""
    hand.dispatched("WG-NET").answer("T200_5_accept", "zhoutao", accept="rejected", reject_reason="R2")
    hand.at("T200_5").answer("T200_5", group="WG-HST").call("assign").at("T200_5_accept")
    hand.answer("T200_5_accept", "zhaolei", accept="rejected", reject_reason="R1")
    assert hand.instance.variables["must_designate"] is True
    assert hand.effect.jobs[0].payload["variables"]["trigger"] == "X4"

    hand.at("T200_5_manager").answer("T200_5_manager", "liuyang", group="WG-DBS")
    hand.call("assign", "liuyang").at("T200_6")

    record = hand.record
    assert (record["status"], record["reject_count"], record["misregistered"]) == ("ST4", 2, True)
    statuses = [line["new"] for line in hand.rows(tables.log) if line["field"] == "status"]
    assert statuses[-2:] == ["ST3", "ST4"]
    order = hand.rows(tables.work_order)[2]
    assert (order["status"], order["assignee"]) == ("W3", "sunjing")

    hand.answer("T200_6", "sunjing", outcome_6="back_to_desk").at("T200_5")
    hand.answer("T200_5", group="WG-NET").call("assign").at("T200_5_accept")
    with pytest.raises(RejectionIsFinal):
        hand.answer("T200_5_accept", "zhoutao", accept="rejected", reject_reason="R1")


def test_second_line_returns_a_call_that_is_not_its_own(hand):
    """S34."""
    hand.accepted("WG-HST", "zhaolei")
    hand.answer("T200_6", "zhaolei", outcome_6="back_to_desk", suggested_group="WG-DBS").at("T200_5")

    record = hand.record
    assert (record["status"], record["return_count"], record["reject_count"]) == ("ST2", 1, 0)
    order = hand.rows(tables.work_order)[0]
    assert (order["status"], order["result"], order["suggested_group"]) == ("W5", "returned", "WG-DBS")


def test_a_withdrawn_call_recalls_its_work_order(hand):
    """S37."""
    hand.accepted().message("withdraw", reason="已自行解决").at("T200_10").answer("T200_10").call(
        "close"
    ).end()

    assert (hand.record["status"], hand.record["closure_code"]) == ("ST8", "C07")
    order = hand.rows(tables.work_order)[0]
    told = [one["recipient"] for one in hand.rows(tables.notice) if one["event"] == "recalled"]
    assert (order["status"], told) == ("W7", [order["assignee"]])


def test_first_line_out_of_time_is_dispatched_to_the_default_group(hand):
    """S32."""
    hand.first_line().message("time_box_over", "system")
    assert hand.instance.variables["group"] == "WG-TRM"

    hand.call("assign", "system").at("T200_5_accept")
    assert hand.record["status"] == "ST3"


def test_without_a_default_group_the_manager_designates(hand):
    hand.first_line(category="OTH").message("time_box_over", "system")

    assert hand.instance.variables["group"] is None


def test_a_recalled_dispatch_goes_back_to_the_desk(hand):
    hand.dispatched().message("recall").at("T200_5")

    assert hand.rows(tables.work_order)[0]["status"] == "W7"
    assert (hand.record["status"], hand.record["assigned_group"]) == ("ST2", None)


def test_a_hold_needs_comment_and_expected_resume(hand):
    hand.accepted()

    with pytest.raises(Missing) as refused:
        hand.answer("T200_6", "zhenghao", outcome_6="wait_parts")
    assert set(refused.value.fields) == {"hold_comment", "expected_resume"}


def test_a_hold_pauses_the_work_order_and_returns(hand):
    hand.accepted()
    until = at(11, 24, 10, 0).isoformat()
    hand.answer("T200_6", "zhenghao", outcome_6="need_info", hold_comment="等样本", expected_resume=until)
    hand.at("W_customer")
    assert (hand.record["status"], hand.record["hold"], hand.record["step"]) == ("ST6", "H1", "200.6")
    assert hand.instance.variables["return_step"] == "T200_6"
    assert hand.rows(tables.work_order)[0]["status"] == "W4"

    hand.later(minutes=30).message("customer_replied", note="已提供").at("T200_6")

    assert (hand.record["status"], hand.record["hold"]) == ("ST4", None)
    assert hand.rows(tables.hold)[0]["ended_by"] == "customer_replied"
    assert hand.rows(tables.work_order)[0]["status"] == "W3"


def test_an_expired_hold_ends_by_its_timer(hand):
    hand.accepted()
    until = at(11, 24, 10, 0)
    hand.answer("T200_6", "zhenghao", outcome_6="suspend", hold_comment="客户同意", expected_resume=until)
    hand.at("W_agreed")
    hand.now = until
    hand.at("T200_6", "system")

    assert hand.rows(tables.hold)[0]["ended_by"] == "timer"
    assert hand.record["status"] == "ST4"


@pytest.mark.parametrize(("impact", "urgency", "by"), [("I1", "U1", "lina"), ("I2", "U2", "lina")])
def test_no_waiting_for_the_customer_on_p1_and_p2(hand, impact, urgency, by):
    hand.first_line(impact=impact, urgency=urgency)

    until = at(11, 24, 10, 0).isoformat()
    with pytest.raises(HoldRefused):
        hand.answer("T200_4", by, outcome_4="need_info", hold_comment="等", expected_resume=until)


def test_the_manager_may_wait_for_the_customer_on_p2(hand):
    hand.first_line(impact="I2", urgency="U2")

    until = at(11, 24, 10, 0).isoformat()
    hand.answer("T200_4", "liuyang", outcome_4="need_info", hold_comment="等", expected_resume=until)
    assert hand.at("W_customer").record["status"] == "ST6"


def test_a_refused_confirmation_goes_back_to_the_same_assignee(hand):
    hand.solved().answer("T200_9", outcome_9="refused", refuse_reason="N1")
    assert hand.instance.variables["return_step"] == "T200_6"

    hand.at("T200_6")

    assert hand.effect.tasks["T200_6"].assignee == "zhenghao"
    assert hand.rows(tables.work_order)[0]["status"] == "W3"


def test_the_second_refusal_escalates_and_takes_the_case_from_first_line(hand):
    hand.first_line()
    for step in ("T200_4", "T200_5"):
        hand.answer("T200_4", outcome_4="resolved", **SOLUTION).at("T200_9")
        hand.answer("T200_9", outcome_9="refused", refuse_reason="N1").at(step)
        assert hand.instance.variables["return_step"] == step

    assert hand.record["refusal_count"] == 2


def test_the_customer_who_has_not_looked_yet_has_not_refused(hand):
    hand.solved().answer("T200_9", outcome_9="refused", refuse_reason="N5").at("T200_9")

    assert hand.instance.variables["outcome_9"] == "unreachable"
    assert hand.instance.variables["after_unreachable"] == "retry"
    assert hand.record["refusal_count"] == 0


def test_an_empty_second_confirmation_is_refused_and_changes_nothing(hand):
    hand.solved().answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_6")
    hand.answer("T200_6", "zhenghao", outcome_6="resolved", **SOLUTION).at("T200_9")
    before = hand.record

    with pytest.raises(ConfirmationEmpty) as refused:
        hand.answer("T200_9")

    assert refused.value.code == "confirmation-empty"
    assert "第 2 次" in refused.value.text("zh")
    assert hand.record == before


def test_an_unreachable_customer_is_closed_after_attempts_days_and_hours(hand):
    """S38."""
    hand.now = at(11, 24, 9, 0)
    hand.first_line()
    hand.now = at(11, 24, 10, 0)
    hand.answer("T200_4", outcome_4="resolved", **SOLUTION).at("T200_9")
    then = []
    for moment in (at(11, 24, 10, 5), at(11, 24, 15), at(11, 25, 10), at(11, 26, 10)):
        hand.now = moment
        hand.answer("T200_9", outcome_9="unreachable")
        then.append(hand.instance.variables["after_unreachable"])

    assert then == ["retry", "retry", "retry", "close"]
    assert hand.record["confirm_method"] == "AUTO"


def test_an_unlisted_outcome_is_refused(hand):
    hand.first_line()

    with pytest.raises(UnknownOutcome):
        hand.answer("T200_4", outcome_4="resovled", **SOLUTION)


def test_rights(hand):
    hand.solved()

    with pytest.raises(NotAllowed):
        hand.answer("T200_9", "zhenghao", outcome_9="confirmed", method="PHONE")
    with pytest.raises(NotAllowed):
        hand.start("zhenghao")


def test_the_second_line_solver_cannot_confirm(hand):
    hand.accepted().answer("T200_6", "liuyang", outcome_6="resolved", **SOLUTION).at("T200_9")

    for method in ("PHONE", "PERSON", "MAIL", "PORTAL", "DUTY", "IMPORT"):
        with pytest.raises(SolverCannotConfirm):
            hand.answer("T200_9", "liuyang", outcome_9="confirmed", method=method)
    hand.answer("T200_9", "hejing", outcome_9="confirmed", method="IMPORT")


def test_what_only_the_desk_itself_says_is_nobodys_choice(hand):
    with hand.command("lina") as command:
        offered = hand.desk.options(command, "codes.confirm_method")

    assert "PHONE" in offered
    assert not {"AUTO", "MANAGER"} & offered


def test_a_dispatch_goes_to_second_line_only(hand):
    hand.first_line().answer("T200_4", outcome_4="escalate").at("T200_5")

    for group in ("WG-SD", "WG-IM", "WG-NONE"):
        with pytest.raises(NotASecondLine):
            hand.answer("T200_5", group=group)


def test_a_closed_call_is_not_edited(hand):
    hand.first_line().message("withdraw").at("T200_10").answer("T200_10").call("close")

    with pytest.raises(CallClosed), hand.command("liuyang") as command:
        data = {"impact": "I1", "urgency": "U1", "priority_reason": "x"}
        hand.desk.change_priority(command, hand.no, data)


def test_a_closure_code_of_another_path_is_refused(hand):
    hand.first_line().message("withdraw").at("T200_10")

    with pytest.raises(ClosureCodeRefused):
        hand.answer("T200_10", closure_code="C01")


def test_only_the_manager_closes_unsolved(hand):
    hand.first_line().message("withdraw").at("T200_10")

    with pytest.raises(NotAllowed):
        hand.answer("T200_10", closure_code="C11")
    hand.answer("T200_10", "liuyang", closure_code="C11").call("close", "liuyang")
    assert hand.record["closure_code"] == "C11"


def test_a_step_to_a_status_that_the_table_does_not_have_is_refused(hand):
    hand.first_line()
    before = hand.record

    with pytest.raises(TransitionRefused):
        hand.at("T200_8")
    assert hand.record == before


def test_lowering_needs_the_manager_and_raising_does_not(hand):
    hand.first_line(impact="I2", urgency="U2")
    lower = {"impact": "I4", "urgency": "U4", "priority_reason": "影响小"}

    with pytest.raises(NotAllowed), hand.command("lina") as command:
        hand.desk.change_priority(command, hand.no, lower)
    with hand.command("liuyang") as command:
        hand.desk.change_priority(command, hand.no, lower)
    assert (hand.record["priority"], hand.record["segment"]) == ("P4", 2)
    with hand.command("wumin") as command:
        effect = hand.desk.change_priority(command, hand.no, lower | {"impact": "I1", "urgency": "U1"})
    assert hand.record["priority"] == "P1"
    assert effect.jobs[0].payload["variables"]["trigger"] == "X1"


def test_a_child_waits_and_is_confirmed_by_itself(hand):
    parent = hand.first_line().no
    parent_instance = hand.instance
    child = (
        hand.registered().at("T200_2").answer("T200_2", outcome_2="duplicate", parent=parent).at("W_parent")
    )
    child_instance = child.instance
    assert (hand.record["status"], hand.record["hold"], hand.record["parent"]) == ("ST6", "H3", parent)

    hand.instance = parent_instance
    hand.answer("T200_4", outcome_4="resolved", **SOLUTION).at("T200_9")
    assert [job.payload["message"] for job in hand.effect.jobs] == ["parent_solved"]

    hand.instance = child_instance
    hand.message("parent_solved", "system").at("T200_9", "system")
    assert (hand.record["status"], hand.record["solution_inherited"]) == ("ST7", True)
    hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    hand.answer("T200_10", closure_code="C08").call("close")
    assert hand.record["closure_code"] == "C08"


def test_a_call_reopens_within_its_window_on_the_same_record(hand):
    hand.solved().answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    hand.answer("T200_10", closure_code="C01").call("close").end()
    no = hand.no

    hand.later(days=1).start(key=no, entry="reopen", reason="复发").at("T200_6")

    assert hand.instance.variables["return_step"] == "T200_6"
    assert hand.instance.variables["group"] == "WG-TRM"
    record = hand.record
    assert (record["status"], record["reopen_count"], record["closure_code"]) == ("ST4", 1, None)
    assert record["resolved_at"] is not None
    assert hand.rows(tables.work_order)[0]["status"] == "W3"


@pytest.mark.parametrize("days", [4, 30])
def test_a_call_does_not_reopen_after_its_window(hand, days):
    hand.solved().answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    hand.answer("T200_10", closure_code="C01").call("close")

    with pytest.raises(Exception, match="cannot be reopened"):
        hand.later(days=days).start(key=hand.no, entry="reopen", reason="复发")


def test_an_import_enters_history_with_its_own_times(hand):
    hand.now = at(3, 1, 12, 0)
    late = {"reported_at": at(2, 1, 8, 0).isoformat(), "caller": None, "caller_name": "Caller 1"}
    with pytest.raises(NotAllowed):
        hand.registered(**late)
    hand.start("liuyang").answer(
        "T200_1",
        "liuyang",
        call_type="INC",
        classification="INC-USE",
        source="USR",
        medium="PHONE",
        subject="x",
        **late,
    )
    record = hand.record
    assert (record["backfilled"], record["owner"]) == (True, "lina")
    data = {"outcome_2": "proceed", "category": "APP", "impact": "I3", "urgency": "U3", "ci_text": "?"}
    hand.call("classify").at("T200_2").answer("T200_2", "liuyang", **data).call("prioritise").at("T200_4")
    hand.answer(
        "T200_4", "liuyang", outcome_4="resolved", resolved_at=at(2, 2, 8, 0).isoformat(), **SOLUTION
    ).at("T200_9")
    hand.answer("T200_9", "liuyang", outcome_9="confirmed", method="IMPORT").at("T200_10")
    hand.answer("T200_10", "liuyang", closure_code="C01").call("close", "liuyang")

    assert hand.record["resolved_at"] == at(2, 2, 8, 0)
    assert hand.record["attempt_count"] == 0


def test_other_processes_run_plain(hand):
    hand.start("lina", process="coffee", key="k", milk=True)
    assert hand.instance.variables == {"milk": True}

    hand.answer("T_brew", cups=2)
    assert hand.instance.variables["cups"] == 2


def test_options_come_from_the_tables(hand):
    with hand.command("lina") as command:
        assert hand.desk.options(command, "codes.priority") == {"P1", "P2", "P3", "P4"}
        assert "INC-EQP" not in hand.desk.options(command, "codes.classification")
        assert "WG-SD" not in hand.desk.options(command, "groups.l2")


def test_published_tables_count_from_the_next_command(hand):
    with hand.database.write() as connection:
        codes.revise(connection, "matrix", "I4U3", priority="P1")

    assert hand.first_line().record["priority"] == "P1"


def test_open_calls_of_the_same_ci_or_caller_are_candidates(hand):
    first = hand.registered().no
    hand.registered(ci="ATM-0087", caller="chencd")
    other = hand.registered(ci="DB-CORE", caller="zhangmin").no

    with hand.database.read() as connection:
        assert facts.similar(connection, other) == [first]
    lines = [row["new"] for row in hand.rows(tables.log) if row["what"] == "duplicate_candidates"]
    assert lines == [first]


def test_priority_sorts_the_task_list(hand):
    hand.first_line(impact="I1", urgency="U1")

    assert hand.effect.tasks["T200_4"].priority == 100


def held(hand, **judged):
    until = at(11, 24, 10, 0).isoformat()
    data = {"outcome_2": "need_info", "hold_comment": "等", "expected_resume": until, **judged}
    return hand.registered().at("T200_2").answer("T200_2", **data).at("W_customer")


@pytest.mark.parametrize(("impact", "urgency"), [("I1", "U1"), ("I2", "U2"), ("I1", "U4")])
def test_what_the_answer_makes_critical_does_not_wait_for_the_customer(hand, impact, urgency):
    with pytest.raises(HoldRefused):
        held(hand, category="TRM", impact=impact, urgency=urgency)


@pytest.mark.parametrize(("impact", "urgency"), [("I1", "U1"), ("I1", "U4")])
def test_a_call_that_waits_for_the_customer_is_not_raised_before_the_hold_ends(hand, impact, urgency):
    hand.first_line(impact="I4", urgency="U2")
    until = at(11, 24, 10, 0).isoformat()
    hand.answer("T200_4", outcome_4="need_info", hold_comment="等", expected_resume=until).at("W_customer")
    change = {"impact": impact, "urgency": urgency, "priority_reason": "扩大"}

    with pytest.raises(EndHoldFirst), hand.command("lina") as command:
        hand.desk.change_priority(command, hand.no, change)
    hand.message("customer_replied").at("T200_4")
    with hand.command("lina") as command:
        hand.desk.change_priority(command, hand.no, change)


@pytest.mark.parametrize(
    ("impact", "urgency", "major"), [("I1", "U4", True), ("I2", "U1", True), ("I2", "U2", False)]
)
def test_p1_or_whole_bank_is_major_and_reviewed(hand, impact, urgency, major):
    hand.first_line(impact=impact, urgency=urgency)
    assert (hand.record["major"], hand.record["major_declared_by"]) == (major, "lina" if major else None)

    hand.answer("T200_4", outcome_4="resolved", **SOLUTION).at("T200_9")
    hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    hand.answer("T200_10", closure_code="C01").call("close")

    assert (hand.record["review_due_at"] is not None) == major


def test_a_call_that_becomes_whole_bank_becomes_major(hand):
    hand.first_line()
    change = {"impact": "I1", "urgency": "U3", "priority_reason": "扩大到全行"}

    with hand.command("wumin") as command:
        effect = hand.desk.change_priority(command, hand.no, change)

    assert (hand.record["major"], hand.record["major_declared_by"]) == (True, "wumin")
    assert [job.payload["variables"]["trigger"] for job in effect.jobs if "variables" in job.payload] == [
        "X1"
    ]


def test_a_major_mark_is_data(hand):
    with hand.database.write() as connection:
        codes.revise(connection, "impact", "I1", major=None)

    assert hand.first_line(impact="I1", urgency="U4").record["major"] is False


def test_a_request_whose_answer_is_refused_is_worked_again_and_leaves_by_hand_off(hand):
    hand.registered(call_type="SR", classification="SR-CON-STA").at("S200_3")
    hand.answer("S200_3", outcome_3="answered", solution_steps="17:30 关闭").at("T200_9")
    hand.answer("T200_9", outcome_9="refused", refuse_reason="N1").at("S200_3")
    assert (hand.instance.variables["return_step"], hand.record["status"]) == ("S200_3", "ST2")

    hand.answer("S200_3", outcome_3="handed_off").at("W_request")
    hand.message("request_done", "xuyan", outcome_3="completed").at("T200_9")
    hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10").answer("T200_10").call("close")

    assert hand.record["closure_code"] == "C10"


def test_a_reopened_request_goes_back_to_the_request(hand):
    hand.registered(call_type="SR", classification="SR-CON-STA").at("S200_3")
    hand.answer("S200_3", outcome_3="answered", solution_steps="17:30 关闭").at("T200_9")
    hand.answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10").answer("T200_10").call("close")

    hand.start(key=hand.no, entry="reopen", reason="又问").at("S200_3")

    assert (hand.instance.variables["return_step"], hand.record["status"]) == ("S200_3", "ST2")


def test_a_call_withdrawn_from_a_hold_is_on_hold_no_more(hand):
    held(hand).message("withdraw", reason="已自行解决").at("T200_10")

    assert (hand.record["hold"], hand.record["held_from"]) == (None, None)
    hand.answer("T200_10").call("close")
    assert hand.record["closure_code"] == "C07"


def test_a_recurrence_names_a_call_that_exists(hand):
    first = hand.registered().no

    with pytest.raises(UnknownRecord):
        hand.registered(recurrence_of="SD209901010001")
    assert hand.registered(recurrence_of=first).record["recurrence_of"] == first


def test_the_log_says_when_a_message_of_ours_was_not_taken(hand):
    hand.first_line()

    with hand.command("system") as command:
        hand.desk.untaken(command, "time_box_over", hand.no)
        hand.desk.untaken(command, "time_box_over", "SD000000000000")

    said = [line["new"] for line in hand.rows(tables.log) if line["what"] == "not_taken"]
    assert said == ["time_box_over"]


def test_calls_that_nothing_wakes_are_looked_at(hand):
    hand.first_line()
    with hand.command("system") as command:
        hand.desk.watch(command)
    there = [(job.key, job.due, job.renewed) for job in hand.settled.jobs]
    assert there[0] == (f"look:{hand.no}", hand.record["look_at"], False) and len(there) == 2
    with hand.database.write() as connection:
        connection.execute(update(tables.incident).values(look_at=None))

    with hand.command("system") as command:
        hand.desk.watch(command)
    look, shift = hand.settled.jobs
    assert [(look.key, look.renewed), shift.key] == [(f"look:{hand.no}", True), "shift"]
    with hand.command("system") as command:
        hand.desk.work(command, look.payload)

    assert hand.record["look_at"] == at(11, 23, 11, 5)
