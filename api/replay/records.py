"""Reads an incident event log (CSV, a row a snapshot) into records, or says why one is rejected."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
UNKNOWN = "?"
FILE_LIMIT = 512 * 1024 * 1024
CELL_LIMIT = 10_000
FIRST_YEAR, LAST_YEAR = 1900, 9000
STATES = (
    "New",
    "Active",
    "Awaiting User Info",
    "Awaiting Problem",
    "Awaiting Vendor",
    "Awaiting Evidence",
    "Resolved",
    "Closed",
)
COLUMNS = (
    "number",
    "incident_state",
    "reassignment_count",
    "reopen_count",
    "opened_at",
    "sys_updated_at",
    "impact",
    "urgency",
    "assignment_group",
    "resolved_at",
    "closed_at",
)


class UnusableFile(Exception):
    """The file is not an incident event log; the sentence says what is missing or wrong, and where."""


@dataclass(frozen=True, slots=True)
class Row:
    """One snapshot: the state, group and judgement of an incident from `at` on (aware, Asia/Shanghai)."""

    line: int
    at: datetime
    state: str
    group: str
    impact: str
    urgency: str
    reassignments: int
    reopenings: int
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """One incident of the log: its snapshots in file order and what the log says of it as a whole."""

    number: str
    opened_at: datetime
    resolved_at: datetime | None
    closed_at: datetime | None
    rows: tuple[Row, ...]

    def until(self, moment: datetime | None) -> "Record | None":
        """The record as it was before `moment`; None when it had not begun."""
        if moment is None:
            return self
        rows = tuple(r for r in self.rows if r.at < moment)
        if not rows:
            return None
        return self if len(rows) == len(self.rows) else Record(self.number, self.opened_at, None, None, rows)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that cannot be played: why, and the line of the file that shows it."""

    number: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Unreadable(Exception):
    line: int
    reason: str


def read(path: Path) -> tuple[list[Record], list[Rejection]]:
    """All incidents of a file, in the order in which they first appear; raises UnusableFile."""
    snapshots: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, cells in _lines(path):
        snapshots.setdefault(cells["number"], []).append((line, cells))
    records, rejections = [], []
    for number, rows in snapshots.items():
        try:
            records.append(_record(number, rows))
        except _Unreadable as found:
            rejections.append(Rejection(number, found.line, found.reason))
    return records, rejections


def moment(text: str) -> datetime:
    """A wall time dd-mm-yyyy HH:MM of Asia/Shanghai. Raises ValueError for any other form."""
    found = datetime.strptime(text, "%d-%m-%Y %H:%M")
    if found.strftime("%d-%m-%Y %H:%M") != text or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"not dd-mm-yyyy HH:MM: {text!r}")
    return found.replace(tzinfo=ZONE)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise UnusableFile(f"{path}: larger than {FILE_LIMIT // 2**20} MiB")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnusableFile(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnusableFile(f"{path}: not UTF-8 at byte {error.start}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        _refuse_header(path, header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise UnusableFile(
                    f"{path}: line {reader.line_num}: {len(cells)} cells, the header has {len(header)}"
                )
            if any(len(c) > CELL_LIMIT for c in cells):
                raise UnusableFile(f"{path}: line {reader.line_num}: a cell is longer than {CELL_LIMIT}")
            if "\0" in "".join(cells):
                raise UnusableFile(f"{path}: line {reader.line_num}: a cell holds a NUL")
            yield reader.line_num, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise UnusableFile(f"{path}: line {reader.line_num}: {error}") from error


def _refuse_header(path: Path, header: list[str]) -> None:
    missing = [c for c in COLUMNS if c not in header]
    if missing:
        raise UnusableFile(f"{path}: line 1: no column {', '.join(missing)}")
    doubles = sorted({c for c in header if header.count(c) > 1})
    if doubles:
        raise UnusableFile(f"{path}: line 1: the column {', '.join(doubles)} stands twice")


def _record(number: str, snapshots: list[tuple[int, dict[str, str]]]) -> Record:
    first_line, first = snapshots[0]
    opened_at = _moment(first_line, "opened_at", first["opened_at"])
    if opened_at is None:
        raise _Unreadable(first_line, "no opened_at")
    rows = tuple(_row(line, cells, opened_at) for line, cells in snapshots)
    last_line, last = snapshots[-1]
    resolved_at = _moment(last_line, "resolved_at", last["resolved_at"])
    closed_at = _moment(last_line, "closed_at", last["closed_at"])
    if resolved_at is not None and resolved_at < opened_at:
        raise _Unreadable(last_line, "resolved_at is before opened_at")
    if resolved_at is not None and closed_at is not None and closed_at < resolved_at:
        raise _Unreadable(last_line, "closed_at is before resolved_at")
    return Record(number, opened_at, resolved_at, closed_at, rows)


def _row(line: int, cells: dict[str, str], opened_at: datetime) -> Row:
    at = _moment(line, "sys_updated_at", cells["sys_updated_at"])
    for column in ("opened_at", "resolved_at", "closed_at"):
        _moment(line, column, cells[column])
    if at is None:
        raise _Unreadable(line, "unreadable date: sys_updated_at is unknown")
    if cells["incident_state"] not in STATES:
        raise _Unreadable(line, f"unknown state {cells['incident_state']!r}")
    return Row(
        line=line,
        at=max(at, opened_at),
        state=cells["incident_state"],
        group=cells["assignment_group"] or UNKNOWN,
        impact=cells["impact"],
        urgency=cells["urgency"],
        reassignments=_count(cells["reassignment_count"]) or 0,
        reopenings=_count(cells["reopen_count"]) or 0,
        counted=None not in (_count(cells["reassignment_count"]), _count(cells["reopen_count"])),
    )


def _moment(line: int, column: str, text: str) -> datetime | None:
    if text in (UNKNOWN, ""):
        return None
    try:
        return moment(text)
    except ValueError as error:
        raise _Unreadable(line, f"unreadable date: {column} is {text!r}") from error


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
