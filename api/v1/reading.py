"""A look at the books for the views: a connection, and what this person may see in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from api.product import now, person, product
from engine.ports import Command
from handlers.codes import Codes


@contextmanager
def record() -> Iterator[tuple[Connection, Codes]]:
    """One consistent look at the database, with the code tables."""
    with product().database.read() as connection:
        yield connection, product().desk.codes(Command(connection, person(), now()))


def sees_contacts(connection: Connection) -> bool:
    """Whether this person reads personal contact data (PROCESS §6.10)."""
    return product().desk.sees_contacts(Command(connection, person(), now()))
