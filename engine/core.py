"""The engine's verbs: each is one transaction, one commit; a failing handler leaves everything as it was."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, insert, select, update
from sqlalchemy.exc import OperationalError

from engine import assignees, reads, state, store, workflow
from engine.definitions import Definitions, Deployment, Duplicates, Files
from engine.errors import (
    EngineError,
    Failed,
    FailureNotFound,
    InstanceEnded,
    InstanceNotFound,
    NothingToAnswer,
    NotWaiting,
    StaleInstance,
    TaskNotFound,
    TaskNotOpen,
    Unavailable,
)
from engine.expressions import ExpressionError
from engine.forms import Form, message_form
from engine.jobs import Jobs
from engine.live import Live, check_key, scalars
from engine.ports import SYSTEM, Actor, Command, Domain, Element, Instance
from engine.prepared import prepared
from engine.rows import add_jobs

_TASK = prepared(select(store.task).where(store.task.c.id == bindparam("this")))
_INSTANCE = {f"instance_{column.name}": column for column in store.instance.c}
_FAILED = exists().where(
    store.failure.c.instance_id == store.instance.c.id,
    store.failure.c.job_key.is_(None),
    store.failure.c.resolved_at.is_(None),
)
_TASK_AND_INSTANCE = prepared(
    select(store.task, *(column.label(name) for name, column in _INSTANCE.items()), _FAILED.label("failed"))
    .join(store.instance, store.instance.c.id == store.task.c.instance_id)
    .where(store.task.c.id == bindparam("this"))
    .with_for_update(of=store.instance)
)
_LOAD = prepared(
    select(store.instance, _FAILED.label("failed"))
    .where(store.instance.c.id == bindparam("this"))
    .with_for_update(of=store.instance)
)


@dataclass(slots=True)
class _Verb:
    """The verb at work; `live` is kept for the report of a failure."""

    name: str
    command: Command
    live: Live | None = None


class Engine:
    """Deploys diagrams and runs them for a domain on a database. Safe to share between threads."""

    def __init__(self, database: store.Database, domain: Domain) -> None:
        self.database, self.domain = database, domain
        self.jobs = Jobs(self)
        self.jobs.register("timer", self._fire)
        self.jobs.register("service", self._serve)
        self.definitions = Definitions()

    # verbs

    def deploy(
        self,
        name: str,
        files: Mapping[str, bytes],
        by: Actor,
        now: datetime,
        *,
        source: str | None = None,
        duplicates: Duplicates = "same",
    ) -> Deployment:
        """Check and store a set of `.bpmn` and `.form` files; `duplicates` are not deployed again.

        `now` is aware UTC. Raises UnknownFile, InvalidDiagram with every finding, what the domain
        refuses; then nothing is deployed.
        """
        with self._verb("deploy", by, now) as verb:
            self.domain.deploying(verb.command)
            self.database.alone(verb.command.connection, store.definition)
            found = Files(name, source, files)
            return self.definitions.deploy(verb.command, found, self.domain, duplicates)

    def start(
        self,
        process: str,
        by: Actor,
        now: datetime,
        *,
        business_key: str | None = None,
        variables: Mapping[str, Any] | None = None,
        answer: Mapping[str, Any] | None = None,
        definition_id: str | None = None,
    ) -> Instance:
        """Start the newest version of a process, or `definition_id`; `answer` completes its first task too.

        Raises DefinitionNotFound, InvalidData, InstanceOpen, NothingToAnswer, InvalidForm,
        what the domain refuses, Failed.
        """
        with self._verb("start", by, now) as verb:
            live = self._started(verb, process, business_key, variables or {}, definition_id)
            live.settle()
            live.save()
            if answer is not None:
                rows = live.rows.open_tasks()
                if not rows:
                    raise NothingToAnswer(process=process)
                self._answer(live, rows[0], answer)
            return self._snapshot(live)

    def claim(self, task_id: str, by: Actor, now: datetime) -> None:
        """Take a task of one's groups. Raises TaskNotFound, TaskNotOpen, NotCandidate, TaskAssigned."""
        with self._task("claim", task_id, by, now) as (live, row):
            assignees.claim(live, row)

    def unclaim(self, task_id: str, by: Actor, now: datetime) -> None:
        """Give a task back to its groups: its holder, or whom the domain lets give it.

        Raises TaskNotFound, TaskNotOpen, and what the domain refuses.
        """
        with self._task("unclaim", task_id, by, now) as (live, row):
            assignees.assign(live, row, None)

    def assign(
        self, task_id: str, person: str | None, by: Actor, now: datetime, *, only_free: bool = False
    ) -> None:
        """Give a task to a colleague of its groups, or (None) to nobody; `only_free` takes it from nobody.

        Raises TaskNotFound, TaskNotOpen, OthersGroups, TaskAssigned, and what the domain refuses.
        """
        with self._task("assign", task_id, by, now) as (live, row):
            if only_free:
                assignees.refuse_taken(row, person)
            assignees.assign(live, row, person)

    def delegate(self, task_id: str, person: str, by: Actor, now: datetime) -> None:
        """Have a colleague do a task that stays its owner's. Raises as `assign`."""
        with self._task("delegate", task_id, by, now) as (live, row):
            assignees.delegate(live, row, person)

    def resolve(self, task_id: str, by: Actor, now: datetime) -> None:
        """Give a delegated task back to its owner.

        Raises TaskNotFound, TaskNotOpen, NotDelegated, TaskAssigned (to another).
        """
        with self._task("resolve", task_id, by, now) as (live, row):
            assignees.resolve(live, row)

    def comment(self, task_id: str, message: str, by: Actor, now: datetime) -> str:
        """Keep a remark on a task; returns its id. Raises TaskNotFound, TaskNotOpen, NotCandidate."""
        with self._task("comment", task_id, by, now) as (live, row):
            return assignees.comment(live, row, message)

    def postpone(self, task_id: str, follow_up_at: datetime | None, by: Actor, now: datetime) -> None:
        """Say when to look at a task again (aware UTC). Raises TaskNotFound, TaskNotOpen, NotCandidate."""
        with self._task("postpone", task_id, by, now) as (live, row):
            assignees.postpone(live, row, follow_up_at)

    def complete(
        self, task_id: str, data: Mapping[str, Any], by: Actor, now: datetime, *, revision: int | None = None
    ) -> Instance:
        """Answer a task's form and let its token move; claims the task where nobody did.

        `revision` is the instance's revision that the person saw, checked if given.
        Raises TaskNotFound, TaskNotOpen, NotCandidate, TaskAssigned, StaleInstance, InvalidForm, Failed,
        and what the domain refuses.
        """
        with self._verb("complete", by, now) as verb:
            live, row = self._open_task(verb, task_id)
            if revision is not None and revision != live.row["revision"]:
                raise StaleInstance(instance=live.row["id"])
            self._answer(live, row, data)
            return self._snapshot(live)

    def send(
        self,
        message: str,
        business_key: str | None,
        data: Mapping[str, Any],
        by: Actor,
        now: datetime,
        *,
        process: str | None = None,
        instance_id: str | None = None,
    ) -> tuple[Instance, ...]:
        """Hand a message to the instances of this business key that wait for it, each in its own transaction.

        `process` or `instance_id` narrow whom it is for.

        Raises NotWaiting when nobody does, InvalidForm, what the domain refuses, Failed.
        """
        with self.database.read() as connection:
            waiting = reads.waiting(connection, message, business_key, process, instance_id)
        taken = []
        for instance_id in waiting:
            # One that was moved or ended since we looked does not wait any more.
            with suppress(NotWaiting, InstanceEnded), self._verb("send", by, now) as verb:
                taken.append(self._deliver(*self._listening(verb, instance_id, message), data))
        if not taken:
            raise NotWaiting(key=business_key or instance_id or "-", message=message)
        return tuple(taken)

    def cancel(self, instance_id: str, reason: str, by: Actor, now: datetime) -> Instance:
        """End an instance where it stands.

        Raises InstanceNotFound, InstanceEnded, and what the domain refuses.
        """
        with self._verb("cancel", by, now) as verb:
            live = self._load(verb, instance_id)
            live.take(self.domain.cancelling(verb.command, live.view(live.row["variables"]), reason))
            live.workflow.cancel()
            live.ends.append("")
            live.note(
                "cancelled", Element(live.diagram.key, "process", live.diagram.name), {"reason": reason}
            )
            live.save()
            return self._snapshot(live)

    def tick(self, now: datetime, limit: int = 100) -> int:
        """Run the jobs due at `now` (aware UTC), each in its own transaction; returns how many ran."""
        return self.jobs.run_due(now, limit)

    def retry(self, failure_id: str, by: Actor, now: datetime) -> None:
        """Resolve a failure; a failed job is tried again at the next tick. Raises FailureNotFound."""
        with self._verb("retry", by, now) as verb:
            connection, table = verb.command.connection, store.failure
            row = connection.execute(
                select(table).where(table.c.id == store.storable(failure_id), table.c.resolved_at.is_(None))
            ).first()
            if row is None:
                raise FailureNotFound(failure=failure_id)
            mine = (table.c.instance_id == row.instance_id, table.c.id == row.id)
            connection.execute(update(table).where(*mine).values(resolved_at=now, resolved_by=by.id))
            if row.job_key:
                self.jobs.reopen(connection, row.job_key, now)

    @contextmanager
    def transaction(self, by: Actor, now: datetime) -> Iterator[Command]:
        """One transaction for a verb of the domain that moves no token."""
        with self._verb("record", by, now) as verb:
            yield verb.command

    def form(self, task_id: str) -> Form | None:
        """The form of a task, or None when it takes any variables. Raises TaskNotFound."""
        with self.database.read() as connection:
            row = reads.task(connection, task_id)
            if row is None:
                raise TaskNotFound(task=task_id)
            return self.definitions.built(connection, row.definition_id).forms.get(row.form or "")

    # the verbs' parts

    @contextmanager
    def _verb(self, name: str, by: Actor, now: datetime, job_key: str | None = None) -> Iterator[_Verb]:
        verb: _Verb | None = None
        try:
            with workflow.at(now), self.database.write() as connection:
                verb = _Verb(name, Command(connection, by, now))
                yield verb
                add_jobs(verb.command, self.domain.settled(verb.command).jobs)
        except OperationalError as error:
            raise Unavailable() from error
        except Exception as error:
            # An expression that fails now was drawn, not typed by the person: a failure, no refusal.
            refused = isinstance(error, (EngineError, *self.domain.refusals))
            if refused and not isinstance(error, ExpressionError):
                raise
            live = verb.live if verb else None
            raise self._failed(name, live, by, now, error, job_key) from error

    def _failed(
        self, verb: str, live: Live | None, by: Actor, now: datetime, error: Exception, job_key: str | None
    ) -> Failed:
        """The failed verb was rolled back; a second short transaction puts the failure on record."""
        element = (live.at_element if live else None) or ""
        # An instance that this very verb was starting is rolled back with it.
        instance_id = live.row["id"] if live and not live.is_new else ""
        row = {
            "instance_id": instance_id,
            "id": store.new_id(),
            "at": now,
            "by": by.id,
            "verb": verb,
            "element_id": element,
            "error": store.storable(f"{type(error).__name__}: {error}"),
            "job_key": job_key,
        }
        with self.database.write() as connection:
            connection.execute(insert(store.failure).values(row))
        name = live.diagram.element(element).name if live and element else verb
        return Failed(element=name, failure=row["id"])

    def _started(
        self,
        verb: _Verb,
        process: str,
        business_key: str | None,
        variables: Mapping[str, Any],
        definition_id: str | None = None,
    ) -> Live:
        command, known = verb.command, self.definitions
        check_key(business_key)
        if definition_id is None:
            found = known.newest(command.connection, process)
        else:
            found = known.built(command.connection, definition_id)
        row = {
            "id": store.new_id(),
            "definition_id": found.id,
            "process": found.diagram.key,
            "version": found.version,
            "business_key": business_key,
            "revision": 0,
            "history_seq": 0,
            "started_at": command.now,
            "started_by": command.by.id,
        }
        flow = workflow.Workflow(found.diagram)
        live = Live(command, self.domain, found.diagram, found.forms, row, flow)
        verb.live = live
        effect = self.domain.started(command, live.view(variables), variables)
        if effect.business_key is not None:
            live.row["business_key"] = effect.business_key
        live.take(effect)
        flow.task_tree.data.update(scalars(effect.variables))
        live.note("started", Element(found.diagram.key, "process", found.diagram.name))
        return live

    @contextmanager
    def _task(self, name: str, task_id: str, by: Actor, now: datetime) -> Iterator[tuple[Live, Row[Any]]]:
        """A verb on an open task that moves no token."""
        with self._verb(name, by, now) as verb:
            live, row = self._open_task(verb, task_id)
            yield live, row
            assignees.remember(live)

    def _open_task(self, verb: _Verb, task_id: str) -> tuple[Live, Row[Any]]:
        """The instance of a task, locked, and the task as it is once we hold the lock."""
        connection, this = verb.command.connection, {"this": store.storable(task_id)}
        row = connection.execute(_TASK_AND_INSTANCE, this).first()
        if row is None:
            raise TaskNotFound(task=task_id)
        if row.completed_at is not None:
            raise TaskNotOpen(element=row.element_name)
        live = self._loaded(
            verb, {c.name: getattr(row, name) for name, c in _INSTANCE.items()} | {"failed": row.failed}
        )
        if not self.database.is_sqlite:
            row = connection.execute(_TASK, this).one()
            if row.completed_at is not None:
                raise TaskNotOpen(element=row.element_name)
        live.at_element = row.element_id
        return live, row

    def _load(self, verb: _Verb, instance_id: str) -> Live:
        this = {"this": store.storable(instance_id)}
        row = verb.command.connection.execute(_LOAD, this).mappings().first()
        if row is None:
            raise InstanceNotFound(instance=instance_id)
        return self._loaded(verb, dict(row))

    def _loaded(self, verb: _Verb, row: Mapping[str, Any]) -> Live:
        if row["ended_at"] is not None:
            raise InstanceEnded(instance=row["id"])
        found = self.definitions.built(verb.command.connection, row["definition_id"])
        flow = state.loads(row["state"], found.diagram)
        verb.live = Live(verb.command, self.domain, found.diagram, found.forms, {**row}, flow)
        return verb.live

    def _answer(self, live: Live, row: Row[Any], data: Mapping[str, Any]) -> None:
        """The one door for a person's answer: candidate, form, domain; only then does the token move."""
        token = live.token(row.token)
        if token is None or not workflow.is_open_user_task(token):
            raise TaskNotOpen(element=row.element_name)
        assignees.refuse_pending(row)
        assignees.claim(live, row, closing=True)
        command = live.command
        form = live.forms.get(row.form or "")
        given = form.check(data, lambda key: self.domain.options(command, key)) if form else scalars(data)
        effect = self.domain.answer(command, replace(live.task_view(row), assignee=command.by.id), given)
        live.take(effect)
        token.data.update(scalars(effect.variables))
        live.note("completed", live.diagram.element(row.element_id), {"variables": dict(effect.variables)})
        workflow.run(live.workflow, live.diagram, token)
        live.close_task(row)
        live.settle()
        live.save()

    def _listener(
        self, verb: _Verb, message: str, business_key: str | None, process: str
    ) -> tuple[Live, workflow.Subscription] | None:
        """The one instance of a process and business key, locked, if it waits for a message, and where."""
        for instance_id in reads.waiting(verb.command.connection, message, business_key, process):
            with suppress(NotWaiting, InstanceEnded):
                return self._listening(verb, instance_id, message)
        return None

    def _listening(self, verb: _Verb, instance_id: str, message: str) -> tuple[Live, workflow.Subscription]:
        """An instance, locked, and the place where it waits. Raises InstanceEnded, NotWaiting."""
        live = self._load(verb, instance_id)
        places = [s for s in workflow.subscriptions(live.workflow, live.diagram) if s.message == message]
        if not places:
            raise NotWaiting(key=live.row["business_key"] or instance_id, message=message)
        return live, places[0]

    def _deliver(self, live: Live, place: workflow.Subscription, data: Mapping[str, Any]) -> Instance:
        element = live.diagram.element(place.element_id)
        live.at_element = element.id
        command, form = live.command, live.forms.get(message_form(place.message))
        given = form.check(data, lambda key: self.domain.options(command, key)) if form else scalars(data)
        token = live.token(place.token)
        effect = self.domain.message(command, place.message, element, live.view(token.data), given)
        live.take(effect)
        live.note("message", element, {"message": place.message, "variables": dict(effect.variables)})
        workflow.deliver(live.workflow, place.message, scalars(effect.variables))
        live.settle()
        live.save()
        return self._snapshot(live)

    def _fire(self, verb: _Verb, job: Row[Any]) -> None:
        """A timer's job: let the timers of its instance that are due fire."""
        live = self._load(verb, job.instance_id)
        live.at_element = job.element_id
        workflow.fire_timers(live.workflow, verb.command.now)
        live.settle()
        live.save()

    def _serve(self, verb: _Verb, job: Row[Any]) -> None:
        """A service task in job mode: call the domain, then let the token move on."""
        live = self._load(verb, job.instance_id)
        token = live.token(job.token)
        if token is None or not workflow.is_parked(token):
            return
        workflow.finish(live.workflow, live.diagram, token, live.call(token))
        live.settle()
        live.save()

    def _snapshot(self, live: Live) -> Instance:
        row = live.row
        return Instance(
            row["id"],
            row["process"],
            row["version"],
            row["business_key"],
            row["variables"],
            row["ended_at"],
            row["end_element"],
        )


__all__ = ["SYSTEM", "Deployment", "Engine"]
