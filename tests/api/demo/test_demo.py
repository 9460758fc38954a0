"""The demonstration: every place of both diagrams holds a call, each call stands where its story says."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from lxml import etree

from api.app import create_app
from api.cli import cli
from api.demo import day as days
from api.demo.command import PASSWORD
from api.demo.play import Clock, Player, places
from api.settings import ROOT, Settings
from engine import reads, store
from tests.api.test_serve import ask, free_port
from tests.conftest import Client

B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
PLACES = ("userTask", "eventBasedGateway", "endEvent")


def places_drawn() -> set[str]:
    """Where a token can stand or end, in both diagrams."""
    drawn = [etree.parse(ROOT / "bpmn" / name) for name in ("incident_200.bpmn", "escalation.bpmn")]
    return {node.get("id") for tree in drawn for kind in PLACES for node in tree.iter(B + kind)}


def test_every_place_of_both_diagrams_holds_calls_as_their_stories_say(installed_url: str) -> None:
    day = days.read()
    clock = Clock(day.begin)
    parts = create_app(Settings(database_url=installed_url), clock).extensions["flow200"]

    Player(parts, clock).play(day)

    with parts.database.read() as connection:
        astray = [call for call in day.calls if call.place not in _stands(connection, call.no)]
        failures = reads.failures(connection)
        failed = connection.scalar(sa.select(sa.func.count()).where(store.job.c.state == "failed"))
    found = places(parts)
    parts.database.close()
    assert astray == [] and failures == [] and failed == 0
    assert set(found) == places_drawn()
    assert clock() == day.end


def _stands(connection: sa.Connection, no: str) -> set[str]:
    instances = reads.instances(connection, no)
    return {place for i in instances for place in (i.tokens or [i.end_element])}


def test_the_day_has_a_dozen_calls_in_each_of_the_ten_steps() -> None:
    day = days.read()

    stories = Counter(call.place for call in day.calls)
    steps = [
        "T200_1",
        "T200_2",
        "S200_3",
        "T200_4",
        "T200_5",
        "T200_6",
        "T200_7",
        "T200_8",
        "T200_9",
        "T200_10",
    ]
    assert {step: stories[step] for step in steps if stories[step] < 12} == {}
    assert stories["W_request"] >= 12 and stories["End_Closed"] >= 12


def test_the_plan_is_the_same_every_time_and_in_order_of_time() -> None:
    one, other = days.read(), days.read()

    assert [(m.at, m.by, m.what, m.call.words) for m in one.moves] == [
        (m.at, m.by, m.what, m.call.words) for m in other.moves
    ]
    assert [m.at for m in one.moves] == sorted(m.at for m in one.moves)
    assert one.moves[-1].at < one.end


def test_a_database_with_calls_is_refused_and_left_alone(installed_url: str, client: Client) -> None:
    client.post(
        "/incidents",
        {
            "call_type": "INC",
            "classification": "INC-EQP-SWL",
            "source": "BR",
            "medium": "PHONE",
            "subject": "吞卡",
            "caller": "zhangmin",
            "ci": "ATM-0087",
        },
    )

    refused = CliRunner().invoke(
        cli, ["demo", "--no-serve", "--into-empty"], env={"FLOW200_DATABASE_URL": installed_url}
    )

    assert refused.exit_code == 1 and "holds calls" in refused.output
    assert len(client.get("/tasks").json["items"]) == 1


def test_people_who_are_not_the_cast_are_a_sentence(database_url: str) -> None:
    parts = create_app(Settings(database_url=database_url)).extensions["flow200"]
    from api import install, migrations
    from handlers import tables

    migrations.upgrade(parts.database)
    install.load_sample(parts, lambda: PASSWORD)
    with parts.database.write() as connection:
        connection.execute(sa.update(tables.person).values(active=False))
    parts.database.close()

    refused = CliRunner().invoke(
        cli, ["demo", "--no-serve", "--into-empty"], env={"FLOW200_DATABASE_URL": database_url}
    )

    assert refused.exit_code == 1 and "no active person" in refused.output


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_known_password_is_for_this_computer_alone(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Player, "play", lambda *_: None)
    monkeypatch.setattr("api.demo.command._say", lambda parts, day, made, as_json: shown.extend(made))
    shown: list = []

    result = CliRunner().invoke(cli, ["demo", "--no-serve"], env={"FLOW200_HOST": host})

    assert result.exit_code == 0, result.output
    assert (host == "127.0.0.1") == all(person.password == PASSWORD for person in shown)


def test_it_is_served_with_its_clock_at_the_end_of_the_day(tmp_path: Path) -> None:
    port = free_port()
    service = subprocess.Popen(
        [sys.executable, "-m", "flow200", "demo"],
        cwd=ROOT,
        env={**os.environ, "FLOW200_PORT": str(port), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        health = ask(port, "/api/v1/health")
        tasks = ask(port, "/api/v1/tasks?limit=200", f"lina:{PASSWORD}")
    finally:
        service.send_signal(signal.SIGTERM)
        said, told = service.communicate(timeout=60)

    assert health["time"].startswith("2026-11-25T17:3")
    assert len(tasks["items"]) > 60
    assert service.returncode == 0, told
    no = re.search(r"/incidents/(SD\d+)/history", said)
    assert no and f"http://127.0.0.1:{port}/api/v1/tasks" in said
    assert list(tmp_path.iterdir()) == []
