"""A call of plain values whose record changes while time passes: its clocks act as the desk lets them act."""

from dataclasses import replace

from handlers import clocks, deadlines, escalation, targets
from handlers.incident import Case, ClockLine, Escalation, Hold, Incident, Scene, rows
from handlers.triggers import OVER
from tests.handlers.conftest import SHANGHAI, NoFacts, actor

KEPT = {
    "escalation": tuple(Escalation.__dataclass_fields__),
    "escalation_raise": ("escalation", "trigger", "level", "segment"),
}


class Raises(NoFacts):
    """The triggers that were registered in a story."""

    def __init__(self, kept):
        self.kept = [tuple(one.values()) for (table, _), one in kept.items() if table == "escalation_raise"]

    def registered(self, call, *key):
        return key in self.kept

    def last_raise(self, call):
        return len(self.kept) or None


class Story:
    """`at` changes the record and follows its clocks, `until` looks at every moment that comes."""

    def __init__(self, codes, reported, **call):
        first = {"priority": "P3", "status": "ST4", "step": "200.6", "call_type": "INC", "owner": "lina"}
        self.codes, self.now = codes, reported
        self.call = Incident(
            no="SD202611230001",
            version=1,
            owner_group="WG-SD",
            reported_at=reported,
            recorded_at=reported,
            recorded_by="lina",
            caller="zhangmin",
            **{**first, "prioritised_at": reported, "first_response_at": reported, **call},
        )
        self.others, self.lines, self.kept = [], [], {}
        self.asked, self.told, self.log, self.looks = [], [], [], []
        self.at(reported)

    @property
    def scene(self):
        return Scene(actor("system"), self.now, self.codes, Raises(self.kept))

    @property
    def case(self):
        own = [
            Escalation(seq=seq, **values)
            for (table, seq), values in self.kept.items()
            if table == "escalation"
        ]
        return Case(self.call, rows(*self.others, *own, *self.lines))

    @property
    def shown(self):
        """The clocks as they stand now."""
        return targets.follow(self.case, self.scene)[0]

    @property
    def resolve(self):
        return self.shown[clocks.RESOLVE]

    def at(self, moment, *others, **changes):
        """Something happens to the record; what hangs on it is replaced by `others` of the same kind."""
        self.now = moment
        kinds = {type(one) for one in others}
        self.others = [one for one in self.others if type(one) not in kinds] + list(others)
        self.call = replace(self.call, **changes)
        if self.call.status in OVER:
            self.take(escalation.end_escalation(self.case, {}, self.scene))
        return self.take(deadlines.follow(self.case, self.scene))

    def held(self, moment, hold="H1"):
        """The call goes on hold."""
        opened = Hold(seq=len(self.holds) + 1, reason=hold, from_at=moment)
        changes = {"status": "ST6", "hold": hold, "held_from": self.call.status}
        return self.at(moment, *self.holds, opened, **changes)

    def resumed(self, moment):
        """The hold is over."""
        over = [replace(one, resumed_at=one.resumed_at or moment) for one in self.holds]
        return self.at(moment, *over, status=self.call.held_from, hold=None, held_from=None)

    def solved(self, moment):
        """Solved, and recorded at once."""
        return self.at(moment, status="ST7", step="200.9", resolved_at=moment)

    def raised(self, moment, priority):
        """Another priority, higher or lower."""
        return self.at(moment, priority=priority, segment=self.call.segment + 1)

    def look(self, moment=None):
        """The job is due, or comes at any other time."""
        self.now = moment or self.now
        self.looks.append(self.now)
        self.take(deadlines.look(self.case, {}, self.scene))
        return self.take(deadlines.follow(self.case, self.scene, again=True))

    def until(self, moment):
        """Every look that the call asks for until then, one after the other."""
        while self.call.look_at and self.call.look_at <= moment:
            assert len(self.looks) < 1000, "it asks for a look again and again"
            self.look(max(self.call.look_at, self.now))
        self.now = moment
        return self

    def take(self, outcome):
        """What the desk does with a decision, and the workers with the jobs that act on an escalation."""
        outcome = deadlines.told(self.case, outcome, self.scene)
        self.call = replace(self.call, **outcome.changes)
        for line in outcome.lines:
            self.log.append((self.clock, line.what, line.text))
            if line.what == clocks.LINE:
                self.lines.append(ClockLine(field=line.field, new=line.text))
        for row in (one for one in outcome.rows if one.table in KEPT):
            given = {name: row.values[name] for name in KEPT[row.table] if name in row.values}
            self.kept[row.table, row.seq] = self.kept.get((row.table, row.seq), {}) | given
        self.told += [(self.clock, one.event, one.recipient) for one in outcome.notices]
        for job in outcome.jobs:
            if job.kind == "start_or_send":
                self.asked.append((self.clock, job.payload["data"]["trigger"], job.payload["data"]["level"]))
                self.take(escalation.register(self.case, job.payload["variables"], self.scene))
        return self

    @property
    def holds(self):
        return [one for one in self.others if isinstance(one, Hold)]

    @property
    def clock(self):
        """What the wall clock shows, as text."""
        return self.now.astimezone(SHANGHAI).strftime("%m-%d %H:%M")

    # figures

    def share(self, percent, number=None):
        """When this share of the resolve clock has passed."""
        segment = self.resolve.segments[number - 1] if number else self.resolve.now
        return clocks.instant(segment, percent / 100, self.codes)

    def elapsed(self, moment=None):
        """The minutes of the present segment used up."""
        return clocks.elapsed(self.resolve, self.resolve.now, moment or self.now, self.codes)

    def paused(self):
        return clocks.paused_minutes(self.resolve.now, self.codes)

    def said(self, what):
        """The log lines of a kind."""
        return [(when, text) for when, name, text in self.log if name == what]

    def notices(self, event):
        return [(when, who) for when, name, who in self.told if name == event]
