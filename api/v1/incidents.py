"""An incident over HTTP: record it, read it, ask why it stands where it stands, tell it what happened."""

from typing import Any

import sqlalchemy as sa
from flask import url_for
from marshmallow import ValidationError, fields, validate, validates_schema
from webargs.fields import DelimitedList

from api import http, records, shapes
from api.http import Blueprint, Schema
from api.product import engine, now, person, product
from api.v1 import acting, lists, reading
from engine import reads
from engine.rows import add_jobs
from handlers import directory, facts, registry, timing

PROCESS, ESCALATION = "incident_200", "escalation"
PERSONS = ("caller", "on_behalf_of", "complained_about")

blueprint = Blueprint("incidents", __name__, url_prefix="/api/v1/incidents", description="事件 · Incidents")


class Message(Schema):
    """Something that happened outside, for the place that waits for it; or `reopen` for a closed incident."""

    name = fields.String(
        required=True,
        validate=validate.Length(1, 100),
        metadata={"description": "withdraw, customer_replied, vendor_answered, … or reopen"},
    )
    data = fields.Dict(keys=fields.String(), load_default=dict)


class Reopening(Schema):
    """Why a closed incident is opened again."""

    reason = fields.String(required=True, validate=validate.Length(1, 2000))


class Update(Schema):
    """What the caller is told meanwhile."""

    text = fields.String(required=True, validate=validate.Length(1, 4000))


class Promise(Schema):
    """By when vendor or third line is done now."""

    promised_at = lists.Moment(required=True)
    note = fields.String(validate=validate.Length(1, 4000))


class EscalationByHand(Schema):
    """A manual escalation (X13): one level above the present, or the level that is named."""

    reason = fields.String(required=True, validate=validate.Length(1, 2000))
    level = fields.String()


class IncidentQuery(lists.ListQuery):
    """Which incidents."""

    status = DelimitedList(
        fields.String(validate=validate.Length(1, 8)),
        metadata={"description": "状态代码,可多个 · Codes of the table status"},
    )
    step = lists.text("步骤 200.x · The step, 200.x", 8)
    priority = DelimitedList(
        fields.String(validate=validate.Length(1, 8)),
        metadata={"description": "优先级代码,可多个 · Codes of the table priority"},
    )
    call_type = lists.text("呼叫类型 INC/SR/CMP · Code of the table call_type", 8)
    category = lists.text("事件类别代码 · Code of the table category", 8)
    group = lists.text("受派工作组 · The group it is assigned to", 40)
    assignee = lists.text("处理人,me 为本人 · Who works on it; me is yourself", 40)
    caller = lists.text("呼叫人工号 · Staff number of the caller", 40)
    caller_org = lists.text("呼叫人组织代码 · Code of the caller's organisation", 40)
    ci = lists.text("配置项代码 · Code of the CI", 40)
    parent = lists.text("主事件编号 · Number of the parent", 24)
    reported_from = lists.Moment(metadata={"description": "报告时间不早于 · Reported at or after"})
    reported_to = lists.Moment(metadata={"description": "报告时间早于 · Reported before"})
    open = lists.truth("未关闭 · Not closed")
    text = lists.text("主题或编号中的文字 · Text in the subject or the number")
    sort = lists.order(registry.CALLS)


class Correction(Schema):
    """Fields to correct; or impact and urgency with `priority_reason`, from which the priority follows."""

    subject = fields.String(validate=validate.Length(1, 200))
    description = fields.String(allow_none=True, validate=validate.Length(0, 4000))
    callback_phone = fields.String(allow_none=True, validate=validate.Length(0, 40))
    on_behalf_of = fields.String(allow_none=True, validate=validate.Length(0, 80))
    ci = fields.String(allow_none=True, validate=validate.Length(0, 40))
    ci_text = fields.String(allow_none=True, validate=validate.Length(0, 200))
    classification = fields.String(validate=validate.Length(1, 40))
    category = fields.String(validate=validate.Length(1, 40))
    occurred_at = lists.Moment(allow_none=True)
    service_restored_at = lists.Moment(allow_none=True)
    problem_ref = fields.String(allow_none=True, validate=validate.Length(0, 40))
    change_ref = fields.String(allow_none=True, validate=validate.Length(0, 40))
    request_ref = fields.String(allow_none=True, validate=validate.Length(0, 40))
    impact = fields.String(validate=validate.Length(1, 8))
    urgency = fields.String(validate=validate.Length(1, 8))
    priority_reason = fields.String(validate=validate.Length(1, 2000))

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        """A priority changes with its reason, and a body that changes nothing is a mistake."""
        scales = {"impact", "urgency"} & data.keys()
        if (scales and "priority_reason" not in data) or not data:
            raise ValidationError({"priority_reason": ["Missing data for required field."]})
        if "priority_reason" in data and not scales:
            missing = ["Missing data for required field."]
            raise ValidationError({"impact": missing, "urgency": missing})


