"""History: every instance and every task, running or ended."""

from typing import Any

import sqlalchemy as sa

from api.product import product
from api.rest import instance as running
from api.rest import queries, shapes
from api.rest.errors import NotMatching
from api.rest.http import Blueprint, asked, both, several
from api.rest.task_query import ABOUT_ITSELF, ABOUT_PROCESS, ROWS, SORTS, task
from api.rest.values import read_moment
from engine import store

instance, definition, happened = store.instance.c, store.definition.c, store.history.c
UNTIL = {
    "startedBefore": queries.Filter(read_moment, lambda at: instance.started_at <= at),
    "startedAfter": queries.Filter(read_moment, lambda at: instance.started_at >= at),
    "finishedBefore": queries.Filter(read_moment, lambda at: instance.ended_at <= at),
    "finishedAfter": queries.Filter(read_moment, lambda at: instance.ended_at >= at),
}
INSTANCES = queries.Query(
    rows=sa.select(*running.COLUMNS, definition.name.label("definition_name")).join(
        store.definition, definition.id == instance.definition_id
    ),
    filters={
        **running.FILTERS,
        **UNTIL,
        "processInstanceId": queries.equal(instance.id),
        "processInstanceBusinessKey": queries.equal(instance.business_key),
        "processInstanceBusinessKeyIn": queries.among(instance.business_key),
        "processInstanceBusinessKeyLike": queries.like(instance.business_key),
        "processDefinitionName": queries.equal(definition.name),
        "processDefinitionNameLike": queries.like(definition.name),
        "finished": queries.when(instance.ended_at.is_not(None)),
        "unfinished": queries.when(instance.ended_at.is_(None)),
        "active": queries.when(instance.ended_at.is_(None)),
        "completed": queries.when(sa.and_(instance.ended_at.is_not(None), instance.end_element != "")),
        "externallyTerminated": queries.when(instance.end_element == ""),
        "internallyTerminated": queries.never(),
        "startedBy": queries.equal(instance.started_by),
    },
    sorts={
        **running.SORTS,
        "startTime": instance.started_at,
        "endTime": instance.ended_at,
        "definitionName": definition.name,
        "definitionVersion": instance.version,
    },
    default=(instance.started_at, instance.id),
    refused=frozenset(
        {"variables", "executedActivityIdIn", "activeActivityIdIn", "incidentType", "incidentStatus"}
    ),
)
TASKS = queries.Query(
    rows=ROWS,
    filters={
        **ABOUT_PROCESS,
        **{name: ABOUT_ITSELF[name] for name in ("taskId", "taskIdIn")},
        "taskName": queries.equal(task.element_name),
        "taskNameLike": queries.like(task.element_name),
        "taskAssignee": queries.equal(task.assignee),
        "taskOwner": queries.equal(task.owner),
        "taskPriority": queries.equal(task.priority, queries.whole),
        "assigned": queries.when(task.assignee.is_not(None)),
        "unassigned": queries.when(task.assignee.is_(None)),
        "finished": queries.when(task.completed_at.is_not(None)),
        "unfinished": queries.when(task.completed_at.is_(None)),
        "processFinished": queries.when(instance.ended_at.is_not(None)),
        "processUnfinished": queries.when(instance.ended_at.is_(None)),
        "startedBefore": queries.Filter(read_moment, lambda at: task.created_at <= at),
        "startedAfter": queries.Filter(read_moment, lambda at: task.created_at >= at),
        "finishedBefore": queries.Filter(read_moment, lambda at: task.completed_at <= at),
        "finishedAfter": queries.Filter(read_moment, lambda at: task.completed_at >= at),
        "tenantIdIn": queries.never(),
        "withoutTenantId": queries.always(),
    },
    sorts={
        "taskId": task.id,
        "taskName": task.element_name,
        "processInstanceId": task.instance_id,
        "startTime": task.created_at,
        "endTime": task.completed_at,
        "assignee": task.assignee,
        "priority": task.priority,
        "dueDate": SORTS["dueDate"],
    },
    default=(task.created_at, task.id),
    refused=frozenset({"taskVariables", "processVariables", "taskInvolvedUser", "taskInvolvedGroup"}),
)

blueprint = Blueprint("history", __name__, "历史 · History")


@both(blueprint, "/process-instance", INSTANCES.parameters, "HistoricProcessInstanceQuery")
@blueprint.answers(200, several("HistoricProcessInstance"), "一页实例 · A page of instances")
def instances() -> list[dict[str, Any]]:
    """List every instance, running or ended, oldest first.

    列出全部实例,包括已结束的,最早的在前。
    """
    with product().database.read() as connection:
        rows = INSTANCES.page(connection, asked())
        why = _reasons(connection, [row.id for row in rows if row.end_element == ""])
        return [shapes.historic_instance(row, why.get(row.id)) for row in rows]


@both(blueprint, "/process-instance/count", INSTANCES.conditions, "HistoricProcessInstanceQuery")
@blueprint.answers(200, "Count", "数量 · How many")
def count() -> dict[str, int]:
    """How many instances, running or ended, fit the query.

    符合条件的实例数量,包括已结束的。
    """
    with product().database.read() as connection:
        return INSTANCES.count(connection, asked())


@blueprint.get("/process-instance/<instance_id>")
@blueprint.answers(200, "HistoricProcessInstance", "实例 · The instance")
def one(instance_id: str) -> dict[str, Any]:
    """Read one instance, running or ended.

    查询一个实例,包括已结束的。
    """
    with product().database.read() as connection:
        chosen = INSTANCES.rows.where(instance.id == store.storable(instance_id))
        row = connection.execute(chosen).first()
        if row is None:
            raise NotMatching(what="historic process instance", id=instance_id)
        return shapes.historic_instance(row, _reasons(connection, [row.id]).get(row.id))


@both(blueprint, "/task", TASKS.parameters, "HistoricTaskInstanceQuery")
@blueprint.answers(200, several("HistoricTaskInstance"), "一页任务 · A page of tasks")
def tasks() -> list[dict[str, Any]]:
    """List every task, open or finished, oldest first.

    列出全部任务,包括已完成的,最早的在前。
    """
    with product().database.read() as connection:
        return [shapes.historic_task(row) for row in TASKS.page(connection, asked())]


@both(blueprint, "/task/count", TASKS.conditions, "HistoricTaskInstanceQuery")
@blueprint.answers(200, "Count", "数量 · How many")
def task_count() -> dict[str, int]:
    """How many tasks, open or finished, fit the query.

    符合条件的任务数量,包括已完成的。
    """
    with product().database.read() as connection:
        return TASKS.count(connection, asked())


def _reasons(connection: sa.Connection, ids: list[str]) -> dict[str, str]:
    """Why instances were cancelled."""
    chosen = sa.select(happened.instance_id, happened.data).where(
        happened.instance_id.in_(ids), happened.kind == "cancelled"
    )
    return {row.instance_id: row.data["reason"] for row in connection.execute(chosen)} if ids else {}
