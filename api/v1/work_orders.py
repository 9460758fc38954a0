"""Work orders over HTTP: who has been given which piece of which call, and the steps that no task carries."""

from typing import Any

from flask import url_for
from marshmallow import fields, validate

from api.http import Blueprint, Schema
from api.v1 import acting, lists, reading
from handlers import facts, registry

blueprint = Blueprint("work_orders", __name__, url_prefix="/api/v1", description="工单 · Work orders")


class WorkOrderQuery(lists.ListQuery):
    """Which work orders."""

    incident = lists.text("事件编号 · Number of the incident", 24)
    group = lists.text("工作组代码 · Code of a workgroup", 40)
    assignee = lists.text("处理人,me 为本人 · Who works on it; me is yourself", 40)
    status = lists.text("状态代码,见代码表 work_order_status · Code of the table work_order_status", 8)
    type = lists.text("类型代码,见代码表 work_order_type · Code of the table work_order_type", 8)
    open = lists.truth("未结束(W1–W4) · Not finished: W1 to W4")
    sort = lists.order(registry.WORK_ORDERS)


class NewWorkOrder(Schema):
    """On-site support (ONS), a colleague's help (COL), or a request's work order issued again (SRQ, CMP)."""

    type = fields.String(required=True, validate=validate.Length(1, 8))
    group = fields.String(required=True, validate=validate.Length(1, 40))
    assignee = fields.String(validate=validate.Length(1, 40))
    comment = fields.String(required=True, validate=validate.Length(1, 4000))
    due_finish = lists.Moment()


class Remark(Schema):
    """Nothing but a remark, kept in the log."""

    comment = fields.String(validate=validate.Length(1, 4000))


class Finish(Remark):
    """The result, and of a request that comes back as an incident its classification."""

    result = fields.String(required=True, validate=validate.Length(1, 40))
    labour_min = fields.Integer(strict=True, validate=validate.Range(0, 100_000))
    solution = fields.String(validate=validate.Length(1, 4000))
    classification = fields.String(validate=validate.Length(1, 40))


class Reject(Remark):
    """A coded reason, and whose it is instead."""

    reject_reason = fields.String(required=True, validate=validate.Length(1, 8))
    suggested_group = fields.String(validate=validate.Length(1, 40))


class Assignee(Schema):
    """Who is to do it; null gives it back to the group."""

    assignee = fields.String(required=True, allow_none=True, validate=validate.Length(1, 40))


@blueprint.get("/work-orders")
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


@blueprint.get("/work-orders/<no>")
@blueprint.answers(200, "WorkOrder", "工单 · The work order")
def work_order(no: str) -> dict[str, Any]:
    """Read one work order.

    查询一张工单。
    """
    with reading.record() as (connection, _):
        return registry.work_order(connection, no)


@blueprint.post("/incidents/<no>/work-orders")
@blueprint.arguments(NewWorkOrder)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(201, "WorkOrder", "新工单 · The work order that was made")
def issue(said: dict[str, Any], no: str) -> Any:
    """Issue a work order for on-site support or collaboration while the call is open.

    事件处理中派发现场支持或协作工单。
    """
    with acting.verb(no, "work_order", said) as connection:
        made = facts.work_orders(connection, no)[-1]
    return made, 201, {"Location": url_for("work_orders.work_order", no=made["no"])}


@blueprint.post("/work-orders/<no>/accept")
@blueprint.arguments(Remark)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "WorkOrder", "已接收的工单 · The work order, accepted")
def accept(said: dict[str, Any], no: str) -> dict[str, Any]:
    """Accept a work order of one's group (W2).

    接收本组的工单。
    """
    return _step(no, "accept", said)


@blueprint.post("/work-orders/<no>/start")
@blueprint.arguments(Remark)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "WorkOrder", "处理中的工单 · The work order, worked on")
def start(said: dict[str, Any], no: str) -> dict[str, Any]:
    """Begin to work on it, or go on (W3).

    开始或继续处理。
    """
    return _step(no, "start", said)


@blueprint.post("/work-orders/<no>/hold")
@blueprint.arguments(Remark)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "WorkOrder", "挂起的工单 · The work order, held")
def hold(said: dict[str, Any], no: str) -> dict[str, Any]:
    """Let it rest (W4); the call is not on hold by that.

    挂起工单;事件本身不因此挂起。
    """
    return _step(no, "hold", said)


@blueprint.post("/work-orders/<no>/finish")
@blueprint.arguments(Finish)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "WorkOrder", "已完成的工单 · The work order, done")
def finish(said: dict[str, Any], no: str) -> dict[str, Any]:
    """Finish it with its result (W5); that of a request or complaint is brought to the waiting call.

    登记结果并完成;请求、申述的结果随即报告给等待中的呼叫。
    """
    return _step(no, "finish", said)


@blueprint.post("/work-orders/<no>/reject")
@blueprint.arguments(Reject)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "WorkOrder", "已拒绝的工单 · The work order, rejected")
def reject(said: dict[str, Any], no: str) -> dict[str, Any]:
    """Reject it with a coded reason (W6).

    以代码原因拒绝。
    """
    return _step(no, "reject", said)


@blueprint.post("/work-orders/<no>/recall")
@blueprint.arguments(Remark)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "WorkOrder", "已撤回的工单 · The work order, recalled")
def recall(said: dict[str, Any], no: str) -> dict[str, Any]:
    """Recall it (W7): the desk, who issued it, or the manager.

    撤回工单:帮助台、派发人或事件经理。
    """
    return _step(no, "recall", said)


@blueprint.post("/work-orders/<no>/assign")
@blueprint.arguments(Assignee)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "WorkOrder", "改派后的工单 · The work order with its new assignee")
def assign(said: dict[str, Any], no: str) -> dict[str, Any]:
    """Give it to a member of its group, or back to the group.

    改派给组内成员,或退回工作组。
    """
    return _step(no, "assign", said)


def _step(no: str, verb: str, said: dict[str, Any]) -> dict[str, Any]:
    with reading.record() as (connection, _):
        call = registry.work_order(connection, no)["call"]
    with acting.verb(call, f"work_order.{verb}", {**said, "order": no}) as connection:
        return registry.work_order(connection, no)
