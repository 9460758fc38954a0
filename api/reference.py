"""An OpenAPI document as a page: every operation and schema, in one of two languages, without scripts."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, render_template
from markupsafe import Markup, escape

from api.errors import language

METHODS = ("get", "post", "patch", "put", "delete")
HALVES = {
    "/api/v1": "流程 200 的业务接口 · The domain of process 200",
    "/engine-rest": "Camunda 7 接口 · The interface of Camunda 7",
}
"""Where each half of the interface is, and what it is called; both pages are at `/docs` below it."""
Said = tuple[str, str]
"""A text in Chinese and in English; `code` stands in backquotes."""
OPERATION: dict[str, Any] = {
    "security": [],
    "responses": {
        "200": {
            "description": "HTML 页面 · A page",
            "content": {"text/html": {"schema": {"type": "string"}}},
        }
    },
}
"""What a document says of its page."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Half:
    """What a page says beside its document."""

    prefix: str
    """A key of HALVES."""
    lead: Said
    """What this half is, in a sentence or two."""
    rules: tuple[Said, ...]
    """What all its operations have in common."""
    meanings: Mapping[str, str]
    """What a parameter is that the document does not describe: name → 中文 · English."""


def page(
    half: Half, document: Mapping[str, Any], examples: Mapping[str, Mapping[str, Any]] | None = None
) -> Response:
    """The page of a half from its document, in the language of the request.

    `examples` are requests and answers by operation, `{"GET /api/v1/tasks": {path, request, answer}}`.
    """
    zh = language() == "zh"
    html = render_template("reference.html", zh=zh, **_told(half, document, examples or {}, zh))
    response = Response(html, mimetype="text/html")
    response.headers["Content-Language"] = "zh-CN" if zh else "en"
    return response


def _told(
    half: Half, document: Mapping[str, Any], examples: Mapping[str, Mapping[str, Any]], zh: bool
) -> dict[str, Any]:
    """What the template shows."""
    return {
        "prefix": half.prefix,
        "halves": {prefix: _in_one_language(name, zh) for prefix, name in HALVES.items()},
        "lead": _marked(half.lead, zh),
        "rules": [_marked(rule, zh) for rule in half.rules],
        "error": _content_of(document["components"]["responses"]["DEFAULT_ERROR"], zh)["type"],
        "groups": list(_groups(half, document, examples, zh)),
        "schemas": _schemas(document, zh),
    }


def _groups(
    half: Half, document: Mapping[str, Any], examples: Mapping[str, Mapping[str, Any]], zh: bool
) -> Iterator[dict[str, Any]]:
    """The operations by tag, in the order of the tags."""
    for tag in document["tags"]:
        operations = [
            {
                **_operation(path, method, said, zh),
                "parameters": _parameters(methods, said, document, half.meanings, zh),
                **_example(examples.get(f"{method.upper()} {path}", {})),
            }
            for path, methods in document["paths"].items()
            for method, said in methods.items()
            if method in METHODS and tag["name"] in said.get("tags", ())
        ]
        if operations:
            title = _in_one_language(tag.get("description") or tag["name"], zh)
            yield {"id": tag["name"], "title": title, "operations": operations}


def _operation(path: str, method: str, said: Mapping[str, Any], zh: bool) -> dict[str, Any]:
    return {
        "id": f"{method}{re.sub(r'[^a-z0-9]+', '-', path.lower())}".strip("-"),
        "method": method.upper(),
        "path": path,
        "title": _in_one_language(said["description"] if zh else said["summary"], zh),
        "open": said.get("security") == [],
        "body": _content_of(said["requestBody"], zh) if "requestBody" in said else None,
        "answers": [
            {"status": status, **_content_of(a, zh)}
            for status, a in said["responses"].items()
            if status < "4"
        ],
    }


def _example(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request_example": _pretty(found.get("request")),
        "answer_example": _pretty(found.get("answer")),
        "called": found.get("path"),
    }


def _parameters(
    methods: Mapping[str, Any],
    said: Mapping[str, Any],
    document: Mapping[str, Any],
    meanings: Mapping[str, str],
    zh: bool,
) -> Rows:
    """The parameters that the methods of a path share, then the operation's own."""
    return [
        _parameter(one, document, meanings, zh)
        for one in (*methods.get("parameters", ()), *said.get("parameters", ()))
    ]


