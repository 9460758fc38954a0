"""An instance that goes round and round: what a step costs when it is old, and how large its state grows."""

from pathlib import Path

from tests.benchmarks.measure import cpu
from tests.benchmarks.product import Product
from tests.benchmarks.reference import payload

PROCESS = "reference_looped"


class Loops(Product):
    """The looped reference process; a round is first line and second line."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._rounds(self._made(8), 3)

    def ages(self, batch: int, old: int) -> tuple[float, float]:
        """CPU seconds of `batch` instances in their first round, and in round `old`, side by side."""
        aged = self._made(batch)
        self._rounds(aged, old - 1)
        young = self._made(batch)
        return cpu(lambda: self._rounds(young, 1)), cpu(lambda: self._rounds(aged, 1))

    def sizes(self, rounds: int) -> tuple[int, int]:
        """Bytes of state after 3 rounds and after `rounds`."""
        (one,) = made = self._made(1)
        self._rounds(made, 3)
        early = self.state_bytes(one)
        self._rounds(made, rounds - 3)
        return early, self.state_bytes(one)

    def _made(self, count: int) -> list[str]:
        return [self.create(payload(number), PROCESS) for number in range(count)]

    def _rounds(self, instances: list[str], rounds: int) -> None:
        for _ in range(rounds):
            for one in instances:
                self.complete_first(one)
                self.complete_second(one)
