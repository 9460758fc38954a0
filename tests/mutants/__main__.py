"""`python -m tests.mutants [WORD…]`: removes each guard of `guards.toml` in a copy, runs its test.

Words choose the guards whose file or test holds one of them. Exit code 1 when a test stays green without its
guard, when the guard's text is not found exactly once, or when a test is red before anything was removed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("guards.toml")
LONGEST = 120  # seconds of one run
ENVIRONMENT = {**os.environ, "FLOW200_TEST_DATABASES": "sqlite", "PYTHONDONTWRITEBYTECODE": "1"}
RED, GREEN, BROKEN, LOST, SLOW = "red", "GREEN", "BROKEN", "NOT FOUND", "TOO SLOW"
FAILED = 1  # pytest's exit code for tests that failed; anything else above 0 did not run them


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard: where it stands, what stands there without it, and the tests that notice."""

    file: str
    guard: str
    without: str
    test: str

    @property
    def shown(self) -> str:
        """Its first line."""
        return self.guard.strip().splitlines()[0][:70]


def read() -> list[Guard]:
    """Every guard of the list; a section's file and test count for its guards that name none."""
    found = []
    for section in tomllib.loads(FILE.read_text(encoding="utf-8"))["section"]:
        common = {name: section[name] for name in ("file", "test") if name in section}
        found += [Guard(**{"without": "", **common, **guard}) for guard in section["guards"]]
    return found


def main(words: list[str]) -> int:
    """Try the guards; 0 when every test went red."""
    guards = [g for g in read() if not words or any(word in g.file + g.test for word in words)]
    console = Console()
    results: list[tuple[Guard, str]] = []
    with tempfile.TemporaryDirectory(prefix="flow200-mutants-") as folder:
        copy(Path(folder))
        sound = run(Path(folder), sorted({g.test for g in guards}))
        if sound.returncode:
            console.print(sound.stdout[-3000:], markup=False)
            console.print("red before any guard was removed", style="red")
            return 1
        for guard in guards:
            results.append((guard, tried(Path(folder), guard)))
            print(f"{results[-1][1]:9} {guard.file}: {guard.shown}", flush=True)
    if any(result != RED for _, result in results):
        console.print(table(results))
    print(f"{sum(result == RED for _, result in results)} of {len(results)} guards have a test that goes red")
    return int(any(result != RED for _, result in results))


def copy(to: Path) -> None:
    """The checkout as git sees it, with what is not committed yet."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)


def tried(folder: Path, guard: Guard) -> str:
    """What happened to the test when the guard was gone; the copy is whole again afterwards."""
    file = folder / guard.file
    whole = file.read_text(encoding="utf-8") if file.is_file() else ""
    if whole.count(guard.guard) != 1:
        return LOST
    file.write_text(whole.replace(guard.guard, guard.without), encoding="utf-8")
    try:
        code = run(folder, [guard.test]).returncode
    except subprocess.TimeoutExpired:
        return SLOW
    finally:
        file.write_text(whole, encoding="utf-8")
    return {0: GREEN, FAILED: RED}.get(code, BROKEN)


def run(folder: Path, tests: list[str]) -> "subprocess.CompletedProcess[str]":
    """The tests, stopped at the first that fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *_names(tests)]
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=LONGEST
    )


def _names(tests: list[str]) -> Iterator[str]:
    for test in tests:
        yield from test.split()


def table(results: list[tuple[Guard, str]]) -> Table:
    """One row for each guard that did not do as it should."""
    shown = Table(title="guards that nothing defends", title_justify="left")
    for heading in ("result", "file", "guard", "test"):
        shown.add_column(heading, overflow="fold")
    for guard, result in results:
        if result != RED:
            shown.add_row(result, guard.file, guard.shown, guard.test)
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
