"""flow200 as an adapter of the comparison harness (`../shared/bench` or FLOW200_BENCH), itself unchanged.

The harness starts `python <this file> <its pyhost.py> adapters.product`; this file gives it the adapter.
"""

import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.measure import settle_heap  # noqa: E402
from tests.benchmarks.product import Product  # noqa: E402

FIRST_LINE, SECOND_LINE = "first_line", "second_line"
WAITING = "SELECT instance_id FROM task WHERE element_id = ? AND completed_at IS NULL ORDER BY created_at, id"
LIST = """SELECT t.id, t.instance_id, t.element_id, t.priority, t.created_at FROM task t
WHERE t.completed_at IS NULL AND t.id IN (SELECT task_id FROM candidate WHERE "group" = ?)
ORDER BY t.priority DESC, t.created_at, t.id LIMIT ?"""


class Adapter:
    """What `adapters/base.py` of the harness asks for."""

    name = "product"

    def setup(self, cfg: dict[str, Any]) -> None:
        self.product = Product(Path(cfg["dir"]), synchronous=cfg["sync"].upper())
        settle_heap()

    def recover(self) -> tuple[list[str], list[str]]:
        first, second = (self._rows(WAITING, place) for place in (FIRST_LINE, SECOND_LINE))
        return [row[0] for row in first], [row[0] for row in second]

    def create(self, payload: dict[str, Any]) -> str:
        return self.product.create(_plain(payload))

    def complete_first(self, instance: str) -> str:
        self.product.complete_first(instance)
        return instance

    def complete_second(self, instance: str) -> str:
        self.product.complete_second(instance)
        return instance

    def list_tasks(self, group: str, limit: int) -> list[Any]:
        return self._rows(LIST, group, limit)

    def seed(self, n: int) -> int:
        raise NotImplementedError("the list is measured by make bench")

    def stats(self) -> dict[str, int]:
        (done,) = self._rows("SELECT count(*) FROM instance WHERE ended_at IS NOT NULL")[0]
        first, second = (len(self._rows(WAITING, place)) for place in (FIRST_LINE, SECOND_LINE))
        return {"first": first, "second": second, "done": done}

    def db_bytes(self) -> int:
        self._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.product.path.stat().st_size

    def extra(self, c: Any) -> Any:
        raise NotImplementedError("nothing more is offered")

    def close(self) -> None:
        self.product.close()

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        cursor = self.product.raw.cursor()
        cursor.execute(statement, values)
        return cursor.fetchall()


def _plain(payload: dict[str, Any]) -> dict[str, Any]:
    """The harness's data without nesting: flow200 carries plain values only."""
    plain = {name: value for name, value in payload.items() if not isinstance(value, dict)}
    for name, nested in payload.items():
        if isinstance(nested, dict):
            plain |= {f"{name}_{inner}": value for inner, value in nested.items()}
    return plain


def main() -> None:
    """Run the harness's host with our adapter in place of its template."""
    host = Path(sys.argv[1])
    sys.path[:0] = [str(host.parent), str(host.parent / "process")]
    module = ModuleType("adapters.product")
    module.Adapter = Adapter  # type: ignore[attr-defined]
    sys.modules["adapters.product"] = module
    sys.argv = sys.argv[1:]
    runpy.run_path(str(host), run_name="__main__")


if __name__ == "__main__":
    main()
