"""Work orders over HTTP: who has been given which piece of which call."""

from typing import Any

from api.http import Blueprint
from api.v1 import lists, reading
from handlers import registry

blueprint = Blueprint(
    "work_orders", __name__, url_prefix="/api/v1/work-orders", description="工单 · Work orders"
)


class WorkOrderQuery(lists.ListQuery):
    """Which work orders."""

    incident = lists.text("事件编号 · Number of the incident", 24)
    group = lists.text("工作组代码 · Code of a workgroup", 40)
    assignee = lists.text("处理人,me 为本人 · Who works on it; me is yourself", 40)
    status = lists.text("状态代码,见代码表 work_order_status · Code of the table work_order_status", 8)
    type = lists.text("类型代码,见代码表 work_order_type · Code of the table work_order_type", 8)
    open = lists.truth("未结束(W1–W4) · Not finished: W1 to W4")
    sort = lists.order(registry.WORK_ORDERS)


@blueprint.get("")
@blueprint.arguments(WorkOrderQuery, location="query")
@blueprint.answers(200, "WorkOrders", "一页工单 · A page of work orders")
def work_orders(query: dict[str, Any]) -> dict[str, Any]:
    """List work orders by group, assignee or status.

    按工作组、处理人或状态列出工单。
    """
    after = lists.place(query, registry.WORK_ORDERS[query["sort"]].kinds)
    with reading.record() as (connection, codes):
        page = registry.orders(
            connection, codes, lists.wanted(query), sort=query["sort"], limit=query["limit"], after=after
        )
    return lists.answer(page, query)


@blueprint.get("/<no>")
@blueprint.answers(200, "WorkOrder", "工单 · The work order")
def work_order(no: str) -> dict[str, Any]:
    """Read one work order.

    查询一张工单。
    """
    with reading.record() as (connection, _):
        return registry.work_order(connection, no)
