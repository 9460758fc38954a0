"""An escalation from notice to end, hook by hook (PROCESS §6.6.5)."""

import pytest

from handlers import codes, facts, tables
from handlers.errors import DecisionLimited, EndHoldFirst, EscalationRefused, Missing, NotAllowed
from tests.handlers.conftest import at


@pytest.fixture
def raised(hand):
    """A P3 at WG-TRM, escalated by hand by the desk: one level above none is E1."""
    hand.accepted(impact="I4", urgency="U2")
    hand.call_instance = hand.instance
    hand.start("lina", process="escalation", key=hand.no, reason="客户催办")
    return hand.call("register_escalation").call("notify")


def row(hand):
    return hand.rows(tables.escalation)[-1]


def test_by_hand_it_starts_one_level_above_the_present(raised):
    variables = raised.instance.variables

    assert (variables["level"], variables["holder_group"]) == ("E1", "WG-TRM")
    assert variables["acknowledged"] is False
    assert row(raised)["trigger"] == "X13"
    assert raised.record["escalation_level"] == "E1"
    told = [n["recipient"] for n in raised.rows(tables.notice) if n["event"] == "escalated"]
    assert set(told) == {"zhenghao", "lina"}


def test_a_solved_call_is_not_escalated(hand):
    hand.solved()

    with pytest.raises(EscalationRefused):
        hand.start("lina", process="escalation", key=hand.no, reason="x")


def test_it_needs_a_reason(hand):
    hand.accepted()

    with pytest.raises(Missing):
        hand.start("lina", process="escalation", key=hand.no)


def test_a_person_cannot_pretend_to_be_a_clock(hand):
    hand.accepted().start("lina", process="escalation", key=hand.no, reason="x", trigger="X1")

    assert hand.instance.variables["trigger"] == "X13"


def test_one_active_escalation_per_call(raised):
    with pytest.raises(EscalationRefused):
        raised.start("lina", process="escalation", key=raised.no, reason="再次")


def test_the_level_holder_acknowledges_and_decides(raised):
    with pytest.raises(NotAllowed):
        raised.answer("T_ack", "zhoutao")
    raised.answer("T_ack", "zhenghao").answer("T_decide", "zhenghao", decision="add_resources").call("act")

    assert (row(raised)["state"], row(raised)["decision"]) == ("decided", "add_resources")
    assert raised.instance.variables["decision"] == "add_resources"


@pytest.mark.parametrize("decision", ["accept", "withdraw"])
def test_accepting_and_withdrawing_need_a_reason(raised, decision):
    raised.answer("T_ack", "zhenghao")

    with pytest.raises(Missing):
        raised.answer("T_decide", "zhenghao", decision=decision)


def test_reassigning_becomes_a_message_to_the_call(raised):
    raised.answer("T_ack", "zhenghao").answer("T_decide", "zhenghao", decision="reassign").call("act")
    job = raised.effect.jobs[0]
    assert (job.kind, job.payload["message"]) == ("send", "escalation_decided")

    raised.instance = raised.call_instance
    raised.message("escalation_decided", "system", **job.payload["data"]).at("T200_5", "system")

    assert raised.record["status"] == "ST2"
    assert raised.rows(tables.work_order)[0]["status"] == "W7"


def test_silence_goes_to_the_backup_and_then_to_the_next_level(raised):
    raised.call("register_escalation", "system").call("notify", "system")
    assert row(raised)["level"] == "E1"

    raised.call("register_escalation", "system").call("notify", "system")

    assert (row(raised)["level"], row(raised)["trigger"]) == ("E2", "XN")
    assert raised.instance.variables["holder_group"] == "WG-IM"
    assert len(raised.rows(tables.escalation)) == 1


def test_registering_the_same_trigger_again_makes_no_second_record(raised):
    raised.answer("T_ack", "zhenghao")
    before = len(raised.rows(tables.escalation_raise))
    raised.instance.variables.update(trigger="X13", level="E1")

    raised.call("register_escalation", "system")

    assert len(raised.rows(tables.escalation_raise)) == before
    assert raised.instance.variables["acknowledged"] is True


@pytest.fixture
def silent(hand):
    """The first group stays silent: the escalation is registered for that."""
    hand.dispatched()
    hand.call_instance = hand.instance
    hand.start("system", "escalation", hand.no, trigger="X3", level="E1")
    return hand.call("register_escalation", "system")


