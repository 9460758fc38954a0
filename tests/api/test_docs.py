"""README and quickstart are stories that run as they are written, over every route and no other."""

import json
import re

import pytest
from flask import Flask

from api.settings import ROOT
from tests.conftest import Client

README = (ROOT / "README.md").read_text(encoding="utf-8")
# WHO=account, or: api METHOD PATH [-d 'BODY'], the body over one or more lines
STEP = re.compile(r"^WHO=(\w+)|^api (\w+) '?([^\s']+)'?(?: -d '([^']*)')?", re.MULTILINE)
ELSEWHERE = {
    "/api/v1/docs",
    "/api/v1/openapi.json",
    "/api/v1/health",
}  # named in the README in words, not as a call


def test_the_readme_calls_ten_routes_and_all_of_them_exist(app: Flask) -> None:
    named = re.findall(r"^api (\w+) '?(/[\w/$]*)", README, re.MULTILINE)
    called = {(method, re.sub(r"\$\w+", "{}", path)) for method, path in named}

    exists = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule).removeprefix("/api/v1"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1") and rule.rule not in ELSEWHERE
    }
    assert called <= exists and len(called) == 10
    assert all(path in README for path in ELSEWHERE)


def test_an_operator_needs_at_most_ten_routes() -> None:
    numbered = re.findall(r"(?:^# |, )(\d+) ", README, re.MULTILINE)

    assert numbered == [str(n) for n in range(1, 11)]


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md"])
def test_the_story_runs_as_it_is_written(client: Client, name: str) -> None:
    story = (ROOT / name).read_text(encoding="utf-8")
    at_the_keyboard, no = client, ""

    for who, method, path, body in STEP.findall(story):
        if who:
            at_the_keyboard = client.as_(who)
            continue
        where = path.replace("$NO", no)
        if "$TASK" in where:
            where = where.replace("$TASK", _open_task(client, no))
        answer = at_the_keyboard.send(method, where, json=json.loads(body) if body else None)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        no = no or answer.json["no"]

    assert client.get(f"/incidents/{no}").json["status"] == "ST8"


def _open_task(client: Client, no: str) -> str:
    tasks = client.get(f"/tasks?incident={no}").json["items"]
    return next((str(t["id"]) for t in tasks if t["process"] == "incident_200"), "")
