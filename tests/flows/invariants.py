"""What holds after every verb (PROCESS §6.11), read from the database and from the diagram as it is drawn.

The tables of §6.7.2 are written here a second time on purpose: the code table must not vouch for itself.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from lxml import etree

from engine import reads, store
from handlers import audit, tables
from tests.flows.words import BPMN, ROOT

CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
MOVES = {
    "ST1": {"ST2", "ST8", "ST9", "ST7"},
    "ST2": {"ST3", "ST6", "ST7", "ST8", "ST9"},
    "ST3": {"ST4", "ST2", "ST8"},
    "ST4": {"ST5", "ST6", "ST7", "ST2", "ST8"},
    "ST5": {"ST4", "ST6", "ST7", "ST8"},
    "ST6": {"ST2", "ST4", "ST5", "ST7", "ST8"},
    "ST7": {"ST8", "ST2", "ST4"},
    "ST8": {"ST2", "ST4"},
    "ST9": {"ST7", "ST2", "ST8"},
}
CLOSED_FROM = {
    "ST1": {"C09", "C07", "C11"},
    "ST2": {"C05", "C07", "C09", "C11"},
    "ST3": {"C07", "C11"},
    "ST4": {"C07", "C11"},
    "ST5": {"C07", "C11"},
    "ST6": {"C07", "C11"},
    "ST7": {"C01", "C02", "C03", "C04", "C06", "C08", "C10", "C11"},
    "ST9": {"C07", "C10", "C11"},
}
NEXT_OF_WORK_ORDER = {
    "W1": {"W2", "W6", "W7"},
    "W2": {"W3", "W5", "W7"},
    "W3": {"W4", "W5", "W7"},
    "W4": {"W3", "W7"},
    "W5": {"W8", "W3"},
    "W6": set(),
    "W7": set(),
    "W8": {"W3"},
}
LEVELS = ("E1", "E2", "E3", "E4")
ONCE = ("first_response_at", "first_resolved_at")


def broken(connection: sa.Connection, *numbers: str, settled: bool = True) -> list[str]:
    """Every sentence that does not hold, of the named calls or of all; `settled` means due jobs have run."""
    chosen = sa.select(tables.incident)
    if numbers:
        chosen = chosen.where(tables.incident.c.no.in_(numbers))
    found = [*_failures(connection)]
    for row in connection.execute(chosen).mappings():
        found += [f"{row['no']}: {said}" for said in _call(connection, row, settled)]
    return found


def _failures(connection: sa.Connection) -> Iterator[str]:
    for row in reads.failures(connection):
        yield f"failure at {row.element_id}: {row.error}"
    for row in connection.execute(sa.select(store.job).where(store.job.c.state == "failed")):
        yield f"job {row.key} failed: {row.result}"


def _call(connection: sa.Connection, call: Mapping[str, Any], settled: bool) -> Iterator[str]:
    lines = list(
        connection.execute(
            sa.select(tables.log).where(tables.log.c.call == call["no"]).order_by(tables.log.c.seq)
        ).mappings()
    )
    orders = list(
        connection.execute(
            sa.select(tables.work_order).where(tables.work_order.c.call == call["no"])
        ).mappings()
    )
    yield from _log(call, lines)
    yield from _statuses(call, lines)
    yield from _place(connection, call)
    yield from _work_orders(call, orders, lines)
    yield from _times(call)
    yield from _clocks(call, lines)
    yield from _breach(lines)
    yield from _escalation(connection, call, lines, settled)
    yield from _family(connection, call)
    yield from _owner(connection, call)


def _owner(connection: sa.Connection, call: Mapping[str, Any]) -> Iterator[str]:
    """One owner, of the desk, until it is closed (1)."""
    member = tables.membership.c
    desk = set(connection.execute(sa.select(member.person).where(member.workgroup == "WG-SD")).scalars())
    if call["owner_group"] != "WG-SD" or (call["status"] != "ST8" and call["owner"] not in desk):
        yield f"its owner {call['owner']} is not of the desk"


def _log(call: Mapping[str, Any], lines: list[Any]) -> Iterator[str]:
    if seq := audit.first_broken(lines, call["log_seq"], call["log_hash"]):
        yield f"the log is broken at line {seq}"
    for name in ONCE:
        if len([line for line in lines if line["field"] == name]) > 1:
            yield f"{name} was set twice"


def statuses(lines: list[Any]) -> list[str]:
    """The status history as the log tells it."""
    return [str(line["new"]) for line in lines if "status" in (line["field"], line["what"])]


def _statuses(call: Mapping[str, Any], lines: list[Any]) -> Iterator[str]:
    path = statuses(lines)
    if not path or path[0] != "ST1":
        yield f"the log begins with {path[:1]}"
    if path[-1:] != [call["status"]]:
        yield f"the log ends in {path[-1:]}, the record says {call['status']}"
    for old, new in pairwise(path):
        if new not in MOVES[old]:
            yield f"{old} went to {new}"
    if call["status"] == "ST8":
        code = call["closure_code"]
        if code is None:
            yield "closed without a code"
        elif code not in CLOSED_FROM[path[-2]]:
            yield f"closed as {code} from {path[-2]}"
        if path[-2] == "ST7" and code != "C11" and call["confirm_result"] not in ("confirmed", "unreachable"):
            yield "closed after ST7 without a confirmation"


def _place(connection: sa.Connection, call: Mapping[str, Any]) -> Iterator[str]:
    instances = reads.instances(connection, call["no"])
    for row in instances:
        if row.ended_at is None and not any(reads.waits(connection, row.id).values()):
            yield f"{row.process} at {row.tokens} waits for nothing"
    incident = [row for row in instances if row.process == "incident_200"]
    running = [row for row in incident if row.ended_at is None]
    if len(running) > 1:
        yield "two instances run on it"
    if (call["status"] == "ST8") == bool(running):
        yield f"status {call['status']} with {len(running)} running instances"
    for row in running:
        for token in row.tokens:
            for name, value in PLACES[token].items():
                if call[name] != value:
                    yield f"stands at {token} ({name} {value}), but its {name} is {call[name]}"


def _work_orders(call: Mapping[str, Any], orders: list[Any], lines: list[Any]) -> Iterator[str]:
    dispatches = [order for order in orders if order["type"] == "DSP"]
    if call["dispatch_count"] != len(dispatches):
        yield f"dispatch_count {call['dispatch_count']}, {len(dispatches)} work orders"
    rejected = len([order for order in dispatches if order["status"] == "W6"])
    if call["reject_count"] != rejected:
        yield f"reject_count {call['reject_count']}, {rejected} in W6"
    working = [order["no"] for order in dispatches if order["status"] in ("W1", "W2", "W3", "W4")]
    if len(working) > 1:
        yield f"dispatches {working} are open together"
    if call["status"] == "ST8":
        left = {order["no"]: order["status"] for order in orders if order["status"] not in ("W6", "W7", "W8")}
        if left:
            yield f"closed with work orders {left}"
    for line in lines:
        if (
            line["what"] == "work_order"
            and line["old"]
            and line["new"] not in NEXT_OF_WORK_ORDER[line["old"]]
        ):
            yield f"work order {line['field']} went from {line['old']} to {line['new']}"
    if call["exit_path"]:
        return
    at_second_line = [o for o in dispatches if o["status"] in ("W2", "W3", "W4")]
    if call["status"] == "ST4" and not at_second_line:
        yield "second line works without a work order"
    if call["status"] == "ST3" and [o["status"] for o in dispatches if o["status"] in ("W1",)] != ["W1"]:
        yield "it waits for acceptance without an issued work order"


def _times(call: Mapping[str, Any]) -> Iterator[str]:
    def late(first: str, second: str) -> bool:
        return call[first] is not None and call[second] is not None and call[first] > call[second]

    for pair in (("occurred_at", "recorded_at"), ("reported_at", "recorded_at")):
        if late(*pair):
            yield "{} lies after {}".format(*pair)
    if not call["backfilled"] and late("recorded_at", "first_response_at"):
        yield "the first response lies before the record"
    for pair in (("first_resolved_at", "resolved_at"), ("resolved_at", "closed_at")):
        if late(*pair):
            yield "{} lies after {}".format(*pair)


def _clocks(call: Mapping[str, Any], lines: list[Any]) -> Iterator[str]:
    """What the log says of the clocks, in order (7, 8, 11): none of it is asked of the product again."""
    stands: dict[str, datetime] = {}
    went_on: dict[str, datetime] = {}
    ends: dict[str, datetime | None] = {}
    upto: dict[str, float] = {}
    for line in lines:
        if line["what"] != "clock":
            continue
        clock, said = line["field"], json.loads(line["new"])
        at = datetime.fromisoformat(said["at"])
        if at > line["at"]:
            yield f"{clock}: {said['do']} at {at} was written before"
        if said["do"] == "start":
            if said["minutes"] > said["target"] or said["minutes"] < 0:
                yield f"{clock}: {said['minutes']} of {said['target']} minutes"
            due = at + timedelta(minutes=said["minutes"]) if said["calendar"] == "24x7" else None
            old = ends.get(clock)
            if old and due and not said.get("whole") and clock == "resolve" and due > old:
                yield f"{clock}: raised, and due at {due} in place of {old}"
            ends[clock] = due
        elif said["do"] == "pause":
            if clock in stands:
                yield f"{clock}: paused twice"
            if at < went_on.get(clock, at):
                yield f"{clock}: paused at {at}, before it went on"
            stands[clock] = at
        elif said["do"] == "resume":
            began = stands.pop(clock, None)
            if began is None or at < began:
                yield f"{clock}: went on at {at}, stood still since {began}"
            elif ends.get(clock):
                ends[clock] = ends[clock] + (at - began)  # type: ignore[operator]
            went_on[clock] = at
        elif said["do"] == "cancel":
            stands.pop(clock, None)
            went_on.pop(clock, None)
            ends.pop(clock, None)
        elif said["do"] == "fired":
            skipped = said.get("skipped", [])
            passed = [upto.get(clock, 0), *skipped, said["upto"]]
            if any(one >= later for one, later in pairwise(passed)):
                yield f"{clock}: fired again: {passed}"
            upto[clock] = said["upto"]
    if "resolve" in stands and call["status"] not in ("ST6", "ST7", "ST8") and not call["exit_path"]:
        yield f"the resolve clock stands still in {call['status']}"


def _breach(lines: list[Any]) -> Iterator[str]:
    """A breach stays as it was first written; only a clock that is cancelled takes it along (8, §6.5.1)."""
    breaches = [line for line in lines if line["field"] == "overdue_at"]
    cancelled = {
        line["at"]
        for line in lines
        if (line["what"], line["field"]) == ("clock", "resolve") and json.loads(line["new"])["do"] == "cancel"
    }
    for line in breaches:
        if line["new"] is None and line["at"] not in cancelled:
            yield "a breach was cleared"
        if line["new"] is not None and line["old"] is not None:
            yield f"a breach moved from {line['old']} to {line['new']}"


def ran_back(earlier: Iterable[Mapping[str, Any]], later: Iterable[Mapping[str, Any]]) -> list[str]:
    """Clocks as they were shown one after another: none goes back, none runs while it stands (7)."""
    before = {(one["clock"], one["priority"], one["start"]): one for one in earlier if one["segments"]}
    found = []
    for one in later:
        was = before.get((one["clock"], one["priority"], one["start"]))
        if was is None:
            continue
        if one["paused"] < 0 or one["elapsed"] < 0:
            found.append(f"{one['clock']}: below zero")
        if one["elapsed"] < was["elapsed"] or one["paused"] < was["paused"]:
            found.append(f"{one['clock']}: went back from {was['elapsed']} to {one['elapsed']}")
        stood = was["stopped_at"] is not None and was["stopped_at"] == one["stopped_at"]
        if stood and one["elapsed"] != was["elapsed"]:
            found.append(f"{one['clock']}: ran on from {was['elapsed']} to {one['elapsed']} while it stood")
    return found


def _escalation(
    connection: sa.Connection, call: Mapping[str, Any], lines: list[Any], settled: bool
) -> Iterator[str]:
    query = sa.select(tables.escalation).where(tables.escalation.c.call == call["no"])
    active = [row for row in connection.execute(query).mappings() if row["state"] != "ended"]
    if len(active) > 1:
        yield "two escalations are active"
    if settled and active and call["status"] in ("ST7", "ST8", "ST9"):
        yield f"an escalation is active in {call['status']}"
    raised = [LEVELS.index(line["new"]) for line in lines if line["field"] == "escalation_level"]
    if raised != sorted(raised):
        yield f"the escalation level fell: {raised}"
    keys = Counter(
        (row.escalation, row.trigger, row.level, row.segment)
        for row in connection.execute(
            sa.select(tables.escalation_raise).where(tables.escalation_raise.c.call == call["no"])
        )
    )
    twice = [key for key, count in keys.items() if count > 1]
    if twice:
        yield f"registered twice: {twice}"


def _family(connection: sa.Connection, call: Mapping[str, Any]) -> Iterator[str]:
    table = tables.incident.c
    children = list(connection.execute(sa.select(table.no, table.status).where(table.parent == call["no"])))
    if call["parent"] and children:
        yield "a child has children"
    if call["parent"] and call["status"] in ("ST3", "ST4", "ST5"):
        yield f"a child is worked on in {call['status']}"
    waiting = [child.no for child in children if child.status not in ("ST7", "ST8", "ST9")]
    if call["status"] == "ST8" and waiting:
        yield f"closed before its children {waiting}"


def _places() -> dict[str, dict[str, str]]:
    """Status and step of each node as the diagram declares them."""
    found: dict[str, dict[str, str]] = {}
    for node in etree.parse(ROOT / "bpmn/incident_200.bpmn").getroot().iter(f"{BPMN}*"):
        held = node.findall(f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property")
        declared = {one.get("name"): one.get("value") for one in held}
        found[node.get("id")] = {k: v for k, v in declared.items() if k in ("status", "step", "hold")}
    return found


PLACES = _places()
