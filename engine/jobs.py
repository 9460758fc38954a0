"""Work for later: rows of the `job` table, run when due, tried again when they fail, never just lost."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, bindparam, select, update

from engine import assignees, store
from engine.errors import EngineError, Failed, InstanceEnded, JobTaken, TaskNotFound, TaskNotOpen
from engine.ports import SYSTEM
from engine.prepared import prepared
from engine.rows import add_jobs, resolve_failures_of

if TYPE_CHECKING:
    from engine.core import Engine

log = logging.getLogger("flow200.jobs")

ATTEMPTS = 3
BACK_OFF = timedelta(minutes=1)

_PEEK = prepared(select(store.job).where(store.job.c.key == bindparam("this")))
_NOW: Any = bindparam("now", type_=store.job.c.due_at.type)
_TAKE = prepared(
    update(store.job)
    .where(store.job.c.key == bindparam("this"), store.job.c.state == "open", store.job.c.due_at <= _NOW)
    .values(
        state="done",
        done_at=_NOW,
        attempts=store.job.c.attempts + 1,
        result=bindparam("result"),
    )
)

Runner = Callable[[Any, Row[Any]], None]
"""Does a job's work inside the verb (first argument) that also marks it done."""


class Jobs:
    """Claims due jobs one by one; a job that fails three times becomes a failure with a retry."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._runners: dict[str, Runner] = {}

    def register(self, kind: str, runner: Runner) -> None:
        """Say who does jobs of a kind."""
        self._runners[kind] = runner

    def run_due(self, now: datetime, limit: int) -> int:
        """Run up to `limit` jobs that are due at `now`, oldest first; returns how many were tried."""
        with self._engine.database.read() as connection:
            table = store.job
            query = (
                select(table.c.key)
                .where(table.c.state == "open", table.c.due_at <= now)
                .order_by(table.c.due_at, table.c.id)
                .limit(limit)
            )
            keys = list(connection.execute(query).scalars())
        for key in keys:
            self.run(key, now)
        return len(keys)

    def run(self, key: str, now: datetime) -> None:
        """Run one job; a no-op when it is done, cancelled or not yet due, or becomes so before we take it."""
        row = self._peek(key)
        if row is None or row.state != "open" or row.due_at > now:
            return
        try:
            match row.kind:
                case "start":
                    self._start(row, now)
                case "send":
                    self._tell(row, now, self._untaken, "not taken")
                case "start_or_send":
                    self._tell(row, now, self._begin, "started")
                case "domain":
                    self._work(row, now)
                case "unclaim":
                    self._unclaim(row, now)
                case _:
                    self._run_inside(row, now)
        except JobTaken as error:
            log.info("job %s: %s", key, error)
        except Exception as error:
            self._again(key, now, error)

    def _peek(self, key: str) -> Row[Any] | None:
        with self._engine.database.read() as connection:
            row: Row[Any] | None = connection.execute(_PEEK, {"this": key}).first()
        return row

    def _run_inside(self, row: Row[Any], now: datetime) -> None:
        """Lock the instance before the job's row, as the verbs that cancel jobs do: no two wait in a ring."""
        with self._engine._verb("job", SYSTEM, now, row.key) as verb:
            instance = select(store.instance.c.id).where(store.instance.c.id == row.instance_id)
            verb.command.connection.execute(instance.with_for_update())
            if self.take(verb.command.connection, row.key, now):
                self._runners[row.kind](verb, row)

    def _start(self, row: Row[Any], now: datetime) -> None:
        with self._engine._verb("job", SYSTEM, now, row.key) as verb:
            if self.take(verb.command.connection, row.key, now):
                self._begin(verb, row)

    def _begin(self, verb: Any, row: Row[Any]) -> None:
        wanted = row.payload
        live = self._engine._started(
            verb, wanted["process"], wanted.get("business_key"), wanted.get("variables") or {}
        )
        live.settle()
        live.save()

    def _tell(self, row: Row[Any], now: datetime, otherwise: Runner, result: str) -> None:
        """Take the job and deliver its message, in one transaction; do `otherwise` where nobody listens.

        The instance is locked before the job's row, as in `_run_inside`, and what the domain keeps after it.
        """
        try:
            with self._engine._verb("job", SYSTEM, now, row.key) as verb:
                self._deliver(verb, row, otherwise, result)
        except self._engine.domain.refusals as error:
            self._refused(row, now, error)

    def _deliver(self, verb: Any, row: Row[Any], otherwise: Runner, result: str) -> None:
        wanted = row.payload
        heard = self._engine._listener(verb, wanted["message"], wanted["business_key"], wanted["process"])
        if not self.take(verb.command.connection, row.key, verb.command.now, "taken" if heard else result):
            return
        if heard:
            self._engine._deliver(*heard, wanted.get("data") or {})
        else:
            otherwise(verb, row)

    def _refused(self, row: Row[Any], now: datetime, error: Exception) -> None:
        """The domain does not want it (any more), and what it began is rolled back: the job ends."""
        log.info("job %s: %s", row.key, error)
        with self._engine._verb("job", SYSTEM, now, row.key) as verb:
            if self.take(verb.command.connection, row.key, now, f"refused: {store.storable(str(error))}"):
                self._untaken(verb, row)

    def _untaken(self, verb: Any, row: Row[Any]) -> None:
        """Nobody listens: the job says so, and the domain keeps the word."""
        self._engine.domain.untaken(verb.command, row.payload["message"], row.payload["business_key"])

    def _work(self, row: Row[Any], now: datetime) -> None:
        """The domain does it; the job's row is taken last, since a verb renews it as its last act too."""
        with self._engine._verb("job", SYSTEM, now, row.key) as verb:
            effect = self._engine.domain.work(verb.command, row.payload)
            if not self.take(verb.command.connection, row.key, now):
                raise JobTaken(key=row.key)
            add_jobs(verb.command, effect.jobs)
            if row.result:  # why an earlier try failed
                resolve_failures_of(verb.command, row.instance_id, row.key)

    def _unclaim(self, row: Row[Any], now: datetime) -> None:
        """Give a task back to its groups, unless it is over or somebody else's by now."""
        wanted = row.payload
        with self._engine._verb("job", SYSTEM, now, row.key) as verb:
            connection = verb.command.connection
            try:
                live, task = self._engine._open_task(verb, wanted["task"])
            except (TaskNotFound, TaskNotOpen, InstanceEnded):
                self.take(connection, row.key, now, "over")
                return
            if self.take(connection, row.key, now, "given back") and task.assignee == wanted["person"]:
                assignees.assign(live, task, None)
                assignees.remember(live)

    def take(self, connection: Connection, key: str, now: datetime, result: str | None = None) -> bool:
        """Mark a job as done that is open and due at `now`; False when somebody else was first."""
        done = connection.execute(_TAKE, {"this": key, "now": now, "result": result})
        return bool(done.rowcount)

    def reopen(self, connection: Connection, key: str, now: datetime) -> None:
        """Let a failed job be tried again at once."""
        table = store.job
        connection.execute(
            update(table)
            .where(table.c.key == key, table.c.state == "failed")
            .values(state="open", attempts=0, due_at=now)
        )

    def _again(self, key: str, now: datetime, error: Exception) -> None:
        """Count a failed try; after the last one the job stays failed, and its failure row is kept open."""
        said = error.text("en") if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
        text = store.storable(said)
        log.warning("job %s failed: %s", key, text)
        table, failures = store.job, store.failure
        with self._engine.database.write() as connection:
            row = connection.execute(select(table).where(table.c.key == key).with_for_update()).one()
            if row.state != "open" or row.due_at > now:  # done or renewed by another worker, or cancelled
                return
            tries = row.attempts + 1
            last = tries >= ATTEMPTS
            connection.execute(
                update(table)
                .where(table.c.key == key)
                .values(
                    attempts=tries,
                    state="failed" if last else "open",
                    due_at=now + BACK_OFF * 2 ** (tries - 1),
                    result=text,
                )
            )
            if last and not isinstance(error, Failed):
                self._record(connection, row, now, text)
            if isinstance(error, Failed):
                done = {} if last else {"resolved_at": now, "resolved_by": "retry"}
                connection.execute(
                    update(failures)
                    .where(failures.c.id == error.params["failure"])
                    .values(job_key=key, **done)
                )

    def _record(self, connection: Connection, row: Row[Any], now: datetime, text: str) -> None:
        connection.execute(
            store.failure.insert().values(
                instance_id=row.instance_id,
                id=store.new_id(),
                at=now,
                by=SYSTEM.id,
                verb="job",
                element_id=row.element_id,
                error=text,
                job_key=row.key,
            )
        )
