"""Fields are corrected as status and person allow, with a log line each; a closed record never."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from handlers import codes, tables
from tests.api.test_ten_routes import SOLVED, complete, record, to_second_line
from tests.conftest import Client, Clock

ALL = ("ST1", "ST2", "ST3", "ST4", "ST5", "ST6", "ST7", "ST9")
VALUES: dict[str, Any] = {
    "subject": "ATM-0087 吞卡,两台",
    "description": "第二台也停了",
    "callback_phone": "028-8602",
    "on_behalf_of": "chencd",
    "ci": "T-0312",
    "ci_text": "门口左侧",
    "classification": "INC-EQP-HW",
    "category": "NET",
    "occurred_at": "2026-11-23T08:50:00+08:00",
    "service_restored_at": "2026-11-23T09:04:00+08:00",
    "problem_ref": "PRB-1",
    "change_ref": "CHG-1",
    "request_ref": "REQ-1",
}


@pytest.fixture
def no(client: Client) -> str:
    """A call at 200.2."""
    return record(client)


def put(app: Flask, no: str, status: str) -> None:
    """Set the status of a record without the process, for the rules that ask only for it."""
    with app.extensions["flow200"].database.write() as connection:
        connection.execute(
            update(tables.incident)
            .where(tables.incident.c.no == no)
            .values(status=status, assigned_group="WG-TRM")
        )


@pytest.mark.parametrize("status", ALL)
def test_what_a_status_allows_is_data(app: Flask, client: Client, no: str, status: str) -> None:
    rules = {row["code"]: row["data"]["status"] for row in client.get("/codes/editable").json["items"]}
    assert rules.keys() == VALUES.keys()
    put(app, no, status)

    for field, value in VALUES.items():
        answer = client.patch(f"/incidents/{no}", {field: value})

        if status in rules[field]:
            assert (answer.status_code, answer.json[field]) == (200, value), answer.text
        else:
            assert (answer.status_code, answer.json["code"]) == (422, "not-editable")
            assert list(answer.json["fields"]) == [field]


def test_a_closed_record_is_not_edited(app: Flask, client: Client, no: str) -> None:
    complete(client, no, "T200_2", {"outcome_2": "false_alarm"})
    complete(client, no, "T200_10", {"closure_code": "C05"})
    before = client.get(f"/incidents/{no}").json
    assert before["status"] == "ST8"

    for change in ({"subject": "x"}, {"urgency": "U1", "priority_reason": "x"}):
        refused = client.patch(f"/incidents/{no}", change)
        assert (refused.status_code, refused.json["code"]) == (409, "call-closed")

    assert client.get(f"/incidents/{no}").json == before


def test_each_field_is_a_line_of_the_log(client: Client, no: str) -> None:
    client.patch(f"/incidents/{no}", {"subject": "两台停机", "ci": "T-0312"})

    log = client.get(f"/incidents/{no}/history").json["log"]
    lines = {line["field"]: (line["old"], line["new"]) for line in log if line["what"] == "edit"}
    assert lines == {
        "subject": ("ATM-0087 吞卡并停机", "两台停机"),
        "ci": ("ATM-0087", "T-0312"),
        "service": ("ATM", "TELLER"),
    }
    assert {line["by"] for line in log} == {"lina"}


def test_the_token_does_not_move(client: Client, no: str) -> None:
    before = client.get(f"/incidents/{no}").json

    after = client.patch(f"/incidents/{no}", {"description": "补充"}).json

    assert (after["tasks"], after["instances"]) == (before["tasks"], before["instances"])


def test_a_correction_and_a_priority_go_together(client: Client, no: str) -> None:
    complete(
        client, no, "T200_2", {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
    )

    after = client.patch(
        f"/incidents/{no}",
        {"subject": "全行停机", "impact": "I1", "urgency": "U1", "priority_reason": "扩大"},
    ).json

    assert (after["subject"], after["priority"]) == ("全行停机", "P1")


def test_a_priority_that_was_overridden_stays_until_the_call_is_judged_anew(client: Client, no: str) -> None:
    judged = {"impact": "I4", "urgency": "U3", "priority": "P3", "priority_reason": "客户催得急"}
    complete(client, no, "T200_2", {"outcome_2": "proceed", "category": "TRM", **judged})

    same = client.patch(f"/incidents/{no}", {"impact": "I4", "urgency": "U3", "priority_reason": "错字"})
    alone = client.patch(f"/incidents/{no}", {"priority_reason": "错字"})
    anew = client.patch(f"/incidents/{no}", {"impact": "I4", "urgency": "U4", "priority_reason": "已缓解"})

    assert (same.json["priority"], anew.json["priority"]) == ("P3", "P4")
    assert (alone.status_code, alone.json["fields"].keys()) == (422, {"impact", "urgency"})


def test_open_tasks_follow_the_priority(client: Client, clock: Clock, no: str) -> None:
    judged = {"category": "TRM", "impact": "I4", "urgency": "U2"}
    complete(client, no, "T200_2", {"outcome_2": "proceed", **judged})
    complete(client, no, "T200_4", {"outcome_4": "escalate"})
    complete(client, no, "T200_5", {"group": "WG-TRM"})
    client.post(f"/incidents/{no}/escalations", {"reason": "客户催办"})
    before = client.get(f"/incidents/{no}").json["tasks"]
    clock.pass_(minutes=20)

    raised = client.patch(f"/incidents/{no}", {"impact": "I1", "urgency": "U1", "priority_reason": "扩大"})

    tasks = {one["element"]: one for one in raised.json["tasks"]}
    assert {name: one["priority"] for name, one in tasks.items()} == {"T200_5_accept": 100, "T_ack": 100}
    assert tasks["T200_5_accept"]["due_at"] == raised.json["work_orders"][0]["due_accept"]
    assert tasks["T200_5_accept"]["due_at"] == "2026-11-23T09:35:00+08:00"
    said = ("priority", "due_at")
    assert [{k: v for k, v in one.items() if k not in said} for one in raised.json["tasks"]] == [
        {k: v for k, v in one.items() if k not in said} for one in before
    ]


def test_a_refused_priority_takes_the_correction_back(client: Client, no: str) -> None:
    refused = client.patch(
        f"/incidents/{no}",
        {"subject": "全行停机", "impact": "I1", "urgency": "U1", "priority_reason": "扩大"},
    )

    assert (refused.status_code, refused.json["code"]) == (422, "not-prioritised")
    assert client.get(f"/incidents/{no}").json["subject"] == "ATM-0087 吞卡并停机"


def test_who_read_an_older_version_is_refused(client: Client, no: str) -> None:
    seen = client.get(f"/incidents/{no}").headers["ETag"]

    first = client.patch(f"/incidents/{no}", {"subject": "第一个"}, headers={"If-Match": seen})
    second = client.patch(f"/incidents/{no}", {"subject": "第二个"}, headers={"If-Match": seen})
    third = client.patch(
        f"/incidents/{no}", {"impact": "I1", "priority_reason": "x"}, headers={"If-Match": seen}
    )
    fresh = client.patch(
        f"/incidents/{no}", {"subject": "第三个"}, headers={"If-Match": first.headers["ETag"]}
    )

    assert first.status_code == 200
    assert (second.status_code, second.json["code"]) == (409, "stale-call")
    assert (third.status_code, third.json["code"]) == (409, "stale-call")
    assert fresh.json["subject"] == "第三个"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({}, "invalid-request", "priority_reason"),
        ({"impact": "I1"}, "invalid-request", "priority_reason"),
        ({"status": "ST8"}, "invalid-request", "status"),
        ({"version": 1}, "invalid-request", "version"),
        ({"subject": ""}, "invalid-request", "subject"),
        ({"subject": "x" * 201}, "invalid-request", "subject"),
        ({"subject": None}, "invalid-request", "subject"),
        ({"subject": 7}, "invalid-request", "subject"),
        ({"subject": "  "}, "missing", "subject"),
        ({"occurred_at": "2026-11-23T09:00:00"}, "invalid-request", "occurred_at"),
        ({"occurred_at": "2026-11-23T10:00:00+08:00"}, "bad-time", "occurred_at"),
        ({"ci": "NONE"}, "unknown-record", "ci"),
        ({"on_behalf_of": "nobody"}, "unknown-record", "on_behalf_of"),
        ({"category": "XXX"}, "unknown-code", "category"),
        ({"classification": "INC-EQP"}, "not-a-leaf", "classification"),
        ({"classification": "SR-ACC-RST"}, "wrong-branch", "classification"),
    ],
)
def test_a_wrong_value_is_named_and_changes_nothing(
    client: Client, no: str, change: dict[str, Any], code: str, field: str
) -> None:
    before = client.get(f"/incidents/{no}").json

    refused = client.patch(f"/incidents/{no}", change)

    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert list(refused.json["fields"]) == [field]
    assert client.get(f"/incidents/{no}").json == before


def test_restored_after_it_began_and_before_now(client: Client, no: str, clock: Clock) -> None:
    complete(
        client, no, "T200_2", {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
    )
    complete(client, no, "T200_4", {"outcome_4": "resolved", **SOLVED})
    client.patch(f"/incidents/{no}", {"occurred_at": "2026-11-23T08:30:00+08:00"})

    early = client.patch(f"/incidents/{no}", {"service_restored_at": "2026-11-23T08:00:00+08:00"})
    late = client.patch(f"/incidents/{no}", {"service_restored_at": "2026-11-23T10:00:00+08:00"})
    good = client.patch(f"/incidents/{no}", {"service_restored_at": "2026-11-23T09:00:00+08:00"})
    crossed = client.patch(f"/incidents/{no}", {"occurred_at": "2026-11-23T09:01:00+08:00"})

    assert [early.json["code"], late.json["code"], crossed.json["code"]] == ["bad-time"] * 3
    assert good.json["service_restored_at"] == "2026-11-23T09:00:00+08:00"


def test_an_optional_field_can_be_emptied(client: Client, no: str) -> None:
    after = client.patch(f"/incidents/{no}", {"ci": None, "description": "", "occurred_at": None}).json

    assert (after["ci"], after["description"], after["occurred_at"]) == (None, None, None)


def test_the_assigned_group_edits_what_is_left_to_it(client: Client, no: str) -> None:
    to_second_line(client, no)
    solver, other = client.as_("zhenghao"), client.as_("zhoutao")

    allowed = solver.patch(f"/incidents/{no}", {"description": "读卡器卡死"})
    desk_only = solver.patch(f"/incidents/{no}", {"subject": "x"})
    foreign = other.patch(f"/incidents/{no}", {"description": "x"})

    assert allowed.status_code == 200
    for refused in (desk_only, foreign):
        assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")


def test_a_rule_that_its_owner_changes_counts_at_once(app: Flask, client: Client, no: str) -> None:
    with app.extensions["flow200"].database.write() as connection:
        codes.revise(connection, "editable", "subject", status=["ST1"])

    refused = client.patch(f"/incidents/{no}", {"subject": "x"})

    assert (refused.status_code, refused.json["code"]) == (422, "not-editable")
