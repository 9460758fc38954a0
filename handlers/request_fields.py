"""The request form of a leaf (200.3a): which fields it offers and needs is the code table `request_field`."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from handlers import answers
from handlers.codes import Code
from handlers.errors import NotOfThisRequest
from handlers.incident import Answer, Incident, Scene


def details(call: Incident, answer: Answer, scene: Scene) -> dict[str, Any]:
    """What the desk filled in for this leaf; raises NotOfThisRequest, Missing, both naming the fields."""
    above = scene.codes.lineage(call.classification)
    fields = {row.code: row for row in scene.codes.table("request_field").values() if row.active}
    given = {name: answer[name] for name in fields if not answers.blank(answer.get(name))}
    foreign = [name for name in given if not _fits(fields[name], "offered", above)]
    if foreign:
        raise NotOfThisRequest(*foreign, names=", ".join(foreign), classification=call.classification)
    answers.need(given, *(name for name, row in fields.items() if _fits(row, "required", above)))
    return {name: _plain(value) for name, value in given.items()}


def stored(values: Mapping[str, Any]) -> str | None:
    """The text that the books keep; None for nothing."""
    return json.dumps(dict(values), ensure_ascii=False) if values else None


def _fits(row: Code, which: str, above: tuple[str, ...]) -> bool:
    return bool(set(row.data.get(which, ())) & set(above))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.strip() if isinstance(value, str) else value
