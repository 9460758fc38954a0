"""Failures over HTTP: what broke inside, where, and trying it again."""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from api.http import Blueprint, Nothing
from api.product import engine, now, person, product
from api.v1 import lists, reading
from engine import reads
from engine.errors import FailureNotFound
from engine.ports import Command
from handlers.paging import Page

blueprint = Blueprint("failures", __name__, url_prefix="/api/v1/failures", description="故障 · Failures")
ORDERS = {"-at": True, "at": False}


class FailureQuery(lists.ListQuery):
    """Which failures."""

    incident = lists.text("事件编号 · Number of the incident", 24)
    instance = lists.text("流程实例 · The process instance", 36)
    open = lists.truth("待处理 · Still open")
    sort = lists.order(ORDERS)


@blueprint.get("")
@blueprint.arguments(FailureQuery, location="query")
@blueprint.answers(200, "Failures", "一页故障 · A page of failures")
def failures(query: dict[str, Any]) -> dict[str, Any]:
    """List failures of handlers, diagrams and jobs.

    列出处理程序、流程图或后台作业的故障。
    """
    after = lists.place(query, (datetime, str))
    with reading.record() as (connection, _):
        found = reads.failure_page(
            connection,
            is_open=query.get("open"),
            business_key=query.get("incident"),
            instance_id=query.get("instance"),
            newest_first=ORDERS[query["sort"]],
            limit=query["limit"],
            after=cast("tuple[datetime, str] | None", after),
        )
    rows = [_shape(row) for row in found.rows]
    return lists.answer(Page(rows, found.next, found.total, found.capped), query)


@blueprint.get("/<failure_id>")
@blueprint.answers(200, "Failure", "故障 · The failure")
def failure(failure_id: str) -> dict[str, Any]:
    """Read one failure, open or resolved.

    查询一条故障。
    """
    return _failure(failure_id)


@blueprint.post("/<failure_id>/retry")
@blueprint.arguments(Nothing)
@blueprint.answers(200, "Failure", "故障;其作业将立即重试 · The failure; its job is tried again at once")
def retry(_: dict[str, Any], failure_id: str) -> dict[str, Any]:
    """Resolve a failure; its job, if it has one, is tried again at the next tick.

    处理故障:如有失败的作业,立即重试。
    """
    with reading.record() as (connection, _codes):
        product().desk.check_retry(Command(connection, person(), now()))
    engine().retry(failure_id, person(), now())
    return _failure(failure_id)


def _failure(failure_id: str) -> dict[str, Any]:
    with reading.record() as (connection, _):
        row = reads.failure(connection, failure_id)
    if row is None:
        raise FailureNotFound(failure=failure_id)
    return _shape(row)


def _shape(found: sa.Row[Any]) -> dict[str, Any]:
    row = found._mapping
    job = {"key": row["job_key"], "state": row["job_state"], "due_at": row["job_due_at"]}
    return {
        **{name: row[name] for name in ("id", "at", "by", "verb", "error", "resolved_at", "resolved_by")},
        "element": row["element_id"],
        "instance": row["instance_id"] or None,
        "process": row["process"],
        "incident": row["business_key"],
        "job": job if row["job_key"] else None,
    }
