"""Who works on an open task: claimed, given back, assigned, delegated, resolved; and what is said about it.

Each function writes inside the verb that loaded the instance, notes history and tells the domain.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, update

from engine import store
from engine.errors import NotCandidate, NotDelegated, OthersGroups, TaskAssigned, TaskDelegated
from engine.live import Live
from engine.ports import Actor, Holder

PENDING, RESOLVED = "PENDING", "RESOLVED"


def claim(live: Live, row: Row[Any], closing: bool = False) -> None:
    """A task of one's groups; one that the domain only proposed to a colleague may be taken over.

    `closing`: the row is about to be written as completed, and as claimed with it.
    Raises NotCandidate, TaskAssigned.
    """
    by = live.command.by
    if row.assignee == by.id and row.claimed_at is not None:
        return
    if row.assignee != by.id:
        _candidate(row, by)
    if row.assignee not in (None, by.id) and (row.claimed_at is not None or not row.groups):
        raise TaskAssigned(element=row.element_name, assignee=row.assignee)
    if closing:
        _tell(live, row, "claimed", by.id, closing)
    else:
        _write(live, row, "claimed", by.id)


def assign(live: Live, row: Row[Any], person: str | None) -> None:
    """Give a task to a person of its groups, or to nobody: back to its groups.

    To oneself it is a claim that may take the task over only where the domain lets one assign;
    what one holds may always be given back. Raises OthersGroups, and what the domain refuses.
    """
    by = live.command.by
    if person == row.assignee and (row.claimed_at is not None or person is None):
        return None
    if person == by.id and row.assignee is None:
        return claim(live, row)
    own = person is None and row.assignee == by.id
    actor = None if own else _wanted(live, row, person)
    _write(live, row, "assigned" if actor else "unclaimed", person, owner=None, delegation=None)
    return None


def refuse_taken(row: Row[Any], person: str | None) -> None:
    """Raises TaskAssigned where somebody else has claimed the task."""
    if row.assignee not in (None, person) and row.claimed_at is not None:
        raise TaskAssigned(element=row.element_name, assignee=row.assignee)


def delegate(live: Live, row: Row[Any], person: str) -> None:
    """Ask a colleague to do a task that stays one's own: it comes back when the colleague resolves it.

    Raises OthersGroups, and what the domain refuses.
    """
    _wanted(live, row, person)
    owner = row.owner or row.assignee or live.command.by.id
    _write(live, row, "delegated", person, owner=owner, delegation=PENDING)


def resolve(live: Live, row: Row[Any]) -> None:
    """A delegated task goes back to its owner. Raises NotDelegated, TaskAssigned (to another)."""
    if row.delegation != PENDING:
        raise NotDelegated(element=row.element_name)
    if row.assignee != live.command.by.id:
        raise TaskAssigned(element=row.element_name, assignee=row.assignee or "-")
    _write(live, row, "resolved", row.owner, delegation=RESOLVED)


def refuse_pending(row: Row[Any]) -> None:
    """A delegated task is resolved, not completed. Raises TaskDelegated."""
    if row.delegation == PENDING:
        raise TaskDelegated(element=row.element_name, owner=row.owner or "-")


def comment(live: Live, row: Row[Any], message: str) -> str:
    """Keep a remark on a task; returns its id. Raises NotCandidate."""
    by = live.command.by
    if by.id not in (row.assignee, row.owner):
        _candidate(row, by)
    said = {
        "instance_id": row.instance_id,
        "id": store.new_id(),
        "task_id": row.id,
        "at": live.command.now,
        "by": by.id,
        "message": message,
    }
    live.command.connection.execute(insert(store.comment).values(said))
    live.note("commented", live.diagram.element(row.element_id), {"comment": said["id"]})
    return str(said["id"])


def postpone(live: Live, row: Row[Any], follow_up_at: datetime | None) -> None:
    """When to look at a task again (aware UTC). Raises NotCandidate."""
    by = live.command.by
    if by.id not in (row.assignee, row.owner):
        _candidate(row, by)
    _update(live, row, {"follow_up_at": follow_up_at})
    until = follow_up_at.isoformat() if follow_up_at else None
    live.note("postponed", live.diagram.element(row.element_id), {"follow_up_at": until})


def remember(live: Live) -> None:
    """Write the notes of a verb that moved no token, and what the domain said of open tasks."""
    if not live.notes:
        return
    live.rows.change_tasks(live.fields)
    table, connection = store.instance, live.command.connection
    connection.execute(
        update(table).where(table.c.id == live.row["id"]).values(history_seq=live.row["history_seq"])
    )
    live.write_notes()


def _candidate(row: Row[Any], by: Actor) -> None:
    if row.groups and not by.groups & set(row.groups):
        raise NotCandidate(element=row.element_name, groups=", ".join(row.groups))


def _wanted(live: Live, row: Row[Any], person: str | None) -> Holder | None:
    """The person whom the domain lets one assign, if the task's groups hold them."""
    actor = live.domain.assignee(live.command, live.task_view(row), person)
    if actor and row.groups and not actor.groups & set(row.groups):
        groups = ", ".join(row.groups)
        raise OthersGroups(element=row.element_name, person=actor.id, groups=groups)
    return actor


def _write(live: Live, row: Row[Any], kind: str, assignee: str | None, **more: Any) -> None:
    now = live.command.now
    _update(live, row, {"assignee": assignee, "claimed_at": now if assignee else None, **more})
    _tell(live, row, kind, assignee)


def _tell(live: Live, row: Row[Any], kind: str, assignee: str | None, closing: bool = False) -> None:
    said = {"assignee": assignee} if kind in ("assigned", "delegated", "resolved") else None
    live.note(kind, live.diagram.element(row.element_id), said)
    task = live.task_view(row)
    seen = replace(task, completed_at=live.command.now) if closing else task
    live.take(live.domain.claimed(live.command, seen, assignee))


def _update(live: Live, row: Row[Any], values: Mapping[str, Any]) -> None:
    table = store.task
    mine = (table.c.instance_id == row.instance_id, table.c.id == row.id)
    live.command.connection.execute(update(table).where(*mine).values(values))
