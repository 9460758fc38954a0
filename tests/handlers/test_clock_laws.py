"""The laws of clocks (PROCESS §6.11, 7-12) over random lives of a call, on plain values to the second."""

from datetime import timedelta

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from handlers import calendar, clocks
from handlers.clocks import RESOLVE
from handlers.triggers import OVER
from tests.handlers.conftest import at
from tests.handlers.story import Story
from tests.handlers.test_calendar import seeded

CODES = seeded()
PRIORITIES = ("P1", "P2", "P3", "P4")
CLOSE = 1e-4  # minutes; instants have microseconds
BEGIN = st.integers(0, 9 * 24 * 3600).map(lambda seconds: at(9, 28, 8) + timedelta(seconds=seconds))
GAPS = st.one_of(st.integers(0, 3600), st.integers(0, 5 * 3600), st.integers(0, 4 * 24 * 3600))
MOVES = {
    "ST4": ("hold", "hold", "solve", "solve", "close"),
    "ST6": ("resume", "resume", "resume", "close"),
    "ST7": ("refuse", "refuse", "close"),
    "ST8": ("reopen",),
}
EVENTS = st.lists(st.tuples(GAPS, st.integers(0, 59), st.booleans()), min_size=1, max_size=12)


class Life(Story):
    """A call with the stretches in which its resolve clock ran, noted beside the clock."""

    def __init__(self, reported, priority):
        self.ran, self.running = [], reported
        super().__init__(CODES, reported, priority=priority)

    def happen(self, gap, choice, awake):
        """Time passes, with looks where the workers are `awake`; then one of the things that can happen."""
        self.pass_(gap, awake)
        return self.do(choice)

    def pass_(self, gap, awake):
        """Time passes; where the workers are not awake, nobody looks."""
        moment = self.now + timedelta(seconds=gap)
        if awake:
            self.until(moment)
        self.at(moment)

    def do(self, choice):
        """One of the things that can happen now; returns which."""
        now, status = self.now, self.call.status
        fits = (*MOVES[status], *(PRIORITIES if status != "ST8" else ()))
        kind = fits[choice % len(fits)]
        note(f"{self.clock}:{now.second:02} {kind}")
        match kind:
            case "hold":
                self.held(now)
            case "resume":
                self.resumed(now)
            case "solve":
                self.solved(now)
            case "close":
                self.at(now, status="ST8", step="200.10", closed_at=now)
            case "refuse" | "reopen":
                self.at(now, status="ST4", step="200.6")
            case priority:
                self.raised(now, priority)
        self.count()
        return kind

    def count(self):
        """Keep the stretch that has just ended, or see a new one begin."""
        runs = self.call.status == "ST4"
        if self.running is not None and not runs:
            self.ran.append((self.running, self.now))
        self.running = (self.running or self.now) if runs else None

    def used(self):
        """What each segment has used up by now, as its clock tells it."""
        clock = self.resolve
        return [clocks.elapsed(clock, one, self.now, CODES) for one in clock.segments]

    def counted(self, segment):
        """What the segment should have used up by now."""
        stretches = [*self.ran, *([(self.running, self.now)] if self.running else [])]
        return sum(
            calendar.measure(CODES, segment.calendar, max(since, segment.start), until)
            for since, until in stretches
            if until > segment.start
        )


def lives(test):
    """Random lives, the same ones in every run unless `make fuzz` asks for others."""
    chosen = given(BEGIN, st.sampled_from(PRIORITIES), EVENTS)
    return settings(max_examples=80, deadline=None, derandomize=True, database=None)(chosen(test))


@lives
def test_pauses_and_elapsed_time_are_what_was_counted(begin, priority, events):
    life = Life(begin, priority)

    for event in events:
        life.happen(*event)

        clock = life.resolve
        assert all(clocks.paused_minutes(one, CODES) >= 0 for one in clock.segments)
        assert life.elapsed() == pytest.approx(life.counted(clock.now), abs=CLOSE)


@lives
def test_elapsed_time_never_falls_and_stands_while_the_clock_stands(begin, priority, events):
    life = Life(begin, priority)

    for event in events:
        stands, used = bool(life.resolve.paused), life.used()
        life.happen(*event)

        now = life.used()
        assert all(old >= 0 and new >= old - CLOSE for old, new in zip(used, now, strict=False))
        constant = used if stands else used[:-1]
        assert now[: len(constant)] == pytest.approx(constant, abs=CLOSE)


@lives
def test_a_raise_never_moves_the_end_later_and_nothing_clears_a_breach(begin, priority, events):
    life = Life(begin, priority)

    for gap, choice, awake in events:
        life.pass_(gap, awake)
        due, breach, old = life.call.resolve_by, life.call.overdue_at, life.call.priority
        kind = life.do(choice)

        if due and kind in PRIORITIES and CODES.rank(kind) < CODES.rank(old):
            assert life.call.resolve_by <= max(due, life.now)
        if breach:
            assert (life.call.overdue_at, life.call.overdue_group) == (breach, "WG-SD")


@lives
def test_a_pause_moves_the_end_by_its_length(begin, priority, events):
    life = Life(begin, priority)

    running = life.resolve

    for event in events:
        before = life.resolve
        life.happen(*event)
        clock = life.resolve

        if not before.paused:
            running = before
        elif not clock.paused and clock.now.number == running.now.number:
            on, due = clock.now.calendar, clocks.due(running, CODES)
            length = calendar.measure(CODES, on, before.paused, life.now)
            moved = calendar.measure(CODES, on, due, life.call.resolve_by)
            assert moved == pytest.approx(length, abs=CLOSE)


@lives
def test_at_its_end_a_clock_has_used_its_time_and_a_breach_lies_there(begin, priority, events):
    life = Life(begin, priority)

    for event in events:
        life.happen(*event)

        clock = life.resolve
        if life.call.resolve_by and life.call.resolve_by >= life.now:
            assert life.elapsed(life.call.resolve_by) == pytest.approx(clock.now.minutes, abs=CLOSE)
        if life.call.overdue_at:
            late = clocks.breached(clock, life.now, CODES)
            assert clocks.breach(late, CODES) == life.call.overdue_at
            used = clocks.elapsed(clock, late, life.call.overdue_at, CODES)
            assert used == pytest.approx(late.minutes, abs=CLOSE)


@lives
def test_each_moment_acts_once_and_the_level_only_rises(begin, priority, events):
    life = Life(begin, priority)
    level = 0

    for event in events:
        life.happen(*event)

        present = life.call.escalation_level
        rank = CODES.row("escalation_level", present).data["rank"] if present else 0
        assert rank >= level
        level = rank
        assert life.case.escalation is None or life.call.status not in OVER
    fired = [(one.clock, one.data["upto"]) for one in clocks.events(life.lines) if one.do == "fired"]
    for key in {key for key, _ in fired}:
        marks = [upto for name, upto in fired if name == key]
        assert marks == sorted(set(marks))


@lives
def test_one_look_does_all_that_is_due(begin, priority, events):
    life = Life(begin, priority)

    for event in events:
        life.happen(*event)
        asked = len(life.asked)
        life.look()

        assert len(life.asked) <= asked + 1
        assert life.call.look_at is None or life.call.look_at > life.now
        before = (life.call, len(life.log), len(life.told))
        life.look()
        assert (life.call, len(life.log), len(life.told)) == before


@lives
def test_the_log_tells_the_clocks_again(begin, priority, events):
    life = Life(begin, priority)

    for event in events:
        life.happen(*event)

    assert clocks.replay(clocks.events(life.lines))[RESOLVE] == life.resolve
