"""What the columns of the answers mean: the labels of the shipped forms, and words for what no form asks."""

import json

from api.settings import ROOT

WORDS = {
    "no": "编号 · Number",
    "version": "版本,每次修改加一 · Version; grows with each change",
    "status": "状态代码 · Status code",
    "step": "步骤 200.x · Step, 200.x",
    "hold": "挂起代码 · Hold code",
    "held_from": "挂起前的状态 · Status before the hold",
    "exit_path": "到达 200.10 的路径 · How it came to 200.10",
    "priority": "优先级 · Priority",
    "major": "重大事件 · Major incident",
    "vip": "重要客户 · VIP",
    "parent": "上级 · What stands above it",
    "segment": "时限分段 · Segment of the clocks",
    "owner": "负责的帮助台人员 · Owner at the desk",
    "owner_group": "负责的工作组 · The group that owns it",
    "assigned_group": "受派工作组 · The group it is assigned to",
    "assignee": "处理人 · Who works on it",
    "recorded_at": "录入时间 · When it was entered",
    "recorded_by": "录入人 · Who entered it",
    "backfilled": "补录 · Entered late",
    "resolved_at": "解决时间 · Solved at",
    "first_resolved_at": "首次解决时间 · First solved at",
    "closed_at": "关闭时间 · Closed at",
    "closed_by": "关闭人 · Who closed it",
    "reopen_count": "重新打开次数 · How often it was reopened",
    "dispatch_count": "分派次数 · Dispatches",
    "reject_count": "被拒绝次数 · Refused dispatches",
    "return_count": "转回次数 · Returns to the desk",
    "refusal_count": "确认被否次数 · Refused confirmations",
    "attempt_count": "确认尝试次数 · Attempts to confirm",
    "escalation_level": "升级级别 · Escalation level",
    "instance": "流程实例 · Process instance",
    "diagram_version": "流程图版本 · Version of the diagram",
    "call": "事件编号 · Number of the incident",
    "seq": "序号 · Number in its order",
    "type": "类型代码 · Type code",
    "group": "工作组 · Workgroup",
    "at": "时间 · When",
    "by": "操作人 · Who",
    "created_at": "创建时间 · Made at",
    "created_by": "创建人 · Made by",
    "started_at": "开始时间 · Begun at",
    "finished_at": "结束时间 · Finished at",
    "accepted_at": "受理时间 · Accepted at",
    "due_accept": "受理期限 · To be accepted by",
    "due_finish": "完成期限 · To be finished by",
    "raised_at": "升级时间 · Raised at",
    "raised_by": "升级人 · Who raised it",
    "trigger": "触发代码 · Trigger code",
    "level": "级别代码 · Level code",
    "holder": "级别负责人 · Who holds the level",
    "holder_group": "负责级别的工作组 · The group that holds the level",
    "state": "状态 · State",
    "result": "结果 · Result",
    "ended_at": "结束时间 · Ended at",
    "field": "字段 · Field",
    "old": "原值 · Old value",
    "new": "新值 · New value",
    "what": "事项 · What happened",
    "task_id": "任务 · The task",
    "failure_id": "故障 · The failure",
    "table": "代码表名 · Name of a code table",
    "element": "流程图元素 · Element of the diagram",
    "process": "流程 · Process",
    "incident": "事件编号 · Number of the incident",
    "tokens": "令牌所在的元素 · Where its tokens are",
    "variables": "网关可用的变量 · What its gateways may ask",
    "waits_for": "推动它的事物 · What can move it",
    "tasks": "待办任务 · Open tasks",
    "groups": "工作组 · Workgroups",
    "members": "成员 · Members",
    "due_at": "期限 · Due at",
    "revision": "流程实例的版本 · Revision of the instance",
    "error": "出错信息 · What went wrong",
    "verb": "当时的操作 · The verb that failed",
    "job": "失败的作业 · The job that failed",
    "resolved_by": "处理人 · Who resolved it",
    "code": "代码 · Code",
    "name": "名称 · Name",
    "active": "启用 · In use",
    "staff_no": "工号 · Staff number",
    "account": "帐号 · Account",
    "organisation": "组织代码 · Code of the organisation",
    "phone": "电话 · Phone",
    "mobile": "手机 · Mobile",
    "email": "邮件 · Mail",
    "job_title": "岗位 · Job title",
    "environment": "环境 · Environment",
    "tier": "层级 · Tier",
    "response": "各优先级的响应时限(分钟) · Limit in minutes by priority",
    "contacts": "联系人,按联系次序 · Contacts, first to call first",
}


def _labels() -> dict[str, str]:
    """The label of each field of the shipped forms; the first form that asks for it names it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "bpmn").glob("t200_*.form")):
        for drawn in json.loads(path.read_text(encoding="utf-8"))["components"]:
            label, english = drawn.get("label") or drawn.get("dateLabel"), drawn["properties"].get("label_en")
            if "key" in drawn and label and english:
                found.setdefault(drawn["key"], f"{label} · {english}")
    return found


MEANINGS = _labels() | WORDS
