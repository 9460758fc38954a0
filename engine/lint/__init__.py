"""What SpiffWorkflow ignores or breaks on, and what nobody could carry out, is refused at deploy.

Every rule is a small function (drawing, deployment) → findings; each subject keeps its rules at its foot.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from engine.xml import InvalidXML, read_xml

from . import activities, elements, events, gateways, paths, references
from .drawing import BPMN, Deployment, Drawing, FormInfo
from .findings import Finding, finding

__all__ = ["RULES", "Finding", "FormInfo", "lint"]

Rule = Callable[[Drawing, Deployment], Iterator[Finding]]


def lint(
    files: Mapping[str, bytes],
    *,
    topics: Collection[str],
    forms: Mapping[str, FormInfo] | None = None,
    known_processes: Collection[str] = (),
    previous_ids: Mapping[str, Collection[str]] | None = None,
) -> list[Finding]:
    """The faults of the `.bpmn` files among `files`, by file and line; an empty list is a clean deployment.

    `topics` are those a handler serves, `forms` the compiled forms by id (None: forms are not checked),
    `known_processes` the process ids deployed before, `previous_ids` the element ids of the previous version
    by process id. A finding of severity "error" forbids the deployment, a "warning" does not.
    """
    diagrams = {name: data for name, data in files.items() if name.lower().endswith((".bpmn", ".bpmn20.xml"))}
    if not diagrams:
        return [finding("no-diagram", next(iter(files), "-"))]
    found: list[Finding] = []
    drawings: list[Drawing] = []
    for name, data in diagrams.items():
        drawing = _read(name, data)
        if isinstance(drawing, Finding):
            found.append(drawing)
        else:
            drawings.append(drawing)
    deployment = Deployment(drawings, topics, forms, known_processes, previous_ids or {})
    for drawing in drawings:
        found += _faults(drawing, deployment)
    return sorted(set(found), key=lambda f: (f.file, f.line, f.element_id, f.rule))


def _read(name: str, data: bytes) -> Drawing | Finding:
    try:
        root: Any = read_xml(data)
    except InvalidXML as error:
        return Finding(
            error.code,
            "error",
            name,
            "",
            "",
            error.line,
            f"{name}:{error.text('zh')}",
            f"{name}: {error.text('en')}",
        )
    if root.tag != f"{{{BPMN}}}definitions":
        return finding("not-bpmn", name)
    return Drawing(name, root)


def _faults(drawing: Drawing, deployment: Deployment) -> list[Finding]:
    """The way through is judged only once the references hold; else one slip would be told ten times."""
    found = [fault for rule in STRUCTURE for fault in rule(drawing, deployment)]
    if any(fault.rule in _BREAKING for fault in found):
        return found
    return found + [fault for rule in PATHS for fault in rule(drawing, deployment)]


_BREAKING = frozenset({
    "missing-id", "duplicate-id", "dangling-reference", "wrong-reference", "missing-reference",
    "crossing-flow", "flow-lists-disagree", "misplaced-element", "not-executable",
})  # fmt: skip

STRUCTURE: tuple[Rule, ...] = (
    *references.RULES,
    *elements.RULES,
    *events.RULES,
    *activities.RULES,
)
PATHS: tuple[Rule, ...] = (*paths.RULES, *gateways.RULES)
RULES: tuple[Rule, ...] = STRUCTURE + PATHS
