"""`flow200 demo`: plays the day into a scratch database, says who may sign in and what to open, serves it."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from flask import Flask
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api import auth, cli, install, migrations, settings
from api.app import create_app
from api.demo import day as days
from api.demo.play import Clock, NotTheCast, Player, holds_calls, named, places
from api.install import FirstPassword
from api.product import Product
from api.serve import CannotListen, listen, serve
from engine import reads

PASSWORD = "flow200-demo"
"""Of everybody, but only in a scratch database that is served to this computer alone."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
OPEN = (
    ("/", "首页:现有多少,从哪里开始 the home page"),
    ("/api/v1/tasks", "登录人的任务列表 the task list of who signs in"),
    ("/api/v1/tasks?group=WG-APP", "应用支持组的任务列表 the list of a second-line group"),
    ("/api/v1/incidents/{no}", "一条升级中的重大事件 a major incident, escalated"),
    ("/api/v1/incidents/{no}/history", "它为什么在那里 why it stands there"),
)


@click.command()
@click.option("--no-serve", is_flag=True, help="Play the day, say what came out, and end.")
@click.option("--into-empty", is_flag=True, help="Use the database of the settings; it must hold no call.")
@cli.json_option
def demo(no_serve: bool, into_empty: bool, as_json: bool) -> None:
    """A day of a bank to look at and click through: calls in every step, made by the engine itself.

    Without --into-empty the database is a scratch one that is gone afterwards. Served, the clock goes on
    from the day's end, so that everything stands where the day left it.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with ExitStack() as stack:
        chosen = settings.load()
        if not into_empty:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="flow200-demo-"))
            chosen = replace(chosen, database_url=f"sqlite:///{Path(folder) / 'demo.db'}")
        day = days.read()
        clock = Clock(day.begin)
        app = create_app(chosen, clock)
        parts: Product = app.extensions["flow200"]
        stack.callback(parts.database.close)
        server = None if no_serve else _listen(app)
        made = prepare(parts, PASSWORD if not into_empty and chosen.host in LOOPBACK else None)
        with _progress(len(day.moves)) as advance:
            _played(Player(parts, clock), day, advance)
        _say(parts, day, made, as_json)
        if server is not None:
            clock.run()
            here = f"http://{chosen.host}:{chosen.port}"
            cli.say(f"serving   {here}   (stop with Ctrl-C)")
            serve(app, server)


def prepare(parts: Product, password: str | None) -> list[FirstPassword]:
    """Tables, cast and diagrams; refuses a database with calls. No password: each person gets a new one."""
    migrations.upgrade(parts.database)
    if holds_calls(parts):
        raise click.ClickException("the database holds calls; the demonstration wants one without")
    made = install.load_sample(parts, (lambda: password) if password else auth.generated_password)
    install.load_codes(parts)
    install.deploy_first(parts)
    return made


def _listen(app: Flask) -> Any:
    try:
        return listen(app)
    except CannotListen as error:
        raise click.ClickException(str(error)) from error


def _played(player: Player, day: days.Day, advance: Any) -> None:
    try:
        player.play(day, advance)
    except NotTheCast as error:
        raise click.ClickException(
            f"the day needs {error}, who is no active person of this database"
        ) from error


def _say(parts: Product, day: days.Day, made: list[FirstPassword], as_json: bool) -> None:
    """What came out: the places with their calls, the accounts, the addresses; exit code 1 on a failure."""
    found = places(parts)
    with parts.database.read() as connection:
        failures, names = len(reads.failures(connection)), named(connection)
    major = next(call.no for call in day.calls if call.words.get("source") == "MON")
    here = f"http://{parts.settings.host}:{parts.settings.port}"
    addresses = [(here + path.format(no=major), what) for path, what in OPEN]
    answer = {
        "calls": len(day.calls),
        "places": found,
        "failures": failures,
        "accounts": [asdict(person) for person in made],
        "open": [address for address, _ in addresses],
    }
    stood = "\n".join(f"  {place:17}{count:4}  {names.get(place, '')}" for place, count in found.items())
    opened = "\n".join(f"  {address}\n      {what}" for address, what in addresses)
    if made and not as_json:
        cli.show_passwords(made)
    cli.answer(answer, as_json, f"{len(day.calls)} calls; where they stand:\n{stood}\nopen:\n{opened}")
    if failures:
        raise click.ClickException(f"{failures} failures; that is a defect of the demonstration")


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on stderr where that is a terminal, else nothing."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        work = progress.add_task("a day passes", total=total)
        yield partial(progress.advance, work)
