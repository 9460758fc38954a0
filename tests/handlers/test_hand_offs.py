"""Hand-offs to problem, change, configuration and emergency: opened, answered, never twice (PROCESS §6.3)."""

import pytest

from handlers import codes, hand_offs, tables
from handlers.errors import (
    CallClosed,
    ChangeNotAwaited,
    HandOffAnswered,
    HandOffByProcess,
    Missing,
    NotAllowed,
    RecordNotFound,
    UnknownCode,
    UnknownOutcome,
)
from handlers.incident import Case, HandOff, rows

LATER = "2026-11-24T10:00:00+08:00"
WORKAROUND = {"solution_kind": "workaround", "solution_steps": "每天重启"}


def opened(hand, process=None):
    found = sorted(hand.rows(tables.hand_off), key=lambda row: row["seq"])
    return [row for row in found if process in (None, row["process"])]


def wait(hand, ref="CHG-7"):
    """Second line waits for a change."""
    held = {"hold_comment": "今晚窗口", "expected_resume": LATER}
    hand.answer("T200_6", "zhenghao", outcome_6="need_change", change_ref=ref, **held)
    return hand.at("W_change")


def waiting(hand):
    return wait(hand.accepted())


def goes_on(hand):
    """The one message of the last verb reaches the call, which stands at second line again."""
    (job,) = hand.jobs
    assert (job.kind, job.payload["message"]) == ("send", "change_done")
    hand.message("change_done", "system", **job.payload["data"]).at("T200_6")
    return job.key


def closed(hand, **data):
    hand.at("T200_9").answer("T200_9", outcome_9="confirmed", method="PHONE").at("T200_10")
    return hand.answer("T200_10", **data).call("close")


def worked_around(hand, **changes):
    return hand.accepted(**changes).answer("T200_6", "zhenghao", outcome_6="resolved", **WORKAROUND)


def answer(hand, by="liuyang", seq=1, **data):
    return hand.do("hand_off.answer", by, seq=seq, **data)


def test_any_supporter_hands_over_and_the_group_is_told(hand):
    hand.accepted()
    with pytest.raises(NotAllowed):
        hand.do("hand_off", "zhangmin", process="PRB", note="根因不明")

    hand.do("hand_off", "zhoutao", process="PRB", note="根因不明", urgency="U2")

    (row,) = opened(hand)
    assert (row["process"], row["group"], row["opened_by"]) == ("PRB", "WG-TRM", "zhoutao")
    assert (row["details"], row["done_at"]) == ('{"urgency": "U2"}', None)
    told = [n for n in hand.rows(tables.notice) if n["event"] == "handed_over"]
    assert [(n["recipient"], "根因不明" in n["body"]) for n in told] == [("zhenghao", True)]


@pytest.mark.parametrize(
    ("data", "refusal", "field"),
    [
        ({"process": "XXX", "note": "x"}, UnknownCode, "process"),
        ({"process": "SRQ", "note": "x"}, HandOffByProcess, "process"),
        ({"process": "PRB"}, Missing, "note"),
        ({"process": "PRB", "note": "x", "urgency": "U9"}, UnknownCode, "urgency"),
    ],
)
def test_bad_input_is_named_and_opens_none(hand, data, refusal, field):
    hand.accepted()

    with pytest.raises(refusal) as refused:
        hand.do("hand_off", "lina", **data)

    assert set(refused.value.fields) == {field}
    assert opened(hand) == []


def test_by_hand_it_may_be_opened_again(hand):
    hand.accepted()
    for _ in range(2):
        hand.do("hand_off", "lina", process="PRB", note="根因不明")

    assert len(opened(hand)) == 2


def test_the_process_opens_one_once(scene, call):
    for known, again, opens in (
        ((), True, True),
        ((HandOff(seq=1, process="PRB"),), True, False),
        ((HandOff(seq=1, process="CHG"),), True, True),
        ((HandOff(seq=1, process="PRB", done_at=scene.now),), True, True),
        ((HandOff(seq=1, process="PRB", done_at=scene.now),), False, False),
    ):
        made = hand_offs.open_one(Case(call, rows(*known)), "PRB", scene, again=again, note="x")

        assert bool(made.rows) is opens
        if opens:
            assert made.rows[0].seq == len(known) + 1


