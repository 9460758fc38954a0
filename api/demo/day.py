"""Plans the day of `day.toml`: which call takes which step at which minute, in order of time."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FILE = Path(__file__).with_name("day.toml")
ZONE = ZoneInfo("Asia/Shanghai")
DOINGS = ("open", "draft", "task", "message", "escalate", "reopen")
SHIFT = (8, 20)  # the hours of the day shift of the desk
RESUME = time(10, 0)


@dataclass(slots=True)
class Call:
    """A call of the day: where the story leaves it, its words, and its number once it has one."""

    place: str
    words: dict[str, str]
    name: str = ""
    no: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """One step of one call; moves sort by time, then by the order of the day."""

    at: datetime
    order: int
    call: Call = field(compare=False)
    doing: str = field(compare=False)
    what: str = field(compare=False)
    by: str = field(compare=False)
    answer: Mapping[str, Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Day:
    """The whole day: when it ends, and all moves in order of time."""

    end: datetime
    calls: tuple[Call, ...]
    moves: tuple[Move, ...]

    @property
    def begin(self) -> datetime:
        """The moment of the first move."""
        return self.moves[0].at


def read() -> Day:
    """The day as its file tells it."""
    told = tomllib.loads(FILE.read_text(encoding="utf-8"))
    sites = itertools.cycle(told["site"])
    subjects = {kind: itertools.cycle(rows) for kind, rows in told["subjects"].items()}
    calls: list[Call] = []
    moves: list[Move] = []
    for story in told["story"]:
        for moment in _moments(told, story):
            words = _words(told["date"], next(sites), _subject(story, subjects), story, len(calls) + 1)
            call = Call(story["place"], words, story.get("name", ""))
            moves += _moves(told, story, call, moment, len(moves))
            calls.append(call)
    return Day(_at(told["date"], told["until"]), tuple(calls), tuple(sorted(moves)))


def _moments(told: Mapping[str, Any], story: Mapping[str, Any]) -> Iterator[datetime]:
    """When each call of a story takes its last step, the latest first."""
    last = _at(told["date"], story.get("until", told["until"]))
    for number in range(story.get("calls", told["calls"])):
        yield last - timedelta(minutes=1 + number * story.get("every", told["every"]))


def _subject(story: Mapping[str, Any], subjects: Mapping[str, Iterator[dict[str, str]]]) -> dict[str, str]:
    wanted = story.get("only")
    rows = subjects[story.get("of", "incident")]
    return next(row for row in rows if wanted is None or row["category"] in wanted)


def _words(
    day: date,
    site: Mapping[str, str],
    about: Mapping[str, str],
    story: Mapping[str, Any],
    n: int,
) -> dict[str, str]:
    """What the braces of the steps stand for in this call."""
    tomorrow = datetime.combine(day + timedelta(days=1), RESUME, ZONE)
    reached = {"engagement": "VND"} if about.get("vendor") else {"engagement": "L3", "l3_group": "WG-DEV"}
    return {
        "source": "BR",
        "medium": "PHONE",
        "tomorrow": tomorrow.isoformat(),
        "serial": f"{n:04}",
        **{f"site_{name}": value for name, value in site.items()},
        **reached,
        **about,
        **story.get("judged", {}),
    }


def _moves(
    told: Mapping[str, Any], story: Mapping[str, Any], call: Call, last: datetime, order: int
) -> Iterator[Move]:
    steps = [told["step"][name] for name in story["steps"]]
    gaps = [step.get("after", 0) for step in steps]
    for number, step in enumerate(steps):
        at = last - timedelta(minutes=sum(gaps[number + 1 :]))
        doing = next(name for name in DOINGS if name in step)
        answer = {name: value for name, value in step.items() if name not in ("by", "after", doing)}
        by = _person(told["cast"], step["by"], call, at)
        yield Move(at.astimezone(UTC), order + number, call, doing, str(step[doing]), by, answer)


def _person(cast: Mapping[str, Any], role: str, call: Call, at: datetime) -> str:
    """The account of who takes a step."""
    if role == "desk":
        return str(cast["desk"] if SHIFT[0] <= at.hour < SHIFT[1] else cast["night"])
    if role in cast["group"] or role == "group":
        return str(cast["group"][call.words["group"] if role == "group" else role])
    return str(cast[role])


def _at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZONE)