def test_another_group_that_stays_silent_is_a_reminder_and_the_same_silence_twice_is_one(silent):
    escalation, silent.instance = silent.instance, silent.call_instance
    silent.message("recall").at("T200_5").answer("T200_5", group="WG-HST").call("assign").at("T200_5_accept")
    silent.instance = escalation

    for _ in range(2):
        silent.message("threshold_reached", "system", trigger="X3", level="E1")
        silent.call("register_escalation", "system")

    assert [one["segment"] for one in silent.rows(tables.escalation_raise)] == [1, 2]
    said = [one["what"] for one in silent.rows(tables.log) if one["what"].startswith("escalation")]
    assert said.count("escalation_registered") == said.count("escalation_reminder") == 1
    assert len(silent.rows(tables.escalation)) == 1


def test_a_threshold_raises_the_level_in_place(raised):
    raised.answer("T_ack", "zhenghao").answer("T_decide", "zhenghao", decision="negotiate").call("act")
    raised.message("threshold_reached", "lina", reason="仍未解决").call("register_escalation")

    assert raised.instance.variables["acknowledged"] is False
    assert (row(raised)["level"], row(raised)["state"]) == ("E2", "notified")


def test_a_raised_escalation_keeps_nothing_of_the_lower_levels_answer(raised):
    raised.answer("T_ack", "zhenghao").later(minutes=1)
    raised.answer("T_decide", "zhenghao", decision="accept", reason="可接受").call("act")

    raised.message("threshold_reached", "lina", reason="仍未解决").call("register_escalation")

    kept = {name for name in ("acked_at", "acked_by", "holder", "decision") if row(raised)[name]}
    kept |= {name for name in row(raised) if name.startswith("decided") and row(raised)[name]}
    assert (row(raised)["level"], kept, row(raised)["decision_reason"]) == ("E2", set(), None)
    said = [line["new"] for line in raised.rows(tables.log) if line["what"] == "escalation_decided"]
    assert said == ["accept 可接受"]


def test_it_ends_when_the_call_is_solved(raised):
    escalation = raised.instance
    raised.instance = raised.call_instance
    steps = {"solution_kind": "permanent", "solution_steps": "换件"}
    raised.answer("T200_6", "zhenghao", outcome_6="resolved", **steps).at("T200_9")
    job = raised.effect.jobs[0]
    assert (job.payload["message"], job.payload["process"]) == ("solved", "escalation")

    raised.instance = escalation
    raised.message("solved", "system").call("end_escalation", "system")

    assert (row(raised)["state"], row(raised)["end_reason"]) == ("ended", "solved")
    with raised.database.read() as connection:
        assert facts.broken_log(connection, raised.no) is None


def withdrawn(raised):
    raised.answer("T_ack", "liuyang").answer("T_decide", "liuyang", decision="withdraw", reason="已缓解")
    raised.call("act").call("end_escalation")
    return row(raised)["end_reason"]


def solve(raised):
    raised.instance = raised.call_instance
    steps = {"solution_kind": "permanent", "solution_steps": "换件"}
    return raised.answer("T200_6", "zhenghao", outcome_6="resolved", **steps).at("T200_9")


def refuse(raised):
    return raised.answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_6")


def test_a_refused_confirmation_restores_the_level(raised):
    escalation = raised.instance
    solve(raised).instance = escalation
    raised.message("solved", "system").call("end_escalation", "system")

    raised.instance = raised.call_instance
    raised.answer("T200_9", outcome_9="refused", refuse_reason="N1")

    start = raised.effect.jobs[0].payload
    assert start["variables"] == {"trigger": "XR", "level": "E1", "reason": "确认被否后恢复级别"}


def test_a_withdrawn_escalation_does_not_come_back(raised):
    assert withdrawn(raised) == "withdrawn"

    solve(raised).answer("T200_9", outcome_9="refused", refuse_reason="N1")

    assert raised.jobs == []


