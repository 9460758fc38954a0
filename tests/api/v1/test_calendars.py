"""Calendars over HTTP: seeded, looked at, edited, imported; bad input changes nothing."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from api import install
from api.app import create_app
from api.product import Product
from api.settings import Settings
from engine.ports import SYSTEM, Command
from handlers import calendar, tables
from handlers.codes import Codes
from handlers.desk import Desk
from tests.conftest import Client
from tests.handlers.test_calendar_files import event, ics

CSV = "date,working,name\n2027-01-01,false,元旦\n2027-10-01,false,国庆节\n2027-10-09,true,国庆节调休\n"
YEAR, REFUSED = "BH/import?year=2027", "calendar-file-refused"
OFF = {"working": False, "name": "台风停业"}
MORNING = {"working": True, "name": "半天", "windows": [["08:30", "12:00"]]}


@pytest.fixture
def parts(app: Flask) -> Product:
    """The service after its first start: the years around 2026 are seeded."""
    found: Product = app.extensions["flow200"]
    install.load_codes(found)
    return found


@pytest.fixture
def owner(parts: Product, client: Client) -> Client:
    """刘洋, incident manager, and process owner where nobody else is named."""
    return client.as_("liuyang")


def put(who: Client, day: str, said: Any, code: str = "BH") -> TestResponse:
    """Set a day."""
    return who.send("PUT", f"/calendars/{code}/days/{day}", json=said)


def bring(who: Client, content: str | bytes, kind: str = "text/csv", where: str = YEAR) -> TestResponse:
    """Import a file."""
    raw = content.encode() if isinstance(content, str) else content
    return who.send("POST", f"/calendars/{where}", data=raw, content_type=kind)


def kept(parts: Product) -> list[tuple[Any, ...]]:
    """Every row of the code tables, and the counters."""
    with parts.database.read() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(tables.code).order_by("table", "code"))]
        counters = connection.execute(sa.select(tables.counter).order_by("name"))
        return [*rows, *(tuple(row) for row in counters)]


def now_known(parts: Product) -> Codes:
    """The code tables as a verb would see them."""
    with parts.database.read() as connection:
        return parts.desk.codes(Command(connection, SYSTEM, parts.clock()))


def days(who: Client, year: int, code: str = "BH") -> dict[str, Any]:
    """The dated rows of a year by date."""
    answer = who.get(f"/calendars/{code}/days?year={year}")
    assert answer.status_code == 200, answer.text
    return {day["date"]: day for day in answer.json["items"]}


def years(who: Client) -> dict[int, tuple[bool, str | None]]:
    """Of BH: which year is provisional, and where it comes from."""
    (found,) = (c for c in who.get("/calendars").json["items"] if c["code"] == "BH")
    return {year["year"]: (year["provisional"], year["source"]) for year in found["years"]}


def shanghai(*moment: int) -> datetime:
    """A moment on the bank's wall clock."""
    return (datetime(*moment, tzinfo=UTC) - timedelta(hours=8)).astimezone(UTC)


def test_a_first_start_seeds_last_year_this_and_the_next(client: Client, app: Flask) -> None:
    before = years(client)

    install.load_codes(app.extensions["flow200"])

    assert before == {2026: (True, None), 2027: (True, None)}
    made = "holidays 0.109"
    assert years(client) == {2025: (False, made), 2026: (False, made), 2027: (True, made)}
    assert days(client, 2026)["2026-10-10"] == {
        "date": "2026-10-10",
        "working": True,
        "zh": "调休上班",
        "en": "Make-up working day",
        "windows": None,
        "source": made,
    }
    assert days(client, 2027)["2027-01-01"]["zh"] == "元旦"


def test_a_second_start_writes_nothing(parts: Product) -> None:
    before = kept(parts)

    install.load_codes(parts)

    assert kept(parts) == before


