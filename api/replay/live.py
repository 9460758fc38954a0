"""Plays all records along one time line, with our own clocks and automatic moves on (DESIGN §10)."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from api.product import Product
from api.replay.plan import Step, steps
from api.replay.play import PROCESS, Played, Player
from api.replay.records import Record, UnusableFile
from engine import store
from engine.errors import EngineError
from engine.ports import SYSTEM
from engine.prepared import prepared
from handlers import almanac

NEVER = datetime.min.replace(tzinfo=UTC)
YEARS = 20
LONGEST = timedelta(days=366 * YEARS)
JULY = 7
"""A month whose day lies in the same year wherever one stands."""


class Lost(EngineError):
    """The call stands where no row of the log leads on."""

    code = "replay-lost"
    zh = "呼叫停在 {element},日志没有从那里继续的走法。"
    en = "The call stands at {element}, from where the log has no way on."


class LivePlayer(Player):
    """A player that looks where a call stands before it acts, since time may have moved it."""

    def _step(self, call: Played, step: Step) -> None:
        if call.no:
            self._find(call)
        super()._step(call, step)

    def _find(self, call: Played) -> None:
        """Where the call stands, by the table STANDS; a hold is the wait that the log asked for."""
        element = self._element(call.no)
        if element is None:
            call.place, call.resumed_by = "closed", ""
            return
        if element not in STANDS:
            raise Lost(element=element)
        place, call.resumed_by = STANDS[element]
        call.place = call.wait if place == "hold" else place

    def _element(self, no: str) -> str | None:
        """The element at which the call's open instance rests; None if there is none."""
        instance = store.instance
        mine = (instance.c.business_key == no, instance.c.process == PROCESS, instance.c.ended_at.is_(None))
        with self.engine.database.read() as connection:
            tokens = connection.scalar(sa.select(instance.c.tokens).where(*mine))
        return str(tokens[0]) if tokens else None


class TimeLine:
    """Rows of the log and due jobs of ours in one order of time; at the same instant the job comes first."""

    def __init__(self, player: LivePlayer) -> None:
        self._player, self._now = player, NEVER

    def play(self, records: Sequence[Record], end: datetime, done: Callable[[], None]) -> list[Played]:
        """Play all records, and let time pass until `end`; `done` is called after each record's last step."""
        calls = [Played(record) for record in records]
        moves = [(step, call) for call in calls for step in _steps(call.record)]
        left = Counter(id(call) for _, call in moves)
        for step, call in sorted(moves, key=lambda move: move[0].at):
            self.pass_until(step.at)
            self._player.take(call, step)
            left[id(call)] -= 1
            if not left[id(call)]:
                done()
        self.pass_until(max(self._now, end))
        return calls

    def pass_until(self, moment: datetime) -> None:
        """Run what falls due on the way, one job after the other, each with the clock at its own due time."""
        while (job := self._next(moment)) is not None:
            self._now = max(self._now, job.due_at)
            self._player.engine.jobs.run(job.key, self._now)
        self._now = max(self._now, moment.astimezone(UTC))

    def _next(self, moment: datetime) -> Any:
        """The first open job that is due by then; of several the one that was asked for first."""
        with self._player.engine.database.read() as connection:
            return connection.execute(_DUE, {"moment": moment}).first()


def ending(records: Sequence[Record], until: datetime | None) -> datetime:
    """When time stops: at the log's last row, or `until`. Raises UnusableFile for a log of half an age."""
    if not records:
        return NEVER
    first = min(record.opened_at for record in records)
    last = max(row.at for record in records for row in record.rows)
    if last - first > LONGEST:
        raise UnusableFile(
            f"from {first:%Y-%m-%d} to {last:%Y-%m-%d} is too long for --live: {YEARS} years at most"
        )
    return min(last, until) if until else last


def seed_calendars(parts: Product, records: Sequence[Record]) -> None:
    """Public holidays of every year of the log, and of those around it."""
    moments = [row.at for record in records for row in record.rows] + [r.opened_at for r in records]
    for year in sorted({moment.year for moment in moments}):
        with parts.engine.transaction(SYSTEM, datetime(year, JULY, 1, tzinfo=UTC)) as command:
            almanac.seed(parts.desk, command)


def _steps(record: Record) -> Iterator[Step]:
    """The record is opened when it was reported and waits at first line for its first row."""
    for place, step in enumerate(steps(record)):
        if not place:
            yield replace(step, at=record.opened_at, place="first line", groups_later=())
        yield step


_job = store.job.c
_DUE = prepared(
    sa.select(_job.key, _job.due_at)
    .where(_job.state == "open", _job.due_at <= sa.bindparam("moment", type_=_job.due_at.type))
    .order_by(_job.due_at, _job.id)
    .limit(1)
)

STANDS = {
    "T200_4": ("first line", ""),
    "T200_5_manager": ("to designate", ""),
    "T200_5_accept": ("dispatched", ""),
    "T200_6": ("second line", ""),
    "E_vendor": ("vendor", "vendor_answered"),
    "W_customer": ("hold", "customer_replied"),
    "W_change": ("hold", "change_done"),
    "W_parts": ("hold", "parts_arrived"),
    "T200_9": ("confirm", ""),
}
"""The places of the diagram at which a call may rest, and the message that ends a wait."""
