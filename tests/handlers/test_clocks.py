"""The clocks of the scenarios of PROCESS §7 to the minute, and what a look does after a downtime."""

import json
import time
from datetime import timedelta
from itertools import takewhile

import pytest

from handlers import clocks, deadlines, moments
from handlers.clocks import RESOLVE, RESPONSE
from handlers.codes import Code
from handlers.incident import ClockLine, Engagement, WorkOrder
from tests.handlers.conftest import at
from tests.handlers.story import Raises, Story
from tests.handlers.test_calendar import seeded

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def codes():
    """The shipped tables with the public holidays."""
    return seeded()


@pytest.fixture
def begin(codes):
    """A call at second line, as plain values."""
    return lambda reported, **call: Story(codes, reported, **call)


# the scenarios


@pytest.mark.parametrize(
    ("priority", "reported", "response", "resolve"),
    [
        ("P4", at(11, 23, 9, 5), at(11, 23, 14, 35), at(11, 25, 9, 5)),  # S01
        ("P3", at(11, 23, 10, 20), at(11, 23, 13, 50), at(11, 24, 10, 20)),  # S02
        ("P1", at(11, 29, 2, 10), at(11, 29, 2, 25), at(11, 29, 4, 10)),  # S16
        ("P3", at(9, 30, 17), at(10, 8, 9, 30), at(10, 8, 17)),  # S21
        ("P4", at(10, 9, 16), at(10, 10, 10, 30), at(10, 12, 16)),
        ("P3", at(11, 27, 19), at(11, 30, 10, 30), at(11, 30, 18)),
    ],
)
def test_a_call_is_due_as_its_priority_says(begin, priority, reported, response, resolve):
    story = begin(reported, priority=priority)

    assert (story.call.respond_by, story.call.resolve_by) == (response, resolve)


def test_s02_solved_before_its_first_threshold(begin):
    story = begin(at(11, 23, 10, 20), first_response_at=at(11, 23, 10, 25))

    assert story.share(75) == at(11, 23, 17, 50)

    story.until(at(11, 23, 15, 29)).solved(at(11, 23, 15, 30)).until(at(11, 27, 18))

    assert story.asked == []
    assert story.elapsed() == 220
    assert story.call.overdue_at is None


def test_s03_a_full_day_ends_at_closing_time(begin):
    story = begin(at(11, 24, 14))

    assert [story.share(percent) for percent in (50, 75, 100)] == [
        at(11, 24, 18),
        at(11, 25, 10, 30),
        at(11, 25, 14),
    ]

    story.until(at(11, 25, 11, 39)).solved(at(11, 25, 11, 40)).until(at(11, 30, 18))

    assert story.asked == [("11-25 10:30", "T75", "E1")]
    assert story.notices("likely_miss") == [("11-25 10:30", "zhangmin")]
    assert story.elapsed() == 430
    assert story.call.overdue_at is None


def test_s04_two_refusals_move_the_end_by_what_it_stood_still(begin):
    story = begin(at(11, 24, 9), priority="P2")
    assert story.call.resolve_by == at(11, 24, 13)

    story.solved(at(11, 24, 10)).at(at(11, 24, 10, 20), status="ST4", step="200.6", refusal_count=1)
    story.solved(at(11, 24, 11)).at(at(11, 24, 11, 10), status="ST4", step="200.6", refusal_count=2)

    assert (story.share(50), story.share(75)) == (at(11, 24, 11, 30), at(11, 24, 12, 30))
    assert story.call.resolve_by == at(11, 24, 13, 30)
    assert story.paused() == 30

    story.until(at(11, 24, 12, 49)).solved(at(11, 24, 12, 50))

    assert story.notices("likely_miss") == [("11-24 12:30", "zhangmin")]
    assert story.elapsed(at(11, 24, 18)) == 200
    assert story.call.overdue_at is None


def test_s07_a_request_has_no_incident_clock(begin):
    story = begin(at(11, 23, 11), priority="P2").until(at(11, 23, 16))
    assert story.call.overdue_at == at(11, 23, 15)

    story.at(at(11, 23, 16), call_type="SR", priority="SR", classification="SR-ACC-NEW", step="200.3")

    assert story.call.overdue_at is None
    assert story.call.overdue_group is None
    assert story.call.resolve_by == at(11, 24, 11)


