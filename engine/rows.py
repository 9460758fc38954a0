"""The rows that follow an instance's tokens: open tasks with their groups, jobs, message waits, failures.

What an instance waited for when it was loaded is what its rows say, so that only the difference is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine import store, workflow
from engine.diagram import Diagram
from engine.expressions import compile_expression
from engine.ports import Command
from engine.prepared import prepared

_task, _candidate, _job = store.task, store.candidate, store.job
_subscription, _failure = store.subscription, store.failure

_MINE: Any = bindparam("of_instance")
_OPEN_TASKS = prepared(
    select(_task).where(_task.c.instance_id == _MINE, _task.c.completed_at.is_(None)).order_by(_task.c.id)
)
_CLOSE_TASK = prepared(
    update(_task)
    .where(_task.c.instance_id == _MINE, _task.c.id == bindparam("this"))
    .values({n: bindparam(n) for n in ("completed_at", "completed_by", "assignee", "claimed_at")})
)
_CANCEL_TASK = prepared(
    update(_task)
    .where(
        _task.c.instance_id == _MINE, _task.c.token == bindparam("of_token"), _task.c.completed_at.is_(None)
    )
    .values(completed_at=bindparam("completed_at"), completed_by=bindparam("completed_by"), cancelled=True)
)
_DROP_CANDIDATES = prepared(
    delete(_candidate).where(_candidate.c.instance_id == _MINE, _candidate.c.task_id == bindparam("this"))
)
_DROP_CANDIDATES_OF_TOKEN = prepared(
    delete(_candidate).where(
        _candidate.c.instance_id == _MINE,
        _candidate.c.task_id.in_(
            select(_task.c.id).where(_task.c.instance_id == _MINE, _task.c.token == bindparam("of_token"))
        ),
    )
)
_ADD_TASKS = prepared(insert(_task))
_ADD_CANDIDATES = prepared(insert(_candidate))
_ADD_JOBS = prepared(insert(_job))
_ASK_JOBS = {
    name: prepared(dialect.insert(_job).on_conflict_do_nothing(index_elements=["key"]))
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
# Not its result: why it failed last is kept until it is done, so that its failure is found then.
_AS_ASKED = ("payload", "due_at", "attempts", "state", "done_at")
_RENEW_JOBS = {
    name: prepared(
        (asked := dialect.insert(_job)).on_conflict_do_update(
            index_elements=["key"], set_={column: asked.excluded[column] for column in _AS_ASKED}
        )
    )
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_CANCEL_JOB = prepared(
    update(_job)
    .where(
        _job.c.instance_id == _MINE,
        _job.c.key == bindparam("this"),
        or_(_job.c.state == "open", _job.c.state == "failed"),
    )
    .values(state="cancelled", done_at=bindparam("done_at"))
)
_ADD_SUBSCRIPTIONS = prepared(insert(_subscription))
_DROP_SUBSCRIPTION = prepared(
    delete(_subscription).where(
        _subscription.c.instance_id == _MINE,
        _subscription.c.token == bindparam("of_token"),
        _subscription.c.message == bindparam("of_message"),
    )
)
_unresolved = update(_failure).where(_failure.c.instance_id == _MINE, _failure.c.resolved_at.is_(None))
_resolved: Any = {"resolved_at": bindparam("resolved_at"), "resolved_by": bindparam("resolved_by")}
_RESOLVE_OF_JOB = prepared(_unresolved.where(_failure.c.job_key == bindparam("this")).values(_resolved))
_RESOLVE_OF_VERB = prepared(_unresolved.where(_failure.c.job_key.is_(None)).values(_resolved))


@dataclass(frozen=True, slots=True)
class Waits:
    """What an instance waits for: user tasks by token, jobs by key, messages by token and name."""

    tasks: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, tuple[str, str, str, datetime | None]] = field(default_factory=dict)
    messages: Mapping[tuple[str, str], workflow.Subscription] = field(default_factory=dict)


def waits(instance_id: str, flow: workflow.Workflow, diagram: Diagram, resting: list[Any]) -> Waits:
    """What this instance waits for now; `resting` are the tasks at which its tokens rest."""
    jobs: dict[str, tuple[str, str, str, datetime | None]] = {}
    for timer in workflow.timers(flow, diagram):
        key = f"timer:{instance_id}:{timer.token}:{timer.due.isoformat()}"
        jobs[key] = ("timer", timer.element_id, timer.token, timer.due)
    for task in filter(workflow.is_parked, resting):
        jobs[f"service:{instance_id}:{task.id}"] = ("service", workflow.element_id(task), str(task.id), None)
    return Waits(
        {str(t.id): t for t in filter(workflow.is_open_user_task, resting)},
        jobs,
        {(s.token, s.message): s for s in workflow.subscriptions(flow, diagram)},
    )


class Rows:
    """Writes what changed between two rests of one instance, in the transaction of a command."""

    def __init__(self, command: Command, diagram: Diagram, row: dict[str, Any]) -> None:
        self._command, self._diagram, self._row = command, diagram, row
        self._run = command.connection.execute
        self._ids: dict[str, str] = {}

    @property
    def _mine(self) -> dict[str, Any]:
        return {"of_instance": self._row["id"]}

    def follow(self, before: Waits, after: Waits, fields: Mapping[str, Any]) -> None:
        """Write the difference; `fields` is what the domain said of open tasks, by element."""
        self._follow_tasks(before, after, fields)
        self._follow_jobs(before, after)
        self._follow_messages(before, after)

    # tasks

    def name(self, token: str) -> str:
        """The id that the task at this token will have."""
        return self._ids.setdefault(token, store.new_id())

    def _follow_tasks(self, before: Waits, after: Waits, fields: Mapping[str, Any]) -> None:
        gone = [{**self._mine, "of_token": token} for token in before.tasks if token not in after.tasks]
        if gone:
            self._run(_DROP_CANDIDATES_OF_TOKEN, gone)
            done = {"completed_at": self._command.now, "completed_by": self._command.by.id}
            self._run(_CANCEL_TASK, [{**one, **done} for one in gone])
        stayed = {t for token, t in after.tasks.items() if token in before.tasks}
        if any(workflow.element_id(t) in fields for t in stayed):
            self.change_tasks(fields)
        fresh = [
            self._task(token, t, fields) for token, t in after.tasks.items() if token not in before.tasks
        ]
        if fresh:
            self._run(_ADD_TASKS, fresh)
            self._add_candidates((row["id"], row["groups"]) for row in fresh)

    def open_tasks(self) -> list[Row[Any]]:
        """The open task rows of this instance."""
        return list(self._run(_OPEN_TASKS, self._mine))

    def close_task(self, row: Row[Any]) -> None:
        """Mark a task as completed by the person of this command, who holds it from now on."""
        by, now = self._command.by.id, self._command.now
        held = row.claimed_at if row.assignee == by and row.claimed_at else now
        self._run(
            _CLOSE_TASK,
            {
                **self._mine,
                "this": row.id,
                "completed_at": now,
                "completed_by": by,
                "assignee": by,
                "claimed_at": held,
            },
        )
        self._drop_candidates(row.id)

    def _task(self, token: str, task: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
        element_id = workflow.element_id(task)
        node, said = self._diagram.nodes[element_id], fields.get(element_id)
        groups = tuple(_said(said, "groups") or _groups(node.camunda.get("candidateGroups", ""), task.data))
        priority = _said(said, "priority")
        return {
            "instance_id": self._row["id"],
            "id": self._ids.pop(token, None) or store.new_id(),
            "token": token,
            "element_id": element_id,
            "element_name": node.element.name,
            "assignee": _said(said, "assignee") or _text(node.camunda.get("assignee"), task.data),
            "groups": list(groups),
            "priority": _number(node.camunda.get("priority"), task.data) if priority is None else priority,
            "due_at": _said(said, "due_at") or _moment(node.camunda.get("dueDate"), task.data),
            "follow_up_at": _moment(node.camunda.get("followUpDate"), task.data),
            "form": node.camunda.get("formRef"),
            "form_key": node.camunda.get("formKey"),
            "created_at": self._command.now,
            "cancelled": False,
        }

    def change_tasks(self, fields: Mapping[str, Any]) -> None:
        """Set what the domain said of tasks that are open already; None leaves a field as it is."""
        for row in self.open_tasks() if fields else ():
            if (said := fields.get(row.element_id)) is not None:
                self._change_task(row.id, said)

    def _change_task(self, task_id: str, said: Any) -> None:
        values = {k: v for k in ("assignee", "priority", "due_at") if (v := _said(said, k)) is not None}
        groups = _said(said, "groups")
        if groups is not None:
            values["groups"] = list(groups)
            self._drop_candidates(task_id)
            self._add_candidates([(task_id, groups)])
        if values:
            this = (_task.c.instance_id == self._row["id"], _task.c.id == task_id)
            self._run(update(_task).where(*this).values(values))

    def _add_candidates(self, tasks: Iterable[tuple[str, Iterable[str]]]) -> None:
        rows = [
            {"instance_id": self._row["id"], "task_id": task_id, "group": group}
            for task_id, groups in tasks
            for group in dict.fromkeys(groups)
        ]
        if rows:
            self._run(_ADD_CANDIDATES, rows)

    def _drop_candidates(self, task_id: str) -> None:
        self._run(_DROP_CANDIDATES, {**self._mine, "this": task_id})

    # jobs and failures

    def _follow_jobs(self, before: Waits, after: Waits) -> None:
        """Timers and parked services are job rows; what no longer waits is cancelled."""
        now = self._command.now
        gone = [{**self._mine, "this": key} for key in before.jobs if key not in after.jobs]
        if gone:
            self._run(_CANCEL_JOB, [{**one, "done_at": now} for one in gone])
            self._run(_RESOLVE_OF_JOB, [{**one, **self._resolved} for one in gone])
        fresh = [
            job_row(now, key, kind, {}, due, self._row["id"], element_id, token)
            for key, (kind, element_id, token, due) in after.jobs.items()
            if key not in before.jobs
        ]
        if fresh:
            self._run(_ADD_JOBS, fresh)

    def resolve_verb_failures(self) -> None:
        """A person's verb that failed is made good by one that moved the tokens; a job's failure is not."""
        self._run(_RESOLVE_OF_VERB, {**self._mine, **self._resolved})

    @property
    def _resolved(self) -> dict[str, Any]:
        return {"resolved_at": self._command.now, "resolved_by": self._command.by.id}

    # messages

    def _follow_messages(self, before: Waits, after: Waits) -> None:
        gone = [
            {**self._mine, "of_token": token, "of_message": message}
            for token, message in before.messages
            if (token, message) not in after.messages
        ]
        if gone:
            self._run(_DROP_SUBSCRIPTION, gone)
        fresh = [
            {
                "instance_id": self._row["id"],
                "token": s.token,
                "message": s.message,
                "element_id": s.element_id,
                "business_key": self._row["business_key"],
            }
            for key, s in after.messages.items()
            if key not in before.messages
        ]
        if fresh:
            self._run(_ADD_SUBSCRIPTIONS, fresh)


def job_row(
    now: datetime,
    key: str,
    kind: str,
    payload: Mapping[str, Any],
    due: datetime | None = None,
    instance_id: str = "",
    element_id: str = "",
    token: str = "",
) -> dict[str, Any]:
    """A job that is open and due at once unless told otherwise."""
    return {
        "instance_id": instance_id,
        "id": store.new_id(),
        "key": key,
        "kind": kind,
        "element_id": element_id,
        "token": token,
        "payload": dict(payload),
        "due_at": due or now,
        "attempts": 0,
        "state": "open",
        "created_at": now,
    }


def add_jobs(command: Command, jobs: Any) -> None:
    """Write the jobs a domain asks for; a key that exists already is the same job, renewed if so asked."""
    for statements, wanted in ((_ASK_JOBS, False), (_RENEW_JOBS, True)):
        rows = [
            job_row(command.now, job.key, job.kind, job.payload, job.due)
            for job in jobs
            if job.renewed is wanted
        ]
        if rows:
            command.connection.execute(statements[command.connection.dialect.name], rows)


def resolve_failures_of(command: Command, instance_id: str, job_key: str) -> None:
    """A job that failed before is done by now."""
    said = {"resolved_at": command.now, "resolved_by": command.by.id}
    command.connection.execute(_RESOLVE_OF_JOB, {"of_instance": instance_id, "this": job_key, **said})


def _said(fields: Any, name: str) -> Any:
    return getattr(fields, name, None) if fields is not None else None


def _groups(expression: str, data: Mapping[str, Any]) -> list[str]:
    parts = (_text(part.strip(), data) for part in expression.split(","))
    return list(dict.fromkeys(p for p in parts if p))


def _text(expression: str | None, data: Mapping[str, Any]) -> str | None:
    if not expression or not expression.startswith(("${", "#{")):
        return expression or None
    value = compile_expression(expression).evaluate(data)
    return None if value is None else str(value)


def _number(expression: str | None, data: Mapping[str, Any]) -> int:
    value = _text(expression, data)
    return int(float(value)) if value else 50


def _moment(expression: str | None, data: Mapping[str, Any]) -> datetime | None:
    value = _text(expression, data)
    return datetime.fromisoformat(value) if value else None
