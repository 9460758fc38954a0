"""A desk on a real database, the cast of PROCESS §7, and a hand that plays the engine's part."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from engine import store
from engine.ports import SYSTEM, Actor, Command, Element, Instance, Task
from handlers import facts
from handlers.codes import Codes, shipped
from handlers.desk import Desk
from handlers.incident import Incident, Scene
from tests.handlers import invariants

SHANGHAI = ZoneInfo("Asia/Shanghai")

GROUPS = {
    "lina": {"WG-SD"},
    "chengang": {"WG-SD"},
    "zhaolei": {"WG-HST"},
    "sunjing": {"WG-DBS"},
    "zhoutao": {"WG-NET"},
    "wumin": {"WG-APP"},
    "zhenghao": {"WG-TRM"},
    "qianfeng": {"WG-MWR", "WG-TRM"},
    "xuyan": {"WG-SRQ"},
    "liuyang": {"WG-IM"},
    "hejing": {"WG-IM"},
    "wangchu": {"WG-EMG"},
}

PLACES = {
    "T200_1": ("200.1", "ST1"),
    "T200_2": ("200.2", "ST2"),
    "T200_3_complaint": ("200.3", None),
    "S200_3": ("200.3", None),
    "W_request": ("200.3", "ST9"),
    "T200_4": ("200.4", "ST2"),
    "T200_5": ("200.5", "ST2"),
    "T200_5_accept": ("200.5", "ST3"),
    "T200_5_manager": ("200.5", "ST2"),
    "T200_6": ("200.6", "ST4"),
    "T200_7": ("200.7", "ST5"),
    "E_vendor": ("200.7", "ST5"),
    "T200_8": ("200.8", "ST5"),
    "T200_9": ("200.9", "ST7"),
    "T200_9_manager": ("200.9", "ST7"),
    "T200_10": ("200.10", None),
}
HOLDS = {"W_customer": "H1", "W_change": "H2", "W_parent": "H3", "W_agreed": "H4", "W_parts": "H5"}


def at(month, day, hour, minute=0):
    """A moment of 2026 on the bank's wall clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)


def element(place):
    """A node as incident_200.bpmn declares it."""
    if place in HOLDS:
        properties = {"status": "ST6", "hold": HOLDS[place]}
        return Element(place, "eventBasedGateway", place, properties=properties)
    step, status = PLACES.get(place, (None, None))
    properties = {name: value for name, value in (("step", step), ("status", status)) if value}
    kind = "eventBasedGateway" if place[:2] in ("W_", "E_") else "userTask"
    return Element(place, kind, place, properties=properties)


def actor(name):
    """A person of the cast with the groups he is in."""
    return SYSTEM if name == "system" else Actor(name, name, frozenset(GROUPS.get(name, ())))