def test_what_an_owner_wrote_survives_the_start(parts: Product, owner: Client, clock: Any) -> None:
    put(owner, "2026-10-01", MORNING)
    put(owner, "2028-05-01", MORNING)
    owner.send("DELETE", "/calendars/BH/days/2026-10-02")
    clock.set("2027-01-02T09:00:00+08:00")

    install.load_codes(parts)

    assert days(owner, 2026)["2026-10-01"]["zh"] == "半天"
    assert "2026-10-02" not in days(owner, 2026)
    assert days(owner, 2028)["2028-05-01"]["zh"] == "半天"
    assert years(owner)[2028] == (True, "holidays 0.109")


def test_a_provisional_year_of_an_older_package_is_renewed(parts: Product, owner: Client) -> None:
    put(owner, "2026-10-01", MORNING)
    owner.send("DELETE", "/calendars/BH/days/2026-10-02")
    of_package, year = tables.code.c.code.startswith("BH 2026-0"), tables.code.c.code == "BH 2026"
    with parts.database.write() as connection:
        connection.execute(sa.delete(tables.code).where(tables.code.c.table == "calendar_day", of_package))
        old = '{"provisional": true, "source": "holidays 0.80"}'
        connection.execute(sa.update(tables.code).where(year).values(data=old))

    install.load_codes(parts)

    assert years(owner)[2026] == (False, "holidays 0.109")
    found = days(owner, 2026)
    assert found["2026-02-14"]["working"] is True
    assert found["2026-10-01"]["zh"] == "半天" and "2026-10-02" not in found


def test_a_provisional_year_that_somebody_wrote_is_left_to_him(parts: Product, owner: Client) -> None:
    with parts.database.write() as connection:
        of_2026 = tables.code.c.code == "BH 2026"
        theirs = '{"provisional": true, "source": "草案"}'
        connection.execute(sa.update(tables.code).where(of_2026).values(data=theirs))

    install.load_codes(parts)

    assert years(owner)[2026] == (True, "草案")


def test_two_first_starts_at_once_seed_each_year_once(app: Flask, client: Client) -> None:
    parts: Product = app.extensions["flow200"]

    _together(lambda: install.load_codes(parts), lambda: install.load_codes(parts))

    assert len(years(client)) == 3 and len(days(client, 2026)) == 28


def test_the_calendars_are_listed_with_their_hours(parts: Product, client: Client) -> None:
    always, hours = client.get("/calendars").json["items"]

    assert (always["code"], always["weekdays"], always["windows"], always["years"]) == (
        "24x7",
        None,
        None,
        [],
    )
    assert hours["weekdays"] == [0, 1, 2, 3, 4]
    assert hours["windows"] == [["08:30", "12:00"], ["13:30", "18:00"]]


def test_an_edited_day_counts_from_the_next_command_on(parts: Product, owner: Client) -> None:
    start = shanghai(2026, 11, 24, 17)
    before = calendar.add(now_known(parts), "BH", start, 120)

    answer = put(owner, "2026-11-25", OFF)

    assert before == shanghai(2026, 11, 25, 9, 30)
    assert (answer.status_code, answer.json["zh"], answer.json["working"]) == (200, "台风停业", False)
    assert answer.json["source"] == "edit, liuyang, 2026-11-23T09:05:00+08:00"
    assert calendar.add(now_known(parts), "BH", start, 120) == shanghai(2026, 11, 26, 9, 30)


def test_a_half_day_has_hours_of_its_own_until_its_row_is_taken_away(parts: Product, owner: Client) -> None:
    start = shanghai(2026, 11, 25, 11)

    half = put(owner, "2026-11-25", MORNING)
    due = calendar.add(now_known(parts), "BH", start, 120)
    whole = owner.send("DELETE", "/calendars/BH/days/2026-11-25")

    assert half.json["windows"] == [["08:30", "12:00"]]
    assert due == shanghai(2026, 11, 26, 9, 30)
    assert (whole.status_code, whole.json["working"], whole.json["source"]) == (200, True, None)
    assert calendar.add(now_known(parts), "BH", start, 120) == shanghai(2026, 11, 25, 14, 30)
    assert put(owner, "2026-11-25", OFF).status_code == 200


