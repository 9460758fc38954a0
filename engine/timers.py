"""Timers as modelers type them: an ISO 8601 date, duration or cycle, or an expression that yields one."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.expressions import Expression, ExpressionError, compile_expression, is_expression

SHORTEST_PERIOD = timedelta(minutes=1)
KINDS = ("date", "duration", "cycle")

_DURATION = re.compile(
    r"P(?=[\dT])(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_CYCLE = re.compile(r"R(\d*)/(?:([^/]+)/)?([^/]+)")
_DAYS = {"years": 365.0, "months": 30.0, "weeks": 7.0, "days": 1.0}
_SECONDS = {"hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


class TimerError(ExpressionError):
    """The timer is not an ISO 8601 date, duration or cycle, nor an expression."""

    code = "invalid-timer"
    zh = "定时「{text}」无效:{why_zh}。"
    en = "The timer “{text}” is not valid: {why_en}."


@dataclass(frozen=True, slots=True)
class Timer:
    """A parsed timer: exactly one of `expression`, `at` and `length` is set, the latter also for a cycle.

    `length` takes a year as 365 days and a month as 30; it serves checks, not due times.
    `repetitions` is None for an endless cycle.
    """

    kind: str
    text: str
    expression: Expression | None = None
    at: datetime | None = None
    length: timedelta | None = None
    repetitions: int | None = None


def parse_timer(kind: str, text: str | None) -> Timer:
    """The timer in `text`; `kind` is "date", "duration" or "cycle". Raises TimerError or ExpressionError."""
    body = (text or "").strip()
    if not body:
        raise TimerError("", "没有填写时间", "no time is given")
    if is_expression(body):
        return Timer(kind, body, expression=compile_expression(body))
    return _PARSERS[kind](body)


def _date(body: str) -> Timer:
    try:
        at = datetime.fromisoformat(body)
    except ValueError as error:
        raise TimerError(body, "不是 ISO 8601 日期时间", "it is not an ISO 8601 date and time") from error
    if at.tzinfo is None:
        raise TimerError(body, "日期时间缺少时区(如 +08:00)", "the date has no offset (such as +08:00)")
    return Timer("date", body, at=at)


def _duration(body: str) -> Timer:
    return Timer("duration", body, length=_length(body, body))


def _cycle(body: str) -> Timer:
    match = _CYCLE.fullmatch(body)
    if match is None:
        raise TimerError(body, "循环应写作 R3/PT1H", "a cycle is written like R3/PT1H")
    if match[2]:
        _date(match[2])
    length = _length(match[3], body)
    if length < SHORTEST_PERIOD:
        raise TimerError(body, "循环周期短于 1 分钟", "the period is shorter than 1 minute")
    if len(match[1]) > 6:
        raise TimerError(body, "重复次数过大", "there are too many repetitions")
    return Timer("cycle", body, length=length, repetitions=int(match[1]) if match[1] else None)


def _length(part: str, body: str) -> timedelta:
    if part.startswith("-"):
        raise TimerError(body, "时长不能为负", "a duration cannot be negative")
    match = _DURATION.fullmatch(part)
    if match is None or len(part) > 60:
        raise TimerError(body, "不是 ISO 8601 时长(如 PT4H)", "it is not an ISO 8601 duration (such as PT4H)")
    parts = {name: float(value) for name, value in match.groupdict().items() if value}
    days = sum(_DAYS[name] * value for name, value in parts.items() if name in _DAYS)
    seconds = sum(_SECONDS[name] * value for name, value in parts.items() if name in _SECONDS)
    try:
        return timedelta(days=days, seconds=seconds)
    except OverflowError as error:
        raise TimerError(body, "时长过大", "the duration is too long") from error


_PARSERS = {"date": _date, "duration": _duration, "cycle": _cycle}
