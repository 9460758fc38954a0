"""Generated requests against every operation: a refusal is fine, a failure inside is not (schemathesis)."""

import os
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.conftest import Client

EXAMPLES = int(os.environ.get("FLOW200_FUZZ_EXAMPLES", "20"))
CALM = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_no_request_breaks_it(books: Flask, client: Client) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", books)
    signed = ("lina", "password-of-lina")
    tried: set[str] = set()

    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith(("/docs", "/openapi.json")):
            continue

        @CALM
        @schemathesis_cases(operation)
        def call(case: Any) -> None:
            answer = case.call(auth=signed)
            case.validate_response(
                answer,
                checks=(not_a_server_error, response_schema_conformance, status_code_conformance),
            )

        call()
        tried.add(operation.label)

    assert len(tried) > 30


def schemathesis_cases(operation: Any) -> Any:
    """Hypothesis over the cases of one operation."""
    from hypothesis import given

    return given(case=operation.as_strategy())
