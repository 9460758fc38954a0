"""How the engine's values leave over HTTP: tasks with their form, instances with their tokens and history."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from api import records
from api.errors import language
from api.product import engine, now, person, product
from engine.forms import Field, Form
from engine.ports import Command, Element, Instance, Task


def element(drawn: Element) -> dict[str, Any]:
    """A node of the diagram."""
    return {
        "id": drawn.id,
        "name": drawn.name,
        "type": drawn.type,
        "lane": drawn.lane,
        "step": drawn.properties.get("step"),
        "status": drawn.properties.get("status"),
    }


def task(open_task: Task) -> dict[str, Any]:
    """A task as a list shows it."""
    return {
        "id": open_task.id,
        "name": open_task.element.name,
        "element": element(open_task.element),
        "incident": open_task.instance.business_key,
        "process": open_task.instance.process,
        "instance": open_task.instance.id,
        "groups": list(open_task.groups),
        "assignee": open_task.assignee,
        "priority": open_task.priority,
        "created_at": open_task.created_at,
        "due_at": open_task.due_at,
        "completed_at": open_task.completed_at,
    }


def form(drawn: Form | None, incident: str | None) -> dict[str, Any] | None:
    """A form with what may be chosen and what the record says already; None for a task without one."""
    if drawn is None:
        return None
    with product().database.read() as connection:
        command = Command(connection, person(), now())
        known = _known(connection, incident)
        return {"id": drawn.id, "fields": [_field(command, field, known) for field in drawn.fields]}


def instance(running: Instance) -> dict[str, Any]:
    """An instance and the elements where its tokens stand."""
    return {
        "id": running.id,
        "process": running.process,
        "version": running.version,
        "incident": running.business_key,
        "ended_at": running.ended_at,
        "end_element": running.end_element,
        "variables": dict(running.variables),
    }


def moved(running: Instance) -> dict[str, Any]:
    """Where an instance came to rest: its open tasks, or its end."""
    open_tasks = engine().tasks(business_key=running.business_key, process=running.process)
    return {
        **instance(running),
        "tasks": [task(found) for found in open_tasks if found.instance.id == running.id],
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
        legal = product().desk.options(command, drawn.values_key)
        shape["options"] = _options(command.connection, drawn.values_key, legal)
    return shape


def _options(connection: sa.Connection, key: str, legal: Collection[str]) -> list[dict[str, str]]:
    names = records.labels(connection, key)
    lang = language()
    return [{"value": value, "label": names.get(value, {}).get(lang, value)} for value in legal]


def _known(connection: sa.Connection, incident: str | None) -> Mapping[str, Any]:
    return records.call(connection, incident) if incident else {}
