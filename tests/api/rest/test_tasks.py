"""Tasks in Camunda's shapes: who may take, give, delegate and complete them, with conflicts as 409."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.api.rest.conftest import REST
from tests.conftest import Client, Clock

Start = Callable[..., dict[str, Any]]
TASK = {
    "id", "name", "assignee", "created", "due", "followUp", "lastUpdated", "delegationState", "description",
    "executionId", "owner", "parentTaskId", "priority", "processDefinitionId", "processInstanceId",
    "taskDefinitionKey", "caseExecutionId", "caseInstanceId", "caseDefinitionId", "suspended", "formKey",
    "camundaFormRef", "tenantId", "taskState",
}  # fmt: skip
ERROR = {"type", "title", "status", "detail", "instance", "message", "code", "error"}
PACKED = {"variables": {"outcome": {"value": "packed", "type": "String"}}}


def path(task: dict[str, Any], verb: str = "") -> str:
    """The address of a task, or of a verb on it."""
    return f"{REST}/task/{task['id']}{'/' + verb if verb else ''}"


def shown(client: Client, task: dict[str, Any]) -> dict[str, Any]:
    """The task as it is now."""
    return dict(client.get(path(task)).json)


def kinds(app: Flask, task: dict[str, Any]) -> list[tuple[str, str]]:
    """What happened in the instance of a task, by whom."""
    from engine import reads

    with app.extensions["flow200"].database.read() as connection:
        return [(h.kind, h.by) for h in reads.history(connection, task["processInstanceId"])]


def test_a_task_has_camundas_fields_and_its_nulls(client: Client, start: Start, parcels: str) -> None:
    task = start()

    assert set(task) == TASK
    assert task["created"] == "2026-11-23T09:05:00.000+0800"
    assert task["processDefinitionId"] == parcels
    assert (task["name"], task["taskDefinitionKey"], task["priority"]) == ("pick", "pick", 50)
    assert task["camundaFormRef"] == {"key": "pick", "binding": "deployment", "version": None}
    assert task["executionId"] == task["processInstanceId"]
    nulls = {k for k, v in task.items() if v is None}
    assert nulls == TASK - {
        "id", "name", "created", "executionId", "priority", "processDefinitionId", "processInstanceId",
        "taskDefinitionKey", "suspended", "camundaFormRef", "taskState",
    }  # fmt: skip
    assert shown(client, task) == task


def test_a_claim_is_ones_own_and_a_second_is_a_conflict(client: Client, start: Start) -> None:
    task, zhenghao = start(), client.as_("zhenghao")

    claimed = zhenghao.post(path(task, "claim"), {"userId": "zhenghao", "unknown": 1})
    second = client.as_("liuyang").post(path(task, "claim"), {"userId": "liuyang"})

    assert claimed.status_code == 204 and claimed.data == b"" and "Content-Type" not in claimed.headers
    assert (second.status_code, second.json["type"]) == (409, "TaskAlreadyClaimedException")
    assert set(second.json) == ERROR and second.headers["Content-Type"] == "application/json"
    assert shown(client, task)["assignee"] == "zhenghao"


@pytest.mark.parametrize("body", [{}, {"userId": None}, {"userId": "zhenghao"}])
def test_a_claim_without_a_person_is_the_one_who_signed(
    client: Client, start: Start, body: dict[str, Any]
) -> None:
    task = start()

    assert client.as_("zhenghao").post(path(task, "claim"), body).status_code == 204

    assert shown(client, task)["assignee"] == "zhenghao"


def test_a_claim_for_somebody_else_is_refused_to_a_member(client: Client, start: Start) -> None:
    task = start()

    answer = client.post(path(task, "claim"), {"userId": "zhenghao"})

    assert (answer.status_code, answer.json["type"]) == (403, "AuthorizationException")
    assert shown(client, task)["assignee"] is None


def test_a_foreign_task_is_not_claimed(client: Client, start: Start) -> None:
    task = start()

    answer = client.post(path(task, "claim"), {"userId": "lina"})

    assert (answer.status_code, answer.json["error"]) == (403, "not-candidate")


def test_the_incident_manager_assigns_within_the_groups_of_the_task(
    app: Flask, client: Client, start: Start
) -> None:
    task, liuyang = start(), client.as_("liuyang")

    outside = liuyang.post(path(task, "assignee"), {"userId": "lina"})
    nobody = liuyang.post(path(task, "assignee"), {"userId": "nobody"})
    assigned = liuyang.post(path(task, "claim"), {"userId": "zhenghao"})
    over = liuyang.post(path(task, "claim"), {"userId": "hejing"})
    taken = liuyang.post(path(task, "assignee"), {"userId": "hejing"})

    assert (outside.status_code, outside.json["error"]) == (403, "others-groups")
    assert (nobody.status_code, nobody.json["error"]) == (404, "person-not-found")
    assert (assigned.status_code, over.status_code, taken.status_code) == (204, 409, 204)
    assert shown(client, task)["assignee"] == "hejing"
    assert kinds(app, task)[-2:] == [("assigned", "liuyang"), ("assigned", "liuyang")]
    assert liuyang.post(path(task, "assignee"), {"userId": None}).status_code == 204
    assert shown(client, task)["assignee"] is None


def test_a_task_is_given_back(client: Client, start: Start) -> None:
    task, zhenghao = start(), client.as_("zhenghao")
    zhenghao.post(path(task, "claim"), {})

    stranger = client.as_("lina").post(path(task, "unclaim"))
    assert (stranger.status_code, shown(client, task)["assignee"]) == (403, "zhenghao")
    own = zhenghao.post(path(task, "unclaim"))
    zhenghao.post(path(task, "claim"), {})
    manager = client.as_("liuyang").post(path(task, "unclaim"))

    assert (own.status_code, manager.status_code) == (204, 204)
    assert shown(client, task)["assignee"] is None


def test_a_delegated_task_comes_back_and_is_completed_by_its_owner(
    app: Flask, client: Client, start: Start
) -> None:
    task, liuyang, zhenghao = start(), client.as_("liuyang"), client.as_("zhenghao")
    liuyang.post(path(task, "claim"), {})

    assert liuyang.post(path(task, "delegate"), {"userId": "zhenghao"}).status_code == 204
    pending = shown(client, task)
    early = zhenghao.post(path(task, "complete"), PACKED)
    foreign = liuyang.post(path(task, "resolve"), {})
    with_variables = zhenghao.post(path(task, "resolve"), PACKED)
    resolved = zhenghao.post(path(task, "resolve"), {"variables": {}})
    again = zhenghao.post(path(task, "resolve"), {})

    assert (pending["assignee"], pending["owner"], pending["delegationState"]) == (
        "zhenghao",
        "liuyang",
        "PENDING",
    )
    assert (early.status_code, early.json["error"]) == (409, "task-delegated")
    assert (foreign.status_code, with_variables.status_code) == (409, 400)
    assert (resolved.status_code, again.status_code) == (204, 409)
    assert shown(client, task)["delegationState"] == "RESOLVED"
    assert liuyang.post(path(task, "complete"), PACKED).status_code == 204
    assert [k for k, _ in kinds(app, task) if k in ("delegated", "resolved")] == ["delegated", "resolved"]


def test_who_holds_no_task_delegates_none(client: Client, start: Start) -> None:
    task = start()

    refused = client.post(path(task, "delegate"), {"userId": "zhenghao"})
    nobody = client.as_("liuyang").post(path(task, "delegate"), {})

    assert (refused.status_code, nobody.status_code) == (403, 400)


@pytest.mark.parametrize("verb", ["complete", "submit-form"])
def test_a_completion_moves_on_and_returns_variables_if_asked(
    client: Client, start: Start, verb: str
) -> None:
    task = start(size=3)

    answer = client.as_("zhenghao").post(path(task, verb), {**PACKED, "withVariablesInReturn": True})

    assert answer.status_code == 200
    assert answer.json["outcome"] == {"type": "String", "value": "packed", "valueInfo": {}}
    assert answer.json["size"] == {"type": "Integer", "value": 3, "valueInfo": {}}
    again = client.as_("zhenghao").post(path(task, verb), PACKED)
    assert (again.status_code, again.json["error"]) == (409, "task-not-open")
    assert client.get(path(task)).status_code == 404


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({}, "outcome"),
        ({"outcome": {"value": "resovled"}}, "outcome"),
        ({"outcome": {"value": "packed"}, "colour": {"value": "red"}}, "colour"),
        ({"outcome": {"value": "packed"}, "note": {"value": "x" * 21}}, "note"),
    ],
    ids=["missing", "unlisted", "unknown", "long"],
)
def test_an_answer_that_does_not_fit_its_form_is_refused_by_field(
    client: Client, start: Start, variables: dict[str, Any], field: str
) -> None:
    task = start()

    answer = client.as_("zhenghao").post(path(task, "complete"), {"variables": variables})

    assert (answer.status_code, answer.json["type"]) == (422, "FormFieldValidationException")
    assert list(answer.json["details"]) == [field]
    assert shown(client, task)["assignee"] is None


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("GET", ""),
        ("PUT", ""),
        *(("POST", v) for v in ("claim", "unclaim", "complete", "resolve", "assignee")),
    ],
)
def test_an_unknown_task_is_404(client: Client, method: str, verb: str) -> None:
    answer = client.send(method, path({"id": "no\u4efbtask"}, verb), json={})

    assert answer.status_code == 404 and answer.headers["Content-Type"] == "application/json"


def test_identity_links_show_people_and_groups_and_set_the_assignee(client: Client, start: Start) -> None:
    task, zhenghao = start(), client.as_("zhenghao")
    link = {"userId": "zhenghao", "type": "assignee"}

    added = zhenghao.post(path(task, "identity-links"), link)
    links = client.get(path(task, "identity-links")).json
    removed = zhenghao.post(path(task, "identity-links/delete"), link)
    group = client.as_("liuyang").post(
        path(task, "identity-links"), {"groupId": "WG-SD", "type": "candidate"}
    )

    assert (added.status_code, removed.status_code, group.status_code) == (204, 204, 400)
    assert links == [
        {"userId": "zhenghao", "groupId": None, "type": "assignee"},
        {"userId": None, "groupId": "WG-TRM", "type": "candidate"},
        {"userId": None, "groupId": "WG-IM", "type": "candidate"},
    ]
    assert [one["type"] for one in client.get(path(task, "identity-links?type=assignee")).json] == []


def test_comments_are_kept_with_person_and_time(client: Client, start: Start, clock: Clock) -> None:
    task, zhenghao = start(), client.as_("zhenghao")
    clock.pass_(minutes=1)

    said = zhenghao.post(path(task, "comment/create"), {"message": " 请先称重 "})
    foreign = client.post(path(task, "comment/create"), {"message": "x"})
    empty = zhenghao.post(path(task, "comment/create"), {"message": " "})
    long = zhenghao.post(path(task, "comment/create"), {"message": "x" * 4001})

    assert said.status_code == 200
    assert {k: said.json[k] for k in ("userId", "taskId", "time", "message", "removalTime")} == {
        "userId": "zhenghao",
        "taskId": task["id"],
        "time": "2026-11-23T09:06:00.000+0800",
        "message": "请先称重",
        "removalTime": None,
    }
    assert (foreign.status_code, empty.status_code, long.status_code) == (403, 400, 400)
    zhenghao.post(path(task, "complete"), PACKED)
    assert client.get(path(task, "comment")).json == [said.json]
    assert client.get(path(task, f"comment/{said.json['id']}")).json == said.json
    assert client.get(path(task, "comment/none")).status_code == 404
    assert client.get(path({"id": "none"}, "comment")).status_code == 404


def test_a_put_sets_assignee_and_follow_up_and_refuses_the_rest(client: Client, start: Start) -> None:
    task, zhenghao = start(), client.as_("zhenghao")

    done = zhenghao.send(
        "PUT", path(task), json={**task, "assignee": "zhenghao", "followUp": "2026-11-24T09:00:00.000+0800"}
    )
    priority = zhenghao.send("PUT", path(task), json={"priority": 99})
    wrong = zhenghao.send("PUT", path(task), json={"followUp": "tomorrow"})

    assert done.status_code == 204
    assert shown(client, task)["followUp"] == "2026-11-24T09:00:00.000+0800"
    assert shown(client, task)["assignee"] == "zhenghao"
    assert (priority.status_code, wrong.status_code) == (400, 400)
    assert "priority" in priority.json["message"] and "followUp" in wrong.json["message"]
    cleared = zhenghao.send("PUT", path(task), json={**shown(client, task), "followUp": None})
    assert cleared.status_code == 204 and shown(client, task)["followUp"] is None


def test_the_form_of_a_task_is_named_given_and_filled(
    client: Client, start: Start, parcel: dict[str, bytes]
) -> None:
    task = start(size=3)

    form = client.get(path(task, "form")).json
    deployed = client.get(path(task, "deployed-form"))
    variables = client.get(path(task, "form-variables")).json

    reference = {"key": "pick", "binding": "deployment", "version": None}
    assert form == {"key": None, "camundaFormRef": reference, "contextPath": None}
    assert deployed.data == parcel["pick.form"] and deployed.headers["Content-Type"] == "application/json"
    assert variables == {"size": {"type": "Integer", "value": 3, "valueInfo": {}}}
    assert client.get(path(task, "rendered-form")).status_code == 404
    assert client.get(path(task, "variables")).json == variables
    assert client.get(path(task, "variables/size")).json == variables["size"]
    assert client.get(path(task, "variables/none")).status_code == 404
    assert client.get(path(task, "localVariables")).json == {}
    assert client.get(path(task, "attachment")).json == []


def test_a_task_of_process_200_offers_its_options_and_goes_the_same_way(client: Client) -> None:
    from tests.api.test_ten_routes import record, to_second_line

    no = record(client)
    to_second_line(client, no)
    (task,) = client.get(f"{REST}/task?processInstanceBusinessKey={no}").json
    options = client.as_("zhenghao").get(path(task, "form-variables?variableNames=groups.l2,none")).json
    assert task["taskDefinitionKey"] == "T200_6" and task["assignee"] == "zhenghao"
    assert {name: one["type"] for name, one in options.items()} == {"groups.l2": "Json"}, options

    assigned = client.as_("liuyang").post(path(task, "assignee"), {"userId": "liuyang"})
    incident = client.get(f"/incidents/{no}").json

    assert assigned.status_code == 204
    assert incident["assignee"] == "liuyang"
    assert incident["work_orders"][-1]["assignee"] == "liuyang"


def test_a_call_is_withdrawn_and_not_cancelled(client: Client) -> None:
    from tests.api.test_ten_routes import record

    no = record(client)
    (running,) = client.get(f"{REST}/process-instance?businessKey={no}").json

    answer = client.as_("liuyang").send("DELETE", f"{REST}/process-instance/{running['id']}")

    assert (answer.status_code, answer.json["error"]) == (409, "withdraw-instead")
    assert client.get(f"{REST}/process-instance/{running['id']}").status_code == 200
