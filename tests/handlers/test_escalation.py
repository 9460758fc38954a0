"""An escalation from notice to end, hook by hook (PROCESS §6.6.5)."""

import pytest

from handlers import facts, tables
from handlers.errors import EscalationRefused, Missing, NotAllowed


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

    assert (variables["level"], variables["trigger"], variables["holder_group"]) == ("E1", "X13", "WG-TRM")
    assert variables["acknowledged"] is False
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
    hand.accepted().start("lina", process="escalation", key=hand.no, reason="x", trigger="X1", level="E2")

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

    raised.call("register_escalation", "system")

    assert len(raised.rows(tables.escalation_raise)) == before
    assert raised.instance.variables["acknowledged"] is True


def test_a_threshold_raises_the_level_in_place(raised):
    raised.answer("T_ack", "zhenghao").answer("T_decide", "zhenghao", decision="negotiate").call("act")
    raised.message("threshold_reached", "lina", reason="仍未解决").call("register_escalation")

    assert raised.instance.variables["acknowledged"] is False
    assert (row(raised)["level"], row(raised)["state"]) == ("E2", "notified")


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


def test_a_refused_confirmation_restores_the_level(raised):
    raised.answer("T_ack", "zhenghao").answer("T_decide", "zhenghao", decision="withdraw", reason="已缓解")
    raised.call("act").call("end_escalation")
    assert row(raised)["end_reason"] == "withdrawn"

    raised.instance = raised.call_instance
    steps = {"solution_kind": "permanent", "solution_steps": "换件"}
    raised.answer("T200_6", "zhenghao", outcome_6="resolved", **steps).at("T200_9")
    raised.answer("T200_9", outcome_9="refused", refuse_reason="N1")

    start = raised.effect.jobs[0].payload
    assert start["variables"] == {"trigger": "XR", "level": "E1", "reason": "确认被否后恢复级别"}
