"""An OpenAPI document held against real answers."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema_rs
from werkzeug.test import TestResponse

METHODS = {"get", "post", "patch", "put", "delete"}


def operations(document: dict[str, Any]) -> set[str]:
    """Every operation: `GET /path/{id}`."""
    return {
        f"{method.upper()} {path}"
        for path, said in document["paths"].items()
        for method in said.keys() & METHODS
    }


def checked(document: dict[str, Any], story: Iterable[TestResponse]) -> Iterator[str]:
    """The operations that answered well; fails at an answer, good or refused, that is not as described."""
    for answer in story:
        method, path = answer.request.method, answer.request.path
        template = min((one for one in document["paths"] if _fits(one, path)), key=lambda one: one.count("{"))
        said = document["paths"][template][method.lower()]["responses"]
        if answer.status_code < 300:
            response = said[str(answer.status_code)]
        else:
            response = document["components"]["responses"]["DEFAULT_ERROR"]
            assert "default" in said
        if answer.status_code != 204:
            _hold(document, response["content"][answer.mimetype]["schema"], answer)
        if answer.status_code < 300:
            yield f"{method} {template}"


def _hold(document: dict[str, Any], schema: dict[str, Any], answer: TestResponse) -> None:
    if answer.mimetype in ("application/json", "application/problem+json"):
        validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
        found = [str(error)[:300] for error in validator.iter_errors(answer.json)]
        assert not found, (answer.request.method, answer.request.path, found)


def _fits(template: str, path: str) -> bool:
    """`/task/{task_id}` fits `/task/count` as well; the template with fewer names is the one meant."""
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None
