"""The forms and the decisions know the same outcomes, fields and option lists."""

from pathlib import Path

import pytest

from engine.forms import compile_form
from handlers import assignment, confirmation, desk, options, registration, requests, vendor

BPMN = Path(__file__).parents[2] / "bpmn"
FORMS = {path.stem: compile_form(path.name, path.read_bytes()) for path in sorted(BPMN.glob("*.form"))}

OUTCOMES = {
    ("t200_2", "outcome_2"): registration.OUTCOMES_2,
    ("s200_3", "outcome_3"): requests.OUTCOMES_3,
    ("message_request_done", "outcome_3"): requests.DONE_3,
    ("t200_4", "outcome_4"): assignment.OUTCOMES_4,
    ("t200_5_accept", "accept"): ("accepted", "rejected"),
    ("t200_6", "outcome_6"): assignment.OUTCOMES_6,
    ("message_vendor_answered", "vendor_result"): tuple(vendor.ANSWERED),
    ("t200_8", "outcome_8"): vendor.OUTCOMES_8,
    ("t200_9", "outcome_9"): confirmation.OUTCOMES_9,
    ("t200_9_manager", "outcome_9m"): ("close", "retry"),
}


@pytest.mark.parametrize(("form", "key"), OUTCOMES)
def test_a_form_lists_the_outcomes_that_its_step_decides(form, key):
    assert FORMS[form].outcomes[key] == tuple(OUTCOMES[form, key])


def test_the_escalation_decisions_are_the_rows_of_their_table(codes):
    assert FORMS["t_decide"].outcomes["decision"] == codes.active("escalation_decision")


@pytest.mark.parametrize("name", FORMS)
def test_every_option_list_of_a_form_exists(codes, name):
    keys = {field.values_key for field in FORMS[name].fields if field.values_key}

    for key in keys:
        assert key in options.LISTS or codes.active(key.removeprefix("codes."))


def test_every_step_has_a_form_and_every_form_a_step():
    steps = {place.lower() for _, place in desk.ANSWERS}
    messages = {f"message_{name}" for _, name in desk.MESSAGES}

    assert set(FORMS) == steps | messages


def test_every_field_has_a_label_in_both_languages():
    for form in FORMS.values():
        for field in form.fields:
            assert field.properties["label_en"], f"{form.id}.{field.key}"
