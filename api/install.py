"""Makes a database ready to serve: a sample organisation with its first passwords, the diagrams."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from api import auth, records
from api.product import Product
from api.settings import ROOT
from engine import lint as engine_lint
from engine import reads
from engine.core import Deployment
from engine.forms import FormError, compile_form, is_form
from engine.lint import Finding
from engine.ports import SYSTEM, Command
from handlers import almanac, calendar_days, codes, sample
from handlers.desk import Desk

DIAGRAMS = ROOT / "bpmn"
SOURCES = ("*.bpmn", "*.dmn", "*.form")


class SameName(Exception):
    """Two of the given files have the same name; the sentence says which."""


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """A password that was just made; only its hash is stored, so it is shown now or never."""

    account: str
    name: str
    job_title: str
    groups: tuple[str, ...]
    password: str


def load_sample(parts: Product, password: Callable[[], str] = auth.generated_password) -> list[FirstPassword]:
    """The sample organisation on an empty database, each person with a new password; else nothing."""
    with parts.database.write() as connection:
        if not records.is_empty(connection):
            return []
        sample.load(connection, parts.clock())
        return _first_passwords(connection, password)


def load_codes(parts: Product) -> int:
    """The rows of the shipped code tables that the database does not hold yet; returns how many.

    Public holidays too, for the years around now that a calendar does not have (PROCESS §6.5.2), and the
    jobs by which time goes on that failed or are missing (DESIGN §5).
    """
    with parts.database.write() as connection:
        fresh = codes.load(connection)
    with parts.engine.transaction(SYSTEM, parts.clock()) as command:
        almanac.seed(parts.desk, command)
        parts.desk.watch(command)
    return fresh


def calendar_warnings(parts: Product) -> list[str]:
    """A sentence, in both languages, for each calendar and year that is still provisional."""
    with parts.database.read() as connection:
        known = parts.desk.codes(Command(connection, SYSTEM, parts.clock()))
    return calendar_days.warnings(known, parts.clock())


def deploy_first(parts: Product) -> str:
    """Deploy our diagrams where none are in force; what an owner deployed is never replaced. Says what is."""
    drawn = sources((DIAGRAMS,))
    with parts.database.read() as connection:
        force = reads.definitions(connection)
        known: dict[str, bytes] = {}
        for row in force:
            known |= reads.resources(connection, row.deployment_id) if f"{row.key}.bpmn" in drawn else {}
    if not {f"{row.key}.bpmn" for row in force} >= {name for name in drawn if name.endswith(".bpmn")}:
        done = parts.engine.deploy("flow200", drawn, SYSTEM, parts.clock())
        return "deployed: " + ", ".join(f"{key} version {version}" for key, version in done.definitions)
    differs = any(known.get(name) != raw for name, raw in drawn.items())
    said = "in force: " + ", ".join(f"{row.key} version {row.version}" for row in force)
    return said + " (the files in bpmn/ differ; flow200 deploy bpmn puts them in force)" if differs else said


def deploy(parts: Product, paths: Iterable[Path] = (DIAGRAMS,), name: str = "flow200") -> Deployment:
    """Deploy diagrams and forms; the same set again changes nothing. Raises InvalidDiagram."""
    return parts.engine.deploy(name, sources(paths), SYSTEM, parts.clock())


def lint(paths: Iterable[Path]) -> list[Finding]:
    """What deploying these would find."""
    files, forms = sources(paths), {}
    found: list[Finding] = []
    for name in (n for n in files if is_form(n)):
        try:
            form = compile_form(name, files[name])
            forms[form.id] = form
        except FormError as error:
            found.append(Finding("form", "error", name, "", "", 1, f"表单无法使用:{error}", str(error)))
    drawn = {name: raw for name, raw in files.items() if name.endswith(".bpmn")}
    return found + engine_lint.lint(drawn, topics=Desk().topics, forms=forms)


def sources(paths: Iterable[Path]) -> dict[str, bytes]:
    """The diagrams and forms among `paths`, by file name; a folder stands for those in it."""
    files: list[Path] = []
    for path in paths:
        files += [f for kind in SOURCES for f in sorted(path.glob(kind))] if path.is_dir() else [path]
    doubles = sorted({file.name for file in files if sum(file.name == other.name for other in files) > 1})
    if doubles:
        raise SameName(f"two files are named {', '.join(doubles)}; a deployment holds each name once")
    return {file.name: file.read_bytes() for file in files}


def _first_passwords(connection: sa.Connection, make: Callable[[], str]) -> list[FirstPassword]:
    made = []
    for person in records.accounts(connection):
        password = make()
        auth.set_password(connection, person["staff_no"], password)
        made.append(
            FirstPassword(
                account=person["account"],
                name=person["name"],
                job_title=person["job_title"] or "",
                groups=tuple(person["groups"]),
                password=password,
            )
        )
    return made
