"""Messages: what happened outside, for the instances that wait for it."""

from typing import Any

from flask import Response, jsonify
from marshmallow import fields

from api.product import engine, now, person, product
from api.rest import values
from api.rest.errors import BadValue, NotMatching, Unsupported
from api.rest.http import VARIABLES, Blueprint, Schema, no_content, several
from engine import reads
from engine.errors import NotWaiting
from engine.ports import Instance

blueprint = Blueprint("message", __name__, "消息 · Messages")


REFUSED = {"description": "拒绝 · Refused"}


class Correlation(Schema):
    """A message, whom it is for, and what it says."""

    name = fields.String(data_key="messageName", load_default=None, allow_none=True)
    business_key = fields.String(data_key="businessKey", load_default=None, allow_none=True)
    instance_id = fields.String(data_key="processInstanceId", load_default=None, allow_none=True)
    variables = fields.Raw(data_key="processVariables", load_default=None, metadata=VARIABLES)
    all = fields.Boolean(load_default=False, allow_none=True)
    result = fields.Boolean(data_key="resultEnabled", load_default=False, allow_none=True)
    with_variables = fields.Boolean(data_key="variablesInResultEnabled", load_default=False, allow_none=True)
    correlation_keys = fields.Raw(data_key="correlationKeys", load_default=None, metadata=REFUSED)
    local_keys = fields.Raw(data_key="localCorrelationKeys", load_default=None, metadata=REFUSED)
    local_variables = fields.Raw(data_key="processVariablesLocal", load_default=None, metadata=REFUSED)
    tenant = fields.Raw(data_key="tenantId", load_default=None, metadata=REFUSED)


@blueprint.post("")
@blueprint.arguments(Correlation)
@blueprint.alt_response(
    200, schema=several("MessageCorrelationResult"), description="要求返回结果时 · If asked for", success=True
)
@blueprint.response(204, description="已收下;无人等待则为 409 · Taken; 409 if nobody waits")
def message(said: dict[str, Any]) -> Response:
    """Hand a message to the instance that waits, by business key or by the instance's id.

    按业务键或实例编号把消息交给等待它的实例。
    """
    _refuse_unused(said)
    if not said["name"]:
        raise BadValue("messageName", "必填", "is required")
    key, instance_id = said["business_key"] or None, said["instance_id"] or None
    if key is None and instance_id is None:
        raise BadValue("businessKey", "与 processInstanceId 至少填一项", "or processInstanceId is required")
    if not said["all"]:
        _refuse_several(said["name"], key, instance_id)
    data = values.read(said["variables"], "processVariables")
    taken = engine().send(said["name"], key, data, person(), now(), instance_id=instance_id)
    if not said["result"]:
        return no_content()
    return jsonify([_result(one, bool(said["with_variables"])) for one in taken])


def _refuse_unused(said: dict[str, Any]) -> None:
    """What would narrow or widen the message and is not known here is refused, not ignored."""
    names = {
        "correlation_keys": "correlationKeys",
        "local_keys": "localCorrelationKeys",
        "local_variables": "processVariablesLocal",
        "tenant": "tenantId",
    }
    for field, name in names.items():
        if said[field]:
            raise Unsupported(
                name, "请用 businessKey 或 processInstanceId", "use businessKey or processInstanceId"
            )


def _refuse_several(name: str, key: str | None, instance_id: str | None) -> None:
    with product().database.read() as connection:
        waiting = reads.waiting(connection, name, key, None, instance_id)
    if not waiting:
        raise NotWaiting(key=key or instance_id, message=name)
    if len(waiting) > 1:
        raise BadValue(
            "messageName",
            f"有 {len(waiting)} 个实例在等待;请指定一个,或用 all",
            f"is waited for by {len(waiting)} instances: name one, or send it to all",
        )


def _result(taken: Instance, with_variables: bool) -> dict[str, Any]:
    with product().database.read() as connection:
        row = reads.instance(connection, taken.id)
    if row is None:
        raise NotMatching(what="process instance", id=taken.id)
    execution = {
        "id": row.id,
        "processInstanceId": row.id,
        "ended": row.ended_at is not None,
        "tenantId": None,
    }
    shape: dict[str, Any] = {
        "resultType": "Execution",
        "execution": execution,
        "processInstance": None,
    }
    return {**shape, "variables": values.write(taken.variables)} if with_variables else shape
