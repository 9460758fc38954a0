"""The log of a call: append-only lines, each hashed with the one before it (PROCESS §6.11 invariant 20)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

_JSON = json.JSONEncoder(ensure_ascii=False)
HASHED = ("call", "seq", "at", "by", "step", "what", "field", "old", "new", "prev_hash")


def chain(lines: Iterable[Mapping[str, Any]], seq: int, head: str) -> list[dict[str, Any]]:
    """Number and hash new lines after line `seq`, whose hash is `head`."""
    chained = []
    for line in lines:
        seq += 1
        whole = {**line, "seq": seq, "prev_hash": head}
        head = digest(whole)
        chained.append({**whole, "hash": head})
    return chained


def digest(line: Mapping[str, Any]) -> str:
    """SHA-256 over the line's columns and the hash of the line before."""
    columns = [_plain(line[name]) for name in HASHED]
    return hashlib.sha256(_JSON.encode(columns).encode()).hexdigest()


def first_broken(lines: Iterable[Mapping[str, Any]], seq: int, head: str) -> int | None:
    """The number of the first line that was altered, is missing or was added; None if the chain holds.

    `lines` in their order; `seq` and `head` are what the call says of its last line.
    """
    expected, previous = 0, ""
    for line in lines:
        expected += 1
        if line["seq"] != expected or line["prev_hash"] != previous or line["hash"] != digest(line):
            return expected
        previous = line["hash"]
    return None if (expected, previous) == (seq, head) else expected + (expected < seq)


def shown(value: Any) -> str | None:
    """A field's value as the log keeps it: text, instants in ISO with offset."""
    if value is None or isinstance(value, str):
        return value
    return str(_plain(value))


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
