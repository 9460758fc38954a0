"""Shift change at the desk: open calls pass to the incoming agent, or to the shift leader (PROCESS §6.5.9).

A change is a row of `shift_change`: it is opened when a shift begins, and settled when the incoming agent
acknowledges the hand-over list (WR-01) or else when the time for that is over. Then each call passes by a job
of its own, so that no transaction waits for more than one call. A desk without a roster has no changes.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from handlers import duty, rights, tables
from handlers.codes import Codes
from handlers.duty import Shift
from handlers.errors import HandOverAcknowledged, HandOverOver, NotIncoming, RecordNotFound
from handlers.incident import Case, Scene
from handlers.outcome import Job, Line, Notice, Outcome
from handlers.status import CLOSED

OPEN, ACKNOWLEDGED, LEADER, LAPSED = "open", "acknowledged", "leader", "lapsed"

change, call = tables.shift_change.c, tables.incident.c
_INSERT: Mapping[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def wake(connection: Connection, codes: Codes, now: datetime) -> list[Job]:
    """The job of the next change, as a start of the service asks for it: at once if one was missed."""
    shift, newest = duty.running(codes, now), _newest(connection)
    if shift is not None and newest is not None and newest["starts_at"] < shift.starts:
        return [_job(now)]
    # Before the first change of all a start must not put off the one that is asked for already.
    return [replace(one, renewed=newest is not None) for one in _next(newest, codes, now)]


def turn(connection: Connection, scene: Scene) -> list[Job]:
    """A shift began, or the time to acknowledge is over: what happens then, and when to look next."""
    shift, newest = duty.running(scene.codes, scene.now), _newest(connection, lock=True)
    if shift is None:
        return []
    jobs: list[Job] = []
    if newest is None or newest["starts_at"] < shift.starts:
        _open(connection, shift, scene)
    elif newest["state"] == OPEN and newest["due_at"] <= scene.now:
        jobs = _to_leader(connection, newest, scene)
    return [*jobs, *_next(_newest(connection), scene.codes, scene.now)]


def acknowledge(connection: Connection, code: str, scene: Scene) -> list[Job]:
    """The incoming agent has the hand-over list: the open calls are theirs.

    Raises RecordNotFound, NotIncoming, HandOverAcknowledged, HandOverOver.
    """
    found = _one(connection, code)
    if scene.by.id != found["incoming"] or not rights.is_desk(scene):
        raise NotIncoming(change=code, by=scene.by.id, incoming=found["incoming"])
    if found["state"] == ACKNOWLEDGED:
        raise HandOverAcknowledged(change=code, owner=found["owner"])
    if found["state"] != OPEN or found["due_at"] <= scene.now:
        due = found["due_at"].astimezone(_zone(scene.codes))
        raise HandOverOver(change=code, due=f"{due:%Y-%m-%d %H:%M}")
    jobs = _settle(connection, found, ACKNOWLEDGED, scene.by.id, scene)
    return [*jobs, *_next(_newest(connection), scene.codes, scene.now)]


def pass_on(case: Case, payload: Mapping[str, Any], scene: Scene) -> Outcome:
    """An open call passes to who has the desk now; a shift leader is told of each."""
    incident, owner = case.incident, scene.facts.on_desk()
    if incident.status == CLOSED or owner in (None, incident.owner):
        return Outcome()
    said = {"change": payload["change"], "old": incident.owner or "-"}
    told = [Notice("owner_passed", owner, said)] if payload["state"] == LEADER else []
    line = Line("hand_over", f"{payload['change']} {payload['state']}")
    return Outcome({"owner": owner}, notices=told, lines=[line])


def _open(connection: Connection, shift: Shift, scene: Scene) -> None:
    """The row of a change, unless the desk has no roster; one that nobody settled has lapsed by it."""
    desk = scene.codes.policy("desk_group")
    incoming = duty.on_duty(desk, scene.facts.crew(desk), scene)
    if duty.roster(scene.codes, desk, scene.now) is None or incoming is None:
        return
    lapsed = update(tables.shift_change).where(change.state == OPEN, change.starts_at < shift.starts)
    connection.execute(lapsed.values(state=LAPSED, settled_at=scene.now))
    values = {
        "code": f"{shift.starts.astimezone(_zone(scene.codes)):%Y%m%d-%H%M}",
        "shift": shift.code,
        "starts_at": shift.starts,
        "due_at": _due(shift, scene),
        "incoming": incoming,
        "state": OPEN,
    }
    add = _INSERT[connection.dialect.name](tables.shift_change).values(values)
    connection.execute(add.on_conflict_do_nothing(index_elements=["code"]))


def _due(shift: Shift, scene: Scene) -> datetime:
    """The time to acknowledge counts from the change; if all of it was missed, from now."""
    window = timedelta(minutes=scene.codes.policy("hand_over_minutes"))
    due = shift.starts + window
    return due if due > scene.now else scene.now + window


def _to_leader(connection: Connection, found: Mapping[str, Any], scene: Scene) -> list[Job]:
    """Nobody acknowledged: the leader of the desk who is there, else the deputy, owns the calls."""
    crew = scene.facts.crew(scene.codes.policy("desk_group"))
    leaders = duty.leaders(crew)
    there = [one for one in leaders if not duty.absent(scene.codes, one, scene.now)]
    owner = next(iter([*there, *leaders]), None)
    return _settle(connection, found, LEADER, owner, scene)


def _settle(
    connection: Connection, found: Mapping[str, Any], state: str, owner: str | None, scene: Scene
) -> list[Job]:
    """The change is over: what was open when it began passes, and what the outgoing agent took since."""
    outgoing = scene.facts.on_desk()
    rows = connection.execute(select(call.no, call.owner, call.recorded_at).where(tables.OPEN)).all()
    numbers = sorted(row.no for row in rows)
    settled = {"state": state, "settled_at": scene.now, "owner": owner, "calls": json.dumps(numbers)}
    connection.execute(update(tables.shift_change).where(change.code == found["code"]).values(settled))
    passing = [
        row.no
        for row in rows
        if row.owner != owner and (row.recorded_at < found["starts_at"] or row.owner == outgoing)
    ]
    said = {"what": "pass_on", "change": found["code"], "state": state}
    return [
        Job("domain", f"pass_on:{found['code']}:{no}", said | {"no": no}) for no in sorted(passing) if owner
    ]


def _next(newest: Mapping[str, Any] | None, codes: Codes, now: datetime) -> list[Job]:
    """When the time to acknowledge is over, or else when the next shift begins."""
    if newest is not None and newest["state"] == OPEN:
        return [_job(newest["due_at"])]
    shift = duty.following(codes, now)
    return [_job(shift.starts)] if shift else []


def _job(at: datetime) -> Job:
    return Job("domain", "shift", {"what": "shift"}, at, renewed=True)


def _newest(connection: Connection, *, lock: bool = False) -> Mapping[str, Any] | None:
    chosen = select(tables.shift_change).order_by(change.starts_at.desc(), change.code.desc()).limit(1)
    found = connection.execute(chosen.with_for_update() if lock else chosen).first()
    return dict(found._mapping) if found else None


def _one(connection: Connection, code: str) -> Mapping[str, Any]:
    """The change with its row locked."""
    chosen = select(tables.shift_change).where(change.code == code).with_for_update()
    found = connection.execute(chosen).first()
    if found is None:
        raise RecordNotFound(table="shift_change", value=code)
    return dict(found._mapping)


def _zone(codes: Codes) -> ZoneInfo:
    return ZoneInfo(codes.policy("timezone"))
