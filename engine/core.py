"""The engine's verbs: each is one transaction, one commit; a failing handler leaves everything as it was."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, insert, select, update
from sqlalchemy.exc import OperationalError

from engine import diagram as diagrams
from engine import lint, reads, state, store, workflow
from engine.diagram import Diagram
from engine.errors import (
    DefinitionNotFound,
    EngineError,
    Failed,
    FailureNotFound,
    InstanceEnded,
    InstanceNotFound,
    InvalidDiagram,
    NotCandidate,
    NothingToAnswer,
    NotWaiting,
    StaleInstance,
    TaskAssigned,
    TaskNotFound,
    TaskNotOpen,
    Unavailable,
)
from engine.expressions import ExpressionError
from engine.forms import Form, FormError, compile_form
from engine.jobs import Jobs
from engine.live import Live, check_key, scalars
from engine.ports import SYSTEM, Actor, Command, Domain, Element, Instance
from engine.prepared import prepared

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
_NEWEST = prepared(
    select(store.definition)
    .where(store.definition.c.key == bindparam("this"))
    .order_by(store.definition.c.version.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deploy did: the definitions it made, or found unchanged, and lint's warnings."""

    id: str
    definitions: tuple[tuple[str, int], ...]
    unchanged: bool
    warnings: tuple[lint.Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Definition:
    """A deployed version, built once and shared by all its instances."""

    id: str
    version: int
    diagram: Diagram
    forms: Mapping[str, Form]


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
        self._built: dict[str, _Definition] = {}
        self._building = threading.Lock()

    # verbs

    def deploy(self, name: str, files: Mapping[str, bytes], by: Actor, now: datetime) -> Deployment:
        """Check and store a set of `.bpmn` and `.form` files; the same set again changes nothing.

        `now` is aware UTC. Raises InvalidDiagram with every finding; then nothing is deployed.
        """
        forms, findings = _forms(files)
        drawn = {n: raw for n, raw in files.items() if n.endswith(".bpmn")}
        with self._verb("deploy", by, now) as verb:
            self.database.alone(verb.command.connection, store.definition)
            previous = self._previous_ids(verb.command)
            findings += lint.lint(drawn, topics=self.domain.topics, forms=forms, previous_ids=previous)
            errors = [f for f in findings if f.severity == "error"]
            if errors:
                raise InvalidDiagram(errors)
            built = diagrams.build(drawn)
            return self._store(verb.command, name, files, built, tuple(findings))

    def start(
        self,
        process: str,
        by: Actor,
        now: datetime,
        *,
        business_key: str | None = None,
        variables: Mapping[str, Any] | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> Instance:
        """Start the newest version of a process; `answer` completes its first user task in the same verb.

        Raises DefinitionNotFound, InvalidData, InstanceOpen, NothingToAnswer, InvalidForm,
        what the domain refuses, Failed.
        """
        with self._verb("start", by, now) as verb:
            live = self._started(verb, process, business_key, variables or {})
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
        with self._verb("claim", by, now) as verb:
            live, row = self._open_task(verb, task_id)
            self._claim(live, row)
            self._remember(live)

    def unclaim(self, task_id: str, by: Actor, now: datetime) -> None:
        """Give a task back to its groups. Raises TaskNotFound, TaskNotOpen, TaskAssigned (to another)."""
        with self._verb("unclaim", by, now) as verb:
            live, row = self._open_task(verb, task_id)
            if row.assignee != by.id:
                raise TaskAssigned(element=row.element_name, assignee=row.assignee or "-")
            self._set_assignee(live, row, None)
            self._remember(live)

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
        business_key: str,
        data: Mapping[str, Any],
        by: Actor,
        now: datetime,
        *,
        process: str | None = None,
    ) -> tuple[Instance, ...]:
        """Hand a message to the instances of this business key that wait for it, each in its own transaction.

        Raises NotWaiting when nobody does, InvalidForm, what the domain refuses, Failed.
        """
        with self.database.read() as connection:
            waiting = reads.waiting(connection, message, business_key, process)
        taken = []
        for instance_id in waiting:
            # One that was moved or ended since we looked does not wait any more.
            with suppress(NotWaiting, InstanceEnded), self._verb("send", by, now) as verb:
                taken.append(self._deliver(verb, instance_id, message, business_key, data))
        if not taken:
            raise NotWaiting(key=business_key, message=message)
        return tuple(taken)

    def cancel(self, instance_id: str, reason: str, by: Actor, now: datetime) -> Instance:
        """End an instance where it stands. Raises InstanceNotFound, InstanceEnded."""
        with self._verb("cancel", by, now) as verb:
            live = self._load(verb, instance_id)
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
            command = Command(connection, SYSTEM, row.created_at)
            return self._definition(command, row.definition_id).forms.get(row.form or "")

    # the verbs' parts

    @contextmanager
    def _verb(self, name: str, by: Actor, now: datetime, job_key: str | None = None) -> Iterator[_Verb]:
        verb: _Verb | None = None
        try:
            with workflow.at(now), self.database.write() as connection:
                verb = _Verb(name, Command(connection, by, now))
                yield verb
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
        self, verb: _Verb, process: str, business_key: str | None, variables: Mapping[str, Any]
    ) -> Live:
        command = verb.command
        check_key(business_key)
        found = self._newest(command, process)
        row = {
            "id": store.new_id(),
            "definition_id": found.id,
            "process": process,
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
        found = self._definition(verb.command, row["definition_id"])
        flow = state.loads(row["state"], found.diagram)
        verb.live = Live(verb.command, self.domain, found.diagram, found.forms, {**row}, flow)
        return verb.live

    def _claim(self, live: Live, row: Row[Any], closing: bool = False) -> None:
        """A task of one's groups; one that the domain only proposed to a colleague may be taken over.

        `closing`: the row is about to be written as completed, and as claimed with it.
        """
        by = live.command.by
        if row.assignee == by.id and row.claimed_at is not None:
            return
        if row.groups and row.assignee != by.id and not by.groups & set(row.groups):
            raise NotCandidate(element=row.element_name, groups=", ".join(row.groups))
        if row.assignee not in (None, by.id) and (row.claimed_at is not None or not row.groups):
            raise TaskAssigned(element=row.element_name, assignee=row.assignee)
        if closing:
            self._tell_claimed(live, row, by.id)
        else:
            self._set_assignee(live, row, by.id)

    def _set_assignee(self, live: Live, row: Row[Any], assignee: str | None) -> None:
        table, now = store.task, live.command.now
        live.command.connection.execute(
            update(table)
            .where(table.c.instance_id == row.instance_id, table.c.id == row.id)
            .values(assignee=assignee, claimed_at=now if assignee else None)
        )
        self._tell_claimed(live, row, assignee)

    def _tell_claimed(self, live: Live, row: Row[Any], assignee: str | None) -> None:
        element = live.diagram.element(row.element_id)
        live.note("claimed" if assignee else "unclaimed", element)
        live.take(self.domain.claimed(live.command, live.task_view(row), assignee))

    def _remember(self, live: Live) -> None:
        """Write the notes of a verb that moved no token, and what the domain said of open tasks."""
        if not live.notes:
            return
        live.rows.change_tasks(live.fields)
        table = store.instance
        live.command.connection.execute(
            update(table).where(table.c.id == live.row["id"]).values(history_seq=live.row["history_seq"])
        )
        live.write_notes()

    def _answer(self, live: Live, row: Row[Any], data: Mapping[str, Any]) -> None:
        """The one door for a person's answer: candidate, form, domain; only then does the token move."""
        token = live.token(row.token)
        if token is None or not workflow.is_open_user_task(token):
            raise TaskNotOpen(element=row.element_name)
        self._claim(live, row, closing=True)
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

    def _deliver(
        self, verb: _Verb, instance_id: str, message: str, business_key: str, data: Mapping[str, Any]
    ) -> Instance:
        live = self._load(verb, instance_id)
        places = [s for s in workflow.subscriptions(live.workflow, live.diagram) if s.message == message]
        if not places:
            raise NotWaiting(key=business_key, message=message)
        element = live.diagram.element(places[0].element_id)
        live.at_element = element.id
        command, form = verb.command, live.forms.get(f"message_{message}")
        given = form.check(data, lambda key: self.domain.options(command, key)) if form else scalars(data)
        token = live.token(places[0].token)
        effect = self.domain.message(command, message, element, live.view(token.data), given)
        live.take(effect)
        live.note("message", element, {"message": message, "variables": dict(effect.variables)})
        workflow.deliver(live.workflow, message, scalars(effect.variables))
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

    # definitions

    def _store(
        self,
        command: Command,
        name: str,
        files: Mapping[str, bytes],
        built: list[Diagram],
        warnings: tuple[lint.Finding, ...],
    ) -> Deployment:
        connection, digest = command.connection, _digest(files)
        newest = {d.key: self._newest_row(command, d.key) for d in built}
        same = {r.deployment_id for r in newest.values() if r is not None}
        table = store.deployment
        if len(same) == 1 and all(newest.values()):
            (known,) = same
            if connection.scalar(select(table.c.hash).where(table.c.id == known)) == digest:
                versions = tuple((r.key, r.version) for r in newest.values() if r is not None)
                return Deployment(known, versions, True, warnings)
        deployment_id = store.new_id()
        connection.execute(
            insert(table).values(
                id=deployment_id, name=name, hash=digest, created_at=command.now, created_by=command.by.id
            )
        )
        connection.execute(
            insert(store.resource),
            [{"deployment_id": deployment_id, "name": n, "content": raw} for n, raw in files.items()],
        )
        versions = tuple((d.key, (r.version if (r := newest[d.key]) else 0) + 1) for d in built)
        rows = [
            {
                "id": store.new_id(),
                "key": d.key,
                "version": version,
                "name": d.name,
                "deployment_id": deployment_id,
                "resource": d.file,
                "created_at": command.now,
            }
            for d, (_, version) in zip(built, versions, strict=True)
        ]
        if rows:
            connection.execute(insert(store.definition), rows)
        return Deployment(deployment_id, versions, False, warnings)

    def _newest_row(self, command: Command, key: str) -> Row[Any] | None:
        found: Row[Any] | None = command.connection.execute(_NEWEST, {"this": store.storable(key)}).first()
        return found

    def _newest(self, command: Command, key: str) -> _Definition:
        row = self._newest_row(command, key)
        if row is None:
            raise DefinitionNotFound(process=key)
        return self._definition(command, row.id)

    def _definition(self, command: Command, definition_id: str) -> _Definition:
        found = self._built.get(definition_id)
        if found is not None:
            return found
        with self._building:
            table = store.definition
            row = command.connection.execute(select(table).where(table.c.id == definition_id)).one()
            files = reads.resources(command.connection, row.deployment_id)
            forms, _ = _forms(files)
            drawn = {n: raw for n, raw in files.items() if n.endswith(".bpmn")}
            diagram = next(d for d in diagrams.build(drawn) if d.key == row.key)
            found = _Definition(row.id, row.version, diagram, forms)
            self._built[definition_id] = found
        return found

    def _previous_ids(self, command: Command) -> dict[str, set[str]]:
        """The element ids of the newest version of each process, so that lint can tell which vanished."""
        table = store.definition
        newest = select(table.c.key, func.max(table.c.version)).group_by(table.c.key)
        found = {}
        for key, _ in command.connection.execute(newest):
            found[key] = {*self._newest(command, key).diagram.nodes}
        return found


def _forms(files: Mapping[str, bytes]) -> tuple[dict[str, Form], list[lint.Finding]]:
    forms, findings = {}, []
    for name, raw in files.items():
        if name.endswith(".form"):
            try:
                form = compile_form(name, raw)
            except FormError as error:
                zh = f"表单无法使用:{error}"
                findings.append(
                    lint.Finding("form", "error", name, "", "", 0, zh, f"The form cannot be used: {error}")
                )
            else:
                forms[form.id] = form
    return forms, findings


def _digest(files: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(name.encode() + b"\0" + hashlib.sha256(files[name]).digest())
    return total.hexdigest()


__all__ = ["SYSTEM", "Deployment", "Engine"]
