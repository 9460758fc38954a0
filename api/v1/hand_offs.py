"""Hand-offs over HTTP: which calls are with another process, handing one over, and its answer."""

from typing import Any

from flask import url_for
from marshmallow import fields, validate

from api.http import Blueprint, Schema
from api.v1 import acting, lists, reading
from handlers import facts, registry

blueprint = Blueprint("hand_offs", __name__, url_prefix="/api/v1", description="转出单 · Hand-offs")
SEQ = "<int(max=2147483647):seq>"


class HandOffQuery(lists.ListQuery):
    """Which hand-offs."""

    incident = lists.text("事件编号 · Number of the incident", 24)
    process = lists.text("流程代码,见代码表 hand_off_process · Code of the table hand_off_process", 8)
    group = lists.text("转入的工作组 · The group it was handed to", 40)
    open = lists.truth("未办结 · Not answered for good")
    sort = lists.order(registry.HAND_OFFS)


class NewHandOff(Schema):
    """What is handed over, and how urgent it is there."""

    process = fields.String(required=True, validate=validate.Length(1, 8))
    note = fields.String(required=True, validate=validate.Length(1, 4000))
    ref = fields.String(validate=validate.Length(1, 40))
    urgency = fields.String(validate=validate.Length(1, 8))


class HandOffAnswer(Schema):
    """What the other process says: a result that the table offers, its record, a note."""

    result = fields.String(required=True, validate=validate.Length(1, 40))
    ref = fields.String(validate=validate.Length(1, 40))
    note = fields.String(validate=validate.Length(1, 4000))


@blueprint.get("/hand-offs")
@blueprint.arguments(HandOffQuery, location="query")
@blueprint.answers(200, "HandOffs", "一页转出单 · A page of hand-offs")
def hand_offs(query: dict[str, Any]) -> dict[str, Any]:
    """List hand-offs by process or group.

    按流程或工作组列出转出单。
    """
    after = lists.place(query, registry.HAND_OFFS[query["sort"]].kinds)
    with reading.record() as (connection, codes):
        page = registry.hand_offs(
            connection, codes, lists.wanted(query), sort=query["sort"], limit=query["limit"], after=after
        )
    return lists.answer(page, query)


@blueprint.get(f"/hand-offs/<no>/{SEQ}")
@blueprint.answers(200, "HandOff", "转出单 · The hand-off")
def hand_off(no: str, seq: int) -> dict[str, Any]:
    """Read one hand-off of an incident.

    查询事件的一张转出单。
    """
    with reading.record() as (connection, _):
        return registry.hand_off_of(connection, no, seq)


@blueprint.post("/incidents/<no>/hand-offs")
@blueprint.arguments(NewHandOff)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(201, "HandOff", "新的转出单 · The hand-off that was made")
def hand_over(said: dict[str, Any], no: str) -> Any:
    """Hand an incident to problem, change or configuration management, or to the emergency plan.

    转问题、变更、配置管理或应急。
    """
    with acting.verb(no, "hand_off", said) as connection:
        made = facts.hand_offs(connection, no)[-1]
    return made, 201, {"Location": url_for("hand_offs.hand_off", no=no, seq=made["seq"])}


@blueprint.post(f"/incidents/<no>/hand-offs/{SEQ}/answer")
@blueprint.arguments(HandOffAnswer)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "HandOff", "答复后的转出单 · The hand-off after the answer")
def answer(said: dict[str, Any], no: str, seq: int) -> dict[str, Any]:
    """Say what the other process answered; a call that waits for this hand-off goes on.

    登记对方流程的答复;正在等待这张转出单的事件随之继续。
    """
    with acting.verb(no, "hand_off.answer", {**said, "seq": seq}) as connection:
        return registry.hand_off_of(connection, no, seq)
