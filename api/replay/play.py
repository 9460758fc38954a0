"""Plays records through the process: the verbs that a desk and a second line would use, at the log's own times."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from api.replay.plan import Step, steps
from api.replay.records import Record
from engine import reads
from engine.core import Engine
from engine.live import add_jobs
from engine.ports import Actor
from handlers.desk import Desk
from handlers.errors import HoldRefused

DESK = Actor("import", "导入", frozenset({"WG-SD", "WG-IM"}))
SUPPORT = Actor("import2", "导入(二线)", frozenset({"WG-IM"}))
"""Two people, since the solver may not confirm; both act with the incident manager's rights (POL-13)."""

NOTE = "历史数据导入"
HOLD_DAYS = timedelta(days=1)


@dataclass(slots=True)
class Played:
    """A record as it went: its number with us, and where the call stands now."""

    record: Record
    no: str = ""
    group: str = ""
    judged: tuple[str, str] = ("", "")
    place: str = ""


class Player:
    """Drives one engine and its desk."""

    def __init__(self, engine: Engine, desk: Desk, vendor: str) -> None:
        self.engine, self.desk, self.vendor = engine, desk, vendor

    def play(self, record: Record) -> Played:
        """Take a record through the process, row by row; raises whatever the process refuses."""
        call = Played(record)
        for step in steps(record):
            if not call.no:
                self._open(call, step)
            self._judge(call, step)
            self._bring(call, step)
        return call

    def _open(self, call: Played, step: Step) -> None:
        """200.1, 200.2 and 200.4 at the first row, and the dispatch to its group."""
        opened = self.engine.start(
            "incident_200",
            DESK,
            step.at,
            answer={
                "call_type": "INC",
                "classification": "INC-USE",
                "source": "USR",
                "medium": "PORTAL",
                "caller_name": "未知",
                "subject": call.record.number,
                "ci_text": "未知",
                "reported_at": call.record.opened_at.isoformat(),
            },
        )
        call.no = str(opened.business_key)
        call.judged = (step.impact, step.urgency)
        judged = {"category": "APP", "impact": step.impact, "urgency": step.urgency}
        self._answer(call, "T200_2", step.at, DESK, outcome_2="proceed", **judged)
        self._answer(call, "T200_4", step.at, DESK, outcome_4="escalate")
        self._dispatch(call, step.group, step.at)

    def _judge(self, call: Played, step: Step) -> None:
        judged = (step.impact, step.urgency)
        if judged != call.judged:
            with self.engine.transaction(DESK, step.at) as command:
                change = {"impact": step.impact, "urgency": step.urgency, "priority_reason": NOTE}
                add_jobs(command, self.desk.change_priority(command, call.no, change).jobs)
            call.judged = judged

    def _bring(self, call: Played, step: Step) -> None:
        """Bring the call to the step's group and place, by the moves that the diagram has."""
        if step.place is None or step.place == call.place:
            self._move_to_group(call, step, stay=True)
            return
        if call.place == "closed":
            self._reopen(call, step.at)
        if call.place == "confirm" and step.place != "closed":
            self._refuse(call, step.at)
        if step.place != "closed":
            self._move_to_group(call, step, stay=False)
        ENTER[step.place](self, call, step)
        call.place = step.place

    def _move_to_group(self, call: Played, step: Step, *, stay: bool) -> None:
        """A change of group: back to the desk, which dispatches anew; `stay` returns to the place it left."""
        if step.group == call.group or call.place in ("confirm", "closed"):
            return
        place = call.place
        if place == "dispatched":
            self._send(call, "recall", step.at, {})
        else:
            self._to_second_line(call, step.at)
            self._answer(
                call, "T200_6", step.at, SUPPORT, outcome_6="back_to_desk", suggested_group=step.group
            )
        self._dispatch(call, step.group, step.at)
        if stay and place != "dispatched":
            ENTER[place](self, call, step)
            call.place = place

    def _dispatch(self, call: Played, group: str, at: datetime) -> None:
        self._answer(call, "T200_5", at, DESK, group=group)
        call.group, call.place = group, "dispatched"

    def _to_second_line(self, call: Played, at: datetime) -> None:
        """From wherever the call waits, back to the second line that works on it."""
        match call.place:
            case "dispatched":
                self._answer(call, "T200_5_accept", at, SUPPORT, accept="accepted")
            case "customer":
                self._send(call, "customer_replied", at, {})
            case "change":
                self._send(call, "change_done", at, {"change_result": "implemented"})
            case "parts":
                self._send(call, "parts_arrived", at, {})
            case "vendor":
                self._send(call, "vendor_answered", at, {"vendor_result": "taken_back"})
        call.place = "second line"

    # how each place is entered

    def _enter_second_line(self, call: Played, step: Step) -> None:
        self._to_second_line(call, step.at)

    def _stay_dispatched(self, call: Played, step: Step) -> None:
        """A row New after the call was accepted moves nothing: our second line does not un-accept."""

    def _enter_hold(self, call: Played, step: Step) -> None:
        self._to_second_line(call, step.at)
        until = (step.at + HOLD_DAYS).isoformat()
        fields = {"hold_comment": NOTE, "expected_resume": until, "change_ref": NOTE}
        try:
            self._answer(call, "T200_6", step.at, SUPPORT, outcome_6=HOLDS[str(step.place)], **fields)
        except HoldRefused:
            # H1 stops the clock and is forbidden on a P1 (PROCESS §6.5.4): the wait becomes H5, whose clock runs.
            self._answer(call, "T200_6", step.at, SUPPORT, outcome_6="wait_parts", **fields)

    def _enter_vendor(self, call: Played, step: Step) -> None:
        self._to_second_line(call, step.at)
        self._answer(call, "T200_6", step.at, SUPPORT, outcome_6="vendor")
        self._answer(call, "T200_7", step.at, SUPPORT, vendor=self.vendor)

    def _enter_confirm(self, call: Played, step: Step) -> None:
        for group in (step.group, *step.groups_later):
            self._move_to_group(call, _with_group(step, group), stay=False)
        self._to_second_line(call, step.at)
        self._answer(
            call,
            "T200_6",
            step.at,
            SUPPORT,
            outcome_6="resolved",
            solution_kind="permanent",
            solution_steps=NOTE,
        )

    def _enter_closed(self, call: Played, step: Step) -> None:
        if call.place != "confirm":
            self._enter_confirm(call, step)
        self._answer(call, "T200_9", step.at, DESK, outcome_9="confirmed", method="IMPORT")
        self._answer(call, "T200_10", step.at, DESK, closure_code="C01")

    def _refuse(self, call: Played, at: datetime) -> None:
        self._answer(call, "T200_9", at, DESK, outcome_9="refused", refuse_reason="N1", method="IMPORT")
        call.place = "second line"

    def _reopen(self, call: Played, at: datetime) -> None:
        why = {"entry": "reopen", "reason": NOTE, "method": "IMPORT"}
        self.engine.start("incident_200", DESK, at, business_key=call.no, variables=why)
        call.place = "second line"

    # the engine's verbs

    def _answer(self, call: Played, element: str, at: datetime, by: Actor, **data: Any) -> None:
        with self.engine.database.read() as connection:
            rows = reads.tasks(connection, business_key=call.no, process="incident_200").rows
        task = next(r for r in rows if r.element_id == element)
        self.engine.complete(task.id, data, by, at)

    def _send(self, call: Played, message: str, at: datetime, data: Mapping[str, Any]) -> None:
        self.engine.send(message, call.no, data, DESK, at, process="incident_200")


def _with_group(step: Step, group: str) -> Step:
    return replace(step, group=group)


HOLDS = {"customer": "need_info", "change": "need_change", "parts": "wait_parts"}

ENTER: dict[str, Callable[[Player, Played, Step], None]] = {
    "dispatched": Player._stay_dispatched,
    "second line": Player._enter_second_line,
    "customer": Player._enter_hold,
    "change": Player._enter_hold,
    "parts": Player._enter_hold,
    "vendor": Player._enter_vendor,
    "confirm": Player._enter_confirm,
    "closed": Player._enter_closed,
}
