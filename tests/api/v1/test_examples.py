"""The examples of the document are real requests and answers; this test records them and holds them true.

After a change of the interface: FLOW200_RECORD_EXAMPLES=1 make test ARGS=tests/api/v1/test_examples.py
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert
from werkzeug.test import TestResponse

from api.v1.docs import EXAMPLES
from engine import store
from tests.api.test_ten_routes import complete
from tests.api.v1.conftest import CALL, beside, shift_began, with_vendor
from tests.conftest import MONDAY, Client

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
HASH = re.compile(r"\b[0-9a-f]{64}\b")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_examples_are_true(app: Flask, client: Client) -> None:
    found = _masked({_operation(app, a): _example(a, said) for a, said in _story(app, client)})

    if os.environ.get("FLOW200_RECORD_EXAMPLES"):
        EXAMPLES.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert json.loads(EXAMPLES.read_text(encoding="utf-8")) == found


def test_every_operation_has_an_example(client: Client) -> None:
    document = client.as_(None).get("/openapi.json").json

    without = {
        (method, path)
        for path, said in document["paths"].items()
        for method, operation in said.items()
        if method in ("get", "post", "patch", "put", "delete")
        and "example" not in str(operation["responses"].get("200") or operation["responses"].get("201"))
    }
    assert without == {("get", "/api/v1/docs"), ("get", "/api/v1/openapi.json")}


def _story(app: Flask, client: Client) -> Iterator[tuple[TestResponse, Any]]:
    def asked(who: Client, method: str, path: str, said: Any = None) -> tuple[TestResponse, Any]:
        answer = who.send(method, path, json=said)
        assert answer.status_code < 300, answer.text
        return answer, said

    made, said = asked(client, "POST", "/incidents", {**CALL, "caller": "张敏"})
    yield made, said
    no, task = made.json["no"], made.json["tasks"][0]["id"]
    yield asked(client, "GET", "/incidents?status=ST1,ST2&sort=priority&limit=1")
    yield asked(client, "GET", f"/tasks?incident={no}")
    yield asked(client, "POST", f"/tasks/{task}/claim", {})
    yield asked(client, "GET", f"/tasks/{task}")
    yield asked(client, "POST", f"/tasks/{task}/unclaim", {})
    judged = {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
    yield asked(client, "POST", f"/tasks/{task}/complete", judged)
    yield asked(client, "PATCH", f"/incidents/{no}", {"description": "第二台也停了", "ci_text": "门口左侧"})
    yield asked(client, "POST", f"/incidents/{no}/escalations", {"reason": "客户投诉到行领导"})
    complete(client, no, "T200_4", {"outcome_4": "escalate"})
    complete(client, no, "T200_5", {"group": "WG-TRM"})
    yield asked(client, "GET", "/work-orders?group=WG-TRM&open=true&limit=1")
    yield asked(client, "GET", f"/work-orders/{no}-01")
    yield asked(client, "GET", "/escalations?open=true&limit=1")
    yield asked(client, "GET", f"/escalations/{no}/1")
    for who, path, told in beside(client, no):
        yield asked(who, "POST", path, told)
    yield asked(client, "GET", "/hand-offs?process=PRB&open=true&limit=1")
    yield asked(client, "GET", f"/hand-offs/{no}/1")
    yield asked(client, "POST", f"/incidents/{no}/messages", {"name": "recall", "data": {}})
    yield asked(client, "GET", f"/incidents/{no}")
    yield asked(client, "GET", f"/incidents/{no}/history")
    yield asked(client, "GET", f"/incidents/{no}/clocks")
    yield asked(client, "POST", f"/incidents/{no}/updates", {"text": "厂家工程师已在路上"})
    for path in ("people?group=WG-SD", "organisations?type=SUB", "workgroups?tier=L1", "cis?kind=atm"):
        yield asked(client, "GET", f"/{path}&limit=1")
    for path in ("services?regulatory=true", "vendors?text=ATM", "contracts?vendor=V-ATM"):
        yield asked(client, "GET", f"/{path}&limit=1")
    for path in ("people/lina", "organisations/BR-SH", "workgroups/WG-SD", "cis/ATM-0087", "services/ATM"):
        yield asked(client, "GET", f"/{path}")
    for path in ("vendors/V-ATM", "contracts/CT-ATM", "codes", "codes/engagement_kind", "health", "version"):
        yield asked(client, "GET", f"/{path}")
    owner, day = client.as_("liuyang"), "/calendars/BH/days/2026-12-25"
    half = {"working": True, "name": "年终结算半天", "windows": [["08:30", "12:00"]]}
    yield asked(client, "GET", "/calendars")
    yield asked(owner, "PUT", day, half)
    yield asked(client, "GET", "/calendars/BH/days?year=2026")
    yield asked(owner, "DELETE", day)
    yield _imported(owner, "date,working,name\n2027-01-01,false,元旦\n2027-10-09,true,国庆节调休\n"), None
    shift_began(app)
    for path in ("?open=true&limit=1", "/20261123-0800"):
        yield asked(client, "GET", f"/shift-changes{path}")
    yield asked(client, "POST", "/shift-changes/20261123-0800/acknowledge", {})
    promises, until = with_vendor(client), {"promised_at": "2026-11-23T15:00:00+08:00", "note": "备件已发出"}
    yield asked(client.as_("zhenghao"), "POST", promises, until)
    failure = _failure(app)
    yield asked(client, "GET", "/failures?open=true")
    yield asked(client, "GET", f"/failures/{failure}")
    yield asked(client, "POST", f"/failures/{failure}/retry", {})


def _imported(owner: Client, file: str) -> TestResponse:
    answer = owner.send("POST", "/calendars/BH/import?year=2027", data=file, content_type="text/csv")
    assert answer.status_code == 200, answer.text
    return answer


def _failure(app: Flask) -> str:
    """One that is not of the story: a job that could not start an instance."""
    key, instance = store.new_id(), {"instance_id": "", "element_id": ""}
    with app.extensions["flow200"].database.write() as connection:
        connection.execute(
            insert(store.failure).values(
                **instance, id=key, at=MONDAY, by="system", verb="job", error="OSError: disk full"
            )
        )
    return key


def _operation(app: Flask, answer: TestResponse) -> str:
    adapter = app.url_map.bind("localhost")
    rule, _ = adapter.match(answer.request.path, method=answer.request.method, return_rule=True)
    path = re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule)
    return f"{answer.request.method} {path}"


def _example(answer: TestResponse, said: Any) -> dict[str, Any]:
    query = answer.request.query_string.decode()
    called = answer.request.path + (f"?{query}" if query else "")
    asked = {"request": said} if said else {}
    return {"path": called, **asked, "answer": answer.json}


def _masked(found: dict[str, Any]) -> dict[str, Any]:
    """What is new in every run becomes the same: ids and hashes by their order, this machine's Python."""
    found["GET /api/v1/version"]["answer"]["python"] = "3.11.7"
    text = json.dumps(found)
    for pattern, shape in ((UUID, "019ab000-0000-7000-8000-{:012}"), (HASH, "{:064x}")):
        for n, seen in enumerate(dict.fromkeys(pattern.findall(text)), 1):
            text = text.replace(seen, shape.format(n))
    return dict(json.loads(text))
