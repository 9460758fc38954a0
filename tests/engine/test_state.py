"""An instance that is stored and loaded between any two steps goes the way of one that never left memory."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import diagram as diagrams
from engine import state, workflow
from engine.diagram import Diagram, Flow
from tests.engine.conftest import MONDAY
from tests.engine.drawing import (
    arrows,
    body,
    boundary,
    call,
    catch,
    element,
    end,
    file,
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

STEPS = 14


class Player:
    """Plays one instance by numbers: each number chooses one of the moves that are possible.

    `watch` off: what happens when a token is lost, without an outcry.
    """

    def __init__(self, raw: bytes, store: Callable[["Player"], None], watch: bool = True) -> None:
        self.raw, self.store, self.watch = raw, store, watch
        self.diagram = build(raw)
        self.now = MONDAY
        self.trace: list[Any] = []
        self.step: list[Any] = []
        self.flow = workflow.start(self.diagram, {"again": False, "items": ["p", "q"]}, self)
        self.settle()

    # the host

    def running(self, task: Any) -> None:
        """Nothing to keep."""

    def call(self, task: Any) -> Mapping[str, Any]:
        self.step.append(("called", workflow.element_id(task)))
        return {"served": True}

    def evaluated(self, task: Any, expression: str, values: Mapping[str, Any], result: Any) -> None:
        self.step.append(("evaluated", workflow.element_id(task), expression, dict(values), result))

    def ran(self, task: Any, flows: list[Flow]) -> None:
        if flows:
            self.step.append((workflow.element_id(task), *(f.id for f in flows)))

    def ended(self, task: Any) -> None:
        self.step.append(("ended", workflow.element_id(task)))

    # the moves

    def play(self, numbers: list[int]) -> list[Any]:
        for number in numbers:
            moves = self.moves()
            if not moves:
                break
            self.store(self)
            self.flow.host = self
            name, move = self.moves()[number % len(moves)]
            self.trace.append((name, number))
            move(number)
            self.settle()
        return self.trace

    def moves(self) -> list[tuple[str, Callable[[int], None]]]:
        found: list[tuple[str, Callable[[int], None]]] = []
        for task in by_name(workflow.open_user_tasks(self.flow)):
            found.append((f"complete {workflow.element_id(task)}", lambda n, t=task: self.complete(t, n)))
        for task in by_name(workflow.parked(self.flow)):
            found.append((f"serve {workflow.element_id(task)}", lambda n, t=task: self.serve(t)))
        for name in sorted({s.message for s in workflow.subscriptions(self.flow, self.diagram)}):
            found.append((f"send {name}", lambda n, m=name: self.send(m, n)))
        due = [t.due for t in workflow.timers(self.flow, self.diagram)]
        if due:
            found.append(("time passes", lambda n: self.fire(min(due))))
        return found

    def complete(self, task: Any, number: int) -> None:
        task.data.update({"again": number % 3 == 0, "x": number})
        with workflow.at(self.now):
            workflow.run(self.flow, self.diagram, task)

    def serve(self, task: Any) -> None:
        with workflow.at(self.now):
            workflow.finish(self.flow, self.diagram, task, self.call(task))

    def send(self, name: str, number: int) -> None:
        with workflow.at(self.now):
            workflow.deliver(self.flow, name, {"x": number, "by": name})

    def fire(self, due: datetime) -> None:
        self.now = max(self.now, due)
        workflow.fire_timers(self.flow, self.now)

    def settle(self) -> None:
        self.now += timedelta(minutes=1)
        with workflow.at(self.now):
            workflow.settle(self.flow, self.diagram)
        where = sorted(
            (workflow.element_id(t), sorted(t.data.items(), key=repr)) for t in workflow.resting(self.flow)
        )
        over = not workflow.has_token(self.flow)
        ended = any(note[0] == "ended" for note in self.step)
        assert ended or not over or not self.watch, "the token is lost"
        assert over or self.moves(), "nothing can move the token"
        # Tokens that move side by side may do so in either order.
        self.trace.append((sorted(self.step, key=repr), where, not over))
        self.step = []


def by_name(tasks: list[Any]) -> list[Any]:
    return sorted(
        tasks, key=lambda t: (workflow.element_id(t), repr(sorted(t.data.items())), repr(t.internal_data))
    )


def build(raw: bytes) -> Diagram:
    (diagram, *_) = (d for d in diagrams.build({"p.bpmn": raw}) if d.key == "P")
    return diagram


def keep(player: Player) -> None:
    """Stay in memory."""


def pruned(player: Player) -> None:
    player.flow = state.loads(state.dumps(player.flow, player.diagram), player.diagram)


def whole(player: Player) -> None:
    player.flow = state.loads(state.dumps(player.flow, player.diagram, prune=False), player.diagram)


def elsewhere(player: Player) -> None:
    """Stored by one process and loaded by another, which has built the diagram for itself."""
    raw = state.dumps(player.flow, player.diagram)
    player.diagram = build(player.raw)
    player.flow = state.loads(raw, player.diagram)


def sorted_keys(player: Player) -> None:
    """As a database would give it back that keeps JSON and not bytes (trap R3)."""
    raw = state.dumps(player.flow, player.diagram, prune=False)
    raw = orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)
    player.flow = state.loads(raw, player.diagram)


# diagrams made of blocks: each block has one way in and one way out


class Sketch:
    """Nodes and flows that grow block by block."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.flows: list[str] = []
        self.count = 0

    def id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def add(self, *nodes: str) -> None:
        self.nodes += nodes

    def link(self, *flows: str) -> None:
        self.flows += flows


