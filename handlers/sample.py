"""The sample organisation of PROCESS §6.7.8-6.7.10 and the cast of §7, loaded from its file."""

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from handlers import codes, tables

LOADED = (
    tables.organisation,
    tables.person,
    tables.workgroup,
    tables.membership,
    tables.service,
    tables.vendor,
    tables.contract,
    tables.ci,
)


def load(connection: Connection, now: datetime) -> list[str]:
    """Load code tables and sample organisation where rows are missing; a second time changes nothing.

    `now` is the first day of the sample contracts. Returns the staff numbers of the persons added, who
    have no password yet.
    """
    codes.load(connection)
    content = tomllib.loads((Path(__file__).parent / "data" / "organisation.toml").read_text("utf-8"))
    codes.add(connection, codes.rows_of("roster", content["roster"]))
    added = {table.name: _add(connection, table, content[table.name], now) for table in LOADED}
    return [str(row["staff_no"]) for row in added["person"]]


def _add(
    connection: Connection, table: Table, entries: list[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    keys = list(table.primary_key.columns)
    present = {tuple(row) for row in connection.execute(select(*keys))}
    rows = [
        {column.name: _value(entry, column.name, table, now) for column in table.columns}
        for entry in entries
        if tuple(entry[column.name] for column in keys) not in present
    ]
    if rows:
        connection.execute(insert(table), rows)
    return rows


def _value(entry: dict[str, Any], name: str, table: Table, now: datetime) -> Any:
    if name == "valid_from":
        return now
    value = entry.get(name, _default(table, name))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _default(table: Table, name: str) -> Any:
    default = table.columns[name].default
    return default.arg if isinstance(default, ScalarElementColumnDefault) else None