def test_a_request_that_was_an_incident_has_all_its_own_moments(begin):
    story = begin(at(11, 23, 11), priority="P2").until(at(11, 23, 16))
    story.at(at(11, 23, 16), call_type="SR", priority="SR", classification="SR-ACC-NEW", step="200.3")

    story.until(at(11, 24, 11, 1))

    assert story.said("escalation_below")[-2:] == [
        ("11-24 09:00", "T75 E1, E3"),
        ("11-24 11:00", "T100 E2, E3"),
    ]
    assert story.call.overdue_at == at(11, 24, 11)


def test_s17_a_p1_that_nobody_solves(begin):
    night = at(11, 29, 2, 10)
    story = begin(night, priority="P1", major=True, major_declared_at=night, category="HST")

    story.until(at(11, 29, 5, 19)).solved(at(11, 29, 5, 20)).until(at(11, 30, 18))

    shares = [one for one in story.asked if one[1] != "X9"]
    assert [(when, level) for when, _, level in shares] == [
        ("11-29 02:40", "E3"),
        ("11-29 03:40", "E4"),
        ("11-29 04:10", "E4"),
        ("11-29 04:40", "E4"),
        ("11-29 05:10", "E4"),
    ]
    assert story.notices("likely_miss") == [("11-29 03:40", "zhangmin")]
    assert story.elapsed() == 190
    assert (story.call.overdue_at, story.call.overdue_group) == (at(11, 29, 4, 10), "WG-SD")


def test_s18_held_for_the_customer_over_lunch(begin):
    story = begin(at(11, 25, 9))
    assert (story.call.resolve_by, story.share(75)) == (at(11, 26, 9), at(11, 25, 16, 30))

    story.held(at(11, 25, 10))
    assert story.call.resolve_by is None
    story.until(at(11, 25, 14, 59)).resumed(at(11, 25, 15))

    assert story.asked == []
    assert story.paused() == 210
    assert (story.call.resolve_by, story.share(75)) == (at(11, 26, 14), at(11, 26, 10, 30))


def test_s19_held_over_the_weekend(begin):
    story = begin(at(11, 27, 16))
    assert story.call.resolve_by == at(11, 30, 16)

    story.held(at(11, 27, 17)).resumed(at(11, 30, 10))

    assert story.paused() == 150
    assert story.call.resolve_by == at(12, 1, 9)


@pytest.mark.parametrize(
    ("solved", "elapsed", "overdue"),
    [
        (at(11, 25, 18), 480, None),
        (at(11, 25, 20), 480, None),
        (at(11, 26, 8, 30), 480, None),
        (at(11, 26, 8, 31), 481, at(11, 25, 18)),
    ],
)
def test_s22_on_time_to_the_last_minute(begin, solved, elapsed, overdue):
    story = begin(at(11, 25, 8, 30))
    assert story.call.resolve_by == at(11, 25, 18)

    story.until(solved - MINUTE).solved(solved)

    assert story.elapsed() == elapsed
    assert story.call.overdue_at == overdue


def test_s22_the_hundredth_percent_is_told_at_the_end_and_the_flag_comes_a_minute_after(begin):
    story = begin(at(11, 25, 8, 30)).until(at(11, 26, 8, 30))

    assert [one for one in story.asked if one[1] == "T100"] == [("11-25 18:00", "T100", "E2")]
    assert story.call.overdue_at is None
    assert story.call.look_at == at(11, 26, 8, 31)


def test_s23_raised_it_begins_anew_and_the_old_thresholds_are_void(begin):
    story = begin(at(11, 25, 9, 30), status="ST2", step="200.2")
    assert story.call.resolve_by == at(11, 26, 9, 30)

    story.until(at(11, 25, 11, 10)).raised(at(11, 25, 11, 10), "P1")

    assert story.call.resolve_by == at(11, 25, 13, 10)
    assert (story.share(25), story.share(75)) == (at(11, 25, 11, 40), at(11, 25, 12, 40))
    assert clocks.total(story.resolve, story.now, story.codes) == 100

    story.until(at(11, 25, 13, 5))

    assert [one for one in story.asked if one[1] != "X9"] == [
        ("11-25 11:40", "T25", "E3"),
        ("11-25 12:40", "T75", "E4"),
    ]


