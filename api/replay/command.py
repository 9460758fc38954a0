"""`flow200 replay FILE.csv`: the whole of a replay, in a scratch database that is gone afterwards."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson
import sqlalchemy as sa
from flask import Flask
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from api import auth, install, migrations
from api.app import create_app
from api.product import Product
from api.replay import tally
from api.replay.compare import Get, Report, compare, mismatch
from api.replay.live import LivePlayer, TimeLine, ending, seed_calendars
from api.replay.play import DESK, SUPPORT, Played, Player, code
from api.replay.records import ZONE, Record, Rejection, UnusableFile, read
from api.settings import Settings
from engine.ports import SYSTEM, Command
from handlers import sample, tables

COUNTS = ("incidents", "ended", "open", "rejected", "reopened", "variants", "mismatches")
SHOWN = 20


class _Moment(click.ParamType[datetime]):
    name = "YYYY-MM-DD[THH:MM]"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """An ISO moment; without an offset it is Asia/Shanghai wall time."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an ISO date or time", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--until", type=_Moment(), help="Play only the rows before this moment (Asia/Shanghai).")
@click.option("--live", is_flag=True, help="Clocks and automatic moves of ours are on.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
def replay(file: Path, until: datetime | None, live: bool, as_json: bool) -> None:
    """Play real incidents of another tool (CSV) through the process and compare what comes out.

    Runs in a scratch database with the clock at each row's own time; timers and jobs of ours run only with
    --live, each at its own time.
    Exit code 0: nothing differs; 1: there are mismatches; 2: the file cannot be used.
    """
    try:
        records, rejections = read(file)
        end = ending(records, until) if live else None
    except UnusableFile as error:
        raise click.UsageError(str(error)) from error
    taken = [r for r in (record.until(until) for record in records) if r is not None]
    report = play(taken, rejections, end)
    if as_json:
        click.echo(orjson.dumps(_answer(report), option=orjson.OPT_INDENT_2))
    else:
        _print(report)
    sys.exit(1 if report.mismatches else 0)


def play(records: list[Record], rejections: list[Rejection], end: datetime | None = None) -> Report:
    """Play the records in a database of their own and report; nothing of it is kept.

    With an `end`, time passes until then and does what it does.
    """
    with tempfile.TemporaryDirectory(prefix="flow200-replay-") as folder:
        return play_in(f"sqlite:///{folder}/scratch.db", records, rejections, end)


def play_in(
    url: str, records: list[Record], rejections: list[Rejection], end: datetime | None = None
) -> Report:
    """As `play`, in the empty database at `url`."""
    app = create_app(Settings(database_url=url))
    parts: Product = app.extensions["flow200"]
    if parts.database.is_sqlite:
        sa.event.listen(parts.database.engine, "connect", _without_waiting)
    with closing(parts.database), _progress() as progress:
        vendor = _prepare(parts, records)
        work = progress.add_task("playing", total=len(records))
        if end is None:
            player = Player(parts.engine, parts.desk, vendor)
            played = list(_played(player, records, progress, work))
        else:
            seed_calendars(parts, records)
            line = TimeLine(LivePlayer(parts.engine, parts.desk, vendor))
            played = line.play(records, end, lambda: progress.advance(work))
        work = progress.add_task("reading back", total=len(played))
        report = compare(played, _reader(app, parts), lambda: progress.advance(work))
        if end is not None:
            _count(parts, played, report, end)
    report.rejected = [asdict(r) for r in rejections]
    return report


def _without_waiting(connection: Any, _: Any) -> None:
    """Nothing of a scratch database is to survive a crash, so that no commit waits for the disk."""
    connection.execute("PRAGMA synchronous=OFF")


def _count(parts: Product, played: list[Played], report: Report, end: datetime) -> None:
    """What time did; a job of ours that failed is a mismatch."""
    numbers = {call.no: call.record.number for call in played}
    with parts.database.read() as connection:
        codes = parts.desk.codes(Command(connection, SYSTEM, end))
        report.live = tally.count(connection, codes, end)
        for no, what in tally.failed_jobs(connection):
            mismatch(report, numbers.get(no, no), "a job", "runs", what)


def _played(player: Player, records: list[Record], progress: Progress, work: Any) -> Iterator[Played]:
    for record in records:
        yield player.play(record)
        progress.advance(work)


def _prepare(parts: Product, records: list[Record]) -> str:
    """Tables, diagrams, code tables, and a second-line group for every group of the log; returns a vendor."""
    start = min((r.opened_at for r in records), default=datetime(2000, 1, 1, tzinfo=ZONE))
    migrations.upgrade(parts.database)
    groups = sorted({row.group for record in records for row in record.rows})
    with parts.database.write() as connection:
        sample.load(connection, start)
        known = set(connection.scalars(sa.select(tables.person.c.staff_no)))
        people = [{"staff_no": who.id, "name": who.name} for who in (DESK, SUPPORT) if who.id not in known]
        if people:
            connection.execute(sa.insert(tables.person), people)
        if groups:
            rows = [{"code": code(g), "name": g[:80], "tier": "L2", "active": True} for g in groups]
            connection.execute(sa.insert(tables.workgroup), rows)
        vendor = str(connection.scalar(sa.select(tables.vendor.c.code).order_by(tables.vendor.c.code)))
    install.deploy(parts)
    return vendor


def _reader(app: Flask, parts: Product) -> Get:
    """Our own API, asked by a person of the scratch organisation."""
    password = auth.generated_password()
    with parts.database.write() as connection:
        auth.set_password(connection, DESK.id, password)
    client = app.test_client()

    def get(path: str) -> Any:
        response = client.get(f"/api/v1{path}", auth=(DESK.id, password))
        if response.status_code != 200:
            raise click.ClickException(
                f"{path}: {response.status_code} {response.get_data(as_text=True)[:500]}"
            )
        return response.get_json()

    return get


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on stderr where that is a terminal, else nothing."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


def _answer(report: Report) -> dict[str, Any]:
    """Counts under the names that programs ask for, and the lists behind them."""
    found = asdict(report)
    lists = {name: found.pop(name) for name in ("rejected", "mismatches")}
    live = {"live": timed} if (timed := found.pop("live")) else {}
    counts = {name: len(lists[name]) if name in lists else found.pop(name) for name in COUNTS}
    return {**counts, **found, **live, **{f"{name}_records": rows for name, rows in lists.items()}}


def _print(report: Report) -> None:
    console = Console()
    counts = _answer(report)
    table = Table(*COUNTS, title="flow200 replay")
    table.add_row(*(str(counts[name]) for name in COUNTS))
    console.print(table)
    console.print(f"resolve time, plain minutes in all: {report.resolve_minutes:,}")
    for line in tally.lines(report.live) if report.live else ():
        console.print(line, highlight=False)
    _list(console, "no resolved_at", report.no_resolved_at)
    _list(
        console,
        "inconsistent in the log itself",
        [f"{i['number']}: {i['what']}" for i in report.inconsistencies],
    )
    _list(console, "rejected", [f"{r['number']} (line {r['line']}): {r['reason']}" for r in report.rejected])
    _list(
        console,
        "mismatches",
        [f"{m['number']}: {m['what']}: log {m['log']}, flow200 {m['flow200']}" for m in report.mismatches],
    )


def _list(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        more = f" … and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
        console.print(f"{title} ({len(lines)}): " + "; ".join(lines[:SHOWN]) + more, highlight=False)
