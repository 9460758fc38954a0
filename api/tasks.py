"""The task list and what a person does with a task: claim, give back, complete."""

from datetime import datetime
from typing import Any

from flask import request
from marshmallow import ValidationError, fields, validate

from api import http, shapes
from api.errors import InvalidRequest
from api.http import Blueprint, Schema
from api.product import engine, now, person, product
from engine import reads
from engine.errors import InstanceNotFound, TaskNotFound

blueprint = Blueprint("tasks", __name__, url_prefix="/api/v1/tasks", description="任务 Tasks")

ANSWER = {
    "description": "表单的填写内容,键为变量名 The answer to the task's form, by variable",
    "content": {"application/json": {"schema": {"type": "object"}}},
}

IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "任务的 revision The `revision` that was seen: refused if the instance moved on since",
    "schema": {"type": "string"},
}


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

    group = fields.String(metadata={"description": "工作组代码 Code of a workgroup"})
    assignee = fields.String(metadata={"description": "处理人,me 表示本人 Who works on it; me is yourself"})
    incident = fields.String(metadata={"description": "事件编号 Number of the incident"})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    after = Place(metadata={"type": "string", "description": "上一页的 next The `next` of the page before"})


class Nothing(Schema):
    """A body that says nothing."""


@blueprint.get("")
@blueprint.arguments(TaskQuery, location="query")
@blueprint.response(200, description="items; next, if there are more")
def tasks(query: dict[str, Any]) -> dict[str, Any]:
    """任务列表 Open tasks, most urgent first, then oldest."""
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
@blueprint.response(200, description="The task, the fields of its form and what is known for them")
def task(task_id: str) -> dict[str, Any]:
    """任务与表单 A task with the fields of its form, so that it can be filled with curl."""
    return _task(task_id)


@blueprint.post("/<task_id>/claim")
@blueprint.arguments(Nothing)
@blueprint.response(200, description="The task, now yours")
def claim(_: dict[str, Any], task_id: str) -> dict[str, Any]:
    """领取 Take a task of one of your groups."""
    engine().claim(task_id, person(), now())
    return _task(task_id)


@blueprint.post("/<task_id>/unclaim")
@blueprint.arguments(Nothing)
@blueprint.response(200, description="The task, open to its groups again")
def unclaim(_: dict[str, Any], task_id: str) -> dict[str, Any]:
    """退回 Give a task back to its groups."""
    engine().unclaim(task_id, person(), now())
    return _task(task_id)


@blueprint.post("/<task_id>/complete")
@blueprint.doc(requestBody=ANSWER, parameters=[IF_MATCH])
@blueprint.response(200, description="Where the instance stands now: tokens, open tasks, its end if it ended")
def complete(task_id: str) -> dict[str, Any]:
    """完成 Answer the form of a task; the token moves on."""
    moved = engine().complete(task_id, http.body(), person(), now(), revision=_seen())
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


def _seen() -> int | None:
    """The revision that the person saw, from If-Match; None if none is given."""
    given = request.headers.get("If-Match")
    if given is None:
        return None
    if not given.strip('"').isascii() or not given.strip('"').isdigit():
        raise InvalidRequest(
            {"If-Match": {"zh": "须为任务的 revision。", "en": "Must be a task's revision."}}
        )
    return int(given.strip('"')[:18])


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
            "form": shapes.form(connection, drawn, row.business_key) if drawn else None,
        }