def test_s25_a_lowering_after_the_breach_clears_nothing(begin):
    story = begin(at(11, 26, 9), priority="P2", assigned_group="WG-APP").until(at(11, 26, 13, 20))
    assert (story.call.overdue_at, story.call.overdue_group) == (at(11, 26, 13), "WG-APP")

    story.raised(at(11, 26, 13, 20), "P4")

    assert story.call.resolve_by == at(11, 30, 9)
    assert story.call.overdue_at == at(11, 26, 13)
    late = clocks.breached(story.resolve, story.now, story.codes)
    assert (late.priority, late.number) == ("P2", 1)
    assert story.elapsed(at(11, 26, 18)) == story.elapsed(at(11, 26, 14)) + 240
    assert clocks.total(story.resolve, at(11, 26, 18), story.codes) == 450


def test_s26_the_parent_of_many_is_due_earlier_and_its_children_leave_the_level_to_it(begin):
    parent = begin(at(11, 25, 10, 5), priority="P2", status="ST2", step="200.2")
    assert parent.call.resolve_by == at(11, 25, 14, 5)
    child = begin(at(11, 25, 10, 8), priority="P2", parent=parent.call.no).held(at(11, 25, 10, 10), "H3")

    parent.raised(at(11, 25, 10, 12), "P1").until(at(11, 25, 10, 45))
    child.until(at(11, 25, 15))

    assert parent.call.resolve_by == at(11, 25, 12, 12)
    assert parent.asked == [("11-25 10:42", "T25", "E3")]
    assert child.asked == []
    assert child.said("escalation_left_to_parent")[0] == ("11-25 12:08", f"T50 E1 {parent.call.no}")


# what the record does to a clock


def test_a_raise_keeps_the_end_where_little_time_is_left(begin):
    story = begin(at(11, 25, 9), priority="P2").raised(at(11, 25, 12, 30), "P1")

    assert story.call.resolve_by == at(11, 25, 13)
    assert (story.resolve.now.minutes, story.resolve.now.target) == (30, 120)


def test_a_raise_while_held_does_not_charge_the_hold(begin):
    story = begin(at(11, 25, 9)).held(at(11, 25, 10)).raised(at(11, 25, 11), "P2")

    story.resumed(at(11, 25, 12))

    assert story.call.resolve_by == at(11, 25, 16)
    assert clocks.total(story.resolve, at(11, 25, 13), story.codes) == 60 + 60


def test_a_raise_while_held_keeps_the_time_that_was_left(begin):
    story = begin(at(11, 25, 9), priority="P2").held(at(11, 25, 11)).raised(at(11, 25, 12, 30), "P1")

    story.resumed(at(11, 25, 12, 30))

    assert story.call.resolve_by == at(11, 25, 14, 30)


def test_a_lowering_counts_the_pauses_so_far_on_the_new_calendar(begin):
    story = begin(at(11, 25, 9), priority="P2").held(at(11, 25, 11)).resumed(at(11, 25, 14))
    assert story.call.resolve_by == at(11, 25, 16)

    story.raised(at(11, 25, 15), "P3")

    assert story.paused() == 90
    assert story.call.resolve_by == at(11, 26, 10, 30)


def test_a_lowering_while_held_counts_the_whole_hold_on_the_new_calendar(begin):
    story = begin(at(11, 25, 9), priority="P2").held(at(11, 25, 11)).raised(at(11, 25, 11, 30), "P3")

    story.resumed(at(11, 25, 14))

    assert story.paused() == 90
    assert story.call.resolve_by == at(11, 26, 10, 30)


def test_a_target_edited_later_does_not_touch_a_clock_that_runs(begin, codes):
    story = begin(at(11, 25, 9))
    row = codes.row("priority", "P3")
    revised = type(row)("priority", "P3", "", "", data={**row.data, "resolve": 60})

    story.codes = seeded(revised)
    story.at(at(11, 25, 10))

    assert story.call.resolve_by == at(11, 26, 9)


def test_a_breach_stays_with_the_group_that_held_the_call(begin):
    story = begin(at(11, 26, 9), priority="P2", assigned_group="WG-APP").until(at(11, 26, 13, 20))

    story.at(at(11, 26, 14), assigned_group="WG-HST").until(at(11, 26, 15))

    assert (story.call.overdue_at, story.call.overdue_group) == (at(11, 26, 13), "WG-APP")


