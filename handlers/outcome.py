"""What a decision wants: an Outcome for the desk to apply, and the Effect that the engine sees of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to somebody, kept as an outbox row; the text is the row `event` of the table `notice`.

    `key` makes it unique within the call; without one, an event reaches a recipient once per change.
    """

    event: str
    recipient: str | None
    params: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work for later, idempotent by `key`; `due` None means at once.

    A `renewed` one is set anew, if there is one of its key: what was to be done then is to be done now.
    """

    kind: str
    key: str
    payload: Mapping[str, Any]
    due: datetime | None = None
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class TaskFields:
    """What the domain says of an open task; None leaves a field as it is."""

    assignee: str | None = None
    groups: Sequence[str] | None = None
    priority: int | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A new row of a table under the call (`new`), or changed values of the row with this `seq`."""

    table: str
    seq: int
    values: Mapping[str, Any]
    new: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A log line beside the changes of fields, which are logged by themselves."""

    what: str
    text: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision: nothing of it has happened yet."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Scalar] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    notices: Sequence[Notice] = ()
    jobs: Sequence[Job] = ()
    lines: Sequence[Line] = ()

    def __add__(self, other: "Outcome") -> "Outcome":
        """Both decisions; where they change the same field, the later one counts."""
        return Outcome(
            {**self.changes, **other.changes},
            {**self.variables, **other.variables},
            (*self.rows, *other.rows),
            (*self.notices, *other.notices),
            (*self.jobs, *other.jobs),
            (*self.lines, *other.lines),
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """What the engine sees of an applied Outcome."""

    business_key: str | None = None
    variables: Mapping[str, Scalar] = field(default_factory=dict)
    jobs: Sequence[Job] = ()
    tasks: Mapping[str, TaskFields] = field(default_factory=dict)
