"""The values that decisions are made of: the call, what hangs on it, and the scene of a decision."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Protocol, TypeVar

from handlers.codes import Codes

T = TypeVar("T")
Answer = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """The call (服务呼叫): INC, SR and CMP alike (PROCESS §6.1.2)."""

    no: str
    version: int
    status: str
    step: str
    owner_group: str
    reported_at: datetime
    recorded_at: datetime
    recorded_by: str
    call_type: str | None = None
    classification: str | None = None
    source: str | None = None
    medium: str | None = None
    subject: str | None = None
    description: str | None = None
    caller: str | None = None
    caller_name: str | None = None
    caller_org: str | None = None
    on_behalf_of: str | None = None
    callback_phone: str | None = None
    ci: str | None = None
    ci_text: str | None = None
    service: str | None = None
    environment: str | None = None
    occurred_at: datetime | None = None
    backfilled: bool = False
    category: str | None = None
    category_final: str | None = None
    impact: str | None = None
    urgency: str | None = None
    priority: str | None = None
    priority_reason: str | None = None
    prioritised_at: datetime | None = None
    checklist: str | None = None
    major: bool = False
    major_declared_by: str | None = None
    major_declared_at: datetime | None = None
    vip: bool = False
    parent: str | None = None
    recurrence_of: str | None = None
    segment: int = 1
    hold: str | None = None
    held_from: str | None = None
    exit_path: str | None = None
    owner: str | None = None
    assigned_group: str | None = None
    assignee: str | None = None
    first_response_at: datetime | None = None
    l1_started_at: datetime | None = None
    l2_started_at: datetime | None = None
    dispatch_count: int = 0
    reject_count: int = 0
    return_count: int = 0
    refusal_count: int = 0
    attempt_count: int = 0
    solution_tier: str | None = None
    solution_kind: str | None = None
    solution_steps: str | None = None
    solution_wo: int | None = None
    solution_inherited: bool = False
    solver: str | None = None
    faq_used: bool = False
    first_resolved_at: datetime | None = None
    resolved_at: datetime | None = None
    service_restored_at: datetime | None = None
    confirm_result: str | None = None
    confirm_at: datetime | None = None
    confirm_by: str | None = None
    confirm_method: str | None = None
    satisfaction_desk: int | None = None
    satisfaction_handling: int | None = None
    satisfaction_comment: str | None = None
    closure_code: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    docs_updated: bool = False
    reopen_count: int = 0
    reopened_at: datetime | None = None
    faq_candidate: bool = False
    faq_category: str | None = None
    problem_ref: str | None = None
    change_ref: str | None = None
    request_ref: str | None = None
    complaint_ref: str | None = None
    complaint_confirmed: bool | None = None
    complained_about: str | None = None
    needed_by: datetime | None = None
    escalation_level: str | None = None
    overdue_reason: str | None = None
    respond_by: datetime | None = None
    resolve_by: datetime | None = None
    update_by: datetime | None = None
    look_at: datetime | None = None
    overdue_at: datetime | None = None
    overdue_group: str | None = None
    review_due_at: datetime | None = None
    claimed_by: str | None = None
    claimed_task: str | None = None
    acted_at: datetime | None = None
    misregistered: bool = False
    instance: str | None = None
    diagram_version: int | None = None
    log_seq: int = 0
    log_hash: str = ""

    def changed(self, changes: Mapping[str, Any]) -> "Incident":
        """The call with other values in these fields; `replace` would walk all hundred of them."""
        made = object.__new__(Incident)
        made.__dict__.update(self.__dict__)
        made.__dict__.update(changes)
        return made

    @property
    def told(self) -> str | None:
        """Who is told about the call: the caller, on record or only named."""
        return self.caller or self.caller_name


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOrder:
    """One piece of assigned work under a call (工单)."""

    call: str
    seq: int
    no: str
    type: str
    status: str
    group: str | None = None
    assignee: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    task_id: str | None = None
    due_accept: datetime | None = None
    accepted_at: datetime | None = None
    rejected_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    labour_min: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold (挂起) with its reason H1-H5."""

    seq: int
    reason: str
    from_at: datetime | None = None
    expected_resume: datetime | None = None
    resumed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """One engagement of a vendor or the third line (供应商处理记录)."""

    seq: int
    kind: str
    work_order: int
    group: str | None = None
    vendor: str | None = None
    contract: str | None = None
    evidence: str | None = None
    contacted_at: datetime | None = None
    attempts: int = 0
    due_at: datetime | None = None
    result: str | None = None
    responded_at: datetime | None = None
    promised_at: datetime | None = None
    broken_promises: int = 0
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """One attempt to confirm with the customer."""

    seq: int
    at: datetime
    outcome: str
    segment: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff:
    """One hand-off to another process (转出单); to the request or 申述 process with its work order."""

    seq: int
    process: str
    group: str | None = None
    handler: str | None = None
    ref: str | None = None
    details: str | None = None
    work_order: int | None = None
    opened_by: str | None = None
    answered_by: str | None = None
    result: str | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One hierarchical escalation episode (升级单)."""

    seq: int
    trigger: str
    level: str
    segment: int
    state: str
    raised_at: datetime
    reason: str | None = None
    holder_group: str | None = None
    holder: str | None = None
    silences: int = 0
    notices: int = 0
    decision: str | None = None
    decision_reason: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    end_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """One log line about a clock of the call."""

    field: str
    new: str


class Reader(Protocol):
    """Reads what hangs on the call, kind by kind, in the order it was made."""

    def __call__(self, kind: type[T], /) -> tuple[T, ...]: ...


def rows(*values: Any) -> Reader:
    """A reader of values at hand, for decisions about a call that no database holds."""

    def read(kind: type[T], /) -> tuple[T, ...]:
        return tuple(value for value in values if isinstance(value, kind))

    return read


NOTHING = rows()


@dataclass(frozen=True)
class Case:
    """The call with everything that hangs on it; each kind is read once, when a decision asks for it."""

    incident: Incident
    read: Reader = NOTHING

    @cached_property
    def work_orders(self) -> tuple[WorkOrder, ...]:
        return self.read(WorkOrder)

    @cached_property
    def holds(self) -> tuple[Hold, ...]:
        return self.read(Hold)

    @cached_property
    def engagements(self) -> tuple[Engagement, ...]:
        return self.read(Engagement)

    @cached_property
    def confirmations(self) -> tuple[Confirmation, ...]:
        return self.read(Confirmation)

    @cached_property
    def hand_offs(self) -> tuple[HandOff, ...]:
        return self.read(HandOff)

    @cached_property
    def escalations(self) -> tuple[Escalation, ...]:
        return self.read(Escalation)

    @cached_property
    def clock_lines(self) -> tuple[ClockLine, ...]:
        return self.read(ClockLine)

    @property
    def dispatch(self) -> WorkOrder | None:
        """The latest dispatch work order."""
        return next((order for order in reversed(self.work_orders) if order.type == "DSP"), None)

    @property
    def engagement(self) -> Engagement | None:
        """The engagement that runs now."""
        return next((row for row in reversed(self.engagements) if row.finished_at is None), None)

    @property
    def escalation(self) -> Escalation | None:
        """The active escalation, of which there is at most one."""
        return next((row for row in reversed(self.escalations) if row.state != "ended"), None)

    @property
    def hand_off(self) -> HandOff | None:
        """The hand-off to the request or 申述 process that is not answered yet; the call waits for it."""
        waiting = (row for row in reversed(self.hand_offs) if row.done_at is None)
        return next((row for row in waiting if row.work_order is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of staff; callers are staff only (PROCESS §6.7.9)."""

    staff_no: str
    name: str
    organisation: str | None = None
    phone: str | None = None
    vip: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ci:
    """A configuration item."""

    code: str
    environment: str | None = None
    category: str | None = None
    service: str | None = None
    owner_group: str | None = None
    contract: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Workgroup:
    """A group of PROCESS §6.7.10."""

    code: str
    name: str
    tier: str
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A vendor contract with its response limits in minutes by priority."""

    code: str
    vendor: str
    response: Mapping[str, int]
    calendar: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A supplier with its ordered contacts; one of them is the escalation contact."""

    code: str
    name: str
    contacts: tuple[Mapping[str, Any], ...] = ()


