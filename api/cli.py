"""The `flow200` command. A program may read the answer with --json; what is going on goes to stderr."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

if TYPE_CHECKING:
    from api.install import FirstPassword
    from api.product import Product
    from engine.core import Deployment
    from engine.lint import Finding

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for programs.")
paths_argument = click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)


class Commands(click.Group):
    """A group whose larger commands live in files of their own, read at first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, ours and those of ELSEWHERE."""
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, name = ELSEWHERE[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; a named error is a sentence and exit code 1, not a traceback."""
        from api.install import SameName
        from api.settings import InvalidSetting

        try:
            return super().invoke(ctx)
        except (InvalidSetting, SameName) as error:
            raise click.ClickException(str(error)) from error


@click.command(cls=Commands)
@click.version_option(package_name="flow200", message="%(version)s")
def cli() -> None:
    """flow200 runs a bank's IT incident process from its BPMN diagrams."""


@cli.command()
def serve() -> None:
    """Make the database ready, then serve pages, API and due work until Ctrl-C."""
    import logging

    from api import install, migrations
    from api.app import create_app
    from api.serve import CannotListen, listen
    from api.serve import serve as run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = create_app()
    parts: Product = app.extensions["flow200"]
    try:
        server = listen(app)
    except CannotListen as error:
        raise click.ClickException(str(error)) from error
    say(f"database  {_without_password(parts.settings.database_url)}")
    migrations.upgrade(parts.database)
    if made := install.load_sample(parts):
        show_passwords(made)
    if fresh := install.load_codes(parts):
        say(f"codes     {fresh} new rows")
    with _findings():
        say(f"diagrams  {install.deploy_first(parts)}")
    for sentence in install.calendar_warnings(parts):
        logging.getLogger("api").warning(sentence)
    _say_what_next(parts)
    run(app, server)
    say("stopped")


@cli.command()
@paths_argument
@json_option
def deploy(paths: tuple[Path, ...], as_json: bool) -> None:
    """Deploy diagrams and forms: files, or the folders that hold them."""
    from api import install

    with _findings():
        done = install.deploy(product(), paths, paths[0].stem)
    if done.warnings:
        say(_listed(done.warnings))
    told = {
        "id": done.id,
        "unchanged": done.unchanged,
        "definitions": [{"process": key, "version": version} for key, version in done.definitions],
        "carried_forms": [asdict(form) for form in done.carried],
        "warnings": [asdict(finding) for finding in done.warnings],
    }
    answer(told, as_json, _said(done))


@cli.command()
@paths_argument
@json_option
def lint(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check diagrams as deploying would; exit code 1 if there is something to mend."""
    from api import install

    found = install.lint(paths)
    answer([asdict(finding) for finding in found], as_json, _listed(found) or "nothing to mend")
    if any(finding.severity == "error" for finding in found):
        sys.exit(1)


@cli.command()
@click.argument("account")
@click.option("--stdin", is_flag=True, help="Read the new password from standard input.")
@json_option
def passwd(account: str, stdin: bool, as_json: bool) -> None:
    """Give ACCOUNT a new password, generated or your own by --stdin; its browsers are signed out."""
    from api import auth, records

    password = sys.stdin.readline().rstrip("\n") if stdin else auth.generated_password()
    if len(password) < auth.SHORTEST:
        raise click.ClickException(f"a password has at least {auth.SHORTEST} characters")
    if len(password) > auth.LONGEST:
        raise click.ClickException(f"a password has at most {auth.LONGEST} characters")
    with product().database.write() as connection:
        person = records.signing_in(connection, account)
        if person is None:
            raise click.ClickException(f"there is no active person with the account {account}")
        auth.set_password(connection, person.id, password)
    shown = {"account": account, **({} if stdin else {"password": password})}
    answer(shown, as_json, f"{account}  {'changed' if stdin else password}")


@cli.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show every setting, whether the database answers and is up to date, and which years are provisional."""
    from api import install, migrations, settings

    chosen = settings.load()
    warned: list[str] = []
    listed = [
        {
            "setting": settings.variable(f.name),
            "value": _without_password(str(getattr(chosen, f.name))),
            "says": f.metadata["says"],
        }
        for f in fields(chosen)
    ]
    try:
        parts = product()
        revision = migrations.revision(parts.database)
        warned = install.calendar_warnings(parts) if revision else []
        state, well = f"answers, revision {revision}", True
    except Exception as error:  # whatever a driver raises: the doctor reports it
        state, well = f"does not answer: {type(error).__name__}: {error}", False
    lines = [f"{s['setting']:22} {s['value']:40} {s['says']}" for s in listed]
    lines += [f"database {state}", *(f"warning  {sentence}" for sentence in warned)]
    answer({"settings": listed, "database": state, "warnings": warned}, as_json, "\n".join(lines))
    if not well:
        sys.exit(1)


def say(sentence: str) -> None:
    """Tell the person at the terminal what is going on."""
    click.echo(sentence, err=True)


def answer(value: Any, as_json: bool, text: str) -> None:
    """Print the result, for a program or for a person."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() if as_json else text)


def product() -> "Product":
    """The parts of flow200 on the database of the settings."""
    from api import settings
    from api.app import compose
    from api.product import system_clock

    return compose(settings.load(), system_clock)


@contextmanager
def _findings() -> Iterator[None]:
    """A refused deployment ends with every finding and exit code 1."""
    from engine.errors import EngineError, InvalidDiagram

    try:
        yield
    except InvalidDiagram as error:
        raise click.ClickException(_listed(error.findings)) from error
    except EngineError as error:
        raise click.ClickException(f"{error.text('zh')}\n{error.text('en')}") from error


def _listed(found: "Sequence[Finding]") -> str:
    return "\n".join(f"{f.file}:{f.line} [{f.rule}] {f.severity}\n  {f.zh}\n  {f.en}" for f in found)


def _said(done: "Deployment") -> str:
    versions = ", ".join(f"{key} version {version}" for key, version in done.definitions)
    lines = [f"{'unchanged' if done.unchanged else 'deployed'}: {versions}"]
    for earlier in sorted({form.deployment_id for form in done.carried}):
        names = ", ".join(form.file for form in done.carried if form.deployment_id == earlier)
        lines.append(f"forms kept from deployment {earlier}: {names}")
    return "\n".join(lines)


def _without_password(url: str) -> str:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def show_passwords(made: "list[FirstPassword]") -> None:
    """The table of passwords that were just made; they are shown once."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="第一次启动:样例人员的密码,只显示这一次  First passwords, shown only now")
    for heading in ("帐号 account", "姓名 name", "职务 title", "工作组 groups", "密码 password"):
        table.add_column(heading, no_wrap=heading.startswith(("帐号", "密码")), overflow="fold")
    for person in made:
        table.add_row(person.account, person.name, person.job_title, " ".join(person.groups), person.password)
    Console().print(table)


def _say_what_next(parts: "Product") -> None:
    here = f"http://{parts.settings.host}:{parts.settings.port}"
    say(f"serving   {here}   (stop with Ctrl-C)")
    say(f"open      {here}/   then:  curl -u lina {here}/api/v1/tasks")


# Larger commands, in files of their own: name → "module:attribute".
ELSEWHERE = {
    "calendar": "api.calendar_command:command",
    "demo": "api.demo.command:demo",
    "replay": "api.replay.command:replay",
}