@blueprint.get("")
@blueprint.arguments(IncidentQuery, location="query")
@blueprint.answers(200, "Incidents", "一页事件 · A page of incidents")
def incidents(query: dict[str, Any]) -> dict[str, Any]:
    """List incidents; `sort=priority` lists the open ones, `-closed_at` those that were closed.

    列出事件;sort=priority 只列未关闭的,-closed_at 只列关闭过的。
    """
    after = lists.place(query, registry.CALLS[query["sort"]].kinds)
    with reading.record() as (connection, codes):
        page = registry.calls(
            connection, codes, lists.wanted(query), sort=query["sort"], limit=query["limit"], after=after
        )
    return lists.answer(page, query)


@blueprint.post("")
@blueprint.doc(requestBody=http.body_of("Call", "表单 t200_1 · The form of step 200.1"))
@blueprint.answers(201, "IncidentRecord", "新记录,编号为 no · The record that was made; its number is `no`")
def record() -> Any:
    """Record a call: starts the process and answers step 200.1 in one transaction.

    受理:启动流程,并在同一事务中完成 200.1。人员可写工号、帐号、姓名或电话,组织可写代码或名称。
    """
    started = engine().start(PROCESS, person(), now(), answer=_looked_up(http.body()))
    no = started.business_key or ""
    where = url_for("incidents.read", no=no)
    content, headers = _incident(no)
    return content, 201, {**headers, "Location": where}


@blueprint.get("/<no>")
@blueprint.answers(200, "IncidentRecord", "记录及其全部附属 · The record with all that hangs on it")
def read(no: str) -> Any:
    """Read a record: work orders, escalations, where its tokens are, its open tasks; ETag is its version.

    查询记录:工单、升级、令牌位置和待办任务;ETag 为记录版本。
    """
    return _incident(no)


@blueprint.get("/<no>/clocks")
@blueprint.answers(200, "IncidentClocks", "各时限与将要发生的事 · The clocks, and what comes next")
def clocks(no: str) -> dict[str, Any]:
    """Read the clocks, replayed from the log: due, minutes used, pauses, segments, what comes by itself.

    查询时限:按日志重算的到期时间、已用分钟、暂停、分段,以及接下来将自动发生的事。
    """
    with reading.record() as (connection, codes):
        return timing.read(connection, codes, person(), no, now())


@blueprint.post("/<no>/updates")
@blueprint.arguments(Update)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "IncidentRecord", "通报后的记录 · The record after the update")
def update(said: dict[str, Any], no: str) -> Any:
    """Tell the caller (and the stakeholders of a P1, P2 or major incident) where it stands.

    向呼叫人通报进展;P1、P2 或重大事件同时通报相关方。通报间隔重新计起。
    """
    with acting.verb(no, "update", said):
        pass
    return _incident(no)


@blueprint.post("/<no>/promises")
@blueprint.arguments(Promise)
@blueprint.doc(parameters=[acting.IF_MATCH])
@blueprint.answers(200, "IncidentRecord", "登记承诺后的记录 · The record after the promise")
def promise(said: dict[str, Any], no: str) -> Any:
    """Record by when vendor or third line now promises to be done, while it works on the call (200.8).

    供应商或三线处理中(200.8)登记新的承诺;落空时联系其升级联系人,并引发升级(X8)。
    """
    with acting.verb(no, "promise", said):
        pass
    return _incident(no)


@blueprint.get("/<no>/history")
@blueprint.answers(200, "IncidentHistory", "流程历史和审计日志 · History of the process, and the audit log")
def history(no: str) -> dict[str, Any]:
    """Read what happened, when, by whom, and which condition with which values sent it there.

    查询经过:何时、何人、做了什么,哪个条件以哪些值决定了去向。
    """
    with product().database.read() as connection:
        facts.incident(connection, no)
        instances = reads.instances(connection, no)
        return {
            "no": no,
            "instances": [shapes.instance_with_history(connection, row) for row in instances],
            "log": shapes.seen(connection, facts.log(connection, no)),
        }


