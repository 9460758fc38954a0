"""Plays records through the process: the verbs that a desk and a second line would use, at the log's own times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.replay.plan import Step, steps
from api.replay.records import Record
from engine import reads
from engine.core import Engine
from engine.ports import Actor

DESK = Actor("import", "导入", frozenset({"WG-SD", "WG-IM"}))
SUPPORT = Actor("import2", "导入(二线)", frozenset({"WG-IM"}))
"""Two people, since the solver may not confirm; both act with the incident manager's rights (POL-13)."""


@dataclass(slots=True)
class Played:
    """A record as it went: its number with us, and where the call stands now."""

    record: Record
    no: str = ""
    group: str = ""
    judged: tuple[str, str] = ("", "")
    place: str = ""


class Player:
    """Drives one engine. `prioritise` is the domain's verb that changes a priority."""

    def __init__(self, engine: Engine, desk: Any) -> None:
        self.engine, self.desk = engine, desk

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
                "medium": "portal",
                "subject": call.record.number,
                "description": call.record.number,
                "reported_at": call.record.opened_at.isoformat(),
            },
        )
        call.no = str(opened.business_key)
        call.judged = (step.impact, step.urgency)
        self._answer(
            call, "T200_2", step.at, DESK, outcome_2="proceed", impact=step.impact, urgency=step.urgency
        )
        self._answer(call, "T200_4", step.at, DESK, outcome_4="escalate")
        self._dispatch(call, step.group, step.at)

    def _judge(self, call: Played, step: Step) -> None:
        judged = (step.impact, step.urgency)
        if judged != call.judged:
            with self.engine.transaction(DESK, step.at) as command:
                self.desk.change_priority(command, call.no, *judged, reason="导入:日志中的优先级变化")
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
        outcome = HOLDS[str(step.place)]
        if outcome == "need_info" and self._clock_must_run(call):
            outcome = "wait_parts"
        self._answer(call, "T200_6", step.at, SUPPORT, outcome_6=outcome, **HOLD_FIELDS)

    def _enter_vendor(self, call: Played, step: Step) -> None:
        self._to_second_line(call, step.at)
        self._answer(call, "T200_6", step.at, SUPPORT, outcome_6="vendor")
        self._answer(call, "T200_7", step.at, SUPPORT, vendor="VD-IMPORT")

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
            solution_steps="见原系统记录",
        )

    def _enter_closed(self, call: Played, step: Step) -> None:
        if call.place != "confirm":
            self._enter_confirm(call, step)
        self._answer(call, "T200_9", step.at, DESK, outcome_9="confirmed", method="IMPORT")
        self._answer(call, "T200_10", step.at, DESK, closure_code="C01", category_final="OTH")

    def _refuse(self, call: Played, at: datetime) -> None:
        self._answer(call, "T200_9", at, DESK, outcome_9="refused", refuse_reason="N1", method="IMPORT")
        call.place = "second line"

    def _reopen(self, call: Played, at: datetime) -> None:
        with self.engine.transaction(DESK, at) as command:
            started = self.desk.reopen(command, call.no, reason="导入:日志中的重新打开")
        self.engine.start("incident_200", DESK, at, business_key=call.no, variables=started)
        call.place = "second line"

    # the engine's verbs

    def _answer(self, call: Played, element: str, at: datetime, by: Actor, **data: Any) -> None:
        with self.engine.database.read() as connection:
            rows = reads.tasks(connection, business_key=call.no, process="incident_200").rows
        task = next(r for r in rows if r.element_id == element)
        self.engine.complete(task.id, data, by, at)

    def _send(self, call: Played, message: str, at: datetime, data: Mapping[str, Any]) -> None:
        self.engine.send(message, call.no, data, DESK, at, process="incident_200")
