"""The engine's tables and the database behind them: SQLite with one writer, or PostgreSQL."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import OperationalError
from uuid6 import uuid7

from engine.prepared import PreparedConnection

metadata = MetaData()


@lru_cache(256)
def _sortable(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class Instant(TypeDecorator[datetime]):
    """An aware UTC moment; SQLite keeps it as sortable ISO text with microseconds."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return _sortable(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A small JSON value kept as text in the order it was written."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


deployment = Table(
    "deployment",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("source", String(200)),
    Column("hash", String(64), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(100), nullable=False),
)

resource = Table(
    "resource",
    metadata,
    Column("deployment_id", String(36), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("form", String(200)),
    Column("carried_from", String(36)),
    Index("resource_form", "form", "deployment_id"),
)
"""`form`: the id of a form file. `carried_from`: where a file was taken from that was not sent along."""

definition = Table(
    "definition",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("key", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("deployment_id", String(36), nullable=False),
    Column("resource", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("key", "version"),
)

instance = Table(
    "instance",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("definition_id", String(36), nullable=False),
    Column("process", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("business_key", String(200)),
    Column("revision", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("tokens", Json, nullable=False),
    Column("variables", Json, nullable=False),
    Column("history_seq", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("started_by", String(100), nullable=False),
    Column("ended_at", Instant),
    Column("end_element", String(200)),
    Index("instance_business_key", "business_key"),
)
Index(
    "instance_one_open",
    instance.c.process,
    instance.c.business_key,
    unique=True,
    sqlite_where=instance.c.ended_at.is_(None),
    postgresql_where=instance.c.ended_at.is_(None),
)

task = Table(
    "task",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("token", String(36), nullable=False),
    Column("element_id", String(200), nullable=False),
    Column("element_name", String(400), nullable=False),
    Column("assignee", String(100)),
    Column("owner", String(100)),
    Column("delegation", String(10)),
    Column("groups", Json, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at", Instant),
    Column("follow_up_at", Instant),
    Column("form", String(200)),
    Column("form_key", String(400)),
    Column("created_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("completed_at", Instant),
    Column("completed_by", String(100)),
    Column("cancelled", Boolean, nullable=False, default=False),
    UniqueConstraint("id"),
)
Index(
    "task_open",
    task.c.priority.desc(),
    task.c.created_at,
    task.c.id,
    sqlite_where=task.c.completed_at.is_(None),
    postgresql_where=task.c.completed_at.is_(None),
)

candidate = Table(
    "candidate",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("task_id", String(36), primary_key=True),
    Column("group", String(100), primary_key=True),
    Index("candidate_group", "group", "task_id"),
)
"""The candidate groups of open tasks only; a finished task keeps its groups in its own row."""

job = Table(
    "job",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("key", String(300), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("element_id", String(200), nullable=False),
    Column("token", String(36), nullable=False),
    Column("payload", Json, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("result", Text),
    UniqueConstraint("id"),
    UniqueConstraint("key"),
)
"""state: open, done, cancelled, failed. `instance_id` is empty where a job starts or finds an instance."""
Index(
    "job_due",
    job.c.due_at,
    sqlite_where=job.c.state == "open",
    postgresql_where=job.c.state == "open",
)

subscription = Table(
    "subscription",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("token", String(36), primary_key=True),
    Column("message", String(200), primary_key=True),
    Column("element_id", String(200), nullable=False),
    Column("business_key", String(200)),
    Index("subscription_message", "message", "business_key"),
)

failure = Table(
    "failure",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String(100), nullable=False),
    Column("verb", String(40), nullable=False),
    Column("element_id", String(200), nullable=False),
    Column("error", Text, nullable=False),
    Column("job_key", String(300)),
    Column("resolved_at", Instant),
    Column("resolved_by", String(100)),
    UniqueConstraint("id"),
    Index("failure_at", "at", "id"),
)

comment = Table(
    "comment",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("task_id", String(36), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(100), nullable=False),
    Column("message", Text, nullable=False),
    UniqueConstraint("id"),
    Index("comment_task", "task_id", "id"),
)
"""What people remark on a task; a remark is part of no answer."""

history = Table(
    "history",
    metadata,
    Column("instance_id", String(36), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("element_id", String(200), nullable=False),
    Column("element_name", String(400), nullable=False),
    Column("by", String(100), nullable=False),
    Column("data", Json),
)
"""Append-only: what happened, when, by whom; a taken flow carries its condition and the values it saw."""


def new_id() -> str:
    """A fresh UUIDv7, so that rows of one time lie together."""
    return str(uuid7())


def storable(text: str, limit: int = 2000) -> str:
    """The text as every database can keep it: no NUL, no half of a surrogate pair, cut at `limit`.

    What is looked up goes through it as well: such an id or key is not an error, it is not there.
    """
    return text[:limit].replace("\0", "?").encode(errors="replace").decode()


class Database:
    """One database: write transactions one after the other on SQLite, row locks on PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self._writer = threading.RLock()
        self._writing: Connection | None = None  # SQLite's one writer keeps its connection
        if self.is_sqlite:
            self.engine = create_engine(
                url, connect_args={"check_same_thread": False, "timeout": 30, "cached_statements": 512}
            )
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self.engine = create_engine(url, pool_pre_ping=True)
        self.engine._connection_cls = PreparedConnection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by any exception."""
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._writer:
            if self._writing is None or self._writing.closed or self._writing.invalidated:
                self._writing = self.engine.connect()
            with self._writing.begin():
                yield self._writing

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look at the database; writes nothing and waits for no writer."""
        with self.engine.connect().execution_options(flow200_read=True) as connection, connection.begin():
            yield connection

    def alone(self, connection: Connection, table: Table) -> None:
        """Let nobody else write a table until this transaction ends; on SQLite nobody could."""
        if not self.is_sqlite:
            connection.execute(text(f'LOCK TABLE "{table.name}" IN EXCLUSIVE MODE'))

    def close(self) -> None:
        """Give all connections back."""
        with self._writer:
            if self._writing is not None:
                self._writing.close()
                self._writing = None
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("flow200_read")
    cursor = connection.connection.cursor()
    try:
        cursor.execute("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise OperationalError("BEGIN", None, error) from error
    finally:
        cursor.close()