def _parameter(
    said: Mapping[str, Any], document: Mapping[str, Any], meanings: Mapping[str, str], zh: bool
) -> dict[str, Any]:
    if "$ref" in said:
        said = document["components"]["parameters"][said["$ref"].rsplit("/", 1)[1]]
    shape = said.get("schema", {})
    text = said.get("description") or shape.get("description") or meanings.get(said["name"], "")
    return {
        **_row(said["name"], {**shape, "description": text}, zh),
        "where": said["in"],
        "required": said.get("required", False),
    }


def _content_of(said: Mapping[str, Any], zh: bool) -> dict[str, Any]:
    """A body or an answer: its text, its type, and its fields where the schema has no name."""
    contents: Mapping[str, Any] = said.get("content", {})
    media = next(iter(contents), "")
    shape = contents.get(media, {}).get("schema", {})
    return {
        "media": media,
        "text": _in_one_language(said.get("description", ""), zh),
        "type": _type(shape),
        "fields": _fields(shape, zh),
    }


def _schemas(document: Mapping[str, Any], zh: bool) -> Rows:
    return [
        {
            "name": name,
            "text": _in_one_language(shape.get("description", ""), zh),
            "properties": _fields(shape, zh),
        }
        for name, shape in sorted(document["components"]["schemas"].items())
    ]


def _fields(shape: Mapping[str, Any], zh: bool) -> Rows:
    """The properties of an object; those that have no name of their own come last, under a star."""
    properties, must = shape.get("properties", {}), shape.get("required", ())
    if len(must) == len(properties):  # an answer has all its fields; a star at each says nothing
        must = ()
    rows = [{**_row(name, value, zh), "required": name in must} for name, value in properties.items()]
    others = shape.get("additionalProperties")
    return [*rows, _row("*", others, zh)] if isinstance(others, dict) else rows


def _row(name: str, shape: Mapping[str, Any], zh: bool) -> dict[str, Any]:
    return {
        "name": name,
        "type": _type(shape),
        "limits": _limits(shape),
        "example": next(iter(shape.get("examples", ())), None),
        "text": _in_one_language(shape.get("description", ""), zh),
    }


def _type(shape: Mapping[str, Any]) -> Markup:
    """The type of a value, with links to the schemas that it names."""
    if "$ref" in shape:
        return Markup('<a class="shape" href="#schema-{0}">{0}</a>').format(shape["$ref"].rsplit("/", 1)[1])
    kinds = shape.get("anyOf") or [{**shape, "type": one} for one in _several(shape.get("type"))]
    if len(kinds) != 1:
        return Markup(" | ").join(_type(one) for one in kinds)
    match kinds[0]:
        case {"type": "array", "items": items}:
            return _type(items) + "[]"
        case {"type": "object", "additionalProperties": {} as values} if "properties" not in shape:
            return Markup("{{…: {}}}").format(_type(values))
        case {"type": "null"}:
            return Markup("null")
        case {"type": kind, "format": form}:
            return Markup("{} ({})").format(kind, form)
        case {"type": kind}:
            return escape(kind)
        case other:
            return _type(other)


def _several(kind: str | list[str] | None) -> list[str]:
    return [kind] if isinstance(kind, str) else kind or []


def _limits(shape: Mapping[str, Any]) -> list[str]:
    """What the value may be, in signs that need no language; a default is marked by an equals sign."""
    default = shape.get("default")
    listed = [value for value in shape.get("enum", ()) if value is not None]
    found = [f"= {value}" if value == default else str(value) for value in listed]
    if "maximum" in shape:
        found.append(f"{shape.get('minimum', '')}…{shape['maximum']}")
    if "maxLength" in shape:
        found.append(f"≤ {shape['maxLength']}")
    if default is not None and "enum" not in shape:
        found.append(f"= {default if isinstance(default, str) else json.dumps(default)}")
    return found


def _in_one_language(text: str, zh: bool) -> Markup:
    """The document says most things as 中文 · English."""
    chinese, dot, english = text.partition(" · ")
    return _marked((chinese, english if dot else text), zh)


def _marked(said: Said, zh: bool) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(said[0 if zh else 1]))))


def _pretty(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False, indent=2) if value is not None else None
