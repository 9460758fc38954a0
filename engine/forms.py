"""Forms as modelers draw them (`.form`, form-js JSON), compiled to marshmallow schemas that check answers."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields, validate

from engine.errors import InvalidForm

OptionSource = Callable[[str], Collection[str]]

TEXT_LIMIT = 20_000
NUMBER_LIMIT = 2.0**53
"""Whole numbers beyond this lose digits on their way through JSON."""

_SILENT = {"text", "separator", "spacer", "image", "button", "html"}
_CHOICES = {"select", "radio", "checklist", "taglist"}


class FormError(Exception):
    """The `.form` file cannot be used; the sentence says which component and why."""


@dataclass(frozen=True, slots=True)
class Field:
    """One component of a form that carries a variable."""

    key: str
    type: str
    label: str
    required: bool
    values: tuple[tuple[str, str], ...] = ()
    values_key: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Form:
    """A compiled form: which variables it takes and how they are checked."""

    id: str
    fields: tuple[Field, ...]
    schema: Schema

    @property
    def keys(self) -> frozenset[str]:
        """The variables that this form may set."""
        return frozenset(f.key for f in self.fields)

    @property
    def outcomes(self) -> Mapping[str, tuple[str, ...]]:
        """Choice variables with the values that the form lists itself."""
        return {f.key: tuple(v for v, _ in f.values) for f in self.fields if f.values and not f.values_key}

    def check(self, data: Mapping[str, Any], options: OptionSource) -> dict[str, Any]:
        """The answer with its types made right; `options` gives the legal values of each `valuesKey`.

        Raises InvalidForm that names every field which is unknown, missing or wrong.
        """
        try:
            found: dict[str, Any] = self.schema.load(data)
        except ValidationError as error:
            raise InvalidForm(self.id, _named(error.messages_dict)) from error
        wrong = {
            f.key: _sentence("option")
            for f in self.fields
            if f.values_key
            and found.get(f.key) is not None
            and not _among(found[f.key], options(f.values_key))
        }
        if wrong:
            raise InvalidForm(self.id, wrong)
        return found


def is_form(name: str) -> bool:
    """Whether a file of this name is a form."""
    return name.lower().endswith(".form")


def message_form(message: str) -> str:
    """The id of the form that checks what a message carries."""
    return f"message_{message}"


def form_id(name: str, raw: bytes) -> str | None:
    """The id by which a diagram names this form; None where the file is no form."""
    try:
        return _id(name, orjson.loads(raw)) if is_form(name) else None
    except (AttributeError, ValueError):
        return None


def compile_form(name: str, raw: bytes) -> Form:
    """Read one `.form` file. Raises FormError naming the component that cannot be used."""
    try:
        return _compiled(name, orjson.loads(raw))
    except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise FormError(f"{name}: not a form: {error!r}") from error


def _compiled(name: str, drawn: Any) -> Form:
    components = drawn["components"]
    found = tuple(_field(c, name) for c in _flat(components, name) if c.get("type") not in _SILENT)
    doubles = {f.key for f in found if sum(g.key == f.key for g in found) > 1}
    if doubles:
        raise FormError(f"{name}: the keys {', '.join(sorted(doubles))} stand twice")
    limits = {c["key"]: c.get("validate") or {} for c in _flat(components, name) if "key" in c}
    members = {f.key: _member(f, limits.get(f.key, {}), name) for f in found}
    return Form(_id(name, drawn), found, Schema.from_dict(members, name="Form")())


def _id(name: str, drawn: Any) -> str:
    return str(drawn.get("id") or name.removesuffix(".form"))


def _flat(components: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
        raise FormError(f"{name}: components must be a list of objects")
    found = []
    for component in components:
        if component.get("type") == "group":
            found += _flat(component.get("components", []), name)
        else:
            found.append(component)
    return found


def _field(component: dict[str, Any], name: str) -> Field:
    key, kind = component.get("key"), component.get("type")
    if not isinstance(key, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        raise FormError(f"{name}: a {kind} component has no usable key ({key!r})")
    if kind not in _MEMBERS:
        raise FormError(f"{name}: {key}: components of type {kind!r} are not supported")
    values = component.get("values") or []
    if kind in _CHOICES and not values and not component.get("valuesKey"):
        raise FormError(f"{name}: {key}: a choice needs values or a valuesKey")
    return Field(
        key=key,
        type=str(kind),
        label=str(component.get("label") or key),
        required=bool((component.get("validate") or {}).get("required")),
        values=tuple((str(v["value"]), str(v.get("label", v["value"]))) for v in values),
        values_key=component.get("valuesKey"),
        properties=component.get("properties") or {},
    )


def _member(drawn: Field, limits: Mapping[str, Any], name: str) -> fields.Field[Any]:
    checks: list[Any] = []
    if drawn.values:
        checks.append(_listed({v for v, _ in drawn.values}))
    if drawn.type == "number":
        least, most = float(limits.get("min", -NUMBER_LIMIT)), float(limits.get("max", NUMBER_LIMIT))
        checks.append(validate.Range(max(least, -NUMBER_LIMIT), min(most, NUMBER_LIMIT), error="range"))
    if drawn.type in ("textfield", "textarea"):
        least, most = int(limits.get("minLength", 0)), int(limits.get("maxLength", TEXT_LIMIT))
        checks.append(_Text(drawn.required, least, most, _pattern(drawn, limits, name)))
    member, options = _MEMBERS[drawn.type]
    made: fields.Field[Any] = member(
        required=drawn.required,
        allow_none=not drawn.required,
        validate=checks,
        error_messages=_MESSAGES,
        **options,
    )
    return made


def _pattern(drawn: Field, limits: Mapping[str, Any], name: str) -> re.Pattern[str] | None:
    try:
        return re.compile(limits["pattern"]) if limits.get("pattern") else None
    except re.error as error:
        raise FormError(f"{name}: {drawn.key}: the pattern does not compile: {error}") from error


def _listed(values: Collection[str]) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not _among(value, values):
            raise ValidationError("option")

    return check


class _Text:
    """Limits on a text without its surrounding white space; an optional text may always stay empty.

    A pattern may match anywhere, as in form-js; what a database cannot keep (NUL, half a surrogate pair)
    is no text.
    """

    def __init__(self, required: bool, least: int, most: int, pattern: re.Pattern[str] | None) -> None:
        self.required, self.least, self.most, self.pattern = required, least, most, pattern

    def __call__(self, value: str) -> None:
        length = len(value.strip())
        if "\0" in value or value.encode(errors="ignore").decode() != value:
            raise ValidationError("type")
        if not length:
            if self.required:
                raise ValidationError("required")
            return
        if length < self.least:
            raise ValidationError("short")
        if len(value) > self.most:
            raise ValidationError("long")
        if self.pattern and not self.pattern.search(value):
            raise ValidationError("pattern")


def _among(value: Any, options: Collection[str]) -> bool:
    return all(v in options for v in value) if isinstance(value, list) else value in options


class _Number(fields.Float):
    """A number that stays whole when it is whole; true and false are not numbers."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid")
        number = super()._deserialize(value, attr, data, **kwargs)
        return int(number) if number is not None and number == int(number) else number


