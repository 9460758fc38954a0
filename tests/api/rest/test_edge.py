"""The edge of /engine-rest: addresses with too many slashes, other origins, sign-in, unknown routes."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from api.app import create_app
from api.settings import Settings
from tests.api.rest.conftest import REST
from tests.conftest import Client, Clock

FROM_FILE = {"Origin": "file://"}
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def open_app(installed_url: str, clock: Clock) -> Iterator[Flask]:
    """A service that lets pages of `file://` and `null` read."""
    made = create_app(Settings(database_url=installed_url, cors_origins="file:// null"), clock)
    yield made
    made.extensions["flow200"].database.close()


@pytest.mark.parametrize(
    "path",
    [
        "//engine-rest/version",
        "/engine-rest//version",
        "/engine-rest///version",
        "/engine-rest/engine/default/version",
        "//engine-rest//engine//default//version",
    ],
)
def test_a_slash_too_many_and_the_default_engine_are_no_other_address(client: Client, path: str) -> None:
    answer = client.get("/", environ_overrides={"PATH_INFO": path})  # as a WSGI server hands it over

    assert (answer.status_code, answer.json) == (200, {"version": "7.24.0"})


def test_the_modelers_probe_is_401_without_and_200_with_credentials(client: Client) -> None:
    without = client.as_(None).get(f"{REST}//deployment?maxResults=0")
    signed = client.get(f"{REST}//deployment?maxResults=0")

    assert without.status_code == 401 and without.headers["Content-Type"] == "application/json"
    assert without.headers["WWW-Authenticate"].startswith("Basic")
    assert without.json["message"]
    assert (signed.status_code, signed.json) == (200, [])


def test_the_pages_are_named_without_credentials_and_lead_home(client: Client) -> None:
    answer = client.as_(None).get("/.well-known/camunda-automation-platform/webapps")

    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.json == {
        "adminUrl": "http://localhost/app/admin/",
        "cockpitUrl": "http://localhost/app/cockpit/",
        "tasklistUrl": "http://localhost/app/tasklist/",
    }
    page = client.as_(None).get("/app/cockpit/default/")
    assert (page.status_code, page.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("origin", ["file://", "null", "https://evil.example"])
def test_no_origin_may_read_unless_it_is_switched_on_and_none_is_refused(client: Client, origin: str) -> None:
    answer = client.get(f"{REST}/version", headers={"Origin": origin})
    preflight = client.as_(None).send(
        "OPTIONS", f"{REST}/deployment/create", headers={"Origin": origin, **ASK}
    )

    assert (answer.status_code, preflight.status_code) == (200, 200)
    assert not [h for a in (answer, preflight) for h in a.headers if h[0].startswith("Access-Control")]


@pytest.mark.parametrize("origin", ["file://", "null"])
def test_an_origin_of_the_settings_may_read(open_app: Flask, origin: str) -> None:
    client = Client(open_app, "lina")

    preflight = client.as_(None).send(
        "OPTIONS", f"{REST}/deployment/create", headers={"Origin": origin, **ASK}
    )
    answer = client.get(f"{REST}/version", headers={"Origin": origin})
    refused = client.as_(None).get(f"{REST}/version", headers={"Origin": origin})

    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] == origin and "Origin" in answer.headers["Vary"]
    assert refused.status_code == 401 and refused.headers["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_another_origin_may_not_read_and_the_other_half_never(open_app: Flask) -> None:
    client = Client(open_app, "lina")

    other = client.get(f"{REST}/version", headers={"Origin": "https://evil.example"})
    domain = client.get("/tasks", headers=FROM_FILE)

    assert other.status_code == domain.status_code == 200
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Origin" not in domain.headers


def test_an_unknown_route_and_method_have_the_body_and_the_type(client: Client) -> None:
    unknown, wrong = client.get(f"{REST}/nothing"), client.send("DELETE", f"{REST}/version")

    for answer, status in ((unknown, 404), (wrong, 405)):
        assert answer.status_code == status and answer.headers["Content-Type"] == "application/json"
        assert answer.json["type"] == "InvalidRequestException" and answer.json["code"] == 0


def test_a_failure_inside_says_nothing_of_it(app: Flask, client: Client) -> None:
    def broken() -> str:
        raise RuntimeError("the secret is 42")

    app.view_functions["rest.version"] = broken

    answer = client.get(f"{REST}/version")

    assert (answer.status_code, answer.json["type"]) == (500, "ProcessEngineException")
    assert "42" not in answer.text


def test_the_message_is_in_the_language_of_the_reader(client: Client) -> None:
    english = client.get(f"{REST}/task/none", headers={"Accept-Language": "en"})
    any_ = client.get(f"{REST}/task/none", headers={"Accept-Language": "*"})

    assert english.json["message"] == "No matching task with id none"
    assert "none" in any_.json["message"]


def test_openapi_has_every_route_with_a_summary(app: Flask, client: Client) -> None:
    import re

    document = client.as_(None).get(f"{REST}/openapi.json").json["paths"]
    told = {(method.upper(), path) for path, methods in document.items() for method in methods}
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(REST) and not rule.rule.endswith("openapi.json")
    }
    assert routes and routes <= told
    summaries: list[Any] = [
        one.get("summary")
        for path, m in document.items()
        if path.startswith(REST)
        for one in m.values()
        if isinstance(one, dict)
    ]
    assert all(summaries)
