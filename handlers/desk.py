"""The desk between engine and decisions: reads the call, asks the handler, applies its Outcome.

It is the engine's domain for the processes `incident_200` and `escalation`; any other process runs
plain: its answers and messages become variables. Nothing here is decided.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol, cast

from sqlalchemy import Connection

from handlers import (
    assignment,
    calendar_days,
    classification,
    closure,
    codes,
    confirmation,
    deadlines,
    directory,
    duplicates,
    edits,
    escalation,
    facts,
    hand_offs,
    ledger,
    options,
    order_steps,
    position,
    promises,
    registration,
    reopening,
    requests,
    rights,
    shifts,
    triggers,
    updates,
    vendor,
    waits,
)
from handlers.clock_log import ClockLog
from handlers.codes import Codes
from handlers.errors import CallClosed, Refused, ReturnRefused, UnknownPerson, WithdrawInstead
from handlers.incident import Actor, Case, Scene
from handlers.lookups import Lookups
from handlers.messages import ESCALATION, INCIDENT
from handlers.outcome import Effect, Line, Outcome
from handlers.position import Element
from handlers.status import CLOSED

NO_TASKS: Mapping[str, str] = MappingProxyType({})

Decision = Callable[[Case, Mapping[str, Any], Scene], Outcome]


class Command(Protocol):
    """One verb at work, as the engine shows it."""

    connection: Connection
    now: datetime
    memory: dict[str, Any]
    """What the desk remembers until the verb ends: the scene, and the calls whose rows it has locked."""

    @property
    def by(self) -> Actor: ...


class Instance(Protocol):
    """A process instance, as the engine shows it."""

    @property
    def id(self) -> str: ...
    @property
    def process(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def business_key(self) -> str | None: ...
    @property
    def variables(self) -> Mapping[str, Any]: ...


class Task(Protocol):
    """An open user task, as the engine shows it."""

    @property
    def id(self) -> str: ...
    @property
    def element(self) -> Element: ...
    @property
    def instance(self) -> Instance: ...
    @property
    def assignee(self) -> str | None: ...
    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def completed_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Holder:
    """A person to whom a task is given, with the groups that count for it."""

    id: str
    name: str
    groups: frozenset[str]


class Desk:
    """The domain of flow200: one per database, it keeps what it last read of code tables and clocks."""

    def __init__(self) -> None:
        self._codes: tuple[int, Codes] = (-1, Codes(()))
        self._clock_log = ClockLog()

    @property
    def topics(self) -> frozenset[str]:
        """Every topic that a diagram may use."""
        return frozenset(TOPICS)

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """The exceptions that mean "refused, nothing changed"."""
        return (Refused,)

    def options(self, command: Command, key: str) -> Collection[str]:
        """The legal values of a form field with this `valuesKey`."""
        codes = self._scene(command).codes
        return options.values(command.connection, codes, key)

    def codes(self, command: Command) -> Codes:
        """The code tables, read again only when somebody published them."""
        if CODES_CHANGED in command.memory:  # not committed yet, so not to be kept
            return codes.read(command.connection)
        revision = codes.revision(command.connection)
        if self._codes[0] != revision:
            self._codes = (revision, codes.read(command.connection))
        return self._codes[1]

    def write_codes(self, command: Command) -> None:
        """From here on this verb reads its own code tables, and others who write them wait for it."""
        command.memory.pop("scene", None)
        command.memory[CODES_CHANGED] = True
        codes.published(command.connection)

    def started(self, command: Command, instance: Instance, variables: Mapping[str, Any]) -> Effect:
        """A new call in ST1, the same call reopened, or an escalation of a call."""
        scene = self._scene(command)
        if instance.process == ESCALATION:
            return self._apply(
                command, instance.business_key, escalation.started, variables, scene, "started"
            )
        if instance.process != INCIDENT:
            return Effect(variables=dict(variables))
        entry = variables.get("entry") or "new"
        if entry == "reopen":
            return self._again(command, instance, reopening.reopen, variables, scene)
        if entry == "return_from_request":
            raise ReturnRefused("entry", no=instance.business_key)
        no = ledger.new_number(command.connection, scene)
        values = registration.draft(no, scene) | _stamp(instance)
        command.memory[no] = ledger.open_call(command.connection, values, scene)
        _touched(command)[no] = False
        return Effect(no, FIRST_VARIABLES | {"entry": "new"})

    def answer(self, command: Command, task: Task, data: Mapping[str, Any]) -> Effect:
        """A person's form; returns the scalars that gateways ask."""
        decide = ANSWERS.get((task.instance.process, task.element.id))
        if decide is None:
            return Effect(variables=_plain(data))
        scene, place = self._scene(command), task.element.id
        if data.get("parent") or place in CLOSING:
            ledger.lock_parent(command.connection, str(task.instance.business_key), data.get("parent"))
        case = self._open(command, task.instance.business_key)
        case = self._respond(command, case, place, scene)
        return self._decide(command, case, decide, data, scene, place)

    def call(self, command: Command, topic: str, element: Element, instance: Instance) -> Effect:
        """A service task runs."""
        scene = self._scene(command)
        return self._apply(command, instance.business_key, TOPICS[topic], instance.variables, scene, topic)

    def claimed(self, command: Command, task: Task, assignee: str | None) -> Effect:
        """A claim is written to the call and its work order; None gives the task back."""
        if task.instance.process != INCIDENT:
            return Effect()
        scene = self._scene(command)
        case = self._open(command, task.instance.business_key)
        if assignee is not None:
            rights.not_concerned(case, scene, assignee)
        answers = task.completed_at is not None
        outcome = position.claimed(case, task.element.id, assignee, scene, answers=answers)
        outcome += position.held(task.id, assignee, scene)
        _write(command, case, outcome, scene, "claimed" if assignee else "unclaimed")
        return Effect()

    def assignee(self, command: Command, task: Task, person: str | None) -> Holder | None:
        """Whom a task is given to; the one who gives it must be allowed to."""
        scene = self._scene(command)
        rights.giver(scene, task.groups, (task.assignee,), "assign")
        if task.instance.process == INCIDENT:
            rights.not_concerned(self._open(command, task.instance.business_key), scene, person)
        if person is None:
            return None
        known = scene.facts.person(person)
        if known is None or not known.active:
            raise UnknownPerson(person=person)
        return Holder(person, known.name, facts.groups_of(command.connection, person))

    def deploying(self, command: Command) -> None:
        """Diagrams are the process owner's (PROCESS §6.10)."""
        rights.process_owner(self._scene(command), "deploy")

    def cancelling(self, command: Command, instance: Instance, reason: str) -> Effect:
        """A call ends by its own ways only; what else runs may be cancelled by the manager."""
        if instance.process == INCIDENT:
            raise WithdrawInstead(no=instance.business_key)
        rights.manager(self._scene(command), "cancel")
        return Effect()

    def message(
        self, command: Command, name: str, element: Element, instance: Instance, data: Mapping[str, Any]
    ) -> Effect:
        """A message is about to be caught."""
        decide = MESSAGES.get((instance.process, name))
        if decide is None:
            return Effect(variables=_plain(data))
        if name in duplicates.MESSAGES:
            ledger.lock_parent(command.connection, str(instance.business_key))
        return self._apply(command, instance.business_key, decide, data, self._scene(command), name)

    def moved(
        self,
        command: Command,
        instance: Instance,
        open_elements: Sequence[Element],
        ended: Element | None,
        opened: Mapping[str, str] = NO_TASKS,
    ) -> Effect:
        """Status, step and hold follow the place that the diagram declares them for."""
        if instance.process not in (INCIDENT, ESCALATION) or instance.business_key is None:
            return Effect()
        scene = self._scene(command)
        case = self._read(command, instance.business_key)
        if instance.process == ESCALATION:
            return Effect(tasks=position.tasks(case, open_elements, scene))
        released = position.released(case, open_elements, opened)
        if ended is not None:
            _write(command, case, released, scene, "moved")
            return Effect(jobs=triggers.ending(case))
        outcome = position.arrived(case, open_elements, scene) + position.carried(case, opened) + released
        now = _write(command, case, outcome, scene, "moved")
        tasks = position.tasks(now, open_elements, scene)
        return Effect(jobs=outcome.jobs, tasks=tasks)

    def work(self, command: Command, payload: Mapping[str, Any]) -> Effect:
        """A job of ours is due: time does something to a call, or another call does."""
        scene = self._scene(command)
        if payload["what"] == "shift":
            return Effect(jobs=shifts.turn(command.connection, scene))
        outcome = WORK[payload["what"]](self._read(command, payload["no"]), payload, scene)
        _write(command, self._read(command, payload["no"]), outcome, scene, payload["what"])
        _touched(command)[payload["no"]] = payload["what"] == "look"
        return Effect(jobs=outcome.jobs)

    def untaken(self, command: Command, message: str, business_key: str | None) -> None:
        """A job's message came too late or to nobody: the call's log says so (DESIGN §4)."""
        if business_key is not None and ledger.exists(command.connection, business_key):
            line = Line("not_taken", message)
            _write(
                command,
                self._read(command, business_key),
                Outcome(lines=[line]),
                self._scene(command),
                "send",
            )

    def change_priority(
        self, command: Command, no: str, data: Mapping[str, Any], places: Sequence[Element] = ()
    ) -> Effect:
        """Change impact and urgency of a call, with `priority_reason`; moves no token (§6.5.3).

        `places` are those of its open tasks, whose sort number and due are the new priority's.
        """
        effect = self._record(
            command, self._open(command, no), classification.change_priority, data, "priority"
        )
        tasks = position.urgency(self._read(command, no), places, self._scene(command))
        return replace(effect, tasks=tasks)

    def edit(self, command: Command, no: str, data: Mapping[str, Any], seen: int | None = None) -> Effect:
        """Correct fields of a call that nobody changed since version `seen`; moves no token."""
        case = self._open(command, no)
        edits.check_version(case.incident, seen)
        return self._record(command, case, edits.edit, data, "edit") if data else Effect()

    def record(
        self, command: Command, no: str, verb: str, data: Mapping[str, Any], seen: int | None = None
    ) -> Effect:
        """A verb of VERBS on a call that nobody changed since version `seen`; moves no token."""
        case = self._read(command, no) if verb in AFTER_CLOSING else self._open(command, no)
        edits.check_version(case.incident, seen)
        return self._record(command, case, VERBS[verb], data, verb)

    def sees_contacts(self, command: Command) -> bool:
        """Whether this person reads personal contact data (PROCESS §6.10)."""
        return directory.sees_contacts(command.connection, self.codes(command), command.by.groups)

    def check_retry(self, command: Command) -> None:
        """Failures are retried by the groups that the policy names. Raises NotAllowed."""
        rights.member(self._scene(command), "retry", self.codes(command).policy("retry_groups"))

    @contextmanager
    def calendar(self, command: Command, name: str) -> Iterator[calendar_days.Book]:
        """Change dated rows of a calendar: the process owner's (PROCESS §6.5.2, §6.10).

        Raises NotAllowed, RecordNotFound, NeverCloses.
        """
        rights.process_owner(self._scene(command), "calendar")
        book = calendar_days.Book(command.connection, self.codes(command), name)
        self.write_codes(command)
        yield book
        self.calendar_changed(command, name)

    def calendar_changed(self, command: Command, name: str) -> None:
        """The days of a calendar were changed in this transaction: `codes` are the new ones from here on.

        Whatever runs on it is looked at again: its clocks are replayed on the new days.
        """
        self.write_codes(command)
        running = ledger.running(command.connection)
        command.memory.setdefault(ASKED, []).extend(deadlines.wake(no, None) for no in running)

    def watch(self, command: Command) -> None:
        """Make sure that time goes on: the looks of open calls, failed or missing, and the shift change."""
        asked = command.memory.setdefault(ASKED, [])
        looks = ledger.looks(command.connection)
        asked.extend(deadlines.watch(no, at, command.now) for no, at in looks)
        asked.extend(shifts.wake(command.connection, self.codes(command), command.now))

    def acknowledge(self, command: Command, change: str) -> Effect:
        """The incoming agent has the hand-over list of a shift change; the open calls pass by jobs.

        Raises RecordNotFound, NotIncoming, HandOverAcknowledged, HandOverOver.
        """
        return Effect(jobs=shifts.acknowledge(command.connection, change, self._scene(command)))

    def settled(self, command: Command) -> Effect:
        """Every call that the verb wrote to: its clocks are followed, once, and it is written down."""
        jobs = [*command.memory.get(ASKED, ())]
        for no, again in [*_touched(command).items()]:
            scene = self._scene(command)
            outcome = deadlines.follow(self._read(command, no), scene, again=again)
            now = _write(command, self._read(command, no), outcome, scene, "time")
            ledger.flush(command.connection, now)
            del command.memory[no]
            jobs += outcome.jobs
        return Effect(jobs=jobs)

    def _apply(
        self,
        command: Command,
        no: str | None,
        decide: Decision,
        data: Mapping[str, Any],
        scene: Scene,
        what: str,
    ) -> Effect:
        return self._decide(command, self._read(command, str(no)), decide, data, scene, what)

    def _decide(
        self, command: Command, case: Case, decide: Decision, data: Mapping[str, Any], scene: Scene, what: str
    ) -> Effect:
        outcome = decide(case, data, scene)
        _write(command, case, outcome, scene, what)
        return Effect(variables=outcome.variables, jobs=outcome.jobs)

    def _record(
        self, command: Command, case: Case, decide: Decision, data: Mapping[str, Any], what: str
    ) -> Effect:
        """A verb that moves no token."""
        return self._decide(command, case, decide, data, self._scene(command), what)

    def _respond(self, command: Command, case: Case, place: str, scene: Scene) -> Case:
        """Who answers without having claimed has claimed by that."""
        if not place.startswith(STEPS):
            return case
        outcome = position.claimed(case, place, scene.by.id, scene, answers=True)
        return _write(command, case, outcome, scene, "claimed")

    def _again(
        self,
        command: Command,
        instance: Instance,
        decide: Decision,
        variables: Mapping[str, Any],
        scene: Scene,
    ) -> Effect:
        """A new instance on the same record."""
        case = self._read(command, str(instance.business_key))
        outcome = decide(case, variables, scene)
        _write(command, case, outcome + Outcome(_stamp(instance)), scene, "started")
        return Effect(variables=FIRST_VARIABLES | dict(outcome.variables), jobs=outcome.jobs)

    def _scene(self, command: Command) -> Scene:
        if "scene" not in command.memory:
            facts = Lookups(command.connection)
            command.memory["scene"] = Scene(command.by, command.now, self.codes(command), facts)
        return cast(Scene, command.memory["scene"])

    def _read(self, command: Command, no: str) -> Case:
        """The call as this verb knows it; its row is read and locked once."""
        if no not in command.memory:
            command.memory[no] = ledger.read(command.connection, no, self._clock_log)
        return cast(Case, command.memory[no])

    def _open(self, command: Command, no: str | None) -> Case:
        """The call, unless it is closed: a closed record is not edited (POL-20)."""
        case = self._read(command, str(no))
        if case.incident.status == CLOSED:
            raise CallClosed(no=no)
        return case


