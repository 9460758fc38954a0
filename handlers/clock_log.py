"""The clock lines of a call, read on from where the last look left off (PROCESS §6.5.1).

A call that stays open for months has thousands of lines. The log is a chain of hashes: a line that still has
its hash has the same lines before it, whoever wrote and read them, so that only newer ones are read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, bindparam, select

from handlers import tables
from handlers.clocks import LINE
from handlers.incident import ClockLine

KEPT = 2000
"""Of how many calls the lines are remembered."""


@dataclass(frozen=True, slots=True)
class _Page:
    """The clock lines up to line `seq` of the log, which has this hash; of a row of moments the last mark."""

    seq: int
    hash: str
    lines: Mapping[Any, ClockLine]


class ClockLog:
    """Remembers the clock lines of the calls that were read last; threads may share it."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}
        self._turning = Lock()

    def read(self, connection: Connection, no: str) -> tuple[ClockLine, ...]:
        """The clock lines of a call in order; of the marks of a row of moments only the last."""
        page = self._pages.get(no, _FIRST)
        rows = _log(connection, no, page.seq)
        if page is not _FIRST:
            if rows and rows[0].hash == page.hash:
                rows = rows[1:]
            else:  # what was remembered was never committed
                page, rows = _FIRST, _log(connection, no, 0)
        if rows:
            page = _turned(page, rows)
            self._remember(no, page)
        return tuple(page.lines.values())

    def _remember(self, no: str, page: _Page) -> None:
        with self._turning:
            self._pages.pop(no, None)
            if len(self._pages) >= KEPT:
                del self._pages[next(iter(self._pages))]
            self._pages[no] = page


def _turned(page: _Page, rows: list[Any]) -> _Page:
    lines = dict(page.lines)
    for row in rows:
        if row.what == LINE:
            key = row.field if json.loads(row.new)["do"] == "fired" else row.seq
            lines.pop(key, None)
            lines[key] = ClockLine(field=row.field, new=row.new)
    return _Page(rows[-1].seq, rows[-1].hash, lines)


def _log(connection: Connection, no: str, since: int) -> list[Any]:
    return list(connection.execute(_READ, {"of_call": no, "since": since}))


_FIRST = _Page(0, "", {})
_COLUMNS = ("seq", "what", "field", "new", "hash")
_READ = tables.prepared(
    select(*(tables.log.c[name] for name in _COLUMNS))
    .where(tables.log.c.call == bindparam("of_call"), tables.log.c.seq >= bindparam("since"))
    .order_by(tables.log.c.seq)
)
