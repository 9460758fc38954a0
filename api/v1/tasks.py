"""The task list and what a person does with a task: claim, give back, complete."""

from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from api import http, shapes
from api.http import Blueprint, Nothing, Schema
from api.product import engine, now, person, product
from engine import reads
from engine.errors import InstanceNotFound, TaskNotFound
from handlers import facts

blueprint = Blueprint("tasks", __name__, url_prefix="/api/v1/tasks", description="任务 · Tasks")


PRIORITY_LIMIT = 2**31 - 1


class Place(fields.Field[tuple[int, datetime, str]]):
    """Where a page begins: priority, time and id of the last task before it, in one opaque word."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> tuple[int, datetime, str]:
        try:
            priority, created, last = str(value).split("~")
            if abs(int(priority)) > PRIORITY_LIMIT:
                raise ValueError(priority)
            return int(priority), datetime.fromisoformat(created).astimezone(), last
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not a `next` of a page.") from error

    @staticmethod
    def of(place: tuple[int, datetime, str] | None) -> str | None:
        """The word for a place."""
        return f"{place[0]}~{place[1]:%Y-%m-%dT%H:%M:%S.%fZ}~{place[2]}" if place else None


class TaskQuery(Schema):
    """Which tasks; without group, assignee and incident, those of the person's own groups."""

    group = fields.String(metadata={"description": "工作组代码 · Code of a workgroup"})
    assignee = fields.String(metadata={"description": "处理人,me 为本人 · Who works on it; me is yourself"})
    incident = fields.String(metadata={"description": "事件编号 · Number of the incident"})
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 200),
        metadata={"description": "一页的行数 · Rows of a page"},
    )
    after = Place(metadata={"type": "string", "description": "上一页的 next · The `next` of the page before"})


@blueprint.get("")
@blueprint.arguments(TaskQuery, location="query")
@blueprint.answers(200, "Tasks", "一页任务 · A page of tasks")
def tasks(query: dict[str, Any]) -> dict[str, Any]:
    """List open tasks, most urgent first, then oldest.

    任务列表:最紧急的在前,同级的先到先办。
    """
    assignee = query.get("assignee")
    with product().database.read() as connection:
        page = reads.tasks(
            connection,
            groups=_groups(query),
            assignee=person().id if assignee == "me" else assignee,
            business_key=query.get("incident"),
            limit=query["limit"],
            after=query.get("after"),
        )
    return {"items": [shapes.task(row) for row in page.rows], "next": Place.of(page.next)}


@blueprint.get("/<task_id>")
@blueprint.answers(
    200, "TaskWithForm", "任务、表单字段和已知的值 · The task, its form and what is known for it"
)
def task(task_id: str) -> dict[str, Any]:
    """Read a task with the fields of its form, so that it can be filled with curl.

    查询任务及其表单字段,便于用 curl 填写。
    """
    return _task(task_id)


@blueprint.post("/<task_id>/claim")
@blueprint.arguments(Nothing)
@blueprint.answers(200, "TaskWithForm", "已领取的任务 · The task, now yours")
def claim(_: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Take a task of one of your groups.

    领取本组的任务。
    """
    engine().claim(task_id, person(), now())
    return _task(task_id)


@blueprint.post("/<task_id>/unclaim")
@blueprint.arguments(Nothing)
@blueprint.answers(200, "TaskWithForm", "已退回的任务 · The task, open to its groups again")
def unclaim(_: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Give a task back to its groups: one's own, or as leader or manager a colleague's.

    把任务退回工作组:本人的任务;组长和事件经理也可退回他人的任务。
    """
    engine().unclaim(task_id, person(), now())
    return _task(task_id)


@blueprint.post("/<task_id>/complete")
@blueprint.doc(
    requestBody=http.body_of("Answer", "表单的填写内容 · The answer to the task's form"),
    parameters=[http.if_match("任务的 revision · The `revision` that was seen")],
)
@blueprint.answers(200, "Moved", "流程现在的位置 · Where the instance stands now")
def complete(task_id: str) -> dict[str, Any]:
    """Answer the form of a task; the token moves on.

    填写任务的表单;流程继续。
    """
    moved = engine().complete(task_id, http.body(), person(), now(), revision=http.seen_version())
    with product().database.read() as connection:
        row = reads.instance(connection, moved.id)
        if row is None:
            raise InstanceNotFound(instance=moved.id)
        page = reads.tasks(connection, business_key=moved.business_key, process=moved.process)
        return {
            "incident": moved.business_key,
            "instance": shapes.instance(connection, row),
            "tasks": [shapes.task(task) for task in page.rows if task.instance_id == moved.id],
        }


def _groups(query: dict[str, Any]) -> frozenset[str] | None:
    if "group" in query:
        return frozenset({query["group"]})
    return None if {"assignee", "incident"} & query.keys() else person().groups


def _task(task_id: str) -> dict[str, Any]:
    with product().database.read() as connection:
        row = reads.task(connection, task_id)
        if row is None:
            raise TaskNotFound(task=task_id)
        drawn = engine().form(task_id)
        return {
            **shapes.task(row),
            "completed_at": row.completed_at,
            "work_orders": facts.carried_by(connection, row.business_key or "", row.id),
            "form": shapes.form(connection, drawn, row.business_key) if drawn else None,
        }
