"""Running instances: lists, variables, where the tokens stand, and ending one."""

from typing import Any

import sqlalchemy as sa
from flask import Response

from api.product import engine, now, person, product
from api.rest import queries, shapes, values
from api.rest.errors import NotMatching, Unsupported
from api.rest.http import Blueprint, asked, both, given, no_content, parameters, several
from api.rest.values import read_moment
from engine import reads, store

instance, definition = store.instance.c, store.definition.c
COLUMNS = [c for c in instance if c.name not in ("state", "tokens")]
_failed = sa.select(store.failure.c.instance_id).where(store.failure.c.resolved_at.is_(None))


def _own(name: str, value: Any) -> str:
    return shapes.own_id(queries.text(name, value))


def _deployed(name: str) -> sa.Select[Any]:
    return sa.select(definition.id).where(definition.deployment_id == name)


FILTERS = {
    "processInstanceIds": queries.among(instance.id),
    "businessKey": queries.equal(instance.business_key),
    "businessKeyLike": queries.like(instance.business_key),
    "processDefinitionId": queries.equal(instance.definition_id, _own),
    "processDefinitionKey": queries.equal(instance.process),
    "processDefinitionKeyIn": queries.among(instance.process),
    "processDefinitionKeyNotIn": queries.Filter(queries.texts, lambda keys: instance.process.not_in(keys)),
    "deploymentId": queries.Filter(queries.text, lambda one: instance.definition_id.in_(_deployed(one))),
    "withIncident": queries.when(instance.id.in_(_failed)),
    "startedAfter": queries.Filter(read_moment, lambda at: instance.started_at > at),
    "startedBefore": queries.Filter(read_moment, lambda at: instance.started_at < at),
    "active": queries.always(),
    "suspended": queries.never(),
    "rootProcessInstances": queries.always(),
    "superProcessInstance": queries.never(),
    "subProcessInstance": queries.never(),
    "caseInstanceId": queries.never(),
    "tenantIdIn": queries.never(),
    "withoutTenantId": queries.always(),
    "processDefinitionWithoutTenantId": queries.always(),
}
REFUSED = frozenset(
    {"variables", "activityIdIn", "incidentId", "incidentType", "incidentMessage", "leafProcessInstances"}
)
SORTS = {
    "instanceId": instance.id,
    "definitionId": instance.definition_id,
    "definitionKey": instance.process,
    "businessKey": instance.business_key,
}
RUNNING = queries.Query(
    rows=sa.select(*COLUMNS).where(instance.ended_at.is_(None)),
    filters=FILTERS,
    sorts=SORTS,
    default=(instance.started_at, instance.id),
    refused=REFUSED,
)

blueprint = Blueprint("process-instance", __name__, "流程实例 · Process instances")


@both(blueprint, "", RUNNING.parameters, "ProcessInstanceQuery")
@blueprint.answers(200, several("ProcessInstance"), "一页实例 · A page of instances")
def instances() -> list[dict[str, Any]]:
    """List running instances, oldest first.

    列出运行中的实例,最早的在前。
    """
    with product().database.read() as connection:
        return [shapes.instance(row) for row in RUNNING.page(connection, asked())]


@both(blueprint, "/count", RUNNING.conditions, "ProcessInstanceQuery")
@blueprint.answers(200, "Count", "数量 · How many")
def count() -> dict[str, int]:
    """How many running instances fit the query.

    符合条件的运行中实例数量。
    """
    with product().database.read() as connection:
        return RUNNING.count(connection, asked())


@blueprint.get("/<instance_id>")
@blueprint.answers(200, "ProcessInstance", "实例 · The instance")
def one(instance_id: str) -> dict[str, Any]:
    """Read one running instance.

    查询一个运行中的实例。
    """
    return shapes.instance(_running(instance_id))


@blueprint.delete("/<instance_id>")
@blueprint.doc(parameters=parameters({"failIfNotExists": {"type": "boolean", "default": True}}))
@blueprint.response(204, description="已终止 · Ended")
def cancel(instance_id: str) -> Response:
    """End an instance where it stands, by the incident manager; a call is withdrawn instead (409).

    由事件经理终止一个实例;事件应撤回,不能终止(409)。
    """
    missing_is_fine = given().get("failIfNotExists") == "false"
    with product().database.read() as connection:
        row = reads.instance(connection, instance_id)
    if row is None or row.ended_at is not None:
        if missing_is_fine:
            return no_content()
        raise NotMatching(what="process instance", id=instance_id)
    engine().cancel(instance_id, "REST", person(), now())
    return no_content()


@blueprint.get("/<instance_id>/variables")
@blueprint.answers(200, "Variables", "变量 · The variables")
def variables(instance_id: str) -> dict[str, Any]:
    """Read what the gateways of an instance may ask.

    查询实例的变量,即网关可用的值。
    """
    return values.write(_running(instance_id).variables)


@blueprint.get("/<instance_id>/variables/<name>")
@blueprint.answers(200, "VariableValue", "变量 · The variable")
def variable(instance_id: str, name: str) -> dict[str, Any]:
    """Read one variable of an instance.

    查询实例的一个变量。
    """
    known = _running(instance_id).variables
    if name not in known:
        raise NotMatching(what="process instance variable", id=name)
    return values.write_one(known[name])


@blueprint.post("/<instance_id>/variables", endpoint="modify_variables")
def modify(instance_id: str) -> Response:
    """Refused (400): a variable is changed by an answer or a message, each checked by its form.

    拒绝(400):变量只能由任务的答案或消息改变,二者都按表单检查。
    """
    return _read_only(instance_id)


@blueprint.put("/<instance_id>/variables/<name>", endpoint="put_variable")
@blueprint.delete("/<instance_id>/variables/<name>", endpoint="delete_variable")
def change(instance_id: str, name: str) -> Response:
    """Refused (400): a variable is changed by an answer or a message, each checked by its form.

    拒绝(400):变量只能由任务的答案或消息改变,二者都按表单检查。
    """
    return _read_only(instance_id)


@blueprint.get("/<instance_id>/activity-instances")
@blueprint.answers(
    200, "ActivityInstance", "实例及各令牌位置 · The instance, and each place where a token is"
)
def activity_instances(instance_id: str) -> dict[str, Any]:
    """Where the tokens of an instance stand.

    查询实例的令牌现在在哪些元素上。
    """
    with product().database.read() as connection:
        row = reads.instance(connection, instance_id)
        if row is None or row.ended_at is not None:
            raise NotMatching(what="process instance", id=instance_id)
        diagram = engine().definitions.built(connection, row.definition_id).diagram
    root = diagram.element(diagram.key)
    children = [
        shapes.activity(f"{place}:{row.id}:{number}", diagram.element(place), row, row.id, [])
        for number, place in enumerate(row.tokens)
    ]
    return shapes.activity(row.id, root, row, None, children)


def _read_only(instance_id: str) -> Response:
    _running(instance_id)
    raise Unsupported(
        "variables",
        "变量只能通过完成任务或消息改变",
        "variables are changed by completing a task or sending a message",
    )


def _running(instance_id: str) -> sa.Row[Any]:
    chosen = RUNNING.rows.where(instance.id == store.storable(instance_id))
    with product().database.read() as connection:
        row = connection.execute(chosen).first()
    if row is None:
        raise NotMatching(what="process instance", id=instance_id)
    return row
