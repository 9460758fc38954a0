"""Forms: what an answer may be, which field is named when it is not, and which files are no forms at all."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidForm
from engine.forms import FormError, compile_form
from engine.live import scalars

TEAMS = ("WG-SD", "WG-IM")


def component(key: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "type": kind, "label": key, **more}


def options(*values: str) -> list[dict[str, str]]:
    return [{"value": v, "label": v} for v in values]


EVERYTHING = orjson.dumps({
    "id": "all",
    "components": [
        {"type": "text", "text": "# 说明"},
        component("name", "textfield", validate={"required": True, "maxLength": 30}),
        component("why", "textarea", validate={"minLength": 3}),
        component("phone", "textfield", validate={"pattern": "^[0-9]{8}$"}),
        {"type": "group", "components": [component("amount", "number", validate={"min": 0, "max": 100})]},
        component("count", "number"),
        component("sure", "checkbox"),
        component("outcome", "select", values=options("more", "done"), validate={"required": True}),
        component("kind", "radio", values=options("a", "b")),
        component("team", "select", valuesKey="groups"),
        component("at", "datetime"),
        component("parts", "checklist", values=options("x", "y")),
        component("teams", "taglist", valuesKey="groups"),
    ],
})  # fmt: skip
FORM = compile_form("all.form", EVERYTHING)
LEAST = {"name": "李娜", "outcome": "done"}


def check(**answer: Any) -> dict[str, Any]:
    return FORM.check({**LEAST, **answer}, lambda key: TEAMS if key == "groups" else ())


def test_a_full_answer_comes_back_with_its_types() -> None:
    found = check(
        why="磁盘满了", phone="12345678", amount=3, count=2.5, sure=True, kind="a", team="WG-SD",
        at="2026-11-25T09:00:00+08:00", parts=["x"], teams=["WG-SD", "WG-IM"],
    )  # fmt: skip

    assert found["at"] == datetime(2026, 11, 25, 1, tzinfo=UTC)
    assert (found["amount"], found["count"], found["sure"]) == (3, 2.5, True)
    assert isinstance(found["amount"], int) and found["teams"] == ["WG-SD", "WG-IM"]


def test_optional_fields_may_be_missing_null_or_empty() -> None:
    assert check(why=None, phone="", amount=None, at=None, team=None, parts=None)["phone"] == ""
    assert check() == LEAST
    assert check(why="")["why"] == ""


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", None, "is required"),
        ("name", "", "is required"),
        ("name", " \n", "is required"),
        ("name", "n" * 31, "is too long"),
        ("name", 7, "type"),
        ("name", "a\x00b", "type"),
        ("name", "\udc00", "type"),
        ("why", "ab", "is too short"),
        ("why", "x" * 20_001, "is too long"),
        ("phone", "1234", "pattern"),
        ("amount", -1, "range"),
        ("amount", 101, "range"),
        ("amount", "5", "type"),
        ("amount", True, "type"),
        ("amount", float("nan"), "type"),
        ("count", 10**400, "range"),
        ("count", 1e300, "range"),
        ("count", float("inf"), "type"),
        ("sure", "true", "type"),
        ("sure", 1, "type"),
        ("outcome", "resovled", "listed"),
        ("outcome", "", "listed"),
        ("kind", ["a"], "type"),
        ("team", "WG-XX", "listed"),
        ("at", "2026-11-25T09:00:00", "offset"),
        ("at", "tomorrow", "type"),
        ("at", 5, "type"),
        ("at", "0001-01-01T00:00:00+14:00", "range"),
        ("parts", ["z"], "listed"),
        ("parts", "x", "type"),
        ("parts", [["x"]], "type"),
        ("teams", ["WG-SD", "WG-XX"], "listed"),
        ("nobody", 1, "not a field"),
    ],
)
def test_a_wrong_value_is_named_with_its_reason(field: str, value: Any, said: str) -> None:
    with pytest.raises(InvalidForm) as refused:
        check(**{field: value})

    assert list(refused.value.fields) == [field]
    assert said in refused.value.fields[field]["en"] and refused.value.fields[field]["zh"]
    assert field in refused.value.text("zh")


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(InvalidForm) as refused:
        FORM.check({"x": 1, "amount": "a"}, lambda key: ())

    assert set(refused.value.fields) == {"x", "amount", "name", "outcome"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["more", "x", "WG-SD"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
answers = st.dictionaries(st.sampled_from([f.key for f in FORM.fields] + ["typename", "x"]), json_values)


@given(answers | json_values)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_json_is_an_answer_or_is_refused_by_name(answer: Any) -> None:
    try:
        found = FORM.check(answer, lambda key: TEAMS)
    except InvalidForm as refused:
        assert refused.fields and all(refused.text(lang) for lang in ("zh", "en"))
    else:
        plain = scalars({k: v for k, v in found.items() if not isinstance(v, datetime)})
        assert orjson.loads(orjson.dumps(plain)) == plain


def test_any_time_is_a_moment_or_is_refused_by_name() -> None:
    moments = st.datetimes(timezones=st.timezones()).map(lambda t: t.isoformat()) | st.text("0123456789-:TZ+. ")

    @given(moments)
    @settings(max_examples=200, deadline=None, derandomize=True)
    def holds(text: str) -> None:
        try:
            found = check(at=text)
        except InvalidForm as refused:
            assert list(refused.fields) == ["at"]
        else:
            assert found["at"].tzinfo is UTC

    holds()


# files

broken = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["select", "number", "[", "key"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["key", "type", "values", "value", "validate", "min", "minLength", "pattern", "components"]),
            inner,
        )
    ),
    max_leaves=8,
)


@given(broken | st.builds(lambda c: {"components": c}, st.lists(broken, max_size=2) | broken))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_any_json_file_is_a_form_or_is_refused_by_name(drawn: Any) -> None:
    try:
        form = compile_form("x.form", json.dumps(drawn).encode())
    except FormError as refused:
        assert "x.form" in str(refused)
    else:
        assert form.fields == () or form.keys


@pytest.mark.parametrize(
    "drawn",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"components": {}}',
        b'{"components": [{"type": "number", "key": "a", "validate": {"min": "low"}}]}',
        b'{"components": [{"type": "number", "key": "a", "validate": {"min": {}}}]}',
        b'{"components": [{"type": "textfield", "key": "a", "validate": {"pattern": "("}}]}',
        b'{"components": [{"type": "textfield", "key": "a b"}]}',
        b'{"components": [{"type": "textfield"}]}',
        b'{"components": [{"type": "select", "key": "a"}]}',
        b'{"components": [{"type": "select", "key": "a", "values": ["x"]}]}',
        b'{"components": [{"type": [], "key": "a"}]}',
        b'{"components": [{"type": "filepicker", "key": "a"}]}',
        b'{"components": [{"type": "number", "key": "a"}, {"type": "textfield", "key": "a"}]}',
        b'{"components": [{"type": "group", "components": ' * 300 + b"[]" + b"}]}" * 300,
    ],
)
def test_a_file_that_is_no_form_is_refused_with_its_name(drawn: bytes) -> None:
    with pytest.raises(FormError, match=r"^x\.form"):
        compile_form("x.form", drawn)


def test_a_form_says_which_outcomes_a_gateway_must_know() -> None:
    assert FORM.outcomes["outcome"] == ("more", "done") and "team" not in FORM.outcomes
    assert "amount" in FORM.keys
