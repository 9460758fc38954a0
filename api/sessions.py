"""Who is signed in with a browser: rows of the database, each named by a token that only a cookie holds."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Response, request

from api import origins, records
from api.errors import CsrfRefused
from api.settings import Settings
from api.tables import session
from engine.ports import Actor
from engine.store import Database

COOKIE = "flow200"
SECURE_COOKIE = f"__Host-{COOKIE}"  # a browser takes this name over https only, and from no other host
SEEN_EVERY = timedelta(minutes=1)
REMOVED_AT_ONCE = 500
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """A session that lasts: whose it is, and the secret that its forms carry."""

    person: Actor
    csrf: str


def begin(
    connection: sa.Connection, staff_no: str, now: datetime, limits: Settings, instead_of: str | None = None
) -> str:
    """A new session of this person; the token for the cookie.

    The session that the browser had before ends, and so do some of those that have expired.
    """
    if instead_of:
        end(connection, instead_of)
    _remove_expired(connection, now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    connection.execute(
        sa.insert(session).values(
            token_hash=_hashed(token),
            staff_no=staff_no,
            csrf=secrets.token_urlsafe(TOKEN_BYTES),
            created_at=now,
            seen_at=now,
            expires_at=_expiry(now, now, limits),
        )
    )
    return token


def current(database: Database, limits: Settings, now: datetime) -> Session | None:
    """The session of the request's cookie, if it lasts and the person is still active; it is seen now."""
    if not (token := given()):
        return None
    key = _hashed(token)
    with database.read() as connection:
        row = connection.execute(
            sa.select(session).where(session.c.token_hash == key, session.c.expires_at > now)
        ).first()
        person = records.active(connection, row.staff_no) if row else None
    if row is None:
        return None
    if person is None:
        with database.write() as connection:
            end_all(connection, row.staff_no)
        return None
    if now - row.seen_at >= SEEN_EVERY:
        expiry = _expiry(row.created_at, now, limits)
        with database.write() as connection:
            connection.execute(
                sa.update(session).where(session.c.token_hash == key).values(seen_at=now, expires_at=expiry)
            )
    return Session(person, row.csrf)


def end(connection: sa.Connection, token: str) -> None:
    """Sign out: the token opens nothing from now on."""
    connection.execute(sa.delete(session).where(session.c.token_hash == _hashed(token)))


def end_all(connection: sa.Connection, staff_no: str) -> None:
    """Sign a person out everywhere."""
    connection.execute(sa.delete(session).where(session.c.staff_no == staff_no))


def given() -> str | None:
    """The token of the request's cookie; over https only the one counts that no other host can have set."""
    names = (SECURE_COOKIE,) if request.is_secure else (SECURE_COOKIE, COOKIE)
    return next((token for name in names if (token := request.cookies.get(name))), None)


def give(response: Response, token: str) -> None:
    """Put the token into a cookie that no script reads and that ends with the browser.

    Behind a proxy with TLS the request looks like plain http; the page's origin says what the browser sees.
    """
    secure = request.is_secure or request.headers.get("Origin", "").startswith("https://")
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE, token, path="/", secure=secure, httponly=True, samesite="Lax"
    )


def take_back(response: Response) -> None:
    """Let the browser forget whatever cookie of ours it sent."""
    for name in (SECURE_COOKIE, COOKIE):
        if name in request.cookies:
            response.delete_cookie(
                name, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="Lax"
            )


def refuse_forgery(known: Session) -> None:
    """Was it our own page that asked for a change? Raises ForeignOrigin, CsrfRefused."""
    origins.refuse_unless_ours()
    token = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not hmac.compare_digest(token.encode("utf-8", "surrogatepass"), known.csrf.encode()):
        raise CsrfRefused


def _remove_expired(connection: sa.Connection, now: datetime) -> None:
    """At most `REMOVED_AT_ONCE` rows; those that another login removes now are left to it."""
    old = (
        sa.select(session.c.token_hash)
        .where(session.c.expires_at <= now)
        .order_by(session.c.expires_at)
        .limit(REMOVED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    connection.execute(sa.delete(session).where(session.c.token_hash.in_(old)))


def _expiry(created: datetime, seen: datetime, limits: Settings) -> datetime:
    idle = timedelta(minutes=limits.session_idle_minutes)
    return min(seen + idle, created + timedelta(hours=limits.session_hours))


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