def test_who_answers(hand):
    hand.accepted().do("hand_off", "lina", process="EMG", note="启动应急")
    for who in ("zhoutao", "zhangmin"):
        with pytest.raises(NotAllowed):
            answer(hand, who, result="started")

    for who in ("lina", "zhenghao", "wangchu", "liuyang"):
        answer(hand, who, result="started")


def test_a_problem_names_its_record_and_its_known_error(hand):
    hand.accepted().do("hand_off", "lina", process="PRB", note="根因不明")
    for result in ("registered", "known_error"):
        with pytest.raises(Missing):
            answer(hand, "zhenghao", result=result)

    answer(hand, "zhenghao", result="known_error", ref="PRB-77", note="固件 3.1 缺陷")

    (row,) = opened(hand)
    assert (row["ref"], row["result"], row["done_at"]) == ("PRB-77", "known_error", None)
    assert hand.record["problem_ref"] == "PRB-77"
    answer(hand, "zhenghao", result="fixed", note="固件 3.2")
    assert opened(hand)[0]["done_at"] == hand.now
    said = [line["new"] for line in hand.rows(tables.log) if line["what"] == "hand_off_answered"]
    assert said == ["1 PRB known_error PRB-77 固件 3.1 缺陷", "1 PRB fixed PRB-77 固件 3.2"]


def test_an_answer_is_one_that_the_process_gives(hand):
    hand.accepted().do("hand_off", "lina", process="CFG", note="缺配置项")
    for result in ("approved", "nonsense", None):
        with pytest.raises(UnknownOutcome):
            answer(hand, result=result)
    with pytest.raises(RecordNotFound):
        answer(hand, seq=9, result="corrected")
    answer(hand, result="corrected")

    with pytest.raises(HandOffAnswered):
        answer(hand, result="corrected")


def test_a_request_is_answered_by_its_work_order(hand):
    hand.registered(call_type="SR", classification="SR-CON-USE").at("S200_3")
    hand.answer("S200_3", outcome_3="handed_off").at("W_request")

    with pytest.raises(HandOffByProcess) as refused:
        answer(hand, result="completed")
    assert f"{hand.no}-01" in refused.value.text("zh")


def test_a_needed_change_is_handed_over_and_its_answer_ends_the_wait(hand):
    waiting(hand)
    (row,) = opened(hand)
    assert (row["process"], row["ref"], row["note"]) == ("CHG", "CHG-7", "今晚窗口")

    answer(hand, result="implemented", note="已上线")

    goes_on(hand)
    assert (hand.record["status"], opened(hand)[0]["result"]) == ("ST4", "implemented")


def by_answer(hand, result):
    answer(hand, result=result)
    return goes_on(hand)


def by_message(hand, result):
    hand.message("change_done", "liuyang", change_result=result).at("T200_6")


@pytest.mark.parametrize("door", [by_answer, by_message])
@pytest.mark.parametrize(
    ("result", "over"), [("approved", False), ("rejected", True), ("implemented", True), ("failed", True)]
)
def test_the_call_goes_on_by_every_answer_of_the_change_at_either_door(hand, door, result, over):
    """200.6: it returns with approved, implemented or failed; what is approved is still to be implemented."""
    door(waiting(hand), result)

    (row,) = opened(hand)
    assert (hand.record["status"], row["result"], row["answered_by"]) == ("ST4", result, "liuyang")
    assert bool(row["done_at"]) is over
    assert len([line for line in hand.rows(tables.log) if line["what"] == "hand_off_answered"]) == 1


@pytest.mark.parametrize("door", [by_answer, by_message])
def test_what_was_approved_is_waited_for_again_until_it_is_implemented(hand, door):
    first = door(waiting(hand), "approved")

    second = door(wait(hand.later(minutes=5)), "implemented")

    (row,) = opened(hand)
    assert (hand.record["status"], row["result"], row["done_at"]) == ("ST4", "implemented", hand.now)
    assert first is None or first != second


