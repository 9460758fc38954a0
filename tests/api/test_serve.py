"""`flow200 serve` as a person runs it: a process of its own, on a port of its own, stopped by a signal."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[str]:
    """The service with a database in `folder`."""
    database = f"sqlite:///{folder / 'flow200.db'}"
    return subprocess.Popen(
        [sys.executable, "-m", "flow200", "serve"],
        cwd=ROOT,
        env={**os.environ, "FLOW200_PORT": str(port), "FLOW200_DATABASE_URL": database},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ask(port: int, path: str, sign: str = "") -> dict:
    """GET, again and again until the service answers (at most 30 s)."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if sign:
        request.add_header("Authorization", "Basic " + base64.b64encode(sign.encode()).decode())
    for _ in range(300):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service did not answer")


def test_a_newcomer_starts_it_signs_in_with_a_shown_password_and_stops_it(tmp_path: Path) -> None:
    port = free_port()
    service = start(tmp_path, port)
    try:
        health = ask(port, "/api/v1/health")
        service.send_signal(signal.SIGTERM)
        said, _ = service.communicate(timeout=30)
        again = start(tmp_path, port)
        try:
            password = re.search(r"lina .*?([0-9a-f]{6}(?:-[0-9a-f]{6}){3})", said)
            tasks = ask(port, "/api/v1/tasks", f"lina:{password[1] if password else ''}")
        finally:
            again.send_signal(signal.SIGTERM)
            repeated, _ = again.communicate(timeout=30)
    finally:
        service.kill()

    assert health["status"] == "ok" and tasks == {"items": [], "next": None}
    assert service.returncode == 0 and again.returncode == 0
    assert "incident_200 version 1" in said and f"http://127.0.0.1:{port}" in said
    assert password and password[1] not in repeated and "in force: " in repeated


def test_a_taken_port_is_a_sentence_and_no_password_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = start(tmp_path, int(taken.getsockname()[1]))
        said, _ = service.communicate(timeout=30)

    assert service.returncode == 1
    assert "FLOW200_PORT" in said and "Traceback" not in said and "password" not in said
