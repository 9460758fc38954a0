"""What is mandatory is said: a text of nothing but blanks is no answer at any door."""

import ast
from pathlib import Path

import pytest

from handlers import answers
from handlers.errors import Missing
from tests.handlers.conftest import at

HANDLERS = Path(answers.__file__).parent
BLANK = " \t\n\u3000"
UNTIL = at(11, 25, 10).isoformat()


def mandatory():
    """Every field name that a handler passes to `answers.need`."""
    calls = (node for path in HANDLERS.glob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    needs = [
        node
        for node in calls
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "need"
    ]
    constants = (one for node in needs for arg in node.args[1:] for one in ast.walk(arg))
    return sorted({one.value for one in constants if isinstance(one, ast.Constant)})


def test_the_mandatory_fields_are_found():
    assert {"solution_steps", "hold_comment", "change_ref", "priority_reason", "reason"} <= set(mandatory())


@pytest.mark.parametrize("name", mandatory())
@pytest.mark.parametrize("value", [None, "", BLANK])
def test_a_blank_is_missing(name, value):
    with pytest.raises(Missing) as refused:
        answers.need({name: value}, name)

    assert set(refused.value.fields) == {name}
    answers.need({name: f"{BLANK}x"}, name)


STEPS = {"solution_kind": "permanent", "solution_steps": "换件"}
DOORS = {
    "solution_steps": ("T200_6", "zhenghao", {"outcome_6": "resolved", **STEPS}),
    "hold_comment": ("T200_6", "zhenghao", {"outcome_6": "wait_parts", "expected_resume": UNTIL}),
    "expected_resume": ("T200_6", "zhenghao", {"outcome_6": "suspend", "hold_comment": "客户同意"}),
    "change_ref": ("T200_6", "zhenghao", {"outcome_6": "need_change", "hold_comment": "变更"}),
    "parent": ("T200_6", "zhenghao", {"outcome_6": "duplicate"}),
}


@pytest.mark.parametrize("name", DOORS)
def test_second_line_says_what_is_mandatory(hand, name):
    place, by, data = DOORS[name]
    hand.accepted()

    with pytest.raises(Missing) as refused:
        hand.answer(place, by, **{"expected_resume": UNTIL, **data, name: BLANK})
    assert set(refused.value.fields) == {name}


def test_an_unknown_item_is_named_in_words(hand):
    hand.registered(ci=None).at("T200_2")
    known = {"category": "TRM", "impact": "I4", "urgency": "U3", "ci_text": BLANK}

    with pytest.raises(Missing):
        hand.answer("T200_2", outcome_2="proceed", **known)
    hand.answer("T200_2", outcome_2="proceed", **known | {"ci_text": "未知"})
