"""Writes the tables of docs/reference from the code: `make docs`.

A page is written by hand but for what stands between `<!-- table NAME -->` and `<!-- end -->`; a test
compares both with what this file would write, so a page cannot lie about what exists.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click
from lxml import etree

from api import errors as edge
from api import settings
from api.app import create_app
from api.cli import cli
from engine.errors import EngineError
from engine.forms import compile_form
from handlers import codes, desk
from handlers.errors import Refused

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
PART = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
TOPIC = "{http://camunda.org/schema/1.0/bpmn}topic"
DRAWN = ("incident_200.bpmn", "escalation.bpmn")


def main() -> None:
    """Write every page anew."""
    for page in REFERENCE.glob("*.md"):
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


def written(text: str) -> str:
    """A page with its tables as the code is now."""
    return PART.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def settings_table() -> str:
    """Each setting with its default and what it says of itself."""
    rows = [
        (f"`{settings.variable(f.name)}`", f"`{f.default}`" if f.default != "" else "", f.metadata["says"])
        for f in fields(settings.Settings)
    ]
    return _table(("setting", "default", "meaning"), rows)


def commands_table() -> str:
    """Each command with its arguments, options and what it does; of a group, the commands in it."""
    rows = []
    for name, command in _commands(cli, "flow200"):
        given = " ".join(_parameter(p) for p in command.params)
        rows.append((f"`{f'{name} {given}'.strip()}`", _first(command.help)))
    return _table(("command", "what it does"), rows)


def _commands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command


def _parameter(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return f"{(parameter.name or '').upper()}{'…' if parameter.nargs == -1 else ''}"
    flag = isinstance(parameter, click.Option) and parameter.is_flag
    return f"[{parameter.opts[0]}{'' if flag else ' …'}]"


def routes_table() -> str:
    """Each route with its method and the first line of what its view says."""
    app = create_app(settings.Settings(database_url="sqlite://"))
    rows = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path = re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule)
            rows.append((f"`{method} {path}`", _first(_documentation(view, method)) or rule.endpoint))
    return _table(("route", "what it does"), sorted(rows, key=lambda row: row[0].split(" ")[::-1]))


def _documentation(view: Any, method: str) -> str | None:
    """The sentence of a view function, or of the method of a view class."""
    shown = getattr(getattr(view, "view_class", None), method.lower(), view)
    return getattr(shown, "__doc__", None)


def topics_table() -> str:
    """Each topic with its elements, the function behind it and what that does."""
    elements = _elements("serviceTask", TOPIC)
    rows = [
        (f"`{topic}`", _listed(elements.get(topic, [])), f"`{_where(decide)}`", _first(decide.__doc__))
        for topic, decide in sorted(desk.TOPICS.items())
    ]
    return _table(("topic", "elements", "function", "what it does"), rows)


def messages_table() -> str:
    """Each message with its process, its payload, the function behind it and what that does."""
    rows = []
    for (process, name), decide in sorted(desk.MESSAGES.items()):
        form = ROOT / "bpmn" / f"message_{name}.form"
        payload = [f.key for f in compile_form(form.name, form.read_bytes()).fields]
        rows.append(
            (f"`{name}`", f"`{process}`", _listed(payload), f"`{_where(decide)}`", _first(decide.__doc__))
        )
    return _table(("message", "process", "payload", "function", "what it does"), rows)


def codes_table() -> str:
    """Every code table with its rows, as they are shipped."""
    tables: dict[str, list[tuple[str, ...]]] = {}
    for row in codes.shipped():
        figures = ", ".join(f"{name} {_short(value)}" for name, value in row.data.items() if name != "body")
        tables.setdefault(row.table, []).append((f"`{row.code}`", row.name_zh, row.name_en, figures))
    head = ("code", "中文", "English", "figures")
    return "\n".join(f"### {name}\n\n{_table(head, rows)}" for name, rows in tables.items())


def _short(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def errors_table() -> str:
    """Each error code with its HTTP status and its sentences."""
    create_app(settings.Settings(database_url="sqlite://"))  # so that every module with errors is loaded
    found = {
        (_status(kind), kind.code, kind.zh, kind.en)
        for root in (EngineError, Refused, edge.EdgeError)
        for kind in (root, *_below(root))
        if "code" in vars(kind)
    }
    found |= {(status, *said) for status, said in edge.HTTP_SENTENCES.items()}
    rows = {f"`{code}`": (str(status), f"`{code}`", zh, en) for status, code, zh, en in sorted(found)}
    return _table(("status", "code", "中文", "English"), rows.values())


def _status(kind: Any) -> int:
    fallen = HTTPStatus.INTERNAL_SERVER_ERROR.value
    return getattr(kind, "status", None) or next((s for k, s in edge.REFUSALS if issubclass(kind, k)), fallen)


def _below(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _elements(tag: str, attribute: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in DRAWN:
        for node in etree.parse(ROOT / "bpmn" / name).iter(BPMN + tag):
            found.setdefault(node.get(attribute), []).append(node.get("id"))
    return found


def _where(function: Any) -> str:
    return f"{function.__module__}.{function.__name__}"


def _listed(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names) or "—"


def _first(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0].split("\n---")[0].replace("\n", " ").strip()


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    shown = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in row] for row in lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in shown)


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "commands": commands_table,
    "routes": routes_table,
    "topics": topics_table,
    "messages": messages_table,
    "codes": codes_table,
    "errors": errors_table,
}
"""The name in the page's comment → who writes the table."""

if __name__ == "__main__":
    main()
