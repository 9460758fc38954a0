"""The home page and the documents about the service."""

import re

import pytest

from tests.conftest import Client

OPEN = {"/api/v1/health", "/api/v1/docs", "/api/v1/openapi.json"}


@pytest.mark.parametrize(
    ("asked", "lang", "word"), [("zh-CN", "zh-CN", "从这里开始"), ("en", "en", "Where to begin")]
)
def test_home_speaks_the_language_of_the_reader(client: Client, asked: str, lang: str, word: str) -> None:
    page = client.as_(None).get("/", headers={"Accept-Language": asked})

    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert f'<html lang="{lang}">' in page.text
    assert word in page.text


def test_home_asks_nothing_of_another_host_and_runs_no_script(client: Client) -> None:
    text = client.as_(None).get("/").text

    assert re.findall(r'(?:src|href)="(?!/)[^"]*"', text) == []
    assert "<script" not in text


@pytest.mark.parametrize("name", ["incident_200.svg", "escalation.svg"])
def test_the_pictures_of_the_diagrams_are_served(client: Client, name: str) -> None:
    picture = client.as_(None).get(f"/pictures/{name}")

    assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml")


@pytest.mark.parametrize("name", ["incident_300.svg", "..%2f..%2fpyproject.toml", "README.md"])
def test_no_other_file_is_served(client: Client, name: str) -> None:
    assert client.as_(None).get(f"/pictures/{name}").status_code == 404


def test_every_route_but_these_needs_a_password(client: Client) -> None:
    nobody = client.as_(None)

    for path, said in nobody.get("/openapi.json").json["paths"].items():
        for method in said.keys() & {"get", "post", "patch"}:
            known = re.sub(r"\{seq\}", "1", path)
            expected = 200 if path in OPEN else 401
            assert nobody.send(method.upper(), known).status_code == expected, (method, path)


def test_health_answers_without_a_password(client: Client) -> None:
    answer = client.as_(None).get("/health")

    assert answer.json == {"status": "ok", "time": "2026-11-23T09:05:00+08:00"}
