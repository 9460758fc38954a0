"""A year of holidays in a file: what is read, and that a bad file names its line or its event."""

import random
from datetime import date

import pytest

from handlers import calendar_files
from handlers.calendar_days import YearNotKept
from handlers.calendar_files import FileRefused
from tests.conftest import FUZZ

HEAD = "date,working,name\n"


def ics(*events):
    """A calendar with these events, each given by its lines."""
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{e}\r\nEND:VEVENT\r\n" for n, e in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//ZH\r\n{body}END:VCALENDAR\r\n".encode()


def event(summary, start, end=None, *more):
    """An event of whole days; `end` is the first day after it."""
    lines = [f"SUMMARY:{summary}", f"DTSTART;VALUE=DATE:{start}"]
    return "\r\n".join([*lines, *([f"DTEND;VALUE=DATE:{end}"] if end else []), *more])


def refused(kind, content, codes, year=2027):
    """What the refusal says, in Chinese and in English."""
    with pytest.raises(FileRefused) as caught:
        calendar_files.read(kind, content, year, codes)
    assert set(caught.value.fields) == {"file"}
    return caught.value.text("zh"), caught.value.text("en")


def test_a_csv_is_read_as_excel_writes_it(codes):
    text = f"\ufeff{HEAD}2027-10-01,false,国庆节\r\n2027/10/9,是,国庆节调休\r\n2027-02-05,FALSE,\r\n,,\r\n"

    days = calendar_files.read("csv", text.encode(), 2027, codes)

    assert [(str(d.date), d.working, d.zh, d.en) for d in days] == [
        ("2027-02-05", False, "放假", "Day off"),
        ("2027-10-01", False, "国庆节", "国庆节"),
        ("2027-10-09", True, "国庆节调休", "国庆节调休"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", "The file", "holds no days"),
        (HEAD, "The file", "holds no days"),
        ("2027-10-01,false,国庆节\n", "Line 1", "date,working,name"),
        ("date;working;name\n", "Line 1", "date,working,name"),
        (HEAD + "2026-10-01,false,国庆节\n", "Line 2", "2026-10-01 is not in 2027"),
        (HEAD + "2027-10-01,false,a\n\n2027-10-01,true,b\n", "Line 4", "2027-10-01 stands there twice"),
        (HEAD + "2027-13-01,false,a\n", "Line 2", "2027-13-01"),
        (HEAD + "2027-02-29,false,a\n", "Line 2", "2027-02-29"),
        (HEAD + "十月一日,false,a\n", "Line 2", "十月一日"),
        (HEAD + "2027-10-01,maybe,a\n", "Line 2", "maybe"),
        (HEAD + "2027-10-01,false\n", "Line 2", "3 columns"),
        (HEAD + "2027-10-01,false,a,b\n", "Line 2", "3 columns"),
        (HEAD + '2027-10-01,false,"a\n', "Line 2", "no valid CSV"),
        (HEAD + f"2027-10-01,false,{'长' * 201}\n", "Line 2", "200"),
        (HEAD + "2027-10-01,false,a\0\n", "The file", "U+0000"),
    ],
)
def test_a_bad_csv_names_its_line(codes, text, line, said):
    _, english = refused("csv", text.encode(), codes)

    assert english.startswith(f"{line}: ") and said in english


def test_a_file_in_another_encoding_is_refused(codes):
    chinese, english = refused("csv", HEAD.encode() + "2027-10-01,false,国庆节".encode("gbk"), codes)

    assert english == "Line 2: it is not UTF-8 text. Nothing was imported."
    assert "第 2 行" in chinese


def test_an_ics_is_read_with_its_last_day_excluded(codes):
    content = ics(
        event("国庆节 假期", "20271001", "20271004"),
        event("国庆节 补班", "20271009"),
        event("国庆节", "20270926", None, "CATEGORIES:上班"),
        event("取消的", "20270101", None, "STATUS:CANCELLED"),
        event("元旦", "20270102", None, "DURATION:P2D"),
    )

    days = calendar_files.read("ics", content, 2027, codes)

    assert [(str(d.date), d.working) for d in days] == [
        ("2027-01-02", False),
        ("2027-01-03", False),
        ("2027-09-26", True),
        ("2027-10-01", False),
        ("2027-10-02", False),
        ("2027-10-03", False),
        ("2027-10-09", True),
    ]


@pytest.mark.parametrize(
    ("words", "working"),
    [
        ("国庆节", False),
        ("国庆节(休)", False),
        ("国庆节(班)", True),
        ("国庆节调休", False),
        ("国庆节调休上班", True),
        ("春节补班", True),
        ("不上班", False),
        ("National Day holiday", False),
        ("Working day", True),
        ("Non-working day", False),
    ],
)
def test_the_longest_word_says_whether_a_day_is_worked(codes, words, working):
    assert calendar_files.is_working(codes, words) is working


