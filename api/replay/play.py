"""Plays records by the verbs that a desk and a second line would use, at the log's own times."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from api.replay.plan import Step, steps
from api.replay.records import UNKNOWN, Record
from engine import reads
from engine.core import Engine
from engine.errors import EngineError
from engine.ports import Actor
from engine.rows import add_jobs
from handlers.desk import Desk
from handlers.errors import EndHoldFirst, HoldRefused, Refused

DESK = Actor("import", "导入", frozenset({"WG-SD", "WG-IM"}))
SUPPORT = Actor("import2", "导入(二线)", frozenset({"WG-IM"}))
"""Two people, since the solver may not confirm; both act with the incident manager's rights (POL-13)."""

PROCESS = "incident_200"
NOTE = "历史数据导入"
GROUP_PREFIX, CODE_LIMIT = "LOG ", 32
SUBJECT_LIMIT = 200
HOLD_DAYS = timedelta(days=1)


@dataclass(slots=True)
class Played:
    """A record as it went: its number with us, where the call stands now, its last wait and what ends it."""

    record: Record
    no: str = ""
    group: str = ""
    judged: tuple[str, str] = ("", "")
    place: str = ""
    wait: str = ""
    refused: str = ""
    resumed_by: str = ""


class Player:
    """Drives one engine and its desk."""

    def __init__(self, engine: Engine, desk: Desk, vendor: str) -> None:
        self.engine, self.desk, self.vendor = engine, desk, vendor

    def play(self, record: Record) -> Played:
        """Take a record through the process, row by row; what the process refuses ends it and is noted."""
        call = Played(record)
        for step in steps(record):
            self.take(call, step)
        return call

    def take(self, call: Played, step: Step) -> None:
        """Take one step of a record; after a refusal there is none."""
        if call.refused:
            return
        try:
            self._step(call, step)
        except (EngineError, Refused) as error:
            call.refused = f"{step.at:%Y-%m-%d %H:%M}: {error.text('en')}"

    def _step(self, call: Played, step: Step) -> None:
        if not call.no:
            self._open(call, step)
        if call.place == "closed" and step.place not in (None, "closed"):
            self._reopen(call, step.at)
        self._judge(call, step)
        self._bring(call, step)

    def _open(self, call: Played, step: Step) -> None:
        """200.1 and 200.2."""
        opened = self.engine.start(
            PROCESS,
            DESK,
            step.at,
            answer={
                "call_type": "INC",
                "classification": "INC-USE",
                "source": "USR",
                "medium": "PORTAL",
                "caller_name": "未知",
                "subject": call.record.number.strip()[:SUBJECT_LIMIT] or UNKNOWN,
                "ci_text": "未知",
                "reported_at": call.record.opened_at.isoformat(),
            },
        )
        call.no = str(opened.business_key)
        call.judged = (step.impact, step.urgency)
        judged = {"category": "APP", "impact": step.impact, "urgency": step.urgency}
        self._answer(call, "T200_2", step.at, DESK, outcome_2="proceed", **judged)
        call.place = "first line"

    def _judge(self, call: Played, step: Step) -> None:
        if (step.impact, step.urgency) == call.judged:
            return
        try:
            self._change_priority(call, step)
        except EndHoldFirst:
            # The hold that the new priority forbids is ended and begun anew as one whose clock runs.
            waiting = call.place
            self._to_second_line(call, step)
            self._change_priority(call, step)
            self._to_hold(call, replace(step, place=waiting))

    def _change_priority(self, call: Played, step: Step) -> None:
        change = {"impact": step.impact, "urgency": step.urgency, "priority_reason": NOTE}
        with self.engine.transaction(DESK, step.at) as command:
            add_jobs(command, self.desk.change_priority(command, call.no, change).jobs)
        call.judged = (step.impact, step.urgency)

    def _bring(self, call: Played, step: Step) -> None:
        """Bring the call to the step's group and place, by the moves that the diagram has."""
        if step.place == "first line":
            return
        if call.place in UNDISPATCHED:
            self._leave_desk(call, step)
        if call.place == "confirm" and step.place not in (None, "confirm", "closed"):
            self._refuse(call, step.at)
        self._move_to_group(call, step, stay=step.place in (None, call.place))
        if step.place not in (None, call.place):
            ENTER[step.place](self, call, step)

    def _move_to_group(self, call: Played, step: Step, *, stay: bool) -> None:
        """A change of group: back to the desk, which dispatches anew; `stay` returns to the place it left."""
        if step.group == call.group or call.place in ("confirm", "closed"):
            return
        place = call.place
        if place == "dispatched":
            self._send(call, "recall", step.at)
        else:
            self._to_second_line(call, step)
            self._answer(
                call, "T200_6", step.at, SUPPORT, outcome_6="back_to_desk", suggested_group=code(step.group)
            )
        self._dispatch(call, step.group, step.at)
        if stay:
            ENTER[place](self, call, step)

    def _leave_desk(self, call: Played, step: Step) -> None:
        """From the desk, or from the manager who has to designate, to the step's group."""
        if call.place == "first line":
            self._answer(call, "T200_4", step.at, DESK, outcome_4="escalate")
            self._dispatch(call, step.group, step.at)
        else:
            self._answer(call, "T200_5_manager", step.at, DESK, group=code(step.group))
            call.group, call.place = step.group, "second line"

    def _dispatch(self, call: Played, group: str, at: datetime) -> None:
        self._answer(call, "T200_5", at, DESK, group=code(group))
        call.group, call.place = group, "dispatched"

    # how each place is entered

    def _to_second_line(self, call: Played, step: Step) -> None:
        """From wherever the call waits, back to the second line that works on it."""
        if call.place == "dispatched":
            self._answer(call, "T200_5_accept", step.at, SUPPORT, accept="accepted")
        elif call.resumed_by:
            self._send(call, call.resumed_by, step.at)
        call.place, call.resumed_by = "second line", ""

    def _to_dispatched(self, call: Played, step: Step) -> None:
        """A row New after the call was accepted un-accepts nothing: it only ends a wait."""
        if call.place != "dispatched":
            self._to_second_line(call, step)

    def _to_hold(self, call: Played, step: Step) -> None:
        self._to_second_line(call, step)
        place = str(step.place or call.wait)
        until = (step.at + HOLD_DAYS).isoformat()
        fields = {"hold_comment": NOTE, "expected_resume": until, "change_ref": NOTE}
        outcome, call.resumed_by = HOLDS[place]
        try:
            self._answer(call, "T200_6", step.at, SUPPORT, outcome_6=outcome, **fields)
        except HoldRefused:
            # H1 stops the clock and is forbidden on a P1 (PROCESS §6.5.4): H5 takes its place.
            outcome, call.resumed_by = HOLDS["parts"]
            self._answer(call, "T200_6", step.at, SUPPORT, outcome_6=outcome, **fields)
        call.place = call.wait = place

    def _to_vendor(self, call: Played, step: Step) -> None:
        self._to_second_line(call, step)
        self._answer(call, "T200_6", step.at, SUPPORT, outcome_6="vendor")
        self._answer(call, "T200_7", step.at, SUPPORT, vendor=self.vendor)
        call.place, call.resumed_by = "vendor", "vendor_answered"

    def _to_confirm(self, call: Played, step: Step) -> None:
        for group in (step.group, *step.groups_later):
            self._move_to_group(call, replace(step, group=group), stay=False)
        self._to_second_line(call, step)
        solution = {"outcome_6": "resolved", "solution_kind": "permanent", "solution_steps": NOTE}
        self._answer(call, "T200_6", step.at, SUPPORT, **solution)
        call.place = "confirm"

    def _to_closed(self, call: Played, step: Step) -> None:
        if call.place != "confirm":
            self._to_confirm(call, step)
        self._answer(call, "T200_9", step.at, DESK, outcome_9="confirmed", method="IMPORT")
        self._answer(call, "T200_10", step.at, DESK, closure_code="C01")
        call.place = "closed"

    def _refuse(self, call: Played, at: datetime) -> None:
        self._answer(call, "T200_9", at, DESK, outcome_9="refused", refuse_reason="N1", method="IMPORT")
        call.place = "second line"

    def _reopen(self, call: Played, at: datetime) -> None:
        why = {"entry": "reopen", "reason": NOTE, "method": "IMPORT"}
        self.engine.start(PROCESS, DESK, at, business_key=call.no, variables=why)
        call.place = "second line"

    # the engine's verbs

    def _answer(self, call: Played, element: str, at: datetime, by: Actor, **data: Any) -> None:
        with self.engine.database.read() as connection:
            rows = reads.tasks(connection, business_key=call.no, process=PROCESS).rows
        task = next(r for r in rows if r.element_id == element)
        self.engine.complete(task.id, data, by, at)

    def _send(self, call: Played, message: str, at: datetime) -> None:
        self.engine.send(message, call.no, PAYLOADS.get(message, {}), DESK, at, process=PROCESS)


def code(group: str) -> str:
    """The code of a group of the log among ours; it can neither meet one of ours nor be too long for it."""
    return GROUP_PREFIX + (
        group if len(group) <= CODE_LIMIT else sha256(group.encode()).hexdigest()[:CODE_LIMIT]
    )


UNDISPATCHED = ("first line", "to designate")
"""Places that no state of the log is: no group has the call yet."""

HOLDS = {
    "customer": ("need_info", "customer_replied"),
    "change": ("need_change", "change_done"),
    "parts": ("wait_parts", "parts_arrived"),
}
"""The outcome of 200.6 that begins a wait, and the message that ends it."""

PAYLOADS = {
    "change_done": {"change_result": "implemented"},
    "vendor_answered": {"vendor_result": "taken_back"},
}
"""What a message that ends a wait says, when the log goes on without a word about how the wait ended."""

ENTER: dict[str, Callable[[Player, Played, Step], None]] = {
    "dispatched": Player._to_dispatched,
    "second line": Player._to_second_line,
    "customer": Player._to_hold,
    "change": Player._to_hold,
    "parts": Player._to_hold,
    "vendor": Player._to_vendor,
    "confirm": Player._to_confirm,
    "closed": Player._to_closed,
}
