"""Deployments: diagrams and forms as multipart, as Camunda Modeler and camunda-deploy send them."""

import logging
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa
from flask import Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from api.errors import BodyTooLarge
from api.http import refuse_nul
from api.product import engine, now, person, product
from api.rest import definition, queries, shapes
from api.rest.errors import BadValue, NotMatching, Unparsed, Unsupported
from api.rest.http import Blueprint, asked, given, parameters, several
from api.rest.values import read_moment
from engine import reads, store
from engine.definitions import Deployment, Duplicates
from engine.errors import InvalidDiagram

log = logging.getLogger(__name__)

UPLOAD_LIMIT = 16 * 1024 * 1024
TEXT_LIMIT = 200  # characters of a name or source
BYTES = {"type": "string", "format": "binary"}
MULTIPART = {
    "description": "流程图及其表单 · Diagrams with their forms",
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "deployment-name": {"type": "string", "description": "名称 · Name"},
                    "deployment-source": {"type": "string", "description": "来源 · Where it comes from"},
                    "enable-duplicate-filtering": {
                        "type": "boolean",
                        "default": False,
                        "description": "内容与上次相同则不部署 · "
                        "Nothing is deployed if the content is that of the last deployment",
                    },
                    "deploy-changed-only": {
                        "type": "boolean",
                        "default": False,
                        "description": "只为有变化的流程产生新版本 · A new version only of what changed",
                    },
                },
                "additionalProperties": {
                    **BYTES,
                    "description": "`.bpmn` 和 `.form` 文件,字段名任意 · The files, under any name",
                },
            }
        }
    },
}
table = store.deployment.c
QUERY = queries.Query(
    rows=sa.select(store.deployment),
    filters={
        "id": queries.equal(table.id),
        "name": queries.equal(table.name),
        "nameLike": queries.like(table.name),
        "source": queries.equal(table.source),
        "withoutSource": queries.when(table.source.is_(None)),
        "tenantIdIn": queries.never(),
        "withoutTenantId": queries.always(),
        "includeDeploymentsWithoutTenantId": queries.always(),
        "after": queries.Filter(read_moment, lambda at: table.created_at > at),
        "before": queries.Filter(read_moment, lambda at: table.created_at < at),
    },
    sorts={"id": table.id, "name": table.name, "deploymentTime": table.created_at},
    default=(table.created_at.desc(), table.id.desc()),
)

blueprint = Blueprint("deployment", __name__, "部署 · Deployments")


@blueprint.get("")
@blueprint.doc(parameters=parameters(QUERY.parameters))
@blueprint.answers(200, several("Deployment"), "一页部署 · A page of deployments")
def deployments() -> list[dict[str, Any]]:
    """List deployments, newest first; the Modeler asks `maxResults=0` to see whether we are here.

    列出部署,最新的在前;Modeler 用 `maxResults=0` 测试连接。
    """
    with product().database.read() as connection:
        return [shapes.deployment(row) for row in QUERY.page(connection, asked())]


@blueprint.get("/count")
@blueprint.doc(parameters=parameters(QUERY.conditions))
@blueprint.answers(200, "Count", "数量 · How many")
def count() -> dict[str, int]:
    """How many deployments fit the query.

    符合条件的部署数量。
    """
    with product().database.read() as connection:
        return QUERY.count(connection, given())


@blueprint.post("/create")
@blueprint.doc(requestBody=MULTIPART)
@blueprint.answers(
    200, "DeploymentWithDefinitions", "部署及其流程定义 · The deployment, and the definitions that it made"
)
def create() -> dict[str, Any]:
    """Deploy diagrams and forms, by the process owner: all of them, or with one fault none.

    由流程负责人部署流程图和表单:全部成功,有一处错误则一个也不部署。
    """
    said, files = _multipart()
    if said.get("tenant-id"):
        raise Unsupported("tenant-id", "flow200 没有租户", "flow200 has no tenants")
    name, source = _short(said, "deployment-name") or "deployment", _short(said, "deployment-source")
    try:
        done = engine().deploy(name, files, person(), now(), source=source, duplicates=_duplicates(said))
    except InvalidDiagram as error:
        raise Unparsed(error.findings, files) from error
    _log(done)
    with product().database.read() as connection:
        made = [] if done.unchanged else _definitions(connection, done.id)
        return shapes.deployed(_deployment(connection, done.id), made)


@blueprint.get("/registered")
@blueprint.answers(200, {"type": "array"}, "空列表 · An empty list")
def registered() -> list[str]:
    """Deployments registered with the engine, Camunda's word for those of an application: none.

    已注册到引擎的部署(Camunda 指应用自带的部署):没有。
    """
    return []