class Actor(Protocol):
    """Who acts, as the engine names them."""

    @property
    def id(self) -> str: ...
    @property
    def groups(self) -> frozenset[str]: ...


class Facts(Protocol):
    """What a decision may look up: reference data and other calls."""

    def person(self, staff_no: str) -> Person | None: ...
    def ci(self, code: str) -> Ci | None: ...
    def group(self, code: str) -> Workgroup | None: ...
    def vendor(self, code: str) -> Vendor | None: ...
    def contract(self, code: str) -> Contract | None: ...
    def call(self, no: str) -> Incident | None: ...
    def children(self, no: str) -> tuple[Incident, ...]: ...
    def linked(self, no: str, since: datetime, until: datetime) -> int: ...
    def leaders(self, group: str) -> tuple[str, ...]: ...
    def crew(self, group: str) -> Mapping[str, str]: ...
    def on_desk(self) -> str | None: ...
    def similar(self, call: Incident) -> tuple[str, ...]: ...
    def alike(
        self, call: Incident, since: datetime, without: Collection[str], process: str
    ) -> Mapping[str, bool]: ...
    def member(self, group: str, person: str) -> bool: ...
    def registered(self, call: str, escalation: int, trigger: str, level: str, segment: int) -> bool: ...
    def last_raise(self, call: str) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Scene:
    """Who decides, when (aware UTC), by which code tables, with which facts at hand."""

    by: Actor
    now: datetime
    codes: Codes
    facts: Facts


def of(cls: type[T], row: Any) -> T:
    """A value from the mapping of a database row: the columns that the value knows."""
    return cls(**{name: row[name] for name in columns(cls)})  # type: ignore[arg-type]


@lru_cache(64)
def columns(cls: Any) -> tuple[str, ...]:
    """The columns that a value knows."""
    return tuple(f.name for f in fields(cls))
