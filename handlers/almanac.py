"""Whole years of the service calendars: imported by their owner, seeded with public holidays (§6.5.2)."""

from typing import Any

from handlers import calendar_days, calendar_files, public_holidays
from handlers.desk import Command, Desk


def import_year(
    desk: Desk, command: Command, name: str, year: int, kind: str, content: bytes
) -> dict[str, Any]:
    """Replace a year of a calendar by the days of a file ("csv" or "ics"), for good.

    Returns how many days off and working days it has, and the years that were provisional until now.
    Raises what `Desk.calendar` raises, FileRefused and YearNotKept.
    """
    with desk.calendar(command, name) as book:
        days = calendar_files.read(kind, content, year, desk.codes(command))
        settled = book.replace(year, days, book.signed(kind, command.by.id, command.now))
    working = sum(day.working for day in days)
    counts = {"days_off": len(days) - working, "working_days": working}
    return {**counts, "settled": [year] if settled else []}


def seed(desk: Desk, command: Command) -> list[tuple[str, int]]:
    """Public holidays for last year, this and the next where they are missing.

    Returns which years of which calendars it wrote. What an owner wrote or imported stays; a provisional
    year of an older package is renewed.
    """
    known = desk.codes(command)
    year = calendar_days.this_year(known, command.now)
    if not public_holidays.wanted(known, year):
        return []
    desk.write_codes(command)  # of two starts at once the second sees what the first wrote
    todo = public_holidays.wanted(desk.codes(command), year)
    for name, one in todo:
        with desk.calendar(command, name) as book:
            public_holidays.fill(book, one)
    return todo
