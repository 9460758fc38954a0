"""Camunda's typed variables, `{value, type, valueInfo}`: read and written; and its dates."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from api.product import product
from api.rest.errors import BadValue

Variables = dict[str, dict[str, Any]]

DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,6})\d*)?\s*(Z|[+ -]\d\d:?\d\d)?", re.ASCII
)
INTEGER_BITS = {"short": 15, "integer": 31, "long": 63}
REFUSED = ("object", "file", "bytes", "xml")


def moment(value: datetime | None) -> str | None:
    """A time as Camunda writes it, in the zone of the edge: `2016-01-25T13:33:42.165+0100`."""
    if value is None:
        return None
    here = value.astimezone(product().settings.zone)
    return f"{here:%Y-%m-%dT%H:%M:%S}.{here.microsecond // 1000:03}{here:%z}"


def read_moment(name: str, text: Any) -> datetime:
    """A time as clients write it, as aware UTC; without an offset it is of the edge's zone.

    A `+` that a URL made a space is read as the `+` that it was. Raises BadValue.
    """
    found = DATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise BadValue(
            name,
            "须为 2016-01-25T13:33:42.165+0100 这样的时间",
            "must be a time like 2016-01-25T13:33:42.165+0100",
        )
    day, minute, second, fraction, offset = found.groups()
    offset = (offset or "").replace(" ", "+")
    zone = product().settings.zone
    try:
        read = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}.{(fraction or '0'):0<6}{offset}")
        here = (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(zone)  # as it is shown again
        return here.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadValue(name, "不是有效的时间", "is not a time that exists") from error


def write(variables: Mapping[str, Any]) -> Variables:
    """Plain variables as Camunda's typed ones."""
    return {name: write_one(value) for name, value in variables.items()}


def write_one(value: Any) -> dict[str, Any]:
    """One value with its type."""
    match value:
        case None:
            kind = "Null"
        case bool():
            kind = "Boolean"
        case int():
            kind = "Integer" if -(2**31) <= value < 2**31 else "Long"
        case float():
            kind = "Double"
        case datetime():
            kind, value = "Date", moment(value)
        case list() | tuple() | dict():
            kind, value = "Json", orjson.dumps(value).decode()
        case _:
            kind, value = "String", str(value)
    return {"type": kind, "value": value, "valueInfo": {}}


def read(variables: Any, what: str = "variables") -> dict[str, Any]:
    """The plain values of typed variables. Raises BadValue naming the one whose value is not of its type."""
    if variables is None:
        return {}
    if not isinstance(variables, dict):
        raise BadValue(what, "须为对象 {名称: {value, type}}", "must be an object {name: {value, type}}")
    return {name: _read_one(name, given) for name, given in variables.items()}


def _read_one(name: str, given: Any) -> Any:
    if not isinstance(given, dict):
        raise BadValue(name, "须为 {value, type}", "must be {value, type}")
    kind, value = given.get("type"), given.get("value")
    if kind is not None and not isinstance(kind, str):
        raise BadValue(name, "type 须为文本", "its type must be a text")
    if not kind:
        return _untyped(name, value)
    reader = READERS.get(kind.lower())
    if reader is None:
        raise BadValue(name, f"不支持类型 {kind[:40]}", f"the type {kind[:40]} is not supported")
    return None if value is None else reader(name, value)


def _untyped(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        raise BadValue(name, "不支持对象", "an object cannot be a variable")
    return value


def _whole(bits: int) -> Callable[[str, Any], int]:
    def whole(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not -(2**bits) <= value < 2**bits:
            raise BadValue(name, f"须为 {bits + 1} 位整数", f"must be a whole number of {bits + 1} bits")
        return value

    return whole


def _number(name: str, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(name, "须为数字", "must be a number")
    return value


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValue(name, "须为 true 或 false", "must be true or false")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(name, "须为文本", "must be a text")
    return value


def _date(name: str, value: Any) -> str:
    return read_moment(name, value).isoformat()


def _json(name: str, value: Any) -> Any:
    try:
        found = orjson.loads(_text(name, value))
    except orjson.JSONDecodeError as error:
        raise BadValue(name, "不是合法的 JSON", "is not valid JSON") from error
    return _untyped(name, found)


def _null(name: str, value: Any) -> None:
    raise BadValue(name, "类型 Null 不能有值", "has the type Null and a value")


READERS: dict[str, Callable[[str, Any], Any]] = {
    **{name: _whole(bits) for name, bits in INTEGER_BITS.items()},
    "double": _number,
    "boolean": _truth,
    "string": _text,
    "date": _date,
    "json": _json,
    "null": _null,
}
