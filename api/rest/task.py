"""Tasks: the list and its count, one task, its completion, its variables."""

from typing import Any

import sqlalchemy as sa
from flask import Response, jsonify

from api.http import body
from api.product import engine, now, person, product
from api.rest import queries, shapes, values
from api.rest.errors import NotMatching, Unsupported
from api.rest.http import Blueprint, TypedVariables, asked, both, no_content, several
from api.rest.task_query import OPEN, only_free, task
from engine import store

blueprint = Blueprint("task", __name__, "任务 · Tasks")
BODY = {
    "description": "任务的新内容 · The task as it is to be",
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "assignee": {"type": ["string", "null"], "description": "处理人 · Who works on it"},
                    "followUp": {"type": ["string", "null"], "description": "跟进时间 · When to follow up"},
                },
                "additionalProperties": {"description": "其余须与现值相同 · The rest must be as it is"},
            }
        }
    },
}
RETURNED = "要求返回变量时 · With the variables, if they were asked for"
FIXED = ("name", "description", "owner", "delegationState", "due", "priority", "parentTaskId", "tenantId")


@both(blueprint, "", OPEN.parameters, "TaskQuery")
@blueprint.answers(200, several("Task"), "一页任务 · A page of tasks")
def tasks() -> list[dict[str, Any]]:
    """List open tasks; asked by candidates, those that nobody has (unless `includeAssignedTasks`).

    列出未完成的任务;按候选人或候选组查询时只列无人领取的(除非 `includeAssignedTasks`)。
    """
    wanted = only_free(asked())
    with product().database.read() as connection:
        return [shapes.task(row) for row in OPEN.page(connection, wanted)]


@both(blueprint, "/count", OPEN.conditions, "TaskQuery")
@blueprint.answers(200, "Count", "数量 · How many")
def count() -> dict[str, int]:
    """How many open tasks fit the query.

    符合条件的未完成任务数量。
    """
    wanted = only_free(asked())
    with product().database.read() as connection:
        return OPEN.count(connection, wanted)


@blueprint.get("/report/candidate-group-count")
@blueprint.answers(200, several("TaskCountByCandidateGroup"), "各组的数量 · The groups")
def by_group() -> list[dict[str, Any]]:
    """How many open tasks each group may claim.

    每个工作组可领取的未完成任务数量。
    """
    group = store.candidate.c.group
    chosen = sa.select(group, sa.func.count().label("n")).group_by(group).order_by(group)
    with product().database.read() as connection:
        return [{"groupName": row[0], "taskCount": row.n} for row in connection.execute(chosen)]


@blueprint.get("/<task_id>")
@blueprint.answers(200, "Task", "任务 · The task")
def one(task_id: str) -> dict[str, Any]:
    """Read one open task.

    查询一个未完成的任务。
    """
    return shapes.task(found(task_id))


@blueprint.put("/<task_id>")
@blueprint.doc(requestBody=BODY)
@blueprint.response(204, description="已修改 · Done")
def update(task_id: str) -> Response:
    """Set assignee and follow-up; priority and due follow from the process, not from a list.

    修改处理人和跟进时间;优先级和期限由流程决定,不能修改。
    """
    row, wanted = found(task_id), body()
    present = shapes.task(row)
    for name in FIXED:
        if wanted.get(name) is not None and not _same(name, wanted[name], present[name]):
            raise Unsupported(
                name, "由流程决定,不能在任务上修改", "follows from the process and is not set on a task"
            )
    if "followUp" in wanted and wanted["followUp"] != present["followUp"]:
        until = wanted["followUp"]
        moment = values.read_moment("followUp", until) if until is not None else None
        engine().postpone(task_id, moment, person(), now())
    if "assignee" in wanted and wanted["assignee"] != present["assignee"]:
        assignee = wanted["assignee"]
        who = queries.text("assignee", assignee) if assignee is not None else None
        engine().assign(task_id, who, person(), now())
    return no_content()


@blueprint.post("/<task_id>/complete", endpoint="complete")
@blueprint.post("/<task_id>/submit-form", endpoint="submit_form")
@blueprint.arguments(TypedVariables)
@blueprint.alt_response(200, schema="Variables", description=RETURNED, success=True)
@blueprint.response(204, description="已完成 · Done")
def complete(said: dict[str, Any], task_id: str) -> Response:
    """Complete a task by the answer to its form; the token moves on.

    填写任务的表单并完成任务,流程随即前进。
    """
    moved = engine().complete(task_id, values.read(said["variables"]), person(), now())
    return jsonify(values.write(moved.variables)) if said["returned"] else no_content()


@blueprint.get("/<task_id>/variables")
@blueprint.answers(200, "Variables", "变量 · The variables")
def variables(task_id: str) -> dict[str, Any]:
    """Read what the gateways of a task's process may ask.

    查询任务所在流程的变量,即网关可用的值。
    """
    return values.write(found(task_id).variables)


@blueprint.get("/<task_id>/variables/<name>")
@blueprint.answers(200, "VariableValue", "变量 · The variable")
def variable(task_id: str, name: str) -> dict[str, Any]:
    """Read one variable of a task's process.

    查询任务所在流程的一个变量。
    """
    known = found(task_id).variables
    if name not in known:
        raise NotMatching(what="task variable", id=name)
    return values.write_one(known[name])


@blueprint.get("/<task_id>/localVariables")
@blueprint.answers(200, "Variables", "空对象 · An empty object")
def local_variables(task_id: str) -> dict[str, Any]:
    """Variables of the task alone: none, they belong to its process.

    任务自己的变量:没有,变量属于流程。
    """
    found(task_id)
    return {}


@blueprint.get("/<task_id>/attachment")
@blueprint.answers(200, {"type": "array"}, "空列表 · An empty list")
def attachments(task_id: str) -> list[Any]:
    """Attachments of a task: none.

    任务的附件:没有。
    """
    found(task_id)
    return []


def found(task_id: str) -> sa.Row[Any]:
    """An open task with what a shape needs of its instance. Raises NotMatching."""
    with product().database.read() as connection:
        row = connection.execute(OPEN.rows.where(task.id == store.storable(task_id))).first()
    if row is None:
        raise NotMatching(what="task", id=task_id)
    return row


def _same(name: str, wanted: Any, present: Any) -> bool:
    if name != "due" or present is None:
        return bool(wanted == present)
    return values.read_moment(name, wanted) == values.read_moment(name, present)
