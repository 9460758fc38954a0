"""Shift changes over HTTP: the hand-over list of the desk (WR-01) and its acknowledgement."""

from typing import Any

from api.http import Blueprint, Nothing
from api.product import engine, now, person, product
from api.v1 import lists, reading
from engine.rows import add_jobs
from handlers import hand_over

blueprint = Blueprint(
    "shift_changes", __name__, url_prefix="/api/v1/shift-changes", description="交接班 · Shift changes"
)


class ShiftChangeQuery(lists.ListQuery):
    """Which changes."""

    open = lists.truth("待确认 · Not acknowledged yet")
    sort = lists.order(hand_over.CHANGES)


@blueprint.get("")
@blueprint.arguments(ShiftChangeQuery, location="query")
@blueprint.answers(200, "ShiftChanges", "一页交接班 · A page of shift changes")
def shift_changes(query: dict[str, Any]) -> dict[str, Any]:
    """List the shift changes of the desk, the newest first.

    列出帮助台的交接班,最近的在前。
    """
    after = lists.place(query, hand_over.CHANGES[query["sort"]].kinds)
    with reading.record() as (connection, _):
        page = hand_over.changes(
            connection, lists.wanted(query), sort=query["sort"], limit=query["limit"], after=after
        )
    return lists.answer(page, query)


@blueprint.get("/<code>")
@blueprint.answers(200, "ShiftChangeWithCalls", "交接班及交接清单 · The change and its hand-over list")
def shift_change(code: str) -> dict[str, Any]:
    """Read a shift change with its hand-over list (WR-01): the open calls, the next due first.

    查询一次交接班及其交接清单(WR-01):全部未关闭的呼叫,最先到期的在前。
    """
    with reading.record() as (connection, _):
        return hand_over.change_of(connection, code)


@blueprint.post("/<code>/acknowledge")
@blueprint.arguments(Nothing)
@blueprint.answers(200, "ShiftChangeWithCalls", "已确认的交接班 · The change, acknowledged")
def acknowledge(_: dict[str, Any], code: str) -> dict[str, Any]:
    """Acknowledge the hand-over list as the incoming agent: the open calls pass to you.

    接班人确认交接清单:未关闭的呼叫随之由其负责。
    """
    with engine().transaction(person(), now()) as command:
        add_jobs(command, product().desk.acknowledge(command, code).jobs)
        return hand_over.change_of(command.connection, code)
