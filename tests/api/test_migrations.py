"""The revisions tell everything that the packages' tables are, on both databases."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import sqlalchemy as sa

from api import migrations
from engine import reads, store
from engine.store import Database


def test_an_upgraded_database_is_what_the_tables_say(database_url: str) -> None:
    database = Database(database_url)

    migrations.upgrade(database)

    assert migrations.differences(database) == []
    database.close()


def test_a_second_upgrade_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(database)
    before = migrations.revision(database)

    migrations.upgrade(database)

    assert migrations.revision(database) == before is not None
    database.close()


def test_rows_of_the_first_revision_survive_the_upgrade(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(database, "0001")
    then = datetime(2026, 11, 23, tzinfo=UTC)
    known = {"id": "d1", "name": "flow200", "hash": "h", "created_at": then, "created_by": "x"}
    with database.write() as connection:
        connection.execute(sa.insert(store.deployment).values(known))
    assert migrations.revision(database) == "0001" and migrations.differences(database)

    migrations.upgrade(database)

    assert migrations.differences(database) == []
    with database.read() as connection:
        (row,) = connection.execute(sa.select(store.deployment))
    assert (row.id, row.created_at, row.source) == ("d1", then, None)
    database.close()


def test_forms_that_were_deployed_before_are_carried_over_after_the_upgrade(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(database, "0006")
    files = {
        "pick.form": b'{"id": "pick", "components": []}',
        "by_its_name.form": b'{"components": []}',
        "p.bpmn": b"<x/>",
    }
    with database.write() as connection:
        old = sa.table("resource", *map(sa.column, ("deployment_id", "name", "content")))
        rows = [{"deployment_id": "d1", "name": name, "content": raw} for name, raw in files.items()]
        connection.execute(sa.insert(old), rows)

    migrations.upgrade(database)

    with database.read() as connection:
        found = reads.newest_forms(connection, ["pick", "by_its_name", "p"])
    assert {(row.form, row.sent_with) for row in found} == {("pick", "d1"), ("by_its_name", "d1")}
    database.close()


EARLIER = sorted(path.name[:4] for path in migrations.VERSIONS.glob("0*.py"))[:-1]
KINDS: dict[type, Any] = {
    str: "x",
    int: 1,
    bool: True,
    float: 1.0,
    bytes: b"x",
    dict: {},
    datetime: datetime(2026, 11, 23, tzinfo=UTC),
    date: date(2026, 11, 23),
    time: time(9, 0),
}


@pytest.mark.parametrize("revision", EARLIER)
def test_a_row_of_each_table_survives_the_upgrade_from_each_revision(
    database_url: str, revision: str
) -> None:
    database = Database(database_url)
    migrations.upgrade(database, revision)
    with database.write() as connection:
        old = sa.MetaData()
        old.reflect(connection)
        filled = [table for table in old.sorted_tables if table.name != "alembic_version"]
        for table in filled:
            connection.execute(sa.insert(table).values(_smallest(table)))

    migrations.upgrade(database)

    assert migrations.differences(database) == []
    with database.read() as connection:
        for table in filled:
            count = sa.select(sa.func.count()).select_from(sa.table(table.name))
            assert connection.scalar(count) == 1, table.name
    database.close()


def _smallest(table: sa.Table) -> dict[str, Any]:
    """A value for each column that must have one; keys that point to each other are all the same."""
    return {c.name: KINDS[c.type.python_type] for c in table.columns if not c.nullable}