class _Moment(fields.AwareDateTime):
    """A time with an offset that is a time in UTC as well."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("too_large") from error


class _Truth(fields.Boolean):
    """true or false, nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


_MEMBERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "textfield": (fields.String, {}),
    "textarea": (fields.String, {}),
    "number": (_Number, {"allow_nan": False}),
    "checkbox": (_Truth, {}),
    "select": (fields.String, {}),
    "radio": (fields.String, {}),
    "datetime": (_Moment, {"format": "iso"}),
    "checklist": (fields.List, {"cls_or_instance": fields.String()}),
    "taglist": (fields.List, {"cls_or_instance": fields.String()}),
}

_MESSAGES = {
    "required": "required",
    "null": "required",
    "invalid": "type",
    "invalid_utf8": "type",
    "too_large": "range",
    "special": "type",
    "invalid_awareness": "offset",
    "format": "type",
}

_SENTENCES = {
    "required": ("必填", "is required"),
    "type": ("类型或格式不对", "has the wrong type or format"),
    "offset": (
        "时间必须带时区,例如 2026-11-25T09:00:00+08:00",
        "needs a time with an offset, as 2026-11-25T09:00:00+08:00",
    ),
    "option": ("不在允许的取值之内", "is not one of the listed values"),
    "pattern": ("格式不符", "does not match the pattern"),
    "range": ("超出允许范围", "is out of range"),
    "short": ("太短", "is too short"),
    "long": ("太长", "is too long"),
    "unknown": ("表单没有此项", "is not a field of this form"),
}


def _sentence(code: str) -> dict[str, str]:
    zh, en = _SENTENCES.get(code, _SENTENCES["type"])
    return {"zh": zh, "en": en}


def _named(messages: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """marshmallow's messages (our short codes, or its text for an unknown field) as sentences by field."""
    found = {}
    for key, said in messages.items():
        code = said[0] if isinstance(said, list) else "type"
        found[str(key)] = _sentence("unknown" if code == "Unknown field." else str(code))
    return found
