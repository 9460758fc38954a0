"""Shift changes over HTTP; what happens to the calls is told by tests/flows/09_shift.feature."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from handlers import tables
from tests.api.v1.conftest import shift_began
from tests.conftest import MONDAY, Client

CHANGE = "/shift-changes/20261123-0800"


def test_changes_are_listed_in_pages_the_newest_first(
    app: Flask, client: Client, pages: Callable[..., Any]
) -> None:
    rows = [
        {
            "code": f"202611{n:02}-0800",
            "shift": "D",
            "starts_at": MONDAY.replace(day=n),
            "due_at": MONDAY.replace(day=n),
            "incoming": "lina",
            "state": "open" if n == 25 else "acknowledged",
        }
        for n in range(1, 26)
    ]
    with app.extensions["flow200"].database.write() as connection:
        connection.execute(insert(tables.shift_change), rows)

    listed = [one["code"] for page in pages("/shift-changes") for one in page["items"]]

    assert listed == [row["code"] for row in reversed(rows)]
    assert [len(client.get(f"/shift-changes?open={o}").json["items"]) for o in ("true", "false")] == [1, 24]


@pytest.mark.parametrize(
    ("who", "status", "code", "zh"),
    [
        ("chengang", 403, "not-incoming", "交接班 20261123-0800 由接班人 lina 确认,chengang 不能代为确认。"),
        ("lina", 409, "hand-over-acknowledged", "交接班 20261123-0800 已由 lina 确认。"),
    ],
)
def test_a_refusal_says_why_in_both_languages(
    app: Flask, client: Client, who: str, status: int, code: str, zh: str
) -> None:
    shift_began(app)
    assert client.post(f"{CHANGE}/acknowledge").status_code == 200

    answers = [
        client.as_(who).post(f"{CHANGE}/acknowledge", headers={"Accept-Language": lang})
        for lang in ("zh-CN", "en")
    ]

    assert [(one.status_code, one.json["code"]) for one in answers] == [(status, code)] * 2
    assert answers[0].json["message"] == zh
    assert "20261123-0800" in answers[1].json["message"]


def test_too_late_and_unknown_are_refused(app: Flask, client: Client, clock: Any) -> None:
    shift_began(app)
    clock.pass_(minutes=15)

    late = client.post(f"{CHANGE}/acknowledge")
    unknown = [client.get("/shift-changes/20261123-2000"), client.post("/shift-changes/x/acknowledge")]

    assert (late.status_code, late.json["code"]) == (409, "hand-over-over")
    assert "2026-11-23 09:20" in late.json["message"]
    assert [one.status_code for one in unknown] == [404, 404]
