"""Many clients on one task: one succeeds, all others are told that it is not open any more."""

import threading
from collections import Counter
from pathlib import Path

from engine.errors import EngineError
from engine.ports import Actor
from tests.benchmarks.product import Product, now
from tests.benchmarks.reference import FIRST, payload

CLIENTS = 50


class Races:
    """Rounds of the same race on one database."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.product = Product(folder, url=url)

    def run(self, rounds: int) -> dict[str, int]:
        """How many rounds ended in which way: "1 ok, 49 task-not-open" is the only good one."""
        told = Counter(self._race() for _ in range(rounds))
        return dict(told)

    def _race(self) -> str:
        task = self.product.task(self.product.create(payload(0)))
        gate, answers = threading.Barrier(CLIENTS), list[str]()
        threads = [
            threading.Thread(target=self._complete, args=(n, task, gate, answers)) for n in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ", ".join(f"{count} {answer}" for answer, count in sorted(Counter(answers).items()))

    def _complete(self, number: int, task: str, gate: threading.Barrier, answers: list[str]) -> None:
        by = Actor(f"client{number}", groups=frozenset({"helpdesk"}))
        gate.wait()
        try:
            self.product.engine.complete(task, FIRST, by, now())
            answers.append("ok")
        except EngineError as error:
            answers.append(error.code)

    def close(self) -> None:
        self.product.close()
