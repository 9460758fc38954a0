"""The `flow200` command, run as a person or a program would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from api import install
from api.cli import cli
from api.settings import ROOT
from engine import reads
from tests.conftest import Client
from tests.engine.drawing import catch, end, message, process, user


def run(url: str, *arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(
        cli, arguments, env={"FLOW200_DATABASE_URL": url, "FLOW200_CONFIG": ""}, input=given
    )


def test_a_new_password_is_shown_once_and_opens_the_door(installed_url: str, client: Client) -> None:
    result = run(installed_url, "passwd", "lina", "--json")

    password = json.loads(result.stdout)["password"]
    assert client.get("/tasks", password=password).status_code == 200
    assert client.get("/tasks").status_code == 401


def test_a_password_of_ones_own_comes_by_standard_input(installed_url: str, client: Client) -> None:
    result = run(installed_url, "passwd", "lina", "--stdin", given="correct horse battery\n")

    assert result.exit_code == 0
    assert "correct horse" not in result.output
    assert client.get("/tasks", password="correct horse battery").status_code == 200


@pytest.mark.parametrize(("account", "password"), [("lina", "short"), ("nobody", "long enough for us")])
def test_a_short_password_and_an_unknown_account_are_refused(
    installed_url: str, client: Client, account: str, password: str
) -> None:
    result = run(installed_url, "passwd", account, "--stdin", given=password)

    assert result.exit_code == 1
    assert client.get("/tasks").status_code == 200


def test_doctor_lists_every_setting_and_hides_passwords(installed_url: str) -> None:
    result = run(installed_url, "doctor", "--json")

    listed = {s["setting"] for s in json.loads(result.stdout)["settings"]}
    assert {"FLOW200_DATABASE_URL", "FLOW200_PORT", "FLOW200_TIMEZONE", "FLOW200_WORKERS"} <= listed
    assert "revision 0009" in json.loads(result.stdout)["database"]


def test_doctor_finds_a_database_that_does_not_answer() -> None:
    result = run("postgresql+psycopg://flow200:geheim@127.0.0.1:1/flow200", "doctor")

    assert result.exit_code == 1
    assert "does not answer" in result.output
    assert "geheim" not in result.output


def test_a_setting_that_cannot_be_used_is_a_sentence() -> None:
    result = CliRunner().invoke(cli, ["doctor"], env={"FLOW200_PORT": "eighty"})

    assert result.exit_code == 1
    assert "FLOW200_PORT" in result.output and "Traceback" not in result.output


def test_deploying_the_same_diagrams_again_changes_nothing(installed_url: str) -> None:
    result = run(installed_url, "deploy", str(ROOT / "bpmn"), "--json")

    assert json.loads(result.stdout)["unchanged"] is True


def test_a_diagram_that_is_deployed_alone_says_which_forms_it_keeps(
    installed_url: str, client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "escalation.bpmn"
    drawn = (ROOT / "bpmn" / "escalation.bpmn").read_text(encoding="utf-8")
    file.write_text(drawn.replace('versionTag="1.0.0"', 'versionTag="1.1.0"'), encoding="utf-8")

    told = json.loads(run(installed_url, "deploy", str(file), "--json").stdout)
    file.write_text(drawn, encoding="utf-8")
    read = run(installed_url, "deploy", str(file)).stdout

    carried = {form["file"] for form in told["carried_forms"]}
    assert told["definitions"] == [{"process": "escalation", "version": 2}] and told["warnings"] == []
    assert {"t_ack.form", "t_decide.form", "message_solved.form"} <= carried
    assert "message_recall.form" not in carried
    (first,) = {form["deployment_id"] for form in told["carried_forms"]}
    assert f"forms kept from deployment {first}: message_solved.form, " in read
    shown = {one["process"]: one["carried_forms"] for one in client.get("/version").json["definitions"]}
    assert shown["incident_200"] == [] and {form["file"] for form in shown["escalation"]} == carried


def test_deploying_says_what_lint_warns_of(installed_url: str, tmp_path: Path) -> None:
    file = tmp_path / "door.bpmn"
    file.write_bytes(
        process("door", user("a", "WG-SD"), catch("c", message("knock")), end(), flows="s>a;a>c;c>e")
    )

    result = run(installed_url, "deploy", str(file))

    assert result.exit_code == 0 and result.stdout == "deployed: door version 1\n"
    assert "message_knock.form" in result.stderr


def test_our_own_diagrams_have_nothing_to_mend() -> None:
    result = run("sqlite://", "lint", str(ROOT / "bpmn"))

    assert (result.exit_code, result.stdout) == (0, "nothing to mend\n")


def test_lint_names_the_fault_in_both_languages(tmp_path: Path) -> None:
    file = tmp_path / "broken.bpmn"
    file.write_text('<!DOCTYPE x [<!ENTITY e "x">]><definitions/>')

    result = run("sqlite://", "lint", str(file))
    listed = json.loads(run("sqlite://", "lint", str(file), "--json").stdout)

    assert result.exit_code == 1
    assert "broken.bpmn:" in result.stdout
    assert listed[0]["severity"] == "error" and listed[0]["zh"] and listed[0]["en"]


def test_a_refused_deployment_lists_what_to_mend(installed_url: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.bpmn"
    file.write_text("<definitions/>")

    result = run(installed_url, "deploy", str(file))

    assert result.exit_code == 1
    assert "broken.bpmn" in result.output and "Traceback" not in result.output


def test_serve_installs_answers_and_stops(tmp_path: Path) -> None:
    port = _free_port()
    environment = {
        **os.environ,
        "FLOW200_DATABASE_URL": f"sqlite:///{tmp_path / 'new' / 'flow200.db'}",
        "FLOW200_PORT": str(port),
        "FLOW200_TICK_SECONDS": "0.1",
        "PYTHONIOENCODING": "utf-8",
    }

    first = _serve_once(environment, port)
    second = _serve_once(environment, port)

    assert first.returncode == second.returncode == 0
    assert "lina" in first.stdout and "lina" not in second.stdout
    assert "deployed: " in first.stderr and "in force: " in second.stderr
    assert f"http://127.0.0.1:{port}" in first.stderr
    assert "year written" in first.stderr and "year written" not in second.stderr
    assert first.stderr.rstrip().endswith("stopped")


def _serve_once(environment: dict[str, str], port: int) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "flow200", "serve"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        _wait_for_health(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _wait_for_health(port: int, process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("flow200 serve did not answer")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_starting_again_leaves_what_an_owner_deployed_in_force(app: Flask, tmp_path: Path) -> None:
    parts = app.extensions["flow200"]
    for file in (ROOT / "bpmn").glob("*.*"):
        text = file.read_text(encoding="utf-8").replace('name="受理"', 'name="接听"')
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    first = install.deploy_first(parts)

    install.deploy(parts, (tmp_path,))
    again = install.deploy_first(parts)

    with parts.database.read() as connection:
        versions = {row.key: row.version for row in reads.definitions(connection)}
    assert "incident_200 version 1" in first and "differ" not in first
    assert versions["incident_200"] == 2
    assert "incident_200 version 2" in again and "differ" in again


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "incident_200.bpmn").write_text("<x/>", encoding="utf-8")

    result = run("sqlite://", "lint", str(tmp_path), str(ROOT / "bpmn"))

    assert result.exit_code == 1
    assert "incident_200.bpmn" in result.output and "Traceback" not in result.output


def test_lint_without_the_forms_says_what_deploying_would(tmp_path: Path) -> None:
    file = tmp_path / "incident_200.bpmn"
    file.write_bytes((ROOT / "bpmn" / "incident_200.bpmn").read_bytes())

    result = run("sqlite://", "lint", str(file))

    assert result.exit_code == 1
    assert "unknown-form" in result.output
