"""What a record's snapshots mean in process 200, as docs/reference/replay.md tells it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from api.replay.records import Record, Row

IMPACT = {"1 - High": "I1", "2 - Medium": "I3", "3 - Low": "I4"}
URGENCY = {"1 - High": "U1", "2 - Medium": "U3", "3 - Low": "U4"}
UNJUDGED = ("I3", "U3")
"""What a snapshot without a readable impact or urgency counts as: the log's own default, medium."""

PLACES = {
    "New": "dispatched",
    "Active": "second line",
    "Awaiting User Info": "customer",
    "Awaiting Problem": "change",
    "Awaiting Vendor": "vendor",
    "Awaiting Evidence": "parts",
    "Resolved": "confirm",
    "Closed": "closed",
}
"""The eight states of the log and the place of our diagram that each one is."""

RUNS = ("Resolved", "Closed")
"""States of which a run of rows is one event, booked at the last row of the run."""


@dataclass(frozen=True, slots=True)
class Step:
    """At `at`, the call is with `group`, judged `impact` × `urgency`, and stands (or is to stand) at `place`.

    `place` None: only group and judgement may have changed.
    """

    at: datetime
    group: str
    impact: str
    urgency: str
    place: str | None
    groups_later: tuple[str, ...] = ()


def steps(record: Record) -> Iterator[Step]:
    """The record as steps in time: never backwards, a run of Resolved or of Closed rows as one event.

    Nobody is dispatched after the solution, so a group that changes on a Closed row is booked with the
    solution before it (`groups_later`).
    """
    latest = record.rows[0].at
    rows = record.rows
    for number, row in enumerate(rows):
        latest = max(latest, row.at)
        following = rows[number + 1].state if number + 1 < len(rows) else None
        inside_run = row.state in RUNS and following == row.state
        yield Step(
            at=latest,
            group=row.group,
            impact=IMPACT.get(row.impact, UNJUDGED[0]),
            urgency=URGENCY.get(row.urgency, UNJUDGED[1]),
            place=None if inside_run else PLACES[row.state],
            groups_later=_closing_groups(rows[number + 1 :]) if row.state == "Resolved" else (),
        )


def _closing_groups(rows: tuple[Row, ...]) -> tuple[str, ...]:
    found = []
    for row in rows:
        if row.state != "Closed":
            break
        found.append(row.group)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the log itself says of a record, and whether its own rows bear it out."""

    reassignments: int
    reopenings: int
    inconsistencies: tuple[str, ...]


def expected(record: Record) -> Expected:
    """The log's counters since its first row; one that its rows contradict is an inconsistency."""
    rows = record.rows
    pairs = list(pairwise(rows))
    reassignments = rows[-1].reassignments - rows[0].reassignments
    reopenings = rows[-1].reopenings - rows[0].reopenings
    moved = sum(a.group != b.group for a, b in pairs)
    reopened = sum(a.state in RUNS and b.state not in RUNS for a, b in pairs)
    said = [] if all(row.counted for row in rows) else ["a counter cannot be read and counts as 0"]
    if moved != reassignments:
        said.append(f"reassignment_count rises by {reassignments}, the rows show {moved} changes of group")
    if reopened != reopenings:
        said.append(f"reopen_count rises by {reopenings}, the rows show {reopened} reopenings")
    return Expected(reassignments, reopenings, tuple(said))
