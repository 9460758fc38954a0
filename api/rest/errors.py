"""Errors of /engine-rest: the one body of flow200 with Camunda's class in `type`, its number in `code`.

Clients of Camunda read `message`, some read `code` as a number and `details` of a diagram; the media type
is exactly `application/json`, because some read a body of no other type.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Response

from api.errors import CsrfRefused, EdgeError, ForeignOrigin, InvalidRequest, Unauthenticated
from engine import errors as engine_errors
from engine.lint import Finding
from handlers import errors as desk_errors

PREFIX = "/engine-rest"
OPTIMISTIC_LOCKING = 1
FINDINGS_SAID = 20
BAD_REQUESTS = (InvalidRequest, engine_errors.UnknownFile, engine_errors.InvalidData)
"""Camunda says 400 where our own half says 422."""


class BadValue(EdgeError):
    """A parameter or variable has a value that cannot be used; it is named."""

    code = "bad-value"
    zh = "「{name}」{reason_zh}。"
    en = "“{name}” {reason_en}."

    def __init__(self, name: str, reason_zh: str, reason_en: str) -> None:
        fields = {name[:100]: {"zh": reason_zh, "en": reason_en}}
        super().__init__(fields, name=name[:100], reason_zh=reason_zh, reason_en=reason_en)


class NotMatching(EdgeError):
    """There is no such thing, in Camunda's words."""

    status = 404
    code = "no-matching"
    zh = "没有编号为 {id} 的 {what}。"
    en = "No matching {what} with id {id}"


class Unsupported(EdgeError):
    """Camunda knows this, flow200 does not; it is refused rather than ignored."""

    code = "unsupported"
    zh = "不支持「{name}」:{reason_zh}。"
    en = "“{name}” is not supported: {reason_en}."

    def __init__(self, name: str, reason_zh: str, reason_en: str) -> None:
        super().__init__(name=name[:100], reason_zh=reason_zh, reason_en=reason_en)


class Unparsed(EdgeError):
    """A diagram or form was refused: the message begins as the Modeler expects it."""

    code = "invalid-diagram"

    def __init__(self, findings: Sequence[Finding], files: Mapping[str, bytes]) -> None:
        self.findings, self.files = findings, files
        super().__init__()

    def text(self, lang: str) -> str:
        """Camunda's beginning, then one line for each finding."""
        lines = [
            f"* {f.text(lang)} | resource {f.file} | line {f.line} | column {self._column(f)}"
            for f in self.findings[:FINDINGS_SAID]
        ]
        if more := len(self.findings) - FINDINGS_SAID:
            lines += [f"* … +{more}"] if more > 0 else []
        return "\n".join(["ENGINE-09005 Could not parse BPMN process. Errors: ", *lines])

    def details(self, lang: str) -> dict[str, Any]:
        """Every finding by file, as Camunda's resource report."""
        report: dict[str, Any] = {}
        for finding in self.findings:
            of_file = report.setdefault(finding.file, {"errors": [], "warnings": []})
            of_file["errors" if finding.severity == "error" else "warnings"].append(
                {
                    "message": finding.text(lang),
                    "line": finding.line,
                    "column": self._column(finding),
                    "mainElementId": finding.element_id or None,
                    "elementIds": [finding.element_id] if finding.element_id else [],
                }
            )
        return report

    def _column(self, finding: Finding) -> int:
        """Where in its line the element begins; 1 if it cannot be told."""
        lines = self.files.get(finding.file, b"").split(b"\n", finding.line)
        line = lines[finding.line - 1] if 0 < finding.line <= len(lines) else b""
        return max(line.find(b"<"), 0) + 1


def reshape(content: dict[str, Any], error: Any, lang: str) -> Response:
    """The body for a client of Camunda; what our own half calls `code` is `error` here."""
    status = 400 if isinstance(error, BAD_REQUESTS) else content["status"]
    fields = content.pop("fields", None)
    content |= {
        "type": _type(error, status),
        "status": status,
        "error": content["code"],
        "code": OPTIMISTIC_LOCKING if isinstance(error, engine_errors.StaleInstance) else 0,
    }
    if isinstance(error, Unparsed):
        content["details"] = error.details(lang)
    elif fields:
        content["details"] = fields
    return Response(orjson.dumps(content), status, mimetype="application/json")


def _type(error: Any, status: int) -> str:
    for kind, name in TYPES:
        if isinstance(error, kind):
            return name
    return "InvalidRequestException" if status < 500 else "ProcessEngineException"


# Most specific first.
TYPES: tuple[tuple[type[Exception], str], ...] = (
    (Unparsed, "ParseException"),
    (engine_errors.InvalidDiagram, "ParseException"),
    (Unauthenticated, "AuthenticationException"),
    (ForeignOrigin, "AuthorizationException"),
    (CsrfRefused, "AuthorizationException"),
    (engine_errors.StaleInstance, "OptimisticLockingException"),
    (engine_errors.TaskAssigned, "TaskAlreadyClaimedException"),
    (engine_errors.NotWaiting, "MismatchingMessageCorrelationException"),
    (engine_errors.InvalidForm, "FormFieldValidationException"),
    (engine_errors.Forbidden, "AuthorizationException"),
    (engine_errors.Conflict, "RestException"),
    (engine_errors.Failed, "ProcessEngineException"),
    (desk_errors.NotAllowed, "AuthorizationException"),
    (desk_errors.StaleCall, "OptimisticLockingException"),
    (desk_errors.Refused, "RestException"),
)
