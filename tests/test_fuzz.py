"""`make fuzz` does try more than `make test`."""

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from tests import conftest

ROOT = Path(__file__).parents[1]


def test_a_random_test_is_larger_by_the_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "FUZZ", 10)
    monkeypatch.setattr(hypothesis.settings, "__init__", conftest._larger)
    seen = []

    @hypothesis.given(st.integers())
    @hypothesis.settings(max_examples=20, database=None)
    def tries(number: int) -> None:
        seen.append(number)

    tries()

    assert len(seen) == 200


@pytest.mark.parametrize(("value", "factor"), [("", "1"), ("0", "1"), ("1", "10")])
def test_the_factor_comes_from_the_environment(value: str, factor: str) -> None:
    asked = [sys.executable, "-c", "from tests import conftest; print(conftest.FUZZ)"]

    told = subprocess.run(
        asked, cwd=ROOT, env={**os.environ, "FLOW200_FUZZ": value}, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == factor
