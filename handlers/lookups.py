"""The facts of the database for decisions: reference data and other calls, read when asked for."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    and_,
    bindparam,
    case,
    distinct,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

from handlers import tables
from handlers.incident import Ci, Contract, Incident, Person, Vendor, Workgroup, of

OPEN = ("ST1", "ST2", "ST3", "ST4", "ST5", "ST6", "ST7", "ST9")
MOST = 20
"""So many candidates are shown; who has more looks for the parent by other means."""

_member = tables.membership.c
_LEADERS = tables.prepared(
    select(_member.person)
    .where(_member.workgroup == bindparam("of"), or_(_member.role == "leader", _member.role == "deputy"))
    .order_by(case((_member.role == "leader", 0), else_=1), _member.person)
)
_MEMBER = tables.prepared(
    select(_member.person).where(_member.workgroup == bindparam("of"), _member.person == bindparam("who"))
)
_CREW = tables.prepared(
    select(_member.person, _member.role)
    .join(tables.person, tables.person.c.staff_no == _member.person)
    .where(_member.workgroup == bindparam("of"), tables.person.c.active)
    .order_by(case((_member.role == "leader", 0), (_member.role == "deputy", 1), else_=2), _member.person)
)
_change = tables.shift_change.c
_ON_DESK = tables.prepared(
    select(_change.owner).where(_change.owner.is_not(None)).order_by(_change.starts_at.desc()).limit(1)
)
_CHILDREN = tables.prepared(
    select(tables.incident).where(tables.incident.c.parent == bindparam("of")).order_by(tables.incident.c.no)
)
_raise = tables.escalation_raise.c
_LAST_RAISE = tables.prepared(select(func.max(_raise.seq)).where(_raise.call == bindparam("of_call")))
_KEY = ("call", "escalation", "trigger", "level", "segment")
_REGISTERED = tables.prepared(
    select(_raise.seq).where(*(_raise[name] == bindparam(f"of_{name}") for name in _KEY))
)


class Lookups:
    """Answers what handlers.incident.Facts asks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def person(self, staff_no: str) -> Person | None:
        row = self._row(tables.person, "staff_no", staff_no)
        return of(Person, row) if row else None

    def ci(self, code: str) -> Ci | None:
        row = self._row(tables.ci, "code", code)
        return of(Ci, row) if row else None

    def group(self, code: str) -> Workgroup | None:
        row = self._row(tables.workgroup, "code", code)
        return of(Workgroup, row) if row else None

    def vendor(self, code: str) -> Vendor | None:
        row = self._row(tables.vendor, "code", code)
        return of(Vendor, {**row, "contacts": tuple(json.loads(row["contacts"]))}) if row else None

    def contract(self, code: str) -> Contract | None:
        row = self._row(tables.contract, "code", code)
        return of(Contract, {**row, "response": json.loads(row["response"])}) if row else None

    def call(self, no: str) -> Incident | None:
        row = self._row(tables.incident, "no", no)
        return of(Incident, row) if row else None

    def children(self, no: str) -> tuple[Incident, ...]:
        found = self._connection.execute(_CHILDREN, {"of": no})
        return tuple(of(Incident, row._mapping) for row in found)

    def linked(self, no: str, since: datetime, until: datetime) -> int:
        """How many of its children were linked to a call in that time, both ends included."""
        child, hold = tables.incident.c, tables.hold.c
        chosen = select(func.count(distinct(hold.call))).where(
            child.parent == no, hold.call == child.no, hold.reason == "H3", hold.from_at.between(since, until)
        )
        return int(self._connection.execute(chosen).scalar_one())

    def leaders(self, group: str) -> tuple[str, ...]:
        """Leader first, then the deputies (备份)."""
        return tuple(self._connection.execute(_LEADERS, {"of": group}).scalars())

    def crew(self, group: str) -> dict[str, str]:
        """The active members of a group with their roles: leader first, then the deputies."""
        return {row.person: row.role for row in self._connection.execute(_CREW, {"of": group})}

    def on_desk(self) -> str | None:
        """Who has had the desk since the last shift change that was settled."""
        return self._connection.execute(_ON_DESK).scalar()

    def similar(self, call: Incident) -> tuple[str, ...]:
        """The open calls of the same CI or the same caller: candidates for a parent (PROCESS §6.4, 200.1)."""
        column = tables.incident.c
        same = [column[name] == getattr(call, name) for name in ("ci", "caller") if getattr(call, name)]
        open_now = (column.no != call.no, column.status.in_(OPEN))
        chosen = select(column.no).where(*open_now, or_(false(), *same)).order_by(column.no).limit(MOST)
        return tuple(self._connection.execute(chosen).scalars())

    def alike(
        self, call: Incident, since: datetime, without: Collection[str], process: str
    ) -> dict[str, bool]:
        """Other incidents reported since then, of the same CI or of the same category and classification.

        Each with whether it has an open hand-off to the process.
        No duplicates, and none that closed `without` counting (PROCESS §6.3, POL-23).
        """
        this = {
            "this_no": call.no,
            "this_ci": call.ci,
            "this_category": call.category_final or call.category,
            "this_classification": call.classification,
            "since": since,
            "of_process": process,
        }
        found = self._connection.execute(_alike(tuple(sorted(without))), this)
        return {no: bool(handed) for no, handed in found}

    def member(self, group: str, person: str) -> bool:
        """The person is in the group, in whatever role."""
        return self._connection.execute(_MEMBER, {"of": group, "who": person}).first() is not None

    def registered(self, call: str, escalation: int, trigger: str, level: str, segment: int) -> bool:
        """The trigger is registered with this level and segment already: there may be thousands of others."""
        key = {"call": call, "escalation": escalation, "trigger": trigger, "level": level, "segment": segment}
        this = {f"of_{name}": value for name, value in key.items()}
        return self._connection.execute(_REGISTERED, this).first() is not None

    def last_raise(self, call: str) -> int | None:
        """The number of the last trigger registered for a call; None before the first."""
        number: int | None = self._connection.execute(_LAST_RAISE, {"of_call": call}).scalar()
        return number

    def _row(self, table: Table, key: str, value: str) -> Mapping[str, Any] | None:
        row = self._connection.execute(_one(table, key), {"of": value}).first()
        return dict(row._mapping) if row else None


@lru_cache(8)
def _alike(without: tuple[str, ...]) -> Any:
    column = tables.incident.c
    ends = or_(column.closure_code.is_(None), and_(true(), *(column.closure_code != one for one in without)))
    category = func.coalesce(column.category_final, column.category)
    kind = and_(
        category == bindparam("this_category"), column.classification == bindparam("this_classification")
    )
    open_there = exists().where(
        tables.hand_off.c.call == column.no,
        tables.hand_off.c.process == bindparam("of_process"),
        tables.hand_off.c.done_at.is_(None),
    )
    return tables.prepared(
        select(column.no, open_there)
        .where(column.reported_at >= bindparam("since"), column.no != bindparam("this_no"))
        .where(column.call_type == "INC", column.parent.is_(None), ends)
        .where(or_(kind, column.ci == bindparam("this_ci")))
        .order_by(column.reported_at.desc(), column.no.desc())
        .limit(MOST)
    )


@lru_cache(32)
def _one(table: Table, key: str) -> Any:
    return tables.prepared(select(table).where(table.c[key] == bindparam("of")))