def test_a_withdrawn_level_does_not_raise_what_a_second_refusal_calls_for(raised):
    raised.message("threshold_reached", "liuyang", reason="行领导关注", level="E3").call(
        "register_escalation"
    )
    assert (row(raised)["level"], withdrawn(raised)) == ("E3", "withdrawn")
    refuse(solve(raised))

    solve(raised).answer("T200_9", outcome_9="refused", refuse_reason="N1")

    assert [job.payload["variables"]["level"] for job in raised.jobs] == ["E2"]


@pytest.mark.parametrize(("who", "level", "allowed"), [("lina", "E3", False), ("liuyang", "E3", True)])
def test_only_the_manager_names_a_level(hand, who, level, allowed):
    hand.accepted()

    if allowed:
        hand.start(who, process="escalation", key=hand.no, reason="x", level=level)
        assert hand.instance.variables["level"] == level
        return
    with pytest.raises(NotAllowed):
        hand.start(who, process="escalation", key=hand.no, reason="x", level=level)


def test_raising_by_hand_needs_a_reason_and_only_the_manager_names_a_level(raised):
    raised.answer("T_ack", "zhenghao")

    with pytest.raises(Missing):
        raised.message("threshold_reached", "lina", reason=" ")
    with pytest.raises(NotAllowed):
        raised.message("threshold_reached", "lina", reason="行领导关注", level="E4")
    raised.message("threshold_reached", "liuyang", reason="行领导关注", level="E4").call(
        "register_escalation"
    )

    assert (row(raised)["level"], row(raised)["reason"]) == ("E4", "行领导关注")


def test_the_level_holder_withdraws_what_is_watched(raised):
    raised.answer("T_ack", "zhenghao").answer("T_decide", "zhenghao", decision="negotiate").call("act")

    with pytest.raises(NotAllowed):
        raised.message("withdraw_escalation", "zhoutao", reason="已缓解")
    with pytest.raises(Missing):
        raised.message("withdraw_escalation", "zhenghao", reason="\u3000")
    raised.message("withdraw_escalation", "zhenghao", reason="已缓解").call("end_escalation")

    ended = row(raised)
    assert (ended["state"], ended["end_reason"]) == ("ended", "withdrawn")
    assert (ended["decision_reason"], ended["decided_by"]) == ("已缓解", "zhenghao")


def test_declaring_major_says_who_decided_and_calls_for_x1_and_the_alert(raised):
    raised.answer("T_ack", "zhenghao").answer("T_decide", "liuyang", decision="declare_major")

    raised.call("act", "liuyang")

    assert (raised.record["major"], raised.record["major_declared_by"]) == (True, "liuyang")
    assert [job.payload["data"]["trigger"] for job in raised.effect.jobs] == ["X1"]
    assert "zhenghao" in {n["recipient"] for n in raised.rows(tables.notice) if n["event"] == "alert"}


def on_hold(raised, outcome="need_info"):
    escalation, raised.instance = raised.instance, raised.call_instance
    held = {"hold_comment": "等", "expected_resume": at(11, 24, 10).isoformat()}
    raised.answer("T200_6", "zhenghao", outcome_6=outcome, **held).at("W_customer")
    raised.instance = escalation


def test_a_call_that_nobody_works_on_is_not_reassigned(raised):
    raised.answer("T_ack", "zhenghao")
    on_hold(raised)

    with pytest.raises(EscalationRefused):
        raised.answer("T_decide", "zhenghao", decision="reassign")


def test_a_call_that_waits_for_the_customer_is_not_declared_major(raised):
    raised.answer("T_ack", "zhenghao")
    on_hold(raised)

    with pytest.raises(EndHoldFirst):
        raised.answer("T_decide", "liuyang", decision="declare_major")


def awaiting_vendor(raised):
    """The call waits for the vendor's answer; the hand holds the escalation, returns the call's."""
    escalation, raised.instance = raised.instance, raised.call_instance
    raised.answer("T200_6", "zhenghao", outcome_6="vendor").at("T200_7")
    raised.answer("T200_7", "zhenghao", vendor="V-ATM").call("contact_vendor").at("E_vendor")
    incident, raised.instance = raised.instance, escalation
    return incident


