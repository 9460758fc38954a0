"""A job that fails three times is a failure over HTTP; a retry runs it again, a look comes back by itself."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from api import install
from api.product import Product
from engine import store
from handlers import desk
from tests.api.test_ten_routes import complete, record
from tests.conftest import Client, Clock

JUDGED = {"outcome_2": "proceed", "category": "TRM", "impact": "I2", "urgency": "U2"}


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
    for topic in list(desk.TOPICS):
        monkeypatch.setitem(desk.TOPICS, topic, _fail)


def _fail(*_: object) -> None:
    raise RuntimeError("the mail gateway is gone")


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


@pytest.fixture
def parts(app: Flask) -> Product:
    """The service after its first start, which seeds the calendars and looks at what runs on them."""
    found: Product = app.extensions["flow200"]
    install.load_codes(found)
    return found


@pytest.fixture
def unwatched(
    client: Client, clock: Clock, tick: Callable[[], None], parts: Product, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A call whose look failed three times; what was broken is repaired since."""
    no = record(client)
    complete(client, no, "T200_2", JUDGED)
    with monkeypatch.context() as broken:
        broken.setitem(desk.WORK, "look", _fail)
        clock.set(client.get(f"/incidents/{no}").json["resolve_by"])
        for _ in range(3):
            tick()
            clock.pass_(minutes=5)
    (failure,) = client.get("/failures?open=true").json["items"]
    assert failure["job"]["key"] == f"look:{no}" and failure["job"]["state"] == "failed"
    assert client.get(f"/escalations?incident={no}").json["total"] == 0
    return no


def _watched_again(client: Client, no: str) -> None:
    assert client.get(f"/escalations?incident={no}").json["total"] == 1
    assert client.get("/failures?open=true").json["total"] == 0


def test_a_change_of_a_call_renews_a_look_that_failed(
    client: Client, tick: Callable[[], None], unwatched: str
) -> None:
    changed = client.patch(f"/incidents/{unwatched}", {"subject": "ATM-0087 吞卡"})
    tick()

    assert changed.status_code == 200
    _watched_again(client, unwatched)


def test_a_start_renews_a_look_that_failed(
    client: Client, tick: Callable[[], None], parts: Product, unwatched: str
) -> None:
    install.load_codes(parts)
    tick()

    _watched_again(client, unwatched)


def test_a_start_adds_a_look_that_is_missing_and_puts_off_none(
    client: Client, clock: Clock, parts: Product
) -> None:
    job = store.job
    missing, asked = record(client), record(client)
    for no in (missing, asked):
        complete(client, no, "T200_2", JUDGED)
    before = _looks(parts)
    earlier = clock() + timedelta(minutes=1)
    with parts.database.write() as connection:
        connection.execute(delete(job).where(job.c.key == f"look:{missing}"))
        connection.execute(update(job).where(job.c.key == f"look:{asked}").values(due_at=earlier))

    install.load_codes(parts)

    assert _looks(parts) == {**before, f"look:{asked}": earlier}


def _looks(parts: Product) -> dict[str, datetime]:
    """When each call is looked at next."""
    job = store.job.c
    chosen = select(job.key, job.due_at).where(job.key.startswith("look:"), job.state == "open")
    with parts.database.read() as connection:
        return {row.key: row.due_at for row in connection.execute(chosen)}
