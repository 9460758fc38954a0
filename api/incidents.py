"""An incident over HTTP: record it, read it, ask why it stands where it stands, tell it what happened."""

from typing import Any

from flask import url_for
from marshmallow import fields, validate

from api import http, records, shapes
from api.http import Blueprint, Schema
from api.product import engine, now, person, product
from engine import reads
from engine.live import add_jobs
from handlers import facts

PROCESS, ESCALATION, BY_HAND = "incident_200", "escalation", "X13"

blueprint = Blueprint("incidents", __name__, url_prefix="/api/v1/incidents", description="事件 Incidents")


class Message(Schema):
    """Something that happened outside, for the place that waits for it; or `reopen` for a closed incident."""

    name = fields.String(
        required=True,
        validate=validate.Length(1, 100),
        metadata={"description": "withdraw, customer_replied, vendor_answered, … or reopen"},
    )
    data = fields.Dict(keys=fields.String(), load_default=dict)


class Reopening(Schema):
    """Why a closed incident is opened again."""

    reason = fields.String(required=True, validate=validate.Length(1, 2000))


class Escalation(Schema):
    """A manual escalation (X13): one level above the present, or the level that is named."""

    reason = fields.String(required=True, validate=validate.Length(1, 2000))
    level = fields.String()


class Priority(Schema):
    """Impact or urgency, and why they change; the priority follows from the matrix."""

    impact = fields.String()
    urgency = fields.String()
    priority_reason = fields.String(required=True, validate=validate.Length(1, 2000))


@blueprint.post("")
@blueprint.doc(
    requestBody={
        "description": "表单 t200_1 The form of step 200.1",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
)
@blueprint.response(201, description="The record that was made; its number is `no`")
def record() -> Any:
    """受理 Record a call: starts the process and answers step 200.1 in one transaction."""
    started = engine().start(PROCESS, person(), now(), answer=http.body())
    no = started.business_key or ""
    where = url_for("incidents.read", no=no)
    return _incident(no), 201, {"Location": where}


@blueprint.get("/<no>")
@blueprint.response(200, description="Record, work orders, instances with tokens, open tasks, escalations")
def read(no: str) -> dict[str, Any]:
    """查询 The record with all that hangs on it, and where it stands now."""
    return _incident(no)


@blueprint.get("/<no>/history")
@blueprint.response(200, description="Instances with token positions and history rows, and the audit log")
def history(no: str) -> dict[str, Any]:
    """经过 What happened, when and by whom, and which condition with which values sent it there."""
    with product().database.read() as connection:
        facts.incident(connection, no)
        instances = reads.instances(connection, no)
        return {
            "no": no,
            "instances": [shapes.instance_with_history(connection, row) for row in instances],
            "log": facts.log(connection, no),
        }


@blueprint.patch("/<no>")
@blueprint.arguments(Priority)
@blueprint.response(200, description="The record after the change")
def reprioritise(change: dict[str, Any], no: str) -> dict[str, Any]:
    """优先级 Change impact or urgency, with a reason."""
    with engine().transaction(person(), now()) as command:
        known = facts.incident(command.connection, no)
        scales = {name: known[name] for name in ("impact", "urgency")}
        effect = product().desk.change_priority(command, no, scales | change)
        add_jobs(command, effect.jobs)
    return _incident(no)


@blueprint.post("/<no>/messages")
@blueprint.arguments(Message)
@blueprint.response(200, description="The record after the message was taken")
def message(said: dict[str, Any], no: str) -> dict[str, Any]:
    """消息 Tell the place that waits: the customer replied, the vendor answered, the caller withdraws …"""
    _exists(no)
    if said["name"] == "reopen":
        why = http.load(Reopening, said["data"])
        engine().start(PROCESS, person(), now(), business_key=no, variables={"entry": "reopen", **why})
    else:
        engine().send(said["name"], no, said["data"], person(), now())
    return _incident(no)


@blueprint.post("/<no>/escalations")
@blueprint.arguments(Escalation)
@blueprint.response(201, description="The record with its escalation")
def escalate(said: dict[str, Any], no: str) -> Any:
    """升级 Escalate by hand (X13); an escalation that is being watched is raised instead."""
    why = {"trigger": BY_HAND, **said}
    if _escalated(no):
        engine().send("threshold_reached", no, why, person(), now(), process=ESCALATION)
    else:
        engine().start(ESCALATION, person(), now(), business_key=no, variables=why)
    return _incident(no), 201


def _exists(no: str) -> None:
    with product().database.read() as connection:
        facts.incident(connection, no)


def _escalated(no: str) -> bool:
    with product().database.read() as connection:
        facts.incident(connection, no)
        return any(i.process == ESCALATION and i.ended_at is None for i in reads.instances(connection, no))


def _incident(no: str) -> dict[str, Any]:
    with product().database.read() as connection:
        return {
            **records.incident(connection, no),
            "instances": [shapes.instance(connection, row) for row in reads.instances(connection, no)],
            "tasks": [shapes.task(row) for row in reads.tasks(connection, business_key=no).rows],
        }
