"""Queries in Camunda's words: a table of parameters makes conditions, a table of sort keys an order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.rest.errors import BadValue, Unsupported
from api.rest.http import DATE, PAGING, Shape, chunks
from api.rest.meanings import ALWAYS, NEVER, told
from api.rest.values import read_moment

CAP = 1000
"""A page has at most this many rows, also where a client names no number."""
FAR = 2**31 - 1

Condition = sa.ColumnElement[bool]
Reader = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: how its value is read, the condition that it means, and what it says of itself."""

    read: Reader
    means: Callable[[Any], Condition]
    says: str = ""

    @property
    def shape(self) -> Shape:
        """Its value, for the OpenAPI document."""
        shape = SHAPES.get(self.read, {"type": "string"})
        return {**shape, "description": self.says} if self.says else shape


@dataclass(frozen=True, slots=True)
class Query:
    """A resource that can be asked for: rows, its parameters, its sort keys, and what orders the rest."""

    rows: sa.Select[Any]
    filters: Mapping[str, Filter]
    sorts: Mapping[str, sa.ColumnElement[Any]]
    default: tuple[sa.ColumnElement[Any], ...]
    refused: frozenset[str] = frozenset()

    @property
    def conditions(self) -> dict[str, Shape]:
        """What a count reads, for the OpenAPI document: the parameters and their values."""
        return {name: told(name, one.shape) for name, one in self.filters.items()}

    @property
    def parameters(self) -> dict[str, Shape]:
        """What a list reads."""
        return {**self.conditions, **self._ordering, **PAGING}

    @property
    def body(self) -> Shape:
        """What a POST reads in its body, for a list or a count."""
        several = {"type": "array", "items": {"type": "object"}}
        more = {name: told(name, several) for name in ("sorting", "orQueries")}
        return {"type": "object", "properties": {**self.conditions, **self._ordering, **more}}

    @property
    def _ordering(self) -> dict[str, Shape]:
        choices = {"sortBy": [*self.sorts], "sortOrder": ["asc", "desc"]}
        return {name: told(name, {"type": "string", "enum": words}) for name, words in choices.items()}

    def page(self, connection: sa.Connection, asked: Mapping[str, Any]) -> list[sa.Row[Any]]:
        """The rows of one page. Raises BadValue, Unsupported."""
        first, most = _paging(asked)
        chosen = self.rows.where(*self._conditions(asked)).order_by(*self._order(asked))
        return list(connection.execute(chosen.limit(most).offset(first))) if most else []

    def count(self, connection: sa.Connection, asked: Mapping[str, Any]) -> dict[str, int]:
        """How many rows there are in all. Raises BadValue, Unsupported."""
        chosen = self.rows.where(*self._conditions(asked)).order_by(None).subquery()
        return {"count": connection.scalar(sa.select(sa.func.count()).select_from(chosen)) or 0}

    def _conditions(self, asked: Mapping[str, Any]) -> list[Condition]:
        for name in self.refused & asked.keys():
            raise Unsupported(name, "此查询条件会被忽略", "it would be a filter that filters nothing")
        found = [
            self.filters[name].means(self.filters[name].read(name, value))
            for name, value in asked.items()
            if name in self.filters and value is not None
        ]
        alternatives = asked.get("orQueries") or []
        if not isinstance(alternatives, list) or not all(isinstance(one, dict) for one in alternatives):
            raise BadValue("orQueries", "须为对象的列表", "must be a list of objects")
        return found + [sa.or_(sa.false(), *self._conditions(one)) for one in alternatives]

    def _order(self, asked: Mapping[str, Any]) -> list[sa.ColumnElement[Any]]:
        """Empty values come last in both directions and on every database."""
        found = []
        for key, direction in _sorting(asked):
            if not isinstance(key, str) or key not in self.sorts:
                raise BadValue("sortBy", f"不能为 {key!s:.40}", f"cannot be {key!s:.40}")
            if direction not in ("asc", "desc"):
                raise BadValue("sortOrder", "须为 asc 或 desc", "must be asc or desc")
            column = self.sorts[key]
            found.append((column.asc() if direction == "asc" else column.desc()).nulls_last())
        return [*found, *self.default]


def _sorting(asked: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    by, order = asked.get("sortBy"), asked.get("sortOrder")
    if (by is None) != (order is None):
        missing = "sortOrder" if order is None else "sortBy"
        raise BadValue(
            missing,
            "缺少:sortBy 与 sortOrder 须同时给出",
            "is missing: only a single sorting parameter specified, sortBy and sortOrder required",
        )
    sorting = asked.get("sorting") or []
    if not isinstance(sorting, list) or not all(isinstance(one, dict) for one in sorting):
        raise BadValue("sorting", "须为对象的列表", "must be a list of objects")
    several = [(one.get("sortBy"), one.get("sortOrder")) for one in sorting]
    return [(by, order), *several] if by is not None else several


def _paging(asked: Mapping[str, Any]) -> tuple[int, int]:
    first = whole("firstResult", asked.get("firstResult") or 0)
    most = asked.get("maxResults")
    return first, CAP if most is None else min(whole("maxResults", most), CAP)


def text(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise BadValue(name, "须为文本", "must be a text")
    return value


def texts(name: str, value: Any) -> list[str]:
    """A list of texts: with commas in a URL, a JSON list in a body."""
    if isinstance(value, list):
        return [text(name, one) for one in value]
    return list(chunks(text(name, value)))


def truth(name: str, value: Any) -> bool:
    """true or false."""
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise BadValue(name, "须为 true 或 false", "must be true or false")


def whole(name: str, value: Any) -> int:
    """A whole number that is not negative."""
    try:
        found = int(str(value)[:20])
    except ValueError:
        found = -1
    if isinstance(value, bool | float) or found < 0:
        raise BadValue(name, "须为非负整数", "must be a whole number, 0 or more")
    return min(found, FAR)


def when(means: Condition) -> Filter:
    """A flag: `true` means the condition, `false` says nothing."""
    return Filter(truth, lambda wanted: means if wanted else sa.true())


def equal(column: Any, read: Reader = text) -> Filter:
    """The column is this value."""
    return Filter(read, lambda value: column == value)


def among(column: Any) -> Filter:
    """The column is one of these values."""
    return Filter(texts, lambda values: column.in_(values))


def like(column: Any) -> Filter:
    """The column fits a pattern with % and _."""
    return Filter(text, lambda pattern: column.like(pattern))


def never(_: Any = None) -> Filter:
    """What flow200 has none of: tenants, cases, subtasks, suspended things."""
    return Filter(
        _unread, lambda value: sa.false() if value not in (False, "false") else sa.true(), says=NEVER
    )


def always(says: str = ALWAYS) -> Filter:
    """What is so anyhow: active, without a tenant; or is read elsewhere."""
    return Filter(_unread, lambda value: sa.true(), says)


def moments(column: Any, prefix: str, on: str = "Date") -> dict[str, Filter]:
    """`dueDate`, `dueAfter`, `dueBefore` and their like."""
    return {
        f"{prefix}{on}": Filter(read_moment, lambda at: column == at),
        f"{prefix}After": Filter(read_moment, lambda at: column > at),
        f"{prefix}Before": Filter(read_moment, lambda at: column < at),
    }


def _unread(_: str, value: Any) -> Any:
    """A value that is not looked at."""
    return value


SHAPES: dict[Reader, Shape] = {
    texts: {"type": "array", "items": {"type": "string"}},
    truth: {"type": "boolean"},
    whole: {"type": "integer", "minimum": 0},
    read_moment: DATE,
    _unread: {},
}
"""Values that are more than a text, by how they are read."""
