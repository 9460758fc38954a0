"""Queries in Camunda's words: GET and POST alike, with count, paging, sorting; nothing is ignored."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from api.rest import BLUEPRINTS
from api.rest.queries import CAP
from tests.api.rest.conftest import REST
from tests.conftest import Client, Clock

TASKS = f"{REST}/task"


@pytest.fixture
def three(start: Callable[..., dict[str, Any]], client: Client, clock: Clock) -> list[str]:
    """Three parcels: P-1 claimed by 郑浩, P-2 free, P-3 signed by the desk next; the keys."""
    for key in ("P-1", "P-2", "P-3"):
        task = start(key)
        clock.pass_(minutes=1)
        if key == "P-1":
            client.as_("zhenghao").post(f"{TASKS}/{task['id']}/claim", {})
        if key == "P-3":
            packed = {"variables": {"outcome": {"value": "packed"}}}
            client.as_("zhenghao").post(f"{TASKS}/{task['id']}/complete", packed)
    return ["P-1", "P-2", "P-3"]


def keys(client: Client, tasks: list[dict[str, Any]]) -> list[str]:
    """The business keys of tasks."""
    running = client.get(f"{REST}/process-instance").json
    known = {one["id"]: one["businessKey"] for one in running}
    return [known[task["processInstanceId"]] for task in tasks]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["P-1", "P-2", "P-3"]),
        ({"candidateGroup": "WG-TRM"}, ["P-2"]),
        ({"candidateGroup": "WG-TRM", "includeAssignedTasks": "true"}, ["P-1", "P-2"]),
        ({"candidateGroup": "WG-TRM", "includeAssignedTasks": "false"}, ["P-2"]),
        ({"candidateGroups": "WG-SD,WG-TRM"}, ["P-2", "P-3"]),
        ({"candidateUser": "zhenghao"}, ["P-2"]),
        ({"candidateUser": "nobody"}, []),
        ({"assignee": "zhenghao"}, ["P-1"]),
        ({"assigneeIn": "zhenghao,lina"}, ["P-1"]),
        ({"assigneeNotIn": "zhenghao"}, ["P-2", "P-3"]),
        ({"assigneeLike": "zheng%"}, ["P-1"]),
        ({"involvedUser": "zhenghao"}, ["P-1"]),
        ({"assigned": "true"}, ["P-1"]),
        ({"unassigned": "true"}, ["P-2", "P-3"]),
        ({"unassigned": "false"}, ["P-1", "P-2", "P-3"]),
        ({"taskDefinitionKey": "sign"}, ["P-3"]),
        ({"taskDefinitionKeyIn": "sign,pick"}, ["P-1", "P-2", "P-3"]),
        ({"taskDefinitionKeyLike": "pi_k"}, ["P-1", "P-2"]),
        ({"name": "sign"}, ["P-3"]),
        ({"nameLike": "%ig%"}, ["P-3"]),
        ({"nameNotEqual": "sign"}, ["P-1", "P-2"]),
        ({"processInstanceBusinessKey": "P-2"}, ["P-2"]),
        ({"processInstanceBusinessKeyIn": "P-2,P-3"}, ["P-2", "P-3"]),
        ({"processInstanceBusinessKeyLike": "P-%"}, ["P-1", "P-2", "P-3"]),
        ({"processDefinitionKey": "parcel"}, ["P-1", "P-2", "P-3"]),
        ({"processDefinitionKey": "incident_200"}, []),
        ({"processDefinitionName": "parcel"}, ["P-1", "P-2", "P-3"]),
        ({"createdAfter": "2026-11-23T09:05:30.000+0800"}, ["P-2", "P-3"]),
        ({"createdBefore": "2026-11-23T09:05:30.000 0800"}, ["P-1"]),
        ({"createdOn": "2026-11-23T09:06:00.000+0800"}, ["P-2"]),
        ({"minPriority": "50", "maxPriority": "50"}, ["P-1", "P-2", "P-3"]),
        ({"priority": "51"}, []),
        ({"dueBefore": "2030-01-01T00:00:00.000+0800"}, []),
        ({"withoutDueDate": "true"}, ["P-1", "P-2", "P-3"]),
        ({"followUpBeforeOrNotExistent": "2030-01-01T00:00:00.000+0800"}, ["P-1", "P-2", "P-3"]),
        ({"withCandidateGroups": "true"}, ["P-1", "P-2", "P-3"]),
        ({"withoutCandidateGroups": "true"}, []),
        (
            {"withoutCandidateUsers": "true", "active": "true", "withoutTenantId": "true"},
            ["P-1", "P-2", "P-3"],
        ),
        ({"suspended": "true"}, []),
        ({"suspended": "false"}, ["P-1", "P-2", "P-3"]),
        ({"tenantIdIn": "bank-2"}, []),
        ({"parentTaskId": "x"}, []),
        ({"delegationState": "PENDING"}, []),
        ({"name": "x😀'; DROP TABLE task"}, []),
        ({"someFutureParameter": "x"}, ["P-1", "P-2", "P-3"]),
    ],
    ids=str,
)
def test_get_and_post_find_and_count_the_same(
    client: Client, three: list[str], asked: dict[str, str], found: list[str]
) -> None:
    as_get = client.get(TASKS, query_string=asked)
    body: dict[str, Any] = {k: {"true": True, "false": False}.get(v, v) for k, v in asked.items()}
    body |= {k: v.split(",") for k, v in asked.items() if k.endswith(("In", "Groups")) and k in LISTS}
    as_post = client.post(TASKS, body)

    assert as_get.status_code == 200, as_get.text
    assert keys(client, as_get.json) == found
    assert as_post.json == as_get.json
    assert client.get(f"{TASKS}/count", query_string=asked).json == {"count": len(found)}
    assert client.post(f"{TASKS}/count", body).json == {"count": len(found)}


LISTS = {
    "candidateGroups", "assigneeIn", "assigneeNotIn", "taskDefinitionKeyIn", "processInstanceBusinessKeyIn",
    "tenantIdIn",
}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sortBy=created&sortOrder=desc", ["P-3", "P-2", "P-1"]),
        ("sortBy=assignee&sortOrder=asc", ["P-1", "P-2", "P-3"]),
        ("sortBy=assignee&sortOrder=desc", ["P-1", "P-2", "P-3"]),
        ("sortBy=name&sortOrder=desc", ["P-3", "P-1", "P-2"]),
        ("firstResult=1&maxResults=1", ["P-2"]),
        ("firstResult=5", []),
        ("maxResults=0", []),
        ("maxResults=99999999999999", ["P-1", "P-2", "P-3"]),
    ],
)
def test_a_page_has_its_order_on_every_database(
    client: Client, three: list[str], query: str, found: list[str]
) -> None:
    assert keys(client, client.get(f"{TASKS}?{query}").json) == found


def test_a_body_may_sort_by_several_and_combine_by_or(client: Client, three: list[str]) -> None:
    sorting = [{"sortBy": "name", "sortOrder": "asc"}, {"sortBy": "created", "sortOrder": "desc"}]
    either = [{"assignee": "zhenghao", "taskDefinitionKey": "sign"}]

    several = client.post(f"{TASKS}?firstResult=0&maxResults=2", {"sorting": sorting})
    one_of = client.post(TASKS, {"orQueries": either})

    assert keys(client, several.json) == ["P-2", "P-1"]
    assert keys(client, one_of.json) == ["P-1", "P-3"]


def test_a_page_without_a_number_has_a_cap(client: Client, three: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr("api.rest.queries.CAP", 2)

    assert CAP == 1000
    assert len(client.get(TASKS).json) == len(client.get(f"{TASKS}?maxResults=50").json) == 2


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("sortBy=created", "sortOrder"),
        ("sortOrder=asc", "sortBy"),
        ("sortBy=colour&sortOrder=asc", "sortBy"),
        ("sortBy=created&sortOrder=up", "sortOrder"),
        ("firstResult=-1", "firstResult"),
        ("maxResults=ten", "maxResults"),
        ("maxResults=1.5", "maxResults"),
        ("unassigned=perhaps", "unassigned"),
        ("createdAfter=yesterday", "createdAfter"),
        ("priority=high", "priority"),
        ("delegationState=DONE", "delegationState"),
        ("assignee=a&assignee=b", "assignee"),
        ("processVariables=a_eq_b", "processVariables"),
        ("assigneeExpression=x", "assigneeExpression"),
    ],
)
def test_a_wrong_or_unsupported_parameter_is_named(client: Client, query: str, names: str) -> None:
    for where in (TASKS, f"{TASKS}/count"):
        if where.endswith("count") and ("sort" in query or "Result" in query):
            continue
        answer = client.get(f"{where}?{query}")
        assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")
        assert names in answer.json["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"orQueries": "x"},
        {"sorting": {"sortBy": "created"}},
        {"sorting": [{"sortBy": ["created"], "sortOrder": "asc"}]},
        {"assignee": 3},
        {"assigneeIn": [3]},
        {"maxResults": True},
        {"priority": 1.5},
        {"unassigned": {}},
        {"createdAfter": 5},
    ],
    ids=str,
)
def test_a_body_of_the_wrong_kind_is_named(client: Client, body: dict[str, Any]) -> None:
    answer = client.post(TASKS, body)

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")


def test_a_nul_in_a_parameter_is_refused(client: Client) -> None:
    assert client.get(f"{TASKS}?assignee=%00").status_code == 400


def test_every_query_answers_on_every_parameter(app: Flask, client: Client, parcels: str) -> None:
    """Each parameter of each list is tried once, so that none is a condition that some database refuses."""
    document = client.as_(None).get(f"{REST}/openapi.json").json["paths"]
    values = {"sortBy": None, "sortOrder": None}
    tried = 0
    for where, methods in document.items():
        for one in methods.get("get", {}).get("parameters", []) if "{" not in where else []:
            name = one["name"]
            if one["in"] != "query" or name in values:
                continue
            texts = ("x", "true", "PENDING", "2026-11-23T09:05:30.000+0800", "1")
            answers = [client.get(where, query_string={name: text}).status_code for text in texts]
            assert set(answers) <= {200, 400} and 200 in answers, f"{where} {name}: {answers}"
            tried += 1
    assert tried > 100 and len(BLUEPRINTS) == 13


def test_every_sort_key_sorts(client: Client, parcels: str) -> None:
    from api.rest import definition, deployment, history, identity, instance, task_query

    queries = {
        TASKS: task_query.OPEN,
        f"{REST}/deployment": deployment.QUERY,
        f"{REST}/process-definition": definition.QUERY,
        f"{REST}/process-instance": instance.RUNNING,
        f"{REST}/history/process-instance": history.INSTANCES,
        f"{REST}/history/task": history.TASKS,
        f"{REST}/user": identity.USERS,
        f"{REST}/group": identity.GROUPS,
    }
    for where, query in queries.items():
        for key in query.sorts:
            answer = client.get(f"{where}?sortBy={key}&sortOrder=desc")
            assert answer.status_code == 200, f"{where} {key}: {answer.text}"


def test_groups_are_counted(client: Client, three: list[str]) -> None:
    counted = client.get(f"{TASKS}/report/candidate-group-count").json

    assert {"groupName": "WG-SD", "taskCount": 1} in counted
    assert {"groupName": "WG-TRM", "taskCount": 2} in counted