@pytest.mark.parametrize("kind", ["text/csv", "text/csv; charset=utf-8", "text/calendar"])
def test_an_import_replaces_the_year_for_good(parts: Product, owner: Client, kind: str) -> None:
    put(owner, "2027-03-03", OFF)
    file = ics(
        event("元旦", "20270101"),
        event("国庆节", "20271001", "20271002"),
        event("国庆节调休上班", "20271009"),
    )
    other = days(owner, 2026)

    answer = bring(owner, CSV if "csv" in kind else file, kind)

    assert answer.json == {"days_off": 2, "working_days": 1, "settled": [2027]}
    assert [(day, row["working"]) for day, row in days(owner, 2027).items()] == [
        ("2027-01-01", False),
        ("2027-10-01", False),
        ("2027-10-09", True),
    ]
    word = "csv" if "csv" in kind else "ics"
    assert years(owner)[2027] == (False, f"{word}, liuyang, 2026-11-23T09:05:00+08:00")
    assert days(owner, 2026) == other
    codes = now_known(parts)
    assert calendar.provisional(codes, "BH", parts.clock(), parts.clock() + timedelta(days=90)) == ()
    assert calendar.add(codes, "BH", shanghai(2027, 10, 8, 17), 120) == shanghai(2027, 10, 9, 9, 30)
    assert bring(owner, CSV).json["settled"] == []


@pytest.mark.parametrize(
    ("day", "said", "status", "field"),
    [
        ("2026-11-31", OFF, 422, "date"),
        ("20261125", OFF, 422, "date"),
        ("2026-W48-3", OFF, 422, "date"),
        ("1600-01-01", OFF, 422, "year"),
        ("2026-11-25", {"name": "x"}, 422, "working"),
        ("2026-11-25", {"working": "yes", "name": "x"}, 422, "working"),
        ("2026-11-25", {"working": True, "name": ""}, 422, "name"),
        ("2026-11-25", {"working": True, "name": "长" * 201}, 422, "name"),
        ("2026-11-25", {**MORNING, "windows": []}, 422, "windows"),
        ("2026-11-25", {**MORNING, "windows": [["08:30"]]}, 422, "windows"),
        ("2026-11-25", {**MORNING, "windows": [["12:00", "08:30"]]}, 422, "windows"),
        ("2026-11-25", {**MORNING, "windows": [["08:30", "12:00"], ["11:00", "13:00"]]}, 422, "windows"),
        ("2026-11-25", {**MORNING, "windows": [["25:00", "26:00"]]}, 422, "windows"),
        ("2026-11-25", {**MORNING, "working": False}, 422, "windows"),
        ("2026-11-25", {**OFF, "hours": 8}, 422, "hours"),
    ],
)
def test_a_bad_day_names_its_field_and_changes_nothing(
    parts: Product, owner: Client, day: str, said: Any, status: int, field: str
) -> None:
    before = kept(parts)

    answer = put(owner, day, said)

    assert (answer.status_code, set(answer.json["fields"])) == (status, {field})
    assert kept(parts) == before


@pytest.mark.parametrize(
    ("content", "kind", "where", "status", "code"),
    [
        ("", "text/csv", YEAR, 422, REFUSED),
        (CSV.replace("2027-10-09", "2026-10-10"), "text/csv", YEAR, 422, REFUSED),
        (CSV + "2027-01-01,true,x\n", "text/csv", YEAR, 422, REFUSED),
        (CSV.encode("gbk"), "text/csv", YEAR, 422, REFUSED),
        (CSV, "text/calendar", YEAR, 422, REFUSED),
        (ics(event("a", "20270101", None, "RRULE:FREQ=YEARLY")), "text/calendar", YEAR, 422, REFUSED),
        (CSV, "application/json", YEAR, 415, "unknown-file-type"),
        (CSV, "text/plain", YEAR, 415, "unknown-file-type"),
        (CSV, "text/csv", "BX/import?year=2027", 404, "record-not-found"),
        (CSV, "text/csv", "24x7/import?year=2027", 422, "calendar-never-closes"),
        (CSV, "text/csv", "BH/import", 422, "invalid-request"),
        (CSV, "text/csv", "BH/import?year=20270", 422, "invalid-request"),
        (b"x" * (1024 * 1024 + 1), "text/csv", YEAR, 413, "body-too-large"),
    ],
)
def test_a_bad_file_is_refused_and_changes_nothing(
    parts: Product, owner: Client, content: str | bytes, kind: str, where: str, status: int, code: str
) -> None:
    before = kept(parts)

    answer = bring(owner, content, kind, where)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert kept(parts) == before


