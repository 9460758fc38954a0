"""The tables of the domain: the call and what hangs on it, and the reference data (PROCESS §6.1, §6.7)."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Executable,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy.types import TypeEngine

metadata = MetaData()

S = TypeVar("S", bound=Executable)


def prepared(statement: S) -> S:
    """Mark a statement that is built once; the engine's connections then run it without building it again."""
    return statement.execution_options(prepared=True)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant on every database; a naive one is refused before it is stored."""

    impl = SqlDateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(SqlDateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}")
        aware = value.astimezone(UTC)
        return aware if dialect.name == "postgresql" else aware.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _code(name: str) -> Column[Any]:
    return Column(name, String(40))


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False, default=False)


def _count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, default=0)


def _call() -> Column[Any]:
    return Column("call", String(24), ForeignKey("incident.no"), primary_key=True)


def _seq() -> Column[Any]:
    return Column("seq", Integer, primary_key=True, autoincrement=False)


incident = Table(
    "incident",
    metadata,
    Column("no", String(24), primary_key=True),
    Column("version", Integer, nullable=False, default=1),
    # 200.1
    *map(_code, ("call_type", "classification", "source", "medium")),
    Column("subject", String(200)),
    Column("description", Text),
    *map(_code, ("caller", "caller_org", "on_behalf_of", "callback_phone")),
    Column("caller_name", String(80)),
    *map(_code, ("ci", "service", "environment")),
    Column("ci_text", String(200)),
    Column("occurred_at", Instant),
    Column("reported_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("recorded_by", String(40), nullable=False),
    _flag("backfilled"),
    # 200.2
    *map(_code, ("category", "category_final", "impact", "urgency", "priority")),
    Column("priority_reason", Text),
    Column("prioritised_at", Instant),
    Column("checklist", Text),
    _flag("major"),
    Column("major_declared_by", String(40)),
    Column("major_declared_at", Instant),
    _flag("vip"),
    _code("parent"),
    _code("recurrence_of"),
    Column("segment", Integer, nullable=False, default=1),
    # where it stands
    Column("status", String(8), nullable=False),
    Column("step", String(8), nullable=False),
    Column("hold", String(8)),
    Column("held_from", String(8)),
    Column("exit_path", String(20)),
    Column("owner_group", String(40), nullable=False),
    Column("owner", String(40)),
    *map(_code, ("assigned_group", "assignee")),
    Column("first_response_at", Instant),
    Column("l1_started_at", Instant),
    Column("l2_started_at", Instant),
    *map(_count, ("dispatch_count", "reject_count", "return_count", "refusal_count", "attempt_count")),
    # solution
    *map(_code, ("solution_tier", "solution_kind", "solver")),
    Column("solution_steps", Text),
    Column("solution_wo", Integer),
    _flag("solution_inherited"),
    _flag("faq_used"),
    Column("first_resolved_at", Instant),
    Column("resolved_at", Instant),
    Column("service_restored_at", Instant),
    # 200.9, 200.10
    *map(_code, ("confirm_result", "confirm_by", "confirm_method")),
    Column("confirm_at", Instant),
    Column("satisfaction_desk", Integer),
    Column("satisfaction_handling", Integer),
    Column("satisfaction_comment", Text),
    _code("closure_code"),
    Column("closed_at", Instant),
    Column("closed_by", String(40)),
    _flag("docs_updated"),
    _count("reopen_count"),
    Column("reopened_at", Instant),
    _flag("faq_candidate"),
    *map(_code, ("faq_category", "problem_ref", "change_ref", "request_ref", "complaint_ref")),
    Column("complaint_confirmed", Boolean),
    Column("complained_about", String(40)),
    Column("needed_by", Instant),
    Column("escalation_level", String(8)),
    _code("overdue_reason"),
    # What the clocks say (§6.5.1), kept for lists and to be woken by; decisions replay the log.
    Column("respond_by", Instant),
    Column("resolve_by", Instant),
    Column("update_by", Instant),
    Column("look_at", Instant),
    Column("overdue_at", Instant),
    _code("overdue_group"),
    Column("review_due_at", Instant),
    # Who claimed the open task, and when he last did something to the call (§6.5.9).
    *map(_code, ("claimed_by", "claimed_task")),
    Column("acted_at", Instant),
    _flag("misregistered"),
    # the process instance, and the head of the log
    Column("instance", String(40)),
    Column("diagram_version", Integer),
    _count("log_seq"),
    Column("log_hash", String(64), nullable=False, default=""),
    Index("incident_status", "status", "reported_at"),
    Index("incident_reported", "reported_at", "no"),
    Index("incident_caller", "caller", "reported_at", "no"),
    Index("incident_parent", "parent"),
    Index("incident_ci", "ci", "status"),
)

# The status is a literal, so that a database sees that a query fits the partial index.
CLOSED = incident.c.status == literal_column("'ST8'")
OPEN = incident.c.status != literal_column("'ST8'")


def _partial(name: str, only: ColumnElement[bool], *columns: str) -> None:
    Index(name, *(incident.c[c] for c in columns), sqlite_where=only, postgresql_where=only)


_partial("incident_open", OPEN, "reported_at", "no")
_partial("incident_urgent", OPEN, "priority", "reported_at", "no")
_partial("incident_group", OPEN, "assigned_group", "reported_at", "no")
_partial("incident_assignee", OPEN, "assignee", "reported_at", "no")
_partial("incident_closed", incident.c.closed_at.is_not(None), "closed_at", "no")

work_order = Table(
    "work_order",
    metadata,
    _call(),
    _seq(),
    Column("no", String(32), nullable=False, unique=True),
    Column("type", String(8), nullable=False),
    Column("status", String(8), nullable=False),
    *map(_code, ("group", "assignee", "backup")),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(40), nullable=False),
    Column("due_accept", Instant),
    Column("accepted_at", Instant),
    Column("rejected_at", Instant),
    Column("due_finish", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    *map(_code, ("result", "reject_reason", "suggested_group")),
    Column("comment", Text),
    _flag("assist"),
    _flag("forced"),
    Column("labour_min", Integer),
    Column("solution", Text),
    Column("task_id", String(40)),
    Index("work_order_created", "created_at", "no"),
    Index("work_order_group", "group", "created_at", "no"),
    Index("work_order_assignee", "assignee", "created_at", "no"),
)

hold = Table(
    "hold",
    metadata,
    _call(),
    _seq(),
    Column("reason", String(8), nullable=False),
    Column("comment", Text, nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("by", String(40), nullable=False),
    Column("expected_resume", Instant),
    Column("resumed_at", Instant),
    Column("resumed_by", String(40)),
    Column("ended_by", String(40)),
)

vendor_engagement = Table(
    "vendor_engagement",
    metadata,
    _call(),
    _seq(),
    Column("kind", String(8), nullable=False),
    *map(_code, ("vendor", "contract", "group", "ticket", "result")),
    Column("contact_person", String(80)),
    Column("evidence", Text),
    Column("work_order", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("contacted_at", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", Instant),
    Column("responded_at", Instant),
    Column("promised_at", Instant),
    Column("broken_promises", Integer, nullable=False, default=0),
    Column("onsite_at", Instant),
    Column("finished_at", Instant),
    Column("note", Text),
)

vendor_attempt = Table(
    "vendor_attempt",
    metadata,
    _call(),
    Column("engagement", Integer, primary_key=True, autoincrement=False),
    _seq(),
    Column("at", Instant, nullable=False),
    Column("by", String(40), nullable=False),
    Column("contact", String(200)),
    Column("channel", String(40)),
)

confirmation = Table(
    "confirmation",
    metadata,
    _call(),
    _seq(),
    Column("at", Instant, nullable=False),
    Column("by", String(40), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(8)),
    _flag("counts"),
    Column("method", String(20)),
    Column("comment", Text),
    Column("segment", Integer, nullable=False, default=1),
)

hand_off = Table(
    "hand_off",
    metadata,
    _call(),
    _seq(),
    Column("process", String(8), nullable=False),
    *map(_code, ("group", "handler", "ref", "result")),
    Column("note", Text),
    Column("needed_by", Instant),
    Column("details", Text),
    Column("due_at", Instant),
    Column("opened_by", String(40)),
    Column("answered_by", String(40)),
    Column("handed_off_at", Instant, nullable=False),
    Column("accepted_at", Instant),
    Column("done_at", Instant),
    Column("work_order", Integer),
    Index("hand_off_made", "handed_off_at", "call", "seq"),
)

escalation = Table(
    "escalation",
    metadata,
    _call(),
    _seq(),
    Column("trigger", String(8), nullable=False),
    Column("level", String(8), nullable=False),
    Column("segment", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", Text),
    Column("raised_at", Instant, nullable=False),
    Column("raised_by", String(40), nullable=False),
    *map(_code, ("holder_group", "holder")),
    _count("silences"),
    Column("ack_due", Instant),
    Column("acked_at", Instant),
    Column("acked_by", String(40)),
    Column("decision", String(40)),
    Column("decision_reason", Text),
    Column("decided_at", Instant),
    Column("decided_by", String(40)),
    Column("notified_at", Instant),
    _count("notices"),
    Column("ended_at", Instant),
    Column("end_reason", String(40)),
    Column("instance", String(40)),
    Index("escalation_raised", "raised_at", "call", "seq"),
)

escalation_raise = Table(
    "escalation_raise",
    metadata,
    _call(),
    _seq(),
    Column("escalation", Integer, nullable=False),
    Column("trigger", String(8), nullable=False),
    Column("level", String(8), nullable=False),
    Column("segment", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(40), nullable=False),
    UniqueConstraint("call", "escalation", "trigger", "level", "segment"),
)

notice = Table(
    "notice",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("call", String(24), ForeignKey("incident.no"), nullable=False),
    Column("event", String(40), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("recipient", String(80), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", String(12), nullable=False, default="new"),
    Index("notice_call", "call", "created_at"),
    Index("notice_state", "state", "created_at"),
)

log = Table(
    "log",
    metadata,
    _call(),
    _seq(),
    Column("at", Instant, nullable=False),
    Column("by", String(40), nullable=False),
    Column("step", String(8), nullable=False),
    Column("what", String(60), nullable=False),
    Column("field", String(40)),
    Column("old", Text),
    Column("new", Text),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

counter = Table(
    "counter",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Integer, nullable=False),
)

shift_change = Table(
    "shift_change",
    metadata,
    Column("code", String(24), primary_key=True),
    Column("shift", String(40), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("incoming", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("settled_at", Instant),
    Column("owner", String(40)),
    Column("calls", Text),
    Index("shift_change_starts", "starts_at", "code"),
)

code = Table(
    "code",
    metadata,
    Column("table", String(40), primary_key=True),
    Column("code", String(60), primary_key=True),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("parent", String(60)),
    Column("ord", Integer, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("data", Text, nullable=False, default="{}"),
)

organisation = Table(
    "organisation",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("short_name", String(40)),
    Column("type", String(8), nullable=False),
    *map(_code, ("parent", "province", "phone", "liaison", "default_impact")),
    Column("address", String(200)),
    Column("email", String(120)),
    Column("service_hours", String(80)),
    Column("active", Boolean, nullable=False, default=True),
)

person = Table(
    "person",
    metadata,
    Column("staff_no", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    *map(_code, ("gender", "organisation", "phone", "mobile", "account", "preferred_channel")),
    Column("job_title", String(80)),
    Column("email", String(120)),
    _flag("vip"),
    Column("vip_ground", String(200)),
    Column("notes", Text),
    Column("active", Boolean, nullable=False, default=True),
    Index("person_name", "name", "staff_no"),
)

workgroup = Table(
    "workgroup",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("tier", String(8), nullable=False),
    *map(_code, ("parent", "escalation_contact")),
    Column("duty", String(80)),
    Column("active", Boolean, nullable=False, default=True),
)

membership = Table(
    "membership",
    metadata,
    Column("workgroup", String(40), ForeignKey("workgroup.code"), primary_key=True),
    Column("person", String(40), ForeignKey("person.staff_no"), primary_key=True),
    Column("role", String(8), nullable=False, default="member"),
    Index("membership_person", "person"),
)

service = Table(
    "service",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    *map(_code, ("owner", "default_impact")),
    Column("service_hours", String(80)),
    _flag("regulatory"),
    Column("active", Boolean, nullable=False, default=True),
)

ci = Table(
    "ci",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    *map(_code, ("kind", "environment", "category", "service", "owner_group", "contract")),
    Column("location", String(120)),
    Column("active", Boolean, nullable=False, default=True),
)

vendor = Table(
    "vendor",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("contacts", Text, nullable=False, default="[]"),
    Column("active", Boolean, nullable=False, default=True),
)

contract = Table(
    "contract",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("vendor", String(40), ForeignKey("vendor.code"), nullable=False),
    Column("name", String(120), nullable=False),
    Column("response", Text, nullable=False, default="{}"),
    Column("calendar", String(20)),
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Column("active", Boolean, nullable=False, default=True),
)
