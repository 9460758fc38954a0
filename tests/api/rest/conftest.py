"""A small process that has nothing to do with incidents, and flow200 served on a port of its own."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import waitress.server
from flask import Flask
from werkzeug.datastructures import FileStorage

from api.settings import ROOT
from tests.conftest import Client

CLIENTS = ROOT / ".venv" / "clients" / "node_modules" / ".bin"
RECORDED = Path(__file__).parent / "recorded"
REST = "/engine-rest"


@pytest.fixture
def parcel() -> dict[str, bytes]:
    """Pick (郑浩 of WG-TRM, with a form), then sign (李娜 of WG-SD)."""
    return {name: (RECORDED / name).read_bytes() for name in ("parcel.bpmn", "pick.form")}


@pytest.fixture
def deploy(client: Client) -> Callable[..., Any]:
    """Deploy files as multipart, as 刘洋 unless another client is given; returns the response."""

    def send(files: dict[str, bytes], by: Client | None = None, **said: str) -> Any:
        import io

        parts: dict[str, Any] = {k.replace("_", "-"): v for k, v in said.items()}
        parts |= {n: FileStorage(io.BytesIO(raw), filename=n) for n, raw in files.items()}
        return (by or client.as_("liuyang")).send(
            "POST", f"{REST}/deployment/create", data=parts, content_type="multipart/form-data"
        )

    return send


@pytest.fixture
def parcels(deploy: Callable[..., Any], parcel: dict[str, bytes]) -> str:
    """The process is deployed; its definition id."""
    answer = deploy(parcel, deployment_name="parcels")
    assert answer.status_code == 200, answer.text
    return str(next(iter(answer.json["deployedProcessDefinitions"])))


@pytest.fixture
def start(client: Client, parcels: str) -> Callable[..., dict[str, Any]]:
    """Start a parcel and return its first task."""

    def begin(key: str = "P-1", **variables: Any) -> dict[str, Any]:
        given = {name: {"value": value} for name, value in variables.items()}
        answer = client.post(
            f"{REST}/process-definition/key/parcel/start", {"businessKey": key, "variables": given}
        )
        assert answer.status_code == 200, answer.text
        tasks = client.get(f"{REST}/task?processInstanceId={answer.json['id']}").json
        return dict(tasks[0])

    return begin


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    """flow200 behind waitress on loopback: `http://127.0.0.1:PORT`."""
    server = waitress.server.create_server(app, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()
    thread.join(5)


@pytest.fixture
def camunda_deploy(served: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The CLI as npm installed it, run by 刘洋 in `tmp_path`; without it the test is skipped.

    It is red where FLOW200_REQUIRE_CLIENTS=1.
    """
    path = os.pathsep.join((str(CLIENTS), str(ROOT / ".venv" / "bin"), os.environ["PATH"]))
    if not (shutil.which("camunda-deploy", path=str(CLIENTS)) and shutil.which("node", path=path)):
        if os.environ.get("FLOW200_REQUIRE_CLIENTS") == "1":
            pytest.fail("FLOW200_REQUIRE_CLIENTS=1, but camunda-deploy or node is missing: make clients")
        pytest.skip("no camunda-deploy: make clients installs it, with Node.js, into .venv")

    def run(*words: str, password: str = "password-of-liuyang") -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": path,
            "CAMUNDA_URL": f"{served}/engine-rest",
            "CAMUNDA_AUTH_USERNAME": "liuyang",
            "CAMUNDA_AUTH_PASSWORD": password,
        }
        command = ["camunda-deploy", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=60
        )

    return run
