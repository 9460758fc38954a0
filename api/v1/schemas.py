"""The OpenAPI document: what every answer looks like, mostly read off the tables that it comes from."""

import json
from http import HTTPStatus
from typing import Any

import flask_smorest
import sqlalchemy as sa
from flask import Flask

from api import http
from api.http import ref
from api.settings import ROOT
from api.v1.meanings import MEANINGS
from engine import store
from handlers import facts, hand_over, registry, tables
from handlers.directory import DIRECTORIES

OPENAPI = {
    "info": {
        "title": "flow200",
        "description": "IT 事件管理流程 200 的接口 · The interface of IT incident process 200",
    },
    "components": {"securitySchemes": http.SECURITY},
    "security": [{name: []} for name in http.SECURITY],
}
PROBLEM = "application/problem+json"
Shape = dict[str, Any]


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with our schemas and our one error."""

    def init_app(self, app: Flask, **more: Any) -> None:
        """Register with the application, with the schemas that views name."""
        super().init_app(app, **more)
        for name, shape in SHAPES.items():
            self.spec.components.schema(name, shape)

    def _register_pagination_header(self) -> None:
        """Ours is in the body (`api.v1.lists`)."""

    def _register_responses(self) -> None:
        problem = {"schema": ref("Problem")}
        for status in HTTPStatus:
            response = {"description": status.phrase, "content": {PROBLEM: problem}}
            self.spec.components.response(status.name, response, lazy=True)
        response = {"description": "错误 · An error", "content": {PROBLEM: problem}}
        self.spec.components.response("DEFAULT_ERROR", response, lazy=True)


def strict(properties: dict[str, Shape], **more: Any) -> Shape:
    """An object with exactly these properties, null where nothing is known."""
    return {
        "type": "object",
        "properties": {name: told(name, shape) for name, shape in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def array(items: Shape) -> Shape:
    """A list of these."""
    return {"type": "array", "items": items}


def maybe(kind: str, **more: Any) -> Shape:
    """This type, or null."""
    return {"type": [kind, "null"], **more}


def column(of: sa.Column[Any]) -> Shape:
    """What a column says of its values."""
    kind: Shape = {"type": "string"}
    match of.type:
        case tables.Instant() | store.Instant():
            kind = {"type": "string", "format": "date-time"}
        case sa.Boolean():
            kind = {"type": "boolean"}
        case sa.Integer():
            kind = {"type": "integer"}
    return {**kind, "type": [kind["type"], "null"]} if of.nullable else kind


def told(name: str, shape: Shape) -> Shape:
    """A column with what it means, where that is known."""
    known = "description" in shape or "$ref" in shape or name not in MEANINGS
    return shape if known else {**shape, "description": MEANINGS[name]}


def row(table: sa.Table, *names: str, without: tuple[str, ...] = (), **more: Any) -> Shape:
    """A row of a table, all columns or those named, and what is added to it."""
    chosen = [str(c.name) for c in table.columns if (not names or c.name in names) and c.name not in without]
    return strict({**{name: column(table.c[name]) for name in chosen}, **more})


def entry(name: str, **more: Any) -> Shape:
    """A row of the reference data as its directory shows it."""
    found = DIRECTORIES[name]
    return row(found.table, *found.shown, **more)


def page(name: str) -> Shape:
    """A list of these, in pages."""
    return strict(
        {
            "items": array(ref(name)),
            "total": {"type": "integer", "minimum": 0, "description": "总数 · How many there are"},
            "total_capped": {
                "type": "boolean",
                "description": "实际多于 total · There are more than `total`",
            },
            "next": maybe("string", description="下一页的 after · The `after` of the next page"),
        }
    )


def form(name: str) -> Shape:
    """The body that a shipped form takes; what select fields offer is read from GET /tasks/{task_id}."""
    drawn = json.loads((ROOT / "bpmn" / f"{name}.form").read_text(encoding="utf-8"))
    fields = [c for c in drawn["components"] if "key" in c]
    checks = {c["key"]: c.get("validate") or {} for c in fields}
    return {
        "type": "object",
        "properties": {c["key"]: _component(c) for c in fields},
        "required": [key for key, check in checks.items() if check.get("required")],
        "additionalProperties": False,
    }


def _component(drawn: Shape) -> Shape:
    limits = {name: value for name, value in (drawn.get("validate") or {}).items() if name != "required"}
    labels = f"{drawn.get('label') or drawn['dateLabel']} · {drawn['properties']['label_en']}"
    kind: Shape = {"type": "string", "description": labels, **limits}
    return {**kind, "format": "date-time"} if drawn["type"] == "datetime" else kind


TEXT: Shape = {"type": "string"}
MOMENT: Shape = {"type": "string", "format": "date-time"}
NUMBER: Shape = {"type": "integer"}
ANYTHING: Shape = {"type": "object", "additionalProperties": True}
SCALAR: Shape = {"type": ["string", "number", "boolean", "null"]}
HOURS: Shape = maybe("array", items=array(TEXT))
LABELLED: Shape = strict({"value": TEXT, "label": TEXT})
TASK: dict[str, Shape] = {
    "id": TEXT,
    "element": TEXT,
    "name": TEXT,
    "incident": maybe("string"),
    "process": TEXT,
    "instance": TEXT,
    "revision": NUMBER,
    "groups": array(TEXT),
    "assignee": maybe("string"),
    "priority": NUMBER,
    "created_at": MOMENT,
    "due_at": maybe("string", format="date-time"),
}
INSTANCE: dict[str, Shape] = {
    "id": TEXT,
    "process": TEXT,
    "version": NUMBER,
    "started_at": MOMENT,
    "started_by": TEXT,
    "ended_at": maybe("string", format="date-time"),
    "end_element": maybe("string"),
    "tokens": array(strict({"element": TEXT, "name": TEXT})),
    "variables": {"type": "object", "additionalProperties": SCALAR},
    "waits_for": strict(
        {"tasks": array(TEXT), "messages": array(TEXT), "due": array(MOMENT), "failures": array(TEXT)}
    ),
}
INSTANT: Shape = maybe("string", format="date-time")
AMOUNT: Shape = {"type": ["number", "null"], "description": "日历分钟 · Minutes on the calendar"}
SEGMENT = strict(
    {
        "priority": TEXT,
        "calendar": TEXT,
        "start": MOMENT,
        "until": INSTANT,
        "target": AMOUNT,
        "elapsed": AMOUNT,
        "paused": AMOUNT,
    }
)
CLOCK = strict(
    {
        "clock": TEXT,
        "subject": maybe("string"),
        "state": TEXT,
        "why": maybe("string"),
        "priority": maybe("string"),
        "calendar": TEXT,
        "start": INSTANT,
        "target": AMOUNT,
        "due": INSTANT,
        "elapsed": AMOUNT,
        "total": AMOUNT,
        "paused": AMOUNT,
        "stopped_at": INSTANT,
        "overdue_at": INSTANT,
        "provisional": maybe("array", items=NUMBER),
        "segments": maybe("array", items=SEGMENT),
    }
)
COMING = strict(
    {
        "clock": TEXT,
        "share": AMOUNT,
        "at": MOMENT,
        "trigger": maybe("string"),
        "level": maybe("string"),
    }
)
HAPPENED = strict(
    {
        "seq": NUMBER,
        "at": MOMENT,
        "kind": TEXT,
        "element": TEXT,
        "name": TEXT,
        "by": TEXT,
        "data": {**ANYTHING, "type": ["object", "null"]},
    }
)
FIELD = {
    "type": "object",
    "properties": {
        "key": TEXT,
        "label": TEXT,
        "type": TEXT,
        "required": {"type": "boolean"},
        "value": SCALAR,
        "options": array(LABELLED),
    },
    "required": ["key", "label", "type", "required", "value"],
    "additionalProperties": False,
}
CALL = row(tables.incident, without=facts.HEAD)["properties"]

SHAPES: dict[str, Shape] = {
    "Problem": {
        "type": "object",
        "description": "唯一的错误格式(RFC 9457) · The one body of every error (RFC 9457)",
        "properties": {
            "type": {"type": "string", "description": "urn:flow200:error:… "},
            "title": TEXT,
            "status": NUMBER,
            "detail": TEXT,
            "instance": {"type": "string", "description": "请求的路径 · The path of the request"},
            "message": {"type": "string", "description": "给人看的一句话 · The sentence for a person"},
            "code": {"type": "string", "description": "给程序看的代码 · The word for a program"},
            "fields": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "有误的字段 · What is wrong, by field",
            },
            "candidates": array(ANYTHING),
        },
        "required": ["type", "title", "status", "detail", "instance", "message", "code"],
        "additionalProperties": False,
    },
    "Call": form("t200_1"),
    "OpenApi": ANYTHING,
    "Answer": {"type": "object", "additionalProperties": True},
    "Incident": row(tables.incident, *registry.SHOWN),
    "Incidents": page("Incident"),
    "IncidentRecord": strict(
        {
            **CALL,
            "work_orders": array(ref("WorkOrder")),
            "holds": array(row(tables.hold)),
            "vendor_engagements": array(
                row(tables.vendor_engagement, contacts=array(row(tables.vendor_attempt)))
            ),
            "confirmations": array(row(tables.confirmation)),
            "hand_offs": array(ref("HandOff")),
            "escalations": array(ref("EscalationWithRaises")),
            "notices": array(row(tables.notice)),
            "similar": {
                **array(TEXT),
                "description": "同一配置项或呼叫人的未关闭事件 · Open calls of the same CI or caller",
            },
            "instances": array(ref("Instance")),
            "tasks": array(ref("Task")),
        }
    ),
    "IncidentClocks": strict(
        {
            "no": {"type": "string"},
            "at": MOMENT,
            "clocks": array(CLOCK),
            "coming": array(COMING),
        }
    ),
    "IncidentHistory": strict(
        {
            "no": TEXT,
            "instances": array(strict({**INSTANCE, "history": array(HAPPENED)})),
            "log": array(row(tables.log)),
        }
    ),
    "Instance": strict(INSTANCE),
    "Task": strict(TASK),
    "Tasks": strict({"items": array(ref("Task")), "next": maybe("string")}),
    "TaskWithForm": strict(
        {
            **TASK,
            "completed_at": maybe("string", format="date-time"),
            "work_orders": {
                **array(TEXT),
                "description": "此任务办理的工单 · The work orders that this task carries",
            },
            "form": {
                "anyOf": [strict({"id": TEXT, "fields": array(FIELD)}), {"type": "null"}],
            },
        }
    ),
    "Moved": strict({"incident": maybe("string"), "instance": ref("Instance"), "tasks": array(ref("Task"))}),
    "WorkOrder": row(tables.work_order),
    "WorkOrders": page("WorkOrder"),
    "HandOff": row(tables.hand_off, without=("details",), details={**ANYTHING, "type": ["object", "null"]}),
    "HandOffs": page("HandOff"),
    "Escalation": row(tables.escalation),
    "Escalations": page("Escalation"),
    "EscalationWithRaises": row(tables.escalation, raises=array(row(tables.escalation_raise))),
    "ShiftChange": row(tables.shift_change, *hand_over.COLUMNS),
    "ShiftChanges": page("ShiftChange"),
    "ShiftChangeWithCalls": row(
        tables.shift_change,
        *hand_over.COLUMNS,
        calls=array(
            row(
                tables.incident,
                *hand_over.SHOWN,
                next_due=INSTANT,
                promised_at=INSTANT,
                last_note={"anyOf": [strict({"at": MOMENT, "by": TEXT, "text": TEXT}), {"type": "null"}]},
            )
        ),
    ),
    "Person": entry("people", groups=array(TEXT)),
    "People": page("Person"),
    "Organisation": entry("organisations"),
    "Organisations": page("Organisation"),
    "Workgroup": entry(
        "workgroups",
        members=array(strict({"staff_no": TEXT, "name": TEXT, "role": TEXT, "active": {"type": "boolean"}})),
    ),
    "Workgroups": page("Workgroup"),
    "Ci": entry("cis"),
    "Cis": page("Ci"),
    "Service": entry("services"),
    "Services": page("Service"),
    "Vendor": entry("vendors", contacts=array(ANYTHING), contracts=array(TEXT)),
    "Vendors": page("Vendor"),
    "Contract": entry("contracts", response={"type": "object", "additionalProperties": NUMBER}),
    "Contracts": page("Contract"),
    "CodeTable": strict({"table": TEXT, "rows": NUMBER, "active": NUMBER}),
    "CodeTables": page("CodeTable"),
    "Code": strict(
        {
            "code": TEXT,
            "zh": TEXT,
            "en": TEXT,
            "parent": maybe("string"),
            "active": {"type": "boolean"},
            "data": ANYTHING,
        }
    ),
    "Codes": page("Code"),
    "Calendar": strict(
        {
            "code": TEXT,
            "zh": TEXT,
            "en": TEXT,
            "weekdays": {**maybe("array", items=NUMBER), "description": "工作日,0 为周一 · 0 is Monday"},
            "windows": HOURS,
            "years": array(
                strict({"year": NUMBER, "provisional": {"type": "boolean"}, "source": maybe("string")})
            ),
        }
    ),
    "Calendars": page("Calendar"),
    "CalendarDay": strict(
        {
            "date": {"type": "string", "format": "date"},
            "working": {"type": "boolean"},
            "zh": maybe("string"),
            "en": maybe("string"),
            "windows": HOURS,
            "source": maybe("string"),
        }
    ),
    "CalendarDays": page("CalendarDay"),
    "CalendarImport": strict(
        {
            "days_off": NUMBER,
            "working_days": NUMBER,
            "settled": {**array(NUMBER), "description": "不再暂定的年份 · Years provisional no longer"},
        }
    ),
    "Failure": strict(
        {
            "id": TEXT,
            "at": MOMENT,
            "by": TEXT,
            "verb": TEXT,
            "error": TEXT,
            "resolved_at": maybe("string", format="date-time"),
            "resolved_by": maybe("string"),
            "element": TEXT,
            "instance": maybe("string"),
            "process": maybe("string"),
            "incident": maybe("string"),
            "job": {
                "anyOf": [
                    strict(
                        {
                            "key": TEXT,
                            "state": maybe("string"),
                            "due_at": maybe("string", format="date-time"),
                        }
                    ),
                    {"type": "null"},
                ]
            },
        }
    ),
    "Failures": page("Failure"),
    "Health": strict({"status": {"const": "ok"}, "time": MOMENT}),
    "Version": strict(
        {
            "product": strict({"name": TEXT, "version": TEXT}),
            "engine": strict({"name": TEXT, "version": TEXT}),
            "python": TEXT,
            "database": TEXT,
            "schema": maybe("string"),
            "definitions": array(
                strict(
                    {
                        "process": TEXT,
                        "version": NUMBER,
                        "name": TEXT,
                        "id": TEXT,
                        "deployed_at": MOMENT,
                        "carried_forms": array(strict({"file": TEXT, "deployment_id": TEXT})),
                    }
                )
            ),
        }
    ),
}
