"""The history of the database's shape: one line of Alembic revisions for the tables of all three packages."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from engine.store import Database

LOCK = 200_1  # any number of our own: two processes that start at once must not both migrate


def upgrade(database: Database) -> None:
    """Bring the database to the newest revision, in one transaction; does nothing if it is there."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        command.upgrade(_config(connection), "head")


def revise(database: Database, message: str) -> None:
    """Write a new revision: the difference between `database` (upgraded) and the packages' tables."""
    with database.write() as connection:
        command.revision(_config(connection), message, autogenerate=True)


def revision(database: Database) -> str | None:
    """The revision that the database has now; None before the first upgrade."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