def a_user(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    u = s.id("u")
    s.add(user(u))
    return u, u


def a_message_boundary(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    u, b, v, m = s.id("u"), s.id("b"), s.id("v"), s.id("m")
    s.add(user(u), boundary(b, u, message(f"go_{b}")), user(v), xor(m))
    s.link(f"{u}>{m}", f"{b}>{v}", f"{v}>{m}")
    return u, m


def a_timer_boundary(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    u, b, m = s.id("u"), s.id("b"), s.id("m")
    s.add(user(u), boundary(b, u, timer("PT2H")), xor(m))
    s.link(f"{u}>{m}", f"{b}>{m}")
    return u, m


def a_reminder(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    u, b, v, e = s.id("u"), s.id("b"), s.id("v"), s.id("e")
    s.add(user(u), boundary(b, u, timer("PT30M"), interrupting=False), user(v), end(e))
    s.link(f"{b}>{v}", f"{v}>{e}")
    return u, u


def a_wait(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    w, c, t, m = s.id("w"), s.id("c"), s.id("t"), s.id("m")
    s.add(wait(w), catch(c, message(f"go_{w}")), catch(t, timer("PT1H")), xor(m))
    s.link(f"{w}>{c}", f"{w}>{t}", f"{c}>{m}", f"{t}>{m}")
    return w, m


def a_catch(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    c = s.id("c")
    s.add(catch(c, draw(st.sampled_from([message(f"go_{c}"), timer("PT10M")]))))
    return c, c


def a_service(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    t = s.id("t")
    s.add(service(t, "note", job=draw(st.booleans())))
    return t, t


def a_loop(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    m, g = s.id("m"), s.id("g")
    s.add(xor(m), xor(g))
    first, last = draw(st.sampled_from([a_user, a_message_boundary, a_reminder, a_wait]))(s, draw, depth)
    after = s.id("t")
    s.add(service(after, "note"))
    s.link(f"{m}>{first}", f"{last}>{g}", f"{g}>{m}[again == true]", f"{g}>{after}[again == false]")
    return m, after


def a_fork(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    f, j = s.id("f"), s.id("j")
    s.add(fork(f), fork(j))
    for _ in range(2):
        first, last = block(s, draw, depth + 1)
        s.link(f"{f}>{first}", f"{last}>{j}")
    return f, j


def several(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    u = s.id("u")
    one_by_one = str(draw(st.booleans())).lower()
    times = f'<loopCardinality xsi:type="tFormalExpression">{draw(st.integers(1, 3))}</loopCardinality>'
    how = f'<multiInstanceLoopCharacteristics isSequential="{one_by_one}">{times}'
    s.add(user(u, "G1", f"{how}</multiInstanceLoopCharacteristics>"))
    return u, u


def again(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    u = s.id("u")
    how = '<standardLoopCharacteristics loopMaximum="2"><loopCondition xsi:type="tFormalExpression">'
    s.add(user(u, "G1", f"{how}again == true</loopCondition></standardLoopCharacteristics>"))
    return u, u


def a_subprocess(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    outer_nodes, outer_flows = s.nodes, s.flows
    s.nodes, s.flows = [], []
    p, start, e = s.id("p"), s.id("s"), s.id("e")
    first, last = block(s, draw, depth + 1)
    s.add(end(e))
    s.link(f"{start}>{first}", f"{last}>{e}")
    made = subprocess(p, *s.nodes, flows="; ".join(s.flows), start=start)
    s.nodes, s.flows = [*outer_nodes, made], outer_flows
    if draw(st.booleans()):
        b, m = s.id("b"), s.id("m")
        s.add(boundary(b, p, message(f"go_{b}")), xor(m))
        s.link(f"{b}>{m}", f"{p}>{m}")
        return p, m
    return p, p


def a_call(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    c = s.id("c")
    s.add(call(c, "C"))
    return c, c


def an_error(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    """A subprocess that may end in an error, which its boundary catches."""
    p, start, u, g, e, wrong, b, m = (s.id(x) for x in ("p", "s", "u", "g", "e", "e", "b", "m"))
    thrown = '<errorEventDefinition errorRef="E"/>'
    flows = f"{start}>{u}; {u}>{g}; {g}>{wrong}[again == true]; {g}>{e}[again == false]"
    s.add(subprocess(p, user(u), xor(g), end(e), end(wrong, thrown), flows=flows, start=start))
    s.add(boundary(b, p, thrown), xor(m))
    s.link(f"{p}>{m}", f"{b}>{m}")
    return p, m


def a_terminated(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    """A subprocess with two tokens, one of which ends both."""
    p, start, f, u, v, e, t = (s.id(x) for x in ("p", "s", "f", "u", "v", "e", "e"))
    flows = f"{start}>{f}; {f}>{u}; {f}>{v}; {u}>{e}; {v}>{t}"
    inside = (fork(f), user(u), user(v), boundary(s.id("b"), u, timer("PT1H"), interrupting=False), end(e))
    late = s.id("e")
    flows += f"; b{s.count - 1}>{late}"
    s.add(subprocess(p, *inside, end(late), end(t, "<terminateEventDefinition/>"), flows=flows, start=start))
    return p, p


def a_receive(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    r = s.id("r")
    s.add(element("receiveTask", r, messageRef=f"M_go_{r}"))
    return r, r


def a_choice_of_several(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    g, u, v, j = s.id("i"), s.id("u"), s.id("v"), s.id("i")
    s.add(element("inclusiveGateway", g), user(u), user(v), element("inclusiveGateway", j))
    s.link(f"{g}>{u}[again == true or again == false]", f"{g}>{v}[again == true]", f"{u}>{j}", f"{v}>{j}")
    return g, j


def for_each(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    """A subprocess for each item of a collection, one after the other or side by side."""
    p, start, u, e = s.id("p"), s.id("s"), s.id("u"), s.id("e")
    inside = f'<startEvent id="{start}"/>{user(u)}{end(e)}{arrows(f"{start}>{u}; {u}>{e}")}'
    one_by_one = str(draw(st.booleans())).lower()
    how = f'<multiInstanceLoopCharacteristics isSequential="{one_by_one}">'
    item = f'<loopDataInputRef>items</loopDataInputRef><inputDataItem id="{s.id("item")}"/>'
    s.add(element("subProcess", p, how + item + "</multiInstanceLoopCharacteristics>", inside))
    return p, p


FLAT = (
    a_receive,
    a_user,
    a_message_boundary,
    a_timer_boundary,
    a_reminder,
    a_wait,
    a_catch,
    a_service,
    a_loop,
)
NESTED = (
    a_fork, several, again, a_subprocess, a_call, an_error, a_terminated, a_choice_of_several, for_each,
)  # fmt: skip


def block(s: Sketch, draw: Any, depth: int) -> tuple[str, str]:
    return draw(st.sampled_from(FLAT if depth > 1 else FLAT + NESTED))(s, draw, depth)  # type: ignore[no-any-return]


@st.composite
def drawings(draw: Any, blocks: Any = FLAT + NESTED) -> bytes:
    s = Sketch()
    before = "s"
    for _ in range(draw(st.integers(1, 4))):
        first, last = draw(st.sampled_from(blocks))(s, draw, 0)
        s.link(f"{before}>{first}")
        before = last
    s.add(end("e"))
    s.link(f"{before}>e")
    called = body(
        "C",
        user("cu"),
        boundary("cb", "cu", timer("PT1H")),
        end("ce"),
        flows="cs>cu; cu>ce; cb>ce",
        start="cs",
    )
    return file(body("P", *s.nodes, flows="; ".join(s.flows)), called)


NUMBERS = st.lists(st.integers(0, 20), min_size=STEPS, max_size=STEPS)
relaxed = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@given(drawings(FLAT), NUMBERS)
@settings(relaxed, max_examples=120)
def test_a_flat_diagram_goes_the_same_way_pruned_whole_and_in_memory(raw: bytes, numbers: list[int]) -> None:
    assert build(raw).prunable
    told = Player(raw, keep).play(numbers)

    for store in (pruned, whole, elsewhere, sorted_keys):
        assert Player(raw, store).play(numbers) == told, store.__name__


@given(drawings(), NUMBERS)
@settings(relaxed, max_examples=120)
def test_any_diagram_goes_the_same_way_after_being_stored_between_any_two_steps(
    raw: bytes, numbers: list[int]
) -> None:
    told = Player(raw, keep).play(numbers)

    for store in (pruned, elsewhere, sorted_keys):
        assert Player(raw, store).play(numbers) == told, store.__name__


def test_an_unknown_format_is_refused() -> None:
    diagram = build(process("P", user("a"), end(), flows="s>a; a>e"))

    with pytest.raises(ValueError, match="pruned-99"):
        state.loads(b'["pruned-99",[],[]]', diagram)


def test_a_thousand_rounds_stay_flat() -> None:
    loop = process(
        "P",
        user("a"),
        xor("g"),
        boundary("b", "a", message("stop")),
        end(),
        flows="s>a; a>g; g>a[again]; g>e[not again]; b>e",
    )
    player = Player(loop, pruned)
    player.play([0] * 10)
    early = len(state.dumps(player.flow, player.diagram))
    player.trace.clear()

    player.play([0] * 990)

    assert len(state.dumps(player.flow, player.diagram)) < early + 50
    assert max(t.depth for t in player.flow.tasks.values()) < 10
    assert [name for name, _ in player.moves()] == ["complete a", "send stop"]


def test_a_loop_that_cannot_be_pruned_stops_with_a_reason_and_never_silently() -> None:
    inside = subprocess("p", user("a"), end("pe"), flows="ps>a; a>pe", start="ps")
    looped = process("P", inside, xor("g"), end(), flows="s>p; p>g; g>p[again]; g>e[not again]")
    player = Player(looped, keep)

    with pytest.raises(workflow.LoopLimit):
        player.play([3] * 2000)
