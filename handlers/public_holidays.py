"""The public holidays of China and their make-up working days (调休) as the package `holidays` knows them.

A seed only: a year of which the State Council has said nothing yet has its statutory days and no make-up
days, and is provisional (PROCESS §6.5.2).
"""

from importlib import metadata

from handlers import calendar_days
from handlers.calendar_days import Book, Day
from handlers.codes import Code, Codes

PACKAGE = "holidays"
MADE_BY = f"{PACKAGE} "


def source() -> str:
    """What a seeded row says of its source: package and version."""
    return MADE_BY + metadata.version(PACKAGE)


def days(year: int) -> list[Day]:
    """Every day off and every make-up working day of a year, in order."""
    from holidays import country_holidays  # heavy, and needed once a year

    zh, en = (country_holidays("CN", years=year, language=lang) for lang in ("zh_CN", "en_US"))
    off = [Day(day, False, name, en[day]) for day, name in zh.items()]
    made_up = [day for day in zh.weekend_workdays if day.year == year]
    working = [Day(day, True, "调休上班", "Make-up working day") for day in made_up]
    return sorted(off + working, key=lambda day: day.date)


def wanted(codes: Codes, year: int) -> list[tuple[str, int]]:
    """The calendars and years, from last year to the next, that the package knows better than the tables.

    That is: a year without a row, and a provisional year of an older package which now has make-up days.
    """
    around = [(name, one) for name in calendar_days.closing(codes) for one in (year - 1, year, year + 1)]
    return [(name, one) for name, one in around if _is_wanted(codes, name, one)]


def _is_wanted(codes: Codes, name: str, year: int) -> bool:
    row = codes.table(calendar_days.YEAR).get(f"{name} {year}")
    return row is None or (_is_renewable(row) and not _is_provisional(days(year)))


def _is_renewable(row: Code) -> bool:
    of = str(row.data.get("source", ""))
    return bool(row.data["provisional"]) and of.startswith(MADE_BY) and of != source()


def fill(book: Book, year: int) -> None:
    """Write a year of a calendar from the package; days that a person wrote stay as they are."""
    found = days(year)
    book.fill(year, found, _is_provisional(found), source(), MADE_BY)


def _is_provisional(found: list[Day]) -> bool:
    return not any(day.working for day in found)
