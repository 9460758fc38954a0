"""Reading a person's answer: what is required, what is listed, what lies in time."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from handlers.errors import BadTime, Missing, UnknownOutcome
from handlers.incident import Answer

YEARS = range(2, 9999)  # the first and the last year of all are beyond the calendar in some time zone


def need(answer: Answer, *names: str) -> None:
    """Refuse an answer that leaves one of the fields empty; blanks alone are empty too."""
    missing = [name for name in names if blank(answer.get(name))]
    if missing:
        raise Missing(*missing)


def blank(value: Any) -> bool:
    """Nothing was said: no value, or a text of nothing but blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def text(answer: Answer, name: str) -> str | None:
    """A text without its outer blanks; None if nothing is left."""
    value = answer.get(name)
    return str(value).strip() or None if value is not None else None


def outcome(answer: Answer, name: str, listed: Collection[str]) -> str:
    """The outcome of a step; a missing or unlisted one is refused, never guessed."""
    value = answer.get(name)
    if not isinstance(value, str) or value not in listed:
        raise UnknownOutcome(name, field=name, value=value)
    return value


def instant(answer: Answer, name: str) -> datetime | None:
    """An instant in UTC, from an aware datetime or an ISO text with offset."""
    value = answer.get(name)
    if blank(value):
        return None
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise bad_time(name, "须为带时区的 ISO 时间", "must be an ISO time with its offset") from error
    if when.tzinfo is None:
        raise bad_time(name, "须带时区", "must have its offset")
    if when.year not in YEARS:
        raise bad_time(name, "年份不存在于所有时区", "must be in a year that exists in every time zone")
    return when.astimezone(UTC)


def past(answer: Answer, name: str, latest: datetime) -> datetime | None:
    """An instant that is not later than `latest`, which is now or when the call was entered."""
    when = instant(answer, name)
    if when and when > latest:
        raise bad_time(name, "不能晚于录入时间", "must not be later than its entry")
    return when


def future(answer: Answer, name: str, now: datetime) -> datetime | None:
    """An instant that is later than `now`."""
    when = instant(answer, name)
    if when and when <= now:
        raise bad_time(name, "必须晚于现在", "must lie in the future")
    return when


def bad_time(name: str, rule_zh: str, rule_en: str) -> BadTime:
    """The refusal of a time, with the rule that it breaks."""
    return BadTime(name, field=name, rule_zh=rule_zh, rule_en=rule_en)
