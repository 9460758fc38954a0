"""Messages find who waits by business key; that nobody waits is told at once. Instances can be cancelled."""

from datetime import timedelta

import orjson
import pytest

from engine.errors import InstanceEnded, InstanceNotFound, InvalidData, InvalidForm, NotWaiting
from tests.engine.conftest import MONDAY, ZHAO, Office
from tests.engine.drawing import (
    boundary,
    call,
    catch,
    end,
    fork,
    message,
    process,
    service,
    subprocess,
    timer,
    user,
    wait,
    xor,
)

BOUNDARY = process(
    "P", user("a"), boundary("b", "a", message("go")), user("c"), end(), flows="s>a; a>e; b>c; c>e"
)
GATEWAY = process(
    "P", user("a"), wait("w"), catch("c1", message("go")), catch("c2", message("stop")),
    catch("c3", timer("PT1H")), xor("g"), user("b"), end(),
    flows="s>a; a>w; w>c1; w>c2; w>c3; c1>g; c2>e; c3>a; g>b[result == 'good']; g>a[result == 'bad']; b>e",
)  # fmt: skip
PLAIN = process("Q", catch("q", message("go")), user("z"), end(), flows="s>q; q>z; z>e")


def test_a_message_takes_the_token_over_the_boundary(office: Office) -> None:
    office.deploy(BOUNDARY)
    instance = office.start()

    (moved,) = office.send("go", why="later")

    assert office.open() == ["c"] and moved.variables == {"why": "later"}
    (told,) = [h for h in office.history(instance.id) if h.kind == "message"]
    assert (told.element_id, told.data["message"]) == ("b", "go")
    assert office.waits(instance.id)["messages"] == []


def test_a_message_that_comes_after_the_gateways_timer_was_due_takes_one_branch_only(office: Office) -> None:
    office.deploy(GATEWAY)
    instance = office.start()
    office.complete("a")

    office.now += timedelta(hours=2)
    office.send("go", result="good")

    assert office.open() == ["b"]
    assert [h.kind for h in office.history(instance.id) if h.element_id == "c3"] == []


def test_a_message_is_caught_by_an_event_gateway_and_the_timer_is_gone(office: Office) -> None:
    office.deploy(GATEWAY)
    instance = office.start()
    office.complete("a")
    waiting = office.waits(instance.id)

    office.send("go", result="good")

    assert sorted((m.message, m.element_id) for m in waiting["messages"]) == [("go", "c1"), ("stop", "c2")]
    assert [j.element_id for j in waiting["jobs"]] == ["c3"]
    assert office.open() == ["b"] and office.tick(hours=2) == 0
    assert [
        h.element_id for h in office.history(instance.id) if h.kind == "flow" and h.data["to"] == "g"
    ] == ["c1"]


def test_what_a_message_says_replaces_what_the_token_knew(office: Office) -> None:
    office.deploy(GATEWAY)
    office.start(result="bad")
    office.complete("a", result="bad")

    (moved,) = office.send("go", result="good")

    assert office.open() == ["b"] and moved.variables["result"] == "good"


def test_what_a_boundary_message_says_replaces_what_the_token_knew(office: Office) -> None:
    office.deploy(BOUNDARY)
    office.start(x=1)

    (moved,) = office.send("go", x=2)

    assert moved.variables["x"] == 2


def test_nobody_waiting_is_a_conflict_and_changes_nothing(office: Office) -> None:
    office.deploy(BOUNDARY)
    office.start()
    before = office.rows()

    for name, key in (("unknown", "K1"), ("go", "K2"), ("", ""), ("\0", "\0"), ("\ud800", "\ud800")):
        with pytest.raises(NotWaiting):
            office.send(name, key)

    assert office.rows() == before


def test_a_message_goes_to_every_instance_of_the_key_or_to_one_process(office: Office) -> None:
    office.deploy(BOUNDARY, PLAIN)
    office.start("P")
    office.start("Q")

    (one,) = office.engine.send("go", "K1", {}, office.by, office.now, process="Q")
    office.complete("z")
    office.start("Q")
    both = office.send("go")

    assert one.process == "Q"
    assert sorted(i.process for i in both) == ["P", "Q"]


def test_a_message_with_a_form_is_checked_by_it(office: Office) -> None:
    form = orjson.dumps(
        {
            "id": "message_go",
            "components": [{"key": "why", "type": "textfield", "validate": {"required": True}}],
        }
    )
    office.deploy(BOUNDARY, message_go=form)
    office.start()
    before = office.rows()

    for data in ({}, {"why": " "}, {"why": "x", "more": 1}):
        with pytest.raises(InvalidForm):
            office.send("go", **data)
    refused = office.rows()
    office.send("go", why="since")

    assert refused == before and office.open() == ["c"]


def test_a_message_without_a_form_carries_plain_values_only(office: Office) -> None:
    office.deploy(BOUNDARY)
    office.start()
    before = office.rows()

    for value in ({"typename": "x"}, [[1]], float("nan")):
        with pytest.raises(InvalidData):
            office.send("go", x=value)

    assert office.rows() == before and not office.failures()


def test_a_message_reaches_into_a_called_process(office: Office) -> None:
    office.deploy(process("P", call("ca", "Q"), user("b"), end(), flows="s>ca; ca>b; b>e"), PLAIN)
    office.start()
    office.restart()

    office.send("go", x=2)
    office.complete("z")

    assert office.open() == ["b"]


# cancel

NESTED = process(
    "P",
    fork("f"),
    subprocess(
        "p", user("a"), boundary("b", "a", timer("PT1H")), end("pe"), flows="ps>a; a>pe; b>pe", start="ps"
    ),
    catch("c", message("go")),
    service("t", "later", job=True),
    fork("j"),
    end(),
    flows="s>f; f>p; f>c; f>t; p>j; c>j; t>j; j>e",
)


def test_a_cancelled_instance_waits_for_nothing(office_with: object) -> None:
    office: Office = office_with({"later": lambda v: {}})  # type: ignore[operator]
    office.deploy(NESTED)
    instance = office.start()
    task = office.task("a")
    assert {k: len(v) for k, v in office.waits(instance.id).items()} == {
        "tasks": 1, "messages": 1, "jobs": 2, "failures": 0,
    }  # fmt: skip

    ended = office.engine.cancel(instance.id, "misdialled", ZHAO, office.now)

    assert not any(office.waits(instance.id).values())
    assert ended.ended_at == MONDAY
    assert office.instance(instance.id).tokens == []
    last = office.history(instance.id)[-1]
    assert (last.kind, last.by, last.data) == ("cancelled", "zhao", {"reason": "misdialled"})
    assert office.tick(hours=9) == 0
    with pytest.raises(NotWaiting):
        office.send("go")
    with pytest.raises(InstanceEnded):
        office.engine.cancel(instance.id, "again", ZHAO, office.now)
    with pytest.raises(Exception, match="finished"):
        office.engine.complete(task.id, {}, office.by, office.now)
    office.start()


def test_an_unknown_instance_cannot_be_cancelled(office: Office) -> None:
    with pytest.raises(InstanceNotFound):
        office.engine.cancel("nothing", "why", ZHAO, MONDAY)
