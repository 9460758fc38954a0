"""Settings come from the environment, then a file, then the default; a wrong one is named."""

from pathlib import Path

import pytest

from api import settings
from api.settings import InvalidSetting


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "flow200.toml"
    file.write_text('port = 9000\nlocale = "en"\n')

    chosen = settings.load({"FLOW200_CONFIG": str(file), "FLOW200_PORT": "9001"})

    assert (chosen.port, chosen.locale, chosen.host) == (9001, "en", "127.0.0.1")


def test_the_default_database_is_a_file_in_the_checkout() -> None:
    assert settings.load({}).database_url == f"sqlite:///{settings.ROOT / 'var' / 'flow200.db'}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLOW200_PORT", "eighty"),
        ("FLOW200_PORT", "65536"),
        ("FLOW200_LOCALE", "fr"),
        ("FLOW200_TIMEZONE", "Mars/Olympus"),
        ("FLOW200_TIMEZONE", "../etc"),
        ("FLOW200_THREADS", "0"),
        ("FLOW200_TICK_SECONDS", "0"),
        ("FLOW200_DATABASE_URL", "mysql://x"),
        ("FLOW200_CONFIG", "/no/such/file"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=name):
        settings.load({name: value})


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "flow200.toml"
    file.write_text("prot = 9000\n")

    with pytest.raises(InvalidSetting, match="prot"):
        settings.load({"FLOW200_CONFIG": str(file)})