def test_a_withdrawal_after_a_refusal_ends_the_clock_then_and_not_at_the_old_solution(begin):
    story = begin(at(11, 24, 9), priority="P2").solved(at(11, 24, 10))
    story.at(at(11, 24, 10, 20), status="ST4", step="200.6", refusal_count=1)

    story.at(at(11, 24, 11), status="ST8", step="200.10")

    assert story.elapsed(at(11, 24, 18)) == 100


def test_a_solution_recorded_late_stops_the_clock_when_it_was(begin):
    story = begin(at(11, 24, 9), priority="P2")

    story.at(at(11, 24, 10, 20), status="ST7", step="200.9", resolved_at=at(11, 24, 10))

    assert story.elapsed(at(11, 24, 18)) == 60


def test_a_solution_that_is_entered_after_the_end_but_came_before_it_is_on_time(begin):
    story = begin(at(11, 24, 9), priority="P2").until(at(11, 24, 13, 5))
    assert story.call.overdue_at == at(11, 24, 13)

    story.at(at(11, 24, 13, 10), status="ST7", step="200.9", resolved_at=at(11, 24, 12, 50))

    assert story.elapsed() == 230
    assert (story.call.overdue_at, story.call.overdue_group) == (None, None)


def test_a_breach_is_none_where_the_day_is_no_working_day_any_more(begin):
    story = begin(at(11, 24, 9)).until(at(11, 25, 10))
    assert story.call.overdue_at == at(11, 25, 9)

    story.codes = seeded(
        Code("calendar_day", "BH 2026-11-24", "", "", data={"calendar": "BH", "working": False})
    )
    story.at(at(11, 25, 10))

    assert story.call.resolve_by == at(11, 25, 18)
    assert story.call.overdue_at is None


def test_a_closed_call_that_comes_back_is_not_charged_for_the_time_between(begin):
    story = begin(at(11, 24, 9), priority="P2").solved(at(11, 24, 10))
    story.at(at(11, 24, 11), status="ST8", step="200.10")

    story.at(at(11, 25, 9), status="ST4", step="200.6", reopen_count=1)

    assert story.call.resolve_by == at(11, 25, 12)
    assert story.elapsed(at(11, 25, 10)) == 120


@pytest.mark.parametrize(
    ("priority", "elapsed", "due"), [("P3", 10, at(11, 25, 16, 50)), ("P1", 1920, at(11, 23, 11))]
)
def test_a_wait_before_the_call_was_judged_is_not_charged_unless_it_must_not_wait(
    begin, priority, elapsed, due
):
    story = begin(at(11, 23, 9), priority=None, prioritised_at=None, status="ST1", step="200.2")
    story.held(at(11, 23, 9, 10)).resumed(at(11, 24, 17))

    story.at(at(11, 24, 17), priority=priority, prioritised_at=at(11, 24, 17))

    assert (story.elapsed(), clocks.due(story.resolve, story.codes)) == (elapsed, due)


def test_a_solution_dated_before_a_raise_ends_the_time_before_it(begin):
    story = begin(at(11, 24, 9), priority="P2").raised(at(11, 24, 10, 20), "P1")

    story.at(at(11, 24, 10, 25), status="ST7", step="200.9", resolved_at=at(11, 24, 10))
    assert clocks.total(story.resolve, story.now, story.codes) == 60
    story.at(at(11, 24, 10, 40), status="ST4", step="200.6", refusal_count=1)

    assert clocks.total(story.resolve, at(11, 24, 10, 50), story.codes) == 70
    assert [clocks.paused_minutes(one, story.codes) for one in story.resolve.segments] == [20, 20]


def test_only_holds_that_stop_the_clock_stop_it(begin):
    story = begin(at(11, 25, 9)).held(at(11, 25, 10), "H2")

    assert story.call.resolve_by == at(11, 26, 9)
    assert story.elapsed(at(11, 25, 11)) == 120


def test_the_first_response_is_on_record_for_good(begin):
    story = begin(at(11, 25, 9), first_response_at=None)
    story.at(at(11, 25, 9, 30), first_response_at=at(11, 25, 9, 30))

    story.raised(at(11, 25, 15), "P1").until(at(11, 25, 15, 1))

    response = story.shown[RESPONSE]
    assert clocks.elapsed(response, response.now, at(11, 25, 18), story.codes) == 30
    assert len(response.segments) == 1


