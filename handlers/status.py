"""The status table of PROCESS §6.7.2, asked before a status is written."""

from collections.abc import Mapping
from typing import Any

from handlers.codes import Codes
from handlers.errors import TransitionRefused
from handlers.incident import Incident

TO_CONFIRM, CLOSED = "ST7", "ST8"
SOLVED = (TO_CONFIRM, CLOSED)


def check(call: Incident, changes: Mapping[str, Any], codes: Codes) -> None:
    """Refuse a change of status that the table does not have."""
    new = changes.get("status", call.status)
    if new == call.status:
        return
    row = codes.transition(call.status, new)
    if row is None or not _fits(row.data, call, changes, new):
        raise TransitionRefused(no=call.no, old=call.status, new=new)


def _fits(rule: Mapping[str, Any], call: Incident, changes: Mapping[str, Any], new: str) -> bool:
    if "closure" in rule:
        return changes.get("closure_code", call.closure_code) in rule["closure"]
    if rule.get("back") and new == call.held_from:
        return True
    if "hold" in rule:
        return call.hold in rule["hold"]
    return not rule.get("back")