@pytest.mark.parametrize(
    ("content", "where", "said"),
    [
        (b"", "The file", "ICS"),
        (b"nonsense", "The file", "ICS"),
        (ics(), "The file", "holds no days"),
        (ics(event("国庆节", "20271001", None, "RRULE:FREQ=YEARLY")), "Event 1 “国庆节”", "RRULE"),
        (ics("SUMMARY:会议\r\nDTSTART:20271001T090000Z"), "Event 1 “会议”", "DTSTART must be a date"),
        (ics("SUMMARY:无"), "Event 1 “无”", "DTSTART must be a date"),
        (ics(event("a", "20271001", "20271001")), "Event 1 “a”", "DTEND must come after"),
        (ics(event("a", "20271002", "20271001")), "Event 1 “a”", "DTEND must come after"),
        (ics(event("a", "20270101", "99991231")), "Event 1 “a”", "longer than a year"),
        (ics(event("a", "20271231", "20280102")), "Event 1 “a”", "2028-01-01 is not in 2027"),
        (ics(event("a", "20271001"), event("b", "20271001")), "Event 2 “b”", "twice"),
        (ics(event("a", "2027100")), "Event 1 “a”", "DTSTART"),
        (ics(event("a" * 300, "20271001")), "Event 1 “a", "200"),
        (ics(event("a", "20271001", None, "DURATION:PT1H")), "Event 1 “a”", "whole days"),
        (ics(event("a", "20271001", None, "DURATION:P999999999D")), "Event 1 “a”", "longer than a year"),
        (ics(event("a", "99991231", None, "DURATION:P2D")), "Event 1 “a”", "9999-12-31 is not in 2027"),
        (ics(event("a", "20271001", None, "DURATION:-P1D")), "Event 1 “a”", "DTEND must come after"),
        (ics("DTSTART;VALUE=DATE:20271001\r\nDTSTART;VALUE=DATE:20271002"), "Event 1 “”", "DTSTART"),
    ],
)
def test_a_bad_ics_names_its_event(codes, content, where, said):
    chinese, english = refused("ics", content, codes)

    assert english.startswith(where) and said in english
    assert "未导入" in chinese


@pytest.mark.parametrize(
    "kind", ["BINARY", "BOOLEAN", "DATE", "DATE-TIME", "FLOAT", "INTEGER", "PERIOD", "UTC-OFFSET"]
)
def test_a_category_of_a_type_that_is_no_text_is_refused(codes, kind):
    content = ics(event("a", "20271001", None, f"CATEGORIES;VALUE={kind}:abc"))

    said = refused("ics", content, codes)[1]

    assert "no valid ICS" in said or said.startswith("Event 1 “a”: CATEGORIES")


def test_a_type_that_swallows_the_end_of_the_file_is_no_ics(codes):
    content = ics(event("a", "20271001")).replace(b"END:VCALENDAR", b"VALUE=DATE-TIME:END:VCALENDAR")

    assert "no valid ICS" in refused("ics", content, codes)[1]


@pytest.mark.parametrize(("said", "working"), [("班", True), ("http://x", False)])
def test_a_category_of_another_type_of_text_is_read_as_it_stands(codes, said, working):
    content = ics(event("a", "20271001", None, f"CATEGORIES;VALUE=URI:{said}"))

    (day,) = calendar_files.read("ics", content, 2027, codes)

    assert day.working is working


def test_no_file_breaks_the_reader(codes):
    dice = random.Random(5545)
    seeds = [
        ics(event("国庆节(班)", "20271001", "20271003"), event("b", "20271009", None, "CATEGORIES:班,休"))
    ]
    seeds.append(f"{HEAD}2027-10-01,false,国庆节\n2027-10-09,true,调休\n".encode())
    pieces = [
        b"\r\n",
        b":",
        b";",
        b"0",
        b"BEGIN:VEVENT",
        b"DURATION:P1W",
        b"RDATE:1",
        b"CATEGORIES;VALUE=DATE:",
        b"VALUE=DATE-TIME:",
        b'"',
        b"\xff",
        b"9" * 9,
    ]

    outcomes = set()
    for _ in range(1500 * FUZZ):
        content = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 3)):
            place = dice.randrange(len(content))
            content[place : place + dice.randint(0, 6)] = dice.choice(pieces)
        try:
            outcomes.add(
                len(calendar_files.read(dice.choice(["csv", "ics"]), bytes(content), 2027, codes)) > 0
            )
        except FileRefused:
            outcomes.add("refused")
    assert outcomes == {True, "refused"}


def test_a_year_beyond_all_calendars_is_refused(codes):
    with pytest.raises(YearNotKept):
        calendar_files.read("csv", HEAD.encode(), 1, codes)


def test_days_come_in_their_order(codes):
    text = HEAD + "2027-10-02,false,b\n2027-10-01,false,a\n"

    assert [d.date for d in calendar_files.read("csv", text.encode(), 2027, codes)] == [
        date(2027, 10, 1),
        date(2027, 10, 2),
    ]