def test_the_log_lines_tell_the_clocks_again(begin):
    story = begin(at(11, 25, 9)).held(at(11, 25, 10)).raised(at(11, 25, 11), "P2").resumed(at(11, 25, 12))

    told = clocks.replay(clocks.events(story.lines))

    assert told == story.shown
    assert told[RESOLVE].now.priority == "P2"


# looks


def test_a_look_that_came_early_asks_for_the_next_one(begin):
    story = begin(at(11, 24, 9), priority="P2")
    story.now = at(11, 24, 9, 30)

    verb = deadlines.follow(story.case, story.scene)
    look = deadlines.follow(story.case, story.scene, again=True)

    assert verb.jobs == ()
    assert [job.due for job in look.jobs] == [at(11, 24, 10)]


def test_after_a_downtime_the_highest_acts_once_and_the_log_names_the_others(begin):
    story = begin(at(11, 24, 9), priority="P2")

    story.look(at(11, 24, 15, 30))

    assert story.asked == [("11-24 15:30", "T150", "E4")]
    skipped = story.said("escalation_skipped")
    assert skipped == [("11-24 15:30", "T50 E1, T75 E2, T100 E3, X9 E1, X9 E2")]
    assert any('"skipped": [50, 75, 100]' in text for _, text in story.said("clock"))
    assert story.call.overdue_at == at(11, 24, 13)


def test_of_what_was_missed_for_twenty_years_the_last_acts_and_the_log_stays_short(begin):
    story = begin(at(11, 24, 9) - timedelta(days=7305), priority="P1")

    began = time.perf_counter()
    story.look(at(11, 24, 9, 40))
    took = time.perf_counter() - began

    marks = {line.field: json.loads(line.new) for line in story.lines if '"fired"' in line.new}
    resolve, update = marks["resolve/1"], next(v for k, v in marks.items() if k.startswith("update"))
    minutes = 7305 * 24 * 60 + 40
    assert resolve["upto"] == minutes * 100 // 120 // 25 * 25 and resolve["more"]
    assert update["upto"] == minutes // 30 * 100 and update["more"]
    assert len(resolve["skipped"]) == moments.MOST and max(len(text) for _, _, text in story.log) < 3000
    assert story.asked[-1][1:] == (f"T{resolve['upto']}", "E4")
    assert at(11, 24, 9, 40) < story.call.look_at <= at(11, 24, 10, 10)
    assert took < 1


@pytest.mark.parametrize("priority", ["P1", "P2", "P3"])
def test_however_few_are_told_of_the_last_of_a_row_is_the_one_that_is_due(begin, monkeypatch, priority):
    monkeypatch.setattr(moments, "MOST", 2)
    story = begin(at(11, 24, 9), priority=priority)
    longest = timedelta(days=9)

    for minutes in range(0, int(longest / MINUTE), 97):
        now = at(11, 24, 9) + minutes * MINUTE
        for row in moments.rows(story.case, story.shown, story.scene):
            every = [*takewhile(lambda one, now=now: one.at <= now, row.after(0))]

            due, left_out = moments.due(row, story.shown, now)

            assert due == [*every[:2], *every[2:][-1:]]
            assert left_out is (len(every) > 3)


@pytest.mark.parametrize(
    ("number", "name"), [(25, "25"), (100.0, "100"), (62.5, "62.5"), (8766000, "8766000"), (0.25, "0.25")]
)
def test_a_share_is_written_without_an_exponent(number, name):
    assert moments.Moment(number, at(11, 24, 9)).name == name


def test_a_look_that_is_had_twice_early_or_too_late_changes_nothing(begin):
    story = begin(at(11, 24, 9), priority="P2")
    story.look(at(11, 24, 9, 30))
    before = (story.call, list(story.log), list(story.told))
    story.look(at(11, 24, 9, 31))
    assert (story.call, story.log, story.told) == before

    story.look(at(11, 24, 11)).look().look(at(11, 24, 11, 0))
    assert story.asked == [("11-24 11:00", "T50", "E1")]

    story.solved(at(11, 24, 11, 30))
    before = (story.call, list(story.log), list(story.told))
    story.look(at(11, 24, 18)).look(at(11, 30, 18))
    assert (story.call, story.log, story.told) == before
    assert story.call.look_at is None


