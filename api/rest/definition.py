"""Process definitions: lists, XML, forms, statistics, and starting an instance of one."""

from typing import Any

import sqlalchemy as sa
from marshmallow import fields

from api.product import engine, now, person, product
from api.rest import queries, shapes, values
from api.rest.errors import NotMatching, Unsupported
from api.rest.http import Blueprint, TypedVariables, given, parameters, several
from engine import reads, store
from engine.errors import DefinitionNotFound
from engine.ports import Instance

table = store.definition.c
_newer = store.definition.alias("newer")
NEWEST = ~sa.exists().where(_newer.c.key == table.key, _newer.c.version > table.version)


def _own(name: str, value: Any) -> str:
    return shapes.own_id(queries.text(name, value))


def _owns(name: str, value: Any) -> list[str]:
    return [shapes.own_id(one) for one in queries.texts(name, value)]


QUERY = queries.Query(
    rows=sa.select(store.definition),
    filters={
        "processDefinitionId": queries.equal(table.id, _own),
        "processDefinitionIdIn": queries.Filter(_owns, lambda ids: table.id.in_(ids)),
        "key": queries.equal(table.key),
        "keysIn": queries.among(table.key),
        "keyLike": queries.like(table.key),
        "name": queries.equal(table.name),
        "nameLike": queries.like(table.name),
        "deploymentId": queries.equal(table.deployment_id),
        "version": queries.equal(table.version, queries.whole),
        "latestVersion": queries.when(NEWEST),
        "resourceName": queries.equal(table.resource),
        "resourceNameLike": queries.like(table.resource),
        "active": queries.always(),
        "suspended": queries.never(),
        "tenantIdIn": queries.never(),
        "withoutTenantId": queries.always(),
        "includeProcessDefinitionsWithoutTenantId": queries.always(),
        "startableInTasklist": queries.always(),
        "startablePermissionCheck": queries.always(),
    },
    sorts={
        "id": table.id,
        "key": table.key,
        "name": table.name,
        "version": table.version,
        "deploymentId": table.deployment_id,
        "deployTime": table.created_at,
    },
    default=(table.key, table.version.desc()),
    refused=frozenset({"startableBy", "versionTag", "versionTagLike", "incidentId", "incidentType"}),
)

blueprint = Blueprint("process-definition", __name__, "流程定义 · Process definitions")


class Start(TypedVariables):
    """What a new instance begins with."""

    business_key = fields.String(data_key="businessKey", load_default=None, allow_none=True)
    instructions = fields.Raw(data_key="startInstructions", load_default=None)


@blueprint.get("")
@blueprint.doc(parameters=parameters(QUERY.parameters))
@blueprint.answers(200, several("ProcessDefinition"), "一页流程定义 · A page of definitions")
def definitions() -> list[dict[str, Any]]:
    """List deployed versions of processes, by key, newest first.

    按键列出已部署的流程版本,最新的在前。
    """
    with product().database.read() as connection:
        return [shape(connection, row) for row in QUERY.page(connection, given())]


@blueprint.get("/count")
@blueprint.doc(parameters=parameters(QUERY.conditions))
@blueprint.answers(200, "Count", "数量 · How many")
def count() -> dict[str, int]:
    """How many deployed versions fit the query.

    符合条件的流程版本数量。
    """
    with product().database.read() as connection:
        return QUERY.count(connection, given())


@blueprint.get("/<definition_id>")
@blueprint.answers(200, "ProcessDefinition", "流程定义 · The definition")
def definition(definition_id: str) -> dict[str, Any]:
    """Read one version of a process by its id.

    按编号查询一个流程版本。
    """
    with product().database.read() as connection:
        return shape(connection, _row(definition_id))


@blueprint.get("/key/<key>")
@blueprint.answers(200, "ProcessDefinition", "最新版本 · The newest version")
def newest(key: str) -> dict[str, Any]:
    """Read the newest version of a process.

    查询一个流程的最新版本。
    """
    with product().database.read() as connection:
        return shape(connection, _newest(key))


