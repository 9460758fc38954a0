"""Messages that a decision has a job carry to a call's instance, which moves in its own verb (DESIGN §4)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from handlers.outcome import Job

INCIDENT, ESCALATION = "incident_200", "escalation"
NOTHING: Mapping[str, Any] = MappingProxyType({})


def send(key: str, message: str, no: str, data: Mapping[str, Any] = NOTHING, process: str = INCIDENT) -> Job:
    """The job that tells the instance of the call `no`, once for each `key`."""
    return Job("send", key, {"message": message, "business_key": no, "data": {**data}, "process": process})
