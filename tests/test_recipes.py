"""The recipes of CONTRIBUTING.md, followed as they are written, in a copy of `bpmn/` and a database."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from api import install
from api.settings import ROOT
from handlers import codes, desk
from handlers.outcome import Line, Outcome
from tests.api.test_ten_routes import CALL, SOLVED, complete, record
from tests.conftest import Client

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROCEED = {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U2"}
CHECK = """<bpmn:userTask id="T200_10_check" name="关闭前检查(200.10)" camunda:formRef="t200_10_check"
  camunda:formRefBinding="deployment" camunda:candidateGroups="WG-SD,WG-IM">
  <bpmn:incoming>{flow}</bpmn:incoming><bpmn:outgoing>F_checked</bpmn:outgoing></bpmn:userTask>
  <bpmn:sequenceFlow id="F_checked" sourceRef="T200_10_check" targetRef="{target}" />"""
TOPIC = """<bpmn:serviceTask id="H_check" name="检查" camunda:type="external" camunda:topic="look_again">
  <bpmn:incoming>{flow}</bpmn:incoming><bpmn:outgoing>F_checked</bpmn:outgoing></bpmn:serviceTask>
  <bpmn:sequenceFlow id="F_checked" sourceRef="H_check" targetRef="{target}" />"""
SHAPE = """<bpmndi:BPMNShape id="{node}_di" bpmnElement="{node}">
  <dc:Bounds x="10" y="10" width="100" height="80" />
  </bpmndi:BPMNShape><bpmndi:BPMNEdge id="F_checked_di" bpmnElement="F_checked"><di:waypoint x="110" y="50" />
  <di:waypoint x="150" y="50" /></bpmndi:BPMNEdge>"""


@pytest.fixture
def bpmn(tmp_path: Path) -> Path:
    """A copy of the diagrams and forms."""
    return Path(shutil.copytree(ROOT / "bpmn", tmp_path / "bpmn"))


def draw(bpmn: Path, node: str, drawn: str, source: str, target: str) -> None:
    """Put a node on the flow from `source` to `target`, as the Modeler does."""
    file = bpmn / "incident_200.bpmn"
    xml = file.read_text(encoding="utf-8")
    found = re.search(rf'<bpmn:sequenceFlow id="(\w+)"[^>]*sourceRef="{source}" targetRef="{target}"', xml)
    assert found
    flow = found[1]
    xml = xml.replace(found[0], found[0].replace(f'targetRef="{target}"', f'targetRef="{node}"'))
    start = xml.index(f'id="{target}"')
    xml = xml[:start] + xml[start:].replace(f"<bpmn:incoming>{flow}<", "<bpmn:incoming>F_checked<", 1)
    xml = xml.replace("</bpmn:process>", drawn.format(flow=flow, target=target) + "</bpmn:process>")
    lane = xml.index("<bpmn:flowNodeRef>T200_10<")
    xml = xml[:lane] + f"<bpmn:flowNodeRef>{node}</bpmn:flowNodeRef>" + xml[lane:]
    xml = xml.replace("</bpmndi:BPMNPlane>", SHAPE.format(node=node) + "</bpmndi:BPMNPlane>")
    file.write_text(xml, encoding="utf-8")


def deploy(app: Flask, bpmn: Path) -> dict[str, int]:
    """`flow200 lint` and `flow200 deploy`; the versions that are in force now."""
    errors = [f for f in install.lint([bpmn]) if f.severity == "error"]
    assert errors == []
    return dict(install.deploy(app.extensions["flow200"], [bpmn], "recipe").definitions)


def solved(client: Client) -> str:
    """A call that first line solved."""
    no = record(client)
    complete(client, no, "T200_2", PROCEED)
    complete(client, no, "T200_4", {"outcome_4": "resolved", **SOLVED})
    return no


def confirmed(client: Client, no: str) -> dict[str, Any]:
    """The customer says yes."""
    return complete(client, no, "T200_9", {"outcome_9": "confirmed", "method": "PHONE"})


def test_a_step_in_the_diagram(app: Flask, client: Client, bpmn: Path) -> None:
    form = json.loads((bpmn / "t_ack.form").read_text(encoding="utf-8")) | {"id": "t200_10_check"}
    (bpmn / "t200_10_check.form").write_text(json.dumps(form), encoding="utf-8")
    draw(bpmn, "T200_10_check", CHECK, "T200_10", "H_close")
    running = solved(client)

    version = deploy(app, bpmn)["incident_200"]
    fresh = solved(client)
    for no in (running, fresh):
        confirmed(client, no)
        complete(client, no, "T200_10", {"closure_code": "C01"})
    waiting = client.get(f"/incidents/{fresh}").json
    complete(client, fresh, "T200_10_check", {"comment": "看过了"})

    assert version == 2
    assert client.get(f"/incidents/{running}").json["status"] == "ST8"
    assert [t["element"] for t in waiting["tasks"]] == ["T200_10_check"] and waiting["status"] != "ST8"
    assert client.get(f"/incidents/{fresh}").json["status"] == "ST8"


def test_a_form_field(app: Flask, client: Client, bpmn: Path) -> None:
    file = bpmn / "t200_2.form"
    form = json.loads(file.read_text(encoding="utf-8"))
    field = {"key": "floor", "label": "楼层", "type": "textfield", "properties": {"label_en": "Floor"}}
    form["components"].append({**field, "id": "Field_floor"})
    file.write_text(json.dumps(form), encoding="utf-8")
    no = record(client)
    (task,) = client.get(f"/incidents/{no}").json["tasks"]
    before = client.post(f"/tasks/{task['id']}/complete", {**PROCEED, "floor": "3"})

    deploy(app, bpmn)
    (task,) = client.get(f"/incidents/{record(client)}").json["tasks"]
    shown = client.get(f"/tasks/{task['id']}").json["form"]["fields"]
    after = client.post(f"/tasks/{task['id']}/complete", {**PROCEED, "floor": "3"})

    assert before.status_code == 422 and "floor" in before.json["fields"]
    assert "floor" in {f["key"] for f in shown}
    assert after.status_code == 200


def test_a_code(app: Flask, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = codes.Code("medium", "WECHAT", "企业微信", "WeCom", ord=99)
    before = client.post("/incidents", {**CALL, "medium": "WECHAT"})
    rows = [*codes.shipped(), fresh]
    monkeypatch.setattr(codes, "shipped", lambda: rows)

    added = install.load_codes(app.extensions["flow200"]), install.load_codes(app.extensions["flow200"])
    after = client.post("/incidents", {**CALL, "medium": "WECHAT"})

    assert added == (1, 0)
    assert (before.status_code, after.status_code) == (422, 201)


def test_a_topic(app: Flask, client: Client, bpmn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(bpmn, "H_check", TOPIC, "T200_10", "H_close")
    refused = [f for f in install.lint([bpmn]) if f.severity == "error"]
    monkeypatch.setitem(
        desk.TOPICS, "look_again", lambda case, variables, scene: Outcome(lines=[Line("looked", "again")])
    )

    deploy(app, bpmn)
    no = solved(client)
    confirmed(client, no)
    complete(client, no, "T200_10", {"closure_code": "C01"})
    log = client.get(f"/incidents/{no}/history").json["log"]

    assert any("look_again" in finding.en for finding in refused)
    assert client.get(f"/incidents/{no}").json["status"] == "ST8"
    assert "again" in json.dumps(log, ensure_ascii=False)


def test_a_message(app: Flask, client: Client, bpmn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = bpmn / "incident_200.bpmn"
    xml = file.read_text(encoding="utf-8").replace('name="parts_arrived"', 'name="parts_came"')
    file.write_text(xml, encoding="utf-8")
    form = json.loads((bpmn / "message_parts_arrived.form").read_text(encoding="utf-8"))
    form["id"] = "message_parts_came"
    (bpmn / "message_parts_came.form").write_text(json.dumps(form), encoding="utf-8")
    key = ("incident_200", "parts_came")
    monkeypatch.setitem(desk.MESSAGES, key, desk.MESSAGES["incident_200", "parts_arrived"])

    deploy(app, bpmn)
    no = record(client)
    complete(client, no, "T200_2", PROCEED)
    complete(client, no, "T200_4", {"outcome_4": "escalate"})
    complete(client, no, "T200_5", {"group": "WG-TRM"})
    second = client.as_("zhenghao")
    complete(second, no, "T200_5_accept", {"accept": "accepted"})
    nobody = client.post(f"/incidents/{no}/messages", {"name": "parts_came"})
    hold = {"hold_comment": "备件在途", "expected_resume": "2026-11-24T10:00:00+08:00"}
    complete(second, no, "T200_6", {"outcome_6": "wait_parts", **hold})
    wrong = client.post(f"/incidents/{no}/messages", {"name": "parts_came", "data": {"nonsense": 1}})
    taken = client.post(f"/incidents/{no}/messages", {"name": "parts_came", "data": {"note": "到了"}})

    assert (nobody.status_code, wrong.status_code, taken.status_code) == (409, 422, 200)
    assert [t["element"] for t in taken.json["tasks"]] == ["T200_6"]


def test_a_route_reads_by_a_schema_that_refuses_unknown_fields(client: Client) -> None:
    no = record(client)

    refused = client.post(f"/incidents/{no}/escalations", {"reason": "x", "unknown": 1})

    assert refused.status_code == 422 and set(refused.json["fields"]) == {"unknown"}


def test_each_recipe_is_followed_here() -> None:
    recipes = re.findall(r"^\*\*(A[^*]+)\.\*\* ", CONTRIBUTING.split("## Rules")[0], re.MULTILINE)

    followed = {name.removeprefix("test_") for name in globals() if name.startswith("test_a_")}
    wanted = {recipe.lower().replace(" ", "_") for recipe in recipes}
    assert len(wanted) == 6
    assert {name for name in wanted if not any(test.startswith(name) for test in followed)} == set()