def test_a_raise_after_the_old_end_calls_once_and_reminds_in_the_distance_of_the_target(begin):
    story = begin(at(11, 24, 9), priority="P2").until(at(11, 24, 13, 20))
    known = len(story.asked)

    story.raised(at(11, 24, 13, 30), "P1").until(at(11, 24, 15))

    assert story.resolve.now.minutes == 0
    assert [one for one in story.asked[known:] if one[1] != "X9"] == [
        ("11-24 13:30", "T100", "E4"),
        ("11-24 14:00", "T125", "E4"),
        ("11-24 14:30", "T150", "E4"),
        ("11-24 15:00", "T175", "E4"),
    ]
    assert ("11-24 13:30", "likely_miss", "zhangmin") in story.told
    assert story.call.overdue_at == at(11, 24, 13)


@pytest.mark.parametrize(
    ("priority", "reminders"),
    [
        ("P2", ["11-24 17:00", "11-24 19:00", "11-24 21:00"]),
        ("P3", ["11-26 14:30", "11-27 14:30", "11-30 14:30"]),
        ("P4", ["12-01 09:00", "12-03 09:00", "12-07 09:00"]),
    ],
)
def test_beyond_the_timetable_reminders_keep_their_distance(begin, priority, reminders):
    story = begin(at(11, 24, 9), priority=priority)
    first = story.codes.row("escalation_timetable", priority).data["again"]["from"]

    story.until(at(12, 7, 10) if priority != "P2" else at(11, 24, 21, 30))

    shares = [(when, float(code[1:])) for when, code, _ in story.asked if code[0] == "T"]
    assert [when for when, share in shares if share >= first][:3] == reminders


def test_shares_sleep_while_a_hold_stops_the_clock_and_the_customer_is_reminded(begin):
    story = begin(at(11, 23, 9)).held(at(11, 23, 10)).until(at(11, 30, 11))

    assert story.asked == []
    assert [when for when, who in story.notices("hold_reminder") if who == "zhangmin"] == [
        "11-24 10:00",
        "11-26 10:00",
        "11-30 10:00",
    ]


def test_a_silent_second_line_is_told_at_the_limit_and_escalated_at_twice(begin):
    order = WorkOrder(
        call="SD202611230001",
        seq=1,
        no="SD202611230001-1",
        type="DSP",
        status="W1",
        group="WG-TRM",
        created_at=at(11, 24, 9, 10),
        due_accept=at(11, 24, 9, 25),
    )
    story = begin(at(11, 24, 9), priority="P2").at(at(11, 24, 9, 10), order, status="ST3", step="200.5")

    story.until(at(11, 24, 9, 45))

    assert story.asked == [("11-24 09:25", "X3", "E1"), ("11-24 09:40", "X3", "E2")]


def test_an_accepted_order_calls_for_nobody(begin):
    request = {"call_type": "SR", "priority": "SR", "classification": "SR-ACC-NEW"}
    order = WorkOrder(
        call="SD202611230001",
        seq=1,
        no="SD202611230001-1",
        type="SRQ",
        status="W2",
        created_at=at(11, 24, 9, 10),
        due_accept=at(11, 24, 14, 40),
    )

    story = begin(at(11, 24, 9), status="ST9", step="200.3", **request)
    story.at(at(11, 24, 9, 10), order).until(at(11, 24, 15))

    assert (story.asked, story.said("escalation_told")) == ([], [])


@pytest.mark.parametrize("kind", ["ONS", "COL"])
def test_help_beside_the_dispatch_that_nobody_accepts_is_no_silent_dispatch(begin, kind):
    silent = {"call": "SD202611230001", "status": "W1", "created_at": at(11, 24, 9, 10)}
    asked = WorkOrder(seq=1, no="SD202611230001-01", type=kind, due_accept=at(11, 24, 9, 25), **silent)
    sent = WorkOrder(seq=2, no="SD202611230001-02", type="DSP", due_accept=at(11, 24, 10), **silent)
    story = begin(at(11, 24, 9), priority="P2").at(at(11, 24, 9, 45), asked, sent, status="ST3", step="200.5")

    story.until(at(11, 24, 9, 59))
    assert story.asked == []

    story.until(at(11, 24, 10))
    assert story.asked == [("11-24 10:00", "X3", "E1")]


