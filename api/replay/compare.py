"""Reads the played calls back over the API and holds them against the log that they came from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.replay.plan import expected
from api.replay.play import PROCESS, Played
from api.replay.tally import Tally
from engine.ports import SYSTEM

Get = Callable[[str], Mapping[str, Any]]
"""GET a path of /api/v1 and return its JSON body."""


@dataclass(slots=True)
class Report:
    """What a replay came to. The lists name records by the log's own numbers."""

    incidents: int = 0
    ended: int = 0
    open: int = 0
    reopened: int = 0
    resolve_minutes: int = 0
    variants: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    mismatches: list[dict[str, Any]] = field(default_factory=list)
    no_resolved_at: list[str] = field(default_factory=list)
    inconsistencies: list[dict[str, str]] = field(default_factory=list)
    live: Tally | None = None


def compare(played: Iterable[Played], get: Get, done: Callable[[], None]) -> Report:
    """The report over all played calls; `done` is called after each."""
    report, variants = Report(), set()
    for call in played:
        if call.refused:
            mismatch(report, call.record.number, "the process", "goes on", f"refused at {call.refused}")
            report.incidents += 1
            report.open += 1
            done()
            continue
        seen = _seen(get(f"/incidents/{call.no}"), get(f"/incidents/{call.no}/history"))
        report.incidents += 1
        report.ended += seen.ended
        report.open += not seen.ended
        report.reopened += seen.reopenings > 0
        variants.add(seen.variant)
        _hold_against(call, seen, report)
        done()
    report.variants = len(variants)
    return report


@dataclass(frozen=True, slots=True)
class _Seen:
    """A call as our own log tells it."""

    ended: bool
    reported_at: datetime
    resolved_at: datetime | None
    closed_at: datetime | None
    reassignments: int
    reopenings: int
    variant: tuple[str, ...]


def _seen(incident: Mapping[str, Any], history: Mapping[str, Any]) -> _Seen:
    changes = [line for line in history["log"] if line["field"] == "status"]
    solved = [line for line in changes if line["new"] == "ST7"]
    closed = [line for line in changes if line["new"] == "ST8"]
    back = [line for line in changes if line["old"] in ("ST7", "ST8") and line["new"] not in ("ST7", "ST8")]
    dispatched = [
        order
        for order in incident["work_orders"]
        if order["type"] == "DSP" and order["created_by"] != SYSTEM.id
    ]
    return _Seen(
        ended=all(instance["ended_at"] for instance in history["instances"]),
        reported_at=datetime.fromisoformat(incident["reported_at"]),
        resolved_at=datetime.fromisoformat(solved[-1]["at"]) if solved else None,
        closed_at=datetime.fromisoformat(closed[-1]["at"]) if closed else None,
        reassignments=len(dispatched) - 1,
        reopenings=len(back),
        variant=tuple(
            row["element"]
            for instance in history["instances"]
            if instance["process"] == PROCESS
            for row in instance["history"]
            if row["kind"] == "entered"
        ),
    )


def _hold_against(call: Played, seen: _Seen, report: Report) -> None:
    record, said = call.record, expected(call.record)
    for what in said.inconsistencies:
        report.inconsistencies.append({"number": record.number, "what": what})
    if seen.ended:
        _times(call, seen, report)
    counted = {"reassignment_count": (said.reassignments, seen.reassignments)}
    counted["reopen_count"] = (said.reopenings, seen.reopenings)
    for name, (theirs, ours) in counted.items():
        contradicted = any(what.startswith(name) for what in said.inconsistencies)
        if theirs != ours and not contradicted:
            mismatch(report, record.number, name, theirs, ours)


def _times(call: Played, seen: _Seen, report: Report) -> None:
    record = call.record
    if record.closed_at is not None and seen.closed_at != record.closed_at:
        mismatch(report, record.number, "closed_at", record.closed_at, seen.closed_at)
    if record.resolved_at is None:
        report.no_resolved_at.append(record.number)
        if seen.resolved_at is None:
            mismatch(report, record.number, "resolved_at", "passes ST7", None)
        return
    ours = None if seen.resolved_at is None else _minutes(seen.reported_at, seen.resolved_at)
    theirs = _minutes(record.opened_at, record.resolved_at)
    report.resolve_minutes += ours or 0
    if ours != theirs:
        mismatch(report, record.number, "resolved_at - reported_at (minutes)", theirs, ours)


def _minutes(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() / 60)


def mismatch(report: Report, number: str, what: str, theirs: Any, ours: Any) -> None:
    """Note where the log and flow200 differ."""
    report.mismatches.append({"number": number, "what": what, "log": str(theirs), "flow200": str(ours)})
