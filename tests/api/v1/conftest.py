"""Books with enough rows for three pages of every list, written straight into the tables."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from engine import store
from engine.ports import SYSTEM
from handlers import tables
from tests.api.test_ten_routes import complete, to_second_line
from tests.conftest import MONDAY, Client

CALL = {
    "call_type": "INC",
    "classification": "INC-EQP-SWL",
    "source": "BR",
    "medium": "PHONE",
    "subject": "ATM-0087 吞卡并停机",
    "caller": "zhangmin",
    "ci": "ATM-0087",
}
PRIORITIES = ("P3", "P1", "CMP", None, "P2", "SR", "P4")


@pytest.fixture
def books(app: Flask) -> Flask:
    """Twenty-five of everything that is listed; times and priorities in no order, some the same."""
    with app.extensions["flow200"].database.write() as connection:
        for table, row in (
            (tables.incident, _call),
            (tables.work_order, _work_order),
            (tables.escalation, _escalation),
            (tables.hand_off, _hand_off),
            (tables.organisation, _organisation),
            (tables.person, _person),
            (tables.workgroup, _workgroup),
            (tables.service, _service),
            (tables.vendor, _vendor),
            (tables.contract, _contract),
            (tables.ci, _ci),
            (store.failure, _failure),
        ):
            connection.execute(insert(table), [row(n) for n in range(25)])
    return app


def shift_began(app: Flask) -> None:
    """The desk by day has come; the database had no change before it."""
    parts = app.extensions["flow200"]
    with parts.engine.transaction(SYSTEM, parts.clock()) as command:
        parts.desk.work(command, {"what": "shift"})


@pytest.fixture
def pages(client: Client) -> Callable[[str], Iterator[dict[str, Any]]]:
    """Every page of a list, ten rows each: `pages("/incidents?sort=no")`."""

    def turn(path: str, who: Client = client) -> Iterator[dict[str, Any]]:
        following = ""
        while following is not None:
            sign = "&" if "?" in path else "?"
            after = f"&after={following}" if following else ""
            answer = who.get(f"{path}{sign}limit=10{after}")
            assert answer.status_code == 200, answer.text
            yield answer.json
            following = answer.json["next"]

    return turn


def beside(client: Client, no: str) -> Iterator[tuple[Client, str, dict[str, Any]]]:
    """What people do beside the diagram, on a call that has one work order: who, where, what."""
    owner, helper = client.as_("zhenghao"), client.as_("zhoutao")
    onsite = {"type": "ONS", "group": "WG-NET", "comment": "请到网点检查线路"}
    for place, verb, said in (
        ("02", "accept", {}),
        ("02", "start", {}),
        ("02", "hold", {"comment": "等门禁"}),
        ("02", "start", {}),
        ("02", "finish", {"result": "solved", "labour_min": 35, "solution": "线路正常"}),
        ("03", "assign", {"assignee": "zhoutao"}),
        ("03", "recall", {"comment": "不需要了"}),
        ("04", "reject", {"reject_reason": "R1", "suggested_group": "WG-APP"}),
    ):
        if verb in ("accept", "assign", "reject"):
            yield owner, f"/incidents/{no}/work-orders", onsite
        who = owner if verb == "recall" else helper
        yield who, f"/work-orders/{no}-{place}/{verb}", said
    yield helper, f"/incidents/{no}/hand-offs", {"process": "PRB", "note": "根因不明", "urgency": "U3"}
    known = {"result": "known_error", "ref": "PRB-77", "note": "固件 3.1 缺陷"}
    yield owner, f"/incidents/{no}/hand-offs/1/answer", known


def with_vendor(client: Client) -> str:
    """Another call, at 200.8: a vendor works on it. Returns where its promises are recorded."""
    no, helper = client.post("/incidents", CALL).json["no"], client.as_("zhenghao")
    to_second_line(client, no)
    complete(helper, no, "T200_6", {"outcome_6": "vendor"})
    complete(helper, no, "T200_7", {"vendor": "V-ATM", "evidence": "吞卡"})
    answered = {"name": "vendor_answered", "data": {"vendor_result": "accepted"}}
    assert helper.post(f"/incidents/{no}/messages", answered).status_code == 200
    return f"/incidents/{no}/promises"


def _shuffled(n: int) -> Any:
    """Times that come in no order; two rows share each."""
    return MONDAY - timedelta(hours=(n // 2 * 7) % 13)


def _call(n: int) -> dict[str, Any]:
    closed = n % 3 == 0
    return {
        "no": f"SD2026112{n % 3}{n:04}",
        "call_type": "INC",
        "subject": f"故障 50%_{n} Fault",
        "category": "NET" if n % 2 else "TRM",
        "priority": PRIORITIES[n % 7],
        "status": "ST8" if closed else "ST4",
        "step": "200.10" if closed else "200.6",
        "owner_group": "WG-SD",
        "assigned_group": "WG-NET" if n % 2 else "WG-TRM",
        "assignee": "zhoutao" if n % 2 else None,
        "caller": "zhangmin" if n < 13 else None,
        "caller_org": "SUB-CD-001",
        "ci": "NET-CD" if n % 2 else None,
        "reported_at": _shuffled(n),
        "recorded_at": MONDAY,
        "recorded_by": "lina",
        "closed_at": _shuffled(n + 1) if closed else None,
        "closure_code": "C01" if closed else None,
    }


def _work_order(n: int) -> dict[str, Any]:
    no = _call(n)["no"]
    return {
        "call": no,
        "seq": 1,
        "no": f"{no}-01",
        "type": "DSP",
        "status": "W3" if n % 2 else "W5",
        "group": "WG-NET" if n % 2 else "WG-TRM",
        "assignee": "zhoutao" if n % 2 else None,
        "created_at": _shuffled(n),
        "created_by": "lina",
    }


def _escalation(n: int) -> dict[str, Any]:
    return {
        "call": _call(n)["no"],
        "seq": 1,
        "trigger": "X13",
        "level": "E2" if n % 2 else "E1",
        "segment": 1,
        "state": "ended" if n % 5 == 0 else "watching",
        "raised_at": _shuffled(n),
        "raised_by": "lina",
        "holder_group": "WG-IM",
        "holder": "liuyang",
    }


def _hand_off(n: int) -> dict[str, Any]:
    return {
        "call": _call(n)["no"],
        "seq": 1,
        "process": "CHG" if n % 2 else "PRB",
        "group": "WG-IM",
        "handed_off_at": _shuffled(n),
        "done_at": MONDAY if n % 5 == 0 else None,
    }


def _organisation(n: int) -> dict[str, Any]:
    return {"code": f"SUB-{n:03}", "name": f"网点{n}", "type": "SUB", "parent": "BR-SH", "active": n % 2 == 0}


def _person(n: int) -> dict[str, Any]:
    return {
        "staff_no": f"t{n:03}",
        "name": f"柜员{n // 2}",
        "account": f"teller{n}",
        "organisation": f"SUB-{n:03}",
        "phone": f"021-7{n:03}",
        "mobile": f"1390000{n:04}",
        "email": f"t{n}@bank.example",
        "vip": False,
        "active": n != 24,
    }


def _workgroup(n: int) -> dict[str, Any]:
    return {"code": f"WG-T{n:02}", "name": f"测试组{n}", "tier": "L2", "active": True}


def _service(n: int) -> dict[str, Any]:
    return {"code": f"S{n:02}", "name": f"服务{n}", "regulatory": n % 2 == 0, "active": True}


def _vendor(n: int) -> dict[str, Any]:
    return {"code": f"V-{n:02}", "name": f"厂家{n}", "contacts": "[]", "active": True}


def _contract(n: int) -> dict[str, Any]:
    return {"code": f"CT-{n:02}", "vendor": "V-00", "name": f"合同{n}", "response": "{}", "active": True}


def _ci(n: int) -> dict[str, Any]:
    return {
        "code": f"SRV-{n:02}",
        "name": f"服务器{n}",
        "environment": "PROD",
        "kind": "host",
        "active": True,
    }


def _failure(n: int) -> dict[str, Any]:
    return {
        "instance_id": "",
        "id": f"0198-{n:04}",
        "at": _shuffled(n),
        "by": "system",
        "verb": "job",
        "element_id": "",
        "error": "RuntimeError: broken",
        "resolved_at": MONDAY if n % 5 == 0 else None,
    }
