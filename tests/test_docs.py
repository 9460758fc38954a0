"""What the documentation names exists, and what exists is documented."""

import importlib
import importlib.util
import re
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest

from api.app import create_app
from api.cli import cli
from api.settings import ROOT, Settings, variable
from handlers import desk

TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bpmn/README.md")]
PAGES = TOP + sorted((ROOT / "docs").rglob("*.md"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
ENVIRONMENT = {variable(f.name) for f in fields(Settings)} | {"FLOW200_CONFIG"}
ROUTES = {
    (method, re.sub(r"<[^>]+>", "{}", rule.rule))
    for rule in create_app(Settings(database_url="sqlite://")).url_map.iter_rules()
    for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
}
PATH = re.compile(
    r"^(?:[\w.-]+/)+[\w.-]*$|^[\w-]+\.(?:md|toml|bpmn|lock)$|^(?:NOTICE|LICENSE|Makefile|Containerfile)$"
)
ELSEWHERE = {
    "flow200/app",
    "var/flow200.db",
    "flow200/flow200.db",
    "application/json",
    "application/problem+json",
}


def _tables() -> object:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    assert spec and spec.loader
    module = sys.modules.setdefault("tables", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


tables = _tables()


def text(page: Path) -> str:
    """A page."""
    return page.read_text(encoding="utf-8")


def spans(page: Path) -> set[str]:
    """What stands in backticks within a line, outside fenced code and generated tables."""
    plain = re.sub(r"```.*?```|<!-- table.*?<!-- end -->", "", text(page), flags=re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", plain))


def name(page: Path) -> str:
    """A page's name for the report."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_was_left_in_the_middle_of_a_merge(page: Path) -> None:
    assert not re.findall(r"^(?:<{7}|={7}|>{7})(?: .*)?$", text(page), re.MULTILINE)


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "reference").glob("*.md")), ids=name)
def test_the_tables_are_what_the_code_says(page: Path) -> None:
    assert text(page) == tables.written(text(page)), "run: make docs"


def test_every_table_stands_on_one_page() -> None:
    placed = [found for page in PAGES for found in re.findall(r"<!-- table (\w+) -->", text(page))]

    assert sorted(placed) == sorted(tables.TABLES)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_resolve(page: Path) -> None:
    plain = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", plain)

    local = [t for t in targets if not t.startswith(("http://", "https://"))]
    assert [t for t in local if not (page.parent / t.split("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_files_and_functions_named_exist(page: Path) -> None:
    paths = {span for span in spans(page) if PATH.match(span)} - ELSEWHERE
    dotted = {span for span in spans(page) if re.fullmatch(r"(?:engine|handlers|api)(?:\.\w+)+", span)}

    assert {p for p in paths if not _exists(p, page)} == set()
    assert {d for d in dotted if not _importable(d)} == set()


def _exists(path: str, page: Path) -> bool:
    return any((folder / path).exists() for folder in (ROOT, ROOT / "bpmn", page.parent))


def _importable(dotted: str) -> bool:
    try:
        importlib.import_module(dotted)
    except ModuleNotFoundError:
        module, _, attribute = dotted.rpartition(".")
        return hasattr(importlib.import_module(module), attribute)
    return True


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_commands_named_exist(page: Path) -> None:
    context = click.Context(cli)
    called = re.findall(r"(?:^|`|exec flow200 )flow200 ([a-z][a-z-]*)([^`\n|]*)", _code(page), re.MULTILINE)

    assert {command for command, _ in called} <= set(cli.list_commands(context))
    for command, rest in called:
        known = _options(cli.get_command(context, command)) | {"--help"}
        assert set(re.findall(r"(?<!\S)\[?(--[a-z-]+)", rest)) <= known, command


def _options(command: click.Command) -> set[str]:
    """The options of a command; of a group, those of all commands in it."""
    below = command.commands.values() if isinstance(command, click.Group) else ()
    own = {option for p in command.params for option in p.opts}
    return own.union(*(_options(one) for one in below))


def _code(page: Path) -> str:
    """Fenced code and spans: where a name is meant literally."""
    fenced = re.findall(r"```.*?```", text(page), re.DOTALL)
    return "\n".join([*fenced, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", text(page)))])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_routes_named_exist(page: Path) -> None:
    methods = "|".join(sorted({method for method, _ in ROUTES}))
    called = re.findall(rf"`({methods}) (/[^`\s?…]*)[^`]*`", text(page))
    addressed = re.findall(r"`(/(?:api/v1|engine-rest)/[^`\s?…]*)(?:\?[^`]*)?`", text(page))

    assert [(method, path) for method, path in called if not _routes(path) & {method}] == []
    assert [path for path in addressed if not _routes(path)] == []


def _routes(path: str) -> set[str]:
    """The methods of a path as written; a page about one half of the interface leaves its beginning out."""
    plain = re.sub(r"\{\w+\}", "{}", path)
    return {method for method, rule in ROUTES if rule in (plain, f"/api/v1{plain}", f"/engine-rest{plain}")}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_topics_named_exist(page: Path) -> None:
    named = set(re.findall(r"(?:topics?|主题)[ 「]*`(\w+)`", text(page)))

    assert named <= set(desk.TOPICS)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_make_targets_named_exist(page: Path) -> None:
    named = set(re.findall(r"(?:^|`|, )make ([a-z]+)", _code(page), re.MULTILINE))

    assert named <= TARGETS


def test_every_make_target_is_in_make_help_and_in_contributing() -> None:
    helped = set(re.findall(r'@echo "make ([a-z]+)', MAKEFILE))
    told = set(re.findall(r"make ([a-z]+)", text(ROOT / "CONTRIBUTING.md")))

    assert TARGETS - {"help"} == helped
    assert helped <= told


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_environment_variables_named_are_read_somewhere(page: Path) -> None:
    named = set(re.findall(r"FLOW200_[A-Z_]*[A-Z]", text(page)))
    read = {found for file in _sources() for found in re.findall(r"FLOW200_[A-Z_]*[A-Z]", text(file))}

    assert named - ENVIRONMENT <= read


def _sources() -> list[Path]:
    return [
        ROOT / "Makefile",
        ROOT / ".ci" / "run",
        *(ROOT / "tests").rglob("conftest.py"),
        *(ROOT / "tests").rglob("test_*.py"),
    ]


def test_every_page_is_reached_from_the_index() -> None:
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)", text(page))
        todo += [(page.parent / link).resolve() for link in links if not link.startswith("http")]

    assert {name(p) for p in PAGES} - {name(p) for p in seen} == {"CHANGELOG.md"}


def test_the_changelog_keeps_its_form() -> None:
    heads = re.findall(r"^##+ (.+)$", text(ROOT / "CHANGELOG.md"), re.MULTILINE)

    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert heads[0] == "[Unreleased]"
    assert {
        h
        for h in heads
        if h not in kinds and not re.match(r"\[(Unreleased|\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$)", h)
    } == set()


def test_the_glossary_has_each_word_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", text(ROOT / "docs" / "glossary.md"), re.MULTILINE)[2:]
    chinese = [word for row in rows for word in row[0].split("、")]

    assert len(rows) > 30
    assert len(chinese) == len(set(chinese))
