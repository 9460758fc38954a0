"""The dated rows of a service calendar: holidays, make-up working days (调休), days with hours of their own.

They are rows of the code tables `calendar_day` and `calendar_year` (PROCESS §6.5.2); who may change them,
and what follows from it, the desk decides.
"""

import json
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, insert, select, update

from handlers import calendar, codes, tables
from handlers.codes import Code, Codes
from handlers.errors import RecordNotFound, Refused

log = logging.getLogger(__name__)

DAY, YEAR = "calendar_day", "calendar_year"
YEARS = range(1950, 2201)
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)

Windows = tuple[tuple[str, str], ...]


class NeverCloses(Refused):
    """A calendar that never closes has neither holidays nor make-up days (PROCESS §6.5.2)."""

    code = "calendar-never-closes"
    zh = "日历「{calendar}」全天候运行,没有节假日和调休。"
    en = "The calendar “{calendar}” never closes; it has neither holidays nor make-up days."


class YearNotKept(Refused):
    """Calendars are kept for a span of years."""

    code = "calendar-year-not-kept"
    zh = "日历不保存 {year} 年,可用 {first} 至 {last} 年。"
    en = "Calendars do not keep {year}, only {first} to {last}."


class WindowsRefused(Refused):
    """The hours of a working day follow each other and do not overlap."""

    code = "windows-refused"
    zh = "时段 {window} 不可用:{why_zh}。"
    en = "The window {window} cannot be used: {why_en}."


@dataclass(frozen=True, slots=True)
class Day:
    """One dated exception: worked or not, why, and the hours if they are not those of the calendar."""

    date: date
    working: bool
    zh: str
    en: str
    windows: Windows | None = None

    def __post_init__(self) -> None:
        kept(self.date.year)
        if self.windows is not None:
            _check_windows(self.windows, self.working)


def kept(year: int) -> int:
    """The year, if calendars keep it. Raises YearNotKept."""
    if year not in YEARS:
        raise YearNotKept("year", year=year, first=YEARS[0], last=YEARS[-1])
    return year


def _check_windows(windows: Windows, working: bool) -> None:
    before = "00:00"
    for opens, closes in windows:
        if not (CLOCK.fullmatch(opens) and CLOCK.fullmatch(closes)):
            raise _refused(opens, closes, "时刻须为 HH:MM", "a time is HH:MM")
        if closes <= opens:
            raise _refused(opens, closes, "结束须晚于开始", "it ends before it starts")
        if opens < before:
            raise _refused(opens, closes, "与前一时段重叠或次序颠倒", "it overlaps the one before")
        before = closes
    if not (windows and working):
        raise _refused("", "", "时段仅用于工作日,且不能为空", "only a working day has windows, at least one")


def _refused(opens: str, closes: str, zh: str, en: str) -> WindowsRefused:
    return WindowsRefused("windows", window=f"{opens}-{closes}", why_zh=zh, why_en=en)


class Book:
    """The dated rows of one calendar, open for writing."""

    def __init__(self, connection: Connection, known: Codes, name: str) -> None:
        """Raises RecordNotFound for an unknown calendar, NeverCloses for one without windows."""
        check(known, name)
        self.connection, self.calendar = connection, name
        self._zone = ZoneInfo(known.policy("timezone"))

    def signed(self, kind: str, by: str, now: datetime) -> str:
        """The source of a row: how it came, who brought it, when."""
        return f"{kind}, {by}, {now.astimezone(self._zone).isoformat(timespec='seconds')}"

    def keep(self, day: Day, source: str) -> None:
        """Write one day in place of what stands there."""
        self._delete(DAY, [self._code(day.date)])
        self._insert([day], source)
        log.info("calendar %s: working is %s (%s)", self._code(day.date), day.working, source)

    def remove(self, day: date, source: str) -> None:
        """Let one day be worked as its week day. Raises RecordNotFound.

        The row stays, out of use: so the holidays of the package do not bring it back.
        """
        key = (tables.code.c.table == DAY, tables.code.c.code == self._code(day), tables.code.c.active)
        off = update(tables.code).where(*key).values(active=False, data=_json(working=False, source=source))
        if not self.connection.execute(off).rowcount:
            raise RecordNotFound(table=DAY, value=self._code(day))
        log.info("calendar %s: row taken away (%s)", self._code(day), source)

    def replace(self, year: int, days: Sequence[Day], source: str) -> bool:
        """Write the year anew, for good; returns whether it was provisional before."""
        provisional = self.is_provisional(year)
        self._delete(DAY, self._present(kept(year)))
        self._insert(days, source)
        self._conclude(year, False, source)
        return provisional

    def fill(self, year: int, days: Iterable[Day], provisional: bool, source: str, made_by: str) -> None:
        """Write the year from a package: its rows (`made_by` begins their source) anew, others untouched."""
        self._delete(DAY, self._present(year, made_by))
        present = set(self._present(year))
        self._insert([day for day in days if self._code(day.date) not in present], source)
        self._conclude(year, provisional, source)

    def is_provisional(self, year: int) -> bool:
        """Whether the year may still change, as the database says now."""
        found = self._rows(YEAR, f"{self.calendar} {year}")
        return calendar.is_provisional(Codes(found), self.calendar, year)

    def _conclude(self, year: int, provisional: bool, source: str) -> None:
        code = f"{self.calendar} {year}"
        self._delete(YEAR, [code])
        data = {"provisional": provisional, "source": source}
        self._add([Code(YEAR, code, f"{year} 年", str(year), ord=year, data=data)])
        log.info("calendar %s: year written, provisional is %s (%s)", code, provisional, source)

    def _insert(self, days: Iterable[Day], source: str) -> None:
        self._add([self._row(day, source) for day in days])

    def _row(self, day: Day, source: str) -> Code:
        data: dict[str, Any] = {"working": day.working, "source": source}
        if day.windows is not None:
            data["windows"] = day.windows
        return Code(DAY, self._code(day.date), day.zh, day.en, ord=day.date.toordinal(), data=data)

    def _present(self, year: int, made_by: str = "") -> list[str]:
        rows = self._rows(DAY, f"{self.calendar} {year}-")
        return [row.code for row in rows if str(row.data.get("source", "")).startswith(made_by)]

    def _rows(self, table: str, begin: str) -> list[Code]:
        found = codes.rows(self.connection, select(tables.code).where(tables.code.c.table == table))
        return [row for row in found if row.code.startswith(begin)]

    def _code(self, day: date) -> str:
        return f"{self.calendar} {day.isoformat()}"

    def _add(self, rows: list[Code]) -> None:
        if rows:
            self.connection.execute(insert(tables.code), [codes.values(row) for row in rows])

    def _delete(self, table: str, listed: list[str]) -> None:
        chosen = (tables.code.c.table == table, tables.code.c.code.in_(listed))
        self.connection.execute(delete(tables.code).where(*chosen))


