"""`flow200 calendar`: look at a year of a service calendar, or import it from a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import click

from api import cli, http
from api.product import Product
from engine.ports import SYSTEM, Command
from handlers import almanac, calendar, calendar_days
from handlers.codes import Codes
from handlers.errors import Refused

KINDS = {".csv": "csv", ".ics": "ics"}


@click.group(name="calendar")
def command() -> None:
    """Look at a service calendar, or import its public holidays and make-up working days (调休)."""


@command.command()
@click.argument("code")
@click.argument("year", type=int)
@cli.json_option
def show(code: str, year: int, as_json: bool) -> None:
    """List the days of YEAR on which the calendar CODE is not as its week day says."""
    parts = cli.product()
    with _sentences(), _codes(parts) as codes:
        days = calendar_days.of_year(codes, code, year)
        provisional = calendar.is_provisional(codes, code, year)
    said = "暂定 provisional" if provisional else "已确定 certain"
    lines = [f"{code} {year}  {said}", *(_line(day) for day in days)]
    cli.answer(
        {"calendar": code, "year": year, "provisional": provisional, "days": days}, as_json, "\n".join(lines)
    )


@command.command(name="import")
@click.argument("code")
@click.argument("year", type=int)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@cli.json_option
def import_(code: str, year: int, file: Path, as_json: bool) -> None:
    """Replace the days of YEAR on the calendar CODE by those of FILE (.csv or .ics), for good."""
    parts = cli.product()
    kind = KINDS.get(file.suffix.lower())
    if kind is None:
        raise click.ClickException(f"{file}: 须为 .csv 或 .ics · the file must be .csv or .ics")
    if file.stat().st_size > http.BODY_LIMIT:
        raise click.ClickException(f"{file}: 超过上限 · larger than {http.BODY_LIMIT} bytes")
    with _sentences(), parts.engine.transaction(SYSTEM, parts.clock()) as verb:
        done = almanac.import_year(parts.desk, verb, code, year, kind, file.read_bytes())
    text = f"{code} {year}: {done['days_off']} 天休息 off, {done['working_days']} 天上班 working"
    cli.answer(done, as_json, text)


def _line(day: dict[str, Any]) -> str:
    week_day = "一二三四五六日"[date.fromisoformat(day["date"]).weekday()]
    counts = "上班 work" if day["working"] else "休息 off "
    hours = " ".join(f"{opens}-{closes}" for opens, closes in day["windows"] or ())
    return f"{day['date']} 周{week_day}  {counts}  {day['zh']}  {hours}".rstrip()


@contextmanager
def _codes(parts: Product) -> Iterator[Codes]:
    with parts.database.read() as connection:
        yield parts.desk.codes(Command(connection, SYSTEM, parts.clock()))


@contextmanager
def _sentences() -> Iterator[None]:
    """A refusal ends with its sentence and exit code 1."""
    try:
        yield
    except Refused as error:
        raise click.ClickException(f"{error.text('zh')}\n{error.text('en')}") from error
