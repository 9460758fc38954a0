"""The document is true: it has the routes that exist, and real answers are what its schemas say."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.api.documents import METHODS, checked, operations
from tests.api.test_ten_routes import SOLVED, complete
from tests.api.v1.conftest import CALL, beside, shift_began
from tests.conftest import Client

LISTS = (
    *("hand-offs", "shift-changes"),
    *("incidents", "work-orders", "escalations", "failures", "people", "organisations", "workgroups", "cis"),
    *("services", "vendors", "contracts", "codes", "calendars"),
)


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """What a client reads."""
    return dict(client.as_(None).get("/openapi.json").json)


def test_it_has_every_route_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path)
        for path, said in document["paths"].items()
        for method in said.keys() & METHODS
        if path.startswith("/api/v1")
    }

    exist = {
        (method, re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1")
    }
    assert described == exist


def test_every_operation_is_told_in_both_languages(document: dict[str, Any]) -> None:
    for path, said in document["paths"].items():
        for method in said.keys() & METHODS:
            operation = said[method]
            assert operation["summary"].isascii() or "…" in operation["summary"], (method, path)
            assert re.search(r"[\u4e00-\u9fff]", operation["description"]), (method, path)
            success = next(a for status, a in operation["responses"].items() if status.startswith("2"))
            assert success["content"], (method, path)
            for parameter in operation.get("parameters", ()):
                assert parameter["in"] == "path" or " · " in _described(parameter), (path, parameter)
    for name, shape in document["components"]["schemas"].items():
        assert {"type", "anyOf"} & shape.keys(), name


def test_it_is_well_formed(document: dict[str, Any]) -> None:
    references = set(re.findall(r"'\$ref': '#/components/([^']+)'", str(document)))

    assert references
    for reference in references:
        kind, name = reference.split("/")
        assert name in document["components"][kind]
    for shape in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**shape, "$schema": "https://json-schema.org/draft/2020-12/schema"})


def test_real_answers_are_what_it_says(books: Flask, client: Client, document: dict[str, Any]) -> None:
    seen = set(checked(document, _story(client)))

    assert seen == operations(document) - {"GET /api/v1/docs"}


def _story(client: Client) -> Iterator[TestResponse]:
    """Every operation at least once: through the vendor, an escalation, a refusal, to the close."""
    made = client.post("/incidents", CALL)
    yield made
    no = made.json["no"]
    task = made.json["tasks"][0]["id"]
    yield client.get(f"/tasks?incident={no}")
    yield client.post(f"/tasks/{task}/claim")
    yield client.post(f"/tasks/{task}/unclaim")
    yield client.get(f"/tasks/{task}")
    answer = {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
    yield client.post(f"/tasks/{task}/complete", answer)
    yield client.patch(f"/incidents/{no}", {"description": "两台"})
    complete(client, no, "T200_4", {"outcome_4": "escalate"})
    complete(client, no, "T200_5", {"group": "WG-TRM"})
    solver = client.as_("zhenghao")
    complete(solver, no, "T200_5_accept", {"accept": "accepted"})
    for who, path, said in beside(client, no):
        yield who.post(path, said)
    yield client.get(f"/hand-offs/{no}/1")
    complete(solver, no, "T200_6", {"outcome_6": "vendor"})
    complete(solver, no, "T200_7", {"engagement_kind": "VND", "contract": "CT-ATM"})
    taken = {"name": "vendor_answered", "data": {"vendor_result": "accepted"}}
    yield solver.post(f"/incidents/{no}/messages", taken)
    yield solver.post(f"/incidents/{no}/promises", {"promised_at": "2026-11-23T15:00:00+08:00"})
    yield client.post(f"/incidents/{no}/escalations", {"reason": "投诉"})
    complete(solver, no, "T200_8", {"outcome_8": "resolved", **SOLVED})
    complete(client, no, "T200_9", {"outcome_9": "refused", "refuse_reason": "N1"})
    yield client.get(f"/incidents/{no}")
    yield client.get(f"/incidents/{no}/history")
    yield client.get(f"/incidents/{no}/clocks")
    yield client.post(f"/incidents/{no}/updates", {"text": "厂家在路上"})
    yield client.get(f"/work-orders/{no}-01")
    yield client.get(f"/escalations/{no}/1")
    for name in LISTS:
        yield client.get(f"/{name}")
    for one in ("people/lina", "organisations/BR-SH", "workgroups/WG-SD", "cis/ATM-0087", "services/CORE"):
        yield client.get(f"/{one}")
    for one in (
        "vendors/V-ATM",
        "contracts/CT-ATM",
        "codes/status",
        "failures/0198-0001",
        "health",
        "version",
    ):
        yield client.get(f"/{one}")
    owner, day = client.as_("liuyang"), "/calendars/BH/days/2026-12-25"
    yield owner.send("PUT", day, json={"working": True, "name": "年终", "windows": [["08:30", "12:00"]]})
    yield client.get("/calendars/BH/days?year=2026")
    yield owner.send("DELETE", day)
    file = {"data": "date,working,name\n2027-01-01,false,元旦\n", "content_type": "text/csv"}
    yield owner.post("/calendars/BH/import?year=2027", **file)
    yield client.post("/failures/0198-0001/retry")
    shift_began(client.app)
    yield client.get("/shift-changes/20261123-0800")
    yield client.post("/shift-changes/20261123-0800/acknowledge")
    yield client.get("/openapi.json")
    yield client.get("/incidents/SD0")
    yield client.post("/incidents", {**CALL, "caller": "柜员3"})
    yield client.as_(None).get("/incidents")


def _described(parameter: dict[str, Any]) -> str:
    return str(parameter.get("description") or parameter.get("schema", {}).get("description", ""))
