"""The Containerfile, without a container engine: it parses, and what it names exists and works."""

import fnmatch
import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from api.settings import Settings, variable
from tests.api.test_serve import free_port

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments; lines that end in a backslash go on."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    whole = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in whole.splitlines() if line]


def arguments(name: str) -> list[str]:
    """The arguments of every instruction of this name."""
    return [rest for found, rest in instructions() if found == name]


def copied() -> list[str]:
    """What is taken from the checkout."""
    return [
        source
        for rest in arguments("COPY")
        if not rest.startswith("--from=")
        for source in shlex.split(rest)[:-1]
    ]


def health() -> list[str]:
    """The command of the health check."""
    (rest,) = arguments("HEALTHCHECK")
    return list(json.loads(rest[rest.index("[") :]))


def test_every_instruction_is_one_that_builders_know() -> None:
    assert {name for name, _ in instructions()} <= KNOWN
    assert instructions()[0][0] == "FROM"


def test_what_it_copies_exists_and_is_what_the_wheel_is_made_of() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]

    assert [name for name in copied() if not (ROOT / name).exists()] == []
    assert set(wheel) <= set(copied())


def test_what_it_copies_is_not_ignored_and_little_else_is_sent() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    allowed = {line[1:] for line in lines if line.startswith("!")}

    assert lines[0] == "*"
    assert allowed == set(copied())


def test_a_stage_is_copied_from_only_if_there_is_one() -> None:
    stages = {rest.split(" AS ")[1] for rest in arguments("FROM") if " AS " in rest}
    taken = {re.match(r"--from=(\w+)", rest)[1] for rest in arguments("COPY") if rest.startswith("--from=")}

    assert taken and taken <= stages


def test_its_python_is_one_that_flow200_runs_on() -> None:
    versions = {re.match(r"python:(\d+\.\d+)-slim", rest)[1] for rest in arguments("FROM")}

    assert versions == {PROJECT["project"]["requires-python"].removeprefix(">=")}


def test_it_does_not_run_as_root_and_keeps_its_data_in_a_volume() -> None:
    environment = dict(pair.split("=", 1) for rest in arguments("ENV") for pair in shlex.split(rest))
    order = [name for name, _ in instructions()]

    assert arguments("USER") == ["10001"] and order.index("USER") < order.index("CMD")
    assert environment["FLOW200_DATABASE_URL"].startswith(f"sqlite:///{arguments('VOLUME')[0]}/")
    assert environment["FLOW200_PORT"] == arguments("EXPOSE")[0]


def test_the_settings_it_names_exist() -> None:
    how = (ROOT / "docs" / "howto" / "container.md").read_text(encoding="utf-8")
    named = set(re.findall(r"FLOW200_\w+", how + (ROOT / "Containerfile").read_text()))

    assert named <= {variable(field.name) for field in fields(Settings)}


def test_the_commands_it_runs_exist() -> None:
    (command,) = arguments("CMD")
    installed = set(PROJECT["project"]["scripts"]) | {"python"}

    assert json.loads(command)[0] in installed and health()[0] in installed
    assert "[postgres]" in "".join(arguments("RUN"))
    assert any(
        fnmatch.fnmatch(d, "gunicorn==*") for d in PROJECT["project"]["optional-dependencies"]["postgres"]
    )


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False), (None, False)])
def test_the_health_check_tells_well_from_ill(status: int | None, well: bool) -> None:
    port = free_port()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/api/v1/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", port), Answer) if status else None
    if server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        asked = subprocess.run(
            [sys.executable, *health()[1:]],
            env={**os.environ, "FLOW200_PORT": str(port)},
            capture_output=True,
            timeout=30,
        )
    finally:
        if server:
            server.shutdown()
            server.server_close()

    assert (asked.returncode == 0) is well