def test_unknown_calendars_and_days_are_not_found(parts: Product, owner: Client) -> None:
    before = kept(parts)

    answers = [
        put(owner, "2026-11-25", OFF, "BX"),
        owner.send("DELETE", "/calendars/BX/days/2026-11-25"),
        owner.send("DELETE", "/calendars/BH/days/2026-11-25"),
        owner.get("/calendars/BX/days?year=2026"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert put(owner, "2026-11-25", OFF, "24x7").json["code"] == "calendar-never-closes"
    assert owner.get("/calendars/24x7/days?year=2026").json["code"] == "calendar-never-closes"
    assert kept(parts) == before


def test_only_the_process_owner_changes_a_calendar(parts: Product, client: Client) -> None:
    before = kept(parts)

    answers = [
        put(client, "2026-11-25", OFF),
        client.send("DELETE", "/calendars/BH/days/2026-10-01"),
        bring(client, CSV),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    assert kept(parts) == before


def test_what_runs_is_looked_at_again_in_the_same_transaction(
    parts: Product, owner: Client, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    hook = Desk.calendar_changed

    def changed(self: Desk, command: Any, name: str) -> None:
        hook(self, command, name)
        there = calendar.Hours(self.codes(command), name)
        seen.append((name, there.is_working(date(2027, 10, 9))))

    monkeypatch.setattr(Desk, "calendar_changed", changed)
    put(owner, "2027-10-09", {"working": True, "name": "调休"})
    owner.send("DELETE", "/calendars/BH/days/2027-10-09")
    bring(owner, CSV)
    clock.set("2027-01-02T09:00:00+08:00")
    install.load_codes(parts)

    assert seen == [("BH", True), ("BH", False), ("BH", True), ("BH", True)]


def test_a_change_that_fails_at_the_end_leaves_nothing_behind(
    parts: Product, owner: Client, installed_url: str, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, start, hook = kept(parts), shanghai(2026, 11, 24, 17), Desk.calendar_changed
    other = create_app(Settings(database_url=installed_url), clock)

    def broken(self: Desk, command: Any, name: str) -> None:
        hook(self, command, name)
        assert not calendar.Hours(self.codes(command), name).is_working(date(2026, 11, 25))
        raise RuntimeError("the clocks cannot be computed")

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "calendar_changed", broken)
        answer = put(owner, "2026-11-25", OFF)
    after = kept(parts)
    put(Client(other, "liuyang"), "2026-12-25", OFF)  # takes the revision that the failed change had seen

    other.extensions["flow200"].database.close()
    assert (answer.status_code, after) == (500, before)
    assert calendar.add(now_known(parts), "BH", start, 120) == shanghai(2026, 11, 25, 9, 30)


def test_two_who_set_one_day_at_once_both_succeed(parts: Product, owner: Client) -> None:
    answers: list[int] = []

    def set_day(said: Any) -> Callable[[], None]:
        return lambda: answers.append(put(owner, "2026-11-25", said).status_code)

    _together(*[set_day(said) for said in (OFF, MORNING, OFF, MORNING)])

    assert answers == [200] * 4
    assert days(owner, 2026)["2026-11-25"]["zh"] in ("台风停业", "半天")


def _together(*work: Callable[[], Any]) -> None:
    failed: list[Exception] = []

    def run(one: Callable[[], Any]) -> None:
        try:
            one()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
