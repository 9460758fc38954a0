"""The world of a flow: the service, its people behind HTTP, the clock, and restarts between any two steps."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from api.app import compose, create_app
from api.product import Product
from api.settings import Settings
from engine import store
from engine.ports import SYSTEM, Actor
from handlers import codes, tables
from tests.conftest import Client, Clock
from tests.flows import invariants, words

Dump = dict[str, list[str]]


class World:
    """One service on one database; `no` is the call that is spoken of."""

    def __init__(self, url: str, clock: Clock, restarts: bool) -> None:
        self.url, self.clock, self.restarts = url, clock, restarts
        self.no = ""
        self.named: dict[str, str] = {}
        self.answer: TestResponse | None = None
        self.before: Dump = {}
        self.shown: dict[str, list[dict[str, Any]]] = {}
        self.app = create_app(Settings(database_url=url), clock)

    # the service

    def start(self) -> None:
        """A fresh process: nothing is kept but the database (and the routes, which remember nothing)."""
        self.app.extensions["flow200"] = compose(Settings(database_url=self.url), self.clock)

    def stop(self) -> None:
        """The process is gone."""
        self.product.database.close()

    def between_steps(self) -> None:
        """In a life with restarts the service is another one after each step."""
        if self.restarts:
            self.stop()
            self.start()

    @property
    def product(self) -> Product:
        """The parts of the service."""
        return self.app.extensions["flow200"]

    def work(self) -> None:
        """What the workers would do by now."""
        while self.product.engine.tick(self.clock()):
            pass

    def add_codes(self, table: str, rows: list[dict[str, str]]) -> None:
        """Rows of a code table, as its owner writes them; an empty cell is not there."""
        given = [
            {name: words.PEOPLE.get(value, value) for name, value in row.items() if value} for row in rows
        ]
        with self.product.database.write() as connection:
            codes.add(
                connection,
                codes.rows_of(table, [{"zh": row["code"], "en": row["code"]} | row for row in given]),
            )

    def begin(self, when: datetime) -> None:
        """The first moment of a flow: nothing was missed before it."""
        self.clock.set(when)
        with self.product.engine.transaction(SYSTEM, when) as command:
            command.connection.execute(sa.delete(store.job).where(store.job.c.key == "shift"))
            self.product.desk.watch(command)

    def come_to(self, when: datetime) -> None:
        """Time passes; the workers do what falls due on the way, each job at its own time."""
        target, job = when.astimezone(UTC), store.job.c
        while True:
            with self.product.database.read() as connection:
                due = connection.scalar(sa.select(sa.func.min(job.due_at)).where(job.state == "open"))
            if due is None or due > target:
                break
            self.clock.set(max(due, self.clock()))
            self.work()
        self.clock.set(target)

    # what people do

    def at_desk(self, who: str) -> Client:
        """A person of the cast at the keyboard."""
        return Client(self.app, words.PEOPLE[who])

    def record(self, who: str, call: dict[str, Any]) -> TestResponse:
        """Record a call; from now on it is the one that is spoken of."""
        answer = self.at_desk(who).post("/incidents", call)
        if answer.status_code == 201:
            self.no = answer.json["no"]
        return answer

    def draft(self, who: str) -> None:
        """A call whose step 200.1 is still open; HTTP records a call in one go, a portal may not."""
        groups = frozenset({"WG-SD"})
        started = self.product.engine.start(
            "incident_200", Actor(words.PEOPLE[who], who, groups), self.clock()
        )
        self.no = started.business_key or ""

    def open_task(self, place: str) -> dict[str, Any]:
        """The open task of the call whose name contains `place` (a name or a step number)."""
        client = self.at_desk("李娜")
        found = client.get(f"/tasks?incident={self.no}").json["items"]
        fitting = [task for task in found if place in task["name"]]
        assert len(fitting) == 1, f"「{place}」 is not one of {[task['name'] for task in found]}"
        return fitting[0]

    def complete(self, who: str, place: str, rows: Iterable[Iterable[str]]) -> TestResponse:
        """Answer the form of the open task."""
        task = self.open_task(place)
        given = words.answer(task["element"].lower(), self.known(rows))
        return self.at_desk(who).post(f"/tasks/{task['id']}/complete", given)

    def say(self, who: str, message: str, rows: Iterable[Iterable[str]]) -> TestResponse:
        """Tell the call what happened outside."""
        name = words.MESSAGES[message]
        said = {"name": name, "data": words.answer(f"message_{name}", self.known(rows))}
        return self.at_desk(who).post(f"/incidents/{self.no}/messages", said)

    def known(self, rows: Iterable[Iterable[str]]) -> list[list[str]]:
        """A table in which 「甲」 stands for the number of the call that was named so."""
        return [[self.named[cell[1:-1]] if cell[:1] == "「" else cell for cell in row] for row in rows]

    def judge(self, who: str, rows: Iterable[Iterable[str]]) -> TestResponse:
        """Change impact and urgency of the call, and with them its priority."""
        given = {words.JUDGEMENT[label]: said for label, said in rows}
        return self.at_desk(who).patch(f"/incidents/{self.no}", given)

    def promise(self, who: str, said: str) -> TestResponse:
        """What the vendor promises while it works on the call."""
        given = {"promised_at": words.moment(said, self.clock()).isoformat()}
        return self.at_desk(who).post(f"/incidents/{self.no}/promises", given)

    def import_days(self, who: str, year: str, rows: Iterable[Iterable[str]]) -> TestResponse:
        """Replace the holidays and make-up days of a year by a file."""
        lines = [f"{date},{str(words.TRUTH[working]).lower()},{name}" for date, working, name in rows]
        return self.at_desk(who).send(
            "POST",
            f"/calendars/BH/import?year={year}",
            data="\n".join(["date,working,name", *lines, ""]).encode(),
            content_type="text/csv",
        )

    # what is seen

    def incident(self) -> dict[str, Any]:
        """The record with all that hangs on it."""
        return self.at_desk("李娜").get(f"/incidents/{self.no}").json

    def rows(self, part: str) -> list[dict[str, Any]]:
        """What hangs on the record under this name; the contacts of vendors are those of all engagements."""
        record = self.incident()
        if part == "contacts":
            return [one for engagement in record["vendor_engagements"] for one in engagement[part]]
        return record[part]

    def clocks(self) -> list[dict[str, Any]]:
        """The clocks of the call."""
        return self.at_desk("李娜").get(f"/incidents/{self.no}/clocks").json["clocks"] if self.no else []

    def clocks_ran_back(self) -> list[str]:
        """What is wrong with the clocks of the call, compared with when they were last looked at."""
        earlier, self.shown[self.no] = self.shown.get(self.no, []), self.clocks()
        return invariants.ran_back(earlier, self.shown[self.no])

    def history(self) -> dict[str, Any]:
        """Instances, what happened in them, and the audit log."""
        return self.at_desk("李娜").get(f"/incidents/{self.no}/history").json

    def happened(self, *kinds: str, process: str = "incident_200") -> list[dict[str, Any]]:
        """The history rows of these kinds over all instances of the call, in order."""
        instances = [one for one in self.history()["instances"] if one["process"] == process]
        return [row for one in instances for row in one["history"] if row["kind"] in kinds]

    def notices(self) -> list[dict[str, Any]]:
        """The outbox rows of the call, oldest first."""
        table = tables.notice
        query = sa.select(table).where(table.c.call == self.no).order_by(table.c.created_at)
        with self.product.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def dump(self) -> Dump:
        """Every row of every table, to see that nothing changed."""
        every = [*store.metadata.sorted_tables, *tables.metadata.sorted_tables]
        with self.product.database.read() as connection:
            return {table.name: sorted(map(repr, connection.execute(sa.select(table)))) for table in every}


def shown(value: Any) -> str:
    """A value of the API as the flows write it."""
    if value is None:
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, str) and value[10:11] == "T" and value.endswith("+08:00"):
        return value[:16].replace("T", " ")
    names = {account: name for name, account in words.PEOPLE.items()}
    return names.get(value, str(value)) if isinstance(value, str) else str(value)