def test_a_call_that_awaits_a_vendor_is_reassigned_and_the_engagement_ends(raised):
    raised.answer("T_ack", "zhenghao")
    incident = awaiting_vendor(raised)

    raised.answer("T_decide", "zhenghao", decision="reassign")
    raised.instance = incident
    raised.message("escalation_decided", "system", decision="reassign").at("T200_5")
    assert raised.record["status"] == "ST2"
    assert {order["status"] for order in raised.rows(tables.work_order)} == {"W7"}
    assert raised.rows(tables.vendor_engagement)[0]["result"] == "V6"


def test_the_log_tells_a_request_from_a_registration(hand):
    hand.dispatched("WG-NET").answer("T200_5_accept", "zhoutao", accept="rejected", reject_reason="R1")
    hand.at("T200_5").answer("T200_5", group="WG-HST").call("assign").at("T200_5_accept")
    hand.answer("T200_5_accept", "zhaolei", accept="rejected", reject_reason="R1").at("T200_5_manager")

    def said():
        return [line["what"] for line in hand.rows(tables.log) if line["what"].startswith("escalation_")]

    assert said() == ["escalation_requested"]
    hand.start("system", process="escalation", key=hand.no, trigger="X4", level="E2")
    hand.call("register_escalation", "system")
    assert said() == ["escalation_requested", "escalation_registered"]


def decided(raised, decision, **said):
    raised.answer("T_ack", "zhenghao").answer("T_decide", "zhenghao", decision=decision, **said)
    return raised.call("act", "zhenghao")


def test_more_people_are_a_collaboration_order_for_the_group_that_works_on_it(raised):
    decided(raised, "add_resources", reason="再派一人")

    orders = [order for order in raised.rows(tables.work_order) if order["type"] == "COL"]
    assert [(one["group"], one["status"], one["created_by"]) for one in orders] == [
        ("WG-TRM", "W1", "zhenghao")
    ]
    assert orders[0]["comment"] == "增派资源:再派一人"
    assert orders[0]["due_accept"] == at(11, 23, 10, 5)


def test_a_decision_that_is_carried_out_again_issues_no_second_order(raised):
    decided(raised, "add_resources").call("act", "zhenghao")

    assert [order["type"] for order in raised.rows(tables.work_order)] == ["DSP", "COL"]


def test_which_work_order_more_people_are_is_data(raised):
    with raised.database.write() as connection:
        codes.revise(connection, "escalation_decision", "add_resources", order="ONS")

    decided(raised, "add_resources")

    assert [order["type"] for order in raised.rows(tables.work_order)] == ["DSP", "ONS"]


def test_more_people_are_sent_again_by_the_next_decision(raised):
    decided(raised, "add_resources").message("threshold_reached", "liuyang", reason="仍未解决")
    raised.call("register_escalation").later(minutes=1)
    raised.answer("T_ack", "liuyang").answer("T_decide", "liuyang", decision="add_resources")
    raised.call("act", "liuyang")

    assert [order["type"] for order in raised.rows(tables.work_order)] == ["DSP", "COL", "COL"]


def test_urging_the_vendor_asks_its_escalation_contact(raised):
    awaiting_vendor(raised)

    decided(raised, "change_vendor")

    asked = [one["recipient"] for one in raised.rows(tables.notice) if one["event"] == "vendor_contact"]
    assert asked == ["400-100-0001", "400-100-0002"]
    assert raised.rows(tables.vendor_engagement)[0]["attempts"] == 2


def test_urging_the_vendor_shortens_nobodys_time_to_answer(raised):
    incident = awaiting_vendor(raised)
    decided(raised, "change_vendor").message("threshold_reached", "liuyang", reason="仍未解决")
    raised.call("register_escalation").answer("T_ack", "liuyang")
    raised.answer("T_decide", "liuyang", decision="change_vendor").call("act", "liuyang")

    raised.instance, raised.now = incident, at(11, 23, 14, 35)
    raised.call("contact_vendor", "system")

    engagement = raised.rows(tables.vendor_engagement)[0]
    assert (engagement["attempts"], engagement["result"]) == (4, None)
    assert raised.instance.variables["vendor_due"] == at(11, 24, 9, 5).isoformat()
    assert engagement["due_at"] == at(11, 23, 14, 35)


def test_without_a_vendor_nobody_is_urged(raised):
    decided(raised, "change_vendor")

    assert not [one for one in raised.rows(tables.notice) if one["event"] == "vendor_contact"]