def check(known: Codes, name: str) -> Code:
    """The row of a calendar that closes. Raises RecordNotFound, NeverCloses."""
    row = known.table("calendar").get(name)
    if row is None:
        raise RecordNotFound(table="calendar", value=name)
    if "windows" not in row.data:
        raise NeverCloses(calendar=name)
    return row


def closing(known: Codes) -> list[str]:
    """The calendars in use that close at times, so that holidays mean something to them."""
    return [row.code for row in known.table("calendar").values() if row.active and "windows" in row.data]


def listed(known: Codes, now: datetime) -> list[dict[str, Any]]:
    """Every calendar with its hours, and the years that are known, this one and the next included."""
    return [_calendar(known, row, now) for row in known.table("calendar").values() if row.active]


def _calendar(known: Codes, row: Code, now: datetime) -> dict[str, Any]:
    years = dict(_years(known, row.code)) if "windows" in row.data else {}
    coming = this_year(known, now) if "windows" in row.data else None
    shown = sorted({*years, *((coming, coming + 1) if coming else ())})
    return {
        "code": row.code,
        "zh": row.name_zh,
        "en": row.name_en,
        "weekdays": row.data.get("days"),
        "windows": row.data.get("windows"),
        "years": [
            {
                "year": year,
                "provisional": calendar.is_provisional(known, row.code, year),
                "source": years[year].data.get("source") if year in years else None,
            }
            for year in shown
        ],
    }


def _years(known: Codes, name: str) -> list[tuple[int, Code]]:
    rows = [row for row in known.table(YEAR).values() if row.active and row.code.startswith(f"{name} ")]
    return [(row.ord, row) for row in rows]


def of_year(known: Codes, name: str, year: int) -> list[dict[str, Any]]:
    """The dated rows of a year in their order. Raises RecordNotFound, NeverCloses, YearNotKept."""
    check(known, name)
    begin = f"{name} {kept(year)}-"
    rows = [row for row in known.table(DAY).values() if row.active and row.code.startswith(begin)]
    return [_shown(row) for row in sorted(rows, key=lambda row: row.code)]


def of_day(known: Codes, name: str, day: date) -> dict[str, Any]:
    """How a day counts: its own row, or its week day. Raises RecordNotFound, NeverCloses."""
    check(known, name)
    row = known.table(DAY).get(f"{name} {day.isoformat()}")
    if row is not None and row.active:
        return _shown(row)
    working = calendar.Hours(known, name).is_working(day)
    nothing = dict.fromkeys(("zh", "en", "windows", "source"))
    return {"date": day.isoformat(), "working": working, **nothing}


def _shown(row: Code) -> dict[str, Any]:
    return {
        "date": row.code.rpartition(" ")[2],
        "working": bool(row.data["working"]),
        "zh": row.name_zh,
        "en": row.name_en,
        "windows": row.data.get("windows"),
        "source": row.data.get("source"),
    }


def warnings(known: Codes, now: datetime) -> list[str]:
    """A sentence for each calendar of which this year or the next is provisional, in both languages."""
    if not (names := closing(known)):
        return []
    year = this_year(known, now)
    return [
        f"日历 {name} 的 {one} 年尚未确定(节假日和调休待官方通知),请导入:"
        f"flow200 calendar import {name} {one} FILE"
        f" · the calendar {name} is provisional for {one}: import its holidays and make-up days"
        for name in names
        for one in (year, year + 1)
        if calendar.is_provisional(known, name, one)
    ]


def this_year(known: Codes, now: datetime) -> int:
    """The year that the bank writes at an instant."""
    return now.astimezone(ZoneInfo(known.policy("timezone"))).year


def _json(**data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)
