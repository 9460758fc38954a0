"""What one process is made of, and what one request knows: the views reach both from here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app, g

from api import sessions
from api.auth import Doorkeeper
from api.sessions import Session
from api.settings import Settings
from engine.core import Engine
from engine.ports import Actor
from engine.store import Database
from handlers.desk import Desk

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Product:
    """The parts that `create_app` put together."""

    settings: Settings
    database: Database
    engine: Engine
    desk: Desk
    doorkeeper: Doorkeeper
    clock: Clock


def system_clock() -> datetime:
    """The only place that reads the system's clock; aware UTC."""
    return datetime.now(UTC)


def product() -> Product:
    """The parts of the application that serves this request."""
    return cast(Product, current_app.extensions["flow200"])


def engine() -> Engine:
    """The engine, whose verbs the views give."""
    return product().engine


def person() -> Actor:
    """Who was authenticated for this request."""
    return cast(Actor, g.person)


def session() -> Session | None:
    """The browser's session, if the request has a cookie of one that lasts; looked up once."""
    if "session" not in g:
        parts = product()
        g.session = sessions.current(parts.database, parts.settings, now())
    return cast("Session | None", g.session)


def now() -> datetime:
    """When this request arrived: the clock is read once."""
    return cast(datetime, g.now)
