"""Statements written out once: a verb runs a dozen of them, and building them anew costs more than they do.

A Core statement with bound parameters and the execution option `prepared` is compiled once for a dialect
and then run on the driver's own cursor, inside the connection's transaction. Text, types and errors are
SQLAlchemy's; what it skips is prepared anew for each execution otherwise. Everything else goes its usual way.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

T = TypeVar("T")


class PreparedConnection(Connection):
    """A connection that runs statements with the option `prepared` by the short way."""

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        marked = "prepared" in statement.get_execution_options() and self.in_transaction()
        if not marked or self.dispatch.before_cursor_execute:  # who listens to statements hears all of them
            return super().execute(statement, parameters, **options)
        many = isinstance(parameters, list)
        given = parameters[0] if many else parameters or {}
        prepared = _prepare(statement, tuple(given) if statement.is_insert else (), self.dialect)
        cursor = self.connection.cursor()
        bound: Any = None
        try:
            if many:
                bound = [prepared.bind(one) for one in parameters]
                cursor.executemany(prepared.text, bound)
            else:
                bound = prepared.bind(given)
                cursor.execute(prepared.text, bound)
            return prepared.result(cursor)
        except self.dialect.loaded_dbapi.Error as error:
            self._handle_dbapi_exception(error, prepared.text, bound, cursor, None)
        finally:
            cursor.close()


class Done:
    """What is known of a statement that returns no rows."""

    __slots__ = ("rowcount",)

    def __init__(self, rowcount: int) -> None:
        self.rowcount = rowcount


class _Prepared:
    """A statement's text for one dialect, with what its types do to parameters and columns."""

    def __init__(self, statement: Any, names: tuple[str, ...], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names) or None)
        self.text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._convert = [
            (name, process)
            for name, bind in compiled.binds.items()
            if (process := bind.type.dialect_impl(dialect).bind_processor(dialect))
        ]
        fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._fixed = self._converted(fixed | {c.key: _default(c) for c in compiled.insert_prefetch})
        columns = () if statement.is_dml and not statement._returning else statement.exported_columns
        self._names = [column.key for column in columns]
        self._shape = SimpleResultMetaData(self._names)
        processes = [c.type.dialect_impl(dialect).result_processor(dialect, None) for c in columns]
        self._read = [(place, process) for place, process in enumerate(processes) if process]

    def bind(self, parameters: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        values = self._converted(parameters)
        if self._fixed:
            values = {**self._fixed, **values}
        return values if self._order is None else tuple([values[name] for name in self._order])

    def result(self, cursor: Any) -> Any:
        """The rows, all of them read; or how many were changed."""
        if not self._names:
            return Done(cursor.rowcount)
        rows = cursor.fetchall()
        return IteratorResult(self._shape, iter([self._row(row) for row in rows] if self._read else rows))

    def _converted(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(parameters)
        for name, process in self._convert:
            if name in values:
                values[name] = process(values[name])
        return values

    def _row(self, row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for place, process in self._read:
            values[place] = process(values[place])
        return tuple(values)


def _default(column: Any) -> Any:
    if not column.default.is_scalar:
        raise TypeError(f"{column} has no plain default; such a statement cannot be prepared")
    return column.default.arg


@lru_cache(1024)
def _prepare(statement: Any, names: tuple[str, ...], dialect: Dialect) -> _Prepared:
    return _Prepared(statement, names, dialect)


def prepared(statement: T) -> T:
    """Mark a statement that is built once for the short way."""
    marked: T = statement.execution_options(prepared=True)  # type: ignore[attr-defined]
    return marked
