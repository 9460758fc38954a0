"""The revisions tell everything that the packages' tables are, on both databases."""

from datetime import UTC, datetime

import sqlalchemy as sa

from api import migrations
from engine import store
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
