"""The document of /engine-rest is true: told in two languages, and real answers are what it says."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest
from werkzeug.test import TestResponse

from tests.api.documents import METHODS, checked, operations
from tests.api.rest.conftest import REST
from tests.conftest import Client
from tests.engine.drawing import catch, end, message, process, user

REFUSED = {
    *("POST /process-instance/{instance_id}/variables", "GET /task/{task_id}/rendered-form"),
    *(f"{method} /process-instance/{{instance_id}}/variables/{{name}}" for method in ("PUT", "DELETE")),
}
LOST = {"variables": {"outcome": {"value": "lost"}}}
PACKED = {"variables": {"outcome": {"value": "packed"}}}


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """What a client reads."""
    return dict(client.as_(None).get(f"{REST}/openapi.json").json)


def test_every_operation_parameter_and_field_is_told_in_both_languages(document: dict[str, Any]) -> None:
    for path, said in document["paths"].items():
        for operation in (said[method] for method in said.keys() & METHODS):
            assert operation["summary"].isascii() or "…" in operation["summary"], path
            assert len(re.findall(r"[\u4e00-\u9fff]", operation["description"])) > 5, path
            for parameter in operation.get("parameters", ()):
                assert " · " in parameter["schema"]["description"], (path, parameter["name"])
    for name, shape in document["components"]["schemas"].items():
        for field, value in shape.get("properties", {}).items():
            assert " · " in value.get("description", ""), (name, field)


def test_what_a_list_reads_a_post_reads_in_its_body(document: dict[str, Any]) -> None:
    for path in ("task", "process-instance", "history/process-instance", "history/task"):
        for where in (f"{REST}/{path}", f"{REST}/{path}/count"):
            said = document["paths"][where]
            body = said["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            fields = document["components"]["schemas"][body.rsplit("/", 1)[1]]["properties"]
            paging = {p["name"] for p in said["post"]["parameters"]}
            read = {p["name"] for p in said["get"]["parameters"]}
            assert read <= fields.keys() | paging
            assert paging == (set() if where.endswith("count") else {"firstResult", "maxResults"})


def test_it_is_well_formed(document: dict[str, Any]) -> None:
    named = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(document)))

    assert named == document["components"]["schemas"].keys()
    for shape in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({**shape, "$schema": "https://json-schema.org/draft/2020-12/schema"})


def test_real_answers_are_what_it_says(
    client: Client, deploy: Callable[..., Any], parcel: dict[str, bytes], document: dict[str, Any]
) -> None:
    seen = set(checked(document, _story(client, deploy, parcel)))

    refused = {one.replace(" ", f" {REST}", 1) for one in REFUSED}
    assert seen == operations(document) - refused


def _story(client: Client, deploy: Callable[..., Any], parcel: dict[str, bytes]) -> Iterator[TestResponse]:
    def get(path: str) -> TestResponse:
        return client.get(f"{REST}/{path}")

    def post(path: str, said: Any = None, by: str = "lina") -> TestResponse:
        return client.as_(by).post(f"{REST}/{path}", said)

    for path in ("version", "engine", "filter", "filter/count", "docs"):
        yield get(path)
    made = deploy(parcel, deployment_name="parcels")
    yield made
    yield deploy(parcel, deployment_name="parcels", enable_duplicate_filtering="true")
    yield deploy({"broken.bpmn": b"<x/>"})
    yield from map(get, ("deployment", "deployment/count", "deployment/registered"))
    files = f"deployment/{made.json['id']}"
    yield from map(get, (files, f"{files}/resources", f"{files}/resources/pick.form/data", "deployment/none"))
    yield from map(get, ("process-definition", "process-definition/count", "process-definition/none"))
    definitions = ("process-definition/key/parcel", f"process-definition/{next(iter(_made(made)))}")
    for number, one in enumerate(definitions):
        yield from map(get, (one, f"{one}/xml", f"{one}/startForm"))
        yield post(f"{one}/start", {"businessKey": f"P-{number}", "withVariablesInReturn": True})
        yield post(f"{one}/submit-form", {"variables": {"size": {"value": 3}}})
        yield post(f"{one}/start", {"startInstructions": [{}]})
    yield from _tasks(client, get, post)
    yield from _messages(deploy, post)
    instance = get("process-instance").json[0]["id"]
    for path in ("", f"/{instance}", "/count", f"/{instance}/activity-instances", "/none"):
        yield get(f"process-instance{path}")
    yield get(f"process-instance/{_sized(get)}/variables")
    yield get(f"process-instance/{_sized(get)}/variables/size")
    yield post("process-instance", {"sorting": [{"sortBy": "instanceId", "sortOrder": "asc"}]})
    yield post("process-instance/count", {"active": True})
    yield client.as_("liuyang").send("DELETE", f"{REST}/process-instance/{instance}")
    for path in ("history/process-instance", "history/task"):
        yield from (get(path), get(f"{path}/count"), post(path, {}), post(f"{path}/count", {}))
    yield get(f"history/process-instance/{instance}")
    yield from map(get, ("identity/groups?userId=lina", "identity/groups", "user", "user/count"))
    yield from map(get, ("user/lina/profile", "group", "group/count", "group/WG-SD", "user?email=x"))
    yield post("identity/verify", {"username": "lina", "password": "password-of-lina"})


def _made(answer: TestResponse) -> dict[str, Any]:
    return dict(answer.json["deployedProcessDefinitions"])


def _sized(get: Callable[[str], TestResponse]) -> str:
    """An instance that has a variable."""
    return str(next(one["id"] for one in get("process-instance").json if one["businessKey"] is None))


def _tasks(
    client: Client, get: Callable[[str], TestResponse], post: Callable[..., TestResponse]
) -> Iterator[TestResponse]:
    """Tasks of two instances are worked on; that of a third stays."""
    for path in ("task", "task/count", "task/report/candidate-group-count", "task/none"):
        yield get(path)
    yield from (post("task", {"orQueries": [{"name": "x"}, {"unassigned": True}]}), post("task/count", {}))
    first, second = (f"task/{one['id']}" for one in get("task?processInstanceBusinessKeyLike=P-%25").json)
    yield from (post(f"{first}/claim", {}, "zhenghao"), post(f"{first}/claim", {}, "lina"))
    yield from (post(f"{first}/unclaim", None, "zhenghao"), post(f"{first}/assignee", {"userId": "zhenghao"}))
    yield post(f"{first}/assignee", {"userId": "zhenghao"}, "liuyang")
    yield client.as_("liuyang").send("PUT", f"{REST}/{first}", json={"assignee": "zhenghao"})
    yield post(f"{first}/identity-links/delete", {"type": "assignee", "userId": "zhenghao"}, "liuyang")
    yield post(f"{first}/identity-links", {"type": "assignee", "userId": "zhenghao"}, "liuyang")
    yield post(f"{first}/assignee", {"userId": "liuyang"}, "liuyang")
    yield post(f"{first}/delegate", {"userId": "zhenghao"}, "liuyang")
    yield from map(get, (first, f"{first}/identity-links"))
    yield post(f"{first}/resolve", {}, "zhenghao")
    said = post(f"{first}/comment/create", {"message": "加急"}, "zhenghao")
    yield from (said, get(f"{first}/comment"), get(f"{first}/comment/{said.json['id']}"))
    for part in ("form", "deployed-form", "rendered-form", "form-variables", "variables", "localVariables"):
        yield get(f"{first}/{part}")
    yield get(f"{first}/attachment")
    sized = get("task?sortBy=created&sortOrder=desc").json
    yield get(f"task/{next(t['id'] for t in sized if _size(get, t))}/variables/size")
    yield post(f"{first}/complete", {"variables": {"outcome": {"value": "eaten"}}}, "liuyang")
    yield post(f"{first}/complete", {**PACKED, "withVariablesInReturn": True}, "liuyang")
    yield from (post(f"{second}/submit-form", LOST, "zhenghao"), post(f"{second}/complete", LOST, "zhenghao"))


def _size(get: Callable[[str], TestResponse], task: dict[str, Any]) -> bool:
    return "size" in get(f"task/{task['id']}/variables").json


def _messages(deploy: Callable[..., Any], post: Callable[..., TestResponse]) -> Iterator[TestResponse]:
    drawn = process("w", catch("c", message("arrived")), user("a", "WG-SD"), end(), flows="s>c; c>a; a>e")
    yield deploy({"w.bpmn": drawn})
    for more in ({}, {"resultEnabled": True, "variablesInResultEnabled": True}):
        yield post("process-definition/key/w/start", {"businessKey": "K"})
        yield post("message", {"messageName": "arrived", "businessKey": "K", **more})
    yield from (post("message", {"messageName": "arrived", "businessKey": "K"}), post("message", {}))