@pytest.mark.parametrize(
    ("decision", "process", "note"),
    [
        ("emergency_change", "CHG", "发起紧急变更:回退版本"),
        ("start_emergency_plan", "EMG", "启动应急预案:回退版本"),
    ],
)
def test_an_emergency_is_handed_to_its_process_once(raised, decision, process, note):
    decided(raised, decision, reason="回退版本").call("act", "zhenghao")

    handed = [(row["process"], row["note"], row["opened_by"]) for row in raised.rows(tables.hand_off)]
    assert handed == [(process, note, "zhenghao")]


@pytest.fixture
def refused_twice(hand):
    """Second line's solution was refused twice: E2 by X5, acknowledged by the manager."""
    steps = {"solution_kind": "permanent", "solution_steps": "换件"}
    hand.solved().answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_6")
    hand.answer("T200_6", "zhenghao", outcome_6="resolved", **steps).at("T200_9")
    hand.answer("T200_9", outcome_9="refused", refuse_reason="N3").at("T200_6")
    hand.start("system", process="escalation", key=hand.no, trigger="X5", level="E2")
    return hand.call("register_escalation", "system").answer("T_ack", "liuyang")


@pytest.mark.parametrize("decision", ["negotiate", "add_resources", "change_vendor"])
def test_refused_twice_at_second_line_the_manager_decides_nothing_else(refused_twice, decision):
    with pytest.raises(DecisionLimited) as refused:
        refused_twice.answer("T_decide", "liuyang", decision=decision)

    assert "请供应商介入、按计划继续" in refused.value.text("zh")
    assert "Engage the vendor, Continue with plan" in refused.value.text("en")


def test_refused_twice_at_second_line_he_engages_the_vendor_or_says_why_not(refused_twice):
    with pytest.raises(Missing):
        refused_twice.answer("T_decide", "liuyang", decision="continue_plan")

    refused_twice.answer("T_decide", "liuyang", decision="engage_vendor")

    assert row(refused_twice)["decision"] == "engage_vendor"


def test_refused_twice_at_first_line_he_decides_as_he_likes(hand):
    solution = {"solution_kind": "permanent", "solution_steps": "重启"}
    hand.first_line().answer("T200_4", outcome_4="resolved", **solution).at("T200_9")
    hand.answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_4")
    hand.answer("T200_4", outcome_4="resolved", **solution).at("T200_9")
    hand.answer("T200_9", outcome_9="refused", refuse_reason="N1").at("T200_5")
    hand.start("system", process="escalation", key=hand.no, trigger="X5", level="E2")
    hand.call("register_escalation", "system").answer("T_ack", "liuyang")

    hand.answer("T_decide", "liuyang", decision="negotiate")

    assert row(hand)["decision"] == "negotiate"


def test_a_security_leaf_calls_for_the_manager_and_alerts_the_security_group(hand):
    judged = {"category": "APP", "impact": "I4", "urgency": "U3"}
    hand.registered(classification="INC-SEC-VIR").at("T200_2")

    hand.answer("T200_2", outcome_2="proceed", **judged).call("prioritise")

    said = [line["new"] for line in hand.rows(tables.log) if line["what"] == "escalation_requested"]
    alerted = [one["recipient"] for one in hand.rows(tables.notice) if one["event"] == "alert"]
    assert (said, alerted) == (["X12 E2"], ["fanglei"])


@pytest.mark.parametrize("stands", ["second line", "solved"])
def test_a_leaf_corrected_to_security_alarms_as_well(hand, stands):
    hand.accepted() if stands == "second line" else hand.solved()

    with hand.command("lina") as command:
        effect = hand.desk.edit(command, hand.no, {"classification": "INC-SEC-VIR"})
        again = hand.desk.edit(command, hand.no, {"classification": "INC-SEC-VIR"})

    asked = [job.payload["variables"]["trigger"] for job in (*effect.jobs, *again.jobs)]
    alerted = [one["recipient"] for one in hand.rows(tables.notice) if one["event"] == "alert"]
    assert (asked, alerted) == (["X12"] if stands == "second line" else [], ["fanglei"])


def test_any_other_leaf_alarms_no_security_group(hand):
    hand.first_line()

    assert not [one for one in hand.rows(tables.notice) if one["event"] == "alert"]
