"""The list of guards stays true without running it: each text stands once in its file, each test exists."""

import re
from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, Guard, main, read

GUARDS = read()


def test_there_are_guards_of_every_kind() -> None:
    files = {guard.file for guard in GUARDS}

    assert len(GUARDS) >= 40
    assert {Path(file).parts[0] for file in files} == {"engine", "handlers", "api"}
    assert len({(guard.file, guard.guard, guard.without) for guard in GUARDS}) == len(GUARDS)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.file}: {guard.shown}")
def test_it_stands_once_in_its_file_and_its_test_exists(guard: Guard) -> None:
    source = (ROOT / guard.file).read_text(encoding="utf-8")

    assert source.count(guard.guard) == 1
    assert guard.without != guard.guard
    for test in guard.test.split():
        file, _, name = test.partition("::")
        assert re.search(rf"^def {name or 'test_'}", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_a_guard_that_no_test_needs_is_told(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    useless = Guard("api/cli.py", '"""Tell the person', '"""Tell a person', "tests/api/test_settings.py")
    lost = Guard("api/cli.py", "no such text", "", "tests/api/test_settings.py")
    monkeypatch.setattr("tests.mutants.__main__.read", lambda: [useless, lost])

    code = main([])

    assert code == 1
    said = capsys.readouterr().out
    assert "GREEN" in said and "NOT FOUND" in said and "0 of 2 guards" in said
