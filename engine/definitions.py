"""Deployed versions: what a deployment makes of its files, and each built once while it is in use."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from engine import diagram as diagrams
from engine import lint, reads, store
from engine.diagram import Diagram
from engine.errors import DefinitionNotFound, InvalidDiagram, UnknownFile
from engine.forms import Form, FormError, compile_form, form_id, is_form, message_form
from engine.ports import Command, Domain
from engine.prepared import prepared

DRAWN = (".bpmn", ".bpmn20.xml")
KINDS = (*DRAWN, ".form")
KEPT = 64
"""So many built versions are kept; beyond it the one that was asked for longest ago goes."""

Duplicates = Literal["same", "changed", "none"]
"""What is not deployed again: the same set of files, each process whose files are the same, or nothing."""


_NEWEST = prepared(
    select(store.definition)
    .where(store.definition.c.key == bindparam("this"))
    .order_by(store.definition.c.version.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Carried:
    """A form file that was not sent: its name, and the earlier deployment it was taken from."""

    file: str
    deployment_id: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a deploy did: the definitions it made, or found unchanged; lint's warnings; forms carried over."""

    id: str
    definitions: tuple[tuple[str, int], ...]
    unchanged: bool
    warnings: tuple[lint.Finding, ...] = ()
    carried: tuple[Carried, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """A deployed version, built once while it is in use and shared by all its instances."""

    id: str
    version: int
    diagram: Diagram
    forms: Mapping[str, Form]


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one deployment: its diagrams and its forms; `carried` names those that nobody sent."""

    name: str
    source: str | None
    content: Mapping[str, bytes]
    carried: Mapping[str, Carried] = field(default_factory=dict)

    @property
    def drawn(self) -> dict[str, bytes]:
        """The diagrams by file name."""
        return {n: raw for n, raw in self.content.items() if n.lower().endswith(DRAWN)}

    @property
    def digest(self) -> str:
        """The same for the same files under the same names, whatever their order."""
        total = hashlib.sha256()
        for name in sorted(self.content):
            total.update(name.encode() + b"\0" + hashlib.sha256(self.content[name]).digest())
        return total.hexdigest()


class Definitions:
    """The versions that a database holds."""

    def __init__(self) -> None:
        self._built: OrderedDict[str, Definition] = OrderedDict()
        self._attributes: dict[str, Mapping[str, str]] = {}
        self._building = threading.Lock()

    def deploy(self, command: Command, files: Files, domain: Domain, duplicates: Duplicates) -> Deployment:
        """Check and store files inside `command`; nobody else may deploy meanwhile.

        A form that they name and do not hold comes from the newest deployment that has it.
        Raises UnknownFile, InvalidDiagram with every finding.
        """
        refuse_unknown(files.content)
        files = _completed(command.connection, files)
        forms, findings = _forms(files.content)
        previous = self._previous_ids(command.connection)
        findings += lint.lint(files.drawn, topics=domain.topics, forms=forms, previous_ids=previous)
        errors = [f for f in findings if f.severity == "error"]
        if errors:
            raise InvalidDiagram(errors)
        built = diagrams.build(files.drawn)
        newest = {d.key: newest_row(command.connection, d.key) for d in built}
        kept = _unchanged(command.connection, files, built, newest, duplicates)
        warnings = tuple(findings)
        if built and len(kept) == len(built):
            known = max(r.deployment_id for r in kept.values())
            return Deployment(known, tuple((r.key, r.version) for r in kept.values()), True, warnings)
        deployment_id = _write_files(command, files)
        versions = {d.key: (r.version if (r := newest[d.key]) else 0) + 1 for d in built}
        _write_definitions(command, deployment_id, [d for d in built if d.key not in kept], versions)
        made = tuple((d.key, kept[d.key].version if d.key in kept else versions[d.key]) for d in built)
        return Deployment(deployment_id, made, False, warnings, tuple(files.carried.values()))

    def newest(self, connection: Connection, key: str) -> Definition:
        """The newest version of a process. Raises DefinitionNotFound."""
        row = newest_row(connection, key)
        if row is None:
            raise DefinitionNotFound(process=key)
        return self.built(connection, row.id)

    def built(self, connection: Connection, definition_id: str) -> Definition:
        """A version by its id. Raises DefinitionNotFound."""
        found = self._known(definition_id)
        if found is not None:
            return found
        with self._building:
            found = self._known(definition_id)  # somebody may have built it while we waited
            if found is None:
                found = self._built[definition_id] = self._build(connection, definition_id)
                while len(self._built) > KEPT:
                    self._built.popitem(last=False)
        return found

    def _known(self, definition_id: str) -> Definition | None:
        """The version if it is built; it is the newest in use from now on."""
        found = self._built.get(definition_id)
        if found is not None:
            with suppress(KeyError):  # it had to go just now
                self._built.move_to_end(definition_id)
        return found

    def _build(self, connection: Connection, definition_id: str) -> Definition:
        row = self.row(connection, definition_id)
        files = Files("", None, reads.resources(connection, row.deployment_id))
        forms, _ = _forms(files.content)
        diagram = next(d for d in diagrams.build(files.drawn) if d.key == row.key)
        return Definition(row.id, row.version, diagram, forms)

    def attributes(self, connection: Connection, row: Row[Any]) -> Mapping[str, str]:
        """The `camunda:*` attributes of a version's process as drawn; read once, without building it."""
        found = self._attributes.get(row.id)
        if found is None:
            files = store.resource.c
            mine = (files.deployment_id == row.deployment_id, files.name == row.resource)
            raw = connection.execute(select(files.content).where(*mine)).scalar_one()
            found = self._attributes[row.id] = diagrams.attributes(raw, row.key)
        return found

    def row(self, connection: Connection, definition_id: str) -> Row[Any]:
        """The row of a version. Raises DefinitionNotFound."""
        table = store.definition
        query = select(table).where(table.c.id == store.storable(definition_id))
        row = connection.execute(query).first()
        if row is None:
            raise DefinitionNotFound(process=definition_id)
        return row

    def _previous_ids(self, connection: Connection) -> dict[str, set[str]]:
        """The element ids of the newest version of each process, so that lint can tell which vanished."""
        table = store.definition
        newest = select(table.c.key, func.max(table.c.version)).group_by(table.c.key)
        return {
            key: {*self.newest(connection, key).diagram.nodes} for key, _ in connection.execute(newest).all()
        }


def refuse_unknown(names: Mapping[str, Any]) -> None:
    """A file that would do nothing is not swallowed. Raises UnknownFile."""
    for name in names:
        if not name.lower().endswith(KINDS):
            raise UnknownFile(name=store.storable(name, 100), kinds=", ".join(KINDS))


def _completed(connection: Connection, files: Files) -> Files:
    """The files, with the forms that they name and only an earlier deployment has."""
    held = {form_id(name, raw) for name, raw in files.content.items()}
    missing = diagrams.wanted_forms(files.drawn) - held
    content, carried = dict(files.content), {}
    for row in reads.newest_forms(connection, missing):
        name = row.name
        while name in content:
            name = f"_{name}"
        content[name] = bytes(row.content)
        carried[name] = Carried(name, row.sent_with)
    return replace(files, content=content, carried=carried)


def newest_row(connection: Connection, key: str) -> Row[Any] | None:
    """The row of the newest version of a process."""
    found: Row[Any] | None = connection.execute(_NEWEST, {"this": store.storable(key)}).first()
    return found


def _unchanged(
    connection: Connection,
    files: Files,
    built: list[Diagram],
    newest: Mapping[str, Row[Any] | None],
    duplicates: Duplicates,
) -> dict[str, Row[Any]]:
    """The newest rows of the processes that need no new version."""
    known = {key: row for key, row in newest.items() if row is not None}
    if duplicates == "same":
        return known if _is_same_set(connection, files, known) else {}
    if duplicates == "none":
        return {}
    before = {
        r.deployment_id: Files("", None, reads.resources(connection, r.deployment_id)) for r in known.values()
    }
    return {
        d.key: row
        for d in built
        if (row := known.get(d.key)) and _meaning(before[row.deployment_id], d) == _meaning(files, d)
    }


def _is_same_set(connection: Connection, files: Files, known: Mapping[str, Row[Any]]) -> bool:
    """Whether these very files are the newest version of each process that stands in them."""
    same = {r.deployment_id for r in known.values()}
    if len(same) != 1:
        return False
    table = store.deployment
    found = select(table.c.hash).where(table.c.id == same.pop())
    return connection.scalar(found) == files.digest


def _meaning(files: Files, diagram: Diagram) -> Any:
    """What makes a process what it is: its file, the files it may call, the forms it names."""
    drawn = files.drawn if diagram.subprocesses else {diagram.file: files.content.get(diagram.file)}
    messages = {message_form(n.message) for n in diagram.nodes.values() if n.message}
    wanted = diagram.form_ids | messages
    forms = {form_id(name, raw): raw for name, raw in files.content.items()}
    return drawn, {name: raw for name, raw in forms.items() if name in wanted}


def _write_files(command: Command, files: Files) -> str:
    deployment_id = store.new_id()
    command.connection.execute(
        insert(store.deployment).values(
            id=deployment_id,
            name=files.name,
            source=files.source,
            hash=files.digest,
            created_at=command.now,
            created_by=command.by.id,
        )
    )
    command.connection.execute(
        insert(store.resource),
        [_resource(deployment_id, files, name) for name in files.content],
    )
    return deployment_id


def _resource(deployment_id: str, files: Files, name: str) -> dict[str, Any]:
    raw, carried = files.content[name], files.carried.get(name)
    form = form_id(name, raw)
    return {
        "deployment_id": deployment_id,
        "name": name,
        "content": raw,
        "form": form and store.storable(form, 200),
        "carried_from": carried and carried.deployment_id,
    }


def _write_definitions(
    command: Command, deployment_id: str, built: list[Diagram], versions: Mapping[str, int]
) -> None:
    rows = [
        {
            "id": store.new_id(),
            "key": d.key,
            "version": versions[d.key],
            "name": d.name,
            "deployment_id": deployment_id,
            "resource": d.file,
            "created_at": command.now,
        }
        for d in built
    ]
    if rows:
        command.connection.execute(insert(store.definition), rows)


def _forms(files: Mapping[str, bytes]) -> tuple[dict[str, Form], list[lint.Finding]]:
    forms, findings = {}, []
    for name, raw in files.items():
        if is_form(name):
            try:
                form = compile_form(name, raw)
            except FormError as error:
                zh = f"表单无法使用:{error}"
                findings.append(
                    lint.Finding("form", "error", name, "", "", 0, zh, f"The form cannot be used: {error}")
                )
            else:
                forms[form.id] = form
    return forms, findings
