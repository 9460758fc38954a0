"""The form of a task: its reference, the deployed file, and what its fields hold and may hold."""

from typing import Any

from flask import Response

from api import shapes as own_shapes
from api.product import engine, product
from api.rest import shapes, values
from api.rest.errors import NotMatching
from api.rest.http import Blueprint, chunks, given, parameters
from api.rest.task import found
from engine import reads
from engine.forms import compile_form, is_form

blueprint = Blueprint("task", __name__, "表单 · Forms of tasks", "form")


@blueprint.get("/<task_id>/form")
@blueprint.answers(200, "Form", "表单 · The form")
def form(task_id: str) -> dict[str, Any]:
    """Which form a task has.

    查询任务使用哪个表单。
    """
    row = found(task_id)
    return {"key": row.form_key, "camundaFormRef": shapes.form_reference(row), "contextPath": None}


@blueprint.get("/<task_id>/deployed-form")
@blueprint.response(200, {"type": "object"}, description="`.form` 文件 · The `.form` file")
def deployed_form(task_id: str) -> Response:
    """Read the form as it was drawn and deployed with the diagram.

    读取与流程图一起部署的表单文件。
    """
    row = found(task_id)
    with product().database.read() as connection:
        drawn = engine().definitions.row(connection, row.definition_id)
        files = reads.resources(connection, drawn.deployment_id)
    for name, raw in files.items():
        if is_form(name) and compile_form(name, raw).id == row.form:
            return Response(raw, mimetype="application/json")
    raise NotMatching(what="deployed form for the task", id=task_id)


@blueprint.get("/<task_id>/rendered-form")
def rendered_form(task_id: str) -> Response:
    """Never found (404): a form is drawn by its `.form` file, none is generated.

    总是 404:表单由 `.form` 文件定义,没有生成的表单。
    """
    found(task_id)
    raise NotMatching(what="rendered form for the task", id=task_id)


@blueprint.get("/<task_id>/form-variables")
@blueprint.doc(parameters=parameters({"variableNames": {"type": "array", "items": {"type": "string"}}}))
@blueprint.answers(200, "Variables", "变量 · The variables")
def form_variables(task_id: str) -> dict[str, Any]:
    """What the record says of each field, and under its valuesKey what may be chosen.

    读取表单各字段的现值,以及可选值(在其 valuesKey 之下)。
    """
    wanted = set(chunks(given().get("variableNames", "")))
    row = found(task_id)
    known = {**row.variables, **_of_form(task_id, row.business_key)}
    return values.write({k: v for k, v in known.items() if not wanted or k in wanted})


def _of_form(task_id: str, incident: str | None) -> dict[str, Any]:
    drawn = engine().form(task_id)
    if drawn is None:
        return {}
    with product().database.read() as connection:
        fields = own_shapes.form(connection, drawn, incident)["fields"]
    keys = {field.key: field.values_key for field in drawn.fields}
    held = {field["key"]: field["value"] for field in fields if field["value"] is not None}
    chosen = {keys[f["key"]]: f["options"] for f in fields if keys[f["key"]]}
    return {**chosen, **held}
