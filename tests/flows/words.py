"""The words of the flows: people, forms, places and messages by the Chinese names that the product shows."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

ROOT = Path(__file__).parents[2]
SHANGHAI = ZoneInfo("Asia/Shanghai")
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
TRUTH = {"是": True, "否": False, "无": None}


@dataclass(frozen=True)
class Question:
    """A field of a form, as a person reads it."""

    key: str
    type: str
    answers: Mapping[str, str]

    def value(self, said: str) -> Any:
        """What is sent for what a person chose or typed."""
        if self.type == "datetime":
            return moment(said).isoformat()
        if self.type == "number":
            return int(said)
        if said in TRUTH:
            return TRUTH[said]
        return self.answers.get(said) or PEOPLE.get(said, said)


def moment(said: str, day: datetime | None = None) -> datetime:
    """`2026-11-23 09:05`, `11-23 09:05`, or `09:05` of the given day, as Shanghai wall time."""
    date, _, time = said.rpartition(" ")
    if not date:
        assert day is not None
        date = day.astimezone(SHANGHAI).date().isoformat()
    if date.count("-") == 1:
        date = f"2026-{date}"
    return datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=SHANGHAI)


def answer(form: str, rows: Iterable[Iterable[str]]) -> dict[str, Any]:
    """The JSON of an answer, from a table of labels and values; an unknown label is sent as it is."""
    questions, given = FORMS[form], {}
    for label, said in rows:
        question = questions.get(label) or Question(label, "textfield", {})
        given[question.key] = question.value(said)
    return given


def bare(name: str) -> str:
    """The name of a place without its step number."""
    return name.partition("(")[0]


def step(name: str) -> str | None:
    """The step number in the name of a place."""
    number = name.partition("(")[2].rstrip(")")
    return number if number.startswith("200.") else None


def _people() -> dict[str, str]:
    content = tomllib.loads((ROOT / "handlers/data/organisation.toml").read_text("utf-8"))
    return {person["name"]: person["staff_no"] for person in content["person"]}


def _code_names() -> dict[str, dict[str, str]]:
    names: dict[str, dict[str, str]] = {}
    for file in ("process", "catalogue"):
        content = tomllib.loads((ROOT / f"handlers/data/{file}.toml").read_text("utf-8"))
        names |= {
            f"codes.{table}": {row["zh"]: row["code"] for row in rows} for table, rows in content.items()
        }
    return names


def _forms() -> dict[str, dict[str, Question]]:
    codes = _code_names()
    forms = {}
    for file in sorted((ROOT / "bpmn").glob("*.form")):
        drawn = json.loads(file.read_text("utf-8"))
        forms[file.stem] = {
            part.get("label") or part.get("dateLabel") or part["key"]: Question(
                part["key"],
                part["type"],
                {one["label"]: one["value"] for one in part.get("values", ())}
                | codes.get(part.get("valuesKey", ""), {}),
            )
            for part in drawn["components"]
            if "key" in part
        }
    return forms


def _messages() -> dict[str, str]:
    """Names of catch events, each with the message that it waits for."""
    found = {}
    for file in ("incident_200", "escalation"):
        root = etree.parse(ROOT / f"bpmn/{file}.bpmn").getroot()
        messages = {one.get("id"): one.get("name") for one in root.iter(f"{BPMN}message")}
        for waits in root.iter(f"{BPMN}messageEventDefinition"):
            found[waits.getparent().get("name")] = messages[waits.get("messageRef")]
    return found


PEOPLE = _people()
FORMS = _forms()
MESSAGES = _messages()
ORDER_STEPS: dict[str, tuple[str, dict[str, str]]] = {
    "接收": ("accept", {}),
    "办结": ("finish", {"result": "solved"}),
}
COLUMNS = {
    "状态": "status",
    "步骤": "step",
    "呼叫类型": "call_type",
    "服务呼叫分类": "classification",
    "事件类别": "category",
    "最终类别": "category_final",
    "优先级": "priority",
    "重大事件": "major",
    "宣布人": "major_declared_by",
    "解决层级": "solution_tier",
    "解决方式": "solution_kind",
    "解决人": "solver",
    "使用了常见问题库": "faq_used",
    "结束代码": "closure_code",
    "关闭人": "closed_by",
    "误登记": "misregistered",
    "责任组": "owner_group",
    "责任人": "owner",
    "受派组": "assigned_group",
    "处理人": "assignee",
    "分派次数": "dispatch_count",
    "拒绝次数": "reject_count",
    "转回次数": "return_count",
    "被否次数": "refusal_count",
    "联系次数": "attempt_count",
    "重开次数": "reopen_count",
    "挂起原因": "hold",
    "主事件": "parent",
    "沿用主事件方案": "solution_inherited",
    "确认结果": "confirm_result",
    "确认方式": "confirm_method",
    "确认人": "confirm_by",
    "对帮助台的评分": "satisfaction_desk",
    "对处理的评分": "satisfaction_handling",
    "确属申述": "complaint_confirmed",
    "请求单号": "request_ref",
    "变更单号": "change_ref",
    "问题单号": "problem_ref",
    "升级级别": "escalation_level",
    "报告时间": "reported_at",
    "首次响应时间": "first_response_at",
    "首次解决时间": "first_resolved_at",
    "解决时间": "resolved_at",
    "恢复时间": "service_restored_at",
    "关闭时间": "closed_at",
    "回顾期限": "review_due_at",
    "应响应": "respond_by",
    "应解决": "resolve_by",
    "应通报": "update_by",
    "超时时间": "overdue_at",
    "超时工作组": "overdue_group",
    "超时原因": "overdue_reason",
    "申述单号": "complaint_ref",
}
JUDGEMENT = {"影响度": "impact", "紧急度": "urgency", "理由": "priority_reason"}
SHIFT_CHANGES = {
    "编号": "code",
    "班次": "shift",
    "开始": "starts_at",
    "期限": "due_at",
    "接班人": "incoming",
    "状态": "state",
    "负责人": "owner",
    "确认时间": "settled_at",
}
HAND_OVER = {
    "呼叫": "no",
    "状态": "status",
    "优先级": "priority",
    "责任人": "owner",
    "级别": "escalation_level",
    "最先到期": "next_due",
    "承诺": "promised_at",
    "说明": "last_note",
}
CLOCKS = {
    "响应": "response",
    "解决": "resolve",
    "受理": "acceptance",
    "供应商": "vendor",
    "中断": "outage",
    "通报": "update",
}
READINGS = {
    "优先级": "priority",
    "日历": "calendar",
    "起算": "start",
    "限时": "target",
    "到期": "due",
    "已用": "elapsed",
    "合计": "total",
    "暂停": "paused",
    "状态": "state",
    "原因": "why",
    "超时": "overdue_at",
    "暂定年份": "provisional",
}
TABLES = {
    "工单": (
        "work_orders",
        {"类型": "type", "工作组": "group", "处理人": "assignee", "状态": "status", "结果": "result"}
        | {"备份": "backup", "原因": "reject_reason", "建议工作组": "suggested_group", "二线协助": "assist"},
    ),
    "升级单": (
        "escalations",
        {"触发": "trigger", "级别": "level", "状态": "state", "接收人": "acked_by", "决策": "decision"}
        | {"结束原因": "end_reason", "发起时间": "raised_at", "结束时间": "ended_at", "负责人": "holder"},
    ),
    "挂起": (
        "holds",
        {"原因": "reason", "开始": "from_at", "结束": "resumed_at", "结束于": "ended_by", "登记人": "by"},
    ),
    "供应商处理记录": (
        "vendor_engagements",
        {"对象": "kind", "供应商": "vendor", "次数": "attempts", "结果": "result", "到场": "onsite_at"}
        | {"应答时间": "responded_at", "承诺": "promised_at", "落空": "broken_promises"},
    ),
    "供应商联系": ("contacts", {"时间": "at", "联系人": "contact", "方式": "channel"}),
    "确认": (
        "confirmations",
        {"时间": "at", "结果": "outcome", "原因": "reason", "方式": "method", "登记人": "by"},
    ),
    "转出单": (
        "hand_offs",
        {"流程": "process", "工作组": "group", "处理人": "handler", "单号": "ref", "结果": "result"},
    ),
}
