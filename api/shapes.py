"""How rows of the engine leave over HTTP: tasks with their form, instances with their tokens and history."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from api.errors import language
from api.product import now, person, product
from engine import reads
from engine.forms import Field, Form
from engine.ports import Command
from handlers import directory, facts, options
from handlers.errors import UnknownCall


def task(row: sa.Row[Any]) -> dict[str, Any]:
    """A task as a list shows it."""
    return {
        "id": row.id,
        "element": row.element_id,
        "name": row.element_name,
        "incident": row.business_key,
        "process": row.process,
        "instance": row.instance_id,
        "revision": row.revision,
        "groups": row.groups,
        "assignee": row.assignee,
        "priority": row.priority,
        "created_at": row.created_at,
        "due_at": row.due_at,
    }


def seen(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as this person may see them: personal contact data are for supporters (PROCESS §6.10)."""
    if product().desk.sees_contacts(Command(connection, person(), now())):
        return rows
    return [directory.veiled(row) for row in rows]


def seen_whole(connection: sa.Connection, record: dict[str, Any]) -> dict[str, Any]:
    """One record as this person may see it."""
    return seen(connection, [record])[0]


def form(connection: sa.Connection, drawn: Form, incident: str | None) -> dict[str, Any]:
    """A form: what may be chosen, and what the record says already."""
    command = Command(connection, person(), now())
    known = _record(connection, incident) if incident else {}
    return {"id": drawn.id, "fields": [_field(command, field, known) for field in drawn.fields]}


def _record(connection: sa.Connection, no: str) -> dict[str, Any]:
    """What is known of a call; nothing where the business key is another process's own."""
    try:
        return seen_whole(connection, facts.incident(connection, no))
    except UnknownCall:
        return {}


def instance(connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    """An instance, the elements where its tokens stand, and what can move it from there."""
    waits = reads.waits(connection, row.id)
    named = {h.element_id: h.element_name for h in reads.history(connection, row.id)}
    return {
        "id": row.id,
        "process": row.process,
        "version": row.version,
        "started_at": row.started_at,
        "started_by": row.started_by,
        "ended_at": row.ended_at,
        "end_element": row.end_element,
        "tokens": [{"element": t, "name": named.get(t, t)} for t in row.tokens],
        "variables": row.variables,
        "waits_for": {
            "tasks": [t.id for t in waits["tasks"]],
            "messages": sorted({m.message for m in waits["messages"]}),
            "due": sorted(j.due_at for j in waits["jobs"]),
            "failures": [f.id for f in waits["failures"]],
        },
    }


def instance_with_history(connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    """An instance with every row of its history, in order."""
    rows = reads.history(connection, row.id)
    return {**instance(connection, row), "history": [_happened(h) for h in rows]}


def _happened(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at,
        "kind": row.kind,
        "element": row.element_id,
        "name": row.element_name,
        "by": row.by,
        "data": row.data,
    }


def _field(command: Command, drawn: Field, known: Mapping[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "key": drawn.key,
        "label": drawn.label,
        "type": drawn.type,
        "required": drawn.required,
        "value": known.get(drawn.key),
    }
    if drawn.values:
        shape["options"] = [{"value": value, "label": label} for value, label in drawn.values]
    if drawn.values_key:
        shape["options"] = _options(command, drawn.values_key)
    return shape


def _options(command: Command, key: str) -> list[dict[str, str]]:
    lang = language()
    choices = options.choices(command.connection, product().desk.codes(command), key)
    return [{"value": c.value, "label": c.label_zh if lang == "zh" else c.label_en} for c in choices]
