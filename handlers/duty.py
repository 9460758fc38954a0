"""Who is on duty: the shifts of a day, the roster of a group, who is absent (PROCESS §6.5.9, §6.7.12).

All of it is data: rows of the code tables `shift`, `roster` and `absence`, whose times are the bank's wall
time; `from` is included, `to` is not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handlers.codes import Code, Codes
from handlers.incident import Scene

LEADERS = ("leader", "deputy")


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift of one day; it lasts until the next one begins."""

    code: str
    starts: datetime


def running(codes: Codes, at: datetime) -> Shift | None:
    """The shift that works at an instant; None where there are no shifts."""
    return max((one for one in _around(codes, at) if one.starts <= at), key=_starts, default=None)


def following(codes: Codes, at: datetime) -> Shift | None:
    """The next shift that begins after an instant."""
    return min((one for one in _around(codes, at) if one.starts > at), key=_starts, default=None)


def roster(codes: Codes, group: str, at: datetime) -> Code | None:
    """The row that says who of a group is on duty: a dated one comes first, then one of the shift."""
    shift = running(codes, at)
    fitting = [
        row
        for row in codes.table("roster").values()
        if row.active
        and row.data["group"] == group
        and row.data.get("shift") in (None, shift.code if shift else None)
        and _within(row.data, at, codes)
    ]
    return max(fitting, key=lambda row: ("from" in row.data, "shift" in row.data), default=None)


def absent(codes: Codes, person: str, at: datetime) -> bool:
    """The person is away at an instant."""
    rows = codes.table("absence").values()
    return any(row.active and row.data["person"] == person and _within(row.data, at, codes) for row in rows)


def on_duty(group: str, crew: Mapping[str, str], scene: Scene, *, never: str | None = None) -> str | None:
    """The on-call member of a group now, else the backup, else its leader, else the deputies.

    `crew` are the active members with their roles; who is absent is passed over, and `never` is not chosen.
    """
    row = roster(scene.codes, group, scene.now)
    named = [row.data[name] for name in ("primary", "backup") if row.data.get(name)] if row else []
    chosen = (one for one in (*named, *leaders(crew)) if one in crew and one != never)
    return next((one for one in chosen if not absent(scene.codes, one, scene.now)), None)


def backup(group: str, scene: Scene) -> str | None:
    """The backup that the roster names for a group now."""
    row = roster(scene.codes, group, scene.now)
    return row.data.get("backup") if row else None


def leaders(crew: Mapping[str, str]) -> list[str]:
    """Leader first, then the deputies."""
    return [person for person, role in crew.items() if role in LEADERS]


def _around(codes: Codes, at: datetime) -> Iterator[Shift]:
    """The shifts that begin on the day of an instant, on the one before and on the one after."""
    zone = ZoneInfo(codes.policy("timezone"))
    today = at.astimezone(zone).date()
    for row in codes.table("shift").values():
        if row.active:
            for days in (-1, 0, 1):
                day = today + timedelta(days=days)
                starts = datetime.combine(day, time.fromisoformat(row.data["starts"]), zone)
                yield Shift(row.code, starts.astimezone(at.tzinfo))


def _starts(shift: Shift) -> datetime:
    return shift.starts


def _within(data: Mapping[str, Any], at: datetime, codes: Codes) -> bool:
    here = at.astimezone(ZoneInfo(codes.policy("timezone"))).replace(tzinfo=None)
    since, until = data.get("from"), data.get("to")
    return (since is None or datetime.fromisoformat(since) <= here) and (
        until is None or here < datetime.fromisoformat(until)
    )
