"""Definitions, instances, messages, history, people: field by field as Camunda 7 writes them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.rest.conftest import REST
from tests.conftest import Client, Clock
from tests.engine.drawing import catch, end, message, process, user

Start = Callable[..., dict[str, Any]]
Deploy = Callable[..., Any]
INSTANCE = {
    "links", "id", "definitionId", "businessKey", "caseInstanceId", "ended", "suspended", "tenantId",
}  # fmt: skip
ACTIVITY = {
    "id", "parentActivityInstanceId", "activityId", "activityType", "activityName", "name",
    "processInstanceId", "processDefinitionId", "childActivityInstances", "childTransitionInstances",
    "executionIds", "incidentIds", "incidents",
}  # fmt: skip
HISTORIC = {
    "id", "businessKey", "processDefinitionId", "processDefinitionKey", "processDefinitionName",
    "processDefinitionVersion", "startTime", "endTime", "removalTime", "durationInMillis", "startUserId",
    "startActivityId", "deleteReason", "rootProcessInstanceId", "superProcessInstanceId",
    "superCaseInstanceId", "caseInstanceId", "tenantId", "state",
}  # fmt: skip
HISTORIC_TASK = {
    "id", "processDefinitionKey", "processDefinitionId", "processInstanceId", "executionId",
    "caseDefinitionKey", "caseDefinitionId", "caseInstanceId", "caseExecutionId", "activityInstanceId",
    "name", "description", "deleteReason", "owner", "assignee", "startTime", "endTime", "duration",
    "taskDefinitionKey", "priority", "due", "parentTaskId", "followUp", "tenantId", "removalTime",
    "rootProcessInstanceId", "taskState",
}  # fmt: skip


def test_an_instance_has_camundas_fields(client: Client, start: Start, parcels: str) -> None:
    task = start("P-1", size=3)

    one = client.get(f"{REST}/process-instance/{task['processInstanceId']}").json

    assert set(one) == INSTANCE
    assert (one["definitionId"], one["businessKey"], one["ended"], one["suspended"]) == (
        parcels,
        "P-1",
        False,
        False,
    )
    assert client.get(f"{REST}/process-instance?businessKey=P-1").json == [one]
    assert client.post(f"{REST}/process-instance", {"processDefinitionKey": "parcel"}).json == [one]
    assert client.post(f"{REST}/process-instance/count", {}).json == {"count": 1}
    assert client.get(f"{REST}/process-instance?processDefinitionId={parcels}").json == [one]
    assert client.get(f"{REST}/process-instance/none").status_code == 404
    assert client.get(f"{REST}/process-instance/{one['id']}/variables").json == {
        "size": {"type": "Integer", "value": 3, "valueInfo": {}}
    }
    assert client.get(f"{REST}/process-instance/{one['id']}/variables/size").json["value"] == 3
    assert client.get(f"{REST}/process-instance/{one['id']}/variables/none").status_code == 404


def test_variables_change_only_by_answers_and_messages(client: Client, start: Start) -> None:
    where = f"{REST}/process-instance/{start(size=3)['processInstanceId']}/variables"

    answers = [
        client.post(where, {"modifications": {"size": {"value": 4}}}),
        client.send("PUT", f"{where}/size", json={"value": 4}),
        client.send("DELETE", f"{where}/size"),
    ]

    assert {(a.status_code, a.json["error"]) for a in answers} == {(400, "unsupported")}
    assert client.get(where).json["size"]["value"] == 3


def test_where_the_tokens_are_is_a_tree(client: Client, start: Start) -> None:
    task = start()
    identity = task["processInstanceId"]

    root = client.get(f"{REST}/process-instance/{identity}/activity-instances").json

    assert set(root) == ACTIVITY
    assert (root["id"], root["activityId"], root["activityType"]) == (identity, "parcel", "process")
    (child,) = root["childActivityInstances"]
    assert set(child) == ACTIVITY
    assert (child["activityId"], child["activityType"], child["parentActivityInstanceId"]) == (
        "pick",
        "userTask",
        identity,
    )
    assert client.get(f"{REST}/process-instance/none/activity-instances").status_code == 404


def test_deleting_an_instance_ends_it_and_is_the_managers(client: Client, start: Start) -> None:
    where = f"{REST}/process-instance/{start()['processInstanceId']}"

    refused = client.send("DELETE", where)
    done = client.as_("liuyang").send("DELETE", where)
    again = client.as_("liuyang").send("DELETE", where)
    careless = client.as_("liuyang").send("DELETE", f"{where}?failIfNotExists=false")

    assert [a.status_code for a in (refused, done, again, careless)] == [403, 204, 404, 204]
    assert client.get(f"{REST}/task").json == []


def test_history_keeps_running_ended_and_cancelled_instances(
    client: Client, start: Start, clock: Clock, parcels: str
) -> None:
    tasks = {key: start(key) for key in ("P-1", "P-2", "P-3")}
    clock.pass_(minutes=2)
    lost = {"variables": {"outcome": {"value": "lost"}}}
    client.as_("zhenghao").post(f"{REST}/task/{tasks['P-2']['id']}/complete", lost)
    client.as_("liuyang").send("DELETE", f"{REST}/process-instance/{tasks['P-3']['processInstanceId']}")

    all_ = client.get(f"{REST}/history/process-instance?sortBy=businessKey&sortOrder=asc").json
    one = client.get(f"{REST}/history/process-instance/{all_[1]['id']}").json

    assert all(set(each) == HISTORIC for each in all_)
    assert [each["state"] for each in all_] == ["ACTIVE", "COMPLETED", "EXTERNALLY_TERMINATED"]
    assert one == all_[1]
    assert (one["startTime"], one["endTime"], one["durationInMillis"]) == (
        "2026-11-23T09:05:00.000+0800",
        "2026-11-23T09:07:00.000+0800",
        120_000,
    )
    assert (one["startUserId"], one["processDefinitionName"], one["processDefinitionId"]) == (
        "lina",
        "parcel",
        parcels,
    )
    assert [each["deleteReason"] for each in all_] == [None, None, "REST"]
    for query, count in (
        ("finished=true", 2),
        ("unfinished=true", 1),
        ("completed=true", 1),
        ("active=true", 1),
    ):
        assert client.get(f"{REST}/history/process-instance/count?{query}").json == {"count": count}
    assert client.get(f"{REST}/history/process-instance/none").status_code == 404


def test_history_keeps_every_task(client: Client, start: Start, clock: Clock) -> None:
    task = start("P-1")
    clock.pass_(minutes=2)
    packed = {"variables": {"outcome": {"value": "packed"}}}
    client.as_("zhenghao").post(f"{REST}/task/{task['id']}/complete", packed)

    done, open_ = client.get(f"{REST}/history/task?sortBy=startTime&sortOrder=asc").json

    assert set(done) == set(open_) == HISTORIC_TASK
    assert (done["assignee"], done["duration"], done["deleteReason"], done["taskState"]) == (
        "zhenghao",
        120_000,
        "completed",
        "Completed",
    )
    assert (open_["endTime"], open_["deleteReason"], open_["taskState"]) == (None, None, "Created")
    assert client.post(f"{REST}/history/task/count", {"finished": True}).json == {"count": 1}
    assert client.get(f"{REST}/history/task?taskAssignee=zhenghao").json == [done]


def test_definitions_are_listed_and_shown(
    client: Client, deploy: Deploy, parcels: str, parcel: dict[str, bytes]
) -> None:
    deploy(parcel, deployment_name="again")

    newest = client.get(f"{REST}/process-definition/key/parcel").json
    old = client.get(f"{REST}/process-definition/{parcels}").json
    listed = client.get(f"{REST}/process-definition?key=parcel").json

    assert (newest["version"], old["version"], old["id"]) == (2, 1, parcels)
    assert listed == [newest, old]
    assert client.get(f"{REST}/process-definition?key=parcel&latestVersion=true").json == [newest]
    assert client.get(f"{REST}/process-definition?processDefinitionIdIn={parcels}").json == [old]
    assert client.get(f"{REST}/process-definition/count?keyLike=par%25").json == {"count": 2}
    xml = client.get(f"{REST}/process-definition/{parcels}/xml").json
    assert xml == {"id": parcels, "bpmn20Xml": parcel["parcel.bpmn"].decode()}
    assert client.get(f"{REST}/process-definition/key/parcel/xml").json["id"] == newest["id"]
    assert client.get(f"{REST}/process-definition/key/parcel/startForm").json["key"] is None
    for path in ("none", "key/none", "none/xml", "key/none/xml", "none/startForm"):
        assert client.get(f"{REST}/process-definition/{path}").status_code == 404


def test_an_old_version_stays_startable(client: Client, deploy: Deploy, parcels: str, parcel: Any) -> None:
    deploy(parcel, deployment_name="again")

    old = client.post(f"{REST}/process-definition/{parcels}/start", {"businessKey": ""})
    new = client.post(f"{REST}/process-definition/key/parcel/start", {"businessKey": "P-2"})
    twice = client.post(f"{REST}/process-definition/key/parcel/start", {"businessKey": "P-2"})
    unknown = client.post(f"{REST}/process-definition/parcel:1:none/start", {})
    halfway = client.post(
        f"{REST}/process-definition/{parcels}/start", {"startInstructions": [{"type": "startBeforeActivity"}]}
    )

    assert set(old.json) == INSTANCE
    assert (old.json["definitionId"], old.json["businessKey"]) == (parcels, None)
    assert ":2:" in new.json["definitionId"]
    assert [a.status_code for a in (twice, unknown, halfway)] == [409, 404, 400]


@pytest.fixture
def waiting(deploy: Deploy, client: Client) -> list[str]:
    """Two instances of one business key that wait for `arrived`, and one that waits without a key."""
    for key in ("w1", "w2"):
        drawn = process(key, catch("c", message("arrived")), user("a", "WG-SD"), end(), flows="s>c; c>a; a>e")
        assert deploy({f"{key}.bpmn": drawn}, deployment_name=key).status_code == 200
    starts = [("w1", "K"), ("w2", "K"), ("w1", "")]
    return [
        client.post(f"{REST}/process-definition/key/{key}/start", {"businessKey": business}).json["id"]
        for key, business in starts
    ]


def test_a_message_finds_the_instance_that_waits(client: Client, waiting: list[str]) -> None:
    body = {"messageName": "arrived", "processInstanceId": waiting[0], "resultEnabled": True}
    body["processVariables"] = {"size": {"value": 3, "type": "Integer"}}

    taken = client.post(f"{REST}/message", {**body, "variablesInResultEnabled": True})
    again = client.post(f"{REST}/message", body)
    nameless = client.post(f"{REST}/message", {"messageName": "arrived", "processInstanceId": waiting[2]})

    assert taken.status_code == 200
    (result,) = taken.json
    assert result["resultType"] == "Execution" and result["processInstance"] is None
    assert result["execution"] == {
        "id": waiting[0],
        "processInstanceId": waiting[0],
        "ended": False,
        "tenantId": None,
    }
    assert result["variables"]["size"]["value"] == 3
    assert (again.status_code, again.json["type"]) == (409, "MismatchingMessageCorrelationException")
    assert nameless.status_code == 204


def test_a_message_for_several_must_say_so(client: Client, waiting: list[str]) -> None:
    one = client.post(f"{REST}/message", {"messageName": "arrived", "businessKey": "K"})
    all_ = client.post(f"{REST}/message", {"messageName": "arrived", "businessKey": "K", "all": True})

    assert (one.status_code, all_.status_code) == (400, 204)
    assert len(client.get(f"{REST}/task?processInstanceBusinessKey=K").json) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messageName": "arrived"},
        {"messageName": 3, "businessKey": "K"},
        {"messageName": "arrived", "businessKey": "K", "correlationKeys": {"a": {"value": 1}}},
        {"messageName": "arrived", "businessKey": "K", "tenantId": "bank-2"},
        {"messageName": "arrived", "processInstanceId": "x", "processVariables": {"a": "x"}},
    ],
    ids=str,
)
def test_a_message_that_is_not_clear_is_refused(client: Client, body: dict[str, Any]) -> None:
    answer = client.post(f"{REST}/message", body)

    assert answer.status_code in (400, 409) and answer.json["message"]
    if "processVariables" not in body:
        assert answer.status_code == 400


def test_people_and_groups_are_shown_without_contact_data(client: Client) -> None:
    mine = client.get(f"{REST}/identity/groups?userId=sunjing").json

    assert mine["groups"] == [{"id": "WG-DBS", "name": "数据库"}, {"id": "WG-HST", "name": "主机"}]
    assert {"id": "zhaolei", "firstName": "赵磊", "lastName": "", "displayName": "赵磊"} in mine["groupUsers"]
    assert client.get(f"{REST}/user/lina/profile").json == {
        "id": "lina",
        "firstName": "李娜",
        "lastName": "",
        "email": None,
    }
    assert [u["id"] for u in client.get(f"{REST}/user?memberOfGroup=WG-SD").json] == ["chengang", "lina"]
    assert client.get(f"{REST}/user/count?memberOfGroup=WG-SD").json == {"count": 2}
    assert client.get(f"{REST}/group?member=lina").json == [
        {"id": "WG-SD", "name": "帮助台/一线", "type": "L1"}
    ]
    assert client.get(f"{REST}/group/WG-SD").json["name"] == "帮助台/一线"
    assert "8001" not in client.get(f"{REST}/user").text
    for path in ("user/none/profile", "group/none"):
        assert client.get(f"{REST}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("said", "authenticated"),
    [
        ({"username": "lina", "password": "password-of-lina"}, True),
        ({"username": "lina", "password": "wrong"}, False),
        ({"username": "nobody", "password": "wrong"}, False),
    ],
)
def test_a_password_is_verified(client: Client, said: dict[str, str], authenticated: bool) -> None:
    answer = client.as_(None).post(f"{REST}/identity/verify", said)

    assert answer.json == {"authenticatedUser": said["username"], "authenticated": authenticated}


def test_guessing_at_a_password_is_limited(client: Client) -> None:
    wrong = {"username": "lina", "password": "wrong"}

    answers = [client.as_(None).post(f"{REST}/identity/verify", wrong).status_code for _ in range(12)]

    assert answers[0] == 200 and answers[-1] == 429
    assert client.as_(None).post(f"{REST}/identity/verify", {"username": "lina"}).status_code == 400
