"""Clients of Camunda 7, unmodified, against a served flow200; and their recorded requests, byte by byte."""

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pycamunda
import pycamunda.deployment
import pycamunda.message
import pycamunda.processdef
import pycamunda.processinst
import pycamunda.task
import pycamunda.version
import pytest

from tests.api.rest.conftest import RECORDED
from tests.conftest import Client

ZHENGHAO = ("zhenghao", "password-of-zhenghao")
LIUYANG = ("liuyang", "password-of-liuyang")
LINA = ("lina", "password-of-lina")
Run = Callable[..., subprocess.CompletedProcess[str]]


def call(request: Any, auth: tuple[str, str]) -> Any:
    """A request of pycamunda, signed."""
    request.auth = auth
    return request()


def replay(served: str, name: str, **replaced: str) -> tuple[int, dict[str, str], Any]:
    """Send a recorded request as it is; returns status, headers (small letters) and body."""
    raw = (RECORDED / f"{name}.http").read_bytes()
    for old, new in replaced.items():
        raw = raw.replace(old.replace("_", "-").encode(), new.encode())
    raw = raw.replace(b"keep-alive", b"close")
    with socket.create_connection(("127.0.0.1", urlsplit(served).port or 0), timeout=10) as wire:
        wire.sendall(raw)
        answer = b""
        while part := wire.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
    return int(status.split()[1]), headers, json.loads(body) if body else None


def test_pycamunda_deploys_starts_claims_and_completes(served: str) -> None:
    url = f"{served}/engine-rest"
    assert call(pycamunda.version.Get(url), LINA) == "7.24.0"
    deployment = pycamunda.deployment.Create(url, "parcels", source="pycamunda")
    for name in ("parcel.bpmn", "pick.form"):
        deployment.add_resource((RECORDED / name).open("rb"))
    made = call(deployment, LIUYANG)
    (definition,) = made.deployed_process_definitions.values()
    assert (definition.key, definition.version, made.source) == ("parcel", 1, "pycamunda")

    begun = pycamunda.processdef.StartInstance(url, key="parcel", business_key="P-7")
    begun.add_variable("size", 3, "integer")
    instance = call(begun, LINA)
    (pick,) = call(pycamunda.task.GetList(url, process_instance_id=instance.id_), ZHENGHAO)
    call(pycamunda.task.Claim(url, pick.id_, "zhenghao"), ZHENGHAO)
    with pytest.raises(pycamunda.NoSuccess, match="zhenghao"):
        call(pycamunda.task.Claim(url, pick.id_, "liuyang"), LIUYANG)
    done = pycamunda.task.Complete(url, pick.id_, with_variables_in_return=True)
    done.add_variable("outcome", "packed", "String")
    done.add_variable("ready_at", "2026-11-24T08:00:00.000+0800", "Date")
    returned = call(done, ZHENGHAO)

    assert returned["outcome"].value == "packed" and returned["size"].value == 3
    (sign,) = call(pycamunda.task.GetList(url, candidate_group="WG-SD"), LINA)
    assert (sign.name, sign.task_definition_key) == ("sign", "sign")
    call(pycamunda.task.Complete(url, sign.id_), LINA)
    assert call(pycamunda.processinst.GetList(url), LINA) == ()


def test_pycamunda_delegates_comments_and_reads_what_it_reads_elsewhere(served: str) -> None:
    url = f"{served}/engine-rest"
    deployment = pycamunda.deployment.Create(url, "parcels")
    for name in ("parcel.bpmn", "pick.form"):
        deployment.add_resource((RECORDED / name).open("rb"))
    call(deployment, LIUYANG)
    instance = call(pycamunda.processdef.StartInstance(url, key="parcel"), LINA)
    (task,) = call(pycamunda.task.GetList(url, sort_by="created", ascending=False), LINA)
    call(pycamunda.task.Claim(url, task.id_, "liuyang"), LIUYANG)

    call(pycamunda.task.Delegate(url, task.id_, "zhenghao"), LIUYANG)
    said = call(pycamunda.task.CommentCreate(url, task.id_, "请先称重"), ZHENGHAO)
    links = call(pycamunda.task.IdentityLinksGetList(url, task.id_), LINA)
    call(pycamunda.task.Resolve(url, task.id_), ZHENGHAO)

    assert (said.user_id, said.message) == ("zhenghao", "请先称重")
    assert {(one.user_id or one.group_id, one.type_) for one in links} == {
        ("zhenghao", "assignee"),
        ("liuyang", "owner"),
        ("WG-TRM", "candidate"),
        ("WG-IM", "candidate"),
    }
    back = call(pycamunda.task.Get(url, task.id_), LINA)
    assert (back.assignee, back.delegation_state) == ("liuyang", "RESOLVED")
    tree = call(pycamunda.processinst.GetActivityInstance(url, instance.id_), LINA)
    assert [child.activity_id for child in tree.child_activity_instances] == ["pick"]
    assert call(pycamunda.processdef.Get(url, key="parcel"), LINA).deployment_id
    assert call(pycamunda.processinst.VariablesGetList(url, instance.id_), LINA) == {}
    call(pycamunda.processinst.Delete(url, instance.id_), LIUYANG)
    with pytest.raises(pycamunda.NotFound):
        call(pycamunda.processinst.Get(url, instance.id_), LINA)


