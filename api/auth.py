"""Who may ask: passwords against argon2id, with a short memory and a limit on wrong ones; HTTP Basic."""

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from threading import Lock

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import request

from api import records, sessions
from api.errors import TooManyAttempts, Unauthenticated
from api.tables import credential
from engine.ports import Actor
from engine.store import Database

REMEMBERED = timedelta(minutes=5)
WINDOW = timedelta(minutes=5)
WRONG_ALLOWED = 10
ACCOUNTS_KEPT = 10_000
SHORTEST, LONGEST = 12, 1024  # characters of a password
# The hash of a password that nobody knows: an unknown account is verified against it.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$dowJLUidN9dAg7PovpfP1w$zuAD1nfGEOlG7HcF9R8903dx+B5UTb6ZgC+ob+gtAvw"
PUBLIC = {
    *("health.health", "docs.openapi", "docs.page", "pages.home", "pages.picture", "static"),
    *("login.page", "login.login"),
}


class Doorkeeper:
    """Checks passwords for one process.

    Argon2 is slow on purpose, so a password that was right is remembered for some minutes under an HMAC
    whose key lives in this process only. The stored hash is part of what is signed: after a change of
    password nothing remembered fits any more.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self.hasher = hasher or PasswordHasher()
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, datetime] = OrderedDict()
        self._wrong: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = Lock()

    def check(self, account: str, password: str, stored: str | None, now: datetime) -> None:
        """Return if `password` fits `stored`; raises Unauthenticated or TooManyAttempts.

        An unknown account (`stored` None) costs as much as a wrong password. A remembered right password
        passes even while others guess at the account.
        """
        known = self._sign(account, password, stored or "")
        if stored and self._remembered(known, now):
            return
        self._refuse_guessing(account, now)
        if not self._verify(stored or NOBODY, password) or stored is None:
            self._count_wrong(account, now)
            raise Unauthenticated
        self._remember(known, account, now)

    def _sign(self, *parts: str) -> bytes:
        message = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self.hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeError):
            return False

    def _remembered(self, known: bytes, now: datetime) -> bool:
        with self._lock:
            until = self._right.get(known)
            return until is not None and now < until

    def _remember(self, known: bytes, account: str, now: datetime) -> None:
        with self._lock:
            self._right[known] = now + REMEMBERED
            self._wrong.pop(account, None)
            while len(self._right) > ACCOUNTS_KEPT:
                self._right.popitem(last=False)

    def _count_wrong(self, account: str, now: datetime) -> None:
        with self._lock:
            self._wrong.setdefault(account, deque(maxlen=WRONG_ALLOWED)).append(now)
            while len(self._wrong) > ACCOUNTS_KEPT:
                self._wrong.popitem(last=False)

    def _refuse_guessing(self, account: str, now: datetime) -> None:
        with self._lock:
            wrong = self._wrong.get(account) or deque()
            if len(wrong) == WRONG_ALLOWED and now < wrong[0] + WINDOW:
                raise TooManyAttempts(seconds=int((wrong[0] + WINDOW - now).total_seconds()) + 1)


def set_password(
    connection: sa.Connection, staff_no: str, password: str, hasher: PasswordHasher | None = None
) -> None:
    """Store the argon2id hash of a person's new password; every session of the person ends.

    In this order: a login that has just verified the old password holds the credential (`still`), so its
    session is there to be ended, or it finds the credential gone.
    """
    hashed = (hasher or PasswordHasher()).hash(password)
    connection.execute(sa.delete(credential).where(credential.c.staff_no == staff_no))
    connection.execute(sa.insert(credential).values(staff_no=staff_no, password_hash=hashed))
    sessions.end_all(connection, staff_no)


def generated_password() -> str:
    """A password of 96 random bits that a person can type."""
    return "-".join(secrets.token_hex(3) for _ in range(4))


def identify(doorkeeper: Doorkeeper, database: Database, now: datetime) -> Actor:
    """The person who signed this request, with the groups that count for candidate groups.

    Raises Unauthenticated (no or wrong credentials, person not active) or TooManyAttempts.
    """
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or given.password is None:
        raise Unauthenticated
    return verified(doorkeeper, database, given.username, given.password, now)


def verified(doorkeeper: Doorkeeper, database: Database, account: str, password: str, now: datetime) -> Actor:
    """The active person of this account. Raises Unauthenticated, TooManyAttempts."""
    return known(doorkeeper, database, account, password, now)[0]


def known(
    doorkeeper: Doorkeeper, database: Database, account: str, password: str, now: datetime
) -> tuple[Actor, str]:
    """The active person of this account, and the hash that the password fits.

    Raises Unauthenticated, TooManyAttempts.
    """
    if "\0" in account:  # PostgreSQL takes no U+0000, and no account has one
        raise Unauthenticated
    with database.read() as connection:
        found = records.signing_in(connection, account)
        stored = _stored(connection, found) if found else None
    doorkeeper.check(account, password, stored, now)
    if found is None or stored is None:
        raise Unauthenticated
    return found, stored


def still(connection: sa.Connection, person: Actor, stored: str) -> None:
    """Hold the person's credential until the transaction ends; raises Unauthenticated if it has changed."""
    if _stored(connection, person, held=True) != stored:
        raise Unauthenticated


def _stored(connection: sa.Connection, person: Actor, held: bool = False) -> str | None:
    asked = sa.select(credential.c.password_hash).where(credential.c.staff_no == person.id)
    return connection.scalar(asked.with_for_update(read=True) if held else asked)
