"""What all lists have in common: limit, sort, the opaque `next`, and the shape of their answer."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from flask import request
from marshmallow import ValidationError, fields, validate

from api.http import Schema, refuse_nul
from api.product import person
from handlers.errors import StaleNext
from handlers.paging import Page

PAGING = ("limit", "sort", "after")
Place = tuple[Any, ...]


class Moment(fields.AwareDateTime):
    """An instant in a query; a `+` that a browser turned into a blank is still the offset's sign."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        try:
            found = super()._deserialize(str(value).replace(" ", "+"), attr, data, **more)
            return found.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError("Not a valid datetime.") from error


class ListQuery(Schema):
    """How much of a list, and from where."""

    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(1, 200),
        metadata={"description": "一页的行数 · Rows of a page"},
    )
    after = fields.String(
        validate=validate.Length(1, 600),
        metadata={
            "description": "上一页的 next;筛选和排序须不变 · "
            "The `next` of the page before; filters and order must be the same"
        },
    )


def text(description: str, longest: int = 100, **more: Any) -> fields.String:
    """A filter by text."""
    return fields.String(validate=validate.Length(1, longest), metadata={"description": description}, **more)


def truth(description: str) -> fields.Boolean:
    """A filter by yes or no."""
    return fields.Boolean(metadata={"description": description})


def order(names: Iterable[str]) -> fields.String:
    """The orders of a list; the first one is it unless the request says otherwise."""
    listed = tuple(names)
    return fields.String(
        load_default=listed[0],
        validate=validate.OneOf(listed),
        metadata={"description": "排序,- 为降序 · Order; - is descending"},
    )


def wanted(query: dict[str, Any]) -> dict[str, Any]:
    """The filters of a query; `me` as an assignee is the person who asks."""
    found = {name: value for name, value in query.items() if name not in PAGING}
    if found.get("assignee") == "me":
        found["assignee"] = person().id
    return found


def place(query: dict[str, Any], kinds: Sequence[type]) -> Place | None:
    """Where the page begins, from `after`; `kinds` are the types of the order's columns.

    Raises StaleNext if it is not the `next` of this list with these filters and this order.
    """
    if "after" not in query:
        return None
    try:
        word = query["after"]
        print_, *values = orjson.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)))
        if print_ != _fingerprint(query):
            raise StaleNext("after")
        return tuple(_read(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise StaleNext("after") from error


def answer(page: Page, query: dict[str, Any]) -> dict[str, Any]:
    """The shape of every list: items, how many in all (`total_capped`: more than that), the next page."""
    return {
        "items": page.rows,
        "total": page.total,
        "total_capped": page.capped,
        "next": _word(page.next, query) if page.next else None,
    }


def whole(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that is short enough to come whole."""
    return {"items": items, "total": len(items), "total_capped": False, "next": None}


def _word(values: Place, query: dict[str, Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(orjson.dumps([_fingerprint(query), *plain])).decode().rstrip("=")


def _fingerprint(query: dict[str, Any]) -> str:
    """The list, its order and its filters, so that a page of one is not continued in another."""
    asked = sorted((name, str(value)) for name, value in query.items() if name not in ("limit", "after"))
    return hashlib.blake2b(repr((request.endpoint, asked)).encode(), digest_size=6).hexdigest()


def _read(value: Any, kind: type) -> Any:
    if kind is datetime:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError(value)
        return found.astimezone(UTC)
    if value is not None and type(value) is not kind:
        raise TypeError(value)
    if isinstance(value, str):
        refuse_nul(value)
    if isinstance(value, int) and not 0 <= value < 2**31:
        raise ValueError(value)
    return value