@dataclass
class Hand:
    """Plays the engine: gives the desk one hook after the other, each in its own transaction."""

    database: store.Database
    desk: Desk
    now: datetime
    instance: Instance | None = None
    effect: object = None
    settled: object = None

    @property
    def no(self):
        return self.instance.business_key

    @contextmanager
    def command(self, by):
        with self.database.write() as connection:
            command = Command(connection, actor(by), self.now)
            yield command
            self.settled = self.desk.settled(command)

    @contextmanager
    def tampering(self):
        """A hand in the database behind the desk's back; taken back afterwards."""
        with self.database.write() as connection:
            savepoint = connection.begin_nested()
            yield connection
            savepoint.rollback()

    def later(self, **delta):
        self.now += timedelta(**delta)
        return self

    def start(self, by="lina", process="incident_200", key=None, **variables):
        fresh = Instance(f"i-{process}-{self.now.timestamp()}", process, 1, key, variables)
        with self.command(by) as command:
            self.effect = self.desk.started(command, fresh, variables)
        merged = {**variables, **self.effect.variables}
        self.instance = replace(fresh, business_key=key or self.effect.business_key, variables=merged)
        return self

    def answer(self, place, by="lina", **data):
        with self.command(by) as command:
            task = Task("t", element(place), self.instance, None, (), self.now)
            self._take(self.desk.answer(command, task, data))
        return self

    def claim(self, place, by):
        with self.command(by) as command:
            task = Task("t", element(place), self.instance, None, (), self.now)
            self.desk.claimed(command, task, by)
        return self

    def call(self, topic, by="lina"):
        with self.command(by) as command:
            self._take(self.desk.call(command, topic, Element(topic, "serviceTask", topic), self.instance))
        return self

    def message(self, name, by="lina", **data):
        with self.command(by) as command:
            self._take(self.desk.message(command, name, element(name), self.instance, data))
        return self

    def at(self, place, by="lina"):
        stands = element(place)
        opened = {place: f"task-{place}"} if stands.type == "userTask" else {}
        with self.command(by) as command:
            self.effect = self.desk.moved(command, self.instance, (stands,), None, opened)
        return self

    def do(self, verb, by="lina", **data):
        with self.command(by) as command:
            self.effect = self.desk.record(command, self.no, verb, data)
        return self

    def end(self, by="lina"):
        with self.command(by) as command:
            self.effect = self.desk.moved(command, self.instance, (), element("End_Closed"))
        return self

    @property
    def jobs(self):
        """What the last verb asked for, but for the look at the clocks that most of them ask for."""
        return [job for job in self.effect.jobs if job.payload.get("what") != "look"]

    def _take(self, effect):
        self.effect = effect
        self.instance = replace(self.instance, variables={**self.instance.variables, **effect.variables})

    @property
    def record(self):
        with self.database.read() as connection:
            return facts.incident(connection, self.no)

    def rows(self, table):
        with self.database.read() as connection:
            found = connection.execute(select(table).where(table.c.call == self.no))
            return [dict(row._mapping) for row in found]

    def registered(self, **changes):
        """A printer of a teller terminal, as in S01."""
        data = {
            "call_type": "INC",
            "classification": "INC-EQP-PRT",
            "source": "BR",
            "medium": "PHONE",
            "subject": "柜面打印机打不出回单",
            "caller": "zhangmin",
            "ci": "T-0312",
        }
        self.start().answer("T200_1", **{**data, **changes}).call("classify")
        return self

    def first_line(self, **changes):
        """The same, prioritised and with first line."""
        data = {"outcome_2": "proceed", "category": "TRM", "impact": "I4", "urgency": "U3"}
        self.registered().at("T200_2").answer("T200_2", **{**data, **changes})
        return self.call("prioritise").at("T200_4")

    def dispatched(self, group="WG-TRM", **changes):
        """The same, dispatched to second line."""
        self.first_line(**changes).answer("T200_4", outcome_4="escalate").at("T200_5")
        return self.answer("T200_5", group=group).call("assign").at("T200_5_accept")

    def accepted(self, group="WG-TRM", by="zhenghao", **changes):
        """The same, accepted by a member of the group."""
        self.dispatched(group, **changes).answer("T200_5_accept", by, accept="accepted")
        return self.at("T200_6", by)

    def solved(self, by="zhenghao", **changes):
        """The same, solved by second line."""
        self.accepted(by=by, **changes)
        self.answer("T200_6", by, outcome_6="resolved", solution_kind="permanent", solution_steps="换件")
        return self.at("T200_9", by)


@pytest.fixture
def hand(installed_url):
    database = store.Database(installed_url)
    yield Hand(database, Desk(), at(11, 23, 9, 5))
    with database.read() as connection:
        invariants.check(connection)
    database.close()


class NoFacts:
    """No reference data at hand."""

    def __getattr__(self, name):
        return lambda *args: {} if name in ("leaders", "children", "similar", "alike") else None


@pytest.fixture(scope="session")
def codes():
    return Codes(shipped())


@pytest.fixture
def scene(codes):
    return Scene(actor("lina"), at(11, 23, 9, 5), codes, NoFacts())


@pytest.fixture
def call():
    moment = at(11, 23, 9, 0)
    return Incident(
        no="SD202611230001",
        version=1,
        status="ST2",
        step="200.4",
        owner_group="WG-SD",
        reported_at=moment,
        recorded_at=moment,
        recorded_by="lina",
        call_type="INC",
    )
