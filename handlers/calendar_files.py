"""A year of a calendar in a file that somebody brings: CSV (date,working,name) or ICS (all-day events)."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

from handlers import calendar_days
from handlers.calendar_days import Day
from handlers.codes import Codes
from handlers.errors import Refused

HEADER = ["date", "working", "name"]
DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)
TRUTH = {
    **dict.fromkeys(("true", "1", "yes", "是", "班"), True),
    **dict.fromkeys(("false", "0", "no", "否", "休"), False),
}
NAMES = {True: ("上班", "Working day"), False: ("放假", "Day off")}
LONGEST_NAME = 200
ONE_DAY = timedelta(days=1)
LONGEST = timedelta(days=366)
# What icalendar raises at a file that is none, or at a value of another type than its property's.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)

Where = tuple[str, str]
"""The line or event in Chinese and in English."""

Line = tuple[Where, date, bool, str]
"""What a file says of one day: where, which day, is it worked, its name."""

WHOLE: Where = ("文件", "The file")


class FileRefused(Refused):
    """The file cannot be read as days of this year; nothing was imported."""

    code = "calendar-file-refused"
    zh = "{where_zh}:{why_zh}。未导入任何内容。"
    en = "{where_en}: {why_en}. Nothing was imported."

    def __init__(self, where: Where, zh: str, en: str) -> None:
        super().__init__("file", where_zh=where[0], where_en=where[1], why_zh=zh, why_en=en)


def read(kind: str, content: bytes, year: int, codes: Codes) -> list[Day]:
    """The days of a file of this kind ("csv" or "ics"), in order; `codes` hold the words of a working day.

    Raises FileRefused, which names the line or the event, and YearNotKept.
    """
    calendar_days.kept(year)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileRefused(_line(line), "不是 UTF-8 文本", "it is not UTF-8 text") from error
    if "\0" in text:
        raise FileRefused(WHOLE, "含有空字符(U+0000)", "it holds the character U+0000")
    found: dict[date, Day] = {}
    for where, day, working, name in READERS[kind](text, codes):
        if day.year != year:
            raise FileRefused(where, f"{day} 不在 {year} 年", f"{day} is not in {year}")
        if day in found:
            raise FileRefused(where, f"{day} 出现了两次", f"{day} stands there twice")
        found[day] = _day(where, day, working, name)
    if not found:
        raise FileRefused(WHOLE, "没有任何日期", "it holds no days")
    return [found[one] for one in sorted(found)]


def _day(where: Where, day: date, working: bool, name: str) -> Day:
    if len(name) > LONGEST_NAME:
        raise FileRefused(where, f"名称超过 {LONGEST_NAME} 字", f"the name exceeds {LONGEST_NAME} characters")
    zh, en = (name, name) if name else NAMES[working]
    return Day(day, working, zh, en)


def _csv(text: str, _: Codes) -> Iterator[Line]:
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for number, cells in enumerate(reader):
            row = [cell.strip() for cell in cells]
            if number == 0:
                _check_header(row)
            elif any(row):
                where = _line(reader.line_num)
                yield _row(where, row)
    except csv.Error as error:
        raise FileRefused(
            _line(reader.line_num), f"不是合法的 CSV({error})", f"it is no valid CSV ({error})"
        ) from error


def _check_header(row: list[str]) -> None:
    if [name.lower() for name in row] != HEADER:
        listed = ",".join(HEADER)
        raise FileRefused(_line(1), f"表头须为 {listed}", f"the header must be {listed}")


def _row(where: Where, row: list[str]) -> Line:
    if len(row) != len(HEADER):
        raise FileRefused(where, f"须有 {len(HEADER)} 列", f"there must be {len(HEADER)} columns")
    given, working, name = row
    if working.lower() not in TRUTH:
        shown, listed = working[:40], "/".join(TRUTH)
        raise FileRefused(
            where, f"working 为「{shown}」,须为 {listed}", f"working is “{shown}”, not one of {listed}"
        )
    return where, _date(where, given), TRUTH[working.lower()], name


def _date(where: Where, given: str) -> date:
    parts = DATE.fullmatch(given)
    try:
        if parts:
            return date(*map(int, parts.groups()))
    except ValueError:
        pass
    shown = given[:40]
    raise FileRefused(where, f"date 为「{shown}」,须为 2026-10-01", f"date is “{shown}”, not like 2026-10-01")


def _ics(text: str, codes: Codes) -> Iterator[Line]:
    from icalendar import Calendar  # heavy, and needed once a year

    try:
        events = Calendar.from_ical(text).walk("VEVENT")
    except UNREADABLE as error:
        why = " ".join(str(error).split())[:120]
        raise FileRefused(WHOLE, f"不是合法的 ICS({why})", f"it is no valid ICS ({why})") from error
    for number, event in enumerate(events, 1):
        name = str(event.get("SUMMARY", "")).strip()
        where = (f"第 {number} 个事件「{name[:60]}」", f"Event {number} “{name[:60]}”")
        working = is_working(codes, f"{name} {_categories(where, event)}")
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield from ((where, day, working, name) for day in _span(where, event))


def _categories(where: Where, event: Mapping[str, Any]) -> str:
    given = event.get("CATEGORIES", [])
    listed = given if isinstance(given, list) else [given]
    try:
        return " ".join(str(name) for one in listed for name in getattr(one, "cats", [one]))
    except UNREADABLE as error:
        raise FileRefused(where, "无法读取 CATEGORIES", "CATEGORIES cannot be read") from error


def _span(where: Where, event: Mapping[str, Any]) -> Iterator[date]:
    """The days of an event; DTEND is the first day after it (RFC 5545)."""
    if any(name in event for name in ("RRULE", "RDATE")):
        raise FileRefused(where, "不支持重复事件(RRULE)", "events that recur (RRULE) are not taken")
    first = _whole_day(where, event, "DTSTART")
    length = _length(where, event, first)
    if length < ONE_DAY:
        raise FileRefused(where, "DTEND 须晚于 DTSTART", "DTEND must come after DTSTART")
    if length > LONGEST:
        raise FileRefused(where, "超过一年", "it lasts longer than a year")
    # Ordinals, since the first day after the last of all years is no date.
    return (date.fromordinal(first.toordinal() + one) for one in range(length.days))


def _length(where: Where, event: Mapping[str, Any], first: date) -> timedelta:
    if "DTEND" in event:
        return _whole_day(where, event, "DTEND") - first
    if "DURATION" not in event:
        return ONE_DAY
    length = _value(event, "DURATION")
    if not isinstance(length, timedelta) or length % ONE_DAY:
        raise FileRefused(where, "DURATION 须为整天", "DURATION must be of whole days")
    return length


def _whole_day(where: Where, event: Mapping[str, Any], name: str) -> date:
    found = _value(event, name)
    if not isinstance(found, date) or isinstance(found, datetime):
        raise FileRefused(
            where, f"{name} 须为日期(全天事件)", f"{name} must be a date (an event of whole days)"
        )
    return found


def _value(event: Mapping[str, Any], name: str) -> Any:
    """A property's value; None where it is missing, given twice or broken."""
    try:
        return getattr(event.get(name), "dt", None)
    except ValueError:  # icalendar keeps what it cannot read until somebody asks for it
        return None


def is_working(codes: Codes, said: str) -> bool:
    """Whether words speak of a working day: the longest word of the table `calendar_word` in them decides.

    Of two of one length the working day wins; without any it is a day off.
    """
    text = said.lower()
    found = [row for row in codes.table("calendar_word").values() if row.active and row.code.lower() in text]
    judged = [(len(row.code), bool(row.data["working"])) for row in found]
    return max(judged, default=(0, False))[1]


def _line(number: int) -> Where:
    return f"第 {number} 行", f"Line {number}"


READERS: Mapping[str, Callable[[str, Codes], Iterator[Line]]] = {"csv": _csv, "ics": _ics}
"""The kind of a file → who reads it."""
