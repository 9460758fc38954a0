"""CPU time in interleaved rounds, compared as ratios with their spread; a goal is a limit on a ratio."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.benchmarks.reference import payload


def cpu(work: Callable[[], object]) -> float:
    """Seconds of this process's CPU (all threads, user and system) that `work` took."""
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def settle_heap() -> None:
    """Spare each collection what lives as long as the process, as `flow200 serve` does."""
    gc.collect()
    gc.freeze()


def three_steps(engine: Any, count: int) -> dict[str, float]:
    """CPU µs per create, first and second completion of the reference process, `count` instances each."""
    made: list[Any] = []
    spent = {
        "create": cpu(lambda: made.extend(engine.create(payload(n)) for n in range(count))),
        "first": cpu(lambda: [engine.complete_first(one) for one in made]),
        "second": cpu(lambda: [engine.complete_second(one) for one in made]),
    }
    return {name: seconds / count * 1e6 for name, seconds in spent.items()}


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of several rounds."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.least:.2f}-{self.most:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Median, minimum and maximum."""
    return Spread(median(values), min(values), max(values))


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """The ratio of two series measured round by round."""
    return spread([a / b for a, b in zip(over, under, strict=True)])


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report; `met` is None where there is no goal."""

    what: str
    figure: str
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        return f"| {self.what} | {self.figure} | {self.goal} | {verdict} |"


HEAD = "| what | figure: median (min-max) | goal | |\n|---|---|---|---|"
