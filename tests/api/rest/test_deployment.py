"""Deploying by multipart: what is deployed, what not again, what is refused and changes nothing."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage

from api.migrations import tables
from api.settings import ROOT
from tests.api.rest.conftest import REST
from tests.api.test_ten_routes import record
from tests.conftest import Client
from tests.engine.drawing import end, process, user

Deploy = Callable[..., Any]
DEPLOYED = {
    "links", "id", "name", "source", "deploymentTime", "tenantId", "deployedProcessDefinitions",
    "deployedCaseDefinitions", "deployedDecisionDefinitions", "deployedDecisionRequirementsDefinitions",
}  # fmt: skip
DEFINITION = {
    "id", "key", "category", "description", "name", "version", "resource", "deploymentId", "diagram",
    "suspended", "tenantId", "versionTag", "historyTimeToLive", "startableInTasklist",
}  # fmt: skip
TAGGED = process("tagged", user("a", "WG-SD"), end(), flows="s>a; a>e").replace(
    b'<process id="tagged"', b'<process id="tagged" camunda:versionTag="2.1" camunda:historyTimeToLive="P30D"'
)
BROKEN = process("broken", user("a", "WG-SD"), end(), flows="s>a; a>nowhere")


@pytest.fixture
def content(app: Flask) -> Callable[[], dict[str, list[str]]]:
    """Every row of every table."""

    def read() -> dict[str, list[str]]:
        with app.extensions["flow200"].database.read() as connection:
            return {
                name: sorted(map(repr, connection.execute(table.select())))
                for name, table in tables().tables.items()
            }

    return read


def test_a_definition_says_what_its_owner_drew(deploy: Deploy, client: Client) -> None:
    own = deploy({"tagged.bpmn": TAGGED}).json["deployedProcessDefinitions"]

    read = client.get("/engine-rest/process-definition/key/tagged").json
    listed = client.get("/engine-rest/process-definition?latestVersion=true").json

    assert (read["versionTag"], read["historyTimeToLive"]) == ("2.1", 30)
    assert own == {read["id"]: read} and read in listed
    shipped = next(one for one in listed if one["key"] == "incident_200")
    assert (shipped["versionTag"], shipped["historyTimeToLive"]) == ("1.0.0", 3650)


def test_a_deployment_has_camundas_fields(deploy: Deploy, parcel: dict[str, bytes]) -> None:
    answer = deploy(parcel, deployment_name="parcels", deployment_source="ours")

    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    assert set(answer.json) == DEPLOYED
    assert answer.json["deploymentTime"] == "2026-11-23T09:05:00.000+0800"
    assert answer.json["links"] == [
        {
            "method": "GET",
            "href": f"http://localhost/engine-rest/deployment/{answer.json['id']}",
            "rel": "self",
        }
    ]
    ((identity, made),) = answer.json["deployedProcessDefinitions"].items()
    assert set(made) == DEFINITION and made["id"] == identity
    assert (made["key"], made["version"], made["resource"]) == ("parcel", 1, "parcel.bpmn")
    assert made["deploymentId"] == answer.json["id"]


def test_the_whole_process_200_deploys_again_as_a_new_version(deploy: Deploy) -> None:
    files = {f.name: f.read_bytes() for f in (ROOT / "bpmn").iterdir() if f.suffix in (".bpmn", ".form")}

    answer = deploy(files, deployment_name="flow200")

    made = answer.json["deployedProcessDefinitions"].values()
    assert {(d["key"], d["version"]) for d in made} == {("incident_200", 2), ("escalation", 2)}


def test_the_same_set_is_deployed_once_when_duplicates_are_filtered(
    deploy: Deploy, parcel: dict[str, bytes]
) -> None:
    first = deploy(parcel, deployment_name="a", enable_duplicate_filtering="true")
    same = deploy(parcel, deployment_name="a", enable_duplicate_filtering="true")
    unfiltered = deploy(parcel, deployment_name="a")

    assert same.json["id"] == first.json["id"] and same.json["deployedProcessDefinitions"] is None
    (made,) = unfiltered.json["deployedProcessDefinitions"].values()
    assert made["version"] == 2


def test_only_what_changed_gets_a_new_version_and_keeps_its_forms(
    deploy: Deploy, client: Client, parcel: dict[str, bytes]
) -> None:
    other = process("other", user("look", "WG-SD"), end(), flows="s>look; look>e")
    deploy({**parcel, "other.bpmn": other}, deployment_name="a")
    changed = process("other", user("see", "WG-SD"), end(), flows="s>see; see>e")

    answer = deploy({**parcel, "other.bpmn": changed}, deployment_name="a", deploy_changed_only="true")
    form = {**parcel, "pick.form": parcel["pick.form"].replace(b'"maxLength":20', b'"maxLength":30')}
    reformed = deploy({**form, "other.bpmn": changed}, deployment_name="a", deploy_changed_only="true")

    versions = [
        {(d["key"], d["version"]) for d in one.json["deployedProcessDefinitions"].values()}
        for one in (answer, reformed)
    ]
    assert versions == [{("other", 2)}, {("parcel", 2)}]
    started = client.post(f"{REST}/process-definition/key/parcel/start", {})
    assert started.status_code == 200


def test_a_diagram_that_the_modeler_sends_alone_keeps_its_forms(
    deploy: Deploy, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    drawn = (ROOT / "bpmn" / "incident_200.bpmn").read_bytes()
    caplog.set_level("INFO", "api")

    answer = deploy(
        {"incident_200.bpmn": drawn}, deployment_name="incident_200", enable_duplicate_filtering="true"
    )
    again = deploy(
        {"incident_200.bpmn": drawn}, deployment_name="incident_200", enable_duplicate_filtering="true"
    )
    no = record(client)
    (task,) = client.get(f"/incidents/{no}").json["tasks"]
    wrong = client.post(f"/tasks/{task['id']}/complete", {"nonsense": 1})
    message = {"messageName": "withdraw", "businessKey": no, "processVariables": {"nonsense": {"value": 1}}}
    unchecked = client.post(f"{REST}/message", message)

    assert answer.status_code == 200 and set(answer.json) == DEPLOYED
    assert [d["version"] for d in answer.json["deployedProcessDefinitions"].values()] == [2]
    assert again.json["deployedProcessDefinitions"] is None
    names = {f["name"] for f in client.get(f"{REST}/deployment/{answer.json['id']}/resources").json}
    assert {"t200_4.form", "message_withdraw.form"} < names and "t_ack.form" not in names
    assert wrong.status_code == 422 and "nonsense" in wrong.json["fields"]
    assert unchecked.status_code == 422 and "nonsense" in unchecked.json["details"]
    assert "message_withdraw.form" in caplog.text


def test_one_bad_file_and_nothing_is_deployed(
    deploy: Deploy, parcel: dict[str, bytes], content: Callable[[], Any]
) -> None:
    before = content()

    answer = deploy({**parcel, "broken.bpmn": BROKEN}, deployment_name="a")

    assert answer.status_code == 400 and answer.headers["Content-Type"] == "application/json"
    assert answer.json["type"] == "ParseException" and answer.json["code"] == 0
    assert answer.json["message"].startswith("ENGINE-09005 Could not parse BPMN process.")
    assert "nowhere" in answer.json["message"]
    (problem, *_) = answer.json["details"]["broken.bpmn"]["errors"]
    assert set(problem) == {"message", "line", "column", "mainElementId", "elementIds"}
    assert problem["elementIds"] == [problem["mainElementId"]] == ["f_a_nowhere"]
    assert problem["line"] == 1 and problem["column"] == 1
    assert answer.json["details"]["broken.bpmn"]["warnings"] == []
    assert "parcel.bpmn" not in answer.json["details"]
    assert content() == before


def test_a_finding_names_its_column(deploy: Deploy) -> None:
    lines = BROKEN.replace(b"<sequenceFlow", b"\n    <sequenceFlow")

    answer = deploy({"broken.bpmn": lines}, deployment_name="a")

    problem = answer.json["details"]["broken.bpmn"]["errors"][0]
    assert problem["line"] > 1 and problem["column"] == 5


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"tenant_id": "bank-2"}, "tenant-id"),
        ({"deployment_name": "x" * 201}, "deployment-name"),
        ({"enable_duplicate_filtering": "perhaps"}, "enable-duplicate-filtering"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    deploy: Deploy, parcel: dict[str, bytes], content: Callable[[], Any], said: dict[str, str], names: str
) -> None:
    before = content()

    answer = deploy(parcel, **said)

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")
    assert names in answer.json["message"]
    assert content() == before


def test_an_empty_tenant_is_none(deploy: Deploy, parcel: dict[str, bytes]) -> None:
    assert deploy(parcel, deployment_name="a", tenant_id="").status_code == 200


def test_a_file_of_an_unknown_kind_is_refused_by_name(
    deploy: Deploy, parcel: dict[str, bytes], content: Callable[[], Any]
) -> None:
    before = content()

    answer = deploy({**parcel, "notes.txt": b"x"}, deployment_name="a")

    assert answer.status_code == 400 and "notes.txt" in answer.json["message"]
    assert content() == before


@pytest.mark.parametrize(
    "files",
    [{"pick.form": b"{"}, {"d.bpmn": b"<x"}, {"d.bpmn": b"<!DOCTYPE x><x/>"}, {"d.bpmn": b""}],
    ids=["form", "xml", "doctype", "empty"],
)
def test_a_file_that_cannot_be_read_is_named(
    deploy: Deploy, parcel: dict[str, bytes], files: dict[str, bytes]
) -> None:
    answer = deploy({**parcel, **files}, deployment_name="a")

    assert answer.status_code == 400
    assert answer.json["message"].startswith("ENGINE-09005 Could not parse BPMN process.")
    assert set(files) <= set(answer.json["details"])


def test_a_diagram_of_5001_elements_is_refused_in_time(deploy: Deploy, content: Callable[[], Any]) -> None:
    import time

    before, large = content(), process("x", *(user(f"t{n}", "WG-SD") for n in range(5001)), flows="s>t0")
    begun = time.monotonic()

    answer = deploy({"large.bpmn": large}, deployment_name="a")

    assert answer.status_code == 400 and "5000" in answer.json["message"].replace(",", "")
    assert time.monotonic() - begun < 5  # the Modeler waits no longer
    assert content() == before


def test_a_request_that_is_too_large_is_refused(client: Client) -> None:
    raw = FileStorage(io.BytesIO(b"x" * (17 * 1024 * 1024)), filename="d.bpmn")

    answer = client.as_("liuyang").send(
        "POST", f"{REST}/deployment/create", data={"d.bpmn": raw}, content_type="multipart/form-data"
    )

    assert (answer.status_code, answer.json["error"]) == (413, "body-too-large")


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {}, "content_type": "multipart/form-data"},
        {"data": {"deployment-name": "a"}, "content_type": "multipart/form-data"},
        {"data": {"d.bpmn": "<x/>"}, "content_type": "multipart/form-data"},
        {"data": b"{}", "content_type": "application/json"},
        {"data": b"--x\r\n", "content_type": "multipart/form-data"},
        {"data": b"--x\r\n", "content_type": "multipart/form-data; boundary=x"},
    ],
    ids=["empty", "no file", "no file name", "json", "no boundary", "cut off"],
)
def test_a_request_without_files_is_refused(client: Client, sent: dict[str, Any]) -> None:
    answer = client.as_("liuyang").send("POST", f"{REST}/deployment/create", **sent)

    assert (answer.status_code, answer.json["type"]) == (400, "InvalidRequestException")


def test_a_file_given_twice_is_refused(client: Client, parcel: dict[str, bytes]) -> None:
    twice = [
        ("a", FileStorage(io.BytesIO(parcel["parcel.bpmn"]), filename="parcel.bpmn")),
        ("b", FileStorage(io.BytesIO(parcel["parcel.bpmn"]), filename="folder/parcel.bpmn")),
    ]
    from werkzeug.datastructures import MultiDict

    answer = client.as_("liuyang").send(
        "POST", f"{REST}/deployment/create", data=MultiDict(twice), content_type="multipart/form-data"
    )

    assert answer.status_code == 400 and "parcel.bpmn" in answer.json["message"]


@pytest.mark.parametrize("account", ["lina", "zhenghao", "wangchu"])
def test_who_is_no_process_owner_deploys_nothing(
    client: Client, deploy: Deploy, parcel: dict[str, bytes], content: Callable[[], Any], account: str
) -> None:
    before = content()

    answer = deploy(parcel, by=client.as_(account), deployment_name="a")

    assert (answer.status_code, answer.json["type"]) == (403, "AuthorizationException")
    assert content() == before


def test_deployments_are_listed_and_their_files_given_back(
    client: Client, deploy: Deploy, parcel: dict[str, bytes]
) -> None:
    made = deploy(parcel, deployment_name="parcels").json["id"]

    listed = client.get(f"{REST}/deployment?name=parcels").json
    assert [d["id"] for d in listed] == [made]
    assert set(listed[0]) == {"links", "id", "name", "source", "deploymentTime", "tenantId"}
    assert client.get(f"{REST}/deployment/{made}").json == listed[0]
    assert client.get(f"{REST}/deployment/count?nameLike=par%25").json == {"count": 1}
    assert client.get(f"{REST}/deployment?maxResults=0").json == []
    files = client.get(f"{REST}/deployment/{made}/resources").json
    assert [f["name"] for f in files] == ["parcel.bpmn", "pick.form"]
    raw = client.get(f"{REST}/deployment/{made}/resources/{files[0]['id']}/data")
    assert raw.data == parcel["parcel.bpmn"]
    assert client.get(f"{REST}/deployment/{made}/resources/none/data").status_code == 404
    assert client.get(f"{REST}/deployment/none").status_code == 404
