"""Minutes on a calendar with holidays, make-up days (调休) and half days, against a walk minute by minute."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest

from handlers import calendar, calendar_days, public_holidays
from handlers.calendar_days import Day, WindowsRefused, YearNotKept
from handlers.codes import Code, Codes, shipped
from handlers.errors import UnknownCode
from tests.conftest import FUZZ
from tests.handlers.conftest import SHANGHAI, at

WEEK = [0, 1, 2, 3, 4]
NINE = Code("calendar", "NINE", "九点", "Nine", data={"days": WEEK, "windows": [["09:00", "18:00"]]})
YEARS = (2025, 2026, 2027)
FIRST = date(2026, 1, 1)
SPAN = 500  # days that the walker knows
LAST = date(2026, 1, 1) + timedelta(days=SPAN - 80)


def rows(name, days):
    """The rows of the code table for these days of a calendar."""
    for day in days:
        data = {"working": day.working, **({"windows": day.windows} if day.windows else {})}
        yield Code("calendar_day", f"{name} {day.date}", day.zh, day.en, data=data)


def seeded(*more, years=YEARS, names=("BH", "NINE")):
    """The shipped code tables with the public holidays of these years."""
    days = [row for name in names for year in years for row in rows(name, public_holidays.days(year))]
    said = [
        Code("calendar_year", f"{name} {y}", "", "", data={"provisional": y == 2027})
        for name in names
        for y in years
    ]
    return Codes([*shipped(), NINE, *days, *said, *more])


@pytest.fixture(scope="module")
def official():
    """BH and a calendar of nine to six, with the official days of 2025 and 2026, and 2027 as far as known."""
    return seeded()


@pytest.mark.parametrize(
    ("start", "due", "naive"),
    [
        (at(2, 13, 16), at(2, 14, 15), at(2, 24, 15)),
        (at(2, 14, 10), at(2, 14, 18), at(2, 24, 17)),
        (at(5, 8, 16), at(5, 9, 15), at(5, 11, 15)),
        (at(9, 30, 17), at(10, 8, 16), None),
        (at(12, 31, 17), datetime(2027, 1, 4, 16, tzinfo=SHANGHAI), None),
    ],
)
def test_the_golden_cases(official, start, due, naive):
    without = Codes(
        [*shipped(), NINE, *rows("NINE", [d for d in public_holidays.days(2026) if not d.working])]
    )

    assert calendar.add(official, "NINE", start, 480) == due
    if naive:
        assert calendar.add(without, "NINE", start, 480) == naive


def test_a_provisional_year_is_marked(official):
    start = at(12, 31, 17)
    due = calendar.add(official, "NINE", start, 480)

    assert calendar.provisional(official, "NINE", start, due) == (2027,)
    assert calendar.provisional(official, "NINE", at(9, 30, 17), at(10, 8, 16)) == ()
    assert calendar.provisional(official, "NINE", due.replace(year=2025), due.replace(year=2029)) == (
        2027,
        2028,
        2029,
    )
    assert calendar.provisional(official, "24x7", start, due) == ()


@pytest.mark.parametrize(
    ("priority", "reported", "response", "resolve"),
    [
        ("P3", at(9, 30, 17), at(10, 8, 9, 30), at(10, 8, 17)),
        ("P4", at(10, 9, 16), at(10, 10, 10, 30), at(10, 12, 16)),
        ("P3", at(11, 27, 19), at(11, 30, 10, 30), at(11, 30, 18)),
    ],
)
def test_s21_over_holidays_and_make_up_days(official, priority, reported, response, resolve):
    assert calendar.due(official, priority, "response", reported) == response
    assert calendar.due(official, priority, "resolve", reported) == resolve


def test_a_year_without_rows_is_plain_week_days(official):
    friday = datetime(2029, 9, 28, 17, tzinfo=SHANGHAI)

    due = calendar.due(official, "P3", "response", friday)

    assert due == datetime(2029, 10, 1, 9, 30, tzinfo=SHANGHAI)
    assert calendar.provisional(official, "BH", friday, due) == (2029,)


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_is_as_another_package_says(official, year):
    hours = calendar.Hours(official, "BH")
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]

    assert [d for d in days if hours.is_working(d) != chinese_calendar.is_workday(d)] == []


def test_a_row_out_of_use_counts_for_nothing():
    off = Code("calendar_day", "BH 2026-11-25", "", "", active=False, data={"working": False})

    assert calendar.add(Codes([*shipped(), off]), "BH", at(11, 25, 9), 60) == at(11, 25, 10)


def test_the_days_of_another_calendar_count_for_nothing(official):
    own = Code("calendar", "B", "", "", data={"days": WEEK, "windows": [["09:00", "18:00"]]})

    assert calendar.add(seeded(own), "B", at(10, 1, 9), 60) == at(10, 1, 10)


def test_unknown_calendars_and_endless_waits_are_refused():
    never = Code("calendar", "NEVER", "", "", data={"days": [], "windows": [["09:00", "18:00"]]})
    codes = Codes([*shipped(), never])

    with pytest.raises(UnknownCode):
        calendar.add(codes, "BX", at(11, 25, 9), 60)
    with pytest.raises(ValueError, match="NEVER"):
        calendar.add(codes, "NEVER", at(11, 25, 9), 60)
    assert calendar.measure(codes, "NEVER", at(1, 1, 9), at(12, 25, 9)) == 0
    with pytest.raises(ValueError, match="NEVER"):
        calendar.measure(codes, "NEVER", at(1, 1, 9), datetime(2200, 1, 1, tzinfo=UTC))


class Walker:
    """The same calendar minute by minute: one byte each, 1 where it is open; nothing of ours is used."""

    def __init__(self, week, windows, dated):
        self.open = bytearray()
        for number in range(SPAN):
            day = FIRST + timedelta(days=number)
            working, hours = dated.get(day, (day.weekday() in week, windows))
            minutes = bytearray(1440)
            for opens, closes in hours if working else ():
                for minute in range(_minute(opens), _minute(closes)):
                    minutes[minute] = 1
            self.open += minutes

    def add(self, start, seconds):
        """Walk from a second on, until this many open seconds have passed."""
        minute, second = divmod(start, 60)
        while seconds:
            here = self.open.find(1, minute)
            minute, second = here, second if here == minute else 0
            step = min(60 - second, seconds)
            seconds -= step
            second += step
            if second == 60 and seconds:
                minute, second = minute + 1, 0
        return minute * 60 + second

    def measure(self, start, end):
        """The open seconds between two moments: what is open before one, less what is before the other."""
        return self._before(end) - self._before(start)

    def _before(self, moment):
        minute, second = divmod(moment, 60)
        return 60 * self.open.count(1, 0, minute) + (second if self.open[minute] else 0)


def _minute(clock):
    return int(clock[:2]) * 60 + int(clock[3:])


def _calendars(dice):
    """Week days, windows and dated rows as a bank might have them, and as none has."""
    days = [FIRST + timedelta(days=n) for n in range(SPAN)]
    half = [["08:30", "12:00"]]
    official = {d.date: (d.working, None) for year in (2026, 2027) for d in public_holidays.days(year)}
    yield WEEK, [["08:30", "12:00"], ["13:30", "18:00"]], official
    yield WEEK, [["09:00", "18:00"]], official | dict.fromkeys(dice.sample(days, 40), (True, half))
    for _ in range(3):
        bounds = sorted(dice.sample(range(1441), 6))
        windows = [
            [f"{a // 60:02}:{a % 60:02}", f"{b // 60:02}:{b % 60:02}"]
            for a, b in zip(bounds[::2], bounds[1::2], strict=True)
        ]
        week = sorted(dice.sample(range(7), dice.randint(1, 7)))
        kinds = [(False, None), (True, None), (True, half), (True, [["00:00", "24:00"]])]
        yield week, windows, {d: dice.choice(kinds) for d in dice.sample(days, 120)}


def test_ten_thousand_pairs_against_a_walk_minute_by_minute():
    dice = random.Random(200)
    midnight = datetime(2026, 1, 1, tzinfo=SHANGHAI)
    span = (LAST - FIRST).days * 86400

    for week, windows, dated in _calendars(dice):
        walker = Walker(week, windows, {d: (w, own or windows) for d, (w, own) in dated.items()})
        row = Code("calendar", "X", "", "", data={"days": week, "windows": windows})
        codes = Codes(
            [*shipped(), row, *rows("X", [Day(d, w, "", "", own) for d, (w, own) in dated.items()])]
        )
        for _ in range(2000 * FUZZ):
            start, amount = (
                dice.randrange(span),
                dice.choice([dice.randrange(36000), 60 * dice.randrange(960)]),
            )
            begin = midnight + timedelta(seconds=start)
            due = calendar.add(codes, "X", begin, amount / 60)
            assert due == midnight + timedelta(seconds=walker.add(start, amount)), (begin, amount)
            assert calendar.measure(codes, "X", begin, due) * 60 == pytest.approx(amount, abs=1e-6)
            end = dice.randrange(span)
            passed = calendar.measure(codes, "X", begin, midnight + timedelta(seconds=end))
            assert passed * 60 == pytest.approx(walker.measure(start, max(start, end)), abs=1e-6)


LAWS = [
    ("BH", "Asia/Shanghai"),
    ("NINE", "Asia/Shanghai"),
    ("24x7", "Asia/Shanghai"),
    ("NIGHT", "Europe/Berlin"),
    ("NIGHT", "America/Sao_Paulo"),
    ("NIGHT", "Australia/Lord_Howe"),
]


@pytest.mark.parametrize(("name", "zone"), LAWS)
def test_the_laws_of_add_and_measure_hold_where_clocks_are_changed_too(name, zone):
    windows = [["00:00", "02:15"], ["02:20", "02:40"], ["03:00", "04:00"], ["22:00", "24:00"]]
    night = Code("calendar", "NIGHT", "", "", data={"days": list(range(7)), "windows": windows})
    there = Code("policy", "timezone", "", "", data={"value": zone})
    codes, dice = seeded(night, there), random.Random(10)
    begin = datetime(2026, 3, 27, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    for _ in range(2000 * FUZZ):
        base = begin + timedelta(days=dice.choice([0, 190, 211]))
        a, b, c = sorted(base + timedelta(seconds=dice.randrange(5 * 86400)) for _ in range(3))
        passed = calendar.measure(codes, name, a, c)
        there_and_on = calendar.measure(codes, name, a, b) + calendar.measure(codes, name, b, c)
        assert 0 <= passed <= (c - a) / timedelta(minutes=1)
        assert passed == pytest.approx(there_and_on, abs=1e-6)
        back = calendar.add(codes, name, a, passed)
        assert back <= c
        if calendar.measure(codes, name, c - timedelta(seconds=1), c) == pytest.approx(1 / 60):
            assert back == c  # c lies in a window (PROCESS §6.11, 10)
        amount = dice.randrange(900)
        due = calendar.add(codes, name, a, amount)
        assert a <= due <= calendar.add(codes, name, b, amount)
        assert due <= calendar.add(codes, name, a, amount + 1)
        paused = calendar.add(codes, name, due, 30)  # a pause moves the due by itself, no more (9)
        assert calendar.add(codes, name, a, amount + 30) == paused


def test_the_package_says_what_is_off_and_what_is_made_up():
    days = {day.date: day for day in public_holidays.days(2026)}

    assert (days[date(2026, 10, 1)].working, days[date(2026, 10, 1)].zh) == (False, "国庆节")
    assert (days[date(2026, 10, 10)].working, days[date(2026, 10, 10)].zh) == (True, "调休上班")
    assert sum(day.working for day in days.values()) == 6
    assert [day for day in public_holidays.days(2027) if day.working] == []


@pytest.mark.parametrize(
    "windows",
    [
        [("08:30", "12:00"), ("11:00", "18:00")],
        [("13:30", "18:00"), ("08:30", "12:00")],
        [("12:00", "08:30")],
        [("08:30", "08:30")],
        [("8:30", "12:00")],
        [("08:60", "12:00")],
        [("08:30", "24:01")],
        [("08:30", "１2:00")],
        [],
    ],
)
def test_windows_that_cannot_be_are_refused(windows):
    with pytest.raises(WindowsRefused) as refused:
        Day(date(2026, 11, 25), True, "半天", "Half day", tuple(windows))

    assert set(refused.value.fields) == {"windows"}


def test_a_day_off_has_no_windows_and_years_have_an_end():
    with pytest.raises(WindowsRefused):
        Day(date(2026, 11, 25), False, "休", "Off", (("08:30", "12:00"),))
    with pytest.raises(YearNotKept):
        Day(date(2999, 1, 1), False, "休", "Off")


def test_warnings_are_for_this_year_and_the_next(official):
    said = calendar_days.warnings(official, at(11, 25, 9))

    assert [("NINE" in one, "2027" in one, "暂定" in one or "provisional" in one) for one in said] == [
        (False, True, True),
        (True, True, True),
    ]
    assert len(calendar_days.warnings(Codes(shipped()), at(11, 25, 9))) == 2
    assert calendar_days.warnings(Codes([]), at(11, 25, 9)) == []
