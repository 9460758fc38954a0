"""The history of the database's shape: one line of Alembic revisions for the tables of all three packages."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from api import tables as own
from engine import store
from engine.store import Database
from handlers import tables as domain

VERSIONS = Path(__file__).parent / "versions"
LOCK = 200_1  # any number of our own: two processes that start at once must not both migrate


def tables() -> MetaData:
    """The tables of all three packages in one collection."""
    together = MetaData()
    for table in (
        *store.metadata.tables.values(),
        *domain.metadata.tables.values(),
        *own.metadata.tables.values(),
    ):
        table.to_metadata(together)
    return together


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to a revision, in one transaction; does nothing if it is there."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        command.upgrade(_config(connection), revision)


def revise(database: Database, message: str) -> None:
    """Write a new revision: the difference between `database` (upgraded) and the packages' tables."""
    with database.write() as connection:
        number = f"{len(list(VERSIONS.glob('0*.py'))) + 1:04}"
        command.revision(_config(connection), message, autogenerate=True, rev_id=number)


def differences(database: Database) -> list[Any]:
    """How an upgraded database differs from the packages' tables; empty if the revisions tell it all."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, tables()))


def revision(database: Database) -> str | None:
    """The revision that the database has now; None before the first upgrade."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