def test_the_modelers_requests_connect_deploy_and_run(served: str) -> None:
    probe, headers, _ = replay(served, "modeler_probe")
    assert probe == 401 and headers["www-authenticate"].startswith("Basic")
    assert replay(served, "modeler_connect")[0::2] == (200, [])
    assert replay(served, "modeler_version")[2] == {"version": "7.24.0"}

    status, headers, made = replay(served, "modeler_deploy")
    assert (status, headers["content-type"]) == (200, "application/json")
    ((identity, definition),) = made["deployedProcessDefinitions"].items()
    assert definition["id"] == identity and identity.startswith("parcel:1:")
    assert (made["name"], made["source"]) == ("parcel", "Camunda Modeler")

    again = replay(served, "modeler_deploy")
    assert again[0] == 200 and again[2]["id"] == made["id"]
    assert again[2]["deployedProcessDefinitions"] is None
    begun = replay(served, "modeler_start", DEFINITION_ID=identity)
    assert begun[0] == 200 and begun[2]["definitionId"] == identity


def test_camunda_deploys_recorded_request_deploys_what_changed(served: str) -> None:
    first, second = replay(served, "camunda_deploy"), replay(served, "camunda_deploy")

    assert first[0] == second[0] == 200
    assert [d["key"] for d in first[2]["deployedProcessDefinitions"].values()] == ["parcel"]
    assert second[2]["deployedProcessDefinitions"] is None


def test_the_lock_of_the_clients_pins_each_by_its_hash_and_names_no_registry() -> None:
    folder = Path(__file__).parent / "clients"
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]

    own, *packages = lock.values()
    assert own["dependencies"] == wanted == {"camunda-deploy": "1.2.2"}
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages)


def test_camunda_deploy_deploys_and_then_only_what_changed(
    camunda_deploy: Run, tmp_path: Path, parcel: dict[str, bytes], client: Client
) -> None:
    for name, raw in parcel.items():
        (tmp_path / name).write_bytes(raw)
    say = ("-n", "parcels", "-S", "ci")

    made = camunda_deploy(*say, "parcel.bpmn", "pick.form")
    again = camunda_deploy(*say, "parcel.bpmn", "pick.form")
    (tmp_path / "parcel.bpmn").write_bytes(parcel["parcel.bpmn"].replace(b'name="sign"', b'name="Sign"'))
    alone = camunda_deploy(*say, "--json", "parcel.bpmn")

    assert [run.returncode for run in (made, again, alone)] == [0, 0, 0]
    assert "1 artifacts deployed (1 added, 0 updated)" in made.stdout
    assert "no artifacts updated/added" in again.stdout
    (second,) = json.loads(alone.stdout)["processDefinitions"]
    assert (second["key"], second["resource"], second["version"]) == ("parcel", "parcel.bpmn", 2)
    newest, first = client.get("/engine-rest/deployment?source=ci&name=parcels").json
    kept = client.get(f"/engine-rest/deployment/{newest['id']}/resources").json
    assert first["source"] == "ci" and [file["name"] for file in kept] == ["parcel.bpmn", "pick.form"]


def test_camunda_deploy_ends_with_1_and_the_finding_of_a_bad_diagram(
    camunda_deploy: Run, tmp_path: Path, parcel: dict[str, bytes], client: Client
) -> None:
    before = client.get("/engine-rest/deployment/count").json
    for name, raw in parcel.items():
        (tmp_path / name).write_bytes(raw.replace(b"'lost'", b"'stolen'"))

    refused = camunda_deploy("-n", "parcels", "parcel.bpmn", "pick.form")
    stranger = camunda_deploy("-n", "parcels", "parcel.bpmn", password="wrong")

    assert (refused.returncode, stranger.returncode) == (1, 1)
    assert "ENGINE-09005 Could not parse BPMN process." in refused.stderr
    assert "stolen" in refused.stderr and "resource parcel.bpmn | line 1" in refused.stderr
    assert client.get("/engine-rest/deployment/count").json == before