@pytest.mark.parametrize(("call_type", "kind"), [("SR", "SRQ"), ("CMP", "CMP")])
def test_a_request_that_nobody_accepts_is_told_of(begin, call_type, kind):
    handed = {"call_type": call_type, "priority": call_type, "classification": "SR-ACC-NEW"}
    order = WorkOrder(
        call="SD202611230001",
        seq=1,
        no="SD202611230001-01",
        type=kind,
        status="W1",
        created_at=at(11, 24, 9, 10),
        due_accept=at(11, 24, 10),
    )

    story = begin(at(11, 24, 9), status="ST9", step="200.3", **handed)
    story.at(at(11, 24, 9, 10), order).until(at(11, 24, 10))

    assert story.said("escalation_told") == [("11-24 10:00", "X3 E1")]


def test_the_interval_of_updates_begins_anew_after_a_hold(begin):
    story = begin(at(11, 24, 9), priority="P2").held(at(11, 24, 9, 30))
    assert story.call.update_by is None

    story.resumed(at(11, 24, 11))

    assert story.call.update_by == at(11, 24, 12)


def test_a_call_that_was_handed_off_is_told_of_and_not_escalated(begin):
    request = {"call_type": "SR", "priority": "SR", "classification": "SR-ACC-NEW"}
    story = begin(at(11, 24, 9), status="ST9", step="200.3", **request)

    story.until(at(11, 25, 9))

    assert story.asked == []
    assert story.said("escalation_told") == [("11-24 16:30", "T75 E1"), ("11-25 09:00", "T100 E2")]


def test_a_bank_may_have_its_levels_called_by_hand_only(codes):
    by_hand = Code("policy", "automatic_escalation", "", "", data={"value": False})
    story = Story(seeded(by_hand), at(11, 24, 9), priority="P2").until(at(11, 24, 13))

    assert story.asked == []
    assert story.said("escalation_not_automatic")[0] == ("11-24 11:00", "T50 E1")


def test_a_broken_promise_calls_for_e1_once(begin):
    promised = Engagement(seq=1, kind="vendor", work_order=1, vendor="V-ATM", promised_at=at(11, 24, 10))
    story = begin(at(11, 24, 9)).at(at(11, 24, 9, 10), promised, status="ST5", step="200.8")

    story.until(at(11, 24, 12))

    assert story.asked == [("11-24 10:00", "X8", "E1")]


def test_no_response_and_no_update_call_for_a_level(begin):
    story = begin(at(11, 24, 9), priority="P2", first_response_at=None).until(at(11, 24, 11))

    assert story.asked[0] == ("11-24 09:30", "X2", "E2")
    assert story.said("escalation_below")[0] == ("11-24 11:00", "T50 E1, E2")


@pytest.mark.parametrize(
    ("priority", "reported", "answered", "asked"),
    [
        ("P2", at(11, 24, 10), at(11, 24, 10, 40), [("11-24 10:40", "X2", "E2")]),
        ("P2", at(11, 24, 10), at(11, 24, 10, 30), []),
        ("P3", at(11, 24, 9, 30), at(11, 24, 11, 40), [("11-24 11:40", "X2", "E1")]),
    ],
)
def test_a_response_that_came_too_late_calls_for_a_level_when_it_is_known(
    begin, priority, reported, answered, asked
):
    story = begin(reported, priority=None, prioritised_at=None, first_response_at=None)

    story.at(answered, priority=priority, prioritised_at=answered, first_response_at=answered).until(answered)
    story.until(at(11, 24, 13, 45))

    assert [one for one in story.asked if one[1] == "X2"] == asked


def test_thresholds_missed_together_do_not_skip_the_caller_or_the_groups_that_are_told_too(
    begin, monkeypatch
):
    monkeypatch.setattr(Raises, "leaders", lambda self, group: (group,), raising=False)
    story = begin(at(11, 24, 9), priority="P1")

    story.look(at(11, 24, 11, 45))

    assert story.asked == [("11-24 11:45", "T125", "E4")]
    assert ("11-24 11:45", "likely_miss", "zhangmin") in story.told
    assert ("11-24 11:45", "escalation_status", "WG-EMG") in story.told


def test_a_clock_line_from_the_log_is_an_instant_with_its_offset():
    line = clocks.line(clocks.event(RESOLVE, "pause", at(11, 24, 9), why="H1"))

    (event,) = clocks.events([ClockLine(field=line.field, new=line.text)])

    assert event == clocks.event(RESOLVE, "pause", at(11, 24, 9), why="H1")
