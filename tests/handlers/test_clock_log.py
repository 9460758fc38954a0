"""The clock lines of a call, remembered between looks and never wrong for it."""

import pytest
from flask import Flask
from sqlalchemy import Connection, select

from api.product import Product
from engine.ports import SYSTEM
from handlers import ledger, tables
from handlers.clock_log import ClockLog
from handlers.clocks import event, line
from handlers.codes import Codes
from handlers.incident import ClockLine, Scene
from handlers.lookups import Lookups
from handlers.outcome import Outcome
from tests.conftest import MONDAY, Client


class Undone(Exception):
    """The transaction is rolled back."""


@pytest.fixture
def no(client: Client) -> str:
    """A call that has a log."""
    answer = {"call_type": "INC", "classification": "INC-USE", "source": "USR", "medium": "PHONE"}
    more = {"caller_name": "张敏", "subject": "打印机", "ci_text": "打印机"}
    return str(client.post("/incidents", json=answer | more).get_json()["no"])


def written(connection: Connection, no: str, key: str, upto: int) -> None:
    """One mark of a row of moments in the log of the call."""
    scene = Scene(SYSTEM, MONDAY, Codes(()), Lookups(connection))
    mark = line(event(key, "fired", MONDAY, upto=upto))
    call = ledger.read(connection, no)
    ledger.flush(connection, ledger.write(connection, call, Outcome(lines=[mark]), scene, "time"))


def anew(connection: Connection, no: str) -> list[ClockLine]:
    """The clock lines as the database has them."""
    log = tables.log.c
    rows = connection.execute(
        select(log.field, log.new).where(log.call == no, log.what == "clock").order_by(log.seq)
    )
    return [ClockLine(**row._mapping) for row in rows]


def test_new_lines_are_read_and_of_the_marks_of_a_row_the_last(app: Flask, no: str) -> None:
    parts: Product = app.extensions["flow200"]
    clock_log = ClockLog()
    with parts.database.write() as connection:
        before = clock_log.read(connection, no)
        written(connection, no, "resolve/1", 75)
        written(connection, no, "late/1", 1)
        assert list(clock_log.read(connection, no)) == anew(connection, no)
        written(connection, no, "resolve/1", 100)

        after = clock_log.read(connection, no)

    assert after[: len(before)] == before
    assert [one.field for one in after[len(before) :]] == ["late/1", "resolve/1"]
    assert '"upto": 100' in after[-1].new


def test_what_was_rolled_back_was_never_remembered(app: Flask, no: str) -> None:
    parts: Product = app.extensions["flow200"]
    clock_log = ClockLog()
    with pytest.raises(Undone), parts.database.write() as connection:
        written(connection, no, "resolve/1", 75)
        clock_log.read(connection, no)
        raise Undone

    with parts.database.write() as connection:
        written(connection, no, "resolve/1", 50)
        assert list(clock_log.read(connection, no)) == anew(connection, no)
