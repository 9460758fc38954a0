"""What can be asked of the engine without changing it; lists are read from rows, never from stored state."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, literal, or_, select, tuple_

from engine import store

COUNTED = 1000
"""A list says "more than" beyond this: counting costs more than the page."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of open tasks and where the next one begins (None at the end)."""

    rows: tuple[Row[Any], ...]
    next: tuple[int, datetime, str] | None


def tasks(
    connection: Connection,
    *,
    groups: Collection[str] | None = None,
    assignee: str | None = None,
    business_key: str | None = None,
    process: str | None = None,
    limit: int = 50,
    after: tuple[int, datetime, str] | None = None,
) -> Page:
    """Open tasks, most urgent first, then oldest; `after` is the `next` of the page before."""
    task, candidate, instance = store.task, store.candidate, store.instance
    query = (
        select(task, instance.c.process, instance.c.version, instance.c.business_key, instance.c.revision)
        .join(instance, instance.c.id == task.c.instance_id)
        .where(task.c.completed_at.is_(None))
    )
    if groups is not None:
        mine = select(candidate.c.task_id).where(candidate.c.group.in_([store.storable(g) for g in groups]))
        query = query.where(task.c.id.in_(mine))
    if assignee is not None:
        query = query.where(task.c.assignee == store.storable(assignee))
    if business_key is not None:
        query = query.where(instance.c.business_key == store.storable(business_key))
    if process is not None:
        query = query.where(instance.c.process == store.storable(process))
    if after is not None:
        priority, created, last = after
        query = query.where(
            or_(
                task.c.priority < priority,
                and_(task.c.priority == priority, task.c.created_at > created),
                and_(task.c.priority == priority, task.c.created_at == created, task.c.id > last),
            )
        )
    query = query.order_by(task.c.priority.desc(), task.c.created_at, task.c.id).limit(limit + 1)
    rows = tuple(connection.execute(query))
    if len(rows) <= limit:
        return Page(rows, None)
    last_row = rows[limit - 1]
    return Page(rows[:limit], (last_row.priority, last_row.created_at, last_row.id))


def task(connection: Connection, task_id: str) -> Row[Any] | None:
    """One task, open or not, with its instance's process, version, business key, revision and variables."""
    table, instance = store.task, store.instance
    query = (
        select(
            table,
            instance.c.process,
            instance.c.version,
            instance.c.business_key,
            instance.c.revision,
            instance.c.definition_id,
            instance.c.variables,
        )
        .join(instance, instance.c.id == table.c.instance_id)
        .where(table.c.id == store.storable(task_id))
    )
    return connection.execute(query).first()


def instances(connection: Connection, business_key: str) -> list[Row[Any]]:
    """All instances of a business key, oldest first, without their state."""
    table = store.instance
    columns = [c for c in table.c if c.name != "state"]
    query = (
        select(*columns)
        .where(table.c.business_key == store.storable(business_key))
        .order_by(table.c.started_at, table.c.id)
    )
    return list(connection.execute(query))


def instance(connection: Connection, instance_id: str) -> Row[Any] | None:
    """One instance without its state."""
    table = store.instance
    columns = [c for c in table.c if c.name != "state"]
    return connection.execute(select(*columns).where(table.c.id == store.storable(instance_id))).first()


def history(connection: Connection, instance_id: str) -> list[Row[Any]]:
    """Everything that happened in an instance, in order."""
    table = store.history
    return list(
        connection.execute(select(table).where(table.c.instance_id == instance_id).order_by(table.c.seq))
    )


def waits(connection: Connection, instance_id: str) -> dict[str, list[Row[Any]]]:
    """What can move an instance: its open tasks, message waits, open or failed jobs, and open failures."""
    task, job, failure, subscription = store.task, store.job, store.failure, store.subscription
    return {
        "tasks": list(
            connection.execute(
                select(task).where(task.c.instance_id == instance_id, task.c.completed_at.is_(None))
            )
        ),
        "messages": list(
            connection.execute(select(subscription).where(subscription.c.instance_id == instance_id))
        ),
        "jobs": list(
            connection.execute(
                select(job).where(job.c.instance_id == instance_id, job.c.state.in_(("open", "failed")))
            )
        ),
        "failures": list(
            connection.execute(
                select(failure).where(failure.c.instance_id == instance_id, failure.c.resolved_at.is_(None))
            )
        ),
    }


def failures(connection: Connection, limit: int = 100) -> list[Row[Any]]:
    """Open failures, newest first."""
    table = store.failure
    return list(
        connection.execute(
            select(table).where(table.c.resolved_at.is_(None)).order_by(table.c.at.desc()).limit(limit)
        )
    )


