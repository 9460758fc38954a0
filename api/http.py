"""JSON in and out: what a body may be, how times leave, and the blueprint that applies both."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, NoReturn, cast
from zoneinfo import ZoneInfo

import flask_smorest
import marshmallow
import orjson
from flask import Flask, Request, Response, jsonify, request
from flask.json.provider import JSONProvider
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from api import sessions
from api.errors import (
    BadNumber,
    BadText,
    BodyTooLarge,
    DuplicateKey,
    EdgeError,
    InvalidRequest,
    MalformedJson,
    NotAnObject,
    NotJson,
    TooDeep,
    UnknownFileType,
)

BODY_LIMIT = 1024 * 1024
DEPTH_LIMIT = 16
# Keys too: SQLAlchemy names a column whose name is a reserved word (`group`) by a subclass of str.
OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
INTEGER_LIMIT = 2**63 - 1
View = Callable[..., Any]
SECURITY: dict[str, dict[str, str]] = {
    "basic": {"type": "http", "scheme": "basic"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": sessions.COOKIE,
        "description": "浏览器登录(/login)后的会话,https 下名为 `__Host-flow200`;修改须带 `X-CSRF-Token` · "
        "The session of a browser after /login, over https `__Host-flow200`; a change needs `X-CSRF-Token`",
    },
}
"""How a request says who asks, for both OpenAPI documents."""

ZH = {
    "Missing data for required field.": "必填。",
    "Unknown field.": "未知的字段。",
    "Field may not be null.": "不能为 null。",
    "Not a valid integer.": "不是整数。",
    "Not a valid string.": "不是文本。",
    "Not a valid mapping type.": "不是 JSON 对象。",
    "Not a valid boolean.": "须为 true 或 false。",
    "Not a valid datetime.": "须为带时区的时间,例如 2026-11-25T09:00:00+08:00。",
    "Not a valid aware datetime.": "时间必须带时区,例如 2026-11-25T09:00:00+08:00。",
}


class Json(JSONProvider):
    """Flask's JSON by orjson; a time leaves in the time zone of the edge, to the second."""

    def __init__(self, app: Flask, zone: ZoneInfo) -> None:
        super().__init__(app)
        self.zone = zone

    def dumps(self, obj: Any, **_: Any) -> str:
        """Serialize to text."""
        return self._bytes(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Read well-formed JSON."""
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """A response with this content."""
        content = self._prepare_response_obj(args, kwargs)
        return Response(self._bytes(content) + b"\n", mimetype="application/json")

    def _bytes(self, obj: Any) -> bytes:
        return orjson.dumps(obj, default=self._leave, option=OPTIONS)

    def _leave(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(self.zone).isoformat(timespec="seconds")
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, set | frozenset):
            return sorted(value)
        raise TypeError(f"{type(value).__name__} cannot leave as JSON")


def body() -> dict[str, Any]:
    """The JSON object in the body of this request; an empty body is an empty object.

    The content type is asked of an empty body too: a form that another site posts cannot have it. Only a
    request with neither may leave both out, as `curl -X POST` does.

    Raises NotJson, BodyTooLarge, MalformedJson, DuplicateKey, TooDeep, BadNumber, BadText, NotAnObject.
    """
    content = _content()
    silent = not (content or request.mimetype)
    if request.mimetype != "application/json" and not silent:
        raise NotJson(type=request.mimetype)
    value = parse(content) if content else {}
    if not isinstance(value, dict):
        raise NotAnObject
    return value


def file(kinds: Mapping[str, str]) -> tuple[str, bytes]:
    """The file that is the body: its kind by content type, and its bytes.

    Raises UnknownFileType, BodyTooLarge.
    """
    kind = kinds.get(request.mimetype)
    if kind is None:
        raise UnknownFileType(taken=", ".join(kinds), type=request.mimetype)
    return kind, _content()


def parse(content: bytes) -> Any:
    """Read hostile JSON: what two readers could understand differently is refused."""
    try:
        orjson.loads(content)  # strict: refuses NaN, lone surrogates, bad UTF-8, a byte-order mark
    except orjson.JSONDecodeError as error:
        raise _translated(error) from error
    value = json.loads(content, object_pairs_hook=_unique)  # the only one that sees a key twice
    _inspect(value, 1)
    return value


def _translated(error: orjson.JSONDecodeError) -> EdgeError:
    if error.msg.startswith("depth limit"):
        return TooDeep(limit=DEPTH_LIMIT)
    if error.msg.startswith("number is infinity"):
        return BadNumber(number="∞")
    return MalformedJson(reason=str(error))


def _content() -> bytes:
    try:
        content = request.get_data(cache=True)
    except RequestEntityTooLarge as error:
        raise BodyTooLarge(limit=BODY_LIMIT) from error
    if len(content) > BODY_LIMIT:
        raise BodyTooLarge(limit=BODY_LIMIT)
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise DuplicateKey(key=key)
        seen[key] = value
    return seen


def _inspect(value: Any, depth: int) -> None:
    if isinstance(value, dict | list) and depth > DEPTH_LIMIT:
        raise TooDeep(limit=DEPTH_LIMIT)
    if isinstance(value, dict):
        for key, inner in value.items():
            _inspect(key, depth)
            _inspect(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _inspect(inner, depth + 1)
    elif isinstance(value, str):
        refuse_nul(value)
    elif isinstance(value, int) and abs(value) > INTEGER_LIMIT:
        raise BadNumber(number=value)


def refuse_nul(text: str) -> None:
    """PostgreSQL keeps no U+0000; it is refused at the door on every database."""
    if "\0" in text:
        raise BadText


class StrictParser(FlaskParser):
    """webargs with our JSON reader and our error; unknown fields are refused everywhere."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": marshmallow.RAISE,
        "json": marshmallow.RAISE,
    }

    def load_json(self, req: Request, schema: marshmallow.Schema) -> Any:
        """The body, read by `body`."""
        return body()

    def load_querystring(self, req: Request, schema: marshmallow.Schema) -> Any:
        """The query; a parameter given twice is refused like a duplicate key."""
        for name, values in req.args.lists():
            if len(values) > 1:
                raise DuplicateKey(key=name)
            refuse_nul(name + values[0])
        return super().load_querystring(req, schema)

    def handle_error(
        self, error: marshmallow.ValidationError, req: Request, schema: marshmallow.Schema, **_: Any
    ) -> NoReturn:
        """Translate marshmallow's error once, where it enters; webargs files it under its location."""
        found = cast("dict[str, dict[str, Any]]", error.messages)
        raise _invalid({name: said for fields in found.values() for name, said in fields.items()}) from error