@pytest.mark.parametrize("door", ["answer", "message"])
def test_which_answers_end_the_wait_is_data(hand, door):
    with hand.database.write() as connection:
        codes.revise(connection, "hand_off_process", "CHG", until=["implemented", "failed", "rejected"])
    waiting(hand)

    if door == "answer":
        answer(hand, result="approved")
        assert (hand.jobs, opened(hand)[0]["result"]) == ([], "approved")
    else:
        with pytest.raises(UnknownOutcome) as refused:
            hand.message("change_done", "liuyang", change_result="approved")
        assert set(refused.value.fields) == {"change_result"}
    assert hand.record["status"] == "ST6"


def other_change(hand, ref="C-OLD"):
    return hand.accepted().do("hand_off", "zhenghao", process="CHG", note="换参数", ref=ref)


def test_a_wait_for_another_change_hands_over_its_own(hand):
    wait(other_change(hand), "C-NEW")

    assert [row["ref"] for row in opened(hand)] == ["C-OLD", "C-NEW"]
    answer(hand, seq=1, result="rejected", ref="C-OLD")
    assert (hand.jobs, hand.record["status"], hand.record["change_ref"]) == ([], "ST6", "C-NEW")
    answer(hand, seq=2, result="implemented", ref="C-NEW-2")
    goes_on(hand)
    assert (hand.record["status"], hand.record["change_ref"]) == ("ST4", "C-NEW-2")


def test_a_message_about_another_change_does_not_end_the_wait(hand):
    wait(other_change(hand), "C-NEW")

    with pytest.raises(ChangeNotAwaited) as refused:
        hand.message("change_done", "zhenghao", change_result="rejected", change_ref="C-OLD")

    assert (set(refused.value.fields), hand.record["status"]) == ({"change_ref"}, "ST6")
    hand.message("change_done", "zhenghao", change_result="failed").at("T200_6")
    assert [(row["ref"], row["result"]) for row in opened(hand)] == [("C-OLD", None), ("C-NEW", "failed")]


def test_a_change_without_a_number_gets_the_one_that_is_waited_for(hand):
    wait(other_change(hand, None), "CHG-1")

    assert [row["ref"] for row in opened(hand)] == ["CHG-1"]
    by_answer(hand, "implemented")


def test_a_number_that_is_corrected_while_the_call_waits_is_still_waited_for(hand):
    waiting(hand)
    with hand.command("zhenghao") as command:
        hand.desk.edit(command, hand.no, {"change_ref": "CHG-8"})

    assert [row["ref"] for row in opened(hand)] == ["CHG-8"]
    by_answer(hand, "implemented")


def test_a_change_that_nobody_waits_for_sends_nothing(hand):
    hand.accepted().do("hand_off", "zhenghao", process="CHG", note="换参数", ref="CHG-8")

    answer(hand, result="failed")

    assert (hand.jobs, hand.record["change_ref"]) == ([], "CHG-8")


def test_a_message_about_the_change_answers_its_hand_off(hand):
    said = {"change_result": "failed", "change_ref": "CHG-9"}
    waiting(hand).message("change_done", "zhenghao", **said).at("T200_6")

    (row,) = opened(hand)
    assert (row["result"], row["ref"], row["answered_by"]) == ("failed", "CHG-9", "zhenghao")
    assert (row["done_at"], hand.record["change_ref"]) == (hand.now, "CHG-9")


def test_a_second_wait_opens_a_second_change_only_when_the_first_is_answered(hand):
    hand.accepted().do("hand_off", "zhenghao", process="CHG", note="换参数")
    data = {"outcome_6": "need_change", "change_ref": "CHG-1", "hold_comment": "等", "expected_resume": LATER}
    hand.answer("T200_6", "zhenghao", **data).at("W_change")
    assert len(opened(hand)) == 1

    hand.message("change_done", "zhenghao", change_result="failed").at("T200_6")
    hand.answer("T200_6", "zhenghao", **data)

    assert [bool(row["done_at"]) for row in opened(hand)] == [True, False]


def test_a_workaround_is_a_problem(hand):
    """S35, POL-23."""
    worked_around(hand)
    (row,) = opened(hand, "PRB")
    assert (row["group"], row["note"]) == ("WG-TRM", "每天重启")

    closed(hand, closure_code="C02", problem_ref="PRB-1")

    (row,) = opened(hand, "PRB")
    assert (row["ref"], row["done_at"]) == ("PRB-1", None)


