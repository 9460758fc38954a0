"""What comes in over HTTP and must not: each has a named error in both languages and changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from api.http import BODY_LIMIT, DEPTH_LIMIT
from tests.conftest import Client

COMPLETE = "/tasks/none/complete"
NESTED = b'{"a":' * DEPTH_LIMIT + b"1" + b"}" * DEPTH_LIMIT
HOSTILE = {
    "malformed": (b'{"subject": ', 400, "malformed-json"),
    "trailing": (b'{"a": 1} {"b": 2}', 400, "malformed-json"),
    "single quotes": (b"{'a': 1}", 400, "malformed-json"),
    "bad utf-8": (b'{"a": "\xff\xfe"}', 400, "malformed-json"),
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}', 400, "malformed-json"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), 400, "malformed-json"),
    "lone surrogate": (rb'{"a": "\ud800"}', 400, "malformed-json"),
    "nan": (b'{"a": NaN}', 400, "malformed-json"),
    "infinity": (b'{"a": -Infinity}', 400, "malformed-json"),
    "overflow": (b'{"a": 1e999}', 400, "bad-number"),
    "huge integer": (b'{"a": 123456789012345678901234567890}', 400, "bad-number"),
    "endless integer": (b'{"a": ' + b"9" * 10_000 + b"}", 400, "bad-number"),
    "duplicate key": (b'{"outcome_4": "resolved", "outcome_4": "escalate"}', 400, "duplicate-key"),
    "duplicate key within": (b'{"a": [{"b": 1, "b": 2}]}', 400, "duplicate-key"),
    "nul": (rb'{"a": "x\u0000y"}', 400, "bad-text"),
    "nul in key": (rb'{"a\u0000": 1}', 400, "bad-text"),
    "deep": (b'{"a":' * 40 + b"1" + b"}" * 40, 400, "too-deep"),
    "deeper than any reader": (b"[" * 100_000, 400, "too-deep"),
    "a list": (b"[1, 2]", 400, "not-an-object"),
    "a word": (b'"resolved"', 400, "not-an-object"),
    "null": (b"null", 400, "not-an-object"),
    "oversized": (b'{"a": "' + b"x" * BODY_LIMIT + b'"}', 413, "body-too-large"),
}


@pytest.fixture
def unchanged(app: Flask) -> Callable[[], None]:
    """Call it at the end: every table still holds what it held."""
    before = _content(app)
    return lambda: _compare(before, _content(app))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_has_a_named_error(client: Client, unchanged: Callable[[], None], name: str) -> None:
    content, status, code = HOSTILE[name]

    answer = client.post(COMPLETE, data=content, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (status, code)
    unchanged()


def test_the_deepest_allowed_body_is_read(client: Client) -> None:
    answer = client.post(COMPLETE, data=NESTED, content_type="application/json")

    assert answer.json["code"] == "task-not-found"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(client: Client, kind: str) -> None:
    answer = client.post(COMPLETE, data=b'{"a": 1}', content_type=kind)

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize("method", ["claim", "unclaim", "complete"])
def test_an_unknown_task_is_not_found(client: Client, method: str) -> None:
    answer = client.post(f"/tasks/0198-unknown/{method}", {})

    assert (answer.status_code, answer.json["code"]) == (404, "task-not-found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("after=yesterday", "after"),
        ("after=1~2~3", "after"),
        ("grupo=WG-SD", "grupo"),
    ],
)
def test_a_wrong_parameter_is_named(client: Client, query: str, field: str) -> None:
    answer = client.get(f"/tasks?{query}", headers={"Accept-Language": "en"})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")
    assert list(answer.json["fields"]) == [field]


def test_a_parameter_given_twice_is_refused(client: Client) -> None:
    answer = client.get("/tasks?group=WG-SD&group=WG-IM")

    assert (answer.status_code, answer.json["code"]) == (400, "duplicate-key")


def test_a_nul_in_a_parameter_is_refused(client: Client) -> None:
    answer = client.get("/tasks?group=%00")

    assert (answer.status_code, answer.json["code"]) == (400, "bad-text")


def test_a_claim_takes_no_fields(client: Client) -> None:
    answer = client.post("/tasks/x/claim", {"by": "chengang"})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid-request")
    assert list(answer.json["fields"]) == ["by"]


def _content(app: Flask) -> dict[str, Any]:
    from api.migrations import tables

    with app.extensions["flow200"].database.read() as connection:
        return {
            name: sorted(map(repr, connection.execute(table.select())))
            for name, table in tables().tables.items()
        }


def _compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert {name: after[name] for name in before if after[name] != before[name]} == {}


def test_a_form_that_another_site_posts_is_refused_even_without_a_body(client: Client) -> None:
    answer = client.post("/tasks/x/complete", content_type="application/x-www-form-urlencoded")

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported-media-type")


def test_a_post_without_a_body_needs_no_type(client: Client) -> None:
    answer = client.post("/tasks/x/claim", content_type="")

    assert (answer.status_code, answer.json["code"]) == (404, "task-not-found")


@pytest.mark.parametrize("after", ["9999999999999999999999~2026-01-01~x", "1~2026-01-01", "~~", "1~never~x"])
def test_a_place_in_a_list_that_we_never_gave_is_refused(client: Client, after: str) -> None:
    answer = client.get(f"/tasks?after={after}")

    assert answer.status_code == 422 and "after" in answer.json["fields"]
