"""The reference of /api/v1 as a page: made from the OpenAPI document, without scripts, in two languages."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from flask import Response, render_template
from flask import current_app as app
from markupsafe import Markup, escape

from api.errors import language
from api.http import Blueprint
from api.settings import ROOT
from api.v1.meanings import MEANINGS

blueprint = Blueprint("docs", __name__, url_prefix="/api/v1", description="文档 · Documentation")
EXAMPLES = ROOT / "api" / "v1" / "examples.json"
METHODS = ("get", "post", "patch", "put", "delete")


@blueprint.get("/openapi.json")
@blueprint.doc(security=[])
@blueprint.answers(200, "OpenApi", "OpenAPI 3.1")
def openapi() -> dict[str, Any]:
    """Read this document as OpenAPI; needs no password.

    以 OpenAPI 格式读取本文档;不需要密码。
    """
    return document_of()


@blueprint.get("/docs")
@blueprint.doc(
    security=[],
    responses={
        "200": {
            "description": "HTML 页面 · A page",
            "content": {"text/html": {"schema": {"type": "string"}}},
        }
    },
)
def page() -> Response:
    """Read this document as a page; needs no password.

    以网页形式阅读本文档;不需要密码。
    """
    document = document_of()
    zh = language() == "zh"
    html = render_template(
        "reference.html",
        zh=zh,
        info=document["info"],
        groups=list(_groups(document, zh)),
        schemas=_schemas(document, zh),
    )
    response = Response(html, mimetype="text/html")
    response.headers["Content-Language"] = "zh-CN" if zh else "en"
    return response


def document_of() -> dict[str, Any]:
    """The OpenAPI document with the examples that tests recorded."""
    document: dict[str, Any] = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    for name, example in examples().items():
        method, path = name.split(" ")
        said = document["paths"][path][method.lower()]
        answer = next(a for status, a in said["responses"].items() if status.startswith("2"))
        answer["content"]["application/json"]["example"] = example["answer"]
        if "request" in example:
            said["requestBody"]["content"]["application/json"]["example"] = example["request"]
    return document


@cache
def examples() -> dict[str, Any]:
    """Requests and answers by operation, as `tests/api/v1/test_examples.py` recorded them."""
    return dict(json.loads(EXAMPLES.read_text(encoding="utf-8"))) if EXAMPLES.exists() else {}


def _groups(document: Mapping[str, Any], zh: bool) -> Iterator[dict[str, Any]]:
    """The operations by tag, in the order of the tags."""
    for tag in document["tags"]:
        operations = [
            _operation(path, method, said, document, zh)
            for path, methods in document["paths"].items()
            for method, said in methods.items()
            if method in METHODS and tag["name"] in said.get("tags", ())
        ]
        if operations:
            title = _in_one_language(tag.get("description") or tag["name"], zh)
            yield {"id": tag["name"], "title": title, "operations": operations}


def _operation(
    path: str, method: str, said: Mapping[str, Any], document: Mapping[str, Any], zh: bool
) -> dict[str, Any]:
    shared = document["paths"][path].get("parameters", [])
    example = examples().get(f"{method.upper()} {path}", {})
    return {
        "id": f"{method}{re.sub(r'[^a-z0-9]+', '-', path.lower())}".strip("-"),
        "method": method.upper(),
        "path": path,
        "title": _in_one_language(said["description"] if zh else said["summary"], zh),
        "open": said.get("security") == [],
        "parameters": [_parameter(p, document, zh) for p in (*shared, *said.get("parameters", ()))],
        "body": _body(said.get("requestBody"), zh),
        "answers": [_answer(status, a, zh) for status, a in said["responses"].items() if status < "4"],
        "request_example": _pretty(example.get("request")),
        "answer_example": _pretty(example.get("answer")),
        "called": example.get("path"),
    }


def _parameter(said: Mapping[str, Any], document: Mapping[str, Any], zh: bool) -> dict[str, Any]:
    if "$ref" in said:
        said = document["components"]["parameters"][said["$ref"].rsplit("/", 1)[1]]
    shape = said.get("schema", {})
    return {
        "name": said["name"],
        "where": said["in"],
        "required": said.get("required", False),
        "type": _type(shape),
        "limits": _limits(shape),
        "text": _in_one_language(
            said.get("description") or shape.get("description") or MEANINGS.get(said["name"], ""), zh
        ),
    }


def _body(said: Mapping[str, Any] | None, zh: bool) -> dict[str, Any] | None:
    if said is None:
        return None
    content = next(iter(said["content"].values()))
    return {"text": _in_one_language(said.get("description", ""), zh), "schema": _named(content["schema"])}


def _answer(status: str, said: Mapping[str, Any], zh: bool) -> dict[str, Any]:
    schemas = [_named(c.get("schema", {})) for c in said.get("content", {}).values()]
    return {
        "status": status,
        "text": _in_one_language(said.get("description", ""), zh),
        "schema": schemas[0] if schemas else None,
    }


def _schemas(document: Mapping[str, Any], zh: bool) -> list[dict[str, Any]]:
    found = document["components"]["schemas"]
    told = []
    for name, shape in sorted(found.items()):
        properties, must = shape.get("properties", {}), shape.get("required", ())
        if len(must) == len(properties):  # an answer has all its fields; a star at each says nothing
            must = ()
        told.append(
            {
                "name": name,
                "text": _in_one_language(shape.get("description", ""), zh),
                "properties": [
                    {
                        "name": key,
                        "type": _type(value),
                        "schema": _named(value.get("items", value)),
                        "limits": _limits(value),
                        "required": key in must,
                        "text": _in_one_language(value.get("description", ""), zh),
                    }
                    for key, value in properties.items()
                ],
            }
        )
    return told


def _type(shape: Mapping[str, Any]) -> str:
    if "$ref" in shape:
        return str(_named(shape))
    if "anyOf" in shape:
        return " | ".join(_type(one) for one in shape["anyOf"])
    kind = shape.get("type", "")
    if kind == "array":
        return f"{_type(shape['items'])}[]"
    name = " | ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{name} ({shape['format']})" if "format" in shape else name


def _limits(shape: Mapping[str, Any]) -> list[str]:
    """What the value may be, in signs that need no language; a default is marked by an equals sign."""
    found = [f"= {value}" if value == shape.get("default") else str(value) for value in shape.get("enum", ())]
    if "maximum" in shape:
        found.append(f"{shape.get('minimum', '')}…{shape['maximum']}")
    if "maxLength" in shape:
        found.append(f"≤ {shape['maxLength']}")
    if "default" in shape and "enum" not in shape:
        found.append(f"= {shape['default']}")
    return found


def _named(shape: Mapping[str, Any]) -> str | None:
    return str(shape["$ref"]).rsplit("/", 1)[1] if "$ref" in shape else None


def _in_one_language(text: str, zh: bool) -> Markup:
    """The document says most things as 中文 · English; `code` stands in backquotes."""
    chinese, dot, english = text.partition(" · ")
    said = (chinese if zh else english) if dot else text
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(said))))


def _pretty(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False, indent=2) if value is not None else None
