"""The ten routes of the README, walked as an operator walks them: one story through the vendor and back."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Client, Clock

CALL = {
    "call_type": "INC",
    "classification": "INC-EQP-SWL",
    "source": "BR",
    "medium": "PHONE",
    "subject": "ATM-0087 吞卡并停机",
    "caller": "zhangmin",
    "ci": "ATM-0087",
}
SOLVED = {"solution_kind": "permanent", "solution_steps": "更换读卡器"}


def record(client: Client) -> str:
    """Record the call of S03; returns its number."""
    answer = client.post("/incidents", CALL)
    assert answer.status_code == 201, answer.text
    return str(answer.json["no"])


def complete(client: Client, no: str, element: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Answer the open task of `element`; returns the response's body."""
    tasks = client.get(f"/tasks?incident={no}").json["items"]
    task = next(t for t in tasks if t["element"] == element)
    response = client.post(f"/tasks/{task['id']}/complete", answer)
    assert response.status_code == 200, response.text
    return dict(response.json)


def to_second_line(client: Client, no: str) -> None:
    """Through 200.2, 200.4, 200.5 to the acceptance by 郑浩."""
    complete(
        client, no, "T200_2", {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
    )
    complete(client, no, "T200_4", {"outcome_4": "escalate"})
    complete(client, no, "T200_5", {"group": "WG-TRM"})
    complete(client.as_("zhenghao"), no, "T200_5_accept", {"accept": "accepted"})


def test_a_call_is_recorded_with_its_number_and_its_next_task(client: Client) -> None:
    answer = client.post("/incidents", CALL)

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/incidents/{answer.json['no']}"
    assert answer.json["no"].startswith("SD20261123")
    assert (answer.json["status"], answer.json["step"]) == ("ST2", "200.2")
    assert answer.json["reported_at"] == "2026-11-23T09:05:00+08:00"
    assert answer.json["recorded_by"] == "lina"
    assert [t["element"] for t in answer.json["tasks"]] == ["T200_2"]


def test_by_is_who_signed_in_and_never_a_field(client: Client) -> None:
    answer = client.post("/incidents", {**CALL, "recorded_by": "liuyang", "by": "liuyang"})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid-form")
    assert set(answer.json["fields"]) == {"recorded_by", "by"}


def test_the_list_of_a_group_shows_its_tasks_and_no_other(client: Client) -> None:
    no = record(client)

    desk, vendor = client.get("/tasks?group=WG-SD").json, client.get("/tasks?group=WG-TRM").json
    mine, yours = client.get("/tasks").json, client.as_("zhenghao").get("/tasks").json

    assert [t["incident"] for t in desk["items"]] == [t["incident"] for t in mine["items"]] == [no]
    assert vendor["items"] == yours["items"] == []


def test_a_long_list_comes_in_pages(client: Client) -> None:
    numbers = [record(client) for _ in range(3)]

    first = client.get("/tasks?limit=2").json
    second = client.get(f"/tasks?limit=2&after={first['next']}").json

    assert [t["incident"] for t in first["items"] + second["items"]] == numbers
    assert second["next"] is None


@pytest.mark.parametrize(
    ("language", "label"), [("zh-CN", "终端与自助设备"), ("en", "Terminals, self-service")]
)
def test_a_task_shows_its_form_to_be_filled_with_curl(client: Client, language: str, label: str) -> None:
    no = record(client)
    (listed,) = client.get(f"/tasks?incident={no}").json["items"]

    task = client.get(f"/tasks/{listed['id']}", headers={"Accept-Language": language}).json

    fields = {field["key"]: field for field in task["form"]["fields"]}
    assert fields["outcome_2"]["required"] and fields["outcome_2"]["label"]
    assert "proceed" in [option["value"] for option in fields["outcome_2"]["options"]]
    assert {"value": "TRM", "label": label} in fields["category"]["options"]
    assert fields["ci"]["value"] == "ATM-0087"


def test_a_claimed_task_is_somebody_elses_until_it_is_given_back(client: Client) -> None:
    no = record(client)
    task = client.get(f"/tasks?incident={no}").json["items"][0]["id"]
    night = client.as_("chengang")

    assert client.post(f"/tasks/{task}/claim").json["assignee"] == "lina"
    assert [t["id"] for t in client.get("/tasks?assignee=me").json["items"]] == [task]
    taken = night.post(f"/tasks/{task}/claim")
    assert (taken.status_code, taken.json["code"]) == (409, "task-assigned")

    assert client.post(f"/tasks/{task}/unclaim").json["assignee"] is None
    assert night.post(f"/tasks/{task}/claim").json["assignee"] == "chengang"


def test_the_manager_frees_a_task_that_somebody_holds(client: Client) -> None:
    no = record(client)
    task = client.get(f"/tasks?incident={no}").json["items"][0]["id"]
    client.post(f"/tasks/{task}/claim")

    freed = client.as_("liuyang").post(f"/tasks/{task}/unclaim")

    assert (freed.status_code, freed.json["assignee"]) == (200, None)
    assert client.as_("chengang").post(f"/tasks/{task}/claim").json["assignee"] == "chengang"


def test_who_neither_holds_a_task_nor_leads_its_group_gives_none_back(client: Client) -> None:
    no = record(client)
    task = client.get(f"/tasks?incident={no}").json["items"][0]["id"]
    client.post(f"/tasks/{task}/claim")

    refused = client.as_("zhenghao").post(f"/tasks/{task}/unclaim")

    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")
    assert client.get(f"/tasks/{task}").json["assignee"] == "lina"


def test_who_is_no_candidate_is_refused(client: Client) -> None:
    no = record(client)
    task = client.get(f"/tasks?incident={no}").json["items"][0]["id"]

    for verb in ("claim", "complete"):
        answer = client.as_("zhenghao").post(f"/tasks/{task}/{verb}", {})
        assert (answer.status_code, answer.json["code"]) == (403, "not-candidate")


def test_a_second_completion_is_a_conflict(client: Client) -> None:
    no = record(client)
    task = client.get(f"/tasks?incident={no}").json["items"][0]["id"]
    complete(client, no, "T200_2", {"outcome_2": "false_alarm"})

    again = client.post(f"/tasks/{task}/complete", {"outcome_2": "false_alarm"})

    assert (again.status_code, again.json["code"]) == (409, "task-not-open")


def test_an_answer_to_a_state_that_has_moved_on_is_refused(client: Client) -> None:
    no = record(client)
    seen = client.get(f"/tasks?incident={no}").json["items"][0]
    where, answer = f"/tasks/{seen['id']}/complete", {"outcome_2": "false_alarm"}

    stale = client.post(where, answer, headers={"If-Match": f'"{seen["revision"] - 1}"'})
    wrong = client.post(where, answer, headers={"If-Match": "newest"})
    fresh = client.post(where, answer, headers={"If-Match": f'"{seen["revision"]}"'})

    assert (stale.status_code, stale.json["code"]) == (409, "stale-instance")
    assert (wrong.status_code, list(wrong.json["fields"])) == (422, ["If-Match"])
    assert fresh.status_code == 200


@pytest.mark.parametrize(
    "answer",
    [{}, {"outcome_2": "procede"}, {"outcome_2": None}, {"outcome_2": 1}, {"outcome_2": "proceed", "x": 1}],
)
def test_a_missing_or_unlisted_outcome_changes_nothing(client: Client, answer: dict[str, Any]) -> None:
    no = record(client)
    task = client.get(f"/tasks?incident={no}").json["items"][0]["id"]
    before = client.get(f"/incidents/{no}").json

    refused = client.post(f"/tasks/{task}/complete", answer)

    assert (refused.status_code, refused.json["code"]) == (422, "invalid-form")
    assert client.get(f"/incidents/{no}").json == before


def test_through_the_vendor_refused_once_and_closed(client: Client, clock: Clock) -> None:
    solver = client.as_("zhenghao")
    no = record(client)
    to_second_line(client, no)
    complete(solver, no, "T200_6", {"outcome_6": "vendor"})
    complete(solver, no, "T200_7", {"engagement_kind": "VND", "contract": "CT-ATM"})

    waiting = client.get(f"/incidents/{no}").json
    assert waiting["status"] == "ST5"
    assert "vendor_answered" in waiting["instances"][0]["waits_for"]["messages"]
    clock.pass_(minutes=25)
    told = solver.post(
        f"/incidents/{no}/messages", {"name": "vendor_answered", "data": {"vendor_result": "accepted"}}
    )
    assert told.status_code == 200, told.text
    assert told.json["step"] == "200.8"

    complete(solver, no, "T200_8", {"outcome_8": "resolved", "assist": True, **SOLVED})
    complete(client, no, "T200_9", {"outcome_9": "refused", "refuse_reason": "N1"})
    assert client.get(f"/incidents/{no}").json["status"] == "ST4"
    complete(solver, no, "T200_6", {"outcome_6": "resolved", **SOLVED})
    complete(client, no, "T200_9", {"outcome_9": "confirmed", "method": "PHONE"})
    ended = complete(client, no, "T200_10", {"closure_code": "C01"})

    assert ended["tasks"] == []
    assert ended["instance"]["end_element"] == "End_Closed"
    closed = client.get(f"/incidents/{no}").json
    assert (closed["status"], closed["closure_code"]) == ("ST8", "C01")
    assert {order["type"] for order in closed["work_orders"]} == {"DSP", "VND"}


def test_the_history_says_why(client: Client) -> None:
    no = record(client)
    to_second_line(client, no)

    history = client.get(f"/incidents/{no}/history").json

    (instance,) = history["instances"]
    assert instance["tokens"] == [{"element": "T200_6", "name": "二线尝试解决(200.6)"}]
    flows = [h["data"] for h in instance["history"] if h["kind"] == "flow" and h["data"].get("condition")]
    sent = next(f for f in flows if f["to"] == "T200_5")
    assert sent["condition"] == "${outcome_4 == 'escalate'}"
    assert sent["values"] == {"outcome_4": "escalate"}
    assert {h["by"] for h in instance["history"]} == {"lina", "zhenghao"}
    assert history["log"][0]["seq"] == 1 and history["log"][-1]["hash"]


def test_a_message_that_nobody_waits_for_is_a_conflict(client: Client) -> None:
    no = record(client)

    for name in ("vendor_answered", "no_such_message"):
        answer = client.post(f"/incidents/{no}/messages", {"name": name})
        assert (answer.status_code, answer.json["code"]) == (409, "not-waiting")


def test_the_caller_withdraws(client: Client) -> None:
    no = record(client)

    answer = client.post(f"/incidents/{no}/messages", {"name": "withdraw", "data": {"reason": "自己好了"}})

    assert answer.status_code == 200, answer.text
    assert [t["element"] for t in answer.json["tasks"]] == ["T200_10"]


def test_a_closed_incident_is_reopened_on_the_same_record(client: Client, clock: Clock) -> None:
    no = record(client)
    complete(
        client, no, "T200_2", {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U3"}
    )
    complete(client, no, "T200_4", {"outcome_4": "resolved", **SOLVED})
    complete(client, no, "T200_9", {"outcome_9": "confirmed", "method": "PHONE"})
    complete(client, no, "T200_10", {"closure_code": "C01"})
    clock.pass_(hours=3)

    empty = client.post(f"/incidents/{no}/messages", {"name": "reopen"})
    answer = client.post(f"/incidents/{no}/messages", {"name": "reopen", "data": {"reason": "又停机了"}})

    assert (empty.status_code, list(empty.json["fields"])) == (422, ["reason"])
    assert answer.status_code == 200, answer.text
    assert (answer.json["status"], answer.json["reopen_count"]) == ("ST2", 1)
    assert [t["element"] for t in answer.json["tasks"]] == ["T200_4"]
    assert len(answer.json["instances"]) == 2


def test_an_open_incident_is_not_reopened(client: Client) -> None:
    no = record(client)

    answer = client.post(f"/incidents/{no}/messages", {"name": "reopen", "data": {"reason": "再来"}})

    assert answer.status_code in (409, 422)
    assert len(client.get(f"/incidents/{no}").json["instances"]) == 1


def test_a_priority_is_raised_with_a_reason(client: Client) -> None:
    no = record(client)
    to_second_line(client, no)

    silent = client.patch(f"/incidents/{no}", {"urgency": "U1"})
    answer = client.patch(f"/incidents/{no}", {"impact": "I2", "priority_reason": "全行自助设备都停了"})

    assert (silent.status_code, list(silent.json["fields"])) == (422, ["priority_reason"])
    assert answer.status_code == 200, answer.text
    assert (answer.json["priority"], answer.json["urgency"]) == ("P2", "U2")


def test_an_escalation_by_hand_runs_to_its_end(
    client: Client, clock: Clock, tick: Callable[[], None]
) -> None:
    manager = client.as_("liuyang")
    no = record(client)
    to_second_line(client, no)

    raised = client.post(f"/incidents/{no}/escalations", {"reason": "客户投诉到行领导"})
    assert raised.status_code == 201, raised.text
    assert [e["trigger"] for e in raised.json["escalations"]] == ["X13"]
    assert "T_ack" in [t["element"] for t in raised.json["tasks"]]

    complete(manager, no, "T_ack", {})
    tick()
    tasks = client.get(f"/tasks?incident={no}").json["items"]
    assert "T_decide" in [t["element"] for t in tasks]
    complete(manager, no, "T_decide", {"decision": "withdraw", "reason": "已沟通"})
    tick()

    after = client.get(f"/incidents/{no}").json
    assert after["escalations"][0]["state"] == "ended"
    assert [i["end_element"] for i in after["instances"] if i["process"] == "escalation"] == [
        "End_Escalation"
    ]


def test_an_unknown_incident_is_not_found_on_every_route(client: Client) -> None:
    no = "SD209901010001"
    answers = [
        client.get(f"/incidents/{no}"),
        client.get(f"/incidents/{no}/history"),
        client.patch(f"/incidents/{no}", {"impact": "I1", "priority_reason": "x"}),
        client.post(f"/incidents/{no}/messages", {"name": "withdraw"}),
        client.post(f"/incidents/{no}/messages", {"name": "reopen", "data": {"reason": "x"}}),
        client.post(f"/incidents/{no}/escalations", {"reason": "x"}),
    ]

    assert {(a.status_code, a.json["code"]) for a in answers} == {(404, "call-not-found")}
