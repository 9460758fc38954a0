"""Plays a planned day by the verbs of the engine and the desk, with the clock at each move's own time."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api import records
from api.demo.day import Call, Day, Move
from api.product import Product, system_clock
from engine import reads, store
from engine.ports import Actor
from handlers import tables

INCIDENT, ESCALATION = "incident_200", "escalation"
OPENING = {
    "subject": "{site_name}:{subject}",
    "classification": "{leaf}",
    "source": "{source}",
    "medium": "{medium}",
    "caller_name": "{site_caller}",
    "caller_org": "{site_org}",
    "callback_phone": "{site_phone}",
    "ci": "{ci}",
    "ci_text": "{ci_text}",
}


class NotTheCast(Exception):
    """The database has people, but not those of the demonstration."""


class Clock:
    """Stands at each move's own time; after the day it runs on from the day's end."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._since: datetime | None = None

    def __call__(self) -> datetime:
        """Aware UTC."""
        return self.now if self._since is None else self.now + (system_clock() - self._since)

    def set(self, now: datetime) -> None:
        """Stand at this moment."""
        self.now = now

    def run(self) -> None:
        """From now on, let time pass as it does."""
        self._since = system_clock()


class Player:
    """Drives the engine and desk of one product through a day."""

    def __init__(self, parts: Product, clock: Clock) -> None:
        self.parts, self.engine, self.clock = parts, parts.engine, clock
        self._people: dict[str, Actor] = {}
        self._named: dict[str, Call] = {}

    def play(self, day: Day, told: Callable[[], None] = lambda: None) -> None:
        """Every move at its time, after what is due by then; raises whatever the process refuses."""
        for move in day.moves:
            self._until(move.at)
            DO[move.doing](self, move)
            told()
        self._until(day.end)

    def _until(self, moment: datetime) -> None:
        """Let time pass up to a moment: run what falls due on the way, minute by minute at its own time."""
        while (due := self._next_due()) is not None and due <= moment:
            self.clock.set(max(due, self.clock.now))
            if not self.engine.tick(self.clock.now):
                break
        self.clock.set(moment)

    def _next_due(self) -> datetime | None:
        job = store.job
        with self.parts.database.read() as connection:
            due: datetime | None = connection.scalar(
                sa.select(job.c.due_at).where(job.c.state == "open").order_by(job.c.due_at).limit(1)
            )
        return due

    def _draft(self, move: Move) -> None:
        self._begun(move.call, self.engine.start(INCIDENT, self._actor(move.by), move.at).business_key)

    def _open(self, move: Move) -> None:
        call = move.call
        answer = self._filled(OPENING | {"call_type": call.words["leaf"][:3].rstrip("-")}, call)
        started = self.engine.start(INCIDENT, self._actor(move.by), move.at, answer=answer)
        self._begun(call, started.business_key)

    def _begun(self, call: Call, no: str | None) -> None:
        call.no = str(no)
        if call.name:
            self._named[call.name] = call

    def _task(self, move: Move) -> None:
        with self.parts.database.read() as connection:
            rows = reads.tasks(connection, business_key=move.call.no).rows
        task = next(row for row in rows if row.element_id == move.what)
        self.engine.complete(task.id, self._filled(move.answer, move.call), self._actor(move.by), move.at)

    def _message(self, move: Move) -> None:
        said = self._filled(move.answer, move.call)
        self.engine.send(move.what, move.call.no, said, self._actor(move.by), move.at, process=INCIDENT)

    def _escalate(self, move: Move) -> None:
        why = {"trigger": "X13", "reason": move.what}
        self.engine.start(ESCALATION, self._actor(move.by), move.at, business_key=move.call.no, variables=why)

    def _reopen(self, move: Move) -> None:
        why = {"entry": "reopen", "reason": move.what}
        self.engine.start(INCIDENT, self._actor(move.by), move.at, business_key=move.call.no, variables=why)

    def _filled(self, answer: Mapping[str, Any], call: Call) -> dict[str, Any]:
        """An answer with its words; a field whose words this call does not have is left out."""
        words = _Words(call.words | {name: other.no for name, other in self._named.items()})
        filled = {n: v.format_map(words) if isinstance(v, str) else v for n, v in answer.items()}
        return {name: value for name, value in filled.items() if value != ""}

    def _actor(self, account: str) -> Actor:
        if account not in self._people:
            with self.parts.database.read() as connection:
                found = records.signing_in(connection, account)
            if found is None:
                raise NotTheCast(account)
            self._people[account] = found
        return self._people[account]


class _Words(dict[str, str]):
    def __missing__(self, _: str) -> str:
        return ""


def holds_calls(parts: Product) -> bool:
    """Whether the database has a call already."""
    with parts.database.read() as connection:
        return connection.scalar(sa.select(tables.incident.c.no).limit(1)) is not None


def places(parts: Product) -> dict[str, int]:
    """How many tokens stand at each place of the running instances, and how many ended at which end."""
    found: Counter[str] = Counter()
    instance = store.instance
    with parts.database.read() as connection:
        for row in connection.execute(sa.select(instance.c.tokens, instance.c.end_element)):
            found.update([row.end_element] if row.end_element else row.tokens)
    return dict(sorted(found.items()))


def named(connection: sa.Connection) -> dict[str, str]:
    """The names of the elements that anything happened at."""
    history = store.history
    rows = connection.execute(sa.select(history.c.element_id, history.c.element_name).distinct())
    return {row.element_id: row.element_name for row in rows}


DO: dict[str, Callable[[Player, Move], None]] = {
    "draft": Player._draft,
    "open": Player._open,
    "task": Player._task,
    "message": Player._message,
    "escalate": Player._escalate,
    "reopen": Player._reopen,
}
"""How each kind of step is taken."""