def load(schema: type[marshmallow.Schema], value: dict[str, Any]) -> dict[str, Any]:
    """A part of a body, checked by its own schema. Raises InvalidRequest."""
    try:
        return cast("dict[str, Any]", schema().load(value))
    except marshmallow.ValidationError as error:
        raise _invalid(cast("dict[str, Any]", error.messages)) from error


def _invalid(messages: dict[str, Any]) -> InvalidRequest:
    return InvalidRequest({name: _sentence(said) for name, said in messages.items()})


def _sentence(said: Any) -> dict[str, str]:
    english = said[0] if isinstance(said, list) else str(said)
    return {"en": english, "zh": ZH.get(english, "值无效。")}


def policy(form_action: str = "'none'") -> str:
    """The Content-Security-Policy of an answer; a page with a form names where it may go."""
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
        f"base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    )


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A blueprint with the strict reader."""

    ARGUMENTS_PARSER = StrictParser()

    def answers(self, status: int, schema: str | dict[str, Any], description: str) -> Callable[[View], View]:
        """Document what a view answers, by a schema or the name of one in `schemas`, and shape it as JSON.

        The content goes to orjson as it is; tests hold it against the schema.
        """
        documented = self.response(status, schema, description=description)

        def decorate(view: View) -> View:
            @wraps(view)
            def shaped(*args: Any, **kwargs: Any) -> Response:
                content, *more = result if isinstance(result := view(*args, **kwargs), tuple) else (result,)
                response = jsonify(content)
                response.status_code = status
                response.headers.update(next((one for one in more if isinstance(one, dict)), {}))
                return response

            return cast("View", documented(shaped))

        return decorate


class Schema(marshmallow.Schema):
    """A request schema: unknown fields are refused."""

    class Meta:
        unknown = marshmallow.RAISE


class Nothing(Schema):
    """A body that says nothing."""


def ref(name: str) -> dict[str, str]:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def body_of(schema: str, description: str) -> dict[str, Any]:
    """The document's words for a body that a form checks, not a schema of ours."""
    content = {"application/json": {"schema": ref(schema)}}
    return {"description": description, "required": True, "content": content}


def if_match(description: str) -> dict[str, Any]:
    """The header that names the version that was seen: refused with 409 if somebody was faster."""
    return {"name": "If-Match", "in": "header", "description": description, "schema": {"type": "string"}}


def seen_version() -> int | None:
    """The version that the person saw, from If-Match; None if none is given. Raises InvalidRequest."""
    given = request.headers.get("If-Match")
    if given is None:
        return None
    number = given.strip('"')
    if not number.isascii() or not number.isdigit():
        raise InvalidRequest(
            {"If-Match": {"zh": "须为读到的版本号。", "en": "Must be the version that was read."}}
        )
    return int(number[:18])