@blueprint.patch("/<no>")
@blueprint.arguments(Correction)
@blueprint.doc(parameters=[http.if_match("记录的版本(ETag) · The version that was seen (ETag)")])
@blueprint.answers(200, "IncidentRecord", "修改后的记录 · The record after the change")
def correct(change: dict[str, Any], no: str) -> Any:
    """Correct fields as the status allows (code table `editable`), or change impact or urgency with a reason.

    修改:按状态允许的字段更正(代码表 editable),或说明理由后调整影响度、紧急度。
    """
    seen = http.seen_version()
    judged = {name: change.pop(name) for name in ("impact", "urgency", "priority_reason") if name in change}
    with engine().transaction(person(), now()) as command:
        tasks = acting.OpenTasks(command, no) if judged else None
        if change.get("on_behalf_of"):
            change["on_behalf_of"] = _person(command.connection, change["on_behalf_of"], "on_behalf_of")
        add_jobs(command, product().desk.edit(command, no, change, seen).jobs)
        if tasks:
            known = facts.incident(command.connection, no)
            tasks.judge({name: known[name] for name in ("impact", "urgency")} | judged)
    return _incident(no)


@blueprint.post("/<no>/messages")
@blueprint.arguments(Message)
@blueprint.answers(200, "IncidentRecord", "消息送达后的记录 · The record after the message was taken")
def message(said: dict[str, Any], no: str) -> Any:
    """Tell the place that waits: the customer replied, the vendor answered, the caller withdraws …

    通知等待中的环节:客户已答复、供应商已响应、用户撤回……或重新打开已关闭的事件(reopen)。
    """
    _exists(no)
    if said["name"] == "reopen":
        why = http.load(Reopening, said["data"])
        engine().start(PROCESS, person(), now(), business_key=no, variables={"entry": "reopen", **why})
    else:
        engine().send(said["name"], no, said["data"], person(), now())
    return _incident(no)


@blueprint.post("/<no>/escalations")
@blueprint.arguments(EscalationByHand)
@blueprint.answers(201, "IncidentRecord", "记录及其升级 · The record with its escalation")
def escalate(said: dict[str, Any], no: str) -> Any:
    """Escalate by hand (X13); an escalation that is being watched is raised instead.

    人工升级(X13);已在跟踪的升级则提高级别。
    """
    if _escalated(no):
        engine().send("threshold_reached", no, said, person(), now(), process=ESCALATION)
    else:
        engine().start(ESCALATION, person(), now(), business_key=no, variables=said)
    content, headers = _incident(no)
    return content, 201, headers


def _exists(no: str) -> None:
    with product().database.read() as connection:
        facts.incident(connection, no)


def _escalated(no: str) -> bool:
    with product().database.read() as connection:
        facts.incident(connection, no)
        return any(i.process == ESCALATION and i.ended_at is None for i in reads.instances(connection, no))


def _looked_up(call: dict[str, Any]) -> dict[str, Any]:
    """The call with persons and organisation by their key; what is no text is left to the form."""
    found = dict(call)
    with product().database.read() as connection:
        for name in PERSONS:
            if isinstance(found.get(name), str) and found[name]:
                found[name] = _person(connection, found[name], name)
        if isinstance(found.get("caller_org"), str) and found["caller_org"]:
            found["caller_org"] = directory.organisation_named(
                connection, found["caller_org"].strip(), "caller_org"
            )
    return found


def _person(connection: sa.Connection, given: str, field: str) -> str:
    contacts = reading.sees_contacts(connection)
    return directory.person_named(connection, given.strip(), field, contacts=contacts)


def _incident(no: str) -> Any:
    with product().database.read() as connection:
        known = shapes.seen_whole(connection, records.incident(connection, no))
        content = {
            **known,
            "instances": [shapes.instance(connection, row) for row in reads.instances(connection, no)],
            "tasks": [shapes.task(row) for row in reads.tasks(connection, business_key=no).rows],
        }
    return content, {"ETag": f'"{known["version"]}"'}