def test_a_workaround_of_first_line_goes_to_the_group_of_the_category(hand):
    hand.first_line().answer("T200_4", outcome_4="resolved", **WORKAROUND)

    assert opened(hand, "PRB")[0]["group"] == "WG-TRM"


def test_a_problem_that_is_fixed_already_is_not_opened_again(hand):
    worked_around(hand)
    answer(hand, result="fixed")

    closed(hand, closure_code="C02")

    assert len(opened(hand, "PRB")) == 1


def test_three_alike_in_thirty_days_are_a_problem(hand):
    calls = []
    for _ in range(4):
        hand.later(days=1)
        closed(hand.solved(), closure_code="C01")
        calls.append((hand.no, [row["note"] for row in opened(hand, "PRB")]))

    first, second, third, fourth = calls
    assert (first[1], second[1], fourth[1]) == ([], [], [])
    assert third[1] == [f"相似事件 / similar: {second[0]}, {first[0]}"]


@pytest.mark.parametrize(
    ("figures", "days", "problem"),
    [({}, 1, True), ({"problem_similar": 4}, 1, False), ({"problem_days": 2}, 2, False)],
)
def test_how_many_in_which_time_is_data(hand, figures, days, problem):
    with hand.database.write() as connection:
        for name, value in figures.items():
            codes.revise(connection, "policy", name, value=value)
    for _ in range(3):
        hand.later(days=days)
        closed(hand.solved(), closure_code="C01")

    assert bool(opened(hand, "PRB")) is problem


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({}, True),
        ({"ci": "ATM-0087"}, True),
        ({"ci": "ATM-0087", "classification": "INC-EQP-HW"}, False),
        ({"classification": "INC-EQP-HW"}, True),
    ],
)
def test_alike_is_the_same_item_or_the_same_kind(hand, change, alike):
    for _ in range(2):
        hand.registered(**change).at("T200_2")
        hand.answer("T200_2", outcome_2="proceed", category="TRM", impact="I4", urgency="U3")
    closed(hand.solved(), closure_code="C01")

    assert bool(opened(hand, "PRB")) is alike


def test_what_was_no_incident_makes_none_alike(hand):
    for _ in range(2):
        hand.registered().at("T200_2").answer("T200_2", outcome_2="false_alarm", category="TRM")
        hand.at("T200_10").answer("T200_10").call("close")
    closed(hand.solved(), closure_code="C01")

    assert opened(hand, "PRB") == []


def test_an_item_told_in_words_goes_to_configuration(hand):
    hand.registered(ci=None).at("T200_2")
    judged = {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U3"}

    hand.answer("T200_2", **judged, ci_text="春熙路 2 号柜台终端", callback_phone="8601")

    assert [row["note"] for row in opened(hand)] == ["春熙路 2 号柜台终端"]
    assert opened(hand)[0]["process"] == "CFG"


def test_so_does_a_correction_but_not_of_a_known_item(hand):
    hand.first_line()

    def correct(**change):
        with hand.command("lina") as command:
            hand.desk.edit(command, hand.no, change)
        return len(opened(hand))

    assert correct(ci_text="门口左侧") == 0
    assert correct(ci=None, ci_text="门口右侧") == 1
    assert correct(ci_text="门口") == 1


def test_a_closed_call_is_answered_but_not_edited(hand):
    worked_around(hand)
    closed(hand, closure_code="C02")

    answer(hand, result="known_error", ref="PRB-5")
    hand.do("hand_off", "zhenghao", process="PRB", note="回顾决定")

    assert (opened(hand)[0]["ref"], hand.record["problem_ref"]) == ("PRB-5", None)
    with pytest.raises(CallClosed):
        hand.do("hand_off", "lina", process="EMG", note="启动应急")


def test_a_withdrawal_leaves_other_processes_their_records(hand):
    hand.accepted().do("hand_off", "lina", process="PRB", note="根因不明")

    hand.message("withdraw", reason="不要了").at("T200_10")

    assert opened(hand)[0]["done_at"] is None
