"""The log again with our own clocks on: what time does, and how the next row goes on from there."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from api.replay import command, tally
from api.replay.command import play_in, replay
from api.replay.live import ending
from api.replay.records import read
from handlers import clocks, codes
from handlers.clocks import RESOLVE
from handlers.codes import Codes, shipped
from tests.api.replay.test_replay import FIRST, ended, play, row, write
from tests.conftest import MONDAY

TOP = {"impact": "1 - High", "urgency": "1 - High"}


def live(path: Path, *options: str) -> dict[str, Any]:
    """What `flow200 replay --live --json` says of a log."""
    return play(path, "--live", *options)


def test_thresholds_fire_an_escalation_rises_by_silence_and_ends_with_the_solution(tmp_path: Path) -> None:
    rows = ended(
        "INC1",
        row("INC1", "Active", FIRST),
        row("INC1", "Resolved", "03-03-2016 10:00"),
        row("INC1", "Closed", "08-03-2016 10:00"),
        resolved="03-03-2016 10:00",
        closed="08-03-2016 10:00",
    )

    report = live(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"], report["variants"]) == (1, 0, 1), report
    counts = report["live"]
    assert counts["thresholds"] == {"P3": {"75": 1, "100": 1, "150": 1}}
    assert counts["late"] == {"P3": 1}
    assert counts["levels"] == {"none": 0, "E1": 0, "E2": 0, "E3": 1, "E4": 0}
    assert counts["triggers"]["XN"] > 0
    assert (counts["pauses"], counts["automatic_dispatches"], counts["auto_closed"]) == (0, 0, 0)


def test_plain_replay_runs_no_job_and_counts_nothing_of_time(tmp_path: Path) -> None:
    rows = [row("INC1", "Active", FIRST), row("INC1", "Active", "03-06-2016 10:00")]
    path = write(tmp_path / "log.csv", rows)

    plain, timed = play(path), live(path)

    assert "live" not in plain and plain["variants"] == 1
    assert timed["live"]["levels"]["E4"] == 1


def test_the_time_box_dispatches_and_the_row_recalls_to_its_own_group(tmp_path: Path) -> None:
    rows = ended(
        "INC1",
        row("INC1", "Active", "01-03-2016 11:00", **TOP),
        row("INC1", "Closed", "01-03-2016 12:00", **TOP),
        resolved="01-03-2016 12:00",
        closed="01-03-2016 12:00",
    )

    report = live(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0), report
    assert report["live"]["automatic_dispatches"] == 1


def test_without_a_default_group_the_manager_designates_the_group_of_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = command._prepare

    def without_group(parts: Any, records: Any) -> str:
        vendor = prepare(parts, records)
        with parts.database.write() as connection:
            codes.revise(connection, "category", "APP", group=None)
        return vendor

    monkeypatch.setattr(command, "_prepare", without_group)
    rows = [
        row("INC1", "New", "01-03-2016 11:00", **TOP),
        row("INC1", "Closed", "01-03-2016 12:00", closed_at="01-03-2016 12:00", **TOP),
    ]

    report = live(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0), report
    assert report["live"]["automatic_dispatches"] == 0


def test_a_hold_that_expired_is_begun_anew_where_the_log_still_waits(tmp_path: Path) -> None:
    rows = ended(
        "INC1",
        row("INC1", "Awaiting User Info", FIRST),
        row("INC1", "Awaiting User Info", "03-03-2016 09:00"),
        row("INC1", "Active", "03-03-2016 12:00", group="Group 2"),
        row("INC1", "Closed", "03-03-2016 13:00", group="Group 2", reassignment_count="1"),
        resolved="03-03-2016 13:00",
        closed="03-03-2016 13:00",
    )

    report = live(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0), report
    counts = report["live"]
    # One day of business hours from the first hold, three hours from the second.
    assert (counts["expired_holds"], counts["pauses"], counts["paused_minutes"]) == (1, 2, 480 + 180)


@pytest.mark.parametrize("state", ["Awaiting Problem", "Awaiting Evidence"])
def test_a_wait_for_change_or_parts_runs_out_and_the_row_goes_on_at_second_line(
    tmp_path: Path, state: str
) -> None:
    rows = ended(
        "INC1",
        row("INC1", state, FIRST),
        row("INC1", state, "03-03-2016 09:00"),
        row("INC1", "Active", "03-03-2016 12:00"),
        row("INC1", state, "04-03-2016 09:00"),
        row("INC1", "Closed", "07-03-2016 13:00"),
        resolved="07-03-2016 13:00",
        closed="07-03-2016 13:00",
    )

    report = live(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0), report
    assert (report["live"]["expired_holds"], report["live"]["pauses"]) == (2, 0)


def test_a_hold_that_is_forbidden_waits_with_its_clock_running(tmp_path: Path) -> None:
    rows = ended(
        "INC1",
        row("INC1", "Awaiting User Info", FIRST, **TOP),
        row("INC1", "Awaiting User Info", "01-03-2016 18:00", **TOP),
        row("INC1", "Active", "01-03-2016 19:00", **TOP),
        row("INC1", "Closed", "01-03-2016 20:00", **TOP),
        resolved="01-03-2016 20:00",
        closed="01-03-2016 20:00",
    )

    report = live(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0), report
    assert (report["live"]["pauses"], report["live"]["late"]) == (0, {"P1": 1})


def test_a_silent_vendor_is_given_up_and_asked_again_where_the_log_still_waits(tmp_path: Path) -> None:
    rows = ended(
        "INC1",
        row("INC1", "Awaiting Vendor", FIRST),
        row("INC1", "Awaiting Vendor", "15-03-2016 09:00"),
        row("INC1", "Active", "15-03-2016 10:00"),
        row("INC1", "Closed", "15-03-2016 11:00"),
        resolved="15-03-2016 11:00",
        closed="15-03-2016 11:00",
    )

    report = live(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0), report
    assert report["live"]["triggers"]["X7"] == 1


def test_until_lets_time_pass_up_to_that_moment_and_not_beyond(tmp_path: Path) -> None:
    rows = [row("INC1", "Active", FIRST), row("INC1", "Active", "08-03-2016 09:00")]
    path = write(tmp_path / "log.csv", rows)

    before = live(path, "--until", "2016-03-01T16:29")
    at, after = live(path, "--until", "2016-03-01T16:30"), live(path, "--until", "2016-03-02T09:00")

    thresholds = [found["live"]["thresholds"] for found in (before, at, after)]
    assert thresholds == [{}, {"P3": {"75": 1}}, {"P3": {"75": 1, "100": 1}}]
    assert [found["open"] for found in (before, at, after)] == [1, 1, 1]


def test_holidays_of_the_years_of_the_log_are_no_working_days(tmp_path: Path) -> None:
    before = "30-09-2016 17:00"  # the National Day week follows, and two Saturdays at work
    rows = [
        row("INC1", "Active", before, opened_at=before),
        row("INC1", "Active", "08-10-2016 17:00", opened_at=before),
    ]
    path = write(tmp_path / "log.csv", rows)

    holiday, working = live(path, "--until", "2016-10-07T20:00"), live(path)

    assert holiday["live"]["thresholds"] == {}
    assert working["live"]["thresholds"] == {"P3": {"75": 1, "100": 1}}


def test_two_replays_and_two_databases_agree(tmp_path: Path, database_url: str) -> None:
    rows = [
        *ended(
            "INC1",
            row("INC1", "Awaiting User Info", FIRST),
            row("INC1", "Awaiting Vendor", "03-03-2016 09:00"),
            row("INC1", "Resolved", "10-03-2016 10:00"),
            row("INC1", "Active", "10-03-2016 11:00", reopen_count="1"),
            row("INC1", "Closed", "11-03-2016 10:00", reopen_count="1"),
            resolved="11-03-2016 10:00",
            closed="11-03-2016 10:00",
        ),
        row("INC2", "New", "01-03-2016 10:00", **TOP),
        row("INC2", "Active", "02-03-2016 10:00", group="Group 2"),
    ]
    path = write(tmp_path / "log.csv", rows)

    records, rejections = read(path)
    report = command._answer(play_in(database_url, records, rejections, ending(records, None)))

    assert report["live"]["pauses"] == 2
    assert orjson.loads(orjson.dumps(report)) == live(path)


def test_a_log_of_half_an_age_is_refused(tmp_path: Path) -> None:
    rows = [row("INC1", "Active", FIRST), row("INC1", "Active", "01-03-2046 09:00")]
    path = write(tmp_path / "log.csv", rows)

    result = CliRunner().invoke(replay, [str(path), "--live"])

    assert result.exit_code == 2
    assert "too long for --live" in result.output


def test_a_log_of_which_nothing_can_be_played_is_answered(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv", [row("INC1", "-100", FIRST)])

    report = live(path)

    assert (report["incidents"], report["rejected"], report["live"]["pauses"]) == (0, 1, 0)


def test_the_counts_are_printed(tmp_path: Path) -> None:
    rows = [row("INC1", "Active", FIRST), row("INC1", "Active", "04-03-2016 09:00")]

    result = CliRunner().invoke(replay, [str(write(tmp_path / "log.csv", rows)), "--live"])

    assert "thresholds fired, P3: 75 1, 100 1, 150 1" in result.output
    assert "late by our targets: 1 (P3 1)" in result.output


def test_what_a_cancelled_clock_had_fired_counts_for_nothing() -> None:
    figures = {"calendar": "BH", "minutes": 480, "target": 480}
    events = [
        clocks.event(RESOLVE, "start", MONDAY, priority="P3", **figures),
        clocks.event("resolve/1", "fired", MONDAY, upto=75),
        clocks.event(RESOLVE, "cancel", MONDAY),
        clocks.event(RESOLVE, "start", MONDAY, priority="SR", **figures),
        clocks.event("resolve/2", "fired", MONDAY, upto=75),
    ]

    found = list(tally._fired(events, clocks.replay(events)[RESOLVE], Codes(shipped())))

    assert found == [("SR", "75")]
