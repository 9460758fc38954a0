"""Minutes on a service calendar: `add` and `measure` (PROCESS §6.5.1, §6.5.2).

A calendar is a row of the code table `calendar` with its week days and windows; a row without windows
never closes. Dated exceptions (holidays, 调休) are rows of `calendar_day`: code "BH 2026-10-10",
data {working = true}, and `windows` where the day has hours of its own. A year is a row of
`calendar_year`: code "BH 2026", data {provisional = false, source = "…"}.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from handlers.codes import Codes

HORIZON_YEARS = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MIDNIGHT = "24:00"


def add(codes: Codes, calendar: str, start: datetime, minutes: float) -> datetime:
    """The earliest instant (UTC) at which `minutes` on the calendar have passed since `start`.

    Raises UnknownCode; ValueError where a hundred years do not hold them.
    """
    amount = timedelta(minutes=minutes)
    if amount <= timedelta(0):
        return start.astimezone(UTC)
    hours = _hours(codes, calendar)
    return hours.after(start, amount) if hours.close else start.astimezone(UTC) + amount


def due(codes: Codes, priority: str | None, clock: str, start: datetime) -> datetime | None:
    """When a clock of the priority's row (`accept`, `update` …) runs out; None if it has none."""
    minutes = codes.minutes(priority, clock)
    return add(codes, codes.calendar(priority), start, minutes) if minutes else None


def wall(codes: Codes, instant: datetime) -> str:
    """An instant as the bank's clocks show it, for people to read."""
    return instant.astimezone(ZoneInfo(codes.policy("timezone"))).strftime("%Y-%m-%d %H:%M")


def measure(codes: Codes, calendar: str, start: datetime, end: datetime) -> float:
    """The minutes on the calendar between two instants; 0 if `end` is not after `start`.

    Raises UnknownCode; ValueError where they are more than a hundred years apart.
    """
    if end <= start:
        return 0.0
    hours = _hours(codes, calendar)
    passed = hours.between(start, end) if hours.close else end - start
    return passed / timedelta(minutes=1)


def working_days(codes: Codes, calendar: str, instants: list[datetime]) -> int:
    """On how many different working days of the calendar the instants lie."""
    hours = _hours(codes, calendar)
    return sum(1 for day in {hours.day(instant) for instant in instants} if hours.is_working(day))


def provisional(codes: Codes, calendar: str, start: datetime, end: datetime) -> tuple[int, ...]:
    """The years from `start` to `end` of which nobody has said the holidays and make-up days for good.

    Their row is missing or marked provisional; a calendar that never closes has none. Raises UnknownCode.
    """
    hours = _hours(codes, calendar)
    if not hours.close:
        return ()
    years = range(hours.day(start).year, hours.day(end).year + 1)
    return tuple(year for year in years if is_provisional(codes, calendar, year))


def is_provisional(codes: Codes, calendar: str, year: int) -> bool:
    """Whether the days of a year may still change: its row is missing or says so (PROCESS §6.5.2)."""
    row = codes.table("calendar_year").get(f"{calendar} {year}")
    return row is None or not row.active or bool(row.data["provisional"])


@dataclass(frozen=True, slots=True)
class Year:
    """The windows of a year in their order, in microseconds since 1970; `worked` is the sum at each close."""

    opens: Sequence[int]
    closes: Sequence[int]
    worked: Sequence[int]

    @property
    def whole(self) -> int:
        """All of its windows together."""
        return self.worked[-1] if self.worked else 0

    def until(self, instant: int) -> int:
        """How much of the year's windows lies before an instant."""
        place = bisect_right(self.opens, instant) - 1
        return self.worked[place] - max(self.closes[place] - instant, 0) if place >= 0 else 0

    def reached(self, amount: int) -> int:
        """The earliest instant at which this much of the year's windows has passed."""
        place = bisect_left(self.worked, amount)
        return self.closes[place] - (self.worked[place] - amount)


class Hours:
    """A calendar under one revision of the code tables; each year is resolved when it is first asked for."""

    def __init__(self, codes: Codes, calendar: str) -> None:
        row = codes.row("calendar", calendar)
        self._codes, self._calendar = codes, calendar
        self._zone = ZoneInfo(codes.policy("timezone"))
        self._week: Sequence[int] | None = row.data.get("days")
        self._windows: Sequence[Sequence[str]] = row.data.get("windows", ())
        self._years: dict[int, Year] = {}
        self.close = "windows" in row.data

    @cached_property
    def dated(self) -> Mapping[str, tuple[bool, Sequence[Sequence[str]]]]:
        """The exceptions by ISO date: whether the day is worked, and when."""
        begin = f"{self._calendar} "
        return {
            row.code.removeprefix(begin): (
                bool(row.data["working"]),
                row.data.get("windows", self._windows),
            )
            for row in self._codes.table("calendar_day").values()
            if row.active and row.code.startswith(begin)
        }

    def day(self, instant: datetime) -> date:
        """The day of an instant on the bank's wall calendar."""
        return instant.astimezone(self._zone).date()

    def is_working(self, day: date) -> bool:
        """Whether the day is worked, by its own row or as its week day."""
        return self._of(day)[0]

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest instant at which the amount has passed since `start`."""
        first = self.day(start).year
        wanted = self._year(first).until(_ticks(start)) + amount // TICK
        for number in range(first, min(first + HORIZON_YEARS, date.max.year)):
            year = self._year(number)
            if wanted <= year.whole:
                return EPOCH + year.reached(wanted) * TICK
            wanted -= year.whole
        raise ValueError(f"the calendar {self._calendar} has no {amount} after {start}")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """How much of the windows lies between two instants."""
        first, last = self.day(start).year, self.day(end).year
        if last - first > HORIZON_YEARS:
            raise ValueError(f"the calendar {self._calendar} is not kept from {start} to {end}")
        whole = sum(self._year(number).whole for number in range(first, last))
        return (whole + self._year(last).until(_ticks(end)) - self._year(first).until(_ticks(start))) * TICK

    def _year(self, number: int) -> Year:
        if number not in self._years:
            self._years[number] = self._resolved(number)
        return self._years[number]

    def _resolved(self, number: int) -> Year:
        opens: list[int] = []
        closes: list[int] = []
        worked = [0]
        for begin, end in self._spans(number):
            # Where the clocks are put forward, two windows may lie over each other: no minute counts twice.
            begin = max(begin, closes[-1]) if closes else begin
            if end > begin:
                opens.append(begin)
                closes.append(end)
                worked.append(worked[-1] + end - begin)
        return Year(opens, closes, worked[1:])

    def _spans(self, number: int) -> Iterator[tuple[int, int]]:
        first = date(number, 1, 1).toordinal()
        for ordinal in range(first, date(number, 12, 31).toordinal() + 1):
            day = date.fromordinal(ordinal)
            working, windows = self._of(day)
            for opens, closes in windows if working else ():
                yield self._at(day, opens), self._at(day, closes)

    def _of(self, day: date) -> tuple[bool, Sequence[Sequence[str]]]:
        dated = self.dated.get(day.isoformat())
        return dated or (self._week is None or day.weekday() in self._week, self._windows)

    def _at(self, day: date, clock: str) -> int:
        if clock == MIDNIGHT:
            return self._at(day + timedelta(days=1), "00:00")
        return _ticks(datetime.combine(day, time.fromisoformat(clock), self._zone))


def _hours(codes: Codes, calendar: str) -> Hours:
    if calendar not in codes.calendars:
        codes.calendars[calendar] = Hours(codes, calendar)
    return codes.calendars[calendar]


def _ticks(instant: datetime) -> int:
    return (instant - EPOCH) // TICK
