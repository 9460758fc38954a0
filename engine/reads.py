"""What can be asked of the engine without changing it; lists are read from rows, never from stored state."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from engine import store


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


def waiting(connection: Connection, message: str, business_key: str, process: str | None) -> list[str]:
    """The instances of a business key that wait for a message."""
    table, instance = store.subscription, store.instance
    query = select(table.c.instance_id).where(
        table.c.message == store.storable(message), table.c.business_key == store.storable(business_key)
    )
    if process is not None:
        query = query.join(instance, instance.c.id == table.c.instance_id).where(
            instance.c.process == store.storable(process)
        )
    return sorted(set(connection.execute(query).scalars()))


def definitions(connection: Connection) -> list[Row[Any]]:
    """The version in force of every process, by key."""
    table = store.definition
    newest = select(table.c.key, func.max(table.c.version).label("version")).group_by(table.c.key).subquery()
    query = select(table).join(newest, and_(table.c.key == newest.c.key, table.c.version == newest.c.version))
    return list(connection.execute(query.order_by(table.c.key)))


def resources(connection: Connection, deployment_id: str) -> dict[str, bytes]:
    """The files of a deployment by name."""
    table = store.resource
    query = select(table.c.name, table.c.content).where(table.c.deployment_id == deployment_id)
    return {r.name: bytes(r.content) for r in connection.execute(query)}
