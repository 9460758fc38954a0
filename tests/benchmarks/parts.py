"""Where a completion's time goes: a profile summed up by part, commit aside, since that is the disk's.

A profile counts each call as dearer than it is; read the shares, not the figures.
"""

import cProfile
import pstats
from collections.abc import Callable

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("tokens (SpiffWorkflow)", ("/SpiffWorkflow/",)),
    ("form check (marshmallow)", ("/marshmallow/", "engine/forms.py")),
    ("domain (handlers)", ("/handlers/", "engine/plain.py", "benchmarks/product.py")),
    ("load and write state", ("engine/state.py", "orjson")),
    ("tokens (engine)", ("engine/workflow.py", "engine/services.py", "engine/expressions.py")),
    ("rows (engine)", ("engine/rows.py", "engine/live.py", "engine/store.py", "uuid6")),
    ("verb (engine)", ("engine/core.py",)),
    ("statements", ("engine/prepared.py", "/sqlalchemy/")),
    ("database, without commit", ("sqlite3.Cursor", "psycopg")),
)
COMMIT = "method 'commit'"


def shares(work: Callable[[], object]) -> dict[str, float]:
    """The share of each part in the time of `work`, commit left out."""
    profile = cProfile.Profile()
    profile.runcall(work)
    found: dict[str, float] = {}
    for (file, _, function), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        for name, spent in _owners(f"{file} {function}", own, callers):
            found[name] = found.get(name, 0.0) + spent
    found.pop("commit", None)
    total = sum(found.values())
    return dict(sorted(((n, s / total) for n, s in found.items()), key=lambda one: -one[1]))


def _owners(
    place: str, own: float, callers: dict[tuple[str, int, str], tuple[float, ...]]
) -> list[tuple[str, float]]:
    """A function of the standard library counts for those who call it."""
    if (part := _part(place)) is not None:
        return [(part, own)]
    total = sum(times[2] for times in callers.values()) or 1.0
    return [
        (_part(f"{file} {name}") or "the rest", own * times[2] / total)
        for (file, _, name), times in callers.items()
    ] or [("the rest", own)]


def _part(place: str) -> str | None:
    if COMMIT in place:
        return "commit"
    return next((name for name, marks in PARTS if any(mark in place for mark in marks)), None)