@dataclass(frozen=True, slots=True)
class FailurePage:
    """A page of failures, where the next one begins, and how many there are; `capped`: more than `total`."""

    rows: tuple[Row[Any], ...]
    next: tuple[datetime, str] | None
    total: int
    capped: bool


def failure_page(
    connection: Connection,
    *,
    is_open: bool | None = None,
    business_key: str | None = None,
    instance_id: str | None = None,
    newest_first: bool = True,
    limit: int = 50,
    after: tuple[datetime, str] | None = None,
) -> FailurePage:
    """Failures by their time, each with its instance's process and business key and its job's state."""
    table = store.failure
    query = _failures()
    if is_open is not None:
        query = query.where(table.c.resolved_at.is_(None) if is_open else table.c.resolved_at.is_not(None))
    if business_key is not None:
        query = query.where(store.instance.c.business_key == business_key)
    if instance_id is not None:
        query = query.where(table.c.instance_id == instance_id)
    counted = select(func.count()).select_from(query.order_by(None).limit(COUNTED + 1).subquery())
    total = connection.scalar(counted) or 0
    at, key = table.c.at, table.c.id
    if after is not None:
        mine, seen = tuple_(at, key), tuple_(literal(after[0], at.type), literal(after[1], key.type))
        query = query.where(mine < seen if newest_first else mine > seen)
    by = (at.desc(), key.desc()) if newest_first else (at, key)
    rows = tuple(connection.execute(query.order_by(*by).limit(limit + 1)))
    following = (rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
    return FailurePage(rows[:limit], following, min(total, COUNTED), total > COUNTED)


def failure(connection: Connection, failure_id: str) -> Row[Any] | None:
    """One failure, open or not, as `failure_page` shows it."""
    return connection.execute(_failures().where(store.failure.c.id == store.storable(failure_id))).first()


def definitions(connection: Connection) -> list[Row[Any]]:
    """The newest version of each process: its key, version, name, id and when it was deployed."""
    table = store.definition
    newest = select(table.c.key, func.max(table.c.version)).group_by(table.c.key)
    query = select(table).where(tuple_(table.c.key, table.c.version).in_(newest)).order_by(table.c.key)
    return list(connection.execute(query))


def _failures() -> Select[Any]:
    """A failure's instance is unknown when it was rolled back with it, and so is its job."""
    table, instance, job = store.failure, store.instance, store.job
    return (
        select(
            table,
            instance.c.process,
            instance.c.business_key,
            job.c.state.label("job_state"),
            job.c.due_at.label("job_due_at"),
        )
        .outerjoin(instance, instance.c.id == table.c.instance_id)
        .outerjoin(job, job.c.key == table.c.job_key)
    )


def waiting(
    connection: Connection,
    message: str,
    business_key: str | None = None,
    process: str | None = None,
    instance_id: str | None = None,
) -> list[str]:
    """The instances that wait for a message: of a business key, of a process, or the one of this id."""
    table, instance = store.subscription, store.instance
    query = select(table.c.instance_id).where(table.c.message == store.storable(message))
    if business_key is not None:
        query = query.where(table.c.business_key == store.storable(business_key))
    if instance_id is not None:
        query = query.where(table.c.instance_id == store.storable(instance_id))
    if process is not None:
        query = query.join(instance, instance.c.id == table.c.instance_id).where(
            instance.c.process == store.storable(process)
        )
    return sorted(set(connection.execute(query).scalars()))


def newest_forms(connection: Connection, form_ids: Collection[str]) -> list[Row[Any]]:
    """The file of each of these forms in the newest deployment that holds it, and where it was first sent."""
    table, wanted = store.resource, [store.storable(one, 200) for one in form_ids]
    newest = (
        select(table.c.form, func.max(table.c.deployment_id))
        .where(table.c.form.in_(wanted))
        .group_by(table.c.form)
    )
    first = func.coalesce(table.c.carried_from, table.c.deployment_id).label("sent_with")
    query = select(table.c.form, table.c.name, table.c.content, first)
    query = query.where(tuple_(table.c.form, table.c.deployment_id).in_(newest)).order_by(table.c.name)
    found: dict[str, Any] = {row.form: row for row in connection.execute(query)}
    return [*found.values()]


def carried(connection: Connection, deployment_id: str) -> list[Row[Any]]:
    """The form files of a deployment that nobody sent with it: name, and the deployment they came from."""
    table = store.resource
    mine = (table.c.deployment_id == deployment_id, table.c.carried_from.is_not(None))
    query = select(table.c.name, table.c.carried_from).where(*mine).order_by(table.c.name)
    return list(connection.execute(query))


def resources(connection: Connection, deployment_id: str) -> dict[str, bytes]:
    """The files of a deployment by name."""
    table = store.resource
    query = select(table.c.name, table.c.content).where(table.c.deployment_id == deployment_id)
    return {r.name: bytes(r.content) for r in connection.execute(query)}
