"""What resources of /engine-rest share: a blueprint that reads leniently, bodies, links, empty answers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import marshmallow
from flask import Response, request
from marshmallow import fields

from api import http
from api.rest.errors import PREFIX, BadValue
from api.rest.meanings import told

Shape = dict[str, Any]
DATE: Shape = {"type": "string", "examples": ["2016-01-25T13:33:42.165+0100"]}
VARIABLES: Shape = {"type": "object", "additionalProperties": http.ref("VariableValue")}
PAGING: dict[str, Shape] = {
    name: told(name, {"type": "integer", "minimum": 0}) for name in ("firstResult", "maxResults")
}
"""The parameters of a page, always in the URL."""


class LenientParser(http.StrictParser):
    """Clients send more than we read: unknown fields of an envelope are ignored."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        **http.StrictParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": marshmallow.EXCLUDE,
        "json": marshmallow.EXCLUDE,
    }


class Blueprint(http.Blueprint):
    """A resource of /engine-rest."""

    ARGUMENTS_PARSER = LenientParser()

    def __init__(self, resource: str, module: str, description: str, part: str = "") -> None:
        where = f"{PREFIX}/{resource}" if resource else PREFIX
        name = "-".join(word for word in ("rest", *resource.split("/"), part) if word)
        super().__init__(name, module, url_prefix=where, description=description)


class Schema(marshmallow.Schema):
    """A body of which we read what we know."""

    class Meta:
        unknown = marshmallow.EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Each field says what its name means, for the OpenAPI document."""
        name = field_obj.data_key or field_name
        field_obj.metadata = told(name, field_obj.metadata)


class EmptyBody(Schema):
    """A body of which nothing is read."""


class UserId(Schema):
    """Whom a verb is about; a claim without `userId` is one's own."""

    user = fields.String(data_key="userId", load_default=None, allow_none=True)


class TypedVariables(Schema):
    """Typed variables: `{name: {value, type}}`."""

    variables = fields.Raw(load_default=None, metadata=VARIABLES)
    returned = fields.Boolean(data_key="withVariablesInReturn", load_default=False, allow_none=True)


def no_content() -> Response:
    """204, without a type for the content that is not there."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def given() -> dict[str, Any]:
    """The parameters of the URL. Raises BadValue for one that stands twice."""
    found = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise BadValue(name, "出现了多次", "is given more than once")
        http.refuse_nul(name + values[0])
        found[name] = values[0]
    return found


def links(*parts: str) -> list[dict[str, str]]:
    """A resource's own address."""
    where = "/".join((request.host_url.rstrip("/") + PREFIX, *parts))
    return [{"method": "GET", "href": where, "rel": "self"}]


def parameters(shapes: Mapping[str, Shape]) -> list[Shape]:
    """Parameters of a URL, for the OpenAPI document; a list is written with commas."""
    commas = {"style": "form", "explode": False}
    return [
        {
            "name": name,
            "in": "query",
            "schema": told(name, shape),
            **(commas if shape.get("type") == "array" else {}),
        }
        for name, shape in shapes.items()
    ]


def several(name: str) -> Shape:
    """A list of what this schema describes."""
    return {"type": "array", "items": http.ref(name)}


def both(blueprint: Blueprint, path: str, asked: Mapping[str, Shape], body: str) -> Callable[[Any], Any]:
    """Routes of a query: GET with parameters, and POST with the same as a body, which is a named schema."""
    paging = {name: shape for name, shape in asked.items() if name in PAGING}
    content = {**http.body_of(body, "条件,都可省略 · The conditions, all optional"), "required": False}

    def register(view: Any) -> Any:
        name = view.__name__
        blueprint.get(path, endpoint=f"{name}_get")(blueprint.doc(parameters=parameters(asked))(view))
        posted = blueprint.doc(parameters=parameters(paging), requestBody=content)(view)
        blueprint.post(path, endpoint=f"{name}_post")(posted)
        return view

    return register


def asked() -> dict[str, Any]:
    """What a query asks: the body of a POST, with paging from the URL, or the parameters of the URL."""
    if request.method == "POST":
        return {**http.body(), **{k: v for k, v in given().items() if k in PAGING}}
    return given()


def chunks(text: Any) -> Iterator[str]:
    """The parts of a list that a URL writes with commas."""
    yield from (part.strip() for part in str(text).split(",") if part.strip())