@blueprint.get("/<deployment_id>")
@blueprint.answers(200, "Deployment", "部署 · The deployment")
def deployment(deployment_id: str) -> dict[str, Any]:
    """Read one deployment.

    查询一次部署。
    """
    with product().database.read() as connection:
        return shapes.deployment(_deployment(connection, deployment_id))


@blueprint.get("/<deployment_id>/resources")
@blueprint.answers(200, several("DeploymentResource"), "文件 · The files")
def resources(deployment_id: str) -> list[dict[str, Any]]:
    """List the files of a deployment; a file's id is its name.

    列出一次部署的文件;文件编号即文件名。
    """
    with product().database.read() as connection:
        _deployment(connection, deployment_id)
        names = sorted(reads.resources(connection, deployment_id))
    return [{"id": name, "name": name, "deploymentId": deployment_id} for name in names]


@blueprint.get("/<deployment_id>/resources/<resource_id>/data")
@blueprint.response(200, BYTES, content_type="application/octet-stream", description="文件原文 · The file")
def data(deployment_id: str, resource_id: str) -> Response:
    """Read a file as it was deployed.

    读取部署时的文件原文。
    """
    with product().database.read() as connection:
        _deployment(connection, deployment_id)
        content = reads.resources(connection, deployment_id).get(resource_id)
    if content is None:
        raise NotMatching(what="deployment resource", id=resource_id)
    return Response(content, mimetype="application/octet-stream")


def _multipart() -> tuple[dict[str, str], dict[str, bytes]]:
    """The texts and the files of the request. Raises BadValue, BodyTooLarge."""
    request.max_content_length = UPLOAD_LIMIT
    if request.mimetype != "multipart/form-data":
        raise BadValue("Content-Type", "须为 multipart/form-data", "must be multipart/form-data")
    try:
        said = {name: values[-1] for name, values in request.form.lists()}
        sent = [one for _, several in request.files.lists() for one in several]
    except RequestEntityTooLarge as error:
        raise BodyTooLarge(limit=UPLOAD_LIMIT) from error
    for text in said.values():
        refuse_nul(text)
    unnamed = [name for name in said if name.lower().endswith((".bpmn", ".form", ".dmn", ".xml"))]
    if unnamed or not sent:
        name = unnamed[0] if unnamed else "data"
        raise BadValue(name, "没有文件名的文件", "no file name found in the deployment resource")
    return said, _files(sent)


def _files(sent: list[FileStorage]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for one in sent:
        name = PurePath((one.filename or "").replace("\\", "/")).name
        refuse_nul(name)
        if not name or len(name) > TEXT_LIMIT:
            raise BadValue(
                "filename", f"须为 1–{TEXT_LIMIT} 个字符", f"must have 1 to {TEXT_LIMIT} characters"
            )
        if name in found:
            raise BadValue(name, "出现了两次", "is given twice")
        found[name] = one.read()
    return found


def _short(said: dict[str, str], name: str) -> str | None:
    text = said.get(name, "").strip()
    if len(text) > TEXT_LIMIT:
        raise BadValue(name, f"最长 {TEXT_LIMIT} 个字符", f"has at most {TEXT_LIMIT} characters")
    return text or None


def _duplicates(said: dict[str, str]) -> Duplicates:
    """Camunda's two flags; the second is the finer one and includes the first."""
    if queries.truth("deploy-changed-only", said.get("deploy-changed-only", "false").lower()):
        return "changed"
    same = queries.truth(
        "enable-duplicate-filtering", said.get("enable-duplicate-filtering", "false").lower()
    )
    return "same" if same else "none"


def _log(done: Deployment) -> None:
    """What Camunda's answer has no place for."""
    for form in done.carried:
        log.info("deployment %s keeps %r of deployment %s", done.id, form.file, form.deployment_id)
    for finding in done.warnings:
        log.warning("deployment %s: %r: %r", done.id, finding.file, finding.en)


def _deployment(connection: sa.Connection, deployment_id: str) -> sa.Row[Any]:
    chosen = sa.select(store.deployment).where(table.id == store.storable(deployment_id))
    row = connection.execute(chosen).first()
    if row is None:
        raise NotMatching(what="deployment", id=deployment_id)
    return row


def _definitions(connection: sa.Connection, deployment_id: str) -> list[dict[str, Any]]:
    of = store.definition
    chosen = sa.select(of).where(of.c.deployment_id == deployment_id).order_by(of.c.key)
    return [definition.shape(connection, row) for row in connection.execute(chosen)]
