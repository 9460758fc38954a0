"""The traps R1–R14 of SpiffWorkflow 3.2.0: each is still there, and flow200 refuses, avoids or survives it.

The first half of a test runs the library alone. When a new version turns it red, the trap is gone or has
changed, and what we do about it is to be decided again.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import orjson
import pytest
from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.spiff.parser import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer.config import SPIFF_CONFIG
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition
from SpiffWorkflow.util.deep_merge import DeepMerge

from engine import state, workflow
from engine.errors import Failed, InvalidData, NotWaiting, TaskNotFound, TaskNotOpen
from engine.lint import lint
from tests.engine.conftest import MONDAY, Office
from tests.engine.drawing import (
    arrows,
    boundary,
    call,
    catch,
    element,
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
from tests.engine.test_state import Player, keep, pruned, sorted_keys

SEQUENCE = process("P", user("a"), user("b"), end(), flows="s>a; a>b; b>e")
LOOP = process("P", user("u"), xor("g"), end(), flows="s>u; u>g; g>u[again]; g>e[not again]")


class Stock:
    """The library alone, as its own documentation uses it."""

    def __init__(self, *drawn: bytes, engine: PythonScriptEngine | None = None) -> None:
        parser = SpiffBpmnParser()
        for raw in drawn:
            plain = (
                raw.replace(b"${", b"")
                .replace(b"}<", b"<")
                .replace(b">PT", b'>"PT')
                .replace(b"</timeD", b'"</timeD')
            )
            parser.add_bpmn_xml(etree.fromstring(plain))
        self.specs = parser.get_spec("P"), parser.get_subprocess_specs("P")
        self.flow = BpmnWorkflow(*self.specs, script_engine=engine)

    def go(self, **data: Any) -> "Stock":
        self.flow.task_tree.data.update(data)
        self.flow.do_engine_steps()
        return self

    def ready(self) -> list[str]:
        return sorted(t.task_spec.name for t in self.flow.get_tasks(state=TaskState.READY))

    def do(self, name: str, **data: Any) -> None:
        task = next(t for t in self.flow.get_tasks(state=TaskState.READY) if t.task_spec.name == name)
        task.data.update(data)
        task.run()
        self.flow.do_engine_steps()

    def send(self, name: str) -> None:
        self.flow.send_event(BpmnEvent(MessageEventDefinition(name), {}))
        self.flow.do_engine_steps()


def refused(*drawn: bytes) -> set[str]:
    """The rules by which lint refuses these files."""
    found = lint({f"{n}.bpmn": raw for n, raw in enumerate(drawn)}, topics={"t"})
    return {f.rule for f in found if f.severity == "error"}


def test_the_version_is_the_one_whose_traps_we_know() -> None:
    assert version("SpiffWorkflow") == "3.2.0"


def test_r1_a_parallel_join_in_a_loop_fires_early() -> None:
    looped = process(
        "P", fork("a"), user("u0"), user("u1"), user("u2"), fork("j"), user("x"), xor("g"), end(),
        flows="s>a; a>u0; a>u1; a>u2; u0>j; u1>j; u2>j; j>x; x>g; g>a[again]; g>e[not again]",
    )  # fmt: skip
    stock = Stock(looped).go()
    for name in ("u2", "u1", "u0"):
        stock.do(name)
    stock.do("x", again=True)
    stock.do("u2")
    stock.do("u0")
    assert stock.ready() == ["u1", "x"]

    assert "parallel-in-loop" in refused(looped)


def test_r2_past_depth_1000_the_token_is_lost_and_the_instance_calls_itself_complete() -> None:
    stock = Stock(LOOP).go()
    rounds = 0
    while stock.ready():
        stock.do("u", again=True)
        rounds += 1
    assert rounds == 500 and stock.flow.is_completed()

    survivor = Player(LOOP, pruned)
    survivor.play([0] * 600)
    assert [name for name, _ in survivor.moves()] == ["complete u"]

    inside = subprocess("p", user("u"), end("pe"), flows="ps>u; u>pe", start="ps")
    nested = Player(process("P", inside, xor("g"), end(), flows="s>p; p>g; g>p[again]; g>e[not again]"), keep)
    with pytest.raises(workflow.LoopLimit):
        nested.play([0] * 600)


def test_r3_the_order_of_keys_in_stored_json_carries_the_data() -> None:
    serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(SPIFF_CONFIG))
    stock = Stock(SEQUENCE).go()
    stock.do("a", x=1)
    stored = orjson.loads(serializer.serialize_json(stock.flow))
    stored["tasks"] = dict(reversed(stored["tasks"].items()))
    loaded = serializer.deserialize_json(orjson.dumps(stored).decode())
    assert loaded.get_tasks(state=TaskState.READY)[0].data == {}

    ours = Player(SEQUENCE, sorted_keys)
    ours.play([1])
    sorted_keys(ours)
    assert workflow.open_user_tasks(ours.flow)[0].data["x"] == 1


def test_r4_a_key_named_typename_makes_an_instance_unloadable(office: Office) -> None:
    serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(SPIFF_CONFIG))
    stock = Stock(SEQUENCE).go()
    stock.do("a", form={"typename": "laptop"})
    with pytest.raises(TypeError):
        serializer.deserialize_json(serializer.serialize_json(stock.flow))

    office.deploy(
        process("P", fork("f"), user("a"), user("b"), fork("j"), end(), flows="s>f; f>a; f>b; a>j; b>j; j>e")
    )
    office.start()
    for answer in (
        {"form": {"typename": "laptop"}},
        {"typename": "laptop"},
        {"form": [{"typename": "laptop"}]},
    ):
        with pytest.raises(InvalidData):
            office.complete("a", **answer)
    office.complete("a", form="typename")
    assert office.open() == ["b"]


def test_r5_hiding_names_is_no_sandbox() -> None:
    escape = "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == '_wrap_close'] != []"
    escaping = process("P", xor("g"), user("u"), end(), flows=f"s>g; g>u[{escape}]; g>e[x == 1]; u>e")
    jail = PythonScriptEngine(TaskDataEnvironment({"__builtins__": {}}))
    assert Stock(escaping, engine=jail).go(x=2).ready() == ["u"]

    assert "invalid-expression" in refused(escaping)
    assert "script-task" in refused(
        process("P", element("scriptTask", "t", "<script>x=1</script>"), end(), flows="s>t; t>e")
    )
    with pytest.raises(Exception, match="not valid"):
        Player(escaping, keep)


def test_r6_the_final_data_are_those_of_the_branch_that_ended_last(office: Office) -> None:
    reminded = process(
        "P", user("u"), boundary("b", "u", timer("PT1M"), interrupting=False), user("esc"), end("e2"), end(),
        flows="s>u; u>e; b>esc; esc>e2",
    )  # fmt: skip
    with workflow.at(MONDAY):
        stock = Stock(reminded).go(resolved=False)
    with workflow.at(MONDAY + timedelta(minutes=2)):
        stock.flow.refresh_timers()
        stock.flow.do_engine_steps()
    stock.do("u", resolved=True)
    stock.do("esc")
    assert stock.flow.data["resolved"] is False

    office.deploy(reminded)
    instance = office.start(resolved=False)
    office.tick(minutes=1)
    office.complete("u", resolved=True)
    ended = office.complete("esc")
    said = [h.data["variables"] for h in office.history(instance.id) if h.kind == "completed"]
    assert said == [{"resolved": True}, {}]
    assert ended.ended_at is not None and ended.variables == {}


def test_r7_an_event_subprocess_ignores_its_kind_and_changes_the_shared_specification() -> None:
    inside = element(
        "subProcess", "esp", element("startEvent", "es", message("go"), isInterrupting="true"), user("m"),
        end("ee"), arrows("es>m; m>ee"), triggeredByEvent="true",
    )  # fmt: skip
    drawn = process("P", user("u"), inside, end(), flows="s>u; u>e")
    stock = Stock(drawn).go()
    stock.send("go")
    assert stock.ready() == ["m", "u"]
    second = BpmnWorkflow(*stock.specs)
    second.do_engine_steps()
    assert [t.task_spec.name for t in second.get_tasks(state=TaskState.STARTED)] == ["esp"]

    assert "event-subprocess" in refused(drawn)


def test_r8_a_condition_on_a_flow_that_leaves_a_task_is_ignored() -> None:
    drawn = process("P", user("u"), user("v"), end(), flows="s>u; u>v[x == 1]; v>e")
    stock = Stock(drawn).go(x=2)
    stock.do("u")
    assert stock.ready() == ["v"]

    assert "condition-outside-gateway" in refused(drawn)


def test_r8_link_events_lose_the_token() -> None:
    link = '<linkEventDefinition id="l{0}" name="L"/>'
    drawn = process(
        "P", element("intermediateThrowEvent", "t", link.format(1)), catch("c", link.format(2)), user("u"),
        end(), flows="s>t; c>u; u>e",
    )  # fmt: skip
    assert Stock(drawn).go().flow.is_completed()

    assert "link-event" in refused(drawn)
    happened, rests, has_token = Player(drawn, keep, watch=False).trace[-1]
    assert not rests and not has_token and not any(note[0] == "ended" for note in happened)


def test_r8_a_signal_end_event_is_dropped() -> None:
    drawn = process("P", end("e", '<signalEventDefinition signalRef="G"/>'), flows="s>e").replace(
        b"<process", b'<signal id="G" name="sig"/><process'
    )
    assert Stock(drawn).go().flow.get_events() == []

    assert "signal-event" in refused(drawn)


def test_r9_a_called_process_without_an_end_never_returns() -> None:
    calling = process("P", call("ca", "C"), user("next"), end(), flows="s>ca; ca>next; next>e")
    endless = process("C", user("cu"), flows="cs>cu", start="cs")
    stock = Stock(calling, endless).go()
    stock.do("cu")
    assert stock.ready() == []

    assert "no-end" in refused(calling, endless)


def test_r10_nested_values_are_merged_and_shared_with_the_past(office: Office) -> None:
    assert DeepMerge.merge({"l": ["a", "b", "c"]}, {"l": ["c"]}) == {"l": ["a"]}
    stock = Stock(SEQUENCE).go()
    stock.do("a", inc={"log": {"k": 1}})
    stock.flow.get_tasks(state=TaskState.READY)[0].data["inc"]["log"]["k"] = 99
    assert stock.flow.get_next_task(spec_name="a").data["inc"] == {"log": {"k": 99}}

    office.deploy(SEQUENCE)
    instance = office.start(l="abc")
    with pytest.raises(InvalidData, match="inc"):
        office.complete("a", inc={"log": {"k": 1}})
    office.complete("a", l="c")
    assert office.instance(instance.id).variables == {"l": "c"}


def test_r11_the_exception_of_a_handler_is_replaced(
    office_with: Callable[[Mapping[str, Any]], Office],
) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise ConnectionError("vendor down")

    environment = TaskDataEnvironment()
    environment.call_service = down
    with pytest.raises(NameError):
        PythonScriptEngine(environment).call_service(type("T", (), {"data": {}})(), operation_name="x")

    office = office_with({"t": down})
    office.deploy(process("P", service("t", "t"), end(), flows="s>t; t>e"))
    with pytest.raises(Failed) as failed:
        office.start()
    assert isinstance(failed.value.__cause__, ConnectionError)
    assert office.failures()[0].error == "ConnectionError: vendor down"


def test_r12_two_timers_of_an_event_gateway_share_one_due_date() -> None:
    drawn = process(
        "P", wait("w"), catch("long", timer("PT1H")), catch("short", timer("PT1M")), user("u1"), user("u2"),
        end(), flows="s>w; w>long; w>short; long>u1; short>u2; u1>e; u2>e",
    )  # fmt: skip
    with workflow.at(MONDAY):
        stock = Stock(drawn).go()
    with workflow.at(MONDAY + timedelta(minutes=2)):
        stock.flow.refresh_timers()
        stock.flow.do_engine_steps()
    assert stock.ready() == []

    assert "event-gateway-timers" in refused(drawn)


def test_r13_a_task_of_the_future_can_be_run(office: Office) -> None:
    stock = Stock(SEQUENCE).go()
    future = stock.flow.get_next_task(spec_name="b")
    future.run()
    assert future.state == TaskState.COMPLETED and "a" in stock.ready()

    office.deploy(SEQUENCE)
    instance = office.start()
    row, first = office.waits(instance.id)["tasks"][0], office.task("a")
    ours = Player(SEQUENCE, keep)
    for task_id in (row.token, str(ours.flow.get_next_task(spec_name="b").id)):
        with pytest.raises(TaskNotFound):
            office.engine.complete(task_id, {}, office.by, office.now)
    office.complete("a")
    with pytest.raises(TaskNotOpen):
        office.engine.complete(first.id, {}, office.by, office.now)
    assert office.open() == ["b"]


def test_r14_a_non_interrupting_message_boundary_fires_once_only(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = process(
        "P", user("u"), boundary("b", "u", message("go"), interrupting=False), user("v"), end("e2"), end(),
        flows="s>u; u>e; b>v; v>e2",
    )  # fmt: skip
    stock = Stock(drawn).go()
    stock.send("go")
    with pytest.raises(WorkflowException, match="not waiting"):
        stock.send("go")

    assert "non-interrupting-message" in refused(drawn)
    monkeypatch.setattr("engine.definitions.lint.lint", lambda *a, **k: [])
    office.deploy(drawn)
    office.start()
    office.send("go")
    with pytest.raises(NotWaiting):
        office.send("go")


def test_state_is_never_the_librarys_own_whole_document() -> None:
    ours = Player(LOOP, keep)

    assert b'"spec"' not in state.dumps(ours.flow, ours.diagram, prune=False)