@blueprint.get("/<definition_id>/xml")
@blueprint.answers(200, "ProcessDefinitionDiagram", "流程图 · The diagram")
def xml(definition_id: str) -> dict[str, Any]:
    """Read the diagram of a version as it was deployed.

    读取一个流程版本部署时的流程图(BPMN XML)。
    """
    return _xml(_row(definition_id))


@blueprint.get("/key/<key>/xml")
@blueprint.answers(200, "ProcessDefinitionDiagram", "流程图 · The diagram")
def newest_xml(key: str) -> dict[str, Any]:
    """Read the diagram of the newest version as it was deployed.

    读取最新版本部署时的流程图(BPMN XML)。
    """
    return _xml(_newest(key))


@blueprint.get("/<definition_id>/startForm")
@blueprint.answers(200, "Form", "全部为 null · All null")
def start_form(definition_id: str) -> dict[str, Any]:
    """The start form of a version: none, since the first task has the form.

    一个流程版本的启动表单:没有,表单在第一个任务上。
    """
    _row(definition_id)
    return {"key": None, "camundaFormRef": None, "contextPath": None}


@blueprint.get("/key/<key>/startForm")
@blueprint.answers(200, "Form", "全部为 null · All null")
def newest_start_form(key: str) -> dict[str, Any]:
    """The start form of the newest version: none, since the first task has the form.

    最新版本的启动表单:没有,表单在第一个任务上。
    """
    _newest(key)
    return {"key": None, "camundaFormRef": None, "contextPath": None}


@blueprint.post("/<definition_id>/start", endpoint="start")
@blueprint.post("/<definition_id>/submit-form", endpoint="submit_form")
@blueprint.arguments(Start)
@blueprint.answers(200, "ProcessInstanceWithVariables", "实例 · The instance")
def start(said: dict[str, Any], definition_id: str) -> dict[str, Any]:
    """Start an instance of this version, also when there is a newer one.

    启动此版本的一个实例,即使已有更新的版本。
    """
    return _started(said, _row(definition_id))


@blueprint.post("/key/<key>/start", endpoint="start_newest")
@blueprint.post("/key/<key>/submit-form", endpoint="submit_form_newest")
@blueprint.arguments(Start)
@blueprint.answers(200, "ProcessInstanceWithVariables", "实例 · The instance")
def start_newest(said: dict[str, Any], key: str) -> dict[str, Any]:
    """Start an instance of the newest version of a process.

    启动最新版本的一个实例。
    """
    return _started(said, _newest(key))


def shape(connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    """A version in Camunda's shape, with what its owner drew."""
    return shapes.definition(row, engine().definitions.attributes(connection, row))


def _started(said: dict[str, Any], row: sa.Row[Any]) -> dict[str, Any]:
    if said["instructions"]:
        raise Unsupported(
            "startInstructions", "实例只从开始事件启动", "an instance begins at its start event"
        )
    begun = engine().start(
        row.key,
        person(),
        now(),
        business_key=said["business_key"] or None,
        variables=values.read(said["variables"]),
        definition_id=row.id,
    )
    shape = _instance(begun)
    return {**shape, "variables": values.write(begun.variables)} if said["returned"] else shape


def _instance(begun: Instance) -> dict[str, Any]:
    with product().database.read() as connection:
        return shapes.instance(reads.instance(connection, begun.id))


def _xml(row: sa.Row[Any]) -> dict[str, Any]:
    with product().database.read() as connection:
        raw = reads.resources(connection, row.deployment_id)[row.resource]
    return {
        "id": shapes.definition_id(row.key, row.version, row.id),
        "bpmn20Xml": raw.decode("utf-8", "replace"),
    }


def _row(definition_id: str) -> sa.Row[Any]:
    own = store.storable(shapes.own_id(definition_id))
    with product().database.read() as connection:
        row = connection.execute(sa.select(store.definition).where(table.id == own)).first()
    if row is None:
        raise NotMatching(what="process definition", id=definition_id)
    return row


def _newest(key: str) -> sa.Row[Any]:
    chosen = sa.select(store.definition).where(table.key == store.storable(key), NEWEST)
    with product().database.read() as connection:
        row = connection.execute(chosen).first()
    if row is None:
        raise DefinitionNotFound(process=key)
    return row
