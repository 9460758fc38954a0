"""A job that fails three times is a failure over HTTP; a retry runs it again."""

from collections.abc import Callable

import pytest
from flask import Flask

from handlers import desk
from tests.api.test_ten_routes import record
from tests.conftest import Client, Clock


@pytest.fixture
def broken(
    app: Flask,
    client: Client,
    clock: Clock,
    tick: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The call whose timed escalation cannot be recorded: its topic raises, until `repaired`."""
    no = record(client)
    answer = client.post(f"/incidents/{no}/escalations", {"reason": "客户投诉"})
    assert answer.status_code == 201, answer.text
    _break(monkeypatch)
    for _ in range(8):
        clock.pass_(hours=12)
        tick()
    return no


def _break(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the mail gateway is gone")

    for topic in list(desk.TOPICS):
        monkeypatch.setitem(desk.TOPICS, topic, fail)


def test_a_failing_job_is_read_retried_and_done(
    app: Flask,
    client: Client,
    clock: Clock,
    tick: Callable[[], None],
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (failure,) = client.get(f"/failures?open=true&incident={broken}").json["items"]
    assert "the mail gateway is gone" in failure["error"]
    assert failure["job"]["state"] == "failed"
    assert failure["process"] == "escalation" and failure["element"]
    before = client.get(f"/incidents/{broken}").json["instances"]
    monkeypatch.undo()

    retried = client.post(f"/failures/{failure['id']}/retry")

    assert (retried.status_code, retried.json["job"]["state"]) == (200, "open")
    assert retried.json["resolved_by"] == "lina"
    tick()
    assert client.get(f"/failures/{failure['id']}").json["job"]["state"] == "done"
    assert client.get("/failures?open=true").json["total"] == 0
    assert client.get(f"/incidents/{broken}").json["instances"] != before
    again = client.post(f"/failures/{failure['id']}/retry")
    assert (again.status_code, again.json["code"]) == (404, "failure-not-found")


def test_a_retry_that_fails_again_is_a_failure_again(
    client: Client, clock: Clock, tick: Callable[[], None], broken: str
) -> None:
    (failure,) = client.get("/failures?open=true").json["items"]

    client.post(f"/failures/{failure['id']}/retry")
    for _ in range(4):
        tick()
        clock.pass_(hours=1)

    (later,) = client.get("/failures?open=true").json["items"]
    assert later["id"] != failure["id"] and later["job"]["key"] == failure["job"]["key"]
    assert client.get("/failures").json["total"] > 1


def test_who_may_retry_is_a_policy(client: Client, broken: str) -> None:
    (failure,) = client.get("/failures?open=true").json["items"]

    refused = client.as_("zhoutao").post(f"/failures/{failure['id']}/retry")

    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")
    assert client.get("/failures?open=true").json["total"] == 1


def test_a_retry_takes_no_fields(client: Client, broken: str) -> None:
    (failure,) = client.get("/failures?open=true").json["items"]

    refused = client.post(f"/failures/{failure['id']}/retry", {"by": "liuyang"})

    assert (refused.status_code, list(refused.json["fields"])) == (422, ["by"])
