"""Minutes on a service calendar: `add` and `measure` (PROCESS §6.5.1, §6.5.2).

A calendar is a row of the code table `calendar` with its week days and windows; a row without windows
never closes. Dated exceptions (holidays, 调休) are rows of `calendar_day`: code "BH 2026-10-10",
data {working = true}.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from handlers.codes import Codes

HORIZON_DAYS = 3660


def add(codes: Codes, calendar: str, start: datetime, minutes: float) -> datetime:
    """The earliest instant (UTC) at which `minutes` on the calendar have passed since `start`."""
    left = timedelta(minutes=minutes)
    if left <= timedelta(0):
        return start.astimezone(UTC)
    for opens, closes in _windows(codes, calendar, start):
        begin = max(opens, start)
        if closes - begin >= left:
            return (begin + left).astimezone(UTC)
        left -= max(closes - begin, timedelta(0))
    raise ValueError(f"the calendar {calendar} has no {minutes} minutes after {start}")


def due(codes: Codes, priority: str | None, clock: str, start: datetime) -> datetime | None:
    """When a clock of the priority's row (`accept`, `update` …) runs out; None if it has none."""
    minutes = codes.minutes(priority, clock)
    return add(codes, codes.calendar(priority), start, minutes) if minutes else None


def measure(codes: Codes, calendar: str, start: datetime, end: datetime) -> float:
    """The minutes on the calendar between two instants; 0 if `end` is not after `start`."""
    total = timedelta(0)
    for opens, closes in _windows(codes, calendar, start):
        if opens >= end:
            break
        total += max(min(closes, end) - max(opens, start), timedelta(0))
    return total / timedelta(minutes=1)


def working_days(codes: Codes, calendar: str, instants: list[datetime]) -> int:
    """On how many different working days of the calendar the instants lie."""
    zone = ZoneInfo(codes.policy("timezone"))
    days = {instant.astimezone(zone).date() for instant in instants}
    return sum(1 for day in days if _is_working(codes, calendar, day))


def _windows(codes: Codes, calendar: str, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    row = codes.row("calendar", calendar)
    zone = ZoneInfo(codes.policy("timezone"))
    if "windows" not in row.data:
        yield start, start + timedelta(days=HORIZON_DAYS)
        return
    day = start.astimezone(zone).date()
    for offset in range(HORIZON_DAYS):
        today = day + timedelta(days=offset)
        if _is_working(codes, calendar, today):
            for opens, closes in row.data["windows"]:
                yield _at(today, opens, zone), _at(today, closes, zone)


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)


def _is_working(codes: Codes, calendar: str, day: date) -> bool:
    dated = codes.table("calendar_day").get(f"{calendar} {day.isoformat()}")
    if dated is not None and dated.active:
        return bool(dated.data["working"])
    days = codes.row("calendar", calendar).data.get("days")
    return days is None or day.weekday() in days
