"""The person complained about has no hand in the 申述 about him (POL-09)."""

import pytest

from handlers.errors import HandlerConcerned, Missing, NotAMember


@pytest.fixture
def complaint(hand):
    """A 申述 about 李娜 of the desk, waiting for its first judgement."""
    data = {"call_type": "CMP", "classification": "CMP-ATT", "complained_about": "lina", "ci": None}
    return hand.registered(**data).at("T200_3_complaint")


def confirmed(hand):
    return hand.answer("T200_3_complaint", "chengang", complaint_confirmed=True).at("S200_3")


def fulfilled(hand):
    hand.answer("S200_3", "chengang", outcome_3="handed_off").at("W_request")
    return hand.message("request_done", "liuyang", outcome_3="completed").at("T200_9")


def test_she_does_not_judge_it(complaint):
    for about in ("lina", "chengang", None):
        with pytest.raises(HandlerConcerned):
            complaint.answer("T200_3_complaint", "lina", complaint_confirmed=True, complained_about=about)


def test_she_does_not_answer_hand_off_or_refuse_it(complaint):
    confirmed(complaint)

    for outcome in ("answered", "handed_off", "refused", "returned_as_incident"):
        with pytest.raises(HandlerConcerned):
            complaint.answer("S200_3", "lina", outcome_3=outcome, comment="x")


def test_it_is_not_handed_to_her(complaint):
    confirmed(complaint)

    with pytest.raises(HandlerConcerned):
        complaint.answer("S200_3", "chengang", outcome_3="handed_off", group="WG-SD", handler="lina")


def test_she_does_not_fulfil_it(complaint):
    confirmed(complaint).answer("S200_3", "chengang", outcome_3="handed_off").at("W_request")

    with pytest.raises(HandlerConcerned):
        complaint.message("request_done", "lina", outcome_3="completed")


@pytest.mark.parametrize("outcome", ["confirmed", "refused", "unreachable"])
def test_she_does_not_confirm_it(complaint, outcome):
    fulfilled(confirmed(complaint))

    with pytest.raises(HandlerConcerned):
        complaint.answer("T200_9", "lina", outcome_9=outcome, method="PHONE", refuse_reason="N1")
    complaint.answer("T200_9", "chengang", outcome_9=outcome, method="PHONE", refuse_reason="N1")


def test_the_handler_is_a_member_of_the_group(complaint):
    confirmed(complaint)

    with pytest.raises(NotAMember):
        complaint.answer("S200_3", "chengang", outcome_3="handed_off", handler="xuyan")
    complaint.answer("S200_3", "chengang", outcome_3="handed_off", handler="hejing")


@pytest.mark.parametrize("said", [None, "", "yes"])
def test_whether_it_is_a_complaint_is_answered(complaint, said):
    with pytest.raises(Missing) as refused:
        complaint.answer("T200_3_complaint", "chengang", complaint_confirmed=said)

    assert set(refused.value.fields) == {"complaint_confirmed"}
