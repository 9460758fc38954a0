"""Typed variables and Camunda's dates: what is read, what is refused by name, what is written."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from api.http import BODY_LIMIT
from api.rest import values
from api.rest.errors import BadValue
from tests.api.rest.conftest import REST
from tests.conftest import Client

START = f"{REST}/process-definition/key/parcel/start"


@pytest.fixture
def context(app: Flask) -> Any:
    """A request, since dates are of the zone of the settings."""
    with app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"value": "x", "type": "String"}, "x"),
        ({"value": "x", "type": "string", "valueInfo": {}, "local": True}, "x"),
        ({"value": 3, "type": "integer"}, 3),
        ({"value": 3, "type": "Short"}, 3),
        ({"value": 2**40, "type": "long"}, 2**40),
        ({"value": 1.5, "type": "double"}, 1.5),
        ({"value": True, "type": "boolean"}, True),
        ({"value": None, "type": "null"}, None),
        ({"value": None, "type": "String"}, None),
        ({"value": '["a"]', "type": "json"}, ["a"]),
        ({"value": "2013-01-23T13:42:42.657+0100", "type": "date"}, "2013-01-23T12:42:42.657000+00:00"),
        ({"value": 3}, 3),
        ({"value": "x", "type": None}, "x"),
        ({"value": "x", "type": ""}, "x"),
        ({}, None),
    ],
)
def test_a_typed_value_is_read(context: None, given: dict[str, Any], plain: Any) -> None:
    assert values.read({"v": given}) == {"v": plain}


@pytest.mark.parametrize(
    "given",
    [
        {"value": 3, "type": "String"},
        {"value": "3", "type": "Integer"},
        {"value": True, "type": "Integer"},
        {"value": 2**31, "type": "Integer"},
        {"value": 2**15, "type": "Short"},
        {"value": 1.5, "type": "Long"},
        {"value": "1.5", "type": "Double"},
        {"value": True, "type": "Double"},
        {"value": "true", "type": "Boolean"},
        {"value": 1, "type": "Boolean"},
        {"value": "yesterday", "type": "Date"},
        {"value": "2013-02-30T13:42:42.000+0100", "type": "Date"},
        {"value": 1, "type": "Date"},
        {"value": "{", "type": "Json"},
        {"value": "{}", "type": "Json"},
        {"value": 1, "type": "Null"},
        {"value": "x", "type": "Object"},
        {"value": "x", "type": "Bytes"},
        {"value": "x", "type": "File"},
        {"value": "x", "type": "Colour"},
        {"value": "x", "type": 3},
        {"value": {"a": 1}},
        "x",
        None,
    ],
    ids=str,
)
def test_a_value_that_is_not_of_its_type_is_refused_by_name(context: None, given: Any) -> None:
    with pytest.raises(BadValue) as refused:
        values.read({"size": given})

    assert list(refused.value.fields) == ["size"]


@pytest.mark.parametrize(
    "said",
    [{"variables": "x"}, {"variables": []}, {"variables": {"size": {"value": "3", "type": "Integer"}}}],
)
def test_a_wrong_variable_is_a_400_and_starts_nothing(client: Client, parcels: str, said: Any) -> None:
    answer = client.post(START, said)

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")
    assert answer.headers["Content-Type"] == "application/json"
    assert client.get(f"{REST}/process-instance/count").json == {"count": 0}


@pytest.mark.parametrize(
    "value", [["a", ["b"]], [{"a": 1}], 2**63 - 1, "x" * 65_537], ids=["nested", "objects", "long", "text"]
)
def test_what_no_variable_can_hold_is_refused_or_kept_whole(client: Client, parcels: str, value: Any) -> None:
    answer = client.post(START, {"variables": {"v": {"value": value}}, "withVariablesInReturn": True})

    if answer.status_code == 200:
        assert answer.json["variables"]["v"] == {"type": "Long", "value": 2**63 - 1, "valueInfo": {}}
    else:
        assert answer.status_code in (400, 413) and "v" in answer.json["message"]


def test_a_body_of_one_byte_more_than_a_mebibyte_is_refused(client: Client, parcels: str) -> None:
    frame = b'{"businessKey":"%s"}'
    fits = frame % (b"x" * (BODY_LIMIT - len(frame) + 2))
    assert len(fits) == BODY_LIMIT

    whole = client.post(START, data=fits, content_type="application/json")
    more = client.post(START, data=fits + b" ", content_type="application/json")

    assert whole.status_code == 400 and whole.json["error"] == "invalid-data"
    assert (more.status_code, more.json["error"]) == (413, "body-too-large")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_json_is_read_and_anything_else_is_415(client: Client, parcels: str, kind: str) -> None:
    assert client.post(START, data=b"{}", content_type=kind).status_code == 200
    refused = client.post(START, data=b"{}", content_type="text/plain")
    assert refused.status_code == 415 and refused.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("raw", [b"{", b"[1]", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff"])
def test_hostile_json_is_refused(client: Client, parcels: str, raw: bytes) -> None:
    answer = client.post(START, data=raw, content_type="application/json")

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")


def test_a_moment_is_written_with_milliseconds_and_without_a_colon(context: None) -> None:
    moment = datetime(2016, 1, 25, 12, 33, 42, 165999, tzinfo=UTC)

    assert values.moment(moment) == "2016-01-25T20:33:42.165+0800"
    assert values.moment(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "2016-01-25T20:33:42.165+0800",
        "2016-01-25T20:33:42.165+08:00",
        "2016-01-25T20:33:42.165 0800",
        "2016-01-25T20:33:42.165",
        "2016-01-25 20:33:42.165",
        "2016-01-25T12:33:42.165Z",
        "2016-01-25T12:33:42.165000Z",
    ],
)
def test_a_moment_is_read_in_any_of_its_spellings(context: None, text: str) -> None:
    assert values.read_moment("due", text) == datetime(2016, 1, 25, 12, 33, 42, 165000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "x", "2016-01-25", "2016-13-25T20:33", "9999-12-31T23:59-0800", "9999-12-31T23:59+0000", 5, None],
)
def test_a_moment_that_is_none_is_refused(context: None, text: Any) -> None:
    with pytest.raises(BadValue):
        values.read_moment("due", text)


def test_every_plain_value_has_a_type(context: None) -> None:
    plain = {
        "n": None,
        "t": True,
        "i": 1,
        "l": 2**31,
        "d": 0.5,
        "s": "x",
        "j": ["a"],
        "m": datetime(2026, 1, 1, tzinfo=UTC),
    }

    written = values.write(plain)

    assert {k: v["type"] for k, v in written.items()} == {
        "n": "Null", "t": "Boolean", "i": "Integer", "l": "Long", "d": "Double", "s": "String", "j": "Json",
        "m": "Date",
    }  # fmt: skip
    assert all(set(v) == {"type", "value", "valueInfo"} for v in written.values())
    assert values.read(written)["j"] == ["a"]


def test_a_form_reads_a_date_and_keeps_it(client: Client, start: Callable[..., dict[str, Any]]) -> None:
    task = start()
    answer = client.as_("zhenghao").post(
        f"{REST}/task/{task['id']}/complete",
        {
            "variables": {
                "outcome": {"value": "packed", "type": "string"},
                "ready_at": {"value": "2026-11-24T08:00:00.000+0800", "type": "date"},
                "weight": {"value": 2, "type": "integer"},
            },
            "withVariablesInReturn": True,
        },
    )

    assert answer.json["ready_at"]["value"] == "2026-11-24T00:00:00+00:00"
    assert answer.json["weight"] == {"type": "Integer", "value": 2, "valueInfo": {}}