def _write(command: Command, case: Case, outcome: Outcome, scene: Scene, what: str) -> Case:
    outcome = position.acted(case, deadlines.told(case, outcome, scene), scene)
    now = ledger.write(command.connection, case, outcome, scene, what)
    command.memory[case.incident.no] = now
    _touched(command).setdefault(case.incident.no, False)
    return now


def _touched(command: Command) -> dict[str, bool]:
    """The calls that this verb wrote to, and whether they are to be looked at again in any case."""
    return cast(dict[str, bool], command.memory.setdefault(TOUCHED, {}))


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """A form's answer as variables of a process without a record: a time is kept as text."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in data.items()}


def _stamp(instance: Instance) -> dict[str, Any]:
    return {"instance": instance.id, "diagram_version": instance.version}


# Where a child is confirmed or closed, or a parent closes: the parent's row is locked first (DESIGN §3).
CLOSING = ("T200_9", "T200_10")

STEPS = ("T200_", "S200_")

# In the command's memory: what is asked for at the end of the verb, and the calls whose clocks are followed.
ASKED, TOUCHED = "asked", "touched"

# In the command's memory: this verb wrote rows of the code tables.
CODES_CHANGED = "codes changed"

# What is done for a closed call too: other processes report back when they do.
AFTER_CLOSING = tuple(hand_offs.VERBS)

# What the first gateways may ask before anybody has answered.
FIRST_VARIABLES: dict[str, Any] = {
    "group": None,
    "forced": False,
    "must_designate": False,
    "hold_until": None,
    "vendor_due": None,
}

TOPICS: dict[str, Decision] = {
    **classification.TOPICS,
    **assignment.TOPICS,
    **vendor.TOPICS,
    **closure.TOPICS,
    **escalation.TOPICS,
}

# What jobs of ours do to a call, at their time.
WORK: dict[str, Decision] = {
    "look": deadlines.look,
    "complained": requests.complained,
    "children": duplicates.many_children,
    "pass_on": shifts.pass_on,
}

ANSWERS: dict[tuple[str, str], Decision] = {
    (INCIDENT, "T200_1"): registration.record,
    (INCIDENT, "T200_2"): registration.collect,
    (INCIDENT, "T200_3_complaint"): requests.judge_complaint,
    (INCIDENT, "S200_3"): requests.request,
    (INCIDENT, "T200_4"): assignment.first_line,
    (INCIDENT, "T200_5"): assignment.dispatch,
    (INCIDENT, "T200_5_accept"): assignment.accept,
    (INCIDENT, "T200_5_manager"): assignment.designate,
    (INCIDENT, "T200_6"): assignment.second_line,
    (INCIDENT, "T200_7"): vendor.engage,
    (INCIDENT, "T200_8"): vendor.third_line,
    (INCIDENT, "T200_9"): confirmation.confirm,
    (INCIDENT, "T200_9_manager"): confirmation.decide,
    (INCIDENT, "T200_10"): closure.closing,
    **{(ESCALATION, place): decide for place, decide in escalation.ANSWERS.items()},
}

MESSAGES: dict[tuple[str, str], Decision] = {
    **{
        (INCIDENT, name): decide
        for source in (waits, duplicates, assignment, vendor, requests, confirmation, closure)
        for name, decide in source.MESSAGES.items()
    },
    **{(ESCALATION, name): decide for name, decide in escalation.MESSAGES.items()},
}

VERBS: dict[str, Decision] = {
    "update": updates.tell,
    **promises.VERBS,
    **order_steps.VERBS,
    **hand_offs.VERBS,
}
