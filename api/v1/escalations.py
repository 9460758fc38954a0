"""Escalations over HTTP: which calls are with whom, at which level, since when."""

from typing import Any

from api.http import Blueprint
from api.v1 import lists, reading
from handlers import registry

blueprint = Blueprint(
    "escalations", __name__, url_prefix="/api/v1/escalations", description="升级 · Escalations"
)


class EscalationQuery(lists.ListQuery):
    """Which escalations."""

    incident = lists.text("事件编号 · Number of the incident", 24)
    level = lists.text("级别代码,见代码表 escalation_level · Code of the table escalation_level", 8)
    trigger = lists.text("触发代码,见代码表 escalation_trigger · Code of the table escalation_trigger", 8)
    holder = lists.text("负责人 · Who holds the level", 40)
    holder_group = lists.text("负责的工作组 · The group that holds the level", 40)
    open = lists.truth("进行中 · Still active")
    sort = lists.order(registry.ESCALATIONS)


@blueprint.get("")
@blueprint.arguments(EscalationQuery, location="query")
@blueprint.answers(200, "Escalations", "一页升级单 · A page of escalations")
def escalations(query: dict[str, Any]) -> dict[str, Any]:
    """List escalations by level, trigger or holder.

    按级别、触发条件或负责人列出升级单。
    """
    after = lists.place(query, registry.ESCALATIONS[query["sort"]].kinds)
    with reading.record() as (connection, codes):
        page = registry.escalations(
            connection, codes, lists.wanted(query), sort=query["sort"], limit=query["limit"], after=after
        )
    return lists.answer(page, query)


@blueprint.get("/<no>/<int(max=2147483647):seq>")
@blueprint.answers(200, "EscalationWithRaises", "升级单及其触发记录 · The escalation and what raised it")
def escalation(no: str, seq: int) -> dict[str, Any]:
    """Read one escalation of an incident, with the triggers that raised it.

    查询事件的一张升级单及其触发记录。
    """
    with reading.record() as (connection, _):
        return registry.escalation_of(connection, no, seq)
