"""The task list and what a person does with a task: claim, give back, complete."""

from typing import Any

from marshmallow import fields, validate

from api import http, shapes
from api.http import Blueprint, Schema
from api.product import engine, now, person

blueprint = Blueprint("tasks", __name__, url_prefix="/api/v1/tasks", description="任务 Tasks")

ANSWER = {
    "requestBody": {
        "description": "表单的填写内容,键为变量名 The answer to the task's form, by variable",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class TaskQuery(Schema):
    """Which tasks; without a filter, those of the person's own groups."""

    group = fields.String(metadata={"description": "工作组代码 Code of a workgroup"})
    assignee = fields.String(metadata={"description": "处理人,me 表示本人 Who works on it; me is yourself"})
    incident = fields.String(metadata={"description": "事件编号 Number of the incident"})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    after = fields.String(metadata={"description": "上一页的 next The `next` of the page before"})


class Nothing(Schema):
    """A body that says nothing."""


@blueprint.get("")
@blueprint.arguments(TaskQuery, location="query")
@blueprint.response(200, description="items, next")
def tasks(query: dict[str, Any]) -> dict[str, Any]:
    """任务列表 The open tasks of a group, a person or an incident, oldest first."""
    limit = query["limit"]
    found = engine().tasks(
        groups=_groups(query),
        assignee=person().id if query.get("assignee") == "me" else query.get("assignee"),
        business_key=query.get("incident"),
        limit=limit + 1,
        after=query.get("after"),
    )
    page = found[:limit]
    return {
        "items": [shapes.task(task) for task in page],
        "next": page[-1].id if len(found) > limit else None,
    }


@blueprint.get("/<task_id>")
@blueprint.response(200, description="The task, its form's fields and what is known for them")
def task(task_id: str) -> dict[str, Any]:
    """任务与表单 A task with the fields of its form, so that it can be filled with curl."""
    found = engine().task(task_id)
    return {**shapes.task(found), "form": shapes.form(found)}


@blueprint.post("/<task_id>/claim")
@blueprint.arguments(Nothing)
@blueprint.response(200, description="The task, now yours")
def claim(_: dict[str, Any], task_id: str) -> dict[str, Any]:
    """领取 Take a task of one of your groups."""
    engine().claim(task_id, person(), now())
    return shapes.task(engine().task(task_id))


@blueprint.post("/<task_id>/unclaim")
@blueprint.arguments(Nothing)
@blueprint.response(200, description="The task, open to its groups again")
def unclaim(_: dict[str, Any], task_id: str) -> dict[str, Any]:
    """退回 Give a task back to its groups."""
    engine().unclaim(task_id, person(), now())
    return shapes.task(engine().task(task_id))


@blueprint.post("/<task_id>/complete")
@blueprint.doc(**ANSWER)
@blueprint.response(200, description="Where the incident is now: its open tasks and its end, if it ended")
def complete(task_id: str) -> dict[str, Any]:
    """完成 Answer the form of a task; the token moves on."""
    instance = engine().complete(task_id, http.body(), person(), now())
    return shapes.moved(instance)
