"""Shifts, roster and the change of the desk, below the flows of 09_shift and 09_duty (PROCESS §6.5.9)."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from handlers import codes as code_tables
from handlers import duty, shifts, tables
from handlers.codes import Codes, rows_of, shipped
from handlers.errors import HandOverAcknowledged, HandOverOver, NotIncoming
from handlers.hand_over import change_of
from tests.handlers.conftest import at

JOB = ("domain", "shift")


def test_a_shift_lasts_until_the_next_one_begins(codes):
    moments = [at(11, 24, 7, 59), at(11, 24, 8), at(11, 24, 20), at(11, 25, 0)]

    found = [duty.running(codes, one) for one in moments]
    next_ones = [duty.following(codes, one) for one in moments]

    assert [(one.code, one.starts) for one in found] == [
        ("N", at(11, 23, 20)),
        ("D", at(11, 24, 8)),
        ("N", at(11, 24, 20)),
        ("N", at(11, 24, 20)),
    ]
    assert [one.starts for one in next_ones] == [
        at(11, 24, 8),
        at(11, 24, 20),
        at(11, 25, 8),
        at(11, 25, 8),
    ]


def test_without_shifts_nothing_runs_and_nothing_follows():
    none = Codes(row for row in shipped() if row.table != "shift")

    assert duty.running(none, at(11, 24, 8)) is None
    assert duty.following(none, at(11, 24, 8)) is None


def test_a_dated_row_comes_before_a_standing_one_and_one_of_the_shift_before_any():
    day = {"from": "2026-11-24 08:00", "to": "2026-11-24 20:00"}
    rows = [
        {"code": "always", "group": "G"},
        {"code": "by night", "group": "G", "shift": "N"},
        {"code": "that day", "group": "G", **day},
        {"code": "others", "group": "H", **day},
    ]
    known = Codes([*shipped(), *rows_of("roster", [{"zh": "", "en": "", **row} for row in rows])])

    moments = [at(11, 23, 9), at(11, 23, 21), at(11, 24, 8), at(11, 24, 20)]
    found = [duty.roster(known, "G", one).code for one in moments]

    assert found == ["always", "by night", "that day", "by night"]


def test_who_is_complained_about_gets_no_dispatch(codes, scene):
    crew = {"zhoutao": "leader", "wumin": "deputy"}

    assert duty.on_duty("WG-NET", crew, scene) == "zhoutao"
    assert duty.on_duty("WG-NET", crew, scene, never="zhoutao") == "wumin"


def test_who_is_absent_is_passed_over(scene):
    away = {"code": "a", "zh": "", "en": "", "person": "zhoutao", "to": "2026-11-23 09:06"}
    here = replace(scene, codes=Codes([*shipped(), *rows_of("absence", [away])]))
    crew = {"zhoutao": "leader", "wumin": "deputy"}

    assert duty.on_duty("WG-NET", crew, here) == "wumin"
    assert duty.on_duty("WG-NET", crew, replace(here, now=at(11, 23, 9, 6))) == "zhoutao"


def test_a_change_is_opened_once_and_looked_at_when_its_time_is_over(hand):
    hand.now = at(11, 24, 8)

    asked = [_turn(hand), _turn(hand)]

    assert [(job.kind, job.key, job.due, job.renewed) for jobs in asked for job in jobs] == [
        (*JOB, at(11, 24, 8, 15), True)
    ] * 2
    assert [(row["code"], row["incoming"], row["state"]) for row in _changes(hand)] == [
        ("20261124-0800", "lina", "open")
    ]


def test_in_the_last_minute_it_is_acknowledged_and_at_the_limit_no_more(hand):
    hand.now = at(11, 24, 8)
    _turn(hand)

    with pytest.raises(HandOverOver):
        _acknowledge(hand.later(minutes=15))
    _acknowledge(hand.later(seconds=-1))

    (row,) = _changes(hand)
    assert (row["state"], row["owner"], row["settled_at"]) == ("acknowledged", "lina", hand.now)


def test_only_the_incoming_agent_acknowledges_and_once(hand):
    hand.now = at(11, 24, 8)
    _turn(hand)

    with pytest.raises(NotIncoming):
        _acknowledge(hand, by="chengang")
    _acknowledge(hand)
    with pytest.raises(HandOverAcknowledged):
        _acknowledge(hand)


def test_who_has_left_the_desk_acknowledges_nothing(hand):
    hand.now = at(11, 24, 8)
    _turn(hand)
    with hand.command("lina") as command:
        command.by = replace(command.by, groups=frozenset({"WG-NET"}))

        with pytest.raises(NotIncoming):
            hand.desk.acknowledge(command, "20261124-0800")


def test_a_call_that_passes_late_goes_to_who_has_the_desk_by_then(hand):
    hand.registered()
    hand.now = at(11, 23, 20)
    _turn(hand)
    (late, _) = _acknowledge(hand, "20261123-2000", "chengang")
    hand.now = at(11, 24, 8)
    _turn(hand)
    _acknowledge(hand, "20261124-0800", "lina")

    with hand.command("system") as command:
        hand.desk.work(command, late.payload)

    assert hand.record["owner"] == "lina"


def test_a_call_closed_meanwhile_keeps_its_owner(hand):
    hand.registered()
    hand.now = at(11, 23, 20)
    _turn(hand)
    (job, _) = _acknowledge(hand, "20261123-2000", "chengang")
    hand.message("withdraw", reason="好了").at("T200_10").answer("T200_10", closure_code="C07").call("close")

    with hand.command("system") as command:
        hand.desk.work(command, job.payload)

    assert (hand.record["status"], hand.record["owner"]) == ("ST8", "lina")


def test_what_another_agent_recorded_since_the_change_stays_with_them(hand):
    hand.now = at(11, 23, 20)
    _turn(hand)
    hand.later(minutes=5).registered()

    (job,) = _acknowledge(hand, "20261123-2000", "chengang")

    assert (job.key, hand.record["owner"]) == ("shift", "lina")


def test_a_desk_without_a_roster_has_no_changes(hand):
    with hand.database.write() as connection:
        connection.execute(delete(tables.code).where(tables.code.c.table == "roster"))
        code_tables.published(connection)
    hand.now = at(11, 24, 8)

    (job,) = _turn(hand)

    assert (job.key, job.due) == ("shift", at(11, 24, 20))
    assert _changes(hand) == []


def test_a_start_asks_for_what_was_missed_and_leaves_the_first_change_alone(hand):
    hand.now = at(11, 23, 9)
    first = _wake(hand)
    hand.now = at(11, 23, 20)
    _turn(hand)
    waits = _wake(hand.later(minutes=5))

    missed = _wake(hand.later(hours=12))

    assert [(job.due, job.renewed) for job in (first, waits, missed)] == [
        (at(11, 23, 20), False),
        (at(11, 23, 20, 15), True),
        (at(11, 24, 8, 5), True),
    ]


def test_a_change_that_nobody_settled_lapses_with_the_next_one(hand):
    hand.now = at(11, 23, 20)
    _turn(hand)

    hand.now = at(11, 24, 9)
    _turn(hand)

    assert [(row["code"], row["state"], row["owner"]) for row in _changes(hand)] == [
        ("20261123-2000", "lapsed", None),
        ("20261124-0800", "open", None),
    ]


def test_the_list_of_a_settled_change_is_the_one_that_was_acknowledged(hand):
    hand.registered()
    hand.now = at(11, 23, 20)
    _turn(hand)
    _acknowledge(hand, "20261123-2000", "chengang")
    acknowledged = hand.no
    hand.registered()

    with hand.database.read() as connection:
        listed = change_of(connection, "20261123-2000")

    assert [row["no"] for row in listed["calls"]] == [acknowledged]


def _turn(hand):
    with hand.command("system") as command:
        return hand.desk.work(command, {"what": "shift"}).jobs


def _acknowledge(hand, code="20261124-0800", by="lina"):
    with hand.command(by) as command:
        return hand.desk.acknowledge(command, code).jobs


def _wake(hand):
    with hand.database.read() as connection:
        (job,) = shifts.wake(connection, code_tables.read(connection), hand.now)
        return job


def _changes(hand):
    with hand.database.read() as connection:
        rows = connection.execute(select(tables.shift_change).order_by(tables.shift_change.c.code))
        return [dict(row) for row in rows.mappings()]
