"""What a page of another site can make a browser ask that remembers a password for HTTP Basic: nothing."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api import auth
from api.app import create_app
from api.settings import Settings
from tests.api.rest.conftest import RECORDED
from tests.api.v1.conftest import CALL
from tests.conftest import Client, Clock

FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:81"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
]
TAKEN: list[dict[str, str]] = [
    {},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost"},
    {"Origin": "file://"},
    {"Origin": "file://", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://bank.example"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Mode": "cors"},
]
Ask = Callable[[Client, dict[str, str]], TestResponse]


def record(client: Client, said: dict[str, str]) -> TestResponse:
    """A change of our own half."""
    return client.post("/incidents", CALL, headers=said)


def deploy(client: Client, said: dict[str, str]) -> TestResponse:
    """A change of Camunda's half, of a kind that a page sends to any site without asking it first."""
    files = {
        "parcel.bpmn": (RECORDED / "parcel.bpmn").open("rb"),
        "pick.form": (RECORDED / "pick.form").open("rb"),
    }
    return client.as_("liuyang").send(
        "POST",
        "/engine-rest/deployment/create",
        data={"deployment-name": "parcel", **files},
        content_type="multipart/form-data",
        headers=said,
    )


@pytest.fixture
def open_app(installed_url: str, clock: Clock) -> Iterator[Flask]:
    """A service that names two origins of others."""
    made = create_app(
        Settings(database_url=installed_url, cors_origins="null https://tasks.bank.example"), clock
    )
    yield made
    made.extensions["flow200"].database.close()


@pytest.mark.parametrize("said", FOREIGN, ids=str)
def test_a_change_that_a_page_of_another_site_asked_for_is_refused(
    client: Client, said: dict[str, str]
) -> None:
    ours, camunda = record(client, said), deploy(client, said)

    assert (ours.status_code, ours.json["code"]) == (403, "foreign-origin")
    assert ours.headers["Content-Type"] == "application/problem+json"
    assert (camunda.status_code, camunda.json["type"]) == (403, "AuthorizationException")
    assert camunda.json["error"] == "foreign-origin" and camunda.headers["Content-Type"] == "application/json"
    assert client.get("/incidents").json["items"] == []
    assert client.get("/engine-rest/process-definition?key=parcel").json == []


@pytest.mark.parametrize("said", TAKEN, ids=str)
def test_a_program_the_modeler_and_a_page_of_ours_change_what_they_may(
    client: Client, said: dict[str, str]
) -> None:
    assert record(client, said).status_code == 201
    assert deploy(client, said).status_code == 200


@pytest.mark.parametrize("ask", [record, deploy])
@pytest.mark.parametrize("origin", ["null", "https://tasks.bank.example"])
def test_an_origin_that_the_settings_name_changes_what_it_may(open_app: Flask, ask: Ask, origin: str) -> None:
    client = Client(open_app, "lina")

    named = ask(client, {"Origin": origin, "Sec-Fetch-Site": "cross-site"})
    other = ask(client, {"Origin": f"{origin}.evil", "Sec-Fetch-Site": "cross-site"})

    assert named.status_code in (200, 201)
    assert other.status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/incidents/x"),
        ("PUT", "/engine-rest/task/x"),
        ("DELETE", "/engine-rest/process-instance/x"),
    ],
)
def test_every_method_that_changes_is_refused_and_reading_is_not(
    client: Client, method: str, path: str
) -> None:
    said: dict[str, Any] = {"headers": {"Origin": "https://evil.example"}}

    assert client.send(method, path, **said).status_code == 403
    assert client.get("/tasks", **said).status_code == 200


def test_a_page_of_another_site_closes_no_account_by_guessing(client: Client) -> None:
    for _ in range(auth.WRONG_ALLOWED):
        guess = client.post("/incidents", CALL, password="guess", headers={"Origin": "https://evil.example"})
        assert guess.status_code == 403 and "WWW-Authenticate" not in guess.headers

    assert client.get("/tasks").status_code == 200
