"""Every error leaves in one body, in the language that was asked for, without a word about our inside."""

import dataclasses

import pytest
from flask import Flask

from engine.store import Database
from tests.conftest import Client

KEYS = {"type", "title", "status", "detail", "instance", "message", "code"}


@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", "未找到"),
        ("en-GB,en;q=0.9", "en", "Not Found"),
        ("fr", "zh-CN", "未找到"),
        ("", "zh-CN", "未找到"),
    ],
)
def test_the_sentence_is_in_the_language_of_the_reader(
    client: Client, asked: str, language: str, title: str
) -> None:
    answer = client.get("/tasks/unknown", headers={"Accept-Language": asked})

    assert answer.headers["Content-Language"] == language
    assert answer.json["title"] == title


def test_an_error_has_one_body(client: Client) -> None:
    answer = client.get("/tasks/unknown", headers={"Accept-Language": "en"})

    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) == KEYS
    assert answer.json["message"] == answer.json["detail"] == "There is no task unknown."
    assert answer.json["instance"] == "/api/v1/tasks/unknown"
    assert answer.json["status"] == answer.status_code == 404


def test_an_unknown_address_and_a_wrong_method_have_it_too(client: Client) -> None:
    unknown, wrong = client.get("/taks"), client.send("DELETE", "/tasks")

    assert (unknown.status_code, unknown.json["code"]) == (404, "route-not-found")
    assert (wrong.status_code, wrong.json["code"]) == (405, "method-not-allowed")
    assert "GET" in wrong.headers["Allow"]
    assert set(unknown.json) == set(wrong.json) == KEYS


def test_an_unexpected_error_says_nothing_of_our_inside(
    app: Flask, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError("the secret is 42")

    app.view_functions["pages.home"] = broken

    answer = client.as_(None).get("/")

    assert (answer.status_code, answer.json["code"]) == (500, "internal-error")
    assert "42" not in answer.text and "Traceback" not in answer.text
    assert "the secret is 42" in caplog.text


def test_every_response_carries_the_protective_headers(client: Client) -> None:
    for answer in (client.get("/tasks"), client.get("/taks"), client.as_(None).get("/")):
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert client.get("/tasks").headers["Cache-Control"] == "no-store"


def test_a_database_that_does_not_answer_is_said_so(app: Flask, client: Client) -> None:
    nowhere = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    parts = app.extensions["flow200"]
    app.extensions["flow200"] = dataclasses.replace(parts, database=nowhere)

    answer = client.as_(None).get("/health")

    app.extensions["flow200"] = parts
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert "127.0.0.1" not in answer.text
