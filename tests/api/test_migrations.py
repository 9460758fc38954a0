"""The revisions tell everything that the packages' tables are, on both databases."""

from api import migrations
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
