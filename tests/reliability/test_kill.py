"""`flow200 serve` is killed (SIGKILL) at random moments while people work; nothing is lost or doubled.

Each of three people walks calls from 200.1 to their close, over HTTP on loopback. What was acknowledged
must be there after the restart. What was under way when the service died happened wholly or not at all;
the walker finds out which by asking, as a person would. FLOW200_KILLS sets how many times (30).
"""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine import reads, store
from tests import conftest
from tests.api.test_serve import ask, free_port
from tests.handlers import invariants

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("FLOW200_KILLS", "30"))
SEED = 200
LIVES = (0.05, 1.2)  # seconds between "it answers" and the kill
CALL = {
    "call_type": "INC",
    "classification": "INC-EQP-SWL",
    "source": "BR",
    "medium": "PHONE",
    "caller": "zhangmin",
    "ci": "ATM-0087",
}
SOLVED = {"solution_kind": "permanent", "solution_steps": "更换读卡器"}
STEPS: list[tuple[str, str, dict[str, Any]]] = [
    ("T200_2", "lina", {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U3"}),
    ("T200_4", "lina", {"outcome_4": "escalate"}),
    ("T200_5", "lina", {"group": "WG-TRM"}),
    ("T200_5_accept", "zhenghao", {"accept": "accepted"}),
    ("T200_6", "zhenghao", {"outcome_6": "resolved", **SOLVED}),
    ("T200_9", "lina", {"outcome_9": "confirmed", "method": "PHONE"}),
    ("T200_10", "lina", {"closure_code": "C01"}),
]
PLACES = [place for place, _, _ in STEPS]


class Down(Exception):
    """The service died under a request, or is not there; whether it did what it was asked is not known."""


@dataclass
class Walker:
    """One person at work: the calls that were acknowledged, and the one in hand."""

    name: str
    port: int
    stop: threading.Event
    made: list[str] = field(default_factory=list)
    asked: int = 0
    acknowledged: int = 0
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Walk calls until told to stop; whatever is not explained by a kill is a fault."""
        try:
            while not self.stop.is_set():
                self._walk()
        except Exception as error:
            self.faults.append(f"{self.name}: {type(error).__name__}: {error}")

    def _walk(self) -> None:
        no = self._open()
        done = 0  # the steps that were acknowledged
        while no and done < len(STEPS) and not self.stop.is_set():
            place, who, answer = STEPS[done]
            try:
                task = self._task(no, done)
                if task is None:  # the step in doubt had happened
                    done += 1
                    continue
                status, said = self._send(who, "POST", f"/tasks/{task}/complete", answer)
                assert status == 200, f"{no} {place}: {status} {said}"
                done += 1
            except Down:
                self._wait()

    def _open(self) -> str | None:
        """A new call; one whose opening was in doubt is found by its subject, or was never made."""
        self.asked += 1
        subject = f"{self.name} {self.asked}"
        while not self.stop.is_set():
            try:
                if (found := self._found(subject)) is None:
                    status, said = self._send("lina", "POST", "/incidents", CALL | {"subject": subject})
                    assert status == 201, f"{subject}: {status} {said}"
                    found = said["no"]
                self.made.append(found)
                return str(found)
            except Down:
                self._wait()
        return None

    def _found(self, subject: str) -> str | None:
        """The call of this subject among the open tasks of the desk."""
        after = ""
        while True:
            _, page = self._send("lina", "GET", f"/tasks?group=WG-SD&limit=200{after}")
            for task in page["items"]:
                if task["element"] == "T200_2":
                    _, call = self._send("lina", "GET", f"/incidents/{task['incident']}")
                    if call["subject"] == subject:
                        return str(call["no"])
            if not page["next"]:
                return None
            after = f"&after={page['next'].replace('+', '%2B')}"

    def _task(self, no: str, done: int) -> str | None:
        """The open task of the step after `done`; None if the call is one step further."""
        status, call = self._send("lina", "GET", f"/incidents/{no}")
        assert status == 200, f"{no} was acknowledged and is gone: {status}"
        here = [t for t in call["tasks"] if t["process"] == "incident_200"]
        if call["status"] == "ST8":
            assert done == len(STEPS) - 1 and not here, f"{no}: closed after {done} steps"
            return None
        assert len(here) == 1, f"{no}: {[t['element'] for t in here]}"
        ahead = PLACES.index(here[0]["element"]) - done
        assert ahead in (0, 1), f"{no}: {done} steps were acknowledged, it stands at {here[0]['element']}"
        return None if ahead else str(here[0]["id"])

    def _send(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        signed = b64encode(f"{who}:password-of-{who}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method,
                f"/api/v1{path}",
                json.dumps(body) if body is not None else None,
                {"Authorization": f"Basic {signed}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Down from error
        finally:
            connection.close()
        self.acknowledged += method == "POST" and answer.status < 300
        return answer.status, said

    def _wait(self) -> None:
        time.sleep(0.02)


def test_a_service_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    url, port, moments = f"sqlite:///{tmp_path / 'flow200.db'}", free_port(), random.Random(SEED)
    conftest._install(url)
    stop = threading.Event()
    walkers = [Walker(name, port, stop) for name in ("甲", "乙", "丙")]
    threads = [threading.Thread(target=walker.run) for walker in walkers]

    for number in range(KILLS):
        service = _start(url, port, tmp_path)
        ask(port, "/api/v1/health")
        if number == 0:
            for thread in threads:
                thread.start()
        time.sleep(moments.uniform(*LIVES))
        service.kill()
        service.wait()
    service = _start(url, port, tmp_path)
    ask(port, "/api/v1/health")
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
    service.send_signal(signal.SIGTERM)
    service.wait(timeout=30)

    assert [fault for walker in walkers for fault in walker.faults] == []
    made = [no for walker in walkers for no in walker.made]
    _whole(url, made)
    print(f"{KILLS} kills, {len(made)} calls, {sum(w.acknowledged for w in walkers)} acknowledged verbs")


def _start(url: str, port: int, folder: Path) -> "subprocess.Popen[bytes]":
    out = (folder / "said.txt").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "flow200", "serve"],
        cwd=ROOT,
        env={**os.environ, "FLOW200_DATABASE_URL": url, "FLOW200_PORT": str(port)},
        stdout=out,
        stderr=out,
    )


def _whole(url: str, made: list[str]) -> None:
    """Every acknowledged call is there once, each step of it once, and its log is unbroken."""
    database = store.Database(url)
    with database.read() as connection:
        count = invariants.check(connection)  # the hash chain, times, work orders and numbers of every call
        instances = [i for no in made for i in reads.instances(connection, no)]
        steps = [Counter(_completed(connection, i.id)) for i in instances]
        failures = connection.scalar(sa.select(sa.func.count()).select_from(store.failure))
    database.close()
    assert len(set(made)) == len(made) > KILLS
    assert count - len(made) in range(4)  # at most one opening of each walker was in doubt at the end
    assert len(instances) == len(made)
    assert all(set(done.values()) <= {1} for done in steps)
    assert all(list(done) == ["T200_1", *PLACES][: len(done)] for done in steps)
    assert failures == 0


def _completed(connection: sa.Connection, instance: str) -> list[str]:
    return [row.element_id for row in reads.history(connection, instance) if row.kind == "completed"]
