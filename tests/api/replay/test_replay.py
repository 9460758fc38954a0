"""A small log that holds every state and every oddity, played through the process and compared."""

from datetime import datetime
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from api.replay.command import replay
from api.replay.plan import expected, steps
from api.replay.records import COLUMNS, ZONE, UnusableFile, moment, read

FIRST = "01-03-2016 09:00"


def row(number: str, state: str, at: str, group: str = "Group 1", **more: str) -> dict[str, str]:
    """One line of a log; columns that are not named are as the first line of a medium incident has them."""
    usual = {
        "number": number,
        "incident_state": state,
        "reassignment_count": "0",
        "reopen_count": "0",
        "opened_at": FIRST,
        "sys_updated_at": at,
        "impact": "2 - Medium",
        "urgency": "2 - Medium",
        "assignment_group": group,
        "resolved_at": "?",
        "closed_at": "?",
    }
    return usual | more


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    """A log with these lines."""
    lines = [",".join(COLUMNS), *(",".join(cells[c] for c in COLUMNS) for cells in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def play(path: Path, *options: str) -> dict:
    """What `flow200 replay --json` says of a log."""
    result = CliRunner().invoke(replay, [str(path), "--json", *options])
    assert result.exit_code in (0, 1), result.output
    return orjson.loads(result.stdout)


def ended(
    number: str, *rows: dict[str, str], resolved: str, closed: str, **last: str
) -> list[dict[str, str]]:
    """A whole record: its rows, all of which carry the final times, as such logs do."""
    final = {"resolved_at": resolved, "closed_at": closed}
    return [{**r, **final, **(last if r is rows[-1] else {})} for r in rows]


def test_a_straight_record_ends_as_the_log_says(tmp_path: Path) -> None:
    rows = ended(
        "INC1",
        row("INC1", "New", FIRST),
        row("INC1", "Active", "01-03-2016 09:10"),
        row("INC1", "Resolved", "01-03-2016 10:00"),
        row("INC1", "Closed", "06-03-2016 10:00"),
        resolved="01-03-2016 10:00",
        closed="06-03-2016 10:00",
    )

    report = play(write(tmp_path / "log.csv", rows))

    assert {k: report[k] for k in ("incidents", "ended", "open", "rejected", "reopened", "mismatches")} == {
        "incidents": 1, "ended": 1, "open": 0, "rejected": 0, "reopened": 0, "mismatches": 0,
    }  # fmt: skip
    assert (report["variants"], report["resolve_minutes"]) == (1, 60)


def test_every_wait_every_change_of_group_and_a_new_row_after_acceptance(tmp_path: Path) -> None:
    states = [
        "Active",
        "Awaiting User Info",
        "Awaiting Problem",
        "Awaiting Vendor",
        "Awaiting Evidence",
        "New",
    ]
    walk = [
        row("INC1", state, f"01-03-2016 1{place}:00", group=f"Group {place // 2}")
        for place, state in enumerate(states)
    ]
    rows = ended(
        "INC1",
        *walk,
        row("INC1", "Awaiting User Info", "01-03-2016 18:00", group="?"),
        row("INC1", "Resolved", "01-03-2016 19:00", group="Group 9"),
        row("INC1", "Closed", "01-03-2016 20:00", group="Group 10", reassignment_count="5"),
        resolved="01-03-2016 19:00",
        closed="01-03-2016 20:00",
    )

    report = play(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"], report["inconsistencies"]) == (1, 0, [])


def test_a_hold_that_is_forbidden_on_a_p1_becomes_one_whose_clock_runs(tmp_path: Path) -> None:
    top = {"impact": "1 - High", "urgency": "1 - High"}
    rows = ended(
        "INC1",
        row("INC1", "Awaiting User Info", FIRST, **top),
        row("INC1", "Awaiting User Info", "01-03-2016 10:00", group="Group 2", **top),
        row("INC1", "Active", "01-03-2016 11:00", group="Group 2"),
        row("INC1", "Resolved", "01-03-2016 12:00", group="Group 2"),
        row("INC1", "Closed", "01-03-2016 13:00", group="Group 2", reassignment_count="1"),
        resolved="01-03-2016 12:00",
        closed="01-03-2016 13:00",
    )

    report = play(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0)


def test_a_priority_that_forbids_the_hold_makes_it_one_whose_clock_runs(tmp_path: Path) -> None:
    top = {"impact": "1 - High", "urgency": "1 - High"}
    rows = ended(
        "INC1",
        row("INC1", "Awaiting User Info", FIRST),
        row("INC1", "Awaiting User Info", "01-03-2016 10:00", **top),
        row("INC1", "Active", "01-03-2016 11:00", **top),
        row("INC1", "Closed", "01-03-2016 13:00", **top),
        resolved="01-03-2016 13:00",
        closed="01-03-2016 13:00",
    )

    report = play(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0), report


def test_refused_confirmations_and_reopened_calls_are_the_reopenings_of_the_log(tmp_path: Path) -> None:
    rows = ended(
        "INC1",
        row("INC1", "Resolved", "01-03-2016 10:00"),
        row("INC1", "Resolved", "01-03-2016 10:30"),
        row("INC1", "Active", "01-03-2016 11:00", reopen_count="1"),
        row("INC1", "Resolved", "01-03-2016 12:00", reopen_count="1"),
        row("INC1", "Closed", "01-03-2016 13:00", reopen_count="1"),
        row("INC1", "Active", "01-06-2016 11:00", reopen_count="2", urgency="1 - High"),
        row("INC1", "Closed", "01-06-2016 12:00", reopen_count="2"),
        row("INC1", "Closed", "01-06-2016 12:30", reopen_count="2"),
        resolved="01-06-2016 12:30",
        closed="01-06-2016 12:30",
    )

    report = play(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["reopened"], report["mismatches"]) == (1, 1, 0), report


def test_until_leaves_open_what_the_log_had_not_closed(tmp_path: Path) -> None:
    rows = [
        row("INC1", "Active", FIRST),
        row("INC1", "Closed", "05-03-2016 10:00", closed_at="05-03-2016 10:00"),
        row("INC2", "New", "07-03-2016 10:00", opened_at="07-03-2016 10:00"),
    ]
    path = write(tmp_path / "log.csv", rows)

    before, after = play(path, "--until", "2016-03-05"), play(path, "--until", "2016-03-06T00:00")

    assert (before["incidents"], before["ended"], before["open"]) == (1, 0, 1)
    assert (after["incidents"], after["ended"], after["open"]) == (1, 1, 0)


def test_a_log_that_differs_from_ours_is_a_mismatch_and_one_that_contradicts_itself_is_not(
    tmp_path: Path,
) -> None:
    rows = ended(
        "INC1",
        row("INC1", "Active", FIRST),
        row("INC1", "Closed", "05-03-2016 10:00", reassignment_count="3"),
        resolved="05-03-2016 09:00",
        closed="05-03-2016 10:01",
    )

    report = play(write(tmp_path / "log.csv", rows))

    assert {m["what"] for m in report["mismatches_records"]} == {
        "closed_at",
        "resolved_at - reported_at (minutes)",
    }
    assert [i["number"] for i in report["inconsistencies"]] == ["INC1"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sys_updated_at": "2016-03-01 09:00"}, "unreadable date"),
        ({"sys_updated_at": "31-02-2016 09:00"}, "unreadable date"),
        ({"sys_updated_at": "1-3-2016 09:00"}, "unreadable date"),
        ({"closed_at": "31-12-9999 09:00"}, "unreadable date"),
        ({"resolved_at": "01/03/2016 09:00"}, "unreadable date"),
        ({"opened_at": "?"}, "no opened_at"),
        ({"resolved_at": "29-02-2016 09:00"}, "resolved_at is before opened_at"),
        (
            {"resolved_at": "03-03-2016 09:00", "closed_at": "02-03-2016 09:00"},
            "closed_at is before resolved_at",
        ),
        ({"incident_state": "-100"}, "unknown state"),
    ],
)
def test_a_record_that_cannot_be_played_is_rejected_with_reason_and_line(
    tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    good = row("INC1", "Active", FIRST)
    path = write(tmp_path / "log.csv", [good, {**row("INC2", "Active", FIRST), **change}])

    records, rejections = read(path)

    assert [r.number for r in records] == ["INC1"]
    assert [(r.number, r.line) for r in rejections] == [("INC2", 3)]
    assert reason in rejections[0].reason


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column number"),
        (b"number,incident_state\n1,New\n", "no column"),
        ((",".join(COLUMNS) + ",number\n").encode(), "stands twice"),
        ((",".join(COLUMNS) + "\n1,2\n").encode(), "line 2: 2 cells"),
        ((",".join(COLUMNS) + '\n"1,2\n').encode(), "line 2"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ((",".join(COLUMNS) + "\n\0" + "," * (len(COLUMNS) - 1) + "\n").encode(), "line 2"),
        ((",".join(COLUMNS) + "\n" + "x" * 10_001 + "," * (len(COLUMNS) - 1) + "\n").encode(), "longer than"),
    ],
)
def test_a_file_that_is_no_log_is_refused_with_the_place(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)

    with pytest.raises(UnusableFile, match=words):
        read(path)

    assert CliRunner().invoke(replay, [str(path)]).exit_code == 2


@pytest.mark.parametrize(
    "number", ["", "x" * 400, "<script>alert(1)</script>", "'; DROP TABLE incident; --", "😀"]
)
@pytest.mark.parametrize("group", ["WG-APP", "g" * 300, "SELECT 1", "  "])
def test_hostile_names_are_played_like_any_other(tmp_path: Path, number: str, group: str) -> None:
    rows = ended(
        number,
        row(number, "Active", FIRST, group=group),
        row(number, "Closed", "05-03-2016 10:00", group=group),
        resolved="05-03-2016 10:00",
        closed="05-03-2016 10:00",
    )

    report = play(write(tmp_path / "log.csv", rows))

    assert (report["ended"], report["mismatches"]) == (1, 0)


def test_what_the_process_refuses_is_a_mismatch_with_its_sentence_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row("INC1", "Active", FIRST), row("INC2", "Active", FIRST)]
    monkeypatch.setattr("api.replay.plan.URGENCY", {"2 - Medium": "U9"})

    report = play(write(tmp_path / "log.csv", rows))

    assert [m["number"] for m in report["mismatches_records"]] == ["INC1", "INC2"]
    assert "urgency" in report["mismatches_records"][0]["flow200"]


def test_a_counter_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    rows = [row("INC1", "Active", FIRST, reassignment_count="zz")]

    report = play(write(tmp_path / "log.csv", rows))

    assert report["mismatches"] == 0 and [i["number"] for i in report["inconsistencies"]] == ["INC1"]


def test_times_never_run_backwards_and_never_before_the_opening(tmp_path: Path) -> None:
    rows = [
        row("INC1", "New", "29-02-2016 09:00"),
        row("INC1", "Active", "01-03-2016 11:00"),
        row("INC1", "Active", "01-03-2016 10:00"),
    ]

    (record,), _ = read(write(tmp_path / "log.csv", rows))

    at = [step.at for step in steps(record)]
    assert at == [moment(FIRST), moment("01-03-2016 11:00"), moment("01-03-2016 11:00")]
    assert at[0] == datetime(2016, 3, 1, 9, tzinfo=ZONE)


def test_counters_are_those_since_the_first_row(tmp_path: Path) -> None:
    rows = [
        row("INC1", "Active", FIRST, reassignment_count="4", reopen_count="1"),
        row("INC1", "Active", "01-03-2016 10:00", group="Group 2", reassignment_count="5", reopen_count="1"),
    ]

    (record,), _ = read(write(tmp_path / "log.csv", rows))

    assert (expected(record).reassignments, expected(record).reopenings) == (1, 0)
    assert expected(record).inconsistencies == ()
