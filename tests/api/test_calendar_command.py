"""`flow200 calendar`, and the warnings of provisional years, as a person or a program would have them."""

import json
from pathlib import Path

import pytest

from api.product import system_clock
from tests.api.test_cli import run
from tests.handlers.test_calendar_files import event, ics

CSV = "date,working,name\n{year}-01-01,false,元旦\n{year}-10-09,true,国庆节调休\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The days of 2027 as somebody keeps them."""
    path = tmp_path / "2027.csv"
    path.write_text(CSV.format(year=2027), encoding="utf-8")
    return path


def test_a_year_is_imported_and_shown(installed_url: str, file: Path) -> None:
    before = run(installed_url, "calendar", "show", "BH", "2027")

    done = run(installed_url, "calendar", "import", "BH", "2027", str(file), "--json")
    after = run(installed_url, "calendar", "show", "BH", "2027")
    told = json.loads(run(installed_url, "calendar", "show", "BH", "2027", "--json").stdout)

    assert "暂定 provisional" in before.stdout
    assert json.loads(done.stdout) == {"days_off": 1, "working_days": 1, "settled": [2027]}
    assert after.stdout.splitlines() == [
        "BH 2027  已确定 certain",
        "2027-01-01 周五  休息 off   元旦",
        "2027-10-09 周六  上班 work  国庆节调休",
    ]
    assert (told["provisional"], [day["date"] for day in told["days"]]) == (
        False,
        ["2027-01-01", "2027-10-09"],
    )
    assert told["days"][0]["source"].startswith("csv, system, ")


def test_an_ics_is_known_by_its_name(installed_url: str, tmp_path: Path) -> None:
    file = tmp_path / "2027.ICS"
    file.write_bytes(ics(event("国庆节(班)", "20271009")))

    done = run(installed_url, "calendar", "import", "BH", "2027", str(file))

    assert (done.exit_code, done.stdout) == (0, "BH 2027: 0 天休息 off, 1 天上班 working\n")


@pytest.mark.parametrize(
    ("name", "text", "calendar", "said"),
    [
        ("2027.csv", CSV.format(year=2026), "BH", "第 2 行"),
        ("2027.csv", CSV.format(year=2026), "BH", "Line 2"),
        ("2027.csv", "", "BH", "no days"),
        ("2027.csv", CSV.format(year=2027), "BX", "BX"),
        ("2027.csv", CSV.format(year=2027), "24x7", "全天候"),
        ("2027.xlsx", CSV.format(year=2027), "BH", ".csv"),
        ("2027.csv", "x" * (1024 * 1024 + 1), "BH", "larger than"),
    ],
)
def test_a_file_that_cannot_be_imported_is_a_sentence(
    installed_url: str, tmp_path: Path, name: str, text: str, calendar: str, said: str
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")

    result = run(installed_url, "calendar", "import", calendar, "2027", str(file))

    assert result.exit_code == 1
    assert said in result.output and "Traceback" not in result.output
    assert "provisional" in run(installed_url, "calendar", "show", "BH", "2027").stdout


def test_a_year_that_no_calendar_keeps_is_a_sentence(installed_url: str) -> None:
    result = run(installed_url, "calendar", "show", "BH", "99999")

    assert result.exit_code == 1 and "99999" in result.output


def test_the_doctor_warns_of_this_year_and_the_next_until_they_are_imported(
    installed_url: str, tmp_path: Path
) -> None:
    this = system_clock().year
    before = run(installed_url, "doctor")
    for year in (this, this + 1):
        file = tmp_path / f"{year}.csv"
        file.write_text(CSV.format(year=year), encoding="utf-8")
        run(installed_url, "calendar", "import", "BH", str(year), str(file))

    after = run(installed_url, "doctor", "--json")

    warned = [line for line in before.stdout.splitlines() if line.startswith("warning")]
    assert before.exit_code == after.exit_code == 0
    assert [str(year) in line for line, year in zip(warned, (this, this + 1), strict=True)] == [True, True]
    assert all("尚未确定" in line and "provisional" in line for line in warned)
    assert json.loads(after.stdout)["warnings"] == []


def test_the_doctor_of_an_empty_database_has_nothing_to_warn_of(tmp_path: Path) -> None:
    result = run(f"sqlite:///{tmp_path / 'new.db'}", "doctor", "--json")

    assert (result.exit_code, json.loads(result.stdout)["warnings"]) == (0, [])
