"""The settings of one installation: environment first, then a TOML file, then the default."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]  # the checkout, or flow200/app in the wheel
LOCALES = ("zh-CN", "en")


class InvalidSetting(ValueError):
    """A setting has a value that flow200 cannot use."""


def _setting(default: Any, says: str) -> Any:
    return field(default=default, metadata={"says": says})


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation may decide; each field is the setting `FLOW200_<NAME>`."""

    database_url: str = _setting("", "SQLAlchemy URL: sqlite:///file or postgresql+psycopg://…")
    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8080, "port to listen on")
    locale: str = _setting("zh-CN", "language when the request names none: zh-CN or en")
    timezone: str = _setting("Asia/Shanghai", "time zone of every time that is shown")
    cors_origins: str = _setting(
        "", "origins that may read /engine-rest, with spaces: file:// null https://…"
    )
    threads: int = _setting(4, "threads that answer requests")
    workers: int = _setting(1, "threads that run due timers and jobs; 0 leaves them to another process")
    tick_seconds: float = _setting(1.0, "how often a worker looks for due timers and jobs")
    session_idle_minutes: int = _setting(
        30, "a browser that asks for nothing so long is signed out; 5 to 1440"
    )
    session_hours: int = _setting(
        12, "a browser is signed out so long after the login at the latest; 1 to 744"
    )

    @property
    def zone(self) -> ZoneInfo:
        """The time zone at the edge."""
        return ZoneInfo(self.timezone)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; raises `InvalidSetting` naming the one that cannot be used."""
    environment = os.environ if environment is None else environment
    found = {
        **_from_file(environment.get("FLOW200_CONFIG")),
        **_from_environment(environment),
    }
    known = {f.name: f for f in fields(Settings)}
    if unknown := sorted(set(found) - set(known)):
        raise InvalidSetting(f"unknown setting: {', '.join(unknown)}. `flow200 doctor` lists all of them.")
    values = {name: _converted(name, known[name].type, value) for name, value in found.items()}
    return _checked(Settings(**{"database_url": default_database_url(), **values}))


def default_database_url() -> str:
    """`./var/flow200.db` in a checkout, a file in the user's data directory otherwise."""
    if (ROOT / "pyproject.toml").is_file():
        return f"sqlite:///{ROOT / 'var' / 'flow200.db'}"
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{data / 'flow200' / 'flow200.db'}"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"FLOW200_{name.upper()}"


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {variable(f.name): f.name for f in fields(Settings)}
    return {names[key]: value for key, value in environment.items() if key in names and value != ""}


def _from_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"FLOW200_CONFIG: cannot read {path}: {error}") from error


def _converted(name: str, wanted: Any, value: Any) -> Any:
    try:
        return wanted(value)
    except (TypeError, ValueError) as error:
        raise InvalidSetting(f"{variable(name)}: {value!r} is not a {wanted.__name__}") from error


def _checked(settings: Settings) -> Settings:
    rules = {
        "port": 0 <= settings.port <= 65535,
        "locale": settings.locale in LOCALES,
        "timezone": _is_zone(settings.timezone),
        "threads": settings.threads >= 1,
        "workers": settings.workers >= 0,
        "tick_seconds": settings.tick_seconds > 0,
        "session_idle_minutes": 5 <= settings.session_idle_minutes <= 1440,  # seen once a minute
        "session_hours": 1 <= settings.session_hours <= 744,
        "database_url": settings.database_url.startswith(("sqlite://", "postgresql+psycopg://")),
    }
    for name, holds in rules.items():
        if not holds:
            raise InvalidSetting(f"{variable(name)}: {getattr(settings, name)!r} cannot be used")
    return settings


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
